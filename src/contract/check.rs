//! Whether a contract that was read from a file hangs together, so that no later stage meets an index or path that leads
//! nowhere. Types are checked by reading it; this is what types can't say.

use std::collections::HashSet;

use serde_json::Value;

use crate::model::{Command, Tool};

use super::Contract;

/// The deepest command tree that is taken from a file; real ones have four levels.
const MAX_DEPTH: usize = 32;

/// The first thing that is wrong.
pub(super) fn check(contract: &Contract) -> Result<(), String> {
    check_command(&contract.command, 0)?;
    let mut names = HashSet::new();
    if let Some(tool) = contract.tools.iter().find(|tool| !names.insert(&tool.name)) {
        return Err(format!("two of its tools have the name `{}`", tool.name));
    }
    contract.tools.iter().try_for_each(|tool| check_tool(tool, &contract.command))
}

fn check_command(command: &Command, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("its commands are nested deeper than {MAX_DEPTH}"));
    }
    let members = command.exclusive.iter().flat_map(|group| &group.members);
    if members.into_iter().any(|index| *index >= command.arguments.len()) {
        return Err(format!("an exclusive group of `{}` names an argument that is not there", command.name));
    }
    let positionals = command.arguments.iter().filter(|a| a.is_positional()).count();
    if command.subcommand_at > positionals {
        return Err(format!("`{}` has fewer positionals than stand before its subcommand", command.name));
    }
    command.subcommands.iter().try_for_each(|sub| check_command(sub, depth + 1))
}

fn check_tool(tool: &Tool, root: &Command) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if tool.name.is_empty() || tool.name.len() > 64 || !tool.name.chars().all(fits) {
        return Err(format!("`{}` can't be a tool's name", tool.name));
    }
    let Some(chain) = root.chain(&tool.path) else {
        return Err(format!("the path of the tool `{}` leads to no command", tool.name));
    };
    let bound = |depth: usize, index: usize| chain.get(depth).is_some_and(|c| index < c.arguments.len());
    if let Some(binding) = tool.bindings.iter().find(|b| !bound(b.depth, b.index)) {
        let (property, name) = (&binding.property, &tool.name);
        return Err(format!("the property `{property}` of the tool `{name}` stands for no argument"));
    }
    match tool.input_schema.get("type") {
        Some(Value::String(kind)) if kind == "object" => Ok(()),
        _ => Err(format!("the schema of the tool `{}` is not an object's", tool.name)),
    }
}
