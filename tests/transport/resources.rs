//! Resources, prompts and completion, in every revision.

use std::time::Duration;

use serde_json::{Value, json};
use smcp::config::Http;

use super::modern;
use super::support::{Client, Running, http, initialize, request, start, told};

const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// Asks in every revision; gives what each answered, the last one being the modern one.
async fn everywhere(server: &Running, method: &str, params: Value) -> Vec<Value> {
    let mut answers = Vec::new();
    for revision in LEGACY {
        let client = Client::of(revision).with("mcp-protocol-version", revision).both();
        let mut hello = client.post(&format!("{}/mcp", server.base), &initialize(revision)).await;
        let session = hello.headers_mut().remove("mcp-session-id").unwrap();
        let client = client.with("mcp-session-id", session.to_str().unwrap());
        answers
            .push(client.ask(&format!("{}/mcp", server.base), &request(1, method, params.clone())).await.1);
    }
    answers.push(modern::ask(server, method, params).await.1);
    answers
}

#[tokio::test]
async fn lists_have_what_their_revision_knows() {
    let server = start(Http { session_limit: 64, ..http() });
    for (n, answer) in everywhere(&server, "resources/list", json!({})).await.iter().enumerate() {
        let resources = answer["result"]["resources"].as_array().unwrap();
        let uris: Vec<_> = resources.iter().map(|r| r["uri"].as_str().unwrap()).collect();
        assert_eq!(
            uris,
            [
                "fake://outside",
                "fake://pixel",
                "smcp://fake/contract",
                "smcp://fake/static.txt",
                "smcp://fake/watched.txt"
            ]
        );
        assert_eq!(resources[3]["mimeType"], "text/plain");
        assert_eq!(resources[3].get("title").is_some(), n >= 2, "titles came with 2025-06-18");
    }
    for answer in everywhere(&server, "resources/templates/list", json!({})).await {
        assert_eq!(answer["result"]["resourceTemplates"][0]["uriTemplate"], "fake://sound/{a}");
    }
    for answer in everywhere(&server, "prompts/list", json!({})).await {
        let prompts = answer["result"]["prompts"].as_array().unwrap();
        assert_eq!(
            (prompts[0]["name"].as_str(), prompts[1]["name"].as_str()),
            (Some("greet"), Some("listen"))
        );
        assert_eq!(prompts[0]["arguments"][0], json!({"name": "arg1", "required": true}));
        assert_eq!(prompts[1]["arguments"][0]["name"], "a", "a command's arguments are its tool's");
    }
}

#[tokio::test]
async fn resources_are_text_bytes_or_made() {
    let server = start(Http { session_limit: 64, ..http() });
    let read = |uri: &str| everywhere(&server, "resources/read", json!({"uri": uri.to_owned()}));
    for answer in read("smcp://fake/static.txt").await {
        let content = &answer["result"]["contents"][0];
        assert_eq!(content["text"], "This is the content of the static text resource.");
    }
    for answer in read("fake://pixel").await {
        assert_eq!(answer["result"]["contents"][0]["mimeType"], "image/png");
        assert!(answer["result"]["contents"][0]["blob"].as_str().unwrap().starts_with("iVBOR"));
    }
    for answer in read("fake://sound/x").await {
        assert_eq!(answer["result"]["contents"][0]["uri"], "fake://sound/x");
        assert!(answer["result"]["contents"][0]["blob"].is_string(), "{answer}");
    }
    for answer in read("fake://%73ound/x").await {
        assert!(answer["result"]["contents"][0]["blob"].is_string(), "another way to write it: {answer}");
    }
    for answer in read("smcp://fake/contract").await {
        let text = answer["result"]["contents"][0]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap()["plugin"], "fake");
    }
}

#[tokio::test]
async fn what_is_not_there_or_outside_is_an_error() {
    let server = start(Http { session_limit: 64, ..http() });
    for (n, answer) in
        everywhere(&server, "resources/read", json!({"uri": "fake://no"})).await.iter().enumerate()
    {
        let code = if n < LEGACY.len() { -32002 } else { -32602 };
        assert_eq!(
            (&answer["error"]["code"], &answer["error"]["data"]["uri"]),
            (&json!(code), &json!("fake://no"))
        );
    }
    for answer in everywhere(&server, "resources/read", json!({"uri": "fake://outside"})).await {
        assert!(answer["error"]["message"].as_str().unwrap().contains("leads out"), "{answer}");
    }
    for (arguments, part) in [
        (json!({}), "`arg1` is missing"),
        (json!({"arg1": 5}), "`arg1` is not text"),
        (json!({"arg1": "x", "more": "y"}), "no argument `more`"),
    ] {
        for answer in
            everywhere(&server, "prompts/get", json!({"name": "greet", "arguments": arguments})).await
        {
            assert!(answer["error"]["message"].as_str().unwrap().contains(part), "{answer}");
        }
    }
}

#[tokio::test]
async fn prompts_are_filled_or_printed_and_completed() {
    let server = start(Http { session_limit: 64, ..http() });
    let arguments = json!({"name": "greet", "arguments": {"arg1": "{{arg2}}", "arg2": "you"}});
    for answer in everywhere(&server, "prompts/get", arguments).await {
        let message = &answer["result"]["messages"][0];
        assert_eq!(message["content"]["text"], "Prompt with arguments: arg1='{{arg2}}', arg2='you'");
    }
    for (n, answer) in everywhere(&server, "prompts/get", json!({"name": "listen"})).await.iter().enumerate()
    {
        let kind = if n == 0 { "resource" } else { "audio" };
        assert_eq!(answer["result"]["messages"][0]["content"]["type"], kind, "audio came with 2025-03-26");
    }
    let of = |value: &str| json!({"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "arg1", "value": value}});
    for answer in everywhere(&server, "completion/complete", of("an")).await {
        assert_eq!(
            answer["result"]["completion"],
            json!({"values": ["Ann", "anna"], "total": 2, "hasMore": false})
        );
    }
    for uri in ["fake://sound/{a}", "fake://sound/%7ba%7D"] {
        let of = json!({"ref": {"type": "ref/resource", "uri": uri}, "argument": {"name": "a", "value": ""}});
        for answer in everywhere(&server, "completion/complete", of).await {
            assert!(answer["result"]["completion"].is_object(), "{uri}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_subscriber_hears_of_a_changed_file_until_it_unsubscribes() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("watched.txt"), "old").unwrap();
    let server = super::support::start_in(http(), directory.path());
    let client = Client::of("2025-11-25");
    let mut events = client.events(client.get(&format!("{}/sse", server.base)).await);
    let url = format!("{}{}", server.base, events.next().await.unwrap().1);
    client.post(&url, &initialize("2025-11-25")).await;
    events.message("initialize").await;
    client.post(&url, &told("notifications/initialized", json!({}))).await;
    let watched = json!({"uri": "smcp://fake/watched.txt"});
    client.post(&url, &request(1, "resources/subscribe", watched.clone())).await;
    events.message("").await;
    std::fs::write(directory.path().join("watched.txt"), "something new").unwrap();
    let heard = events.message("").await;
    assert_eq!((&heard["method"], &heard["params"]), (&json!("notifications/resources/updated"), &watched));
    let written_otherwise = json!({"uri": "smcp://fake/%77atched.txt"});
    client.post(&url, &request(2, "resources/unsubscribe", written_otherwise)).await;
    events.message("").await;
    std::fs::write(directory.path().join("watched.txt"), "newer still").unwrap();
    let more = tokio::time::timeout(Duration::from_millis(2500), events.next()).await;
    assert!(more.is_err(), "nothing more is said: {more:?}");
}
