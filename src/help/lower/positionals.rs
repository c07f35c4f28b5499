//! Positional atoms of the usage and their entries → arguments.

use std::collections::BTreeMap;

use super::page::{Named, Page};
use super::{Lowered, annotate, argument, fill_values};
use crate::help::layout::{Entry, Section};
use crate::help::usage::{self, Item, What};
use crate::help::values;
use crate::model::{Argument, Arity, Fact, Source};

/// The entries that may be positionals or subparsers, each taken once.
struct Unclaimed<'a> {
    by_name: BTreeMap<String, Vec<(&'a Section<'a>, &'a Entry<'a>)>>,
    /// The names in the order of the page, by line.
    in_order: BTreeMap<usize, String>,
    /// The names that the usage has not, by their letters and digits.
    by_letters: BTreeMap<String, Vec<String>>,
    /// The names of entries that list nothing, in the order of the page.
    plain: Vec<String>,
    /// Atoms without a name that were looked up.
    nameless: usize,
}

/// Atoms without a name that are looked up: argparse prints one for a parser.
const MAX_NAMELESS: usize = 16;

/// What different ways to write one name have in common.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl<'a> Unclaimed<'a> {
    fn of(page: &Page<'a>) -> Unclaimed<'a> {
        let mut by_name = BTreeMap::<String, Vec<_>>::new();
        let (mut in_order, mut plain) = (BTreeMap::new(), Vec::new());
        for judged in page.real_sections() {
            for (entry, option) in &judged.entries {
                if option.is_none() {
                    let name = usage::squeeze(entry.header);
                    in_order.insert(entry.line, name.clone());
                    plain.extend((entry.rows.is_empty() && !name.is_empty()).then(|| name.clone()));
                    by_name.entry(name).or_default().push((judged.section, *entry));
                }
            }
        }
        by_name.values_mut().for_each(|same| same.reverse());
        let named = Named::of(&page.usage);
        let mut by_letters = BTreeMap::<String, Vec<String>>::new();
        for name in by_name.keys().filter(|name| !named.has_name(name) && !name.is_empty()) {
            by_letters.entry(letters(name)).or_default().push(name.clone());
        }
        Unclaimed { by_name, in_order, by_letters, plain, nameless: 0 }
    }

    fn take(&mut self, name: &str) -> Option<(&'a Section<'a>, &'a Entry<'a>)> {
        let (section, entry) = self.by_name.get_mut(name)?.pop()?;
        self.in_order.remove(&entry.line);
        Some((section, entry))
    }

    /// Whether the first of so many atoms of a name has no entry of its own: none is left, or there are fewer than atoms
    /// and the next one of the page has another name.
    fn are_too_few(&self, name: &str, atoms: usize) -> bool {
        let next = self.in_order.first_key_value().map(|(_, next)| next.as_str());
        self.count(name) == 0 || atoms > self.count(name) && next != Some(name)
    }

    fn count(&self, name: &str) -> usize {
        self.by_name.get(name).map_or(0, Vec::len)
    }
}

/// Where in the usage each name of a positional or a subparsers action stands.
struct Places<'a>(BTreeMap<&'a str, Vec<usize>>);

