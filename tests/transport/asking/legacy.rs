//! Revisions with sessions: questions are requests to the client.

use std::time::Duration;

use serde_json::{Value, json};

use super::link::{KINDS, Kind, Link};
use super::world::World;
use crate::support::{Client, PATIENCE, call, request, told};

const NEWEST: &str = "2025-11-25";

fn all() -> Value {
    json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}})
}

fn code(result: &Value) -> &str {
    result["structuredContent"]["error"]["code"].as_str().unwrap_or("(none)")
}

#[tokio::test]
async fn a_user_is_asked_on_every_transport() {
    let world = World::start().await;
    for kind in KINDS {
        for revision in ["2025-06-18", NEWEST] {
            let mut link = Link::open(&world, kind, revision, all()).await;
            for (answer, content) in [
                (json!({"action": "accept", "content": {"name": "Ann"}}), json!({"name": "Ann"})),
                (json!({"action": "decline"}), json!(null)),
                (json!({"action": "cancel"}), json!(null)),
            ] {
                let question = link.question("name", json!({"greeting": "Hi"})).await;
                assert_eq!(question["method"], "elicitation/create", "{kind:?}");
                assert_eq!(question["params"]["message"], "Who?");
                let ran = world.runs();
                let result = link.settle(&question, answer.clone()).await;
                let expected = json!({"greeting": "Hi", "action": answer["action"], "content": content});
                assert_eq!(result["structuredContent"], expected, "{kind:?} {revision}");
                assert_eq!(world.runs().len(), ran.len() + 1, "it ran again with the answer");
            }
        }
    }
}

#[tokio::test]
async fn the_model_and_the_roots_are_asked_for_side_by_side() {
    let world = World::start().await;
    let sampled = json!({"role": "assistant", "content": {"type": "text", "text": "42"}, "model": "m"});
    let roots = json!({"roots": [{"uri": "file:///home"}]});
    for (kind, revision) in [(Kind::Sse, "2024-11-05"), (Kind::Streamable, NEWEST), (Kind::Stdio, NEWEST)] {
        let mut link = Link::open(&world, kind, revision, all()).await;
        let first = link.question("model", json!({})).await;
        let second = link.next("").await;
        assert_eq!(
            (&first["method"], &second["method"]),
            (&json!("sampling/createMessage"), &json!("roots/list"))
        );
        assert_ne!(first["id"], second["id"]);
        assert_eq!(first["params"]["maxTokens"], json!(9));
        let nobody = json!({"id": "nobody asked"});
        link.reply(&nobody, json!({})).await;
        link.reply(&second, roots.clone()).await;
        link.reply(&second, json!({"roots": "again"})).await;
        let result = link.settle(&first, sampled.clone()).await;
        let expected = json!({"said": "42", "roots": roots["roots"], "state": "text\u{e9}"});
        let text = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), expected, "{kind:?}");
    }
}

#[tokio::test]
async fn a_client_is_asked_only_for_what_it_declared() {
    let world = World::start().await;
    let without = |name: &str| {
        let mut capabilities = all();
        capabilities.as_object_mut().unwrap().remove(name);
        capabilities
    };
    for (kind, revision, capabilities, tool, missing) in [
        (Kind::Streamable, NEWEST, without("elicitation"), "name", "`elicitation`"),
        (Kind::Sse, NEWEST, without("sampling"), "model", "`sampling`"),
        (Kind::Stdio, NEWEST, without("roots"), "model", "`roots`"),
        (Kind::Stdio, NEWEST, json!({"elicitation": {}}), "page", "`elicitation`"),
        // Elicitation came with 2025-06-18.
        (Kind::Stdio, "2025-03-26", all(), "name", "`elicitation`"),
    ] {
        let mut link = Link::open(&world, kind, revision, capabilities).await;
        let result = link.result(tool, json!({})).await;
        let said = result["content"][0]["text"].as_str().unwrap();
        assert!(result["isError"] == true && said.contains(missing), "{kind:?} {tool}: {said}");
    }
    // A post by itself comes from nobody who could be asked.
    let client = Client::of(NEWEST);
    let (_, answer) =
        client.ask(&format!("{}/messages/", world.base), &call(1, "asker__name", json!({}))).await;
    assert_eq!(code(&answer["result"]), "input_unavailable");
    // Streamable HTTP without any stream.
    let mut link = Link::open(&world, Kind::Streamable, NEWEST, all()).await;
    assert_eq!(code(&link.without_stream("name").await["result"]), "input_unavailable");
}

