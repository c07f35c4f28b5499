//! Profiles: several clients at once, each of which sees its own tools and no other's, in both eras.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smcp::config::{Http, ProfileKey};
use smcp::profile::{self, Profiles};
use smcp::transport::ROUTES;

use super::modern;
use super::support::{Client, FILES, Running, call, http, initialize, request, start, start_governed, told};

const REVISION: &str = "2025-11-25";

pub(super) fn profiles() -> Arc<Profiles> {
    let text = r#"{
        "default_profile": "reader",
        "profiles": {
            "reader": {"mode": "explicit", "tools": ["echo", "audio"], "description": "Reads."},
            "writer": {"mode": "prefix", "prefix": "s"},
            "none": {"mode": "glob", "pattern": "nothing*"}
        },
        "intent_hints": [
            {"intent": "say it again", "tool": "echo", "needs": "a"},
            {"intent": "be patient", "tool": "sleep"}
        ]
    }"#;
    Arc::new(Profiles::of(vec![profile::parse(text).unwrap()], None, None).unwrap())
}

pub(super) fn governed() -> Running {
    let key = |key: &str, profile: &str| ProfileKey { key: key.into(), profile: profile.into() };
    let http = Http {
        keys: vec!["any".into()],
        profile_keys: vec![key("reads", "reader"), key("writes", "writer")],
        ..http()
    };
    start_governed(http, FILES.as_ref(), Some(profiles()))
}

/// A client with a session of its own at `path`.
pub(super) async fn connect(server: &Running, path: &str, client: Client) -> (Client, String) {
    let url = format!("{}{path}", server.base);
    let client = Client { revision: REVISION.into(), ..client }.both();
    let response = client.post(&url, &initialize(REVISION)).await;
    assert_eq!(response.status(), 200, "{path}");
    let id = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let client = client.with("mcp-session-id", &id).with("mcp-protocol-version", REVISION);
    assert_eq!(client.post(&url, &told("notifications/initialized", json!({}))).await.status(), 202);
    (client, url)
}

