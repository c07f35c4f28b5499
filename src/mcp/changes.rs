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

/// What a client saw when it was last told what changed; nothing before the first look.
#[derive(Debug, Default)]
pub(super) struct LastView(Option<Arc<Snapshot>>);

impl LastView {
    /// The lists that are others in what it sees now, which takes the place of what it saw.
    pub(super) fn renew(&mut self, now: Arc<Snapshot>) -> Vec<List> {
        let earlier = self.0.replace(Arc::clone(&now));
        let differs = |list: &List| earlier.as_ref().is_some_and(|earlier| list.differs(earlier, &now));
        List::ALL.into_iter().filter(differs).collect()
    }
}

/// Tells which lists of one client change from now on: those of what it sees.
pub struct Changes<'a> {
    look: Box<dyn FnMut() -> Vec<List> + Send + Sync + 'a>,
    generations: watch::Receiver<u64>,
    due: VecDeque<List>,
}

impl<'a> Changes<'a> {
    /// Of who sees what `see` gives, looked at anew with each of the `generations`.
    pub(super) fn from_now_on(
        generations: watch::Receiver<u64>,
        see: impl Fn() -> Arc<Snapshot> + Send + Sync + 'a,
    ) -> Changes<'a> {
        let mut last = LastView::default();
        Changes::by(generations, move || last.renew(see()))
    }

    /// Of who finds with each `look` what changed since the one before.
    fn by(
        mut generations: watch::Receiver<u64>,
        mut look: impl FnMut() -> Vec<List> + Send + Sync + 'a,
    ) -> Changes<'a> {
        generations.mark_unchanged();
        // What changed up to now is for nobody.
        look();
        Changes { look: Box::new(look), generations, due: VecDeque::new() }
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
            self.due.extend((self.look)());
        }
    }
}

impl std::fmt::Debug for Changes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").field("due", &self.due).finish_non_exhaustive()
    }
}

impl Server {
    /// Tells which lists of a session change from now on, but for those that its own choices change.
    pub fn list_changes(self: &Arc<Self>, session: &Arc<Session>) -> Changes<'static> {
        let (server, session) = (Arc::clone(self), Arc::clone(session));
        Changes::by(self.changes(), move || session.look(|| server.seen_by(&session)))
    }
}
