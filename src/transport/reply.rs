//! What every HTTP answer is made of: refusals with a reason, one JSON body, or a stream of events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType, HeaderName};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder};
use actix_web_lab::sse::{self, Sse};
use futures_util::Stream;
use serde_json::json;
use tokio::sync::mpsc;

use crate::mcp::era::Revision;
use crate::mcp::fit;
use crate::mcp::message::{Response, RpcError};
use crate::mcp::outgoing::Out;

/// A comment is sent after so long without a message, so that proxies keep the stream and a peer that vanished
/// without a word is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A request that takes longer is answered by a stream where the client can take one, for the same reason.
const JSON_PATIENCE: Duration = Duration::from_secs(10);

/// Tells nginx and its kind not to hold events back.
const NO_BUFFERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// Why a request is not served. The body is a JSON-RPC error, which is what most who ask can read.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    reason: &'static str,
    message: String,
    /// Seconds after which another try makes sense.
    retry_after: Option<u64>,
}

impl Refusal {
    /// `reason` is a stable snake-case name, `message` says what would help.
    pub(super) fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, reason, message: message.into(), retry_after: None }
    }

    pub(super) fn too_large(limit: usize) -> Refusal {
        let message = format!("a body has at most {limit} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    }

    pub(super) fn unknown_session() -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, "unknown_session", "there is no such session, or it has ended")
    }

    pub(super) fn unavailable(reason: &'static str, message: impl Into<String>) -> Refusal {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason, message);
        Refusal { retry_after: Some(1), ..refusal }
    }

    pub(super) fn too_many(seconds: u64) -> Refusal {
        let message = format!("too many requests; there is room for the next one in {seconds} s");
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message);
        Refusal { retry_after: Some(seconds), ..refusal }
    }

    pub(super) fn reason(&self) -> &'static str {
        self.reason
    }

    pub(super) fn response(&self) -> HttpResponse {
        let error = RpcError::new(RpcError::INVALID_REQUEST, self.message.clone());
        let response = Response { id: None, outcome: Err(error.with(json!({"reason": self.reason}))) };
        let mut builder = HttpResponse::build(self.status);
        match self.status {
            StatusCode::UNAUTHORIZED => builder.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::METHOD_NOT_ALLOWED if self.reason == "no_sessions" => {
                builder.insert_header((header::ALLOW, "POST"))
            }
            _ => &mut builder,
        };
        if let Some(seconds) = self.retry_after {
            builder.insert_header((header::RETRY_AFTER, seconds));
        }
        json(&mut builder, response.encode())
    }
}

/// An answer that is known, as the whole body.
pub(super) fn rpc(status: StatusCode, response: &Response) -> HttpResponse {
    let mut builder = HttpResponse::build(status);
    match response.pieces() {
        (whole, None) => json(&mut builder, whole),
        (head, Some(rest)) => {
            builder.content_type(ContentType::json()).body(Pieces::of([head.into(), Bytes::from_owner(rest)]))
        }
    }
}

/// A body in two pieces, so that what many answers share is not copied for each.
struct Pieces {
    size: u64,
    left: std::array::IntoIter<Bytes, 2>,
}

impl Pieces {
    fn of(pieces: [Bytes; 2]) -> Pieces {
        Pieces { size: pieces.iter().map(|piece| piece.len() as u64).sum(), left: pieces.into_iter() }
    }
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.size)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.left.next().map(Ok))
    }
}

/// The answers to a batch, as the whole body.
pub(super) fn all(status: StatusCode, answers: &[Response]) -> HttpResponse {
    let answers: Vec<String> = answers.iter().map(Response::encode).collect();
    json(&mut HttpResponse::build(status), format!("[{}]", answers.join(",")))
}

fn json(builder: &mut HttpResponseBuilder, body: String) -> HttpResponse {
    builder.content_type(ContentType::json()).body(body)
}

/// Taken, with nothing to say.
pub(super) fn accepted() -> HttpResponse {
    HttpResponse::Accepted().finish()
}

/// Which forms of answer a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accept {
    pub(super) json: bool,
    pub(super) events: bool,
}

impl Accept {
    /// One JSON body and nothing else.
    pub(super) const JSON: Accept = Accept { json: true, events: false };

