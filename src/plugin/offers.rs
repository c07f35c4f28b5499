//! What a manifest offers besides tools: files and commands as resources, and prompts.
//!
//! The types of `[[resources]]`, `[[resource_templates]]` and `[[prompts]]`, what the types alone can't say of them, and
//! the one place that reads such files: inside the plugin's directory, whatever links say, and bounded.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::uri::{self, is_uri};
use super::uri_template::UriTemplate;
use crate::contract::files;

/// The largest file that is offered, in bytes: a message of it, base64 and all, stays within what clients take.
pub const MAX_FILE: u64 = 8 << 20;

/// The README of a plugin, which is a resource without being named in a manifest.
const README: &str = "README.md";

/// A file that clients may read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileResource {
    /// The file, relative to the plugin's directory, which it may not leave.
    pub file: String,
    /// Its URI; `smcp://PLUGIN/FILE` where none is given.
    pub uri: Option<String>,
    /// Its name; the file's name where none is given.
    pub name: Option<String>,
    /// A title for people.
    pub title: Option<String>,
    /// What it holds.
    pub description: Option<String>,
    /// Its media type; told from the file's name where none is given.
    pub mime_type: Option<String>,
}

/// A family of resources that a command makes.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateResource {
    /// The URIs, as a template of RFC 6570, level 1, e.g. `db://{table}/{id}`. Each variable is a property of the
    /// command's tool.
    pub uri_template: String,
    /// The words of the command that prints the resource, e.g. `"db show"`.
    pub command: String,
    /// Its name.
    pub name: String,
    /// A title for people.
    pub title: Option<String>,
    /// What it holds.
    pub description: Option<String>,
    /// The media type of what the command prints.
    pub mime_type: Option<String>,
}

/// A prompt that clients may offer to their users.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Its name.
    pub name: String,
    /// A title for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// A text file, relative to the plugin's directory; `{{argument}}` stands for an argument's value.
    pub file: Option<String>,
    /// Instead of a file: the words of the command that prints the prompt, as text (one message of the user) or as
    /// JSON `{"messages": […]}` in the protocol's form.
    pub command: Option<String>,
    /// Its arguments; a command's are those of its tool where none are named.
    #[serde(default)]
    pub arguments: Vec<PromptArgument>,
}

/// An argument of a prompt.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptArgument {
    /// Its name; a command's argument has the name of the tool's property.
    pub name: String,
    /// What it means.
    pub description: Option<String>,
    /// Whether it must be given.
    #[serde(default)]
    pub required: bool,
    /// Values to suggest.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// All that a plugin offers besides tools.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offers {
    /// Files.
    pub resources: Vec<FileResource>,
    /// Resources that commands make.
    pub templates: Vec<TemplateResource>,
    /// Prompts.
    pub prompts: Vec<Prompt>,
}

impl Offers {
    /// With the plugin's README, where it has one and the manifest doesn't name it.
    #[must_use]
    pub fn with_readme(mut self, directory: &Path) -> Offers {
        let path = |file: &str| uri::of_plugin("", file);
        let named = self.resources.iter().any(|r| path(&r.file) == path(README));
        if !named && directory.join(README).is_file() {
            let readme = FileResource { file: README.to_owned(), ..FileResource::default() };
            self.resources.insert(0, readme);
        }
        self
    }
}

impl FileResource {
    /// Its URI.
    pub fn uri(&self, plugin: &str) -> String {
        self.uri.as_deref().map_or_else(|| uri::of_plugin(plugin, &self.file), uri::encoded)
    }

    /// Its media type.
    pub fn mime_type(&self) -> String {
        let guess = || mime_guess::from_path(&self.file).first_or_octet_stream().essence_str().to_owned();
        self.mime_type.clone().unwrap_or_else(guess)
    }
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Bytes(Vec<u8>),
}

/// Why a file can't be given.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It can't be read.
    #[error("`{file}` can't be read: {source}")]
    Unreadable {
        /// The file, as the manifest names it.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// It lies outside of the plugin's directory.
    #[error("`{0}` leads out of the plugin's directory")]
    Outside(String),
    /// It is too large.
    #[error("`{0}` is larger than {MAX_FILE} bytes")]
    TooLarge(String),
}

/// Where a file of a plugin really is.
pub fn locate(directory: &Path, file: &str) -> Result<PathBuf, FileError> {
    let unreadable = |source| FileError::Unreadable { file: file.to_owned(), source };
    let root = directory.canonicalize().map_err(unreadable)?;
    let path = root.join(file).canonicalize().map_err(unreadable)?;
    if path.starts_with(&root) { Ok(path) } else { Err(FileError::Outside(file.to_owned())) }
}

/// Reads a file of a plugin.
pub fn read(directory: &Path, file: &str) -> Result<Body, FileError> {
    let bytes = opened(directory, file, files::read)?;
    Ok(String::from_utf8(bytes).map_or_else(|e| Body::Bytes(e.into_bytes()), Body::Text))
}

/// Whether a file of a plugin can be read, without reading it.
pub fn check(directory: &Path, file: &str) -> Result<(), FileError> {
    opened(directory, file, files::open).map(drop)
}

fn opened<T>(
    directory: &Path,
    file: &str,
    open: impl FnOnce(&Path, u64) -> std::io::Result<T>,
) -> Result<T, FileError> {
    open(&locate(directory, file)?, MAX_FILE).map_err(|source| match source.kind() {
        ErrorKind::FileTooLarge => FileError::TooLarge(file.to_owned()),
        _ => FileError::Unreadable { file: file.to_owned(), source },
    })
}

