//! A `--describe` contract: what a plugin says of itself in JSON, for programs that have such an option.
//!
//! It is run only where a manifest or the configuration asks for it, since an unknown option may do anything. A
//! contract that breaks the format changes nothing: each fault is named by its field, and what help says stays. A valid
//! one adds descriptions, types, required and defaults; what argparse itself enforces (live facts) beats it.

use std::ffi::OsStr;

use serde::Deserialize;
use serde_json::Value;

use crate::model::{Action, Argument, Arity, Command, Diagnostic, Fact, Severity, Source, ValueType};
use crate::process::End;

use super::capture::{self, CaptureError, Capturer, Program};

/// Faults of one contract that are reported; the rest would say no more.
const MAX_FAULTS: usize = 20;

/// A valid contract.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Contract {
    #[serde(default)]
    plugin: Plugin,
    commands: Vec<CommandSpec>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
struct Plugin {
    description: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct CommandSpec {
    name: String,
    description: Option<String>,
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Parameter {
    name: String,
    #[serde(rename = "type")]
    kind: Option<Kind>,
    description: Option<String>,
    required: Option<bool>,
    default: Option<Value>,
    items: Option<Items>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Items {
    #[serde(rename = "type")]
    kind: Option<Kind>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    String,
    Number,
    Integer,
    Boolean,
    Array,
    Object,
}

/// The words of the types, for messages.
const KINDS: &str = "string, number, integer, boolean, array, object";

/// Asks the program and merges what it answers into its tree. Never fails: what went wrong is a diagnostic.
pub async fn apply(
    capturer: &Capturer,
    program: &Program,
    plugin: &str,
    root: &mut Command,
) -> Vec<Diagnostic> {
    match ask(capturer, program).await {
        Ok(contract) => merge(contract, plugin, root),
        Err(faults) => faults,
    }
}

async fn ask(capturer: &Capturer, program: &Program) -> Result<Contract, Vec<Diagnostic>> {
    let fault = |message: String| vec![Diagnostic::new(Severity::Warning, "describe-unusable", message)];
    let finished = capturer.run(program, &[OsStr::new("--describe")], None).await;
    let finished = finished.map_err(|error: CaptureError| fault(format!("`--describe`: {error}")))?;
    if finished.end != End::Exit(0) {
        let (how, tail) = (capture::how(finished.end), capture::tail(&finished.stderr));
        return Err(fault(format!("`--describe` failed ({how}){tail}")));
    }
    read(&finished.stdout.head)
}

/// Reads and checks what `--describe` printed.
fn read(json: &[u8]) -> Result<Contract, Vec<Diagnostic>> {
    let fault = |message: String| Diagnostic::new(Severity::Warning, "describe-invalid", message);
    let value: Value = serde_json::from_slice(json)
        .map_err(|error| vec![fault(format!("`--describe` printed no JSON: {error}"))])?;
    let mut faults = Vec::new();
    check_contract(&value, &mut |field, reason| {
        faults.push(fault(format!("`--describe`: {field}: {reason}")));
    });
    faults.truncate(MAX_FAULTS);
    if !faults.is_empty() {
        return Err(faults);
    }
    serde_json::from_value(value).map_err(|error| vec![fault(format!("`--describe`: {error}"))])
}

type Report<'a> = &'a mut dyn FnMut(&str, String);

fn check_contract(value: &Value, report: Report) {
    let Some(contract) = value.as_object() else {
        return report("the contract", expected("an object", value));
    };
    if let Some(version) = contract.get("contract_version")
        && !(version.is_string() || version.is_number())
    {
        report("contract_version", expected("a string or number", version));
    }
    if let Some(plugin) = contract.get("plugin") {
        if plugin.is_object() {
            for key in ["name", "version", "description"] {
                optional(plugin, "plugin", key, "a string", Value::is_string, report);
            }
        } else {
            report("plugin", expected("an object", plugin));
        }
    }
    match contract.get("commands") {
        None => report("commands", "is missing".into()),
        Some(Value::Array(commands)) => {
            for (index, command) in commands.iter().enumerate() {
                check_command(command, &format!("commands[{index}]"), report);
            }
        }
        Some(other) => report("commands", expected("an array", other)),
    }
}

fn check_command(command: &Value, field: &str, report: Report) {
    if !check_named(command, field, report) {
        return;
    }
    optional(command, field, "description", "a string", Value::is_string, report);
    match command.get("parameters") {
        None => {}
        Some(Value::Array(parameters)) => {
            for (index, parameter) in parameters.iter().enumerate() {
                check_parameter(parameter, &format!("{field}.parameters[{index}]"), report);
            }
        }
        Some(other) => report(&format!("{field}.parameters"), expected("an array", other)),
    }
}

fn check_parameter(parameter: &Value, field: &str, report: Report) {
    if !check_named(parameter, field, report) {
        return;
    }
    optional(parameter, field, "description", "a string", Value::is_string, report);
    optional(parameter, field, "required", "true or false", Value::is_boolean, report);
    optional(parameter, field, "items", "an object", Value::is_object, report);
    check_kind(parameter, field, report);
    if let Some(items) = parameter.get("items") {
        check_kind(items, &format!("{field}.items"), report);
    }
}

/// Whether it is an object; its `name` is checked as well.
fn check_named(value: &Value, field: &str, report: Report) -> bool {
    if !value.is_object() {
        report(field, expected("an object", value));
        return false;
    }
    match value.get("name") {
        None => report(&format!("{field}.name"), "is missing".into()),
        Some(Value::String(name)) if !name.trim().is_empty() => {}
        Some(other) => report(&format!("{field}.name"), expected("a string with something in it", other)),
    }
    true
}

fn check_kind(value: &Value, field: &str, report: Report) {
    if let Some(kind) = value.get("type")
        && Kind::deserialize(kind).is_err()
    {
        report(&format!("{field}.type"), expected(&format!("one of {KINDS}"), kind));
    }
}

fn optional(value: &Value, field: &str, key: &str, what: &str, fits: fn(&Value) -> bool, report: Report) {
    if let Some(found) = value.get(key).filter(|found| !found.is_null() && !fits(found)) {
        report(&format!("{field}.{key}"), expected(what, found));
    }
}

fn expected(what: &str, found: &Value) -> String {
    const SHOWN: usize = 60;
    let found = found.to_string();
    let cut: String = found.chars().take(SHOWN).collect();
    format!("must be {what}, is {cut}{}", if cut.len() < found.len() { "…" } else { "" })
}

/// Joins a contract with the tree that help gave.
fn merge(contract: Contract, plugin: &str, root: &mut Command) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    if root.description.is_none() {
        root.description = contract.plugin.description;
    }
    for spec in contract.commands {
        let Some(path) = find(root, plugin, &spec.name) else {
            let message = format!("`--describe` names the command `{}`, which help does not show", spec.name);
            diagnostics.push(Diagnostic::new(Severity::Warning, "describe-unmatched", message));
            continue;
        };
        if let Some(command) = follow_mut(root, &path)
            && spec.description.is_some()
        {
            command.description = spec.description;
        }
        for parameter in spec.parameters {
            merge_parameter(root, &path, parameter, &spec.name, &mut diagnostics);
        }
    }
    diagnostics
}

/// The path of the command that a contract names: its words joined by a blank, `.`, `/` or `__`, `-` and `_` being the
/// same; the plugin's name is a program without subcommands.
fn find(root: &Command, plugin: &str, name: &str) -> Option<Vec<String>> {
    let wanted = same(&name.replace("__", " ").replace(['.', '/'], " "));
    let mut found = None;
    root.walk(&mut |path, command| {
        let at_root = path.is_empty() && root.subcommands.is_empty() && wanted == same(plugin);
        let (last, above) = path.split_last().map_or((None, path), |(last, above)| (Some(*last), above));
        let spellings = last.into_iter().chain(command.aliases.iter().map(String::as_str));
        let mut written = spellings.map(|word| [above, &[word]].concat().join(" "));
        if found.is_none() && (at_root || written.any(|w| same(&w) == wanted)) {
            found = Some(path.iter().map(|w| (*w).to_owned()).collect());
        }
    });
    found
}

fn same(name: &str) -> String {
    name.trim().to_lowercase().replace('-', "_")
}

fn follow_mut<'a>(root: &'a mut Command, path: &[String]) -> Option<&'a mut Command> {
    path.iter().try_fold(root, |command, word| command.subcommands.iter_mut().find(|c| c.name == *word))
}

