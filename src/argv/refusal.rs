//! What stands in the way of a command line → an error that names the argument and says why.

use super::replay::Trouble;
use super::{ALL, ArgvError, Given, Place, Use};
use crate::model::{Arity, Command};

/// Says which argument is to blame for words that don't come back as what was meant, and why.
pub(super) fn explain(trouble: &Trouble, chain: &[&Command], given: &[Given<'_>]) -> ArgvError {
    let suspect = match trouble {
        Trouble::File(word) | Trouble::Ambiguous(word) | Trouble::Unread(word) => {
            given.iter().find(|g| holds(g, word))
        }
        Trouble::Misread(place) => given.iter().find(|g| g.place == *place),
        Trouble::Subcommand => None,
    };
    let name = suspect.map(|g| g.property).filter(|name| !name.is_empty()).unwrap_or(ALL);
    match trouble {
        Trouble::File(word) => {
            let known = chain.iter().any(|c| c.parser.fromfile_prefix_chars.is_some());
            let takes =
                if known { "the program takes" } else { "for all that its help tells, the program may take" };
            let why = format!("{takes} a word that begins so for the name of a file of arguments");
            return ArgvError::new(name, format!("`{word}` can't be passed: {why}"));
        }
        Trouble::Ambiguous(word) => {
            let why = "to the program it is ambiguous, an abbreviation of several options";
            return ArgvError::new(name, format!("`{word}` can't be passed: {why}"));
        }
        _ => {}
    }
    let known =
        suspect.into_iter().chain(given).find_map(|g| Some(ArgvError::new(g.property, cause(g, chain)?)));
    let skipped = || suspect.and_then(|g| Some(ArgvError::new(g.property, skips(g, chain, given)?)));
    known.or_else(skipped).unwrap_or_else(|| match trouble {
        Trouble::Unread(word) => ArgvError::new(
            name,
            format!("`{word}` can't be passed: argparse would not read it as a value here"),
        ),
        Trouble::Subcommand => {
            let why = "argparse would take its word for a value, or a value for its word";
            ArgvError::new(ALL, format!("can't be passed together before a subcommand: {why}"))
        }
        _ => {
            let why = "argparse would give some of its words to another argument, or the other way round";
            ArgvError::new(name, format!("can't be passed together with the others: {why}"))
        }
    })
}

/// Whether an omitted positional before this one would get its words.
fn skips(skipping: &Given<'_>, chain: &[&Command], given: &[Given<'_>]) -> Option<String> {
    let Place { depth, index } = skipping.place;
    let mut before = chain[depth].arguments[..index].iter().enumerate().filter(|(_, a)| a.is_positional());
    let is_given = |index: usize| given.iter().any(|g| g.place == Place { depth, index });
    let (_, omitted) = before.find(|(i, _)| !is_given(*i)).filter(|_| skipping.argument.is_positional())?;
    Some(format!("can't be passed without `{}`, which stands before it", omitted.label()))
}

/// Whether a word was made for an argument.
fn holds(given: &Given<'_>, word: &str) -> bool {
    let flag_of = |u: &Use| {
        let rest = u.flag.as_ref().and_then(|f| word.strip_prefix(f.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    given.uses.iter().any(|u| u.values.iter().any(|v| v == word) || flag_of(u))
}

/// What about an argument's own values argparse has no way to take.
fn cause(given: &Given<'_>, chain: &[&Command]) -> Option<String> {
    let Given { argument, uses, place, .. } = given;
    let prefix = &chain[place.depth].parser.prefix_chars;
    let flagged = |v: &&String| v.starts_with(|c| prefix.contains(c)) && v.chars().count() > 1;
    let mut values = uses.iter().flat_map(|u| &u.values);
    if values.clone().any(|v| v == "--") {
        return Some("can't hold the value `--`: argparse (before Python 3.12.5 and 3.13.1) drops it".into());
    }
    if argument.is_positional() && chain[place.depth].parser.two_passes {
        let word = values.find(flagged)?;
        return Some(format!("can't hold `{word}`: `parse_intermixed_args` would take it for an option"));
    }
    if argument.is_positional() {
        let word = values.next().filter(flagged).filter(|_| argument.arity.is_verbatim())?;
        return Some(format!("can't begin with `{word}`: argparse would take it for an option of its own"));
    }
    let several = |u: &&Use| u.values.len() > 1;
    if let Some(value) = uses.iter().filter(several).flat_map(|u| &u.values).find(flagged) {
        return Some(format!(
            "can't hold `{value}` among several values: argparse would take it for an option"
        ));
    }
    let next = chain.get(place.depth + 1)?;
    let open_ended = |u: &Use| match argument.arity {
        Arity::Optional => u.values.is_empty(),
        Arity::ZeroOrMore | Arity::OneOrMore | Arity::Untold => u.values.len() != 1,
        arity => arity.is_verbatim(),
    };
    let why = "since nothing ends its values; give another option with it";
    uses.iter().any(open_ended).then(|| format!("would take the word `{}` as well, {why}", next.name))
}
