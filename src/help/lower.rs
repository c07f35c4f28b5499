//! Blocks and usage → [`Command`]: each confirms the other.
//!
//! A usage that argparse made lists every argument that has an entry, and every entry has its atom in the usage
//! (`help=SUPPRESS` takes away both). So where the usage is argparse's own, an entry that it doesn't confirm is prose
//! that looks like an entry. A usage written by hand (`usage=…`) confirms nothing by its silence: then the layout
//! alone is believed, and what only a usage could tell (required-ness, groups) stays open, with a diagnostic.

use std::collections::{BTreeMap, HashSet};

use super::layout::{Entry, Layout, Section};
use super::normalize::Line;
use super::usage::{self, Known, Usage, What};
use super::values::{self, Choices, Values};
use super::{annotation, invocation, text};
use crate::model::{
    Action, Argument, Arity, Command, Diagnostic, ExclusiveGroup, Fact, Severity, Source, ValueType,
};

/// Puts a command together.
pub(super) fn command(lines: &[Line], layout: &Layout, path: &[&str]) -> Command {
    let page = Page::read(lines, layout, path);
    let mut made =
        Lowered { page: &page, command: Command::default(), of_item: vec![None; page.usage.items.len()] };
    made.options();
    made.subcommands();
    made.positionals();
    made.groups();
    made.texts(lines, layout);
    made.diagnose(layout);
    made.command
}

/// A page with its entries sorted out.
struct Page<'a> {
    usage: Usage,
    /// The usage is argparse's own: its silence means something.
    generated: bool,
    /// How help texts were wrapped.
    wrap: text::Wrap,
    sections: Vec<Judged<'a>>,
}

/// A section that holds arguments.
struct Judged<'a> {
    section: &'a Section<'a>,
    /// Each entry, and what it says where it is an option's.
    entries: Vec<(&'a Entry<'a>, Option<invocation::Invocation>)>,
    real: bool,
}

impl<'a> Page<'a> {
    fn read(lines: &[Line], layout: &'a Layout<'a>, path: &[&str]) -> Page<'a> {
        let prefixes = prefixes(&layout.sections);
        let mut sections: Vec<Judged<'a>> =
            layout.sections.iter().map(|s| Judged::new(s, &prefixes)).collect();
        let mut known = Known::default();
        for (entry, option) in sections.iter().flat_map(|s| &s.entries) {
            match option {
                Some(option) => known.option(&option.flags, &option.values),
                None if entry.header.starts_with('-') => {}
                None => {
                    known.positional(entry.header, !entry.rows.is_empty() || entry.header.starts_with('{'))
                }
            }
        }
        let usage = usage::parse(layout.usage.as_deref().unwrap_or_default(), &known, path, &prefixes);
        let named = Named::of(&usage);
        let generated = is_generated(&sections, &usage, &named);
        for section in &mut sections {
            section.real = section.is_real(&named, generated);
        }
        Page {
            usage,
            generated,
            wrap: text::Wrap { column: layout.column, width: text::width(lines) },
            sections,
        }
    }

    fn real_sections(&self) -> impl Iterator<Item = &Judged<'a>> {
        self.sections.iter().filter(|s| s.real)
    }
}

/// What a usage names.
struct Named<'a> {
    flags: HashSet<&'a str>,
    names: HashSet<&'a str>,
}

