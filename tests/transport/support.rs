//! A server with tools made for tests, and a client that checks all that it receives.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, StatusCode};
use serde_json::{Map, Value, json};
use smcp::argv::ArgvError;
use smcp::call::{Counts, Input, Record};
use smcp::config::Http;
use smcp::mcp::{Backend, Server};
use smcp::model::{Command, Tool};
use smcp::outcome::{CallResult, Ended};
use smcp::plugin::offers::Offers;
use smcp::profile::Profiles;
use smcp::registry::{Plugin, Served, Snapshot, State};
use smcp::transport;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::schemas;

/// Longer than anything here takes; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

/// Tools that do what tests need.
#[derive(Clone)]
pub(crate) struct Fake(Arc<Inner>);

struct Inner {
    directory: PathBuf,
    snapshot: Mutex<Arc<Snapshot>>,
    changed: watch::Sender<u64>,
    pub(crate) started: AtomicUsize,
    pub(crate) cancelled: AtomicUsize,
}

impl Fake {
    pub(crate) fn of(directory: &Path) -> Fake {
        let inner = Inner {
            directory: directory.into(),
            snapshot: Mutex::new(snapshot(1, directory)),
            changed: watch::channel(1).0,
            started: AtomicUsize::new(0),
            cancelled: AtomicUsize::new(0),
        };
        Fake(Arc::new(inner))
    }

    /// Serves a new snapshot, in which all tools say something new.
    pub(crate) fn reload(&self) {
        self.serve(snapshot(Backend::snapshot(self).generation + 1, &self.0.directory));
    }

    /// Serves the same tools, but for what `change` does to them.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Vec<Tool>)) {
        let old = Backend::snapshot(self);
        let mut tools = old.tools.iter().map(|served| Tool::clone(&served.tool)).collect();
        change(&mut tools);
        let plugin = &old.plugins[0];
        let served = |tool: Tool| Served { tool: Arc::new(tool), plugin: Arc::clone(plugin) };
        let (generation, plugins) = (old.generation + 1, old.plugins.clone());
        let tools = tools.into_iter().map(served).collect();
        self.serve(Arc::new(Snapshot { generation, plugins, tools, ..Snapshot::default() }));
    }

    fn serve(&self, snapshot: Arc<Snapshot>) {
        let generation = snapshot.generation;
        *self.0.snapshot.lock().unwrap() = snapshot;
        self.0.changed.send_replace(generation);
    }

    pub(crate) fn started(&self) -> usize {
        self.0.started.load(Ordering::SeqCst)
    }

    pub(crate) fn cancelled(&self) -> usize {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    pub(crate) async fn wait_started(&self, count: usize) {
        eventually("calls begin", || self.started() >= count).await;
    }
}

/// Waits until `done`, or fails.
pub(crate) async fn eventually(what: &str, done: impl Fn() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
}

/// What the fake plugin offers besides tools; its files are those of a plugin that is there for other tests.
fn offers() -> Offers {
    let manifest = r#"
        [[resources]]
        file = "static.txt"
        title = "A text"
        [[resources]]
        uri = "fake://pixel"
        file = "pixel.png"
        [[resources]]
        uri = "fake://outside"
        file = "../../run"
        [[resources]]
        file = "watched.txt"
        [[resource_templates]]
        uri_template = "fake://sound/{a}"
        command = "audio"
        name = "sound"
        [[resource_templates]]
        uri_template = "fake://gone/{a}"
        command = "gone"
        name = "gone"
        [[prompts]]
        name = "greet"
        title = "Greet"
        description = "Says hello."
        file = "arguments.txt"
        arguments = [{ name = "arg1", required = true, choices = ["Ann", "anna", "Bob"] }, { name = "arg2" }]
        [[prompts]]
        name = "listen"
        command = "audio"
    "#;
    toml::from_str::<smcp::plugin::manifest::Manifest>(manifest).unwrap().offers()
}

/// Where the files that the fake plugin offers are: beside a plugin that is there for other tests.
pub(crate) const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/plugins/everything");

/// The fake plugin's commands, each of which is a tool.
const TOOLS: [&str; 5] = ["audio", "echo", "progress", "sleep", "strict"];

fn command(name: &str) -> Command {
    Command { name: name.into(), ..Command::default() }
}

