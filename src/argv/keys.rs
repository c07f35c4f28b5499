//! The keys of a call → the properties that they mean.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::values::{boolean, means_on};
use super::{ArgvError, argument_of};
use crate::model::{Action, Argument, Binding, Command, Fact, Source, Tool};

/// How different a key may be from a property for the property to be suggested, in edits.
const MAX_EDITS: usize = 3;

/// Keys longer than this (in bytes) are compared with nothing: no property is as long.
const MAX_KEY: usize = 128;

/// What a call says of a property.
#[derive(Clone, Debug)]
pub(super) struct Said<'a> {
    pub(super) binding: &'a Binding,
    /// The key, as it was spelled.
    pub(super) key: &'a str,
    pub(super) value: Cow<'a, Value>,
    /// The flag that the key spells, where it isn't the property and may mean something of its own.
    pub(super) flag: Option<&'a str>,
    /// Whether it does.
    is_own: bool,
}

impl Said<'_> {
    /// Whether another spelling says the same.
    fn agrees(&self, other: &Self) -> bool {
        let is_off = *self.value == Value::Bool(false);
        self.value == other.value && (self.flag == other.flag || !self.is_own || is_off)
    }
}

/// Finds each key's property, in the order of the properties. Two spellings of one property are fine where they say
/// the same.
pub(super) fn resolve<'a>(
    chain: &[&'a Command],
    tool: &'a Tool,
    arguments: &'a Map<String, Value>,
) -> (Vec<Said<'a>>, Vec<ArgvError>) {
    let mut found: Vec<Option<Said<'_>>> = vec![None; tool.bindings.len()];
    let mut errors = Vec::new();
    for (key, value) in arguments {
        let Some((index, flag)) = find(chain, tool, key) else {
            errors.push(ArgvError::new(key, unknown(tool, key)));
            continue;
        };
        let said = said(chain, &tool.bindings[index], key, value, flag);
        match &found[index] {
            Some(other) if !other.agrees(&said) => {
                let reason = format!("`{}` is the same argument and has another value", other.key);
                errors.push(ArgvError::new(key, reason));
            }
            Some(_) => {}
            None => found[index] = Some(said),
        }
    }
    (found.into_iter().flatten().collect(), errors)
}

/// What a key and its value say. A flag that is spelled is that flag: of one with a negation, `--no-x` says the
/// contrary of `--x`; those of an action that may be the program's own may mean what they like.
fn said<'a>(
    chain: &[&'a Command],
    binding: &'a Binding,
    key: &'a str,
    value: &'a Value,
    flag: Option<&'a str>,
) -> Said<'a> {
    let argument = argument_of(chain, binding);
    let negates = |f: &str| argument.is_some_and(|a| a.action == Action::Negatable) && !means_on(f);
    let contrary = flag.filter(|f| negates(f)).and_then(|_| boolean(value).ok());
    let is_standard = |a: &Argument| !a.custom && a.provenance.get(&Fact::Action) == Some(&Source::Live);
    Said {
        binding,
        key,
        value: contrary.map_or(Cow::Borrowed(value), |off| Cow::Owned(Value::Bool(!off))),
        flag: flag.filter(|_| !argument.is_some_and(is_standard)),
        is_own: argument.is_some_and(|a| a.custom),
    }
}

/// The one property that a key means, and the flag that it spells: exactly, by a spelling with dashes, by a flag of its
/// argument, or, where that leaves no doubt, whatever the case.
fn find<'a>(chain: &[&'a Command], tool: &Tool, key: &str) -> Option<(usize, Option<&'a str>)> {
    let only = |test: &dyn Fn(&Binding) -> bool| {
        let mut hits = tool.bindings.iter().enumerate().filter(|(_, b)| test(b)).map(|(i, _)| i);
        hits.next().filter(|_| hits.next().is_none())
    };
    let bare = plain(key);
    let spelled = |b: &Binding, test: &dyn Fn(&str) -> bool| {
        argument_of(chain, b)?.flags.iter().map(String::as_str).find(|flag| test(flag))
    };
    // The leaf's own beats those of the commands above it.
    let by_flag = |test: &dyn Fn(&str) -> bool| {
        let hits = || tool.bindings.iter().filter(|b| spelled(b, test).is_some());
        let deepest = hits().map(|b| b.depth).max()?;
        let index = only(&|b| b.depth == deepest && spelled(b, test).is_some())?;
        Some((index, spelled(&tool.bindings[index], test)))
    };
    let by_name = |index: usize| (index, None);
    tool.bindings
        .iter()
        .position(|b| b.property == key)
        .map(by_name)
        .or_else(|| by_flag(&|f| f == key))
        .or_else(|| only(&|b| plain(&b.property) == bare).map(by_name))
        .or_else(|| by_flag(&|f| plain(f) == bare))
        .or_else(|| only(&|b| fold(&b.property) == fold(key)).map(by_name))
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
