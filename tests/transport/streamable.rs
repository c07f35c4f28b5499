//! `/mcp` for clients of the older revisions.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use smcp::config::Http;

use super::support::{Client, Running, call, eventually, http, initialize, request, start, told};

fn url(server: &Running) -> String {
    format!("{}/mcp", server.base)
}

/// A client with a session of its own.
async fn connect(server: &Running, revision: &str) -> Client {
    let client = Client::of(revision).both();
    let response = client.post(&url(server), &initialize(revision)).await;
    assert_eq!(response.status(), 200);
    let id = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_graphic()));
    let answer: Value = response.json().await.unwrap();
    client.check(Some("initialize"), &answer);
    assert_eq!(answer["result"]["protocolVersion"], revision);
    let client = client.with("mcp-session-id", &id).with("mcp-protocol-version", revision);
    assert_eq!(client.post(&url(server), &told("notifications/initialized", json!({}))).await.status(), 202);
    client
}

#[tokio::test]
async fn a_session_lists_and_calls() {
    let server = start(http());
    for revision in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let client = connect(&server, revision).await;
        let (_, list) = client.ask(&url(&server), &request(1, "tools/list", json!({}))).await;
        assert_eq!(list["result"]["tools"].as_array().unwrap().len(), 6);
        let (_, answer) = client.ask(&url(&server), &call(2, "echo", json!({"a": "b"}))).await;
        assert_eq!(answer["result"]["content"][0]["text"], r#"{"a":"b"}"#);
        let (status, answer) = client.ask(&url(&server), &request(3, "nope", json!({}))).await;
        assert_eq!((status.as_u16(), &answer["error"]["code"]), (200, &json!(-32601)));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_decides_its_status() {
    let server = start(http());
    let good = connect(&server, "2025-11-25").await;
    let ping = request(1, "ping", json!({}));
    let none = Client::of("2025-11-25").both();
    for (client, expected) in [
        (none.clone(), 400),
        (none.clone().with("mcp-session-id", "nope"), 404),
        (good.clone().with("mcp-protocol-version", "1999-01-01"), 400),
        (good.clone().with("accept", "text/html"), 406),
        (good.clone(), 200),
        (good.clone().with("accept", "*/*"), 200),
    ] {
        let response = client.post(&url(&server), &ping).await;
        assert_eq!(response.status().as_u16(), expected, "{:?}", client.headers);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer.get("error").is_some(), expected != 200);
    }
    let response = good.post_text(&url(&server), "{").await;
    assert_eq!(response.status(), 400);
    assert_eq!(response.json::<Value>().await.unwrap()["error"]["code"], json!(-32700));
    let batch = good.ask(&url(&server), &json!([ping])).await;
    assert_eq!((batch.0.as_u16(), &batch.1["error"]["code"]), (400, &json!(-32600)));
}

#[tokio::test]
async fn progress_makes_the_answer_a_stream() {
    let server = start(http());
    let client = connect(&server, "2025-11-25").await;
    let params = json!({"name": "progress", "arguments": {}, "_meta": {"progressToken": 9}});
    let asked = request("p", "tools/call", params);
    let mut events = client.events(client.post(&url(&server), &asked).await);
    for expected in [1, 10, 55] {
        let message = events.message("").await;
        assert_eq!(message["params"]["progress"], json!(expected));
        assert_eq!(message["params"]["progressToken"], json!(9));
    }
    assert_eq!(events.message("tools/call").await["id"], "p");
    assert_eq!(events.next().await, None, "the stream ends with the answer");

    let json_only = client.clone().with("accept", "application/json");
    let (_, answer) = json_only.ask(&url(&server), &asked).await;
    assert_eq!(answer["id"], "p");
    let stream_only = client.with("accept", "text/event-stream");
    let mut events =
        stream_only.events(stream_only.post(&url(&server), &request(5, "ping", json!({}))).await);
    assert_eq!(events.message("ping").await["id"], json!(5));
}

#[tokio::test]
async fn batches_run_at_once_and_are_answered_together() {
    let server = start(http());
    let client = connect(&server, "2025-03-26").await;
    let batch =
        json!([call(1, "echo", json!({})), call(1, "echo", json!({})), request(2, "ping", json!({}))]);
    let (status, answers) = client.ask(&url(&server), &batch).await;
    assert_eq!(status, 200);
    assert_eq!(answers.as_array().unwrap().len(), 3, "{answers}");
}

#[tokio::test]
async fn initialize_is_no_part_of_a_batch() {
    let server = start(http());
    let client = connect(&server, "2025-03-26").await;
    let batch = json!([request(1, "ping", json!({})), initialize("2025-11-25")]);
    let (status, answers) = client.ask(&url(&server), &batch).await;
    let of = |id: u64| answers.as_array().unwrap().iter().find(|a| a["id"] == json!(id)).unwrap();
    assert_eq!((status.as_u16(), &of(1)["result"]), (200, &json!({})), "{answers}");
    assert_eq!(of(0)["error"]["code"], json!(-32600), "{answers}");
    // The session is what it was: batches are of its revision alone.
    assert_eq!(client.ask(&url(&server), &json!([request(2, "ping", json!({}))])).await.0, 200);
}

#[tokio::test]
async fn a_dropped_connection_cancels_nothing_but_the_notification_does() {
    let server = start(http());
    let client = connect(&server, "2025-11-25").await;
    let asking = tokio::spawn({
        let (client, url) = (client.clone(), url(&server));
        async move { client.post(&url, &call(1, "sleep", json!({}))).await }
    });
    server.fake.wait_started(1).await;
    asking.abort();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.fake.cancelled(), 0);
    let cancel = told("notifications/cancelled", json!({"requestId": 1}));
    assert_eq!(client.post(&url(&server), &cancel).await.status(), 202);
    eventually("the call is cancelled", || server.fake.cancelled() == 1).await;
}

