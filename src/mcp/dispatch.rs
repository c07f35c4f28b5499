//! Which method does what, in which era.
//!
//! Request + context → result or error. Knows no transport.

use serde_json::{Value, json};

use super::asking::Capabilities;
use super::era::{self, Level, Revision};
use super::lists::{Kind, Listed};
use super::message::{Answer, Id, Notification, Params, Request, RpcError};
use super::session::Session;
use super::{
    Context, Server, call, completion, governor, listen, page, prompts, resources, subscriptions, tools,
};

/// How long a client may keep what `server/discover` said: it changes only with the program.
const DISCOVER_TTL_MS: u64 = 3_600_000;

/// What the server says of itself to a model.
const INSTRUCTIONS: &str = "Each tool runs one command of a command-line program; its description and properties \
    come from the program's own help. A tool's name is its program, then the words of the command, joined by `__`. \
    `health` tells which programs are served and how they stand.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Initialize,
    Ping,
    SetLevel,
    Discover,
    Listen,
    List(Listed),
    CallTool,
    ReadResource,
    Subscribe,
    Unsubscribe,
    GetPrompt,
    Complete,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Era {
    Legacy,
    Modern,
    Both,
}

/// Every method, and the era that has it.
const METHODS: [(&str, Method, Era); 15] = [
    ("initialize", Method::Initialize, Era::Legacy),
    ("ping", Method::Ping, Era::Legacy),
    ("logging/setLevel", Method::SetLevel, Era::Legacy),
    ("server/discover", Method::Discover, Era::Modern),
    ("subscriptions/listen", Method::Listen, Era::Modern),
    ("tools/list", Method::List(Listed::Tools), Era::Both),
    ("tools/call", Method::CallTool, Era::Both),
    ("resources/list", Method::List(Listed::Resources), Era::Both),
    ("resources/templates/list", Method::List(Listed::Templates), Era::Both),
    ("resources/read", Method::ReadResource, Era::Both),
    ("resources/subscribe", Method::Subscribe, Era::Legacy),
    ("resources/unsubscribe", Method::Unsubscribe, Era::Legacy),
    ("prompts/list", Method::List(Listed::Prompts), Era::Both),
    ("prompts/get", Method::GetPrompt, Era::Both),
    ("completion/complete", Method::Complete, Era::Both),
];

fn lookup(name: &str, revision: Revision) -> Option<Method> {
    let era = if revision.is_modern() { Era::Modern } else { Era::Legacy };
    METHODS
        .into_iter()
        .find(|(n, _, e)| *n == name && (*e == era || *e == Era::Both))
        .map(|(_, method, _)| method)
}

/// The answer to a request that has nothing to wait for: to one of a list. `None` for any other.
pub(super) fn at_once(
    server: &Server,
    context: &Context,
    request: &Request,
) -> Option<Result<Answer, RpcError>> {
    match lookup(&request.method, context.revision)? {
        Method::List(listed) => Some(list(server, context, listed, &request.params)),
        _ => None,
    }
}

/// Answers a request.
pub(super) async fn request(
    server: &Server,
    context: &Context,
    request: Request,
) -> Result<Answer, RpcError> {
    let Request { id, method, params } = request;
    let Some(method) = lookup(&method, context.revision) else {
        return Err(unknown_method(&method, context.revision));
    };
    let result = match method {
        Method::List(listed) => return list(server, context, listed, &params),
        Method::Initialize => return initialize(context, &params).map(Answer::Fresh),
        Method::Ping => return Ok(Answer::Fresh(json!({}))),
        Method::SetLevel => return set_level(context, &params).map(Answer::Fresh),
        Method::Discover => discover(context.revision),
        Method::Listen => listen::run(server, context, &id, &params).await?,
        Method::CallTool => call::run(server, context, &params).await?,
        Method::ReadResource => resources::read(server, context, &params).await?,
        Method::Subscribe => return subscriptions::subscribe(server, context, &params).map(Answer::Fresh),
        Method::Unsubscribe => return subscriptions::unsubscribe(context, &params).map(Answer::Fresh),
        Method::GetPrompt => prompts::get(server, context, &params).await?,
        Method::Complete => completion::complete(&server.visible(context), &params)?,
    };
    Ok(Answer::Fresh(complete(result, context.revision)))
}

