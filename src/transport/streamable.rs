//! `/mcp`: streamable HTTP in both eras. What tells them apart is in each message; only legacy clients have
//! sessions, and only for them a dropped connection is no cancellation.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::reply::{self, Accept, Exchange, Refusal};
use super::{App, Body, messages, sse};
use crate::mcp::access::Access;
use crate::mcp::era::{self, Revision};
use crate::mcp::message::{self, Fault, Id, Incoming, Message, Params, Request, RpcError};
use crate::mcp::outgoing::Outgoing;
use crate::mcp::session::Session;
use crate::mcp::{Context, dispatch};

const VERSION: &str = "mcp-protocol-version";
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";

pub(super) async fn post(request: HttpRequest, app: web::Data<App>, body: Body) -> HttpResponse {
    let accept = Accept::of(&request);
    if !accept.json && !accept.events {
        let message = "the answer is `application/json` or `text/event-stream`; `Accept` has neither";
        return Refusal::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message).response();
    }
    let (access, body) = match app.take(&request, body) {
        Ok(read) => read,
        Err(refusal) => return refusal.response(),
    };
    let incoming = match message::parse(&body) {
        Ok(incoming) => incoming,
        Err(fault) => return bad_request(fault),
    };
    if let Err(fault) = check_single(&request) {
        return bad_request(Fault { id: id(&incoming), ..fault });
    }
    let header = header(&request, VERSION);
    match incoming {
        Incoming::Batch(_) if era::is_modern(None, header) => {
            bad_request(era::no_batches(Revision::V2026_07_28))
        }
        Incoming::One(message) if era::is_modern(params(&message), header) => {
            modern(&request, &app, access, message, accept).await
        }
        Incoming::One(Message::Request(asked)) if asked.method == "initialize" => {
            initialize(&request, &app, access, asked, accept).await
        }
        _ => match session(&request, &app) {
            Ok(session) => legacy(&request, &app, &session, &body, accept).await,
            Err(refusal) => refusal.response(),
        },
    }
}

/// The id of a request that stands by itself.
fn id(incoming: &Incoming) -> Option<Id> {
    match incoming {
        Incoming::One(Message::Request(asked)) => Some(asked.id.clone()),
        _ => None,
    }
}

/// The server's own stream of a legacy session. A new one takes the place of one that is still open.
pub(super) async fn get(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    if let Err(fault) = check_single(&request) {
        return bad_request(fault);
    }
    let accepts = || {
        if Accept::of(&request).events {
            return Ok(());
        }
        let message = "the stream is `text/event-stream`, which `Accept` does not name";
        Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message))
    };
    match app.check_running().and_then(|()| accepts()).and_then(|()| session(&request, &app)) {
        Ok(session) => {
            let messages = session.attach();
            let changes = app.server.list_changes(&session);
            let stream = sse::session_stream(session, messages, changes, ());
            reply::events(&request, stream)
        }
        Err(refusal) => refusal.response(),
    }
}

/// Ends a legacy session and all that runs in it.
pub(super) async fn delete(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    if let Err(fault) = check_single(&request) {
        return bad_request(fault);
    }
    match session(&request, &app) {
        Ok(session) => {
            app.streamable.remove(session.id());
            HttpResponse::NoContent().finish()
        }
        Err(refusal) => refusal.response(),
    }
}

/// The legacy revision that the version header states, where there is one.
pub(super) fn stated_revision(request: &HttpRequest) -> Result<Option<Revision>, Refusal> {
    let Some(stated) = request.headers().get(VERSION) else {
        return Ok(None);
    };
    let revision = stated.to_str().ok().and_then(Revision::parse_legacy);
    revision.map(Some).ok_or_else(|| {
        let known = Revision::offered().into_iter().filter(|date| Revision::parse_legacy(date).is_some());
        let known = known.collect::<Vec<_>>().join(", ");
        let message =
            format!("`MCP-Protocol-Version` is none of {known}, which a message without `_meta` can be in");
        Refusal::new(StatusCode::BAD_REQUEST, "unsupported_version", message)
    })
}

/// The session that a request belongs to. The modern era has none, nor what only sessions have.
fn session(request: &HttpRequest, app: &App) -> Result<Arc<Session>, Refusal> {
    if era::is_modern(None, header(request, VERSION)) {
        let message = "this revision has no sessions and no stream of the server's own; there is only POST";
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "no_sessions", message));
    }
    stated_revision(request)?;
    let Some(id) = request.headers().get(SESSION) else {
        let message = "`Mcp-Session-Id` is missing; `initialize` gives one";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "missing_session", message));
    };
    let access = app.access(request)?;
    id.to_str().ok().and_then(|id| app.streamable.get(id, &access)).ok_or_else(Refusal::unknown_session)
}

