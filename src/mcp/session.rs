//! What the server keeps of one client between its messages: the revision that was settled, the requests that are
//! running, the log level, and where messages to it go. And the table of such sessions, which is bounded.
//!
//! Knows no method and no transport. Modern HTTP requests have no session; a stdio connection is one in both eras.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::access::{Access, Selection};
use super::asking::{Capabilities, Pending};
use super::changes::{LastView, List};
use super::early::Early;
use super::era::{Level, Revision};
use super::message::{Id, RpcError};
use super::outgoing::{Outgoing, Stream, Way};
use crate::registry::Snapshot;

/// Requests of one session that run at a time; one more is an error. Far above what an agent does at once, and it
/// bounds what answers a session can pile up.
pub const REQUEST_LIMIT: usize = 256;

/// One client.
#[derive(Debug)]
pub struct Session {
    id: String,
    access: Access,
    state: Mutex<State>,
    /// Apart from the state, which is asked for what the client sees.
    last_view: Mutex<LastView>,
    pending: Pending,
    closed: CancellationToken,
    winding_down: CancellationToken,
}

#[derive(Debug)]
struct State {
    revision: Revision,
    settled: bool,
    capabilities: Capabilities,
    log_level: Option<Level>,
    running: HashMap<Id, CancellationToken>,
    /// `None` where messages come in their order.
    early: Option<Early>,
    way: Option<Way>,
    /// Which tools it sees, where that is not just what its profile says.
    selection: Option<Arc<Selection>>,
    /// The resources that the client watches, and what ends each watch.
    subscriptions: HashMap<String, CancellationToken>,
    used: Instant,
}

impl Session {
    /// A session by itself, in no table: a stdio connection, whose messages come in their order. `revision` holds until
    /// `initialize` settles one.
    pub fn new(access: Access, revision: Revision) -> Arc<Session> {
        Session::of_replica(None, access, revision, None)
    }

    fn of_replica(
        replica: Option<&str>,
        access: Access,
        revision: Revision,
        early: Option<Early>,
    ) -> Arc<Session> {
        let id = uuid::Uuid::new_v4().simple();
        let state = State {
            revision,
            settled: false,
            capabilities: Capabilities::default(),
            log_level: None,
            running: HashMap::new(),
            early,
            way: None,
            selection: None,
            subscriptions: HashMap::new(),
            used: Instant::now(),
        };
        Arc::new(Session {
            id: replica.map_or_else(|| id.to_string(), |name| format!("{name}.{id}")),
            access,
            state: Mutex::new(state),
            last_view: Mutex::default(),
            pending: Pending::default(),
            closed: CancellationToken::new(),
            winding_down: CancellationToken::new(),
        })
    }

    /// What names it: 32 hexadecimal digits, not to be guessed, after the replica's name and a dot where it has one.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Which tools it may see, settled when it was opened.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Which tools it chose, if it did.
    pub(super) fn selection(&self) -> Option<Arc<Selection>> {
        self.state().selection.clone()
    }

    /// Chooses anew, from the choice up to now.
    pub(super) fn select(&self, change: impl FnOnce(Option<&Selection>) -> Selection) {
        let mut state = self.state();
        let next = change(state.selection.as_deref());
        state.selection = Some(Arc::new(next));
    }

    /// The lists that changed in what the client sees since the last look, whoever took that one: each change is told
    /// once. `see` is called while nobody else looks.
    pub(super) fn look(&self, see: impl FnOnce() -> Arc<Snapshot>) -> Vec<List> {
        let mut last = self.last_view.lock().unwrap_or_else(PoisonError::into_inner);
        last.renew(see())
    }

    /// Whether it is one by itself, a stdio connection: its messages are lines and not events of a stream.
    pub(super) fn is_stdio(&self) -> bool {
        self.state().early.is_none()
    }

    /// The revision that its messages are written for.
    pub fn revision(&self) -> Revision {
        self.state().revision
    }

    /// Settles the revision and what the client can be asked: `initialize` was answered.
    pub fn settle(&self, revision: Revision, capabilities: Capabilities) {
        let mut state = self.state();
        state.revision = revision;
        state.capabilities = capabilities;
        state.settled = true;
    }

