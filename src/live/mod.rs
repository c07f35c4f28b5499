//! Live description → [`Command`]. Stub, being written.

use crate::model::Command;

/// The Python source of the passenger: a `sitecustomize` module that writes the parser's description before help prints.
pub const PASSENGER: &str = include_str!("describe.py");

/// The variable that tells the passenger which file to write.
pub const OUTPUT_VARIABLE: &str = "SMCP_DESCRIBE_OUTPUT";

/// Why a live description could not be used.
#[derive(Debug, thiserror::Error)]
#[error("the live description is not usable: {0}")]
pub struct LiveError(pub String);

/// Reads what the passenger wrote: the command tree below the parser that printed help.
pub fn read(json: &[u8]) -> Result<Command, LiveError> {
    let _ = json;
    Err(LiveError("stub".into()))
}

/// Joins what the help page of one command says with what its live parser says. Only this node and the list of its
/// subcommands are merged; the pages of the subcommands are merged one by one by the caller, who passes the
/// matching subcommand of the live tree.
pub fn merge(text: Command, live: Command) -> Command {
    let _ = live;
    text
}
