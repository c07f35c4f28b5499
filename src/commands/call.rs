//! `smcp call`: one tool call from the command line, by the same way as a client's.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::argv::ArgvError;
use crate::call::{Caller, Input, Variables};
use crate::cli;
use crate::config::{Config, Environment};
use crate::outcome::{self, CallResult, Ended};
use crate::registry::{Plugin, Registry, Served, Snapshot};
use crate::text;

pub(super) fn run(typed: &cli::Call, environment: Environment) -> anyhow::Result<ExitCode> {
    let arguments = object(&typed.arguments)?;
    let config = Config::without_http(&typed.plugins, &typed.limits, environment)?;
    crate::logging::start(&config, environment("RUST_LOG").as_deref().or(Some("warn")))?;
    super::serve::small_runtime()?.block_on(async {
        let registry = Registry::load_for(&config, &typed.tool, &()).await;
        let snapshot = registry.snapshot();
        let served = snapshot.find(&typed.tool).ok_or_else(|| no_such_tool(&typed.tool, &snapshot))?;
        // Nothing is kept warm for a single call.
        let plugin = Arc::new(Plugin { warm: None, ..Plugin::clone(&served.plugin) });
        let served = Served { plugin, ..served.clone() };
        if typed.dry_run { dry_run(&served, &arguments) } else { call(&config, &served, &arguments).await }
    })
}

/// The arguments of a call as they are typed.
pub(super) fn object(arguments: &str) -> anyhow::Result<Map<String, Value>> {
    serde_json::from_str(arguments).context("the arguments are no JSON object")
}

pub(super) fn no_such_tool(name: &str, snapshot: &Snapshot) -> anyhow::Error {
    let names: Vec<&str> = snapshot.tools.iter().map(|s| s.tool.name.as_str()).collect();
    match names.len() {
        0 => anyhow!("no tool `{name}`: there is no plugin that could be served"),
        _ => anyhow!("no tool `{name}`; there are: {}", names.join(", ")),
    }
}

/// Prints the whole command line as one JSON array a line, so that no quoting is open to doubt.
pub(super) fn dry_run(served: &Served, arguments: &Map<String, Value>) -> anyhow::Result<ExitCode> {
    let words = served.argv(arguments).map_err(|errors| refused(&errors))?;
    let launch = served.plugin.launch.iter().map(|w| w.to_string_lossy().into_owned());
    let line: Vec<String> = launch.chain(words).collect();
    super::print(&text::json(&serde_json::to_string(&line)?))?;
    Ok(ExitCode::SUCCESS)
}

fn refused(errors: &[ArgvError]) -> anyhow::Error {
    let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
    anyhow!("{}", all.join("\n"))
}

async fn call(config: &Config, served: &Served, arguments: &Map<String, Value>) -> anyhow::Result<ExitCode> {
    let cancel = CancellationToken::new();
    let variables = Variables { set: Vec::new(), unset: config.discovery.secret_variables.clone() };
    let caller = Caller::new(config.limits.clone(), variables);
    let ctrl_c = cancel.clone();
    let watch = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            ctrl_c.cancel();
        }
    });
    let ended = caller.call(served, arguments, &Input::default(), &cancel, None).await;
    watch.abort();
    let result = match ended.map_err(|errors| refused(&errors))? {
        Ended::Result(result) => result,
        Ended::Asks(asks) => bail!(
            "`{}` asks back, which only an MCP client can answer: {}",
            served.tool.name,
            Value::Object(asks.requests)
        ),
    };
    if result.is_error {
        bail!("{}", shown(&result.content));
    }
    print(&result, io::stdout().is_terminal())?;
    Ok(ExitCode::SUCCESS)
}

/// Programs get the output as it is, a terminal only what it can't take for commands.
fn print(result: &CallResult, is_terminal: bool) -> io::Result<()> {
    if is_terminal {
        return super::print(&text::plain(&shown(&result.content)));
    }
    match raw(&result.content) {
        Some((bytes, marks)) => {
            // What is said of bytes can't stand among them.
            marks.iter().for_each(|mark| eprintln!("smcp: {}", text::plain(&shown_block(mark))));
            super::write(&bytes)
        }
        None => super::print(&shown(&result.content)),
    }
}

/// Output that is bytes alone, and the marks behind it; several blocks of a program's own are no such output.
fn raw(content: &[Value]) -> Option<(Vec<u8>, &[Value])> {
    let (first, marks) = content.split_first()?;
    Some((bytes(first)?, marks)).filter(|_| marks.iter().all(outcome::is_mark))
}

/// The bytes of output that is no text: those of an image, a sound or an embedded resource.
fn bytes(block: &Value) -> Option<Vec<u8>> {
    let data = block.get("data").or_else(|| block.get("resource")?.get("blob"))?;
    BASE64.decode(data.as_str()?).ok()
}

/// The text of a result; what isn't text is shown as the JSON that a client would get.
fn shown(content: &[Value]) -> String {
    content.iter().map(shown_block).collect::<Vec<_>>().join("\n")
}

fn shown_block(block: &Value) -> String {
    block["text"].as_str().map_or_else(|| block.to_string(), str::to_owned)
}
