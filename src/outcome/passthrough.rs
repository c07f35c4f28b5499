//! A JSON object that a program prints as its own MCP result (`content`, `structuredContent`, `isError`): recognised
//! only where every part has the protocol's shape, so that other JSON with a member `content` stays what it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

use super::CallResult;
use super::forms::{all_if_there, is_texts, is_whole};

/// The result that the object is; `None` where it is any other JSON.
pub(super) fn result(output: &Value) -> Option<CallResult> {
    let object = output.as_object()?;
    let content = object.get("content")?.as_array().filter(|blocks| !blocks.is_empty())?;
    let structured = object.get("structuredContent");
    let is_error = object.get("isError").map_or(Some(false), Value::as_bool)?;
    let only_known =
        object.keys().all(|key| matches!(key.as_str(), "content" | "structuredContent" | "isError"));
    let well_formed = content.iter().all(is_block) && structured.is_none_or(Value::is_object);
    (only_known && well_formed).then(|| CallResult {
        content: content.clone(),
        structured: structured.cloned(),
        is_error,
    })
}

pub(super) fn is_block(block: &Value) -> bool {
    let Some(block) = block.as_object() else { return false };
    let shape = match block.get("type").and_then(Value::as_str) {
        Some("text") => is_string(block, "text"),
        Some("image" | "audio") => is_base64(block, "data") && is_string(block, "mimeType"),
        Some("resource_link") => is_string(block, "uri") && is_string(block, "name") && is_described(block),
        Some("resource") => block.get("resource").is_some_and(is_resource),
        _ => false,
    };
    shape && has_meta(block) && all_if_there(block, &["annotations"], is_annotations)
}

fn is_resource(resource: &Value) -> bool {
    let Some(resource) = resource.as_object() else { return false };
    is_string(resource, "uri")
        && (is_string(resource, "text") != is_base64(resource, "blob"))
        && all_if_there(resource, &["mimeType"], Value::is_string)
        && has_meta(resource)
}

/// The optional members that tell of a resource in a link to it.
fn is_described(object: &Map<String, Value>) -> bool {
    let is_icons = |icons: &Value| icons.as_array().is_some_and(|all| all.iter().all(is_icon));
    all_if_there(object, &["mimeType", "title", "description"], Value::is_string)
        && all_if_there(object, &["size"], is_whole)
        && all_if_there(object, &["icons"], is_icons)
}

fn is_icon(icon: &Value) -> bool {
    let Some(icon) = icon.as_object() else { return false };
    is_string(icon, "src")
        && all_if_there(icon, &["mimeType"], Value::is_string)
        && all_if_there(icon, &["sizes"], is_texts)
        && all_if_there(icon, &["theme"], |theme| theme == "dark" || theme == "light")
}

fn has_meta(object: &Map<String, Value>) -> bool {
    all_if_there(object, &["_meta"], Value::is_object)
}

fn is_annotations(annotations: &Value) -> bool {
    let Some(annotations) = annotations.as_object() else { return false };
    let is_role = |role: &Value| role == "user" || role == "assistant";
    let is_roles = |roles: &Value| roles.as_array().is_some_and(|all| all.iter().all(is_role));
    all_if_there(annotations, &["audience"], is_roles)
        && all_if_there(annotations, &["priority"], |p| p.as_f64().is_some_and(|p| (0.0..=1.0).contains(&p)))
        && all_if_there(annotations, &["lastModified"], Value::is_string)
}

fn is_string(object: &Map<String, Value>, key: &str) -> bool {
    object.get(key).is_some_and(Value::is_string)
}

