//! Which tools a client sees: its profile, what its session changed of that, and the part of a snapshot that comes of it.
//!
//! A view is made once a snapshot and profile, and once a change of a session. Without profiles everybody sees all.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::profile::{Profile, ProfileError, Profiles};
use crate::registry::Snapshot;

/// The profile that a client came under. Settled once for each request, or for a whole session.
#[derive(Clone, Debug, Default)]
pub struct Access(Option<Under>);

#[derive(Clone, Debug)]
struct Under {
    profile: Arc<Profile>,
    /// It came with a key that opens this profile and no other.
    bound: bool,
}

/// Why a client can't have the profile that it asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is none of that name.
    #[error("{0}")]
    Unknown(String),
    /// Its key opens another one only.
    #[error("this key opens the profile `{0}` and no other")]
    Bound(String),
}

impl Access {
    /// To every tool, where no profiles are configured.
    pub fn everything() -> Access {
        Access(None)
    }

    /// The profile; `None` where there are none.
    pub fn profile(&self) -> Option<&Arc<Profile>> {
        self.0.as_ref().map(|under| &under.profile)
    }

    /// The profile that the client's key opens alone.
    pub(super) fn bound(&self) -> Option<&Arc<Profile>> {
        self.0.as_ref().filter(|under| under.bound).map(|under| &under.profile)
    }
}

impl PartialEq for Access {
    fn eq(&self, other: &Access) -> bool {
        let key = |access: &Access| access.0.as_ref().map(|u| (u.profile.name.clone(), u.bound));
        key(self) == key(other)
    }
}

/// All profiles, and what each of them shows of the current snapshot.
#[derive(Debug)]
pub(super) struct Governor {
    profiles: Arc<Profiles>,
    views: HashMap<String, View>,
}

impl Governor {
    pub(super) fn new(profiles: Arc<Profiles>) -> Governor {
        let views = profiles.iter().map(|profile| (profile.name.clone(), View::default())).collect();
        Governor { profiles, views }
    }

    pub(super) fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// The access of a client that asks for the profile `named`, with a key that opens `bound` alone.
    pub(super) fn access(&self, named: Option<&str>, bound: Option<&str>) -> Result<Access, Denied> {
        if let (Some(named), Some(bound)) = (named, bound)
            && named != bound
        {
            return Err(Denied::Bound(bound.to_owned()));
        }
        let profile = match named.or(bound) {
            Some(name) => {
                self.profiles.get(name).map_err(|e: ProfileError| Denied::Unknown(e.to_string()))?
            }
            None => Arc::clone(self.profiles.first()),
        };
        Ok(Access(Some(Under { profile, bound: bound.is_some() })))
    }

    /// What a profile shows of a snapshot.
    pub(super) fn view(&self, snapshot: &Arc<Snapshot>, profile: &Profile) -> Arc<Snapshot> {
        match self.views.get(&profile.name) {
            Some(view) if !profile.is_full() => view.of(snapshot, |tool| profile.admits(tool), false),
            _ => Arc::clone(snapshot),
        }
    }
}

/// A part of the last snapshot that was asked for.
#[derive(Debug, Default)]
struct View(Mutex<Option<(Weak<Snapshot>, Arc<Snapshot>)>>);

impl View {
    fn of(&self, whole: &Arc<Snapshot>, keep: impl Fn(&str) -> bool, toolless: bool) -> Arc<Snapshot> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some((of, view)) if std::ptr::eq(of.as_ptr(), Arc::as_ptr(whole)) => Arc::clone(view),
            _ => {
                let view = Arc::new(whole.narrowed(keep, toolless));
                *made = Some((Arc::downgrade(whole), Arc::clone(&view)));
                view
            }
        }
    }
}

/// What a session sees after it attached or detached something.
#[derive(Debug)]
pub(super) struct Selection {
    /// The profile that it starts from.
    pub(super) profile: Arc<Profile>,
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
    view: View,
}

impl Selection {
    /// What the profile says, nothing else.
    pub(super) fn of(profile: Arc<Profile>) -> Selection {
        Selection { profile, added: BTreeSet::new(), removed: BTreeSet::new(), view: View::default() }
    }

    /// Whether it holds the tool, as far as the access goes.
    pub(super) fn admits(&self, access: &Access, tool: &str) -> bool {
        let within = access.bound().is_none_or(|profile| profile.admits(tool));
        within && (self.added.contains(tool) || (self.profile.admits(tool) && !self.removed.contains(tool)))
    }

