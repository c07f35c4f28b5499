//! Lists that change: each client hears of its own, and of each of them.

use serde_json::{Value, json};
use smcp::model::Tool;

use super::governor::{connect, govern, governed};
use super::modern;
use super::support::{Client, Events, http, start};

/// The next lists that are told to have changed.
async fn heard(events: &mut Events, count: usize) -> Vec<String> {
    let mut lists = Vec::new();
    for _ in 0..count {
        let told = events.message("").await;
        let list = told["method"].as_str().unwrap().strip_prefix("notifications/").unwrap();
        lists.push(list.strip_suffix("/list_changed").unwrap().to_owned());
    }
    lists
}

/// Without the command that a prompt and a template are made of.
fn without_audio(tools: &mut Vec<Tool>) {
    tools.retain(|tool| tool.name != "audio");
}

#[tokio::test]
async fn a_command_that_changes_changes_what_is_made_of_it() {
    let server = governed();
    let reader = connect(&server, "/mcp", Client::default()).await;
    let writer = connect(&server, "/mcp/writer", Client::default()).await;
    let mut to_reader = reader.0.events(reader.0.get(&reader.1).await);
    let mut to_writer = writer.0.events(writer.0.get(&writer.1).await);
    server.fake.change(|tools| tools[0].input_schema["properties"]["b"] = json!({"type": "string"}));
    assert_eq!(heard(&mut to_reader, 2).await, ["tools", "prompts"]);
    server.fake.change(without_audio);
    assert_eq!(heard(&mut to_reader, 3).await, ["tools", "prompts", "resources"]);
    // What only others see is not told of.
    server.fake.change(|tools| tools.iter_mut().for_each(|tool| tool.description.push_str(" And more.")));
    assert_eq!(heard(&mut to_writer, 1).await, ["tools"]);
    assert_eq!(heard(&mut to_reader, 1).await, ["tools"]);
}

#[tokio::test]
async fn a_modern_listener_hears_of_all_lists_too() {
    let server = start(http());
    let all = json!({"toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true});
    let (client, listen) = modern::prepared(1, "subscriptions/listen", json!({"notifications": all}));
    let mut events = client.events(client.post(&format!("{}/mcp", server.base), &listen).await);
    events.message("").await;
    server.fake.change(without_audio);
    assert_eq!(heard(&mut events, 3).await, ["tools", "prompts", "resources"]);
}

#[tokio::test]
async fn a_resource_that_a_listener_names_twice_is_watched_once() {
    let server = start(http());
    let uris = ["smcp://fake/contract", "fake://pixel", "smcp://fake/contract"];
    let params = json!({"notifications": {"resourceSubscriptions": uris}});
    let (client, listen) = modern::prepared(1, "subscriptions/listen", params);
    let mut events = client.events(client.post(&format!("{}/mcp", server.base), &listen).await);
    let acknowledged = events.message("").await;
    let watched = acknowledged["params"]["notifications"]["resourceSubscriptions"].as_array().unwrap();
    assert_eq!(watched.len(), 2, "{acknowledged}");
}

#[tokio::test]
async fn a_session_that_chooses_tools_hears_of_each_list_that_changes() {
    let server = governed();
    let session = connect(&server, "/mcp", Client::default()).await;
    let mut events = session.0.events(session.0.get(&session.1).await);
    govern(&session, json!({"action": "attach-profile", "profile": "none"})).await;
    assert_eq!(heard(&mut events, 3).await, ["tools", "prompts", "resources"]);
    govern(&session, json!({"action": "attach", "tool": "echo"})).await;
    assert_eq!(heard(&mut events, 3).await, ["tools", "prompts", "resources"]);
    govern(&session, json!({"action": "attach", "tool": "progress"})).await;
    assert_eq!(heard(&mut events, 1).await, ["tools"]);
    govern(&session, json!({"action": "attach", "tool": "audio"})).await;
    assert_eq!(heard(&mut events, 3).await, ["tools", "prompts", "resources"]);
}

#[tokio::test]
async fn only_templates_that_can_be_read_are_listed() {
    let server = governed();
    for (path, expected) in [
        ("/mcp", json!(["fake://sound/{a}"])),
        ("/mcp/writer", json!([])),
        ("/mcp/full", json!(["fake://sound/{a}"])),
    ] {
        let (client, list) = modern::prepared(1, "resources/templates/list", json!({}));
        let (_, answer) = client.ask(&format!("{}{path}", server.base), &list).await;
        let templates = answer["result"]["resourceTemplates"].as_array().unwrap();
        let uris: Value = templates.iter().map(|t| t["uriTemplate"].clone()).collect();
        assert_eq!(uris, expected, "{path}");
    }
}

#[tokio::test]
async fn a_cursor_is_one_of_ours_or_none() {
    let server = start(http());
    for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
        for cursor in [json!(null), json!({}), json!(5), json!(true), json!("x")] {
            let (status, answer) = modern::ask(&server, method, json!({"cursor": cursor})).await;
            let (expected, code) = if cursor.is_null() { (200, json!(null)) } else { (200, json!(-32602)) };
            assert_eq!((status, &answer["error"]["code"]), (expected, &code), "{method} {cursor}");
        }
    }
}
