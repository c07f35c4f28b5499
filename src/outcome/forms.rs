//! The fields that a form may have: `PrimitiveSchemaDefinition`, as revisions 2025-11-25 and 2026-07-28 have it. Pure.

use serde_json::{Map, Value};

/// The formats that a text may have.
const FORMATS: [&str; 4] = ["date", "date-time", "email", "uri"];

/// Whether it is the schema of a form: a flat object of such fields.
pub(super) fn is_form(schema: &Value) -> bool {
    let Some(schema) = schema.as_object() else { return false };
    let fields = schema.get("properties").and_then(Value::as_object);
    schema.get("type").is_some_and(|kind| kind == "object")
        && fields.is_some_and(|fields| fields.values().all(is_field))
        && all_if_there(schema, &["required"], is_texts)
        && all_if_there(schema, &["$schema"], Value::is_string)
}

fn is_field(field: &Value) -> bool {
    let Some(field) = field.as_object() else { return false };
    let by_type = match field.get("type").and_then(Value::as_str) {
        Some("string") => is_text(field),
        Some("number" | "integer") => {
            all_if_there(field, &["minimum", "maximum", "default"], Value::is_number)
        }
        Some("boolean") => all_if_there(field, &["default"], Value::is_boolean),
        Some("array") => is_choice_of_several(field),
        _ => false,
    };
    by_type && all_if_there(field, &["title", "description"], Value::is_string)
}

fn is_text(field: &Map<String, Value>) -> bool {
    all_if_there(field, &["enum", "enumNames"], is_texts)
        && all_if_there(field, &["oneOf"], is_titled)
        && all_if_there(field, &["format"], |format| FORMATS.iter().any(|known| format == known))
        && all_if_there(field, &["minLength", "maxLength"], is_whole)
        && all_if_there(field, &["default"], Value::is_string)
}

fn is_choice_of_several(field: &Map<String, Value>) -> bool {
    let items = &field.get("items").unwrap_or(&Value::Null);
    let choices = (items["type"] == "string" && is_texts(&items["enum"])) || is_titled(&items["anyOf"]);
    choices
        && all_if_there(field, &["minItems", "maxItems"], is_whole)
        && all_if_there(field, &["default"], is_texts)
}

/// Whether each of these members is as it has to be, where it is there at all.
pub(super) fn all_if_there(object: &Map<String, Value>, keys: &[&str], is: impl Fn(&Value) -> bool) -> bool {
    keys.iter().all(|key| object.get(*key).is_none_or(&is))
}

pub(super) fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|all| all.iter().all(Value::is_string))
}

/// Choices that have titles: `{"const": …, "title": …}` each.
fn is_titled(value: &Value) -> bool {
    let is_choice = |choice: &Value| choice["const"].is_string() && choice["title"].is_string();
    value.as_array().is_some_and(|all| all.iter().all(is_choice))
}

/// What JSON Schema takes for an integer: a number without a fraction, however it is written.
pub(super) fn is_whole(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_fields_of_the_protocol_are_fields() {
        let titled = json!([{"const": "a", "title": "A"}]);
        for (field, expected) in [
            (json!({"type": "string"}), true),
            (
                json!({"type": "string", "format": "email", "minLength": 1, "default": "x", "title": "T"}),
                true,
            ),
            (json!({"type": "string", "enum": ["a"], "enumNames": ["A"]}), true),
            (json!({"type": "string", "oneOf": titled}), true),
            (json!({"type": "integer", "minimum": 0, "maximum": 1.5, "default": 1}), true),
            (json!({"type": "boolean", "default": true, "description": "d"}), true),
            (json!({"type": "array", "items": {"type": "string", "enum": ["a"]}, "maxItems": 2}), true),
            (json!({"type": "array", "items": {"anyOf": titled}, "default": ["a"]}), true),
            (json!({"type": "object", "properties": {}}), false),
            (json!({"type": "array"}), false),
            (json!({"type": "array", "items": {"type": "string"}}), false),
            (json!({"type": "array", "items": {"type": "integer", "enum": [1]}}), false),
            (json!({"type": "null"}), false),
            (json!({"type": ["string", "null"]}), false),
            (json!({"type": "string", "format": "ipv4"}), false),
            (json!({"type": "string", "enum": [1]}), false),
            (json!({"type": "string", "oneOf": [{"const": "a"}]}), false),
            (json!({"type": "string", "minLength": 1.0, "maxLength": 5e1}), true),
            (json!({"type": "string", "maxLength": 5.5}), false),
            (json!({"type": "string", "maxLength": "5"}), false),
            (json!({"type": "string", "title": 5}), false),
            (json!({"type": "integer", "minimum": "0"}), false),
            (json!({"type": "boolean", "default": "yes"}), false),
            (json!({"enum": ["a"]}), false),
            (json!({}), false),
            (json!("string"), false),
        ] {
            let form = json!({"type": "object", "properties": {"f": field}});
            assert_eq!(is_form(&form), expected, "{field}");
        }
        for (form, expected) in [
            (json!({"type": "object", "properties": {}, "required": ["a"]}), true),
            (json!({"type": "object", "properties": {}, "required": "a"}), false),
            (json!({"type": "object", "properties": {}, "required": [1]}), false),
            (json!({"type": "object", "properties": []}), false),
            (json!({"type": "object"}), false),
            (json!({"properties": {}}), false),
            (json!([]), false),
        ] {
            assert_eq!(is_form(&form), expected, "{form}");
        }
    }
}
