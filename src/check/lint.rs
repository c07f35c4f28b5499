//! A plugin and its tools → what a client or a model will stumble over.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::model::{Argument, Binding, Command, Tool};
use crate::plugin::manifest::{self, ManifestError};
use crate::registry::{Plugin, State};

use super::Finding;
use super::place::Place;
use super::rules::{self, Kind, Rule};

/// The longest tool name that leaves room for what clients put before it, in characters: they keep to 64 in all, of
/// which `mcp__` and a server's name of up to 9 characters and `__` take 16.
const MAX_NAME: usize = 48;

/// The longest description that all clients take, in characters (the bound of function calling APIs).
const MAX_DESCRIPTION: usize = 1024;

/// Choices of one argument that all clients take.
const MAX_CHOICES: usize = 250;

/// Tools in one list that all clients take.
const MAX_TOOLS: usize = 128;

/// Tokens of the whole list from which on it is worth a warning: a tenth of a context of 200,000.
const MAX_TOKENS: usize = 20_000;

/// Characters of JSON that make a token, about: schemas are English words and punctuation.
const CHARACTERS_A_TOKEN: usize = 4;

/// Phrases of help texts that say that an argument must be given.
const REQUIRED_PHRASES: [&str; 4] = ["(required)", "[required]", "required:", "must be given"];

/// What ends the word `required` as a sentence of its own at the beginning of a text.
const STOPS: [char; 4] = ['.', ';', ',', '!'];

/// Phrases that take such a one back.
const UNLESS: [&str; 5] = ["not required", "only", "if ", "when ", "unless"];

/// What there is to say of one plugin, whose manifest may be at fault.
pub(super) fn plugin(plugin: &Plugin, fault: Option<ManifestError>, tools: &[&Tool]) -> Vec<Finding> {
    let mut lint = Lint { plugin: &plugin.name, told: BTreeSet::new(), found: Vec::new() };
    if let State::Failed(reason) | State::Stale(reason) = &plugin.state {
        lint.found.push(match fault {
            Some(fault) => Finding {
                place: Place::Manifest(fault.line()),
                ..Finding::new(rules::PLUGIN_FAILED, &plugin.name, fault.reason())
            },
            None => Finding::new(rules::PLUGIN_FAILED, &plugin.name, reason),
        });
    }
    lint.diagnostics(plugin);
    for tool in tools {
        let Some(chain) = plugin.root.chain(&tool.path) else { continue };
        lint.name(tool);
        lint.description(tool, &chain);
        lint.arguments(tool, &chain);
        lint.groups(tool, &chain);
    }
    lint.same_descriptions(tools);
    lint.found
}

/// What there is to say of all tools together.
pub(super) fn list(tools: &[&Tool]) -> Vec<Finding> {
    let about_all = |rule: Rule, message: String| Finding { plugin: None, ..Finding::new(rule, "", message) };
    let mut found = Vec::new();
    if tools.len() > MAX_TOOLS {
        let message = format!(
            "{} tools are more than the {MAX_TOOLS} that some clients take; profiles narrow the list",
            tools.len()
        );
        found.push(about_all(rules::MANY_TOOLS, message));
    }
    let tokens = tokens(tools);
    if tokens > MAX_TOKENS {
        let message = format!("the list costs about {tokens} tokens; profiles narrow it");
        found.push(about_all(rules::HEAVY_LIST, message));
    }
    found
}

