//! A JSON object by which a program asks back instead of answering: `{"inputRequests": {…}, "requestState": …}`.
//!
//! The requests are MCP's own (`elicitation/create`, `sampling/createMessage`, `roots/list`, as revision 2026-07-28 has
//! them); they are checked here, so that no client ever gets one that it can't read. Pure.

use serde_json::{Map, Value};

use super::forms;

/// Questions that a program may ask at a time: more than anyone wants to answer in one go.
const REQUESTS: usize = 16;

/// The longest state that a program may leave with its questions, in bytes of JSON: it travels to the client and back,
/// and reaches the program by one environment variable, which Linux bounds to twice as much.
const STATE: usize = 64 * 1024;

/// What a program wants to know before it goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Asks {
    /// Key → request, with its `method` and its `params`.
    pub requests: Map<String, Value>,
    /// What the program wants to get back with the answers.
    pub state: Option<Value>,
}

/// Reads a program's output: `None` where it asks nothing, an error (what is wrong) where it asks in a form that MCP
/// doesn't have.
pub(super) fn read(output: &Value) -> Option<Result<Asks, String>> {
    let object = output.as_object()?;
    let requests = object.get("inputRequests")?.as_object().filter(|requests| !requests.is_empty())?;
    let known = object.iter().all(|(key, value)| match key.as_str() {
        "inputRequests" | "requestState" => true,
        "resultType" => value == "input_required",
        _ => false,
    });
    let meant = known && requests.values().all(|request| request.get("method").is_some_and(Value::is_string));
    meant.then(|| checked(requests, object.get("requestState")))
}

fn checked(requests: &Map<String, Value>, state: Option<&Value>) -> Result<Asks, String> {
    if requests.len() > REQUESTS {
        return Err(format!("it has {} requests, and at most {REQUESTS} may come at a time", requests.len()));
    }
    for (key, request) in requests {
        fault(request).map_or(Ok(()), |fault| Err(format!("`{key}`: {fault}")))?;
    }
    let state = state.filter(|state| !state.is_null()).cloned();
    let size = state.as_ref().map_or(0, |state| state.to_string().len());
    if size > STATE {
        return Err(format!("its `requestState` has {size} bytes, and may have {STATE}"));
    }
    if state.as_ref().and_then(Value::as_str).is_some_and(|text| text.contains('\0')) {
        return Err("its `requestState` has a NUL character".into());
    }
    Ok(Asks { requests: requests.clone(), state })
}

/// What is wrong with a request.
fn fault(request: &Value) -> Option<String> {
    let unknown = request.as_object()?.keys().find(|key| !matches!(key.as_str(), "method" | "params"));
    if let Some(key) = unknown {
        return Some(format!("a request has `method` and `params`, not `{key}`"));
    }
    let params = &request["params"];
    let lacks = match request["method"].as_str() {
        Some("elicitation/create") => elicitation_lacks(params),
        Some("sampling/createMessage") => sampling_lacks(params),
        Some("roots/list") => (!params.is_null() && !params.is_object()).then_some("`params`, an object"),
        _ => {
            let known = "`elicitation/create`, `sampling/createMessage` or `roots/list`";
            return Some(format!("its method is not {known}"));
        }
    };
    lacks.map(|lacks| format!("it lacks {lacks}"))
}

fn elicitation_lacks(params: &Value) -> Option<&'static str> {
    if !params["message"].is_string() {
        return Some("`params.message`, a text");
    }
    match params.get("mode").map_or(Some("form"), Value::as_str) {
        Some("form") => {
            let what = "`params.requestedSchema`, the JSON Schema of an object whose `properties` are each a text, a \
                number, a boolean or a choice among texts, as MCP's forms have them";
            (!forms::is_form(&params["requestedSchema"])).then_some(what)
        }
        Some("url") => (!params["url"].is_string()).then_some("`params.url`, a text"),
        _ => Some("a `params.mode` that is `form` or `url`"),
    }
}

