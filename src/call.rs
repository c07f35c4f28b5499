//! A tool call from arguments to result: argv, a place in the queue, the process, its outcome.
//!
//! Shared by all sessions. It bounds how many processes run (over all plugins, and for a plugin that asks for it) and
//! how many calls wait; it must not know JSON-RPC, sessions or transports.

mod recent;
mod series;

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::argv::{self, ArgvError};
use crate::config::Limits;
use crate::metrics::Scrape;
use crate::outcome::{self, CallResult, Ended};
use crate::process::{self, Spec};
use crate::registry::{Plugin, Served};

pub use recent::{KEPT, Record};

use recent::Recent;

/// Bytes of standard error that are kept at most: it is shown in errors only, where its end is what matters.
const ERROR_CAP: usize = 64 * 1024;

/// What of the server's environment is different for plugins.
#[derive(Clone, Default)]
pub struct Variables {
    /// Variables to set; those of a plugin's manifest beat them.
    pub set: Vec<(String, String)>,
    /// Variables to leave out: the server's own secrets. They beat those to set.
    pub unset: Vec<String>,
}

impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.set.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Variables").field("set", &names).field("unset", &self.unset).finish()
    }
}

/// Runs calls within the server's bounds; shared by all sessions.
#[derive(Debug)]
pub struct Caller {
    limits: Limits,
    variables: Variables,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    calls: AtomicU64,
    errors: AtomicU64,
    running: Arc<AtomicU64>,
    recent: Recent,
}

/// The variable with the answers to what a program asked: a JSON object, key → response.
pub const INPUT_RESPONSES: &str = "SMCP_INPUT_RESPONSES";
/// The variable with the state that a program left with its questions: text as it is, anything else as JSON.
pub const REQUEST_STATE: &str = "SMCP_REQUEST_STATE";
/// The variable with what the client can be asked: a JSON object like MCP's `ClientCapabilities`.
pub const CLIENT_CAPABILITIES: &str = "SMCP_CLIENT_CAPABILITIES";

/// The variable with the trace that a call belongs to, in the form of W3C's `traceparent`.
pub const TRACEPARENT: &str = "TRACEPARENT";
/// The variable with what tracing systems add to it, in the form of W3C's `tracestate`.
pub const TRACESTATE: &str = "TRACESTATE";
/// The variable with what a user's systems pass along, in the form of W3C's `baggage`.
pub const BAGGAGE: &str = "BAGGAGE";

/// What a call is part of, beyond this server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The trace: a valid `traceparent`.
    pub parent: Option<String>,
    /// What tracing systems add to it: a valid `tracestate`.
    pub state: Option<String>,
    /// What is passed along: a valid `baggage`.
    pub baggage: Option<String>,
}

/// What a program is told beyond its arguments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// The answers to its questions.
    pub responses: Option<Map<String, Value>>,
    /// The state that it left with them.
    pub state: Option<Value>,
    /// What the client can be asked; `None` where there is no client.
    pub capabilities: Option<Value>,
    /// What the call is part of.
    pub trace: Trace,
}

impl Input {
    fn variables(&self) -> Vec<(&'static str, String)> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let responses =
            self.responses.as_ref().map(|r| (INPUT_RESPONSES, Value::Object(r.clone()).to_string()));
        let state = self.state.as_ref().map(|state| (REQUEST_STATE, text(state)));
        let capabilities = self.capabilities.as_ref().map(|c| (CLIENT_CAPABILITIES, c.to_string()));
        let Trace { parent, state: trace_state, baggage } = &self.trace;
        let trace = [(TRACEPARENT, parent), (TRACESTATE, trace_state), (BAGGAGE, baggage)];
        let trace = trace.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        [responses, state, capabilities].into_iter().flatten().chain(trace).collect()
    }
}

/// Counts of calls since the start, for `health`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that were begun.
    pub calls: u64,
    /// Of these, those that ended as an error, were cancelled, or were given up by the client.
    pub errors: u64,
    /// Processes that run now.
    pub running: u64,
}

