//! `GET /sse` and the posts that go with it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smcp::config::Http;

use super::support::{Client, Events, Running, call, eventually, http, initialize, request, start, told};

/// Opens a stream; the address to post to comes with it.
async fn open(server: &Running, client: &Client) -> (Events, String) {
    let mut events = client.events(client.get(&format!("{}/sse", server.base)).await);
    let (name, data) = events.next().await.unwrap();
    assert_eq!(name, "endpoint");
    assert!(data.starts_with("/messages/?session_id="), "{data}");
    (events, format!("{}{data}", server.base))
}

async fn post(client: &Client, url: &str, message: &Value) {
    let response = client.post(url, message).await;
    assert_eq!(
        (response.status().as_u16(), response.text().await.unwrap()),
        (202, String::new()),
        "{message}"
    );
}

#[tokio::test]
async fn answers_come_on_the_stream() {
    let server = start(http());
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let client = Client::of(revision);
        let (mut events, url) = open(&server, &client).await;
        post(&client, &url, &initialize(revision)).await;
        let answer = events.message("initialize").await;
        assert_eq!(answer["result"]["protocolVersion"], revision);
        post(&client, &url, &told("notifications/initialized", json!({}))).await;
        post(&client, &url, &request("l", "tools/list", json!({}))).await;
        assert_eq!(events.message("tools/list").await["result"]["tools"].as_array().unwrap().len(), 6);
        post(&client, &url, &call(3, "echo", json!({"a": "b"}))).await;
        assert_eq!(events.message("tools/call").await["result"]["content"][0]["text"], r#"{"a":"b"}"#);
        post(&client, &url, &request(4, "nope", json!({}))).await;
        assert_eq!(events.message("").await["error"]["code"], json!(-32601));
    }
}

#[tokio::test]
async fn posts_that_can_not_be_taken_say_so() {
    let server = start(http());
    let client = Client::of("2025-11-25");
    let (_events, url) = open(&server, &client).await;
    assert_eq!(
        client
            .ask(&format!("{}/messages/?session_id=nope", server.base), &call(1, "echo", json!({})))
            .await
            .0,
        404
    );
    let response = client.post_text(&url, "{").await;
    assert_eq!(
        (response.status().as_u16(), &response.json::<Value>().await.unwrap()["error"]["code"]),
        (400, &json!(-32700))
    );
    post(&client, &url, &call(7, "sleep", json!({}))).await;
    let (status, refused) = client.ask(&url, &call(7, "echo", json!({}))).await;
    assert_eq!(
        (status.as_u16(), &refused["error"]["code"], &refused["id"]),
        (400, &json!(-32600), &json!(7))
    );
}

#[tokio::test]
async fn a_running_call_holds_nothing_back_and_can_be_cancelled() {
    let server = start(http());
    let client = Client::of("2025-11-25");
    let (mut events, url) = open(&server, &client).await;
    for id in 0..20 {
        post(&client, &url, &call(id, "sleep", json!({}))).await;
    }
    server.fake.wait_started(20).await;
    post(&client, &url, &call("quick", "echo", json!({}))).await;
    assert_eq!(events.message("tools/call").await["id"], "quick");
    post(
        &client,
        &url,
        &told("notifications/cancelled", json!({"requestId": 3, "reason": "changed my mind"})),
    )
    .await;
    eventually("one call is cancelled", || server.fake.cancelled() == 1).await;
    post(&client, &url, &request("next", "ping", json!({}))).await;
    assert_eq!(events.message("ping").await["id"], "next", "nothing is sent for a cancelled request");
    post(&client, &url, &call(3, "echo", json!({}))).await;
    assert_eq!(events.message("tools/call").await["id"], json!(3), "its id is free again");
}

#[tokio::test]
async fn a_closed_stream_ends_its_calls_within_a_second() {
    let server = start(http());
    let client = Client::of("2025-11-25");
    let (events, url) = open(&server, &client).await;
    post(&client, &url, &call(1, "sleep", json!({}))).await;
    server.fake.wait_started(1).await;
    let before = Instant::now();
    drop(events);
    eventually("the call is cancelled", || server.fake.cancelled() == 1).await;
    assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
    assert_eq!(client.ask(&url, &call(2, "echo", json!({}))).await.0, 404);
}

