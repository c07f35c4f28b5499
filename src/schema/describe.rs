//! What is said in words: a tool's description, and the notes that a property's schema can't express.

use std::collections::{BTreeMap, BTreeSet};

use super::{is_required, property};
use crate::model::{Action, Argument, Arity, Binding, Command, ValueType};

/// The longest description of a tool, in characters: clients put all of them in front of a model.
const MAX_DESCRIPTION: usize = 4_000;

/// Members of an exclusive group that are named at a time: where there are more, nobody reads them.
const MAX_NAMED: usize = 24;

/// The longest epilog that is worth its place in a description, in characters.
const MAX_EPILOG: usize = 800;

/// A tool's description, never empty: what the manifest says, else what help says, then what no schema can say.
pub(super) fn tool(plugin: &str, chain: &[&Command], groups: &Groups<'_>, given: Option<&str>) -> String {
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
    let rules = group_rules(chain, groups);
    if !rules.is_empty() {
        text = format!("{}\n\n{}", text, rules.join("\n"));
    }
    if let (None, Some(epilog)) = (given, said(leaf.and_then(|c| c.epilog.as_deref()))) {
        text = format!("{}\n\n{}", text, bounded(&epilog, MAX_EPILOG));
    }
    text
}

/// One sentence for each exclusive group of the chain that callers can break.
fn group_rules(chain: &[&Command], groups: &Groups<'_>) -> Vec<String> {
    let mut rules = Vec::new();
    let required = chain.iter().flat_map(|command| &command.exclusive).map(|group| group.required);
    for (names, required) in groups.all.iter().zip(required) {
        let names: Vec<&str> = names.iter().map(|(_, name)| *name).collect();
        match (names.as_slice(), required) {
            ([], _) | ([_], false) => {}
            ([only], true) => rules.push(format!("`{only}` must be given.")),
            (several, true) => rules.push(format!("Exactly one of {} must be given.", list(several, "and"))),
            (several, false) => rules.push(format!("At most one of {} may be given.", list(several, "and"))),
        }
    }
    rules
}

/// The exclusive groups of a chain of commands, in the terms of a tool's properties.
pub(super) struct Groups<'a> {
    /// The members of each, as index and property, in the order of the chain.
    all: Vec<Vec<(usize, &'a str)>>,
    /// By depth and index of an argument: which of them it is in.
    of: BTreeMap<(usize, usize), Vec<usize>>,
}

impl<'a> Groups<'a> {
    pub(super) fn new(chain: &[&Command], bindings: &'a [Binding]) -> Groups<'a> {
        let names: BTreeMap<(usize, usize), &str> =
            bindings.iter().map(|b| ((b.depth, b.index), b.property.as_str())).collect();
        let mut groups = Groups { all: Vec::new(), of: BTreeMap::new() };
        for (depth, command) in chain.iter().enumerate() {
            for group in &command.exclusive {
                let member = |index: &usize| Some((*index, *names.get(&(depth, *index))?));
                let members: BTreeSet<usize> = group.members.iter().copied().collect();
                for index in &members {
                    groups.of.entry((depth, *index)).or_default().push(groups.all.len());
                }
                groups.all.push(members.iter().filter_map(member).collect());
            }
        }
        groups
    }

    /// For each group that an argument is in, the others of it.
    fn others(&self, binding: &Binding) -> impl Iterator<Item = String> {
        let of = self.of.get(&(binding.depth, binding.index)).into_iter().flatten();
        of.map(|group| {
            let others = self.all[*group].iter().filter(|(index, _)| *index != binding.index);
            // One more than is shown tells that there are more; how many, the members tell without being looked at.
            let shown: Vec<&str> = others.map(|(_, name)| *name).take(MAX_NAMED + 1).collect();
            let more = (self.all[*group].len() - 1).saturating_sub(MAX_NAMED);
            if more > 0 { listed(&shown[..MAX_NAMED], more, "or") } else { list(&shown, "or") }
        })
    }
}

/// Names in a sentence.
fn list(names: &[&str], last: &str) -> String {
    listed(&names[..names.len().min(MAX_NAMED)], names.len().saturating_sub(MAX_NAMED), last)
}

/// Names, and how many more there are.
fn listed(names: &[&str], more: usize, last: &str) -> String {
    let mut shown: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    shown.extend((more > 0).then(|| format!("{more} more")));
    match shown.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// Sentences for a property's description beside its help text.
pub(super) fn notes(chain: &[&Command], groups: &Groups<'_>, binding: &Binding) -> Vec<String> {
    let argument = &chain[binding.depth].arguments[binding.index];
    let mut notes: Vec<String> = action_note(argument).map(Into::into).into_iter().collect();
    if argument.metavar.len() > 1 {
        notes.push(format!("Values: {}.", argument.metavar.join(", ")));
    }
    if let Some(default) = property::unfit_default(argument) {
        let adds = matches!(argument.action, Action::Append | Action::Extend);
        let word = if adds { "Added to the default" } else { "Default:" };
        notes.push(format!("{word} {default}."));
    }
    if !is_required(argument) {
        let others = groups.others(binding).filter(|names| !names.is_empty());
        notes.extend(others.map(|names| format!("Not together with {names}.")));
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
        _ if argument.taken_apart => "One character for each element: argparse takes longer ones apart.",
        (Action::Append | Action::Extend, _) if option => "May be given several times: one element for each.",
        (Action::Store, Arity::Optional) if argument.value_type == ValueType::Boolean => return None,
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
