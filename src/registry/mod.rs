//! What is being served: immutable snapshots. Stub, being written.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::argv::ArgvError;
use crate::config::Config;
use crate::model::{Command, Diagnostic, Tool};

/// One immutable set of tools.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Counts snapshots from 1.
    pub generation: u64,
    /// Every plugin that was found, in the order of names.
    pub plugins: Vec<Arc<Plugin>>,
    /// Every tool, in the order of names.
    pub tools: Vec<Served>,
}

/// A tool and the plugin that it belongs to.
#[derive(Clone, Debug)]
pub struct Served {
    /// What is listed.
    pub tool: Tool,
    /// Whose it is.
    pub plugin: Arc<Plugin>,
}

/// A plugin as it is served.
#[derive(Debug)]
pub struct Plugin {
    /// The directory's name.
    pub name: String,
    /// Where it is.
    pub directory: PathBuf,
    /// The words that start its program, up to the arguments.
    pub launch: Vec<std::ffi::OsString>,
    /// Variables that its manifest sets.
    pub env: Vec<(String, String)>,
    /// Its own time limit for calls.
    pub timeout: Option<Duration>,
    /// Its own bound on calls at a time.
    pub concurrency: Option<Arc<tokio::sync::Semaphore>>,
    /// The command tree; empty where the plugin is in error.
    pub root: Command,
    /// How it stands.
    pub state: State,
    /// What its author should know.
    pub diagnostics: Vec<Diagnostic>,
}

/// How a plugin stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Discovered now or known from a valid contract.
    Ready,
    /// It does not answer any more; its last good contract is served.
    Stale(String),
    /// Nothing of it is served.
    Failed(String),
}

impl Snapshot {
    /// The tool of that name, or of the dotted form of it (`plugin.command`).
    pub fn find(&self, name: &str) -> Option<&Served> {
        let _ = name;
        None
    }
}

impl Served {
    /// The words for a call, after the program; nothing is run.
    pub fn argv(&self, arguments: &Map<String, Value>) -> Result<Vec<String>, Vec<ArgvError>> {
        let _ = arguments;
        Ok(Vec::new())
    }
}

/// Holds the current snapshot and makes new ones.
#[derive(Debug)]
pub struct Registry {
    current: arc_swap::ArcSwap<Snapshot>,
    changed: tokio::sync::watch::Sender<u64>,
}

/// What a load reports while it runs: a progress bar listens to it.
pub trait Progress: Send + Sync {
    /// So many plugins were found.
    fn found(&self, plugins: usize);
    /// One plugin is done.
    fn done(&self, plugin: &str);
}

impl Registry {
    /// Discovers all plugins (from contracts where those are valid) and makes the first snapshot.
    pub async fn load(config: &Config, progress: &dyn Progress) -> Registry {
        let _ = (config, progress);
        Registry { current: arc_swap::ArcSwap::default(), changed: tokio::sync::watch::channel(0).0 }
    }

    /// What is being served now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Tells the generation of each new snapshot.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
