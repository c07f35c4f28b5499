//! Revision 2026-07-28: questions are results, and the client sends its request again.

use serde_json::{Value, json};

use super::link::Link;
use super::world::World;
use crate::support::{Client, request};

const REVISION: &str = "2026-07-28";

fn meta(capabilities: &Value) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    })
}

struct Modern {
    /// The address of the server.
    base: String,
    capabilities: Value,
    /// What else its `_meta` says.
    about: Value,
}

impl Modern {
    /// Sends a request; gives its status and the answer.
    async fn ask(&self, method: &str, mut params: Value) -> (u16, Value) {
        let mut about = meta(&self.capabilities);
        about.as_object_mut().unwrap().extend(self.about.as_object().unwrap().clone());
        params["_meta"] = about;
        let name = params["name"].as_str().or(params["uri"].as_str()).unwrap().to_owned();
        let client = Client::of(REVISION).both().with("mcp-protocol-version", REVISION);
        let client = client.with("mcp-method", method).with("mcp-name", &name);
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let (status, answer) = client.ask(&format!("{}/mcp", self.base), &request).await;
        (status.as_u16(), answer)
    }

    async fn call(&self, tool: &str, arguments: Value, more: Value) -> (u16, Value) {
        let mut params = json!({"name": format!("asker__{tool}"), "arguments": arguments});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ask("tools/call", params).await
    }

    /// Calls, and gives the result.
    async fn result(&self, tool: &str, arguments: Value, more: Value) -> Value {
        let (status, answer) = self.call(tool, arguments, more).await;
        assert_eq!(status, 200, "{answer}");
        answer["result"].clone()
    }

    /// Calls, and gives the questions and the state.
    async fn questions(&self, tool: &str, arguments: Value, more: Value) -> (Value, Value) {
        let result = self.result(tool, arguments, more).await;
        assert_eq!(result["resultType"], "input_required", "{result}");
        assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "smcp");
        (result["inputRequests"].clone(), result["requestState"].clone())
    }
}

fn client(world: &World) -> Modern {
    Modern {
        base: world.base.clone(),
        about: json!({}),
        capabilities: json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}),
    }
}

fn accept(key: &str, content: Value, state: &Value) -> Value {
    json!({"inputResponses": {key: {"action": "accept", "content": content}}, "requestState": state})
}

fn code(result: &Value) -> &str {
    result["structuredContent"]["error"]["code"].as_str().unwrap_or("(none)")
}

#[tokio::test]
async fn a_program_is_run_again_with_answers_and_state() {
    let world = World::start().await;
    let client = client(&world);
    let (requests, state) = client.questions("name", json!({"greeting": "Hi"}), json!({})).await;
    assert_eq!(requests["who"]["params"]["message"], "Who?");
    assert!(!state.as_str().unwrap().contains("greeting"), "nobody can read it");
    assert_eq!(world.runs().len(), 1);
    for (answer, content) in [
        (json!({"action": "accept", "content": {"name": "Ann"}}), json!({"name": "Ann"})),
        (json!({"action": "decline"}), json!(null)),
    ] {
        let responses = json!({"who": answer, "unasked": {"roots": []}});
        let more = json!({"inputResponses": responses, "requestState": state});
        let result = client.result("name", json!({"greeting": "Hi"}), more).await;
        assert_eq!(result["resultType"], "complete");
        let expected = json!({"greeting": "Hi", "action": answer["action"], "content": content});
        assert_eq!(result["structuredContent"], expected);
    }
    let (requests, state) = client.questions("model", json!({}), json!({})).await;
    assert_eq!(requests.as_object().unwrap().keys().collect::<Vec<_>>(), ["sum", "roots"]);
    let sampled = json!({"role": "assistant", "content": {"type": "text", "text": "42"}, "model": "m"});
    let responses = json!({"sum": sampled, "roots": {"roots": []}});
    let more = json!({"inputResponses": responses, "requestState": state});
    let result = client.result("model", json!({}), more).await;
    assert_eq!(result["structuredContent"], json!({"said": "42", "roots": [], "state": "text\u{e9}"}));
}

