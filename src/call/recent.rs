//! The last calls: which tool, when, how long, how it ended. Neither arguments nor results: those are the users' own.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::series::Series;

/// Calls that are remembered: what fits on a few screens.
pub const KEPT: usize = 200;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Counts calls from 1.
    pub id: u64,
    /// The tool's name.
    pub tool: String,
    /// When it began, in milliseconds since 1970.
    pub began_ms: u64,
    /// How long it took, in milliseconds; `None`: it runs.
    pub took_ms: Option<u64>,
    /// `ok`, `asks` (back), an error's code (`error` where it has none), or `cancelled` where nobody waited; `None`: it
    /// runs.
    pub outcome: Option<String>,
}

/// Remembers the last calls.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// What is counted of all calls, the forgotten ones too.
    pub(super) series: Series,
    ids: AtomicU64,
    records: Mutex<VecDeque<Record>>,
}

impl Recent {
    /// Notes that a call begins. The oldest one is forgotten where too many are kept.
    pub(super) fn begin(&self, tool: &str) -> Note<'_> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed) + 1;
        let began_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, milliseconds);
        let record = Record { id, tool: tool.to_owned(), began_ms, took_ms: None, outcome: None };
        self.with(|records| {
            records.truncate(KEPT - 1);
            records.push_front(record);
        });
        let (tool, outcome) = (tool.to_owned(), "cancelled".to_owned());
        Note { recent: self, id, tool, began: Instant::now(), outcome }
    }

    /// All that is remembered, the newest first.
    pub(super) fn list(&self) -> Vec<Record> {
        self.with(|records| records.iter().cloned().collect())
    }

    fn with<T>(&self, act: impl FnOnce(&mut VecDeque<Record>) -> T) -> T {
        act(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A call that runs; it has ended when this is dropped.
pub(super) struct Note<'a> {
    recent: &'a Recent,
    id: u64,
    tool: String,
    began: Instant,
    outcome: String,
}

impl Note<'_> {
    /// Notes how the call ended.
    pub(super) fn end(mut self, outcome: &str) {
        outcome.clone_into(&mut self.outcome);
    }
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.recent.series.ended(&self.tool, &self.outcome, took);
        let took = milliseconds(took);
        self.recent.with(|records| {
            if let Some(record) = records.iter_mut().find(|r| r.id == self.id) {
                record.took_ms = Some(took);
                record.outcome = Some(std::mem::take(&mut self.outcome));
            }
        });
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_newest_first_with_their_ends() {
        let recent = Recent::default();
        recent.begin("a").end("ok");
        drop(recent.begin("b"));
        let runs = recent.begin("c");
        let told: Vec<_> = recent.list().into_iter().map(|r| (r.id, r.tool, r.outcome)).collect();
        let expected = [(3, "c", None), (2, "b", Some("cancelled")), (1, "a", Some("ok"))];
        assert_eq!(
            told,
            expected.map(|(id, tool, outcome)| (id, tool.to_owned(), outcome.map(str::to_owned)))
        );
        assert!(recent.list()[0].took_ms.is_none() && recent.list()[1].took_ms.is_some());
        runs.end("timeout");
        assert_eq!(recent.list()[0].outcome.as_deref(), Some("timeout"));
    }

    #[test]
    fn only_the_last_are_kept_and_a_forgotten_one_may_end() {
        let recent = Recent::default();
        let first = recent.begin("first");
        (0..KEPT).for_each(|_| recent.begin("t").end("ok"));
        first.end("ok");
        let list = recent.list();
        assert_eq!((list.len(), list[0].id), (KEPT, KEPT as u64 + 1));
        assert!(list.iter().all(|r| r.tool == "t"));
    }
}
