//! What is said in words: a tool's description, and the notes that a property's schema can't express.

use super::{is_required, property};
use crate::model::{Action, Argument, Arity, Binding, Command};

/// The longest description of a tool, in characters: clients put all of them in front of a model.
const MAX_DESCRIPTION: usize = 4_000;

/// The longest epilog that is worth its place in a description, in characters.
const MAX_EPILOG: usize = 800;

/// A tool's description, never empty: what the manifest says, else what help says, then what no schema can say.
pub(super) fn tool(plugin: &str, chain: &[&Command], bindings: &[Binding], given: Option<&str>) -> String {
    let leaf = chain.last().copied();
    let said = |text: Option<&str>| text.map(tidy).filter(|t| !t.is_empty());
    let from_help = || {
        said(leaf.and_then(|c| c.description.as_deref()))
            .or_else(|| said(leaf.and_then(|c| c.summary.as_deref())))
    };
    let derived = || {
        let words: Vec<&str> = chain.iter().skip(1).map(|c| c.name.as_str()).collect();
        format!("Runs `{}`.", [&[plugin], words.as_slice()].concat().join(" "))
    };
    let mut text = bounded(&said(given).or_else(from_help).unwrap_or_else(derived), MAX_DESCRIPTION);
    let rules = group_rules(chain, bindings);
    if !rules.is_empty() {
        text = format!("{}\n\n{}", text, rules.join("\n"));
    }
    if let (None, Some(epilog)) = (given, said(leaf.and_then(|c| c.epilog.as_deref()))) {
        text = format!("{}\n\n{}", text, bounded(&epilog, MAX_EPILOG));
    }
    text
}

/// One sentence for each exclusive group of the chain that callers can break.
fn group_rules(chain: &[&Command], bindings: &[Binding]) -> Vec<String> {
    let mut rules = Vec::new();
    for (depth, command) in chain.iter().enumerate() {
        for group in &command.exclusive {
            let names = quoted(&members(bindings, depth, &group.members));
            match (names.as_slice(), group.required) {
                ([], _) | ([_], false) => {}
                ([only], true) => rules.push(format!("{only} must be given.")),
                (several, true) => {
                    rules.push(format!("Exactly one of {} must be given.", list(several, "and")));
                }
                (several, false) => {
                    rules.push(format!("At most one of {} may be given.", list(several, "and")));
                }
            }
        }
    }
    rules
}

/// The properties that stand for some of a command's arguments.
fn members<'a>(bindings: &'a [Binding], depth: usize, indices: &[usize]) -> Vec<&'a str> {
    let found = |index: &usize| bindings.iter().find(|b| b.depth == depth && b.index == *index);
    indices.iter().filter_map(found).map(|b| b.property.as_str()).collect()
}

fn quoted(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| format!("`{n}`")).collect()
}

fn list(names: &[String], last: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// Sentences for a property's description beside its help text.
pub(super) fn notes(chain: &[&Command], bindings: &[Binding], binding: &Binding) -> Vec<String> {
    let command = chain[binding.depth];
    let argument = &command.arguments[binding.index];
    let mut notes: Vec<String> = action_note(argument).map(Into::into).into_iter().collect();
    if argument.metavar.len() > 1 {
        notes.push(format!("Values: {}.", argument.metavar.join(", ")));
    }
    if let Some(default) = property::unfit_default(argument) {
        notes.push(format!("Default: {default}."));
    }
    for group in command.exclusive.iter().filter(|g| g.members.contains(&binding.index)) {
        let others: Vec<usize> = group.members.iter().copied().filter(|m| *m != binding.index).collect();
        let names = quoted(&members(bindings, binding.depth, &others));
        if !names.is_empty() && !is_required(argument) {
            notes.push(format!("Not together with {}.", list(&names, "or")));
        }
    }
    notes
}

fn action_note(argument: &Argument) -> Option<&'static str> {
    let option = !argument.is_positional();
    Some(match (argument.action, argument.arity) {
        (Action::Count, _) => "How many times it is given.",
        (Action::Append, Arity::Optional) if option => {
            "One element for each use; `true` uses the option without a value."
        }
        (Action::Append, arity) if option && arity.is_many() => "One list for each use.",
        (Action::Append | Action::Extend, _) if option => "May be given several times: one element for each.",
        (Action::Store, Arity::Optional) if option => "`true` uses the option without a value.",
        (_, Arity::Remainder | Arity::Parser) => "Passed on as they are, options included.",
        _ => return None,
    })
}

/// White space tidied: no trailing blanks, at most one empty line in a row, none at the ends.
fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && lines.last().is_none_or(|l| l.is_empty())) {
            lines.push(line);
        }
    }
    lines.join("\n").trim().to_owned()
}

/// At most `limit` characters, cut between words where that is possible, the cut marked.
fn bounded(text: &str, limit: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(limit) else { return text.to_owned() };
    let kept = &text[..end];
    let cut = kept.rfind(char::is_whitespace).unwrap_or(end);
    format!("{} …", kept[..cut].trim_end())
}
