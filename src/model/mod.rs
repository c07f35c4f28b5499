//! The terms everything else is written in: what a plugin's program is (commands, arguments) and what MCP
//! serves for it (tools).
//!
//! Pure data with small, obvious methods. This module knows no help page, no parser, no JSON-RPC and does no I/O.
//! The serialised form of [`Command`] is part of the contract file format.

mod diagnostic;
mod tool;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use diagnostic::{Diagnostic, Severity};
pub use tool::{Binding, Tool, ToolOverride};

/// A node of a program's command tree, the program itself being the root.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Command {
    /// The word that selects it on the command line; empty for the root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Other words that select the same command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The help text beside its name on the parent's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The description on its own page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The text after all sections of its own page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epilog: Option<String>,
    /// Options and positionals, in the parser's order as far as it is known. Subcommand words are not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// Mutually exclusive groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusive: Vec<ExclusiveGroup>,
    /// The subcommands, in the parser's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subcommands: Vec<Command>,
    /// How many of this command's positionals stand before the subcommand word.
    #[serde(default, skip_serializing_if = "is_default")]
    pub subcommand_at: usize,
    /// Does something by itself although it has subcommands, so it is a leaf as well.
    #[serde(default, skip_serializing_if = "is_default")]
    pub runs_alone: bool,
    /// Left out of the help on purpose (`help=SUPPRESS`): no tool unless a manifest includes it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hidden: bool,
    /// Its page could not be read whole (for example a subparser with `add_help=False`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub incomplete: bool,
    /// What its parser does differently from a plain `ArgumentParser`.
    #[serde(default, skip_serializing_if = "ParserTraits::is_plain")]
    pub parser: ParserTraits,
    /// What the plugin's author should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

impl Command {
    /// Whether `word` selects this command.
    pub fn answers_to(&self, word: &str) -> bool {
        self.name == word || self.aliases.iter().any(|a| a == word)
    }

    /// The commands from this one down `path`, this one first; `None` where a word of the path leads nowhere.
    pub fn chain(&self, path: &[String]) -> Option<Vec<&Command>> {
        let mut chain = vec![self];
        for word in path {
            let next = chain.last()?.subcommands.iter().find(|c| c.answers_to(word))?;
            chain.push(next);
        }
        Some(chain)
    }

    /// Gives back the room that lists keep to grow: a command that was read stays as it is.
    pub fn shrink(&mut self) {
        self.arguments.shrink_to_fit();
        self.subcommands.shrink_to_fit();
        for argument in &mut self.arguments {
            argument.flags.shrink_to_fit();
            argument.metavar.shrink_to_fit();
            argument.choices.iter_mut().for_each(Vec::shrink_to_fit);
        }
        self.subcommands.iter_mut().for_each(Command::shrink);
    }

    /// Whether it can be run: no subcommands, or useful without one.
    pub fn is_leaf(&self) -> bool {
        self.subcommands.is_empty() || self.runs_alone
    }

    /// Calls `visit` with every command of the tree and the path to it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&[&'a str], &'a Command)) {
        fn go<'a>(c: &'a Command, path: &mut Vec<&'a str>, visit: &mut impl FnMut(&[&'a str], &'a Command)) {
            visit(path, c);
            for sub in &c.subcommands {
                path.push(&sub.name);
                go(sub, path, visit);
                path.pop();
            }
        }
        go(self, &mut Vec::new(), visit);
    }
}

/// Traits of an `ArgumentParser` that rendering a command line depends on. Help text does not show them; the
/// defaults are argparse's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct ParserTraits {
    /// `prefix_chars`: the characters that begin an option.
    pub prefix_chars: String,
    /// `fromfile_prefix_chars`: a word that begins with one of these names a file of more words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fromfile_prefix_chars: Option<String>,
    /// Some option of the parser looks like a negative number (`-1`), so no plain word may.
    #[serde(skip_serializing_if = "is_default")]
    pub negative_number_options: bool,
    /// Whether a value that is `--` arrives as it is, also at the second of several positionals (`CPython` 3.12.5, 3.13.1
    /// and later), or is dropped (earlier ones); `None` where that is not known. Told of the root alone. It is a trait of
    /// the interpreter and not of the program, so contracts don't hold it; their cache does.
    #[serde(skip_serializing)]
    pub keeps_double_dash: Option<bool>,
    /// `parse_intermixed_args` in its older form (`CPython` up to 3.12.7 and 3.13.0): the positionals' words are read again
    /// after the options, without the `--` before them.
    #[serde(skip_serializing_if = "is_default")]
    pub two_passes: bool,
    /// Where choosing it stores something, whatever else stands on the command line (`set_defaults`, the `dest` of
    /// subcommands), as far as an argument of its parents stores there too: that is overwritten.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<String>,
    /// `allow_abbrev`: unambiguous prefixes of long options are accepted.
    #[serde(skip_serializing_if = "is_true")]
    pub allow_abbrev: bool,
}

