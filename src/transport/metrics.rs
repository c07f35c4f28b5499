//! `GET /metrics`: figures for Prometheus and its kind. They tell of all tools, so a key that opens one profile does not
//! open them.

use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};

use super::App;
use super::guard::Passed;
use super::reply::Refusal;
use crate::metrics::{CONTENT_TYPE, Scrape};

pub(super) async fn get(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let profile = request.extensions().get::<Passed>().and_then(|passed| passed.profile.clone());
    if let Some(profile) = profile {
        let message =
            format!("this key opens the profile `{profile}` and no other; metrics tell of all tools");
        return Refusal::new(StatusCode::FORBIDDEN, "foreign_profile", message).response();
    }
    let mut scrape = Scrape::default();
    let sessions = [("sse", app.sse.len()), ("streamable", app.streamable.len())];
    scrape.sizes("sessions", "Sessions that are open, by transport", "transport", sessions);
    app.server.measure(&mut scrape);
    match scrape.text() {
        Ok(text) => HttpResponse::Ok().content_type(CONTENT_TYPE).body(text),
        Err(error) => {
            let message = format!("the figures can't be written: {error}");
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "unwritable", message).response()
        }
    }
}
