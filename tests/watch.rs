//! Plugins that change on disk while they are served: what is added, changed, removed and linked anew shows, what is half
//! written takes nothing away, and clients are told.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![allow(clippy::disallowed_methods, reason = "tests read which Python to use")]

#[path = "support/schemas.rs"]
mod schemas;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smcp::cli;
use smcp::config::Config;
use smcp::registry::{Registry, State};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Longer than anything here takes on a busy machine. On an idle one a change shows within a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// A plugins directory that is watched.
struct World {
    dir: tempfile::TempDir,
    registry: Arc<Registry>,
    _stop: DropGuard,
}

fn python() -> String {
    let all = std::env::var("SMCP_TEST_PYTHONS").unwrap_or_else(|_| "python3".into());
    all.split(':').next().unwrap().to_owned()
}

/// A program with one command for each name; it counts its starts.
fn program(commands: &[&str]) -> String {
    let mut text = "import argparse, os\nopen(os.environ['STARTS'], 'a').write('x')\n\
        parser = argparse.ArgumentParser()\nsub = parser.add_subparsers()\n"
        .to_owned();
    for name in commands {
        writeln!(text, "sub.add_parser('{name}', help='does {name}')").unwrap();
    }
    text + "parser.parse_args()\nprint('done')\n"
}

