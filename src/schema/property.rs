//! The JSON Schema of one argument.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::model::{Action, Argument, Arity, Fact, Source, ValueType};

/// The schema of the property that stands for an argument, described by its whole help text and `notes`.
pub(super) fn schema(argument: &Argument, notes: &[String]) -> Value {
    let mut schema = shape(argument);
    if let Some(description) = description(argument.help.as_deref(), notes) {
        schema.insert("description".into(), json!(description));
    }
    if let Some(default) = default(argument) {
        schema.insert("default".into(), default);
    }
    Value::Object(schema)
}

fn description(help: Option<&str>, notes: &[String]) -> Option<String> {
    let help = help.map(str::trim).filter(|h| !h.is_empty());
    let notes = notes.join(" ");
    match (help, notes.is_empty()) {
        (None, true) => None,
        (None, false) => Some(notes),
        (Some(help), true) => Some(help.to_owned()),
        (Some(help), false) => {
            let stop = if help.ends_with(['.', '!', '?', ':', ')']) { "" } else { "." };
            Some(format!("{help}{stop} {notes}"))
        }
    }
}

/// The types that an argument admits.
fn shape(argument: &Argument) -> Map<String, Value> {
    match (argument.action, argument.arity) {
        (Action::Count, _) => object(json!({"type": "integer", "minimum": 0})),
        (Action::Flag | Action::Negatable | Action::Help | Action::Version, _) | (_, Arity::Zero) => {
            object(json!({"type": "boolean"}))
        }
        (Action::Store, Arity::Untold) => {
            object(json!({"anyOf": [scalar(argument), array(&scalar(argument))]}))
        }
        (Action::Store, arity) if arity.is_many() => values(argument),
        (Action::Store, _) => one_value(argument),
        (Action::Append, arity) => {
            let items = if arity.is_many() { values(argument) } else { one_value(argument) };
            let mut list = array(&items);
            // Only its help text says that it repeats: one value is as good as a list.
            let plain = argument.choices.is_none() && argument.suggestions.is_empty();
            if plain && argument.provenance.get(&Fact::Action) == Some(&Source::Entry) {
                return object(json!({"anyOf": [items, list]}));
            }
            if argument.is_positional() {
                list.insert("maxItems".into(), json!(1));
            }
            list
        }
        (Action::Extend, Arity::Optional) => array(&one_value(argument)),
        _ if argument.taken_apart => {
            let mut character = scalar(argument);
            character.extend(object(json!({"minLength": 1, "maxLength": 1})));
            array(&character)
        }
        (Action::Extend, _) => array(&scalar(argument)),
    }
}

/// One use of an argument that takes several values.
fn values(argument: &Argument) -> Map<String, Value> {
    let mut list = array(&scalar(argument));
    match argument.arity {
        Arity::OneOrMore | Arity::Parser => {
            list.insert("minItems".into(), json!(1));
        }
        Arity::ZeroOrMore if argument.required && argument.is_positional() => {
            list.insert("minItems".into(), json!(1));
        }
        Arity::Exactly(n) => {
            list.insert("minItems".into(), json!(n));
            list.insert("maxItems".into(), json!(n));
        }
        _ => {}
    }
    list
}

/// One use of an argument that takes one value, or, for an option with an optional value, the bare option.
fn one_value(argument: &Argument) -> Map<String, Value> {
    let may_be_bare = argument.arity == Arity::Optional && argument.value_type != ValueType::Boolean;
    if may_be_bare && !argument.is_positional() {
        return object(json!({"anyOf": [scalar(argument), {"type": "boolean", "const": true}]}));
    }
    scalar(argument)
}

