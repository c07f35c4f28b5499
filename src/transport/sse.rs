//! `GET /sse`: the stream of the older HTTP transport. The stream is the session: it begins with the address to
//! post to, and when the client closes it, everything that runs for it ends.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_lab::sse;
use futures_util::{StreamExt as _, stream};

use super::App;
use super::reply::{self, Refusal};
use crate::mcp::Changes;
use crate::mcp::era::Revision;
use crate::mcp::outgoing::{Out, Stream};
use crate::mcp::session::Session;

/// Ends the session when the stream is dropped.
struct Ending {
    app: Arc<App>,
    session: Arc<Session>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.app.sse.remove(self.session.id());
    }
}

pub(super) async fn get(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let app = app.into_inner();
    let session = match app.check_running().and_then(|()| open(&app, &request)) {
        Ok(session) => session,
        Err(refusal) => return refusal.response(),
    };
    let messages = session.attach();
    // Posts come under the same profile as the stream.
    let profile = request.match_info().get(super::PROFILE).unwrap_or_default();
    let endpoint = format!("/messages/{profile}?session_id={}", session.id());
    let endpoint = sse::Data::new(endpoint).event("endpoint").into();
    let changes = app.server.list_changes(&session);
    let ending = Ending { app, session: Arc::clone(&session) };
    let stream = session_stream(session, messages, changes, ending);
    reply::events(&request, stream::iter([endpoint]).chain(stream))
}

fn open(app: &App, request: &HttpRequest) -> Result<Arc<Session>, Refusal> {
    app.sse
        .open(app.access(request)?, Revision::NEWEST_LEGACY)
        .map_err(|error| Refusal::unavailable("too_many_sessions", error.to_string()))
}

/// All messages to a session, and word of each list that changes, as events. `held` is dropped with the stream.
pub(super) fn session_stream(
    session: Arc<Session>,
    messages: Stream,
    changes: Changes<'static>,
    held: impl Send + 'static,
) -> impl futures_util::Stream<Item = sse::Event> + 'static {
    stream::unfold(
        (session, messages, changes, held),
        |(session, mut messages, mut changes, held)| async move {
            let event = loop {
                let message = tokio::select! {
                    biased;
                    out = messages.next() => out?,
                    list = changes.next() => if session.is_settled() {
                        Out::Notification(list.changed())
                    } else {
                        continue;
                    },
                };
                if let Some(event) = reply::event(&message) {
                    break event;
                }
            };
            Some((event, (session, messages, changes, held)))
        },
    )
}
