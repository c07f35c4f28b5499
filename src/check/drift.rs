//! Two contracts of a plugin → the differences, each by a rule of its own.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::contract::Contract;
use crate::model::{Argument, Binding, Command, Tool};

use super::Finding;
use super::rules::{self, Rule};
use super::shape::{self, Shape};

/// Characters of a value that a message shows.
const SHOWN: usize = 80;

/// What differs in `new`.
pub(super) fn compare(old: &Contract, new: &Contract) -> Vec<Finding> {
    let mut drift = Drift { plugin: &new.plugin, found: Vec::new() };
    for tool in &old.tools {
        match new.tools.iter().find(|other| other.path == tool.path) {
            Some(other) => {
                if let (Some(before), Some(after)) = (View::new(old, tool), View::new(new, other)) {
                    drift.tool(&before, &after);
                }
            }
            None => drift.add(rules::TOOL_GONE, &tool.name, None, "the tool is not there any more"),
        }
    }
    for tool in new.tools.iter().filter(|tool| !old.tools.iter().any(|other| other.path == tool.path)) {
        drift.add(rules::TOOL_ADDED, &tool.name, None, "the tool is new");
    }
    if drift.found.is_empty() && old.text() != new.text() {
        let message =
            "the contract differs in what clients don't see, as where facts came from; `--update` writes it";
        drift.found.push(Finding::new(rules::CONTRACT_OUTDATED, drift.plugin, message));
    }
    drift.found
}

/// A tool with what it stands for.
struct View<'a> {
    tool: &'a Tool,
    chain: Vec<&'a Command>,
    properties: Map<String, Value>,
}

impl<'a> View<'a> {
    fn new(contract: &'a Contract, tool: &'a Tool) -> Option<View<'a>> {
        let properties = tool.input_schema.get("properties").and_then(Value::as_object).cloned();
        let chain = contract.command.chain(&tool.path)?;
        Some(View { tool, chain, properties: properties.unwrap_or_default() })
    }

    fn requires(&self, property: &str) -> bool {
        let required = self.tool.input_schema.get("required").and_then(Value::as_array);
        required.is_some_and(|all| all.iter().any(|one| one == property))
    }

    fn binding(&self, property: &str) -> Option<&'a Binding> {
        self.tool.bindings.iter().find(|binding| binding.property == property)
    }

    fn argument(&self, property: &str) -> Option<&'a Argument> {
        let binding = self.binding(property)?;
        self.chain.get(binding.depth)?.arguments.get(binding.index)
    }

    /// What leaving a property out means, where that is known.
    fn default(&self, property: &str) -> Option<Value> {
        let published = self.properties.get(property).and_then(|schema| schema.get("default"));
        let known = || self.argument(property).and_then(|argument| argument.default.as_ref());
        published.or_else(known).filter(|default| !default.is_null()).cloned()
    }

    /// Groups of properties of which at most one may be given, and whether one must be.
    fn groups(&self) -> Vec<(BTreeSet<&'a str>, bool)> {
        let mut groups = Vec::new();
        for (depth, command) in self.chain.iter().enumerate() {
            for group in &command.exclusive {
                let of = |b: &&Binding| b.depth == depth && group.members.contains(&b.index);
                let names: BTreeSet<&str> =
                    self.tool.bindings.iter().filter(of).map(|b| b.property.as_str()).collect();
                groups.push((names, group.required));
            }
        }
        groups
    }
}

struct Drift<'a> {
    plugin: &'a str,
    found: Vec<Finding>,
}

