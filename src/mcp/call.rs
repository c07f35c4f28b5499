//! `tools/call`: finds the tool, and runs it to an answer or a question.

use serde_json::{Map, Value, json};

use super::asking::{self, Reached};
use super::era::Revision;
use super::message::{Params, RpcError};
use super::running::Teller;
use super::{Context, Server, governor, health, tools};
use crate::argv::ArgvError;
use crate::outcome::{CallResult, failure};

/// Bad arguments that are told one by one; more than a person or a model reads are counted.
const TOLD: usize = 20;

/// Runs a tool. A tool that is not there and, in older revisions, arguments that it does not take are errors of the
/// protocol; all else is a result, or asks for input.
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
    let settled =
        |outcome: Result<CallResult, _>| outcome.map_or_else(Reached::BadArguments, Reached::Result);
    let own = if name == governor::NAME { governor::call(server, context, arguments) } else { None };
    let reached = if let Some(outcome) = own {
        settled(outcome)
    } else if name == health::NAME {
        settled(health::call(server, &snapshot, arguments))
    } else if let Some(tool) = snapshot.find(name) {
        let token = params.get("_meta").and_then(|m| m.get("progressToken"));
        let mut teller = Teller::of(context, token.filter(|t| t.is_string() || t.is_number()), tool);
        let request = ("tools/call", params);
        let reached = asking::answer(server, context, tool, arguments, request, &mut teller).await?;
        if tool.tool.reload && matches!(&reached, Reached::Result(result) if !result.is_error) {
            reload(server, context).await;
        }
        reached
    } else {
        return Err(governor::unknown(server, context, name));
    };
    let result = match reached {
        Reached::Result(result) => result,
        Reached::BadArguments(errors) => bad_arguments(&errors, context.revision)?,
        Reached::InputRequired(asked) => return Ok(asked),
    };
    Ok(tools::result(result, context.revision))
}

/// Looks at all plugins again, so that the answer finds the tools as they are then.
async fn reload(server: &Server, context: &Context) {
    tokio::select! {
        () = server.backend.reload() => {}
        () = context.cancel.cancelled() => {}
        () = server.shutdown().cancelled() => {}
    }
}

fn bad_arguments(errors: &[ArgvError], revision: Revision) -> Result<CallResult, RpcError> {
    let told = &errors[..errors.len().min(TOLD)];
    let rest = errors.len() - told.len();
    let rest = (rest > 0).then(|| format!("and {rest} more"));
    let message = told.iter().map(ToString::to_string).chain(rest).collect::<Vec<_>>().join("; ");
    if revision.bad_arguments_are_results() {
        return Ok(failure("invalid_arguments", &message));
    }
    let details: Vec<Value> =
        told.iter().map(|e| json!({"argument": e.argument, "reason": e.reason})).collect();
    Err(RpcError::params(message).with(json!({"code": "invalid_arguments", "arguments": details})))
}