#[tokio::test]
async fn a_state_counts_for_its_own_call_and_unchanged() {
    let world = World::start().await;
    let client = client(&world);
    let (_, state) = client.questions("name", json!({"greeting": "Hi"}), json!({})).await;
    let other = World::start().await;
    let stranger = self::client(&other);
    let ran = world.runs().len();
    let tampered = json!(format!("{}-TAMPERED", state.as_str().unwrap()));
    let right = json!({"greeting": "Hi"});
    for (client, tool, arguments, state, reason) in [
        (&client, "name", &right, &tampered, "to the letter"),
        (&client, "name", &right, &json!("AAAA"), "to the letter"),
        (&client, "name", &right, &json!(7), "not text"),
        (&client, "name", &json!({"greeting": "Ho"}), &state, "another request"),
        (&client, "name", &json!({}), &state, "another request"),
        (&client, "wipe", &right, &state, "another request"),
        (&stranger, "name", &right, &state, "to the letter"),
    ] {
        let more = accept("who", json!({"name": "Ann"}), state);
        let (_, answer) = client.call(tool, arguments.clone(), more).await;
        assert_eq!(answer["error"]["code"], json!(-32602), "{tool} {arguments}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(reason), "{answer}");
    }
    assert_eq!((world.runs().len(), other.runs().len()), (ran, 0), "nothing ran");
}

#[tokio::test]
async fn replicas_take_the_answers_to_each_others_questions() {
    let world = World::start().await;
    let (one, two) = (client(&world), Modern { base: world.replica(), ..client(&world) });
    let (_, state) = one.questions("name", json!({"greeting": "Hi"}), json!({})).await;
    let more = accept("who", json!({"name": "Ann"}), &state);
    let result = two.result("name", json!({"greeting": "Hi"}), more).await;
    assert_eq!(result["structuredContent"]["content"], json!({"name": "Ann"}));
    let (_, state) = two.questions("wipe", json!({"path": "/x"}), json!({})).await;
    let result = one.result("wipe", json!({"path": "/x"}), accept("smcp", json!({}), &state)).await;
    assert_eq!(result["structuredContent"], json!({"wiped": "/x"}));
}

#[tokio::test]
async fn answers_must_have_their_form() {
    let world = World::start().await;
    let client = client(&world);
    let (_, state) = client.questions("name", json!({}), json!({})).await;
    for responses in [json!(null), json!([]), json!({"who": 12345}), json!({"who": {"action": "perhaps"}})] {
        let more = json!({"inputResponses": responses, "requestState": state});
        let (_, answer) = client.call("name", json!({}), more).await;
        assert_eq!(answer["error"]["code"], json!(-32602), "{responses}");
    }
}

#[tokio::test]
async fn a_client_is_told_which_capability_it_lacks() {
    let world = World::start().await;
    for (declared, tool, arguments, missing) in [
        (json!({}), "name", json!({}), json!({"elicitation": {}})),
        (json!({"elicitation": {}}), "model", json!({}), json!({"sampling": {}, "roots": {}})),
        (json!({"elicitation": {}}), "page", json!({}), json!({"elicitation": {"url": {}}})),
        (json!({"sampling": {}}), "wipe", json!({"path": "/x"}), json!({"elicitation": {}})),
    ] {
        let client = Modern { capabilities: declared, ..client(&world) };
        let (status, answer) = client.call(tool, arguments, json!({})).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(-32021)), "{tool}");
        assert_eq!(answer["error"]["data"]["requiredCapabilities"], missing);
    }
    let deaf = Modern { capabilities: json!({}), ..client(&world) };
    let result = deaf.result("values", json!({"text": "t"}), json!({})).await;
    assert_eq!(
        code(&result),
        "invalid_arguments",
        "missing arguments are told where they can't be asked for"
    );
}

#[tokio::test]
async fn the_servers_own_questions_keep_what_was_answered() {
    let world = World::start().await;
    let client = client(&world);
    let (requests, state) = client.questions("wipe", json!({}), json!({})).await;
    assert_eq!(requests["smcp"]["params"]["requestedSchema"]["required"], json!(["path"]));
    let more = accept("smcp", json!({"path": "/y"}), &state);
    let (requests, state) = client.questions("wipe", json!({}), more).await;
    assert!(requests["smcp"]["params"]["message"].as_str().unwrap().contains("\"/y\""));
    assert_eq!(world.runs().len(), 0);
    let result = client.result("wipe", json!({}), accept("smcp", json!({}), &state)).await;
    assert_eq!(result["structuredContent"], json!({"wiped": "/y"}));
    let no = json!({"inputResponses": {"smcp": {"action": "decline"}}, "requestState": state});
    assert_eq!(code(&client.result("wipe", json!({}), no).await), "declined");
    // A yes to what was never asked is none.
    let unasked = json!({"inputResponses": {"smcp": {"action": "accept"}}});
    let (_, state) = client.questions("wipe", json!({"path": "/x"}), unasked).await;
    let (_, again) = client.questions("wipe", json!({"path": "/x"}), json!({"requestState": state})).await;
    assert_ne!(again, state);
    assert_eq!(world.runs(), ["wipe"]);
}