impl<'a> Named<'a> {
    fn of(usage: &'a Usage) -> Named<'a> {
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

    fn confirms(&self, entry: &Entry, option: Option<&invocation::Invocation>) -> bool {
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

    fn options(&self) -> impl Iterator<Item = (&'a Entry<'a>, &invocation::Invocation)> {
        self.entries.iter().filter_map(|(e, o)| o.as_ref().map(|o| (*e, o)))
    }

    /// Whether it holds the help option, as the parser's own options section does.
    fn has_help(&self) -> bool {
        self.options().any(|(_, o)| is_help(&o.flags))
    }

    fn is_real(&self, named: &Named, generated: bool) -> bool {
        let confirmed = self.entries.iter().any(|(e, o)| named.confirms(e, o.as_ref()));
        let positionals = self.section.title.eq_ignore_ascii_case("positional arguments");
        confirmed || self.has_help() || (!generated && (positionals || self.options().next().is_some()))
    }
}

/// Whether argparse made the usage: it names every option of the section that holds the help option, and nothing
/// that has no entry.
fn is_generated(sections: &[Judged], usage: &Usage, named: &Named) -> bool {
    let unknown = usage.items.iter().any(|i| matches!(&i.what, What::Positional { name, known: false, arity } if !name.is_empty() && *arity != Arity::Remainder));
    let own = sections.iter().find(|s| s.has_help());
    !unknown
        && !usage.items.is_empty()
        && own.is_some_and(|s| s.options().all(|(e, o)| named.confirms(e, Some(o))))
}

/// The characters that begin options: the one that the help option has, and `-`.
fn prefixes(sections: &[Section]) -> String {
    let entries = || sections.iter().flat_map(|s| &s.entries);
    let pair = |e: &&Entry| {
        let mut chars = e.header.chars();
        let first = chars.next()?;
        let words: Vec<&str> = e.header.split(", ").collect();
        let twice = words.iter().any(|w| w.chars().take(2).eq([first, first]) && w.len() > 2);
        (!first.is_alphanumeric() && !"-{[(<'\"`*.#".contains(first) && words.len() > 1 && twice)
            .then_some(first)
    };
    match entries().find_map(|e| pair(&e)) {
        Some(first) if !entries().any(|e| e.header.starts_with("-h")) => format!("-{first}/"),
        Some(first) => format!("-{first}"),
        None => "-".to_owned(),
    }
}

fn is_help(flags: &[String]) -> bool {
    flags.iter().any(|f| f.trim_start_matches(|c: char| !c.is_alphanumeric()) == "help") || flags == ["-h"]
}

struct Lowered<'p, 'a> {
    page: &'p Page<'a>,
    command: Command,
    /// The argument that each item of the usage stands for.
    of_item: Vec<Option<usize>>,
}

impl<'p, 'a> Lowered<'p, 'a> {
    /// The options of all real sections, in the order of the page.
    fn options(&mut self) {
        let page = self.page;
        let named = Named::of(&page.usage);
        for judged in page.real_sections() {
            for (entry, option) in judged.options() {
                if page.generated && !named.confirms(entry, Some(option)) {
                    let message = format!(
                        "`{}` looks like an option, but the usage does not name it: taken for text",
                        entry.header
                    );
                    self.note("unconfirmed-option", message, entry.line);
                } else {
                    self.option(judged.section, entry, option);
                }
            }
        }
        if page.sections.iter().all(|s| !s.real) {
            self.options_of_usage();
        }
    }

    fn option(&mut self, section: &Section, entry: &Entry, option: &invocation::Invocation) {
        let index = self.command.arguments.len();
        let mut required = false;
        let (mut seen, mut negated, mut empty_name) = (false, false, false);
        for (i, item) in self.page.usage.items.iter().enumerate() {
            let What::Option { flag, .. } = &item.what else { continue };
            if option.flags.contains(flag) {
                negated |= seen;
                seen = true;
                required |= item.required && !negated;
                empty_name |= option.values.is_empty() && item.values_are_blank();
                self.of_item[i] = Some(index);
            }
        }
        let found = values::parse(&option.values);
        let mut argument = argument(section, entry, found, self.page.wrap, &mut self.command.diagnostics);
        argument.flags.clone_from(&option.flags);
        argument.required = required;
        argument.action = action(&option.flags, argument.arity, argument.help.as_deref(), negated);
        if empty_name {
            argument.arity = Arity::One;
            argument.action = Action::Store;
        }
        if seen {
            argument.provenance.insert(Fact::Required, Source::Usage);
        }
        annotate(&mut argument);
        self.command.arguments.push(argument);
    }

    /// A page without sections (a subparser that has no help option prints only its usage): what the usage tells.
    fn options_of_usage(&mut self) {
        for (i, item) in self.page.usage.items.iter().enumerate() {
            let What::Option { flag, values } = &item.what else { continue };
            self.of_item[i] = Some(self.command.arguments.len());
            let mut argument =
                Argument { flags: vec![flag.clone()], required: item.required, ..Argument::default() };
            fill_values(
                &mut argument,
                values::parse(values),
                Source::Usage,
                &mut self.command.diagnostics,
                None,
            );
            argument.action = action(&argument.flags, argument.arity, None, false);
            argument.provenance.insert(Fact::Name, Source::Usage);
            argument.provenance.insert(Fact::Required, Source::Usage);
            self.command.arguments.push(argument);
        }
    }

    fn note(&mut self, code: &str, message: String, line: usize) {
        self.command.diagnostics.push(Diagnostic::new(Severity::Note, code, message).at(line));
    }
}

/// The help text that `action='version'` has by default. An option of another text may do more than print a version.
const VERSION_HELP: &str = "show program's version number and exit";

/// What an option does that the page shows nothing more of.
fn action(flags: &[String], arity: Arity, help: Option<&str>, negated: bool) -> Action {
    if arity != Arity::Zero {
        return Action::Store;
    }
    let has = |name: &str| flags.iter().any(|f| f.trim_start_matches(|c: char| !c.is_alphanumeric()) == name);
    if is_help(flags) {
        Action::Help
    } else if has("version") && help == Some(VERSION_HELP) {
        Action::Version
    } else if negated {
        Action::Negatable
    } else {
        Action::Flag
    }
}

/// An argument as its entry shows it.
fn argument(
    section: &Section,
    entry: &Entry,
    found: Values,
    wrap: text::Wrap,
    diagnostics: &mut Vec<Diagnostic>,
) -> Argument {
    let help = wrap.join(&entry.help);
    let mut argument = Argument {
        help: (!help.is_empty()).then_some(help),
        section: (!section.title.is_empty()).then(|| section.title.to_owned()),
        line: Some(entry.line),
        ..Argument::default()
    };
    argument.provenance.insert(Fact::Name, Source::Entry);
    if argument.help.is_some() {
        argument.provenance.insert(Fact::Help, Source::Entry);
    }
    fill_values(&mut argument, found, Source::Entry, diagnostics, Some(entry));
    argument
}

fn fill_values(
    argument: &mut Argument,
    found: Values,
    source: Source,
    diagnostics: &mut Vec<Diagnostic>,
    entry: Option<&Entry>,
) {
    argument.arity = found.arity;
    argument.metavar = found.metavar;
    argument.provenance.insert(Fact::Arity, source);
    let header = entry.map_or_else(|| argument.label(), |e| e.header.to_owned());
    let mut warn = |code: &str, message: String| {
        let diagnostic = Diagnostic::new(Severity::Warning, code, message).about(header.clone());
        diagnostics.push(entry.map_or(diagnostic.clone(), |e| diagnostic.at(e.line)));
    };
    match found.choices {
        Choices::None => {}
        Choices::Listed(choices) => {
            argument.choices = Some(choices);
            argument.provenance.insert(Fact::Choices, source);
        }
        Choices::Ambiguous => warn(
            "ambiguous-choices",
            format!("a comma in `{header}` may belong to a choice: any text is accepted"),
        ),
    }
    if found.may_be_tuple {
        let taken = if argument.arity.is_many() { "several values" } else { "one value" };
        warn(
            "ambiguous-values",
            format!("the names in `{header}` may be one value or several: taken for {taken}"),
        );
    }
}

/// What metavar and help text tell of an argument that takes values.
fn annotate(argument: &mut Argument) {
    if argument.arity == Arity::Zero {
        return;
    }
    // MetavarTypeHelpFormatter prints the type's name, which is lower-case where other metavars are not.
    argument.value_type = match argument.metavar.first().map(String::as_str) {
        Some("int") => ValueType::Integer,
        Some("float") => ValueType::Number,
        _ => ValueType::String,
    };
    if argument.value_type != ValueType::String {
        argument.provenance.insert(Fact::Type, Source::Entry);
    }
    let default =
        argument.help.as_deref().and_then(annotation::default).and_then(|d| annotation::typed(&d, argument));
    if default.is_some() {
        argument.default = default;
        argument.provenance.insert(Fact::Default, Source::Entry);
    }
}

/// The entries that may be positionals or subparsers, each taken once.
struct Unclaimed<'a> {
    by_name: BTreeMap<String, Vec<(&'a Section<'a>, &'a Entry<'a>)>>,
}

impl<'a> Unclaimed<'a> {
    fn of(page: &Page<'a>) -> Unclaimed<'a> {
        let mut by_name = BTreeMap::<String, Vec<_>>::new();
        for judged in page.real_sections() {
            for (entry, option) in &judged.entries {
                if option.is_none() {
                    by_name.entry(usage::squeeze(entry.header)).or_default().push((judged.section, *entry));
                }
            }
        }
        by_name.values_mut().for_each(|same| same.reverse());
        Unclaimed { by_name }
    }

    fn take(&mut self, name: &str) -> Option<(&'a Section<'a>, &'a Entry<'a>)> {
        self.by_name.get_mut(name)?.pop()
    }

    fn count(&self, name: &str) -> usize {
        self.by_name.get(name).map_or(0, Vec::len)
    }
}

/// A positional, before it is made.
struct Positional<'a> {
    items: Vec<usize>,
    name: String,
    arity: Arity,
    required: bool,
    place: Option<(&'a Section<'a>, &'a Entry<'a>)>,
}

impl<'a> Lowered<'_, 'a> {
    fn positionals(&mut self) {
        let mut unclaimed = Unclaimed::of(self.page);
        let found = self.positionals_of_usage(&mut unclaimed);
        let none_known = self.page.sections.iter().all(|s| !s.real);
        for positional in found {
            if positional.place.is_some() || none_known {
                self.positional(positional);
            }
        }
        if !self.page.generated {
            self.positionals_of_section(&mut unclaimed);
        }
    }

    fn positionals_of_usage(&self, unclaimed: &mut Unclaimed<'a>) -> Vec<Positional<'a>> {
        let mut found: Vec<Positional<'a>> = Vec::new();
        for (i, item) in self.page.usage.items.iter().enumerate() {
            let What::Positional { name, arity, known } = &item.what else { continue };
            if Some(name.as_str()) == self.subparsers_name() {
                continue;
            }
            // `X X` is one positional of two values where only one entry is left for it.
            if let Some(last) = found.last_mut()
                && last.name == *name
                && *arity == Arity::One
                && *known
                && unclaimed.count(name) == 0
            {
                last.items.push(i);
                last.arity = Arity::Exactly(last.items.len());
                continue;
            }
            let place =
                if *known { unclaimed.take(name) } else { self.entry_for_unknown(name, *arity, unclaimed) };
            found.push(Positional {
                items: vec![i],
                name: name.clone(),
                arity: *arity,
                required: item.required,
                place,
            });
        }
        found
    }

    /// The entry that an atom of another name stands for: `...` is a REMAINDER, whose entry has its name; a hand-written
    /// usage may write `FILE` or `<file>...` for the entry `file`.
    fn entry_for_unknown(
        &self,
        name: &str,
        arity: Arity,
        unclaimed: &mut Unclaimed<'a>,
    ) -> Option<(&'a Section<'a>, &'a Entry<'a>)> {
        let named = Named::of(&self.page.usage);
        let free = |key: &&String| !named.names.contains(key.as_str()) && !key.is_empty();
        let key = if name.is_empty() && arity == Arity::Remainder && self.page.generated {
            let first = self.page.real_sections().flat_map(|s| &s.entries).find(|(e, o)| {
                o.is_none()
                    && e.rows.is_empty()
                    && unclaimed.count(&usage::squeeze(e.header)) > 0
                    && free(&&usage::squeeze(e.header))
            });
            first.map(|(e, _)| usage::squeeze(e.header))
        } else {
            let plain = |s: &str| {
                s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
            };
            unclaimed.by_name.keys().filter(free).find(|k| plain(k) == plain(name)).cloned()
        };
        unclaimed.take(&key?)
    }

    fn positional(&mut self, positional: Positional) {
        let Positional { items, name, arity, required, place } = positional;
        for item in items {
            self.of_item[item] = Some(self.command.arguments.len());
        }
        let mut argument = match place {
            Some((section, entry)) => argument(
                section,
                entry,
                values::parse(entry.header),
                self.page.wrap,
                &mut self.command.diagnostics,
            ),
            None => {
                let mut argument = Argument::default();
                fill_values(
                    &mut argument,
                    values::parse(&name),
                    Source::Usage,
                    &mut self.command.diagnostics,
                    None,
                );
                argument
            }
        };
        // The header of a tuple (CPython 3.13 and later) counts its values by itself.
        if !(arity == Arity::One && matches!(argument.arity, Arity::Exactly(_))) {
            argument.arity = arity;
        }
        if argument.metavar.is_empty() && argument.choices.is_none() {
            argument.metavar = vec![place.map_or_else(
                || if name.is_empty() { "args".into() } else { name },
                |(_, e)| e.header.to_owned(),
            )];
        }
        argument.required =
            required && !matches!(argument.arity, Arity::Optional | Arity::ZeroOrMore | Arity::Remainder);
        argument.provenance.insert(Fact::Arity, Source::Usage);
        argument.provenance.insert(Fact::Required, Source::Usage);
        annotate(&mut argument);
        self.command.arguments.push(argument);
    }

    /// Entries of argparse's own section for positionals that a hand-written usage does not name.
    fn positionals_of_section(&mut self, unclaimed: &mut Unclaimed<'a>) {
        let page = self.page;
        let sections =
            page.real_sections().filter(|s| s.section.title.eq_ignore_ascii_case("positional arguments"));
        for (entry, _) in sections.flat_map(|s| &s.entries).filter(|(e, o)| o.is_none() && e.rows.is_empty())
        {
            let Some((section, entry)) = unclaimed.take(&usage::squeeze(entry.header)) else { continue };
            let mut argument = argument(
                section,
                entry,
                values::parse(entry.header),
                page.wrap,
                &mut self.command.diagnostics,
            );
            argument.arity = if argument.arity.is_many() { argument.arity } else { Arity::One };
            annotate(&mut argument);
            let label = argument.label();
            self.command.arguments.push(argument);
            let message = format!("the usage does not name `{label}`: taken for one optional value");
            self.note("unconfirmed-positional", message, entry.line);
        }
    }

    /// The name by which the usage calls the subparsers action, where it has one.
    fn subparsers_name(&self) -> Option<&str> {
        if self.command.subcommands.is_empty() {
            return None;
        }
        self.page.usage.items.iter().find_map(|i| match &i.what {
            What::Subcommands { name, .. } => Some(name.as_str()),
            What::Positional { name, arity: Arity::Remainder, known: false } if name.is_empty() => Some(""),
            _ => None,
        })
    }

    fn subcommands(&mut self) {
        let page = self.page;
        let item = page.usage.items.iter().position(|i| matches!(i.what, What::Subcommands { .. }));
        let entry = item.and_then(|i| {
            let What::Subcommands { name, .. } = &page.usage.items[i].what else { return None };
            let mut all = page.real_sections().flat_map(|s| &s.entries);
            all.find(|(e, o)| o.is_none() && usage::squeeze(e.header) == *name).map(|(e, _)| *e)
        });
        let rows = match entry {
            Some(entry) => entry.rows.iter().collect(),
            None => self.loose_rows(),
        };
        self.command.subcommands = rows.iter().filter_map(|row| self.subcommand(row)).collect();
        if let Some(What::Subcommands { name, .. }) = item.map(|i| &page.usage.items[i].what) {
            self.listed_in_braces(name);
        }
        let before = page.usage.items.iter().take(item.unwrap_or(page.usage.items.len()));
        let positionals = before.filter(|i| matches!(i.what, What::Positional { known: true, .. })).count();
        self.command.subcommand_at = if self.command.subcommands.is_empty() { 0 } else { positionals };
    }

    /// Rows below no entry: a subparsers action without a name (`metavar=''`), or a formatter that leaves its entry
    /// out and lists the commands in sections. Believed only where the usage has an atom that nothing else explains.
    fn loose_rows(&self) -> Vec<&'a Entry<'a>> {
        let unexplained = self.page.usage.items.iter().any(|i| match &i.what {
            What::Subcommands { .. } => true,
            What::Positional { known, arity, .. } => !known && (i.required || *arity == Arity::Remainder),
            What::Option { .. } => false,
        });
        if !unexplained {
            return Vec::new();
        }
        let below_none =
            self.page.sections.iter().flat_map(|s| &s.entries).filter(|(e, _)| e.header.is_empty());
        let rows: Vec<_> = below_none.flat_map(|(e, _)| &e.rows).collect();
        if !rows.is_empty() {
            return rows;
        }
        let named = Named::of(&self.page.usage);
        let list = |s: &&Judged<'a>| {
            let aligned = |e: &Entry| !e.help.is_empty() && e.rows.is_empty() && row_name(e.header).is_some();
            s.entries.iter().all(|(e, o)| o.is_none() && aligned(e) && !named.confirms(e, None))
        };
        self.page.sections.iter().filter(list).flat_map(|s| s.entries.iter().map(|(e, _)| *e)).collect()
    }

    fn subcommand(&self, row: &Entry) -> Option<Command> {
        let (name, aliases) = row_name(row.header)?;
        let summary = self.page.wrap.join(&row.help);
        let hidden = summary == SUPPRESS;
        Some(Command {
            name,
            aliases,
            hidden,
            summary: (!summary.is_empty() && !hidden).then_some(summary),
            ..Command::default()
        })
    }

    /// Names in `{a,b}` that no row tells: subcommands without a help text.
    fn listed_in_braces(&mut self, name: &str) {
        let Choices::Listed(names) = values::choices(name) else { return };
        for name in names {
            if !self.command.subcommands.iter().any(|c| c.answers_to(&name))
                && !name.contains(char::is_whitespace)
            {
                self.command.subcommands.push(Command { name, ..Command::default() });
            }
        }
    }
}

/// What argparse prints for a subparser whose help is `SUPPRESS`.
const SUPPRESS: &str = "==SUPPRESS==";

/// `name (alias, alias)`
fn row_name(header: &str) -> Option<(String, Vec<String>)> {
    let (name, aliases) = match header.split_once(" (") {
        Some((name, rest)) => (name, rest.strip_suffix(')')?.split(", ").map(str::to_owned).collect()),
        None => (header, Vec::new()),
    };
    let word = |w: &str| !w.is_empty() && !w.contains(char::is_whitespace) && !w.starts_with('-');
    (word(name) && aliases.iter().all(|a: &String| !a.contains(char::is_whitespace)))
        .then(|| (name.to_owned(), aliases))
}

impl Lowered<'_, '_> {
    fn groups(&mut self) {
        for (group, &required) in self.page.usage.groups.iter().enumerate() {
            let items = self.page.usage.items.iter().enumerate().filter(|(_, i)| i.group == Some(group));
            let mut members: Vec<usize> = items.filter_map(|(i, _)| self.of_item[i]).collect();
            members.dedup();
            if members.len() > 1 {
                members.iter().for_each(|&m| self.command.arguments[m].required = false);
                self.command.exclusive.push(ExclusiveGroup { required, members });
            }
        }
    }

