//! Which sections of a page are real, and whether argparse made its usage.

use std::collections::{HashMap, HashSet};

use super::subcommands::row_name;
use crate::help::invocation::{self, Invocation};
use crate::help::layout::{Entry, Layout, POSITIONALS, Section};
use crate::help::normalize::Line;
use crate::help::text::{self, Wrap};
use crate::help::usage::{self, Item, Known, Usage, What};
use crate::help::values::{self, Choices};
use crate::model::Arity;

/// A page with its entries sorted out.
pub(super) struct Page<'a> {
    pub(super) usage: Usage,
    /// Flag → the usage's items that have it.
    pub(super) by_flag: HashMap<String, Vec<usize>>,
    /// The usage is argparse's own: its silence means something.
    pub(super) generated: bool,
    /// How help texts were wrapped.
    pub(super) wrap: Wrap,
    pub(super) sections: Vec<Judged<'a>>,
}

/// Something shaped like a section, judged.
pub(super) struct Judged<'a> {
    pub(super) section: &'a Section<'a>,
    /// Each entry, and what it says where it is an option's.
    pub(super) entries: Vec<(&'a Entry<'a>, Option<Invocation>)>,
    /// It holds arguments.
    pub(super) real: bool,
}

impl<'a> Page<'a> {
    pub(super) fn read(lines: &[Line], layout: &'a Layout<'a>, path: &[&str]) -> Page<'a> {
        let text = layout.usage.as_deref().unwrap_or_default();
        let prefixes = prefixes(&layout.sections, text);
        let mut sections: Vec<Judged<'a>> =
            layout.sections.iter().map(|s| Judged::new(s, &prefixes)).collect();
        let mut usage = usage::parse(text, &known(&sections), path, &prefixes);
        let generated = is_generated(&sections, &usage, &Named::of(&usage));
        if generated {
            split_remainder(&mut usage, &sections);
            join_parser(&mut usage, &sections);
        }
        let named = Named::of(&usage);
        let own = positionals_section(&sections, &named);
        for (i, section) in sections.iter_mut().enumerate() {
            section.real = section.is_real(&named, generated, own == Some(i));
        }
        let wrap =
            Wrap { column: layout.column, width: text::width(lines, layout.after_usage, layout.column) };
        let mut by_flag: HashMap<String, Vec<usize>> = HashMap::new();
        for (i, item) in usage.items.iter().enumerate() {
            if let What::Option { flag, .. } = &item.what {
                by_flag.entry(flag.clone()).or_default().push(i);
            }
        }
        Page { usage, by_flag, generated, wrap, sections }
    }

    pub(super) fn real_sections(&self) -> impl Iterator<Item = &Judged<'a>> + Clone {
        self.sections.iter().filter(|s| s.real)
    }

    /// Nothing but a usage (a subparser that has no help option prints only that).
    pub(super) fn is_bare(&self) -> bool {
        self.sections.iter().all(|s| !s.real)
    }
}

fn known(sections: &[Judged]) -> Known {
    let mut known = Known::default();
    for (entry, option) in sections.iter().flat_map(|s| &s.entries) {
        match option {
            Some(option) => known.option(&option.flags, &option.values),
            None if entry.header.starts_with('-') => {}
            None => known.positional(entry.header, !entry.rows.is_empty() || entry.header.starts_with('{')),
        }
    }
    known
}

/// What a usage names.
pub(super) struct Named<'a> {
    flags: HashSet<&'a str>,
    names: HashSet<&'a str>,
}

