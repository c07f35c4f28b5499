//! Usage text → its atoms: options, positionals, and the groups they stand in.
//!
//! Inverts `HelpFormatter._format_actions_usage` (CPython 3.6 to 3.14):
//!
//! ```text
//! usage   = prog atom*
//! atom    = "[" option "]"                    an optional option
//!         | option                            a required one
//!         | "[" member (" | " member)* "]"    an exclusive group
//!         | "(" member (" | " member)+ ")"    a required exclusive group
//!         | positional                        in one of the forms of `values`
//! option  = first flag, then " " and its values where it takes any
//! member  = option | positional without its outer brackets
//! ```
//!
//! Names may hold blanks, brackets and bars, so the text alone is ambiguous. The entries of the page tell which names
//! there are: where a known option or positional fits, it is taken whole. What fits none is read word by word.

use std::collections::{HashMap, HashSet};

use super::values;
use crate::model::Arity;

/// The names that the page's entries give.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Flag → the values' text of its option and the option's number.
    options: HashMap<String, (String, usize)>,
    /// First word of a positional's header → the whole headers, longest first.
    positionals: HashMap<String, Vec<String>>,
    /// Headers of entries that may be a subparsers action's.
    parents: HashSet<String>,
    count: usize,
}

impl Known {
    /// Adds an option's entry.
    pub(super) fn option(&mut self, flags: &[String], values: &str) {
        for flag in flags {
            self.options.insert(flag.clone(), (squeeze(values), self.count));
        }
        self.count += 1;
    }

    /// Adds what may be a positional's entry; `parent` where it may be a subparsers action's.
    pub(super) fn positional(&mut self, header: &str, parent: bool) {
        let header = squeeze(header);
        if parent {
            self.parents.insert(header.clone());
        }
        let Some(word) = header.split(' ').next().filter(|w| !w.is_empty()) else { return };
        let same = self.positionals.entry(word.to_owned()).or_default();
        if !same.contains(&header) && same.len() < MAX_SAME_START {
            same.push(header);
            same.sort_by_key(|h| std::cmp::Reverse(h.len()));
        }
    }
}

/// Headers that may begin with the same word, so that odd pages stay linear.
const MAX_SAME_START: usize = 16;

/// Brackets that may nest, so that odd pages do not exhaust the stack.
const MAX_DEPTH: usize = 16;

/// What a usage says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) items: Vec<Item>,
    /// For each group whether one of its members is required.
    pub(super) groups: Vec<bool>,
}

/// One atom.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) what: What,
    /// Stands in no brackets and no group.
    pub(super) required: bool,
    /// The exclusive group it stands in.
    pub(super) group: Option<usize>,
}

/// What stands for the values of an option whose metavar is empty (`metavar=''`).
pub(super) const BLANK: &str = " ";

/// What an atom stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// An option by one of its flags.
    Option { flag: String, values: String },
    /// A positional: what it is called, how many values, and whether an entry has that name.
    Positional { name: String, arity: Arity, known: bool },
    /// `X ...`: a subparsers action.
    Subcommands { name: String, known: bool },
}

/// Reads a usage. `path` is the words that lead to the command: the program's name, which stands first, ends with
/// the last of them.
pub(super) fn parse(text: &str, known: &Known, path: &[&str], prefixes: &str) -> Usage {
    let text = squeeze(text);
    let mut reader =
        Reader { text: &text, at: 0, known, prefixes, usage: Usage::default(), options: Vec::new() };
    reader.skip_prog(path);
    reader.sequence(Frame::default(), 0);
    reader.usage
}

