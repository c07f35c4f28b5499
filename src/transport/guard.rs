//! The one layer in front of every route: who may ask, under which name, from which page, with which key, and in
//! which form.
//!
//! Request → passed on, or refused with a reason. It wraps the whole application, so no route can be outside of it.

use std::convert::Infallible;
use std::net::IpAddr;

use actix_web::body::{BodySize, BodyStream, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::uri::Authority;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage as _};
use futures_util::stream;

use super::App;
use super::body::Rest;
use super::cors::{self, Cors};
use super::keys::{Keys, Known, text};
use super::peers::Peers;
use super::rate::Limiter;
use super::reply::Refusal;
use crate::config::Http;
use crate::web;

/// Names by which this machine is called on it or in its containers. Those in `.internal` are a container engine's
/// words for the host; nobody can register them, so no foreign page can come under them.
const LOCAL_NAMES: [&str; 4] =
    ["localhost", "host.docker.internal", "gateway.docker.internal", "host.containers.internal"];

/// Where the page that asks is from, and what for, as browsers say it of requests to this machine
/// (<https://www.w3.org/TR/fetch-metadata/>).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_DESTINATION: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What says without a key whether the server is well, and nothing else: those who look after it (an orchestrator, a
/// proxy) often can't be given one.
const PROBES: [&str; 2] = ["/health", "/health/live"];

/// The rules, made once from the configuration.
#[derive(Debug)]
pub(super) struct Guard {
    peers: Peers,
    allow_external: bool,
    require_auth: bool,
    keys: Keys,
    limiter: Option<Limiter>,
    allowed_hosts: Vec<String>,
    cors: Cors,
    body_limit: usize,
}

/// What is known of a request that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    /// The profile that its key opens alone.
    pub(super) profile: Option<String>,
    /// A key is asked for, and it came without one, for what needs none.
    pub(super) is_stranger: bool,
}

/// What the rules are about.
#[derive(Clone, Copy)]
struct Asked<'a> {
    peer: Option<IpAddr>,
    method: &'a Method,
    path: &'a str,
    /// The authority of the request line, where it has one.
    authority: Option<&'a str>,
    headers: &'a HeaderMap,
}

impl Asked<'_> {
    /// Whether it only wants to know how the server is.
    fn is_probe(&self) -> bool {
        self.only_reads() && PROBES.contains(&self.path) && !Keys::any(self.headers)
    }

    /// Whether it wants one of the page's own files. They say nothing of this server, and a browser that opens an
    /// address has no key to send. The page asks its user for one and sends it with all else that it wants.
    fn is_file(&self) -> bool {
        self.only_reads() && web::asset(self.path).is_some()
    }

    /// `HEAD` is `GET` without the body (RFC 9110, section 9.3.2).
    fn only_reads(&self) -> bool {
        *self.method == Method::GET || *self.method == Method::HEAD
    }
}

impl Guard {
    pub(super) fn new(http: &Http) -> Guard {
        Guard {
            peers: Peers::new(),
            allow_external: http.allow_external,
            require_auth: http.require_auth,
            keys: Keys::new(http),
            limiter: http.rate.map(Limiter::new),
            allowed_hosts: http.allowed_hosts.clone(),
            cors: Cors::new(&http.allowed_origins),
            body_limit: http.body_limit,
        }
    }

