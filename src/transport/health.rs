//! `GET /health`: whether new requests should come, and the `health` tool's report for those who don't speak MCP.
//! `GET /health/live`: whether it lives at all.

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde_json::json;

use super::App;
use super::guard::Passed;
use crate::mcp::health;

/// Ready until the server is to stop; with details for those who may know them.
pub(super) async fn get(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let access = match app.access(&request) {
        Ok(access) => access,
        Err(refusal) => return refusal.response(),
    };
    let is_stranger = request.extensions().get::<Passed>().is_none_or(|passed| passed.is_stranger);
    let mut report = if is_stranger {
        json!({"status": "healthy"})
    } else {
        health::report(&app.server, &app.server.shown(&access))
    };
    if app.server.is_leaving() {
        report["status"] = "stopping".into();
        return HttpResponse::ServiceUnavailable().json(report);
    }
    HttpResponse::Ok().json(report)
}

/// Whoever reads this has been answered, so it says always the same.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "alive"}))
}
