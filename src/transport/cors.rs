//! Which pages of other sites may read answers: those of the origins that the operator allows, and no other
//! (<https://fetch.spec.whatwg.org/#http-cors-protocol>).

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

/// What our routes take.
const METHODS: &str = "GET, POST, DELETE";

/// The headers of requests that we read.
const TAKEN: &str = "accept, authorization, content-type, mcp-method, mcp-name, mcp-protocol-version, \
    mcp-session-id, x-api-key";

/// The headers of answers that a client needs beside those that every page may read.
const READABLE: &str = "mcp-session-id";

/// Seconds for which a browser need not ask again; none keeps it for longer.
const KEPT: &str = "7200";

/// The origins that are allowed, as browsers send them.
#[derive(Debug)]
pub(super) struct Cors(Vec<String>);

impl Cors {
    pub(super) fn new(origins: &[String]) -> Cors {
        Cors(origins.to_owned())
    }

    pub(super) fn allows(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }

    /// The origin that a request comes from, where it is an allowed one.
    pub(super) fn origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut all = headers.get_all(header::ORIGIN);
        let (Some(origin), None) = (all.next(), all.next()) else { return None };
        origin.to_str().is_ok_and(|origin| self.allows(origin)).then(|| origin.clone())
    }

    /// Whether a browser asks for an allowed page what it may send. It sends no key with that.
    pub(super) fn is_preflight(&self, method: &Method, headers: &HeaderMap) -> bool {
        *method == Method::OPTIONS
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
            && self.origin(headers).is_some()
    }

    /// Lets the page at `origin` read an answer.
    pub(super) fn mark(&self, answer: &mut HeaderMap, origin: Option<HeaderValue>) {
        if self.0.is_empty() {
            return;
        }
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(READABLE));
        }
    }
}

/// What pages may send.
pub(super) fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, TAKEN))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, KEPT))
        .finish()
}