    fn check(&self, asked: Asked<'_>) -> Result<Passed, Refusal> {
        self.check_peer(asked.peer)?;
        let key = self.keys.find(asked.headers);
        // Were a probe refused for the sake of others who come from the same proxy, the server would seem to be ill.
        if !asked.is_probe() {
            self.check_rate(asked.peer, key)?;
        }
        // A browser sends the key with what it asks for after this.
        let brings_key = !self.keys.is_empty() && self.is_preflight(asked);
        self.check_host(asked, key.is_some() || brings_key)?;
        self.check_origin(asked)?;
        let is_stranger = !self.may_know(asked.peer, key.is_some());
        let needs_no_key = asked.is_probe() || asked.is_file() || self.is_preflight(asked);
        if is_stranger && !needs_no_key {
            let message = "a key is needed: `Authorization: Bearer KEY` or `X-API-Key: KEY`";
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "missing_key", message));
        }
        self.check_form(asked)?;
        Ok(Passed { profile: key.and_then(|key| key.profile).map(str::to_owned), is_stranger })
    }

    /// Before all that a stranger could try out.
    fn check_rate(&self, peer: Option<IpAddr>, key: Option<Known>) -> Result<(), Refusal> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check(key.map(|key| key.index), peer).map_err(Refusal::too_many)
    }

    fn check_peer(&self, peer: Option<IpAddr>) -> Result<(), Refusal> {
        if self.allow_external || peer.is_some_and(|peer| self.peers.is_near(peer)) {
            return Ok(());
        }
        let message =
            "only this machine and its containers are answered; `--allow-external` opens the server";
        Err(Refusal::new(StatusCode::FORBIDDEN, "foreign_peer", message))
    }

    /// A page that an attacker's name server points at this machine comes under the attacker's name. Who has the key
    /// is no such page, so where others are meant to come, the key stands in for the name.
    fn check_host(&self, asked: Asked<'_>, has_key: bool) -> Result<(), Refusal> {
        if self.allow_external && has_key {
            return Ok(());
        }
        let mut hosts = asked.headers.get_all(header::HOST);
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok().and_then(host_name),
            _ => None,
        };
        let authority_ok =
            asked.authority.is_none_or(|a| host_name(a).is_some_and(|name| self.is_our_name(&name)));
        if host.is_some_and(|name| self.is_our_name(&name)) && authority_ok {
            return Ok(());
        }
        let message = "the `Host` header is not a name of this server; `--allowed-host NAME` adds one";
        Err(Refusal::new(StatusCode::FORBIDDEN, "foreign_host", message))
    }

    /// A page names its origin where it wants to read the answer. What it only loads (an image, a frame) comes without,
    /// but then browsers say that another site's page asks; a link to our own page is there to be followed.
    fn check_origin(&self, asked: Asked<'_>) -> Result<(), Refusal> {
        let ours = |origin: &str| {
            let origin = origin.to_ascii_lowercase();
            let name = origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"))
                .and_then(host_name);
            self.cors.allows(&origin) || name.is_some_and(|name| self.is_our_name(&name))
        };
        let mut origins = asked.headers.get_all(header::ORIGIN).peekable();
        let is_link = || asked.is_file() && text(asked.headers, &FETCH_DESTINATION) == Some("document");
        let loaded =
            origins.peek().is_none() && text(asked.headers, &FETCH_SITE) == Some("cross-site") && !is_link();
        if !loaded && origins.all(|origin| origin.to_str().is_ok_and(ours)) {
            return Ok(());
        }
        let message =
            "a page of another site asks; `--allowed-origin ORIGIN` adds one that names itself by `Origin`";
        Err(Refusal::new(StatusCode::FORBIDDEN, "foreign_origin", message))
    }

    fn is_preflight(&self, asked: Asked<'_>) -> bool {
        self.cors.is_preflight(asked.method, asked.headers)
    }

    /// Whether it has the key, or needs none.
    fn may_know(&self, peer: Option<IpAddr>, has_key: bool) -> bool {
        let is_loopback = peer.is_some_and(|peer| peer.to_canonical().is_loopback());
        self.keys.is_empty() || has_key || (is_loopback && !self.require_auth)
    }

    /// A form on a foreign page can post without asking first, but not as JSON.
    fn check_form(&self, asked: Asked<'_>) -> Result<(), Refusal> {
        if asked.method != Method::POST {
            return Ok(());
        }
        let kind = text(asked.headers, &header::CONTENT_TYPE).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            let message = "a post needs `Content-Type: application/json`";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", message));
        }
        let length = text(asked.headers, &header::CONTENT_LENGTH).and_then(|n| n.parse::<u64>().ok());
        if length.is_some_and(|n| n > self.body_limit as u64) {
            return Err(Refusal::too_large(self.body_limit));
        }
        Ok(())
    }

    fn is_our_name(&self, name: &str) -> bool {
        if LOCAL_NAMES.contains(&name) || self.allowed_hosts.iter().any(|h| h == name) {
            return true;
        }
        name.parse::<IpAddr>().is_ok_and(|address| self.peers.is_own(address))
    }
}

/// The name in `name`, `name:port`, `[v6]` or `[v6]:port`, in small letters; `None` where it is none of these.
fn host_name(authority: &str) -> Option<String> {
    let (name, rest) = match authority.strip_prefix('[') {
        Some(v6) => v6.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port_ok = rest.is_empty() || rest.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok());
    let name = name.strip_suffix('.').unwrap_or(name);
    (port_ok && !name.is_empty()).then(|| name.to_ascii_lowercase())
}

