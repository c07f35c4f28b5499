//! Questions to the client of a legacy session: requests of ours on the call's own stream, or on the session's.

use std::time::Duration;

use futures_util::future;
use serde_json::{Map, Value, json};

use super::pending::Open;
use crate::mcp::message::{RpcError, notification};
use crate::mcp::session::{Out, Outgoing, Session};
use crate::mcp::{Context, Server};
use crate::outcome::{CallResult, failure};

/// How long a user may take to answer. Meanwhile nothing runs; what waits is a task and an open stream.
pub(super) const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// How long a session may be without a stream while a question is open: a client that lost its stream opens another.
const RECONNECT: Duration = Duration::from_secs(5);

/// Asks and waits for all answers. An error is what the caller is told: nobody could be asked, or no answer came.
pub(super) async fn ask(
    server: &Server,
    context: &Context,
    requests: &Map<String, Value>,
) -> Result<Map<String, Value>, CallResult> {
    let session = context.session.as_ref();
    let unreachable = || {
        failure(
            "input_unavailable",
            "the command asks for input, and the client has no stream to be asked on",
        )
    };
    let session = session.ok_or_else(unreachable)?;
    let own = context.outgoing.leads_somewhere().then(|| context.outgoing.clone());
    let stream = own.clone().or_else(|| session.outgoing()).ok_or_else(unreachable)?;
    let mut open: Vec<Open> = requests.values().map(|_| session.pending().open()).collect();

    let asking = async {
        for (question, request) in open.iter().zip(requests.values()) {
            stream.send(Out::Request(message(question, request))).await;
        }
        future::join_all(open.iter_mut().map(Open::answer)).await
    };
    let answers = tokio::select! {
        biased;
        answers = asking => Ok(answers),
        () = context.cancel.cancelled() => Err(failure("cancelled", "the call was cancelled")),
        () = server.shutdown().cancelled() => Err(failure("cancelled", "the server is stopping")),
        () = session.winding_down().cancelled() => Err(failure("cancelled", "the session is ending")),
        () = gone(session, stream.clone(), own.is_none()) => Err(failure("cancelled", "the client went away before it answered")),
        () = tokio::time::sleep(PATIENCE) => {
            let message = format!("no answer came within {} minutes", PATIENCE.as_secs() / 60);
            Err(failure("timeout", &message))
        }
    };
    match answers {
        Ok(answers) => results(requests, answers),
        Err(failed) => {
            withdraw(&stream, &open, &failed);
            Err(failed)
        }
    }
}

/// Waits until nobody reads the stream any more, or, where it is the session's, none that took its place.
async fn gone(session: &Session, mut stream: Outgoing, is_sessions: bool) {
    loop {
        stream.closed().await;
        if !is_sessions {
            return;
        }
        tokio::time::sleep(RECONNECT).await;
        match session.outgoing() {
            Some(next) if !next.is_closed() => stream = next,
            _ => return,
        }
    }
}

fn message(question: &Open, request: &Value) -> Value {
    let mut message = json!({"jsonrpc": "2.0", "id": Value::from(&question.id), "method": request["method"]});
    if let Some(params) = request.get("params") {
        message["params"] = params.clone();
        if params["mode"] == "url" && params.get("elicitationId").is_none() {
            // 2025-11-25 wants one, later revisions none.
            message["params"]["elicitationId"] = uuid::Uuid::new_v4().to_string().into();
        }
    }
    message
}

/// Tells the client which questions need no answer any more.
fn withdraw(stream: &Outgoing, open: &[Open], failed: &CallResult) {
    let reason = failed.content.first().map_or(&Value::Null, |block| &block["text"]);
    for question in open.iter().filter(|question| question.is_open()) {
        let params = json!({"requestId": Value::from(&question.id), "reason": reason});
        stream.notify(notification("notifications/cancelled", params));
    }
}

fn results(
    requests: &Map<String, Value>,
    answers: Vec<Result<Value, RpcError>>,
) -> Result<Map<String, Value>, CallResult> {
    let answered = requests.keys().cloned().zip(answers);
    answered
        .map(|(key, answer)| match answer {
            Ok(result) => Ok((key, result)),
            Err(error) => {
                let said = format!("the client did not answer `{key}`: {} ({})", error.message, error.code);
                Err(failure("input_unavailable", &said))
            }
        })
        .collect()
}