#[tokio::test]
async fn a_stream_that_has_begun_may_break_without_harm() {
    let server = start(http());
    let client = connect(&server, "2025-11-25").await;
    let params = json!({"name": "sleep", "arguments": {}, "_meta": {"progressToken": 1}});
    let mut events = client.events(client.post(&url(&server), &request(1, "tools/call", params)).await);
    assert_eq!(events.message("").await["params"]["progress"], json!(1));
    drop(events);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.fake.cancelled(), 0);
}

#[tokio::test]
async fn a_cancelled_request_gets_no_answer() {
    let server = start(http());
    let client = connect(&server, "2025-11-25").await;
    let asking = tokio::spawn({
        let (client, url) = (client.clone(), url(&server));
        async move { client.post(&url, &call("c", "sleep", json!({}))).await }
    });
    server.fake.wait_started(1).await;
    client.post(&url(&server), &told("notifications/cancelled", json!({"requestId": "c"}))).await;
    let response = asking.await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap()), (202, String::new()));
}

#[tokio::test]
async fn delete_ends_the_session_and_what_runs_in_it() {
    let server = start(http());
    let client = connect(&server, "2025-11-25").await;
    let other = connect(&server, "2025-11-25").await;
    let asking = tokio::spawn({
        let (client, url) = (client.clone(), url(&server));
        async move { client.post(&url, &call(1, "sleep", json!({}))).await }
    });
    server.fake.wait_started(1).await;
    let delete = reqwest::Client::new().request(Method::DELETE, url(&server)).headers(client.headers.clone());
    assert_eq!(delete.send().await.unwrap().status(), 204);
    eventually("the call is cancelled", || server.fake.cancelled() == 1).await;
    asking.await.unwrap();
    assert_eq!(client.ask(&url(&server), &request(1, "ping", json!({}))).await.0, 404);
    assert_eq!(other.ask(&url(&server), &request(1, "ping", json!({}))).await.0, 200);
}

#[tokio::test]
async fn the_stream_of_a_session_tells_of_changes_and_there_is_one_at_a_time() {
    let server = start(http());
    let client = connect(&server, "2025-06-18").await;
    assert_eq!(client.clone().with("accept", "application/json").get(&url(&server)).await.status(), 406);
    assert_eq!(Client::of("2025-06-18").both().get(&url(&server)).await.status(), 400);
    let mut first = client.events(client.get(&url(&server)).await);
    let mut second = client.events(client.get(&url(&server)).await);
    assert_eq!(first.next().await, None, "a new stream ends the old one");
    server.fake.reload();
    assert_eq!(second.message("").await["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn idle_sessions_end_and_make_room() {
    let server = start(Http { session_limit: 1, session_idle: Duration::from_millis(200), ..http() });
    let client = connect(&server, "2025-11-25").await;
    let full = Client::of("2025-11-25").both().post(&url(&server), &initialize("2025-11-25")).await;
    assert_eq!(full.status(), 503);
    tokio::time::sleep(Duration::from_millis(300)).await;
    connect(&server, "2025-11-25").await;
    assert_eq!(client.ask(&url(&server), &request(1, "ping", json!({}))).await.0, 404);
}
