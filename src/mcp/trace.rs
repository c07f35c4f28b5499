//! What a request is part of, beyond this server: `traceparent`, `tracestate` and `baggage` of its `_meta` (MCP
//! 2026-07-28), in the forms of W3C Trace Context and W3C Baggage. What is malformed counts as none, as W3C wants it.

use std::collections::HashSet;

use super::message::Params;
use crate::call::Trace;

/// Members of a `tracestate`, and of a `baggage` (W3C's limits).
const STATE_MEMBERS: usize = 32;
const BAGGAGE_MEMBERS: usize = 64;

/// Bytes of a `baggage` that have to be passed on (W3C's limit).
const BAGGAGE_BYTES: usize = 8192;

/// Characters of a `tracestate`'s key, and of its value.
const KEY_LENGTH: usize = 256;
const VALUE_LENGTH: usize = 256;

/// What the parameters carry of it.
pub(super) fn of(params: &Params) -> Trace {
    let text = |name: &str| params.get("_meta")?.get(name)?.as_str();
    let parent = text("traceparent").filter(|text| is_parent(text)).map(str::to_owned);
    // Without its trace, a state says nothing.
    let state = text("tracestate").filter(|_| parent.is_some()).and_then(state);
    Trace { parent, state, baggage: text("baggage").and_then(baggage) }
}

/// `version-trace-parent-flags` in small hexadecimal digits. Later versions may have more behind a further dash, which
/// we do not know and so do not pass on.
fn is_parent(text: &str) -> bool {
    let fields: Vec<&str> = text.split('-').collect();
    let [version, trace, parent, flags] = fields[..] else { return false };
    let is_hex = |field: &str, digits: usize| {
        field.len() == digits && field.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_id = |field: &str, digits| is_hex(field, digits) && field.bytes().any(|b| b != b'0');
    is_hex(version, 2) && version != "ff" && is_id(trace, 32) && is_id(parent, 16) && is_hex(flags, 2)
}

/// The members of a list that are not empty, without the space around them.
fn members(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty())
}

/// `key=value,…`, each key once, as one line without space; at most 16 KiB, which its grammar sees to.
fn state(text: &str) -> Option<String> {
    let mut keys = HashSet::new();
    let kept: Vec<&str> = members(text).take(STATE_MEMBERS + 1).collect();
    let is_sound = |member: &&str| {
        let (key, value) = member.split_once('=').unwrap_or_default();
        is_state_key(key) && is_state_value(value) && keys.insert(key.to_owned())
    };
    ((1..=STATE_MEMBERS).contains(&kept.len()) && kept.iter().all(is_sound)).then(|| kept.join(","))
}

fn is_state_key(key: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/@".contains(&b);
    let begins_well = key.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    begins_well
        && key.len() <= KEY_LENGTH
        && key.bytes().all(is_inner)
        && key.bytes().filter(|&b| b == b'@').count() <= 1
}

fn is_state_value(value: &str) -> bool {
    let is_plain = |b: u8| (b' '..=b'~').contains(&b) && b != b',' && b != b'=';
    (1..=VALUE_LENGTH).contains(&value.len()) && value.bytes().all(is_plain)
}

/// `key=value;property,…` as one line, as many members from the beginning as fit.
fn baggage(text: &str) -> Option<String> {
    let mut kept = String::new();
    let mut is_full = false;
    for (index, member) in members(text).enumerate() {
        if !is_baggage_member(member) {
            return None;
        }
        is_full |= index >= BAGGAGE_MEMBERS || kept.len() + 1 + member.len() > BAGGAGE_BYTES;
        if !is_full {
            kept.extend((!kept.is_empty()).then_some(','));
            kept.push_str(member);
        }
    }
    (!kept.is_empty()).then_some(kept)
}

