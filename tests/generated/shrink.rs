//! Makes a failing program description smaller while it still fails for the same cause.

use serde_json::{Map, Value};

use crate::report::Failure;

/// How many smaller programs are tried for one failure: enough for the generator's largest, few enough for minutes.
const TRIES: usize = 300;

/// Keys without which a description means nothing, or something else: without `prefix_chars` a flag `++x` is a
/// positional, and half a usage by hand is one that nobody would write.
const NEEDED: [&str; 5] = ["kind", "flags", "name", "prog", "prefix_chars"];
const WHOLE: [&str; 2] = ["usage", "prog"];

/// The smallest description found that fails like the first, and how it does.
pub(crate) fn smallest(
    start: (Value, Failure),
    check: &mut dyn FnMut(&Value) -> Vec<Failure>,
) -> (Value, Failure) {
    let mut best = start;
    let mut tries = 0;
    'again: loop {
        let mut candidates = smaller(&best.0);
        candidates.sort_by_key(|c| c.to_string().len());
        for candidate in candidates {
            tries += 1;
            if tries > TRIES {
                return best;
            }
            if let Some(same) = check(&candidate).into_iter().find(|f| f.cause == best.1.cause) {
                best = (candidate, same);
                continue 'again;
            }
        }
        return best;
    }
}

/// Descriptions that are one step smaller.
fn smaller(value: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    if let Some(commands) = value["sub"]["commands"].as_array() {
        for command in commands {
            let mut alone = command["parser"].clone();
            alone["prog"] = value["prog"].clone();
            found.push(alone);
        }
    }
    found.extend(steps(value));
    found
}

fn steps(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(map) => object_steps(map),
        Value::Array(list) => list_steps(list),
        Value::String(text) if text.len() > 12 && text != "==SUPPRESS==" => text_steps(text),
        _ => Vec::new(),
    }
}

fn object_steps(map: &Map<String, Value>) -> Vec<Value> {
    let mut found = Vec::new();
    for (key, inner) in map {
        if !NEEDED.contains(&key.as_str()) {
            let mut without = map.clone();
            without.remove(key);
            found.push(Value::Object(without));
        }
        for step in if WHOLE.contains(&key.as_str()) { Vec::new() } else { steps(inner) } {
            let mut changed = map.clone();
            changed.insert(key.clone(), step);
            found.push(Value::Object(changed));
        }
    }
    found
}

fn list_steps(list: &[Value]) -> Vec<Value> {
    let mut found = Vec::new();
    for (index, inner) in list.iter().enumerate() {
        if list.len() > 1 || inner.is_object() {
            let mut without = list.to_vec();
            without.remove(index);
            found.push(Value::Array(without));
        }
        if let Some(members) = inner["items"].as_array() {
            let mut flat = list.to_vec();
            flat.splice(index..=index, members.iter().cloned());
            found.push(Value::Array(flat));
        }
        for step in steps(inner) {
            let mut changed = list.to_vec();
            changed[index] = step;
            found.push(Value::Array(changed));
        }
    }
    found
}

fn text_steps(text: &str) -> Vec<Value> {
    let words: Vec<_> = text.split(' ').collect();
    if words.len() < 2 {
        return Vec::new();
    }
    let (front, back) = words.split_at(words.len() / 2);
    vec![Value::String(front.join(" ")), Value::String(back.join(" "))]
}
