//! Resources: files of plugins, what commands make of a URI, and contracts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::asking::{self, Reached};
use super::era::Revision;
use super::message::{Params, RpcError};
use super::running::Teller;
use super::{Context, Server, page};
use crate::contract::Contract;
use crate::model::Tool;
use crate::outcome::CallResult;
use crate::plugin::offers::{self, Body, FileResource, TemplateResource};
use crate::plugin::uri;
use crate::plugin::uri_template::UriTemplate;
use crate::registry::{Plugin, Served, Snapshot};

/// A resource that can be named without asking a plugin.
enum Known<'a> {
    File(&'a Plugin, &'a FileResource),
    Contract(&'a Plugin),
}

/// How a resource may change.
pub(super) enum Watched {
    /// With a file.
    File(std::path::PathBuf),
    /// With the plugins.
    Made,
}

/// How the resource of a URI may change; `None` where there is none.
pub(super) fn watched(snapshot: &Snapshot, uri: &str) -> Option<Watched> {
    match find(known(snapshot), uri) {
        Some(Known::File(plugin, file)) => Some(Watched::File(plugin.directory.join(&file.file))),
        Some(Known::Contract(_)) => Some(Watched::Made),
        None => templated(snapshot, uri).map(|_| Watched::Made),
    }
}

/// All resources by URI, in the order of URIs; where two plugins claim one, the first by name has it.
fn known(snapshot: &Snapshot) -> BTreeMap<String, Known<'_>> {
    let mut all = BTreeMap::new();
    for plugin in &snapshot.plugins {
        for file in &plugin.offers.resources {
            all.entry(file.uri(&plugin.name)).or_insert(Known::File(plugin, file));
        }
        if snapshot.tools.iter().any(|served| served.plugin.name == plugin.name) {
            all.entry(uri::of_contract(&plugin.name)).or_insert(Known::Contract(plugin));
        }
    }
    all
}

/// The resource that a client means by a URI, which it may have written in another way.
fn find<'a>(known: BTreeMap<String, Known<'a>>, uri: &str) -> Option<Known<'a>> {
    let wanted = uri::normalized(uri);
    known.into_iter().find(|(listed, _)| uri::normalized(listed) == wanted).map(|(_, found)| found)
}

/// `resources/list`
pub(super) fn list(snapshot: &Snapshot, params: &Params, revision: Revision) -> Result<Value, RpcError> {
    let known = known(snapshot);
    let entries = known.iter().map(|(uri, known)| (uri.as_str(), || entry(uri, known, revision)));
    page::of("resources", entries, params, revision)
}

fn entry(uri: &str, known: &Known, revision: Revision) -> Value {
    match known {
        Known::File(plugin, file) => {
            let name = file.name.clone().unwrap_or_else(|| format!("{}/{}", plugin.name, file.file));
            let more = [("description", file.description.clone()), ("mimeType", Some(file.mime_type()))];
            described(("uri", uri), &name, file.title.as_deref(), more, revision)
        }
        Known::Contract(plugin) => {
            let about = format!("The tools of {}, with the source of each fact.", plugin.name);
            let more = [("description", Some(about)), ("mimeType", Some("application/json".to_owned()))];
            described(("uri", uri), &format!("{}/contract", plugin.name), None, more, revision)
        }
    }
}

/// Every template whose command is there, in the order in which one that fits a URI is looked for, and the tool of that
/// command.
fn offered(snapshot: &Snapshot) -> impl Iterator<Item = (&TemplateResource, &Served)> {
    snapshot.plugins.iter().flat_map(|plugin| {
        let own = plugin.offers.templates.iter();
        own.filter_map(|template| Some((template, snapshot.of_command(&plugin.name, &template.command)?)))
    })
}

/// The tool of a template, as the list spells it.
pub(super) fn of_template<'a>(snapshot: &'a Snapshot, uri_template: &str) -> Option<&'a Served> {
    let wanted = uri::normalized(uri_template);
    offered(snapshot).find(|(t, _)| uri::normalized(&t.uri_template) == wanted).map(|(_, served)| served)
}

/// All templates by URI, in the order of URIs; where two plugins claim one, the first by name has it.
fn all_templates(snapshot: &Snapshot) -> BTreeMap<&str, &TemplateResource> {
    let mut all = BTreeMap::new();
    for (template, _) in offered(snapshot) {
        all.entry(template.uri_template.as_str()).or_insert(template);
    }
    all
}