#[tokio::test]
async fn progress_and_logs_come_only_where_they_are_asked_for() {
    let server = start(http());
    for revision in ["2024-11-05", "2025-11-25"] {
        let client = Client::of(revision);
        let (mut events, url) = open(&server, &client).await;
        post(&client, &url, &initialize(revision)).await;
        events.message("initialize").await;

        post(&client, &url, &call(1, "progress", json!({}))).await;
        assert_eq!(events.message("tools/call").await["id"], json!(1), "nothing was asked for");

        post(&client, &url, &request(2, "logging/setLevel", json!({"level": "error"}))).await;
        assert_eq!(events.message("").await["result"], json!({}));
        let params = json!({"name": "progress", "arguments": {}, "_meta": {"progressToken": "t"}});
        post(&client, &url, &request(3, "tools/call", params)).await;
        let mut told = Vec::new();
        loop {
            let message = events.message("tools/call").await;
            if message.get("id").is_some() {
                break;
            }
            let params = &message["params"];
            told.push((params["progress"].clone(), params["level"].clone(), params.get("message").is_some()));
        }
        let with_text = revision != "2024-11-05";
        let expected = [
            (json!(1), json!(null), with_text),
            (json!(10), json!(null), with_text),
            (json!(55), json!(null), with_text),
            (json!(null), json!("error"), false),
        ];
        assert_eq!(told, expected, "{revision}");
    }
}

#[tokio::test]
async fn a_change_of_the_tools_is_told_once_the_client_is_initialized() {
    let server = start(http());
    let client = Client::of("2025-06-18");
    let (mut events, url) = open(&server, &client).await;
    server.fake.reload();
    post(&client, &url, &initialize("2025-06-18")).await;
    assert_eq!(events.message("initialize").await["id"], json!(0));
    server.fake.reload();
    assert_eq!(events.message("").await["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn batches_are_answered_one_by_one() {
    let server = start(http());
    let client = Client::of("2025-03-26");
    let (mut events, url) = open(&server, &client).await;
    post(&client, &url, &initialize("2025-03-26")).await;
    events.message("initialize").await;
    post(&client, &url, &json!([request(1, "ping", json!({})), request(2, "ping", json!({}))])).await;
    let mut ids = [events.message("ping").await["id"].as_u64(), events.message("ping").await["id"].as_u64()];
    ids.sort_unstable();
    assert_eq!(ids, [Some(1), Some(2)]);
}

#[tokio::test]
async fn a_post_names_its_session_once_or_has_none() {
    let server = start(http());
    let client = Client::of("2025-11-25");
    let (_events, url) = open(&server, &client).await;
    let id = url.split_once('?').unwrap().1;
    for query in [format!("{id}&{id}"), format!("session_id=a&{id}")] {
        let url = format!("{}/messages/?{query}", server.base);
        let (status, answer) = client.ask(&url, &request(1, "ping", json!({}))).await;
        assert_eq!(
            (status.as_u16(), &answer["error"]["data"]["reason"]),
            (400, &json!("bad_query")),
            "{query}"
        );
    }
    let url = format!("{}/messages/?other=1", server.base);
    assert_eq!(client.ask(&url, &request(1, "ping", json!({}))).await.0, 200);
}

#[tokio::test]
async fn sessions_are_bounded() {
    let server = start(Http { session_limit: 2, ..http() });
    let client = Client::of("2025-11-25");
    let first = open(&server, &client).await;
    let _second = open(&server, &client).await;
    let refused = client.get(&format!("{}/sse", server.base)).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    drop(first);
    let deadline = Instant::now() + Duration::from_secs(1);
    while client.get(&format!("{}/sse", server.base)).await.status() != 200 {
        assert!(Instant::now() < deadline, "the place of a closed stream becomes free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_answer_never_outgrows_an_event() {
    let server = start(Http { body_limit: 8 << 20, ..http() });
    let client = Client::of("2025-11-25");
    let (mut events, url) = open(&server, &client).await;
    let long = format!("first{}last", "x".repeat(3 << 20));
    post(&client, &url, &call(1, "echo", json!({"a": long}))).await;
    let answer = events.message("tools/call").await;
    assert!(answer.to_string().len() < 1 << 20);
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with(r#"{"a":"first"#) && text.ends_with(r#"last"}"#), "both ends are kept");
    assert!(text.contains("bytes left out here"), "and the loss is marked");
    // The same by a body, which has no such bound.
    let (_, whole) =
        client.ask(&format!("{}/messages/", server.base), &call(2, "echo", json!({"a": long}))).await;
    assert_eq!(whole["result"]["structuredContent"]["a"], json!(long));
}
