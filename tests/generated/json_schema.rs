//! As much of JSON Schema as tools use, so that a test can ask whether a schema takes a value.

use serde_json::{Map, Value};
use smcp::model::Tool;

/// Why a tool's schema does not take these arguments.
pub(crate) fn refusals(tool: &Tool, arguments: &Map<String, Value>) -> Vec<String> {
    let properties = tool.input_schema.get("properties");
    let wrong = |(name, value): (&String, &Value)| match properties.and_then(|p| p.get(name)) {
        None => Some(format!("no property {name}")),
        Some(schema) if accepts(schema, value) => None,
        Some(schema) => Some(format!("{name}: {schema} does not take {value}")),
    };
    let mut refusals: Vec<_> = arguments.iter().filter_map(wrong).collect();
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if !arguments.contains_key(name) {
            refusals.push(format!("{name} is required"));
        }
    }
    refusals
}

fn accepts(schema: &Value, value: &Value) -> bool {
    let Some(map) = schema.as_object() else { return schema != &Value::Bool(false) };
    map.iter().all(|(keyword, wanted)| match keyword.as_str() {
        "type" => match wanted {
            Value::Array(types) => types.iter().any(|t| is(t, value)),
            one => is(one, value),
        },
        "enum" => wanted.as_array().is_some_and(|all| all.contains(value)),
        "const" => wanted == value,
        "anyOf" | "oneOf" => wanted.as_array().is_some_and(|all| all.iter().any(|s| accepts(s, value))),
        "items" => value.as_array().is_none_or(|all| all.iter().all(|v| accepts(wanted, v))),
        "minItems" => {
            value.as_array().is_none_or(|all| all.len() as u64 >= wanted.as_u64().unwrap_or_default())
        }
        "maxItems" => {
            value.as_array().is_none_or(|all| all.len() as u64 <= wanted.as_u64().unwrap_or_default())
        }
        "minimum" => value.as_f64().is_none_or(|v| v >= wanted.as_f64().unwrap_or_default()),
        "minLength" => value.as_str().is_none_or(|v| v.len() as u64 >= wanted.as_u64().unwrap_or_default()),
        "description" | "default" | "title" | "examples" => true,
        other => panic!("a keyword that the tests don't know: {other}"),
    })
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("null") => value.is_null(),
        _ => false,
    }
}
