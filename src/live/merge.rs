//! A command as its help page shows it + the same command as its parser describes it → one command.
//!
//! The parser wins on all that argparse enforces. The page fills in what the parser says nothing of: line numbers,
//! defaults that are not plain data, texts that only the program's own formatter makes. An argument that only the page
//! shows is not served, since argparse would refuse it. Each real disagreement becomes a diagnostic; where a page
//! just cannot know (an `int`, an `append`), there is none.

use serde_json::Value;

use crate::model::{Action, Argument, Arity, Command, Diagnostic, Fact, Severity, Source};

/// The code of every diagnostic about page and parser telling different things of one fact.
const DIFFERS: &str = "live-differs";

/// Diagnostics of the page alone that the parser has answered.
const ANSWERED: [&str; 5] =
    ["ambiguous-choices", "ambiguous-values", "hand-written-usage", "unconfirmed-positional", "usage-only"];

/// Of a page with at least so many options the parser must know one, or it is not the parser of that page.
const UNRELATED_FROM: usize = 2;

/// Joins what the help page of one command says with what its live parser says. Only this node and the list of its
/// subcommands are merged; the pages of the subcommands are merged one by one by the caller, who passes the
/// matching subcommand of the live tree. Subcommands come back with all that the live tree says of them.
pub fn merge(mut text: Command, mut live: Command) -> Command {
    if is_unrelated(&text, &live) {
        let message =
            "the parser that was described knows none of the options that help shows: help alone counts";
        text.diagnostics.push(Diagnostic::new(Severity::Warning, "live-unrelated", message));
        return text;
    }
    let mut notes = Vec::new();
    let partners = partners(&text.arguments, &live.arguments);
    if !text.incomplete {
        not_in_help(&live, &partners, &mut notes);
    }
    groups(&text, &live, &partners, &mut notes);
    for (shown, partner) in text.arguments.iter().zip(&partners) {
        match partner {
            Some(index) => argument(&mut live.arguments[*index], shown, &mut notes),
            None if live.incomplete && !shown.is_positional() => live.arguments.push(shown.clone()),
            None => notes.push(only_in_help(shown)),
        }
    }
    subcommands(&text, &mut live, &mut notes);
    text.diagnostics.retain(|d| !ANSWERED.contains(&d.code.as_str()));
    let diagnostics = [text.diagnostics, live.diagnostics, notes].concat();
    Command {
        name: if live.name.is_empty() { text.name } else { live.name },
        summary: live.summary.or(text.summary),
        description: live.description,
        epilog: live.epilog,
        hidden: live.hidden || text.hidden,
        diagnostics,
        ..live
    }
}

fn options(arguments: &[Argument]) -> impl Iterator<Item = &Argument> {
    arguments.iter().filter(|a| !a.is_positional() && a.action != Action::Help)
}

fn is_unrelated(text: &Command, live: &Command) -> bool {
    let shared = |a: &Argument| live.arguments.iter().any(|b| shares_flag(a, b));
    // What only a usage names is no evidence: it may be written by hand.
    let listed =
        || options(&text.arguments).filter(|a| a.provenance.get(&Fact::Name) != Some(&Source::Usage));
    listed().count() >= UNRELATED_FROM && !listed().any(shared)
}

fn shares_flag(a: &Argument, b: &Argument) -> bool {
    a.flags.iter().any(|flag| b.flags.contains(flag))
}

/// For each argument of the page (`text`) the index of the parser's (`live`) that it shows: one that has a flag of it,
/// or a positional of its name, or else of its place. No index comes twice.
pub fn partners(text: &[Argument], live: &[Argument]) -> Vec<Option<usize>> {
    let mut taken = vec![false; live.len()];
    let mut partners = vec![None; text.len()];
    let same: [fn(&Argument, &Argument) -> bool; 2] = [
        |a, b| shares_flag(a, b),
        |a, b| a.is_positional() && b.is_positional() && shown_name(a) == shown_name(b),
    ];
    for is_same in same {
        for (partner, shown) in partners.iter_mut().zip(text).filter(|(p, _)| p.is_none()) {
            *partner = (0..live.len()).find(|&i| !taken[i] && is_same(shown, &live[i]));
            if let Some(index) = *partner {
                taken[index] = true;
            }
        }
    }
    // Positionals that go by other names on the page: by their order, where as many are left on both sides.
    let left: Vec<usize> =
        (0..text.len()).filter(|&i| partners[i].is_none() && text[i].is_positional()).collect();
    let free: Vec<usize> =
        (0..live.len()).filter(|&i| !taken[i] && live[i].is_positional() && !live[i].hidden).collect();
    if left.len() == free.len() {
        left.into_iter().zip(free).for_each(|(shown, index)| partners[shown] = Some(index));
    }
    partners
}