fn sampling_lacks(params: &Value) -> Option<&'static str> {
    let is_message =
        |m: &Value| m["role"].is_string() && (m["content"].is_object() || m["content"].is_array());
    let messages = params["messages"].as_array();
    if !messages.is_some_and(|all| !all.is_empty() && all.iter().all(is_message)) {
        return Some("`params.messages`, a list of objects with `role` and `content`");
    }
    (!params["maxTokens"].is_u64()).then_some("`params.maxTokens`, a whole number")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form() -> Value {
        let fields = json!({"type": "object", "properties": {"name": {"type": "string"}}});
        json!({"method": "elicitation/create", "params": {"message": "Who?", "requestedSchema": fields}})
    }

    fn asking(request: Value) -> Option<Result<Asks, String>> {
        read(&json!({"inputRequests": {"k": request}}))
    }

    #[test]
    fn what_asks_nothing_stays_what_it_is() {
        for output in [
            json!({"inputRequests": {}}),
            json!({"inputRequests": []}),
            json!({"inputRequests": {"k": 1}}),
            json!({"inputRequests": {"k": {"url": "x"}}}),
            json!({"inputRequests": {"k": form()}, "more": 1}),
            json!({"inputRequests": {"k": form()}, "resultType": "complete"}),
            json!({"requestState": "s"}),
            json!([{"inputRequests": {"k": form()}}]),
        ] {
            assert_eq!(read(&output), None, "{output}");
        }
    }

    #[test]
    fn requests_come_with_their_state() {
        let message = json!({"role": "user", "content": {"type": "text", "text": "hi"}});
        let sampling =
            json!({"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": 5}});
        let page = json!({"method": "elicitation/create", "params": {"mode": "url", "message": "m", "url": "https://a"}});
        let requests = json!({"a": form(), "b": sampling, "c": {"method": "roots/list"}, "d": page});
        let whole =
            json!({"inputRequests": requests, "requestState": {"n": 1}, "resultType": "input_required"});
        let asks = read(&whole).unwrap().unwrap();
        assert_eq!((Value::Object(asks.requests), asks.state), (requests, Some(json!({"n": 1}))));
        let stateless =
            read(&json!({"inputRequests": {"a": form()}, "requestState": null})).unwrap().unwrap();
        assert_eq!(stateless.state, None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |path: &str, value: Value| {
            let mut request = form();
            *request.pointer_mut(path).unwrap() = value;
            request
        };
        for (request, expected) in [
            (with("/method", json!("ping")), "its method is not"),
            (with("/params", json!({})), "`params.message`"),
            (with("/params/requestedSchema", json!({})), "`params.requestedSchema`"),
            (with("/params/requestedSchema/properties", json!({"a": {}})), "`params.requestedSchema`"),
            (
                json!({"method": "elicitation/create", "params": {"mode": "url", "message": "m"}}),
                "`params.url`",
            ),
            (json!({"method": "elicitation/create", "params": {"mode": 1, "message": "m"}}), "`params.mode`"),
            (json!({"method": "sampling/createMessage", "params": {"messages": []}}), "`params.messages`"),
            (
                json!({"method": "sampling/createMessage", "params": {"messages": [{"role": "user", "content": {}}]}}),
                "`params.maxTokens`",
            ),
            (json!({"method": "roots/list", "params": 1}), "`params`"),
            (json!({"method": "roots/list", "id": 1}), "not `id`"),
        ] {
            let fault = asking(request.clone()).unwrap().unwrap_err();
            assert!(fault.starts_with("`k`: ") && fault.contains(expected), "{request}: {fault}");
        }
    }

    #[test]
    fn requests_and_state_are_bounded() {
        let many: Map<String, Value> = (0..=REQUESTS).map(|n| (n.to_string(), form())).collect();
        assert!(read(&json!({"inputRequests": many})).unwrap().unwrap_err().contains("at most 16"));
        for (state, reason) in [("x".repeat(STATE), "bytes"), ("a\0".into(), "NUL")] {
            let output = json!({"inputRequests": {"k": form()}, "requestState": state});
            assert!(read(&output).unwrap().unwrap_err().contains(reason));
        }
    }
}
