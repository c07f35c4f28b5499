//! The keys of a call → the properties that they mean.

use serde_json::{Map, Value};

use super::{ArgvError, argument_of};
use crate::model::{Binding, Command, Tool};

/// How different a key may be from a property for the property to be suggested, in edits.
const MAX_EDITS: usize = 3;

/// Keys longer than this (in bytes) are compared with nothing: no property is as long.
const MAX_KEY: usize = 128;

type Resolved<'a> = Vec<(&'a Binding, &'a str, &'a Value)>;

/// Finds each key's property, in the order of the properties, with the key as it was spelled. Two spellings of one
/// property are fine where their values are the same.
pub(super) fn resolve<'a>(
    chain: &[&Command],
    tool: &'a Tool,
    arguments: &'a Map<String, Value>,
) -> (Resolved<'a>, Vec<ArgvError>) {
    let mut found: Vec<Option<(&str, &Value)>> = vec![None; tool.bindings.len()];
    let mut errors = Vec::new();
    for (key, value) in arguments {
        let Some(index) = find(chain, tool, key) else {
            errors.push(ArgvError::new(key, unknown(tool, key)));
            continue;
        };
        match found[index] {
            Some((other, earlier)) if earlier != value => {
                let reason = format!("`{other}` is the same argument and has another value");
                errors.push(ArgvError::new(key, reason));
            }
            Some(_) => {}
            None => found[index] = Some((key, value)),
        }
    }
    let pairs = tool.bindings.iter().zip(found);
    (pairs.filter_map(|(b, f)| f.map(|(key, value)| (b, key, value))).collect(), errors)
}

/// The one property that a key means: exactly, by a spelling with dashes, by a flag of its argument, or, where that
/// leaves no doubt, whatever the case.
fn find(chain: &[&Command], tool: &Tool, key: &str) -> Option<usize> {
    let only = |test: &dyn Fn(&Binding) -> bool| {
        let mut hits = tool.bindings.iter().enumerate().filter(|(_, b)| test(b)).map(|(i, _)| i);
        hits.next().filter(|_| hits.next().is_none())
    };
    let bare = plain(key);
    let flags = |b: &Binding| argument_of(chain, b).map_or(&[][..], |a| a.flags.as_slice());
    tool.bindings
        .iter()
        .position(|b| b.property == key)
        .or_else(|| only(&|b| flags(b).iter().any(|f| f == key)))
        .or_else(|| only(&|b| plain(&b.property) == bare))
        .or_else(|| only(&|b| flags(b).iter().any(|f| plain(f) == bare)))
        .or_else(|| only(&|b| fold(&b.property) == fold(key)))
}

/// A spelling without leading dashes and with `_` for `-`.
fn plain(key: &str) -> String {
    key.trim_start_matches('-').replace('-', "_")
}

/// What is left of a spelling when dashes and case are put aside.
pub(super) fn fold(key: &str) -> String {
    plain(key).to_lowercase()
}

fn unknown(tool: &Tool, key: &str) -> String {
    let near = |b: &&Binding| edits(&fold(&b.property), &fold(key));
    let nearest = tool.bindings.iter().min_by_key(near).filter(|b| {
        let distance = near(b);
        key.len() <= MAX_KEY && distance <= MAX_EDITS && distance < b.property.len()
    });
    match (nearest, tool.bindings.is_empty()) {
        (Some(b), _) => format!("is not known; did you mean `{}`?", b.property),
        (None, true) => "is not known; this tool takes no arguments".into(),
        (None, false) => {
            let names: Vec<String> = tool.bindings.iter().map(|b| format!("`{}`", b.property)).collect();
            format!("is not known; there are {}", names.join(", "))
        }
    }
}

/// The Levenshtein distance of two names; the difference of their lengths where one is too long to be a name.
fn edits(a: &str, b: &str) -> usize {
    if a.len() > MAX_KEY || b.len() > MAX_KEY {
        return a.len().abs_diff(b.len());
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
