//! `smcp inspect`: plugins, their commands and arguments, where each fact came from, and what is wrong.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::bail;

use crate::cli;
use crate::config::{self, Config, Environment};
use crate::inspect::{self, Asked, Beside};
use crate::plugin::{manifest, select};
use crate::registry::{Registry, Report, Served, Snapshot};
use crate::text;

pub(super) fn run(typed: &cli::Inspect, environment: Environment) -> anyhow::Result<ExitCode> {
    let config = Config::without_http(&typed.plugins, &cli::Limits::generous(), environment)?;
    crate::logging::start(&config, environment("RUST_LOG").as_deref().or(Some("warn")))?;
    let argv = typed.argv.as_deref().and_then(|words| Some((words.first()?, words.get(1)?)));
    let name = argv.map(|(tool, _)| tool).or(typed.schema.as_ref()).or(typed.target.as_ref());
    let bar = super::serve::Bar::new();
    let registry = match name {
        Some(name) => super::serve::small_runtime()?.block_on(Registry::load_for(&config, name, &bar)),
        None => super::serve::runtime()?.block_on(Registry::load(&config, &bar)),
    };
    drop(bar);
    let snapshot = registry.snapshot();
    if let Some((tool, arguments)) = argv {
        return super::call::dry_run(tool_of(&snapshot, tool)?, &super::call::object(arguments)?);
    }
    if let Some(tool) = &typed.schema {
        let schema = &tool_of(&snapshot, tool)?.tool.input_schema;
        super::print_json(schema)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(asked) = inspect::ask(&snapshot, typed.target.as_deref()) else {
        bail!("{}", unknown(typed.target.as_deref().unwrap_or_default(), &snapshot, &registry.report()));
    };
    if typed.target.is_none() {
        say_skipped(&config, &registry.report());
    }
    let colours = io::stdout().is_terminal() && config::may_colour(environment);
    show(&registry, &asked, typed.json, colours)?;
    Ok(ExitCode::SUCCESS)
}

fn show(registry: &Registry, asked: &[Asked], json: bool, colours: bool) -> anyhow::Result<()> {
    let report = registry.report();
    // What a manifest says in vain is shown with its plugin.
    for problem in report.problems.iter().filter(|problem| problem.code != manifest::UNMATCHED) {
        eprintln!("smcp: {}", text::line(&problem.message));
    }
    let inspected: Vec<_> =
        asked.iter().map(|asked| inspect::inspect(asked, &beside(registry, asked))).collect();
    if json {
        super::print_json(&inspected)?;
        return Ok(());
    }
    if inspected.is_empty() {
        return Ok(());
    }
    let text = inspect::paint(&inspected);
    let text = if colours { text } else { anstream::adapter::strip_str(&text).to_string() };
    super::print(&text)?;
    Ok(())
}

/// What the files beside a plugin's contract say. They may be gone, or worse than when it was loaded: then they say
/// nothing here, and the plugin's state has told the reason.
fn beside(registry: &Registry, asked: &Asked) -> Beside {
    let mut manifest = manifest::read(&asked.plugin.directory).unwrap_or_default();
    select::resolve_overrides(&mut manifest, &asked.plugin.root);
    Beside { pages: registry.pages(&asked.plugin.name).unwrap_or_default(), overrides: manifest.tools }
}

fn tool_of<'a>(snapshot: &'a Snapshot, name: &str) -> anyhow::Result<&'a Served> {
    snapshot.find(name).ok_or_else(|| super::call::no_such_tool(name, snapshot))
}

/// What of the plugins directory is not shown, and that there is nothing to show.
fn say_skipped(config: &Config, report: &Report) {
    for skipped in &report.skipped {
        eprintln!("smcp: skipped {}: {}", text::line(&skipped.name), text::line(&skipped.reason));
    }
    if report.found.is_empty() && report.problems.is_empty() {
        eprintln!("smcp: no plugins in {}", text::line(&config.plugins_dir.to_string_lossy()));
    }
}

fn unknown(target: &str, snapshot: &Snapshot, report: &Report) -> String {
    if let Some(reason) = report.skipped_for(target) {
        return format!("`{target}` is no plugin: {reason}");
    }
    let names: Vec<&str> = snapshot.plugins.iter().map(|p| p.name.as_str()).collect();
    match names.len() {
        0 => format!("no plugin, command or tool `{target}`: there are no plugins"),
        _ => format!("no plugin, command or tool `{target}`; the plugins are: {}", names.join(", ")),
    }
}
