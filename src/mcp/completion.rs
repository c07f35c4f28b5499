//! `completion/complete`: values for an argument of a prompt or a variable of a resource template, from the choices
//! that the manifest names or that the program itself has.

use serde_json::{Value, json};

use super::message::{Params, RpcError};
use super::{prompts, tools};
use crate::plugin::uri;
use crate::registry::Snapshot;

/// Values in one answer at most: the protocol's bound.
const VALUES: usize = 100;

/// Answers a request.
pub(super) fn complete(snapshot: &Snapshot, params: &Params) -> Result<Value, RpcError> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let argument = params.get("argument");
    let name = text(argument.and_then(|a| a.get("name")));
    let begun = text(argument.and_then(|a| a.get("value")));
    let (Some(name), Some(begun)) = (name, begun) else {
        return Err(RpcError::params("`argument` needs `name` and `value`, both text"));
    };
    let choices = choices(snapshot, params.get("ref").unwrap_or(&Value::Null), &name)?;
    let wanted = begun.to_lowercase();
    let fitting: Vec<String> =
        choices.into_iter().filter(|c| c.to_lowercase().starts_with(&wanted)).collect();
    let total = fitting.len();
    let values: Vec<String> = fitting.into_iter().take(VALUES).collect();
    Ok(json!({"completion": {"hasMore": values.len() < total, "values": values, "total": total}}))
}

fn choices(snapshot: &Snapshot, reference: &Value, argument: &str) -> Result<Vec<String>, RpcError> {
    match reference["type"].as_str() {
        Some("ref/prompt") => {
            let name = reference["name"].as_str().unwrap_or_default();
            let found = prompts::find(snapshot, name);
            let found = found.ok_or_else(|| RpcError::params(format!("unknown prompt `{name}`")))?;
            Ok(found.choices(argument))
        }
        Some("ref/resource") => {
            let uri = reference["uri"].as_str().unwrap_or_default();
            let wanted = uri::normalized(uri);
            let found = snapshot.plugins.iter().find_map(|plugin| {
                let mut templates = plugin.offers.templates.iter();
                let template = templates.find(|t| uri::normalized(&t.uri_template) == wanted)?;
                snapshot.of_command(&plugin.name, &template.command)
            });
            let found =
                found.ok_or_else(|| RpcError::params(format!("unknown resource template `{uri}`")))?;
            Ok(tools::choices(&found.tool, argument))
        }
        _ => Err(RpcError::params("`ref` is neither a prompt nor a resource template")),
    }
}
