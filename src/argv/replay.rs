//! Words → what argparse makes of them, to prove a layout before anything runs.
//!
//! This follows `ArgumentParser._parse_known_args` as `CPython` 3.8 to 3.14 have it: every word is classified (option,
//! plain word, `--`), options take words by their `nargs`, positionals by one pattern over the classes, and a
//! subcommand takes the rest for its own parser. Where versions differ, all of them must agree. Whatever this
//! reading can't explain is trouble, so a doubt always becomes a refusal.

use std::collections::BTreeMap;

use super::fit::fit;
use super::refusal::explain;
use super::{ArgvError, Given, Place, Use};
use crate::model::{Action, Arity, Command};

/// The ways in which versions treat a value that is `--`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Each argument loses its first `--` (options up to `CPython` 3.12, positionals up to 3.12.4 and 3.13.0).
    Dropping,
    /// Only the `--` that ends the options is dropped.
    Exact,
    /// The same, and whatever begins like a negative number counts as one (`CPython` 3.14).
    Broad,
}

/// The dialects that must agree: all, but for those of which it is known that the program's argparse has another.
pub(super) fn dialects(root: &Command) -> &'static [Dialect] {
    match root.parser.keeps_double_dash {
        Some(true) => &[Dialect::Exact, Dialect::Broad],
        Some(false) => &[Dialect::Exact, Dialect::Dropping],
        None => &[Dialect::Exact, Dialect::Dropping, Dialect::Broad],
    }
}

/// Why words don't come back as what was meant.
pub(super) enum Trouble {
    /// A word that argparse replaces by a file's contents.
    File(String),
    /// A word that could be several options.
    Ambiguous(String),
    /// A word that no argument takes, or that ends the program.
    Unread(String),
    /// An argument that gets other values than were given.
    Misread(Place),
    /// The subcommand's word isn't read as such.
    Subcommand,
}

type Seen = BTreeMap<Place, Vec<Use>>;

/// Proves that every one of these dialects reads `words` as exactly what is given.
pub(super) fn check(
    chain: &[&Command],
    words: &[String],
    given: &[Given<'_>],
    dialects: &[Dialect],
) -> Result<(), ArgvError> {
    let meant: Seen = given.iter().map(|g| (g.place, g.uses.clone())).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for dialect in dialects {
        let mut seen = Seen::new();
        let read = Parser::read(chain, 0, &words, *dialect, false, &mut seen);
        let compared =
            read.and_then(|()| compare(&meant, &seen).map_or(Ok(()), |place| Err(Trouble::Misread(place))));
        compared.map_err(|trouble| explain(&trouble, chain, given))?;
    }
    Ok(())
}

fn compare(meant: &Seen, seen: &Seen) -> Option<Place> {
    let differs = |place: &&Place| meant.get(place) != seen.get(place);
    meant.keys().find(differs).or_else(|| seen.keys().find(differs)).copied()
}

/// What a word is to a parser.
enum Class<'a> {
    Plain,
    Dashes,
    /// An option: its argument's index (unknown options have none), spelling, and value after `=` or the letter.
    Option(Option<(usize, &'a str)>, Option<&'a str>),
}

/// What takes positional words.
#[derive(Clone, Copy)]
enum Slot {
    Argument(usize),
    Subcommand,
}

/// One parser at work on its words.
struct Parser<'a> {
    chain: &'a [&'a Command],
    command: &'a Command,
    depth: usize,
    words: &'a [&'a str],
    classes: Vec<Class<'a>>,
    /// The classes as argparse writes them: `A`, `O`, `-`.
    pattern: String,
    /// Positionals that have not been matched yet.
    slots: Vec<Slot>,
    dialect: Dialect,
}

