//! The only spawner. Stub, being written.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A process to run.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The program, then its words.
    pub command: Vec<OsString>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Variables to set, on top of the server's environment.
    pub set: Vec<(OsString, OsString)>,
    /// Variables to leave out of it.
    pub unset: Vec<OsString>,
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
}

/// What a process wrote to one stream. Over the cap the middle is lost, counted in `total`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// The first bytes; all of them where nothing was lost.
    pub head: Vec<u8>,
    /// The last bytes, where something was lost.
    pub tail: Vec<u8>,
    /// Bytes written in all.
    pub total: u64,
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

/// A process that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("`{program}` could not be started")]
pub struct SpawnError {
    /// The program.
    pub program: String,
    /// Why.
    pub source: std::io::Error,
}

/// Runs a process to its end. `lines` gets standard error's lines as they come (also what a carriage return ends);
/// a full channel drops lines rather than hold the process back.
pub async fn run(
    spec: &Spec,
    cancel: &CancellationToken,
    lines: Option<mpsc::Sender<String>>,
) -> Result<Finished, SpawnError> {
    let _ = (spec, cancel, lines);
    Err(SpawnError { program: String::new(), source: std::io::ErrorKind::Unsupported.into() })
}
