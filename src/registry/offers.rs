//! What manifests offer besides tools, held against what is there → a warning for each offer that can't work.
//!
//! Made anew at each load: files come and go without any program being asked. Looks at the files that manifests name, and
//! reads those that are prompts.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::Value;

use crate::model::{Diagnostic, Severity, Tool};
use crate::plugin::offers::{self, Body, Prompt, TemplateResource};
use crate::plugin::uri_template::UriTemplate;
use crate::plugin::{MANIFEST, manifest, uri};

use super::find;
use super::load::Loaded;

/// What only one can have, by its key and the form in which it is compared: whose it is, and how that one writes it.
type Claims = HashMap<(&'static str, String), (String, String)>;

/// Warns of offers that can't work. Plugins come in the order of names: of two that claim one URI the first has it.
pub(super) fn compare<'a>(all: impl Iterator<Item = &'a mut Loaded>) {
    let mut claims = Claims::new();
    for loaded in all {
        let mut comparison = Comparison { loaded, claims: &mut claims, found: Vec::new() };
        comparison.all();
        let found = comparison.found;
        loaded.plugin.diagnostics.extend(found);
    }
}

struct Comparison<'a> {
    loaded: &'a Loaded,
    claims: &'a mut Claims,
    found: Vec<Diagnostic>,
}

impl<'a> Comparison<'a> {
    fn all(&mut self) {
        let Loaded { plugin, tools, .. } = self.loaded;
        for file in &plugin.offers.resources {
            if let Err(error) = offers::check(&plugin.directory, &file.file) {
                self.warn("resources.file", &format!("{error}; put it there, or take the entry out"));
            }
            self.claim("resources.uri", &file.uri(&plugin.name));
        }
        if !tools.is_empty() {
            self.claim("resources.uri", &uri::of_contract(&plugin.name));
        }
        plugin.offers.templates.iter().for_each(|template| self.template(template));
        plugin.offers.prompts.iter().for_each(|prompt| self.prompt(prompt));
    }

    fn warn(&mut self, key: &str, message: &str) {
        let message = format!("{MANIFEST}: `{key}`: {message}");
        self.found.push(Diagnostic::new(Severity::Warning, manifest::UNMATCHED, message));
    }

    /// Of a URI that is served.
    fn claim(&mut self, key: &'static str, uri: &str) {
        self.claim_as(key, uri::normalized(uri), uri);
    }

    fn claim_as(&mut self, key: &'static str, compared: String, written: &str) {
        let own = &self.loaded.plugin.name;
        match self.claims.entry((key, compared)) {
            Entry::Vacant(free) => drop(free.insert((own.clone(), written.to_owned()))),
            Entry::Occupied(taken) => {
                let (owner, theirs) = taken.get();
                let message = format!("`{theirs}` of `{owner}` hides this one; change one");
                self.warn(key, &message);
            }
        }
    }

    fn template(&mut self, template: &TemplateResource) {
        let key = "resource_templates.uri_template";
        // What is none was an error of the manifest.
        let Ok(parsed) = UriTemplate::parse(&template.uri_template) else { return };
        if let Some(tool) = self.tool("resource_templates.command", &template.command) {
            self.claim(key, &template.uri_template);
            self.arguments(key, tool, &parsed.variables().iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    fn prompt(&mut self, prompt: &Prompt) {
        let given: Vec<&str> = prompt.arguments.iter().map(|argument| argument.name.as_str()).collect();
        if let Some(file) = &prompt.file {
            self.claim_as("prompts.name", prompt.name.clone(), &prompt.name);
            self.placeholders(file, &given);
        }
        if let Some(words) = &prompt.command
            && let Some(tool) = self.tool("prompts.command", words)
        {
            self.claim_as("prompts.name", prompt.name.clone(), &prompt.name);
            // A command's arguments are those of its tool where none are named.
            if !given.is_empty() {
                self.arguments("prompts.arguments", tool, &given);
            }
        }
    }

    fn tool(&mut self, key: &str, words: &str) -> Option<&'a Tool> {
        let found = self.loaded.tools.iter().find(|tool| find::is_of_command(tool, words));
        if found.is_none() {
            let message = format!("no command `{words}` is served; name one that `smcp inspect` shows");
            self.warn(key, &message);
        }
        found
    }

    /// Each name must be an argument, and each argument that must be given must be among the names.
    fn arguments(&mut self, key: &str, tool: &Tool, given: &[&str]) {
        let properties = tool.input_schema.get("properties").and_then(Value::as_object);
        let is_there = |name: &str| properties.is_some_and(|all| all.contains_key(name));
        for name in given.iter().filter(|name| !is_there(name)) {
            let has: Vec<String> = properties.into_iter().flatten().map(|(n, _)| format!("`{n}`")).collect();
            let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
            self.warn(key, &format!("`{}` has no argument `{name}`; it has {has}", tool.name));
        }
        let required = tool.input_schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str).filter(|name| !given.contains(name)) {
            self.warn(key, &format!("`{}` must be given its argument `{name}`; add it", tool.name));
        }
    }

    /// The file of a prompt must be a text that asks for nothing but arguments.
    fn placeholders(&mut self, file: &str, given: &[&str]) {
        let key = "prompts.file";
        let text = match offers::read(&self.loaded.plugin.directory, file) {
            Ok(Body::Text(text)) => text,
            Ok(Body::Bytes(_)) => return self.warn(key, &format!("`{file}` is no text (UTF-8)")),
            Err(error) => {
                return self.warn(key, &format!("{error}; put it there, or take the entry out"));
            }
        };
        let mut unknown: Vec<String> = Vec::new();
        offers::filled(&text, |name| {
            if !given.contains(&name) && !unknown.iter().any(|other| other == name) {
                unknown.push(name.to_owned());
            }
            None
        });
        for name in unknown {
            let message =
                format!("`{file}` has `{{{{{name}}}}}`, which is no argument; add it to `arguments`");
            self.warn(key, &message);
        }
    }
}
