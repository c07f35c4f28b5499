//! A checked description → [`Command`]: argparse's actions in the model's terms.
//!
//! The description holds each parser once and refers to it by number. Here the references become a tree again: a
//! parser that stands for several names appears under each, and a reference back to a parser on the way from the root
//! (a cycle) ends there. Depth and size of the tree are bounded.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::field::{Field, LiveError};
use crate::model::{
    Action, Argument, Arity, Command, Diagnostic, ExclusiveGroup, Fact, ParserTraits, Severity, Source,
    ValueType,
};

/// The format of the description that the passenger of this version writes.
const VERSION: u64 = 1;
/// Levels of subcommands: deeper than any program that people can use.
const MAX_DEPTH: usize = 16;
/// Commands of the tree, shared parsers counted at each place.
const MAX_COMMANDS: usize = 20_000;
/// Arguments of the tree, shared parsers counted at each place: bounds what sharing can multiply.
const MAX_ARGUMENTS: usize = 100_000;
/// Bytes of the tree's texts, shared parsers counted at each place: twice what a whole description may have.
const MAX_TEXT: usize = 2 * super::MAX_BYTES;
/// The largest `nargs=N` that is believed.
const MAX_NARGS: usize = 10_000;

/// The tree below the description's root parser.
pub(super) fn tree(value: &Value) -> Result<Command, LiveError> {
    let description = Field::root(value);
    let version = description.get("version")?;
    if version.value().as_u64() != Some(VERSION) {
        return Err(version.wrong("1"));
    }
    let parsers_field = description.get("parsers")?;
    let keeps = description.get("keepsDoubleDash")?;
    let keeps = if keeps.is_null() { None } else { Some(keeps.flag()?) };
    let mut parsers = parsers_field.each(|parser| Parser::read(&parser))?;
    parsers.iter_mut().for_each(|p| p.command.parser.keeps_double_dash = keeps);
    for parser in &parsers {
        parser.check_references(parsers.len())?;
    }
    let root = description.get("root")?.below(parsers.len())?;
    let mut expansion = Expansion { parsers: &parsers, way: Vec::new(), commands: 0, arguments: 0, text: 0 };
    let mut command = expansion.command(root)?;
    if description.get("isAbove")?.flag()? {
        let message = "asked for help, the program chooses a subcommand itself and shows that one's: what its parser says counts";
        command.diagnostics.push(Diagnostic::new(Severity::Note, super::CHOSEN, message));
    }
    if description.get("truncated")?.flag()? {
        let message = "the parser is too large to be described whole; what is missing comes from help alone";
        command.incomplete = true;
        command.diagnostics.push(Diagnostic::new(Severity::Warning, "live-truncated", message));
    }
    Ok(command)
}

/// One parser, as a command without a name and without its subcommands.
struct Parser {
    command: Command,
    /// Bytes of its JSON.
    size: usize,
    /// Where it stores the word of its subcommand.
    chosen: Option<String>,
    subcommands: Vec<Reference>,
}

/// A subcommand's word and the parser that it leads to.
struct Reference {
    command: Command,
    parser: Option<usize>,
}

impl Parser {
    fn read(field: &Field<'_>) -> Result<Parser, LiveError> {
        let mut command = Command {
            description: prose(&field.get("description")?)?,
            epilog: prose(&field.get("epilog")?)?,
            arguments: field.get("actions")?.each(|action| argument(&action))?,
            parser: traits(field)?,
            ..Command::default()
        };
        let count = command.arguments.len();
        command.exclusive = field.get("exclusive")?.each(|group| {
            Ok(ExclusiveGroup {
                required: group.get("required")?.flag()?,
                members: group.get("members")?.each(|member| member.below(count))?,
            })
        })?;
        share_defaults(&mut command);
        reveal(&mut command);
        let subparsers = field.get("subparsers")?;
        if subparsers.is_null() {
            return Ok(Parser { size: size(&command), command, chosen: None, subcommands: Vec::new() });
        }
        let chosen = subparsers.get("dest")?.maybe_text()?;
        command.subcommand_at = subparsers.get("at")?.below(count + 1)?;
        command.runs_alone = !subparsers.get("required")?.flag()? && dispatches(field)?;
        let subcommands = distinct(subparsers.get("commands")?.each(|sub| reference(&sub))?);
        let names: usize = subcommands.iter().map(|sub| size(&sub.command)).sum();
        Ok(Parser { size: size(&command) + names, command, chosen, subcommands })
    }

