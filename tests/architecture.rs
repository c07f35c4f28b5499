//! The rules of `ARCHITECTURE.md` that a machine can check: which module may import which, and how long files are.
#![allow(
    clippy::unwrap_used,
    clippy::unnecessary_debug_formatting,
    reason = "a test that cannot go on may panic; Python literals are made by debug formatting"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Modules in layers; a module may import from layers above its own, and from those of its own layer that are named
/// here as its exceptions.
const LAYERS: &[&[&str]] = &[
    &["metrics", "model", "text"],
    &["argv", "help", "live", "profile", "schema"],
    &["cli", "places"],
    &["config"],
    &["contract", "letta", "plugin", "process"],
    &["outcome"],
    &["registry"],
    &["call", "check"],
    &["inspect", "mcp", "web"],
    &["transport"],
    &["logging"],
    &["commands"],
];

/// Lines of code that a file may have, its tests aside.
const MAX_LINES: usize = 450;

fn sources() -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).expect("src can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs")
                && !path.to_string_lossy().ends_with("tests.rs")
            {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.sort();
    found
}

/// The code of a file up to its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("the file can be read");
    let end = text.find("\n#[cfg(test)]\nmod ").unwrap_or(text.len());
    text[..end].to_owned()
}

fn module(path: &Path) -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let relative = path.strip_prefix(src).expect("it is below src");
    let first = relative.components().next().expect("it has a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The modules that a file names by `crate::`, braces included.
fn imports(code: &str) -> Vec<String> {
    let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in lines {
        for part in line.split("crate::").skip(1) {
            let names =
                part.strip_prefix('{').map_or(part, |braces| braces.split('}').next().unwrap_or(braces));
            let names = if part.starts_with('{') { names.split(", ").collect() } else { vec![names] };
            found.extend(
                names
                    .iter()
                    .map(|n| n.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()),
            );
        }
    }
    found
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for path in sources() {
        let module = module(&path);
        if module == "lib" || module == "main" {
            continue;
        }
        let own = layer(&module).unwrap_or_else(|| panic!("{module} stands in no layer: add it"));
        for import in imports(&code(&path)).into_iter().filter(|i| *i != module) {
            match layer(&import) {
                Some(other) if other < own => {}
                Some(other) if other == own && allowed(&module, &import) => {}
                _ => wrong.push(format!("{} imports {import}", path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Imports within a layer.
fn allowed(module: &str, import: &str) -> bool {
    matches!((module, import), ("plugin", "process" | "contract"))
}

#[test]
fn files_stay_short() {
    let long: Vec<String> = sources()
        .iter()
        .map(|path| (path, code(path).lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "split these: {}", long.join(", "));
}

#[test]
fn modules_say_what_they_are() {
    let silent: Vec<_> = sources().into_iter().filter(|path| !code(path).starts_with("//!")).collect();
    assert!(silent.is_empty(), "no `//!` at the top of {silent:?}");
}

/// The tests that receive messages of ours have them checked against the specification; measuring them is no test.
#[test]
fn tests_that_speak_the_protocol_check_what_they_are_told() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for entry in fs::read_dir(tests).unwrap().flatten().filter(|entry| entry.file_name() != "load") {
        let files = if entry.path().is_dir() { below(&entry.path()) } else { vec![entry.path()] };
        let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        let speaks = texts.iter().any(|text| text.contains(r#""jsonrpc": "2.0""#));
        let checks = texts.iter().any(|text| text.contains("schemas::check("));
        assert!(!speaks || checks, "{}: pass what the server says to schemas::check", entry.path().display());
    }
}

/// The Rust files below a directory.
fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().flatten().map(|entry| entry.path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let rust = files.into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    rust.chain(directories.iter().flat_map(|directory| below(directory))).collect()
}
