//! Lines → blocks: the usage, sections with their entries, and text.
//!
//! Inverts `HelpFormatter._format_action`, `_Section.format_help` and `_format_usage` (CPython 3.6 to 3.14):
//!
//! - A section is a heading at the margin that ends with a colon, and an indented body without a blank line between.
//! - An entry stands at the section's indent. Its help begins at the *help column*, which is one column for the whole
//!   page (`min(longest header + 2, max_help_position)`): behind the header and two blanks where the header is short
//!   enough, else on the next line.
//! - The entries of a subparsers action stand one indent deeper, below the action's own entry; so do those of a
//!   group inside a group.
//!
//! Nothing is judged here: whether a section really is one (and not prose of that shape) is for [`super::lower`].

use super::normalize::Line;

/// The page in blocks.
#[derive(Debug, Default)]
pub(super) struct Layout<'a> {
    /// The usage lines joined by one blank, without `usage:`; `None` where the page has none.
    pub(super) usage: Option<String>,
    /// The index of the first line behind the usage.
    pub(super) after_usage: usize,
    /// The column where help begins.
    pub(super) column: usize,
    /// Everything shaped like a section, in the order of the page.
    pub(super) sections: Vec<Section<'a>>,
}

/// Something shaped like a section.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// The heading without its colon; empty for entries that stand below none.
    pub(super) title: &'a str,
    /// The index of its first line (the heading, or the first entry).
    pub(super) start: usize,
    /// The index behind its last line.
    pub(super) end: usize,
    pub(super) entries: Vec<Entry<'a>>,
}

/// A header with its help.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    /// The line's number on the page, from 1.
    pub(super) line: usize,
    /// The left side; empty for rows that stand below no entry.
    pub(super) header: &'a str,
    /// A blank line stands before it.
    pub(super) after_blank: bool,
    /// Its header ends in a blank, as only the empty name of a value (`metavar=''`) does.
    pub(super) blank_values: bool,
    /// The lines of the help text, from the help column on.
    pub(super) help: Vec<&'a str>,
    /// Entries one indent deeper: subcommands.
    pub(super) rows: Vec<Entry<'a>>,
}

/// Finds the blocks of a page.
pub(super) fn blocks<'a>(lines: &[Line<'a>]) -> Layout<'a> {
    let (usage, usage_lines) = usage(lines);
    let mut bodies = bodies(lines, &usage_lines);
    let indent = entry_indent(lines, &bodies);
    // A group without a title prints its entries where all entries stand; elsewhere options are part of a text.
    bodies.retain(|b| b.heading.is_some() || lines[b.start].indent == indent);
    let column = help_column(lines, &bodies, indent);
    let sections = bodies.iter().map(|body| section(lines, body, indent, column)).collect();
    Layout { usage, after_usage: usage_lines.end, column: column.unwrap_or(0), sections }
}

/// The usage and the indices of its lines: from `usage:` to the next blank line.
fn usage<'a>(lines: &[Line<'a>]) -> (Option<String>, std::ops::Range<usize>) {
    let found = |after: fn(&str) -> Option<&str>| {
        lines.iter().enumerate().find_map(|(i, l)| Some((i, after(l.content())?)))
    };
    let Some((start, first)) = found(after_usage_word).or_else(|| found(after_translated_word)) else {
        return (None, 0..0);
    };
    let end = (start + 1..lines.len()).find(|&i| ends_usage(lines, start, first, i)).unwrap_or(lines.len());
    // A further form of a hand-written usage begins with the program's name again.
    let name = first.split_whitespace().next().unwrap_or_default();
    let form = |line: &Line<'a>| {
        let content = line.content();
        content.strip_prefix(name).filter(|rest| !name.is_empty() && rest.starts_with(' ')).unwrap_or(content)
    };
    let words = std::iter::once(first).chain(lines[start + 1..end].iter().map(form));
    let text: Vec<&str> = words.map(str::trim).filter(|w| !w.is_empty()).collect();
    (Some(text.join(" ")), start..end)
}

