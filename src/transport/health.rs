//! `GET /health`: whether the server takes requests, and the `health` tool's report for those who don't speak MCP.
//! `GET /health/live`: whether it lives at all.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::App;
use crate::mcp::health;

/// Ready, with details, until the server is to stop.
pub(super) async fn get(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let access = match app.access(&request) {
        Ok(access) => access,
        Err(refusal) => return refusal.response(),
    };
    let mut report = health::report(&app.server, &app.server.shown(&access));
    if app.server.shutdown().is_cancelled() {
        report["status"] = "stopping".into();
        return HttpResponse::ServiceUnavailable().json(report);
    }
    HttpResponse::Ok().json(report)
}

/// Whoever reads this has been answered, so it says always the same.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "alive"}))
}
