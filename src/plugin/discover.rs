//! The plugins directory → candidates: the directories that look like a plugin, and what was skipped and why.
//!
//! Looks at names and file types only; it opens no file and knows nothing of manifests or programs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirEntry, FileType};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::model::{Diagnostic, Severity};

use super::{MANIFEST, PROGRAM};

/// What a plugins directory holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The plugins, in the order of names.
    pub candidates: Vec<Candidate>,
    /// What looked like a plugin and is none, in the order of names.
    pub skipped: Vec<Skipped>,
}

/// A directory that is a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The directory's name.
    pub name: String,
    /// Its absolute path, symbolic links in it not resolved.
    pub directory: PathBuf,
    /// What its author should know about the name.
    pub diagnostics: Vec<Diagnostic>,
}

/// An entry of the plugins directory that is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The entry's name, with � for what is not UTF-8.
    pub name: String,
    /// Why.
    pub reason: String,
    /// A note where it may well be intended.
    pub severity: Severity,
}

/// Why there are no plugins at all.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// There is no such directory.
    #[error("the plugins directory `{}` does not exist", .0.display())]
    Missing(PathBuf),
    /// It is something else.
    #[error("the plugins directory `{}` is not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// It can't be listed.
    #[error("the plugins directory `{}` can't be read", path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Lists the plugins of a directory.
pub fn discover(plugins_dir: &Path) -> Result<Found, DiscoverError> {
    let unreadable = |source| DiscoverError::Unreadable { path: plugins_dir.to_owned(), source };
    let absolute = std::path::absolute(plugins_dir).map_err(unreadable)?;
    let entries = fs::read_dir(&absolute).map_err(|source| match source.kind() {
        ErrorKind::NotFound => DiscoverError::Missing(plugins_dir.to_owned()),
        ErrorKind::NotADirectory => DiscoverError::NotADirectory(plugins_dir.to_owned()),
        _ => unreadable(source),
    })?;
    let mut found = Found::default();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        if is_ignored(&entry.file_name()) {
            continue;
        }
        match classify(&entry) {
            Ok(Some(candidate)) => found.candidates.push(candidate),
            Ok(None) => {}
            Err(skipped) => found.skipped.push(skipped),
        }
    }
    found.candidates.sort_by(|a, b| a.name.cmp(&b.name));
    found.skipped.sort_by(|a, b| a.name.cmp(&b.name));
    report_collisions(&mut found.candidates);
    Ok(found)
}

/// Where each entry that is or may become a plugin stands, whatever it holds now.
pub fn places(plugins_dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(plugins_dir).into_iter().flatten().filter_map(Result::ok);
    let mut places: Vec<PathBuf> =
        entries.filter(|entry| !is_ignored(&entry.file_name())).map(|entry| entry.path()).collect();
    places.sort();
    places
}

/// Hidden entries and Python's cache are not plugins, and nobody wants to hear about them.
fn is_ignored(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || name == "__pycache__"
}

/// A candidate, something that was never meant as one (`None`), or why a directory is not a plugin.
fn classify(entry: &DirEntry) -> Result<Option<Candidate>, Skipped> {
    let file_name = entry.file_name();
    let skip = |severity, reason: String| Skipped {
        name: file_name.to_string_lossy().into_owned(),
        reason,
        severity,
    };
    let directory = entry.path();
    let kind = entry.file_type().map_err(|e| skip(Severity::Warning, format!("can't be looked at: {e}")))?;
    if !leads_to_directory(&directory, kind).map_err(|reason| skip(Severity::Warning, reason))? {
        return Ok(None);
    }
    has_program(&directory).map_err(|(severity, reason)| skip(severity, reason))?;
    let Some(name) = file_name.to_str() else {
        return Err(skip(Severity::Warning, "the directory's name is not UTF-8".into()));
    };
    Ok(Some(Candidate { name: name.to_owned(), directory, diagnostics: Vec::new() }))
}

fn leads_to_directory(path: &Path, kind: FileType) -> Result<bool, String> {
    if !kind.is_symlink() {
        return Ok(kind.is_dir());
    }
    match fs::metadata(path) {
        Ok(target) => Ok(target.is_dir()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let target = fs::read_link(path).unwrap_or_default();
            Err(format!("a broken link to `{}`", target.display()))
        }
        Err(error) => Err(format!("a link that can't be followed: {error}")),
    }
}

