//! Blocks and usage → [`Command`]: each confirms the other.
//!
//! A usage that argparse made lists every argument that has an entry, and every entry has its atom in the usage
//! (`help=SUPPRESS` takes away both). So where the usage is argparse's own, an entry that it doesn't confirm is prose
//! that looks like an entry. A usage written by hand (`usage=…`) confirms nothing by its silence: then the layout
//! alone is believed, and what only a usage could tell (required-ness, groups) stays open, with a diagnostic.

mod options;
mod page;
mod positionals;
mod subcommands;

use super::layout::{Entry, Layout, Section};
use super::normalize::Line;
use super::values::{Choices, Values};
use super::{annotation, suggestions, text};
use crate::model::{Argument, Arity, Command, Diagnostic, ExclusiveGroup, Fact, Severity, Source, ValueType};
use page::Page;

/// Puts a command together.
pub(super) fn command(lines: &[Line], layout: &Layout, path: &[&str]) -> Command {
    let page = Page::read(lines, layout, path);
    let mut made =
        Lowered { page: &page, command: Command::default(), of_item: vec![None; page.usage.items.len()] };
    made.options();
    made.subcommands();
    made.positionals();
    made.place_subcommands();
    made.prefix_chars();
    made.groups();
    made.texts(lines, layout);
    made.diagnose(layout);
    made.command
}

struct Lowered<'p, 'a> {
    page: &'p Page<'a>,
    command: Command,
    /// The argument that each item of the usage stands for.
    of_item: Vec<Option<usize>>,
}

/// The titles of the two groups that every parser has, which depend on the version of Python: no news.
const STANDARD_TITLES: [&str; 3] = ["positional arguments", "optional arguments", "options"];

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
        section: Some(section.title)
            .filter(|t| !t.is_empty() && !STANDARD_TITLES.contains(t))
            .map(str::to_owned),
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
    if argument.choices.is_none() {
        argument.suggestions = suggestions::listed(argument.help.as_deref().unwrap_or_default());
    }
    let default = argument.help.as_deref().and_then(annotation::default);
    // MetavarTypeHelpFormatter prints the type's name, which is lower-case where other metavars are not.
    argument.value_type = match argument.metavar.first().map(String::as_str) {
        Some("int") => ValueType::Integer,
        Some("float") => ValueType::Number,
        Some("str") => ValueType::String,
        _ if argument.choices.is_some() || !argument.suggestions.is_empty() => ValueType::String,
        _ if annotation::speaks_of_number(argument, default.as_deref()) => ValueType::Numeric,
        _ => ValueType::String,
    };
    if matches!(argument.value_type, ValueType::Integer | ValueType::Number) {
        argument.provenance.insert(Fact::Type, Source::Entry);
    }
    if let Some(default) = default.and_then(|text| annotation::typed(&text, argument)) {
        argument.default = Some(default);
        argument.provenance.insert(Fact::Default, Source::Entry);
    }
}

impl Lowered<'_, '_> {
    fn note(&mut self, code: &str, message: String, line: usize) {
        self.command.diagnostics.push(Diagnostic::new(Severity::Note, code, message).at(line));
    }

    /// The characters with which the flags begin; `-` is among them unless the help option has another.
    fn prefix_chars(&mut self) {
        let mut chars = String::new();
        for flag in self.command.arguments.iter().flat_map(|a| &a.flags) {
            chars.extend(flag.chars().next().filter(|c| !chars.contains(*c)));
        }
        if !chars.is_empty() {
            self.command.parser.prefix_chars = chars;
        }
    }

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
        let margin = text::Wrap { column: 0, width: text::margin_width(lines, self.page.wrap.width) };
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
        } else if !page.generated && !page.is_bare() {
            let message = "the usage is written by hand or cut short: whether an option is required can't be told from the help page";
            self.command.diagnostics.push(Diagnostic::new(Severity::Note, "hand-written-usage", message));
        } else if page.is_bare() && !page.usage.items.is_empty() {
            self.command.incomplete = true;
            let message = "the page has a usage but no entries: help texts and other spellings are not known";
            self.command.diagnostics.push(Diagnostic::new(Severity::Warning, "usage-only", message));
        }
        for section in page.sections.iter().filter(|s| !s.real && s.options().next().is_some()) {
            let message =
                "this looks like a section, but the usage names none of its options: taken for text"
                    .to_owned();
            let line = section.section.entries.first().map_or(1, |e| e.line);
            self.note("unconfirmed-section", message, line);
        }
    }
}