#[tokio::test]
async fn a_page_is_opened_where_the_client_can() {
    let world = World::start().await;
    let mut link = Link::open(&world, Kind::Streamable, NEWEST, all()).await;
    let question = link.question("page", json!({})).await;
    assert_eq!(question["params"]["url"], "https://example.com/in");
    assert!(question["params"]["elicitationId"].is_string());
    let result = link.settle(&question, json!({"action": "accept"})).await;
    assert_eq!(result["structuredContent"], json!({"in": {"action": "accept"}}));
}

#[tokio::test]
async fn missing_arguments_are_asked_for() {
    let world = World::start().await;
    for kind in KINDS {
        let mut link = Link::open(&world, kind, NEWEST, all()).await;
        let question = link.question("values", json!({"text": "t"})).await;
        let schema = &question["params"]["requestedSchema"];
        assert_eq!(schema["required"], json!(["number", "kind"]));
        assert_eq!(schema["properties"]["number"]["type"], "integer");
        assert_eq!(schema["properties"]["kind"]["enum"], json!(["a", "b"]));
        let content = json!({"number": 7, "kind": "b", "text": "not asked for"});
        let result = link.settle(&question, json!({"action": "accept", "content": content})).await;
        assert_eq!(result["structuredContent"], json!({"text": "t", "number": 7, "kind": "b"}), "{kind:?}");
    }
    let mut link = Link::open(&world, Kind::Stdio, NEWEST, all()).await;
    for (answer, expected) in [
        (json!({"action": "decline"}), "declined"),
        (json!({"action": "cancel"}), "cancelled"),
        (json!({"action": "accept", "content": {"number": "x", "kind": "b"}}), "invalid_arguments"),
    ] {
        let question = link.question("values", json!({"text": "t"})).await;
        let result = link.settle(&question, answer).await;
        assert_eq!((&result["isError"], code(&result)), (&json!(true), expected));
    }
    // Half an answer is asked for again.
    let question = link.question("values", json!({"text": "t"})).await;
    link.reply(&question, json!({"action": "accept", "content": {"number": 1}})).await;
    let again = link.next("").await;
    assert_eq!(again["params"]["requestedSchema"]["required"], json!(["kind"]));
    let result = link.settle(&again, json!({"action": "accept", "content": {"kind": "a"}})).await;
    assert_eq!(result["structuredContent"]["kind"], "a");
    // What else is wrong is no question, nor is anything where nobody can be asked.
    let wrong = json!({"text": "t", "number": 1, "kind": "z"});
    assert_eq!(code(&link.result("values", wrong).await), "invalid_arguments");
    let mut deaf = Link::open(&world, Kind::Stdio, NEWEST, json!({})).await;
    assert_eq!(code(&deaf.result("values", json!({"text": "t"})).await), "invalid_arguments");
}

#[tokio::test]
async fn a_marked_tool_runs_only_after_a_yes() {
    let world = World::start().await;
    for kind in KINDS {
        let mut link = Link::open(&world, kind, NEWEST, all()).await;
        let before = world.runs().len();
        for (action, expected) in [("decline", "declined"), ("cancel", "cancelled")] {
            let question = link.question("wipe", json!({"path": "/x"})).await;
            let shown = question["params"]["message"].as_str().unwrap();
            assert!(shown.contains("asker__wipe") && shown.contains("\"/x\""), "{shown}");
            let result = link.settle(&question, json!({"action": action})).await;
            assert_eq!(code(&result), expected, "{kind:?}");
        }
        assert_eq!(world.runs().len(), before, "nothing ran");
        let question = link.question("wipe", json!({"path": "/x"})).await;
        let result = link.settle(&question, json!({"action": "accept", "content": {}})).await;
        assert_eq!(result["structuredContent"], json!({"wiped": "/x"}));
        // The missing argument first, then the yes.
        let question = link.question("wipe", json!({})).await;
        link.reply(&question, json!({"action": "accept", "content": {"path": "/y"}})).await;
        let question = link.next("").await;
        assert!(question["params"]["message"].as_str().unwrap().contains("\"/y\""));
        let result = link.settle(&question, json!({"action": "accept"})).await;
        assert_eq!(result["structuredContent"], json!({"wiped": "/y"}));
    }
    let mut deaf = Link::open(&world, Kind::Streamable, NEWEST, json!({})).await;
    let before = world.runs().len();
    assert_eq!(code(&deaf.result("wipe", json!({"path": "/x"})).await), "input_unavailable");
    assert_eq!(world.runs().len(), before);
}