impl Caller {
    /// A caller with these bounds, for plugins with these variables.
    pub fn new(limits: Limits, mut variables: Variables) -> Arc<Caller> {
        variables.set.retain(|(name, _)| !variables.unset.contains(name));
        let places = Arc::new(Semaphore::new(limits.concurrency.clamp(1, Semaphore::MAX_PERMITS)));
        Arc::new(Caller {
            limits,
            variables,
            places,
            waiting: AtomicUsize::new(0),
            calls: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            running: Arc::default(),
            recent: Recent::default(),
        })
    }

    /// Runs one call to its end. Bad arguments are an error here, since revisions differ in how they say it; everything
    /// else, "busy" included, is a result or a question. `lines` gets standard error's lines as they come.
    ///
    /// Dropping the future cancels the call; its process keeps its place until it is gone.
    pub async fn call(
        &self,
        served: &Served,
        arguments: &Map<String, Value>,
        input: &Input,
        cancel: &CancellationToken,
        lines: Option<mpsc::Sender<String>>,
    ) -> Result<Ended, Vec<ArgvError>> {
        let started = Instant::now();
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut outcome = Outcome { errors: &self.errors, is_error: true };
        let note = self.recent.begin(&served.tool.name);
        let words = match served.argv(arguments) {
            Ok(words) => words,
            Err(errors) => {
                note.end("invalid_arguments");
                return Err(errors);
            }
        };
        let variables = input.variables();
        let ended = match too_large(&variables) {
            Some(refusal) => Ended::Result(refusal),
            None => match self.place(&served.plugin, cancel).await {
                Ok(place) => {
                    let spec = self.spec(&served.plugin, words, variables);
                    outcome::ended(&process::run_holding(&spec, cancel, lines, place).await)
                }
                Err(result) => Ended::Result(result),
            },
        };
        outcome.is_error = matches!(&ended, Ended::Result(result) if result.is_error);
        // Neither arguments nor results: those are the users' own.
        let how = match &ended {
            Ended::Result(result) if result.is_error => "error",
            Ended::Result(_) => "ok",
            Ended::Asks(_) => "it asks back",
        };
        note.end(match &ended {
            Ended::Result(result) => result.error_code().unwrap_or(how),
            Ended::Asks(_) => "asks",
        });
        tell(&served.tool.name, how, started.elapsed(), input.trace.parent.as_deref());
        Ok(ended)
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        Counts {
            calls: self.calls.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            running: self.running.load(Ordering::Relaxed),
        }
    }

    /// Tells what is counted of calls, and how full the server is.
    pub fn measure(&self, scrape: &mut Scrape) {
        self.recent.series.measure(scrape);
        let running = usize::try_from(self.counts().running).unwrap_or(usize::MAX);
        let waiting = self.waiting.load(Ordering::Relaxed);
        scrape.size("calls_running", "Calls whose process runs", running);
        scrape.size("calls_running_limit", "Calls that may run at a time", self.limits.concurrency);
        scrape.size("calls_waiting", "Calls that wait for a place", waiting);
        scrape.size("calls_waiting_limit", "Calls that may wait", self.limits.queue);
    }

    /// The last calls, the newest first, at most [`KEPT`].
    pub fn recent(&self) -> Vec<Record> {
        self.recent.list()
    }

    /// A place to run in, waited for where need be; else what the caller is told. The plugin's own place comes first:
    /// a call that waits for its plugin must not hold a place that another plugin could use.
    async fn place(&self, plugin: &Plugin, cancel: &CancellationToken) -> Result<Place, CallResult> {
        let own = match &plugin.concurrency {
            Some(own) => Some(self.permit(own, cancel).await?),
            None => None,
        };
        let shared = self.permit(&self.places, cancel).await?;
        self.running.fetch_add(1, Ordering::Relaxed);
        Ok(Place { running: Arc::clone(&self.running), _own: own, _shared: shared })
    }

