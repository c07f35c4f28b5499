//! `smcp`, `smcp serve` and `smcp stdio`: load the plugins, say what is served, serve until told to stop.

use std::io::IsTerminal;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::call::{Caller, Variables};
use crate::cli;
use crate::config::{Config, ConfigError, Environment};
use crate::letta;
use crate::logging;
use crate::mcp;
use crate::process;
use crate::registry::{Progress, Registry, Summary};
use crate::text;
use crate::transport;

use super::heap;

pub(super) fn http(typed: &cli::Serve, environment: Environment) -> anyhow::Result<ExitCode> {
    let config = Config::serve(typed, environment)?;
    logging::start(&config, environment("RUST_LOG").as_deref())?;
    let address = SocketAddr::new(config.http.host, config.http.port);
    // Bound before plugins are read, so that a port in use is told at once.
    let listener =
        TcpListener::bind(address).with_context(|| format!("can't listen on {address} (--host, --port)"))?;
    run(config.drain, async |signals| {
        let Some((registry, variables)) = signals.or_leave(load(&config, &Bar::new())).await else {
            return Ok(());
        };
        say(&summary(&config, &registry.summary()));
        say(&addresses(listener.local_addr()?));
        let server = server(&config, registry, variables, signals);
        transport::serve(listener, &config.http, server).await?;
        Ok(())
    })
}

pub(super) fn stdio(typed: &cli::Stdio, environment: Environment) -> anyhow::Result<ExitCode> {
    let config = Config::stdio(typed, environment)?;
    start_logging(&config, environment)?;
    run(config.drain, async |signals| {
        let Some((registry, variables)) = signals.or_leave(load(&config, &())).await else {
            return Ok(());
        };
        log::info!("{}", summary(&config, &registry.summary()));
        let server = server(&config, registry, variables, signals);
        transport::stdio::serve(server, tokio::io::stdin(), tokio::io::stdout()).await?;
        Ok(())
    })
}

/// A client hands down its own environment: what is no filter of ours there must not keep its server from it.
fn start_logging(config: &Config, environment: Environment) -> Result<(), ConfigError> {
    let inherited = environment("RUST_LOG");
    let checked = inherited.as_deref().map_or(Ok(()), logging::check);
    let sound = inherited.as_deref().filter(|_| checked.is_ok());
    logging::start(config, sound.or(Some("warn,notify=error")))?;
    if let Err(error) = checked {
        log::warn!("{error}; it is left out");
    }
    Ok(())
}

/// Serves until it ends in good order, or at once where signals say so.
fn run(drain: Duration, serve: impl AsyncFnOnce(&Signals) -> anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        let signals = Signals::listen(drain);
        tokio::select! {
            served = serve(&signals) => served.map(|()| ExitCode::SUCCESS),
            () = signals.hurry.cancelled() => {
                log::warn!("ended at once by another signal; what still ran is killed");
                Ok(ExitCode::FAILURE)
            }
        }
    });
    // A read of standard input can't be taken back: don't wait for the thread that is in it. What plugins still run are
    // killed with the runtime or, as nobody waits for that, by the sentinel.
    runtime.shutdown_background();
    code
}

fn server(
    config: &Config,
    registry: Arc<Registry>,
    variables: Variables,
    signals: &Signals,
) -> Arc<mcp::Server> {
    if config.watch {
        tokio::spawn(registry.clone().watch(signals.stop.clone()));
    }
    tokio::spawn(heap::keep_small(registry.changes()));
    let caller = Caller::new(config.limits.clone(), variables);
    let plugins = mcp::Plugins { registry, caller };
    let (profiles, key) = (config.profiles.clone(), config.state_key.as_deref());
    let server = mcp::Server::replica(plugins, profiles, key, signals.stop.clone());
    let (leave, leaving) = (signals.leave.clone(), Arc::clone(&server));
    tokio::spawn(async move {
        leave.cancelled().await;
        leaving.leave();
    });
    server
}

/// The plugins, and the variables that they get; both take their time, so they are fetched at once.
async fn load(config: &Config, progress: &dyn Progress) -> (Arc<Registry>, Variables) {
    let (registry, set) = tokio::join!(Registry::load(config, progress), agent_secrets(config));
    for profile in config.profiles.iter().flat_map(|profiles| profiles.iter()) {
        let snapshot = registry.snapshot();
        for name in profile.named().filter(|name| snapshot.tool(name).is_none()) {
            log::warn!("profile `{}` names the tool `{name}`, which is not there", profile.name);
        }
    }
    (Arc::new(registry), Variables { set, unset: config.discovery.secret_variables.clone() })
}

