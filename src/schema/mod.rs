//! What MCP serves: a [`Command`] tree → one [`Tool`] for each leaf, with its name, description and input schema.
//!
//! Pure. It doesn't know where commands come from, nor how a call becomes a command line; the two meet only in the
//! [`Binding`]s, which say what argument a property stands for.

mod bindings;
mod describe;
mod names;
mod property;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::model::{Argument, Arity, Binding, Command, Diagnostic, Severity, Tool, ToolOverride};

pub use names::separate;

/// What all tools of a plugin may have together, in bytes: a tool has the arguments of the commands above it too, so help
/// of some size could make tools of its square. The largest real plugins have a tenth of it.
const MAX_BYTES: usize = 16 << 20;

/// What a value counts beside its text.
const VALUE_BYTES: usize = 16;

/// The tools of one plugin, with what its author should know about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tools {
    /// One for each leaf that is served, in the order of the tree.
    pub tools: Vec<Tool>,
    /// Names shortened, arguments that no tool can offer, …
    pub diagnostics: Vec<Diagnostic>,
}

/// Makes the tools of a plugin: one for each leaf that is neither hidden nor below a hidden command. `overrides` come
/// from its manifest, keyed by the command path joined with blanks.
pub fn tools(plugin: &str, root: &Command, overrides: &BTreeMap<String, ToolOverride>) -> Tools {
    let mut builder = Builder { plugin, overrides, out: Tools::default(), bytes: 0 };
    builder.visit(&mut vec![root]);
    let mut out = builder.out;
    names::settle(plugin, &mut out);
    out
}

/// Whether argparse insists on an argument. A positional that may be empty is never missed.
fn is_required(argument: &Argument) -> bool {
    // One that takes any number may still insist on one: where no value is no choice.
    let may_be_empty = argument.arity.may_be_empty() && argument.arity != Arity::ZeroOrMore;
    argument.required && !(argument.is_positional() && may_be_empty)
}

struct Builder<'a> {
    plugin: &'a str,
    overrides: &'a BTreeMap<String, ToolOverride>,
    out: Tools,
    /// Of all tools so far.
    bytes: usize,
}

impl<'a> Builder<'a> {
    fn visit(&mut self, chain: &mut Vec<&'a Command>) {
        let Some(&command) = chain.last() else { return };
        if command.is_leaf() {
            self.add(chain);
        }
        for sub in command.subcommands.iter().filter(|c| !c.hidden) {
            if self.bytes > MAX_BYTES {
                return;
            }
            chain.push(sub);
            self.visit(chain);
            chain.pop();
        }
    }

    fn add(&mut self, chain: &[&Command]) {
        let path: Vec<String> = chain.iter().skip(1).map(|c| c.name.clone()).collect();
        let given = self.overrides.get(&path.join(" ")).cloned().unwrap_or_default();
        let bindings = bindings::bind(self.plugin, chain, &mut self.out.diagnostics);
        let groups = describe::Groups::new(chain, &bindings);
        let description = describe::tool(self.plugin, chain, &groups, given.description.as_deref());
        let input_schema = input_schema(chain, &bindings, &groups);
        self.bytes += description.len() + input_schema.values().map(bytes).sum::<usize>();
        if self.bytes > MAX_BYTES {
            let message = format!(
                "the tools have more than {} MiB together; `{}` and what follows it are not served",
                MAX_BYTES >> 20,
                path.join(" ")
            );
            self.out.diagnostics.push(Diagnostic::new(Severity::Warning, "too-many-tools", message));
            return;
        }
        let name = self.name(&path, given.name);
        self.out.tools.push(Tool {
            name,
            description,
            title: given.title,
            input_schema,
            annotations: given.annotations,
            confirm: given.confirm,
            reload: given.reload,
            path,
            bindings,
        });
    }

    fn name(&mut self, path: &[String], given: Option<String>) -> String {
        if let Some(name) = given {
            if names::is_valid(&name) {
                return name;
            }
            let message = format!(
                "the manifest's tool name `{name}` must match ^[A-Za-z0-9_-]{{1,64}}$; it is not used"
            );
            self.out.diagnostics.push(Diagnostic::new(Severity::Warning, "bad-tool-name", message));
        }
        names::derive(self.plugin, path, &mut self.out.diagnostics)
    }
}

/// The schema of a tool's arguments: a flat object, with nothing but plain properties at its root, since clients
/// drop tools whose root has combinators.
fn input_schema(
    chain: &[&Command],
    bindings: &[Binding],
    groups: &describe::Groups<'_>,
) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".into(), json!("object"));
    if !bindings.is_empty() {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for binding in bindings {
            let argument = &chain[binding.depth].arguments[binding.index];
            let notes = describe::notes(chain, groups, binding);
            properties.insert(binding.property.clone(), property::schema(argument, &notes));
            if is_required(argument) {
                required.push(binding.property.clone());
            }
        }
        schema.insert("properties".into(), Value::Object(properties));
        if !required.is_empty() {
            schema.insert("required".into(), json!(required));
        }
    }
    schema.insert("additionalProperties".into(), json!(false));
    schema
}

/// About how many bytes a value has.
fn bytes(value: &Value) -> usize {
    VALUE_BYTES
        + match value {
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(bytes).sum(),
            Value::Object(map) => map.iter().map(|(key, value)| key.len() + bytes(value)).sum(),
            _ => 0,
        }
}

#[cfg(test)]
mod tests;