impl<'a> Parser<'a> {
    fn read(
        chain: &'a [&'a Command],
        depth: usize,
        words: &'a [&'a str],
        dialect: Dialect,
        again: bool,
        seen: &mut Seen,
    ) -> Result<(), Trouble> {
        let command = chain[depth];
        if let Some(chars) = file_prefixes(chain, command) {
            let is_file = |w: &&&str| w.starts_with(|c| chars.contains(c));
            words.iter().find(is_file).map_or(Ok(()), |w| Err(Trouble::File((*w).to_owned())))?;
        }
        let classes = classify(command, words, dialect)?;
        let letter = |class: &Class<'_>| match class {
            Class::Plain => 'A',
            Class::Dashes => '-',
            Class::Option(..) => 'O',
        };
        let pattern = classes.iter().map(letter).collect();
        let mut parser =
            Parser { chain, command, depth, words, classes, pattern, slots: slots(command), dialect };
        if command.parser.two_passes && !again { parser.run_twice(seen) } else { parser.run(seen) }
    }

    /// `parse_known_intermixed_args` with its positionals put aside: the options first, then all other words once more.
    /// The first time that it comes to such words, a `--` before them is lost.
    fn run_twice(&mut self, seen: &mut Seen) -> Result<(), Trouble> {
        let (mut rest, mut at) = (Vec::new(), 0);
        while at < self.words.len() {
            match self.classes[at] {
                Class::Option(..) => at = self.option(at, seen)?,
                Class::Dashes if rest.is_empty() && !self.slots.is_empty() => at += 1,
                _ => {
                    rest.push(self.words[at]);
                    at += 1;
                }
            }
        }
        Parser::read(self.chain, self.depth, &rest, self.dialect, true, seen)
    }

    /// Options and positionals by turns, until the last option; then the positionals that are left.
    fn run(&mut self, seen: &mut Seen) -> Result<(), Trouble> {
        let is_option = |class: &Class<'_>| matches!(class, Class::Option(..));
        let last = self.classes.iter().rposition(is_option);
        let mut at = 0;
        while last.is_some_and(|last| at <= last) {
            if !is_option(&self.classes[at]) {
                let end = self.positionals(at, seen)?;
                if end == at {
                    return Err(self.unread(at));
                }
                at = end;
                continue;
            }
            at = self.option(at, seen)?;
        }
        let end = self.positionals(at, seen)?;
        if end < self.words.len() {
            return Err(self.unread(end));
        }
        let waiting = self.slots.iter().any(|s| matches!(s, Slot::Subcommand));
        if waiting && self.depth + 1 < self.chain.len() { Err(Trouble::Subcommand) } else { Ok(()) }
    }

    fn unread(&self, at: usize) -> Trouble {
        Trouble::Unread(self.words[at].to_owned())
    }

    /// An option with the words that it takes; where the words after them begin.
    fn option(&mut self, at: usize, seen: &mut Seen) -> Result<usize, Trouble> {
        let Class::Option(Some((index, flag)), explicit) = self.classes[at] else {
            return Err(self.unread(at));
        };
        let argument = &self.command.arguments[index];
        if matches!(argument.action, Action::Help | Action::Version) {
            return Err(self.unread(at));
        }
        let after = at + 1;
        let (mut values, end) = match explicit {
            Some(value) if matches!(argument.arity, Arity::Zero | Arity::Exactly(_)) => {
                return Err(Trouble::Unread(format!("{flag}={value}")));
            }
            Some(value) => (vec![value.to_owned()], after),
            None => {
                let count = taken(argument.arity, &self.pattern[after..]).ok_or_else(|| self.unread(at))?;
                (owned(&self.words[after..after + count]), after + count)
            }
        };
        if self.dialect == Dialect::Dropping && !argument.arity.is_verbatim() {
            drop_dashes(&mut values);
        }
        self.record(index, Use { flag: Some(flag.to_owned()), values }, seen);
        Ok(end)
    }

    fn record(&self, index: usize, one: Use, seen: &mut Seen) {
        seen.entry(Place { depth: self.depth, index }).or_default().push(one);
    }

    /// As many positionals as match from `at` on, each with its words; where the words after them begin.
    fn positionals(&mut self, at: usize, seen: &mut Seen) -> Result<usize, Trouble> {
        let counts = self.match_slots(at);
        let slots: Vec<Slot> = self.slots.drain(..counts.len()).collect();
        let mut start = at;
        for (slot, count) in slots.into_iter().zip(counts) {
            let end = start + count;
            match slot {
                Slot::Subcommand => self.subcommand(start, end, seen)?,
                Slot::Argument(index) => {
                    let values = self.positional_values(index, start, end);
                    if !values.is_empty() {
                        self.record(index, Use { flag: None, values }, seen);
                    }
                }
            }
            start = end;
        }
        Ok(start)
    }

    fn positional_values(&self, index: usize, start: usize, end: usize) -> Vec<String> {
        let mut values = owned(&self.words[start..end]);
        let dropping = self.dialect == Dialect::Dropping;
        let drops = match self.command.arguments[index].arity {
            Arity::Remainder => false,
            Arity::Parser => !dropping && self.pattern[start..end].starts_with('-'),
            _ => dropping || self.pattern[start..end].contains('-'),
        };
        if drops {
            drop_dashes(&mut values);
        }
        values
    }

    /// The subcommand's word, and its parser's turn at all words after it.
    fn subcommand(&self, start: usize, end: usize, seen: &mut Seen) -> Result<(), Trouble> {
        let mut words = &self.words[start..end];
        if self.dialect != Dialect::Dropping && self.pattern[start..].starts_with('-') {
            words = &words[1..];
        }
        let next = self.chain.get(self.depth + 1);
        match (words.split_first(), next) {
            (Some((word, rest)), Some(next)) if next.answers_to(word) => {
                Parser::read(self.chain, self.depth + 1, rest, self.dialect, false, seen)
            }
            _ => Err(Trouble::Subcommand),
        }
    }

    /// How many words each of the next positionals takes: those of the longest run of them that matches.
    fn match_slots(&self, at: usize) -> Vec<usize> {
        let rest = &self.pattern[at..];
        let arities: Vec<Arity> = self.slots.iter().map(|slot| self.arity(*slot)).collect();
        let mut counts = fit(&arities, rest);
        let stopped_by_option = rest[counts.iter().sum()..].starts_with('O');
        while self.dialect != Dialect::Dropping && stopped_by_option && counts.last() == Some(&0) {
            counts.pop();
        }
        counts
    }

    fn arity(&self, slot: Slot) -> Arity {
        match slot {
            Slot::Subcommand => Arity::Parser,
            Slot::Argument(index) => self.command.arguments[index].arity,
        }
    }
}