    fn check_references(&self, count: usize) -> Result<(), LiveError> {
        let lost = self.subcommands.iter().find(|r| r.parser.is_some_and(|p| p >= count));
        lost.map_or(Ok(()), |r| {
            let field = format!("subparsers.commands of `{}`", r.command.name);
            Err(LiveError::Field { field, expected: "a parser of the list" })
        })
    }
}

/// Whether the parser does something without a subcommand.
///
/// argparse's default is that a subcommand may be left out, so nearly every group of commands would qualify, and most
/// of them then only print help or fail. What shows a purpose is the documented way of dispatch: a function in the
/// parser's own `set_defaults`, unless that function itself prints help.
fn dispatches(parser: &Field<'_>) -> Result<bool, LiveError> {
    let functions = parser
        .get("defaults")?
        .each(|default| Ok(default.get("callable")?.flag()? && !default.get("printsHelp")?.flag()?))?;
    Ok(functions.contains(&true))
}

fn traits(parser: &Field<'_>) -> Result<ParserTraits, LiveError> {
    let allow_abbrev = parser.get("allowAbbrev")?;
    let sets = parser.get("defaults")?.each(|default| default.get("name")?.maybe_text())?;
    Ok(ParserTraits {
        stores: sets.into_iter().flatten().collect(),
        prefix_chars: parser.get("prefixChars")?.maybe_text()?.unwrap_or_else(|| "-".into()),
        fromfile_prefix_chars: filled(parser.get("fromfilePrefixChars")?.maybe_text()?),
        negative_number_options: parser.get("negativeNumberOptions")?.flag()?,
        two_passes: parser.get("twoPasses")?.flag()?,
        allow_abbrev: allow_abbrev.is_null() || allow_abbrev.flag()?,
        ..ParserTraits::default()
    })
}

fn reference(field: &Field<'_>) -> Result<Reference, LiveError> {
    let command = Command {
        name: field.get("name")?.text()?.to_owned(),
        aliases: field.get("aliases")?.texts()?,
        summary: prose(&field.get("summary")?)?,
        hidden: field.get("hidden")?.flag()?,
        ..Command::default()
    };
    let parser = field.get("parser")?;
    let parser = if parser.is_null() { None } else { Some(parser.below(usize::MAX)?) };
    Ok(Reference { command, parser })
}

/// Every word leads to one command, the first that has it. Keys of Python may differ and be written alike, as `1` and `"1"`.
fn distinct(references: Vec<Reference>) -> Vec<Reference> {
    let mut words = HashSet::new();
    let mut is_first = |word: &String| words.insert(word.clone());
    let mut own: Vec<Reference> = references.into_iter().filter(|r| is_first(&r.command.name)).collect();
    own.iter_mut().for_each(|reference| reference.command.aliases.retain(&mut is_first));
    own
}

/// Of the options that store to one place, the first that has a default sets it, also where that is `None`. (A
/// positional that is left out stores its own. What is stored where one of a group must be given is not asked.)
fn share_defaults(command: &mut Command) {
    let required = command.exclusive.iter().filter(|group| group.required);
    let apart: HashSet<usize> = required.flat_map(|group| group.members.iter().copied()).collect();
    let mut first: HashMap<String, Option<Value>> = HashMap::new();
    for (index, argument) in command.arguments.iter_mut().enumerate() {
        let stores = !argument.suppressed && !matches!(argument.action, Action::Help | Action::Version);
        let Some(dest) = argument.dest.clone().filter(|_| stores) else { continue };
        let default = first.entry(dest).or_insert_with(|| argument.default.clone());
        if !argument.is_positional() && !apart.contains(&index) && argument.default != *default {
            argument.default.clone_from(default);
            argument.provenance.insert(Fact::Default, Source::Live);
        }
    }
}

/// Shows the members of a group of which one must be given, where all of them are hidden.
fn reveal(command: &mut Command) {
    let Command { exclusive, arguments, .. } = command;
    let is_hidden = |index: &usize| arguments.get(*index).is_some_and(|a| a.hidden);
    let all_hidden = exclusive.iter().filter(|g| g.required && g.members.iter().all(is_hidden));
    let members: Vec<usize> = all_hidden.flat_map(|group| group.members.clone()).collect();
    members.into_iter().for_each(|index| arguments[index].hidden = false);
}