/// White space folded to one blank.
pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The brackets around what is being read.
#[derive(Clone, Copy, Default)]
struct Frame {
    close: Option<char>,
    optional: bool,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    known: &'a Known,
    prefixes: &'a str,
    usage: Usage,
    /// The number of the known option of each item.
    options: Vec<Option<usize>>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Moves behind the program's name. It ends where the first atom begins that an entry confirms; names of
    /// subcommands hold their parents' positionals, so there the last word of the path comes first.
    fn skip_prog(&mut self, path: &[&str]) {
        let starts = self.word_starts();
        // What `python -m tool` is called by since CPython 3.14, and by hand before.
        let module = word_at(self.text, 0).starts_with("python")
            && self.text[word_at(self.text, 0).len()..].starts_with(" -m ");
        let starts = &starts[if module { 2.min(starts.len()) } else { 0 }..];
        let first = starts.get(1).copied().unwrap_or(self.text.len());
        let flag = starts.iter().copied().skip(1).find(|&at| self.begins_option(at));
        let word = path.last().and_then(|last| {
            let limit = flag.unwrap_or(self.text.len());
            let found = starts
                .iter()
                .skip(1)
                .take_while(|&&at| at < limit)
                .find(|&&at| word_at(self.text, at) == *last);
            found.map(|&at| at + last.len())
        });
        let from = word.unwrap_or(first);
        let known = |at: usize| at >= from && (self.begins_option(at) || self.positional_at(at).is_some());
        let first_known = starts.iter().copied().skip(1).find(|&at| known(at));
        self.at = match (word, first_known) {
            (Some(end), _) => end,
            (None, Some(at)) => at,
            (None, None) if path.is_empty() => first,
            (None, None) => self.text.len(),
        };
        // An unknown atom in brackets before the first known one belongs to the arguments, not to the name.
        if word.is_none()
            && path.is_empty()
            && let Some(bracket) = starts
                .iter()
                .copied()
                .skip(1)
                .take_while(|&at| at < self.at)
                .find(|&at| self.text[at..].starts_with(['[', '(', '{']))
        {
            self.at = bracket;
        }
    }

    fn word_starts(&self) -> Vec<usize> {
        let blanks = self.text.match_indices(' ').map(|(i, _)| i + 1);
        std::iter::once(0).chain(blanks).collect()
    }

    /// Whether a known option stands at `at`, brackets aside.
    fn begins_option(&self, at: usize) -> bool {
        let text = self.text[at..].trim_start_matches(['[', '(']);
        self.known.options.contains_key(self.flag_word(text))
            && text.starts_with(|c| self.prefixes.contains(c))
    }

    /// The flag that `text` begins with: the longest known one, else what the next bracket, bar or blank ends.
    fn flag_word(&self, text: &'a str) -> &'a str {
        let word = word_at(text, 0);
        let ends = word.rmatch_indices([']', ')', '=']).take(MAX_DEPTH).map(|(end, _)| &word[..end]);
        let known = std::iter::once(word).chain(ends).find(|w| self.known.options.contains_key(*w));
        known.unwrap_or_else(|| flag_word(text))
    }

    /// The known positional that stands at `at`, brackets aside.
    fn positional_at(&self, at: usize) -> Option<&'a str> {
        let text = &self.text[at..];
        self.positional_in(text).or_else(|| self.positional_in(text.strip_prefix('[')?))
    }