fn names(list: &Value) -> Vec<&str> {
    list["result"]["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect()
}

async fn listed((client, url): &(Client, String)) -> String {
    let (_, list) = client.ask(url, &request(1, "tools/list", json!({}))).await;
    names(&list).join(" ")
}

/// Calls `sanctum__tools` by a client that takes JSON only, and gives its answer.
pub(super) async fn govern((client, url): &(Client, String), arguments: Value) -> Value {
    let client = client.clone().with("accept", "application/json");
    let (_, answer) = client.ask(url, &call(2, "sanctum__tools", arguments)).await;
    answer["result"].clone()
}

#[tokio::test]
async fn two_legacy_clients_neither_see_nor_block_each_other() {
    let server = governed();
    let reader = connect(&server, "/mcp", Client::default()).await;
    let writer = connect(&server, "/mcp/writer", Client::default()).await;
    assert_eq!(listed(&reader).await, "audio echo health sanctum__tools");
    assert_eq!(listed(&writer).await, "health sanctum__tools sleep strict");

    // A call that does not end, in one of them.
    let running = tokio::spawn({
        let (client, url) = writer.clone();
        async move { client.ask(&url, &call("long", "sleep", json!({}))).await }
    });
    server.fake.wait_started(1).await;
    for (who, tool) in [(&reader, "sleep"), (&reader, "progress"), (&writer, "echo")] {
        let (_, answer) = who.0.ask(&who.1, &call(3, tool, json!({}))).await;
        assert_eq!(answer["error"]["code"], json!(-32602), "{tool}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("unknown tool `{tool}`; `sanctum__tools`")), "{message}");
    }
    assert_eq!(reader.0.ask(&reader.1, &call(4, "echo", json!({"a": "b"}))).await.0, 200);
    assert_eq!(server.fake.started(), 2, "what is not seen is not run");

    // What one attaches and detaches, the other does not notice.
    let mut to_reader = reader.0.events(reader.0.get(&reader.1).await);
    let mut to_writer = writer.0.events(writer.0.get(&writer.1).await);
    let result = govern(&reader, json!({"action": "attach", "tools": ["progress", "sleep"]})).await;
    assert_eq!(result["structuredContent"]["attached"], json!(["audio", "echo", "progress", "sleep"]));
    assert_eq!(to_reader.message("").await["method"], "notifications/tools/list_changed");
    govern(&reader, json!({"action": "detach", "tool": "echo"})).await;
    assert_eq!(to_reader.message("").await["method"], "notifications/tools/list_changed");
    let again = govern(&reader, json!({"action": "detach", "tool": "echo"})).await;
    assert_eq!(again["isError"], json!(false), "what is detached already can be detached");
    assert_eq!(listed(&reader).await, "audio health progress sanctum__tools sleep");
    assert_eq!(listed(&writer).await, "health sanctum__tools sleep strict");
    let other = connect(&server, "/mcp", Client::default()).await;
    assert_eq!(listed(&other).await, "audio echo health sanctum__tools");
    server.fake.reload();
    for stream in [&mut to_reader, &mut to_writer] {
        assert_eq!(stream.message("").await["method"], "notifications/tools/list_changed");
    }
    assert_eq!(
        listed(&reader).await,
        "audio health progress sanctum__tools sleep",
        "a reload takes nothing away"
    );

    // The reload's word is the first that the other got.
    govern(&writer, json!({"action": "attach-profile", "profile": "reader"})).await;
    assert_eq!(to_writer.message("").await["method"], "notifications/tools/list_changed");
    assert_eq!(listed(&writer).await, "audio echo health sanctum__tools");
    writer.0.post(&writer.1, &told("notifications/cancelled", json!({"requestId": "long"}))).await;
    running.abort();
}

#[tokio::test]
async fn two_modern_clients_neither_see_nor_block_each_other() {
    let server = governed();
    let at = async |path: &str, method: &str, params: Value| {
        let (client, request) = modern::prepared(1, method, params);
        let (status, answer) = client.ask(&format!("{}{path}", server.base), &request).await;
        (status.as_u16(), answer)
    };
    let running = tokio::spawn({
        let (client, request) = modern::prepared(7, "tools/call", json!({"name": "sleep", "arguments": {}}));
        let url = format!("{}/mcp/writer", server.base);
        async move { client.post(&url, &request).await }
    });
    server.fake.wait_started(1).await;
    for (path, expected) in [
        ("/mcp", "audio echo health"),
        ("/mcp/reader", "audio echo health"),
        ("/mcp/writer", "health sleep strict"),
        ("/mcp/none", "health"),
        ("/mcp/full", "audio echo health progress sleep strict"),
    ] {
        let (_, list) = at(path, "tools/list", json!({})).await;
        assert_eq!(names(&list).join(" "), expected, "{path}");
    }
    let (_, answer) = at("/mcp/reader", "tools/call", json!({"name": "echo", "arguments": {"a": "b"}})).await;
    assert_eq!(answer["result"]["structuredContent"], json!({"a": "b"}));
    let (_, answer) = at("/mcp/reader", "tools/call", json!({"name": "sleep", "arguments": {}})).await;
    assert_eq!(answer["error"]["message"], "unknown tool `sleep`");
    let choose = json!({"name": "sanctum__tools", "arguments": {"action": "attach", "tool": "sleep"}});
    let (_, answer) = at("/mcp", "tools/call", choose).await;
    assert_eq!(answer["error"]["code"], json!(-32602));
    assert!(answer["error"]["message"].as_str().unwrap().contains("/mcp/PROFILE"), "{answer}");
    let (_, answer) = at("/mcp/none", "tools/call", json!({"name": "health", "arguments": {}})).await;
    assert_eq!(answer["result"]["structuredContent"]["plugin_names"], json!([]));
    let (_, list) = at("/mcp/none", "prompts/list", json!({})).await;
    assert_eq!(list["result"]["prompts"], json!([]), "nor does it see what else such a plugin offers");
    running.abort();
}

#[tokio::test]
async fn a_contract_tells_of_the_profiles_commands_alone() {
    let server = governed();
    let contract = json!({"uri": "smcp://fake/contract"});
    let commands = |answer: &Value| {
        let text = answer["result"]["contents"][0]["text"].as_str().unwrap();
        let contract: Value = serde_json::from_str(text).unwrap();
        let commands = contract["command"]["subcommands"].as_array().unwrap();
        commands.iter().map(|c| c["name"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    for (path, expected) in [
        ("/mcp", "audio echo"),
        ("/mcp/writer", "sleep strict"),
        ("/mcp/full", "audio echo progress sleep strict"),
    ] {
        let (client, url) = connect(&server, path, Client::default()).await;
        let (_, answer) = client.ask(&url, &request(1, "resources/read", contract.clone())).await;
        assert_eq!(commands(&answer), expected, "{path}");
        let (client, read) = modern::prepared(1, "resources/read", contract.clone());
        let (_, answer) = client.ask(&url, &read).await;
        assert_eq!(commands(&answer), expected, "{path}");
    }
}

#[tokio::test]
async fn the_older_transport_has_profiles_by_path() {
    let server = governed();
    let client = Client::of(REVISION);
    let mut events = client.events(client.get(&format!("{}/sse/writer", server.base)).await);
    let (_, address) = events.next().await.unwrap();
    assert!(address.starts_with("/messages/writer?session_id="), "{address}");
    let url = format!("{}{address}", server.base);
    client.post(&url, &initialize(REVISION)).await;
    events.message("initialize").await;
    client.post(&url, &request(1, "tools/list", json!({}))).await;
    assert_eq!(names(&events.message("tools/list").await).join(" "), "health sanctum__tools sleep strict");
    client.post(&url, &call(2, "sanctum__tools", json!({"action": "attach", "tool": "fake.nothing"}))).await;
    let refused = events.message("tools/call").await;
    assert_eq!(refused["result"]["structuredContent"]["error"]["code"], "invalid_tool_name");
    client.post(&url, &call(3, "sanctum__tools", json!({"action": "attach", "tool": "echo"}))).await;
    assert_eq!(events.message("").await["method"], "notifications/tools/list_changed", "before the answer");
    assert_eq!(events.message("tools/call").await["id"], json!(3));
    client.post(&url, &call(4, "echo", json!({"a": "b"}))).await;
    assert_eq!(events.message("tools/call").await["result"]["isError"], json!(false));
    // The session is not to be had by another path.
    let id = address.split_once('?').unwrap().1;
    for path in ["/messages/", "/messages/full"] {
        let url = format!("{}{path}?{id}", server.base);
        assert_eq!(client.ask(&url, &request(5, "ping", json!({}))).await.0, 404, "{path}");
    }
    // Without a session there is nothing to choose for.
    let url = format!("{}/messages/none", server.base);
    let (_, list) = client.ask(&url, &request(6, "tools/list", json!({}))).await;
    assert_eq!(names(&list), ["health"]);
    let (_, answer) = client.ask(&url, &call(7, "sanctum__tools", json!({"action": "help"}))).await;
    assert_eq!(answer["error"]["code"], json!(-32602));
}

#[tokio::test]
async fn a_session_without_a_stream_hears_of_its_change_beside_the_answer() {
    let server = governed();
    let (client, url) = connect(&server, "/mcp", Client::default()).await;
    let change = call(1, "sanctum__tools", json!({"action": "attach-profile", "profile": "full"}));
    let mut events = client.events(client.post(&url, &change).await);
    assert_eq!(events.message("").await["method"], "notifications/tools/list_changed");
    assert_eq!(events.message("tools/call").await["result"]["structuredContent"]["profile"], "full");
}

#[tokio::test]
async fn a_session_that_chose_hears_of_each_later_change_once() {
    let server = governed();
    let client = Client::of(REVISION);
    let mut events = client.events(client.get(&format!("{}/sse", server.base)).await);
    let url = format!("{}{}", server.base, events.next().await.unwrap().1);
    client.post(&url, &initialize(REVISION)).await;
    events.message("initialize").await;
    client.post(&url, &call(1, "sanctum__tools", json!({"action": "attach", "tool": "sleep"}))).await;
    assert_eq!(events.message("").await["method"], "notifications/tools/list_changed");
    events.message("tools/call").await;
    // What it does not see changes: there is nothing to tell, least of all its choice again.
    server.fake.change(|tools| tools.retain(|tool| tool.name != "strict"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.post(&url, &request(2, "ping", json!({}))).await;
    assert_eq!(events.message("ping").await["id"], json!(2));
    // What it chose goes: the list is as it was before the choice, and another than the last one all the same.
    server.fake.change(|tools| tools.retain(|tool| tool.name != "sleep"));
    assert_eq!(events.message("").await["method"], "notifications/tools/list_changed");
    client.post(&url, &request(3, "tools/list", json!({}))).await;
    assert_eq!(names(&events.message("tools/list").await).join(" "), "audio echo health sanctum__tools");
}

#[tokio::test]
async fn the_tool_tells_what_there_is() {
    let server = governed();
    let free = connect(&server, "/mcp", Client::default()).await;
    let bound = connect(&server, "/mcp", Client::default().with("x-api-key", "reads")).await;
    let help = govern(&free, json!({"action": "help"})).await["structuredContent"].clone();
    assert_eq!(help["profiles"][2], json!({"name": "reader", "tools": 2, "description": "Reads."}));
    assert_eq!(help["intent_hints"].as_array().unwrap().len(), 2);
    let help = govern(&bound, json!({"action": "help"})).await["structuredContent"].clone();
    assert_eq!(
        (help["profiles"].as_array().unwrap().len(), &help["intent_hints"][0]["tool"]),
        (1, &json!("echo"))
    );
    let available = |who| async move { govern(who, json!({"action": "list-available"})).await };
    assert_eq!(available(&free).await["structuredContent"]["tools"].as_array().unwrap().len(), 5);
    assert_eq!(available(&bound).await["structuredContent"]["tools"], json!(["audio", "echo"]));
    for (arguments, code) in [
        (json!({"action": "attach", "tools": ["sleep"]}), "invalid_tool_name"),
        (json!({"action": "attach-profile", "profile": "full"}), "unknown_profile"),
        (json!({"action": "detach", "tools": ["echo", "health"]}), "always_attached"),
        (json!({"action": "detach"}), "invalid_arguments"),
    ] {
        let result = govern(&bound, arguments.clone()).await;
        assert_eq!(result["structuredContent"]["error"]["code"], code, "{arguments}");
    }
    assert_eq!(listed(&bound).await, "audio echo health sanctum__tools", "a refused change changes nothing");
    govern(&bound, json!({"action": "detach", "tools": ["echo"]})).await;
    govern(&bound, json!({"action": "attach-profile", "profile": "reader"})).await;
    assert_eq!(listed(&bound).await, "audio echo health sanctum__tools");
}

#[tokio::test]
async fn a_key_of_a_profile_opens_that_profile_alone() {
    let server = governed();
    for (key, path, expected) in [
        ("writes", "/mcp", "health sanctum__tools sleep strict"),
        ("writes", "/mcp/writer", "health sanctum__tools sleep strict"),
        ("any", "/mcp", "audio echo health sanctum__tools"),
        ("any", "/mcp/writer", "health sanctum__tools sleep strict"),
    ] {
        let session = connect(&server, path, Client::default().with("x-api-key", key)).await;
        assert_eq!(listed(&session).await, expected, "{key} {path}");
    }
    let writer = connect(&server, "/mcp", Client::default().with("x-api-key", "writes")).await;
    for key in ["reads", "any"] {
        let thief = (writer.0.clone().with("x-api-key", key), writer.1.clone());
        let (status, _) = thief.0.ask(&thief.1, &request(1, "tools/list", json!({}))).await;
        assert_eq!(status, 404, "a session belongs to those who come under its profile");
    }
    let (client, list) = modern::prepared(1, "tools/list", json!({}));
    let (_, list) = client.with("x-api-key", "writes").ask(&format!("{}/mcp", server.base), &list).await;
    assert_eq!(names(&list), ["health", "sleep", "strict"]);
    let health = Client::default().with("x-api-key", "writes").get(&format!("{}/health", server.base)).await;
    assert_eq!(health.json::<Value>().await.unwrap()["tools"], json!(2));
}

#[tokio::test]
async fn metrics_tell_of_all_tools_so_a_key_of_a_profile_does_not_open_them() {
    let server = governed();
    for (key, status) in [("any", 200), ("reads", 403)] {
        let client = Client::of(REVISION).with("x-api-key", key);
        assert_eq!(client.get(&format!("{}/metrics", server.base)).await.status(), status, "{key}");
    }
}

#[tokio::test]
async fn every_path_of_a_profile_knows_its_name_and_its_key() {
    let (on, off) = (governed(), start(http()));
    for route in ROUTES.iter().filter(|route| route.path.contains("{profile}")) {
        for (server, name, key, status, reason) in [
            (&on, "nobody", None, 404, "unknown_profile"),
            (&on, "nobody", Some("reads"), 403, "foreign_profile"),
            (&on, "writer", Some("reads"), 403, "foreign_profile"),
            (&off, "writer", None, 404, "unknown_profile"),
        ] {
            let url = format!("{}{}", server.base, route.path.replace("{profile}", name));
            let asked = reqwest::Client::new().request(route.method.parse().unwrap(), url);
            let asked = asked.header("content-type", "application/json").header("mcp-session-id", "x");
            let asked = asked.header("accept", "application/json, text/event-stream");
            let asked = key.into_iter().fold(asked, |asked, key| asked.header("x-api-key", key));
            let body = request(1, "tools/list", json!({})).to_string();
            let response = asked.body(body).send().await.unwrap();
            assert_eq!(response.status(), status, "{route:?} {name} {key:?}");
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["error"]["data"]["reason"], reason, "{route:?} {name} {key:?}");
        }
    }
    let session = connect(&off, "/mcp", Client::default()).await;
    assert_eq!(listed(&session).await, "audio echo health progress sleep strict", "off unless configured");
    let (_, answer) = session.0.ask(&session.1, &call(1, "sanctum__tools", json!({"action": "help"}))).await;
    assert_eq!(answer["error"]["message"], "unknown tool `sanctum__tools`");
}

#[tokio::test]
async fn the_page_shows_what_the_key_may_see() {
    let server = governed();
    for (key, tools, calls) in [
        ("reads", &["audio", "echo"][..], &["echo"][..]),
        ("writes", &["sleep", "strict"], &["sleep"]),
        // Any key, no path: the first profile.
        ("any", &["audio", "echo"], &["echo"]),
    ] {
        let client = Client::default().with("x-api-key", key);
        let get = async |path: &str| -> (u16, Value) {
            let response = client.get(&format!("{}{path}", server.base)).await;
            (response.status().as_u16(), response.json().await.unwrap())
        };
        assert_eq!(get("/inspect/plugins").await.1["plugins"][0]["tools"], json!(tools), "{key}");
        let (_, told) = get("/inspect/calls").await;
        let named: Vec<_> = told["calls"].as_array().unwrap().iter().map(|c| &c["tool"]).collect();
        assert_eq!(named, calls, "{key}");
        assert_eq!(told["health"]["tools"], tools.len(), "{key}");
        for name in ["audio", "echo", "sleep", "strict", "progress"] {
            let expected = if tools.contains(&name) { 200 } else { 404 };
            assert_eq!(get(&format!("/inspect/tool?name={name}")).await.0, expected, "{key} {name}");
            let argv = client.post(&format!("{}/inspect/argv", server.base), &json!({"name": name})).await;
            assert_eq!(argv.status(), expected, "{key} {name}");
        }
    }
}