impl<'a> Named<'a> {
    pub(super) fn of(usage: &'a Usage) -> Named<'a> {
        let mut named = Named { flags: HashSet::new(), names: HashSet::new() };
        for item in &usage.items {
            match &item.what {
                What::Option { flag, .. } => named.flags.insert(flag),
                What::Positional { name, known: true, .. } | What::Subcommands { name, known: true } => {
                    named.names.insert(name)
                }
                _ => false,
            };
        }
        named
    }

    pub(super) fn has_name(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(super) fn confirms(&self, entry: &Entry, option: Option<&Invocation>) -> bool {
        match option {
            Some(option) => option.flags.iter().any(|f| self.flags.contains(f.as_str())),
            None => self.names.contains(usage::squeeze(entry.header).as_str()),
        }
    }
}

impl<'a> Judged<'a> {
    fn new(section: &'a Section<'a>, prefixes: &str) -> Judged<'a> {
        let entries = section.entries.iter().map(|e| (e, invocation::parse(e.header, prefixes))).collect();
        Judged { section, entries, real: false }
    }

    pub(super) fn options(&self) -> impl Iterator<Item = (&'a Entry<'a>, &Invocation)> {
        self.entries.iter().filter_map(|(e, o)| o.as_ref().map(|o| (*e, o)))
    }

    /// Whether it holds the help option, as the parser's own options section does.
    fn has_help(&self) -> bool {
        self.options().any(|(e, o)| o.values.is_empty() && is_help(&o.flags, e.help.first().copied()))
    }

    /// Whether it is argparse's own section for positionals.
    pub(super) fn is_for_positionals(&self) -> bool {
        self.section.title.eq_ignore_ascii_case(POSITIONALS)
    }

    fn is_real(&self, named: &Named, generated: bool, for_positionals: bool) -> bool {
        let confirmed = self.entries.iter().any(|(e, o)| named.confirms(e, o.as_ref()));
        let has_rows = self.entries.iter().any(|(e, o)| o.is_none() && is_action_with_rows(e));
        let has_options = !self.section.title.is_empty() && self.options().next().is_some();
        let by_layout = !generated && (has_options || has_rows);
        confirmed || self.has_help() || for_positionals || by_layout
    }
}

/// Argparse's own section for positionals: the last one of that title before its options, since above it stands only the
/// description, which may look like anything.
fn positionals_section(sections: &[Judged], named: &Named) -> Option<usize> {
    let is_options = |s: &Judged| s.has_help() || s.options().any(|(e, o)| named.confirms(e, Some(o)));
    let options = sections.iter().position(is_options).unwrap_or(sections.len());
    let is_one = |s: &Judged| s.is_for_positionals();
    sections[..options].iter().rposition(is_one).or_else(|| sections.iter().position(is_one))
}

/// `{a,b} ...` is a subparsers action, or a positional with choices before a REMAINDER. The rows of a subparsers action
/// tell, also where a group's description lists them; where it has none, an entry that no atom names does, since it can
/// only be the REMAINDER's.
fn split_remainder(usage: &mut Usage, sections: &[Judged]) {
    let action = |i: &Item| matches!(&i.what, What::Subcommands { known: true, .. });
    let Some(at) = usage.items.iter().position(action) else { return };
    let What::Subcommands { name, .. } = &usage.items[at].what else { return };
    let name = name.clone();
    let named = Named::of(usage);
    let is_action = |e: &Entry| usage::squeeze(e.header) == name;
    let own = sections.iter().filter(|s| s.entries.iter().any(|(e, o)| named.confirms(e, o.as_ref())));
    let entries = own.flat_map(|s| &s.entries).filter(|(_, o)| o.is_none()).map(|(e, _)| *e);
    let has_rows = entries.clone().any(|e| is_action(e) && !e.rows.is_empty());
    let is_listed = lists_all(sections, &name);
    let mut unnamed =
        entries.filter(|e| e.rows.is_empty() && !e.header.is_empty() && !named.confirms(e, None));
    if has_rows || is_listed || unnamed.next().is_none() {
        return;
    }
    let item = &mut usage.items[at];
    item.what = What::Positional { name, arity: Arity::One, known: true };
    let rest = What::Positional { name: String::new(), arity: Arity::Remainder, known: false };
    let rest = Item { what: rest, required: item.required, group: None };
    usage.items.insert(at + 1, rest);
}

/// `X ...` is a PARSER where `...` can't be another positional's, nor of commands that some entry lists.
fn join_parser(usage: &mut Usage, sections: &[Judged]) {
    let one = |i: &Item| matches!(i.what, What::Positional { arity: Arity::One, known: true, .. });
    let rest = |i: &Item| matches!(&i.what, What::Positional { name, arity: Arity::Remainder, .. } if name.is_empty());
    let Some(at) = usage.items.windows(2).position(|pair| one(&pair[0]) && rest(&pair[1])) else { return };
    let named = Named::of(usage);
    let explains = |s: &Judged| {
        let is_own = s.entries.iter().any(|(e, o)| named.confirms(e, o.as_ref()));
        let mut others = s.entries.iter().filter(|(e, o)| o.is_none() && !named.confirms(e, None));
        others.any(|(e, _)| is_own || e.header.is_empty() || !e.help.is_empty())
    };
    if sections.iter().any(explains) {
        return;
    }
    if let What::Positional { arity, .. } = &mut usage.items[at].what {
        *arity = Arity::Parser;
        usage.items.remove(at + 1);
    }
}

/// Whether each of the choices that `name` has in braces is an entry of its own: commands listed in a group's
/// description rather than by argparse.
fn lists_all(sections: &[Judged], name: &str) -> bool {
    let Choices::Listed(choices) = values::choices(name) else { return false };
    let entries = sections.iter().flat_map(|s| &s.entries).filter(|(_, o)| o.is_none());
    let listed: HashSet<_> = entries
        .filter_map(|(e, _)| row_name(e.header))
        .flat_map(|(name, aliases)| aliases.into_iter().chain([name]))
        .collect();
    choices.iter().all(|choice| listed.contains(choice))
}

/// Whether an entry is a subparsers action's by its looks: choices with rows below them, or a metavar whose rows have
/// their help in the page's own column. Prose has lists, but not in that column.
fn is_action_with_rows(entry: &Entry) -> bool {
    let is_row = |row: &Entry| row_name(row.header).is_some();
    let aligned = || entry.rows.iter().any(|row| !row.help.is_empty()) && entry.rows.iter().all(is_row);
    !entry.rows.is_empty() && (entry.header.starts_with('{') || !entry.header.contains(' ') && aligned())
}

/// Whether flags are the help option's. A `-h` alone may be something else (`--host`): then its text tells.
pub(super) fn is_help(flags: &[String], text: Option<&str>) -> bool {
    let speaks_of_help = || text.is_some_and(|t| t.to_ascii_lowercase().contains("help"));
    flags.iter().any(|f| bare(f) == "help") || flags == ["-h"] && speaks_of_help()
}

/// A flag without the characters that begin it.
pub(super) fn bare(flag: &str) -> &str {
    flag.trim_start_matches(|c: char| !c.is_alphanumeric())
}

/// Whether argparse made the usage: it names every option of the section that holds the help option (up to a blank
/// line, behind which prose may stand), and nothing that has no entry.
fn is_generated(sections: &[Judged], usage: &Usage, named: &Named) -> bool {
    let unexplained = usage.items.iter().any(|i| match &i.what {
        What::Positional { name, known, arity } => !(*known || name.is_empty() && *arity == Arity::Remainder),
        _ => false,
    });
    // A parser without the help option rarely prints a page at all; the usage of one that does is taken at its word.
    let Some(own) = sections.iter().find(|s| s.has_help()) else {
        return !usage.items.is_empty() && !unexplained;
    };
    let mut first_block = own.options().enumerate().take_while(|(i, (e, _))| *i == 0 || !e.after_blank);
    !unexplained && !usage.items.is_empty() && first_block.all(|(_, (e, o))| named.confirms(e, Some(o)))
}

/// The characters that begin options: `-`, and those with which entries begin that the usage writes as options.
fn prefixes(sections: &[Section], usage: &str) -> String {
    let mut prefixes = "-".to_owned();
    let own = |s: &&Section| !s.title.eq_ignore_ascii_case(POSITIONALS);
    for entry in sections.iter().filter(own).flat_map(|s| &s.entries) {
        let Some(first) = entry.header.chars().next().filter(|c| UNUSUAL_PREFIXES.contains(*c)) else {
            continue;
        };
        let word = entry.header.split([' ', ',']).next().unwrap_or_default();
        // `++name` is an option's spelling whatever the usage says.
        let long = entry.header.split(", ").any(|w| {
            let mut chars = w.chars();
            chars.next() == Some(first)
                && chars.next() == Some(first)
                && chars.next().is_some_and(char::is_alphanumeric)
        });
        // Behind a bar stands a further form of what stands before it, which shows its own character.
        let written = |before: &str| {
            usage.match_indices(&format!("{before}{word}")).any(|(at, _)| !usage[..at].ends_with('|'))
        };
        if !prefixes.contains(first)
            && word.len() > first.len_utf8()
            && (long || written("[") || written("(") || written(" "))
        {
            prefixes.push(first);
        }
    }
    prefixes
}

/// Characters other than `-` that programs pass as `prefix_chars`, and that names of values don't begin with.
const UNUSUAL_PREFIXES: &str = "+/!%^&~:=?@#$|,;\\";
