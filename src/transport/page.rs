//! The page for people, and the read-only data that it shows beside what it gets by MCP.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web as http};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::reply::Refusal;
use super::{App, Body};
use crate::mcp::{Server, health};
use crate::registry::Snapshot;
use crate::web;

/// Keeps other sites from loading what is ours, even where it needs no key.
const SAME_ORIGIN: (HeaderName, &str) =
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin");

/// A file of the page.
pub(super) async fn file(request: HttpRequest) -> HttpResponse {
    let asset = web::asset(request.path()).expect("only the paths of files lead here");
    HttpResponse::Ok()
        .content_type(asset.kind)
        .insert_header((CONTENT_SECURITY_POLICY, web::CONTENT_SECURITY_POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header(SAME_ORIGIN)
        .body(asset.text)
}

/// `GET /inspect/plugins`: every plugin with its state, tools and diagnostics.
pub(super) async fn plugins(request: HttpRequest, app: http::Data<App>) -> HttpResponse {
    let shown = shown(&app, &request);
    blocking(app, move |server| json(&web::plugins(&*shown?, |plugin| server.pages(plugin)))).await
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// `GET /inspect/tool?name=…`: the tool beside the help pages that it came from.
pub(super) async fn tool(request: HttpRequest, app: http::Data<App>) -> HttpResponse {
    let Ok(Named { name }) = http::Query::from_query(request.query_string()).map(http::Query::into_inner)
    else {
        let message = "`name` is missing: `/inspect/tool?name=TOOL`";
        return Refusal::new(StatusCode::BAD_REQUEST, "missing_name", message).response();
    };
    let shown = shown(&app, &request);
    blocking(app, move |server| {
        let snapshot = shown?;
        let served = snapshot.find(&name).ok_or_else(|| unknown_tool(&name))?;
        json(&web::tool(&snapshot, served, server.pages(&served.plugin.name).as_ref()))
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

/// `POST /inspect/argv`: the command line of a call, without running it.
pub(super) async fn argv(request: HttpRequest, app: http::Data<App>, body: Body) -> HttpResponse {
    let answer = || {
        let Asked { name, arguments } = serde_json::from_slice(&app.read(body)?).map_err(|error| {
            let message = format!("the body is no `{{\"name\": …, \"arguments\": {{…}}}}`: {error}");
            Refusal::new(StatusCode::BAD_REQUEST, "bad_body", message)
        })?;
        let snapshot = shown(&app, &request)?;
        json(&web::argv(snapshot.find(&name).ok_or_else(|| unknown_tool(&name))?, &arguments))
    };
    respond(answer())
}

/// `GET /inspect/calls`: the last calls, without arguments and results, how the server stands, and the generation of
/// what is served.
pub(super) async fn calls(request: HttpRequest, app: http::Data<App>) -> HttpResponse {
    let answer = || {
        let access = app.access(&request)?;
        let snapshot = app.server.shown(&access);
        let sees_all = access.profile().is_none_or(|profile| profile.is_full());
        let mut calls = app.server.recent();
        calls.retain(|call| sees_all || snapshot.find(&call.tool).is_some());
        json(&json!({
            "generation": snapshot.generation,
            "health": health::report(&app.server, &snapshot),
            "calls": calls,
        }))
    };
    respond(answer())
}

/// What of all that is served who asks may see.
fn shown(app: &App, request: &HttpRequest) -> Result<Arc<Snapshot>, Refusal> {
    Ok(app.server.shown(&app.access(request)?))
}

/// Answers off the threads that serve connections, since help pages are read from files.
async fn blocking(
    app: http::Data<App>,
    answer: impl FnOnce(&Server) -> Result<String, Refusal> + Send + 'static,
) -> HttpResponse {
    let gone = |_| Refusal::unavailable("stopping", "the server is stopping");
    respond(http::block(move || answer(&app.server)).await.map_err(gone).flatten())
}

fn json(value: &impl Serialize) -> Result<String, Refusal> {
    serde_json::to_string(value)
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", error.to_string()))
}

fn respond(answer: Result<String, Refusal>) -> HttpResponse {
    match answer {
        Ok(json) => HttpResponse::Ok()
            .content_type(ContentType::json())
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header(SAME_ORIGIN)
            .body(json),
        Err(refusal) => refusal.response(),
    }
}

fn unknown_tool(name: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "unknown_tool", format!("unknown tool `{name}`"))
}
