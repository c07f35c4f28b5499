//! Where on a help page an argument is told of: the lines of its entry, and its words in the usage.
//!
//! Page + the command that is served → places. Contracts keep no line numbers, so the page is read again; arguments
//! are paired by the same rule by which a page is merged with its parser.

use serde::Serialize;

use crate::live;
use crate::model::{Argument, Command, Diagnostic};

/// Some characters of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Span {
    /// The line, from 1.
    pub(super) line: usize,
    /// The first character, counted from 0 in UTF-16 units, which is how browsers count.
    pub(super) from: usize,
    /// The one after the last character.
    pub(super) to: usize,
}

/// Where an argument is told of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    /// First and last line of its entry.
    pub(super) entry: Option<(usize, usize)>,
    /// Its flags or its name in the usage.
    pub(super) usage: Vec<Span>,
}

/// A page that was read again.
pub(super) struct Read<'a> {
    lines: Vec<&'a str>,
    shown: Command,
    /// For each argument that is served the index of the one on the page.
    partners: Vec<Option<usize>>,
}

impl<'a> Read<'a> {
    /// Reads the page (plain text) of `command`, to which `path` leads.
    pub(super) fn new(page: &'a str, path: &[&str], command: &Command) -> Read<'a> {
        let shown = crate::help::parse(page, path);
        let mut partners = vec![None; command.arguments.len()];
        for (shown, served) in live::partners(&shown.arguments, &command.arguments).into_iter().enumerate() {
            if let Some(served) = served {
                partners[served] = Some(shown);
            }
        }
        Read { lines: page.split('\n').collect(), shown, partners }
    }

    /// Where the command's argument of that index is told of.
    pub(super) fn place(&self, index: usize, argument: &Argument) -> Place {
        let shown = self.partners.get(index).copied().flatten().map(|i| &self.shown.arguments[i]);
        let entry = shown.and_then(|a| a.line).map(|line| (line, self.entry_end(line)));
        let names =
            if argument.is_positional() { names(shown.unwrap_or(argument)) } else { argument.flags.clone() };
        Place { entry, usage: self.in_usage(&names) }
    }

    /// The line that a diagnostic is about.
    pub(super) fn line_of(&self, diagnostic: &Diagnostic) -> Option<usize> {
        let same = |d: &&Diagnostic| d.code == diagnostic.code && d.argument == diagnostic.argument;
        let about = diagnostic.argument.as_deref();
        let argument = || self.shown.arguments.iter().find(|a| about.is_some_and(|about| is_named(a, about)));
        diagnostic
            .line
            .or_else(|| self.shown.diagnostics.iter().find(same).and_then(|d| d.line))
            .or_else(|| argument().and_then(|a| a.line))
            .filter(|line| *line <= self.lines.len())
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

    fn in_usage(&self, names: &[String]) -> Vec<Span> {
        let is_usage = |l: &str| l.trim_start().get(..6).is_some_and(|s| s.eq_ignore_ascii_case("usage:"));
        let Some(first) = self.lines.iter().position(|l| is_usage(l)) else { return Vec::new() };
        let usage = self.lines[first..].iter().take_while(|l| !l.trim().is_empty());
        let mut spans = Vec::new();
        for (offset, text) in usage.enumerate() {
            for name in names {
                spans.extend(words(text, name).map(|(from, to)| Span { line: first + offset + 1, from, to }));
            }
        }
        spans
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

/// Where `name` stands in `text` as a word of its own, in UTF-16 units.
fn words<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = (usize, usize)> + 't {
    let joins = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let units = |text: &str| text.encode_utf16().count();
    text.match_indices(name).filter_map(move |(at, found)| {
        let alone = !text[..at].ends_with(joins) && !text[at + found.len()..].starts_with(joins);
        let from = units(&text[..at]);
        (alone && !found.is_empty()).then(|| (from, from + units(found)))
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

    fn place(label: &str) -> Place {
        let command = crate::help::parse(PAGE, &[]);
        let read = Read::new(PAGE, &[], &command);
        let index = command
            .arguments
            .iter()
            .position(|a| a.label() == label || label == "{a,b}" && a.choices.is_some());
        read.place(index.unwrap(), &command.arguments[index.unwrap()])
    }

    #[test]
    fn entries_and_words_of_the_usage_are_found() {
        for (label, entry, usage) in [
            ("--out", (9, 12), &[(15, 20)][..]),
            ("--out-dir", (13, 13), &[(27, 36)]),
            ("-v", (14, 14), &[(41, 43)]),
            ("{a,b}", (4, 4), &[(45, 50)]),
            ("file", (5, 5), &[(51, 55), (57, 61)]),
        ] {
            let place = place(label);
            let spans: Vec<_> = place.usage.iter().map(|s| (s.from, s.to)).collect();
            assert_eq!((place.entry, &spans[..]), (Some(entry), usage), "{label}");
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
        assert_eq!(read.place(0, &command.arguments[0]), Place::default());
        assert_eq!(read.place(1, &command.arguments[1]).entry, Some((9, 12)));
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
    fn any_page_has_places() {
        let command = crate::help::parse(PAGE, &[]);
        for page in ["", "\n", "usage:", "usage: \u{10ffff}", "us\u{e9}ge", "  --out\n\n\n", "Usage: [--out]"]
        {
            let read = Read::new(page, &[], &command);
            for (index, argument) in command.arguments.iter().enumerate() {
                read.place(index, argument);
            }
        }
    }
}
