//! Where on a help page an argument is told of: the lines of its entry, and its words in the usage.
//!
//! Page + the command that is served → places. Contracts keep no line numbers, so the page is read again; arguments
//! are paired by the same rule by which a page is merged with its parser. Pure; the page for people and the terminal
//! both show what is found here.

use std::ops::Range;

use crate::live;
use crate::model::{Argument, Command, Diagnostic};

/// A page that was read again.
pub struct Read<'a> {
    lines: Vec<&'a str>,
    shown: Command,
    /// For each argument that is served the index of the one on the page.
    partners: Vec<Option<usize>>,
}

/// A line of a page, and the part of it that something is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark<'a> {
    /// The line, from 1.
    pub line: usize,
    /// The whole line.
    pub text: &'a str,
    /// The part, in bytes of the line.
    pub under: Range<usize>,
}

impl<'a> Read<'a> {
    /// Reads the page (plain text) of `command`, to which `path` leads.
    pub fn new(page: &'a str, path: &[&str], command: &Command) -> Read<'a> {
        let shown = crate::help::parse(page, path);
        let mut partners = vec![None; command.arguments.len()];
        for (shown, served) in live::partners(&shown.arguments, &command.arguments).into_iter().enumerate() {
            if let Some(served) = served {
                partners[served] = Some(shown);
            }
        }
        Read { lines: page.split('\n').collect(), shown, partners }
    }

    /// First and last line of the entry of the command's argument of that index.
    pub fn entry(&self, index: usize) -> Option<(usize, usize)> {
        let line = self.shown(index)?.line?;
        Some((line, self.entry_end(line)))
    }

    /// Where the usage has its flags or its name.
    pub fn usage(&self, index: usize, argument: &Argument) -> Vec<Mark<'a>> {
        let named = || names(self.shown(index).unwrap_or(argument));
        self.in_usage(&if argument.is_positional() { named() } else { argument.flags.clone() })
    }

    /// What the page says of the command's argument of that index.
    fn shown(&self, index: usize) -> Option<&Argument> {
        self.partners.get(index).copied().flatten().map(|shown| &self.shown.arguments[shown])
    }

    /// The line that a diagnostic is about.
    pub fn line_of(&self, diagnostic: &Diagnostic) -> Option<usize> {
        let same = |d: &&Diagnostic| d.code == diagnostic.code && d.argument == diagnostic.argument;
        let about = diagnostic.argument.as_deref();
        let argument = || self.shown.arguments.iter().find(|a| about.is_some_and(|about| is_named(a, about)));
        diagnostic
            .line
            .or_else(|| self.shown.diagnostics.iter().find(same).and_then(|d| d.line))
            .or_else(|| argument().and_then(|a| a.line))
            .filter(|line| *line <= self.lines.len())
    }

    /// The line that a diagnostic is about: its argument there is the part that is meant, else all that stands there.
    pub fn mark(&self, diagnostic: &Diagnostic) -> Option<Mark<'a>> {
        let line = self.line_of(diagnostic)?;
        let text = self.text(line)?;
        let named = diagnostic.argument.as_deref().and_then(|name| words(text, name).next());
        let whole = || text.len() - text.trim_start().len()..text.trim_end().len();
        Some(Mark { line, text, under: named.unwrap_or_else(whole) })
    }

    /// A line of the page, counted from 1.
    pub fn text(&self, line: usize) -> Option<&'a str> {
        self.lines.get(line.checked_sub(1)?).copied()
    }

    /// The last line of the entry that begins at `line`: what follows it is indented deeper.
    fn entry_end(&self, line: usize) -> usize {
        let indent = |text: &str| text.chars().take_while(|c| c.is_whitespace()).count();
        let is_blank = |text: &str| text.trim().is_empty();
        let Some(header) = self.lines.get(line - 1) else { return line };
        let more =
            self.lines[line..].iter().take_while(|l| is_blank(l) || indent(l) > indent(header)).count();
        let own = &self.lines[line..line + more];
        line + own.iter().rposition(|l| !is_blank(l)).map_or(0, |last| last + 1)
    }

    fn in_usage(&self, names: &[String]) -> Vec<Mark<'a>> {
        let is_usage = |l: &str| l.trim_start().get(..6).is_some_and(|s| s.eq_ignore_ascii_case("usage:"));
        let Some(first) = self.lines.iter().position(|l| is_usage(l)) else { return Vec::new() };
        let usage = self.lines.iter().enumerate().skip(first).take_while(|(_, l)| !l.trim().is_empty());
        let mut marks = Vec::new();
        for (index, text) in usage {
            for name in names {
                marks.extend(words(text, name).map(|under| Mark { line: index + 1, text, under }));
            }
        }
        marks
    }
}

/// What the usage calls a positional.
fn names(argument: &Argument) -> Vec<String> {
    match (&argument.choices, argument.metavar.is_empty()) {
        (Some(choices), true) => vec![format!("{{{}}}", choices.join(","))],
        (None, true) => argument.dest.iter().cloned().collect(),
        _ => argument.metavar.clone(),
    }
}

