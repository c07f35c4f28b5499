//! Lists that are not what they were: which of them a new snapshot changes, and how clients are told.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::era::Revision;
use super::message::notification;
use super::session::Session;
use super::{Server, prompts, resources};
use crate::registry::Snapshot;

/// A list that clients may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `tools/list`
    Tools,
    /// `prompts/list`
    Prompts,
    /// `resources/list` and `resources/templates/list`
    Resources,
}

impl List {
    /// All of them.
    pub const ALL: [List; 3] = [List::Tools, List::Prompts, List::Resources];

    /// What it is called in methods.
    fn name(self) -> &'static str {
        match self {
            List::Tools => "tools",
            List::Prompts => "prompts",
            List::Resources => "resources",
        }
    }

    /// The key of a filter of `subscriptions/listen` (2026-07-28) that asks for it.
    pub(super) fn filter(self) -> String {
        format!("{}ListChanged", self.name())
    }

    /// The notification that it changed.
    pub fn changed(self) -> Value {
        notification(&format!("notifications/{}/list_changed", self.name()), Value::Null)
    }

    /// Whether whoever saw `old` and sees `new` finds another list. What the newest revision shows is compared: the others
    /// show no more.
    pub(super) fn differs(self, old: &Snapshot, new: &Snapshot) -> bool {
        let newest = Revision::NEWEST_LEGACY;
        match self {
            List::Tools => !old.tools.iter().map(|s| &s.tool).eq(new.tools.iter().map(|s| &s.tool)),
            List::Prompts => !prompts::listed(old, newest).eq(prompts::listed(new, newest)),
            List::Resources => !resources::listed(old, newest).eq(resources::listed(new, newest)),
        }
    }
}

/// Tells which lists of one client change from now on: those of what it sees.
pub struct Changes<'a> {
    see: Box<dyn Fn() -> Arc<Snapshot> + Send + Sync + 'a>,
    generations: watch::Receiver<u64>,
    seen: Arc<Snapshot>,
    due: VecDeque<List>,
}

impl<'a> Changes<'a> {
    /// Of who sees what `see` gives, looked at anew with each of the `generations`.
    pub(super) fn from_now_on(
        mut generations: watch::Receiver<u64>,
        see: impl Fn() -> Arc<Snapshot> + Send + Sync + 'a,
    ) -> Changes<'a> {
        generations.mark_unchanged();
        Changes { seen: see(), see: Box::new(see), generations, due: VecDeque::new() }
    }

    /// Waits for the next list that changes; for ever where there is none. Nothing is lost when the wait is dropped.
    pub async fn next(&mut self) -> List {
        loop {
            if let Some(list) = self.due.pop_front() {
                return list;
            }
            if self.generations.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let now = (self.see)();
            self.due.extend(List::ALL.into_iter().filter(|list| list.differs(&self.seen, &now)));
            self.seen = now;
        }
    }
}

impl std::fmt::Debug for Changes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").field("due", &self.due).finish_non_exhaustive()
    }
}

impl Server {
    /// Tells which lists of a session change from now on.
    pub fn list_changes(self: &Arc<Self>, session: &Arc<Session>) -> Changes<'static> {
        let (server, session) = (Arc::clone(self), Arc::clone(session));
        Changes::from_now_on(self.changes(), move || server.seen_by(&session))
    }
}