fn scalar(argument: &Argument) -> Map<String, Value> {
    if let Some(choices) = argument.choices.as_deref().filter(|c| !c.is_empty()) {
        // Clients refuse a choice that is listed twice, and all other tools with it.
        let mut seen = BTreeSet::new();
        let choices: Vec<&String> = choices.iter().filter(|c| seen.insert(*c)).collect();
        return object(json!({"type": "string", "enum": choices}));
    }
    object(match argument.value_type {
        ValueType::String if !argument.suggestions.is_empty() => {
            json!({"anyOf": [{"type": "string", "enum": argument.suggestions}, {"type": "string"}]})
        }
        ValueType::String => json!({"type": "string"}),
        ValueType::Integer => json!({"type": "integer"}),
        ValueType::Number => json!({"type": "number"}),
        ValueType::Numeric => json!({"anyOf": [{"type": "number"}, {"type": "string"}]}),
        ValueType::Boolean => json!({"anyOf": [{"type": "boolean"}, {"type": "string"}]}),
        ValueType::Json => json!({"type": "object"}),
    })
}

fn array(items: &Map<String, Value>) -> Map<String, Value> {
    object(json!({"type": "array", "items": items}))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The default as a value of the property, where it is one. Flags and counts have none: `true` there means "give
/// the option", which the program's own default doesn't speak of. Nor has what is added to its default.
fn default(argument: &Argument) -> Option<Value> {
    let default = argument.default.as_ref().filter(|d| !d.is_null())?;
    match (argument.action, argument.arity) {
        (Action::Negatable, _) => default.is_boolean().then(|| default.clone()),
        (Action::Flag | Action::Count | Action::Help | Action::Version, _) | (_, Arity::Zero) => None,
        (Action::Append | Action::Extend, _) => {
            default.as_array().filter(|list| list.is_empty()).map(|_| default.clone())
        }
        (Action::Store, arity) if arity.is_many() => list(argument, default, arity),
        (Action::Store, _) => plain(argument, default),
    }
}

/// A default that can't be the property's, as text for the description, where the help text doesn't name it.
pub(super) fn unfit_default(argument: &Argument) -> Option<String> {
    let takes_values = matches!(argument.action, Action::Store | Action::Append | Action::Extend);
    if !takes_values || argument.arity == Arity::Zero || default(argument).is_some() {
        return None;
    }
    let text = match argument.default.as_ref()? {
        Value::Null | Value::Bool(false) => return None,
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => return None,
        other => other.to_string(),
    };
    let told = argument.help.as_deref().is_some_and(|help| help.contains(&text));
    (!text.is_empty() && text != "==SUPPRESS==" && !told).then_some(text)
}

fn list(argument: &Argument, default: &Value, arity: Arity) -> Option<Value> {
    let items = default.as_array()?;
    let fits = match arity {
        Arity::OneOrMore | Arity::Parser => !items.is_empty(),
        Arity::Exactly(n) => items.len() == n,
        _ => true,
    };
    let items = items.iter().map(|d| plain(argument, d)).collect::<Option<Vec<_>>>()?;
    fits.then_some(Value::Array(items))
}

/// One value of a default in the JSON type that the schema has for it.
fn plain(argument: &Argument, default: &Value) -> Option<Value> {
    let exact = !matches!(argument.value_type, ValueType::String | ValueType::Numeric);
    if argument.choices.is_none() && exact {
        return typed(argument.value_type, default);
    }
    let text = match default {
        Value::String(text) if text != "==SUPPRESS==" => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(true) => "True".to_owned(),
        _ => return None,
    };
    if argument.choices.is_none() && argument.value_type == ValueType::Numeric {
        return typed(argument.value_type, default).or(Some(Value::String(text)));
    }
    // argparse doesn't check a default against the choices, so one beside them is the truth.
    Some(Value::String(text))
}

fn typed(value_type: ValueType, default: &Value) -> Option<Value> {
    // argparse converts a default that is a string, so its number is the default in truth.
    let number = match default {
        Value::String(text) => serde_json::from_str::<Value>(text.trim()).ok()?,
        other => other.clone(),
    };
    let fits = match value_type {
        ValueType::Integer => number.is_i64() || number.is_u64(),
        ValueType::Number | ValueType::Numeric => number.is_number(),
        ValueType::Boolean => number.is_boolean(),
        ValueType::Json | ValueType::String => number.is_object(),
    };
    fits.then_some(number)
}