/// Puts a parameter on the argument that it means: the command's own, else one of a command above.
fn merge_parameter(
    root: &mut Command,
    path: &[String],
    parameter: Parameter,
    command: &str,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let depths = (0..=path.len()).rev();
    let owner = depths.map(|depth| &path[..depth]).find(|path| {
        let chain = root.chain(path);
        chain.is_some_and(|chain| chain[path.len()].arguments.iter().any(|a| is_meant(a, &parameter.name)))
    });
    let argument = owner
        .and_then(|path| follow_mut(root, path))
        .and_then(|c| c.arguments.iter_mut().find(|a| is_meant(a, &parameter.name)));
    if let Some(argument) = argument {
        refine(argument, parameter);
    } else {
        let message = format!("`--describe` gives `{command}` a parameter that help does not show");
        let diagnostic = Diagnostic::new(Severity::Warning, "describe-unmatched", message);
        diagnostics.push(diagnostic.about(parameter.name));
    }
}

fn is_meant(argument: &Argument, name: &str) -> bool {
    let wanted = same(name.trim_start_matches('-'));
    let flags = argument.flags.iter().map(|flag| flag.trim_start_matches(|c: char| !c.is_alphanumeric()));
    let names = argument.metavar.iter().filter(|_| argument.is_positional()).chain(&argument.dest);
    argument.is_served() && flags.chain(names.map(String::as_str)).any(|n| same(n) == wanted)
}

