//! Option entries → arguments, with what the usage tells of them.

use std::collections::HashMap;

use super::page::{Named, Page, bare, is_help};
use super::{Lowered, annotate, argument, fill_values};
use crate::help::annotation;
use crate::help::invocation::Invocation;
use crate::help::layout::{Entry, Section};
use crate::help::usage::{BLANK, What};
use crate::help::values::{self, Values};
use crate::model::{Action, Argument, Arity, Fact, Source};

/// The help text that `action='version'` has by default. An option of another text may do more than print a version.
const VERSION_HELP: &str = "show program's version number and exit";

/// An option's entry, and the section that it stands in.
type Found<'e> = (&'e Section<'e>, &'e Entry<'e>, &'e Invocation);

/// Which entry has each flag: by its item of the usage, or by itself where the usage has none.
struct Holders<'e> {
    of_item: Vec<Option<usize>>,
    of_flag: HashMap<&'e str, usize>,
}

impl<'e> Holders<'e> {
    /// The entry that has a flag of this option.
    fn rival(&self, page: &Page<'_>, option: &Invocation) -> Option<usize> {
        option.flags.iter().find_map(|flag| match page.by_flag.get(flag) {
            Some(items) => items.iter().find_map(|item| self.of_item[*item]),
            None => self.of_flag.get(flag.as_str()).copied(),
        })
    }

    fn take(&mut self, page: &Page<'_>, option: &'e Invocation, holder: usize) {
        for flag in &option.flags {
            match page.by_flag.get(flag) {
                Some(items) => items.iter().for_each(|item| self.of_item[*item] = Some(holder)),
                None => drop(self.of_flag.insert(flag, holder)),
            }
        }
    }
}

/// What a usage tells of an option.
#[derive(Default)]
struct Usage {
    seen: bool,
    required: bool,
    /// Two of its flags stand side by side: `--foo | --no-foo`.
    twice: bool,
    /// Its values have an empty name.
    blank: bool,
}

impl Lowered<'_, '_> {
    /// The options of all real sections, in the order of the page.
    pub(super) fn options(&mut self) {
        let page = self.page;
        let named = Named::of(&page.usage);
        let mut found = Vec::new();
        for judged in page.real_sections() {
            for (entry, option) in judged.options() {
                if page.generated && !named.confirms(entry, Some(option)) {
                    self.note_prose(entry, "the usage does not name it");
                } else {
                    found.push((judged.section, entry, option));
                }
            }
        }
        for (section, entry, option) in self.once_each(found) {
            self.option(section, entry, option);
        }
        if page.is_bare() {
            self.options_of_usage();
        }
    }

    /// A parser has every flag once. Where two entries have it, one is prose: the one whose values are not those of the
    /// usage, else the later one.
    fn once_each<'e>(&mut self, found: Vec<Found<'e>>) -> Vec<Found<'e>> {
        let mut holders =
            Holders { of_item: vec![None; self.page.usage.items.len()], of_flag: HashMap::new() };
        let mut kept: Vec<Option<Found<'e>>> = Vec::with_capacity(found.len());
        for new in found {
            match holders.rival(self.page, new.2).and_then(|at| kept[at].map(|old| (at, old))) {
                Some((_, old)) if self.fits_usage(old.2) || !self.fits_usage(new.2) => {
                    self.note_prose(new.1, "another entry has its flag");
                    continue;
                }
                Some((at, old)) => {
                    self.note_prose(old.1, "another entry has its flag");
                    kept[at] = None;
                }
                None => {}
            }
            holders.take(self.page, new.2, kept.len());
            kept.push(Some(new));
        }
        kept.into_iter().flatten().collect()
    }

    /// Whether the usage shows one of the option's flags with the values that its entry shows.
    fn fits_usage(&self, option: &Invocation) -> bool {
        let items = option.flags.iter().filter_map(|flag| self.page.by_flag.get(flag)).flatten();
        items
            .map(|i| &self.page.usage.items[*i].what)
            .any(|what| matches!(what, What::Option { values, .. } if *values == option.values))
    }

    fn note_prose(&mut self, entry: &Entry, why: &str) {
        let message = format!("`{}` looks like an option, but {why}: taken for text", entry.header);
        self.note("unconfirmed-option", message, entry.line);
    }

    fn option(&mut self, section: &Section, entry: &Entry, option: &Invocation) {
        let usage = self.usage_of(option);
        let blank = usage.blank || entry.blank_values || option.values == BLANK;
        let found = if blank {
            Values { arity: Arity::One, ..Values::default() }
        } else {
            values::parse(&option.values)
        };
        let mut argument = argument(section, entry, found, self.page.wrap, &mut self.command.diagnostics);
        argument.flags.clone_from(&option.flags);
        argument.required = usage.required;
        let told = usage.seen && self.page.generated;
        let says_no = option.flags.iter().any(|flag| flag.starts_with("--no-"));
        let pairs = usage.twice && says_no || (!told && has_negative(&option.flags));
        argument.action = action(&option.flags, argument.arity, argument.help.as_deref(), pairs);
        if usage.seen {
            argument.provenance.insert(Fact::Required, Source::Usage);
        }
        if argument.action == Action::Store && argument.arity == Arity::One && repeats(&argument) {
            argument.action = Action::Append;
            argument.provenance.insert(Fact::Action, Source::Entry);
        }
        annotate(&mut argument);
        self.command.arguments.push(argument);
    }

    /// What the usage tells of the option that becomes the next argument.
    fn usage_of(&mut self, option: &Invocation) -> Usage {
        let mut told = Usage::default();
        let mut items: Vec<usize> =
            option.flags.iter().filter_map(|f| self.page.by_flag.get(f)).flatten().copied().collect();
        items.sort_unstable();
        for i in items {
            let item = &self.page.usage.items[i];
            let What::Option { values, .. } = &item.what else { continue };
            told.twice |= told.seen;
            // A hand-written usage is believed where it speaks of the option as its entry does; a flag without a
            // value is never one that must be given.
            let is_told = self.page.generated || values == &option.values && !values.is_empty();
            told.required |= item.required && !told.seen && is_told;
            told.seen = true;
            told.blank |= option.values.is_empty() && values == BLANK;
            self.of_item[i] = Some(self.command.arguments.len());
        }
        told
    }

    /// The options of a page without sections: what the usage tells.
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
}

/// Whether an option may be given several times, by its own words.
fn repeats(argument: &Argument) -> bool {
    argument.help.as_deref().is_some_and(annotation::says_it_repeats)
}

fn is_version(flags: &[String]) -> bool {
    flags.iter().any(|f| bare(f) == "version")
}

/// Whether flags come in pairs, as `BooleanOptionalAction` makes them.
fn has_negative(flags: &[String]) -> bool {
    flags
        .iter()
        .filter_map(|f| f.strip_prefix("--no-"))
        .any(|name| flags.iter().any(|f| f.strip_prefix("--") == Some(name)))
}

/// What an option does that the page shows nothing more of.
fn action(flags: &[String], arity: Arity, help: Option<&str>, pairs: bool) -> Action {
    if arity != Arity::Zero {
        return Action::Store;
    }
    if is_help(flags, help) {
        Action::Help
    } else if is_version(flags)
        && help.is_some_and(|h| h.trim_end_matches('.').eq_ignore_ascii_case(VERSION_HELP))
    {
        Action::Version
    } else if pairs {
        Action::Negatable
    } else {
        Action::Flag
    }
}