#[tokio::test]
async fn answers_that_are_none_end_the_call() {
    let world = World::start().await;
    let mut link = Link::open(&world, Kind::Stdio, NEWEST, all()).await;
    let question = link.question("name", json!({})).await;
    let error = json!({"code": -1, "message": "the user left"});
    link.say(json!({"jsonrpc": "2.0", "id": question["id"], "error": error})).await;
    let result = &link.next("tools/call").await["result"];
    assert_eq!(code(result), "input_unavailable");
    assert!(result["content"][0]["text"].as_str().unwrap().contains("the user left"));
    let question = link.question("name", json!({})).await;
    let result = link.settle(&question, json!({"action": "perhaps"})).await;
    assert_eq!(code(&result), "input_unavailable");
    let question = link.question("name", json!({})).await;
    let long = json!({"action": "accept", "content": {"name": "x".repeat(200_000)}});
    assert_eq!(code(&link.settle(&question, long).await), "input_too_large");
    assert_eq!(code(&link.result("badly", json!({})).await), "plugin_error");
}

#[tokio::test]
async fn a_program_that_asks_in_circles_is_stopped() {
    let world = World::start().await;
    let mut link = Link::open(&world, Kind::Streamable, NEWEST, all()).await;
    let mut question = link.question("circle", json!({})).await;
    for _ in 1..8 {
        link.reply(&question, json!({"action": "accept", "content": {}})).await;
        question = link.next("").await;
    }
    let result = link.settle(&question, json!({"action": "accept", "content": {}})).await;
    assert_eq!((code(&result), world.runs().len()), ("too_many_questions", 9));
}