    /// Whether `initialize` was answered; before that, a client is told nothing that it did not ask for.
    pub fn is_settled(&self) -> bool {
        self.state().settled
    }

    /// What the client can be asked.
    pub fn capabilities(&self) -> Capabilities {
        self.state().capabilities.clone()
    }

    /// Our requests that the client has not answered.
    pub(super) fn pending(&self) -> &Pending {
        &self.pending
    }

    /// Takes the client's answer to a request of ours.
    pub fn answered(&self, id: &Id, outcome: Result<Value, RpcError>) {
        self.touch();
        self.pending.answered(id, outcome);
    }

    /// The least level of log messages that the client asked for; `None`: it asked for none.
    pub fn log_level(&self) -> Option<Level> {
        self.state().log_level
    }

    /// Sets that level.
    pub fn set_log_level(&self, level: Level) {
        self.state().log_level = Some(level);
    }

    /// Keeps a subscription until `end` is cancelled, in the place of an older one to the same resource; `false`
    /// where there are `limit` already.
    pub(super) fn subscribe(&self, uri: &str, end: CancellationToken, limit: usize) -> bool {
        let mut state = self.state();
        let full = state.subscriptions.len() >= limit && !state.subscriptions.contains_key(uri);
        if !full && let Some(old) = state.subscriptions.insert(uri.to_owned(), end) {
            old.cancel();
        }
        !full
    }

    /// Ends a subscription.
    pub(super) fn unsubscribe(&self, uri: &str) {
        if let Some(end) = self.state().subscriptions.remove(uri) {
            end.cancel();
        }
    }

    /// Where messages to it go; `None` where it has no stream now.
    pub fn outgoing(&self) -> Option<Outgoing> {
        self.state().way.as_ref().map(Way::outgoing)
    }

    /// Gives it a new stream. One that it had before ends, whoever still has its way out: no message ever goes to two
    /// streams.
    pub fn attach(&self) -> Stream {
        let (way, stream) = Way::new();
        if let Some(old) = self.state().way.replace(way) {
            old.end();
        }
        stream
    }

    /// Registers a request that begins to run. Refused: an id that is already running, and too many at a time.
    pub fn begin(self: &Arc<Self>, id: &Id) -> Result<Running, RpcError> {
        let mut state = self.state();
        if state.running.contains_key(id) {
            return Err(RpcError::new(RpcError::INVALID_REQUEST, "a request with this id is still running"));
        }
        if state.running.len() >= REQUEST_LIMIT {
            let message =
                format!("{REQUEST_LIMIT} requests of this session are running; wait for one to end");
            return Err(RpcError::new(RpcError::INTERNAL, message));
        }
        let (cancel, now) = (self.closed.child_token(), Instant::now());
        if state.early.as_mut().is_some_and(|early| early.take(id, now)) {
            cancel.cancel();
        }
        state.running.insert(id.clone(), cancel.clone());
        state.used = now;
        Ok(Running { session: Arc::clone(self), id: id.clone(), cancel })
    }

    /// Cancels a running request; an id that isn't running is no error: it may just have ended, or not have come yet where
    /// messages can overtake each other.
    pub fn cancel(&self, id: &Id) {
        let mut state = self.state();
        if let Some(cancel) = state.running.get(id) {
            cancel.cancel();
        } else if let Some(early) = &mut state.early {
            early.cancel(id, Instant::now());
        }
    }

    /// Ends it: its requests are cancelled, its stream ends.
    pub fn close(&self) {
        self.closed.cancel();
        self.state().way = None;
    }

    /// Lets its stream end once the requests that run have been answered.
    pub fn wind_down(&self) {
        self.winding_down.cancel();
        self.state().way = None;
    }

    /// Becomes cancelled when it is to end in good order: requests that would never end by themselves end now.
    pub fn winding_down(&self) -> &CancellationToken {
        &self.winding_down
    }

    /// Becomes cancelled when the session ends.
    pub fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    fn touch(&self) {
        self.state().used = Instant::now();
    }

