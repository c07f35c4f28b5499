//! [`Command`] → [`Tool`]s. Stub, being written.

use std::collections::BTreeMap;

use crate::model::{Command, Diagnostic, Tool, ToolOverride};

/// The tools of one plugin, with what its author should know about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tools {
    /// One for each leaf that is served, in the order of the tree.
    pub tools: Vec<Tool>,
    /// Names shortened, arguments that no tool can offer, …
    pub diagnostics: Vec<Diagnostic>,
}

/// Makes the tools of a plugin. `overrides` come from its manifest, keyed by the command path joined with blanks.
pub fn tools(plugin: &str, root: &Command, overrides: &BTreeMap<String, ToolOverride>) -> Tools {
    let _ = (plugin, root, overrides);
    Tools::default()
}

/// Gives distinct names to tools of different plugins that claim the same one (also names that differ only in case
/// or in `-` and `_`, where clients would mix them up): each gets the readable prefix and a short hash of its own.
/// Returns what was renamed: (index, old name).
pub fn separate(tools: &mut [(&str, &mut Tool)]) -> Vec<(usize, String)> {
    let _ = tools;
    Vec::new()
}
