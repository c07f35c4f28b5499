//! Whom the server answers: one guard before every route.

use reqwest::Method;
use serde_json::Value;
use smcp::config::Http;
use smcp::transport::ROUTES;

use super::support::{Running, http, start};

/// The page's own files: the same bytes for everyone, so they need no key, but pass the guard for all else.
const PAGE: [&str; 8] = [
    "/",
    "/page/page.css",
    "/page/app.js",
    "/page/dom.js",
    "/page/form.js",
    "/page/help.js",
    "/page/server.js",
    "/page/tool.js",
];

/// Every route there is, and requests that no route takes.
fn targets() -> Vec<(Method, &'static str)> {
    let routes = ROUTES.iter().map(|r| (r.method.parse().unwrap(), r.path));
    let others = [
        (Method::GET, "/nothing"),
        (Method::PUT, "/mcp"),
        (Method::OPTIONS, "/sse"),
        (Method::HEAD, "/health"),
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
            if expected == 401 && method == Method::GET && PAGE.contains(&path) {
                assert_eq!(code, 200, "the page itself needs no key: {path}");
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
