//! A directory of plugins, and the program run on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Plugins and contracts in a directory of their own, which is where the program runs.
pub(crate) struct World {
    dir: tempfile::TempDir,
    pub(crate) python: String,
}

/// What a run printed, and its exit code.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The Pythons to test with.
pub(crate) fn pythons() -> Vec<String> {
    match std::env::var("SMCP_TEST_PYTHONS") {
        Ok(paths) => paths.split(':').map(str::to_owned).collect(),
        Err(_) => vec!["python3".into()],
    }
}

/// A program whose parser has what `body` adds to `p`.
pub(crate) fn program(body: &str) -> String {
    format!(
        "import argparse, sys\np = argparse.ArgumentParser(description=\"Does one thing.\")\n{body}\np.parse_args()\n"
    )
}

impl World {
    pub(crate) fn new() -> World {
        World::with(&pythons()[0])
    }

    pub(crate) fn with(python: &str) -> World {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("plugins")).unwrap();
        World { dir, python: python.to_owned() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a plugin's file anew.
    pub(crate) fn file(&self, plugin: &str, name: &str, text: &str) {
        let directory = self.path("plugins").join(plugin);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(name), text).unwrap();
    }

    pub(crate) fn plugin(&self, name: &str, body: &str) {
        self.file(name, "cli.py", &program(body));
    }

    pub(crate) fn check(&self, words: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_smcp"))
            .arg("check")
            .args(words)
            .args(["--python", &self.python])
            .current_dir(self.dir.path())
            .env_remove("MCP_PLUGINS_DIR")
            .env_remove("MCP_SCHEMAS_DIR")
            .output()
            .unwrap();
        Run::from(output)
    }

    /// The findings of a run that prints JSON.
    pub(crate) fn findings(&self, words: &[&str]) -> Vec<Value> {
        let run = self.check(&[words, &["--format", "json"]].concat());
        let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
        report["findings"].as_array().unwrap().clone()
    }

    /// Every file below a directory with its content, to see whether anything was written.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn walk(directory: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, found);
                } else {
                    found.push((path.clone(), fs::read(&path).unwrap()));
                }
            }
        }
        let mut found = Vec::new();
        walk(self.dir.path(), &mut found);
        found.sort();
        found
    }
}

impl Run {
    fn from(output: Output) -> Run {
        Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The codes of one plugin's findings of a kind, sorted.
pub(crate) fn codes(findings: &[Value], plugin: &str, kind: &str) -> Vec<String> {
    let own = findings.iter().filter(|f| f["plugin"] == plugin && f["kind"] == kind);
    let mut codes: Vec<String> = own.map(|f| f["code"].as_str().unwrap().to_owned()).collect();
    codes.sort();
    codes
}