#[tokio::test]
async fn a_program_that_asks_in_circles_is_stopped() {
    let world = World::start().await;
    let client = client(&world);
    let mut more = json!({});
    for _ in 0..8 {
        let (_, state) = client.questions("circle", json!({}), more).await;
        more = accept("more", json!({}), &state);
    }
    assert_eq!(code(&client.result("circle", json!({}), more).await), "too_many_questions");
}

#[tokio::test]
async fn prompts_and_resources_ask_too() {
    let world = World::start().await;
    let client = client(&world);
    for (method, params, text) in [
        ("prompts/get", json!({"name": "about"}), "/messages/0/content/text"),
        ("resources/read", json!({"uri": "asker://about/short"}), "/contents/0/text"),
    ] {
        let (_, answer) = client.ask(method, params.clone()).await;
        let result = &answer["result"];
        assert_eq!(result["resultType"], "input_required", "{answer}");
        let mut again = params;
        let more = accept("topic", json!({"topic": "bees"}), &result["requestState"]);
        again.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (_, answer) = client.ask(method, again).await;
        assert_eq!(answer["result"].pointer(text), Some(&json!("Tell me about bees\n")), "{answer}");
        assert_eq!(answer["result"]["resultType"], "complete");
    }
}

#[tokio::test]
async fn a_pipe_is_asked_by_results_too() {
    let world = World::start().await;
    let mut link = Link::pipe(&world, REVISION);
    let call = |capabilities: Value, more: Value| {
        let mut params = json!({"name": "asker__name", "arguments": {}, "_meta": meta(&capabilities)});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request(1, "tools/call", params)
    };
    link.ask(call(json!({}), json!({}))).await;
    assert_eq!(link.next("tools/call").await["error"]["code"], json!(-32021));
    let can = json!({"elicitation": {}});
    link.ask(call(can.clone(), json!({}))).await;
    let asked = link.next("tools/call").await;
    assert_eq!(asked["result"]["inputRequests"]["who"]["method"], "elicitation/create");
    let more = accept("who", json!({"name": "Ann"}), &asked["result"]["requestState"]);
    link.ask(call(can, more)).await;
    let answer = link.next("tools/call").await;
    assert_eq!(answer["result"]["structuredContent"]["content"], json!({"name": "Ann"}));
    assert_eq!(world.runs().len(), 3);
    link.ends_with_its_input().await;
}

#[tokio::test]
async fn a_program_is_told_of_the_trace_and_is_counted() {
    let world = World::start().await;
    let arguments = json!({"text": "a", "number": 1, "kind": "a"});
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let more = json!({"tracestate": "a=1 , b=2", "baggage": "user=ann,"});
    for (parent, told) in [
        (None, json!(null)),
        (Some(good), json!({"TRACEPARENT": good, "TRACESTATE": "a=1,b=2", "BAGGAGE": "user=ann"})),
        (Some("00-no-trace"), json!({"BAGGAGE": "user=ann"})),
    ] {
        let mut about = if parent.is_some() { more.clone() } else { json!({}) };
        parent.into_iter().for_each(|parent| about["traceparent"] = parent.into());
        let client = Modern { about, ..client(&world) };
        let result = client.result("values", arguments.clone(), json!({})).await;
        assert_eq!(result["structuredContent"]["trace"], told, "{result}");
    }
    let text = Client::of(REVISION).get(&format!("{}/metrics", world.base)).await.text().await.unwrap();
    for line in [
        r#"smcp_calls_total{tool="asker__values",outcome="ok"} 3"#,
        r#"smcp_plugins{state="ready"} 1.0"#,
        "smcp_loads_total 1",
        "smcp_plugins_asked_total 1",
        "smcp_calls_running 0.0",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
}
