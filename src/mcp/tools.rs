//! Tools and results as each revision knows them.
//!
//! Snapshot → pages of `tools/list`; [`CallResult`] → the result of `tools/call`. Pure.

use serde_json::{Map, Value, json};

use super::era::Revision;
use super::health;
use super::message::{Params, RpcError};
use super::page;
use crate::model::Tool;
use crate::outcome::CallResult;
use crate::registry::Snapshot;

/// One page of tools, in the order of names; `own` is a further tool of the server's.
pub(super) fn list(
    snapshot: &Snapshot,
    own: Option<&'static Tool>,
    params: &Params,
    revision: Revision,
) -> Result<Value, RpcError> {
    let served = snapshot.tools.iter().map(|s| s.tool.as_ref());
    let mut tools: Vec<&Tool> = served.chain([health::tool()]).chain(own).collect();
    tools.sort_by(|a, b| a.name.cmp(&b.name));
    let entries = tools.into_iter().map(|tool| (tool.name.as_str(), || definition(tool, revision)));
    page::of("tools", entries, params, revision)
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

/// The values that a tool's property is said to take: its choices, or those that its help suggests.
pub(super) fn choices(tool: &Tool, property: &str) -> Vec<String> {
    let schema = tool.input_schema.get("properties").and_then(|p| p.get(property)).unwrap_or(&Value::Null);
    let forms = std::iter::once(schema).chain(schema["anyOf"].as_array().into_iter().flatten());
    let values = forms.flat_map(|form| [&form["enum"], &form["items"]["enum"]]).find_map(Value::as_array);
    values.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
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
pub(super) fn block_for(block: Value, revision: Revision) -> Value {
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
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Command;
    use crate::plugin::offers::Offers;
    use crate::registry::{Plugin, Served, State};

    pub(crate) fn snapshot(names: impl Iterator<Item = String>) -> Snapshot {
        let plugin = Arc::new(Plugin {
            name: "p".into(),
            directory: ".".into(),
            launch: vec![],
            env: vec![],
            timeout: None,
            concurrency: None,
            warm: None,
            offers: Offers::default(),
            root: Command::default(),
            state: State::Ready,
            diagnostics: vec![],
        });
        let tools = names.map(|name| Served {
            tool: Arc::new(Tool {
                name,
                path: vec![],
                title: Some("T".into()),
                description: "d".into(),
                input_schema: json!({"type": "object"}).as_object().unwrap().clone(),
                annotations: json!({"readOnlyHint": true}).as_object().unwrap().clone(),
                confirm: false,
                reload: false,
                bindings: vec![],
            }),
            plugin: Arc::clone(&plugin),
        });
        Snapshot {
            generation: 1,
            tools: tools.collect(),
            plugins: vec![plugin.clone()],
            ..Snapshot::default()
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
            list(&one, None, &Params::new(), r)
                .unwrap()
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
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
