//! Page → lines of plain text: what terminals would interpret is taken away, so that columns are what argparse
//! counted when it laid the page out (one character, one column).

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// One line of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Its number on the page, from 1.
    pub(super) number: usize,
    /// Its text without trailing white space.
    pub(super) text: &'a str,
    /// White space was at its end.
    pub(super) trails: bool,
    /// The column of its first character that isn't white space, or its length in blanks: argparse prints an empty
    /// name as its indentation alone.
    pub(super) indent: usize,
    /// The text without its indentation.
    content: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn new(number: usize, text: &'a str) -> Line<'a> {
        let indent = text.chars().take_while(|c| c.is_whitespace()).count();
        let trimmed = text.trim_end();
        let content = trimmed.trim_start();
        Line { number, text: trimmed, trails: trimmed.len() < text.len(), indent, content }
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// The text without its indentation.
    pub(super) fn content(&self) -> &'a str {
        self.content
    }

    /// The text from a column on; empty where the line ends before it.
    pub(super) fn past_column(&self, column: usize) -> &'a str {
        match self.text.char_indices().nth(column) {
            Some((byte, _)) => &self.text[byte..],
            None => "",
        }
    }
}

/// ANSI escape sequences: CSI (colours, cursor), OSC (titles, links) and two-character ones.
static ESCAPES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])|\u{9b}[0-?]*[ -/]*[@-~]",
    )
    .expect("the pattern is constant")
});

/// A page without escape sequences, overstrikes (`x BS x`, as pagers print bold) and other control characters: the text
/// whose lines are counted.
pub fn plain(page: &str) -> Cow<'_, str> {
    // Most pages are printable ASCII, which is seen quickly.
    let printable = |b: u8| matches!(b, b' '..=b'~' | b'\n' | b'\t');
    if page.bytes().all(printable) || !page.chars().any(is_control) {
        return page.into();
    }
    let stripped = ESCAPES.replace_all(page, "");
    let mut out = String::with_capacity(stripped.len());
    for c in stripped.chars() {
        match c {
            '\u{8}' => drop(out.pop()),
            c if is_control(c) => {}
            c => out.push(c),
        }
    }
    out.into()
}

/// Whether a character is neither text nor lays it out.
fn is_control(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

/// The lines of plain text.
pub(super) fn lines(plain: &str) -> Vec<Line<'_>> {
    plain.split('\n').enumerate().map(|(i, text)| Line::new(i + 1, text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_codes_go() {
        for (page, expected) in [
            ("a\r\nb\r\n", "a\nb\n"),
            ("\x1b[1;34musage: \x1b[0mx", "usage: x"),
            ("\x1b]8;;http://a\x07link\x1b]8;;\x07", "link"),
            ("b\u{8}bo\u{8}o", "bo"),
            ("a\0b\u{7}", "ab"),
        ] {
            assert_eq!(plain(page), expected, "{page:?}");
        }
    }

    #[test]
    fn columns_are_characters() {
        let line = Line::new(1, "  é ü  help ");
        assert_eq!((line.indent, line.past_column(7), line.past_column(70)), (2, "help", ""));
    }
}
