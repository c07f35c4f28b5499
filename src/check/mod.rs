//! `smcp check`: what continuous integration wants to know of a directory of plugins.
//!
//! ```text
//! plugins ── fresh load ──→ drift (against the committed contracts)
//!                       ├─→ lint
//!                       └─→ prove (sample → argv → the plugin's own parser)   → Report → report::text
//! ```
//!
//! Plugins are always asked anew, into a schemas directory of the check's own; the committed one is only read, unless
//! it is to be updated. `drift`, `lint`, `sample`, `meaning`, `shrink` and `report` are pure.

mod drift;
mod lint;
mod meaning;
mod place;
mod prove;
pub mod report;
pub mod rules;
mod sample;
mod shape;
mod shrink;

use std::path::PathBuf;

use serde::Serialize;

use crate::config::Config;
use crate::contract::{Known, Store};
use crate::model::{Severity, Tool};
use crate::plugin::manifest;
use crate::registry::{Plugin, Progress, Registry, Snapshot, State};

use place::Place;
use rules::{Class, Kind, Rule};

pub use prove::Proof;

/// What to check.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The plugins; none: all.
    pub plugins: Vec<String>,
    /// Write the contracts anew.
    pub update: bool,
    /// Prove so many calls of each tool, made from this seed.
    pub prove: Option<Trials>,
}

/// Which calls are proven.
#[derive(Clone, Copy, Debug)]
pub struct Trials {
    /// How many of each tool.
    pub calls: usize,
    /// Other calls for another one, the same calls for the same one.
    pub seed: u64,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Which part of the check found it.
    pub kind: Kind,
    /// For drift: what it means for those who call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// The rule: one of [`rules::ALL`], or the code of a diagnostic of the plugin.
    pub code: String,
    /// The plugin; none where it is about all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The tool's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The argument's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
    /// What is the matter.
    pub message: String,
    /// The file that it is best looked for in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The line (from 1), where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What of the plugin it is about.
    #[serde(skip)]
    place: Place,
    /// The contract was written anew, so this is settled.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub written: bool,
}

impl Finding {
    fn new(rule: Rule, plugin: &str, message: impl Into<String>) -> Finding {
        Finding {
            severity: rule.severity,
            kind: rule.kind,
            class: rule.class,
            code: rule.code.to_owned(),
            plugin: Some(plugin.to_owned()),
            tool: None,
            argument: None,
            message: message.into(),
            file: None,
            line: None,
            place: Place::of(rule),
            written: false,
        }
    }

    fn tool(self, tool: &str) -> Finding {
        Finding { tool: Some(tool.to_owned()), ..self }
    }

    fn argument(self, argument: &str) -> Finding {
        Finding { argument: Some(argument.to_owned()), ..self }
    }

    fn located(&mut self, config: &Config) {
        self.file = place::file(config, self);
        if let Place::Manifest(line) = self.place {
            self.line = line;
        }
        // Contracts are told of as they are.
        if self.kind != Kind::Drift {
            self.message = place::from_within(config, self);
        }
    }
}

/// What a check came to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The plugins that were checked, in the order of names.
    pub plugins: Vec<String>,
    /// How many tools they have.
    pub tools: usize,
    /// What the list of these costs a model, estimated.
    pub tokens: usize,
    /// What was proven, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The file of the first plugin, for readers that need one also where a finding is about all of them.
    #[serde(skip)]
    pub anywhere: Option<PathBuf>,
    /// All that was found: by plugin and part of the check, the worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The findings of at least that severity that are not settled.
    pub fn denied(&self, from: Severity) -> usize {
        self.findings.iter().filter(|finding| is_denied(finding, from)).count()
    }
}

