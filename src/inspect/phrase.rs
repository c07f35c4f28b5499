//! Schemas and sources in words.

use serde_json::Value;

use crate::model::{Fact, Source};

/// A property's type in one phrase.
pub(super) fn kind(schema: &Value) -> String {
    if schema.get("enum").is_some() {
        return "one of its choices".into();
    }
    if let Some(all) = schema.get("anyOf").and_then(Value::as_array) {
        return all.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match (schema.get("type").and_then(Value::as_str), schema.get("items"), schema.get("const")) {
        (Some("array"), Some(items), _) => format!("list{} of {}", size(schema), kind(items)),
        (_, _, Some(constant)) => constant.to_string(),
        (Some(name), _, _) => name.to_owned(),
        _ => "any".to_owned(),
    }
}

/// How many elements a list has, where that is bounded.
fn size(schema: &Value) -> String {
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
    match (bound("minItems"), bound("maxItems")) {
        (Some(least), Some(most)) if least == most => format!(" ({least})"),
        (Some(least), Some(most)) => format!(" ({least} to {most})"),
        (Some(least), None) => format!(" ({least} or more)"),
        (None, Some(most)) => format!(" (at most {most})"),
        (None, None) => String::new(),
    }
}

/// Where facts come from, for people.
pub(super) fn source(source: Source) -> &'static str {
    match source {
        Source::Usage => "usage",
        Source::Entry => "help entry",
        Source::Live => "live description",
        Source::Describe => "--describe",
        Source::Manifest => "manifest",
    }
}

/// A fact, for people.
pub(super) fn fact(fact: Fact) -> &'static str {
    match fact {
        Fact::Name => "name",
        Fact::Action => "action",
        Fact::Arity => "number of values",
        Fact::Type => "type",
        Fact::Choices => "choices",
        Fact::Default => "default",
        Fact::Required => "required",
        Fact::Help => "help",
    }
}

/// How many facts of an argument have a source of their own.
pub(super) const FACTS: usize = 8;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_phrases() {
        let strings = json!({"type": "string"});
        for (schema, expected) in [
            (json!({"type": "integer", "minimum": 0}), "integer"),
            (json!({"type": "string", "enum": ["a"]}), "one of its choices"),
            (json!({"anyOf": [strings, {"type": "boolean", "const": true}]}), "string or true"),
            (json!({"type": "array", "items": strings}), "list of string"),
            (json!({"type": "array", "items": strings, "minItems": 1}), "list (1 or more) of string"),
            (json!({"type": "array", "items": strings, "minItems": 2, "maxItems": 2}), "list (2) of string"),
            (
                json!({"type": "array", "items": {"type": "array", "items": strings}, "maxItems": 1}),
                "list (at most 1) of list of string",
            ),
            (json!({}), "any"),
        ] {
            assert_eq!(kind(&schema), expected, "{schema}");
        }
    }
}
