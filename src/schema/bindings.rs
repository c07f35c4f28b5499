//! Which arguments a tool offers, and under what property names.

use std::collections::{BTreeMap, BTreeSet};

use super::is_required;
use crate::model::{Action, Argument, Binding, Command, Diagnostic, Severity};

/// The longest property name that every client takes.
const MAX_KEY: usize = 64;

/// Room that is kept for the number that tells two properties of one name apart.
const NUMBER_ROOM: usize = 6;

/// Arguments of the commands below that store to one place and are looked at: argparse lets one parser have one option
/// of a name.
const MAX_SAME_DEST: usize = 16;

/// What stores over an argument's value in any case.
#[derive(Clone, Copy)]
enum Overwriter<'a> {
    /// A positional of the same parser.
    Positional(&'a Argument),
    /// An argument of a command further down.
    Argument(&'a Command, &'a Argument),
    /// The choice of that command.
    Choice(&'a Command),
}

/// What the commands below one store, by where.
type Below<'a> = BTreeMap<String, Vec<Overwriter<'a>>>;

/// Property names that are taken.
#[derive(Default)]
struct Taken {
    names: BTreeSet<String>,
    /// For each name that was wanted again, the first number that may be free.
    numbers: BTreeMap<String, usize>,
}

/// Binds every argument that a leaf's callers can use: its own and those of the commands above it. Required ones
/// come first, then the leaf's own, then its parents', nearest first. `chain` leads from the root to the leaf.
pub(super) fn bind(plugin: &str, chain: &[&Command], diagnostics: &mut Vec<Diagnostic>) -> Vec<Binding> {
    let mut bindings: Vec<Binding> = Vec::new();
    let (mut taken, mut below) = (Taken::default(), Below::new());
    for depth in (0..chain.len()).rev() {
        let mut here = Vec::new();
        let in_required_group = required_members(chain[depth]);
        for (index, argument) in chain[depth].arguments.iter().enumerate().filter(|(_, a)| a.is_served()) {
            // One that must be given is kept all the same.
            let may_miss = !argument.required && !in_required_group.contains(&index);
            match may_miss.then(|| overwritten_by(chain[depth], argument, &below)).flatten() {
                Some(overwriter) => diagnostics.push(unreachable(argument, overwriter)),
                None => here.push((index, argument)),
            }
            if argument.hidden {
                diagnostics.push(insisted(argument));
            }
        }
        // Options choose first: their names are fixed by what one types, while a positional's is only shown.
        here.sort_by_key(|(_, a)| a.is_positional());
        let word = if depth == 0 { plugin } else { &chain[depth].name };
        let prefix = (depth + 1 < chain.len()).then_some(word);
        let first = bindings.len();
        for (index, argument) in here {
            let property = name(argument, &chain[depth].parser.prefix_chars, prefix, &mut taken);
            taken.names.insert(property.clone());
            bindings.push(Binding { property, depth, index });
        }
        bindings[first..].sort_by_key(|b| b.index);
        lay_below(chain[depth], &mut below);
    }
    bindings.sort_by_key(|b| !is_required(&chain[b.depth].arguments[b.index]));
    bindings
}

/// A name that is not taken: the plain one; for a positional, its dest; with the command's word before it, where that
/// command is not the leaf; with a number.
fn name(argument: &Argument, prefix_chars: &str, word: Option<&str>, taken: &mut Taken) -> String {
    let plain = key(argument, prefix_chars);
    let dest =
        argument.dest.as_deref().filter(|_| argument.is_positional()).map(squeeze).filter(|d| !d.is_empty());
    let prefixed = word.map(|word| clean(&format!("{word}_{plain}")));
    let stem = prefixed.clone().unwrap_or_else(|| plain.clone());
    let wishes = [Some(plain), dest.map(|d| clean(&d)), prefixed];
    wishes.into_iter().flatten().find(|n| !taken.names.contains(n)).unwrap_or_else(|| distinct(stem, taken))
}

/// What makes this argument useless. A positional of the same parser stores its default where it is left out, and it
/// comes last. A subcommand is parsed into a namespace of its own, all of which is then copied over the parent's,
/// defaults included.
fn overwritten_by<'a>(
    command: &'a Command,
    argument: &Argument,
    below: &Below<'a>,
) -> Option<Overwriter<'a>> {
    let shown_apart =
        |o: &Overwriter<'_>| matches!(o, Overwriter::Argument(_, a) if shown_apart(argument, a));
    let deeper = below.get(&dest(command, argument)?).and_then(|all| all.iter().find(|o| !shown_apart(o)));
    let own = || command.arguments.iter().find(|other| stores_after(other, argument));
    deeper.copied().or_else(|| own().map(Overwriter::Positional))
}

/// Whether a positional stores where an option does, in any case and after it. Only the parser itself tells.
fn stores_after(positional: &Argument, option: &Argument) -> bool {
    positional.is_positional()
        && !option.is_positional()
        && (positional.action, positional.custom, positional.suppressed) == (Action::Store, false, false)
        && positional.dest.is_some()
        && positional.dest == option.dest
}

