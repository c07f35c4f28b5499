//! The Model Context Protocol: messages in, messages out, for every revision that is served. The only module that
//! knows JSON-RPC; it knows no HTTP and no stream of bytes, and starts no process itself.
//!
//! A transport reads messages ([`message`]), settles their era ([`era`]), keeps [`session`]s where the era has them,
//! and hands each request with its [`Context`] to the [`Server`], which answers it once ([`dispatch`]).

pub mod access;
pub mod asking;
mod call;
mod changes;
mod completion;
pub mod dispatch;
mod early;
pub mod era;
pub mod fit;
mod governor;
pub mod health;
mod listen;
mod lists;
pub mod message;
pub mod outgoing;
mod page;
mod progress;
mod prompts;
mod resources;
mod running;
pub mod session;
mod subscriptions;
mod tools;
mod trace;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::argv::ArgvError;
use crate::call::{Caller, Counts, Input, Record};
use crate::metrics::Scrape;
use crate::outcome::Ended;
use crate::profile::Profiles;
use crate::registry::{Registry, Served, Snapshot};

pub use changes::{Changes, List};

use access::{Access, Denied, Governor};
use asking::{Capabilities, Sealer};
use era::{Level, ModernMeta, Revision};
use message::{Request, Response};
use outgoing::{Out, Outgoing};
use session::Session;

/// `subscriptions/listen` streams at a time: each is a task and an open connection.
const LISTEN_LIMIT: usize = 1024;

/// What the protocol needs from the rest of the program: tools to list, and a way to run them. [`Plugins`] is the
/// real one; tests of the protocol bring their own.
pub trait Backend: Send + Sync + 'static {
    /// What is served now.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// Tells the generation of each new snapshot.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Looks at all plugins again.
    fn reload(&self) -> BoxFuture<'_, ()>;

    /// The counts of calls so far.
    fn counts(&self) -> Counts;

    /// The last calls, the newest first.
    fn recent(&self) -> Vec<Record> {
        Vec::new()
    }

    /// Tells its figures.
    fn measure(&self, _scrape: &mut Scrape) {}

    /// The help pages of a plugin, as [`Registry::pages`] has them.
    fn pages(&self, _plugin: &str) -> Option<BTreeMap<String, String>> {
        None
    }

    /// Runs one call to its end, as [`Caller::call`] does.
    fn call<'a>(
        &'a self,
        served: &'a Served,
        arguments: &'a Map<String, Value>,
        input: &'a Input,
        cancel: &'a CancellationToken,
        lines: Option<mpsc::Sender<String>>,
    ) -> BoxFuture<'a, Result<Ended, Vec<ArgvError>>>;
}

/// The plugins of a registry, called by a caller.
#[derive(Clone, Debug)]
pub struct Plugins {
    /// What is served.
    pub registry: Arc<Registry>,
    /// Who runs it.
    pub caller: Arc<Caller>,
}

impl Backend for Plugins {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.registry.snapshot()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.registry.changes()
    }

    fn reload(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.registry.reload(&()).await;
        })
    }

    fn counts(&self) -> Counts {
        self.caller.counts()
    }

    fn recent(&self) -> Vec<Record> {
        self.caller.recent()
    }

    fn measure(&self, scrape: &mut Scrape) {
        self.registry.measure(scrape);
        self.caller.measure(scrape);
    }

    fn pages(&self, plugin: &str) -> Option<BTreeMap<String, String>> {
        self.registry.pages(plugin)
    }

    fn call<'a>(
        &'a self,
        served: &'a Served,
        arguments: &'a Map<String, Value>,
        input: &'a Input,
        cancel: &'a CancellationToken,
        lines: Option<mpsc::Sender<String>>,
    ) -> BoxFuture<'a, Result<Ended, Vec<ArgvError>>> {
        Box::pin(self.caller.call(served, arguments, input, cancel, lines))
    }
}

