//! Forms that the server itself makes: for required arguments that a call lacks, and for the user's yes to a call.
//! Pure; the forms are MCP's `elicitation/create` in form mode, whose fields are flat (2025-06-18 and later).

use serde_json::{Map, Value, json};

use crate::argv::ArgvError;
use crate::mcp::era::Revision;
use crate::model::Tool;
use crate::text;

/// The longest question, in bytes, so that a client can show it whole.
const MESSAGE: usize = 4096;

/// The form for the arguments that a call lacks; `None` where anything else is wrong with it, or one of them can't be
/// filled into a flat form.
pub(super) fn for_missing(tool: &Tool, errors: &[ArgvError], revision: Revision) -> Option<Value> {
    if errors.is_empty() || !errors.iter().all(ArgvError::is_missing) {
        return None;
    }
    let properties = tool.input_schema.get("properties")?;
    let names: Vec<&str> = errors.iter().map(|e| e.argument.as_str()).collect();
    let fields: Option<Map<String, Value>> = names
        .iter()
        .map(|name| Some(((*name).to_owned(), field(properties.get(name)?, revision)?)))
        .collect();
    let listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let message = format!("The tool `{}` needs {listed}.", tool.name);
    Some(form(&message, json!({"type": "object", "properties": fields?, "required": names})))
}

/// The question whether a call is meant.
pub(super) fn for_confirmation(tool: &Tool, arguments: &Map<String, Value>) -> Value {
    let arguments = text::plain(&serde_json::to_string_pretty(arguments).unwrap_or_default());
    let message = format!("Run the tool `{}` with these arguments?\n{arguments}", tool.name);
    form(&message, json!({"type": "object", "properties": {}}))
}

/// The key of a request with a form that the revision does not have: one with a field that takes several choices.
pub(super) fn beyond(requests: &Map<String, Value>, revision: Revision) -> Option<&str> {
    let several = |request: &Value| {
        let fields = request["params"]["requestedSchema"]["properties"].as_object();
        fields.is_some_and(|fields| fields.values().any(|field| field["type"] == "array"))
    };
    let found = requests.iter().find(|(_, request)| several(request));
    found.filter(|_| !revision.has_multiple_choice()).map(|(key, _)| key.as_str())
}

fn form(message: &str, schema: Value) -> Value {
    let shown = text::head(message, MESSAGE);
    let message = if shown.len() < message.len() { format!("{shown}\n[cut]") } else { shown.to_owned() };
    json!({"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}})
}

/// A tool's property as a field.
fn field(property: &Value, revision: Revision) -> Option<Value> {
    let shape = match property["anyOf"].as_array() {
        // Several forms of one value: any text can be written for it, and the description says what is meant.
        Some(forms) if forms.iter().any(|f| f["type"] == "string" && f.get("enum").is_none()) => {
            json!({"type": "string"})
        }
        Some(_) => return None,
        None => match property["type"].as_str()? {
            "string" if property["enum"].is_array() => json!({"type": "string", "enum": property["enum"]}),
            kind @ ("string" | "integer" | "number" | "boolean") => json!({"type": kind}),
            "array" if property["items"]["enum"].is_array() && revision.has_multiple_choice() => {
                let mut list = json!({
                    "type": "array", "items": {"type": "string", "enum": property["items"]["enum"]},
                });
                copy(property, &mut list, &["minItems", "maxItems"]);
                list
            }
            _ => return None,
        },
    };
    let mut field = shape;
    copy(property, &mut field, &["title", "description", "minimum", "maximum"]);
    Some(field)
}

fn copy(from: &Value, to: &mut Value, keys: &[&str]) {
    for key in keys {
        if let Some(value) = from.get(*key) {
            to[*key] = value.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(properties: &Value) -> Tool {
        let schema = json!({"type": "object", "properties": properties});
        let tool = json!({"name": "t", "description": "d", "inputSchema": schema});
        serde_json::from_value(tool).unwrap()
    }

    #[test]
    fn fields_come_from_properties() {
        let newest = Revision::V2025_11_25;
        for (property, revision, expected) in [
            (
                json!({"type": "string", "description": "d"}),
                newest,
                Some(json!({"type": "string", "description": "d"})),
            ),
            (
                json!({"type": "integer", "minimum": 0}),
                newest,
                Some(json!({"type": "integer", "minimum": 0})),
            ),
            (json!({"type": "number"}), newest, Some(json!({"type": "number"}))),
            (json!({"type": "boolean"}), newest, Some(json!({"type": "boolean"}))),
            (
                json!({"type": "string", "enum": ["a", "b"]}),
                newest,
                Some(json!({"type": "string", "enum": ["a", "b"]})),
            ),
            (
                json!({"anyOf": [{"type": "number"}, {"type": "string"}]}),
                newest,
                Some(json!({"type": "string"})),
            ),
            (
                json!({"type": "array", "items": {"type": "string", "enum": ["a"]}, "minItems": 1}),
                newest,
                Some(json!({"type": "array", "items": {"type": "string", "enum": ["a"]}, "minItems": 1})),
            ),
            (
                json!({"type": "array", "items": {"type": "string", "enum": ["a"]}}),
                Revision::V2025_06_18,
                None,
            ),
            (json!({"type": "array", "items": {"type": "string"}}), newest, None),
            (json!({"type": "object"}), newest, None),
            (json!({"anyOf": [{"type": "boolean"}, {"type": "array"}]}), newest, None),
        ] {
            assert_eq!(field(&property, revision), expected, "{property}");
        }
    }

    #[test]
    fn a_form_asks_for_all_that_is_missing_or_there_is_none() {
        let tool = tool(&json!({"a": {"type": "string"}, "b": {"type": "integer"}, "c": {"type": "object"}}));
        let error =
            |argument: &str, reason: &str| ArgvError { argument: argument.into(), reason: reason.into() };
        let missing = |name: &str| error(name, "is required");
        let form = |errors: &[ArgvError]| for_missing(&tool, errors, Revision::V2026_07_28);
        let found = form(&[missing("a"), missing("b")]).unwrap();
        let schema = &found["params"]["requestedSchema"];
        assert_eq!(schema["required"], json!(["a", "b"]));
        assert_eq!(schema["properties"], json!({"a": {"type": "string"}, "b": {"type": "integer"}}));
        assert_eq!(found["params"]["message"], "The tool `t` needs `a`, `b`.");
        assert_eq!(form(&[]), None);
        assert_eq!(form(&[missing("a"), error("b", "is no integer")]), None);
        assert_eq!(form(&[missing("a"), missing("c")]), None, "no flat form takes an object");
    }

    #[test]
    fn a_confirmation_shows_what_will_run() {
        let shown = |arguments: Value| {
            let asked = for_confirmation(&tool(&json!({})), arguments.as_object().unwrap());
            asked["params"]["message"].as_str().unwrap().to_owned()
        };
        assert_eq!(shown(json!({"a": 1})), "Run the tool `t` with these arguments?\n{\n  \"a\": 1\n}");
        let long = shown(json!({"a": "x".repeat(2 * MESSAGE)}));
        assert!(long.len() < MESSAGE + 10 && long.ends_with("[cut]"));
    }
}