fn is_denied(finding: &Finding, from: Severity) -> bool {
    finding.severity >= from && !finding.written
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There are no plugins to check.
    #[error("{0}")]
    NoPlugins(String),
    /// One that was named is not there.
    #[error("no plugin `{name}`; there are: {known}")]
    NoSuchPlugin {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// One that was named is a directory that is no plugin.
    #[error("`{name}` is no plugin: {reason}")]
    Skipped {
        /// The name.
        name: String,
        /// Why.
        reason: String,
    },
    /// There is no room for the check's own files.
    #[error("no temporary directory")]
    NoRoom(#[source] std::io::Error),
    /// A contract can't be written or taken away.
    #[error("the contract {} can't be written", path.display())]
    Unwritable {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Checks the plugins of a configuration. Nothing is written unless it is asked to update.
///
/// # Errors
/// Whatever keeps it from checking at all; what is wrong with a plugin is a finding.
pub async fn run(config: &Config, asked: &Asked, progress: &dyn Progress) -> Result<Report, CheckError> {
    let own = tempfile::Builder::new().prefix("smcp-check-").tempdir().map_err(CheckError::NoRoom)?;
    let fresh = Config { schemas_dir: own.path().to_owned(), ..config.clone() };
    let registry = Registry::load_only(&fresh, &asked.plugins, progress).await;
    let snapshot = registry.snapshot();
    can_check(&registry, &snapshot, &asked.plugins)?;
    let stores = Stores { fresh: Store::new(own.path()), committed: Store::new(&config.schemas_dir) };
    let mut findings = skipped(&registry, &asked.plugins);
    for plugin in &snapshot.plugins {
        let tools = tools_of(&snapshot, &plugin.name);
        findings.extend(lint::plugin(plugin, manifest::read(&plugin.directory).err(), &tools));
        findings.extend(stores.drift(plugin, asked.update)?);
    }
    if asked.plugins.is_empty() {
        findings.extend(stores.gone(&snapshot, asked.update)?);
    }
    let all: Vec<&Tool> = snapshot.tools.iter().map(|served| served.tool.as_ref()).collect();
    findings.extend(lint::list(&all));
    let mut proof = None;
    if let Some(trials) = asked.prove {
        let (found, figures) = prove::all(config, &snapshot, trials).await;
        findings.extend(found);
        proof = Some(figures);
    }
    findings.iter_mut().for_each(|finding| finding.located(config));
    findings.sort_by(|a, b| (&a.plugin, a.kind, b.severity).cmp(&(&b.plugin, b.kind, a.severity)));
    let plugins: Vec<String> = snapshot.plugins.iter().map(|plugin| plugin.name.clone()).collect();
    let anywhere = plugins.first().map(|plugin| place::of_plugin(config, plugin, &Place::Program));
    Ok(Report { plugins, tools: all.len(), tokens: lint::tokens(&all), proof, anywhere, findings })
}

fn can_check(registry: &Registry, snapshot: &Snapshot, named: &[String]) -> Result<(), CheckError> {
    let report = registry.report();
    if let Some(problem) = report.problems.iter().find(|problem| problem.severity == Severity::Error) {
        return Err(CheckError::NoPlugins(problem.message.clone()));
    }
    let missing = named.iter().find(|name| !snapshot.plugins.iter().any(|plugin| plugin.name == **name));
    let Some(name) = missing.cloned() else { return Ok(()) };
    Err(match report.skipped_for(&name) {
        Some(reason) => CheckError::Skipped { name, reason: reason.to_owned() },
        None => CheckError::NoSuchPlugin { name, known: registry.found().join(", ") },
    })
}

fn tools_of<'a>(snapshot: &'a Snapshot, plugin: &str) -> Vec<&'a Tool> {
    let own = snapshot.tools.iter().filter(|served| served.plugin.name == plugin);
    own.map(|served| served.tool.as_ref()).collect()
}

/// Directories that are no plugins although they look like some.
fn skipped(registry: &Registry, named: &[String]) -> Vec<Finding> {
    let report = registry.report();
    let meant = report.skipped.iter().filter(|_| named.is_empty());
    meant
        .map(|skipped| Finding {
            severity: skipped.severity,
            ..Finding::new(rules::PLUGIN_SKIPPED, &skipped.name, &skipped.reason)
        })
        .collect()
}

/// The contracts of this check, and the committed ones.
struct Stores {
    fresh: Store,
    committed: Store,
}

impl Stores {
    /// The differences of one plugin, which are settled where its contract is written.
    fn drift(&self, plugin: &Plugin, update: bool) -> Result<Vec<Finding>, CheckError> {
        // What can't be served has no contract; what is committed stays.
        let Ok(Some(fresh)) = self.fresh.read(&plugin.name) else { return Ok(Vec::new()) };
        if plugin.state != State::Ready {
            return Ok(Vec::new());
        }
        let mut found = match self.committed.read(&plugin.name) {
            Ok(Some(committed)) => drift::compare(&committed.contract, &fresh.contract),
            Ok(None) => vec![Finding::new(
                rules::NOT_COMMITTED,
                &plugin.name,
                "it has no committed contract; `smcp check --update` writes one",
            )],
            Err(error) => {
                vec![Finding::new(rules::CONTRACT_UNUSABLE, &plugin.name, error.to_string())]
            }
        };
        if update {
            self.write(&plugin.name, &fresh).map_err(|source| self.unwritable(&plugin.name, source))?;
            found.iter_mut().for_each(|finding| finding.written = true);
        }
        Ok(found)
    }

    fn write(&self, plugin: &str, fresh: &Known) -> std::io::Result<()> {
        let fingerprint = self.fresh.fingerprint(plugin, Some(fresh)).unwrap_or_default();
        let pages = self.fresh.pages(plugin).unwrap_or_default();
        self.committed.write(&fresh.contract, &fingerprint, &pages)
    }

    fn unwritable(&self, plugin: &str, source: std::io::Error) -> CheckError {
        CheckError::Unwritable { path: self.committed.contract_path(plugin), source }
    }

    /// Contracts of plugins that are not there any more.
    fn gone(&self, snapshot: &Snapshot, update: bool) -> Result<Vec<Finding>, CheckError> {
        let there = |name: &String| snapshot.plugins.iter().any(|plugin| plugin.name == *name);
        let mut found = Vec::new();
        for name in self.committed.names().into_iter().filter(|name| !there(name)) {
            // Only what is a contract is one of a plugin.
            let Ok(Some(_)) = self.committed.read(&name) else { continue };
            let mut finding =
                Finding::new(rules::PLUGIN_GONE, &name, "its contract is committed, and it is not there");
            if update {
                self.committed.remove(&name).map_err(|source| self.unwritable(&name, source))?;
                finding.written = true;
            }
            found.push(finding);
        }
        Ok(found)
    }
}
