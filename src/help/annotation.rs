//! Facts that a help text states about its argument.
//!
//! `ArgumentDefaultsHelpFormatter` appends ` (default: %(default)s)`; authors write the same in their own words. Only a
//! default in brackets, or one that ends a sentence of its own, is believed, and only where it is one word or quoted:
//! a default told in prose ("the current directory") is not a value.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::model::{Argument, Arity, ValueType};

/// `(default: X)` and its like. The value runs to the bracket that closes.
static BRACKETED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)[\[({](?:the )?defaults?(?: value)?(?:\s*[:=]\s*|\s+(?:is|to)(?::|\s)\s*|\s+)")
        .expect("the pattern is constant")
});

/// `Default: X`, `defaults to X`, `default 3` outside brackets; an empty group stands where the value begins.
static IN_PROSE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(?:^|[\s;,.])(?:the )?(?:(?:defaults?(?: value)?\s*[:=]\s*|defaults? (?:is|to):?\s+|default value is:?\s+)()|default\s+()(?:["'`]|-?\d))"#,
    )
    .expect("the pattern is constant")
});

/// `X (default)`: the one of several values that is marked.
static MARKED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)([^\s,;|/(\[{]+) \((?:the )?default\)").expect("the pattern is constant")
});

/// A number and its unit: `60s`, `2 sec`.
static WITH_UNIT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(-?\d+(?:\.\d+)?) ?(?:s|secs?|seconds?|ms|minutes?|mins?|bytes?)$")
        .expect("the pattern is constant")
});

/// The default that a help text names, as text; `None` where it names none, or only in prose.
pub(super) fn default(help: &str) -> Option<String> {
    bracketed(help).or_else(|| in_prose(help)).or_else(|| marked(help)).filter(|value| value != "None")
}

/// Words of a name that stand for numbers.
const NUMBER_WORDS: [&str; 40] = [
    "n", "k", "num", "nums", "number", "int", "integer", "float", "count", "port", "seconds", "secs", "sec",
    "s", "minutes", "mins", "hours", "days", "ms", "bytes", "kb", "mb", "size", "limit", "timeout",
    "interval", "delay", "width", "height", "lines", "level", "depth", "max", "min", "percent", "retries",
    "jobs", "threads", "workers", "cores",
];

/// What help texts say of numbers.
static OF_NUMBERS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:number of|how many|(?:in|of) (?:milli)?seconds|in minutes|in bytes|(?:an? )?integer|float)\b")
        .expect("the pattern is constant")
});

/// What help texts say of options that may be given several times.
static REPEATED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:multiple times|several times|as many times|more than once|repeatable|repeatedly|(?:can|may|might) (?:be repeated|repeat)|repeat (?:for|to \w+) (?:multiple|more|several)|(?:(?:used|given|passed|specified|provided|supplied|set) (?:multiple|several)))\b",
    )
    .expect("the pattern is constant")
});

/// Whether a help text says that its option may be given several times.
pub(super) fn says_it_repeats(help: &str) -> bool {
    REPEATED.is_match(help)
}

/// Whether name, help text or the default that it names speak of a number. That is a hint and no more: the value may be
/// other text.
pub(super) fn speaks_of_number(argument: &Argument, default: Option<&str>) -> bool {
    let names = argument.metavar.iter().chain(&argument.flags).take(MAX_NAMES);
    let mut words = names.flat_map(|name| name.split(|c: char| !c.is_alphanumeric()));
    let help = argument.help.as_deref().unwrap_or_default();
    // The cheapest first.
    default.is_some_and(|d| d.parse::<f64>().is_ok() || WITH_UNIT.is_match(d))
        || words.any(|word| NUMBER_WORDS.iter().any(|of_number| of_number.eq_ignore_ascii_case(word)))
        || OF_NUMBERS.is_match(help)
}

/// Names of an argument that are looked at.
const MAX_NAMES: usize = 8;

/// The default as a value of the argument's type; `None` where it isn't one.
pub(super) fn typed(text: &str, argument: &Argument) -> Option<Value> {
    if is_object(text) {
        return None;
    }
    if argument.arity.is_many() && (argument.arity != Arity::Untold || text.starts_with('[')) {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        let items = inner.split(", ").filter(|i| !i.is_empty());
        let items = items.map(|i| if is_object(i) { None } else { scalar(unquoted(i), argument) });
        return items.collect::<Option<Vec<Value>>>().filter(|v| !v.is_empty()).map(Value::Array);
    }
    scalar(text, argument)
}

/// Whether Python shows an object so: `<stdin>`, `PosixPath('.')`.
fn is_object(text: &str) -> bool {
    text.starts_with('<') && text.ends_with('>')
        || text.ends_with(')') && text.split_once('(').is_some_and(|(name, _)| is_name(name))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_.".contains(c))
}

fn scalar(text: &str, argument: &Argument) -> Option<Value> {
    if let Some(choices) = &argument.choices {
        return choices.iter().any(|c| c == text).then(|| Value::from(text));
    }
    match argument.value_type {
        ValueType::Integer => text.parse::<i64>().ok().map(Value::from),
        ValueType::Number => text.parse::<f64>().ok().map(Value::from),
        ValueType::Numeric => Some(Value::from(
            WITH_UNIT.captures(text).map_or(text, |c| c.get(1).map_or(text, |n| n.as_str())),
        )),
        ValueType::String | ValueType::Boolean | ValueType::Json => Some(Value::from(text)),
    }
}

