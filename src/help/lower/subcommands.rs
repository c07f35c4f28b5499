//! A subparsers action's atom, entry and rows → subcommands.

use std::collections::BTreeSet;

use super::Lowered;
use super::page::{Judged, Named};
use crate::help::layout::Entry;
use crate::help::usage::{self, What};
use crate::help::values::{self, Choices};
use crate::model::{Arity, Command};

impl<'a> Lowered<'_, 'a> {
    /// The name by which the usage calls the subparsers action, where it has one.
    pub(super) fn subparsers_name(&self) -> Option<&str> {
        if self.command.subcommands.is_empty() {
            return None;
        }
        self.page.usage.items.iter().find_map(|i| match &i.what {
            What::Subcommands { name, .. } => Some(name.as_str()),
            What::Positional { name, arity: Arity::Remainder, known: false } if name.is_empty() => Some(""),
            _ => None,
        })
    }

    pub(super) fn subcommands(&mut self) {
        let page = self.page;
        let item = page.usage.items.iter().position(|i| matches!(i.what, What::Subcommands { .. }));
        let entry = match item.map(|i| &page.usage.items[i].what) {
            Some(What::Subcommands { name, .. }) => {
                // A positional may be called the same.
                let mut own = self.named_entries().filter(|e| usage::squeeze(e.header) == *name);
                own.clone().find(|e| !e.rows.is_empty()).or_else(|| own.next())
            }
            // A hand-written usage may not name the action; only its entry has rows.
            _ if !page.generated => self.named_entries().find(|e| !e.rows.is_empty() && !e.header.is_empty()),
            _ => None,
        };
        let rows = match entry {
            Some(entry) => entry.rows.iter().collect(),
            None => self.loose_rows(),
        };
        self.command.subcommands = rows.iter().filter_map(|row| self.subcommand(row)).collect();
        match item.map(|i| &page.usage.items[i].what) {
            Some(What::Subcommands { name, .. }) => self.listed_in_braces(name),
            _ => entry.into_iter().for_each(|e| self.listed_in_braces(e.header)),
        }
    }

    /// How many positionals stand before the subcommand; to be called once all have been made.
    pub(super) fn place_subcommands(&mut self) {
        let items = &self.page.usage.items;
        let at = items.iter().position(|i| matches!(i.what, What::Subcommands { .. })).unwrap_or(items.len());
        let positional = |index: &usize| self.command.arguments[*index].is_positional();
        let before: BTreeSet<usize> =
            self.of_item[..at].iter().flatten().copied().filter(positional).collect();
        self.command.subcommand_at = if self.command.subcommands.is_empty() { 0 } else { before.len() };
    }

    /// The entries of real sections that are no options'.
    fn named_entries(&self) -> impl Iterator<Item = &'a Entry<'a>> + Clone {
        self.page.real_sections().flat_map(|s| &s.entries).filter(|(_, o)| o.is_none()).map(|(e, _)| *e)
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
        self.page
            .sections
            .iter()
            .filter(|s| !s.is_for_positionals())
            .filter(list)
            .flat_map(|s| s.entries.iter().map(|(e, _)| *e))
            .collect()
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
pub(super) fn row_name(header: &str) -> Option<(String, Vec<String>)> {
    let (name, aliases) = match header.split_once(" (") {
        Some((name, rest)) => (name, rest.strip_suffix(')')?.split(", ").map(str::to_owned).collect()),
        None => (header, Vec::new()),
    };
    let word = |w: &str| !w.is_empty() && !w.contains(char::is_whitespace) && !w.starts_with('-');
    (word(name) && aliases.iter().all(|a: &String| !a.contains(char::is_whitespace)))
        .then(|| (name.to_owned(), aliases))
}
