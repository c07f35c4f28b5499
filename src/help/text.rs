//! Wrapped lines → the text that was wrapped.
//!
//! Inverts `textwrap` as argparse uses it: a line ends where the next word would not have fitted. A line that ends
//! earlier was ended by the author (raw formatters), and stays one.

use super::normalize::Line;

/// The width of the widest line of text: no wrapped line was meant to be longer. Headers are no text, and neither are
/// the lines of a usage (those before `after_usage`) that hold a single atom: both are as long as they are.
pub(super) fn width(lines: &[Line], after_usage: usize, column: usize) -> usize {
    // What stands at the margin may not have been wrapped at all.
    let is_text = |(i, line): (usize, &&Line)| match line {
        line if i < after_usage => has_atoms(line.content()),
        line => line.indent > 0 && (line.indent >= column || has_help(line, column)),
    };
    let texts = lines.iter().enumerate().filter(|(i, line)| is_text((*i, line)));
    texts.map(|(_, l)| l.text.chars().count()).max().unwrap_or(0)
}

/// The width of the widest line at the margin, or of help texts where that is larger.
pub(super) fn margin_width(lines: &[Line], help_width: usize) -> usize {
    let margin = lines.iter().filter(|l| l.indent == 0).map(|l| l.text.chars().count());
    margin.max().unwrap_or(0).max(help_width)
}

/// Whether there are several atoms: a blank outside of brackets.
fn has_atoms(text: &str) -> bool {
    let mut depth = 0_usize;
    text.chars().any(|c| {
        match c {
            '[' | '(' | '{' | '<' => depth += 1,
            ']' | ')' | '}' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ' ' && depth == 0
    })
}

/// Whether text begins in the help column, behind a header.
fn has_help(line: &Line, column: usize) -> bool {
    let help = line.past_column(column);
    !help.is_empty() && line.text[..line.text.len() - help.len()].ends_with("  ")
}

/// Where lines begin and how long they may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrap {
    pub(super) column: usize,
    pub(super) width: usize,
}

impl Wrap {
    /// Joins lines into the text that was wrapped.
    pub(super) fn join(self, lines: &[&str]) -> String {
        let mut out = String::new();
        let mut previous: Option<&str> = None;
        for line in lines.iter().map(|l| l.trim_end()) {
            if let Some(previous) = previous {
                out.push_str(glue(previous, line, self));
            }
            out.push_str(line);
            previous = Some(line);
        }
        out.trim().to_owned()
    }
}

/// What stood between two lines.
fn glue(previous: &str, next: &str, wrap: Wrap) -> &'static str {
    let Some(word) = next.split_whitespace().next().filter(|_| !next.starts_with(char::is_whitespace)) else {
        return "\n";
    };
    let piece = first_piece(word);
    let needed = wrap.column + previous.chars().count() + 1 + piece.chars().count();
    let wrapped = !previous.is_empty() && needed > wrap.width;
    match wrapped {
        false => "\n",
        true if breaks_a_word(previous, next) => "",
        true => " ",
    }
}

/// What of a word had to fit: all of it, or what stands before a place where it may be broken: behind a hyphen between
/// letters (`TextWrapper.wordsep_re`).
fn first_piece(word: &str) -> &str {
    let letters = |text: &str| text.chars().take(2).filter(|c| c.is_alphabetic()).count() == 2;
    let breaks = |at: &usize| {
        let before = word[..*at].chars().next_back();
        before.is_some_and(char::is_alphabetic) && letters(&word[at + 1..])
    };
    word.match_indices('-').map(|(at, _)| at).find(breaks).map_or(word, |at| &word[..=at])
}

/// `break_on_hyphens`: a line may end behind a hyphen inside a word.
fn breaks_a_word(previous: &str, next: &str) -> bool {
    let mut end = previous.chars().rev();
    end.next() == Some('-')
        && end.next().is_some_and(char::is_alphanumeric)
        && next.starts_with(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_join() {
        for (lines, width, expected) in [
            (&["one two", "three"][..], 10, "one two three"),
            (&["one", "two"], 10, "one\ntwo"),
            (&["a well-", "known x"], 10, "a well-known x"),
            (&["one two -", "three"], 10, "one two - three"),
            (&["['a.txt',", "'-'])"], 12, "['a.txt', '-'])"),
            (&["one two", "", "three"], 10, "one two\n\nthree"),
            (&["one two", "  - three"], 10, "one two\n  - three"),
            (&[], 10, ""),
        ] {
            assert_eq!(Wrap { column: 0, width }.join(lines), expected, "{lines:?}");
        }
    }
}
