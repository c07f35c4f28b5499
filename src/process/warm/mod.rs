//! Runs without a start: a helper process per program, started once, that forks for each run.
//!
//! A [`Plan`] says how a helper is started; what it does then is its own matter, as long as it speaks the protocol of
//! `helper`. Runs don't wait for it: until it is ready, and whenever it can't, they are started directly. It starts at the
//! first run that could use it, and is replaced when it says that files have changed, after so many runs, and when it
//! died. It ends when nothing has been run for a while, and with the [`Warm`] that it belongs to; runs that it has
//! forked end as they would.

#[cfg_attr(target_os = "linux", path = "helper.rs")]
#[cfg_attr(not(target_os = "linux"), path = "absent.rs")]
mod helper;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use helper::{Helper, Unable};

use super::group::Started;
use super::{Spec, counts};

pub(super) use helper::Forked;

/// Words and variables of a run that are passed to a helper, in bytes. What is larger is started directly: only the
/// system knows what it takes, and this fits into a socket's buffer.
const MAX_REQUEST: usize = 64 * 1024;

/// Helpers that are ready at a time: each holds its program's modules. While there are so many, programs that have none
/// are started directly.
const MAX_HELPERS: u64 = 64;

/// A helper that dies before it has run so many is one death of …
const FEW: u32 = 10;

/// … so many in a row after which no more are started.
const DEATHS: u32 = 3;

/// How a program's helper is started, and how long it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whose it is, for the log.
    pub name: String,
    /// The words that start the program, up to its arguments: those of each run, too.
    pub launch: Vec<OsString>,
    /// The argument that the helper is started with: harmless, should the program itself come to see it.
    pub argument: OsString,
    /// The name and the text of the file that makes a helper of the program, from a directory of its own …
    pub passenger: (&'static str, &'static str),
    /// … at the head of this variable, a search path …
    pub variable: &'static str,
    /// … whose value in our environment is this.
    pub inherited: Option<OsString>,
    /// How many runs it forks for before another takes its place.
    pub runs: u32,
    /// How long it is kept without a run.
    pub idle: Duration,
}

/// The place of a program's helper.
#[derive(Debug)]
pub struct Warm {
    plan: Plan,
    state: Mutex<State>,
    forked: AtomicU64,
    me: Weak<Warm>,
}

#[derive(Debug, Default)]
struct State {
    helper: Option<Arc<Helper>>,
    starting: bool,
    /// Why none can be had.
    refused: Option<String>,
    /// Helpers that died early, one after the other.
    deaths: u32,
    /// Counts what makes a helper that is being started one of yesterday.
    round: u64,
}

impl Warm {
    /// A place without a helper: that comes with the first run.
    pub fn new(plan: Plan) -> Arc<Warm> {
        Arc::new_cyclic(|me| Warm {
            plan,
            state: Mutex::default(),
            forked: AtomicU64::new(0),
            me: me.clone(),
        })
    }

    /// How its helpers are started.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Why runs are started directly, where that is so.
    pub fn refusal(&self) -> Option<String> {
        self.state().refused.clone()
    }

    /// Whether there is a helper that forks.
    pub fn is_ready(&self) -> bool {
        self.state().helper.is_some()
    }

    /// How many runs were forked and not started.
    pub fn forked(&self) -> u64 {
        self.forked.load(Ordering::Relaxed)
    }

