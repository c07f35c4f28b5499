//! Questions to the client of a legacy session: requests of ours on the call's own stream, or on the session's.

use std::time::Duration;

use futures_util::future;
use serde_json::{Map, Value, json};

use super::pending::Open;
use crate::mcp::era::Revision;
use crate::mcp::fit::EVENT_LIMIT;
use crate::mcp::message::{RpcError, notification};
use crate::mcp::outgoing::{Out, Outgoing};
use crate::mcp::session::Session;
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
    let unreachable = || {
        failure(
            "input_unavailable",
            "the command asks for input, and the client has no stream to be asked on",
        )
    };
    let session = context.session.as_ref().ok_or_else(unreachable)?;
    let own = context.outgoing.leads_somewhere().then(|| context.outgoing.clone());
    let line = Line { own, session };
    line.now().ok_or_else(unreachable)?;
    let mut open: Vec<Open> = requests.values().map(|_| session.pending().open()).collect();
    let made = open.iter().zip(requests.values());
    let messages: Vec<Value> = made.map(|(open, asked)| message(open, asked, context.revision)).collect();
    if !session.is_stdio() {
        check_sizes(requests, &messages)?;
    }

    let asking = async {
        for message in messages {
            if let Some(stream) = line.now() {
                stream.send(Out::Request(message)).await;
            }
        }
        future::join_all(open.iter_mut().map(Open::answer)).await
    };
    let answers = tokio::select! {
        biased;
        answers = asking => Ok(answers),
        () = context.cancel.cancelled() => Err(failure("cancelled", "the call was cancelled")),
        () = server.shutdown().cancelled() => Err(failure("cancelled", "the server is stopping")),
        () = session.winding_down().cancelled() => Err(failure("cancelled", "the session is ending")),
        () = line.gone() => Err(failure("cancelled", "the client went away before it answered")),
        () = tokio::time::sleep(PATIENCE) => {
            let message = format!("no answer came within {} minutes", PATIENCE.as_secs() / 60);
            Err(failure("timeout", &message))
        }
    };
    match answers {
        Ok(answers) => results(requests, answers),
        Err(failed) => {
            if let Some(stream) = line.now() {
                withdraw(&stream, &open, &failed);
            }
            Err(failed)
        }
    }
}

/// Where a client is asked: on the call's own stream, or on the one that its session has at the time.
struct Line<'a> {
    own: Option<Outgoing>,
    session: &'a Session,
}

impl Line<'_> {
    fn now(&self) -> Option<Outgoing> {
        self.own.clone().or_else(|| self.session.outgoing())
    }

    /// Waits until nobody reads the stream any more, or, where it is the session's, none that took its place.
    async fn gone(&self) {
        loop {
            if let Some(stream) = self.now() {
                stream.closed().await;
            }
            if self.own.is_some() {
                return;
            }
            tokio::time::sleep(RECONNECT).await;
            if self.now().is_none_or(|stream| stream.is_closed()) {
                return;
            }
        }
    }
}

/// A question that a stream of events can't take would never be answered.
fn check_sizes(requests: &Map<String, Value>, messages: &[Value]) -> Result<(), CallResult> {
    let mut sizes = requests.keys().zip(messages).map(|(key, message)| (key, message.to_string().len()));
    let Some((key, size)) = sizes.find(|(_, size)| *size > EVENT_LIMIT) else { return Ok(()) };
    let said =
        format!("the question `{key}` has {size} bytes, and a message to the client holds {EVENT_LIMIT}");
    Err(failure("input_too_large", &said))
}

/// A request as it is sent.
fn message(question: &Open, request: &Value, revision: Revision) -> Value {
    let mut message = json!({"jsonrpc": "2.0", "id": Value::from(&question.id), "method": request["method"]});
    if let Some(params) = request.get("params") {
        message["params"] = params.clone();
        if params["mode"] == "url" && params.get("elicitationId").is_none() {
            // 2025-11-25 wants one, later revisions none.
            message["params"]["elicitationId"] = uuid::Uuid::new_v4().to_string().into();
        }
        if params["mode"] == "form"
            && !revision.has_modes()
            && let Some(params) = message["params"].as_object_mut()
        {
            params.shift_remove("mode");
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