/// The secrets of Letta's agents, where the configuration asks for them.
async fn agent_secrets(config: &Config) -> Vec<(String, String)> {
    let Some(settings) = &config.letta else { return Vec::new() };
    match letta::secrets(settings).await {
        Ok(secrets) => {
            let names: Vec<&str> = secrets.variables.iter().map(|(name, _)| name.as_str()).collect();
            log::info!("Letta: {} for plugins: {}", count(names.len(), "variable"), names.join(", "));
            secrets.left_out.iter().for_each(|what| log::warn!("Letta: left out: {what}"));
            secrets.variables
        }
        Err(error) => {
            log::warn!("Letta: plugins get no agent's secrets: {error}");
            Vec::new()
        }
    }
}

/// The runtime of every command that runs plugins. Should this process be killed, the sentinel ends its plugins.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    start(tokio::runtime::Builder::new_multi_thread())
}

/// The same for commands about one plugin, which more threads than one would only delay.
pub(super) fn small_runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    start(tokio::runtime::Builder::new_current_thread())
}

fn start(mut builder: tokio::runtime::Builder) -> anyhow::Result<tokio::runtime::Runtime> {
    process::allow_open_files();
    let sentinel =
        std::env::current_exe().and_then(|exe| process::post_sentinel(&[exe.into(), "sentinel".into()]));
    if let Err(error) = sentinel {
        log::warn!("plugin processes will outlive a killed server: {error}");
    }
    builder.enable_all().build().context("can't start the runtime")
}

/// SIGINT and SIGTERM: the first one says that the server is to leave, the next one that it stops, the one after that that
/// it ends at once. Of itself it stops some time after it was to leave.
struct Signals {
    leave: CancellationToken,
    stop: CancellationToken,
    hurry: CancellationToken,
}

impl Signals {
    /// Listens; between leaving and stopping are `drain`, so that whoever sends requests can find out and send them
    /// elsewhere.
    fn listen(drain: Duration) -> Signals {
        let stop = CancellationToken::new();
        let signals = Signals { leave: stop.child_token(), stop, hurry: CancellationToken::new() };
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let next = signals.stages(drain);
            match signal(kind) {
                Ok(mut heard) => drop(tokio::spawn(async move {
                    while heard.recv().await.is_some() {
                        next();
                    }
                })),
                Err(error) => log::warn!("signals are not heard: {error}"),
            }
        }
        signals
    }

    /// What each signal does.
    fn stages(&self, drain: Duration) -> impl Fn() + Send + 'static {
        let (leave, stop, hurry) = (self.leave.clone(), self.stop.clone(), self.hurry.clone());
        move || {
            if stop.is_cancelled() {
                hurry.cancel();
            } else if leave.is_cancelled() || drain.is_zero() {
                log::info!("stopping: calls are cancelled; another signal ends at once");
                stop.cancel();
            } else {
                log::info!("stopping in {} s; nothing new should come any more", drain.as_secs());
                leave.cancel();
                let stop = stop.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(drain).await;
                    stop.cancel();
                });
            }
        }
    }

    /// What `work` gives; `None` where the first signal comes before: nobody is served yet.
    async fn or_leave<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.leave.cancelled() => None,
        }
    }
}

/// Tells whoever looks at standard output, and the log file. One that takes nothing is no reason not to serve.
fn say(text: &str) {
    log::debug!("{text}");
    if let Err(error) = super::print(text) {
        log::warn!("standard output takes nothing: {error}");
    }
}

/// How many plugins and tools, what is wrong with which plugin, and what was passed over.
fn summary(config: &Config, summary: &Summary) -> String {
    let mut lines = vec![format!(
        "{} from {}: {} ({} read anew)",
        count(summary.plugins, "plugin"),
        config.plugins_dir.display(),
        count(summary.tools, "tool"),
        summary.discovered
    )];
    let mut say = |what: &str, name: &str, reason: &str| {
        lines.push(format!("  {what:<8} {}: {}", text::line(name), text::line(reason)));
    };
    summary.failed.iter().for_each(|(name, reason)| say("failed", name, reason));
    summary.stale.iter().for_each(|(name, reason)| say("stale", name, reason));
    summary.skipped.iter().for_each(|s| say("skipped", &s.name, &s.reason));
    summary.problems.iter().for_each(|d| say("warning", &d.code, &d.message));
    if let Some(profiles) = &config.profiles {
        let names: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
        let first = &profiles.first().name;
        lines.push(format!("profiles {}; clients begin with {first}", names.join(", ")));
    }
    lines.join("\n")
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Where clients find the server.
fn addresses(address: SocketAddr) -> String {
    let host = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let url = format!("http://{host}:{}", address.port());
    format!(
        "listening on {address}\n  page            {url}/\n  streamable HTTP {url}/mcp\n  SSE             {url}/sse\n  JSON-RPC        {url}/messages/"
    )
}

/// A progress bar on standard error, where that is a terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Bar {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("reading help {bar:30} {pos}/{len} {msg}");
        Bar(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }
}

impl Progress for Bar {
    fn found(&self, plugins: usize) {
        self.0.set_length(plugins as u64);
    }

    fn done(&self, plugin: &str) {
        self.0.set_message(text::line(plugin));
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
