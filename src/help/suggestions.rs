//! Values that a help text names in prose: `one of json, text`, `(json|text)`, `[a, b, c]`.
//!
//! argparse prints the choices that it enforces as `{json,text}`. With a metavar it prints none, and authors list the
//! values in their own words, with or without `choices`. So such a list is a suggestion: worth showing, never enforced.

use std::sync::LazyLock;

use regex::Regex;

/// One value in such a list: a bare word.
const WORD: &str = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*";

/// The ways to write a list: a pattern whose first group holds it, and what every such list has in it. Most help texts
/// have none of that, and looking for it costs next to nothing.
static LISTS: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
    let list = |separator: &str, least: usize| format!("({WORD}(?:{separator}{WORD}){{{least},}})");
    let any = r"(?:, or |, |\||/| or )";
    [
        (format!(r"(?i)\b(?:one of|choose (?:between|from))\s*:?\s+{}", list(any, 1)), " "),
        (format!(r"\({}\)", list(r"\|", 1)), "|"),
        (format!(r"\[{}\]", list(", ?", 2)), "["),
        (format!(r"\(({WORD}(?:, {WORD})+,? or {WORD})\)"), " or "),
    ]
    .map(|(pattern, has)| (Regex::new(&pattern).expect("the pattern is constant"), has))
});

/// What stands between two values.
static SEPARATOR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r",? or |, ?|\||/").expect("the pattern is constant"));

/// The values that a help text lists; empty where it lists none, or in more than one way.
pub(super) fn listed(help: &str) -> Vec<String> {
    let lists = LISTS.iter().filter(|(_, has)| help.contains(has));
    let mut found = lists.filter_map(|(list, _)| list.captures(help)).filter_map(|c| c.get(1));
    let Some(list) = found.next() else { return Vec::new() };
    if found.any(|other| other.as_str() != list.as_str()) {
        return Vec::new();
    }
    let values = SEPARATOR.split(list.as_str().trim_end_matches(['.', ','])).map(str::to_owned);
    let mut values: Vec<String> = values.collect();
    values.dedup();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_prose() {
        for (help, expected) in [
            ("the form, one of json, text or xml", &["json", "text", "xml"][..]),
            ("LEVEL may be one of INFO, WARN, ERROR. Also set by a variable.", &["INFO", "WARN", "ERROR"]),
            ("Choose between on/off.", &["on", "off"]),
            ("the method (GET|PUT)", &["GET", "PUT"]),
            ("the system [linux, macos, windows]", &["linux", "macos", "windows"]),
            ("the check (first, second, or third)", &["first", "second", "third"]),
            ("one of the files (default: a.txt)", &[]),
            ("a pair [x, y]", &[]),
            ("e.g. (a, b, c)", &[]),
            ("", &[]),
        ] {
            assert_eq!(listed(help), expected, "{help}");
        }
    }
}