impl World {
    async fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("plugins")).unwrap();
        let plugins = cli::Plugins {
            plugins_dir: Some(dir.path().join("plugins")),
            schemas_dir: Some(dir.path().join("schemas")),
            python: Some(python()),
            help_timeout: 10.0,
            ..cli::Plugins::default()
        };
        let environment = |name: &str| std::env::var(name).ok();
        let config = Config::without_http(&plugins, &cli::Limits::generous(), &environment).unwrap();
        let registry = Arc::new(Registry::load(&config, &()).await);
        let stop = CancellationToken::new();
        tokio::spawn(registry.clone().watch(stop.clone()));
        World { dir, registry, _stop: stop.drop_guard() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a plugin below a directory, file by file.
    fn plugin(&self, at: &str, commands: &[&str]) {
        let directory = self.path(at);
        fs::create_dir_all(&directory).unwrap();
        let starts = self.path("starts");
        fs::write(directory.join("plugin.toml"), format!("env = {{ STARTS = '{}' }}\n", starts.display()))
            .unwrap();
        fs::write(directory.join("cli.py"), program(commands)).unwrap();
    }

    fn starts(&self) -> usize {
        fs::read(self.path("starts")).map_or(0, |bytes| bytes.len())
    }

    fn tools(&self) -> Vec<String> {
        self.registry.snapshot().tools.iter().map(|served| served.tool.name.clone()).collect()
    }

    fn state(&self, plugin: &str) -> Option<State> {
        let snapshot = self.registry.snapshot();
        snapshot.plugins.iter().find(|p| p.name == plugin).map(|p| p.state.clone())
    }

    async fn shows(&self, tools: &[&str]) {
        self.until(&format!("{tools:?}"), |world| world.tools() == tools).await;
    }

    async fn until(&self, what: &str, done: impl Fn(&World) -> bool) {
        let began = Instant::now();
        while !done(self) {
            assert!(began.elapsed() < PATIENCE, "not {what} but {:?} after {PATIENCE:?}", self.tools());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Long enough for a change to have had its effect.
    async fn rests(&self) {
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_shows() {
    let world = World::new().await;
    world.plugin("plugins/a", &["one"]);
    world.shows(&["a__one"]).await;
    world.plugin("plugins/a", &["one", "two"]);
    world.shows(&["a__one", "a__two"]).await;
    world.plugin("plugins/b", &["x"]);
    world.shows(&["a__one", "a__two", "b__x"]).await;
    fs::rename(world.path("plugins/b"), world.path("plugins/c")).unwrap();
    world.shows(&["a__one", "a__two", "c__x"]).await;
    fs::remove_dir_all(world.path("plugins/a")).unwrap();
    world.shows(&["c__x"]).await;
    // The same place again, as editors and deployments do.
    world.plugin("plugins/a", &["three"]);
    world.shows(&["a__three", "c__x"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_and_manifests_count() {
    let world = World::new().await;
    world.plugin("plugins/a", &["one"]);
    world.shows(&["a__one"]).await;
    fs::create_dir(world.path("plugins/a/parts")).unwrap();
    fs::write(world.path("plugins/a/parts/more.py"), "names = ['two']\n").unwrap();
    let text = program(&["one"]).replace(
        "parser.parse_args()",
        "from parts.more import names\nfor name in names: sub.add_parser(name)\nparser.parse_args()",
    );
    fs::write(world.path("plugins/a/cli.py"), text).unwrap();
    world.shows(&["a__one", "a__two"]).await;
    fs::write(world.path("plugins/a/parts/more.py"), "names = ['three']\n").unwrap();
    world.shows(&["a__one", "a__three"]).await;
    let manifest = fs::read_to_string(world.path("plugins/a/plugin.toml")).unwrap();
    fs::write(world.path("plugins/a/plugin.toml"), manifest + "exclude = ['one']\n").unwrap();
    world.shows(&["a__three"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_followed_wherever_they_change() {
    let world = World::new().await;
    for (version, command) in [("v1", "old"), ("v2", "new")] {
        world.plugin(&format!("store/{version}/tool"), &[command]);
    }
    symlink(world.path("store/v1"), world.path("store/current")).unwrap();
    symlink("../store/current/tool", world.path("plugins/tool")).unwrap();
    world.shows(&["tool__old"]).await;
    // The link in the middle, as releases do it.
    symlink(world.path("store/v2"), world.path("store/next")).unwrap();
    fs::rename(world.path("store/next"), world.path("store/current")).unwrap();
    world.shows(&["tool__new"]).await;
    // A file behind the links.
    world.plugin("store/v2/tool", &["newer"]);
    world.shows(&["tool__newer"]).await;
    // The plugin's own link.
    fs::remove_file(world.path("plugins/tool")).unwrap();
    symlink(world.path("store/v1/tool"), world.path("plugins/tool")).unwrap();
    world.shows(&["tool__old"]).await;
    // A program that is itself a link.
    world.plugin("elsewhere", &["far"]);
    fs::create_dir(world.path("plugins/far")).unwrap();
    symlink(world.path("elsewhere/cli.py"), world.path("plugins/far/cli.py")).unwrap();
    symlink(world.path("elsewhere/plugin.toml"), world.path("plugins/far/plugin.toml")).unwrap();
    world.shows(&["far__far", "tool__old"]).await;
    world.plugin("elsewhere", &["further"]);
    world.shows(&["far__further", "tool__old"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_written_plugins_keep_their_tools() {
    let world = World::new().await;
    world.plugin("plugins/a", &["one"]);
    world.plugin("plugins/b", &["x"]);
    world.shows(&["a__one", "b__x"]).await;
    let is_stale = |world: &World| matches!(world.state("a"), Some(State::Stale(_)));
    for (file, broken) in [("cli.py", "import argparse\nparser = argparse.Arg"), ("plugin.toml", "env = {")] {
        fs::write(world.path("plugins/a").join(file), broken).unwrap();
        world.until("stale", is_stale).await;
        assert_eq!(world.tools(), ["a__one", "b__x"], "{file}");
        world.plugin("plugins/a", &["one"]);
        world.until("ready", |world| world.state("a") == Some(State::Ready)).await;
    }
    // What can't be run is asked once, however often others change.
    fs::write(world.path("plugins/a/cli.py"), format!("{}raise SystemExit(3)\n", &program(&[])[..80]))
        .unwrap();
    world.until("stale", is_stale).await;
    let starts = world.starts();
    world.plugin("plugins/b", &["x", "y"]);
    world.shows(&["a__one", "b__x", "b__y"]).await;
    assert!(world.starts() - starts <= 3, "b's own pages alone: {}", world.starts() - starts);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_programs_write_cost_no_reloads_for_ever() {
    let world = World::new().await;
    world.plugin("plugins/a", &["one"]);
    world.shows(&["a__one"]).await;
    world.rests().await;
    for round in 0..5 {
        fs::write(world.path("plugins/a/state.db"), format!("{round}")).unwrap();
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
    world.rests().await;
    let (starts, generation) = (world.starts(), world.registry.snapshot().generation);
    for round in 5..9 {
        fs::write(world.path("plugins/a/state.db"), format!("{round}")).unwrap();
        fs::write(world.path("plugins/a/run.log"), format!("{round}")).unwrap();
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    world.rests().await;
    assert_eq!((world.starts(), world.registry.snapshot().generation), (starts, generation));
}

/// The program itself over its standard input and output.
struct Pipe {
    child: Child,
    input: ChildStdin,
    lines: mpsc::Receiver<Value>,
    /// What was asked, by id.
    asked: HashMap<i64, String>,
}

/// The revision that is spoken.
const REVISION: &str = "2025-11-25";

impl Pipe {
    fn open(directory: &std::path::Path, flags: &[&str]) -> Pipe {
        let mut child = Command::new(env!("CARGO_BIN_EXE_smcp"))
            .args(["stdio", "--plugins-dir", "plugins", "--schemas-dir", "schemas", "--python", &python()])
            .args(flags)
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (told, lines) = mpsc::channel();
        std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .for_each(|line| drop(told.send(serde_json::from_str(&line).unwrap())));
        });
        let input = child.stdin.take().unwrap();
        let mut pipe = Pipe { child, input, lines, asked: HashMap::new() };
        let hello = json!({"protocolVersion": REVISION, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        pipe.send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}));
        pipe.next();
        pipe.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        pipe
    }

    fn send(&mut self, message: &Value) {
        if let (Some(id), Some(method)) = (message["id"].as_i64(), message["method"].as_str()) {
            self.asked.insert(id, method.to_owned());
        }
        writeln!(self.input, "{message}").unwrap();
    }

    fn next(&self) -> Value {
        let message = self.lines.recv_timeout(PATIENCE).expect("a message in time");
        let method = message["id"].as_i64().and_then(|id| self.asked.get(&id)).map(String::as_str);
        schemas::check(REVISION, method, &message);
        message
    }

    /// The answer to a request; what is told before it is passed over.
    fn answer(&self, id: i64) -> Value {
        std::iter::repeat_with(|| self.next()).find(|message| message["id"] == id).unwrap()
    }

    fn call(&mut self, id: i64, tool: &str) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": {}}}));
    }

    fn tools(&mut self, id: i64) -> Vec<String> {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}));
        let answer = self.answer(id);
        let tools = answer["result"]["tools"].as_array().unwrap();
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    fn close(mut self) {
        drop(self.input);
        assert!(self.child.wait().unwrap().success());
    }
}

const SLOW: &str = "import argparse, time\nparser = argparse.ArgumentParser()\nparser.parse_args()\n\
    open('started', 'w').close()\ntime.sleep(6)\nprint('old')\n";

#[test]
fn clients_are_told_and_old_calls_finish() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = dir.path().join("plugins/a");
    fs::create_dir_all(&plugin).unwrap();
    fs::write(plugin.join("cli.py"), SLOW).unwrap();
    let mut pipe = Pipe::open(dir.path(), &[]);
    assert_eq!(pipe.tools(1), ["a", "health"]);
    pipe.call(2, "a");
    let began = Instant::now();
    while !plugin.join("started").exists() {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
    fs::remove_dir_all(&plugin).unwrap();
    let mut told = [pipe.next(), pipe.next()].map(|message| message["method"].as_str().unwrap().to_owned());
    told.sort();
    assert_eq!(told, ["notifications/resources/list_changed", "notifications/tools/list_changed"]);
    assert_eq!(pipe.tools(3), ["health"]);
    let answer = pipe.answer(2);
    assert_eq!(answer["result"]["content"][0]["text"], "old\n", "{answer}");
    pipe.close();
}

#[test]
fn nothing_changes_where_nobody_watches() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("plugins/a")).unwrap();
    let mut pipe = Pipe::open(dir.path(), &["--no-watch"]);
    fs::write(dir.path().join("plugins/a/cli.py"), SLOW).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(pipe.tools(1), ["health"]);
    pipe.close();
}
