//! What was inspected → text for a terminal, with colours; whoever prints it elsewhere strips them.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Inherited, Inspected, Level, Noted, Quote, Shown, phrase};
use crate::model::{Fact, Severity, Source};
use crate::text;

const STRONG: Style = Style::new().bold();
const TOOL: Style = AnsiColor::Cyan.on_default().bold();
const NAME: Style = AnsiColor::Green.on_default();
const FAINT: Style = Style::new().dimmed();

/// The most of a usage line that is shown, in characters: help is read at a width at which nothing wraps.
const USAGE_SHOWN: usize = 100;

/// The most lines of an entry that are shown.
const ENTRY_SHOWN: usize = 4;

/// The text of everything, with terminal colours.
pub fn paint(all: &[Inspected]) -> String {
    let mut painter = Painter { out: String::new() };
    for (index, plugin) in all.iter().enumerate() {
        if index > 0 {
            painter.out.push('\n');
        }
        painter.plugin(plugin);
    }
    painter.out
}

struct Painter {
    out: String,
}

/// Foreign text as it may be shown.
fn clean(foreign: &str) -> String {
    text::plain(foreign)
}

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

impl Painter {
    fn line(&mut self, indent: usize, text: &str) {
        let indent = if text.is_empty() { 0 } else { indent };
        let _ = writeln!(self.out, "{:indent$}{}", "", text.trim_end().replace('\n', " "));
    }

    fn plugin(&mut self, plugin: &Inspected) {
        let reason = plugin.reason.map(|reason| format!(": {}", clean(reason))).unwrap_or_default();
        let style = match plugin.state {
            "ready" => AnsiColor::Green,
            "stale" => AnsiColor::Yellow,
            _ => AnsiColor::Red,
        };
        let state = styled(style.on_default(), plugin.state);
        let place = styled(FAINT, &clean(&plugin.directory));
        self.line(0, &format!("{} {state}{reason} {place}", styled(STRONG, &clean(plugin.name))));
        plugin.diagnostics.iter().for_each(|noted| self.noted(2, noted));
        plugin.commands.iter().for_each(|level| self.level(level, &plugin.commands));
        if !plugin.left_out.is_empty() {
            self.out.push('\n');
            self.line(2, &format!("no tools: {}", clean(&plugin.left_out.join(", "))));
        }
    }

    fn level(&mut self, level: &Level, all: &[Level]) {
        self.out.push('\n');
        let tool = level.tool.map(|tool| format!("  {} {}", styled(FAINT, "tool"), styled(TOOL, tool)));
        self.line(2, &format!("{}{}", styled(STRONG, &clean(&level.command)), tool.unwrap_or_default()));
        clean(level.description.unwrap_or_default()).lines().for_each(|line| self.line(4, line));
        if !level.manifest.is_empty() {
            self.line(4, &styled(FAINT, &format!("from the manifest: {}", level.manifest.join(", "))));
        }
        if !level.arguments.is_empty() {
            self.out.push('\n');
        }
        level.arguments.iter().for_each(|argument| self.argument(argument));
        for inherited in &level.inherited {
            let above = all.iter().filter(|level| level.command == inherited.command);
            let shown: Vec<&str> = above.flat_map(|level| &level.arguments).map(|a| a.property).collect();
            let arguments = clean(&inherited_arguments(inherited, &shown));
            self.line(4, &styled(FAINT, &format!("and {arguments} of {}", clean(&inherited.command))));
        }
        level.diagnostics.iter().for_each(|noted| self.noted(4, noted));
    }

