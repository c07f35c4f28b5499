//! What MCP serves for a leaf command, and what a manifest may say of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What MCP serves for a leaf command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tool {
    /// Unique among all tools; `^[A-Za-z0-9_-]{1,64}$`.
    pub name: String,
    /// The words that lead from the program to the command; empty for the program itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// A name for people, where a manifest gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Never empty.
    pub description: String,
    /// A JSON Schema (2020-12) of the arguments: a flat object.
    pub input_schema: Map<String, Value>,
    /// MCP's tool annotations (`readOnlyHint`, …), where a manifest gives them.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub annotations: Map<String, Value>,
    /// Whether a user has to confirm each call; a manifest says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirm: bool,
    /// Whether plugins are looked at again after a call; a manifest says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reload: bool,
    /// Which argument each property stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<Binding>,
}

/// A property of a tool's schema and the argument that it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Binding {
    /// The property's name.
    pub property: String,
    /// Which command of the chain has the argument: 0 is the program itself.
    pub depth: usize,
    /// The argument's index in that command's `arguments`.
    pub index: usize,
}

/// What a manifest says of one command's tool, instead of what help says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolOverride {
    /// The tool's whole name (`^[A-Za-z0-9_-]{1,64}$`).
    pub name: Option<String>,
    /// A name for people.
    pub title: Option<String>,
    /// The tool's description.
    pub description: Option<String>,
    /// MCP tool annotations.
    #[serde(default)]
    pub annotations: Map<String, Value>,
    /// Asks the user before each call. A client that can't be asked (it lacks the capability `elicitation`) can't call
    /// the tool.
    #[serde(default)]
    pub confirm: bool,
    /// Looks at all plugins again after a call that ended well, before its answer is given: for commands that change
    /// which plugins or commands there are.
    #[serde(default)]
    pub reload: bool,
}