    fn positional_in(&self, text: &str) -> Option<&'a str> {
        let word = word_at(text, 0);
        let trimmed = word.trim_end_matches([']', ')']);
        let candidates = [word, trimmed].into_iter().filter_map(|w| self.known.positionals.get(w));
        candidates.flatten().map(String::as_str).find(|h| text.strip_prefix(h).is_some_and(is_boundary))
    }

    /// Reads atoms up to the closing bracket of `frame`, and says whether bars stood between them.
    fn sequence(&mut self, frame: Frame, depth: usize) -> bool {
        let mut bars = false;
        // How many items there were at the last bar.
        let mut bar_before = usize::MAX;
        loop {
            if self.usage.items.len() == bar_before.saturating_add(1) {
                self.alternatives(bar_before);
            }
            self.skip_blanks();
            let Some(c) = self.rest().chars().next() else { return bars };
            if Some(c) == frame.close {
                self.at += c.len_utf8();
                return bars;
            }
            match c {
                '|' => {
                    bars = true;
                    self.at += 1;
                    bar_before = self.usage.items.len();
                }
                '[' | '(' if depth < MAX_DEPTH => {
                    if !self.known_positional(frame) {
                        self.brackets(c, frame, depth);
                    }
                }
                _ => self.atom(frame),
            }
        }
    }

    /// The items around a bar are alternatives, so neither is required; unless they are two flags of one option.
    fn alternatives(&mut self, second: usize) {
        let Some(first) = second.checked_sub(1) else { return };
        if self.options[first].is_none() || self.options[first] != self.options[second] {
            self.usage.items[first].required = false;
            self.usage.items[second].required = false;
        }
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
    }

    /// Reads what stands in a pair of brackets: one optional atom or an exclusive group.
    fn brackets(&mut self, open: char, outer: Frame, depth: usize) {
        let first = self.usage.items.len();
        self.at += open.len_utf8();
        let optional = open == '[';
        let frame =
            Frame { close: Some(if optional { ']' } else { ')' }), optional: optional || outer.optional };
        let bars = self.sequence(frame, depth + 1);
        if bars && self.is_group(first) {
            let group = self.usage.groups.len();
            self.usage.groups.push(!frame.optional);
            for item in &mut self.usage.items[first..] {
                item.group = item.group.or(Some(group));
                item.required = false;
            }
        }
    }

    /// Whether the items from `first` on are members of a group, and not the two flags of one option
    /// (`--foo | --no-foo`).
    fn is_group(&self, first: usize) -> bool {
        let options = &self.options[first..];
        options.len() > 1 && !(options[0].is_some() && options.iter().all(|o| *o == options[0]))
    }

    fn push(&mut self, what: What, option: Option<usize>, frame: Frame) {
        self.usage.items.push(Item { what, required: !frame.optional, group: None });
        self.options.push(option);
    }

    fn atom(&mut self, frame: Frame) {
        let begins_flag = self.rest().starts_with(|c| self.prefixes.contains(c));
        if begins_flag && self.option(frame) || self.known_positional(frame) {
            return;
        }
        self.unknown(frame);
    }

    /// An option: a flag and its values.
    fn option(&mut self, frame: Frame) -> bool {
        let flag = self.flag_word(self.rest());
        if !flag.chars().any(|c| !self.prefixes.contains(c)) {
            return false;
        }
        let known = self.known.options.get(flag);
        self.at += flag.len();
        let values = match known {
            _ if self.rest().starts_with(" ]") => {
                self.at += BLANK.len();
                BLANK
            }
            Some((values, _)) if values.trim().is_empty() && !self.rest().starts_with('=') => "",
            Some((values, _)) if self.value_text(values).is_some() => {
                let text = self.value_text(values).unwrap_or_default();
                self.at += text;
                values
            }
            _ => self.unknown_values(frame),
        };
        let what = What::Option { flag: flag.to_owned(), values: values.to_owned() };
        self.push(what, known.map(|(_, number)| *number), frame);
        true
    }

    /// The length of ` VALUES`, where that is what follows.
    fn value_text(&self, values: &str) -> Option<usize> {
        let rest = self.rest().strip_prefix([' ', '='])?;
        rest.strip_prefix(values).is_some_and(is_boundary).then_some(values.len() + 1)
    }

    /// The values of an option that no entry explains: up to the end of its brackets, or one word where it stands in
    /// none.
    fn unknown_values(&mut self, frame: Frame) -> &'a str {
        let start = self.at;
        let rest = self.rest();
        if frame.close.is_none() {
            let word = rest.strip_prefix([' ', '=']).map_or("", |r| word_at(r, 0));
            if word.is_empty() || word.starts_with(|c| self.prefixes.contains(c) || "[(|".contains(c)) {
                return "";
            }
            self.at += 1 + word.len();
        } else {
            let mut depth = 0_usize;
            let end = rest.char_indices().find(|&(i, c)| {
                let closes = Some(c) == frame.close || c == '|' && rest[..i].ends_with(' ');
                match c {
                    _ if closes && depth == 0 => return true,
                    '[' | '(' | '{' | '<' => depth += 1,
                    ']' | ')' | '}' | '>' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                false
            });
            self.at += end.map_or(rest.len(), |(i, _)| i);
        }
        self.text[start..self.at].trim_matches([' ', '='])
    }

    /// A positional that an entry names, in one of its forms.
    fn known_positional(&mut self, frame: Frame) -> bool {
        let rest = self.rest();
        if let Some(inner) = rest.strip_prefix('[')
            && let Some(name) = self.positional_in(inner)
        {
            let after = &inner[name.len()..];
            let forms = [("]", Arity::Optional), (" ...]", Arity::ZeroOrMore)];
            let repeated = format!(" [{name} ...]]");
            let all = forms.iter().copied().chain([(repeated.as_str(), Arity::ZeroOrMore)]);
            if let Some((form, arity)) = all.into_iter().find(|(form, _)| after.starts_with(form)) {
                self.at += 1 + name.len() + form.len();
                self.positional(name, arity, Frame { optional: true, ..frame });
                return true;
            }
        }
        let Some(name) = self.positional_in(rest) else { return false };
        let after = &rest[name.len()..];
        let repeated = format!(" [{name} ...]");
        if after.starts_with(&repeated) {
            self.at += name.len() + repeated.len();
            self.positional(name, Arity::OneOrMore, frame);
        } else if self.known.parents.contains(name) && after.strip_prefix(" ...").is_some_and(is_boundary) {
            self.at += name.len() + " ...".len();
            self.push(What::Subcommands { name: name.to_owned(), known: true }, None, frame);
        } else {
            self.at += name.len();
            self.positional(name, Arity::One, frame);
        }
        true
    }

    fn positional(&mut self, name: &str, arity: Arity, frame: Frame) {
        self.push(What::Positional { name: name.to_owned(), arity, known: true }, None, frame);
    }

    /// A word that no entry explains.
    fn unknown(&mut self, frame: Frame) {
        let rest = self.rest();
        let word = bracketed_word(rest, frame.close);
        self.at += word.len();
        if word == "..." || word.is_empty() {
            self.at += usize::from(word.is_empty()) * rest.chars().next().map_or(0, char::len_utf8);
            if word == "..." {
                self.push(
                    What::Positional { name: String::new(), arity: Arity::Remainder, known: false },
                    None,
                    frame,
                );
            }
            return;
        }
        let name = word.to_owned();
        let after = self.rest();
        let repeated = format!(" [{name} ...]");
        let what = if after.starts_with(&repeated) {
            self.at += repeated.len();
            What::Positional { name, arity: Arity::OneOrMore, known: false }
        } else if after.strip_prefix(" ...").is_some_and(is_boundary) {
            self.at += " ...".len();
            if frame.optional {
                What::Positional { name, arity: Arity::ZeroOrMore, known: false }
            } else {
                What::Subcommands { name, known: false }
            }
        } else {
            let arity = if frame.optional { Arity::Optional } else { values::parse(&name).arity };
            What::Positional { name, arity, known: false }
        };
        self.push(what, None, frame);
    }
}