impl<'a> Places<'a> {
    fn of(items: &'a [Item]) -> Places<'a> {
        let mut places = BTreeMap::<&str, Vec<usize>>::new();
        for (i, item) in items.iter().enumerate() {
            if let What::Positional { name, .. } | What::Subcommands { name, .. } = &item.what {
                places.entry(name).or_default().push(i);
            }
        }
        Places(places)
    }

    /// How many atoms behind one have the name.
    fn behind(&self, index: usize, name: &str) -> usize {
        self.0.get(name).map_or(0, |places| places.len() - places.partition_point(|&i| i <= index))
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
    pub(super) fn positionals(&mut self) {
        let mut unclaimed = Unclaimed::of(self.page);
        let found = self.positionals_of_usage(&mut unclaimed);
        let none_known = self.page.is_bare();
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
        let places = Places::of(&self.page.usage.items);
        for (i, item) in self.page.usage.items.iter().enumerate() {
            let What::Positional { name, arity, known } = &item.what else { continue };
            // The subparsers action itself, unless there is another entry of its name.
            if Some(name.as_str()) == self.subparsers_name() && unclaimed.count(name) <= 1 {
                continue;
            }
            // `X X` is one positional of two values where no entry is left for the second.
            if let Some(last) = found.last_mut()
                && last.name == *name
                && *arity == Arity::One
                && *known
                && unclaimed.are_too_few(name, places.behind(i, name) + 1)
            {
                last.items.push(i);
                last.arity = Arity::Exactly(last.items.len());
                continue;
            }
            let place =
                if *known { unclaimed.take(name) } else { self.entry_for_unknown(i, &places, unclaimed) };
            // Rows are subcommands: a hand-written usage may name their action in any form.
            if place.is_some_and(|(_, entry)| !entry.rows.is_empty()) {
                continue;
            }
            let mut push = |arity, place| {
                let (items, name) = (vec![i], name.clone());
                found.push(Positional { items, name, arity, required: item.required, place });
            };
            // `X [X ...]` is one positional, or two of the same name where there is an entry for each.
            if *arity == Arity::OneOrMore && unclaimed.count(name) > places.behind(i, name) {
                push(Arity::One, place);
                push(Arity::ZeroOrMore, unclaimed.take(name));
            } else {
                push(*arity, place);
            }
        }
        found
    }

    /// The entry that an atom of another name stands for: `...` is a REMAINDER, whose entry has its name; a hand-written
    /// usage may write `FILE` or `<file>...` for the entry `file`.
    fn entry_for_unknown(
        &self,
        index: usize,
        places: &Places,
        unclaimed: &mut Unclaimed<'a>,
    ) -> Option<(&'a Section<'a>, &'a Entry<'a>)> {
        let What::Positional { name, arity, .. } = &self.page.usage.items[index].what else { return None };
        let key = if name.is_empty() && *arity == Arity::Remainder && self.page.generated {
            unclaimed.nameless += 1;
            if unclaimed.nameless > MAX_NAMELESS {
                return None;
            }
            // Another positional may be called the same: then there is an entry more than atoms of the name.
            unclaimed.plain.iter().find(|key| unclaimed.count(key) > places.behind(index, key))
        } else {
            let is_action = |k: &String| unclaimed.by_name[k].iter().any(|(_, e)| !e.rows.is_empty());
            unclaimed.by_letters.get(&letters(name))?.iter().find(|key| !is_action(key))
        };
        let key = key?.clone();
        unclaimed.take(&key)
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
        if let Some((_, entry)) = place {
            one_name(&mut argument, entry);
        }
        // By hand one writes `FILE` also where several are taken.
        argument.arity = if arity == Arity::One && !self.page.generated { Arity::Untold } else { arity };
        if argument.metavar.is_empty() && argument.choices.is_none() {
            argument.metavar = vec![place.map_or_else(
                || if name.is_empty() { "args".into() } else { name },
                |(_, e)| e.header.to_owned(),
            )];
        }
        argument.required = required && !arity.may_be_empty();
        argument.provenance.insert(Fact::Arity, Source::Usage);
        argument.provenance.insert(Fact::Required, Source::Usage);
        annotate(&mut argument);
        self.command.arguments.push(argument);
    }

    /// Entries that a hand-written usage does not name.
    fn positionals_of_section(&mut self, unclaimed: &mut Unclaimed<'a>) {
        let page = self.page;
        let listed = page.real_sections().flat_map(|s| {
            let entries = s.entries.iter().filter(|(e, option)| option.is_none() && e.rows.is_empty());
            entries.filter(|(e, _)| s.is_for_positionals() || !e.help.is_empty())
        });
        for (entry, _) in listed {
            let Some((section, entry)) = unclaimed.take(&usage::squeeze(entry.header)) else { continue };
            let mut argument = argument(
                section,
                entry,
                values::parse(entry.header),
                page.wrap,
                &mut self.command.diagnostics,
            );
            argument.arity = if argument.arity.is_many() { argument.arity } else { Arity::Untold };
            if argument.metavar.is_empty() && argument.choices.is_none() {
                argument.metavar = vec![entry.header.to_owned()];
            }
            one_name(&mut argument, entry);
            annotate(&mut argument);
            let label = argument.label();
            self.command.arguments.push(argument);
            let message = format!("the usage does not name `{label}`: one may give values or leave it out");
            self.note("unconfirmed-positional", message, entry.line);
        }
    }
}

/// A positional's name with a blank in it is one name: before `CPython` 3.13 none could have a tuple.
fn one_name(argument: &mut Argument, entry: &Entry) {
    if argument.metavar.len() > 1 {
        argument.arity = Arity::Untold;
        argument.metavar = vec![usage::squeeze(entry.header)];
    }
}
