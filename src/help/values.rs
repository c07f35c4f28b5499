//! What stands for an argument's values → how many it takes, their names, and the choices.
//!
//! Inverts `HelpFormatter._format_args` and `_metavar_formatter` (CPython 3.6 to 3.14):
//!
//! | `nargs` | printed |
//! |---|---|
//! | `None` | `X` |
//! | `'?'` | `[X]` |
//! | `'*'` | `[X ...]`; up to 3.8 `[X [X ...]]`; with a tuple `[X [Y ...]]` |
//! | `'+'` | `X [X ...]`; with a tuple `X [Y ...]` |
//! | `N` | `X X`; with a tuple `X Y` |
//! | `REMAINDER` | `...` |
//! | `PARSER` | `X ...` |
//!
//! `X` is the metavar, or the choices as `{a,b}`, or the name in capitals.

use crate::model::Arity;

/// What the values' text says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) arity: Arity,
    /// One name, or one for each place of a tuple; empty where choices stand instead.
    pub(super) metavar: Vec<String>,
    pub(super) choices: Choices,
    /// `X Y` may be a pair of values or one name with a blank in it.
    pub(super) may_be_tuple: bool,
}

/// What a brace list says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Choices {
    #[default]
    None,
    /// These values, as help prints them.
    Listed(Vec<String>),
    /// A list in which some comma may belong to a value.
    Ambiguous,
}

/// Reads the text after an option's flag, or a positional's form in the usage.
pub(super) fn parse(text: &str) -> Values {
    let text = text.trim();
    if text.is_empty() {
        return Values { arity: Arity::Zero, ..Values::default() };
    }
    if text == "..." {
        return Values { arity: Arity::Remainder, ..Values::default() };
    }
    if let Some(values) = optional(text).or_else(|| one_or_more(text)).or_else(|| repeated(text)) {
        return values;
    }
    tuple(text).unwrap_or_else(|| named(text, Arity::One))
}

/// `[X]`, `[X ...]`, `[X [X ...]]`, `[X [Y ...]]`
fn optional(text: &str) -> Option<Values> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    if inner.trim().is_empty() || !is_balanced(inner) {
        return None;
    }
    if let Some(values) = one_or_more(inner) {
        return Some(Values { arity: Arity::ZeroOrMore, ..values });
    }
    match inner.strip_suffix(" ...") {
        Some(name) => Some(named(name, Arity::ZeroOrMore)),
        None => Some(named(inner, Arity::Optional)),
    }
}

/// `X [X ...]`, `X [Y ...]`
fn one_or_more(text: &str) -> Option<Values> {
    let body = text.strip_suffix(" ...]")?;
    let half = body.len().checked_sub(2)? / 2;
    if let (Some(first), Some(second)) = (body.get(..half), body.get(half + 2..))
        && first == second
        && body.get(half..half + 2) == Some(" [")
    {
        return Some(named(first, Arity::OneOrMore));
    }
    let (first, second) = body.split_once(" [")?;
    let single = |name: &str| !name.is_empty() && !name.contains([' ', '[', ']']);
    // The last name of a tuple may be written as optional by its author: `A [[B] ...]`.
    let inner = second.strip_prefix('[').and_then(|s| s.strip_suffix(']')).unwrap_or(second);
    (single(first) && single(inner)).then(|| Values {
        arity: Arity::OneOrMore,
        metavar: vec![first.into(), second.into()],
        ..Values::default()
    })
}

/// `X X`: the same text N times.
fn repeated(text: &str) -> Option<Values> {
    let words: Vec<&str> = text.split(' ').collect();
    // A name of k words printed n times is k * n words; the shortest period is the name.
    let period = (1..=words.len() / 2)
        .filter(|k| words.len().is_multiple_of(*k))
        .take(MAX_PERIODS)
        .find(|&k| words.chunks(k).all(|chunk| chunk == &words[..k]))?;
    Some(named(&words[..period].join(" "), Arity::Exactly(words.len() / period)))
}

/// Divisors tried for a repeated name, so that absurd pages stay linear.
const MAX_PERIODS: usize = 16;

