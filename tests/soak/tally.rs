//! What has happened so far, by kind of call and transport, and what went wrong.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// Faults that are told word by word; more of a kind are counted.
const TOLD: usize = 5;

#[derive(Default)]
pub(crate) struct Tally {
    /// Held by each call, so that whoever measures can wait for none to run.
    pub(crate) gate: tokio::sync::RwLock<()>,
    calls: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    other: Mutex<BTreeMap<&'static str, u64>>,
    longest: Mutex<Duration>,
    faults: Mutex<BTreeMap<&'static str, (u64, Vec<String>)>>,
}

impl Tally {
    /// A call of this kind over this transport came to its right end.
    pub(crate) fn call(&self, kind: &'static str, transport: &'static str) {
        *self.calls.lock().unwrap().entry((kind, transport)).or_default() += 1;
    }

    /// Something else was done.
    pub(crate) fn did(&self, what: &'static str) {
        *self.other.lock().unwrap().entry(what).or_default() += 1;
    }

    /// A change of a plugin has shown after so long.
    pub(crate) fn waited(&self, long: Duration) {
        let mut longest = self.longest.lock().unwrap();
        *longest = long.max(*longest);
    }

    pub(crate) fn longest(&self) -> Duration {
        *self.longest.lock().unwrap()
    }

    /// Something is wrong.
    pub(crate) fn fault(&self, what: &'static str, how: &str) {
        let mut faults = self.faults.lock().unwrap();
        let (count, told) = faults.entry(what).or_default();
        *count += 1;
        if told.len() < TOLD {
            told.push(how.chars().take(600).collect());
        }
    }

    pub(crate) fn calls(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn others(&self) -> BTreeMap<&'static str, u64> {
        self.other.lock().unwrap().clone()
    }

    /// How often, and the first few of them.
    pub(crate) fn faults_of(&self, what: &str) -> (u64, Vec<String>) {
        self.faults.lock().unwrap().get(what).cloned().unwrap_or_default()
    }

    /// What went wrong that none of these names.
    pub(crate) fn other_faults(&self, names: &[&str]) -> Vec<String> {
        let faults = self.faults.lock().unwrap();
        let others = faults.iter().filter(|(what, _)| !names.contains(what));
        others.map(|(what, (count, told))| format!("{what} ({count}): {told:?}")).collect()
    }
}
