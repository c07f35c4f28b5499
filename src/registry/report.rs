//! What a load came upon, as data: whoever starts the server prints it.

use crate::model::Diagnostic;
use crate::plugin::discover::Skipped;

use super::{Snapshot, State};

/// What a load came upon besides plugins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The names of all plugins, in order.
    pub found: Vec<String>,
    /// Entries of the plugins directory that are not served, and why.
    pub skipped: Vec<Skipped>,
    /// What concerns no single plugin: no plugins directory, a schemas directory that can't be written.
    pub problems: Vec<Diagnostic>,
    /// Plugins whose programs were asked; the others were known from their contracts.
    pub discovered: usize,
}

impl Report {
    /// Why the entry of that name is not served.
    pub fn skipped_for(&self, name: &str) -> Option<&str> {
        self.skipped.iter().find(|skipped| skipped.name == name).map(|skipped| skipped.reason.as_str())
    }
}

/// The lines of a start, as data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Plugins that are served, stale ones included.
    pub plugins: usize,
    /// Tools that are served.
    pub tools: usize,
    /// Plugins whose programs were asked.
    pub discovered: usize,
    /// Plugins that serve their last good contract, and why.
    pub stale: Vec<(String, String)>,
    /// Plugins of which nothing is served, and why.
    pub failed: Vec<(String, String)>,
    /// Entries of the plugins directory that are no plugins.
    pub skipped: Vec<Skipped>,
    /// What concerns no single plugin.
    pub problems: Vec<Diagnostic>,
}

impl Summary {
    pub(super) fn new(snapshot: &Snapshot, report: &Report) -> Summary {
        let mut summary = Summary {
            tools: snapshot.tools.len(),
            discovered: report.discovered,
            skipped: report.skipped.clone(),
            problems: report.problems.clone(),
            ..Summary::default()
        };
        for plugin in &snapshot.plugins {
            match &plugin.state {
                State::Ready => summary.plugins += 1,
                State::Stale(reason) => {
                    summary.plugins += 1;
                    summary.stale.push((plugin.name.clone(), reason.clone()));
                }
                State::Failed(reason) => summary.failed.push((plugin.name.clone(), reason.clone())),
            }
        }
        summary
    }
}
