//! `GET /health`: the `health` tool's report for those who don't speak MCP.

use actix_web::{HttpRequest, HttpResponse, web};

use super::App;
use crate::mcp::health;

pub(super) async fn get(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    match app.access(&request) {
        Ok(access) => HttpResponse::Ok().json(health::report(&app.server, &app.server.shown(&access))),
        Err(refusal) => refusal.response(),
    }
}