/// What a request is answered in.
#[derive(Clone, Debug)]
pub struct Context {
    /// Which tools its sender may see.
    pub access: Access,
    /// The revision that its answer is written for.
    pub revision: Revision,
    /// The session that it belongs to, where it has one: a connection of its own, in either era, or a legacy one.
    pub session: Option<Arc<Session>>,
    /// The least level of log messages that its sender wants; `None`: none.
    pub log_level: Option<Level>,
    /// What its sender can be asked.
    pub capabilities: Capabilities,
    /// Where notifications about it go, and questions in eras that send them.
    pub outgoing: Outgoing,
    /// Its sender does not want the answer any more.
    pub cancel: CancellationToken,
}

impl Context {
    /// The context of a request within a legacy session.
    pub fn of_session(session: &Arc<Session>, outgoing: Outgoing, cancel: CancellationToken) -> Context {
        Context {
            access: session.access().clone(),
            revision: session.revision(),
            session: Some(Arc::clone(session)),
            log_level: session.log_level(),
            capabilities: session.capabilities(),
            outgoing,
            cancel,
        }
    }

    /// The context of a request that stands by itself; its sender can't be asked.
    pub fn alone(
        access: Access,
        revision: Revision,
        log_level: Option<Level>,
        outgoing: Outgoing,
        cancel: CancellationToken,
    ) -> Context {
        Context {
            access,
            revision,
            session: None,
            log_level,
            capabilities: Capabilities::default(),
            outgoing,
            cancel,
        }
    }

    /// The same in the modern era: what the request says of itself counts.
    #[must_use]
    pub fn modern(mut self, revision: Revision, meta: &ModernMeta) -> Context {
        self.revision = revision;
        self.log_level = meta.log_level;
        self.capabilities = Capabilities::of(Some(&meta.capabilities), revision);
        self
    }
}

/// Answers requests. Shared by all transports; requests run on the runtime on which it was made, however the
/// transport's own threads fare, and don't wait for each other.
pub struct Server {
    backend: Arc<dyn Backend>,
    governor: Option<Governor>,
    started: Instant,
    shutdown: CancellationToken,
    leaving: CancellationToken,
    runtime: Handle,
    tasks: TaskTracker,
    listeners: Arc<Semaphore>,
    sealer: Sealer,
    lists: lists::Lists,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("started", &self.started).finish_non_exhaustive()
    }
}

