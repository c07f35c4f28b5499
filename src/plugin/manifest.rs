//! `plugin.toml` → [`Manifest`]: what a plugin's author says beyond the program itself. No plugin needs one.
//!
//! Checked on load; an error names the file, the line, the key and the reason. This module runs nothing.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::contract::files;
use crate::model::ToolOverride;

use super::MANIFEST;
use super::offers::{self, Fault, FileResource, Offers, Prompt, TemplateResource};

/// The code of a diagnostic: what a manifest names is not there, or can't work.
pub const UNMATCHED: &str = "manifest-unmatched";

/// The largest manifest that is read, in bytes: far more than anyone writes by hand.
const MAX_SIZE: u64 = 256 * 1024;

/// The longest `timeout`, in seconds (a year): beyond it a clock's arithmetic may overflow.
const MAX_TIMEOUT: f64 = 365.0 * 24.0 * 3600.0;

/// The longest tool name that clients accept, in characters.
const MAX_NAME: usize = 64;

/// An optional `plugin.toml` beside a plugin's program.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "smcp plugin manifest")]
pub struct Manifest {
    /// The words that start the program, instead of `cli.py` with a Python interpreter. The first word is looked for in
    /// the plugin's directory, then in `PATH`; the program runs in the plugin's directory.
    #[schemars(length(min = 1))]
    pub command: Option<Vec<String>>,
    /// Environment variables for the program.
    pub env: BTreeMap<String, String>,
    /// How long one call may take, in seconds.
    #[schemars(range(min = 0.001, max = 31_536_000))]
    pub timeout: Option<f64>,
    /// How many calls of this plugin may run at a time.
    pub max_concurrency: Option<NonZeroUsize>,
    /// The commands to serve, e.g. `"db migrate"`; `*` stands for any characters of a word, and a command stands for
    /// all below it. All are served where nothing is named. Naming a command that its help hides serves it.
    pub include: Vec<String>,
    /// The commands not to serve, written as in `include`; it beats `include`.
    pub exclude: Vec<String>,
    /// Whether the program has a `--describe` that prints a contract; it is run only where this (or the server's
    /// configuration) says so.
    pub describe: Option<bool>,
    /// Whether the program's parser object may be asked about itself while it prints help; true by default.
    pub live: Option<bool>,
    /// Whether a process of the program is kept that has its modules imported and forks for each call; where nothing is
    /// said, the server's configuration decides.
    pub warm: Option<bool>,
    /// What to say of a command's tool instead of what help says, keyed by the command's words, e.g. `"db migrate"`;
    /// the empty key is the program itself.
    pub tools: BTreeMap<String, ToolOverride>,
    /// Files that clients may read as resources. The plugin's README.md is one without being named.
    pub resources: Vec<FileResource>,
    /// Families of resources that a command makes.
    pub resource_templates: Vec<TemplateResource>,
    /// Prompts that clients may offer to their users.
    pub prompts: Vec<Prompt>,
}

impl Manifest {
    /// How long one call may take.
    pub fn time_limit(&self) -> Option<Duration> {
        self.timeout.map(Duration::from_secs_f64)
    }

    /// What is offered besides tools.
    pub fn offers(&self) -> Offers {
        Offers {
            resources: self.resources.clone(),
            templates: self.resource_templates.clone(),
            prompts: self.prompts.clone(),
        }
    }
}

/// The JSON Schema of `plugin.toml`, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Manifest).to_value()
}

/// Why a manifest can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It can't be read.
    #[error("{} {CANT_BE_READ}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It says something wrong.
    #[error("{}:{line}: {}", path.display(), self.reason())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key, with its table, where it is known.
        key: Option<String>,
        /// What is wrong.
        reason: String,
    },
}

const CANT_BE_READ: &str = "can't be read";

impl ManifestError {
    /// The line (from 1), where one is wrong.
    pub fn line(&self) -> Option<usize> {
        match self {
            ManifestError::Unreadable { .. } => None,
            ManifestError::Invalid { line, .. } => Some(*line),
        }
    }

