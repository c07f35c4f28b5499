//! Revision 2026-07-28 on `/mcp`: no session, everything in each request.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::{Client, Running, eventually, http, start, told};

const REVISION: &str = "2026-07-28";

fn url(server: &Running) -> String {
    format!("{}/mcp", server.base)
}

fn meta(version: &str) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A request with whole `_meta`, and the client whose headers go with it.
pub(super) fn prepared(id: impl Into<Value>, method: &str, mut params: Value) -> (Client, Value) {
    let mut whole = meta(REVISION);
    for (key, value) in params["_meta"].as_object().cloned().unwrap_or_default() {
        whole[key] = value;
    }
    params["_meta"] = whole;
    let mut client =
        Client::of(REVISION).both().with("mcp-protocol-version", REVISION).with("mcp-method", method);
    if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
        client = client.with("mcp-name", name);
    }
    (client, json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params}))
}

pub(super) async fn ask(server: &Running, method: &str, params: Value) -> (u16, Value) {
    let (client, request) = prepared(1, method, params);
    let (status, answer) = client.ask(&url(server), &request).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn a_client_needs_no_handshake() {
    let server = start(http());
    let (status, answer) = ask(&server, "server/discover", json!({})).await;
    let result = &answer["result"];
    assert_eq!((status, &result["resultType"]), (200, &json!("complete")));
    assert_eq!(result["supportedVersions"][0], REVISION);
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "smcp");

    let (_, answer) = ask(&server, "tools/list", json!({})).await;
    let result = &answer["result"];
    assert_eq!((result["tools"].as_array().unwrap().len(), &result["cacheScope"]), (6, &json!("private")));
    assert!(result["ttlMs"].is_u64());

    let (_, answer) = ask(&server, "tools/call", json!({"name": "echo", "arguments": {"a": "b"}})).await;
    assert_eq!(answer["result"]["structuredContent"], json!({"a": "b"}));
    assert_eq!(answer["result"]["resultType"], "complete");
    let (status, answer) = ask(&server, "tools/call", json!({"name": "strict", "arguments": {}})).await;
    assert_eq!((status, &answer["result"]["isError"]), (200, &json!(true)));
    let (status, answer) = ask(&server, "tools/call", json!({"name": "nope", "arguments": {}})).await;
    assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32602)));
}

#[tokio::test]
async fn checks_come_in_their_order() {
    let server = start(http());
    let (client, request) = prepared(1, "tools/list", json!({}));
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut request = request.clone();
        change(&mut request);
        request
    };
    let without_meta = changed(&|r| r["params"] = json!({}));
    let without_capabilities = changed(&|r| {
        r["params"]["_meta"].as_object_mut().unwrap().remove("io.modelcontextprotocol/clientCapabilities");
    });
    let unsupported = changed(&|r| r["params"]["_meta"] = meta("2099-01-01"));
    let legacy = changed(&|r| r["params"]["_meta"] = meta("2025-11-25"));
    let legacy_alone =
        changed(&|r| r["params"]["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2025-11-25"}));
    let unknown = changed(&|r| r["method"] = json!("ping"));
    let future = client.clone().with("mcp-protocol-version", "2099-01-01");
    for (client, request, status, code) in [
        (client.clone(), &without_meta, 400, -32602),
        (client.clone(), &without_capabilities, 400, -32602),
        (client.clone().with("mcp-protocol-version", "2025-11-25"), &request, 400, -32020),
        (client.clone(), &unsupported, 400, -32020),
        (client.clone(), &legacy, 400, -32020),
        (client.clone(), &legacy_alone, 400, -32020),
        (future.clone(), &unsupported, 400, -32022),
        (future.clone(), &without_meta, 400, -32602),
        (client.clone().with("mcp-method", "tools/call"), &request, 400, -32020),
        (Client::of(REVISION).both(), &request, 400, -32020),
        (client.clone(), &unknown, 400, -32020),
        (client.clone().with("mcp-method", "ping"), &unknown, 404, -32601),
    ] {
        let (found, answer) = client.ask(&url(&server), request).await;
        assert_eq!((found.as_u16(), &answer["error"]["code"]), (status, &json!(code)), "{answer}");
        assert_eq!(answer["id"], json!(1));
    }
    let (_, answer) = future.ask(&url(&server), &unsupported).await;
    assert_eq!(answer["error"]["data"]["requested"], "2099-01-01");
    assert_eq!(answer["error"]["data"]["supported"][0], REVISION);
}

#[tokio::test]
async fn the_name_header_says_what_the_body_says() {
    let server = start(http());
    let (client, request) = prepared(1, "tools/call", json!({"name": "echo", "arguments": {}}));
    for (header, status) in [
        ("echo", 200),
        ("=?base64?ZWNobw==?=", 200),
        ("sleep", 400),
        ("=?base64?c2xlZXA=?=", 400),
        ("=?base64?*?=", 400),
    ] {
        let (found, answer) = client.clone().with("mcp-name", header).ask(&url(&server), &request).await;
        assert_eq!(found.as_u16(), status, "{header} {answer}");
    }
    let mut nameless = client;
    nameless.headers.remove("mcp-name");
    assert_eq!(nameless.ask(&url(&server), &request).await.1["error"]["code"], json!(-32020));
}

