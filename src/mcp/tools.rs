//! Tools and results as each revision knows them.
//!
//! Snapshot → pages of `tools/list`; [`CallResult`] → the result of `tools/call`. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::era::Revision;
use super::health;
use super::message::{Params, RpcError};
use crate::model::Tool;
use crate::outcome::CallResult;
use crate::registry::Snapshot;

/// Tools on one page: some clients never ask for a second one, so it is large, yet one page stays in the
/// hundreds of kilobytes.
const PAGE: usize = 500;

/// How long a client may keep a list without asking again; `tools/list_changed` tells sooner.
const LIST_TTL_MS: u64 = 10_000;

/// Answers may depend on a key, so nobody between may share them.
pub(super) const CACHE_SCOPE: &str = "private";

/// What every cursor begins with, before it is encoded.
const CURSOR_MARK: &str = "after:";

/// One page of tools, in the order of names. A cursor names the last tool of its page, so it survives a reload.
pub(super) fn list(snapshot: &Snapshot, params: &Params, revision: Revision) -> Result<Value, RpcError> {
    let after = match params.get("cursor") {
        None | Some(Value::Null) => None,
        Some(cursor) => {
            Some(cursor_name(cursor).ok_or_else(|| RpcError::params("the cursor is not one of ours"))?)
        }
    };
    let health = health::tool();
    let mut tools: Vec<&Tool> = snapshot.tools.iter().map(|s| &s.tool).chain([health]).collect();
    tools.sort_by(|a, b| a.name.cmp(&b.name));
    let start = after.map_or(0, |name| tools.partition_point(|t| t.name <= name));
    let end = tools.len().min(start + PAGE);

    let page: Vec<Value> = tools[start..end].iter().map(|t| definition(t, revision)).collect();
    let mut result = json!({"tools": page});
    if end < tools.len() {
        result["nextCursor"] = cursor(&tools[end - 1].name).into();
    }
    if revision.has_result_type() {
        result["ttlMs"] = LIST_TTL_MS.into();
        result["cacheScope"] = CACHE_SCOPE.into();
    }
    Ok(result)
}

fn cursor(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{CURSOR_MARK}{name}"))
}

fn cursor_name(cursor: &Value) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor.as_str()?).ok()?;
    Some(String::from_utf8(bytes).ok()?.strip_prefix(CURSOR_MARK)?.to_owned())
}

/// A tool as the revision knows it.
fn definition(tool: &Tool, revision: Revision) -> Value {
    let mut out = Map::new();
    out.insert("name".into(), tool.name.clone().into());
    if let Some(title) = &tool.title
        && revision.has_structured_output()
    {
        out.insert("title".into(), title.clone().into());
    }
    out.insert("description".into(), tool.description.clone().into());
    out.insert("inputSchema".into(), Value::Object(tool.input_schema.clone()));
    if !tool.annotations.is_empty() && revision.has_annotations() {
        out.insert("annotations".into(), Value::Object(tool.annotations.clone()));
    }
    Value::Object(out)
}

/// The result of a call as the revision knows it.
pub(super) fn result(result: CallResult, revision: Revision) -> Value {
    let content: Vec<Value> = result.content.into_iter().map(|block| block_for(block, revision)).collect();
    let mut out = json!({"content": content, "isError": result.is_error});
    if let Some(structured) = result.structured
        && revision.has_structured_output()
    {
        out["structuredContent"] = structured;
    }
    out
}

