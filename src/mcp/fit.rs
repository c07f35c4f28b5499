//! Messages that have to fit into one event of a stream.
//!
//! A client that reads server-sent events with a bounded buffer (1 MiB in httpx's, which the Python SDK 2 uses) gives up
//! the whole connection over a larger one. A JSON body has no such bound, nor has stdio.

use serde_json::{Value, json};

use super::message::{Answer, Response, RpcError};
use super::outgoing::Out;
use crate::text;

/// Bytes of one event's data at most: 1 MiB, less room for the field names and line ends around it.
pub const EVENT_LIMIT: usize = (1 << 20) - 1024;

/// How often a text is cut until its encoded form fits; each time takes away at least a tenth.
const CUTS: usize = 64;

/// The message as JSON of at most `limit` bytes. A tool's result that is larger loses what it says twice
/// (`structuredContent` beside the same JSON as text), then blobs, then the middle of its texts; each loss but the
/// first is marked. Another answer that is larger becomes an error; for what is no answer there is nothing that could
/// stand in its place.
pub fn encoded(message: &Out, limit: usize) -> Option<String> {
    let whole = message.encode();
    if whole.len() <= limit {
        return Some(whole);
    }
    let Out::Answer(Response { id, outcome }) = message else { return None };
    if let Ok(Answer::Fresh(result)) = outcome
        && result["content"].is_array()
    {
        let mut result = result.clone();
        drop_structured(&mut result);
        let around = Response { id: id.clone(), outcome: Ok(Value::Null.into()) }.encode().len();
        let room = limit.saturating_sub(around);
        drop_blobs(&mut result, room);
        cut_texts(&mut result, room);
        let fitted = Response { id: id.clone(), outcome: Ok(result.into()) }.encode();
        if fitted.len() <= limit {
            return Some(fitted);
        }
    }
    let why = format!(
        "the answer has {} bytes, and an event of a stream holds {limit}; streamable HTTP with `Accept: application/json` and stdio have no such limit",
        whole.len()
    );
    let outcome = Err(RpcError::new(RpcError::INTERNAL, why));
    Some(Response { id: id.clone(), outcome }.encode())
}

/// Takes `structuredContent` away. Where no text says the same, a mark says so.
fn drop_structured(result: &mut Value) {
    let Some(structured) = result.as_object_mut().and_then(|r| r.shift_remove("structuredContent")) else {
        return;
    };
    let said = |block: &Value| {
        let text = block["text"].as_str().and_then(|t| serde_json::from_str::<Value>(t).ok());
        text.is_some_and(|t| t == structured || Some(&t) == structured.get("result"))
    };
    if let Some(content) = result["content"].as_array_mut()
        && !content.iter().any(said)
    {
        content.push(mark("structuredContent", structured.to_string().len()));
    }
}

/// Replaces blobs by marks, the largest first, until the rest fits.
fn drop_blobs(result: &mut Value, limit: usize) {
    loop {
        let size = result.to_string().len();
        let Some(content) = result["content"].as_array_mut() else { return };
        let largest = content.iter_mut().filter(|b| b["type"] != "text").max_by_key(|b| b.to_string().len());
        match largest {
            Some(block) if size > limit => {
                let what = block["type"].as_str().unwrap_or("a block").to_owned();
                *block = mark(&what, block.to_string().len());
            }
            _ => return,
        }
    }
}

/// Takes the middle out of the longest text, again and again, until all fits.
fn cut_texts(result: &mut Value, limit: usize) {
    for _ in 0..CUTS {
        let size = result.to_string().len();
        let Some(content) = result["content"].as_array_mut() else { return };
        let longest = content
            .iter_mut()
            .filter(|b| b["text"].is_string())
            .max_by_key(|b| b["text"].as_str().map(str::len));
        let Some(block) = longest.filter(|_| size > limit) else { return };
        let text = block["text"].as_str().unwrap_or_default();
        // An encoded character may take up to six times its bytes, so what is over is taken in proportion.
        let encoded = block["text"].to_string().len();
        let over = size - limit;
        let keep = text.len().saturating_mul(encoded.saturating_sub(over)) / encoded.max(1);
        let cut = middle_cut(text, keep.min(text.len() * 9 / 10));
        block["text"] = cut.into();
    }
}

/// The two ends of a text, `keep` bytes in all, with a mark between them.
fn middle_cut(whole: &str, keep: usize) -> String {
    let (head, tail) = (text::head(whole, keep / 2), text::tail(whole, keep / 2));
    let lost = whole.len() - head.len() - tail.len();
    format!("{head}\n[{lost} bytes left out here: over what an event of a stream holds]\n{tail}")
}

fn mark(what: &str, size: usize) -> Value {
    let text = format!("[{what} of {size} bytes left out: over what an event of a stream holds]");
    json!({"type": "text", "text": text})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::message::Id;

    const LIMIT: usize = 4000;

    fn fitted(result: Value) -> Value {
        let id = Id::from_value(&json!(7));
        let text = encoded(&Out::Answer(Response { id, outcome: Ok(result.into()) }), LIMIT).unwrap();
        assert!(text.len() <= LIMIT, "{}", text.len());
        serde_json::from_str(&text).unwrap()
    }

    fn texts(message: &Value) -> String {
        let blocks = message["result"]["content"].as_array().unwrap();
        blocks.iter().filter_map(|b| b["text"].as_str()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_said_twice_is_said_once() {
        let data = json!({"items": "x".repeat(2500)});
        let message = fitted(
            json!({"content": [{"type": "text", "text": data.to_string()}], "structuredContent": data}),
        );
        assert_eq!(texts(&message), data.to_string());
        assert_eq!(message["result"].get("structuredContent"), None);
    }

    #[test]
    fn long_texts_keep_their_ends_and_say_what_is_missing() {
        for text in ["a".repeat(9000), "\u{1}".repeat(9000), "ü\n".repeat(9000)] {
            let text = format!("first{text}last");
            let shown = texts(&fitted(
                json!({"content": [{"type": "text", "text": text}, {"type": "text", "text": "kept"}]}),
            ));
            assert!(shown.starts_with("first") && shown.contains("last\nkept"), "{shown}");
            assert!(shown.contains("bytes left out here"), "{shown}");
        }
    }

    #[test]
    fn blobs_and_unsaid_data_leave_a_mark() {
        let image = json!({"type": "image", "data": "A".repeat(5000), "mimeType": "image/png"});
        let small = json!({"type": "image", "data": "AA==", "mimeType": "image/png"});
        let message = fitted(json!({"content": [image, small], "structuredContent": {"a": 1}}));
        assert!(texts(&message).contains("[image of 5"), "{message}");
        assert!(texts(&message).contains("[structuredContent of"), "{message}");
        assert_eq!(message["result"]["content"][1], small);
    }

    #[test]
    fn another_answer_becomes_an_error_that_names_the_way_out() {
        let message = fitted(json!({"tools": "x".repeat(5000)}));
        assert_eq!((&message["id"], &message["error"]["code"]), (&json!(7), &json!(RpcError::INTERNAL)));
    }

    #[test]
    fn what_is_no_answer_fits_or_is_not_sent() {
        for make in [Out::Request, Out::Notification] {
            assert!(encoded(&make(json!({"method": "m", "params": "x".repeat(LIMIT)})), LIMIT).is_none());
            assert!(encoded(&make(json!({"method": "m"})), LIMIT).is_some());
        }
    }
}
