//! A program as smcp serves it, and real calls of it.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::process::Command as Process;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Map, Value};
use smcp::call::{Caller, Input, Variables};
use smcp::config::{Config, Discovery, Http, Limits};
use smcp::model::{Command, Diagnostic};
use smcp::outcome::{CallResult, Ended};
use smcp::registry::{Progress, Registry, Served, State};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The name of the plugin where there is one alone.
pub(crate) const TOOL: &str = "tool";

/// A Python to test with.
#[derive(Clone, Debug)]
pub(crate) struct Python {
    pub(crate) path: PathBuf,
    pub(crate) version: (u32, u32),
}

/// The Pythons that `SMCP_TEST_PYTHONS` names (paths between colons), else `python3`.
pub(crate) fn pythons() -> &'static [Python] {
    static PYTHONS: OnceLock<Vec<Python>> = OnceLock::new();
    PYTHONS.get_or_init(|| {
        let listed = std::env::var_os("SMCP_TEST_PYTHONS").filter(|list| !list.is_empty());
        std::env::split_paths(&listed.unwrap_or_else(|| "python3".into())).map(python).collect()
    })
}

fn python(path: PathBuf) -> Python {
    let print = "import sys; print(*sys.version_info[:2])";
    let output = Process::new(&path).args(["-c", print]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (major, minor) = text.trim().split_once(' ').unwrap();
    Python { path, version: (major.parse().unwrap(), minor.parse().unwrap()) }
}

/// The Python for what does not depend on versions.
pub(crate) fn newest() -> &'static Python {
    pythons().last().unwrap()
}

/// All that a test waits for runs here.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

struct Quiet;

impl Progress for Quiet {
    fn found(&self, _: usize) {}
    fn done(&self, _: &str) {}
}

/// Plugins and their contracts, in a directory of their own.
pub(crate) struct World {
    _dir: TempDir,
    pub(crate) config: Config,
}

impl World {
    pub(crate) fn new(python: &Python, live: bool) -> World {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            plugins_dir: dir.path().join("plugins"),
            schemas_dir: dir.path().join("schemas"),
            discovery: Discovery {
                python: python.path.to_str().unwrap().to_owned(),
                live,
                describe: false,
                warm: false,
                help_timeout: PATIENCE,
                parallel: 2,
                path: std::env::var_os("PATH"),
                python_path: None,
                secret_variables: vec![],
            },
            limits: Limits {
                timeout: Some(PATIENCE),
                grace: Duration::from_secs(1),
                output: 1 << 20,
                concurrency: 4,
                queue: 4,
            },
            http: Http::default(),
            watch: false,
            log_dir: None,
            log_format: smcp::cli::LogFormat::default(),
            profiles: None,
            letta: None,
            drain: Duration::ZERO,
            state_key: None,
        };
        fs::create_dir(&config.plugins_dir).unwrap();
        World { _dir: dir, config }
    }

    /// Writes a program with these lines in it; where they parse nothing, it parses with `p` and prints the namespace.
    pub(crate) fn plugin(&self, name: &str, body: &str) -> PathBuf {
        let directory = self.config.plugins_dir.join(name);
        fs::create_dir_all(&directory).unwrap();
        let parses = body.contains("parse_args(") || body.contains("sys.exit(");
        let tail = if parses { "" } else { "print(json.dumps(vars(p.parse_args()), default=repr))\n" };
        let text = format!("import argparse, json, os, sys, time\n{body}\n{tail}");
        fs::write(directory.join("cli.py"), text).unwrap();
        directory
    }

    pub(crate) fn load(self) -> Seen {
        let registry = runtime().block_on(Registry::load(&self.config, &Quiet));
        Seen { registry, world: self, version: (0, 0), last: RefCell::new(None) }
    }
}

/// What is served of a world.
pub(crate) struct Seen {
    pub(crate) registry: Registry,
    pub(crate) world: World,
    /// Of the Python.
    pub(crate) version: (u32, u32),
    /// The last call that was made, and the namespace that it gave.
    last: RefCell<Option<((String, Value), Value)>>,
}

/// Looks at a program on every Python, from its help pages alone and with its parser object.
pub(crate) fn each(body: &str, check: impl FnMut(&Seen)) {
    each_since((3, 0), body, check);
}

/// The same on Pythons that are not older than a version.
pub(crate) fn each_since(since: (u32, u32), body: &str, mut check: impl FnMut(&Seen)) {
    let new_enough: Vec<_> = pythons().iter().filter(|python| python.version >= since).collect();
    for python in new_enough {
        for live in [false, true] {
            let world = World::new(python, live);
            world.plugin(TOOL, body);
            let seen = Seen { version: python.version, ..world.load() };
            assert_eq!(seen.state(TOOL), State::Ready, "{}", seen.what());
            check(&seen);
        }
    }
}

impl Seen {
    /// Whether the parser object was asked.
    pub(crate) fn live(&self) -> bool {
        self.world.config.discovery.live
    }

    /// For messages.
    pub(crate) fn what(&self) -> String {
        format!("Python {:?}, {}", self.version, if self.live() { "live" } else { "text" })
    }

    /// Looks for changed plugins.
    pub(crate) fn reload(&self) -> bool {
        runtime().block_on(self.registry.reload(&Quiet))
    }

