//! Lines of bytes → JSON-RPC → answers, through the whole of `smcp::mcp` in both eras: a server in memory with a small
//! snapshot, whose tools answer without a process. Every answer is one line of JSON-RPC, and what is said is bounded.
#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use futures_util::future::BoxFuture;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use smcp::argv::ArgvError;
use smcp::call::{Counts, Input};
use smcp::mcp::{Backend, Server};
use smcp::outcome::{Asks, CallResult, Ended};
use smcp::plugin::manifest::Manifest;
use smcp::profile::{self, Profiles};
use smcp::registry::{Plugin, Served, Snapshot, State};
use smcp::{help, schema, transport};
use smcp_fuzz::in_time;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const PAGE: &str = "usage: tool [-h] [--name NAME] [--many N [N ...]] {ask,echo} ...\n\npositional arguments:\n  {ask,echo}\n    \
    ask   asks back\n    echo  says it again\n\noptions:\n  -h, --help        show this help message and exit\n  \
    --name NAME       a name\n  --many N [N ...]  more\n";

const MANIFEST: &str = r#"
resources = [{ file = "README.md" }, { file = "../outside" }, { uri = "tool://x", file = "README.md" }]
resource_templates = [{ uri_template = "tool://made/{name}", command = "echo", name = "made" }]
prompts = [
    { name = "greet", file = "README.md", arguments = [{ name = "a", required = true, choices = ["x", "y"] }] },
    { name = "made", command = "echo" },
]
"#;

const PROFILES: &str = r#"{"profiles": {"some": {"mode": "glob", "pattern": "*echo*"}, "all": {"mode": "all"}},
    "intent_hints": [{"intent": "say", "tool": "tool__echo"}]}"#;

/// What one message may be answered with beside what it says itself: the longest list there is.
const EACH_MESSAGE: usize = 16 << 10;
/// The shortest message that is answered, in bytes.
const SHORTEST: usize = 2;
/// How often a message's own words may come back.
const ECHOES: usize = 32;

static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir_in("/dev/shm").expect("a directory");
    std::fs::write(directory.path().join("README.md"), "Hello {{a}}").expect("it is written");
    directory
});

static SNAPSHOT: LazyLock<Arc<Snapshot>> = LazyLock::new(|| {
    let mut root = help::parse(PAGE, &[]);
    for sub in &mut root.subcommands {
        sub.arguments =
            help::parse("usage: tool sub [-v] WORD\n\npositional arguments:\n  WORD  it\n", &[]).arguments;
    }
    let tools = schema::tools("tool", &root, &BTreeMap::new()).tools;
    let plugin = Arc::new(Plugin {
        name: "tool".into(),
        directory: DIRECTORY.path().into(),
        launch: vec![],
        env: vec![],
        timeout: None,
        concurrency: None,
        offers: toml::from_str::<Manifest>(MANIFEST).expect("it is constant").offers(),
        root,
        state: State::Ready,
        diagnostics: vec![],
        warm: None,
    });
    let served = |tool| Served { tool: Arc::new(tool), plugin: Arc::clone(&plugin) };
    let tools = tools.into_iter().map(served).collect();
    Arc::new(Snapshot {
        generation: 1,
        plugins: vec![Arc::clone(&plugin)],
        tools,
        partial: std::collections::BTreeSet::new(),
    })
});

static PROFILED: LazyLock<Arc<Profiles>> = LazyLock::new(|| {
    let documents = vec![profile::parse(PROFILES).expect("it is constant")];
    Arc::new(Profiles::of(documents, None, None).expect("it is constant"))
});

struct Echo(watch::Sender<u64>);

impl Backend for Echo {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&SNAPSHOT)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }

    fn reload(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn counts(&self) -> Counts {
        Counts::default()
    }

    fn call<'a>(
        &'a self,
        served: &'a Served,
        arguments: &'a Map<String, Value>,
        input: &'a Input,
        _cancel: &'a CancellationToken,
        lines: Option<mpsc::Sender<String>>,
    ) -> BoxFuture<'a, Result<Ended, Vec<ArgvError>>> {
        Box::pin(async move {
            let words = served.argv(arguments)?;
            if let Some(lines) = lines {
                let _ = lines.send("50%".into()).await;
            }
            if served.tool.name.ends_with("ask") && input.responses.is_none() {
                let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
                let params = json!({"message": "?", "requestedSchema": schema});
                let request = json!({"method": "elicitation/create", "params": params});
                let requests = Map::from_iter([("q".to_owned(), request)]);
                return Ok(Ended::Asks(Asks { requests, state: Some(json!("state")) }));
            }
            let content = vec![json!({"type": "text", "text": words.join(" ")})];
            Ok(Ended::Result(CallResult { content, ..CallResult::default() }))
        })
    }
}

fuzz_target!(|data: &[u8]| {
    // The first byte chooses whether there are profiles.
    let Some((first, lines)) = data.split_first() else { return };
    let profiles = (first % 2 == 1).then(|| Arc::clone(&PROFILED));
    let said = in_time(lines.len() * 4, || {
        // Time stands still but where all wait for it, so waits take none.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let server = Server::governed(Echo(watch::channel(1).0), profiles, CancellationToken::new());
            let mut said = Vec::new();
            transport::stdio::serve(server, lines, &mut said).await.expect("memory can be written");
            said
        })
    });
    let answers = said.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    for answer in answers {
        let message: Value = serde_json::from_slice(answer).expect("each line is JSON");
        assert_eq!(message["jsonrpc"], "2.0");
    }
    let messages = lines.len() / SHORTEST + 1;
    assert!(
        said.len() <= messages * EACH_MESSAGE + lines.len() * ECHOES,
        "{} of {}",
        said.len(),
        lines.len()
    );
});