/// A usage ends at a blank line (argparse always prints one behind it), or where a hand-written one turns to prose: at
/// the margin, only a further form of it goes on, which begins with the program's name too.
fn ends_usage(lines: &[Line], start: usize, first: &str, index: usize) -> bool {
    let line = &lines[index];
    if line.is_blank() || is_heading(lines, index) {
        return true;
    }
    if line.indent > 0 || lines[start].indent > 0 || line.text.starts_with(['[', '(', '{', '-']) {
        return false;
    }
    let first_word = |l: &'_ Line<'_>| l.content().split_whitespace().next().map(str::to_owned);
    match first.trim() {
        "" => index > start + 1 && first_word(line) != first_word(&lines[start + 1]),
        text => text.split_whitespace().next().map(str::to_owned) != first_word(line),
    }
}

fn after_usage_word(text: &str) -> Option<&str> {
    const WORD: &str = "usage:";
    text.get(..WORD.len()).filter(|w| w.eq_ignore_ascii_case(WORD)).map(|_| &text[WORD.len()..])
}

/// `usage:` in another language, told by the help option that argparse puts behind the program's name.
fn after_translated_word(text: &str) -> Option<&str> {
    let (word, rest) = text.split_once([':', '：'])?;
    let form = rest.find(" [-h]").is_some_and(|at| !rest[..at].contains('['));
    (form && !word.contains(['[', '-'])).then_some(rest)
}

/// The lines of something shaped like a section: a heading (not for entries below none) and indented lines.
struct Body {
    heading: Option<usize>,
    start: usize,
    end: usize,
}

/// The indent of entries: the options' (every section of a page has the same), or of the shallowest line where the
/// page has no options.
fn entry_indent(lines: &[Line], bodies: &[Body]) -> usize {
    let body_lines = || bodies.iter().flat_map(|b| &lines[b.start..b.end]).filter(|l| !l.is_blank());
    let options = body_lines().filter(|l| begins_option(l)).map(|l| l.indent).min();
    options.or_else(|| body_lines().map(|l| l.indent).min()).unwrap_or(ROW_INDENT)
}

fn bodies(lines: &[Line], usage: &std::ops::Range<usize>) -> Vec<Body> {
    let mut bodies = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if usage.contains(&at) {
            at = usage.end;
        } else if is_heading(lines, at) {
            let end = indented_until(lines, at + 1, usage);
            bodies.push(Body { heading: Some(at), start: at + 1, end });
            at = end;
        } else if at >= usage.end && lines[at].indent > 0 && begins_option(&lines[at]) {
            let end = indented_until(lines, at, usage);
            bodies.push(Body { heading: None, start: at, end });
            at = end;
        } else {
            at += 1;
        }
    }
    bodies
}

/// A line at the margin that ends with a colon, directly followed by an indented line; or, with blank lines between (of a raw
/// description that begins with one), by an option.
fn is_heading(lines: &[Line], at: usize) -> bool {
    let line = &lines[at];
    let has_form = line.indent == 0 && line.text.ends_with(':') && after_usage_word(line.text).is_none();
    let option_follows = || {
        let below = lines[at + 1..].iter().find(|l| !l.is_blank());
        below.is_some_and(|l| l.indent > 0 && begins_option(l))
    };
    has_form && (lines.get(at + 1).is_some_and(|next| next.indent > 0) || option_follows())
}

/// The index behind the last indented line before the next line at the margin.
fn indented_until(lines: &[Line], from: usize, usage: &std::ops::Range<usize>) -> usize {
    let stop = (from..lines.len())
        .find(|&i| (!lines[i].is_blank() && lines[i].indent == 0) || i == usage.start && usage.end > 0);
    let mut end = stop.unwrap_or(lines.len());
    while end > from && lines[end - 1].is_blank() {
        end -= 1;
    }
    end
}

/// The column where help begins. Every entry votes: where two or more blanks end in its line, and where the lines
/// below it begin. A formatter with a layout of its own has no such column.
fn help_column(lines: &[Line], bodies: &[Body], indent: usize) -> Option<usize> {
    // Prose that looks like a section has columns of its own; options are what tells sections from it.
    let has_option = |b: &&Body| lines[b.start..b.end].iter().any(|l| l.indent == indent && begins_option(l));
    let sure: Vec<&Body> = bodies.iter().filter(has_option).collect();
    voted_column(lines, &sure, indent)
        .or_else(|| voted_column(lines, &bodies.iter().collect::<Vec<_>>(), indent))
}

