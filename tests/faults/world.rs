//! A server of the plugin that behaves badly, in a directory of its own, and what can be seen of it from outside.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::schemas;

/// Within this a server answers whatever else goes on; ample for a busy machine.
pub(crate) const PROMPT: Duration = Duration::from_secs(5);

/// MiB by which a server may grow over a fault: its cap on output, twice over for the answer, and some more.
pub(crate) const GROWTH: u64 = 64;

pub(crate) struct World {
    child: Child,
    pub(crate) port: u16,
    directory: tempfile::TempDir,
}

impl World {
    pub(crate) fn start(flags: &[&str]) -> World {
        let directory = tempfile::tempdir().unwrap();
        let plugin = directory.path().join("plugins/faulty");
        std::fs::create_dir_all(&plugin).unwrap();
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/plugins/faulty/cli.py");
        std::fs::copy(program, plugin.join("cli.py")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_smcp"));
        command.args(["serve", "--host", "127.0.0.1", "--port", "0"]).args(flags);
        command.current_dir(directory.path()).stdin(Stdio::null()).stderr(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port =
            lines.find_map(|line| line.strip_prefix("listening on ")?.rsplit(':').next()?.parse().ok());
        std::thread::spawn(move || lines.for_each(drop));
        World { child, port: port.expect("it listens"), directory }
    }

    pub(crate) fn plugin(&self) -> PathBuf {
        self.directory.path().join("plugins/faulty")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Calls a command of the plugin; gives the result and how long it took.
    pub(crate) async fn call(&self, command: &str) -> (Value, Duration) {
        let params = json!({"name": format!("faulty__{command}"), "arguments": {}});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let began = Instant::now();
        let response = reqwest::Client::new().post(self.url("/messages/")).json(&body).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        let took = began.elapsed();
        // Who shakes no hands is answered in the newest revision that has any.
        schemas::check("2025-11-25", Some("tools/call"), &answer);
        println!(
            "{command}: answered after {:.2} s; the server holds {} MiB",
            took.as_secs_f64(),
            self.memory()
        );
        (answer["result"].clone(), took)
    }

    /// Another client is answered soon.
    pub(crate) async fn is_well(&self) {
        let began = Instant::now();
        let status = reqwest::get(self.url("/health")).await.unwrap().status();
        assert_eq!(status, 200);
        assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
    }

    /// MiB that the server holds.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().split(' ').next().unwrap().parse::<u64>().unwrap() / 1024
    }

    /// The processes of the plugin that are there.
    pub(crate) fn processes(&self) -> Vec<String> {
        let program = self.plugin().join("cli.py");
        let of = |entry: std::fs::DirEntry| {
            let words = std::fs::read(entry.path().join("cmdline")).ok()?;
            let words = String::from_utf8_lossy(&words).replace('\0', " ");
            names(&words, &program).then_some(words)
        };
        std::fs::read_dir("/proc").unwrap().flatten().filter_map(of).collect()
    }

    /// Waits until no process of the plugin is there.
    pub(crate) async fn is_empty(&self) {
        self.eventually("no process is left", || self.processes().is_empty()).await;
    }

    pub(crate) async fn eventually(&self, what: &str, done: impl Fn() -> bool) {
        let began = Instant::now();
        while !done() {
            assert!(began.elapsed() < PROMPT * 2, "{what}: {:?}", self.processes());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGKILL, which no program can see coming.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn names(words: &str, program: &Path) -> bool {
    words.contains(&*program.to_string_lossy())
}

impl Drop for World {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}