#[tokio::test]
async fn a_call_can_be_cancelled_while_its_user_thinks() {
    let world = World::start().await;
    for kind in KINDS {
        let mut link = Link::open(&world, kind, NEWEST, all()).await;
        let question = link.question("name", json!({})).await;
        let ran = world.runs().len();
        link.say(told("notifications/cancelled", json!({"requestId": 1}))).await;
        let withdrawn = link.next("").await;
        assert_eq!(withdrawn["method"], "notifications/cancelled", "{kind:?}");
        assert_eq!(withdrawn["params"]["requestId"], question["id"]);
        link.reply(&question, json!({"action": "accept", "content": {"name": "late"}})).await;
        link.ask(request(2, "ping", json!({}))).await;
        assert_eq!(link.next("ping").await["id"], json!(2), "nothing is said of it");
        assert_eq!(world.runs().len(), ran, "nor does it run again");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_wait() {
    let world = World::start().await;
    for kind in [Kind::Streamable, Kind::Session] {
        let mut link = Link::open(&world, kind, NEWEST, all()).await;
        link.question("name", json!({})).await;
        link.close_streams();
        let freed = async {
            while link.is_running(1).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(2 * PATIENCE, freed).await.unwrap_or_else(|_| panic!("{kind:?} still waits"));
    }
    let mut link = Link::open(&world, Kind::Stdio, NEWEST, all()).await;
    link.question("name", json!({})).await;
    link.ends_with_its_input().await;
    assert_eq!(world.runs(), ["name"; 3]);
}

#[tokio::test]
async fn a_stop_ends_the_wait() {
    let world = World::start().await;
    let mut link = Link::open(&world, Kind::Sse, NEWEST, all()).await;
    let question = link.question("name", json!({})).await;
    world.shutdown.cancel();
    let withdrawn = link.next("").await;
    assert_eq!(withdrawn["params"]["requestId"], question["id"]);
    assert_eq!(code(&link.next("tools/call").await["result"]), "cancelled");
}

#[tokio::test]
async fn a_prompt_asks_too() {
    let world = World::start().await;
    let mut link = Link::open(&world, Kind::Streamable, NEWEST, all()).await;
    link.ask(request(1, "prompts/get", json!({"name": "about"}))).await;
    let question = link.next("").await;
    link.reply(&question, json!({"action": "accept", "content": {"topic": "bees"}})).await;
    let answer = link.next("prompts/get").await;
    assert_eq!(answer["result"]["messages"][0]["content"]["text"], "Tell me about bees\n");
}

#[tokio::test]
async fn a_lost_stream_of_the_session_may_be_opened_anew() {
    let world = World::start().await;
    let mut link = Link::open(&world, Kind::Session, NEWEST, all()).await;
    let question = link.question("name", json!({})).await;
    link.reopen().await;
    let result = link.settle(&question, json!({"action": "decline"})).await;
    assert_eq!(result["structuredContent"]["action"], "decline");
}

#[tokio::test]
async fn plugins_are_looked_at_again_after_a_call_that_changes_them() {
    let world = World::start().await;
    let mut link = Link::open(&world, Kind::Sse, NEWEST, json!({})).await;
    link.ask(call(1, "asker__grow", json!({}))).await;
    let mut came =
        [link.next("tools/call").await, link.next("tools/call").await, link.next("tools/call").await];
    came.sort_by_key(|message| message["method"].as_str().map(str::to_owned));
    assert_eq!(came[0]["result"]["isError"], json!(false));
    assert_eq!(came[1]["method"], "notifications/resources/list_changed", "the new plugin's contract");
    assert_eq!(came[2]["method"], "notifications/tools/list_changed");
    link.ask(request(2, "tools/list", json!({}))).await;
    let list = link.next("tools/list").await;
    let names: Vec<&str> =
        list["result"]["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"grown"), "{names:?}");
}

#[tokio::test]
async fn forms_are_such_as_the_revision_has() {
    let world = World::start().await;
    for (revision, several) in [("2025-06-18", false), (NEWEST, true)] {
        let mut link = Link::open(&world, Kind::Streamable, revision, all()).await;
        // The schema of the revision is checked with each message.
        let question = link.question("fields", json!({"what": "mode"})).await;
        assert_eq!(question["params"].get("mode").is_some(), several, "{revision}");
        link.settle(&question, json!({"action": "accept", "content": {"f": "a"}})).await;
        let result = link.result("fields", json!({"what": "nested"})).await;
        assert!(
            result["content"][0]["text"].as_str().unwrap().contains("`params.requestedSchema`"),
            "{result}"
        );
        if several {
            let question = link.question("fields", json!({"what": "several"})).await;
            assert_eq!(question["params"]["requestedSchema"]["properties"]["f"]["type"], "array");
            link.settle(&question, json!({"action": "accept", "content": {"f": ["a"]}})).await;
        } else {
            let result = link.result("fields", json!({"what": "several"})).await;
            assert_eq!((&result["isError"], code(&result)), (&json!(true), "input_unavailable"));
        }
        // There were no pages to open before 2025-11-25, whatever a client declares.
        if !several {
            assert_eq!(code(&link.result("page", json!({})).await), "input_unavailable");
        }
    }
}

#[tokio::test]
async fn a_question_that_no_stream_holds_ends_the_call() {
    let world = World::start().await;
    for kind in KINDS {
        let mut link = Link::open(&world, kind, NEWEST, all()).await;
        if kind == Kind::Stdio {
            // Lines hold what they are to hold.
            let question = link.question("fields", json!({"what": "huge"})).await;
            assert!(question.to_string().len() > 1 << 20);
            continue;
        }
        let result = link.result("fields", json!({"what": "huge"})).await;
        assert_eq!((&result["isError"], code(&result)), (&json!(true), "input_too_large"), "{kind:?}");
        let said = result["content"][0]["text"].as_str().unwrap();
        assert!(said.contains("the question `k` has 104"), "{said}");
    }
}

#[tokio::test]
async fn a_stream_with_an_open_question_ends_when_another_takes_its_place() {
    let world = World::start().await;
    let mut link = Link::open(&world, Kind::Session, NEWEST, all()).await;
    let question = link.question("name", json!({})).await;
    let mut old = link.take_stream();
    link.reopen().await;
    assert_eq!(old.next().await, None);
    let result = link.settle(&question, json!({"action": "decline"})).await;
    assert_eq!(result["structuredContent"]["action"], "decline");
}