impl Server {
    /// A server over `backend` that stops when `shutdown` is cancelled.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(backend: impl Backend, shutdown: CancellationToken) -> Arc<Server> {
        Server::governed(backend, None, shutdown)
    }

    /// The same, where each client sees the tools of a profile; without `profiles` all see all.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn governed(
        backend: impl Backend,
        profiles: Option<Arc<Profiles>>,
        shutdown: CancellationToken,
    ) -> Arc<Server> {
        Server::replica(backend, profiles, None, shutdown)
    }

    /// The same, as one of several that know the secret `state_key`: what one of them asked a client, each of them can
    /// take the answer to.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn replica(
        backend: impl Backend,
        profiles: Option<Arc<Profiles>>,
        state_key: Option<&str>,
        shutdown: CancellationToken,
    ) -> Arc<Server> {
        Arc::new(Server {
            backend: Arc::new(backend),
            governor: profiles.map(Governor::new),
            started: Instant::now(),
            leaving: shutdown.child_token(),
            shutdown,
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            listeners: Arc::new(Semaphore::new(LISTEN_LIMIT)),
            sealer: state_key.map_or_else(Sealer::new, Sealer::of),
            lists: lists::Lists::default(),
        })
    }

    /// Becomes cancelled when the server is to stop.
    pub fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// From now on nothing new should come here, since the server is to stop soon. It serves as before.
    pub fn leave(&self) {
        self.leaving.cancel();
    }

    /// Whether it is to stop soon, or stops.
    pub fn is_leaving(&self) -> bool {
        self.leaving.is_cancelled()
    }

    /// What is served now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.backend.snapshot()
    }

    /// The access of a client that asks for the profile `named`, with a key that opens the profile `bound` alone.
    pub fn access(&self, named: Option<&str>, bound: Option<&str>) -> Result<Access, Denied> {
        match (&self.governor, named) {
            (Some(governor), _) => governor.access(named, bound),
            (None, None) => Ok(Access::everything()),
            (None, Some(_)) => {
                Err(Denied::Unknown("no profiles are configured; --profiles names a file of them".into()))
            }
        }
    }

    /// What of the current snapshot an access shows.
    pub fn shown(&self, access: &Access) -> Arc<Snapshot> {
        let whole = self.snapshot();
        match (&self.governor, access.profile()) {
            (Some(governor), Some(profile)) => governor.view(&whole, profile),
            _ => whole,
        }
    }

    /// What of the current snapshot a request sees: what its profile shows, or what its legacy session chose.
    fn visible(&self, context: &Context) -> Arc<Snapshot> {
        match context.session.as_ref().filter(|_| !context.revision.is_modern()) {
            Some(session) => self.seen_by(session),
            None => self.shown(&context.access),
        }
    }

    /// What of the current snapshot a legacy session sees.
    fn seen_by(&self, session: &Session) -> Arc<Snapshot> {
        match session.selection() {
            Some(selection) => selection.view(&self.snapshot(), session.access()),
            None => self.shown(session.access()),
        }
    }

    /// Tells the generation of each new snapshot.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.backend.changes()
    }

    /// Tells all figures but those of the transports.
    pub fn measure(&self, scrape: &mut Scrape) {
        scrape.gauge("uptime_seconds", "Since the start", self.started.elapsed().as_secs_f64());
        self.backend.measure(scrape);
    }

    /// The last calls, the newest first.
    pub fn recent(&self) -> Vec<Record> {
        self.backend.recent()
    }

    /// The help pages of a plugin, as [`Registry::pages`] has them. Reads a file.
    pub fn pages(&self, plugin: &str) -> Option<BTreeMap<String, String>> {
        self.backend.pages(plugin)
    }

    /// The answer to a request that has nothing to wait for; `None` for any other.
    pub fn at_once(&self, context: &Context, request: &Request) -> Option<Response> {
        let outcome = dispatch::at_once(self, context, request)?;
        Some(Response { id: Some(request.id.clone()), outcome })
    }

    /// Begins to answer a request; the answer goes to `answers`, after every notification that belongs to it. It is
    /// left out where the request was cancelled. `held` lives as long as the request runs. What needs no wait is
    /// answered before this returns, where `answers` has room.
    pub fn begin(
        self: &Arc<Self>,
        context: Context,
        request: Request,
        answers: Outgoing,
        held: impl Send + 'static,
    ) {
        if let Some(place) = answers.try_reserve()
            && let Some(answer) = self.at_once(&context, &request)
        {
            drop(held);
            place.send(Out::Answer(answer));
            return;
        }
        let server = Arc::clone(self);
        let task = async move {
            let answer = server.answer(&context, request).await;
            // The id becomes free once the answer has its place, so answers that nobody reads count as running.
            if let Some(answer) = answer
                && let Some(place) = answers.reserve().await
            {
                drop(held);
                place.send(Out::Answer(answer));
            }
        };
        self.spawn(task);
    }

    /// The answer to a request; `None` where it was cancelled, since nothing may be sent for it then.
    pub async fn answer(&self, context: &Context, request: Request) -> Option<Response> {
        let id = request.id.clone();
        let outcome = dispatch::request(self, context, request).await;
        (!context.cancel.is_cancelled()).then_some(Response { id: Some(id), outcome })
    }

    /// Runs `task` on the server's own runtime; [`Server::drained`] waits for it.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(task, &self.runtime);
    }

    /// Waits until no request runs any more, at most `grace`; `false` where some still do.
    pub async fn drained(&self, grace: Duration) -> bool {
        self.tasks.close();
        let drained = tokio::time::timeout(grace, self.tasks.wait()).await.is_ok();
        self.tasks.reopen();
        drained
    }
}
