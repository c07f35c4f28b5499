//! `GET /metrics` and `GET /health/live`: what those who watch a server ask for. And that a list, which is written once,
//! is written anew when the tools change.

use serde_json::{Value, json};

use super::support::{Client, Running, http, request, start};

async fn metrics(server: &Running) -> String {
    let response = Client::of("2025-11-25").get(&format!("{}/metrics", server.base)).await;
    assert_eq!(response.status(), 200);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(response.headers()["content-type"], kind);
    response.text().await.unwrap()
}

#[tokio::test]
async fn open_sessions_are_counted_by_transport() {
    let server = start(http());
    let line = |n: u32| format!("smcp_sessions{{transport=\"sse\"}} {n}.0");
    assert!(metrics(&server).await.lines().any(|l| l == line(0)));
    let client = Client::of("2025-11-25");
    let mut events = client.events(client.get(&format!("{}/sse", server.base)).await);
    events.next().await.unwrap();
    let text = metrics(&server).await;
    assert!(text.lines().any(|l| l == line(1)) && text.contains("smcp_uptime_seconds "), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test]
async fn a_server_that_answers_lives() {
    let server = start(http());
    let response = Client::of("2025-11-25").get(&format!("{}/health/live", server.base)).await;
    assert_eq!(
        (response.status().as_u16(), response.json().await.unwrap()),
        (200, json!({"status": "alive"}))
    );
}

#[tokio::test]
async fn a_list_is_as_the_tools_are_now() {
    let server = start(http());
    let (client, url) = (Client::of("2025-11-25"), format!("{}/messages/", server.base));
    let mut told = Vec::new();
    for id in 1..=4 {
        let (_, answer) = client.ask(&url, &request(id, "tools/list", json!({}))).await;
        assert_eq!(answer["id"], json!(id));
        let about: &Value = &answer["result"]["tools"][0]["description"];
        told.push(about.as_str().unwrap().to_owned());
        if id == 2 {
            server.fake.reload();
        }
    }
    let edition = |n: u32| format!("The tool audio, edition {n}.");
    assert_eq!(told, [edition(1), edition(1), edition(2), edition(2)]);
}