fn voted_column(lines: &[Line], bodies: &[&Body], indent: usize) -> Option<usize> {
    let mut votes = std::collections::BTreeMap::<usize, usize>::new();
    for body in bodies {
        for line in lines[body.start..body.end].iter().filter(|l| !l.is_blank()) {
            // A line deeper than rows can only be help.
            if line.indent > indent + ROW_INDENT {
                *votes.entry(line.indent).or_default() += 1;
            }
            for gap in gaps(line).take(MAX_GAPS) {
                *votes.entry(gap).or_default() += 1;
            }
        }
    }
    let (&column, _) = votes.iter().max_by_key(|&(&column, &n)| (n, std::cmp::Reverse(column)))?;
    let entries =
        bodies.iter().flat_map(|b| &lines[b.start..b.end]).filter(|l| !l.is_blank() && l.indent < column);
    let (own, other): (Vec<usize>, Vec<usize>) =
        entries.filter_map(|l| gaps(l).next()).partition(|&gap| gap == column);
    // An entry too long for its line has its help below it.
    let below = bodies.iter().flat_map(|b| lines[b.start..b.end].windows(2)).filter(|pair| {
        let is_entry = !pair[0].is_blank() && pair[0].indent < column && gaps(&pair[0]).next().is_none();
        is_entry && pair[1].indent == column && !pair[1].is_blank()
    });
    (own.len() + below.count() >= other.len()).then_some(column)
}

/// `HelpFormatter(indent_increment=2)`: how much deeper the rows of a subparsers action stand.
const ROW_INDENT: usize = 2;

/// Gaps of a line that vote; later ones stand in the help text.
const MAX_GAPS: usize = 4;

/// The columns where text begins behind two or more blanks.
fn gaps(line: &Line) -> impl Iterator<Item = usize> {
    let mut blanks = 0;
    // Most lines have none.
    let text = if line.content().contains("  ") { line.text } else { "" };
    text.char_indices().enumerate().skip(line.indent).filter_map(move |(column, (at, c))| {
        // An empty name leaves two blanks too: `-o  , --out`, `-o  [ ...]`.
        let is_name = c == ',' || text[at..].starts_with(EMPTY_MANY);
        let begins = c != ' ' && !is_name && blanks >= 2;
        blanks = if c == ' ' { blanks + 1 } else { 0 };
        begins.then_some(column)
    })
}

/// The values of `nargs='+'` whose name is empty (`metavar=''`).
const EMPTY_MANY: &str = "[ ...]";

fn section<'a>(lines: &[Line<'a>], body: &Body, indent: usize, column: Option<usize>) -> Section<'a> {
    let title = body.heading.map_or("", |h| lines[h].text.trim_end_matches(':'));
    let mut entries: Vec<Entry<'a>> = Vec::new();
    let mut after_blank = false;
    let described = description(title, &lines[body.start..body.end], indent, column);
    for line in &lines[body.start + described..body.end] {
        let is_help = column.is_some_and(|c| line.indent >= c) || line.is_blank();
        if is_help {
            // Help before any entry belongs to one whose name is empty (`metavar=''`).
            if entries.is_empty() && !line.is_blank() {
                entries.push(Entry { line: line.number, ..Entry::default() });
            }
            if let Some(last) = entries.last_mut() {
                last_of(last).help.push(line.past_column(column.unwrap_or(line.indent)));
            }
        } else if line.indent > indent && !line.is_blank() && !begins_option(line) {
            match entries.last_mut() {
                Some(last) if !last.header.starts_with('-') => last.rows.push(entry(line, column)),
                Some(last) => last_of(last).help.push(line.content()),
                None => entries.push(Entry {
                    line: line.number,
                    rows: vec![entry(line, column)],
                    ..Entry::default()
                }),
            }
        } else if !line.is_blank() {
            entries.push(Entry { after_blank, ..entry(line, column) });
        }
        after_blank = line.is_blank();
    }
    entries.iter_mut().for_each(trim_help);
    Section { title, start: body.heading.unwrap_or(body.start), end: body.end, entries }
}

