//! The trace that a request belongs to: `traceparent` of its `_meta` (MCP 2026-07-28), in the form of W3C Trace Context.

use serde_json::Value;

use super::message::Params;

/// The `traceparent` that parameters carry. One that is malformed counts as none, as W3C wants it.
pub(super) fn parent(params: &Params) -> Option<String> {
    let text = params.get("_meta")?.get("traceparent").and_then(Value::as_str)?;
    is_valid(text).then(|| text.to_owned())
}

/// `version-trace-parent-flags` in small hexadecimal digits. Later versions may have more behind a further dash, which
/// we do not know and so do not pass on.
fn is_valid(text: &str) -> bool {
    let fields: Vec<&str> = text.split('-').collect();
    let [version, trace, parent, flags] = fields[..] else { return false };
    let is_hex = |field: &str, digits: usize| {
        field.len() == digits && field.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_id = |field: &str, digits| is_hex(field, digits) && field.bytes().any(|b| b != b'0');
    is_hex(version, 2) && version != "ff" && is_id(trace, 32) && is_id(parent, 16) && is_hex(flags, 2)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_has_the_form_is_passed_on() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let of = |meta: Value| parent(&Params::from_iter([("_meta".to_owned(), meta)]));
        assert_eq!(of(json!({"traceparent": good})).as_deref(), Some(good));
        for bad in [
            good.to_uppercase(),
            good.replace("00-4", "ff-4"),
            good.replace("-01", ""),
            good.replace("-01", "-01-more"),
            good.replace("-01", "-1"),
            good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            good.replace("00f067aa0ba902b7", &"0".repeat(16)),
            good.replace("4bf9", "4bg9"),
            format!(" {good}"),
            format!("{good}\n"),
            String::new(),
        ] {
            assert_eq!(of(json!({"traceparent": bad})), None, "{bad:?}");
        }
        assert_eq!(
            (of(json!({"traceparent": 7})), of(json!({})), parent(&Params::new())),
            (None, None, None)
        );
    }
}
