//! Pages of lists, written once and given to everyone who asks for the same.
//!
//! Snapshot + what is asked → JSON. A page is kept as long as its snapshot, or view of one, is served; so a list
//! costs its bytes, however many plugins it comes from.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;

use super::era::Revision;
use super::message::{Answer, Params, RpcError, Written};
use super::page;
use crate::registry::Snapshot;

/// Snapshots and views that pages are kept of: the oldest goes. Profiles are few; only sessions that each choose their
/// own tools can be more, and for those over it a list is written anew.
const VIEWS: usize = 32;

/// What there are lists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Listed {
    Tools,
    Resources,
    Templates,
    Prompts,
}

/// Which list it is, of those that one snapshot gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    pub(super) listed: Listed,
    pub(super) revision: Revision,
    /// With the tool by which a session chooses its tools.
    pub(super) choosing: bool,
}

/// All pages that are kept.
#[derive(Debug, Default)]
pub(super) struct Lists(Mutex<VecDeque<Kept>>);

/// The pages of one snapshot, by the cursor that leads to each.
#[derive(Debug)]
struct Kept {
    of: Weak<Snapshot>,
    pages: HashMap<(Kind, Option<String>), Page>,
}

#[derive(Debug)]
struct Page {
    text: Written,
    next: Option<String>,
}

impl Lists {
    /// The page that `params` ask for: the one that is kept, or what `make` makes.
    pub(super) fn page(
        &self,
        snapshot: &Arc<Snapshot>,
        kind: Kind,
        params: &Params,
        make: impl FnOnce() -> Result<Value, RpcError>,
    ) -> Result<Answer, RpcError> {
        let key = (kind, page::cursor_in(params)?.map(str::to_owned));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.iter().find(|kept| kept.is_of(snapshot)).and_then(|kept| kept.pages.get(&key));
        if let Some(page) = kept {
            return Ok(Answer::Written(page.text.clone()));
        }
        drop(all);
        let made = make()?;
        let next = made.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
        let page = Page { text: (&made).into(), next };
        let answer = Answer::Written(page.text.clone());
        all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf(&mut all, snapshot).keep(key, page);
        Ok(answer)
    }
}

/// Where the pages of a snapshot are kept. Those of snapshots that are gone go.
fn shelf<'a>(all: &'a mut VecDeque<Kept>, snapshot: &Arc<Snapshot>) -> &'a mut Kept {
    all.retain(|kept| kept.of.strong_count() > 0);
    let found = all.iter().position(|kept| kept.is_of(snapshot));
    let at = found.unwrap_or_else(|| {
        if all.len() == VIEWS {
            all.pop_front();
        }
        all.push_back(Kept { of: Arc::downgrade(snapshot), pages: HashMap::new() });
        all.len() - 1
    });
    &mut all[at]
}

impl Kept {
    fn is_of(&self, snapshot: &Arc<Snapshot>) -> bool {
        std::ptr::eq(self.of.as_ptr(), Arc::as_ptr(snapshot))
    }

    /// Keeps first pages, and pages that a kept one leads to: any name can be in a cursor, so pages that begin
    /// elsewhere would be without number.
    fn keep(&mut self, key: (Kind, Option<String>), page: Page) {
        let leads = |(kind, page): (&Kind, &Page)| *kind == key.0 && page.next == key.1;
        if key.1.is_none() || self.pages.iter().any(|((kind, _), page)| leads((kind, page))) {
            self.pages.insert(key, page);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::message::Response;
    use super::*;

    const KIND: Kind = Kind { listed: Listed::Tools, revision: Revision::V2025_11_25, choosing: false };

    /// How a list answers, and whether it was made for that.
    fn ask(
        lists: &Lists,
        snapshot: &Arc<Snapshot>,
        kind: Kind,
        cursor: Option<&str>,
        made: Value,
    ) -> (String, bool) {
        let params = Params::from_iter(cursor.map(|cursor| ("cursor".to_owned(), cursor.into())));
        let mut fresh = false;
        let answer = lists.page(snapshot, kind, &params, || {
            fresh = true;
            Ok(made)
        });
        assert!(matches!(answer, Ok(Answer::Written(_))), "{answer:?}");
        (Response { id: None, outcome: answer }.encode(), fresh)
    }

    #[test]
    fn a_page_is_made_once_a_snapshot_and_kind() {
        let (lists, one, other) = (Lists::default(), Arc::default(), Arc::default());
        let page = |n: u32| json!({"tools": [n]});
        let told = |n: u32| json!({"jsonrpc": "2.0", "id": null, "result": page(n)}).to_string();
        assert_eq!(ask(&lists, &one, KIND, None, page(1)), (told(1), true));
        assert_eq!(ask(&lists, &one, KIND, None, page(2)), (told(1), false));
        assert!(ask(&lists, &other, KIND, None, page(3)).1, "another snapshot");
        assert!(ask(&lists, &one, Kind { choosing: true, ..KIND }, None, page(4)).1);
        assert!(ask(&lists, &one, Kind { revision: Revision::V2024_11_05, ..KIND }, None, page(5)).1);
        assert!(ask(&lists, &one, Kind { listed: Listed::Prompts, ..KIND }, None, page(6)).1);
        assert_eq!(ask(&lists, &one, KIND, None, page(7)), (told(1), false));
    }

    #[test]
    fn a_cursor_that_is_no_text_leads_to_no_page() {
        let (lists, snapshot) = (Lists::default(), Arc::default());
        ask(&lists, &snapshot, KIND, None, json!({}));
        for cursor in [json!({}), json!(5), json!(true), json!([])] {
            let params = Params::from_iter([("cursor".to_owned(), cursor.clone())]);
            let answer = lists.page(&snapshot, KIND, &params, || Ok(json!({})));
            assert_eq!(answer.unwrap_err().code, RpcError::INVALID_PARAMS, "{cursor}");
        }
    }

    #[test]
    fn only_pages_that_were_led_to_are_kept() {
        let (lists, snapshot) = (Lists::default(), Arc::default());
        let pages = [(None, json!({"nextCursor": "b"})), (Some("b"), json!({}))];
        assert!(ask(&lists, &snapshot, KIND, Some("b"), json!({})).1);
        assert!(ask(&lists, &snapshot, KIND, Some("b"), json!({})).1, "nothing led to it");
        for fresh in [true, false] {
            for (cursor, made) in &pages {
                assert_eq!(ask(&lists, &snapshot, KIND, *cursor, made.clone()).1, fresh, "{cursor:?}");
            }
        }
        assert!(ask(&lists, &snapshot, KIND, Some("a"), json!({})).1);
        assert!(ask(&lists, &snapshot, KIND, Some("a"), json!({})).1, "of a reload before, or a guess");
    }

    #[test]
    fn what_is_kept_is_bounded_and_goes_with_its_snapshot() {
        let lists = Lists::default();
        let snapshots: Vec<Arc<Snapshot>> = (0..VIEWS * 2).map(|_| Arc::default()).collect();
        for snapshot in &snapshots {
            ask(&lists, snapshot, KIND, None, json!({}));
        }
        assert_eq!(lists.0.lock().unwrap().len(), VIEWS);
        drop(snapshots);
        ask(&lists, &Arc::default(), KIND, None, json!({}));
        assert_eq!(lists.0.lock().unwrap().len(), 1);
    }
}