/// `key=value`, then properties, which may be a key alone.
fn is_baggage_member(member: &str) -> bool {
    let mut parts = member.split(';').map(|part| match part.split_once('=') {
        Some((key, value)) => (trimmed(key), Some(trimmed(value))),
        None => (trimmed(part), None),
    });
    let is_value =
        |value: &str| value.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b',' | b';' | b'\\'));
    let is_sound = |(key, value): (&str, Option<&str>)| is_token(key) && value.is_none_or(is_value);
    parts.next().is_some_and(|first| first.1.is_some() && is_sound(first)) && parts.all(is_sound)
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A token of HTTP.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn told(meta: Value) -> Trace {
        of(&Params::from_iter([("_meta".to_owned(), meta)]))
    }

    #[test]
    fn only_what_has_the_form_is_passed_on() {
        let parent = |text: &str| told(json!({"traceparent": text})).parent;
        assert_eq!(parent(GOOD).as_deref(), Some(GOOD));
        for bad in [
            GOOD.to_uppercase(),
            GOOD.replace("00-4", "ff-4"),
            GOOD.replace("-01", ""),
            GOOD.replace("-01", "-01-more"),
            GOOD.replace("-01", "-1"),
            GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GOOD.replace("4bf9", "4bg9"),
            format!(" {GOOD}"),
            format!("{GOOD}\n"),
            String::new(),
        ] {
            assert_eq!(parent(&bad), None, "{bad:?}");
        }
        for meta in [json!({"traceparent": 7, "tracestate": 7, "baggage": {}}), json!({}), json!(null)] {
            assert_eq!(told(meta), Trace::default());
        }
        assert_eq!(of(&Params::new()), Trace::default());
    }

    #[test]
    fn a_state_goes_with_its_trace() {
        let state = |text: &str| told(json!({"traceparent": GOOD, "tracestate": text})).state;
        let most = (0..32).map(|n| format!("k{n}={}", "v".repeat(256))).collect::<Vec<_>>().join(",");
        let longest = format!("{}=v", "k".repeat(256));
        for (text, passed) in [
            ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
            ("a=1 , b=x y,\t, ,c=~!", "a=1,b=x y,c=~!"),
            ("0tenant@system=1,a_-*/=2", "0tenant@system=1,a_-*/=2"),
            (&most, &most),
            (&longest, &longest),
        ] {
            assert_eq!(state(text).as_deref(), Some(passed), "{text}");
        }
        for bad in [
            "",
            " , ",
            "a",
            "a=",
            "=1",
            "A=1",
            "_a=1",
            "a@b@c=1",
            "a=1=2",
            "a=1,a=2",
            "a=\u{e4}",
            "a=1\nb=2",
            &format!("{most},more=1"),
            &format!("k{longest}"),
            &format!("k={}", "v".repeat(257)),
        ] {
            assert_eq!(state(bad), None, "{bad:?}");
        }
        assert_eq!(told(json!({"tracestate": "a=1"})), Trace::default(), "no trace, no state");
        assert_eq!(told(json!({"traceparent": "00-no", "tracestate": "a=1"})), Trace::default());
    }

    #[test]
    fn baggage_goes_by_itself_and_within_bounds() {
        let baggage = |text: &str| told(json!({"baggage": text})).baggage;
        for good in
            ["user=ann", "a=1,b=%20x;p;q=2", "a= 1 ; p = 2", "a=", "!#$%&'*+-.^_`|~=x/y:z=", "a=1,a=2"]
        {
            assert_eq!(baggage(good).as_deref(), Some(good), "{good}");
        }
        assert_eq!(baggage(" a=1 ,, b=2\t").as_deref(), Some("a=1,b=2"));
        for bad in [
            "", ",", "a", "=1", "a b=1", "a=\"x\"", "a=x y", "a=\\", "a=\u{e4}", "a=1;=2", "a=1;", "a=1\n",
            "a=1,b",
        ] {
            assert_eq!(baggage(bad), None, "{bad:?}");
        }
        let list = |count: usize, size: usize| {
            (0..count).map(|n| format!("{n:04}={}", "v".repeat(size - 5))).collect::<Vec<_>>().join(",")
        };
        assert_eq!(baggage(&list(65, 10)), Some(list(64, 10)));
        assert_eq!(baggage(&list(64, 127)), Some(list(64, 127)), "8191 bytes");
        assert_eq!(baggage(&list(64, 128)), Some(list(63, 128)), "8255 bytes");
        assert_eq!(baggage(&list(1, 8193)), None);
    }
}
