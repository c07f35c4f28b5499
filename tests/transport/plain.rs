//! `POST /messages/` without a session, `GET /health`, and what tools answer in each revision.

use serde_json::{Value, json};

use super::support::{Client, Running, call, http, initialize, request, start, told};

fn url(server: &Running) -> String {
    format!("{}/messages/", server.base)
}

#[tokio::test]
async fn a_program_needs_no_session_and_no_handshake() {
    let server = start(http());
    let client = Client::of("2025-11-25");
    for url in [url(&server), format!("{}/messages", server.base)] {
        let (status, answer) = client.ask(&url, &request(1, "ping", json!({}))).await;
        assert_eq!((status.as_u16(), &answer["result"], &answer["id"]), (200, &json!({}), &json!(1)));
        let (_, answer) = client.ask(&url, &call("a", "echo", json!({"a": "é"}))).await;
        assert_eq!(answer["result"]["structuredContent"], json!({"a": "é"}));
        assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!("a"), &json!(false)));
    }
    let (_, answer) = client.ask(&url(&server), &request(2, "tools/list", json!({}))).await;
    let names: Vec<_> = answer["result"]["tools"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert_eq!(names, ["audio", "echo", "health", "progress", "sleep", "strict"]);
}

#[tokio::test]
async fn initialize_settles_the_revision_that_is_asked_for() {
    let server = start(http());
    for (asked, given) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let (status, answer) = Client::of(given).ask(&url(&server), &initialize(asked)).await;
        assert_eq!((status.as_u16(), &answer["result"]["protocolVersion"]), (200, &json!(given)), "{asked}");
        assert_eq!(answer["result"]["capabilities"]["tools"]["listChanged"], json!(true));
    }
}

#[tokio::test]
async fn the_two_forms_of_health_say_the_same() {
    let server = start(http());
    let client = Client::of("2025-11-25");
    let (_, answer) = client.ask(&url(&server), &call(1, "health", json!({}))).await;
    let tool = &answer["result"]["structuredContent"];
    let text: Value = serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    let plain: Value = client.get(&format!("{}/health", server.base)).await.json().await.unwrap();
    for key in ["status", "plugins", "plugin_names", "version", "tools", "plugin_states", "calls"] {
        assert_eq!((&tool[key], &text[key]), (&plain[key], &plain[key]), "{key}");
    }
    assert_eq!(plain["status"], "healthy");
    assert_eq!((&plain["plugins"], &plain["plugin_names"]), (&json!(1), &json!(["fake"])));
    let (_, answer) = client.ask(&url(&server), &call(1, "health", json!({"x": 1}))).await;
    assert_eq!(answer["result"]["structuredContent"]["error"]["code"], "invalid_arguments");
}

#[tokio::test]
async fn faults_have_their_codes() {
    let server = start(http());
    let client = Client::of("2025-11-25");
    for (body, status, code, id) in [
        ("{", 400, -32700, json!(null)),
        ("[]", 400, -32600, json!(null)),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, 400, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","id":5,"method":7}"#, 400, -32600, json!(5)),
        (r#"{"jsonrpc":"2.0","id":6,"method":"nope"}"#, 200, -32601, json!(6)),
        (r#"{"jsonrpc":"2.0","id":6,"method":"server/discover"}"#, 200, -32601, json!(6)),
        (r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"nope"}}"#, 200, -32602, json!(7)),
        (r#"{"jsonrpc":"2.0","id":8,"method":"tools/call"}"#, 200, -32602, json!(8)),
        (
            r#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"echo","arguments":[]}}"#,
            200,
            -32602,
            json!(8),
        ),
        (r#"{"jsonrpc":"2.0","id":9,"method":"tools/list","params":{"cursor":"x"}}"#, 200, -32602, json!(9)),
        (
            r#"{"jsonrpc":"2.0","id":9,"method":"logging/setLevel","params":{"level":"loud"}}"#,
            200,
            -32602,
            json!(9),
        ),
    ] {
        let response = client.post_text(&url(&server), body).await;
        let found = response.status().as_u16();
        let answer: Value = response.json().await.unwrap();
        client.check(None, &answer);
        assert_eq!((found, &answer["error"]["code"], &answer["id"]), (status, &json!(code), &id), "{body}");
    }
}

#[tokio::test]
async fn notifications_and_answers_are_taken_without_a_word() {
    let server = start(http());
    for message in
        [told("notifications/initialized", json!({})), json!({"jsonrpc": "2.0", "id": 1, "result": {}})]
    {
        let response = Client::default().post(&url(&server), &message).await;
        assert_eq!((response.status().as_u16(), response.text().await.unwrap()), (202, String::new()));
    }
}

#[tokio::test]
async fn batches_are_for_the_one_revision_that_has_them() {
    let server = start(http());
    let client = Client::of("2025-03-26").with("mcp-protocol-version", "2025-03-26");
    let batch = json!([
        request(1, "ping", json!({})),
        told("notifications/initialized", json!({})),
        3,
        call(2, "echo", json!({}))
    ]);
    let (status, answer) = client.ask(&url(&server), &batch).await;
    let mut ids: Vec<String> = answer.as_array().unwrap().iter().map(|a| a["id"].to_string()).collect();
    ids.sort();
    assert_eq!((status.as_u16(), ids), (200, vec!["1".into(), "2".into(), "null".into()]));
    let quiet = json!([told("notifications/initialized", json!({}))]);
    assert_eq!(client.post(&url(&server), &quiet).await.status(), 202);
    let other = Client::default().with("mcp-protocol-version", "2099-01-01");
    assert_eq!(other.post(&url(&server), &quiet).await.status(), 400);
}

#[tokio::test]
async fn answers_are_in_the_terms_of_the_revision() {
    let server = start(http());
    for (revision, bad_arguments_are_results, audio, structured) in [
        ("2024-11-05", false, "resource", false),
        ("2025-03-26", false, "audio", false),
        ("2025-06-18", false, "audio", true),
        ("2025-11-25", true, "audio", true),
    ] {
        let client = Client::of(revision).with("mcp-protocol-version", revision);
        let (_, bad) = client.ask(&url(&server), &call(1, "strict", json!({}))).await;
        if bad_arguments_are_results {
            assert_eq!(bad["result"]["isError"], json!(true), "{revision}");
        } else {
            assert_eq!(bad["error"]["code"], json!(-32602), "{revision}");
        }
        assert!(bad.to_string().contains("is wrong"), "{bad}");
        let (_, found) = client.ask(&url(&server), &call(1, "audio", json!({}))).await;
        assert_eq!(found["result"]["content"][0]["type"], audio, "{revision}");
        let (_, found) = client.ask(&url(&server), &call(1, "echo", json!({"a": "b"}))).await;
        assert_eq!(found["result"].get("structuredContent").is_some(), structured, "{revision}");
        let (_, list) = client.ask(&url(&server), &request(1, "tools/list", json!({}))).await;
        assert_eq!(list["result"]["tools"][0].get("title").is_some(), structured, "{revision}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_call() {
    let server = start(http());
    let asking = tokio::spawn({
        let url = url(&server);
        async move { Client::default().post(&url, &call(1, "sleep", json!({}))).await }
    });
    server.fake.wait_started(1).await;
    asking.abort();
    let before = std::time::Instant::now();
    super::support::eventually("the call is cancelled", || server.fake.cancelled() == 1).await;
    assert!(before.elapsed() < std::time::Duration::from_secs(1));
}
