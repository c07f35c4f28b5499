//! The signal to stop, and the time before it.

use std::time::Duration;

use serde_json::json;

use super::support::{Client, call, http, start};

#[tokio::test]
async fn a_stop_cancels_calls_answers_them_and_ends_streams() {
    let mut server = start(http());
    let client = Client::of("2025-11-25");
    let mut events = client.events(client.get(&format!("{}/sse", server.base)).await);
    let (_, endpoint) = events.next().await.unwrap();
    client.post(&format!("{}{endpoint}", server.base), &call(1, "sleep", json!({}))).await;
    let asking = tokio::spawn({
        let (client, url) = (client.clone(), format!("{}/messages/", server.base));
        async move { client.ask(&url, &call(2, "sleep", json!({}))).await }
    });
    server.fake.wait_started(2).await;

    server.shutdown.cancel();
    assert_eq!(events.message("tools/call").await["result"]["isError"], json!(true));
    assert_eq!(events.next().await, None);
    assert_eq!(asking.await.unwrap().1["result"]["isError"], json!(true));
    let stopped = tokio::time::timeout(Duration::from_secs(5), &mut server.task).await;
    stopped.expect("it stops soon").unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err(), "nothing listens any more");
}

#[tokio::test]
async fn a_server_that_is_to_stop_says_so_and_serves_as_before() {
    let server = start(http());
    let client = Client::of("2025-11-25");
    let health = async || {
        let response = client.get(&format!("{}/health", server.base)).await;
        let closes = response.headers().get("connection").is_some_and(|value| value == "close");
        let status = response.status().as_u16();
        let body: serde_json::Value = response.json().await.unwrap();
        (status, body["status"].as_str().unwrap().to_owned(), closes)
    };
    assert_eq!(health().await, (200, "healthy".to_owned(), false));
    let asking = tokio::spawn({
        let (client, url) = (client.clone(), format!("{}/messages/", server.base));
        async move { client.ask(&url, &call(1, "sleep", json!({}))).await }
    });
    server.fake.wait_started(1).await;

    server.server.leave();
    assert_eq!(health().await, (503, "stopping".to_owned(), true));
    let live = client.get(&format!("{}/health/live", server.base)).await;
    assert_eq!(live.status(), 200);
    let response = client.post(&format!("{}/messages/", server.base), &call(2, "echo", json!({}))).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["connection"]),
        (200, &"close".parse().unwrap())
    );
    let mut events = client.events(client.get(&format!("{}/sse", server.base)).await);
    assert_eq!(events.next().await.unwrap().0, "endpoint");
    assert!(!asking.is_finished(), "what runs goes on");

    server.shutdown.cancel();
    assert_eq!(asking.await.unwrap().1["result"]["isError"], json!(true));
    assert_eq!(events.next().await, None);
}
