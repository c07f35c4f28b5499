//! Every message that a test receives passes here and is checked against the specification's own JSON Schema of its
//! revision. The schemas are found by the variable `SMCP_MCP_SCHEMAS`; without it this check is left out.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

static DIRECTORY: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let directory = std::env::var_os("SMCP_MCP_SCHEMAS").map(PathBuf::from);
    if directory.is_none() {
        eprintln!(
            "SMCP_MCP_SCHEMAS is not set: messages are not checked against the specification's schemas"
        );
    }
    directory
});

type Cache = Mutex<HashMap<(String, &'static str), Arc<Validator>>>;
static VALIDATORS: LazyLock<Cache> = LazyLock::new(Cache::default);

/// Checks a message from the server; `method` is the one that a response answers.
pub(crate) fn check(revision: &str, method: Option<&str>, message: &Value) {
    let Some(directory) = DIRECTORY.as_ref() else {
        return;
    };
    if message.get("method").is_some() {
        // The newest revision has no requests from server to client, and no type of that name.
        let name = if message.get("id").is_some() { "ServerRequest" } else { "ServerNotification" };
        return valid(directory, revision, name, message);
    }
    if message.get("error").is_some() {
        // JSON-RPC wants `null` for an id that could not be read; only the newest schemas let it be left out.
        if !message["id"].is_null() {
            let name = if revision >= "2025-11-25" { "JSONRPCErrorResponse" } else { "JSONRPCError" };
            valid(directory, revision, name, message);
        }
        return;
    }
    valid(directory, revision, "JSONRPCMessage", message);
    let result = match method {
        Some("tools/call" | "prompts/get" | "resources/read")
            if revision >= "2026-07-28" && message["result"]["resultType"] == "input_required" =>
        {
            let requests = message["result"]["inputRequests"].as_object().expect("it asks for something");
            assert!(!requests.is_empty());
            "InputRequiredResult"
        }
        Some("initialize") => "InitializeResult",
        Some("tools/list") => "ListToolsResult",
        Some("tools/call") => "CallToolResult",
        Some("resources/list") => "ListResourcesResult",
        Some("resources/templates/list") => "ListResourceTemplatesResult",
        Some("resources/read") => "ReadResourceResult",
        Some("prompts/list") => "ListPromptsResult",
        Some("prompts/get") => "GetPromptResult",
        Some("completion/complete") => "CompleteResult",
        Some("server/discover") => "DiscoverResult",
        Some("subscriptions/listen") => "SubscriptionsListenResult",
        _ => "Result",
    };
    valid(directory, revision, result, &message["result"]);
}

fn valid(directory: &std::path::Path, revision: &str, name: &'static str, value: &Value) {
    let key = (revision.to_owned(), name);
    let cached = VALIDATORS.lock().unwrap().get(&key).cloned();
    let validator = cached.unwrap_or_else(|| {
        let text = std::fs::read_to_string(directory.join(revision).join("schema.json")).unwrap();
        let mut schema: Value = serde_json::from_str(&text).unwrap();
        let place = if schema.get("$defs").is_some() { "$defs" } else { "definitions" };
        assert!(schema[place].get(name).is_some(), "revision {revision} has no {name}");
        schema["$ref"] = json!(format!("#/{place}/{name}"));
        let validator = Arc::new(jsonschema::validator_for(&schema).unwrap());
        VALIDATORS.lock().unwrap().insert(key, Arc::clone(&validator));
        validator
    });
    let errors: Vec<String> =
        validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{name} of {revision}: {errors:#?}\n{value:#}");
}
