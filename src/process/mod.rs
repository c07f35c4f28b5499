//! The only spawner: a program, its words and its bounds → how it ended and what it wrote.
//!
//! A process gets its own process group, no standard input, and a time limit. Both of its streams are read while it
//! runs, up to a cap. However a run ends (by itself, time-out, cancellation, the caller's future dropped, the runtime
//! shut down), its whole group is gone afterwards and its leader is reaped. A process that has left the group
//! (`setsid`) is on its own: it is not killed, and it can't hold us up.
//!
//! Where a run has a helper ([`Warm`]), the helper forks for it. That is seen in nothing but time.
//!
//! This module must not know what is run, or what its output means.

#![cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "nothing is forked there"))]

mod capture;
mod counted;
mod failure;
mod group;
mod limits;
mod sentinel;
mod warm;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use capture::Streams;
use group::Group;

pub use capture::Captured;
pub use counted::{Counts, counts};
pub use failure::{Reason, SpawnError};
pub use limits::allow_open_files;
pub use sentinel::{post_sentinel, watch};
pub use warm::{Plan, Warm};

/// How long a process that the leader leaves behind in its group may still write to the streams before the group is
/// killed. Long enough for the last member of a pipeline to pass on what it has, also on a busy machine; only a call
/// that leaves a process behind takes as much longer.
const LINGER: Duration = Duration::from_secs(1);

/// A process to run.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The program, then its words.
    pub command: Vec<OsString>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Variables to set, on top of the server's environment.
    pub set: Vec<(OsString, OsString)>,
    /// Variables to leave out of it; one that is in `set` too is set.
    pub unset: Vec<OsString>,
    /// Variables of this run alone: set on top of all others, or (`None`) left out unless `set` has them.
    pub input: Vec<(OsString, Option<OsString>)>,
    /// What may fork for this run, instead of a start: of a program that starts with the same words, in the same
    /// directory and environment.
    pub warm: Option<Arc<Warm>>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// Between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// Bytes of standard output that are kept.
    pub output_cap: usize,
    /// Bytes of standard error that are kept.
    pub error_cap: usize,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Exit(i32),
    /// By this signal, which we did not send.
    Signal(i32),
    /// We ended it: its time was up.
    TimedOut,
    /// We ended it: nobody waits for it any more.
    Cancelled,
    /// We ended it: the helper that it was forked from was gone, and nobody would have known how it ends.
    Orphaned,
}

/// A process that ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How.
    pub end: End,
    /// Standard output.
    pub stdout: Captured,
    /// Standard error.
    pub stderr: Captured,
    /// From start to end.
    pub took: Duration,
}

/// Runs a process to its end. `lines` gets standard error's lines as they come (also what a carriage return ends),
/// cut to [`MAX_LINE`] bytes, without terminal control and never empty; a full channel drops lines rather than hold the
/// process back.
///
/// Must be called within a tokio runtime that has I/O and time enabled. Dropping the future is a cancellation: the
/// process is ended in the background. An error means that nothing was run.
pub async fn run(
    spec: &Spec,
    cancel: &CancellationToken,
    lines: Option<mpsc::Sender<String>>,
) -> Result<Finished, SpawnError> {
    run_holding(spec, cancel, lines, ()).await
}

/// Does as [`run`] does, and drops `held` when the process is gone: a permit bounds processes, not futures.
pub async fn run_holding(
    spec: &Spec,
    cancel: &CancellationToken,
    lines: Option<mpsc::Sender<String>>,
    held: impl Send + 'static,
) -> Result<Finished, SpawnError> {
    let started = Instant::now();
    if cancel.is_cancelled() {
        return Ok(never_ran());
    }
    let (group, streams) = group::spawn(spec, lines).await?;
    let cancel = cancel.child_token();
    let supervision = supervise(group, streams, spec.timeout, spec.grace, cancel.clone());
    // Its own task, so that the process is ended in good order also when this future is dropped.
    let task = tokio::spawn(async move {
        let ended = supervision.await;
        drop(held);
        ended
    });
    let _guard = cancel.drop_guard();
    match task.await {
        Ok((end, stdout, stderr)) => Ok(Finished { end, stdout, stderr, took: started.elapsed() }),
        Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
        // The runtime is shutting down; dropping the task has killed the group.
        Err(_) => Ok(never_ran()),
    }
}

/// The bound on one line that [`run`] reports, in bytes: many times what a progress bar or log line needs.
pub const MAX_LINE: usize = capture::MAX_LINE;

fn never_ran() -> Finished {
    Finished {
        end: End::Cancelled,
        stdout: Captured::default(),
        stderr: Captured::default(),
        took: Duration::ZERO,
    }
}

async fn supervise(
    mut group: Group,
    mut streams: Streams,
    timeout: Option<Duration>,
    grace: Duration,
    cancel: CancellationToken,
) -> (End, Captured, Captured) {
    let stopped = tokio::select! {
        biased;
        () = group.exited() => None,
        () = cancel.cancelled() => Some(End::Cancelled),
        () = elapsed(timeout) => Some(End::TimedOut),
        never = streams.read_on() => match never {},
    };
    // Whoever else is in the group shows only by holding a stream.
    let left = if stopped.is_some() { grace } else { LINGER };
    if stopped.is_some() {
        group.signal(Signal::TERM);
    }
    tokio::select! {
        biased;
        _ = async { tokio::join!(group.exited(), streams.read_to_end()) } => {}
        () = tokio::time::sleep(left) => group.signal(Signal::KILL),
    }
    tokio::select! {
        biased;
        () = group.exited() => {}
        never = streams.read_on() => match never {},
    }
    let ended = group.end().await;
    let (stdout, stderr) = streams.finish();
    (stopped.unwrap_or(ended), stdout, stderr)
}

/// Ends when the time is up; never, where there is no limit.
async fn elapsed(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}