/// The characters with which words begin that may name a file of words: the parser's own, or, where no parser is known
/// but its help page alone, the one that programs use.
fn file_prefixes<'a>(chain: &[&Command], command: &'a Command) -> Option<&'a str> {
    let untold = chain.first().is_some_and(|root| root.parser.keeps_double_dash.is_none());
    command.parser.fromfile_prefix_chars.as_deref().or(untold.then_some("@"))
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn drop_dashes(values: &mut Vec<String>) {
    if let Some(at) = values.iter().position(|v| v == "--") {
        values.remove(at);
    }
}

/// The positionals of a parser in their order, the subcommand among them.
fn slots(command: &Command) -> Vec<Slot> {
    let positionals = command.arguments.iter().enumerate().filter(|(_, a)| a.is_positional());
    let mut slots: Vec<Slot> = positionals.map(|(i, _)| Slot::Argument(i)).collect();
    if !command.subcommands.is_empty() {
        slots.insert(command.subcommand_at.min(slots.len()), Slot::Subcommand);
    }
    slots
}

/// How many words an option takes of those that follow it; `None` where they are too few.
fn taken(arity: Arity, following: &str) -> Option<usize> {
    let plain = following.bytes().take_while(|b| *b == b'A').count();
    let everything = || following.bytes().take_while(|b| *b != b'-').count();
    match arity {
        Arity::Zero => Some(0),
        Arity::One => (plain >= 1).then_some(1),
        Arity::Optional => Some(plain.min(1)),
        Arity::ZeroOrMore | Arity::Untold => Some(plain),
        Arity::OneOrMore => (plain >= 1).then_some(plain),
        Arity::Exactly(n) => (plain >= n).then_some(n),
        Arity::Remainder => Some(everything()),
        Arity::Parser => (plain >= 1).then(everything),
    }
}

