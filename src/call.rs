//! A tool call from arguments to result: argv, a place in the queue, the process, its outcome.
//!
//! Shared by all sessions. It bounds how many processes run (over all plugins, and for a plugin that asks for it) and
//! how many calls wait; it must not know JSON-RPC, sessions or transports.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde_json::{Map, Value};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::argv::ArgvError;
use crate::config::Limits;
use crate::outcome::{self, CallResult};
use crate::process::{self, Spec};
use crate::registry::{Plugin, Served};

/// Bytes of standard error that are kept at most: it is shown in errors only, where its end is what matters.
const ERROR_CAP: usize = 64 * 1024;

/// The server's own secrets, which no plugin gets unless its manifest sets them.
const SECRETS: [&str; 2] = ["MCP_API_KEY", "MCP_API_KEYS"];

/// Runs calls within the server's bounds; shared by all sessions.
#[derive(Debug)]
pub struct Caller {
    limits: Limits,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    calls: AtomicU64,
    errors: AtomicU64,
    running: Arc<AtomicU64>,
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
    /// A caller with these bounds.
    pub fn new(limits: Limits) -> Arc<Caller> {
        let places = Arc::new(Semaphore::new(limits.concurrency.clamp(1, Semaphore::MAX_PERMITS)));
        Arc::new(Caller {
            limits,
            places,
            waiting: AtomicUsize::new(0),
            calls: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            running: Arc::default(),
        })
    }

    /// Runs one call to its end. Bad arguments are an error here, since revisions differ in how they say it; everything
    /// else, "busy" included, is a result. `lines` gets standard error's lines as they come.
    ///
    /// Dropping the future cancels the call; its process keeps its place until it is gone.
    pub async fn call(
        &self,
        served: &Served,
        arguments: &Map<String, Value>,
        cancel: &CancellationToken,
        lines: Option<mpsc::Sender<String>>,
    ) -> Result<CallResult, Vec<ArgvError>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut outcome = Outcome { errors: &self.errors, is_error: true };
        let words = served.argv(arguments)?;
        let result = match self.place(&served.plugin, cancel).await {
            Ok(place) => {
                let spec = self.spec(&served.plugin, words);
                outcome::result(&process::run_holding(&spec, cancel, lines, place).await)
            }
            Err(result) => result,
        };
        outcome.is_error = result.is_error;
        Ok(result)
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        Counts {
            calls: self.calls.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            running: self.running.load(Ordering::Relaxed),
        }
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

    fn spec(&self, plugin: &Plugin, words: Vec<String>) -> Spec {
        let words = words.into_iter().map(OsString::from);
        Spec {
            command: plugin.launch.iter().cloned().chain(words).collect(),
            directory: plugin.directory.clone(),
            set: plugin.env.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            unset: SECRETS.map(OsString::from).into(),
            timeout: plugin.timeout.or(self.limits.timeout),
            grace: self.limits.grace,
            output_cap: self.limits.output,
            error_cap: self.limits.output.min(ERROR_CAP),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err gives the error away")]
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
