//! What a plugin's author wants to know of a plugin: its commands, their arguments, where each fact came from, and what
//! is wrong, beside the lines of the help pages that told it.
//!
//! Snapshot + help pages + manifest → data that can be serialised, and text for a terminal. Pure.

mod phrase;
mod text;
mod tree;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::model::{Fact, Severity, Source, Tool, ToolOverride};
use crate::registry::{Plugin, Served, Snapshot};

pub use text::paint;

/// What of a snapshot is asked for.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Whose it is.
    pub plugin: &'a Plugin,
    /// The tools of that plugin that are to be shown.
    tools: Vec<&'a Tool>,
    /// Whether these are all that it has.
    whole: bool,
}

/// What belongs to a plugin and is in no snapshot.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Its help pages, keyed by the command's words joined with blanks; none where they were not kept.
    pub pages: BTreeMap<String, String>,
    /// What its manifest says of tools, keyed likewise.
    pub overrides: BTreeMap<String, ToolOverride>,
}

/// A plugin, or a part of it, as its author sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspected<'a> {
    name: &'a str,
    directory: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    diagnostics: Vec<Noted<'a>>,
    /// The commands on the way to a tool, parents first.
    commands: Vec<Level<'a>>,
    /// Leaf commands that are no tools: their help or the manifest leaves them out.
    left_out: Vec<String>,
    /// The tools as they are listed.
    tools: Vec<&'a Tool>,
}

/// A command.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Level<'a> {
    /// The plugin, then the words that lead to the command.
    command: String,
    /// The tool that it is; `None`: it only leads to others.
    tool: Option<&'a str>,
    description: Option<&'a str>,
    /// What of the tool the manifest says.
    manifest: Vec<&'static str>,
    arguments: Vec<Shown<'a>>,
    /// What its tool takes besides: the properties of the commands above.
    inherited: Vec<Inherited<'a>>,
    diagnostics: Vec<Noted<'a>>,
}

/// An argument.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    property: &'a str,
    label: String,
    /// Empty for a positional.
    flags: &'a [String],
    /// The type in one phrase.
    #[serde(rename = "type")]
    kind: String,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    choices: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    /// Where each fact came from; what is not named was assumed.
    provenance: &'a BTreeMap<Fact, Source>,
    /// Its entry on the help page.
    entry: Option<Quote>,
    /// The line of the usage that names it, where that told something.
    usage: Option<Quote>,
}

/// Some of a help page.
#[derive(Debug, Serialize)]
struct Quote {
    /// The first line, from 1.
    line: usize,
    text: String,
    /// The characters of the text that are meant, from 0 and without the last; `None`: all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    under: Option<(usize, usize)>,
}

#[derive(Debug, Serialize)]
struct Inherited<'a> {
    command: String,
    properties: Vec<&'a str>,
}

/// A diagnostic and the line that it is about.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Noted<'a> {
    severity: Severity,
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    argument: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<Quote>,
}

/// All plugins, or what `target` names: a plugin, a tool by any of its names, or a command that leads to tools
/// (`PLUGIN.COMMAND`). `None` where there is no such thing.
pub fn ask<'a>(snapshot: &'a Snapshot, target: Option<&str>) -> Option<Vec<Asked<'a>>> {
    let of = |plugin: &'a Plugin, tools: Vec<&'a Tool>, whole| Asked { plugin, tools, whole };
    let own = |plugin: &'a Plugin| {
        let own = snapshot.tools.iter().filter(|served| served.plugin.name == plugin.name);
        own.map(|served| served.tool.as_ref()).collect::<Vec<_>>()
    };
    let plugins = || snapshot.plugins.iter().map(AsRef::as_ref);
    let Some(target) = target else { return Some(plugins().map(|p| of(p, own(p), true)).collect()) };
    if let Some(plugin) = plugins().find(|plugin| plugin.name == target) {
        return Some(vec![of(plugin, own(plugin), true)]);
    }
    if let Some(Served { tool, plugin }) = snapshot.find(target) {
        return Some(vec![of(plugin, vec![tool], false)]);
    }
    plugins().find_map(|plugin| {
        let words: Vec<String> =
            target.strip_prefix(&plugin.name)?.strip_prefix('.')?.split('.').map(str::to_owned).collect();
        let chain = plugin.root.chain(&words)?;
        let path = chain.iter().skip(1).map(|command| &command.name);
        let under = |tool: &&Tool| tool.path.iter().take(words.len()).eq(path.clone());
        let tools: Vec<&Tool> = own(plugin).into_iter().filter(under).collect();
        (!tools.is_empty()).then(|| vec![of(plugin, tools, false)])
    })
}

/// What is to be told of it.
pub fn inspect<'a>(asked: &Asked<'a>, beside: &Beside) -> Inspected<'a> {
    let plugin = asked.plugin;
    let (state, reason) = plugin.state.told();
    let (diagnostics, commands) = tree::read(asked, beside);
    Inspected {
        name: &plugin.name,
        directory: plugin.directory.display().to_string(),
        state,
        reason,
        diagnostics,
        commands,
        left_out: if asked.whole { tree::left_out(asked) } else { Vec::new() },
        tools: asked.tools.clone(),
    }
}

#[cfg(test)]
mod tests;
