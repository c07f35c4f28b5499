//! A call's arguments → what they say, in the terms of a parser: words for values, `true`, `false` or a number for
//! what has none. Made from the schema's own terms and not by the way that command lines are made, which it judges.

use serde_json::{Map, Value};

use crate::model::{Action, Argument, Arity, Command, Tool, ValueType};
use crate::plugin::proof::Given;

/// What a call gives. `false` for a flag, 0 for a count and an empty list say nothing.
pub(super) fn given(tool: &Tool, chain: &[&Command], arguments: &Map<String, Value>) -> Vec<Given> {
    let mut all = Vec::new();
    for binding in &tool.bindings {
        let Some(value) = arguments.get(&binding.property) else { continue };
        let Some(argument) = chain.get(binding.depth).and_then(|c| c.arguments.get(binding.index)) else {
            continue;
        };
        let must =
            is_required(tool, &binding.property) || is_one_of_required(chain[binding.depth], binding.index);
        let value = said(argument, value, must || has_default(argument));
        all.extend(value.map(|value| Given { depth: binding.depth, index: binding.index, value }));
    }
    all
}

fn is_required(tool: &Tool, property: &str) -> bool {
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    required.is_some_and(|all| all.iter().any(|one| one == property))
}

fn is_one_of_required(command: &Command, index: usize) -> bool {
    command.exclusive.iter().any(|group| group.required && group.members.contains(&index))
}

/// Whether leaving it out gives more than nothing.
fn has_default(argument: &Argument) -> bool {
    let is_something = |default: &Value| match default {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    argument.opaque_default || argument.default.as_ref().is_some_and(is_something)
}

/// What a value says; `counts` where an empty list is not the same as leaving the argument out.
fn said(argument: &Argument, value: &Value, counts: bool) -> Option<Value> {
    let option = !argument.is_positional();
    match (argument.action, argument.arity) {
        (Action::Negatable, _) => Some(value.clone()),
        (Action::Count, _) => Some(value.clone()).filter(|count| count.as_u64() != Some(0)),
        (Action::Flag | Action::Help | Action::Version, _) | (_, Arity::Zero) => {
            Some(value.clone()).filter(|on| *on == Value::Bool(true))
        }
        (Action::Append | Action::Extend, arity) => {
            let uses = as_list(value, argument.action == Action::Append && arity.is_many());
            let words: Vec<Value> =
                uses.iter().map(|one| words(argument, one, arity == Arity::Optional && option)).collect();
            // A positional's only use has its own words, as its action sees them.
            let several = option || argument.action == Action::Extend || arity.is_many();
            match words.as_slice() {
                [] => None,
                [one] if !several => Some(Value::Array(vec![one.clone()])),
                _ => Some(Value::Array(words)),
            }
        }
        (Action::Store, arity) if arity.is_many() => match value {
            // An option can be given without a value; a positional can't.
            Value::Array(list) if list.is_empty() && !(counts && option) => None,
            list => Some(words(argument, list, false)),
        },
        (Action::Store, arity) => Some(words(argument, value, arity == Arity::Optional && option)),
    }
}

/// The uses of an option that can be given several times; with `nested`, one list is one use.
fn as_list(value: &Value, nested: bool) -> Vec<Value> {
    match value {
        Value::Array(list) if nested && !list.iter().any(Value::is_array) && !list.is_empty() => {
            vec![value.clone()]
        }
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    }
}

/// Text as it is, lists element by element, anything else as JSON; `true` alone where an option may go without a value,
/// and truth as itself where the type reads it.
fn words(argument: &Argument, value: &Value, bare: bool) -> Value {
    match value {
        Value::Bool(true) if bare => Value::Bool(true),
        Value::Bool(_) if argument.value_type == ValueType::Boolean => value.clone(),
        Value::String(_) => value.clone(),
        Value::Array(list) => list.iter().map(|one| words(argument, one, bare)).collect(),
        other => Value::String(other.to_string()),
    }
}