impl ParserTraits {
    /// Whether all that is written of it is as argparse has it by default.
    fn is_plain(&self) -> bool {
        ParserTraits { keeps_double_dash: None, ..self.clone() } == ParserTraits::default()
    }
}

impl Default for ParserTraits {
    fn default() -> Self {
        ParserTraits {
            prefix_chars: "-".into(),
            fromfile_prefix_chars: None,
            negative_number_options: false,
            keeps_double_dash: None,
            two_passes: false,
            stores: Vec::new(),
            allow_abbrev: true,
        }
    }
}

/// An option (it has flags) or a positional (it has none).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Argument {
    /// Every exact spelling, in the parser's order; empty for a positional.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// The attribute that argparse stores to; only the live description tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dest: Option<String>,
    /// The names that help shows for its values: none where choices stand instead, several for a tuple.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metavar: Vec<String>,
    /// What it does with its values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub action: Action,
    /// How many values it takes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub arity: Arity,
    /// The type of one value.
    #[serde(default, rename = "type", skip_serializing_if = "is_default")]
    pub value_type: ValueType,
    /// The only values it takes, as they are written on the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
    /// Values that its help text lists in prose; others may be as good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<String>,
    /// What the program uses when it is left out; `None` where that is not known, nothing, or not plain data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// `default=SUPPRESS`: nothing is stored when it is left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub suppressed: bool,
    /// What it does with its values is the program's own (an `Action` class with a `__call__` of its own).
    #[serde(default, skip_serializing_if = "is_default")]
    pub custom: bool,
    /// Its values are taken apart into characters: `extend` without `nargs`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub taken_apart: bool,
    /// The default is an object that no word stands for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub opaque_default: bool,
    /// argparse refuses a command line without it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub required: bool,
    /// Left out of the help on purpose (`help=SUPPRESS`): not served, unless argparse insists on it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hidden: bool,
    /// Its help text, whole, lines joined where argparse wrapped them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The title of the argument group it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Where each fact came from; a fact not named was assumed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub provenance: BTreeMap<Fact, Source>,
    /// What help shows in place of the choices (`str` of the objects that they are); known while page and parser are
    /// merged, not kept in contracts.
    #[serde(skip)]
    pub choices_shown: Option<Vec<String>>,
    /// The line of the help page (from 1) where its entry begins; known right after parsing, not kept in contracts.
    #[serde(skip)]
    pub line: Option<usize>,
}

impl Argument {
    /// Whether it has no flags.
    pub fn is_positional(&self) -> bool {
        self.flags.is_empty()
    }

    /// Whether tools offer it: everything but help, version and what is hidden and may be left out.
    pub fn is_served(&self) -> bool {
        (!self.hidden || self.required) && !matches!(self.action, Action::Help | Action::Version)
    }

    /// The spelling that names the option best: the first long one, else the first.
    pub fn main_flag(&self) -> Option<&str> {
        let long = self.flags.iter().find(|f| is_long(f));
        long.or_else(|| self.flags.first()).map(String::as_str)
    }

    /// The name by which messages speak of it: its main flag, or its metavar or dest.
    pub fn label(&self) -> String {
        match self.main_flag() {
            Some(flag) => flag.to_owned(),
            None => self.metavar.first().cloned().or_else(|| self.dest.clone()).unwrap_or_default(),
        }
    }
}

/// Whether a flag is a long one: two prefix characters and a name (`--dry-run`, `++ex`).
pub fn is_long(flag: &str) -> bool {
    let mut chars = flag.chars();
    matches!((chars.next(), chars.next(), chars.next()), (Some(a), Some(b), Some(_)) if a == b && !a.is_alphanumeric())
}