impl Drift<'_> {
    fn add(&mut self, rule: Rule, tool: &str, argument: Option<&str>, message: impl Into<String>) {
        let finding = Finding::new(rule, self.plugin, message).tool(tool);
        self.found.push(match argument {
            Some(argument) => finding.argument(argument),
            None => finding,
        });
    }

    fn tool(&mut self, old: &View<'_>, new: &View<'_>) {
        let name = &new.tool.name;
        if old.tool.name != *name {
            self.add(rules::TOOL_RENAMED, name, None, format!("the tool was `{}`", old.tool.name));
        }
        self.properties(old, new);
        self.groups(old, new);
        self.annotations(&old.tool.annotations, &new.tool.annotations, name);
        match (old.tool.confirm, new.tool.confirm) {
            (false, true) => self.add(rules::CONFIRMATION_ADDED, name, None, "calls must be confirmed now"),
            (true, false) => {
                self.add(rules::CONFIRMATION_REMOVED, name, None, "calls need not be confirmed now");
            }
            _ => {}
        }
        if old.tool.title != new.tool.title {
            self.add(rules::TITLE_CHANGED, name, None, "the title differs");
        }
        if old.tool.description != new.tool.description {
            self.add(rules::DESCRIPTION_CHANGED, name, None, "the description differs");
        }
    }

    fn properties(&mut self, old: &View<'_>, new: &View<'_>) {
        let name = &new.tool.name;
        let mut renamed = BTreeSet::new();
        for property in old.properties.keys() {
            if new.properties.contains_key(property) {
                self.property(old, new, property);
                continue;
            }
            let heir = new.properties.keys().find(|other| {
                !old.properties.contains_key(*other) && is_same(old.argument(property), new.argument(other))
            });
            match heir {
                Some(heir) => {
                    renamed.insert(heir);
                    self.add(
                        rules::ARGUMENT_RENAMED,
                        name,
                        Some(heir),
                        format!("the argument was `{property}`"),
                    );
                }
                None => {
                    self.add(
                        rules::ARGUMENT_GONE,
                        name,
                        Some(property),
                        "the argument is not there any more",
                    );
                }
            }
        }
        for property in new.properties.keys() {
            if old.properties.contains_key(property) || renamed.contains(property) {
                continue;
            }
            if new.requires(property) {
                let message = "the argument is new and must be given";
                self.add(rules::REQUIRED_ARGUMENT_ADDED, name, Some(property), message);
            } else {
                self.add(
                    rules::ARGUMENT_ADDED,
                    name,
                    Some(property),
                    "the argument is new and can be left out",
                );
            }
        }
        let shared = |view: &View<'_>, other: &View<'_>| -> Vec<String> {
            view.properties.keys().filter(|key| other.properties.contains_key(*key)).cloned().collect()
        };
        if shared(old, new) != shared(new, old) {
            self.add(rules::ORDER_CHANGED, name, None, "the arguments come in another order");
        }
    }

    fn property(&mut self, old: &View<'_>, new: &View<'_>, property: &str) {
        let name = &new.tool.name;
        let argument = Some(property);
        match (old.requires(property), new.requires(property)) {
            (false, true) => {
                self.add(rules::ARGUMENT_BECAME_REQUIRED, name, argument, "the argument must be given now");
            }
            (true, false) => {
                self.add(rules::ARGUMENT_BECAME_OPTIONAL, name, argument, "the argument can be left out now");
            }
            _ => {}
        }
        let (before, after) = (&old.properties[property], &new.properties[property]);
        for (rule, message) in types(before, after) {
            self.add(rule, name, argument, message);
        }
        let (was, is) = (old.default(property), new.default(property));
        if was != is {
            let show = |value: Option<Value>| value.map_or("none".to_owned(), |value| shown(&value));
            let message = format!("the default was {}, and is {}", show(was), show(is));
            self.add(rules::DEFAULT_CHANGED, name, argument, message);
        }
        if before["description"] != after["description"] {
            self.add(rules::ARGUMENT_DESCRIPTION_CHANGED, name, argument, "the description differs");
        }
    }

    fn groups(&mut self, old: &View<'_>, new: &View<'_>) {
        let name = &new.tool.name;
        let (before, after) = (old.groups(), new.groups());
        // Members that are not on both sides have findings of their own.
        let known = |names: &BTreeSet<&str>, view: &View<'_>| -> Vec<String> {
            names
                .iter()
                .filter(|one| view.properties.contains_key(**one))
                .map(|one| (*one).to_owned())
                .collect()
        };
        let holds = |groups: &[(BTreeSet<&str>, bool)], names: &[String]| {
            groups.iter().any(|(group, _)| names.iter().all(|one| group.contains(one.as_str())))
        };
        for (names, required) in &after {
            let names = known(names, old);
            if names.len() > 1 && !holds(&before, &names) {
                self.add(
                    rules::EXCLUSIVE_ADDED,
                    name,
                    None,
                    format!("at most one of {} may be given now", quoted(&names)),
                );
            }
            let must = |(group, required): &(BTreeSet<&str>, bool)| {
                *required && group.iter().all(|one| names.iter().any(|name| name == one))
            };
            if *required && !before.iter().any(must) && !names.iter().any(|one| old.requires(one)) {
                self.add(
                    rules::GROUP_BECAME_REQUIRED,
                    name,
                    None,
                    format!("one of {} must be given now", quoted(&names)),
                );
            }
        }
        for (names, required) in &before {
            let names = known(names, new);
            if names.len() > 1 && !holds(&after, &names) {
                self.add(
                    rules::EXCLUSIVE_REMOVED,
                    name,
                    None,
                    format!("{} may be given together now", quoted(&names)),
                );
            }
            let must = |(group, required): &(BTreeSet<&str>, bool)| {
                *required && group.iter().any(|one| names.iter().any(|name| name == one))
            };
            if *required && !after.iter().any(must) {
                self.add(
                    rules::GROUP_BECAME_OPTIONAL,
                    name,
                    None,
                    format!("none of {} need be given now", quoted(&names)),
                );
            }
        }
    }

    /// The hints by which clients decide whether to ask their user; a hint that is not there says the same as its
    /// default in the specification (revision 2025-03-26 on).
    fn annotations(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, tool: &str) {
        const HARMLESS: [(&str, bool, bool); 4] = [
            ("readOnlyHint", true, false),
            ("idempotentHint", true, false),
            ("destructiveHint", false, true),
            ("openWorldHint", false, true),
        ];
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let (before, after) = (old.get(key), new.get(key));
            if before == after {
                continue;
            }
            let promise = HARMLESS.iter().find(|(name, ..)| name == key);
            let withdrawn = promise.is_some_and(|(_, harmless, assumed)| {
                let told = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or(*assumed);
                told(before) == *harmless && told(after) != *harmless
            });
            let rule = if withdrawn { rules::PROMISE_WITHDRAWN } else { rules::ANNOTATION_CHANGED };
            let show = |value: Option<&Value>| value.map_or("not there".to_owned(), shown);
            self.add(
                rule,
                tool,
                None,
                format!("the annotation `{key}` was {}, and is {}", show(before), show(after)),
            );
        }
    }
}