/// The title of the group that every parser has for its positionals. It has no description.
pub(super) const POSITIONALS: &str = "positional arguments";

/// How many lines of a body are the group's description: what stands before a blank line that is followed by an
/// entry, since argparse prints no blank line between entries. A raw one may begin with a blank line, which nothing else does;
/// then the help of entries may have blank lines as well, so all of it must be flat.
fn description(title: &str, body: &[Line], indent: usize, column: Option<usize>) -> usize {
    let lead = body.iter().take_while(|l| l.is_blank()).count();
    let body = &body[lead..];
    let Some(blank) = body.iter().position(Line::is_blank) else { return 0 };
    let next = body[blank..].iter().position(|l| !l.is_blank()).map(|n| blank + n);
    let entry_follows = next.is_some_and(|n| body[n].indent == indent);
    let is_entry = |l: &Line| begins_option(l) || split(l, column).1.is_some();
    let may_be = match lead {
        0 => !title.eq_ignore_ascii_case(POSITIONALS),
        _ => body[..blank].iter().all(|l| l.indent == indent),
    };
    if may_be && entry_follows && blank > 0 && !body[..blank].iter().any(is_entry) { lead + blank } else { 0 }
}

/// Whether a line begins like an option: a dash that is no bullet, or another prefix in the form of `+x, ++ex`.
fn begins_option(line: &Line) -> bool {
    let is_dashed = |text: &str| {
        text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| !c.is_whitespace()))
    };
    let is_doubled = |text: &str| {
        let mut chars = text.chars();
        let (first, second) = (chars.next(), chars.next());
        first.is_some_and(|c| c.is_ascii_punctuation())
            && first == second
            && chars.next().is_some_and(char::is_alphanumeric)
    };
    let text = line.content();
    is_dashed(text)
        || is_doubled(text)
        || text.split_once(", ").is_some_and(|(short, long)| {
            is_doubled(long) && short.starts_with(|c| long.starts_with(c)) && !short.contains(' ')
        })
}

/// The entry that further help lines belong to.
fn last_of<'e, 'a>(entry: &'e mut Entry<'a>) -> &'e mut Entry<'a> {
    if entry.rows.is_empty() {
        entry
    } else {
        entry.rows.last_mut().expect("it was just seen not to be empty")
    }
}

fn entry<'a>(line: &Line<'a>, column: Option<usize>) -> Entry<'a> {
    let (header, help) = split(line, column);
    let blank_values = help.is_none() && line.trails;
    Entry { line: line.number, header, blank_values, help: help.into_iter().collect(), ..Entry::default() }
}

/// Header and help of one line.
fn split<'a>(line: &Line<'a>, column: Option<usize>) -> (&'a str, Option<&'a str>) {
    let content = line.content();
    if let Some(column) = column {
        let help = line.past_column(column);
        let header = &line.text[..line.text.len() - help.len()];
        if !help.is_empty() && help != EMPTY_MANY && header.ends_with("  ") && !header.trim().is_empty() {
            return (header.trim(), Some(help.trim_start()));
        }
        // A header that reaches the help column has its help on the next line, whatever blanks it holds.
        return (content, None);
    }
    match content.split_once("  ") {
        Some((header, help)) if !help.trim().is_empty() => (header, Some(help.trim_start())),
        _ => (content, None),
    }
}

fn trim_help(entry: &mut Entry) {
    while entry.help.last().is_some_and(|l| l.trim().is_empty()) {
        entry.help.pop();
    }
    let blank = entry.help.iter().take_while(|l| l.trim().is_empty()).count();
    entry.help.drain(..blank);
    entry.rows.iter_mut().for_each(trim_help);
}

#[cfg(test)]
mod tests {
    use super::super::normalize::lines;
    use super::*;

