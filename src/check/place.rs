//! Where a finding is best looked for.

use std::path::PathBuf;

use crate::config::Config;
use crate::contract::Store;
use crate::plugin;

use super::Finding;
use super::rules::{self, Kind, Rule};

/// What of a plugin a finding is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// Its committed contract.
    Contract,
    /// Its program; its manifest where the program has another name.
    Program,
    /// Its manifest, and the line (from 1) where that is known.
    Manifest(Option<usize>),
    /// All of it.
    Directory,
}

impl Place {
    /// That of a rule's findings.
    pub(super) fn of(rule: Rule) -> Place {
        match rule {
            rules::PLUGIN_SKIPPED => Place::Directory,
            Rule { kind: Kind::Drift, .. } if rule != rules::NOT_COMMITTED => Place::Contract,
            _ => Place::Program,
        }
    }
}

/// The file of a finding; none where it is about all plugins.
pub(super) fn file(config: &Config, finding: &Finding) -> Option<PathBuf> {
    finding.plugin.as_ref().map(|plugin| of_plugin(config, plugin, &finding.place))
}

/// What a finding says, with files of its plugin as seen from there: reports are for other machines too.
pub(super) fn from_within(config: &Config, finding: &Finding) -> String {
    let name = finding.plugin.as_deref().unwrap_or_default();
    match std::path::absolute(config.plugins_dir.join(name)) {
        Ok(directory) => finding.message.replace(&format!("{}/", directory.display()), ""),
        Err(_) => finding.message.clone(),
    }
}

/// A file of a plugin.
pub(super) fn of_plugin(config: &Config, plugin: &str, place: &Place) -> PathBuf {
    let directory = config.plugins_dir.join(plugin);
    let program = directory.join(plugin::PROGRAM);
    match place {
        Place::Contract => Store::new(&config.schemas_dir).contract_path(plugin),
        Place::Program if program.is_file() => program,
        Place::Program | Place::Manifest(_) => directory.join(plugin::MANIFEST),
        Place::Directory => directory,
    }
}