    /// With these tools attached, or detached, as well. It remembers only tools that are `known`, so that it can't
    /// grow beyond what is served.
    pub(super) fn changed(&self, tools: &[String], attached: bool, known: &Snapshot) -> Selection {
        let mut next = Selection::of(Arc::clone(&self.profile));
        (next.added, next.removed) = (self.added.clone(), self.removed.clone());
        for tool in tools {
            next.added.remove(tool);
            next.removed.remove(tool);
            if self.profile.admits(tool) != attached {
                if attached { &mut next.added } else { &mut next.removed }.insert(tool.clone());
            }
        }
        let is_known = |tool: &String| known.tool(tool).is_some();
        next.added.retain(is_known);
        next.removed.retain(is_known);
        next
    }

    /// What it shows of a snapshot.
    pub(super) fn view(&self, snapshot: &Arc<Snapshot>, access: &Access) -> Arc<Snapshot> {
        self.view.of(snapshot, |tool| self.admits(access, tool), self.profile.is_full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::tools::tests::snapshot;

    fn governor() -> Governor {
        let text = r#"{"profiles": {
            "a": {"mode": "prefix", "prefix": "a"},
            "b": {"mode": "explicit", "tools": ["b1", "a1"]}
        }}"#;
        let document = crate::profile::parse(text).unwrap();
        Governor::new(Arc::new(Profiles::of(vec![document], None, Some("a")).unwrap()))
    }

    fn whole() -> Arc<Snapshot> {
        Arc::new(snapshot(["a1", "a2", "b1", "b2"].into_iter().map(String::from)))
    }

    fn names(snapshot: &Snapshot) -> Vec<&str> {
        snapshot.tools.iter().map(|s| s.tool.name.as_str()).collect()
    }

    #[test]
    fn the_path_or_the_key_chooses_and_a_key_binds() {
        let governor = governor();
        let of = |named, bound| governor.access(named, bound).map(|a| a.profile().unwrap().name.clone());
        assert_eq!(of(None, None).as_deref(), Ok("a"));
        assert_eq!(of(Some("full"), None).as_deref(), Ok("full"));
        assert_eq!(of(None, Some("b")).as_deref(), Ok("b"));
        assert_eq!(of(Some("b"), Some("b")).as_deref(), Ok("b"));
        assert_eq!(of(Some("full"), Some("b")), Err(Denied::Bound("b".into())));
        assert_eq!(of(Some("none"), Some("b")), Err(Denied::Bound("b".into())), "nothing is told of others");
        assert!(matches!(of(Some("none"), None), Err(Denied::Unknown(_))));
        assert_ne!(governor.access(Some("b"), None), governor.access(None, Some("b")));
    }

    #[test]
    fn a_view_is_made_once_a_snapshot() {
        let (governor, first, second) = (governor(), whole(), whole());
        let profile = |name| governor.profiles().get(name).unwrap();
        let made = governor.view(&first, &profile("b"));
        assert_eq!((names(&made), made.plugins.len()), (vec!["a1", "b1"], 1));
        assert!(Arc::ptr_eq(&made, &governor.view(&first, &profile("b"))));
        assert!(!Arc::ptr_eq(&made, &governor.view(&second, &profile("b"))));
        assert!(Arc::ptr_eq(&first, &governor.view(&first, &profile("full"))));
        assert_eq!(names(&governor.view(&second, &profile("a"))), ["a1", "a2"]);
    }

    #[test]
    fn a_selection_stays_within_the_access_and_forgets_what_is_gone() {
        let (governor, whole) = (governor(), whole());
        let free = governor.access(Some("a"), None).unwrap();
        let bound = governor.access(None, Some("a")).unwrap();
        let start = Selection::of(governor.profiles().get("a").unwrap());
        let changed = start.changed(&["b1".into()], true, &whole).changed(&["a1".into()], false, &whole);
        assert_eq!(names(&changed.view(&whole, &free)), ["a2", "b1"]);
        let seen = names(&Selection { view: View::default(), ..changed }.view(&whole, &bound)).join(" ");
        assert_eq!(seen, "a2");
        let again = start.changed(&["a1".into()], false, &whole).changed(&["a1".into()], true, &whole);
        assert_eq!((again.added.len(), again.removed.len()), (0, 0));
        let gone =
            start.changed(&["b1".into()], true, &whole).changed(&[], true, &snapshot(std::iter::empty()));
        assert!(gone.added.is_empty());
    }
}
