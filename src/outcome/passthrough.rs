//! A JSON object that a program prints as its own MCP result (`content`, `structuredContent`, `isError`): recognised
//! only where every part has the protocol's shape, so that other JSON with a member `content` stays what it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

use super::CallResult;

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
        Some("resource_link") => is_string(block, "uri") && is_string(block, "name") && has_texts(block),
        Some("resource") => block.get("resource").is_some_and(is_resource),
        _ => false,
    };
    shape && ["annotations", "_meta"].iter().all(|key| block.get(*key).is_none_or(Value::is_object))
}

fn is_resource(resource: &Value) -> bool {
    let Some(resource) = resource.as_object() else { return false };
    is_string(resource, "uri")
        && (is_string(resource, "text") != is_base64(resource, "blob"))
        && has_texts(resource)
}

/// The optional members that have to be text.
fn has_texts(object: &Map<String, Value>) -> bool {
    ["mimeType", "title", "description"].iter().all(|key| object.get(*key).is_none_or(Value::is_string))
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