fn shown(field: &Field<'_>) -> Result<Option<Vec<String>>, LiveError> {
    if field.is_null() { Ok(None) } else { field.texts().map(Some) }
}

/// A text for people, if there is one.
fn prose(field: &Field<'_>) -> Result<Option<String>, LiveError> {
    let text = filled(field.maybe_text()?);
    Ok(text.map(|text| crate::text::without_addresses(&text).into_owned()))
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|t| !t.trim().is_empty())
}

fn argument(field: &Field<'_>) -> Result<Argument, LiveError> {
    let flags = field.get("flags")?.texts()?;
    let kind_field = field.get("kind")?;
    let kind = kind_field.text()?;
    let mut arity = arity(&field.get("nargs")?)?;
    let action = action(kind, arity);
    if matches!(action, Action::Flag | Action::Count | Action::Negatable | Action::Help | Action::Version) {
        arity = Arity::Zero;
    }
    let choices = field.get("choices")?;
    let default = field.get("default")?;
    let help = prose(&field.get("help")?)?;
    // `BooleanOptionalAction` of 3.9 to 3.12 appends the default to whatever help there is.
    let is_suppressed =
        action == Action::Negatable && help.as_deref().is_some_and(|h| h.starts_with("==SUPPRESS=="));
    let mut argument = Argument {
        dest: field.get("dest")?.maybe_text()?,
        metavar: field
            .get("metavar")?
            .each(|m| m.maybe_text())
            .map(|names| names.into_iter().flatten().collect())?,
        action,
        arity,
        value_type: value_type(&field.get("type")?)?,
        // Of a PARSER's values, only the first is compared with the choices.
        choices: if choices.is_null() || arity == Arity::Parser { None } else { Some(choices.texts()?) },
        default: converted(default.value(), value_type(&field.get("type")?)?),
        suppressed: field.get("suppressed")?.flag()? && !matches!(action, Action::Help | Action::Version),
        custom: field.get("custom")?.flag()?,
        taken_apart: field.get("takenApart")?.flag()? && action == Action::Extend,
        opaque_default: field.get("opaqueDefault")?.flag()?,
        choices_shown: shown(&field.get("choicesShown")?)?,
        required: field.get("needsOne")?.flag()?
            || field.get("required")?.flag()? && !(flags.is_empty() && arity.may_be_empty()),
        hidden: field.get("hidden")?.flag()? || is_suppressed,
        help: help.filter(|_| !is_suppressed),
        section: filled(field.get("section")?.maybe_text()?)
            .filter(|t| t != "options" && t != "optional arguments"),
        flags,
        ..Argument::default()
    };
    settle(&mut argument);
    let enforced = [Fact::Name, Fact::Action, Fact::Arity, Fact::Type, Fact::Required];
    argument.provenance.extend(enforced.map(|fact| (fact, Source::Live)));
    // What is not plain data (a path, choices without an end) is left to the help page.
    for (key, fact) in [("choicesKnown", Fact::Choices), ("defaultKnown", Fact::Default)] {
        if field.get(key)?.flag()? {
            argument.provenance.insert(fact, Source::Live);
        }
    }
    if argument.help.is_some() {
        argument.provenance.insert(Fact::Help, Source::Live);
    }
    Ok(argument)
}

/// What follows from the combination of facts.
fn settle(argument: &mut Argument) {
    if argument.arity == Arity::Zero {
        argument.value_type = ValueType::String;
        argument.choices = None;
        argument.metavar.clear();
    }
    // Where neither metavar nor choices are given, help shows the dest: as it is, or in capitals for an option.
    if argument.arity != Arity::Zero && argument.metavar.is_empty() && argument.choices.is_none() {
        let capitals = !argument.flags.is_empty();
        argument
            .metavar
            .extend(argument.dest.as_ref().map(|d| if capitals { d.to_uppercase() } else { d.clone() }));
    }
}

