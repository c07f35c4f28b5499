//! A tool call's JSON arguments → the words of a command line. Stub, being written.

use serde_json::{Map, Value};

use crate::model::{Command, Tool};

/// Why arguments can't become a command line: nothing was run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("argument `{argument}`: {reason}")]
pub struct ArgvError {
    /// The property, as the caller spelled it.
    pub argument: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// Renders the words that follow the program. `chain` is [`Command::chain`] of the tool's path.
pub fn render(
    chain: &[&Command],
    tool: &Tool,
    arguments: &Map<String, Value>,
) -> Result<Vec<String>, Vec<ArgvError>> {
    let _ = (chain, tool, arguments);
    Ok(Vec::new())
}