    pub(crate) fn state(&self, plugin: &str) -> State {
        self.registry.snapshot().plugins.iter().find(|p| p.name == plugin).unwrap().state.clone()
    }

    /// The names of all tools.
    pub(crate) fn tools(&self) -> Vec<String> {
        self.registry.snapshot().tools.iter().map(|served| served.tool.name.clone()).collect()
    }

    pub(crate) fn served(&self, tool: &str) -> Served {
        let snapshot = self.registry.snapshot();
        let found = snapshot.find(tool);
        found.unwrap_or_else(|| panic!("no tool {tool}: {}, {:?}", self.what(), self.tools())).clone()
    }

    /// A tool's input schema.
    pub(crate) fn schema(&self, tool: &str) -> Value {
        Value::Object(self.served(tool).tool.input_schema.clone())
    }

    /// The schema of a property, which must be there.
    pub(crate) fn property(&self, tool: &str, name: &str) -> Value {
        let schema = self.schema(tool);
        let found = schema["properties"].get(name);
        found.unwrap_or_else(|| panic!("no `{name}`: {}, {schema}", self.what())).clone()
    }

    /// The same without its description.
    pub(crate) fn shape(&self, tool: &str, name: &str) -> Value {
        let mut property = self.property(tool, name);
        property.as_object_mut().unwrap().remove("description");
        property
    }

    /// The names of a tool's properties, in order.
    pub(crate) fn properties(&self, tool: &str) -> Vec<String> {
        self.schema(tool)["properties"].as_object().unwrap().keys().cloned().collect()
    }

    /// The names of a tool's properties that must be given.
    pub(crate) fn required(&self, tool: &str) -> Vec<String> {
        let schema = self.schema(tool);
        let names = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// The help page behind a path.
    pub(crate) fn page(&self, path: &str) -> String {
        self.registry.pages(TOOL).unwrap()[path].clone()
    }

    /// The plugin's command tree.
    pub(crate) fn root(&self) -> Command {
        let snapshot = self.registry.snapshot();
        snapshot.plugins.iter().find(|p| p.name == TOOL).unwrap().root.clone()
    }

    /// All that the plugin's author is told.
    pub(crate) fn diagnostics(&self) -> Vec<Diagnostic> {
        let snapshot = self.registry.snapshot();
        let plugin = snapshot.plugins.iter().find(|p| p.name == TOOL).unwrap();
        let mut all = plugin.diagnostics.clone();
        plugin.root.walk(&mut |_, command| all.extend(command.diagnostics.iter().cloned()));
        all
    }

    /// The kinds of it.
    pub(crate) fn codes(&self) -> Vec<String> {
        self.diagnostics().into_iter().map(|d| d.code).collect()
    }

    /// The words behind the program, or why there are none.
    pub(crate) fn words(&self, tool: &str, arguments: &Value) -> Result<Vec<String>, String> {
        let errors = |errors: Vec<smcp::argv::ArgvError>| {
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        self.served(tool).argv(&object(arguments)).map_err(errors)
    }

    /// Calls a tool for real.
    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> CallResult {
        let served = self.served(tool);
        let caller = Caller::new(self.world.config.limits.clone(), Variables::default());
        let (arguments, input, cancel) = (object(arguments), Input::default(), CancellationToken::new());
        let ended = runtime().block_on(caller.call(&served, &arguments, &input, &cancel, None));
        match ended {
            Ok(Ended::Result(result)) => result,
            other => panic!("{}, {arguments:?}: {other:?}", self.what()),
        }
    }

    /// A call's argument gets this value in the program, which is run once for all that is asked of one call.
    pub(crate) fn gives(&self, tool: &str, arguments: &Value, dest: &str, value: &Value) {
        let call = (tool.to_owned(), arguments.clone());
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(made, _)| *made != call) {
            *last = Some((call, self.namespace(tool, arguments)));
        }
        let namespace = last.as_ref().map(|(_, namespace)| namespace).unwrap();
        assert_eq!(namespace.get(dest), Some(value), "{}, {arguments}: {namespace}", self.what());
    }

    /// What the program prints of its arguments.
    fn namespace(&self, tool: &str, arguments: &Value) -> Value {
        let result = self.call(tool, arguments);
        let text = result.content.iter().filter_map(|block| block["text"].as_str()).collect::<String>();
        assert!(!result.is_error, "{}, {arguments}: {text}", self.what());
        serde_json::from_str(&text).unwrap()
    }

    /// A call is refused before anything runs, with these words in the reason.
    pub(crate) fn refuses(&self, tool: &str, arguments: &Value, reason: &str) {
        let words = self.words(tool, arguments);
        let told = words.as_ref().err();
        assert!(told.is_some_and(|t| t.contains(reason)), "{}, {arguments}: {words:?}", self.what());
    }

    /// A call comes to argparse, which refuses it with these words.
    pub(crate) fn fails(&self, tool: &str, arguments: &Value, reason: &str) {
        let result = self.call(tool, arguments);
        let text = result.content[0]["text"].as_str().unwrap();
        assert!(result.is_error && text.contains(reason), "{}, {arguments}: {text}", self.what());
    }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}