/// `X Y`: a tuple of plain names of one style. A name with blanks in it looks the same, so styles that prose has
/// are taken for one name.
fn tuple(text: &str) -> Option<Values> {
    let words: Vec<&str> = text.split(' ').collect();
    let capitals =
        |w: &&str| w.chars().any(char::is_alphabetic) && !w.chars().any(char::is_lowercase) && is_plain(w);
    let bracketed = |w: &&str| w.len() > 2 && w.starts_with('<') && w.ends_with('>');
    let choices = |w: &&str| w.starts_with('{') && w.ends_with('}');
    if words.len() < 2
        || !(words.iter().all(capitals) || words.iter().all(bracketed) || words.iter().all(choices))
    {
        let may_be_tuple = words.len() > 1 && words.iter().all(|w| is_plain(w));
        return may_be_tuple.then(|| Values { may_be_tuple, ..named(text, Arity::One) });
    }
    Some(Values {
        arity: Arity::Exactly(words.len()),
        metavar: words.iter().map(|w| (*w).to_owned()).collect(),
        may_be_tuple: true,
        ..Values::default()
    })
}

fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "_-.:/".contains(c))
}

fn named(name: &str, arity: Arity) -> Values {
    match choices(name) {
        Choices::None => Values { arity, metavar: vec![name.to_owned()], ..Values::default() },
        choices => Values { arity, choices, ..Values::default() },
    }
}

/// Reads `{a,b}`: `'{%s}' % ','.join(str(choice) for choice in choices)`.
pub(super) fn choices(name: &str) -> Choices {
    let Some(inner) = name.strip_prefix('{').and_then(|n| n.strip_suffix('}')) else { return Choices::None };
    let listed: Vec<String> = inner.split(',').map(str::to_owned).collect();
    let doubtful = |c: &String| c.is_empty() || c == "..." || c.trim() != c;
    if listed.iter().any(doubtful) { Choices::Ambiguous } else { Choices::Listed(listed) }
}

/// Whether square brackets pair up, so that the outer pair taken away was one pair.
fn is_balanced(text: &str) -> bool {
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '[' => depth += 1,
            ']' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => {}
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, arity: Arity, metavar: &[&str]) {
        let values = parse(text);
        assert_eq!(
            (values.arity, &values.metavar[..]),
            (arity, &metavar.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
            "{text:?}"
        );
    }

    #[test]
    fn arities() {
        check("", Arity::Zero, &[]);
        check("FOO", Arity::One, &["FOO"]);
        check("[FOO]", Arity::Optional, &["FOO"]);
        check("[FOO ...]", Arity::ZeroOrMore, &["FOO"]);
        check("[FOO [FOO ...]]", Arity::ZeroOrMore, &["FOO"]);
        check("[A [B ...]]", Arity::ZeroOrMore, &["A", "B"]);
        check("FOO [FOO ...]", Arity::OneOrMore, &["FOO"]);
        check("A [B ...]", Arity::OneOrMore, &["A", "B"]);
        check("A [[B] ...]", Arity::OneOrMore, &["A", "[B]"]);
        check("the file [the file ...]", Arity::OneOrMore, &["the file"]);
        check("X X X", Arity::Exactly(3), &["X"]);
        check("a b a b", Arity::Exactly(2), &["a b"]);
        check("KEY VALUE", Arity::Exactly(2), &["KEY", "VALUE"]);
        check("...", Arity::Remainder, &[]);
    }

    #[test]
    fn odd_names_are_one_value() {
        for name in
            ["<new name>", "FILE[,FILE...]", "[A|B] ...", "[A][B]", "KEY=VALUE", "a b", "host:port", "(1-9)"]
        {
            check(name, Arity::One, &[name]);
        }
    }

    #[test]
    fn brace_lists() {
        let listed = |c: &[&str]| Choices::Listed(c.iter().map(ToString::to_string).collect());
        for (text, arity, expected) in [
            ("{a,b}", Arity::One, listed(&["a", "b"])),
            ("{a b,c}", Arity::One, listed(&["a b", "c"])),
            ("[{a,b}]", Arity::Optional, listed(&["a", "b"])),
            ("{a,b} [{a,b} ...]", Arity::OneOrMore, listed(&["a", "b"])),
            ("{1,2} {1,2}", Arity::Exactly(2), listed(&["1", "2"])),
            ("{,,|,a b,{,'}", Arity::One, Choices::Ambiguous),
            ("{1,2,...}", Arity::One, Choices::Ambiguous),
            ("{}", Arity::One, Choices::Ambiguous),
        ] {
            let values = parse(text);
            assert_eq!((values.arity, values.choices), (arity, expected), "{text:?}");
        }
    }
}
