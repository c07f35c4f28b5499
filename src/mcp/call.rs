//! `tools/call`: finds the tool, runs it, and tells of its progress meanwhile.

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::era::Revision;
use super::message::{Params, RpcError, notification};
use super::progress::{self, Meter};
use super::{Context, Server, governor, health, tools};
use crate::argv::ArgvError;
use crate::outcome::{CallResult, failure};
use crate::registry::Served;

/// Lines of standard error that wait to be told; a plugin that writes faster loses some, its run is not held back.
const LINES: usize = 64;

/// Runs a tool. A tool that is not there and, in older revisions, arguments that it does not take are errors of the
/// protocol; all else is a result.
pub(super) async fn run(server: &Server, context: &Context, params: &Params) -> Result<Value, RpcError> {
    let Some(name) = params.get("name").and_then(Value::as_str) else {
        return Err(RpcError::params("`name` is not text"));
    };
    let none = Map::new();
    let arguments = match params.get("arguments") {
        None | Some(Value::Null) => &none,
        Some(Value::Object(arguments)) => arguments,
        Some(_) => return Err(RpcError::params("`arguments` is not an object")),
    };
    let snapshot = server.visible(context);
    let own = if name == governor::NAME { governor::call(server, context, arguments) } else { None };
    let outcome = if let Some(outcome) = own {
        outcome
    } else if name == health::NAME {
        health::call(server, &snapshot, arguments)
    } else if let Some(tool) = snapshot.find(name) {
        let token = params.get("_meta").and_then(|m| m.get("progressToken"));
        watched(server, context, tool, arguments, token.filter(|t| t.is_string() || t.is_number())).await
    } else {
        return Err(governor::unknown(server, context, name));
    };
    let result = match outcome {
        Ok(result) => result,
        Err(errors) => bad_arguments(&errors, context.revision)?,
    };
    Ok(tools::result(result, context.revision))
}

fn bad_arguments(errors: &[ArgvError], revision: Revision) -> Result<CallResult, RpcError> {
    let message = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if revision.bad_arguments_are_results() {
        return Ok(failure("invalid_arguments", &message));
    }
    let details: Vec<Value> =
        errors.iter().map(|e| json!({"argument": e.argument, "reason": e.reason})).collect();
    Err(RpcError::params(message).with(json!({"code": "invalid_arguments", "arguments": details})))
}

/// Runs a call, with its standard error told as progress and log messages where these are asked for. The call ends
/// early when its sender takes it back and when the server stops.
async fn watched(
    server: &Server,
    context: &Context,
    tool: &Served,
    arguments: &Map<String, Value>,
    token: Option<&Value>,
) -> Result<CallResult, Vec<ArgvError>> {
    let stop = context.cancel.child_token();
    let (sender, mut lines) = mpsc::channel(LINES);
    let wanted = token.is_some() || context.log_level.is_some();
    let mut teller = Teller { context, token, logger: &tool.plugin.name, meter: Meter::default() };

    let call = server.backend.call(tool, arguments, &stop, wanted.then_some(sender));
    tokio::pin!(call);
    let outcome = loop {
        tokio::select! {
            biased;
            Some(line) = lines.recv() => teller.tell(&line),
            outcome = &mut call => break outcome,
            () = server.shutdown().cancelled(), if !stop.is_cancelled() => stop.cancel(),
        }
    };
    while let Ok(line) = lines.try_recv() {
        teller.tell(&line);
    }
    outcome
}

struct Teller<'a> {
    context: &'a Context,
    token: Option<&'a Value>,
    logger: &'a str,
    meter: Meter,
}

impl Teller<'_> {
    fn tell(&mut self, line: &str) {
        if self.context.cancel.is_cancelled() {
            return;
        }
        if let Some(token) = self.token
            && let Some(step) = self.meter.read(line)
        {
            let mut params = json!({"progressToken": token, "progress": number(step.progress)});
            if let Some(total) = step.total {
                params["total"] = number(total);
            }
            if self.context.revision.has_annotations() {
                params["message"] = step.message.into();
            }
            self.context.outgoing.notify(notification("notifications/progress", params));
        }
        let level = progress::level(line);
        if self.context.log_level.is_some_and(|least| level >= least) && !line.trim().is_empty() {
            let params = json!({"level": level.as_str(), "logger": self.logger, "data": line});
            self.context.outgoing.notify(notification("notifications/message", params));
        }
    }
}

/// A number without a useless `.0`.
#[allow(
    clippy::cast_possible_truncation,
    reason = "whole and far below 2^53: progress has at most 15 digits"
)]
fn number(n: f64) -> Value {
    if n.fract() == 0.0 { (n as i64).into() } else { n.into() }
}