/// Whether two arguments are the same under other names: they share a flag, or store to the same place.
fn is_same(old: Option<&Argument>, new: Option<&Argument>) -> bool {
    let (Some(old), Some(new)) = (old, new) else { return false };
    let dest = old.dest.is_some() && old.dest == new.dest;
    old.flags.iter().any(|flag| new.flags.contains(flag))
        || (dest && old.is_positional() == new.is_positional())
}

/// How the values that an argument takes differ.
fn types(old: &Value, new: &Value) -> Vec<(Rule, String)> {
    let (before, after) = (shape::of(old), shape::of(new));
    let (narrower, wider) = (!shape::covers(&after, &before), !shape::covers(&before, &after));
    let mut found = Vec::new();
    if narrower || wider {
        found.extend(choices(&before, &after));
        if found.is_empty() {
            found.push(structure(&before, &after, narrower, wider));
        }
    } else if before != after {
        let same_order =
            |shapes: &[Shape]| shape::choices(shapes).map(|list| list.into_iter().collect::<BTreeSet<_>>());
        if shape::choices(&before).is_some() && same_order(&before) == same_order(&after) {
            found.push((rules::ORDER_CHANGED, "the choices come in another order".into()));
        } else {
            found.push((rules::SUGGESTIONS_CHANGED, "the suggested values differ".into()));
        }
    }
    found
}

/// The differences, where they are in choices alone.
fn choices(before: &[Shape], after: &[Shape]) -> Vec<(Rule, String)> {
    let (any_before, any_after) = (shape::any_text(before), shape::any_text(after));
    if !(shape::covers(&any_before, &any_after) && shape::covers(&any_after, &any_before)) {
        return Vec::new();
    }
    match (shape::choices(before), shape::choices(after)) {
        (Some(old), Some(new)) => {
            let missing = |from: &[String], of: &[String]| -> Vec<String> {
                of.iter().filter(|one| !from.contains(one)).cloned().collect()
            };
            let (removed, added) = (missing(&new, &old), missing(&old, &new));
            let mut found = Vec::new();
            if !removed.is_empty() {
                found.push((rules::CHOICE_REMOVED, format!("{} can't be chosen any more", quoted(&removed))));
            }
            if !added.is_empty() {
                found.push((rules::CHOICE_ADDED, format!("{} can be chosen now", quoted(&added))));
            }
            found
        }
        (None, Some(new)) => {
            vec![(rules::CHOICES_CLOSED, format!("only {} can be chosen now", quoted(&new)))]
        }
        (Some(_), None) => vec![(rules::CHOICES_OPENED, "any text is taken now".into())],
        (None, None) => Vec::new(),
    }
}

fn structure(before: &[Shape], after: &[Shape], narrower: bool, wider: bool) -> (Rule, String) {
    let (any_before, any_after) = (shape::any_length(before), shape::any_length(after));
    let message = format!("it took {}, and takes {}", named(before), named(after));
    let same = shape::covers(&any_before, &any_after) && shape::covers(&any_after, &any_before);
    let rule = match (narrower, wider) {
        (true, _) if same => rules::LENGTH_NARROWED,
        (_, true) if same => rules::LENGTH_WIDENED,
        (true, true) => rules::TYPE_CHANGED,
        (true, false) => rules::TYPE_NARROWED,
        _ => rules::TYPE_WIDENED,
    };
    (rule, message)
}

fn named(shapes: &[Shape]) -> String {
    let one = |shape: &Shape| match shape {
        Shape::Any => "anything".to_owned(),
        Shape::Boolean => "true or false".into(),
        Shape::True => "true".into(),
        Shape::Integer { from_zero: true } => "an integer from 0".into(),
        Shape::Integer { .. } => "an integer".into(),
        Shape::Number => "a number".into(),
        Shape::Object => "an object".into(),
        Shape::Text(Some(choices)) => format!("one of {}", quoted(choices)),
        Shape::Text(None) => "text".into(),
        Shape::List { items, min, max } => {
            let length = match (min, max) {
                (0, None) => String::new(),
                (min, None) => format!(" of at least {min}"),
                (min, Some(max)) if min == max => format!(" of exactly {min}"),
                (min, Some(max)) => format!(" of {min} to {max}"),
            };
            format!("a list{length}, each {}", named(items))
        }
    };
    shapes.iter().map(one).collect::<Vec<_>>().join(" or ")
}

fn quoted(names: &[String]) -> String {
    let text = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    cut(text)
}

fn shown(value: &Value) -> String {
    cut(format!("`{value}`"))
}

fn cut(text: String) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