#[tokio::test]
async fn a_batch_is_refused_as_such() {
    let server = start(http());
    let (client, request) = prepared(1, "tools/list", json!({}));
    let (status, answer) = client.ask(&url(&server), &json!([request])).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!(-32600)), "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("no batches"), "{answer}");
}

#[tokio::test]
async fn a_header_says_one_thing() {
    let server = start(http());
    let (client, request) = prepared(1, "tools/call", json!({"name": "echo", "arguments": {}}));
    let client = client.with("mcp-session-id", "x");
    for (name, other) in [
        ("mcp-name", "sleep"),
        ("mcp-method", "tools/list"),
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-session-id", "y"),
    ] {
        let mut twice = client.clone();
        let same = twice.headers[name].clone();
        twice.headers.append(name, same);
        assert_eq!(twice.ask(&url(&server), &request).await.0, 200, "{name} twice the same");
        twice.headers.append(name, other.parse().unwrap());
        let (status, answer) = twice.ask(&url(&server), &request).await;
        assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!(-32020)), "{name}");
        assert_eq!((&answer["id"], &answer["error"]["data"]["header"]), (&json!(1), &json!(name)));
        let bare = twice.ask(&format!("{}/messages/", server.base), &request).await;
        assert_eq!((bare.0.as_u16(), &bare.1["error"]["code"]), (400, &json!(-32020)), "{name}");
        assert_eq!(twice.get(&url(&server)).await.status(), 400, "{name}");
    }
}

#[tokio::test]
async fn notifications_are_taken() {
    let server = start(http());
    let client = Client::of(REVISION).both().with("mcp-protocol-version", REVISION);
    let message = told("notifications/cancelled", json!({"requestId": 1, "_meta": meta(REVISION)}));
    assert_eq!(client.post(&url(&server), &message).await.status(), 202);
}

#[tokio::test]
async fn progress_and_logs_go_to_the_requests_own_stream() {
    let server = start(http());
    let params = json!({
        "name": "progress",
        "arguments": {},
        "_meta": {"progressToken": "t", "io.modelcontextprotocol/logLevel": "warning"},
    });
    let (client, request) = prepared("x", "tools/call", params);
    let mut events = client.events(client.post(&url(&server), &request).await);
    let mut told = Vec::new();
    let answer = loop {
        let message = events.message("tools/call").await;
        if message.get("id").is_some() {
            break message;
        }
        told.push(message["params"].get("progress").or(message["params"].get("level")).cloned().unwrap());
    };
    assert_eq!(told, [json!(1), json!("warning"), json!(10), json!(55), json!("error")]);
    assert_eq!((&answer["id"], &answer["result"]["resultType"]), (&json!("x"), &json!("complete")));
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_request() {
    let server = start(http());
    let asking = tokio::spawn({
        let (client, request) = prepared(1, "tools/call", json!({"name": "sleep", "arguments": {}}));
        let url = url(&server);
        async move { client.post(&url, &request).await }
    });
    server.fake.wait_started(1).await;
    let before = Instant::now();
    asking.abort();
    eventually("the call is cancelled", || server.fake.cancelled() == 1).await;
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn closing_a_stream_that_has_begun_ends_its_request() {
    let server = start(http());
    let params = json!({"name": "sleep", "arguments": {}, "_meta": {"progressToken": 1}});
    let (client, request) = prepared(1, "tools/call", params);
    let mut events = client.events(client.post(&url(&server), &request).await);
    assert_eq!(events.message("").await["params"]["progress"], json!(1));
    let before = Instant::now();
    drop(events);
    eventually("the call is cancelled", || server.fake.cancelled() == 1).await;
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn there_is_no_stream_of_the_servers_own_and_no_session_to_end() {
    let server = start(http());
    let client = Client::of(REVISION).both().with("mcp-protocol-version", REVISION);
    for method in [reqwest::Method::GET, reqwest::Method::DELETE] {
        let asked = reqwest::Client::new().request(method, url(&server)).headers(client.headers.clone());
        let response = asked.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["allow"].to_str().unwrap()),
            (405, "POST")
        );
    }
}

#[tokio::test]
async fn a_subscription_tells_what_was_asked_for() {
    let server = start(http());
    let wanted = json!({"notifications": {"toolsListChanged": true, "promptsListChanged": true}});
    let (client, request) = prepared("sub", "subscriptions/listen", wanted.clone());
    let mut events = client.events(client.post(&url(&server), &request).await);
    let first = events.message("").await;
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(first["params"]["notifications"], wanted["notifications"]);
    let (client, request) = prepared(2, "subscriptions/listen", json!({"notifications": {}}));
    let mut quiet = client.events(client.post(&url(&server), &request).await);
    assert_eq!(quiet.message("").await["params"]["notifications"], json!({}));

    server.fake.reload();
    let change = events.message("").await;
    assert_eq!(change["method"], "notifications/tools/list_changed");
    for message in [&first, &change] {
        assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "sub");
    }
    server.shutdown.cancel();
    let end = events.message("subscriptions/listen").await;
    assert_eq!(end["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "sub");
    assert_eq!(
        quiet.message("subscriptions/listen").await["id"],
        json!(2),
        "no change was told where none was wanted"
    );
}