fn classify<'a>(
    command: &'a Command,
    words: &[&'a str],
    dialect: Dialect,
) -> Result<Vec<Class<'a>>, Trouble> {
    let mut classes = Vec::with_capacity(words.len());
    let mut ended = false;
    for word in words {
        classes.push(match *word {
            _ if ended => Class::Plain,
            "--" => {
                ended = true;
                Class::Dashes
            }
            word => class(command, word, dialect)?,
        });
    }
    Ok(classes)
}

/// `_parse_optional`: what a word is by its looks.
fn class<'a>(command: &'a Command, word: &'a str, dialect: Dialect) -> Result<Class<'a>, Trouble> {
    let prefix = &command.parser.prefix_chars;
    if !word.starts_with(|c| prefix.contains(c)) {
        return Ok(Class::Plain);
    }
    if let Some(exact) = find_flag(command, word) {
        return Ok(Class::Option(Some(exact), None));
    }
    let mut chars = word.chars();
    let (Some(first), Some(second)) = (chars.next(), chars.next()) else { return Ok(Class::Plain) };
    if let Some((flag, value)) = word.split_once('=')
        && let Some(exact) = find_flag(command, flag)
    {
        return Ok(Class::Option(Some(exact), Some(value)));
    }
    let (short, rest) = word.split_at(first.len_utf8() + second.len_utf8());
    let start = word.split_once('=').map_or(word, |(start, _)| start);
    let mut candidates = flags(command).filter(|(_, flag)| {
        if prefix.contains(second) {
            command.parser.allow_abbrev && flag.starts_with(start)
        } else {
            *flag == short || flag.starts_with(word) || flag.starts_with(start)
        }
    });
    match (candidates.next(), candidates.next()) {
        (Some(_), Some(_)) => Err(Trouble::Ambiguous(word.to_owned())),
        (Some((index, flag)), None) if flag == short => Ok(Class::Option(Some((index, flag)), Some(rest))),
        // An abbreviation. None is ever sent on purpose, so whatever takes it is not what was meant.
        (Some(_), None) => Ok(Class::Option(None, None)),
        (None, _) => {
            let is_number =
                if dialect == Dialect::Broad { begins_like_number(word) } else { is_negative_number(word) };
            let number = is_number && !has_number_flags(command);
            Ok(if number || word.contains(' ') { Class::Plain } else { Class::Option(None, None) })
        }
    }
}

/// Every spelling of every option, with its argument's index. Where two options share one, the later has it
/// (`conflict_handler="resolve"`).
fn flags(command: &Command) -> impl Iterator<Item = (usize, &str)> {
    command.arguments.iter().enumerate().flat_map(|(i, a)| a.flags.iter().map(move |f| (i, f.as_str())))
}

fn find_flag<'a>(command: &'a Command, word: &str) -> Option<(usize, &'a str)> {
    flags(command).filter(|(_, flag)| *flag == word).last()
}

fn has_number_flags(command: &Command) -> bool {
    command.parser.negative_number_options || flags(command).any(|(_, flag)| is_negative_number(flag))
}

/// `-\.?\d`, and then anything: the idea of 3.14.
fn begins_like_number(word: &str) -> bool {
    let Some(number) = word.strip_prefix('-') else { return false };
    number.strip_prefix('.').unwrap_or(number).starts_with(|c: char| c.is_ascii_digit())
}

/// `^-\d+$|^-\d*\.\d+$`, argparse's idea of a negative number; later versions have more of them.
fn is_negative_number(word: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let Some(number) = word.strip_prefix('-') else { return false };
    match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && !fraction.is_empty() && digits(fraction),
        None => !number.is_empty() && digits(number),
    }
}
