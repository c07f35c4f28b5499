//! `smcp inspect`: plugins, their tools and arguments, and where each fact came from.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use serde_json::{Value, json};

use crate::cli;
use crate::config::{Config, Environment};
use crate::model::{Argument, Binding, Diagnostic, Severity, Tool};
use crate::registry::{Plugin, Registry, Snapshot, State};

pub(super) fn run(typed: &cli::Inspect, environment: Environment) -> anyhow::Result<ExitCode> {
    let config = Config::without_http(&typed.plugins, &cli::Limits::generous(), environment)?;
    crate::logging::start(&config, environment("RUST_LOG").as_deref().or(Some("warn")));
    let registry = super::serve::runtime()?.block_on(Registry::load(&config, &super::serve::Bar::new()));
    let snapshot = registry.snapshot();
    let shown = select(&snapshot, typed.target.as_deref())?;
    if typed.json {
        let all: Vec<Value> = shown.iter().map(as_json).collect();
        super::print(&serde_json::to_string_pretty(&all)?)?;
    } else {
        let all: Vec<String> = shown.iter().map(as_text).collect();
        super::print(&all.join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A plugin and those of its tools that are to be shown.
struct Shown<'a> {
    plugin: Arc<Plugin>,
    tools: Vec<&'a Tool>,
}

/// All plugins, or the one that `target` names, or one command of it (`PLUGIN.COMMAND`, or the tool's name).
fn select<'a>(snapshot: &'a Snapshot, target: Option<&str>) -> anyhow::Result<Vec<Shown<'a>>> {
    let of = |plugin: &Arc<Plugin>| {
        let own = snapshot.tools.iter().filter(|s| s.plugin.name == plugin.name).map(|s| s.tool.as_ref());
        Shown { plugin: Arc::clone(plugin), tools: own.collect() }
    };
    let Some(target) = target else { return Ok(snapshot.plugins.iter().map(of).collect()) };
    if let Some(plugin) = snapshot.plugins.iter().find(|p| p.name == target) {
        return Ok(vec![of(plugin)]);
    }
    if let Some(served) = snapshot.find(target) {
        return Ok(vec![Shown { plugin: Arc::clone(&served.plugin), tools: vec![&served.tool] }]);
    }
    let names: Vec<&str> = snapshot.plugins.iter().map(|p| p.name.as_str()).collect();
    bail!("no plugin or tool `{target}`; the plugins are: {}", names.join(", "))
}

fn as_json(shown: &Shown) -> Value {
    let plugin = &shown.plugin;
    let (state, reason) = state(plugin);
    let mut value = json!({
        "name": plugin.name,
        "state": state,
        "diagnostics": plugin.diagnostics,
        "tools": shown.tools,
        "command": plugin.root,
    });
    if let Some(reason) = reason {
        value["reason"] = reason.into();
    }
    value
}

fn state(plugin: &Plugin) -> (&'static str, Option<&str>) {
    match &plugin.state {
        State::Ready => ("ready", None),
        State::Stale(reason) => ("stale", Some(reason)),
        State::Failed(reason) => ("failed", Some(reason)),
    }
}

fn as_text(shown: &Shown) -> String {
    let plugin = &shown.plugin;
    let mut out = String::new();
    let (state, reason) = state(plugin);
    let _ =
        writeln!(out, "{} ({state}{})", plugin.name, reason.map(|r| format!(": {r}")).unwrap_or_default());
    for diagnostic in &plugin.diagnostics {
        diagnostic_line(&mut out, 1, diagnostic);
    }
    for tool in &shown.tools {
        tool_text(&mut out, plugin, tool);
    }
    out
}

fn tool_text(out: &mut String, plugin: &Plugin, tool: &Tool) {
    let _ = writeln!(out, "\n  {}", tool.name);
    for line in tool.description.lines() {
        let _ = writeln!(out, "    {line}");
    }
    if tool.confirm {
        let _ = writeln!(out, "    [the user is asked before each call]");
    }
    if tool.reload {
        let _ = writeln!(out, "    [plugins are looked at again after each call]");
    }
    let Some(chain) = plugin.root.chain(&tool.path) else { return };
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    for binding in &tool.bindings {
        let Some(argument) = chain.get(binding.depth).and_then(|c| c.arguments.get(binding.index)) else {
            continue;
        };
        let needed =
            required.is_some_and(|r| r.iter().any(|name| name == &Value::from(binding.property.as_str())));
        argument_text(out, binding, argument, &tool.input_schema["properties"][&binding.property], needed);
    }
    for diagnostic in chain.iter().flat_map(|c| &c.diagnostics) {
        diagnostic_line(out, 2, diagnostic);
    }
}

fn argument_text(out: &mut String, binding: &Binding, argument: &Argument, schema: &Value, required: bool) {
    let mut facts = vec![kind(schema)];
    if required {
        facts.push("required".into());
    }
    if let Some(default) = schema.get("default") {
        facts.push(format!("default {default}"));
    }
    let written = if argument.is_positional() { "positional".to_owned() } else { argument.flags.join(", ") };
    let _ = writeln!(out, "    {:<24} {} [{written}]", binding.property, facts.join(", "));
    if let Some(help) = &argument.help {
        for line in help.lines() {
            let _ = writeln!(out, "      {line}");
        }
    }
    let sources: Vec<String> = argument
        .provenance
        .iter()
        .map(|(fact, source)| format!("{}: {}", word(fact), word(source)))
        .collect();
    if !sources.is_empty() {
        let _ = writeln!(out, "      from {}", sources.join(", "));
    }
}

/// The serialised name of a fact or a source.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A property's type in one phrase.
fn kind(schema: &Value) -> String {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        let all: Vec<String> =
            choices.iter().map(|c| c.as_str().map_or_else(|| c.to_string(), str::to_owned)).collect();
        return format!("one of {}", all.join(", "));
    }
    if let Some(all) = schema.get("anyOf").and_then(Value::as_array) {
        return all.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match (schema.get("type").and_then(Value::as_str), schema.get("items"), schema.get("const")) {
        (Some("array"), Some(items), _) => format!("list of {}", kind(items)),
        (_, _, Some(constant)) => constant.to_string(),
        (Some(name), _, _) => name.to_owned(),
        _ => "any".to_owned(),
    }
}

fn diagnostic_line(out: &mut String, depth: usize, diagnostic: &Diagnostic) {
    let label = match diagnostic.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let about = diagnostic.argument.as_ref().map(|a| format!(" {a}:")).unwrap_or_default();
    let _ = writeln!(
        out,
        "{:width$}{label}[{}]{about} {}",
        "",
        diagnostic.code,
        diagnostic.message,
        width = depth * 2
    );
}