/// `resources/templates/list`
pub(super) fn templates(snapshot: &Snapshot, params: &Params, revision: Revision) -> Result<Value, RpcError> {
    let all = all_templates(snapshot);
    let entries = all.into_iter().map(|(uri, template)| (uri, move || template_entry(template, revision)));
    page::of("resourceTemplates", entries, params, revision)
}

fn template_entry(template: &TemplateResource, revision: Revision) -> Value {
    let more = [("description", template.description.clone()), ("mimeType", template.mime_type.clone())];
    let uri = ("uriTemplate", template.uri_template.as_str());
    described(uri, &template.name, template.title.as_deref(), more, revision)
}

/// What both lists show of a snapshot.
pub(super) fn listed(snapshot: &Snapshot, revision: Revision) -> impl Iterator<Item = Value> {
    let resources = known(snapshot).into_iter().map(move |(uri, known)| entry(&uri, &known, revision));
    let templates = all_templates(snapshot).into_values();
    resources.chain(templates.map(move |template| template_entry(template, revision)))
}

fn described<const N: usize>(
    (key, uri): (&str, &str),
    name: &str,
    title: Option<&str>,
    more: [(&str, Option<String>); N],
    revision: Revision,
) -> Value {
    let mut out = json!({key: uri, "name": name});
    if let Some(title) = title.filter(|_| revision.has_structured_output()) {
        out["title"] = title.into();
    }
    for (key, value) in more {
        if let Some(value) = value {
            out[key] = value.into();
        }
    }
    out
}

/// `resources/read`
pub(super) async fn read(server: &Server, context: &Context, params: &Params) -> Result<Value, RpcError> {
    let uri = uri_of(params)?;
    let snapshot = server.visible(context);
    let content = match find(known(&snapshot), uri) {
        Some(Known::Contract(plugin)) => text(uri, "application/json", &contract(&snapshot, plugin)),
        Some(Known::File(plugin, file)) => file_content(uri, plugin, file).await?,
        None => match templated(&snapshot, uri) {
            Some((served, mime_type, arguments)) => {
                match run(server, context, served, &arguments, ("resources/read", params)).await? {
                    Made::Result(result) => made(uri, mime_type, result),
                    Made::InputRequired(asked) => return Ok(asked),
                }
            }
            None => return Err(not_found(uri, context.revision)),
        },
    };
    Ok(page::hinted(json!({"contents": [content]}), context.revision))
}

pub(super) fn uri_of(params: &Params) -> Result<&str, RpcError> {
    params.get("uri").and_then(Value::as_str).ok_or_else(|| RpcError::params("`uri` is not text"))
}

/// Up to 2025-11-25 a resource that isn't there has a code of its own.
pub(super) fn not_found(uri: &str, revision: Revision) -> RpcError {
    let code = if revision.is_modern() { RpcError::INVALID_PARAMS } else { RpcError::RESOURCE_NOT_FOUND };
    RpcError::new(code, format!("no resource `{uri}`; `resources/list` names those that are there"))
        .with(json!({"uri": uri}))
}

/// What a plugin's contract says of what the snapshot shows.
fn contract(snapshot: &Snapshot, plugin: &Plugin) -> String {
    let own = snapshot.tools.iter().filter(|served| served.plugin.name == plugin.name);
    let tools: Vec<Tool> = own.map(|served| Tool::clone(&served.tool)).collect();
    let diagnostics = snapshot.diagnostics(plugin).to_vec();
    Contract::new(&plugin.name, snapshot.commands(plugin), tools, diagnostics).text()
}

async fn file_content(uri: &str, plugin: &Plugin, file: &FileResource) -> Result<Value, RpcError> {
    let (directory, name) = (plugin.directory.clone(), file.file.clone());
    let read = tokio::task::spawn_blocking(move || offers::read(&directory, &name)).await;
    let internal = |message: String| RpcError::new(RpcError::INTERNAL, message).with(json!({"uri": uri}));
    match read.map_err(|e| internal(e.to_string()))?.map_err(|e| internal(e.to_string()))? {
        Body::Text(body) => Ok(text(uri, &file.mime_type(), &body)),
        Body::Bytes(bytes) => {
            Ok(json!({"uri": uri, "mimeType": file.mime_type(), "blob": BASE64.encode(bytes)}))
        }
    }
}