fn bracketed(help: &str) -> Option<String> {
    let found = BRACKETED.find_iter(help).last()?;
    let open = help[found.start()..].chars().next()?;
    let text = &help[found.end()..];
    // A bracket that its author forgot to close is closed by the end.
    let end = closing(text, open).unwrap_or(text.len());
    let whole = &text[..end].trim().replace('\n', " ");
    // What the formatter appends ends the text, and is the value itself whatever it holds.
    let behind = text.get(end + 1..).is_some_and(|rest| rest.trim().is_empty());
    let appended = behind && help[found.start()..].starts_with("(default: ");
    let with_unit = || WITH_UNIT.is_match(whole).then(|| whole.to_owned());
    if appended && !is_prose(whole) {
        Some(unquoted(whole).to_owned())
    } else {
        one_word(whole).or_else(with_unit)
    }
}

/// Where the bracket closes that was open before `text`.
fn closing(text: &str, open: char) -> Option<usize> {
    let close = match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    };
    let mut depth = 0_usize;
    for (i, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            if depth == 0 {
                return Some(i);
            }
            depth -= 1;
        }
    }
    None
}

fn in_prose(help: &str) -> Option<String> {
    let found = IN_PROSE.captures_iter(help).last()?;
    let text = &help[found.get(1).or(found.get(2))?.end()..];
    let sentence =
        text.find(". ").map_or(text, |end| &text[..end]).lines().next()?.trim().trim_end_matches('.');
    // An explanation in brackets is not part of the value.
    let (value, _) = sentence.split_once(" (").filter(|_| sentence.ends_with(')')).unwrap_or((sentence, ""));
    one_word(value.trim_end_matches(['.', ')', ']', ';', ',']))
}

/// `one of fast (default), slow`: the value that is marked; none where several are.
fn marked(help: &str) -> Option<String> {
    let mut found = MARKED.captures_iter(help);
    let value = found.next()?.get(1)?.as_str();
    found.next().is_none().then(|| unquoted(value).to_owned())
}

/// A quoted value, or a single word.
fn one_word(text: &str) -> Option<String> {
    let text = text.trim();
    let value = unquoted(text);
    let single = value.len() < text.len() || !text.contains(char::is_whitespace);
    (single && !value.is_empty()).then(|| value.to_owned())
}

/// Several words of which none looks like data.
fn is_prose(text: &str) -> bool {
    let words = text.split_whitespace().count();
    words > 1 && text.chars().all(|c| c.is_alphabetic() || c.is_whitespace() || c == '-')
}

/// The text without a pair of quotes around it.
fn unquoted(text: &str) -> &str {
    const QUOTES: [(char, char); 5] = [('\'', '\''), ('"', '"'), ('`', '`'), ('‘', '’'), ('“', '”')];
    let inner = QUOTES.iter().find_map(|&(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        (!inner.contains(open) && !inner.contains(close)).then_some(inner)
    });
    inner.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(help: &str, expected: Option<&str>) {
        assert_eq!(default(help).as_deref(), expected, "{help:?}");
    }

    #[test]
    fn numbers_are_hinted_at() {
        let argument = |metavar: &str, help: &str| Argument {
            metavar: vec![metavar.into()],
            help: Some(help.into()),
            ..Argument::default()
        };
        for (metavar, help, expected) in [
            ("N", "", true),
            ("<port number>", "", true),
            ("MAX_SIZE", "", true),
            ("LINK", "", false),
            ("X", "Number of tries", true),
            ("X", "how long (default: 2.5)", true),
            ("FILE", "where to write (default: out.txt)", false),
        ] {
            assert_eq!(
                speaks_of_number(&argument(metavar, help), default(help).as_deref()),
                expected,
                "{metavar} {help}"
            );
        }
    }

    #[test]
    fn repetition_is_said() {
        for (help, expected) in [
            ("a path; may be given multiple times", true),
            ("a path (can be repeated)", true),
            ("a path, repeatable", true),
            ("a path; can repeat for more", true),
            ("a path. Repeat for multiple paths", true),
            ("a path. Repeat to name several.", true),
            ("repeat for this long", false),
            ("how many times to try", false),
            ("repeat the last command", false),
        ] {
            assert_eq!(says_it_repeats(help), expected, "{help}");
        }
    }

    #[test]
    fn defaults() {
        check("level (default: 3)", Some("3"));
        check("level (default: None)", None);
        check("form (default: a (b) c)", Some("a (b) c"));
        check("form (default: %H:%M on %d)", Some("%H:%M on %d"));
        check("level [default: 3] of all", Some("3"));
        check("level (default=3)", Some("3"));
        check("level (defaults to 3)", Some("3"));
        check("level. Default is 3.", Some("3"));
        check("level, default: 0.5", Some("0.5"));
        check("level. Defaults to 'two words'.", Some("two words"));
        check("where to write (default: the current directory)", None);
        check("where to write. Defaults to the current directory.", None);
        check("limit. Default 10", Some("10"));
        check("what separates columns. Default \",\"", Some(","));
        check("where to listen. Defaults to * (everywhere).", Some("*"));
        check("time between [default: 2 sec]", Some("2 sec"));
        check("one of fast (default), slow", Some("fast"));
        check("'fast' (the default) does less than 'slow'", Some("fast"));
        check("width of lines (default: 80", Some("80"));
        check("width (default: of the terminal", None);
        check("one of fast (default), slow (default)", None);
        check("by default 3 are kept", None);
        check("by default nothing", None);
        check("set the default level", None);
        check("", None);
    }
}
