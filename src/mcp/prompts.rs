//! Prompts: text files with placeholders, and commands that print messages.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::era::Revision;
use super::message::{Params, RpcError};
use super::resources::Made;
use super::{Context, Server, page, resources, tools};
use crate::outcome::CallResult;
use crate::plugin::offers::{self, Body, Prompt, PromptArgument};
use crate::registry::{Plugin, Served, Snapshot};

/// A prompt and whose it is.
pub(super) struct Offered<'a> {
    plugin: &'a Plugin,
    prompt: &'a Prompt,
    /// The tool of its command.
    served: Option<&'a Served>,
}

/// All prompts by name; where two plugins claim one, the first by name has it. One whose command isn't there is none.
fn all(snapshot: &Snapshot) -> BTreeMap<&str, Offered<'_>> {
    let mut all = BTreeMap::new();
    for plugin in &snapshot.plugins {
        for prompt in &plugin.offers.prompts {
            let served = prompt.command.as_deref().map(|c| snapshot.of_command(&plugin.name, c));
            if let Some(served) = served.map_or(Some(None), |found| found.map(Some)) {
                all.entry(prompt.name.as_str()).or_insert(Offered { plugin, prompt, served });
            }
        }
    }
    all
}

/// The prompt of that name.
pub(super) fn find<'a>(snapshot: &'a Snapshot, name: &str) -> Option<Offered<'a>> {
    all(snapshot).remove(name)
}

impl Offered<'_> {
    /// The prompt's arguments: those that its manifest names, or its tool's properties.
    fn arguments(&self) -> Vec<PromptArgument> {
        let Some(served) = self.served.filter(|_| self.prompt.arguments.is_empty()) else {
            return self.prompt.arguments.clone();
        };
        let schema = &served.tool.input_schema;
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let argument = |(name, property): (&String, &Value)| PromptArgument {
            name: name.clone(),
            description: property["description"].as_str().map(str::to_owned),
            required: required.iter().any(|r| r == name),
            choices: Vec::new(),
        };
        properties.map(argument).collect()
    }

    /// Values to suggest for an argument.
    pub(super) fn choices(&self, argument: &str) -> Vec<String> {
        let named = self.prompt.arguments.iter().find(|a| a.name == argument).map(|a| a.choices.clone());
        let of_tool = || self.served.map(|served| tools::choices(&served.tool, argument)).unwrap_or_default();
        named.filter(|choices| !choices.is_empty()).unwrap_or_else(of_tool)
    }
}

/// `prompts/list`
pub(super) fn list(snapshot: &Snapshot, params: &Params, revision: Revision) -> Result<Value, RpcError> {
    let all = all(snapshot);
    let entries = all.iter().map(|(name, offered)| (*name, || entry(name, offered, revision)));
    page::of("prompts", entries, params, revision)
}

/// What the list shows of a snapshot.
pub(super) fn listed(snapshot: &Snapshot, revision: Revision) -> impl Iterator<Item = Value> {
    all(snapshot).into_iter().map(move |(name, offered)| entry(name, &offered, revision))
}

fn entry(name: &str, offered: &Offered, revision: Revision) -> Value {
    let mut out = json!({"name": name});
    if let Some(title) = offered.prompt.title.as_ref().filter(|_| revision.has_structured_output()) {
        out["title"] = title.clone().into();
    }
    if let Some(description) = &offered.prompt.description {
        out["description"] = description.clone().into();
    }
    let arguments: Vec<Value> = offered.arguments().into_iter().map(argument).collect();
    if !arguments.is_empty() {
        out["arguments"] = arguments.into();
    }
    out
}

fn argument(argument: PromptArgument) -> Value {
    let mut out = json!({"name": argument.name, "required": argument.required});
    if let Some(description) = argument.description {
        out["description"] = description.into();
    }
    out
}

/// `prompts/get`
pub(super) async fn get(server: &Server, context: &Context, params: &Params) -> Result<Value, RpcError> {
    let name = params.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| RpcError::params("`name` is not text"))?;
    let snapshot = server.visible(context);
    let offered = find(&snapshot, name).ok_or_else(|| {
        RpcError::params(format!("unknown prompt `{name}`; `prompts/list` names those that are there"))
    })?;
    let given = given(&offered, params)?;
    let messages = match (offered.served, &offered.prompt.file) {
        (Some(served), _) => {
            match resources::run(server, context, served, &given, ("prompts/get", params)).await? {
                Made::Result(result) => messages(result, context.revision)?,
                Made::InputRequired(asked) => return Ok(asked),
            }
        }
        (None, Some(file)) => vec![user(&of_file(offered.plugin, file, &given).await?)],
        (None, None) => Vec::new(),
    };
    let mut result = json!({"messages": messages});
    if let Some(description) = &offered.prompt.description {
        result["description"] = description.clone().into();
    }
    Ok(result)
}

/// The arguments that were given, checked: all texts, all known, none missing.
fn given(offered: &Offered, params: &Params) -> Result<Map<String, Value>, RpcError> {
    let known = offered.arguments();
    let given = match params.get("arguments") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(given)) => given.clone(),
        Some(_) => return Err(RpcError::params("`arguments` is not an object")),
    };
    for (name, value) in &given {
        if !value.is_string() {
            return Err(RpcError::params(format!("argument `{name}` is not text")));
        }
        if !known.iter().any(|a| a.name == *name) {
            return Err(RpcError::params(format!("the prompt has no argument `{name}`")));
        }
    }
    match known.iter().find(|a| a.required && !given.contains_key(&a.name)) {
        Some(missing) => Err(RpcError::params(format!("argument `{}` is missing", missing.name))),
        None => Ok(given),
    }
}

async fn of_file(plugin: &Plugin, file: &str, given: &Map<String, Value>) -> Result<String, RpcError> {
    let (directory, name) = (plugin.directory.clone(), file.to_owned());
    let internal = |message: String| RpcError::new(RpcError::INTERNAL, message);
    let read = tokio::task::spawn_blocking(move || offers::read(&directory, &name)).await;
    match read.map_err(|e| internal(e.to_string()))?.map_err(|e| internal(e.to_string()))? {
        Body::Text(text) => {
            Ok(offers::filled(&text, |name| given.get(name).and_then(Value::as_str).map(str::to_owned)))
        }
        Body::Bytes(_) => Err(internal(format!("`{file}` is no text"))),
    }
}

/// What a command printed, as messages: the protocol's own form, or each block of its output as one of the user's.
fn messages(result: CallResult, revision: Revision) -> Result<Vec<Value>, RpcError> {
    let own = result.structured.as_ref().and_then(|s| s.get("messages")).and_then(Value::as_array);
    let messages = match own {
        Some(messages) => messages.clone(),
        None => result.content.into_iter().map(|block| json!({"role": "user", "content": block})).collect(),
    };
    let fault = |what: &str| RpcError::new(RpcError::INTERNAL, format!("the command printed {what}"));
    messages
        .into_iter()
        .map(|mut message| {
            if !matches!(message["role"].as_str(), Some("user" | "assistant")) {
                return Err(fault("a message whose `role` is neither `user` nor `assistant`"));
            }
            if !crate::outcome::is_block(&message["content"]) {
                return Err(fault("a message whose `content` is no content block"));
            }
            message["content"] = tools::block_for(message["content"].take(), revision);
            Ok(message)
        })
        .collect()
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": {"type": "text", "text": text}})
}