/// By what a page calls a positional.
fn shown_name(argument: &Argument) -> String {
    match (argument.choices_shown.as_ref().or(argument.choices.as_ref()), argument.metavar.is_empty()) {
        (Some(choices), true) => format!("{{{}}}", choices.join(",")),
        _ => argument.metavar.join(" "),
    }
}

fn note(argument: &Argument, code: &str, message: String) -> Diagnostic {
    let diagnostic = Diagnostic::new(Severity::Note, code, message).about(argument.label());
    argument.line.map_or(diagnostic.clone(), |line| diagnostic.at(line))
}

fn only_in_help(shown: &Argument) -> Diagnostic {
    let message = format!("help shows `{}`, but the parser has no such argument: not served", shown.label());
    note(shown, "only-in-help", message)
}

/// Arguments that are not hidden and that the page should show.
fn not_in_help(live: &Command, partners: &[Option<usize>], notes: &mut Vec<Diagnostic>) {
    for (index, argument) in live.arguments.iter().enumerate().filter(|(_, a)| a.is_served()) {
        if !partners.contains(&Some(index)) {
            let message = format!("the parser has `{}`, which help does not show", argument.label());
            notes.push(note(argument, "not-in-help", message));
        }
    }
}

/// Completes the parser's argument with what only the page says, and notes where they differ.
fn argument(live: &mut Argument, text: &Argument, notes: &mut Vec<Diagnostic>) {
    live.line = text.line;
    let differ = differences(live, text);
    notes.extend(differ.into_iter().map(|(fact, shown, real)| {
        let message = format!("{fact}: help shows {shown}, the parser has {real}, which counts");
        let mut note = note(live, DIFFERS, message);
        note.line = text.line;
        note
    }));
    let silent = |live: &Argument, fact: Fact| !live.provenance.contains_key(&fact);
    if silent(live, Fact::Help) && !live.hidden {
        live.help.clone_from(&text.help);
        inherit(live, text, Fact::Help);
    }
    if silent(live, Fact::Choices) {
        live.choices.clone_from(&text.choices);
        inherit(live, text, Fact::Choices);
    }
    if silent(live, Fact::Default) {
        live.default.clone_from(&text.default);
        inherit(live, text, Fact::Default);
    }
}

fn inherit(live: &mut Argument, text: &Argument, fact: Fact) {
    live.provenance.extend(text.provenance.get(&fact).map(|source| (fact, *source)));
}

/// Fact, what the page shows, what the parser has; only where both speak of the fact.
fn differences(live: &Argument, text: &Argument) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    let both = |fact| text.provenance.contains_key(&fact) && live.provenance.contains_key(&fact);
    let unknown_flags = text.flags.iter().any(|f| !live.flags.contains(f));
    if unknown_flags {
        found.push(("flags", quoted(&text.flags), quoted(&live.flags)));
    }
    // Count, append and extend look like flag and store on a page.
    let telling = |a: Action| matches!(a, Action::Help | Action::Negatable);
    if live.action != text.action && (telling(live.action) || telling(text.action)) {
        found.push(("action", format!("{:?}", text.action), format!("{:?}", live.action)));
    }
    if live.arity != text.arity && both(Fact::Arity) {
        found.push(("number of values", arity(text.arity), arity(live.arity)));
    }
    if live.value_type != text.value_type && both(Fact::Type) {
        found.push(("type", format!("{:?}", text.value_type), format!("{:?}", live.value_type)));
    }
    let as_shown =
        live.choices_shown.is_some() && sorted(live.choices_shown.as_ref()) == sorted(text.choices.as_ref());
    if both(Fact::Choices) && !as_shown && sorted(live.choices.as_ref()) != sorted(text.choices.as_ref()) {
        found.push(("choices", choices(text), choices(live)));
    }
    if both(Fact::Default)
        && !live.opaque_default
        && !same_default(live.default.as_ref(), text.default.as_ref())
    {
        found.push(("default", value(text.default.as_ref()), value(live.default.as_ref())));
    }
    if live.required != text.required {
        let known = text.provenance.contains_key(&Fact::Required);
        let shown = match (known, text.required) {
            (false, _) => "nothing",
            (true, true) => "required",
            (true, false) => "optional",
        };
        found.push(("required", shown.into(), if live.required { "required" } else { "optional" }.into()));
    }
    found
}

