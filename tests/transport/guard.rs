//! Whom the server answers: one guard before every route.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use smcp::config::{Http, ProfileKey, Rate};
use smcp::transport::ROUTES;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::support::{FILES, PATIENCE, Running, http, start, start_governed};

/// The page's own files: the same bytes for everyone, so they need no key, but pass the guard for all else.
const PAGE: [&str; 9] = [
    "/",
    "/page/page.css",
    "/page/app.js",
    "/page/ask.js",
    "/page/dom.js",
    "/page/form.js",
    "/page/help.js",
    "/page/server.js",
    "/page/tool.js",
];

/// What says without a key whether the server is well, and no more.
fn is_probe(method: &Method, path: &str) -> bool {
    only_reads(method) && ["/health", "/health/live"].contains(&path)
}

fn is_file(method: &Method, path: &str) -> bool {
    only_reads(method) && PAGE.contains(&path)
}

fn only_reads(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

/// Every route there is, and requests that no route takes.
fn targets() -> Vec<(Method, &'static str)> {
    let routes = ROUTES.iter().map(|r| (r.method.parse().unwrap(), r.path));
    let others = [
        (Method::GET, "/nothing"),
        (Method::PUT, "/mcp"),
        (Method::OPTIONS, "/sse"),
        (Method::HEAD, "/health"),
        (Method::HEAD, "/metrics"),
        (Method::HEAD, "/"),
    ];
    routes.chain(others).collect()
}

async fn status(server: &Running, method: &Method, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let mut request =
        reqwest::Client::new().request(method.clone(), format!("{}{path}", server.base)).body("{}");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let code = response.status().as_u16();
    if code == 401 {
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }
    (code, response.json().await.unwrap_or(Value::Null))
}

#[tokio::test]
async fn no_route_is_outside_of_the_guard() {
    let server = start(Http { keys: vec!["secret".into()], require_auth: true, ..http() });
    let key = ("x-api-key", "secret");
    let json = ("content-type", "application/json");
    for (method, path) in targets() {
        for (headers, expected, reason) in [
            (&[json, key, ("host", "evil.example")][..], 403, "foreign_host"),
            (&[json, key, ("origin", "http://evil.example")], 403, "foreign_origin"),
            (&[json, key, ("origin", "null")], 403, "foreign_origin"),
            (&[json], 401, "missing_key"),
            (&[json, ("authorization", "Bearer wrong")], 401, "missing_key"),
        ] {
            let (code, body) = status(&server, &method, path, headers).await;
            if expected == 401 && is_file(&method, path) {
                assert_eq!(code, 200, "the page itself needs no key: {path}");
                continue;
            }
            if expected == 401 && headers.len() == 1 && is_probe(&method, path) {
                assert_eq!(code, 200, "{path} {body}");
                assert!(method == Method::HEAD || body.as_object().unwrap().len() == 1, "{path} {body}");
                continue;
            }
            assert_eq!(code, expected, "{method} {path} {headers:?}");
            if method != Method::HEAD {
                assert_eq!(body["error"]["data"]["reason"], reason, "{method} {path} {headers:?}");
                assert!(!body.to_string().contains("secret"));
            }
        }
        if method == Method::POST {
            for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
                let (code, body) = status(&server, &method, path, &[key, ("content-type", kind)]).await;
                assert_eq!(
                    (code, &body["error"]["data"]["reason"]),
                    (415, &"not_json".into()),
                    "{path} {kind}"
                );
            }
            assert_eq!(status(&server, &method, path, &[key]).await.0, 415, "{path}");
        }
    }
}

#[tokio::test]
async fn every_route_counts_against_the_rate() {
    let rate = Rate { period: Duration::from_secs(3600), burst: 2.try_into().unwrap() };
    let keys = vec!["one".to_owned(), "two".to_owned()];
    for (method, path) in targets() {
        let server = start(Http { rate: Some(rate), keys: keys.clone(), ..http() });
        // Refused for another reason or not, a request counts; no key of its own, no allowance of its own.
        for key in ["one", "two", "wrong"] {
            for n in 0..3 {
                let url = format!("{}{path}", server.base);
                let asked = reqwest::Client::new().request(method.clone(), url).header("x-api-key", key);
                let asked = asked.header("origin", "http://evil.example").body("{}");
                let response = asked.send().await.unwrap();
                let code = response.status().as_u16();
                assert_eq!(code, if n < 2 { 403 } else { 429 }, "{method} {path} {key}");
                if code == 429 {
                    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
                    assert!((1790..=3600).contains(&wait), "{wait}");
                }
            }
        }
        let (code, body) = status(&server, &method, path, &[]).await;
        if is_probe(&method, path) {
            assert_eq!(code, 200, "who looks after the server is not refused for the sake of others");
            continue;
        }
        assert_eq!(code, 429, "a peer without a key is the same peer with a wrong one");
        if method != Method::HEAD {
            assert_eq!(body["error"]["data"]["reason"], "too_many_requests");
        }
    }
}