fn arity(nargs: &Field<'_>) -> Result<Arity, LiveError> {
    Ok(match nargs.value() {
        Value::Null => Arity::One,
        Value::Number(_) => match nargs.below(MAX_NARGS + 1)? {
            0 => Arity::Zero,
            1 => Arity::One,
            n => Arity::Exactly(n),
        },
        Value::String(form) => match form.as_str() {
            "?" => Arity::Optional,
            "*" => Arity::ZeroOrMore,
            "+" => Arity::OneOrMore,
            "..." => Arity::Remainder,
            "A..." => Arity::Parser,
            "==SUPPRESS==" => Arity::Zero,
            _ => return Err(nargs.wrong("a form of nargs")),
        },
        _ => return Err(nargs.wrong("a form of nargs")),
    })
}

/// argparse's class of action (the nearest one, for a program's own class) in the model's terms.
fn action(kind: &str, arity: Arity) -> Action {
    match kind {
        "StoreTrueAction" | "StoreFalseAction" | "StoreConstAction" | "AppendConstAction" => Action::Flag,
        "CountAction" => Action::Count,
        "BooleanOptionalAction" => Action::Negatable,
        "HelpAction" => Action::Help,
        "VersionAction" => Action::Version,
        _ if arity == Arity::Zero => Action::Flag,
        "AppendAction" => Action::Append,
        "ExtendAction" => Action::Extend,
        _ => Action::Store,
    }
}

/// A default as the program gets it: argparse converts one that is a string, and no other.
fn converted(default: &Value, value_type: ValueType) -> Option<Value> {
    let number = || {
        let text = default.as_str()?.trim();
        match value_type {
            ValueType::Integer => text.parse::<i64>().ok().map(Value::from),
            ValueType::Number => text.parse::<f64>().ok().map(Value::from),
            _ => None,
        }
    };
    number().or_else(|| Some(default.clone())).filter(|d| !d.is_null())
}

fn value_type(field: &Field<'_>) -> Result<ValueType, LiveError> {
    Ok(match field.maybe_text()?.as_deref() {
        Some("int") => ValueType::Integer,
        Some("float") => ValueType::Number,
        Some("bool") => ValueType::Boolean,
        Some("numeric") => ValueType::Numeric,
        _ => ValueType::String,
    })
}

/// Turns references into a tree.
struct Expansion<'a> {
    parsers: &'a [Parser],
    way: Vec<usize>,
    commands: usize,
    arguments: usize,
    text: usize,
}

/// About how many bytes a command takes.
fn size(command: &Command) -> usize {
    serde_json::to_string(command).map_or(usize::MAX, |json| json.len())
}

impl Expansion<'_> {
    fn command(&mut self, index: usize) -> Result<Command, LiveError> {
        let parser = &self.parsers[index];
        self.count(parser.command.arguments.len(), parser.size)?;
        let mut command = parser.command.clone();
        self.way.push(index);
        command.subcommands =
            parser.subcommands.iter().map(|r| self.subcommand(r)).collect::<Result<_, _>>()?;
        self.way.pop();
        if command.subcommands.is_empty() {
            command.runs_alone = false;
        }
        Ok(command)
    }

    fn subcommand(&mut self, reference: &Reference) -> Result<Command, LiveError> {
        let Some(index) = reference.parser.filter(|p| !self.way.contains(p) && self.way.len() < MAX_DEPTH)
        else {
            self.count(0, 0)?;
            return Ok(Command { incomplete: true, ..reference.command.clone() });
        };
        let above = self.way.last().map(|above| &self.parsers[*above]);
        let chosen = above.and_then(|above| above.chosen.clone());
        let mut below = self.command(index)?;
        below.parser.stores.extend(chosen);
        let Command { name, aliases, summary, hidden, .. } = reference.command.clone();
        Ok(Command { name, aliases, summary, hidden, ..below })
    }

    fn count(&mut self, arguments: usize, text: usize) -> Result<(), LiveError> {
        self.commands += 1;
        self.arguments += arguments;
        self.text = self.text.saturating_add(text);
        let counts = [
            ("commands", self.commands, MAX_COMMANDS),
            ("arguments", self.arguments, MAX_ARGUMENTS),
            ("texts in bytes", self.text, MAX_TEXT),
        ];
        match counts.into_iter().find(|(_, count, limit)| count > limit) {
            Some((what, _, limit)) => Err(LiveError::TooLarge { what: what.into(), limit }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