fn refine(argument: &mut Argument, parameter: Parameter) {
    if let Some(description) = parameter.description.filter(|d| !d.trim().is_empty()) {
        argument.help = Some(description);
        argument.provenance.insert(Fact::Help, Source::Describe);
    }
    let live = |argument: &Argument, fact| argument.provenance.get(&fact) == Some(&Source::Live);
    if let Some(required) = parameter.required
        && !live(argument, Fact::Required)
    {
        argument.required = required;
        argument.provenance.insert(Fact::Required, Source::Describe);
    }
    if let Some(default) = parameter.default
        && argument.default.is_none()
        && !live(argument, Fact::Default)
    {
        argument.default = Some(default);
        argument.provenance.insert(Fact::Default, Source::Describe);
    }
    if let Some(kind) = parameter.kind
        && takes_values(argument)
    {
        let items = parameter.items.and_then(|items| items.kind);
        refine_type(argument, kind, items, live(argument, Fact::Type), live(argument, Fact::Action));
    }
}

fn takes_values(argument: &Argument) -> bool {
    argument.arity != Arity::Zero
        && matches!(argument.action, Action::Store | Action::Append | Action::Extend)
}

/// Lists of plain values are a repeated flag, other structures one JSON value.
fn refine_type(argument: &mut Argument, kind: Kind, items: Option<Kind>, live_type: bool, live_action: bool) {
    let element = if kind == Kind::Array { items.unwrap_or(Kind::String) } else { kind };
    let value_type = match element {
        Kind::Integer => ValueType::Integer,
        Kind::Number => ValueType::Number,
        Kind::Object | Kind::Array => ValueType::Json,
        Kind::String | Kind::Boolean => ValueType::String,
    };
    // The parser's own `int` is exact; its `str` may still hold JSON.
    if !live_type || (value_type == ValueType::Json && argument.value_type == ValueType::String) {
        argument.value_type = value_type;
        argument.provenance.insert(Fact::Type, Source::Describe);
    }
    let repeats = kind == Kind::Array
        && value_type != ValueType::Json
        && argument.arity == Arity::One
        && argument.action == Action::Store
        && !argument.is_positional();
    if repeats && !live_action {
        argument.action = Action::Append;
        argument.provenance.insert(Fact::Action, Source::Describe);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn faults_name_their_field() {
        let check = |value: Value, expected: &[&str]| {
            let messages: Vec<String> = match read(value.to_string().as_bytes()) {
                Ok(_) => Vec::new(),
                Err(faults) => faults.into_iter().map(|d| d.message).collect(),
            };
            let expected: Vec<String> = expected.iter().map(|e| format!("`--describe`: {e}")).collect();
            assert_eq!(messages, expected, "{value}");
        };
        check(json!({"commands": []}), &[]);
        check(
            json!({"commands": [{"name": "connect", "parameters": null}]}),
            &["commands[0].parameters: must be an array, is null"],
        );
        check(json!([]), &["the contract: must be an object, is []"]);
        check(
            json!({"contract_version": [], "plugin": {"name": 1}}),
            &[
                "contract_version: must be a string or number, is []",
                "plugin.name: must be a string, is 1",
                "commands: is missing",
            ],
        );
        check(
            json!({"commands": [{"name": "a", "parameters": [
                {"name": "x", "type": "int", "required": "yes"},
                {"type": "array", "items": {"type": "list"}},
            ]}]}),
            &[
                "commands[0].parameters[0].required: must be true or false, is \"yes\"",
                "commands[0].parameters[0].type: must be one of string, number, integer, boolean, array, object, is \"int\"",
                "commands[0].parameters[1].name: is missing",
                "commands[0].parameters[1].items.type: must be one of string, number, integer, boolean, array, object, is \"list\"",
            ],
        );
        let many: Vec<Value> = (0..50).map(|_| json!({})).collect();
        assert_eq!(read(json!({"commands": many}).to_string().as_bytes()).unwrap_err().len(), MAX_FAULTS);
        assert!(read(b"oops").unwrap_err()[0].message.starts_with("`--describe` printed no JSON: "));
    }

    fn option(flag: &str) -> Argument {
        Argument { flags: vec![flag.into()], ..Argument::default() }
    }

    #[test]
    fn a_contract_refines_the_tree() {
        let mut live = option("--exact");
        live.value_type = ValueType::Integer;
        for fact in [Fact::Type, Fact::Required, Fact::Default] {
            live.provenance.insert(fact, Source::Live);
        }
        let flag = Argument { action: Action::Flag, arity: Arity::Zero, ..option("--dry-run") };
        let connect = Command {
            name: "connect".into(),
            arguments: vec![option("--tag-list"), option("--shape"), flag, live],
            ..Command::default()
        };
        let mut root =
            Command { subcommands: vec![connect], arguments: vec![option("--token")], ..Command::default() };
        let contract = json!({"plugin": {"description": "All."}, "commands": [
            {"name": "connect", "description": "Connects.", "parameters": [
                {"name": "tag_list", "type": "array", "items": {"type": "integer"}, "description": "Tags"},
                {"name": "shape", "type": "object", "required": true, "default": {"a": 1}},
                {"name": "dry_run", "type": "boolean"},
                {"name": "exact", "type": "string", "required": true, "default": 1},
                {"name": "token", "description": "Secret"},
                {"name": "ghost"},
            ]},
            {"name": "nope"},
        ]});
        let contract = read(contract.to_string().as_bytes()).unwrap();
        let diagnostics = merge(contract, "p", &mut root);
        let messages: Vec<&str> = diagnostics.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "`--describe` gives `connect` a parameter that help does not show",
                "`--describe` names the command `nope`, which help does not show",
            ]
        );
        assert_eq!(diagnostics[0].argument.as_deref(), Some("ghost"));
        let connect = &root.subcommands[0];
        assert_eq!(
            (root.description.as_deref(), connect.description.as_deref()),
            (Some("All."), Some("Connects."))
        );
        let [tags, shape, flag, exact] = &connect.arguments[..] else { panic!("four arguments") };
        assert_eq!((tags.action, tags.value_type), (Action::Append, ValueType::Integer));
        assert_eq!(tags.help.as_deref(), Some("Tags"));
        assert_eq!(tags.provenance[&Fact::Help], Source::Describe);
        assert_eq!((shape.value_type, shape.required), (ValueType::Json, true));
        assert_eq!(shape.default, Some(json!({"a": 1})));
        assert_eq!((flag.action, flag.value_type), (Action::Flag, ValueType::String));
        assert_eq!((exact.value_type, exact.required, &exact.default), (ValueType::Integer, false, &None));
        assert_eq!(root.arguments[0].help.as_deref(), Some("Secret"));
    }

    #[test]
    fn commands_are_found_by_any_spelling() {
        let up = Command { name: "roll-up".into(), aliases: vec!["ru".into()], ..Command::default() };
        let db = Command { name: "db".into(), subcommands: vec![up], ..Command::default() };
        let root = Command { subcommands: vec![db], ..Command::default() };
        for name in ["db roll-up", "db.roll_up", "db__roll-up", "db/roll_up", "DB Roll_Up", "db ru"] {
            assert_eq!(
                find(&root, "p", name).as_deref(),
                Some(&["db".to_owned(), "roll-up".to_owned()][..]),
                "{name}"
            );
        }
        assert_eq!(find(&root, "p", "p"), None);
        assert_eq!(find(&Command::default(), "my-p", "my_p"), Some(vec![]));
    }
}
