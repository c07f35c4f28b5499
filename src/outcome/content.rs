//! What a program wrote to standard output → MCP content blocks, and its JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::media::{self, Carrier};
use crate::process::Captured;

/// The address of an embedded resource that is a program's output; it names it, nothing can be fetched there.
const OUTPUT_URI: &str = "smcp:stdout";

/// Standard output, decoded.
#[derive(Debug)]
pub(super) enum Output {
    /// Nothing.
    Empty,
    /// Text, with its JSON where it is an object or an array.
    Text(String, Option<Value>),
    /// A block for bytes that are no text.
    Block(Value),
}

impl Output {
    /// The text, as it was printed.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Output::Text(text, _) => Some(text),
            Output::Empty | Output::Block(_) => None,
        }
    }

    /// The JSON object or array that the text is.
    pub(super) fn json(&self) -> Option<&Value> {
        match self {
            Output::Text(_, json) => json.as_ref(),
            Output::Empty | Output::Block(_) => None,
        }
    }

    /// As content: no block for no output, since clients pass blocks on to models that refuse an empty text.
    pub(super) fn into_blocks(self) -> Vec<Value> {
        match self {
            Output::Empty => Vec::new(),
            Output::Text(text, _) => vec![json!({"type": "text", "text": text})],
            Output::Block(block) => vec![block],
        }
    }
}

pub(super) fn text_block(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// Text stays as it is, but for a byte order mark, which only says how it is encoded.
pub(super) fn decode(captured: &Captured) -> Output {
    if captured.total == 0 {
        return Output::Empty;
    }
    if captured.lost() > 0 {
        return excerpt(captured);
    }
    let bytes = captured.head.as_slice();
    if let Some((carrier, mime)) = media::recognise(bytes) {
        return Output::Block(media_block(carrier, mime, bytes));
    }
    match as_text(bytes) {
        Some(text) if text.is_empty() => Output::Empty,
        Some(text) => {
            let json = json_of(&text);
            Output::Text(text, json)
        }
        None => Output::Block(media_block(Carrier::Resource, "application/octet-stream", bytes)),
    }
}

fn as_text(bytes: &[u8]) -> Option<String> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => {
            let text = std::str::from_utf8(bytes).ok()?;
            Some(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return None };
    let units: Vec<u16> = pairs.iter().map(|&pair| unit(pair)).collect();
    String::from_utf16(&units).ok()
}

fn json_of(text: &str) -> Option<Value> {
    text.trim_start().starts_with(['{', '[']).then(|| serde_json::from_str(text).ok()).flatten()
}

fn media_block(carrier: Carrier, mime: &str, bytes: &[u8]) -> Value {
    let data = BASE64.encode(bytes);
    match carrier {
        Carrier::Image => json!({"type": "image", "data": data, "mimeType": mime}),
        Carrier::Audio => json!({"type": "audio", "data": data, "mimeType": mime}),
        Carrier::Resource => {
            json!({"type": "resource", "resource": {"uri": OUTPUT_URI, "mimeType": mime, "blob": data}})
        }
    }
}

/// Output over the cap: its two ends and a mark between them; bytes that are no text are of no use in part.
fn excerpt(captured: &Captured) -> Output {
    let head = without_cut_end(&captured.head);
    let tail = without_cut_start(&captured.tail);
    let text = match (std::str::from_utf8(head), std::str::from_utf8(tail)) {
        (Ok(head), Ok(tail)) if !captured.head.contains(&0) => {
            let lost = captured.total - (head.len() + tail.len()) as u64;
            format!("{head}\n{}\n{tail}", mark(lost, captured.total))
        }
        _ => format!("[all of the output left out: {} bytes, not text, over the limit]", captured.total),
    };
    Output::Text(text, None)
}

/// What stands where bytes are missing.
fn mark(lost: u64, total: u64) -> String {
    format!("[{lost} of {total} bytes of output left out here: over the limit]")
}

/// Without a character at the end of which only a part is there.
fn without_cut_end(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

/// Without the bytes of a character whose start is not there (at most three).
fn without_cut_start(bytes: &[u8]) -> &[u8] {
    let is_continuation = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
    &bytes[bytes.iter().take(3).take_while(is_continuation).count()..]
}

/// The stream as text with its gap marked, whatever its bytes are.
pub(super) fn lossy(captured: &Captured) -> String {
    let head = String::from_utf8_lossy(&captured.head);
    if captured.lost() == 0 {
        return head.into_owned();
    }
    let tail = String::from_utf8_lossy(without_cut_start(&captured.tail));
    format!("{head}\n{}\n{tail}", mark(captured.lost(), captured.total))
}