    /// The program is another now: the next run starts a new helper, whatever became of those before.
    pub fn renew(&self) {
        let mut state = self.state();
        *state = State { round: state.round + 1, ..State::default() };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the helper fork for a run; `None` where it has to be started directly.
    pub(super) async fn fork(&self, spec: &Spec) -> Option<Started> {
        let me = self.me.upgrade()?;
        let request = request(&self.plan, spec)?;
        let helper = self.ready(spec)?;
        let spec = Spec { warm: None, ..spec.clone() };
        // Its own task: what was begun is brought to its end also where nobody waits for it any more.
        let forking = tokio::spawn(async move {
            let forked = helper.fork(&request).await;
            forked.map_err(|unable| me.replace(&helper, unable, &spec)).ok()
        });
        let forked = forking.await.ok().flatten()?;
        self.forked.fetch_add(1, Ordering::Relaxed);
        Some(forked)
    }

    /// The helper, where there is one. Has one started where there should be another.
    fn ready(&self, spec: &Spec) -> Option<Arc<Helper>> {
        let mut state = self.state();
        let worn = state.helper.as_ref().is_none_or(|helper| helper.runs() >= self.plan.runs);
        if worn {
            self.begin(&mut state, spec);
        }
        state.helper.clone()
    }

    /// Starts a helper in the background, unless one is being started or can't be had.
    fn begin(&self, state: &mut State, spec: &Spec) {
        let full = state.helper.is_none() && counts().helpers >= MAX_HELPERS;
        if state.starting || state.refused.is_some() || full {
            return;
        }
        state.starting = true;
        let (me, plan, round) = (self.me.clone(), self.plan.clone(), state.round);
        let spec = Spec { warm: None, ..spec.clone() };
        tokio::spawn(async move {
            let started = Helper::start(&plan, &spec).await;
            if let Some(warm) = me.upgrade() {
                warm.take(started, round);
            }
        });
    }

    fn take(&self, started: Result<(Helper, String), String>, round: u64) {
        let mut state = self.state();
        if state.round != round {
            return;
        }
        state.starting = false;
        match started {
            Ok((helper, note)) => {
                let name = &self.plan.name;
                log::info!("{name} is kept warm{}{note}", if note.is_empty() { "" } else { ": " });
                let helper = Arc::new(helper);
                tokio::spawn(let_go_when_idle(self.me.clone(), Arc::downgrade(&helper), self.plan.idle));
                state.helper = Some(helper);
            }
            Err(reason) => self.refuse(&mut state, reason),
        }
    }

    fn refuse(&self, state: &mut State, reason: String) {
        log::warn!("{} can't be kept warm, each call is started anew: {reason}", self.plan.name);
        state.helper = None;
        state.refused = Some(reason);
    }

    /// A helper could not fork: another takes its place, where that may help.
    fn replace(&self, helper: &Arc<Helper>, unable: Unable, spec: &Spec) {
        let mut state = self.state();
        let is_it = state.helper.as_ref().is_some_and(|own| Arc::ptr_eq(own, helper));
        if !is_it || matches!(unable, Unable::Now) {
            return;
        }
        state.helper = None;
        if matches!(unable, Unable::Dead) {
            state.deaths = if helper.runs() < FEW { state.deaths + 1 } else { 1 };
            log::warn!("the process that keeps {} warm has died", self.plan.name);
            if state.deaths >= DEATHS {
                return self.refuse(&mut state, format!("its helper died {DEATHS} times"));
            }
        }
        self.begin(&mut state, spec);
    }
}

/// Lets a helper go that nobody has used for so long.
async fn let_go_when_idle(warm: Weak<Warm>, helper: Weak<Helper>, idle: Duration) {
    loop {
        tokio::time::sleep(idle / 4).await;
        let (Some(warm), Some(helper)) = (warm.upgrade(), helper.upgrade()) else { return };
        let mut state = warm.state();
        // The state's, and ours.
        if helper.idle() >= idle && Arc::strong_count(&helper) <= 2 {
            state.helper.take_if(|own| Arc::ptr_eq(own, &helper));
        }
    }
}

/// What a helper's child reads: how many words, the words, and variables to set, separated by NUL. `None` where it does
/// not fit.
fn request(plan: &Plan, spec: &Spec) -> Option<Vec<u8>> {
    let words = spec.command.strip_prefix(&plan.launch[..])?;
    let count = words.len().to_string().into_bytes();
    let words = words.iter().map(|word| word.as_bytes().to_owned());
    let variables = spec.input.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let variables = variables.map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat());
    let parts: Vec<Vec<u8>> = std::iter::once(count).chain(words).chain(variables).collect();
    // A NUL in a word: the system knows what to say of that.
    let fits = parts.iter().all(|part| !part.contains(&0));
    let request = parts.join(&0);
    (fits && request.len() <= MAX_REQUEST).then_some(request)
}
