//! What is measured of loads and of what is served.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Registry, Snapshot, State};
use crate::metrics::Scrape;
use crate::process;

/// The loads since the start.
#[derive(Debug, Default)]
pub(super) struct Loads(Mutex<Counts>);

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    loads: u64,
    asked: u64,
    last: Duration,
}

impl Loads {
    /// A load took so long and asked so many plugins' programs.
    pub(super) fn ended(&self, took: Duration, asked: usize) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.loads += 1;
        counts.asked += asked as u64;
        counts.last = took;
    }
}

impl Registry {
    /// Tells what is served, what loads came to, and how many processes there are.
    pub fn measure(&self, scrape: &mut Scrape) {
        let snapshot = self.snapshot();
        scrape.sizes("plugins", "Plugins by how they stand", "state", states(&snapshot));
        scrape.size("tools", "Tools that are served", snapshot.tools.len());
        let counts = *self.loads.0.lock().unwrap_or_else(PoisonError::into_inner);
        scrape.counter("loads", "Looks at all plugins, the first included", counts.loads);
        scrape.counter("plugins_asked", "Plugins whose programs were asked by these", counts.asked);
        scrape.gauge("load_duration_seconds", "How long the last look took", counts.last.as_secs_f64());
        let processes = process::counts();
        let size = |count| usize::try_from(count).unwrap_or(usize::MAX);
        scrape.size("plugin_processes", "Processes of plugins that are there", size(processes.alive));
        let helpers = size(processes.helpers);
        scrape.size("plugin_processes_warm", "Of these, those that wait to fork for calls", helpers);
        let forked = "Calls of warm plugins that were forked, not started";
        scrape.counter("plugin_processes_forked", forked, processes.forked);
        scrape.counter("plugin_processes_started", "Processes of plugins ever started", processes.started);
    }
}

fn states(snapshot: &Snapshot) -> [(&'static str, usize); 3] {
    let count = |is: fn(&State) -> bool| snapshot.plugins.iter().filter(|p| is(&p.state)).count();
    [
        ("ready", count(|state| matches!(state, State::Ready))),
        ("stale", count(|state| matches!(state, State::Stale(_)))),
        ("failed", count(|state| matches!(state, State::Failed(_)))),
    ]
}
