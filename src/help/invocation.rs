//! An option entry's left side → its flags and the text that stands for its values.
//!
//! Inverts `HelpFormatter._format_action_invocation`: up to CPython 3.12 the values follow every flag
//! (`-o OUT, --out OUT`), from 3.13 on only the last one (`-o, --out OUT`).

use super::usage::BLANK;

/// The left side of an option's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invocation {
    pub(super) flags: Vec<String>,
    /// The values' text; empty for a flag.
    pub(super) values: String,
}

/// Reads a header whose flags begin with one of `prefixes`; `None` where it doesn't begin with a flag.
pub(super) fn parse(header: &str, prefixes: &str) -> Option<Invocation> {
    let mut flags = Vec::new();
    let mut rest = header;
    loop {
        let (flag, after) = flag(rest, prefixes)?;
        flags.push(flag.to_owned());
        if let Some(next) = after.strip_prefix(", ").filter(|next| self::flag(next, prefixes).is_some()) {
            rest = next;
            continue;
        }
        let last_only = || Invocation { flags: flags.clone(), values: after.trim_start().to_owned() };
        return Some(values_repeated(after, &flags, prefixes).unwrap_or_else(last_only));
    }
}

/// The flag that `text` begins with, and what follows it.
fn flag<'a>(text: &'a str, prefixes: &str) -> Option<(&'a str, &'a str)> {
    let end = text.find(|c: char| c.is_whitespace()).unwrap_or(text.len());
    let word = text[..end].strip_suffix(',').unwrap_or(&text[..end]);
    let mut chars = word.chars();
    let begins = chars.next().is_some_and(|c| prefixes.contains(c));
    let named = word.chars().any(|c| !prefixes.contains(c));
    (begins && named).then(|| (word, &text[word.len()..]))
}

/// ` VALUES, --flag VALUES, …`: the text up to 3.12, where every flag is followed by the same values. Empty names
/// (`metavar=''`) leave nothing but their blanks, which are gone at the end of the line: `-o , --out`.
fn values_repeated(text: &str, before: &[String], prefixes: &str) -> Option<Invocation> {
    let text = text.strip_prefix(' ').filter(|_| before.len() == 1)?;
    for (at, _) in text.match_indices(", ").take(MAX_SPLITS) {
        let values = &text[..at];
        let mut flags = before.to_vec();
        let mut rest = &text[at..];
        while let Some((flag, after)) = rest.strip_prefix(", ").and_then(|next| flag(next, prefixes)) {
            let after = if after.is_empty() { " " } else { after };
            let Some(after) = after.strip_prefix(' ') else { break };
            let is_last = after.trim_end() == values.trim_end();
            let Some(after) = after.strip_prefix(values).or(is_last.then_some("")) else { break };
            flags.push(flag.to_owned());
            rest = after;
        }
        if rest.is_empty() {
            let values = if values.trim().is_empty() { BLANK } else { values.trim_start() };
            return Some(Invocation { flags, values: values.to_owned() });
        }
    }
    None
}

/// Places tried as the end of the values, so that an absurd line costs no more than linear time.
const MAX_SPLITS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, flags: &[&str], values: &str) {
        let found = parse(header, "-+/").unwrap_or_else(|| panic!("no option: {header:?}"));
        assert_eq!(
            (found.flags.iter().map(String::as_str).collect::<Vec<_>>(), found.values.as_str()),
            (flags.to_vec(), values),
            "{header:?}"
        );
    }

    #[test]
    fn both_spellings() {
        check("-h, --help", &["-h", "--help"], "");
        check("-o OUT, --out OUT", &["-o", "--out"], "OUT");
        check("-o, --out OUT", &["-o", "--out"], "OUT");
        check("-o [O], --out [O], --output [O]", &["-o", "--out", "--output"], "[O]");
        check("-p A B, --pair A B", &["-p", "--pair"], "A B");
        check("--list a, b", &["--list"], "a, b");
        check("-l X, Y, --list X, Y", &["-l", "--list"], "X, Y");
        check("+x, ++ex EX", &["+x", "++ex"], "EX");
        check("/f F", &["/f"], "F");
        check("-1", &["-1"], "");
        check("--foo, --no-foo", &["--foo", "--no-foo"], "");
        check("--nil ", &["--nil"], "");
        check("-o , --out", &["-o", "--out"], " ");
        check("-o , --out , --output", &["-o", "--out", "--output"], " ");
        check("-o  , --out", &["-o", "--out"], " ");
        check("-o  [ ...], --out  [ ...]", &["-o", "--out"], "[ ...]");
        check("-D KEY=VALUE, --define KEY=VALUE", &["-D", "--define"], "KEY=VALUE");
    }

    #[test]
    fn others_are_no_options() {
        for header in ["file", "- item", "--", "{a,b}", ""] {
            assert_eq!(parse(header, "-"), None, "{header:?}");
        }
    }
}
