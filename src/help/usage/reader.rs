//! The recursive descent over a usage's text: names that are known are taken whole, the rest word by word.

use super::{BLANK, Item, Known, Usage, What};
use crate::help::values;
use crate::model::Arity;
use crate::text;

/// Brackets that may nest, so that odd pages do not exhaust the stack.
const MAX_DEPTH: usize = 16;

/// The longest name or flag that is looked up, in bytes: a word may go on to the end of a page, and many begin in it.
const MAX_NAME: usize = 4096;

/// The brackets around what is being read.
#[derive(Clone, Copy, Default)]
struct Frame {
    close: Option<char>,
    optional: bool,
}

pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    known: &'a Known,
    prefixes: &'a str,
    usage: Usage,
    /// The number of the known option of each item.
    options: Vec<Option<usize>>,
    /// Where what a brace or angle opens is closed, in the order of the openings.
    pairs: Vec<(usize, usize)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, known: &'a Known, prefixes: &'a str) -> Reader<'a> {
        let (usage, options, pairs) = (Usage::default(), Vec::new(), pairs(text));
        Reader { text, at: 0, known, prefixes, usage, options, pairs }
    }

    /// Reads the whole text.
    pub(super) fn read(mut self, path: &[&str]) -> Usage {
        self.skip_prog(path);
        self.sequence(Frame::default(), 0);
        self.usage
    }

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
        let word = self.end_of_path(starts, path, flag);
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

    /// Where the words of the path end, which the name holds in their order. The last one may also be the name of a
    /// positional, or of one of the parents': the first that something known follows is taken, else the first. One
    /// that stands behind an option belongs to the name only so (a parent's hand-written usage is part of it).
    fn end_of_path(&self, starts: &[usize], path: &[&str], flag: Option<usize>) -> Option<usize> {
        let (last, parents) = path.split_last()?;
        let mut rest = starts.get(1..)?;
        for parent in parents {
            let found = rest.iter().position(|&at| word_at(self.text, at) == *parent);
            rest = found.map_or(rest, |at| &rest[at + 1..]);
        }
        let limit = flag.unwrap_or(self.text.len());
        let places = rest.iter().copied().filter(|&at| word_at(self.text, at) == *last);
        let ends = || places.clone().take(MAX_DEPTH).map(|at| at + last.len());
        let is_followed = |&end: &usize| {
            let next = end + 1;
            next >= self.text.len() || self.begins_option(next) || self.positional_at(next).is_some()
        };
        ends().find(is_followed).or_else(|| ends().find(|&end| end <= limit))
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
        let word = name_at(text);
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
        let mut word = Some(name_at(text));
        // A name may end in brackets of its own, before those of the usage.
        let words = std::iter::from_fn(|| {
            let this = word?;
            word = this.strip_suffix([']', ')']);
            Some(this)
        });
        let candidates = words.take(MAX_DEPTH).filter_map(|w| self.known.positionals.get(w));
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
        self.repeat_by_hand(first, optional);
        if bars && self.is_group(first) {
            let group = self.usage.groups.len();
            self.usage.groups.push(!frame.optional);
            for item in &mut self.usage.items[first..] {
                item.group = item.group.or(Some(group));
                item.required = false;
            }
        }
    }

    /// `[NAME]...` is written by hand, and repeats what stands in the brackets.
    fn repeat_by_hand(&mut self, first: usize, optional: bool) {
        if let [Item { what: What::Positional { arity, .. }, .. }] = &mut self.usage.items[first..]
            && self.text[self.at..].strip_prefix("...").is_some_and(is_boundary)
        {
            *arity = if optional { Arity::ZeroOrMore } else { Arity::OneOrMore };
            self.at += "...".len();
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
            // The value may be left out and has an empty name: argparse drops empty brackets from a usage.
            Some((values, _)) if values == "[]" => values,
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

    /// A word, in which braces and angles hold their blanks together.
    fn bracketed_word(&self, close: Option<char>) -> &'a str {
        let text = self.rest();
        if let Ok(pair) = self.pairs.binary_search_by_key(&self.at, |(open, _)| *open) {
            let end = self.pairs[pair].1 + 1 - self.at;
            return &text[..end + flag_word(&text[end..]).len()];
        }
        let end = text.find(|c: char| c == ' ' || c == '|' || Some(c) == close).unwrap_or(text.len());
        &text[..end]
    }

    /// A word that no entry explains.
    fn unknown(&mut self, frame: Frame) {
        let rest = self.rest();
        let word = self.bracketed_word(frame.close);
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
            // `NAME...` is written by hand: argparse has a blank before the dots.
            let arity = match (frame.optional, name.ends_with("...")) {
                (true, true) => Arity::ZeroOrMore,
                (false, true) => Arity::OneOrMore,
                (true, false) => Arity::Optional,
                (false, false) => values::parse(&name).arity,
            };
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

/// The word that `text` begins with, as far as a name can go.
fn name_at(text: &str) -> &str {
    word_at(text::head(text, MAX_NAME), 0)
}

/// Where each brace and angle is closed that is, in the order of where they open.
fn pairs(text: &str) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (open, shut) in [(b'{', b'}'), (b'<', b'>')] {
        let mut opened = Vec::new();
        for (at, byte) in text.bytes().enumerate() {
            if byte == open {
                opened.push(at);
            } else if byte == shut {
                pairs.extend(opened.pop().map(|from| (from, at)));
            }
        }
    }
    pairs.sort_unstable();
    pairs
}