    /// A permit at once, or after a wait in the bounded queue.
    async fn permit(
        &self,
        places: &Arc<Semaphore>,
        cancel: &CancellationToken,
    ) -> Result<OwnedSemaphorePermit, CallResult> {
        if let Ok(permit) = Arc::clone(places).try_acquire_owned() {
            return Ok(permit);
        }
        let Some(_waiter) = Waiter::new(&self.waiting, self.limits.queue) else {
            return Err(outcome::failure("busy", "too many calls are waiting already; try again later"));
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(outcome::failure("cancelled", "the call was cancelled before it began")),
            permit = Arc::clone(places).acquire_owned() => permit.map_err(closed),
        }
    }

    fn spec(&self, plugin: &Plugin, words: Vec<String>, input: Vec<(&'static str, String)>) -> Spec {
        let words = words.into_iter().map(OsString::from);
        let set =
            self.variables.set.iter().chain(&plugin.env).map(|(name, value)| (name.into(), value.into()));
        // What the server itself was told by whoever started it is not for its plugins.
        let own = [INPUT_RESPONSES, REQUEST_STATE, CLIENT_CAPABILITIES, TRACEPARENT, TRACESTATE, BAGGAGE];
        let value = |name| input.iter().find(|(own, _)| *own == name).map(|(_, value)| value.into());
        Spec {
            command: plugin.launch.iter().cloned().chain(words).collect(),
            directory: plugin.directory.clone(),
            set: set.collect(),
            unset: self.variables.unset.iter().map(OsString::from).collect(),
            input: own.iter().map(|&name| (name.into(), value(name))).collect(),
            warm: plugin.warm.clone(),
            timeout: plugin.timeout.or(self.limits.timeout),
            grace: self.limits.grace,
            output_cap: self.limits.output,
            error_cap: self.limits.output.min(ERROR_CAP),
        }
    }
}

/// Logs that a call has ended, as text and as fields.
fn tell(tool: &str, outcome: &str, took: Duration, trace: Option<&str>) {
    let seconds = took.as_secs_f64();
    let what = format!("call of {tool}: {outcome} after {took:.1?}");
    match trace {
        Some(trace) => log::info!(tool, outcome, seconds, traceparent = trace; "{what}, trace {trace}"),
        None => log::info!(tool, outcome, seconds; "{what}"),
    }
}

/// Linux bounds a variable with its name as it bounds a word.
fn too_large(variables: &[(&'static str, String)]) -> Option<CallResult> {
    let size = |(name, value): &(&str, String)| name.len() + 1 + value.len();
    let (name, value) = variables.iter().find(|variable| size(variable) > argv::MAX_WORD_BYTES)?;
    let message = format!(
        "the answers have {} bytes, more than a program can be given in `{name}` ({} bytes)",
        value.len(),
        argv::MAX_WORD_BYTES
    );
    Some(outcome::failure("input_too_large", &message))
}

fn closed(_: AcquireError) -> CallResult {
    outcome::failure("internal_error", "the plugin is not served any more")
}

/// A place to run in, held until the process is gone.
struct Place {
    running: Arc<AtomicU64>,
    _own: Option<OwnedSemaphorePermit>,
    _shared: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One of the calls that wait.
struct Waiter<'a>(&'a AtomicUsize);

impl Waiter<'_> {
    /// `None` where `bound` calls wait already.
    fn new(waiting: &AtomicUsize, bound: usize) -> Option<Waiter<'_>> {
        let joined =
            waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < bound).then_some(n + 1));
        joined.ok().map(|_| Waiter(waiting))
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts an error unless the call came to a good end; so a call whose future is dropped counts too.
struct Outcome<'a> {
    errors: &'a AtomicU64,
    is_error: bool,
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        self.errors.fetch_add(u64::from(self.is_error), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::path::Path;

    use super::*;
    use crate::model::{Command, Tool};
    use crate::plugin::offers::Offers;
    use crate::registry::State;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn caller(concurrency: usize, queue: usize) -> Arc<Caller> {
        let timeout = Some(PATIENCE);
        let grace = Duration::from_millis(200);
        let limits = Limits { timeout, grace, output: 1 << 20, concurrency, queue };
        let variable = |name: &str| (name.to_owned(), format!("{name} of the server"));
        let set = ["GREETING", "AGENT", "SECRET"].map(variable).into();
        Caller::new(limits, Variables { set, unset: vec!["SECRET".into(), "HOME".into()] })
    }

    /// A plugin whose program is a shell script.
    fn served(script: &str, directory: &Path, own: Option<usize>) -> Served {
        let plugin = Plugin {
            name: "p".into(),
            directory: directory.to_owned(),
            launch: ["/bin/sh", "-c", script].map(OsString::from).into(),
            env: vec![("GREETING".into(), "hi".into())],
            timeout: None,
            concurrency: own.map(|n| Arc::new(Semaphore::new(n))),
            warm: None,
            offers: Offers::default(),
            root: Command::default(),
            state: State::Ready,
            diagnostics: Vec::new(),
        };
        let tool = Tool {
            name: "p".into(),
            path: Vec::new(),
            title: None,
            description: "p".into(),
            input_schema: Map::new(),
            annotations: Map::new(),
            confirm: false,
            reload: false,
            bindings: Vec::new(),
        };
        Served { tool: Arc::new(tool), plugin: Arc::new(plugin) }
    }

    async fn call(caller: &Caller, served: &Served, cancel: &CancellationToken) -> CallResult {
        match caller.call(served, &Map::new(), &Input::default(), cancel, None).await.unwrap() {
            Ended::Result(result) => result,
            Ended::Asks(asks) => panic!("{asks:?}"),
        }
    }

    fn code(result: &CallResult) -> Option<&str> {
        result.structured.as_ref()?["error"]["code"].as_str()
    }

    async fn until(mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < PATIENCE, "waited in vain");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Lets a call begin, and gives it back while it still runs.
    async fn begun<F: Future>(call: F, caller: &Caller, running: u64) -> std::pin::Pin<Box<F>> {
        let mut call = Box::pin(call);
        tokio::select! {
            _ = &mut call => panic!("it ended"),
            () = until(|| caller.counts().running == running) => call,
        }
    }

    /// Brings a call as far as it comes at once: into the queue.
    async fn waiting<F: Future>(call: F) -> std::pin::Pin<Box<F>> {
        let mut call = Box::pin(call);
        tokio::select! {
            biased;
            _ = &mut call => panic!("it ended"),
            () = std::future::ready(()) => call,
        }
    }

    #[tokio::test]
    async fn a_call_runs_in_the_plugins_directory_with_its_variables() {
        let directory = tempfile::tempdir().unwrap();
        let served = served("echo $GREETING, $AGENT, $SECRET, $HOME; pwd", directory.path(), None);
        let caller = caller(1, 0);
        let result = call(&caller, &served, &CancellationToken::new()).await;
        let expected =
            format!("hi, AGENT of the server, ,\n{}\n", directory.path().canonicalize().unwrap().display());
        assert_eq!(result.content[0]["text"], expected);
        assert_eq!(caller.counts(), Counts { calls: 1, errors: 0, running: 0 });
    }

    #[test]
    fn secrets_stay_and_a_plugins_own_time_limit_counts() {
        let caller = caller(1, 0);
        let mut plugin = Arc::into_inner(served("", Path::new("/"), None).plugin).unwrap();
        let spec = caller.spec(&plugin, vec!["word".into()], Vec::new());
        assert_eq!(spec.unset, ["SECRET", "HOME"]);
        let own = [INPUT_RESPONSES, REQUEST_STATE, CLIENT_CAPABILITIES, TRACEPARENT, TRACESTATE, BAGGAGE]
            .map(Into::into);
        assert_eq!(spec.input, own.map(|name| (name, None)), "none of the server's own reaches a plugin");
        assert_eq!((spec.timeout, spec.command.last()), (Some(PATIENCE), Some(&"word".into())));
        plugin.timeout = Some(Duration::from_secs(5));
        assert_eq!(caller.spec(&plugin, Vec::new(), Vec::new()).timeout, Some(Duration::from_secs(5)));
    }

    #[tokio::test]
    async fn a_full_queue_is_answered_busy() {
        let directory = tempfile::tempdir().unwrap();
        let go = directory.path().join("go");
        let served = served("while ! [ -e go ]; do sleep 0.02; done; echo done", directory.path(), None);
        let (caller, cancel) = (caller(1, 1), CancellationToken::new());
        let first = begun(call(&caller, &served, &cancel), &caller, 1).await;
        let second = waiting(call(&caller, &served, &cancel)).await;
        assert_eq!(code(&call(&caller, &served, &cancel).await), Some("busy"));
        let mut scrape = Scrape::default();
        caller.measure(&mut scrape);
        let text = scrape.text().unwrap();
        for line in [
            "smcp_calls_running 1.0",
            "smcp_calls_running_limit 1.0",
            "smcp_calls_waiting 1.0",
            "smcp_calls_waiting_limit 1.0",
            r#"smcp_call_errors_total{code="busy"} 1"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        std::fs::write(go, "").unwrap();
        let (first, second) = tokio::join!(first, second);
        assert_eq!((code(&first), code(&second)), (None, None));
        assert_eq!(caller.counts(), Counts { calls: 3, errors: 1, running: 0 });
    }

    #[tokio::test]
    async fn a_waiting_call_can_be_cancelled() {
        let directory = tempfile::tempdir().unwrap();
        let served = served("sleep 1000", directory.path(), None);
        let (caller, cancel) = (caller(1, 1), CancellationToken::new());
        let running = begun(call(&caller, &served, &cancel), &caller, 1).await;
        let other = CancellationToken::new();
        let waits = waiting(call(&caller, &served, &other)).await;
        other.cancel();
        assert_eq!(code(&waits.await), Some("cancelled"));
        assert_eq!(caller.waiting.load(Ordering::Relaxed), 0);
        cancel.cancel();
        assert_eq!(code(&running.await), Some("cancelled"));
        assert_eq!(caller.counts(), Counts { calls: 2, errors: 2, running: 0 });
    }

    #[tokio::test]
    async fn a_plugins_own_bound_leaves_places_to_others() {
        let directory = tempfile::tempdir().unwrap();
        let slow = served("sleep 1000", directory.path(), Some(1));
        let quick = served("echo quick", directory.path(), None);
        let (caller, cancel) = (caller(2, 8), CancellationToken::new());
        let running = begun(call(&caller, &slow, &cancel), &caller, 1).await;
        let mut waiting = Box::pin(call(&caller, &slow, &cancel));
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("its plugin takes one at a time"),
            result = call(&caller, &quick, &cancel) => assert_eq!(result.content[0]["text"], "quick\n"),
        }
        cancel.cancel();
        let (running, waiting) = tokio::join!(running, waiting);
        assert_eq!((code(&running), code(&waiting)), (Some("cancelled"), Some("cancelled")));
    }

    #[tokio::test]
    async fn a_dropped_call_keeps_its_place_until_its_process_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let deaf = served("trap '' TERM; echo > deaf; while :; do sleep 0.02; done", directory.path(), None);
        let (caller, cancel) = (caller(1, 0), CancellationToken::new());
        let running = begun(call(&caller, &deaf, &cancel), &caller, 1).await;
        until(|| directory.path().join("deaf").exists()).await;
        drop(running);
        assert_eq!(caller.counts(), Counts { calls: 1, errors: 1, running: 1 });
        let next = served("echo next", directory.path(), None);
        assert_eq!(code(&call(&caller, &next, &cancel).await), Some("busy"));
        until(|| caller.counts().running == 0).await;
        assert_eq!(code(&call(&caller, &next, &cancel).await), None);
    }
}
