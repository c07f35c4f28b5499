//! A call's arguments → what they say, in the terms of a parser: words for values, `true`, `false` or a number for
//! what has none. Made from the schema's own terms and not by the way that command lines are made, which it judges.

use serde_json::{Map, Value};

use crate::model::{Action, Argument, Arity, Command, Tool};
use crate::plugin::proof::Given;

/// What a call gives. `false` for a flag, 0 for a count and an empty list say nothing.
pub(super) fn given(tool: &Tool, chain: &[&Command], arguments: &Map<String, Value>) -> Vec<Given> {
    let mut all = Vec::new();
    for binding in &tool.bindings {
        let Some(value) = arguments.get(&binding.property) else { continue };
        let Some(argument) = chain.get(binding.depth).and_then(|c| c.arguments.get(binding.index)) else {
            continue;
        };
        let value = said(argument, value, is_required(tool, &binding.property));
        all.extend(value.map(|value| Given { depth: binding.depth, index: binding.index, value }));
    }
    all
}

fn is_required(tool: &Tool, property: &str) -> bool {
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    required.is_some_and(|all| all.iter().any(|one| one == property))
}

fn said(argument: &Argument, value: &Value, required: bool) -> Option<Value> {
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
                uses.iter().map(|one| words(one, arity == Arity::Optional && option)).collect();
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
            Value::Array(list) if list.is_empty() && !(required && option) => None,
            list => Some(words(list, false)),
        },
        (Action::Store, arity) => Some(words(value, arity == Arity::Optional && option)),
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

/// Text as it is, lists element by element, anything else as JSON; `true` alone where an option may go without a value.
fn words(value: &Value, bare: bool) -> Value {
    match value {
        Value::Bool(true) if bare => Value::Bool(true),
        Value::String(_) => value.clone(),
        Value::Array(list) => list.iter().map(|one| words(one, bare)).collect(),
        other => Value::String(other.to_string()),
    }
}