/// Whether a name that ends here is whole.
fn is_boundary(after: &str) -> bool {
    after.is_empty() || after.starts_with([' ', ']', ')', '|'])
}

fn word_at(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    &rest[..rest.find(' ').unwrap_or(rest.len())]
}

/// The flag that `text` begins with.
fn flag_word(text: &str) -> &str {
    let end = text.find([' ', ']', ')', '|', '=']).unwrap_or(text.len());
    &text[..end]
}

/// A word, in which braces and angles hold their blanks together.
fn bracketed_word(text: &str, close: Option<char>) -> &str {
    let pairs = [('{', '}'), ('<', '>')];
    if let Some((open, shut)) = pairs.into_iter().find(|(open, _)| text.starts_with(*open)) {
        let mut depth = 0_usize;
        for (i, c) in text.char_indices() {
            depth = if c == open { depth + 1 } else { depth - usize::from(c == shut) };
            if depth == 0 {
                let end = i + c.len_utf8();
                return &text[..end + flag_word(&text[end..]).len()];
            }
        }
    }
    let end = text.find(|c: char| c == ' ' || c == '|' || Some(c) == close).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(options: &[(&str, &str)], positionals: &[&str]) -> Known {
        let mut known = Known::default();
        for (flags, values) in options {
            known.option(&flags.split(", ").map(str::to_owned).collect::<Vec<_>>(), values);
        }
        positionals.iter().for_each(|p| known.positional(p, p.starts_with('{')));
        known
    }

    /// One item a word: `!` required, `@n` in group n.
    fn show(usage: &Usage) -> String {
        let item = |i: &Item| {
            let what = match &i.what {
                What::Option { flag, values } if values.is_empty() => flag.clone(),
                What::Option { flag, values } => format!("{flag}={values}"),
                What::Positional { name, arity, known } => {
                    format!("{}{name}({})", if *known { "" } else { "?" }, String::from(*arity))
                }
                What::Subcommands { name, .. } => format!("sub:{name}"),
            };
            let group = i
                .group
                .map(|g| format!("@{g}{}", if usage.groups[g] { "!" } else { "" }))
                .unwrap_or_default();
            format!("{what}{}{group}", if i.required { "!" } else { "" })
        };
        usage.items.iter().map(item).collect::<Vec<_>>().join("; ")
    }

    fn check(text: &str, known: &Known, path: &[&str], expected: &str) {
        assert_eq!(show(&parse(text, known, path, "-")), expected, "{text}");
    }

    #[test]
    fn plain_atoms() {
        let k = known(&[("-h, --help", ""), ("--out", "OUT"), ("-n", "N")], &["src", "dst"]);
        check("prog [-h] --out OUT [-n N] src [dst]", &k, &[], "-h; --out=OUT!; -n=N; src(1)!; dst(?)");
        check("python -m prog [-h] src [src ...] [dst ...]", &k, &[], "-h; src(+)!; dst(*)");
        check("prog [-h] src src [dst [dst ...]]", &k, &[], "-h; src(1)!; src(1)!; dst(*)");
        check("python -m prog -n N", &known(&[("-n", "N"), ("-m", "M")], &[]), &[], "-n=N!");
        check("prog", &k, &[], "");
    }

    #[test]
    fn groups() {
        let k = known(&[("-a", ""), ("-b", "B"), ("--c, --no-c", ""), ("-d", "[D ...]")], &["x"]);
        check("p [-a | -b B]", &k, &[], "-a@0; -b=B@0");
        check("p (-a | -b B) [--c | --no-c]", &k, &[], "-a@0!; -b=B@0!; --c; --no-c");
        check("p (-a | --c | --no-c | x)", &k, &[], "-a@0!; --c@0!; --no-c@0!; x(1)@0!");
        check("p [-a | -d [D ...]] x", &k, &[], "-a@0; -d=[D ...]@0; x(1)!");
    }

    #[test]
    fn odd_names_are_taken_whole() {
        let k = known(&[("-o", "<the name>"), ("-r", "[A|B] ...")], &["the file", "[x]"]);
        check(
            "p [-o <the name>] [-r [A|B] ...] the file [[x] ...]",
            &k,
            &[],
            "-o=<the name>; -r=[A|B] ...; the file(1)!; [x](*)",
        );
    }

    #[test]
    fn the_name_of_a_subcommand() {
        let k = known(&[("-h, --help", "")], &["file"]);
        check("prog ENV up [-h] file", &k, &["up"], "-h; file(1)!");
        check("prog file up file", &k, &["up"], "file(1)!");
        check("prog up", &k, &["up"], "");
        check("prog [file ...] up file", &k, &["up"], "file(1)!");
    }

    #[test]
    fn subcommands() {
        let k = known(&[("-h, --help", "")], &["{a,b}", "env"]);
        check("prog [-h] env {a,b} ...", &k, &[], "-h; env(1)!; sub:{a,b}!");
        check("prog [-h] VERB ...", &k, &[], "-h; sub:VERB!");
        check("prog [-h] ...", &k, &[], "-h; ?(...)!");
        check("prog [-h] env ...", &k, &[], "-h; env(1)!; ?(...)!");
    }

    #[test]
    fn hand_written() {
        let k = known(&[("-h, --help", ""), ("-v", "")], &[]);
        check("prog -v | FILE", &k, &[], "-v; ?FILE(1)");
        check("prog [options] FILE", &k, &[], "?options(?); ?FILE(1)!");
        check("prog [-v] [--unknown=X] [-z ZED] FILE...", &k, &[], "-v; --unknown=X; -z=ZED; ?FILE...(1)!");
    }

    #[test]
    fn an_empty_name_leaves_a_blank() {
        let k = known(&[("--nil", "")], &[]);
        check("p [--nil ]", &k, &[], "--nil= ");
        check("p [--nil]", &k, &[], "--nil");
    }

    #[test]
    fn unbalanced_text_ends() {
        for text in ["p [", "p [[[(", "p ]])|", "p {a <b", "p -", "p [-x", "ü [é|", ""] {
            let _ = parse(text, &Known::default(), &[], "-");
        }
    }
}
