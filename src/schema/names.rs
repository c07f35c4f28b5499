//! Tool names: derived from the command path, bounded, and distinct even for clients that fold case or `-` and `_`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::Tools;
use crate::model::{Diagnostic, Severity, Tool};

/// The longest tool name that every client takes.
const MAX_NAME: usize = 64;

/// Hexadecimal digits of a short hash: among the tools of one server, 32 bits don't collide by chance.
const HASH_DIGITS: usize = 8;

/// Names of the server's own tools.
const RESERVED: [&str; 2] = ["health", "sanctum__tools"];

/// Whether every client takes this name: `^[A-Za-z0-9_-]{1,64}$`.
pub(super) fn is_valid(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.chars().all(is_name_char)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// `plugin__sub__command`, or a shorter name where that is too long.
pub(super) fn derive(plugin: &str, path: &[String], diagnostics: &mut Vec<Diagnostic>) -> String {
    let full = readable(plugin, path);
    if full.len() <= MAX_NAME {
        return full;
    }
    let name = with_hash(&full, plugin, path);
    let message =
        format!("the tool name `{full}` has more than {MAX_NAME} characters; it is served as `{name}`");
    diagnostics.push(Diagnostic::new(Severity::Note, "tool-name-shortened", message));
    name
}

fn readable(plugin: &str, path: &[String]) -> String {
    let words = std::iter::once(plugin).chain(path.iter().map(String::as_str));
    let clean = |word: &str| word.chars().map(|c| if is_name_char(c) { c } else { '_' }).collect::<String>();
    words.map(clean).collect::<Vec<_>>().join("__")
}

/// A name that stays the same whatever else is served: as much of `name` as fits, and a hash of what it stands for.
fn with_hash(name: &str, plugin: &str, path: &[String]) -> String {
    let mut digest = Sha256::new();
    for word in std::iter::once(plugin).chain(path.iter().map(String::as_str)) {
        digest.update(word.as_bytes());
        digest.update([0]);
    }
    let mut hash = String::new();
    for byte in digest.finalize().iter().take(HASH_DIGITS / 2) {
        let _ = write!(hash, "{byte:02x}");
    }
    let kept: String = name.chars().take(MAX_NAME - HASH_DIGITS - 1).collect();
    format!("{kept}_{hash}")
}

/// What a client that mixes up case, `-` and `_` sees of a name.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

/// Indices of tools whose names can't stand: taken by the server, or claimed by another tool too.
fn contested<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<usize> {
    let mut owners: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, name) in names.enumerate() {
        owners.entry(folded(name)).or_default().push(index);
    }
    let reserved = |name: &str| RESERVED.contains(&name);
    owners
        .iter()
        .filter(|(name, who)| who.len() > 1 || reserved(name))
        .flat_map(|(_, who)| who.clone())
        .collect()
}

/// Makes the names within one plugin distinct from one another and from the server's own.
pub(super) fn settle(plugin: &str, tools: &mut Tools) {
    for index in contested(tools.tools.iter().map(|t| t.name.as_str())) {
        let tool = &mut tools.tools[index];
        let name = with_hash(&tool.name, plugin, &tool.path);
        let message =
            format!("the tool name `{}` is taken as well by another tool; this one is `{name}`", tool.name);
        tools.diagnostics.push(Diagnostic::new(Severity::Warning, "tool-name-taken", message));
        tool.name = name;
    }
}

/// Gives distinct names to tools of different plugins that claim the same one (also names that differ only in case
/// or in `-` and `_`, where clients would mix them up): each gets the readable prefix and a short hash of its own.
/// Returns what was renamed: (index, old name).
pub fn separate(tools: &mut [(&str, &mut Tool)]) -> Vec<(usize, String)> {
    let clashes = contested(tools.iter().map(|(_, tool)| tool.name.as_str()));
    let mut renamed = Vec::new();
    for index in clashes {
        let (plugin, tool) = &mut tools[index];
        let name = with_hash(&tool.name, plugin, &tool.path);
        renamed.push((index, std::mem::replace(&mut tool.name, name)));
    }
    renamed
}
