//! The JSON of a profile file, as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::ProfileError;

/// A file of profiles: the value of `SMCP_PROFILES` or `--profiles`, or one of several in a directory.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "smcp profiles")]
pub struct Document {
    /// What the file is for; shown nowhere.
    #[serde(default)]
    pub description: Option<String>,
    /// The profile that clients begin with where neither `--profile` nor `SMCP_ATTACH_PROFILE` names one.
    #[serde(default)]
    pub default_profile: Option<String>,
    /// Profiles by name: 1 to 64 letters, digits, `-`, `_` and `.`. The profile `full`, which holds every tool, is
    /// there without being defined.
    pub profiles: BTreeMap<String, Definition>,
    /// Which tool serves which intent; the `help` of `sanctum__tools` tells it.
    #[serde(default)]
    pub intent_hints: Vec<IntentHint>,
}

/// One profile.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// How its tools are chosen.
    pub mode: Mode,
    /// What it is for; `sanctum__tools` tells it.
    #[serde(default)]
    pub description: Option<String>,
    /// Mode `explicit`: the names of its tools.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Mode `prefix`: what the names of its tools begin with.
    #[serde(default, alias = "prefixes")]
    pub prefix: OneOrMany,
    /// Mode `glob`: patterns of the names of its tools, with `*`, `?`, `[…]` and `{…,…}`.
    #[serde(default, alias = "patterns")]
    pub pattern: OneOrMany,
    /// The name of an environment variable that holds a key, or several names. Such a key opens this profile and no other.
    #[serde(default)]
    pub keys: OneOrMany,
}

/// How a profile's tools are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Every tool.
    All,
    /// By the beginnings of their names.
    Prefix,
    /// By patterns of their names.
    Glob,
    /// By their names.
    Explicit,
}

impl Mode {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Mode::All => "all",
            Mode::Prefix => "prefix",
            Mode::Glob => "glob",
            Mode::Explicit => "explicit",
        }
    }

    /// The field that goes with it.
    pub(super) fn field(self) -> Option<&'static str> {
        match self {
            Mode::All => None,
            Mode::Prefix => Some("prefix"),
            Mode::Glob => Some("pattern"),
            Mode::Explicit => Some("tools"),
        }
    }
}

/// One text or several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> OneOrMany {
        OneOrMany::Many(Vec::new())
    }
}

impl std::ops::Deref for OneOrMany {
    type Target = [String];

    fn deref(&self) -> &[String] {
        match self {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        }
    }
}

/// Which tool serves an intent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntentHint {
    /// What somebody wants.
    pub intent: String,
    /// The tool that does it.
    pub tool: String,
    /// What has to be known first.
    #[serde(default)]
    pub needs: Option<String>,
}

/// Reads a file's text.
pub fn parse(text: &str) -> Result<Document, ProfileError> {
    serde_json::from_str(text).map_err(|e| ProfileError::Syntax(e.to_string()))
}

/// The JSON Schema of the format.
pub fn schema() -> Value {
    schemars::schema_for!(Document).to_value()
}