async fn initialize(
    request: &HttpRequest,
    app: &App,
    access: Access,
    asked: Request,
    accept: Accept,
) -> HttpResponse {
    let session = match app.streamable.open(access, Revision::ASSUMED) {
        Ok(session) => session,
        Err(error) => return Refusal::unavailable("too_many_sessions", error.to_string()).response(),
    };
    let (_, messages) = Outgoing::channel();
    let context = Context::of_session(&session, Outgoing::none(), session.closed().clone());
    let Some(answer) = app.server.answer(&context, asked).await else {
        return Refusal::unknown_session().response();
    };
    if answer.outcome.is_err() {
        app.streamable.remove(session.id());
        return reply::rpc(StatusCode::OK, &answer);
    }
    let exchange = Exchange { refused: vec![answer], messages, batch: false, revision: session.revision() };
    let mut response = exchange.respond(request, accept, ()).await;
    if let Ok(id) = HeaderValue::from_str(session.id()) {
        response.headers_mut().insert(SESSION, id);
    }
    response
}

async fn legacy(
    request: &HttpRequest,
    app: &App,
    session: &Arc<Session>,
    body: &[u8],
    accept: Accept,
) -> HttpResponse {
    let revision = session.revision();
    let (incoming, batch) = match messages::read(body, revision) {
        Ok(read) => read,
        Err(fault) => return bad_request(fault),
    };
    let (outgoing, messages) = Outgoing::channel();
    // A client that takes no stream here may have one of the session's.
    let told = if accept.events { outgoing.clone() } else { Outgoing::none() };
    let refused = messages::begin_all(app, session, incoming, &outgoing, &told);
    drop((outgoing, told));
    Exchange { refused, messages, batch, revision }.respond(request, accept, ()).await
}

async fn modern(
    request: &HttpRequest,
    app: &App,
    access: Access,
    message: Message,
    accept: Accept,
) -> HttpResponse {
    let asked = match message {
        Message::Request(asked) => asked,
        Message::Notification(told) => {
            dispatch::notification(None, &told);
            return reply::accepted();
        }
        Message::Response { .. } => return reply::accepted(),
    };
    let check = || {
        if let Some(version) = era::named(&asked.params) {
            check_header(request, VERSION, Some(version))?;
        }
        let meta = era::modern_meta(&asked.params)?;
        check_headers(request, &asked)?;
        Ok((era::modern_revision(&meta.version)?, meta))
    };
    let checked = check();
    let (revision, meta) = match checked {
        Ok(checked) => checked,
        Err(error) => return bad_request(Fault { id: Some(asked.id), error }),
    };
    let cancel = CancellationToken::new();
    let mut context =
        Context::alone(access, revision, None, Outgoing::none(), cancel.clone()).modern(revision, &meta);
    if accept.json
        && let Some(answer) = app.server.at_once(&context, &asked)
    {
        return reply::rpc(reply::status(&answer, revision), &answer);
    }
    let (outgoing, messages) = Outgoing::channel();
    if accept.events {
        context.outgoing = outgoing.clone();
    }
    app.server.begin(context, asked, outgoing, ());
    let exchange = Exchange { refused: Vec::new(), messages, batch: false, revision };
    exchange.respond(request, accept, cancel.drop_guard()).await
}

/// None of the protocol's headers says two things: what stands between may have read the other one.
pub(super) fn check_single(request: &HttpRequest) -> Result<(), Fault> {
    for name in [VERSION, SESSION.as_str(), METHOD, NAME] {
        let mut values = request.headers().get_all(name);
        let first = values.next();
        if values.any(|value| Some(value) != first) {
            let error =
                RpcError::new(RpcError::HEADER_MISMATCH, format!("header `{name}` has several values"));
            return Err(Fault { id: None, error: error.with(json!({"header": name})) });
        }
    }
    Ok(())
}

/// The headers of a modern request say the same as its body, so that what stands between can trust them.
fn check_headers(request: &HttpRequest, asked: &Request) -> Result<(), RpcError> {
    check_header(request, METHOD, Some(&asked.method))?;
    let key = match asked.method.as_str() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return Ok(()),
    };
    check_header(request, NAME, asked.params.get(key).and_then(Value::as_str))
}

fn check_header(request: &HttpRequest, name: &str, expected: Option<&str>) -> Result<(), RpcError> {
    let found = header(request, name).map(decoded);
    let problem = match (&found, expected) {
        (None, _) => "is missing",
        (Some(Some(found)), Some(expected)) if found == expected => return Ok(()),
        (Some(None), _) => "is no valid base64 of text",
        (Some(Some(_)), _) => "differs from the body",
    };
    let error = RpcError::new(RpcError::HEADER_MISMATCH, format!("header `{name}` {problem}"));
    Err(error.with(json!({"header": name, "body": expected})))
}

/// A header's value; those that are not plain ASCII come as `=?base64?…?=`.
fn decoded(value: &str) -> Option<String> {
    match value.strip_prefix("=?base64?").and_then(|v| v.strip_suffix("?=")) {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok().map(str::trim)
}

fn params(message: &Message) -> Option<&Params> {
    match message {
        Message::Request(asked) => Some(&asked.params),
        Message::Notification(told) => Some(&told.params),
        Message::Response { .. } => None,
    }
}

pub(super) fn bad_request(fault: Fault) -> HttpResponse {
    reply::rpc(StatusCode::BAD_REQUEST, &fault.response())
}