    fn argument(&mut self, argument: &Shown) {
        let mut facts = vec![argument.kind.clone()];
        if argument.required {
            facts.push("required".into());
        }
        if let Some(default) = argument.default {
            facts.push(format!("default {}", clean(&default.to_string())));
        }
        let written = if argument.flags.is_empty() {
            format!("positional {}", argument.label)
        } else {
            argument.flags.join(", ")
        };
        let head = format!("{}  {}", styled(NAME, &clean(argument.property)), facts.join(", "));
        self.line(4, &format!("{head}  {}", styled(FAINT, &format!("[{}]", clean(&written)))));
        if let Some(choices) = argument.choices {
            self.line(6, &format!("choices: {}", clean(&choices.join(", "))));
        }
        let entry = argument.entry.as_ref();
        let help = argument.help.map(clean).unwrap_or_default();
        if !entry.is_some_and(|entry| squeezed(&entry.text).contains(&squeezed(&help))) {
            help.lines().for_each(|line| self.line(6, line));
        }
        entry.into_iter().for_each(|entry| self.entry(entry));
        argument.usage.iter().for_each(|usage| self.quote(6, &around(usage), FAINT));
        self.sources(argument);
    }

    /// The lines of an entry, with their numbers.
    fn entry(&mut self, entry: &Quote) {
        let text = clean(&entry.text);
        let more = text.lines().count().saturating_sub(ENTRY_SHOWN);
        for (offset, text) in text.lines().take(ENTRY_SHOWN).enumerate() {
            self.line(6, &format!("{} {text}", styled(FAINT, &gutter(&(entry.line + offset).to_string()))));
        }
        if more > 0 {
            self.line(6, &styled(FAINT, &format!("{} {more} more", gutter("…"))));
        }
    }

    /// Which facts came from where.
    fn sources(&mut self, argument: &Shown) {
        let mut sources: Vec<(Source, Vec<Fact>)> = Vec::new();
        for (fact, source) in argument.provenance {
            match sources.iter_mut().find(|(known, _)| known == source) {
                Some((_, facts)) => facts.push(*fact),
                None => sources.push((*source, vec![*fact])),
            }
        }
        let told = |(source, facts): &(Source, Vec<Fact>)| {
            let facts: Vec<&str> = facts.iter().map(|fact| phrase::fact(*fact)).collect();
            let facts = if facts.len() == phrase::FACTS { "everything".into() } else { facts.join(", ") };
            format!("{}: {facts}", phrase::source(*source))
        };
        let all: Vec<String> = sources.iter().map(told).collect();
        if !all.is_empty() {
            self.line(6, &styled(FAINT, &format!("from {}", all.join("; "))));
        }
    }

    fn noted(&mut self, indent: usize, noted: &Noted) {
        let (label, colour) = match noted.severity {
            Severity::Note => ("note", AnsiColor::Blue),
            Severity::Warning => ("warning", AnsiColor::Yellow),
            Severity::Error => ("error", AnsiColor::Red),
        };
        let style = colour.on_default().bold();
        let about = noted.argument.map(|argument| format!(" {}:", clean(argument))).unwrap_or_default();
        let label = styled(style, &format!("{label}[{}]", noted.code));
        self.line(indent, &format!("{label}{about} {}", clean(noted.message)));
        noted.page.iter().for_each(|page| self.quote(indent + 2, &around(page), style));
    }

    /// A line of the page with a part of it underlined.
    fn quote(&mut self, indent: usize, quote: &Quote, style: Style) {
        let (from, to) = quote.under.unwrap_or_default();
        self.line(indent, &format!("{} {}", styled(FAINT, &gutter(&quote.line.to_string())), quote.text));
        let room = |c: char| if c == '\t' { "\t".to_owned() } else { " ".repeat(c.width().unwrap_or(0)) };
        let before: String = quote.text.chars().take(from).map(room).collect();
        let under: String = quote.text.chars().skip(from).take(to.saturating_sub(from)).collect();
        if !under.is_empty() {
            let carets = styled(style, &"^".repeat(under.width().max(1)));
            self.line(indent, &format!("{} {before}{carets}", styled(FAINT, &gutter(""))));
        }
    }
}

