//! Lists that are not what they were: which of them a new snapshot changes, and how clients are told.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::message::notification;
use super::{Backend, Server};
use crate::plugin::offers::{FileResource, Prompt, TemplateResource};
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

    fn differs(self, old: &Snapshot, new: &Snapshot) -> bool {
        match self {
            List::Tools => !old.tools.iter().map(|s| &s.tool).eq(new.tools.iter().map(|s| &s.tool)),
            List::Prompts => !prompts(old).eq(prompts(new)),
            List::Resources => !resources(old).eq(resources(new)),
        }
    }
}

fn prompts(snapshot: &Snapshot) -> impl Iterator<Item = (&str, &[Prompt])> {
    snapshot.plugins.iter().map(|p| (p.name.as_str(), p.offers.prompts.as_slice()))
}

fn resources(
    snapshot: &Snapshot,
) -> impl Iterator<Item = (&str, &[FileResource], &[TemplateResource], bool)> {
    let with_tools: HashSet<&str> = snapshot.tools.iter().map(|s| s.plugin.name.as_str()).collect();
    snapshot.plugins.iter().map(move |p| {
        // A plugin that has tools has a contract.
        let (name, offers) = (p.name.as_str(), &p.offers);
        (name, offers.resources.as_slice(), offers.templates.as_slice(), with_tools.contains(name))
    })
}

/// Tells which lists change from now on.
pub struct Changes {
    backend: Arc<dyn Backend>,
    generations: watch::Receiver<u64>,
    seen: Arc<Snapshot>,
    due: VecDeque<List>,
}

impl Changes {
    pub(super) fn from_now_on(backend: &Arc<dyn Backend>) -> Changes {
        let mut generations = backend.changes();
        generations.mark_unchanged();
        Changes { backend: backend.clone(), generations, seen: backend.snapshot(), due: VecDeque::new() }
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
            let now = self.backend.snapshot();
            self.due.extend(List::ALL.into_iter().filter(|list| list.differs(&self.seen, &now)));
            self.seen = now;
        }
    }
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").field("due", &self.due).finish_non_exhaustive()
    }
}

impl Server {
    /// Tells which lists change from now on.
    pub fn list_changes(&self) -> Changes {
        Changes::from_now_on(&self.backend)
    }
}
