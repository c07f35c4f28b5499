//! Text from a program → text that may be shown: without terminal control, and cut to a length.
//!
//! Pure and linear; knows nothing of plugins, processes or MCP.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

/// The text without terminal escape sequences and control characters. Newlines and tabs stay; a carriage return
/// (alone or before a newline) becomes a newline, so the states of a progress bar become lines.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// The text without the addresses that Python shows of objects (`<Thing object at 0x7f8c80b990d0>`): they are others each
/// time.
pub fn without_addresses(text: &str) -> Cow<'_, str> {
    static ADDRESS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\bat(\s+)0x[0-9A-Fa-f]{6,16}>").expect("the pattern is constant"));
    ADDRESS.replace_all(text, "at${1}0x…>")
}

/// The same on one line: line ends are blanks, so that a text which tells of one thing can't look like two.
pub fn line(text: &str) -> String {
    plain(text).replace('\n', " ")
}

/// JSON in which all control characters are escapes. JSON itself allows those from DEL on as they are, but terminals
/// take some of them for commands.
pub fn json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() && c != '\n' {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether it can be the name of an environment variable. A key or password mostly can't.
pub fn is_variable(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Skips what follows an escape character (ECMA-48).
fn skip_escape(chars: &mut Chars) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_control_sequence(chars);
        }
        // Operating system command, device control, privacy message, application command, start of string.
        Some(']' | 'P' | '^' | '_' | 'X') => {
            chars.next();
            skip_control_string(chars);
        }
        Some(' '..='/') => {
            while chars.next_if(|c| (' '..='/').contains(c)).is_some() {}
            chars.next_if(|c| ('0'..='~').contains(c));
        }
        Some('0'..='~') => {
            chars.next();
        }
        _ => {}
    }
}

/// Skips parameters, intermediates and the final character of a control sequence.
fn skip_control_sequence(chars: &mut Chars) {
    while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
    chars.next_if(|c| ('@'..='~').contains(c));
}

/// Skips a control string up to its terminator; an unterminated one ends with its line, so that it can't swallow
/// the rest of the text.
fn skip_control_string(chars: &mut Chars) {
    while let Some(&c) = chars.peek() {
        if c == '\n' {
            return;
        }
        chars.next();
        if c == '\u{7}' || c == '\u{9c}' {
            return;
        }
        if c == '\u{1b}' {
            chars.next_if_eq(&'\\');
            return;
        }
    }
}

/// The end of the text: at most `max` bytes, from the start of a line where there is one.
pub fn tail(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let from = (text.len() - max..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    let cut = &text[from..];
    match cut.find('\n') {
        Some(at) if at + 1 < cut.len() => &cut[at + 1..],
        _ => cut,
    }
}

/// The start of the text: at most `max` bytes.
pub fn head(text: &str, max: usize) -> &str {
    let to = (0..=max.min(text.len())).rfind(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[..to]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_has_no_terminal_control() {
        let cases = [
            ("plain\ttext\nstays é 😀", "plain\ttext\nstays é 😀"),
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{1b}\\ end", "link end"),
            ("\u{1b}]0;never ended\nnext", "\nnext"),
            ("\u{1b}(Btext\u{1b}7\u{1b}M!", "text!"),
            ("\u{9b}31mred", "red"),
            ("a\r\nb\r10%\r20%", "a\nb\n10%\n20%"),
            ("bell\u{7} back\u{8} nul\0 del\u{7f} c1\u{85}", "bell back nul del c1"),
            ("cut \u{1b}", "cut "),
            ("cut \u{1b}[31", "cut "),
            ("\u{1b}é", "é"),
        ];
        for (input, expected) in cases {
            assert_eq!(plain(input), expected, "{input:?}");
        }
    }

    #[test]
    fn a_line_is_one_line() {
        for (input, expected) in [("a\nb\r\nc\rd", "a b c d"), ("\u{1b}[2J\u{9b}2Jx\u{85}y", "xy")] {
            assert_eq!(line(input), expected, "{input:?}");
        }
    }

    #[test]
    fn json_holds_no_control_character_and_means_the_same() {
        let value = serde_json::json!({"a\u{9b}": "\u{7f}\u{85}\u{1b}\n\té"});
        let written = json(&serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(written, "{\n  \"a\\u009b\": \"\\u007f\\u0085\\u001b\\n\\té\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), value);
    }

    #[test]
    fn text_is_cut_between_characters_and_lines() {
        let cases = [
            ("short", 10, "short"),
            ("first\nsecond\nthird", 14, "second\nthird"),
            ("first\nsecond\nthird", 12, "third"),
            ("one long line", 4, "line"),
            ("ééé", 3, "é"),
            ("line\n", 3, "ne\n"),
            ("anything", 0, ""),
        ];
        for (input, max, expected) in cases {
            assert_eq!(tail(input, max), expected, "{input:?} {max}");
        }
        for (input, max, expected) in [("short", 10, "short"), ("ééé", 3, "é"), ("abc", 2, "ab")] {
            assert_eq!(head(input, max), expected, "{input:?} {max}");
        }
    }
}