    /// What is wrong, for those who name file and line beside it.
    pub fn reason(&self) -> String {
        match self {
            ManifestError::Unreadable { source, .. } => format!("{CANT_BE_READ}: {source}"),
            ManifestError::Invalid { key, reason, .. } => {
                key.as_ref().map(|key| format!("`{key}`: ")).unwrap_or_default() + reason
            }
        }
    }
}

/// Reads the manifest of a plugin's directory; a plugin without one has the default.
pub fn read(directory: &Path) -> Result<Manifest, ManifestError> {
    let path = directory.join(MANIFEST);
    match read_text(&path) {
        Ok(text) => parse(&text, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
            Ok(Manifest::default())
        }
        Err(source) => Err(ManifestError::Unreadable { path, source }),
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(files::read(path, MAX_SIZE)?).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// Reads and checks a manifest's text; `path` is for messages.
fn parse(text: &str, path: &Path) -> Result<Manifest, ManifestError> {
    let invalid = |line, key, reason| ManifestError::Invalid { path: path.to_owned(), line, key, reason };
    let places = places(text);
    let manifest: Manifest = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1;
        let key = places.iter().find(|place| place.lines.contains(&line)).map(|place| place.key.clone());
        invalid(line, key, error.message().replace('\n', "; "))
    })?;
    check(&manifest).map_err(|fault| invalid(line_of(&places, &fault), Some(fault.key), fault.reason))?;
    Ok(manifest)
}

/// Where a key's value stands.
struct Place {
    /// The key, with its table before it.
    key: String,
    /// Its lines, from 1.
    lines: Range<usize>,
}

/// The keys of a TOML text and their lines, as far as its lines show them: only messages lean on it.
fn places(text: &str) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let mut table = String::new();
    for (line, content) in (1..).zip(text.lines()) {
        let content = content.trim();
        let begins = if let Some(header) =
            content.strip_prefix('[').and_then(|h| h.strip_suffix(']')).map(|h| h.trim_matches(['[', ']']))
        {
            header.trim().clone_into(&mut table);
            Some(table.clone())
        } else {
            let key = content.split_once('=').map(|(key, _)| key.trim()).filter(|key| is_key(key));
            key.map(|key| if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") })
        };
        match (begins, places.last_mut()) {
            (Some(key), _) => places.push(Place { key, lines: line..line + 1 }),
            // A line of a value that goes on.
            (None, Some(last)) if !content.is_empty() => last.lines.end = line + 1,
            (None, _) => {}
        }
    }
    places
}

/// Where the value stands that is at fault: in its own table, where there are several of that name.
fn line_of(places: &[Place], fault: &Fault) -> usize {
    let table = fault.key.split('.').next().unwrap_or_default();
    let begins = |(_, place): &(usize, &Place)| place.key == table;
    let begin = places.iter().enumerate().filter(begins).nth(fault.entry).map(|(at, _)| at);
    let found = places[begin.unwrap_or(0)..].iter().find(|place| place.key == fault.key);
    found.or(begin.map(|at| &places[at])).map_or(1, |place| place.lines.start)
}

fn is_key(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let quoted = text.len() > 1 && text.starts_with(['"', '\'']) && text.ends_with(['"', '\'']);
    quoted || (!text.is_empty() && text.chars().all(plain))
}

fn fault(key: impl Into<String>, reason: impl Into<String>) -> Fault {
    Fault { key: key.into(), entry: 0, reason: reason.into() }
}