    fn entries(page: &str) -> Vec<(String, String)> {
        let lines = lines(page);
        let layout = blocks(&lines);
        let all =
            layout.sections.iter().flat_map(|s| &s.entries).flat_map(|e| std::iter::once(e).chain(&e.rows));
        all.map(|e| (e.header.to_owned(), e.help.join("|"))).collect()
    }

    fn check(page: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(h, t)| ((*h).to_owned(), (*t).to_owned())).collect();
        assert_eq!(entries(page), expected, "{page}");
    }

    #[test]
    fn help_beside_and_below() {
        check(
            "usage: x\n\noptions:\n  -h, --help            show help\n  -l LONG, --long-name LONG\n                        text\n                        more\n  -q\n",
            &[("-h, --help", "show help"), ("-l LONG, --long-name LONG", "text|more"), ("-q", "")],
        );
    }

    #[test]
    fn rows_stand_deeper() {
        check(
            "usage: x\n\npositional arguments:\n  {a,b}\n    a         first\n    b (c, d)  second\n\noptions:\n  -h, --help  show\n",
            &[("{a,b}", ""), ("a", "first"), ("b (c, d)", "second"), ("-h, --help", "show")],
        );
    }

    #[test]
    fn a_dash_deep_in_is_text() {
        check(
            "usage: x\n\noptions:\n  -h, --help            show help\n  --quiet               the opposite of\n                        --verbose, that is\n",
            &[("-h, --help", "show help"), ("--quiet", "the opposite of|--verbose, that is")],
        );
    }

    #[test]
    fn double_blanks_in_help_and_header() {
        check(
            "usage: x\n\noptions:\n  -h, --help            one  two   three\n  --very-long NAME  WITH GAPS\n                        text\n",
            &[("-h, --help", "one  two   three"), ("--very-long NAME  WITH GAPS", "text")],
        );
    }

    #[test]
    fn help_that_is_always_below() {
        check(
            "usage: x\n\noptions:\n  -h, --help\n          show help\n\n  --looks like one  but is not\n",
            &[("-h, --help", "show help"), ("--looks like one  but is not", "")],
        );
    }

    #[test]
    fn empty_names_are_no_columns() {
        check(
            "usage: x\n\noptions:\n  -h, --help            show help\n  +F  [ ...], ++filter  [ ...]\n  -A  [ ...], --author  [ ...]\n",
            &[
                ("-h, --help", "show help"),
                ("+F  [ ...], ++filter  [ ...]", ""),
                ("-A  [ ...], --author  [ ...]", ""),
            ],
        );
    }

    #[test]
    fn sections_may_begin_with_a_blank_line() {
        check(
            "usage: x\n\nPositional arguments:\n  \n  These come last.\n  Only one is needed.\n\n  FILE\n      what to read\n\n  MORE\n      text\n\nSome options:\n\n  --json, -j\n      as JSON\n\n      or not\n\n  --help\n      show help\n",
            &[
                ("FILE", "what to read"),
                ("MORE", "text"),
                ("--json, -j", "as JSON||or not"),
                ("--help", "show help"),
            ],
        );
        // Without a description the first entry is none.
        check(
            "usage: x\n\nPositional arguments:\n  \n  FILE\n      what to read\n\n  MORE\n      text\n\noptions:\n  --help\n      show help\n",
            &[("FILE", "what to read"), ("MORE", "text"), ("--help", "show help")],
        );
    }

    #[test]
    fn usage_lines_join() {
        for (page, expected) in [
            ("noise\nusage: prog [-h]\n            [-x X]\n\ntext\n", "prog [-h] [-x X]"),
            ("usage:\nprog a\nprog b\ntext", "prog a prog b"),
            ("usage: prog a\ntext", "prog a"),
            ("note: see prog [-h]\nusage: prog a\n", "prog a"),
            ("utilisation : prog [-h]\n              a\n\ntext\n", "prog [-h] a"),
            ("用法：my prog [-h] a\n", "my prog [-h] a"),
        ] {
            assert_eq!(blocks(&lines(page)).usage.as_deref(), Some(expected), "{page}");
        }
    }
}