/// What is wrong with a manifest.
pub(super) struct Fault {
    /// The key, with its table.
    pub(super) key: String,
    /// Which of several tables of that name it is in, from 0.
    pub(super) entry: usize,
    /// Why.
    pub(super) reason: String,
}

/// The first fault of offers.
pub(super) fn faults(
    resources: &[FileResource],
    templates: &[TemplateResource],
    prompts: &[Prompt],
) -> Result<(), Fault> {
    each(resources, check_resource)?;
    each(templates, check_template)?;
    let mut names = HashSet::new();
    each(prompts, |prompt| {
        check_prompt(prompt)?;
        let is_new = names.insert(&prompt.name);
        let again = || ("prompts.name".to_owned(), format!("`{}` is there twice", prompt.name));
        if is_new { Ok(()) } else { Err(again()) }
    })
}

fn each<'a, T>(
    offers: &'a [T],
    mut check: impl FnMut(&'a T) -> Result<(), (String, String)>,
) -> Result<(), Fault> {
    let mut checked = offers.iter().enumerate().map(|(entry, offer)| (entry, check(offer)));
    checked.try_for_each(|(entry, result)| result.map_err(|(key, reason)| Fault { key, entry, reason }))
}

fn check_resource(resource: &FileResource) -> Result<(), (String, String)> {
    check_file(&resource.file).map_err(|reason| ("resources.file".to_owned(), reason))?;
    match resource.uri.as_ref().filter(|uri| !is_uri(uri)) {
        Some(uri) => Err(("resources.uri".into(), format!("`{uri}` is no URI"))),
        None => Ok(()),
    }
}

fn check_template(template: &TemplateResource) -> Result<(), (String, String)> {
    let key = || "resource_templates.uri_template".to_owned();
    UriTemplate::parse(&template.uri_template).map_err(|reason| (key(), reason))?;
    if !is_uri(&template.uri_template) {
        return Err((key(), format!("`{}` begins with no scheme", template.uri_template)));
    }
    Ok(())
}

fn check_prompt(prompt: &Prompt) -> Result<(), (String, String)> {
    let fault = |key: &str, reason: String| Err((format!("prompts.{key}"), reason));
    if prompt.name.trim().is_empty() {
        return fault("name", "is empty".into());
    }
    match (&prompt.file, &prompt.command) {
        (Some(file), None) => check_file(file).map_err(|reason| ("prompts.file".to_owned(), reason))?,
        (None, Some(_)) => {}
        _ => return fault("name", format!("`{}` needs either a `file` or a `command`", prompt.name)),
    }
    let mut names = HashSet::new();
    match prompt.arguments.iter().find(|a| a.name.trim().is_empty() || !names.insert(&a.name)) {
        Some(argument) => fault("arguments", format!("`{}` is empty or there twice", argument.name)),
        None => Ok(()),
    }
}

fn check_file(file: &str) -> Result<(), String> {
    if file.trim().is_empty() || !stays_inside(Path::new(file)) {
        return Err(format!("`{file}` is no path within the plugin's directory"));
    }
    Ok(())
}

/// Whether no part of a path leads out of where it begins, as it is written; links are looked at where a file is read.
fn stays_inside(path: &Path) -> bool {
    let depth = path.components().try_fold(0_usize, |depth, part| match part {
        Component::Normal(_) => Some(depth + 1),
        Component::CurDir => Some(depth),
        Component::ParentDir => depth.checked_sub(1),
        Component::RootDir | Component::Prefix(_) => None,
    });
    depth.is_some()
}

/// A prompt's text with its arguments put in; a placeholder without a value becomes nothing.
pub fn filled(text: &str, mut arguments: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        match after.split_once("}}") {
            Some((name, behind)) if !name.contains(['{', '\n']) => {
                out.push_str(&arguments(name.trim()).unwrap_or_default());
                rest = behind;
            }
            _ => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once() {
        let value = |name: &str| (name == "a").then(|| "{{b}}".to_owned());
        for (text, expected) in [
            ("x {{a}} y {{ a }}", "x {{b}} y {{b}}"),
            ("none {{c}}.", "none ."),
            ("open {{ a", "open {{ a"),
            ("{{{a}}", "{{{a}}"),
            ("", ""),
        ] {
            assert_eq!(filled(text, value), expected, "{text}");
        }
    }

    #[test]
    fn files_stay_inside_and_bounded() {
        let root = tempfile::tempdir().unwrap();
        let plugin = root.path().join("p");
        std::fs::create_dir(&plugin).unwrap();
        std::fs::write(root.path().join("secret"), "s").unwrap();
        std::fs::write(plugin.join("a.txt"), "text").unwrap();
        std::fs::write(plugin.join("a.bin"), [0xff, 0x00]).unwrap();
        std::os::unix::fs::symlink("../secret", plugin.join("link")).unwrap();
        assert_eq!(read(&plugin, "a.txt").unwrap(), Body::Text("text".into()));
        assert_eq!(read(&plugin, "a.bin").unwrap(), Body::Bytes(vec![0xff, 0x00]));
        for outside in ["../secret", "link"] {
            assert!(matches!(read(&plugin, outside), Err(FileError::Outside(_))), "{outside}");
            assert!(matches!(check(&plugin, outside), Err(FileError::Outside(_))), "{outside}");
        }
        assert!(matches!(read(&plugin, "nope"), Err(FileError::Unreadable { .. })));
        std::fs::File::create(plugin.join("big")).unwrap().set_len(MAX_FILE + 1).unwrap();
        assert!(matches!(read(&plugin, "big"), Err(FileError::TooLarge(_))));
        assert!(matches!(check(&plugin, "big"), Err(FileError::TooLarge(_))));
        assert!(check(&plugin, "a.bin").is_ok() && check(&plugin, "nope").is_err());
    }
}