/// What the types alone can't say.
fn check(manifest: &Manifest) -> Result<(), Fault> {
    if let Some(command) = &manifest.command {
        check_command(command)?;
    }
    for (name, value) in &manifest.env {
        check_variable(name, value)?;
    }
    if let Some(timeout) = manifest.timeout
        && !(timeout > 0.0 && timeout <= MAX_TIMEOUT)
    {
        return Err(fault("timeout", format!("must be a number of seconds above 0 and up to {MAX_TIMEOUT}")));
    }
    for (key, patterns) in [("include", &manifest.include), ("exclude", &manifest.exclude)] {
        if patterns.iter().any(|p| p.trim().is_empty()) {
            return Err(fault(key, "names a command without words"));
        }
    }
    offers::faults(&manifest.resources, &manifest.resource_templates, &manifest.prompts)?;
    check_tools(&manifest.tools)
}

fn check_command(command: &[String]) -> Result<(), Fault> {
    match command.first() {
        None => Err(fault("command", "needs at least one word")),
        Some(program) if program.is_empty() => Err(fault("command", "its first word is empty")),
        _ if command.iter().any(|word| word.contains('\0')) => {
            Err(fault("command", "contains a NUL character"))
        }
        _ => Ok(()),
    }
}

fn check_variable(name: &str, value: &str) -> Result<(), Fault> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(fault("env", format!("`{}` can't be a variable's name", name.escape_debug())));
    }
    if value.contains('\0') {
        return Err(fault(format!("env.{name}"), "contains a NUL character"));
    }
    Ok(())
}

fn check_tools(tools: &BTreeMap<String, ToolOverride>) -> Result<(), Fault> {
    let mut claimed: HashMap<&str, &str> = HashMap::new();
    for (command, tool) in tools {
        let table = format!("tools.{}", quoted(command));
        if let Some(name) = &tool.name {
            check_tool_name(name).map_err(|reason| fault(format!("{table}.name"), reason))?;
            if let Some(other) = claimed.insert(name, command) {
                return Err(fault(format!("{table}.name"), format!("`{other}` has this name already")));
            }
        }
        if tool.description.as_ref().is_some_and(|d| d.trim().is_empty()) {
            return Err(fault(format!("{table}.description"), "is empty"));
        }
        let hint = tool.annotations.iter().find(|(key, value)| key.ends_with("Hint") && !value.is_boolean());
        if let Some((key, _)) = hint {
            return Err(fault(format!("{table}.annotations"), format!("`{key}` must be true or false")));
        }
    }
    Ok(())
}

/// A key as one writes it in a table's header.
fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if bare { key.to_owned() } else { format!("\"{key}\"") }
}