/// What an argument does when it is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Keeps its value or values.
    #[default]
    Store,
    /// Only its presence matters (`store_true`, `store_false`, `store_const`, `append_const`, custom actions
    /// without a value).
    Flag,
    /// How often it is given matters (`count`).
    Count,
    /// Each use adds one element (`append`); with an arity of several, one list.
    Append,
    /// Each use adds all of its values (`extend`).
    Extend,
    /// `BooleanOptionalAction`: the flags that begin with `--no-` mean false, the others true.
    Negatable,
    /// Prints help and ends.
    Help,
    /// Prints the version and ends.
    Version,
}

/// How many values an argument takes: argparse's `nargs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub enum Arity {
    /// No value: a flag.
    Zero,
    /// One value (`nargs=None`, and `nargs=1`, which help does not tell from it).
    #[default]
    One,
    /// `nargs='?'`
    Optional,
    /// `nargs='*'`
    ZeroOrMore,
    /// `nargs='+'`
    OneOrMore,
    /// `nargs=N`, N > 1
    Exactly(usize),
    /// `nargs=REMAINDER`: everything that is left, options included.
    Remainder,
    /// `nargs=PARSER`: a value, and everything that is left after it, options included.
    Parser,
    /// The page does not tell: no value, one, or several.
    Untold,
}

impl Arity {
    /// Whether it can take more than one value at a time.
    pub fn is_many(self) -> bool {
        !matches!(self, Arity::Zero | Arity::One | Arity::Optional)
    }

    /// Whether it takes whatever follows, options and `--` included.
    pub fn is_verbatim(self) -> bool {
        matches!(self, Arity::Remainder | Arity::Parser)
    }

    /// Whether it is content with no value at all.
    pub fn may_be_empty(self) -> bool {
        !matches!(self, Arity::One | Arity::OneOrMore | Arity::Exactly(_) | Arity::Parser)
    }
}

impl From<Arity> for String {
    fn from(arity: Arity) -> String {
        match arity {
            Arity::Zero => "0".into(),
            Arity::One => "1".into(),
            Arity::Optional => "?".into(),
            Arity::ZeroOrMore => "*".into(),
            Arity::OneOrMore => "+".into(),
            Arity::Exactly(n) => n.to_string(),
            Arity::Remainder => "...".into(),
            Arity::Parser => "A...".into(),
            Arity::Untold => "untold".into(),
        }
    }
}

impl TryFrom<String> for Arity {
    type Error = String;

    fn try_from(text: String) -> Result<Arity, String> {
        Ok(match text.as_str() {
            "?" => Arity::Optional,
            "*" => Arity::ZeroOrMore,
            "+" => Arity::OneOrMore,
            "..." => Arity::Remainder,
            "A..." => Arity::Parser,
            "untold" => Arity::Untold,
            n => match n.parse().map_err(|_| format!("`{n}` is no arity"))? {
                0 => Arity::Zero,
                1 => Arity::One,
                n => Arity::Exactly(n),
            },
        })
    }
}

/// The type of one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ValueType {
    /// Text, or anything that is not known to be a number.
    #[default]
    String,
    /// Python's `int`.
    Integer,
    /// Python's `float`.
    Number,
    /// Python's `bool`: any text is true, but for the empty one.
    Boolean,
    /// Text that help speaks of as a number (`N`, `default: 3`); the parser may take other text as well.
    Numeric,
    /// One JSON value as text (only a `--describe` contract says so).
    Json,
}

/// Arguments of which at most one may be given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExclusiveGroup {
    /// One of them must be given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub required: bool,
    /// Indices into the command's `arguments`.
    pub members: Vec<usize>,
}

/// A fact about an argument that has a source of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// It exists, with these flags or this name.
    Name,
    /// What it does.
    Action,
    /// How many values it takes.
    Arity,
    /// The type of a value.
    Type,
    /// The only values.
    Choices,
    /// The default.
    Default,
    /// Whether it must be given.
    Required,
    /// Its help text.
    Help,
}

/// Where a fact came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The usage lines of the help page.
    Usage,
    /// The argument's entry on the help page.
    Entry,
    /// The parser object itself.
    Live,
    /// A `--describe` contract.
    Describe,
    /// The plugin's manifest.
    Manifest,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_true(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_values_are_read_in_any_writing() {
        let read = |text: &str| Arity::try_from(text.to_owned());
        let told = ["00", "+1", "02", "?"].map(|text| read(text).unwrap());
        assert_eq!(told, [Arity::Zero, Arity::One, Arity::Exactly(2), Arity::Optional]);
        assert_eq!(read("-1"), Err("`-1` is no arity".into()));
    }
}
