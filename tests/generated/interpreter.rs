//! The Pythons that the tests run: one process each, spoken to in JSON lines (see `harness.py`).

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

/// The npm release that ships `CPython` 3.14.
const PYODIDE: &str = "pyodide@314.0.6";

/// A running harness. Ends with its standard input.
pub(crate) struct Interpreter {
    /// The Python version, for messages and for known differences.
    pub(crate) version: (u64, u64),
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Interpreter {
    /// The interpreters that `SMCP_TEST_PYTHONS` names (else `python3`), and `CPython` 3.14 in Node where
    /// `SMCP_TEST_PYODIDE=1` asks for it.
    pub(crate) fn all() -> Vec<Interpreter> {
        let mut all: Vec<_> =
            pythons().iter().map(|python| Interpreter::start(python, &[file("harness.py")])).collect();
        if variable("SMCP_TEST_PYODIDE").is_some_and(|v| v == "1") {
            let arguments = [file("pyodide.mjs"), pyodide(), file("harness.py")];
            all.push(Interpreter::start("node", &arguments));
        }
        all
    }

    fn start(program: &str, arguments: &[PathBuf]) -> Interpreter {
        let mut child = command(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{program} does not start: {e}"));
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut interpreter = Interpreter { version: (0, 0), child, input, output };
        let version = interpreter.ask(&json!({"op": "version"}));
        interpreter.version = (version[0].as_u64().unwrap(), version[1].as_u64().unwrap());
        interpreter
    }

    /// Sends one request and waits for its answer.
    pub(crate) fn ask(&mut self, request: &Value) -> Value {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{request}\n").as_bytes()).expect("the harness reads");
        input.flush().unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("harness: {e}: {line:?} for {request}"))
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        drop(self.input.take());
        // The harness ends at the end of its input; there is nobody to tell if it doesn't.
        let _ = self.child.wait();
    }
}

/// Descriptions of `count` programs, as `generate.py` makes them.
pub(crate) fn generate(seed: u64, count: usize) -> Vec<Value> {
    let made = command(&pythons()[0])
        .arg(file("generate.py"))
        .args(["--seed", &seed.to_string(), "--count", &count.to_string()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn pythons() -> Vec<String> {
    let named = variable("SMCP_TEST_PYTHONS").unwrap_or_default();
    let named: Vec<_> = named.split(':').filter(|p| !p.is_empty()).map(str::to_owned).collect();
    if named.is_empty() { vec!["python3".to_owned()] } else { named }
}

/// A directory with pyodide installed; once for all tests, which run side by side.
fn pyodide() -> PathBuf {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(install_pyodide).clone()
}

fn install_pyodide() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PYODIDE.replace('@', "-"));
    if !directory.join("node_modules/pyodide/pyodide.mjs").exists() {
        let status = command("npm")
            .args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"])
            .arg(&directory)
            .arg(PYODIDE)
            .status()
            .expect("npm starts");
        assert!(status.success(), "npm can't install {PYODIDE}");
    }
    directory
}

/// A file beside this one.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generated").join(name)
}

/// A setting of the person who runs the tests.
#[expect(clippy::disallowed_methods, reason = "tests are configured by the environment, as cargo's own are")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::disallowed_methods, reason = "the harness is a test's own child, not a plugin")]
fn command(program: &str) -> Command {
    Command::new(program)
}
