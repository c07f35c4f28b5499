//! A server of the program that asks, in a directory of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use smcp::call::{Caller, Variables};
use smcp::config::{Config, Discovery, Http, Limits};
use smcp::mcp::{Plugins, Server};
use smcp::registry::Registry;
use smcp::transport;
use tokio_util::sync::CancellationToken;

use crate::support;

/// Where the program is.
const ASKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transport/plugins/asker");

pub(super) struct World {
    plugins: Plugins,
    /// The address of its HTTP.
    pub(super) base: String,
    pub(super) shutdown: CancellationToken,
    directory: PathBuf,
    _root: tempfile::TempDir,
}

impl World {
    /// One call may run at a time, and none may wait: whoever holds a place while a user thinks is found out.
    pub(super) async fn start() -> World {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("plugins/asker");
        std::fs::create_dir_all(&directory).unwrap();
        for file in ["cli.py", "plugin.toml"] {
            std::fs::copy(Path::new(ASKER).join(file), directory.join(file)).unwrap();
        }
        let config = config(root.path());
        let registry = Registry::load(&config, &()).await;
        let caller = Caller::new(config.limits.clone(), Variables::default());
        let plugins = Plugins { registry: Arc::new(registry), caller };
        let shutdown = CancellationToken::new();
        let mut world = World { plugins, base: String::new(), shutdown, directory, _root: root };
        world.base = world.replica();
        world
    }

    /// The address of one more server of the same program, which shares its secret with the others.
    pub(super) fn replica(&self) -> String {
        let key = self.directory.to_str();
        let server = Server::replica(self.plugins.clone(), None, key, self.shutdown.clone());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { transport::serve(listener, &support::http(), server).await });
        base
    }

    /// Another server of the same program, for a connection of its own.
    pub(super) fn server(&self) -> Arc<Server> {
        Server::new(self.plugins.clone(), self.shutdown.clone())
    }

    /// Which commands ran, in their order; each of their processes must be gone.
    pub(super) fn runs(&self) -> Vec<String> {
        assert_eq!(self.plugins.caller.counts().running, 0, "no place is held");
        let text = std::fs::read_to_string(self.directory.join("runs.txt")).unwrap_or_default();
        let run = |line: &str| {
            let (process, command) = line.split_once(' ').unwrap();
            assert!(!Path::new("/proc").join(process).exists(), "{command} left a process");
            command.to_owned()
        };
        text.lines().map(run).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn config(root: &Path) -> Config {
    let python = std::env::var("SMCP_TEST_PYTHONS").ok().and_then(|p| p.split(':').next().map(str::to_owned));
    Config {
        plugins_dir: root.join("plugins"),
        schemas_dir: root.join("schemas"),
        discovery: Discovery {
            python: python.unwrap_or_else(|| "python3".into()),
            live: true,
            describe: false,
            warm: false,
            help_timeout: Duration::from_secs(20),
            parallel: 2,
            path: std::env::var_os("PATH"),
            python_path: None,
            secret_variables: Vec::new(),
        },
        watch: false,
        limits: Limits {
            timeout: Some(Duration::from_secs(20)),
            grace: Duration::from_secs(1),
            output: 4 << 20,
            concurrency: 1,
            queue: 0,
        },
        http: Http::default(),
        log_dir: None,
        log_format: smcp::cli::LogFormat::default(),
        profiles: None,
        letta: None,
        drain: Duration::ZERO,
        state_key: None,
    }
}
