//! How a call ended → what MCP says of it. Stub, being written.

use serde_json::Value;

use crate::process::{Finished, SpawnError};

/// The result of a tool call, in the newest revision's terms; the session layer takes away what older ones don't know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallResult {
    /// MCP content blocks, as they go on the wire.
    pub content: Vec<Value>,
    /// `structuredContent`: an object.
    pub structured: Option<Value>,
    /// `isError`
    pub is_error: bool,
}

/// An error result with one of the codes `invalid_tool_name`, `plugin_not_found`, `plugin_error`, `timeout`,
/// `cancelled`, `busy`, `invalid_arguments`, `internal_error`: the message as text, and
/// `structuredContent.error{code, message}`.
pub fn failure(code: &str, message: &str) -> CallResult {
    let _ = (code, message);
    CallResult::default()
}

/// The result of a process that was run for a call.
pub fn result(ran: &Result<Finished, SpawnError>) -> CallResult {
    let _ = ran;
    CallResult::default()
}
