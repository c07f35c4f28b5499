//! `GET /health`: the `health` tool's report for those who don't speak MCP.

use actix_web::{HttpResponse, web};

use super::App;
use crate::mcp::health;

pub(super) async fn get(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().json(health::report(&app.server))
}
