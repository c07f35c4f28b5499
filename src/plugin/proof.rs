//! Calls → what the program's own parser makes of them.
//!
//! The program is run with the words of a command and `--help`, as for a help page, with the passenger aboard. Where the
//! program hands these words to its parser, the passenger gives that the calls instead, and ends the program. So a
//! program does no more than it does when it is asked for help: a passenger that can't board leaves a help page.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract::files;
use crate::live;
use crate::process::{End, Spec};

use super::capture::{self, CaptureError, Capturer, Program};

/// What one call may add to the time of a run: many times what reading it takes.
const CALL_TIME: Duration = Duration::from_millis(100);

/// The largest answer that is read, in bytes: the passenger's own bound on a call, for a few of them.
const ANSWER_CAP: u64 = 64 * 1024 * 1024;

/// Calls to prove in one run.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// The words that the program is run with.
    pub words: Vec<String>,
    /// Calls of its commands.
    pub leaves: Vec<Leaf>,
}

/// Calls of one command.
#[derive(Clone, Debug, Serialize)]
pub struct Leaf {
    /// The words that lead to it.
    pub path: Vec<String>,
    /// Every argument's flags (none for a positional), for each command from the root to it.
    pub arguments: Vec<Vec<Vec<String>>>,
    /// The calls.
    pub calls: Vec<Call>,
}

/// A call.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// Its words.
    pub argv: Vec<String>,
    /// What it means.
    pub given: Vec<Given>,
}

/// A value that a call gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Given {
    /// The depth of the argument's command.
    pub depth: usize,
    /// The argument's index there.
    pub index: usize,
    /// `true`, `false` or a number for arguments without values; else a word, or a list of words or of lists.
    pub value: Value,
}

/// What came of a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Why the parser that has these commands was met and could not be asked.
    pub unmet: Option<String>,
    /// What came of the commands that the parser has.
    pub leaves: Vec<LeafAnswer>,
}

/// What came of one command's calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafAnswer {
    /// Its index in the request.
    pub leaf: usize,
    /// One for each call.
    pub calls: Vec<Verdict>,
}

/// What came of one call; it is proven where there is nothing of this.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Verdict {
    /// The parser's own error.
    pub error: Option<String>,
    /// Reading it did not come to an end.
    pub lost: Option<String>,
    /// Names whose values are others.
    pub differs: Vec<Difference>,
}

/// A name of the namespace with another value.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The name.
    pub name: String,
    /// What the call means, as Python shows it.
    pub expected: String,
    /// What the parser made of it.
    pub got: String,
}

/// Why calls could not be given to a parser.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The program can't be run, or does not end.
    #[error(transparent)]
    Run(#[from] CaptureError),
    /// It ended without having used the parser that describes it.
    #[error("the parser that describes it was not met ({how}){tail}")]
    NotMet {
        /// How the program ended.
        how: String,
        /// The end of what it wrote to standard error, after a colon, or nothing.
        tail: String,
    },
    /// Files could not be exchanged with the passenger.
    #[error("the passenger can't be asked: {0}")]
    Exchange(String),
}

impl Capturer {
    /// Gives calls to a program's parser. `Answer::leaves` lacks the commands that the parser does not have.
    pub async fn prove(&self, program: &Program, request: &Request) -> Result<Answer, ProofError> {
        let exchange = |error: std::io::Error| ProofError::Exchange(error.to_string());
        let Some(output) = self.output_file() else {
            return Err(ProofError::Exchange("live descriptions are off".into()));
        };
        let asked = output.with_extension("calls");
        fs::write(&asked, serde_json::to_vec(request).map_err(|e| exchange(e.into()))?).map_err(exchange)?;
        let calls: usize = request.leaves.iter().map(|leaf| leaf.calls.len()).sum();
        let spec = self.proving(program, &request.words, (&asked, &output), calls);
        let finished = self.run_bounded(program, &spec).await?;
        let answer = read(&output);
        // Left behind, they go with the directory.
        let _ = (fs::remove_file(&asked), fs::remove_file(&output));
        match answer.map_err(ProofError::Exchange)? {
            Some(answer) => Ok(answer),
            None if finished.end == End::TimedOut => {
                Err(CaptureError::TimedOut(spec.timeout.unwrap_or_default()).into())
            }
            None => {
                let (how, tail) = (capture::how(finished.end), capture::tail(&finished.stderr));
                Err(ProofError::NotMet { how, tail })
            }
        }
    }

    fn proving(&self, program: &Program, words: &[String], files: (&Path, &Path), calls: usize) -> Spec {
        let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        let mut spec = self.spec(program, &words, Some(files.1));
        spec.set.push((OsString::from(live::REQUEST_VARIABLE), files.0.into()));
        let more = CALL_TIME.saturating_mul(u32::try_from(calls).unwrap_or(u32::MAX));
        spec.timeout = spec.timeout.map(|timeout| timeout.saturating_add(more));
        spec
    }
}

/// What the passenger wrote; `None` where it wrote nothing.
fn read(path: &Path) -> Result<Option<Answer>, String> {
    match files::read(path, ANSWER_CAP) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("its answer: {error}")),
        Ok(json) => serde_json::from_slice(&json).map(Some).map_err(|error| format!("its answer: {error}")),
    }
}
