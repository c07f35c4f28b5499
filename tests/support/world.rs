//! A server of plugins in a directory of its own, and what can be seen of it from outside.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use super::schemas;

/// Within this a server answers whatever else goes on; ample for a busy machine.
pub(crate) const PROMPT: Duration = Duration::from_secs(5);

/// MiB by which a server may grow over a fault: its cap on output, twice over for the answer, and some more.
pub(crate) const GROWTH: u64 = 64;

/// The variable by which a site's processes are known, also those that are in no group of ours any more.
const MARK: &str = "SMCP_FAULTS";

/// A program that does what it is told.
pub(crate) const GOOD: &str = "import argparse\np = argparse.ArgumentParser(description='Good.')\n\
    p.add_argument('--text', default='good')\nprint(p.parse_args().text)\n";

/// Directories of plugins and contracts. Outlives servers.
pub(crate) struct Site(tempfile::TempDir);

impl Site {
    /// Without any plugin.
    pub(crate) fn empty() -> Arc<Site> {
        let site = Site(tempfile::tempdir().unwrap());
        std::fs::create_dir(site.path("plugins")).unwrap();
        Arc::new(site)
    }

    /// With the plugin `faulty`.
    pub(crate) fn new() -> Arc<Site> {
        let site = Site::empty();
        site.faulty("faulty");
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a plugin.
    pub(crate) fn plugin(&self, name: &str, program: &str) -> PathBuf {
        let directory = self.path("plugins").join(name);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("cli.py"), program).unwrap();
        directory.join("cli.py")
    }

    /// Writes the plugin that behaves badly, under some name.
    pub(crate) fn faulty(&self, name: &str) -> PathBuf {
        self.plugin(name, include_str!("../faults/plugins/faulty/cli.py"))
    }