/// What a list costs a model, estimated from the JSON that it is shown.
pub(super) fn tokens(tools: &[&Tool]) -> usize {
    let shown = |tool: &&Tool| {
        json!({"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema})
            .to_string()
    };
    tools.iter().map(|tool| shown(tool).chars().count().div_ceil(CHARACTERS_A_TOKEN)).sum()
}

struct Lint<'a> {
    plugin: &'a str,
    /// Arguments that were looked at: those of a command above others are in all of their tools.
    told: BTreeSet<(Vec<String>, usize)>,
    found: Vec<Finding>,
}

impl Lint<'_> {
    fn add(&mut self, rule: Rule, tool: &Tool, argument: Option<&str>, message: impl Into<String>) {
        let finding = Finding::new(rule, self.plugin, message).tool(&tool.name);
        self.found.push(match argument {
            Some(argument) => finding.argument(argument),
            None => finding,
        });
    }

    /// What discovery noticed already, under its own codes.
    fn diagnostics(&mut self, plugin: &Plugin) {
        let mut all: Vec<_> =
            plugin.diagnostics.iter().map(|diagnostic| (String::new(), diagnostic)).collect();
        plugin.root.walk(&mut |path, command| {
            all.extend(command.diagnostics.iter().map(|diagnostic| (path.join(" "), diagnostic)));
        });
        for (path, diagnostic) in all {
            let place = if path.is_empty() { String::new() } else { format!("`{path}`: ") };
            self.found.push(Finding {
                severity: diagnostic.severity,
                kind: Kind::Lint,
                class: None,
                code: diagnostic.code.clone(),
                argument: diagnostic.argument.clone(),
                place: match diagnostic.code.as_str() {
                    manifest::UNMATCHED => Place::Manifest(None),
                    _ => Place::Program,
                },
                ..Finding::new(rules::PLUGIN_FAILED, self.plugin, format!("{place}{}", diagnostic.message))
            });
        }
    }

    fn name(&mut self, tool: &Tool) {
        let length = tool.name.chars().count();
        if length > MAX_NAME {
            let message = format!(
                "its name has {length} characters; more than {MAX_NAME} leave no room for what clients put before it"
            );
            self.add(rules::LONG_NAME, tool, None, message);
        }
    }

    fn description(&mut self, tool: &Tool, chain: &[&Command]) {
        let text = first_paragraph(&tool.description);
        let words: Vec<&str> = chain.iter().skip(1).map(|command| command.name.as_str()).collect();
        let derived = format!("Runs `{}`.", [&[self.plugin], words.as_slice()].concat().join(" "));
        if text == derived {
            self.add(
                rules::NO_DESCRIPTION,
                tool,
                None,
                "neither its help nor its manifest says what it does",
            );
        } else if !text.trim().contains(char::is_whitespace) {
            self.add(rules::TERSE_DESCRIPTION, tool, None, format!("its whole description is `{text}`"));
        }
        let length = tool.description.chars().count();
        if length > MAX_DESCRIPTION {
            let message =
                format!("its description has {length} characters; some clients take {MAX_DESCRIPTION}");
            self.add(rules::LONG_DESCRIPTION, tool, None, message);
        }
    }

    fn arguments(&mut self, tool: &Tool, chain: &[&Command]) {
        let Some(properties) = tool.input_schema.get("properties").and_then(Value::as_object) else { return };
        let mut alike: BTreeMap<String, &str> = BTreeMap::new();
        for binding in &tool.bindings {
            let name = &binding.property;
            if let Some(other) = alike.insert(name.to_lowercase(), name) {
                self.add(
                    rules::SIMILAR_ARGUMENTS,
                    tool,
                    Some(name),
                    format!("it differs from `{other}` only in case"),
                );
            }
            let owner = (tool.path[..binding.depth.min(tool.path.len())].to_vec(), binding.index);
            if self.told.insert(owner) {
                self.argument(tool, chain, binding, &properties[name]);
            }
        }
    }

    fn argument(&mut self, tool: &Tool, chain: &[&Command], binding: &Binding, schema: &Value) {
        let name = &binding.property;
        if schema["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
            self.add(rules::ARGUMENT_UNDESCRIBED, tool, Some(name), "it has no description");
        }
        let choices = most_choices(schema);
        if choices > MAX_CHOICES {
            let message = format!("{choices} choices are more than the {MAX_CHOICES} that some clients take");
            self.add(rules::MANY_CHOICES, tool, Some(name), message);
        }
        let required = tool.input_schema.get("required").and_then(Value::as_array);
        let is_required = required.is_some_and(|all| all.iter().any(|one| one == name.as_str()));
        let argument = chain.get(binding.depth).and_then(|command| command.arguments.get(binding.index));
        if !is_required && argument.is_some_and(claims_required) && !in_required_group(tool, chain, name) {
            let message = "its help says that it must be given; `required=True` would tell clients";
            self.add(rules::HIDDEN_REQUIRED, tool, Some(name), message);
        }
    }

    fn groups(&mut self, tool: &Tool, chain: &[&Command]) {
        for (depth, command) in chain.iter().enumerate() {
            for group in command.exclusive.iter().filter(|group| group.required) {
                let of = |b: &&Binding| b.depth == depth && group.members.contains(&b.index);
                let names: Vec<&str> = tool.bindings.iter().filter(of).map(|b| b.property.as_str()).collect();
                if !names.is_empty() {
                    let message =
                        format!("one of `{}` must be given, which its schema can't say", names.join("`, `"));
                    self.add(rules::GROUP_REQUIRED, tool, None, message);
                }
            }
        }
    }

    fn same_descriptions(&mut self, tools: &[&Tool]) {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for tool in tools {
            let text = first_paragraph(&tool.description);
            match seen.get(text) {
                Some(other) => {
                    let message = format!("it is described by the same text as `{other}`");
                    self.add(rules::SAME_DESCRIPTION, tool, None, message);
                }
                None => {
                    seen.insert(text, &tool.name);
                }
            }
        }
    }
}

fn first_paragraph(text: &str) -> &str {
    text.split("\n\n").next().unwrap_or(text).trim()
}

fn most_choices(schema: &Value) -> usize {
    let own = schema["enum"].as_array().map_or(0, Vec::len);
    let of_any = schema["anyOf"].as_array().into_iter().flatten().map(most_choices).max().unwrap_or(0);
    let of_items = schema.get("items").map_or(0, most_choices);
    own.max(of_any).max(of_items)
}

/// Whether an argument's help says that it must be given, without a condition.
fn claims_required(argument: &Argument) -> bool {
    let text = argument.help.as_deref().unwrap_or_default().to_lowercase();
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    let begins = text.trim_start().strip_prefix("required").is_some_and(|rest| rest.starts_with(STOPS));
    argument.default.is_none()
        && (begins || has(&REQUIRED_PHRASES) || text.trim_end_matches('.').ends_with("required"))
        && !has(&UNLESS)
}

fn in_required_group(tool: &Tool, chain: &[&Command], property: &str) -> bool {
    let Some(binding) = tool.bindings.iter().find(|b| b.property == property) else { return false };
    let groups = chain.get(binding.depth).map(|command| command.exclusive.as_slice()).unwrap_or_default();
    groups.iter().any(|group| group.required && group.members.contains(&binding.index))
}