/// The choices without their order, which a Python set does not keep.
fn sorted(choices: Option<&Vec<String>>) -> Option<Vec<&String>> {
    let mut choices: Vec<&String> = choices?.iter().collect();
    choices.sort();
    Some(choices)
}

/// A default in help text is what `str` makes of it, so `5` may stand for `"5"`.
fn same_default(live: Option<&Value>, text: Option<&Value>) -> bool {
    fn plain(value: &Value) -> String {
        match value {
            // A page shows a number in Python's way of writing it.
            Value::String(text) => text.parse().map_or_else(|_| text.clone(), |n: f64| n.to_string()),
            Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |n| n.to_string()),
            Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join("\0"),
            Value::Bool(true) => "True".into(),
            Value::Bool(false) => "False".into(),
            other => other.to_string(),
        }
    }
    live.map(plain) == text.map(plain)
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}

fn arity(arity: Arity) -> String {
    format!("`{}`", String::from(arity))
}

/// How many choices a message names.
const SHOWN_CHOICES: usize = 10;

fn choices(argument: &Argument) -> String {
    match argument.choices.as_deref() {
        None => "none".into(),
        Some(all) if all.len() > SHOWN_CHOICES => {
            format!("{} and {} more", quoted(&all[..SHOWN_CHOICES]), all.len() - SHOWN_CHOICES)
        }
        Some(all) => quoted(all),
    }
}

fn value(value: Option<&Value>) -> String {
    value.map_or("none".into(), |v| format!("`{v}`"))
}

/// Exclusive groups of the page that the parser does not have.
fn groups(text: &Command, live: &Command, partners: &[Option<usize>], notes: &mut Vec<Diagnostic>) {
    for group in &text.exclusive {
        let members: Vec<usize> = group.members.iter().filter_map(|&m| *partners.get(m)?).collect();
        let known = live.exclusive.iter().find(|g| members.iter().all(|m| g.members.contains(m)));
        if known.is_some_and(|g| g.required == group.required) || members.len() < 2 {
            continue;
        }
        let labels: Vec<String> = members.iter().map(|&m| live.arguments[m].label()).collect();
        let real = if known.is_some() { "another need for one of them" } else { "no such group" };
        let message = format!("exclusive group of {}: the parser has {real}, which counts", quoted(&labels));
        notes.push(Diagnostic::new(Severity::Note, DIFFERS, message));
    }
}

/// The parser's subcommands with the page's summaries, and those that only the page lists.
fn subcommands(text: &Command, live: &mut Command, notes: &mut Vec<Diagnostic>) {
    let has_none = live.subcommands.is_empty();
    let only_shown = |sub: &&Command| !live.subcommands.iter().any(|l| l.answers_to(&sub.name));
    let mut extra: Vec<Command> = text.subcommands.iter().filter(only_shown).cloned().collect();
    for sub in &mut live.subcommands {
        if let Some(shown) = text.subcommands.iter().find(|t| sub.answers_to(&t.name)) {
            sub.hidden |= shown.hidden;
            if !sub.hidden && sub.summary.is_none() {
                sub.summary.clone_from(&shown.summary);
            }
        }
    }
    if extra.is_empty() {
        return;
    }
    let names = quoted(&extra.iter().map(|c| c.name.clone()).collect::<Vec<_>>());
    let is_choice = |a: &Argument, sub: &Command| a.choices.as_ref().is_some_and(|c| c.contains(&sub.name));
    let word = live.arguments.iter().find(|a| a.is_positional() && extra.iter().all(|s| is_choice(a, s)));
    if let (true, Some(word)) = (has_none, word) {
        let message =
            format!("help looks like subcommands {names}, the parser has a positional with these choices");
        notes.push(note(word, DIFFERS, message));
        return;
    }
    let message = format!("help lists the subcommands {names}, which the parser does not have");
    notes.push(Diagnostic::new(Severity::Note, "subcommands-only-in-help", message));
    if has_none {
        live.subcommand_at = text.subcommand_at;
        live.runs_alone = text.runs_alone;
    }
    live.subcommands.append(&mut extra);
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