#[tokio::test]
async fn every_route_shows_a_profiles_key_its_profile_only() {
    let bound = ProfileKey { key: "reads".into(), profile: "reader".into() };
    let http = Http { profile_keys: vec![bound], require_auth: true, ..http() };
    let server = start_governed(http, FILES.as_ref(), Some(super::governor::profiles()));
    let asking = super::support::request(1, "tools/list", serde_json::json!({}));
    for (method, path) in targets() {
        let path = path.replace("{profile}", "reader");
        if is_file(&method, &path) {
            continue;
        }
        let (code, _) = status(&server, &method, &path, &[]).await;
        let expected = if is_probe(&method, &path) { 200 } else { 401 };
        assert_eq!(code, expected, "the key of a profile is a key: {method} {path}");
        let url = format!("{}{path}", server.base);
        let asked = reqwest::Client::new().request(method.clone(), url).header("x-api-key", "reads");
        let asked = asked.header("content-type", "application/json").body(asking.to_string());
        let response = asked.send().await.unwrap();
        if response.headers().get("content-type").is_some_and(|kind| kind == "application/json") {
            let body = response.text().await.unwrap();
            assert!(!body.contains("sleep") && !body.contains("writer"), "{method} {path}: {body}");
            let lists = body.contains("\"tools\":[");
            let is_asked = method == Method::POST && path.starts_with("/messages");
            assert_eq!(lists, is_asked || path == "/inspect/plugins", "{method} {path}: {body}");
        }
    }
}

#[tokio::test]
async fn headers_are_bounded() {
    let server = start(http());
    let long = "x".repeat(256 << 10);
    let many = (0..2000).map(|n| format!("x-{n}: y\r\n")).collect::<Vec<_>>().concat();
    for header in [format!("x-long: {long}\r\n"), many] {
        let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let asked = format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{header}\r\n");
        // The server may answer and close before it has read all of that.
        let _ = stream.write_all(asked.as_bytes()).await;
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(PATIENCE, reading).await.expect("the connection ends");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(status(&server, &Method::GET, "/health", &[]).await.0, 200);
}

#[tokio::test]
async fn whoever_passes_the_guard_reaches_the_route() {
    let server = start(Http { keys: vec!["secret".into()], require_auth: true, ..http() });
    for header in [("authorization", "Bearer secret"), ("x-api-key", "secret")] {
        let headers = [header, ("origin", "http://localhost:6274")];
        let (code, body) = status(&server, &Method::GET, "/health", &headers).await;
        assert_eq!((code, &body["status"]), (200, &"healthy".into()));
    }
    let open = start(Http { keys: vec!["secret".into()], ..http() });
    assert_eq!(status(&open, &Method::GET, "/health", &[]).await.0, 200, "loopback needs no key");
}

#[tokio::test]
async fn bodies_are_bounded_whether_or_not_they_say_their_length() {
    let server = start(http());
    let limit = http().body_limit;
    for route in ROUTES.iter().filter(|r| r.method == "POST") {
        let url = format!("{}{}", server.base, route.path);
        let client = super::support::Client::of("2025-11-25").both();
        let told = client.post_text(&url, "x".repeat(limit + 1)).await;
        assert_eq!(told.status(), 413, "{route:?}");
        let parts = (0..=limit / 1024).map(|_| Ok::<_, std::io::Error>("x".repeat(1024)));
        let untold =
            client.post_text(&url, reqwest::Body::wrap_stream(futures_util::stream::iter(parts))).await;
        assert_eq!(untold.status(), 413, "{route:?}");
        let body: Value = untold.json().await.unwrap();
        assert_eq!(body["error"]["data"]["reason"], "body_too_large");
    }
}

#[tokio::test]
async fn what_no_route_takes_is_said_in_json() {
    let server = start(http());
    let (code, body) = status(&server, &Method::GET, "/nothing", &[]).await;
    assert_eq!((code, &body["error"]["data"]["reason"]), (404, &"unknown_path".into()));
    let (code, body) = status(&server, &Method::PUT, "/mcp", &[]).await;
    assert_eq!((code, &body["error"]["data"]["reason"]), (405, &"wrong_method".into()));
    let asked =
        reqwest::Client::new().request(Method::OPTIONS, format!("{}/mcp", server.base)).send().await.unwrap();
    assert_eq!(
        (asked.status().as_u16(), asked.headers()["allow"].to_str().unwrap()),
        (204, "POST, GET, DELETE")
    );
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = start(http());
    let ask = async |method: Method, path: &str| {
        let asked = reqwest::Client::new().request(method, format!("{}{path}", server.base));
        let response = asked.header("accept", "text/event-stream").send().await.unwrap();
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let about =
            (response.status().as_u16(), header("content-type"), header("content-length"), header("allow"));
        (about, response)
    };
    let streams = ["/mcp", "/mcp/{profile}", "/sse", "/sse/{profile}"];
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        let (head, answer) = ask(Method::HEAD, route.path).await;
        assert_eq!(answer.bytes().await.unwrap(), "", "{route:?}");
        if streams.contains(&route.path) {
            assert_eq!(head.0, 405, "{route:?}");
            assert!(!head.3.unwrap().contains("HEAD"), "{route:?}");
            continue;
        }
        let (get, answer) = ask(Method::GET, route.path).await;
        let length = answer.bytes().await.unwrap().len();
        assert!(length > 0 && head.2.is_some(), "{route:?}");
        if !["/metrics", "/health"].contains(&route.path) {
            assert_eq!(head, get, "{route:?}");
        }
        assert_eq!(ask(Method::PUT, route.path).await.0.3.as_deref(), Some("GET, HEAD"), "{route:?}");
    }
}

