//! `GET /` and what the page asks for beside MCP.

use serde_json::{Value, json};
use smcp::web::ASSETS;

use super::support::{Client, Running, http, start};

async fn get(server: &Running, path: &str) -> (u16, Value) {
    let response = Client::default().get(&format!("{}{path}", server.base)).await;
    assert_eq!(response.headers()["content-type"], "application/json", "{path}");
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn argv(server: &Running, body: &str) -> (u16, Value) {
    let response =
        Client::default().post_text(&format!("{}/inspect/argv", server.base), body.to_owned()).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn files_come_with_what_keeps_foreign_text_from_running() {
    let server = start(http());
    for asset in &ASSETS {
        let response = Client::default().get(&format!("{}{}", server.base, asset.path)).await;
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            (response.status().as_u16(), header("content-type")),
            (200, asset.kind.into()),
            "{}",
            asset.path
        );
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.split("; ").any(|p| p == part), "{part} in {policy}");
        }
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(response.text().await.unwrap(), asset.text);
    }
}

#[tokio::test]
async fn every_file_that_the_page_asks_for_is_there_and_no_other_is() {
    let mut asked: Vec<String> = ASSETS
        .iter()
        .flat_map(|asset| asset.text.split(['"', '\'']))
        .filter_map(|word| match word.strip_prefix("./") {
            Some(name) => Some(format!("/page/{name}")),
            _ => word.starts_with("/page/").then(|| word.to_owned()),
        })
        .collect();
    asked.push("/".into());
    asked.sort();
    asked.dedup();
    let mut there: Vec<&str> = ASSETS.iter().map(|asset| asset.path).collect();
    there.sort_unstable();
    assert_eq!(asked, there);
}

#[tokio::test]
async fn plugins_and_tools_are_told() {
    let server = start(http());
    let (status, plugins) = get(&server, "/inspect/plugins").await;
    let plugin = &plugins["plugins"][0];
    assert_eq!((status, &plugin["name"], &plugin["state"]), (200, &json!("fake"), &json!("ready")));
    assert_eq!(plugin["tools"], json!(["audio", "echo", "progress", "sleep", "strict"]));
    let (status, tool) = get(&server, "/inspect/tool?name=echo").await;
    assert_eq!((status, &tool["plugin"], &tool["levels"][0]["page"]), (200, &json!("fake"), &Value::Null));
    for (path, expected, reason) in [
        ("/inspect/tool?name=%3Cb%3E", 404, "unknown_tool"),
        ("/inspect/tool", 400, "missing_name"),
        ("/inspect/tool?name=%FF", 404, "unknown_tool"),
    ] {
        let (status, body) = get(&server, path).await;
        assert_eq!((status, &body["error"]["data"]["reason"]), (expected, &json!(reason)), "{path}");
    }
}

#[tokio::test]
async fn to_ask_for_a_command_line_runs_nothing() {
    let server = start(http());
    let (status, body) = argv(&server, r#"{"name": "echo"}"#).await;
    assert_eq!((status, body), (200, json!({"launch": [], "words": ["echo"]})));
    let (status, body) = argv(&server, r#"{"name": "echo", "arguments": {"b": 1}}"#).await;
    assert_eq!((status, &body["errors"][0]["argument"]), (200, &json!("b")));
    for (asked, expected, reason) in [
        (r#"{"name": "none"}"#.to_owned(), 404, "unknown_tool"),
        ("{}".to_owned(), 400, "bad_body"),
        (r#"{"name": "echo", "arguments": []}"#.to_owned(), 400, "bad_body"),
        (r#"{"name": "echo", "more": 1}"#.to_owned(), 400, "bad_body"),
        ("[".repeat(10_000), 400, "bad_body"),
    ] {
        let (status, body) = argv(&server, &asked).await;
        assert_eq!((status, &body["error"]["data"]["reason"]), (expected, &json!(reason)), "{asked:.60}");
    }
    let (status, _) = argv(&server, &" ".repeat(http().body_limit + 1)).await;
    assert_eq!(status, 413);
    assert_eq!(server.fake.started(), 0);
}

#[tokio::test]
async fn calls_come_with_health_and_the_generation() {
    let server = start(http());
    let (status, calls) = get(&server, "/inspect/calls").await;
    assert_eq!((status, &calls["generation"]), (200, &json!(1)));
    let call = json!({"id": 1, "tool": "sleep", "beganMs": 1, "tookMs": 2, "outcome": "ok"});
    assert_eq!((calls["calls"].as_array().unwrap().len(), &calls["calls"][0]), (2, &call));
    let (_, health) = get(&server, "/health").await;
    assert_eq!(calls["health"]["tools"], health["tools"]);
    server.fake.reload();
    assert_eq!(get(&server, "/inspect/calls").await.1["generation"], 2);
}