fn check_tool_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fits) {
        return Err(format!("must be 1 to {MAX_NAME} letters, digits, - and _"));
    }
    if name == "health" || name == "sanctum__tools" {
        return Err(format!("`{name}` is the server's own tool"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_can_be_said() {
        let text = r#"
command = ["./run.sh", "--quiet"]
timeout = 2.5
max_concurrency = 3
include = ["db *"]
exclude = ["db drop"]
describe = true
live = false
warm = true
[env]
A = "1"
[tools."db migrate"]
name = "migrate"
title = "Migrate"
description = "Moves."
annotations = { readOnlyHint = false }
"#;
        let manifest = parse(text, Path::new("plugin.toml")).unwrap();
        assert_eq!(manifest.command.as_deref(), Some(&["./run.sh".to_owned(), "--quiet".to_owned()][..]));
        assert_eq!(manifest.time_limit(), Some(Duration::from_millis(2500)));
        assert_eq!(manifest.max_concurrency.map(NonZeroUsize::get), Some(3));
        assert_eq!((manifest.describe, manifest.live, manifest.warm), (Some(true), Some(false), Some(true)));
        assert_eq!(manifest.env["A"], "1");
        assert_eq!(manifest.tools["db migrate"].name.as_deref(), Some("migrate"));
        assert_eq!(manifest.tools["db migrate"].annotations["readOnlyHint"], false);
    }

    #[test]
    fn errors_name_line_key_and_reason() {
        let check = |text: &str, expected: &str| {
            let error = parse(text, Path::new("p/plugin.toml")).unwrap_err();
            assert_eq!(error.to_string(), format!("p/plugin.toml:{expected}"), "for {text:?}");
        };
        check(
            "timeot = 1\n",
            "1: `timeot`: unknown field `timeot`, expected one of `command`, `env`, `timeout`, `max_concurrency`, \
             `include`, `exclude`, `describe`, `live`, `warm`, `tools`, `resources`, `resource_templates`, `prompts`",
        );
        check("\ntimeout = \"1\"\n", "2: `timeout`: invalid type: string \"1\", expected f64");
        check("timeout = 0\n", "1: `timeout`: must be a number of seconds above 0 and up to 31536000");
        check(
            "# no\ntimeout = nan\n",
            "2: `timeout`: must be a number of seconds above 0 and up to 31536000",
        );
        check("live = true\ncommand = []", "2: `command`: needs at least one word");
        check("command = [\"\"]", "1: `command`: its first word is empty");
        check(
            "command = [\n  \"a\",\n  1,\n]\n",
            "3: `command`: invalid type: integer `1`, expected a string",
        );
        check("include = [\" \"]", "1: `include`: names a command without words");
        check("[env]\nA = 1\n", "2: `env.A`: invalid type: integer `1`, expected a string");
        check("[env]\nA = \"\\u0000\"\n", "2: `env.A`: contains a NUL character");
        check(
            "[tools.\"a b\"]\nname = \"a.b\"\n",
            "2: `tools.\"a b\".name`: must be 1 to 64 letters, digits, - and _",
        );
        for own in ["health", "sanctum__tools"] {
            let expected = format!("2: `tools.a.name`: `{own}` is the server's own tool");
            check(&format!("[tools.a]\nname = \"{own}\"\n"), &expected);
        }
        check(
            "[tools.a]\nname = \"x\"\n[tools.b]\nname = \"x\"\n",
            "4: `tools.b.name`: `a` has this name already",
        );
        check("[tools.a]\ndescription = \" \"\n", "2: `tools.a.description`: is empty");
        check(
            "[tools.a]\nannotations = { readOnlyHint = 1 }\n",
            "2: `tools.a.annotations`: `readOnlyHint` must be true or false",
        );
        for file in ["../x", "/x", "a/../../x", "a/../../p/x", " "] {
            let expected = format!("2: `resources.file`: `{file}` is no path within the plugin's directory");
            check(&format!("[[resources]]\nfile = \"{file}\"\n"), &expected);
        }
        for file in ["a/../x", "./x", "a/b/../../x"] {
            let text = format!("[[resources]]\nfile = \"{file}\"\n");
            assert!(parse(&text, Path::new("plugin.toml")).is_ok(), "{file} stays inside");
        }
        let two = "[[resources]]\nfile = \"a\"\n[[resources]]\nfile = \"/b\"\n";
        check(two, "4: `resources.file`: `/b` is no path within the plugin's directory");
        check(
            "[[prompts]]\nname = \"p\"\nfile = \"a\"\n\n[[prompts]]\nname = \"p\"\nfile = \"a\"\n",
            "6: `prompts.name`: `p` is there twice",
        );
        check("live = true\nlive = false\n", "2: `live`: duplicate key");
    }

    #[test]
    fn syntax_and_zero_are_errors() {
        for text in ["max_concurrency = 0", "live =", "= 1", "[tools", "live = 1", "command = \"a\""] {
            let error = parse(text, Path::new("plugin.toml")).unwrap_err();
            assert!(error.to_string().starts_with("plugin.toml:1: "), "{error}");
        }
    }

    #[test]
    fn no_file_is_the_default_and_a_broken_link_is_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), Manifest::default());
        std::os::unix::fs::symlink("nowhere", dir.path().join(MANIFEST)).unwrap();
        assert!(matches!(read(dir.path()), Err(ManifestError::Unreadable { .. })));
    }

    #[test]
    fn the_schema_describes_every_key() {
        let schema = schema();
        assert_eq!(schema["additionalProperties"], false);
        for (key, property) in schema["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "{key}");
        }
    }
}
