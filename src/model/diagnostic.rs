//! What a plugin's author should know, with where it comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Something is served less exactly than it could be.
    Warning,
    /// Something is not served at all.
    Error,
}

/// Something a plugin's author should know, with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// A stable kebab-case name of the kind, e.g. `ambiguous-choices`.
    pub code: String,
    /// What is the matter, and the way out where there is one.
    pub message: String,
    /// The argument that it is about, by its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
    /// The line of the help page (from 1).
    #[serde(skip)]
    pub line: Option<usize>,
}

impl Diagnostic {
    /// A diagnostic about no particular argument or line.
    pub fn new(severity: Severity, code: &str, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity, code: code.into(), message: message.into(), argument: None, line: None }
    }

    /// The same, about an argument.
    #[must_use]
    pub fn about(mut self, argument: impl Into<String>) -> Diagnostic {
        self.argument = Some(argument.into());
        self
    }

    /// The same, at a line of the help page (from 1).
    #[must_use]
    pub fn at(mut self, line: usize) -> Diagnostic {
        self.line = Some(line);
        self
    }
}
