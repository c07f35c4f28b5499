//! Uses of arguments → words, in an order that argparse can read.
//!
//! At each level: options, the positionals that stand before the subcommand, the subcommand's word with all that
//! belongs to it, the positionals after it. Options are spelled exactly. `--flag=value` carries any value and works for
//! short flags too (argparse splits at `=` whenever what precedes it is a flag). Options that go on taking words
//! come before those that don't, so that the next option ends them.

use serde_json::Value;

use super::{Given, Place, Use};
use crate::model::{Action, Argument, Arity, Command, ValueType};

/// How many levels have the choice between `--` and none: each doubles the layouts to try. Programs have up to four.
const MAX_CHOOSING: usize = 4;

/// The choices that there are in laying words out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// For each level from the leaf up (bit 0 is the leaf): a `--` before its positionals.
    dashes: u32,
    /// Defaults stand in for omitted positionals before ones that are given.
    pub(super) fill: bool,
}

impl Layout {
    /// All of them for a chain of commands, the most usual first: as few `--` as may be, since some programs look for it
    /// themselves, but one at the leaf behind an option that takes any number of values.
    pub(super) fn all(chain: &[&Command], given: &[Given<'_>]) -> Vec<Layout> {
        let at_leaf = |g: &&Given<'_>| g.place.depth + 1 == chain.len();
        let usual = u32::from(given.iter().filter(at_leaf).any(|g| wants_dashes(chain, g)));
        let mut dashes: Vec<u32> = (0..1 << chain.len().min(MAX_CHOOSING)).collect();
        dashes.sort_by_key(|mask| (mask & 1 != usual, mask.count_ones(), *mask));
        let with = |fill: bool| dashes.iter().map(move |&dashes| Layout { dashes, fill });
        with(false).chain(with(true)).collect()
    }

    fn has_dashes(self, above_leaf: usize) -> bool {
        above_leaf < MAX_CHOOSING && self.dashes & (1 << above_leaf) != 0
    }
}

/// Whether a `--` before the positionals is better: behind an option that takes any number of values, and, where no parser
/// has told with what its options begin, before a word that might be one.
fn wants_dashes(chain: &[&Command], given: &Given<'_>) -> bool {
    if !given.argument.is_positional() {
        return block(given).0 == Greed::UntilOption;
    }
    let untold = chain.first().is_some_and(|root| root.parser.keeps_double_dash.is_none());
    let odd = |value: &String| !value.starts_with(char::is_alphanumeric);
    untold && given.uses.iter().flat_map(|u| &u.values).any(odd)
}

/// The words for all that is given, from the root down.
pub(super) fn words(chain: &[&Command], path: &[String], given: &[Given<'_>], layout: Layout) -> Vec<String> {
    let mut words = Vec::new();
    let mut tail = Vec::new();
    for (depth, command) in chain.iter().enumerate() {
        words.extend(options(given, depth));
        let next = path.get(depth);
        let (before, after) = positionals(command, given, depth, next.is_some());
        if layout.has_dashes(chain.len() - 1 - depth) && !before.is_empty() {
            words.push("--".to_owned());
        }
        words.extend(before);
        words.extend(next.cloned());
        tail.push(after);
    }
    words.extend(tail.into_iter().rev().flatten());
    words
}

fn options(given: &[Given<'_>], depth: usize) -> Vec<String> {
    let here = given.iter().filter(|g| g.place.depth == depth && !g.argument.is_positional());
    let mut blocks: Vec<(Greed, Vec<String>)> = here.map(block).collect();
    blocks.sort_by_key(|(greed, _)| *greed);
    blocks.into_iter().flat_map(|(_, words)| words).collect()
}

/// All uses of one option, in their order: each but the last is ended by the next.
fn block(given: &Given<'_>) -> (Greed, Vec<String>) {
    let (greeds, words): (Vec<Greed>, Vec<Vec<String>>) =
        given.uses.iter().map(|u| spell(given.argument, u)).unzip();
    (greeds.last().copied().unwrap_or(Greed::Content), words.concat())
}

/// What an option does with the words after its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Greed {
    /// Takes plain words until the next option.
    UntilOption,
    /// Takes none.
    Content,
    /// Takes all.
    Everything,
}

fn spell(argument: &Argument, one: &Use) -> (Greed, Vec<String>) {
    let flag = one.flag.clone().unwrap_or_default();
    match (argument.arity, one.values.as_slice()) {
        (Arity::One | Arity::Optional | Arity::ZeroOrMore | Arity::OneOrMore | Arity::Untold, [value]) => {
            (Greed::Content, vec![format!("{flag}={value}")])
        }
        (arity, values) => {
            let greed = match arity {
                Arity::Optional | Arity::ZeroOrMore | Arity::OneOrMore | Arity::Untold => Greed::UntilOption,
                Arity::Remainder | Arity::Parser => Greed::Everything,
                Arity::Zero | Arity::One | Arity::Exactly(_) => Greed::Content,
            };
            (greed, std::iter::once(flag).chain(values.iter().cloned()).collect())
        }
    }
}

/// A command's positional words that go before its subcommand, and those after it.
fn positionals(
    command: &Command,
    given: &[Given<'_>],
    depth: usize,
    has_subcommand: bool,
) -> (Vec<String>, Vec<String>) {
    let mut here: Vec<&Given<'_>> =
        given.iter().filter(|g| g.place.depth == depth && g.argument.is_positional()).collect();
    here.sort_by_key(|g| g.place.index);
    let after = |g: &&Given<'_>| has_subcommand && rank(command, g.place.index) >= command.subcommand_at;
    let (after, before): (Vec<_>, Vec<_>) = here.into_iter().partition(after);
    let flat = |list: Vec<&Given<'_>>| {
        list.into_iter().flat_map(|g| g.uses.iter().flat_map(|u| u.values.clone())).collect()
    };
    (flat(before), flat(after))
}

/// How many positionals of a command stand before one of them.
fn rank(command: &Command, index: usize) -> usize {
    command.arguments[..index].iter().filter(|a| a.is_positional()).count()
}

/// What is given, with defaults where they help: those of omitted optional positionals, so that what is given after
/// them gets its place, and that of one option where nothing else would end the values of the options before the
/// subcommand. Only a default that is sure to come back as itself stands in, none of an exclusive group, and none that
/// would be stored over what another argument stores.
pub(super) fn fill<'a>(chain: &[&'a Command], given: &[Given<'a>]) -> Vec<Given<'a>> {
    let mut filled = given.to_vec();
    for (depth, command) in chain.iter().enumerate() {
        let mut wants_end = depth + 1 < chain.len() && is_open_ended(given, depth);
        for (index, argument) in command.arguments.iter().enumerate() {
            let place = Place { depth, index };
            let absent = !given.iter().any(|g| g.place == place);
            let free = absent
                && argument.is_served()
                && !argument.custom
                && (argument.is_positional() || !shares_dest(command, index))
                && !command.exclusive.iter().any(|g| g.members.contains(&index));
            let gap = argument.is_positional() && argument.arity == Arity::Optional;
            let end = wants_end && !argument.is_positional() && argument.arity == Arity::One;
            if !(free && argument.action == Action::Store && (gap || end)) {
                continue;
            }
            if let Some(text) = default_word(argument) {
                wants_end &= gap;
                let flag = argument.main_flag().map(str::to_owned);
                filled.push(Given {
                    place,
                    property: "",
                    argument,
                    uses: vec![Use { flag, values: vec![text] }],
                });
            }
        }
    }
    filled
}

/// Whether another argument of the command stores to the same place. (A positional that is left out stores its default
/// there in any case.)
fn shares_dest(command: &Command, index: usize) -> bool {
    let dest = &command.arguments[index].dest;
    let stores = |a: &Argument| !matches!(a.action, Action::Help | Action::Version);
    let mut others = command.arguments.iter().enumerate().filter(|(other, a)| *other != index && stores(a));
    others.any(|(_, other)| other.dest.is_some() && other.dest == *dest)
}

/// Whether the options of a level go on taking words after their own.
fn is_open_ended(given: &[Given<'_>], depth: usize) -> bool {
    let mut greeds =
        given.iter().filter(|g| g.place.depth == depth && !g.argument.is_positional()).map(|g| block(g).0);
    greeds.clone().next().is_some() && greeds.all(|greed| greed == Greed::UntilOption)
}

/// The word that gives an argument its default value. A number that the program set itself is of its own type.
fn default_word(argument: &Argument) -> Option<String> {
    let text = match (argument.default.as_ref()?, argument.value_type) {
        (Value::String(text), _) => text.clone(),
        (Value::Number(n), ValueType::Integer) if !n.is_f64() => n.to_string(),
        (Value::Number(n), ValueType::Number) if n.is_f64() => n.to_string(),
        _ => return None,
    };
    argument.choices.as_ref().is_none_or(|c| c.contains(&text)).then_some(text)
}
