//! Contract files (`schemas/<plugin>.json`): what is served of a plugin, for people to read, commit and compare, and for
//! starts that run no plugin at all.
//!
//! ```text
//! Contract ⇄ schemas/<plugin>.json                    deterministic; no time, path or host
//! Fingerprint → schemas/.cache/<plugin>.json          whether the contract is still true; may be thrown away
//! help pages → schemas/.cache/pages/<plugin>.json     for `smcp inspect`; may be thrown away
//! ```
//!
//! A contract is trusted only with a fingerprint that still holds: a fresh clone has none and asks the plugins once. This
//! module reads and writes files; it runs nothing, and it does not know how a contract comes about.

mod check;
pub mod files;
mod fingerprint;
mod store;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Command, Diagnostic, Tool};

pub use fingerprint::{Fingerprint, Subject, may_matter, places};
pub use store::{ContractError, Known, Store};

/// The version of the format of contract files. It counts up with every change that an older reader can't take.
pub const FORMAT_VERSION: u32 = 1;

/// The version of discovery: whatever changes what a program's help is taken to mean, or what tools look like, counts it
/// up, so that contracts of older versions are made anew.
pub const DISCOVERY_VERSION: u32 = 6;

/// A plugin's contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "smcp contract")]
pub struct Contract {
    /// The version of this format.
    pub format_version: u32,
    /// The plugin's name.
    pub plugin: String,
    /// The tools, in the order of the command tree.
    pub tools: Vec<Tool>,
    /// The command tree, with where each fact came from.
    pub command: Command,
    /// What the plugin's author should know, beyond what stands in the tree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

impl Contract {
    /// Gives back the room that lists keep to grow.
    pub(crate) fn shrink(&mut self) {
        self.tools.shrink_to_fit();
        for tool in &mut self.tools {
            tool.path.shrink_to_fit();
            tool.bindings.shrink_to_fit();
        }
        self.command.shrink();
    }

    /// A contract in the current format, without what files do not keep (lines of help pages, what the interpreter does
    /// to a `--` but once), so that it is equal to what will be read.
    pub fn new(
        plugin: &str,
        mut command: Command,
        tools: Vec<Tool>,
        diagnostics: Vec<Diagnostic>,
    ) -> Contract {
        let keeps_double_dash = command.parser.keeps_double_dash;
        forget(&mut command);
        command.parser.keeps_double_dash = keeps_double_dash;
        let diagnostics = diagnostics.into_iter().map(|d| Diagnostic { line: None, ..d }).collect();
        Contract { format_version: FORMAT_VERSION, plugin: plugin.to_owned(), tools, command, diagnostics }
    }

    /// The file's text: the same contract always gives the same bytes.
    ///
    /// # Panics
    /// Never: only maps with keys that aren't strings could not be written.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("all maps have strings as keys");
        text.push('\n');
        text
    }
}

fn forget(command: &mut Command) {
    command.parser.keeps_double_dash = None;
    command.arguments.iter_mut().for_each(|argument| argument.line = None);
    command.diagnostics.iter_mut().for_each(|diagnostic| diagnostic.line = None);
    command.subcommands.iter_mut().for_each(forget);
}

/// The JSON Schema of contract files, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Contract).to_value()
}
