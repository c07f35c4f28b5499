//! A plugin's commands → levels, each beside its help page.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Asked, Beside, Inherited, Level, Noted, Quote, Shown, phrase};
use crate::help;
use crate::model::{Binding, Command, Diagnostic, Source, Tool, ToolOverride};
use crate::places::{Mark, Read};

/// What is wrong with the plugin as a whole, with its line where that is about an argument of the program itself; and the
/// commands on the way to a tool that is asked for, parents first.
pub(super) fn read<'a>(asked: &Asked<'a>, beside: &Beside) -> (Vec<Noted<'a>>, Vec<Level<'a>>) {
    let mut own = Vec::new();
    let mut levels = Vec::new();
    asked.plugin.root.walk(&mut |path, command| {
        let under: Vec<&Tool> =
            asked.tools.iter().copied().filter(|tool| is_on_the_way(path, tool)).collect();
        if under.is_empty() && !path.is_empty() {
            return;
        }
        let page = beside.pages.get(&path.join(" ")).map(|page| help::plain(page));
        let read = page.as_deref().map(|page| Read::new(page, path, command));
        if path.is_empty() {
            own = asked.plugin.diagnostics.iter().map(|d| noted(d, read.as_ref())).collect();
        }
        if !under.is_empty() {
            levels.push(level(asked, &beside.overrides, path, command, &under, read.as_ref()));
        }
    });
    (own, levels)
}

fn is_on_the_way(path: &[&str], tool: &Tool) -> bool {
    tool.path.iter().map(String::as_str).take(path.len()).eq(path.iter().copied())
}

/// Leaf commands that are no tools.
pub(super) fn left_out(asked: &Asked) -> Vec<String> {
    let mut out = Vec::new();
    asked.plugin.root.walk(&mut |path, command| {
        let is_tool = |tool: &&Tool| tool.path.len() == path.len() && is_on_the_way(path, tool);
        if command.is_leaf() && !asked.tools.iter().any(is_tool) {
            out.push(title(asked, path));
        }
    });
    out
}

fn title(asked: &Asked, path: &[&str]) -> String {
    [&[asked.plugin.name.as_str()], path].concat().join(" ")
}

fn level<'a>(
    asked: &Asked<'a>,
    overrides: &BTreeMap<String, ToolOverride>,
    path: &[&'a str],
    command: &'a Command,
    under: &[&'a Tool],
    read: Option<&Read>,
) -> Level<'a> {
    let tool = under.iter().copied().find(|tool| tool.path.len() == path.len());
    let own = || command.description.as_deref().or(command.summary.as_deref());
    Level {
        command: title(asked, path),
        tool: tool.map(|tool| tool.name.as_str()),
        description: tool.map(|tool| tool.description.as_str()).or_else(own),
        manifest: tool.and_then(|_| overrides.get(&path.join(" "))).map(said).unwrap_or_default(),
        arguments: arguments(path.len(), command, under, read),
        inherited: tool.map(|tool| inherited(asked, path, tool)).unwrap_or_default(),
        diagnostics: command.diagnostics.iter().map(|diagnostic| noted(diagnostic, read)).collect(),
    }
}

/// What a manifest says of a tool.
fn said(given: &ToolOverride) -> Vec<&'static str> {
    let facts = [
        ("name", given.name.is_some()),
        ("title", given.title.is_some()),
        ("description", given.description.is_some()),
        ("annotations", !given.annotations.is_empty()),
        ("confirm", given.confirm),
        ("reload", given.reload),
    ];
    facts.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
}

/// The command's own arguments, in the parser's order, under the plainest name that a tool below it has for each: where
/// the name of another argument is the same, it has a longer one.
fn arguments<'a>(
    depth: usize,
    command: &'a Command,
    under: &[&'a Tool],
    read: Option<&Read>,
) -> Vec<Shown<'a>> {
    let mut bound: BTreeMap<usize, (&Tool, &Binding)> = BTreeMap::new();
    for tool in under {
        for binding in tool.bindings.iter().filter(|binding| binding.depth == depth) {
            let known = bound.entry(binding.index).or_insert((tool, binding));
            if binding.property.len() < known.1.property.len() {
                *known = (tool, binding);
            }
        }
    }
    let shown = bound.into_values().filter_map(|(tool, binding)| argument(command, tool, binding, read));
    shown.collect()
}

fn argument<'a>(
    command: &'a Command,
    tool: &'a Tool,
    binding: &'a Binding,
    read: Option<&Read>,
) -> Option<Shown<'a>> {
    let argument = command.arguments.get(binding.index)?;
    let schema = tool.input_schema.get("properties")?.get(&binding.property)?;
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    let entry = read.and_then(|read| {
        let (first, last) = read.entry(binding.index)?;
        let lines: Vec<&str> = (first..=last).filter_map(|line| read.text(line)).collect();
        Some(Quote { line: first, text: lines.join("\n"), under: None })
    });
    let by_usage = argument.provenance.values().any(|source| *source == Source::Usage);
    let usage =
        read.filter(|_| by_usage).and_then(|read| read.usage(binding.index, argument).first().map(quote));
    Some(Shown {
        property: &binding.property,
        label: argument.label(),
        flags: &argument.flags,
        kind: phrase::kind(schema),
        required: required.is_some_and(|all| all.iter().any(|name| *name == *binding.property)),
        default: schema.get("default"),
        choices: argument.choices.as_deref(),
        help: argument.help.as_deref(),
        provenance: &argument.provenance,
        entry,
        usage,
    })
}

/// The properties of a tool that belong to the commands above its own.
fn inherited<'a>(asked: &Asked<'a>, path: &[&str], tool: &'a Tool) -> Vec<Inherited<'a>> {
    let of = |depth: usize| Inherited {
        command: title(asked, &path[..depth]),
        properties: tool.bindings.iter().filter(|b| b.depth == depth).map(|b| b.property.as_str()).collect(),
    };
    (0..path.len()).map(of).filter(|inherited| !inherited.properties.is_empty()).collect()
}

fn noted<'a>(diagnostic: &'a Diagnostic, read: Option<&Read>) -> Noted<'a> {
    Noted {
        severity: diagnostic.severity,
        code: &diagnostic.code,
        message: &diagnostic.message,
        argument: diagnostic.argument.as_deref(),
        page: read.and_then(|read| read.mark(diagnostic)).as_ref().map(quote),
    }
}

fn quote(mark: &Mark) -> Quote {
    let characters = |to: usize| mark.text[..to].chars().count();
    Quote {
        line: mark.line,
        text: mark.text.to_owned(),
        under: Some((characters(mark.under.start), characters(mark.under.end))),
    }
}