/// Puts what a command stores before what those below it do, as far as it overwrites.
fn lay_below<'a>(command: &'a Command, below: &mut Below<'a>) {
    let mut own = Below::new();
    for name in &command.parser.stores {
        own.entry(name.clone()).or_default().push(Overwriter::Choice(command));
    }
    let is_known = |a: &Argument| a.dest.is_some() && !matches!(a.action, Action::Help | Action::Version);
    let stores = |a: &&Argument| !a.suppressed && (a.is_served() || is_known(a));
    for argument in command.arguments.iter().filter(stores) {
        if let Some(dest) = dest(command, argument) {
            own.entry(dest).or_default().push(Overwriter::Argument(command, argument));
        }
    }
    for (dest, overwriters) in own {
        let all = below.entry(dest).or_default();
        all.splice(0..0, overwriters.into_iter().take(MAX_SAME_DEST));
        all.truncate(MAX_SAME_DEST);
    }
}

/// The arguments of which one must be given.
fn required_members(command: &Command) -> BTreeSet<usize> {
    let groups = command.exclusive.iter().filter(|group| group.required);
    groups.flat_map(|group| group.members.iter().copied()).collect()
}

/// Whether help alone is known and shows other names for the values: by default those are what is stored to.
fn shown_apart(a: &Argument, b: &Argument) -> bool {
    let shown = |a: &Argument| a.dest.is_none() && !a.metavar.is_empty();
    shown(a) && shown(b) && a.metavar != b.metavar
}

/// Where an argument stores to. Where only help is known, an option's flags tell it unless the program says otherwise.
fn dest(command: &Command, argument: &Argument) -> Option<String> {
    let prefix = |c| command.parser.prefix_chars.contains(c);
    let told = || argument.main_flag().map(|flag| flag.trim_start_matches(prefix).replace('-', "_"));
    argument.dest.clone().or_else(told)
}

fn unreachable(argument: &Argument, overwriter: Overwriter<'_>) -> Diagnostic {
    let label = argument.label();
    let before = |command: &Command| format!("`{label}` has no effect before `{}`", command.name);
    let (code, message) = match overwriter {
        Overwriter::Positional(other) => (
            "overwritten-by-positional",
            format!("`{label}` has no effect: argparse stores the positional `{}` over it", other.label()),
        ),
        Overwriter::Argument(command, other) => (
            "overwritten-by-subcommand",
            format!(
                "{}: argparse overwrites it with that command's own `{}`, which stores to the same place",
                before(command),
                other.label()
            ),
        ),
        Overwriter::Choice(command) => (
            "overwritten-by-subcommand",
            format!("{}: the choice of that command stores to the same place", before(command)),
        ),
    };
    Diagnostic::new(Severity::Note, code, message).about(label)
}

fn insisted(argument: &Argument) -> Diagnostic {
    let message =
        format!("`{}` is left out of help, but argparse insists on it: it is served", argument.label());
    Diagnostic::new(Severity::Note, "hidden-but-required", message).about(argument.label())
}

/// The property name of an argument: its main flag without prefix, or its metavar or dest.
fn key(argument: &Argument, prefix_chars: &str) -> String {
    if let Some(flag) = argument.main_flag() {
        let bare = flag.trim_start_matches(|c| c == '-' || prefix_chars.contains(c));
        return clean(&bare.replace('-', "_"));
    }
    let shown = match argument.metavar.as_slice() {
        [one] => Some(one.as_str()),
        _ => argument.dest.as_deref().or(argument.metavar.first().map(String::as_str)),
    };
    let name = squeeze(shown.unwrap_or_default());
    if name.is_empty() { clean(&squeeze(argument.dest.as_deref().unwrap_or_default())) } else { clean(&name) }
}

/// Lower case, runs of anything but letters, digits and `_` as one `_`, none at the ends.
fn squeeze(text: &str) -> String {
    let mut out = String::new();
    let mut gap = false;
    for c in text.to_lowercase().chars() {
        let kept = c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if kept {
            out.push(c);
        } else if !gap {
            out.push('_');
        }
        gap = !kept;
    }
    out.trim_matches('_').to_owned()
}

/// The name within what clients take as a key: `[A-Za-z0-9_.-]{1,64}`.
fn clean(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let name: String = name.chars().take(MAX_KEY).map(|c| if fits(c) { c } else { '_' }).collect();
    if name.is_empty() { "value".into() } else { name }
}

fn distinct(name: String, taken: &mut Taken) -> String {
    if !taken.names.contains(&name) {
        return name;
    }
    let stem: String = name.chars().take(MAX_KEY - NUMBER_ROOM).collect();
    let first = taken.numbers.get(&stem).copied().unwrap_or(2);
    let mut free = (first..).map(|n| (n, format!("{stem}_{n}"))).filter(|(_, n)| !taken.names.contains(n));
    let (number, numbered) = free.next().unwrap_or((first, name));
    taken.numbers.insert(stem, number + 1);
    numbered
}