    /// A client that does not say takes JSON; a wildcard is no wish for a stream.
    pub(super) fn of(request: &HttpRequest) -> Accept {
        let mut values = request.headers().get_all(header::ACCEPT).peekable();
        if values.peek().is_none() {
            return Accept::JSON;
        }
        let mut accept = Accept { json: false, events: false };
        for kind in values.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')) {
            match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
                "application/json" | "application/*" | "*/*" => accept.json = true,
                "text/event-stream" => accept.events = true,
                _ => {}
            }
        }
        accept
    }
}

/// Requests that came in one body and run now.
pub(super) struct Exchange {
    /// Answers that were known at once: to what could not even begin.
    pub(super) refused: Vec<Response>,
    /// Everything that is sent about them; ends when all have ended.
    pub(super) messages: mpsc::Receiver<Out>,
    /// Whether they came as a batch.
    pub(super) batch: bool,
    /// What they are answered in.
    pub(super) revision: Revision,
}

impl Exchange {
    /// Waits for the answers: one JSON body where they are all there is to say and they come soon, a stream
    /// otherwise. `held` is dropped when the client goes away or has everything.
    pub(super) async fn respond(
        mut self,
        request: &HttpRequest,
        accept: Accept,
        held: impl Send + 'static,
    ) -> HttpResponse {
        let mut answers = std::mem::take(&mut self.refused);
        let patience = tokio::time::sleep(JSON_PATIENCE);
        tokio::pin!(patience);
        let (ended, told) = loop {
            tokio::select! {
                biased;
                message = self.messages.recv() => match message {
                    None => break (true, None),
                    Some(Out::Answer(answer)) => answers.push(answer),
                    Some(told) if accept.events => break (false, Some(told)),
                    Some(_) => {}
                },
                () = &mut patience, if accept.events => break (false, None),
            }
        };
        if ended && (accept.json || answers.is_empty()) {
            return self.whole(answers);
        }
        let first: VecDeque<Out> = answers.into_iter().map(Out::Answer).chain(told).collect();
        events(request, told_in_order(first, self.messages, held))
    }

    fn whole(&self, mut answers: Vec<Response>) -> HttpResponse {
        if answers.is_empty() {
            // All were cancelled: nothing may be said about them.
            return accepted();
        }
        if self.batch {
            return all(StatusCode::OK, &answers);
        }
        let answer = answers.swap_remove(0);
        rpc(status(&answer, self.revision), &answer)
    }
}

/// The status of an answer that is the whole body.
pub(super) fn status(answer: &Response, revision: Revision) -> StatusCode {
    let code = answer.outcome.as_ref().err().map(|e| e.code);
    match code {
        Some(RpcError::METHOD_NOT_FOUND) if revision.is_modern() => StatusCode::NOT_FOUND,
        Some(RpcError::MISSING_CAPABILITY) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

fn told_in_order(
    first: VecDeque<Out>,
    rest: mpsc::Receiver<Out>,
    held: impl Send + 'static,
) -> impl Stream<Item = sse::Event> + 'static {
    futures_util::stream::unfold((first, rest, held), |(mut first, mut rest, held)| async move {
        loop {
            let next = match first.pop_front() {
                Some(out) => out,
                None => rest.recv().await?,
            };
            if let Some(event) = event(&next) {
                return Some((event, (first, rest, held)));
            }
        }
    })
}

/// A message as an event; `None` for one that is not sent, since it is too large and can't be made smaller.
pub(super) fn event(message: &Out) -> Option<sse::Event> {
    let data = fit::encoded(message, fit::EVENT_LIMIT);
    if data.is_none() {
        log::warn!("a message that is over what an event of a stream holds was not sent");
    }
    Some(sse::Data::new(data?).event("message").into())
}

/// A stream of events as a response.
pub(super) fn events(
    request: &HttpRequest,
    stream: impl Stream<Item = sse::Event> + 'static,
) -> HttpResponse {
    let sse = Sse::from_infallible_stream(stream).with_keep_alive(KEEP_ALIVE);
    sse.customize().insert_header(NO_BUFFERING).respond_to(request).map_into_boxed_body()
}