    fn is_idle(&self, now: Instant, limit: Duration) -> bool {
        let state = self.state();
        let streams = state.way.as_ref().is_some_and(|way| !way.outgoing().is_closed());
        state.running.is_empty() && !streams && now.saturating_duration_since(state.used) >= limit
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that runs; dropping it makes its id free again.
#[derive(Debug)]
pub struct Running {
    session: Arc<Session>,
    id: Id,
    cancel: CancellationToken,
}

impl Running {
    /// Becomes cancelled when the client takes the request back or its session ends.
    pub fn token(&self) -> &CancellationToken {
        &self.cancel
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.session.state();
        state.running.remove(&self.id);
        if let Some(early) = &mut state.early {
            early.ended(&self.id);
        }
        state.used = Instant::now();
    }
}

/// All sessions of one transport.
#[derive(Debug)]
pub struct Sessions {
    table: Mutex<HashMap<String, Arc<Session>>>,
    limit: usize,
    idle: Duration,
    replica: Option<String>,
}

/// There are as many sessions as there may be, and none of them is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server has {0} sessions, its limit")]
pub struct TooManySessions(pub usize);

impl Sessions {
    /// An empty table for `limit` sessions, each of which ends after `idle` without a request or a stream.
    pub fn new(limit: usize, idle: Duration) -> Sessions {
        Sessions { table: Mutex::default(), limit, idle, replica: None }
    }

    /// The same, with ids that begin with the replica's name, so that what stands before several of them knows where
    /// a session is.
    #[must_use]
    pub fn of_replica(self, replica: Option<String>) -> Sessions {
        Sessions { replica, ..self }
    }

    /// Opens a session. A full table first loses its idle sessions; where there are none, the new one is refused.
    pub fn open(&self, access: Access, revision: Revision) -> Result<Arc<Session>, TooManySessions> {
        if self.table().len() >= self.limit {
            self.expire(Instant::now());
        }
        let mut table = self.table();
        if table.len() >= self.limit {
            return Err(TooManySessions(self.limit));
        }
        let early = Some(Early::default());
        let session = Session::of_replica(self.replica.as_deref(), access, revision, early);
        table.insert(session.id.clone(), Arc::clone(&session));
        Ok(session)
    }

    /// The session of that id, which counts as a use of it. Whoever comes under another profile than the session's
    /// does not find it.
    pub fn get(&self, id: &str, access: &Access) -> Option<Arc<Session>> {
        let session = self.table().get(id).filter(|session| session.access == *access).cloned()?;
        session.touch();
        Some(session)
    }

    /// Ends a session; `false` where there is none of that id.
    pub fn remove(&self, id: &str) -> bool {
        let removed = self.table().remove(id);
        if let Some(session) = &removed {
            session.close();
        }
        removed.is_some()
    }

    /// Ends the sessions that have been idle too long.
    pub fn expire(&self, now: Instant) {
        let idle = self.idle;
        self.table().retain(|_, session| {
            let keep = !session.is_idle(now, idle);
            if !keep {
                session.close();
            }
            keep
        });
    }

    /// Lets all streams end once the requests that run have been answered.
    pub fn wind_down(&self) {
        for session in self.table().values() {
            session.wind_down();
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long a session may stay idle.
    pub fn idle(&self) -> Duration {
        self.idle
    }

    fn table(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::outgoing::{OUTGOING_LIMIT, Out};
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn id(n: u64) -> Id {
        Id::Number(n.into())
    }

    #[test]
    fn an_id_runs_once_at_a_time() {
        let session = Session::new(Access::everything(), Revision::ASSUMED);
        let first = session.begin(&id(1)).unwrap();
        assert_eq!(session.begin(&id(1)).unwrap_err().code, RpcError::INVALID_REQUEST);
        drop(first);
        assert!(session.begin(&id(1)).is_ok());
    }

    #[test]
    fn too_many_requests_are_refused() {
        let session = Session::new(Access::everything(), Revision::ASSUMED);
        let running: Vec<_> = (0..REQUEST_LIMIT as u64).map(|n| session.begin(&id(n)).unwrap()).collect();
        assert_eq!(session.begin(&id(9999)).unwrap_err().code, RpcError::INTERNAL);
        drop(running);
        assert!(session.begin(&id(9999)).is_ok());
    }

    #[test]
    fn cancelling_reaches_one_request_and_closing_all() {
        let session = Session::new(Access::everything(), Revision::ASSUMED);
        let (one, two) = (session.begin(&id(1)).unwrap(), session.begin(&id(2)).unwrap());
        session.cancel(&id(3));
        session.cancel(&id(1));
        assert_eq!((one.token().is_cancelled(), two.token().is_cancelled()), (true, false));
        session.close();
        assert!(two.token().is_cancelled());
        assert!(session.begin(&id(4)).unwrap().token().is_cancelled());
    }

    #[test]
    fn a_full_table_gives_up_idle_sessions_only() {
        let sessions = Sessions::new(2, HOUR);
        let first = sessions.open(Access::everything(), Revision::ASSUMED).unwrap();
        let second = sessions.open(Access::everything(), Revision::ASSUMED).unwrap();
        assert_eq!(sessions.open(Access::everything(), Revision::ASSUMED).unwrap_err(), TooManySessions(2));
        let running = first.begin(&id(1)).unwrap();
        let stream = second.attach();
        sessions.expire(Instant::now() + 2 * HOUR);
        assert_eq!(sessions.len(), 2, "a running request and a stream keep a session");
        drop(stream);
        sessions.expire(Instant::now() + 2 * HOUR);
        assert_eq!((sessions.len(), second.closed().is_cancelled()), (1, true));
        drop(running);
        sessions.expire(Instant::now());
        assert!(sessions.get(first.id(), first.access()).is_some(), "just used");
        assert!(sessions.remove(first.id()) && !sessions.remove(first.id()));
    }

    #[test]
    fn an_id_names_the_replica_where_there_are_several() {
        let open = |replica: Option<&str>| {
            let sessions = Sessions::new(1, HOUR).of_replica(replica.map(str::to_owned));
            sessions.open(Access::everything(), Revision::ASSUMED).unwrap().id().to_owned()
        };
        let is_secret = |text: &str| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(is_secret(&open(None)));
        assert!(is_secret(open(Some("smcp-1")).strip_prefix("smcp-1.").unwrap()));
    }

    #[test]
    fn a_request_that_was_cancelled_before_it_came_runs_only_where_messages_come_in_their_order() {
        let ordered = Session::new(Access::everything(), Revision::ASSUMED);
        let overtaken = Sessions::new(1, HOUR).open(Access::everything(), Revision::ASSUMED).unwrap();
        for (session, is_cancelled) in [(&ordered, false), (&overtaken, true)] {
            session.cancel(&id(1));
            assert_eq!(session.begin(&id(1)).unwrap().token().is_cancelled(), is_cancelled);
        }
    }

    #[tokio::test]
    async fn what_the_old_stream_had_comes_before_its_end_and_nothing_after() {
        let session = Session::new(Access::everything(), Revision::ASSUMED);
        let mut old = session.attach();
        let kept = session.outgoing().unwrap();
        kept.notify(1.into());
        let _new = session.attach();
        assert_eq!(old.next().await, Some(Out::Notification(1.into())));
        assert_eq!(old.next().await, None, "though somebody has its way out");
    }

    #[tokio::test]
    async fn a_new_stream_ends_the_old_one_and_a_full_one_drops_notifications() {
        let session = Session::new(Access::everything(), Revision::ASSUMED);
        let mut old = session.attach();
        let mut new = session.attach();
        assert_eq!(old.next().await, None);
        let outgoing = session.outgoing().unwrap();
        for n in 0..=OUTGOING_LIMIT {
            outgoing.notify(n.into());
        }
        drop(outgoing);
        session.wind_down();
        let mut got = 0;
        while new.next().await.is_some() {
            got += 1;
        }
        assert_eq!(got, OUTGOING_LIMIT);
    }
}
