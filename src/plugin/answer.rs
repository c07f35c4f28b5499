//! What a program printed when it was asked for help → which text is the help page, if any.
//!
//! Pure: it knows streams and argparse's error line, not processes.

/// Bytes of `[-h]`, by which a usage offers its help option.
const OFFER: usize = 4;

/// A help page as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The page, without an error line of argparse.
    pub(super) text: String,
    /// It came with an argparse error, so it may be no more than the short usage.
    pub(super) error: Option<String>,
}

/// Picks the page: standard output's, else standard error's (some programs print help there). `None` where neither
/// shows help.
pub(super) fn page(stdout: &str, stderr: &str) -> Option<Answer> {
    if is_help(stdout) {
        return Some(Answer { text: stdout.to_owned(), error: None });
    }
    if !is_help(stderr) {
        return None;
    }
    let (text, error) = match error_line(stderr) {
        Some((at, message)) => (&stderr[..at], Some(message.to_owned())),
        None => (stderr, None),
    };
    // An `error()` that prints all of the help first leaves nothing to be desired.
    let error = error.filter(|_| !has_entries(text));
    Some(Answer { text: text.to_owned(), error })
}

impl Answer {
    /// The flag that may do better than `--help`: the program answered with an error though its usage offers that flag
    /// (`[-h]`, or `[+h]` where options begin with another character), or it said that it does not know `--help`.
    pub(super) fn short_flag(&self) -> Option<String> {
        let error = self.error.as_ref()?;
        let is_offer =
            |word: &[u8]| word.starts_with(b"[") && word[1].is_ascii_punctuation() && word.ends_with(b"h]");
        match self.text.as_bytes().windows(OFFER).find(|word| is_offer(word)) {
            Some(word) => Some(format!("{}h", char::from(word[1]))),
            None => error.contains("--help").then(|| "-h".to_owned()),
        }
    }
}

/// Whether a text has a usage line, or the entry of argparse's help option (a parser may suppress its usage).
pub(super) fn is_help(text: &str) -> bool {
    text.lines().any(|line| {
        let line = skip_escapes(line);
        let begins = |with: &str| line.get(..with.len()).is_some_and(|l| l.eq_ignore_ascii_case(with));
        begins("usage:") || begins("-h, --help ") || line == "-h, --help"
    })
}

/// A line without the blanks and terminal escapes before its first word.
fn skip_escapes(line: &str) -> &str {
    let mut rest = line.trim();
    while let Some(sequence) = rest.strip_prefix("\u{1b}[") {
        let end = sequence.find(|c: char| ('@'..='~').contains(&c));
        rest = end.map_or("", |end| sequence[end + 1..].trim_start());
    }
    rest
}

/// Where argparse's last `prog: error: message` begins, and the message.
fn error_line(text: &str) -> Option<(usize, &str)> {
    let mut found = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some((prog, message)) = line.split_once(": error: ")
            && !prog.starts_with(char::is_whitespace)
        {
            found = Some((at, message.trim()));
        }
        at += line.len();
    }
    found
}

/// Whether anything but the usage is on the page: a heading (`options:`) that does not begin it.
fn has_entries(text: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| !is_help(line)).skip(1);
    lines.any(|line| line.ends_with(':') && !line.starts_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_where_the_usage_is() {
        let check = |stdout: &str, stderr: &str, expected: Option<(&str, Option<&str>)>| {
            let found = page(stdout, stderr);
            let found = found.as_ref().map(|a| (a.text.as_str(), a.error.as_deref()));
            assert_eq!(found, expected, "{stdout:?} {stderr:?}");
        };
        check("usage: a\n", "warning\n", Some(("usage: a\n", None)));
        check("banner\nUsage: a\n", "", Some(("banner\nUsage: a\n", None)));
        check("\u{1b}[1;34musage: \u{1b}[0ma\n", "", Some(("\u{1b}[1;34musage: \u{1b}[0ma\n", None)));
        check("options:\n  -h, --help  show\n", "", Some(("options:\n  -h, --help  show\n", None)));
        check("", "usage: a\n\noptions:\n  -x\n", Some(("usage: a\n\noptions:\n  -x\n", None)));
        check("", "usage: a X\na: error: need: X\n", Some(("usage: a X\n", Some("need: X"))));
        check(
            "",
            "usage: a X\n\noptions:\n -x\na: error: X\n",
            Some(("usage: a X\n\noptions:\n -x\n", None)),
        );
        check("the usage: none\n", "Traceback\n", None);
        check("", "", None);
    }

    #[test]
    fn the_short_flag_is_for_programs_that_offer_it() {
        let check = |stderr: &str, expected: Option<&str>| {
            assert_eq!(page("", stderr).unwrap().short_flag().as_deref(), expected, "{stderr:?}");
        };
        check("usage: a\na: error: unrecognized arguments: --help\n", Some("-h"));
        check("usage: a [-h] X\na: error: the following arguments are required: X\n", Some("-h"));
        check("usage: a [+h] [+x]\na: error: unrecognized arguments: --help\n", Some("+h"));
        check("usage: a X [h]\na: error: the following arguments are required: X\n", None);
        check("usage: a [-h]\n\noptions:\n  -h\n", None);
    }
}
