//! The signal to stop.

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
