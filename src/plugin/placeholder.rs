//! A command's positionals that stand before its subcommand word → words that argparse takes for them, so that a
//! subcommand's page can be reached (`prog ENV {up,down}`: `prog - up --help`).
//!
//! The words never get further than argparse's own conversion, since help ends the program there.

use crate::model::{Argument, Arity, Command, ValueType};

/// What is tried for a value that nothing is known of, in turn: `-` passes as any text and opens no file where the type
/// is `argparse.FileType`; `1` passes as a number; `.` as a path that exists.
const GUESSES: [&str; 3] = ["-", "1", "."];

/// The words that stand before the subcommand word, in the order in which they are worth trying; never empty, and just
/// one list without words where nothing stands before it.
pub(super) fn before_subcommand(command: &Command) -> Vec<Vec<String>> {
    let positionals = command.arguments.iter().filter(|a| a.is_positional());
    let before: Vec<&Argument> = positionals.take(command.subcommand_at).collect();
    let mut attempts: Vec<Vec<String>> = GUESSES.iter().map(|guess| words(&before, guess)).collect();
    attempts.dedup();
    attempts
}

fn words(arguments: &[&Argument], guess: &str) -> Vec<String> {
    arguments.iter().flat_map(|a| std::iter::repeat_n(value(a, guess), needed(a.arity))).collect()
}

/// How many words an arity insists on.
fn needed(arity: Arity) -> usize {
    match arity {
        Arity::One | Arity::OneOrMore => 1,
        Arity::Exactly(n) => n.min(MAX_WORDS),
        _ => 0,
    }
}

/// More words than any real `nargs=N` before a subcommand: a page may claim any number.
const MAX_WORDS: usize = 16;

fn value(argument: &Argument, guess: &str) -> String {
    if let Some(choice) = argument.choices.as_ref().and_then(|choices| choices.first()) {
        return choice.clone();
    }
    match argument.value_type {
        ValueType::Integer | ValueType::Number | ValueType::Numeric => "1".into(),
        ValueType::String | ValueType::Boolean | ValueType::Json => guess.into(),
    }
}

/// The words with one guess less: argparse refused it, and named the values that it takes. So also a choice behind a name
/// of its own (`metavar`), which no page shows, is found.
pub(super) fn corrected(words: &[String], error: &str) -> Option<Vec<String>> {
    let (_, refused) = error.split_once("invalid choice: ")?;
    let (guess, choices) = refused.split_once(" (choose from ")?;
    let place = words.iter().position(|w| w == unquoted(guess) && GUESSES.contains(&w.as_str()))?;
    let first = match choices.chars().next()? {
        quote @ ('\'' | '"') => choices[1..].split(quote).next()?,
        _ => choices.split([',', ')']).next()?,
    };
    let mut words = words.to_vec();
    let is_new = words[place] != first;
    first.clone_into(&mut words[place]);
    is_new.then_some(words)
}

/// What is in the quotes of a Python literal; anything else as it is.
fn unquoted(literal: &str) -> &str {
    ['\'', '"'].iter().find_map(|q| literal.strip_prefix(*q)?.strip_suffix(*q)).unwrap_or(literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positional(arity: Arity) -> Argument {
        Argument { arity, ..Argument::default() }
    }

    #[test]
    fn words_for_each_kind() {
        let check = |arguments: Vec<Argument>, at: usize, expected: &[&[&str]]| {
            let command = Command { arguments, subcommand_at: at, ..Command::default() };
            assert_eq!(before_subcommand(&command), expected);
        };
        let option = Argument { flags: vec!["--env".into()], ..Argument::default() };
        let choice = Argument { choices: Some(vec!["eu".into(), "us".into()]), ..Argument::default() };
        let number = Argument { value_type: ValueType::Integer, ..Argument::default() };
        check(vec![], 0, &[&[]]);
        check(vec![positional(Arity::One)], 0, &[&[]]);
        check(vec![option, positional(Arity::One)], 1, &[&["-"], &["1"], &["."]]);
        check(vec![choice, number], 2, &[&["eu", "1"]]);
        check(
            vec![positional(Arity::Exactly(2)), positional(Arity::Optional)],
            2,
            &[&["-", "-"], &["1", "1"], &[".", "."]],
        );
        check(vec![positional(Arity::ZeroOrMore)], 1, &[&[]]);
    }

    #[test]
    fn a_refused_guess_is_corrected() {
        let check = |words: &str, error: &str, expected: Option<&str>| {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            assert_eq!(corrected(&words, error).map(|w| w.join(" ")).as_deref(), expected, "{error}");
        };
        let error = "argument ENV: invalid choice: '-' (choose from 'prod', \"it's\")";
        check("1 - up", error, Some("1 prod up"));
        check("1 up", error, None);
        check("- up", "argument N: invalid choice: '-' (choose from prod, test)", Some("prod up"));
        check("1 up", "argument N: invalid choice: 1 (choose from 5, 6)", Some("5 up"));
        check("- up", "argument CMD: invalid choice: 'up' (choose from 'down')", None);
        check("- up", "argument N: invalid choice: '-' (choose from '-', 'x')", None);
        check("- up", "the following arguments are required: N", None);
    }
}
