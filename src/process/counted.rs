//! How many processes this one has started, and how many of them are there now.

use std::sync::atomic::{AtomicU64, Ordering};

static STARTED: AtomicU64 = AtomicU64::new(0);
static ALIVE: AtomicU64 = AtomicU64::new(0);
static HELPERS: AtomicU64 = AtomicU64::new(0);
static FORKED: AtomicU64 = AtomicU64::new(0);

/// Processes of this one: those of calls and those that are asked for their help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Ever started.
    pub started: u64,
    /// Started, and neither they nor their groups have been ended yet.
    pub alive: u64,
    /// Of these, the helpers that wait for calls.
    pub helpers: u64,
    /// Of those ever started, the calls that a helper has forked.
    pub forked: u64,
}

/// The counts now.
pub fn counts() -> Counts {
    let counts = [&STARTED, &ALIVE, &HELPERS, &FORKED].map(|count| count.load(Ordering::Relaxed));
    let [started, alive, helpers, forked] = counts;
    Counts { started, alive, helpers, forked }
}

/// A process that was started; it is counted as there until this is dropped.
#[derive(Debug)]
pub(super) struct Counted(());

impl Counted {
    pub(super) fn new() -> Counted {
        STARTED.fetch_add(1, Ordering::Relaxed);
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Counted(())
    }

    /// One that a helper has forked.
    pub(super) fn forked() -> Counted {
        FORKED.fetch_add(1, Ordering::Relaxed);
        Counted::new()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A helper that is ready; it is counted as there until this is dropped.
#[derive(Debug)]
pub(super) struct CountedHelper(());

impl CountedHelper {
    pub(super) fn new() -> CountedHelper {
        HELPERS.fetch_add(1, Ordering::Relaxed);
        CountedHelper(())
    }
}

impl Drop for CountedHelper {
    fn drop(&mut self) {
        HELPERS.fetch_sub(1, Ordering::Relaxed);
    }
}
