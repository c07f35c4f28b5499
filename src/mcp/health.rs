//! How the server and its plugins stand: the `health` tool, and what `GET /health` answers.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::Server;
use crate::argv::ArgvError;
use crate::model::Tool;
use crate::outcome::CallResult;
use crate::registry::{Snapshot, State};

/// The tool's name; no plugin can have it.
pub const NAME: &str = "health";

static TOOL: LazyLock<Tool> = LazyLock::new(|| Tool {
    name: NAME.into(),
    path: Vec::new(),
    title: Some("Health".into()),
    description:
        "Tells whether the server works, which plugins it serves and how each of them stands, and how many \
        tool calls were made, failed and are running. Takes no arguments and changes nothing."
            .into(),
    input_schema: object(json!({"type": "object", "properties": {}, "additionalProperties": false})),
    annotations: object(json!({
        "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
    })),
    confirm: false,
    reload: false,
    bindings: Vec::new(),
});

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => unreachable!("only object literals are passed"),
    }
}

/// The tool as it is listed.
pub(super) fn tool() -> &'static Tool {
    &TOOL
}

/// Runs the tool.
pub(super) fn call(
    server: &Server,
    snapshot: &Snapshot,
    arguments: &Map<String, Value>,
) -> Result<CallResult, Vec<ArgvError>> {
    if !arguments.is_empty() {
        let reason = || "the tool takes no arguments".to_owned();
        return Err(arguments.keys().map(|k| ArgvError { argument: k.clone(), reason: reason() }).collect());
    }
    let report = report(server, snapshot);
    Ok(CallResult {
        content: vec![json!({"type": "text", "text": report.to_string()})],
        structured: Some(report),
        is_error: false,
    })
}

/// `status`, `plugins`, `plugin_names` (of those that are served), `version`, `uptime_seconds`, `tools`,
/// `plugin_states` and `calls`. Where a plugin is to be kept warm, its state has `warm`: `cold` until its first call,
/// `ready`, or why it can't be. Of plugins and tools it tells those of `snapshot`: what whoever asks can see.
pub fn report(server: &Server, snapshot: &Snapshot) -> Value {
    let counts = server.backend.counts();
    let mut tools: HashMap<&str, usize> = HashMap::new();
    for served in &snapshot.tools {
        *tools.entry(&served.plugin.name).or_default() += 1;
    }
    let states: Vec<Value> = snapshot
        .plugins
        .iter()
        .map(|p| {
            let (state, reason) = p.state.told();
            let count = tools.get(p.name.as_str()).copied().unwrap_or(0);
            let mut out = json!({"name": p.name, "state": state, "tools": count});
            if let Some(reason) = reason {
                out["reason"] = reason.into();
            }
            if let Some(warm) = &p.warm {
                let ready = if warm.is_ready() { "ready" } else { "cold" };
                out["warm"] = warm.refusal().unwrap_or_else(|| ready.to_owned()).into();
            }
            out
        })
        .collect();
    let alive = snapshot.plugins.iter().filter(|p| !matches!(p.state, State::Failed(_)));
    let names: Vec<&str> = alive.map(|p| p.name.as_str()).collect();
    json!({
        "status": "healthy",
        "plugins": names.len(),
        "plugin_names": names,
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": server.started.elapsed().as_secs(),
        "tools": snapshot.tools.len(),
        "plugin_states": states,
        "calls": {"total": counts.calls, "errors": counts.errors, "running": counts.running},
    })
}