#[tokio::test]
async fn head_has_no_body_whatever_comes_after_it() {
    let server = start(http());
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let ask =
        |method: &str, more: &str| format!("{method} /health/live HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
    let asked = [ask("HEAD", ""), ask("HEAD", ""), ask("GET", "Connection: close\r\n")].concat();
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answers = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answers)).await.unwrap().unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert_eq!(answers.matches("content-length: 18").count(), 3, "{answers}");
    assert_eq!(answers.matches("alive").count(), 1, "{answers}");
}

/// What a browser reads of an answer before its page gets it.
async fn to_page(
    server: &Running,
    method: &Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, Vec<Option<String>>) {
    let asked = reqwest::Client::new().request(method.clone(), format!("{}{path}", server.base)).body("{}");
    let asked = headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, *value));
    let response = asked.send().await.unwrap();
    let names = [
        "access-control-allow-origin",
        "vary",
        "access-control-expose-headers",
        "access-control-allow-headers",
    ];
    let read = names.map(|name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()));
    (response.status().as_u16(), read.to_vec())
}

#[tokio::test]
async fn allowed_pages_may_read_every_answer_and_others_none() {
    let app = "https://app.example";
    let server = start(Http {
        keys: vec!["secret".into()],
        require_auth: true,
        allowed_origins: vec![app.into()],
        ..http()
    });
    let (origin, key, json) =
        (("origin", app), ("x-api-key", "secret"), ("content-type", "application/json"));
    let asking = ("access-control-request-method", "POST");
    let text = |text: &str| Some(text.to_owned());
    for (method, path) in targets() {
        // Browsers ask without a key.
        let (status, read) = to_page(&server, &Method::OPTIONS, path, &[origin, asking]).await;
        assert_eq!((status, &read[..2]), (204, &[text(app), text("Origin")][..]), "{path}");
        let taken = read[3].as_deref().unwrap();
        for name in
            ["content-type", "accept", "authorization", "x-api-key", "mcp-protocol-version", "mcp-session-id"]
        {
            assert!(taken.split(", ").any(|taken| taken == name), "{name}");
        }
        for headers in [&[origin, key, json][..], &[origin, json]] {
            let (status, read) = to_page(&server, &method, path, headers).await;
            assert_eq!(
                read[..3],
                [text(app), text("Origin"), text("mcp-session-id")],
                "{status} {method} {path}"
            );
        }
        for foreign in ["https://evil.example", "null", "https://app.example.evil.example"] {
            for (method, status) in [(&method, 403), (&Method::OPTIONS, 403)] {
                let headers = [("origin", foreign), asking, key, json];
                let (code, read) = to_page(&server, method, path, &headers).await;
                assert_eq!((code, &read[0]), (status, &None), "{method} {path} {foreign}");
            }
        }
        let (_, read) = to_page(&server, &method, path, &[key, json]).await;
        assert_eq!(read[..2], [None, text("Origin")], "{method} {path}");
    }
    // Nobody is told of it where no page is allowed; a question that is no browser's needs the key as before.
    let (_, read) = to_page(&start(http()), &Method::GET, "/health", &[]).await;
    assert_eq!(read, [None, None, None, None]);
    for headers in [&[origin][..], &[asking], &[("origin", "http://localhost:1"), asking]] {
        assert_eq!(to_page(&server, &Method::OPTIONS, "/mcp", headers).await.0, 401, "{headers:?}");
    }
}