/// The middleware.
pub(super) async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let app = request.app_data::<Data<App>>().expect("the application is made with its state").clone();
    let rest = Rest::of(&mut request);
    let asked = Asked {
        peer: request.peer_addr().map(|a| a.ip()),
        method: request.method(),
        path: request.path(),
        authority: request.head().uri.authority().map(Authority::as_str),
        headers: request.headers(),
    };
    let origin = app.guard.cors.origin(asked.headers);
    let mut response = match app.guard.check(asked) {
        Ok(_) if app.guard.is_preflight(asked) => request.into_response(cors::preflight()),
        Ok(passed) => {
            request.extensions_mut().insert(passed);
            next.call(request).await?.map_into_boxed_body()
        }
        Err(refusal) => {
            log::info!(
                "refused {} {} from {:?}: {}",
                asked.method,
                request.path(),
                asked.peer,
                refusal.reason()
            );
            request.into_response(refusal.response())
        }
    };
    app.guard.cors.mark(response.headers_mut(), origin);
    if response.request().method() == Method::HEAD {
        response = without_body(response);
    }
    Ok(rest.kept_by(response))
}

/// An answer to `HEAD`: with the length that `GET` has, and without the body. The server leaves bodies out itself, but by
/// the last request that it has read, which may be a later one of the same connection. A length of its own is kept only
/// for a body that has none, so an empty stream stands for the body.
fn without_body(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let BodySize::Sized(length) = response.response().body().size() else { return response };
    let nothing = stream::empty::<Result<Bytes, Infallible>>();
    let mut response = response.map_body(|_, _| BoxBody::new(BodyStream::new(nothing)));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response.response_mut().head_mut().no_chunking(true);
    response
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn http() -> Http {
        Http {
            host: IpAddr::from([0, 0, 0, 0]),
            port: 0,
            allow_external: false,
            keys: Vec::new(),
            require_auth: false,
            allowed_hosts: vec!["mcp.example".into()],
            allowed_origins: vec!["https://app.example".into()],
            body_limit: 100,
            ..Http::default()
        }
    }

    fn check(http: &Http, peer: &str, method: &Method, pairs: &[(&str, &str)]) -> u16 {
        asked(http, peer, (method, "/metrics"), pairs)
    }

    fn asked(http: &Http, peer: &str, (method, path): (&Method, &str), pairs: &[(&str, &str)]) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let peer = Some(peer.parse().unwrap());
        let asked = Asked { peer, method, path, authority: None, headers: &headers };
        Guard::new(http).check(asked).err().map_or(200, |r| r.response().status().as_u16())
    }

    #[test]
    fn peers() {
        let open = Http { allow_external: true, ..http() };
        for (peer, near, opened) in [
            ("127.0.0.1", 200, 200),
            ("::1", 200, 200),
            ("192.0.2.7", 403, 200),
            ("::ffff:192.0.2.7", 403, 200),
        ] {
            let host = [("host", "localhost")];
            assert_eq!(check(&http(), peer, &Method::GET, &host), near, "{peer}");
            assert_eq!(check(&open, peer, &Method::GET, &host), opened, "{peer}");
        }
    }

    #[test]
    fn hosts() {
        for (host, expected) in [
            ("localhost", 200),
            ("LOCALHOST:8000", 200),
            ("localhost.", 200),
            ("127.0.0.1:8000", 200),
            ("[::1]:8000", 200),
            ("host.docker.internal:8000", 200),
            ("mcp.example:1", 200),
            ("evil.example", 403),
            ("localhost.evil.example", 403),
            ("localhost:port", 403),
            ("localhost@evil.example", 403),
            ("192.0.2.7", 403),
            ("[::1", 403),
            ("", 403),
        ] {
            assert_eq!(check(&http(), "127.0.0.1", &Method::GET, &[("host", host)]), expected, "{host}");
        }
        assert_eq!(check(&http(), "127.0.0.1", &Method::GET, &[]), 403);
        let two = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(check(&http(), "127.0.0.1", &Method::GET, &two), 403);
    }

    #[test]
    fn origins() {
        for (origin, expected) in [
            ("http://localhost:6274", 200),
            ("https://127.0.0.1", 200),
            ("http://[::1]:3000", 200),
            ("https://app.example", 200),
            ("https://APP.example", 200),
            ("http://app.example", 403),
            ("https://evil.example", 403),
            ("http://localhost.evil.example", 403),
            ("null", 403),
            ("file://localhost", 403),
            ("", 403),
        ] {
            let headers = [("host", "localhost"), ("origin", origin)];
            assert_eq!(check(&http(), "127.0.0.1", &Method::GET, &headers), expected, "{origin}");
        }
    }

    #[test]
    fn what_pages_load() {
        for (path, site, destination, expected) in [
            ("/", "cross-site", "document", 200),
            ("/", "cross-site", "iframe", 403),
            ("/page/app.js", "cross-site", "script", 403),
            ("/page/app.js", "same-origin", "script", 200),
            ("/health", "cross-site", "document", 403),
            ("/health", "same-site", "empty", 200),
            ("/health", "none", "document", 200),
        ] {
            let pairs = [("host", "localhost"), ("sec-fetch-site", site), ("sec-fetch-dest", destination)];
            let code = asked(&http(), "127.0.0.1", (&Method::GET, path), &pairs);
            assert_eq!(code, expected, "{path} {site} {destination}");
        }
    }

    #[test]
    fn keys() {
        let keyed = Http { allow_external: true, keys: vec!["one".into(), "two".into()], ..http() };
        let strict = Http { require_auth: true, ..keyed.clone() };
        for (header, stranger, local, strict_local) in [
            (None, 401, 200, 401),
            (Some(("authorization", "Bearer one")), 200, 200, 200),
            (Some(("authorization", "bearer two")), 200, 200, 200),
            (Some(("x-api-key", "two")), 200, 200, 200),
            (Some(("authorization", "Bearer on")), 401, 200, 401),
            (Some(("authorization", "Basic one")), 401, 200, 401),
            (Some(("x-api-key", "")), 401, 200, 401),
        ] {
            let headers: Vec<_> = [("host", "localhost")].into_iter().chain(header).collect();
            assert_eq!(check(&keyed, "192.0.2.7", &Method::GET, &headers), stranger, "{header:?}");
            assert_eq!(check(&keyed, "127.0.0.1", &Method::GET, &headers), local, "{header:?}");
            assert_eq!(check(&strict, "127.0.0.1", &Method::GET, &headers), strict_local, "{header:?}");
        }
        let named = [("host", "any.example"), ("x-api-key", "one")];
        assert_eq!(check(&keyed, "192.0.2.7", &Method::GET, &named), 200, "the key stands in for the name");
        assert_eq!(check(&keyed, "127.0.0.1", &Method::GET, &named[..1]), 403);
    }

    #[test]
    fn preflights_come_under_any_name_where_a_key_does() {
        let keyed = Http { allow_external: true, keys: vec!["one".into()], ..http() };
        let keyless = Http { keys: Vec::new(), ..keyed.clone() };
        let near = Http { allow_external: false, ..keyed.clone() };
        let preflight = |http: &Http, origin: &str| {
            let pairs =
                [("host", "any.example"), ("origin", origin), ("access-control-request-method", "POST")];
            check(http, "127.0.0.1", &Method::OPTIONS, &pairs)
        };
        assert_eq!(preflight(&keyed, "https://app.example"), 200);
        assert_eq!(preflight(&keyed, "https://evil.example"), 403);
        assert_eq!(preflight(&keyless, "https://app.example"), 403);
        assert_eq!(preflight(&near, "https://app.example"), 403);
    }

    #[test]
    fn forms() {
        for (kind, length, expected) in [
            (Some("application/json"), "100", 200),
            (Some("Application/JSON; charset=utf-8"), "100", 200),
            (Some("application/json"), "101", 413),
            (Some("text/plain"), "1", 415),
            (Some("application/x-www-form-urlencoded"), "1", 415),
            (Some("application/jsonx"), "1", 415),
            (None, "1", 415),
        ] {
            let pairs = [("host", "localhost"), ("content-length", length)];
            let headers: Vec<_> = pairs.into_iter().chain(kind.map(|k| ("content-type", k))).collect();
            assert_eq!(check(&http(), "127.0.0.1", &Method::POST, &headers), expected, "{kind:?}");
        }
    }
}