/// The page of a list that `params` ask for.
fn list(server: &Server, context: &Context, listed: Listed, params: &Params) -> Result<Answer, RpcError> {
    let (snapshot, revision) = (server.visible(context), context.revision);
    let own = governor::tool(server, context);
    let kind = Kind { listed, revision, choosing: own.is_some() };
    server.lists.page(&snapshot, kind, params, || {
        let page = match listed {
            Listed::Tools => tools::list(&snapshot, own, params, revision),
            Listed::Resources => resources::list(&snapshot, params, revision),
            Listed::Templates => resources::templates(&snapshot, params, revision),
            Listed::Prompts => prompts::list(&snapshot, params, revision),
        };
        Ok(complete(page?, revision))
    })
}

fn unknown_method(method: &str, revision: Revision) -> RpcError {
    let message = format!("method `{method}` is not known in revision {}", revision.as_str());
    RpcError::new(RpcError::METHOD_NOT_FOUND, message)
}

/// Takes a notification. None is ever answered, and unknown ones are ignored, as JSON-RPC wants it.
pub fn notification(session: Option<&Session>, notification: &Notification) {
    if notification.method == "notifications/cancelled"
        && let Some(session) = session
        && let Some(id) = notification.params.get("requestId").and_then(Id::from_value)
    {
        session.cancel(&id);
    }
}

/// Adds what every result of the revision has; one that asks for input says so itself.
fn complete(mut result: Value, revision: Revision) -> Value {
    if revision.has_result_type() {
        if result.get("resultType").is_none() {
            result["resultType"] = "complete".into();
        }
        result["_meta"][era::META_SERVER] = implementation(revision);
    }
    result
}

fn initialize(context: &Context, params: &Params) -> Result<Value, RpcError> {
    let requested = match params.get("protocolVersion") {
        None => "",
        Some(Value::String(version)) => version,
        Some(_) => return Err(RpcError::params("`protocolVersion` is not text")),
    };
    let revision = Revision::negotiate(requested);
    if let Some(session) = &context.session {
        session.settle(revision, Capabilities::of(params.get("capabilities"), revision));
    }
    Ok(json!({
        "protocolVersion": revision.as_str(),
        "capabilities": capabilities(revision),
        "serverInfo": implementation(revision),
        "instructions": INSTRUCTIONS,
    }))
}

fn set_level(context: &Context, params: &Params) -> Result<Value, RpcError> {
    let level = params.get("level").and_then(Value::as_str).and_then(Level::parse);
    let level = level.ok_or_else(|| RpcError::params("`level` is no log level"))?;
    if let Some(session) = &context.session {
        session.set_log_level(level);
    }
    Ok(json!({}))
}

fn discover(revision: Revision) -> Value {
    json!({
        "supportedVersions": Revision::offered(),
        "capabilities": capabilities(revision),
        "instructions": INSTRUCTIONS,
        "ttlMs": DISCOVER_TTL_MS,
        "cacheScope": page::CACHE_SCOPE,
    })
}

fn capabilities(revision: Revision) -> Value {
    let mut has = json!({
        "tools": {"listChanged": true},
        "resources": {"subscribe": true, "listChanged": true},
        "prompts": {"listChanged": true},
        "logging": {},
    });
    if revision.has_annotations() {
        has["completions"] = json!({});
    }
    has
}

fn implementation(revision: Revision) -> Value {
    let mut info = json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")});
    if revision.has_structured_output() {
        info["title"] = "smcp".into();
    }
    if revision.has_descriptions() {
        info["description"] = env!("CARGO_PKG_DESCRIPTION").into();
    }
    info
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_era_has_its_methods() {
        let both =
            ["tools/list", "tools/call", "resources/list", "resources/templates/list", "resources/read"];
        let both = [&both[..], &["prompts/list", "prompts/get", "completion/complete"]].concat();
        let legacy =
            ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];
        let legacy = [&legacy[..], &both].concat();
        let modern = [&["server/discover", "subscriptions/listen"][..], &both].concat();
        for revision in Revision::ALL {
            let known = if revision.is_modern() { &modern[..] } else { &legacy[..] };
            for (name, ..) in METHODS {
                assert_eq!(lookup(name, revision).is_some(), known.contains(&name), "{name} {revision:?}");
            }
            assert_eq!(lookup("roots/list", revision), None);
        }
    }

    #[test]
    fn an_implementation_says_only_what_its_revision_knows() {
        for (revision, keys) in [
            (Revision::V2024_11_05, &["name", "version"][..]),
            (Revision::V2025_06_18, &["name", "version", "title"]),
            (Revision::V2025_11_25, &["name", "version", "title", "description"]),
        ] {
            let info = implementation(revision);
            assert_eq!(info.as_object().unwrap().keys().collect::<Vec<_>>(), keys, "{revision:?}");
        }
    }
}