    /// Description and epilog: what stands between the usage and the first section, and behind the last one.
    fn texts(&mut self, lines: &[Line], layout: &Layout) {
        let real = || self.page.real_sections().map(|s| s.section).filter(|s| s.start >= layout.after_usage);
        let first = real().map(|s| s.start).min();
        let last = real().map(|s| s.end).max();
        let margin = text::Wrap { column: 0, ..self.page.wrap };
        let text = |from: usize, to: usize| {
            let text: Vec<&str> = lines.get(from..to).unwrap_or_default().iter().map(|l| l.text).collect();
            Some(margin.join(&text)).filter(|t| !t.is_empty())
        };
        if layout.usage.is_none() && first.is_none() {
            return;
        }
        self.command.description = text(layout.after_usage, first.unwrap_or(lines.len()));
        self.command.epilog = last.and_then(|end| text(end, lines.len()));
    }

    fn diagnose(&mut self, layout: &Layout) {
        let page = self.page;
        if layout.usage.is_none() {
            let message = "no line begins with `usage:`, so nothing confirms what the page lists";
            self.command.diagnostics.push(Diagnostic::new(Severity::Warning, "no-usage", message));
        } else if !page.generated && page.sections.iter().any(|s| s.real) {
            let message = "the usage is written by hand or cut short: whether an option is required can't be told from the help page";
            self.command.diagnostics.push(Diagnostic::new(Severity::Note, "hand-written-usage", message));
        } else if page.sections.iter().all(|s| !s.real) && !page.usage.items.is_empty() {
            self.command.incomplete = true;
            let message = "the page has a usage but no entries: help texts and other spellings are not known";
            self.command.diagnostics.push(Diagnostic::new(Severity::Warning, "usage-only", message));
        }
        for section in page.sections.iter().filter(|s| !s.real && s.options().next().is_some()) {
            let title = section.section.title;
            let message = format!(
                "`{title}:` looks like a section, but the usage names none of its options: taken for text"
            );
            let line = section.section.entries.first().map_or(1, |e| e.line);
            self.note("unconfirmed-section", message, line);
        }
    }
}