/// A directory needs a program, or a manifest, whose `command` may name a program anywhere.
fn has_program(directory: &Path) -> Result<(), (Severity, String)> {
    match fs::metadata(directory.join(PROGRAM)) {
        Ok(program) if program.is_file() => return Ok(()),
        Ok(_) => return Err((Severity::Warning, format!("its {PROGRAM} is not a file"))),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err((Severity::Warning, format!("its {PROGRAM} can't be looked at: {error}"))),
    }
    if directory.join(MANIFEST).is_file() {
        return Ok(());
    }
    if directory.join(PROGRAM).is_symlink() {
        return Err((Severity::Warning, format!("its {PROGRAM} is a broken link")));
    }
    Err((Severity::Note, format!("no {PROGRAM} in it")))
}

/// Names that differ only in case or in `-` and `_` make tools that people and clients mix up.
fn report_collisions(candidates: &mut [Candidate]) {
    let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        alike.entry(candidate.name.to_lowercase().replace('-', "_")).or_default().push(index);
    }
    for group in alike.values().filter(|group| group.len() > 1) {
        let names: Vec<String> = group.iter().map(|&i| candidates[i].name.clone()).collect();
        for &index in group {
            let others: Vec<String> =
                names.iter().filter(|n| **n != candidates[index].name).map(|n| format!("`{n}`")).collect();
            let message = format!(
                "the name differs from {} only in case or in - and _; rename one of the directories",
                others.join(", ")
            );
            candidates[index].diagnostics.push(Diagnostic::new(
                Severity::Warning,
                "similar-plugin-name",
                message,
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    fn plugin(directory: &Path) {
        fs::create_dir_all(directory).unwrap();
        fs::write(directory.join(PROGRAM), "").unwrap();
    }

    #[test]
    fn candidates_are_sorted_and_the_rest_has_reasons() {
        let dir = tempfile::tempdir().unwrap();
        let store = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        plugin(&store.path().join("real"));
        for name in ["zeta", "alpha", ".hidden", "__pycache__"] {
            plugin(&at(name));
        }
        symlink(store.path().join("real"), at("linked")).unwrap();
        symlink(store.path().join("gone"), at("broken")).unwrap();
        symlink(at("loop"), at("loop")).unwrap();
        fs::create_dir(at("empty")).unwrap();
        fs::create_dir_all(at("odd").join(PROGRAM)).unwrap();
        fs::create_dir(at("dangling")).unwrap();
        symlink("nowhere", at("dangling").join(PROGRAM)).unwrap();
        fs::create_dir(at("other_language")).unwrap();
        fs::write(at("other_language").join(MANIFEST), "").unwrap();
        plugin(&dir.path().join(OsStr::from_bytes(b"bad\xff")));
        fs::write(at("README.md"), "").unwrap();

        let found = discover(dir.path()).unwrap();
        let names: Vec<&str> = found.candidates.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["alpha", "linked", "other_language", "zeta"]);
        assert_eq!(found.candidates[1].directory, at("linked"));
        let skipped: Vec<(&str, Severity)> =
            found.skipped.iter().map(|s| (s.name.as_str(), s.severity)).collect();
        assert_eq!(
            skipped,
            [
                ("bad\u{fffd}", Severity::Warning),
                ("broken", Severity::Warning),
                ("dangling", Severity::Warning),
                ("empty", Severity::Note),
                ("loop", Severity::Warning),
                ("odd", Severity::Warning),
            ]
        );
        assert_eq!(found.skipped[0].reason, "the directory's name is not UTF-8");
        assert!(found.skipped[1].reason.starts_with("a broken link to `"), "{:?}", found.skipped[1]);
        assert_eq!(found.skipped[2].reason, "its cli.py is a broken link");
        assert_eq!(found.skipped[3].reason, "no cli.py in it");
        assert!(found.skipped[4].reason.starts_with("a link that can't be followed: "));
        assert_eq!(found.skipped[5].reason, "its cli.py is not a file");
    }

    #[test]
    fn similar_names_are_reported_on_each() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["my-tool", "my_tool", "My_Tool", "other"] {
            plugin(&dir.path().join(name));
        }
        let found = discover(dir.path()).unwrap();
        let counts: Vec<(&str, usize)> =
            found.candidates.iter().map(|c| (c.name.as_str(), c.diagnostics.len())).collect();
        assert_eq!(counts, [("My_Tool", 1), ("my-tool", 1), ("my_tool", 1), ("other", 0)]);
        assert_eq!(
            found.candidates[1].diagnostics[0].message,
            "the name differs from `My_Tool`, `my_tool` only in case or in - and _; rename one of the directories"
        );
    }

    #[test]
    fn no_directory_is_a_clear_error() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("none");
        let error = discover(&missing).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the plugins directory `{}` does not exist", missing.display())
        );
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(discover(&file).unwrap_err(), DiscoverError::NotADirectory(path) if path == file));
    }
}