fn is_base64(object: &Map<String, Value>, key: &str) -> bool {
    object.get(key).and_then(Value::as_str).is_some_and(|data| BASE64.decode(data).is_ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn optional_members_have_the_protocols_shape_too() {
        let text = |member: Value| (json!({"type": "text", "text": "hi"}), member);
        let link = |member: Value| (json!({"type": "resource_link", "uri": "a:b", "name": "n"}), member);
        for ((mut block, member), expected) in [
            (text(json!({"annotations": {"priority": 0.5, "audience": ["user", "assistant"]}})), true),
            (text(json!({"annotations": {"lastModified": "2025-01-12T15:00:58Z"}, "_meta": {"a": 1}})), true),
            (text(json!({"annotations": {"priority": "high"}})), false),
            (text(json!({"annotations": {"priority": 7}})), false),
            (text(json!({"annotations": {"priority": -1}})), false),
            (text(json!({"annotations": {"audience": "user"}})), false),
            (text(json!({"annotations": {"audience": ["model"]}})), false),
            (text(json!({"annotations": {"lastModified": 5}})), false),
            (text(json!({"annotations": []})), false),
            (link(json!({"size": 12, "icons": [{"src": "a:b", "sizes": ["any"], "theme": "dark"}]})), true),
            (link(json!({"size": 12.0})), true),
            (link(json!({"size": "12"})), false),
            (link(json!({"size": 1.5})), false),
            (link(json!({"icons": "x"})), false),
            (link(json!({"icons": [{"src": 5}]})), false),
            (link(json!({"icons": [{"src": "a:b", "sizes": "any"}]})), false),
            (link(json!({"icons": [{"src": "a:b", "theme": "blue"}]})), false),
            (link(json!({"title": 5})), false),
        ] {
            block.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
            assert_eq!(is_block(&block), expected, "{block}");
        }
        for (resource, expected) in [
            (json!({"uri": "a:b", "text": "t", "_meta": {}}), true),
            (json!({"uri": "a:b", "text": "t", "size": "12", "title": 5, "icons": "x"}), true),
            (json!({"uri": "a:b", "text": "t", "_meta": 5}), false),
            (json!({"uri": "a:b", "text": "t", "mimeType": 5}), false),
        ] {
            assert_eq!(is_block(&json!({"type": "resource", "resource": resource})), expected, "{resource}");
        }
    }

    #[test]
    fn only_the_protocols_own_shape_is_passed_on() {
        let text = json!({"type": "text", "text": "hi"});
        let cases = [
            (json!({"content": [text]}), true),
            (json!({"content": [text], "isError": true, "structuredContent": {"a": 1}}), true),
            (json!({"content": [{"type": "image", "data": "aGk=", "mimeType": "image/png"}]}), true),
            (json!({"content": [{"type": "audio", "data": "aGk=", "mimeType": "audio/wav"}]}), true),
            (json!({"content": [{"type": "resource_link", "uri": "file:///a", "name": "a"}]}), true),
            (json!({"content": [{"type": "resource", "resource": {"uri": "a:b", "text": "t"}}]}), true),
            (json!({"content": [{"type": "text", "text": "hi", "annotations": {"priority": 1}}]}), true),
            (json!({"content": []}), false),
            (json!({"content": "page text"}), false),
            (json!({"content": [text], "title": "a page"}), false),
            (json!({"content": [text], "isError": "no"}), false),
            (json!({"content": [text], "structuredContent": [1]}), false),
            (json!({"content": [text, {"type": "paragraph", "text": "hi"}]}), false),
            (json!({"content": [{"type": "text", "text": 5}]}), false),
            (json!({"content": [{"type": "text", "text": "hi", "_meta": 1}]}), false),
            (json!({"content": [{"type": "image", "data": "not base64!", "mimeType": "image/png"}]}), false),
            (json!({"content": [{"type": "image", "data": "aGk="}]}), false),
            (json!({"content": [{"type": "resource_link", "uri": "file:///a"}]}), false),
            (json!({"content": [{"type": "resource", "resource": {"uri": "a:b"}}]}), false),
            (
                json!({"content": [{"type": "resource", "resource": {"uri": "a:b", "text": "t", "blob": "aGk="}}]}),
                false,
            ),
            (json!(["content"]), false),
            (json!({"result": 1}), false),
        ];
        for (output, expected) in cases {
            assert_eq!(result(&output).is_some(), expected, "{output}");
        }
    }
}
