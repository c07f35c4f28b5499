//! The program itself, with a client on its standard input and output.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::schemas;
use super::support::{PATIENCE, newest};

/// The revision that clients of this table speak.
pub(crate) const REVISION: &str = "2025-06-18";

/// The program, in a directory of its own, without any setting of the person who runs the tests.
pub(crate) fn smcp(directory: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smcp"));
    command.args(words).current_dir(directory).stdin(Stdio::null()).env_clear();
    command.envs(["PATH", "HOME"].iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.env("MCP_PYTHON", &newest().path);
    command
}

/// Plugins in the directory that is served by default.
pub(crate) struct Site {
    pub(crate) dir: TempDir,
}

impl Site {
    pub(crate) fn new() -> Site {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("plugins")).unwrap();
        Site { dir }
    }

    /// Writes a program of these lines.
    pub(crate) fn plugin(&self, name: &str, body: &str) -> PathBuf {
        let directory = self.dir.path().join("plugins").join(name);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("cli.py"), format!("import argparse, json, os, sys, time\n{body}\n"))
            .unwrap();
        directory
    }

    /// Begins `smcp stdio` with more words and variables.
    pub(crate) fn stdio(&self, words: &[&str], variables: &[(&str, &str)]) -> Client {
        let words = [&["stdio"], words].concat();
        let mut child = smcp(self.dir.path(), &words)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)).ok()
        });
        let input = child.stdin.take();
        let (told, asked, early, next, server) = (Vec::new(), HashMap::new(), HashMap::new(), 0, Value::Null);
        let mut client = Client { child, input, lines, told, asked, early, next, server };
        let info = json!({"name": "test", "version": "0"});
        let hello = json!({"protocolVersion": REVISION, "capabilities": {}, "clientInfo": info});
        client.server = client.ask("initialize", hello)["serverInfo"].clone();
        client
    }
}

/// A client of a running `smcp stdio`; the program ends with it.
pub(crate) struct Client {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Notifications so far.
    pub(crate) told: Vec<(Instant, Value)>,
    /// What was asked, by id.
    asked: HashMap<u64, String>,
    /// Answers that nobody has waited for yet.
    early: HashMap<u64, Value>,
    next: u64,
    /// What the server says that it is.
    pub(crate) server: Value,
}

impl Client {
    /// The process id of the server.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn send(&mut self, message: &Value) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{message}").and_then(|()| input.flush()).unwrap();
    }

    /// Begins a request; its id.
    pub(crate) fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.next += 1;
        self.asked.insert(self.next, method.to_owned());
        self.send(&json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params}));
        self.next
    }

    /// Begins a call that tells its progress; its id.
    pub(crate) fn begin_call(&mut self, tool: &str, arguments: &Value) -> u64 {
        let meta = json!({"progressToken": self.next + 1});
        self.begin("tools/call", json!({"name": tool, "arguments": arguments, "_meta": meta}))
    }

    /// Waits for the answer to a request: every line until then must be one JSON-RPC message.
    pub(crate) fn answer(&mut self, id: u64) -> Value {
        let end = Instant::now() + PATIENCE;
        if let Some(early) = self.early.remove(&id) {
            return early;
        }
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|e| panic!("no answer to {id}: {e}"));
            let message: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
            assert_eq!(message["jsonrpc"], "2.0", "{line}");
            let method = message["id"].as_u64().and_then(|id| self.asked.get(&id)).map(String::as_str);
            schemas::check(REVISION, method, &message);
            match message["id"].as_u64() {
                Some(answered) if answered == id => return message,
                Some(other) => drop(self.early.insert(other, message)),
                None => {
                    assert!(message.get("method").is_some(), "an answer to nothing: {line}");
                    self.told.push((Instant::now(), message));
                }
            }
        }
    }

    /// A request's result.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        let answer = self.answer(id);
        answer.get("result").unwrap_or_else(|| panic!("{answer}")).clone()
    }

    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// The text of a call that must go well.
    pub(crate) fn text(&mut self, tool: &str, arguments: &Value) -> String {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], false, "{result}");
        result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result}")).to_owned()
    }

    /// The tools but those of the server itself.
    pub(crate) fn tools(&mut self) -> Vec<Value> {
        let all = self.ask("tools/list", json!({}));
        let own = |tool: &&Value| tool["name"] != "health";
        all["tools"].as_array().unwrap().iter().filter(own).cloned().collect()
    }

    /// Their names.
    pub(crate) fn names(&mut self) -> Vec<String> {
        self.tools().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Kills the server at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
