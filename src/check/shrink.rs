//! A call → the calls that are one step smaller, to find the smallest that still fails.

use serde_json::{Map, Value};

use crate::model::Tool;

/// Calls that are one step smaller and still allowed by the schema, those that leave most out first.
pub(super) fn smaller(tool: &Tool, call: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    let must = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    let mut found = Vec::new();
    for name in call.keys().filter(|name| !must(name)) {
        let mut without = call.clone();
        without.remove(name);
        found.push(without);
    }
    for (name, value) in call {
        let schema = &tool.input_schema["properties"][name];
        for step in steps(value, schema) {
            let mut changed = call.clone();
            changed.insert(name.clone(), step);
            found.push(changed);
        }
    }
    found
}

/// The size by which calls are compared.
pub(super) fn size(call: &Map<String, Value>) -> usize {
    call.iter().map(|(name, value)| name.len() + value.to_string().len()).sum()
}

fn steps(value: &Value, schema: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => {
            let fewest =
                usize::try_from(schema["minItems"].as_u64().unwrap_or(1).max(1)).unwrap_or(usize::MAX);
            let mut found = Vec::new();
            for (index, one) in list.iter().enumerate() {
                if list.len() > fewest {
                    let mut without = list.clone();
                    without.remove(index);
                    found.push(Value::Array(without));
                }
                for step in steps(one, &schema["items"]) {
                    let mut changed = list.clone();
                    changed[index] = step;
                    found.push(Value::Array(changed));
                }
            }
            found
        }
        Value::String(text) if !has_choices(schema) => text_steps(text),
        Value::Number(number) if number.as_i64() != Some(0) && number.is_i64() => vec![0.into()],
        _ => Vec::new(),
    }
}

fn has_choices(schema: &Value) -> bool {
    schema["enum"].is_array() || schema["anyOf"].as_array().is_some_and(|all| all.iter().any(has_choices))
}

/// The plainest word, each half, and all but the last character.
fn text_steps(text: &str) -> Vec<Value> {
    if text == "x" || text.is_empty() {
        return Vec::new();
    }
    let characters: Vec<char> = text.chars().collect();
    let (first, second) = characters.split_at(characters.len() / 2);
    let shorter = &characters[..characters.len() - 1];
    let texts = [vec!['x'], first.to_vec(), second.to_vec(), shorter.to_vec()];
    let mut found: Vec<Value> = Vec::new();
    for step in texts.into_iter().map(|text| Value::String(text.into_iter().collect())) {
        if step != *text && !found.contains(&step) {
            found.push(step);
        }
    }
    found
}
