//! A part of a snapshot, itself a snapshot: what somebody sees who doesn't see all.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Plugin, Snapshot};

impl Snapshot {
    /// The tools that `keep` lets through by name, with the plugins that have any of these. Plugins that have no tools
    /// at all are there where `toolless` says so: nothing chooses them by their tools.
    #[must_use]
    pub fn narrowed(&self, keep: impl Fn(&str) -> bool, toolless: bool) -> Snapshot {
        let tools: Vec<_> = self.tools.iter().filter(|served| keep(&served.tool.name)).cloned().collect();
        let address = |plugin: &Arc<Plugin>| Arc::as_ptr(plugin);
        let seen: HashSet<_> = tools.iter().map(|served| address(&served.plugin)).collect();
        let with_tools: HashSet<_> = self.tools.iter().map(|served| address(&served.plugin)).collect();
        let stays = |plugin: &Arc<Plugin>| {
            seen.contains(&address(plugin)) || (toolless && !with_tools.contains(&address(plugin)))
        };
        let plugins = self.plugins.iter().filter(|plugin| stays(plugin)).cloned().collect();
        Snapshot { generation: self.generation, plugins, tools }
    }
}