/// The tool that makes a URI's resource, the resource's media type, and the tool's arguments.
fn templated<'a>(
    snapshot: &'a Snapshot,
    uri: &str,
) -> Option<(&'a Served, Option<&'a str>, Map<String, Value>)> {
    offered(snapshot).find_map(|(template, served)| {
        let parsed = UriTemplate::parse(&template.uri_template).ok()?;
        let values = parsed.values(uri)?.into_iter();
        let arguments = values.map(|(name, value)| (name.to_owned(), value.into())).collect();
        Some((served, template.mime_type.as_deref(), arguments))
    })
}

/// What a command makes: its text, or its bytes.
fn made(uri: &str, mime_type: Option<&str>, result: CallResult) -> Value {
    let mut blocks = result.content.into_iter();
    let Some(block) = blocks.next() else { return text(uri, mime_type.unwrap_or("text/plain"), "") };
    match block["type"].as_str() {
        Some("image" | "audio") => json!({"uri": uri, "mimeType": block["mimeType"], "blob": block["data"]}),
        Some("resource") => {
            let mut own = block["resource"].clone();
            own["uri"] = uri.into();
            own
        }
        _ => text(uri, mime_type.unwrap_or("text/plain"), block["text"].as_str().unwrap_or_default()),
    }
}

/// What a command came to that was not asked for as a tool.
pub(super) enum Made {
    /// An answer.
    Result(CallResult),
    /// A modern client is asked: the whole `InputRequiredResult`.
    InputRequired(Value),
}

/// Runs a command that was not asked for as a tool: what went wrong is an error of the protocol.
pub(super) async fn run(
    server: &Server,
    context: &Context,
    served: &Served,
    arguments: &Map<String, Value>,
    request: (&str, &Params),
) -> Result<Made, RpcError> {
    let mut teller = Teller::silent(context);
    let result = match asking::answer(server, context, served, arguments, request, &mut teller).await? {
        Reached::Result(result) => result,
        Reached::InputRequired(asked) => return Ok(Made::InputRequired(asked)),
        Reached::BadArguments(errors) => {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return Err(RpcError::params(all.join("; ")));
        }
    };
    if result.is_error {
        let said =
            result.content.iter().find_map(|block| block["text"].as_str()).unwrap_or("the command failed");
        return Err(RpcError::new(RpcError::INTERNAL, said.to_owned()));
    }
    Ok(Made::Result(result))
}

fn text(uri: &str, mime_type: &str, body: &str) -> Value {
    json!({"uri": uri, "mimeType": mime_type, "text": body})
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::mcp::tools::tests::snapshot;
    use crate::plugin::offers::Offers;

    #[test]
    fn a_template_that_two_plugins_claim_is_the_first_ones_wherever_it_is_asked_for() {
        let one = snapshot(std::iter::once("a".to_owned()));
        let plugin = |name: &str, command: &str| {
            let mut plugin = Plugin::clone(&one.plugins[0]);
            let template = |description: &str| TemplateResource {
                uri_template: "x://{a}".into(),
                command: command.into(),
                name: name.into(),
                title: None,
                description: Some(description.into()),
                mime_type: None,
            };
            plugin.name = name.into();
            plugin.offers =
                Offers { templates: vec![template("first"), template("second")], ..Offers::default() };
            Arc::new(plugin)
        };
        let plugins = vec![plugin("a", "gone"), plugin("b", ""), plugin("c", "")];
        let tool = Arc::new(Tool { path: Vec::new(), ..Tool::clone(&one.tools[0].tool) });
        let tools =
            plugins.iter().map(|p| Served { tool: Arc::clone(&tool), plugin: Arc::clone(p) }).collect();
        let all = Snapshot { generation: 1, plugins, tools, ..Snapshot::default() };
        let listed = templates(&all, &Params::new(), Revision::V2025_11_25).unwrap();
        let listed = listed["resourceTemplates"].as_array().unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!([&listed[0]["name"], &listed[0]["description"]], ["b", "first"]);
        assert_eq!(templated(&all, "x://1").unwrap().0.plugin.name, "b");
        assert_eq!(of_template(&all, "x://{a}").unwrap().plugin.name, "b");
    }
}