/// A content block, or what comes nearest to it in a revision that does not know its type.
fn block_for(block: Value, revision: Revision) -> Value {
    match block.get("type").and_then(Value::as_str) {
        Some("audio") if !revision.has_audio() => {
            let resource = json!({
                "uri": "smcp:audio",
                "mimeType": block["mimeType"],
                "blob": block["data"],
            });
            json!({"type": "resource", "resource": resource})
        }
        Some("resource_link") if !revision.has_structured_output() => {
            let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default();
            json!({"type": "text", "text": format!("{}: {}", text("name"), text("uri"))})
        }
        _ => block,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Command;
    use crate::registry::{Plugin, Served, State};

    fn snapshot(names: impl Iterator<Item = String>) -> Snapshot {
        let plugin = Arc::new(Plugin {
            name: "p".into(),
            directory: ".".into(),
            launch: vec![],
            env: vec![],
            timeout: None,
            concurrency: None,
            root: Command::default(),
            state: State::Ready,
            diagnostics: vec![],
        });
        let tools = names.map(|name| Served {
            tool: Tool {
                name,
                path: vec![],
                title: Some("T".into()),
                description: "d".into(),
                input_schema: json!({"type": "object"}).as_object().unwrap().clone(),
                annotations: json!({"readOnlyHint": true}).as_object().unwrap().clone(),
                bindings: vec![],
            },
            plugin: Arc::clone(&plugin),
        });
        Snapshot { generation: 1, tools: tools.collect(), plugins: vec![plugin.clone()] }
    }

    fn names(page: &Value) -> Vec<String> {
        page["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn pages_hold_every_tool_once_in_order() {
        let all = snapshot((0..PAGE * 2 + 3).map(|n| format!("t{n:05}")));
        let (mut params, mut found) = (Params::new(), Vec::new());
        loop {
            let page = list(&all, &params, Revision::V2025_11_25).unwrap();
            assert!(names(&page).len() <= PAGE);
            found.extend(names(&page));
            match page.get("nextCursor") {
                Some(cursor) => params.insert("cursor".into(), cursor.clone()),
                None => break,
            };
        }
        let mut expected: Vec<String> = all.tools.iter().map(|s| s.tool.name.clone()).collect();
        expected.push("health".into());
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_cursor_survives_a_reload_and_a_foreign_one_is_refused() {
        let params = |cursor: Value| Params::from_iter([("cursor".to_owned(), cursor)]);
        let page = list(
            &snapshot(["a", "c"].map(String::from).into_iter()),
            &params(cursor("b").into()),
            Revision::ASSUMED,
        );
        assert_eq!(names(&page.unwrap()), ["c", "health"]);
        for bad in [json!("zzz"), json!(""), json!(3), json!("YWZ0"), json!({})] {
            let error =
                list(&snapshot(std::iter::empty()), &params(bad.clone()), Revision::ASSUMED).unwrap_err();
            assert_eq!(error.code, RpcError::INVALID_PARAMS, "{bad}");
        }
    }

    #[test]
    fn a_definition_has_only_what_its_revision_knows() {
        let one = snapshot(std::iter::once("t".to_owned()));
        for (revision, keys) in [
            (Revision::V2024_11_05, &["name", "description", "inputSchema"][..]),
            (Revision::V2025_03_26, &["name", "description", "inputSchema", "annotations"]),
            (Revision::V2025_06_18, &["name", "title", "description", "inputSchema", "annotations"]),
        ] {
            let found = definition(&one.tools[0].tool, revision);
            assert_eq!(found.as_object().unwrap().keys().collect::<Vec<_>>(), keys, "{revision:?}");
        }
        let page = |r| {
            list(&one, &Params::new(), r).unwrap().as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(page(Revision::V2025_11_25), ["tools"]);
        assert_eq!(page(Revision::V2026_07_28), ["tools", "ttlMs", "cacheScope"]);
    }

    #[test]
    fn content_that_a_revision_does_not_know_becomes_what_it_knows() {
        let audio = json!({"type": "audio", "data": "AA==", "mimeType": "audio/wav"});
        let link = json!({"type": "resource_link", "uri": "file:///x", "name": "x"});
        for (block, revision, kind) in [
            (&audio, Revision::V2024_11_05, "resource"),
            (&audio, Revision::V2025_03_26, "audio"),
            (&link, Revision::V2025_03_26, "text"),
            (&link, Revision::V2025_06_18, "resource_link"),
        ] {
            assert_eq!(block_for(block.clone(), revision)["type"], kind, "{block} {revision:?}");
        }
        let call = CallResult { content: vec![], structured: Some(json!({"a": 1})), is_error: true };
        assert_eq!(result(call.clone(), Revision::V2025_03_26), json!({"content": [], "isError": true}));
        assert_eq!(result(call, Revision::V2025_06_18)["structuredContent"], json!({"a": 1}));
    }
}