fn snapshot(generation: u64, directory: &Path) -> Arc<Snapshot> {
    let plugin = Arc::new(Plugin {
        name: "fake".into(),
        directory: directory.into(),
        launch: vec![],
        env: vec![],
        timeout: None,
        concurrency: None,
        warm: None,
        offers: offers(),
        root: Command { subcommands: TOOLS.map(command).to_vec(), ..Command::default() },
        state: State::Ready,
        diagnostics: vec![],
    });
    let tools = TOOLS.map(|name| Served {
        tool: Arc::new(Tool {
            name: name.into(),
            path: vec![name.into()],
            title: Some(format!("Tool {name}")),
            description: format!("The tool {name}, edition {generation}."),
            input_schema: json!({"type": "object", "properties": {"a": {"type": "string"}}})
                .as_object()
                .unwrap()
                .clone(),
            annotations: json!({"readOnlyHint": true}).as_object().unwrap().clone(),
            confirm: false,
            reload: false,
            bindings: vec![],
        }),
        plugin: Arc::clone(&plugin),
    });
    Arc::new(Snapshot { generation, plugins: vec![plugin], tools: tools.to_vec(), ..Snapshot::default() })
}

impl Backend for Fake {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.snapshot.lock().unwrap())
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    fn reload(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { Fake::reload(self) })
    }

    fn counts(&self) -> Counts {
        Counts { calls: self.started() as u64, ..Counts::default() }
    }

    /// As if one of each had been called.
    fn recent(&self) -> Vec<Record> {
        let record = |tool: &str| Record {
            id: 1,
            tool: tool.into(),
            began_ms: 1,
            took_ms: Some(2),
            outcome: Some("ok".into()),
        };
        vec![record("sleep"), record("echo")]
    }

    fn call<'a>(
        &'a self,
        served: &'a Served,
        arguments: &'a Map<String, Value>,
        _input: &'a Input,
        cancel: &'a CancellationToken,
        lines: Option<mpsc::Sender<String>>,
    ) -> BoxFuture<'a, Result<Ended, Vec<ArgvError>>> {
        Box::pin(async move {
            self.0.started.fetch_add(1, Ordering::SeqCst);
            let text = |text: String| CallResult {
                content: vec![json!({"type": "text", "text": text})],
                ..CallResult::default()
            };
            let result = match served.tool.name.as_str() {
                "echo" => Ok(CallResult {
                    structured: Some(Value::Object(arguments.clone())),
                    ..text(Value::Object(arguments.clone()).to_string())
                }),
                "sleep" => {
                    if let Some(lines) = &lines {
                        lines.send("1%".into()).await.unwrap();
                    }
                    cancel.cancelled().await;
                    self.0.cancelled.fetch_add(1, Ordering::SeqCst);
                    Ok(CallResult { is_error: true, ..text("cancelled".into()) })
                }
                "progress" => {
                    for line in ["WARNING: begins", "10%", "10%", "55%", "ERROR: nearly"] {
                        if let Some(lines) = &lines {
                            lines.send(line.into()).await.unwrap();
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Ok(text("done".into()))
                }
                "audio" => Ok(CallResult {
                    content: vec![json!({"type": "audio", "data": "AA==", "mimeType": "audio/wav"})],
                    ..CallResult::default()
                }),
                _ => Err(vec![ArgvError { argument: "a".into(), reason: "is wrong".into() }]),
            };
            result.map(Ended::Result)
        })
    }
}

/// The configuration that most tests use.
pub(crate) fn http() -> Http {
    Http {
        host: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 0,
        body_limit: 64 << 10,
        session_limit: 8,
        session_idle: Duration::from_secs(60),
        ..Http::default()
    }
}

/// A server on a free port; it stops when the test is over.
pub(crate) struct Running {
    pub(crate) base: String,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) fake: Fake,
    pub(crate) server: Arc<Server>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
}

pub(crate) fn start(http: Http) -> Running {
    start_in(http, FILES.as_ref())
}

/// A server of a plugin in that directory.
pub(crate) fn start_in(http: Http, directory: &Path) -> Running {
    start_governed(http, directory, None)
}

