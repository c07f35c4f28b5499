//! The server over HTTP with `--warm`: what it tells of warm plugins, and that nothing is left of them.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::schemas;
use crate::stage::{PATIENCE, copy, processes, pythons, until};

struct Server {
    child: Child,
    port: u16,
    directory: TempDir,
}

impl Server {
    fn start(flags: &[&str], plugins: &[(&str, &str)]) -> Server {
        let directory = tempfile::tempdir().unwrap();
        for (name, program) in plugins {
            let plugin = directory.path().join("plugins").join(name);
            std::fs::create_dir_all(&plugin).unwrap();
            copy(
                &Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/warm/programs")).join(program),
                &plugin,
            );
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_smcp"));
        command.args(["serve", "--host", "127.0.0.1", "--port", "0"]).args(flags);
        command.arg("--python").arg(&pythons()[0]).current_dir(directory.path());
        command.stdin(Stdio::null()).stderr(Stdio::null()).env_remove("MCP_WARM");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port =
            lines.find_map(|line| line.strip_prefix("listening on ")?.rsplit(':').next()?.parse().ok());
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, port: port.expect("it listens"), directory }
    }

    fn plugin(&self, name: &str) -> PathBuf {
        self.directory.path().join("plugins").join(name)
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let url = format!("http://127.0.0.1:{}/messages/", self.port);
        let response = reqwest::Client::new().post(url).timeout(PATIENCE).json(&body).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        schemas::check("2025-11-25", Some("tools/call"), &answer);
        answer["result"].clone()
    }

    async fn get(&self, path: &str) -> String {
        reqwest::get(format!("http://127.0.0.1:{}{path}", self.port)).await.unwrap().text().await.unwrap()
    }

    /// What `health` says of how a plugin is started.
    async fn warmth(&self, plugin: &str) -> Value {
        let health: Value = serde_json::from_str(&self.get("/health").await).unwrap();
        let states = health["plugin_states"].as_array().unwrap();
        states.iter().find(|state| state["name"] == plugin).unwrap()["warm"].clone()
    }

    async fn figure(&self, name: &str) -> u64 {
        let text = self.get("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{name} in {text}")).trim_end_matches(".0").parse().unwrap()
    }

    /// Calls until the plugin is warm, and once more.
    async fn warm_up(&self, plugin: &str, tool: &str, arguments: &Value) -> Value {
        let first = self.call(tool, arguments.clone()).await;
        let began = std::time::Instant::now();
        while self.warmth(plugin).await != "ready" {
            assert!(began.elapsed() < PATIENCE, "{}", self.warmth(plugin).await);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let forked = self.figure("smcp_plugin_processes_forked_total").await;
        let second = self.call(tool, arguments.clone()).await;
        assert_eq!(second, first);
        assert_eq!(self.figure("smcp_plugin_processes_forked_total").await, forked + 1);
        second
    }

    fn processes(&self) -> Vec<i32> {
        processes(&self.directory.path().to_string_lossy())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

const NUMBERS: &str = r#"{"numbers": [1, 2.5]}"#;

fn numbers() -> Value {
    serde_json::from_str(NUMBERS).unwrap()
}

#[tokio::test]
async fn what_a_client_gets_is_the_same() {
    let server = Server::start(&["--warm"], &[("adds", "parser")]);
    assert_eq!(server.warmth("adds").await, "cold");
    let result = server.warm_up("adds", "adds__add", &numbers()).await;
    assert_eq!(result["structuredContent"]["sum"], 3.5);
    assert_eq!(server.figure("smcp_plugin_processes_warm").await, 1);
    let failed = server.call("adds__fail", json!({"words": ["x"]})).await;
    assert_eq!(failed["structuredContent"]["error"]["exitCode"], 2, "{failed}");
}

#[tokio::test]
async fn without_the_flag_only_manifests_say_so() {
    let server = Server::start(&[], &[("adds", "parser"), ("other", "parser")]);
    assert_eq!(server.warmth("adds").await, Value::Null);
    std::fs::write(server.plugin("adds").join("plugin.toml"), "warm = true\n").unwrap();
    let began = std::time::Instant::now();
    while server.warmth("adds").await.is_null() {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    server.warm_up("adds", "adds__add", &numbers()).await;
    assert_eq!(server.warmth("other").await, Value::Null);
    server.call("other__add", numbers()).await;
    assert_eq!(server.figure("smcp_plugin_processes_warm").await, 1);
}

#[tokio::test]
async fn a_plugin_that_changes_gets_another_process() {
    let server = Server::start(&["--warm"], &[("adds", "parser")]);
    server.warm_up("adds", "adds__add", &numbers()).await;
    let first = server.processes();
    assert_eq!(first.len(), 1, "{first:?}");
    let program = server.plugin("adds").join("cli.py");
    let text = std::fs::read_to_string(&program).unwrap();
    std::fs::write(&program, text.replace("\"sum\": sum", "\"total\": sum")).unwrap();
    let result = server.call("adds__add", numbers()).await;
    assert_eq!(result["structuredContent"]["total"], 3.5, "{result}");
    until(|| !server.processes().contains(&first[0])).await;
    server.warm_up("adds", "adds__add", &numbers()).await;
}

#[tokio::test]
async fn what_can_not_be_warm_is_told() {
    let server = Server::start(&["--warm"], &[("adds", "parser"), ("isolated", "parser")]);
    let module = "import module\n".to_owned();
    let program = server.plugin("adds").join("cli.py");
    let text = std::fs::read_to_string(&program).unwrap();
    std::fs::write(server.plugin("adds").join("module.py"), "print('hello')\n").unwrap();
    std::fs::write(&program, module + &text).unwrap();
    let manifest = format!("command = [\"{}\", \"-I\", \"cli.py\"]\n", pythons()[0].display());
    std::fs::write(server.plugin("isolated").join("plugin.toml"), manifest).unwrap();
    let began = std::time::Instant::now();
    loop {
        server.call("adds__add", numbers()).await;
        let [adds, isolated] = [server.warmth("adds").await, server.warmth("isolated").await];
        if adds == "it prints when its modules are imported: hello" && isolated.is_null() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{adds} {isolated}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let told = Command::new(env!("CARGO_BIN_EXE_smcp"))
        .args(["inspect", "isolated"])
        .env("MCP_WARM", "1")
        .current_dir(server.directory.path())
        .output()
        .unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.contains("can't be kept warm: with `-I` its interpreter does not look at PYTHONPATH"),
        "{told}"
    );
}

#[tokio::test]
async fn nothing_is_left_of_it() {
    for signal in [Signal::TERM, Signal::KILL] {
        let mut server = Server::start(&["--warm"], &[("adds", "parser"), ("waits", "waits")]);
        server.warm_up("adds", "adds__add", &numbers()).await;
        server.warm_up("waits", "waits", &json!({"seconds": 0})).await;
        let call = tokio::spawn({
            let url = format!("http://127.0.0.1:{}/messages/", server.port);
            let params = json!({"name": "waits", "arguments": {"seconds": 1000}});
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
            async move { drop(reqwest::Client::new().post(url).json(&body).send().await) }
        });
        // Two helpers, a forked call, and a process below it.
        until(|| server.plugin("waits").join("begun").exists()).await;
        assert!(server.processes().len() >= 3, "{:?}", server.processes());
        let below: i32 =
            std::fs::read_to_string(server.plugin("waits").join("begun")).unwrap().parse().unwrap();
        kill_process(Pid::from_child(&server.child), signal).unwrap();
        server.child.wait().unwrap();
        until(|| server.processes().is_empty() && !crate::stage::is_running(below)).await;
        call.abort();
    }
}
