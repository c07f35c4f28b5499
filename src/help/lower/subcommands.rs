//! A subparsers action's atom, entry and rows → subcommands.

use std::collections::{BTreeSet, HashSet};

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
        let name = match item.map(|i| &page.usage.items[i].what) {
            Some(What::Subcommands { name, .. }) => Some(name.as_str()),
            _ => entry.map(|e| e.header),
        };
        let named = name.map_or(Choices::None, values::choices);
        let rows = match entry {
            Some(entry) if !entry.rows.is_empty() => entry.rows.iter().collect(),
            _ => self.loose_rows(&named),
        };
        let mut known = HashSet::new();
        let told = rows.iter().filter_map(|row| self.subcommand(row));
        let untold = without_rows(named);
        let mut new =
            |c: &Command| known.insert(c.name.clone()) && c.aliases.iter().all(|a| known.insert(a.clone()));
        self.command.subcommands = told.chain(untold).filter(|c| new(c)).collect();
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

    /// Rows below no entry of the action: it has no name (`metavar=''`), or a formatter leaves its entry out and lists the
    /// commands in sections, or a group's description lists them. `named` is what the action's own name lists: then they
    /// are those of these names, else they are believed only where the usage has an atom that nothing else explains.
    fn loose_rows(&self, named: &Choices) -> Vec<&'a Entry<'a>> {
        let Choices::Listed(names) = named else {
            return if self.has_unexplained() { self.listed_rows() } else { Vec::new() };
        };
        let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let is_one = |e: &&Entry| row_name(e.header).is_some_and(|(name, _)| names.contains(name.as_str()));
        let entries = self.page.sections.iter().flat_map(|s| &s.entries).filter(|(_, o)| o.is_none());
        entries
            .flat_map(|(e, _)| std::iter::once(*e).filter(|e| !e.header.is_empty()).chain(&e.rows))
            .filter(is_one)
            .collect()
    }

    fn has_unexplained(&self) -> bool {
        self.page.usage.items.iter().any(|i| match &i.what {
            What::Subcommands { .. } => true,
            What::Positional { known, arity, .. } => !known && (i.required || *arity == Arity::Remainder),
            What::Option { .. } => false,
        })
    }

    /// Rows below an entry without a header, else the entries of sections that hold nothing but rows.
    fn listed_rows(&self) -> Vec<&'a Entry<'a>> {
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
        let sections = self.page.sections.iter().filter(|s| !s.is_for_positionals()).filter(list);
        sections.flat_map(|s| s.entries.iter().map(|(e, _)| *e)).collect()
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
}

/// Subcommands without a help text have no row: they are names in `{a,b}` only.
fn without_rows(named: Choices) -> impl Iterator<Item = Command> {
    let names = if let Choices::Listed(names) = named { names } else { Vec::new() };
    let one_word = |name: &String| !name.contains(char::is_whitespace);
    names.into_iter().filter(one_word).map(|name| Command { name, ..Command::default() })
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

#[cfg(test)]
mod tests {
    use crate::help;

    #[test]
    fn commands_that_a_groups_description_lists() {
        let page = "usage: tool [-h] {build,test} ...\n\noptions:\n  -h, --help    show this help message and exit\n\n\
            verbs:\n  build         make it\n  test          try it\n\n  {build,test}  more of a verb: VERB -h\n\n\
            Variables:\n  TOOL_HOME     where it lives\n";
        let command = help::parse(page, &["tool"]);
        let told: Vec<_> =
            command.subcommands.iter().map(|c| (c.name.as_str(), c.summary.as_deref())).collect();
        assert_eq!(told, [("build", Some("make it")), ("test", Some("try it"))]);
        assert!(command.arguments.iter().all(|a| !a.is_positional()), "{:?}", command.arguments);
    }
}
