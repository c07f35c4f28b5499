//! `POST /messages/`: with a session, the way in of the older HTTP transport, whose answers go to the session's
//! stream; without one, a shortcut for programs that only want an answer: JSON-RPC over plain HTTP.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::reply::{self, Accept, Exchange, Refusal};
use super::streamable::{bad_request, check_single, stated_revision};
use super::{App, Body};
use crate::mcp::access::Access;
use crate::mcp::era::{self, Revision};
use crate::mcp::message::{self, Fault, Incoming, Message, Response, RpcError};
use crate::mcp::outgoing::Outgoing;
use crate::mcp::session::Session;
use crate::mcp::{Context, dispatch};

#[derive(Deserialize)]
struct Query {
    session_id: Option<String>,
}

pub(super) async fn post(request: HttpRequest, app: web::Data<App>, body: Body) -> HttpResponse {
    let (access, body) = match app.take(&request, body) {
        Ok(read) => read,
        Err(refusal) => return refusal.response(),
    };
    if let Err(fault) = check_single(&request) {
        return bad_request(fault);
    }
    let Ok(Query { session_id }) = web::Query::from_query(request.query_string()).map(web::Query::into_inner)
    else {
        let message = "the query is to be `session_id=ID`, once, or empty";
        return Refusal::new(StatusCode::BAD_REQUEST, "bad_query", message).response();
    };
    match session_id {
        Some(id) => with_session(&app, &access, &id, &body),
        None => bare(&request, &app, &access, &body).await,
    }
}

fn with_session(app: &App, access: &Access, id: &str, body: &[u8]) -> HttpResponse {
    let Some((session, outgoing)) = app.sse.get(id, access).and_then(|s| s.outgoing().map(|o| (s, o))) else {
        return Refusal::unknown_session().response();
    };
    let (messages, batch) = match read(body, session.revision()) {
        Ok(read) => read,
        Err(fault) => return bad_request(fault),
    };
    let refused = begin_all(app, &session, messages, &outgoing, &outgoing);
    let Some(first) = refused.first() else {
        return reply::accepted();
    };
    let busy = first.outcome.as_ref().is_err_and(|e| e.code == RpcError::INTERNAL);
    let status = if busy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_REQUEST };
    if batch { reply::all(status, &refused) } else { reply::rpc(status, first) }
}

async fn bare(request: &HttpRequest, app: &App, access: &Access, body: &[u8]) -> HttpResponse {
    let revision = match stated_revision(request) {
        Ok(revision) => revision.unwrap_or(Revision::NEWEST_LEGACY),
        Err(refusal) => return refusal.response(),
    };
    let (messages, batch) = match read(body, revision) {
        Ok(read) => read,
        Err(fault) => return bad_request(fault),
    };
    let (answers, receiver) = Outgoing::channel();
    let cancel = CancellationToken::new();
    let mut refused = Vec::new();
    for message in messages {
        match message {
            Ok(Message::Request(request)) => {
                let (access, cancel) = (access.clone(), cancel.child_token());
                let context = Context::alone(access, revision, None, Outgoing::none(), cancel);
                app.server.begin(context, request, answers.clone(), ());
            }
            Ok(Message::Notification(told)) => dispatch::notification(None, &told),
            // Nobody was asked: there is no session.
            Ok(Message::Response { .. }) => {}
            Err(fault) => refused.push(fault.response()),
        }
    }
    drop(answers);
    let exchange = Exchange { refused, messages: receiver, batch, revision };
    exchange.respond(request, Accept::JSON, cancel.drop_guard()).await
}

/// The messages of a body, and whether they are a batch, which only one revision has.
pub(super) fn read(body: &[u8], revision: Revision) -> Result<(Vec<Result<Message, Fault>>, bool), Fault> {
    match message::parse(body)? {
        Incoming::One(message) => Ok((vec![Ok(message)], false)),
        Incoming::Batch(messages) => Ok((era::batch(messages, revision)?, true)),
    }
}

/// Takes messages of a session; answers go to `answers`, what is told and asked meanwhile to `told`. The answers to
/// requests that can't run are returned.
pub(super) fn begin_all(
    app: &App,
    session: &Arc<Session>,
    messages: Vec<Result<Message, Fault>>,
    answers: &Outgoing,
    told: &Outgoing,
) -> Vec<Response> {
    let begun = messages.into_iter().map(|message| begin(app, session, message, answers, told));
    begun.filter_map(Result::err).collect()
}

fn begin(
    app: &App,
    session: &Arc<Session>,
    message: Result<Message, Fault>,
    answers: &Outgoing,
    told: &Outgoing,
) -> Result<(), Response> {
    match message.map_err(Fault::response)? {
        Message::Request(request) => {
            let running = session
                .begin(&request.id)
                .map_err(|error| Response { id: Some(request.id.clone()), outcome: Err(error) })?;
            let cancel = running.token().clone();
            let context = Context::of_session(session, told.clone(), cancel);
            app.server.begin(context, request, answers.clone(), running);
        }
        Message::Notification(told) => dispatch::notification(Some(session), &told),
        Message::Response { id, outcome } => session.answered(&id, outcome),
    }
    Ok(())
}
