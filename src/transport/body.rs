//! The body of a request, read within a bound of bytes and a bound of time.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, web};
use futures_util::Stream as _;

use super::reply::Refusal;

/// How long a client may take to send a body: the largest there is by default comes over a slow line within it. A
/// client that sends none would hold its connection for good.
const PATIENCE: Duration = Duration::from_secs(30);

/// A body, or what kept it from being read.
pub(super) struct Body(Result<web::Bytes, Fault>);

enum Fault {
    Unreadable(Error),
    Slow,
}

impl Body {
    /// The bytes; `limit` is what the server was told to take.
    pub(super) fn read(self, limit: usize) -> Result<web::Bytes, Refusal> {
        self.0.map_err(|fault| match fault {
            Fault::Slow => {
                let message = format!("the body did not come within {} s", PATIENCE.as_secs());
                Refusal::new(StatusCode::REQUEST_TIMEOUT, "slow_body", message)
            }
            Fault::Unreadable(error) => match error.as_error::<PayloadError>() {
                Some(PayloadError::Overflow) => Refusal::too_large(limit),
                _ => {
                    let message = format!("the body can't be read: {error}");
                    Refusal::new(StatusCode::BAD_REQUEST, "broken_body", message)
                }
            },
        })
    }
}

impl FromRequest for Body {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Body, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = tokio::time::timeout(PATIENCE, web::Bytes::from_request(request, payload));
        Box::pin(async {
            let read = reading.await.map_err(|_| Fault::Slow);
            Ok(Body(read.and_then(|read| read.map_err(Fault::Unreadable))))
        })
    }
}

/// What nobody reads of a chunked body.
///
/// actix reads it to its end for its own sake, so a client that never comes to the end would hold its connection. Where
/// the body still has a reader when it is answered, actix closes the connection instead: so it keeps one.
pub(super) struct Rest(Option<Rc<RefCell<Payload>>>);

impl Rest {
    /// The body of a request, which can still be read.
    pub(super) fn of(request: &mut ServiceRequest) -> Rest {
        if !request.headers().contains_key(TRANSFER_ENCODING) {
            return Rest(None);
        }
        let kept = Rc::new(RefCell::new(request.take_payload()));
        let read = Rc::clone(&kept);
        let stream = futures_util::stream::poll_fn(move |cx| Pin::new(&mut *read.borrow_mut()).poll_next(cx));
        request.set_payload(Payload::Stream { payload: Box::pin(stream) });
        Rest(Some(kept))
    }

    /// Keeps it until all of the answer is sent.
    pub(super) fn kept_by(self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        match self.0 {
            Some(rest) => response.map_body(|_, body| BoxBody::new(Keeping { body, _rest: rest })),
            None => response,
        }
    }
}

struct Keeping {
    body: BoxBody,
    _rest: Rc<RefCell<Payload>>,
}

impl MessageBody for Keeping {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