/// Whether a diagnostic that speaks of `name` (a label, or the header of an entry) means this argument.
fn is_named(argument: &Argument, name: &str) -> bool {
    argument.label() == name
        || name.split([' ', ',', '=']).any(|word| argument.flags.iter().any(|f| f == word))
}

/// Where `name` stands in `text` as a word of its own, in bytes.
fn words<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
    let joins = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.match_indices(name).filter_map(move |(at, found)| {
        let alone = !text[..at].ends_with(joins) && !text[at + found.len()..].starts_with(joins);
        (alone && !found.is_empty()).then(|| at..at + found.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Severity;

    const PAGE: &str = "usage: é [-h] [--out OUT] [--out-dir D] [-v] {a,b} file [file ...]\n\npositional arguments:\n  {a,b}          which\n  file           the files\n\noptions:\n  -h, --help     show this help message and exit\n  --out OUT      where to;\n                 wraps\n\n                 and goes on\n  --out-dir D\n  -v             loud\n";

    fn read(check: impl Fn(&Read<'_>, &Command)) {
        let command = crate::help::parse(PAGE, &[]);
        check(&Read::new(PAGE, &[], &command), &command);
    }

    type Lines = (usize, usize);
    type Bytes = (usize, usize);

    fn place(label: &str) -> (Option<Lines>, Vec<Bytes>) {
        let command = crate::help::parse(PAGE, &[]);
        let read = Read::new(PAGE, &[], &command);
        let is_meant = |a: &Argument| a.label() == label || label == "{a,b}" && a.choices.is_some();
        let index = command.arguments.iter().position(is_meant).unwrap();
        let usage = read.usage(index, &command.arguments[index]);
        (read.entry(index), usage.iter().map(|mark| (mark.under.start, mark.under.end)).collect())
    }

    #[test]
    fn entries_and_words_of_the_usage_are_found() {
        for (label, entry, usage) in [
            ("--out", (9, 12), &[(16, 21)][..]),
            ("--out-dir", (13, 13), &[(28, 37)]),
            ("-v", (14, 14), &[(42, 44)]),
            ("{a,b}", (4, 4), &[(46, 51)]),
            ("file", (5, 5), &[(52, 56), (58, 62)]),
        ] {
            assert_eq!(place(label), (Some(entry), usage.to_vec()), "{label}");
        }
    }

    #[test]
    fn what_the_parser_has_is_found_by_its_flags_and_what_help_lacks_is_nowhere() {
        let of = |flags: &[&str]| Argument {
            flags: flags.iter().map(|f| (*f).to_owned()).collect(),
            ..Argument::default()
        };
        let command =
            Command { arguments: vec![of(&["--secret"]), of(&["-o", "--out"])], ..Command::default() };
        let read = Read::new(PAGE, &[], &command);
        assert_eq!((read.entry(0), read.usage(0, &command.arguments[0])), (None, vec![]));
        assert_eq!(read.entry(1), Some((9, 12)));
    }

    #[test]
    fn diagnostics_get_their_lines() {
        read(|read, _| {
            let note = Diagnostic::new(Severity::Note, "any", "text");
            assert_eq!(read.line_of(&note), None);
            assert_eq!(read.line_of(&note.clone().at(3)), Some(3));
            assert_eq!(read.line_of(&note.clone().at(3000)), None);
            assert_eq!(read.line_of(&note.clone().about("--out OUT")), Some(9));
            assert_eq!(read.line_of(&note.clone().about("file")), Some(5));
            assert_eq!(read.line_of(&note.about("--nowhere")), None);
        });
    }

    #[test]
    fn diagnostics_mark_their_argument_or_all_of_the_line() {
        read(|read, _| {
            let note = Diagnostic::new(Severity::Note, "any", "text");
            let marked = |note: Diagnostic| {
                let mark = read.mark(&note).unwrap();
                (mark.line, &mark.text[mark.under])
            };
            assert_eq!(marked(note.clone().about("--out OUT")), (9, "--out OUT"));
            assert_eq!(marked(note.clone().about("--out").at(1)), (1, "--out"));
            assert_eq!(marked(note.clone().at(10)), (10, "wraps"));
            assert_eq!(marked(note.clone().at(11)), (11, ""));
            assert_eq!(read.mark(&note.clone().at(0)), None);
            assert_eq!(read.mark(&note), None);
        });
    }

    #[test]
    fn any_page_has_places() {
        let command = crate::help::parse(PAGE, &[]);
        for page in ["", "\n", "usage:", "usage: \u{10ffff}", "us\u{e9}ge", "  --out\n\n\n", "Usage: [--out]"]
        {
            let read = Read::new(page, &[], &command);
            for (index, argument) in command.arguments.iter().enumerate() {
                let _ = (read.entry(index), read.usage(index, argument));
            }
        }
    }
}