    /// The program, without any setting of whoever runs the tests, behind the words of `wrapper`.
    pub(crate) fn command(&self, wrapper: &[&str], words: &[&str]) -> Command {
        let all = [wrapper, &[env!("CARGO_BIN_EXE_smcp")], words].concat();
        let mut command = Command::new(all[0]);
        command.args(&all[1..]).current_dir(self.0.path()).env_clear();
        command.envs(["PATH", "HOME"].iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("MCP_PYTHON", python()).env(MARK, self.0.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn start(self: &Arc<Site>, flags: &[&str]) -> World {
        self.start_under(&[], flags)
    }

    /// Starts a server; it listens when this returns.
    pub(crate) fn start_under(self: &Arc<Site>, wrapper: &[&str], flags: &[&str]) -> World {
        let began = Instant::now();
        let words = [&["serve", "--host", "127.0.0.1", "--port", "0"], flags].concat();
        let mut command = self.command(wrapper, &words);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = Said::default();
        said.hear(child.stderr.take().unwrap());
        said.hear(child.stdout.take().unwrap());
        let mut world = World { child, port: 0, site: Arc::clone(self), said, took: Duration::ZERO };
        while world.port == 0 {
            let port = |line: &str| line.strip_prefix("listening on ")?.rsplit(':').next()?.parse().ok();
            world.port = world.said.all().lines().find_map(port).unwrap_or(0);
            let ended = world.child.try_wait().unwrap();
            assert!(ended.is_none() || world.port > 0, "it ended: {ended:?}\n{}", world.said.all());
            assert!(began.elapsed() < PROMPT * 30, "it does not listen: {}", world.said.all());
            std::thread::sleep(Duration::from_millis(5));
        }
        world.took = began.elapsed();
        world
    }

    /// Every process that began here and runs, servers and their sentinels included: id and words.
    pub(crate) fn everything(&self) -> Vec<(u32, String)> {
        let mark = format!("{MARK}={}", self.0.path().display());
        let of = |entry: std::fs::DirEntry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            environment.split(|byte| *byte == 0).find(|variable| *variable == mark.as_bytes())?;
            let words = std::fs::read(entry.path().join("cmdline")).ok()?;
            Some((id, String::from_utf8_lossy(&words).replace('\0', " ")))
        };
        std::fs::read_dir("/proc").unwrap().flatten().filter_map(of).collect()
    }

    /// Waits until no process is left at all.
    pub(crate) async fn is_empty(&self) {
        eventually("no process is left", || match self.everything() {
            left if left.is_empty() => Ok(()),
            left => Err(format!("{left:?}")),
        })
        .await;
    }
}

/// The interpreter itself: wrappers that look for one would be processes of their own.
fn python() -> PathBuf {
    let listed = std::env::var_os("SMCP_TEST_PYTHONS").filter(|list| !list.is_empty());
    if let Some(path) = listed.and_then(|paths| std::env::split_paths(&paths).last()) {
        return path;
    }
    let output = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// What a server says on both of its streams.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<String>>);

impl Said {
    pub(crate) fn hear(&self, stream: impl Read + Send + 'static) {
        let said = Arc::clone(&self.0);
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        std::thread::spawn(move || lines.for_each(|line| *said.lock().unwrap() += &(line + "\n")));
    }

    pub(crate) fn all(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

pub(crate) struct World {
    child: Child,
    pub(crate) port: u16,
    pub(crate) site: Arc<Site>,
    pub(crate) said: Said,
    /// From the start until it listened.
    pub(crate) took: Duration,
}

/// A call as JSON-RPC.
pub(crate) fn call(id: u64, tool: &str, arguments: &Value) -> Value {
    request(id, "tools/call", json!({"name": tool, "arguments": arguments}))
}

pub(crate) fn request(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

impl World {
    /// A server of the plugin `faulty` alone.
    pub(crate) fn start(flags: &[&str]) -> World {
        Site::new().start(flags)
    }

    pub(crate) fn plugin(&self) -> PathBuf {
        self.site.path("plugins/faulty")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Asks without a session; who shakes no hands is answered in the newest revision that has any.
    pub(crate) async fn ask(&self, request: &Value) -> Value {
        let response =
            reqwest::Client::new().post(self.url("/messages/")).json(request).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        schemas::check("2025-11-25", request["method"].as_str(), &answer);
        answer
    }

    /// Calls a command of the plugin `faulty`; gives the result and how long it took.
    pub(crate) async fn call(&self, command: &str) -> (Value, Duration) {
        self.call_tool(&format!("faulty__{command}"), &json!({})).await
    }

    pub(crate) async fn call_tool(&self, tool: &str, arguments: &Value) -> (Value, Duration) {
        let began = Instant::now();
        let answer = self.ask(&call(1, tool, arguments)).await;
        let took = began.elapsed();
        println!(
            "{tool}: answered after {:.2} s; the server holds {} MiB",
            took.as_secs_f64(),
            self.memory()
        );
        (answer["result"].clone(), took)
    }

    /// `GET /health`: its status and body.
    pub(crate) async fn health(&self) -> (u16, Value) {
        let response = reqwest::get(self.url("/health")).await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Another client is answered soon.
    pub(crate) async fn is_well(&self) {
        let began = Instant::now();
        let (status, _) = self.health().await;
        assert_eq!(status, 200);
        assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
    }

    /// How a plugin stands: its state and the reason.
    pub(crate) async fn state(&self, plugin: &str) -> (String, String) {
        let (_, report) = self.health().await;
        let states = report["plugin_states"].as_array().unwrap();
        let found = states.iter().find(|state| state["name"] == plugin);
        let told = |key: &str| found.and_then(|state| state[key].as_str()).unwrap_or_default().to_owned();
        (told("state"), told("reason"))
    }

    /// MiB that the server holds.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().split(' ').next().unwrap().parse::<u64>().unwrap() / 1024
    }

    /// Files and sockets that it has open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap().count()
    }

    /// The same once it is at rest: its workers open theirs when it listens already.
    pub(crate) async fn resting_descriptors(&self) -> usize {
        let (began, mut last, mut still) = (Instant::now(), 0, 0);
        while still < 25 {
            assert!(began.elapsed() < PROMPT * 6, "{last} descriptors, and never at rest");
            tokio::time::sleep(Duration::from_millis(40)).await;
            let now = self.descriptors();
            still = if now == last { still + 1 } else { 0 };
            last = now;
        }
        last
    }

    /// Waits until it has no more open than it had before.
    pub(crate) async fn has_descriptors(&self, before: usize) {
        eventually("descriptors are as before", || match self.descriptors() {
            now if now <= before => Ok(()),
            now => Err(format!("{now}, before {before}")),
        })
        .await;
    }

    /// The processes of plugins that are there.
    pub(crate) fn processes(&self) -> Vec<String> {
        let others =
            |(id, words): &(u32, String)| *id != self.id() && !words.trim_end().ends_with("sentinel");
        self.site.everything().into_iter().filter(others).map(|(_, words)| words).collect()
    }

    /// Waits until no process of a plugin is there.
    pub(crate) async fn is_empty(&self) {
        eventually("no process of a plugin is left", || match self.processes() {
            left if left.is_empty() => Ok(()),
            left => Err(format!("{left:?}")),
        })
        .await;
    }

    pub(crate) async fn eventually(&self, what: &str, done: impl Fn() -> bool) {
        eventually(what, || if done() { Ok(()) } else { Err(format!("{:?}", self.processes())) }).await;
    }

    /// Waits until it says something.
    pub(crate) async fn says(&self, what: &str) {
        eventually(&format!("it says `{what}`"), || match self.said.all() {
            said if said.contains(what) => Ok(()),
            said => Err(said),
        })
        .await;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end, which must come within `most`.
    pub(crate) async fn ended(&mut self, most: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < most, "it runs on after {most:?}: {}", self.said.all());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// SIGKILL, which no program can see coming.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Waits until `look` finds what it should; what it finds instead is told with the failure.
pub(crate) async fn eventually(what: &str, look: impl Fn() -> Result<(), String>) {
    let began = Instant::now();
    while let Err(found) = look() {
        assert!(began.elapsed() < PROMPT * 3, "{what}: {found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether a file is there and holds this.
pub(crate) fn holds(path: &Path, text: &str) -> bool {
    std::fs::read_to_string(path).is_ok_and(|found| found.contains(text))
}

impl Drop for World {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.signal(Signal::TERM);
            let _ = self.child.wait();
        }
    }
}
