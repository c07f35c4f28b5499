//! A tool call from arguments to result: argv, a place in the queue, the process, its outcome. Stub, being written.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::argv::ArgvError;
use crate::config::Limits;
use crate::outcome::CallResult;
use crate::registry::Served;

/// Runs calls within the server's bounds; shared by all sessions.
#[derive(Debug)]
pub struct Caller {
    limits: Limits,
}

/// Counts of calls since the start, for `health`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that were begun.
    pub calls: u64,
    /// Of these, those that ended as an error.
    pub errors: u64,
    /// Running now.
    pub running: u64,
}

impl Caller {
    /// A caller with these bounds.
    pub fn new(limits: Limits) -> Arc<Caller> {
        Arc::new(Caller { limits })
    }

    /// Runs one call to its end. Bad arguments are an error here, since revisions differ in how they say it; everything
    /// else, "busy" included, is a result. `lines` gets standard error's lines as they come.
    pub async fn call(
        &self,
        served: &Served,
        arguments: &Map<String, Value>,
        cancel: &CancellationToken,
        lines: Option<mpsc::Sender<String>>,
    ) -> Result<CallResult, Vec<ArgvError>> {
        let _ = (served, arguments, cancel, lines, &self.limits);
        Ok(CallResult::default())
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        Counts::default()
    }
}
