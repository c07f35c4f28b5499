//! Lists in pages. A cursor names the last entry of its page, so it survives a reload: entries that came or went
//! meanwhile are seen or not, and none is seen twice.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::era::Revision;
use super::message::{Params, RpcError};

/// Entries on one page: some clients never ask for a second one, so it is large.
pub(super) const ENTRIES: usize = 500;

/// Bytes of one page's entries, so that a page fits into one event of a stream; one entry is there in any case.
const BYTES: usize = 768 * 1024;

/// How long a client may keep a list without asking again; `list_changed` tells sooner.
const TTL_MS: u64 = 10_000;

/// Answers may depend on a key, so nobody between may share them.
pub(super) const CACHE_SCOPE: &str = "private";

/// What every cursor begins with, before it is encoded.
const MARK: &str = "after:";

/// The page of `entries` (name and how it is written, in the order of names) that `params` ask for, under `key`.
pub(super) fn of<'a, F: FnOnce() -> Value>(
    key: &str,
    entries: impl Iterator<Item = (&'a str, F)>,
    params: &Params,
    revision: Revision,
) -> Result<Value, RpcError> {
    let after = cursor_in(params)?.map(|cursor| name_of(cursor).ok_or_else(foreign)).transpose()?;
    let mut entries =
        entries.skip_while(|(name, _)| after.as_deref().is_some_and(|after| *name <= after)).peekable();
    let (mut page, mut size, mut last) = (Vec::new(), 0, "");
    while page.len() < ENTRIES
        && size < BYTES
        && let Some((name, entry)) = entries.next()
    {
        let entry = entry();
        size += entry.to_string().len();
        page.push(entry);
        last = name;
    }
    let mut result = json!({key: page});
    if entries.peek().is_some() {
        result["nextCursor"] = cursor(last).into();
    }
    Ok(hinted(result, revision))
}

/// With hints for caches, where the revision has them.
pub(super) fn hinted(mut result: Value, revision: Revision) -> Value {
    if revision.has_result_type() {
        result["ttlMs"] = TTL_MS.into();
        result["cacheScope"] = CACHE_SCOPE.into();
    }
    result
}

fn cursor(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{MARK}{name}"))
}

fn foreign() -> RpcError {
    RpcError::params("the cursor is not one of ours")
}

/// The cursor that `params` have, which is text in every revision.
pub(super) fn cursor_in(params: &Params) -> Result<Option<&str>, RpcError> {
    match params.get("cursor") {
        None | Some(Value::Null) => Ok(None),
        Some(cursor) => cursor.as_str().map(Some).ok_or_else(foreign),
    }
}

fn name_of(cursor: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    Some(String::from_utf8(bytes).ok()?.strip_prefix(MARK)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(names: &[String], cursor: Option<Value>, size: usize) -> Result<Value, RpcError> {
        let entries =
            names.iter().map(|n| (n.as_str(), move || json!({"name": n, "text": "x".repeat(size)})));
        let params = Params::from_iter(cursor.map(|c| ("cursor".to_owned(), c)));
        of("things", entries, &params, Revision::V2025_11_25)
    }

    fn all(names: &[String], size: usize) -> (Vec<String>, usize) {
        let (mut found, mut pages, mut cursor) = (Vec::new(), 0, None);
        loop {
            let page = page(names, cursor, size).unwrap();
            let things = page["things"].as_array().unwrap();
            assert!(!things.is_empty() && things.len() <= ENTRIES);
            found.extend(things.iter().map(|t| t["name"].as_str().unwrap().to_owned()));
            pages += 1;
            cursor = page.get("nextCursor").cloned();
            if cursor.is_none() {
                return (found, pages);
            }
        }
    }

    #[test]
    fn every_entry_is_on_one_page_once() {
        let names: Vec<String> = (0..ENTRIES * 2 + 3).map(|n| format!("t{n:05}")).collect();
        assert_eq!(all(&names, 0), (names.clone(), 3));
        assert_eq!(all(&names[..8], BYTES / 3), (names[..8].to_vec(), 3), "few large ones");
    }

    #[test]
    fn a_cursor_survives_a_reload_and_a_foreign_one_is_refused() {
        let names = ["a", "c"].map(String::from);
        assert_eq!(page(&names, Some(cursor("b").into()), 0).unwrap()["things"][0]["name"], "c");
        for bad in [json!("zzz"), json!(""), json!(3), json!("YWZ0"), json!({})] {
            assert_eq!(
                page(&names, Some(bad.clone()), 0).unwrap_err().code,
                RpcError::INVALID_PARAMS,
                "{bad}"
            );
        }
    }
}
