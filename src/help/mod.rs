//! Help page → [`Command`]. Stub, being written.

use crate::model::Command;

/// Reads the help page of the command that `path` leads to (empty for the program itself). Total: any text gives a
/// command, and what could not be placed becomes its diagnostics.
pub fn parse(page: &str, path: &[&str]) -> Command {
    let _ = (page, path);
    Command::default()
}