/// A server whose clients see the tools of a profile.
pub(crate) fn start_governed(http: Http, directory: &Path, profiles: Option<Arc<Profiles>>) -> Running {
    let listener = TcpListener::bind((http.host, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (fake, shutdown) = (Fake::of(directory), CancellationToken::new());
    let server = Server::governed(fake.clone(), profiles, shutdown.clone());
    let serving = Arc::clone(&server);
    let task = tokio::spawn(async move { transport::serve(listener, &http, serving).await });
    Running { base: format!("http://{address}"), address, fake, server, shutdown, task }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// What a test sends with each request.
#[derive(Clone, Default)]
pub(crate) struct Client {
    pub(crate) headers: HeaderMap,
    pub(crate) revision: String,
}

impl Client {
    pub(crate) fn of(revision: &str) -> Client {
        Client { revision: revision.into(), ..Client::default() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Client {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    /// Takes both forms of answer, as the specification's clients do.
    pub(crate) fn both(self) -> Client {
        self.with("accept", "application/json, text/event-stream")
    }

    pub(crate) async fn post(&self, url: &str, body: &Value) -> Response {
        self.post_text(url, body.to_string()).await
    }

    pub(crate) async fn post_text(&self, url: &str, body: impl Into<reqwest::Body>) -> Response {
        let request = reqwest::Client::new().post(url).header("content-type", "application/json");
        let sending = request.headers(self.headers.clone()).body(body).send();
        tokio::time::timeout(PATIENCE, sending).await.expect("an answer in time").unwrap()
    }

    pub(crate) async fn get(&self, url: &str) -> Response {
        let sending = reqwest::Client::new().get(url).headers(self.headers.clone()).send();
        tokio::time::timeout(PATIENCE, sending).await.expect("an answer in time").unwrap()
    }

    /// Posts a request and reads the JSON body of the answer.
    pub(crate) async fn ask(&self, url: &str, request: &Value) -> (StatusCode, Value) {
        let response = self.post(url, request).await;
        let status = response.status();
        let kind = response.headers().get("content-type").map(|k| k.to_str().unwrap().to_owned());
        assert_eq!(kind.as_deref(), Some("application/json"), "{status} {request}");
        let message: Value = response.json().await.unwrap();
        self.check(request["method"].as_str(), &message);
        (status, message)
    }

    /// Checks messages against the schema of this client's revision.
    pub(crate) fn check(&self, method: Option<&str>, message: &Value) {
        match message {
            Value::Array(messages) => messages.iter().for_each(|m| schemas::check(&self.revision, method, m)),
            message => schemas::check(&self.revision, method, message),
        }
    }

    /// Reads a response as a stream of events.
    pub(crate) fn events(&self, response: Response) -> Events {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let stream = response.bytes_stream().map(|part| part.map(|b| b.to_vec()));
        Events { stream: Box::pin(stream), buffer: String::new(), client: self.clone() }
    }
}

pub(crate) fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}

pub(crate) fn call(id: impl Into<Value>, tool: &str, arguments: Value) -> Value {
    request(id, "tools/call", json!({"name": tool, "arguments": arguments}))
}

pub(crate) fn initialize(revision: &str) -> Value {
    let info = json!({"name": "test", "version": "0"});
    request(0, "initialize", json!({"protocolVersion": revision, "capabilities": {}, "clientInfo": info}))
}

pub(crate) fn told(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

/// A stream of server-sent events.
pub(crate) struct Events {
    stream: std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<Vec<u8>>> + Send>>,
    buffer: String,
    client: Client,
}

impl Events {
    /// The next event that is no comment: its name and data; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<(String, String)> {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("an event in time")
    }

    async fn read(&mut self) -> Option<(String, String)> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let block: String = self.buffer.drain(..end + 2).collect();
                let field = |name: &str| {
                    let lines = block.lines().filter_map(|l| l.strip_prefix(name)).map(str::to_owned);
                    lines.collect::<Vec<_>>().join("\n")
                };
                if block.lines().any(|l| l.starts_with("data: ")) {
                    return Some((field("event: "), field("data: ")));
                }
                continue;
            }
            let part = self.stream.next().await?.ok()?;
            self.buffer.push_str(std::str::from_utf8(&part).unwrap());
        }
    }

    /// The next message, which must be there. `method` is the one that it answers if it is a response.
    pub(crate) async fn message(&mut self, method: &str) -> Value {
        let (name, data) = self.next().await.expect("one more message");
        assert_eq!(name, "message");
        let message = serde_json::from_str(&data).unwrap();
        self.client.check(Some(method), &message);
        message
    }
}
