//! The body of a request → its bytes: whole, bounded in size and in time.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::{Error, FromRequest, HttpRequest, web};

use super::reply::Refusal;

/// So long a client may take to send a body. What it has sent up to then is held in memory, so this bounds what those
/// who stop in the middle can make us hold; the largest body comes in time over a line of 1 Mbit/s.
const PATIENCE: Duration = Duration::from_secs(30);

/// A body, or what kept it from being read.
pub(super) struct Body(Result<web::Bytes, Fault>);

enum Fault {
    Late,
    Broken(Error),
}

impl FromRequest for Body {
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Body, Infallible>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = web::Bytes::from_request(request, payload);
        Box::pin(async {
            Ok(Body(match tokio::time::timeout(PATIENCE, reading).await {
                Ok(read) => read.map_err(Fault::Broken),
                Err(_) => Err(Fault::Late),
            }))
        })
    }
}

impl Body {
    /// Its bytes; `limit` is how many there may be.
    pub(super) fn read(self, limit: usize) -> Result<web::Bytes, Refusal> {
        self.0.map_err(|fault| match fault {
            Fault::Late => {
                let message = format!("the body did not come within {} s", PATIENCE.as_secs());
                Refusal::new(StatusCode::REQUEST_TIMEOUT, "late_body", message)
            }
            Fault::Broken(error) if matches!(error.as_error(), Some(PayloadError::Overflow)) => {
                Refusal::too_large(limit)
            }
            Fault::Broken(error) => {
                let message = format!("the body can't be read: {error}");
                Refusal::new(StatusCode::BAD_REQUEST, "broken_body", message)
            }
        })
    }
}