/// Which of the arguments that are shown at a command above a tool takes, and under what other names.
fn inherited_arguments(inherited: &Inherited, shown: &[&str]) -> String {
    let lacks: Vec<&str> =
        shown.iter().copied().filter(|name| !inherited.properties.contains(name)).collect();
    let others: Vec<&str> =
        inherited.properties.iter().copied().filter(|name| !shown.contains(name)).collect();
    let same = inherited.properties.len() - others.len();
    let mut all = Vec::new();
    match (same, lacks.as_slice()) {
        (0, _) => {}
        (1, []) => all.push("the one argument".to_owned()),
        (same, []) => all.push(format!("all {same} arguments")),
        (same, lacks) => all.push(format!("{same} of the arguments (not {})", lacks.join(", "))),
    }
    if !others.is_empty() {
        all.push(others.join(", "));
    }
    all.join(" and ")
}

/// A line's number beside it.
fn gutter(number: &str) -> String {
    format!("{number:>4} │")
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line that is not too long to be shown, with what is underlined in it.
fn around(quote: &Quote) -> Quote {
    let (from, to) = quote.under.unwrap_or_default();
    let length = quote.text.chars().count();
    if length <= USAGE_SHOWN {
        return Quote { line: quote.line, text: quote.text.clone(), under: quote.under };
    }
    let first = from.saturating_sub(USAGE_SHOWN / 3).min(length - USAGE_SHOWN);
    let shown: String = quote.text.chars().skip(first).take(USAGE_SHOWN).collect();
    let lead = if first > 0 { "… " } else { "" };
    let tail = if first + USAGE_SHOWN < length { " …" } else { "" };
    let move_by = |at: usize| (at.clamp(first, first + USAGE_SHOWN) - first) + lead.chars().count();
    Quote {
        line: quote.line,
        text: format!("{lead}{shown}{tail}"),
        under: Some((move_by(from), move_by(to))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, under: (usize, usize)) -> String {
        let mut painter = Painter { out: String::new() };
        painter.quote(0, &around(&Quote { line: 7, text: text.into(), under: Some(under) }), Style::new());
        anstream::adapter::strip_str(&painter.out).to_string()
    }

    #[test]
    fn carets_stand_under_what_is_meant_however_wide_it_is() {
        assert_eq!(shown("ab 漢字 c", (3, 5)), "   7 │ ab 漢字 c\n     │    ^^^^\n");
        assert_eq!(shown("\tab", (1, 3)), "   7 │ \tab\n     │ \t^^\n");
        assert_eq!(shown("ab", (2, 2)), "   7 │ ab\n");
    }

    #[test]
    fn long_lines_are_cut_around_what_is_meant() {
        let text = format!("{}[--out OUT]{}", "x".repeat(300), "y".repeat(300));
        let out = shown(&text, (301, 306));
        let [line, carets] = out.lines().collect::<Vec<_>>()[..] else { panic!("{out}") };
        let at = carets.chars().position(|c| c == '^').unwrap();
        assert_eq!(line.chars().skip(at).take(5).collect::<String>(), "--out");
        assert!(
            line.starts_with("   7 │ … x") && line.ends_with("y …") && line.chars().count() < 120,
            "{line}"
        );
        let start = shown(&"z".repeat(300), (0, 300));
        assert!(
            start.contains("│ zzz") && start.contains("z …\n") && start.matches('^').count() == USAGE_SHOWN
        );
    }

    #[test]
    fn which_arguments_of_a_command_above() {
        let of = |properties: &[&'static str], shown: &[&str]| {
            inherited_arguments(&Inherited { command: String::new(), properties: properties.to_vec() }, shown)
        };
        assert_eq!(of(&["a", "b"], &["a", "b"]), "all 2 arguments");
        assert_eq!(of(&["a"], &["a", "b"]), "1 of the arguments (not b)");
        assert_eq!(of(&["a", "t_b"], &["a", "b"]), "1 of the arguments (not b) and t_b");
        assert_eq!(of(&["t_b"], &["b"]), "t_b");
    }
}
