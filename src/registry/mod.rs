//! What is being served: immutable snapshots of plugins and their tools.
//!
//! ```text
//! plugins directory → load (one plugin: contract still true, or discovered anew) → Snapshot → watchers
//! ```
//!
//! A plugin that fails takes nothing from the others. This module does not know how tools are listed or called, and it
//! prints nothing: what happened is in the [`Report`] and in each [`Plugin`].

mod figures;
mod find;
mod load;
mod narrow;
mod offers;
mod report;
mod watch;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::argv::{self, ArgvError};
use crate::config::Config;
use crate::model::{Command, Diagnostic, Severity, Tool};
use crate::plugin::discover;
use crate::plugin::offers::Offers;
use crate::process::{Plan, Warm};
use crate::schema;

use load::{Loaded, Loader};

pub use report::{Report, Summary};

/// One immutable set of tools.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Counts snapshots from 1.
    pub generation: u64,
    /// Every plugin that was found, in the order of names.
    pub plugins: Vec<Arc<Plugin>>,
    /// Every tool, in the order of names.
    pub tools: Vec<Served>,
    /// The plugins, by name, that have tools outside of this snapshot: it is narrowed.
    pub partial: BTreeSet<String>,
}

/// A tool and the plugin that it belongs to.
#[derive(Clone, Debug)]
pub struct Served {
    /// What is listed; shared with the snapshots that hold a part of the tools.
    pub tool: Arc<Tool>,
    /// Whose it is.
    pub plugin: Arc<Plugin>,
}

/// A plugin as it is served.
#[derive(Clone, Debug)]
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
    pub concurrency: Option<Arc<Semaphore>>,
    /// What forks for its calls, where it is kept warm.
    pub warm: Option<Arc<Warm>>,
    /// What it offers besides tools.
    pub offers: Offers,
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

impl State {
    /// Its name, and the reason where there is one.
    pub fn told(&self) -> (&'static str, Option<&str>) {
        match self {
            State::Ready => ("ready", None),
            State::Stale(reason) => ("stale", Some(reason)),
            State::Failed(reason) => ("failed", Some(reason)),
        }
    }
}

impl Served {
    /// The words for a call, after the program; nothing is run.
    ///
    /// # Panics
    /// Only for a tool that was put together with another plugin's tree.
    pub fn argv(&self, arguments: &Map<String, Value>) -> Result<Vec<String>, Vec<ArgvError>> {
        let chain = self.plugin.root.chain(&self.tool.path);
        let chain =
            chain.expect("a tool's path is of its plugin's tree: made from it, or checked on reading");
        argv::render(&chain, &self.tool, arguments)
    }
}

/// Holds the current snapshot and makes new ones.
#[derive(Debug)]
pub struct Registry {
    current: arc_swap::ArcSwap<Snapshot>,
    changed: tokio::sync::watch::Sender<u64>,
    report: arc_swap::ArcSwap<Report>,
    loader: Arc<Loader>,
    kept: tokio::sync::Mutex<Kept>,
    loads: figures::Loads,
}

/// What stays across reloads, by plugin.
#[derive(Debug, Default)]
struct Kept {
    /// Its bound on calls and its places: calls that run hold theirs.
    places: HashMap<String, (usize, Arc<Semaphore>)>,
    /// What forks for it.
    warm: HashMap<String, KeptWarm>,
}

#[derive(Debug)]
struct KeptWarm {
    /// The variables of its manifest.
    env: Vec<(String, String)>,
    warm: Arc<Warm>,
}

/// What a load reports while it runs: a progress bar listens to it.
pub trait Progress: Send + Sync {
    /// So many plugins were found.
    fn found(&self, plugins: usize);
    /// One plugin is done.
    fn done(&self, plugin: &str);
}

/// Reports to nobody.
impl Progress for () {
    fn found(&self, _: usize) {}
    fn done(&self, _: &str) {}
}

impl Registry {
    /// Discovers all plugins (from contracts where those are valid) and makes the first snapshot. Never fails: a
    /// plugins directory that is not there is an empty snapshot, and the [`Report`] says so.
    pub async fn load(config: &Config, progress: &dyn Progress) -> Registry {
        Registry::load_only(config, &[], progress).await
    }

    /// The same for whoever wants to know of one thing: loads only the plugins that `name` (a plugin, a tool, or a dotted
    /// command) can belong to by its first letters, and all of them where none of those has it. Tools that another
    /// plugin's claim of the same name would rename keep their own.
    pub async fn load_for(config: &Config, name: &str, progress: &dyn Progress) -> Registry {
        let found = discover::discover(&config.plugins_dir).unwrap_or_default().candidates.into_iter();
        let names: Vec<String> =
            found.map(|candidate| candidate.name).filter(|plugin| find::may_own(plugin, name)).collect();
        if !names.is_empty() {
            let few = Registry::load_only(config, &names, progress).await;
            let snapshot = few.snapshot();
            if names.iter().any(|plugin| plugin == name) || snapshot.find(name).is_some() {
                return few;
            }
        }
        Registry::load(config, progress).await
    }

    /// Does as [`Registry::load`] does, for the plugins of these names alone; none: all.
    pub async fn load_only(config: &Config, names: &[String], progress: &dyn Progress) -> Registry {
        let registry = Registry {
            current: arc_swap::ArcSwap::default(),
            changed: tokio::sync::watch::channel(0).0,
            report: arc_swap::ArcSwap::default(),
            loader: Arc::new(Loader::new(config, names)),
            kept: tokio::sync::Mutex::default(),
            loads: figures::Loads::default(),
        };
        registry.reload(progress).await;
        registry
    }

    /// Looks at all plugins again. Where anything is different, the new snapshot takes the place of the old one and
    /// watchers are told. Returns whether it did. Reloads at the same time wait for one another. A plugin that was good
    /// and has become unusable keeps its tools, and is stale.
    pub async fn reload(&self, progress: &dyn Progress) -> bool {
        let mut kept = self.kept.lock().await;
        let began = Instant::now();
        let (mut loaded, report) = load::all(&self.loader, progress).await;
        self.loads.ended(began.elapsed(), report.discovered);
        let old = self.snapshot();
        loaded.iter_mut().for_each(|loaded| old.stand_in(loaded, &kept));
        let snapshot = assemble(loaded, &mut kept);
        self.report.store(Arc::new(report));
        if old.generation > 0 && snapshot.says_the_same(&old) {
            return false;
        }
        let generation = old.generation + 1;
        self.current.store(Arc::new(Snapshot { generation, ..snapshot }));
        self.changed.send_replace(generation);
        true
    }

    /// What is being served now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Tells the generation of each new snapshot.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What the last load came upon besides plugins.
    pub fn report(&self) -> Arc<Report> {
        self.report.load_full()
    }

    /// The names of all plugins that were found by the last load, also of those that were not to be loaded.
    pub fn found(&self) -> Vec<String> {
        self.report().found.clone()
    }

    /// What there is to say of the last load, e.g. in the lines of a start.
    pub fn summary(&self) -> Summary {
        Summary::new(&self.snapshot(), &self.report())
    }

    /// The help pages that a plugin showed when it was last discovered, keyed by the command's words joined with
    /// blanks. They are cache, so there may be none.
    pub fn pages(&self, plugin: &str) -> Option<std::collections::BTreeMap<String, String>> {
        self.loader.store.pages(plugin)
    }
}

/// Puts loaded plugins together: tools that claim the same name are told apart.
fn assemble(loaded: Vec<Loaded>, kept: &mut Kept) -> Snapshot {
    let mut plugins = Vec::new();
    let mut tools: Vec<(usize, Tool)> = Vec::new();
    for (index, Loaded { mut plugin, tools: own, max_concurrency, warm, asked }) in
        loaded.into_iter().enumerate()
    {
        plugin.concurrency = max_concurrency.map(|bound| kept.place(&plugin.name, bound));
        plugin.warm = warm.map(|plan| kept.warm(&plugin, plan, asked));
        tools.extend(own.into_iter().map(|tool| (index, tool)));
        plugins.push(plugin);
    }
    let names: Vec<String> = plugins.iter().map(|plugin| plugin.name.clone()).collect();
    let mut claims: Vec<(&str, &mut Tool)> =
        tools.iter_mut().map(|(owner, tool)| (names[*owner].as_str(), tool)).collect();
    let renamed = schema::separate(&mut claims);
    for (index, old) in renamed {
        let (owner, tool) = &tools[index];
        let message = format!("another plugin claims the tool name `{old}` too; this one is `{}`", tool.name);
        plugins[*owner].diagnostics.push(Diagnostic::new(Severity::Warning, "tool-name-taken", message));
    }
    kept.places.retain(|name, _| names.binary_search(name).is_ok());
    kept.warm.retain(|name, _| plugins.iter().any(|plugin| plugin.name == *name && plugin.warm.is_some()));
    let plugins: Vec<Arc<Plugin>> = plugins.into_iter().map(Arc::new).collect();
    let mut tools: Vec<Served> = tools
        .into_iter()
        .map(|(owner, tool)| Served { tool: Arc::new(tool), plugin: plugins[owner].clone() })
        .collect();
    tools.sort_by(|a, b| a.tool.name.cmp(&b.tool.name));
    Snapshot { generation: 0, plugins, tools, partial: BTreeSet::new() }
}

impl Kept {
    /// The places of a plugin's calls; new ones where its bound is new.
    fn place(&mut self, plugin: &str, bound: usize) -> Arc<Semaphore> {
        let bound = bound.min(Semaphore::MAX_PERMITS);
        let fresh = || (bound, Arc::new(Semaphore::new(bound)));
        let entry = self.places.entry(plugin.to_owned()).or_insert_with(fresh);
        if entry.0 != bound {
            *entry = fresh();
        }
        entry.1.clone()
    }

    /// What forks for a plugin; a new one where it is started in another way, and renewed where its program is another.
    fn warm(&mut self, plugin: &Plugin, plan: Plan, is_another: bool) -> Arc<Warm> {
        let same = self.warm.get(&plugin.name).map(|kept| (&kept.env, &kept.warm));
        if let Some((_, warm)) = same.filter(|(env, warm)| **env == plugin.env && *warm.plan() == plan) {
            if is_another {
                warm.renew();
            }
            return warm.clone();
        }
        let warm = Warm::new(plan);
        let kept = KeptWarm { env: plugin.env.clone(), warm: warm.clone() };
        self.warm.insert(plugin.name.clone(), kept);
        warm
    }
}

impl Snapshot {
    /// Puts a plugin's good state of before in the place of a failed one: files are not written all at once.
    fn stand_in(&self, loaded: &mut Loaded, kept: &Kept) {
        let State::Failed(reason) = &loaded.plugin.state else { return };
        let found = self.plugins.binary_search_by(|p| p.name.cmp(&loaded.plugin.name));
        let Some(old) = found.ok().map(|at| &self.plugins[at]) else { return };
        if matches!(old.state, State::Failed(_)) {
            return;
        }
        let mut plugin = Plugin::clone(old);
        plugin.state = State::Stale(reason.clone());
        let own = self.tools.iter().filter(|served| served.plugin.name == plugin.name);
        loaded.tools = own.map(|served| Tool::clone(&served.tool)).collect();
        loaded.max_concurrency = plugin.concurrency.is_some().then(|| kept.places[&plugin.name].0);
        loaded.warm = plugin.warm.as_ref().map(|warm| warm.plan().clone());
        loaded.plugin = plugin;
    }

    /// Whether nothing that is served or reported differs, the generation aside.
    fn says_the_same(&self, other: &Snapshot) -> bool {
        let tools =
            self.tools.iter().map(|served| &served.tool).eq(other.tools.iter().map(|served| &served.tool));
        tools
            && self.plugins.len() == other.plugins.len()
            && self.plugins.iter().zip(&other.plugins).all(|(a, b)| a.says_the_same(b))
    }
}

impl Plugin {
    fn says_the_same(&self, other: &Plugin) -> bool {
        let head =
            |p: &Plugin| (p.name.clone(), p.directory.clone(), p.launch.clone(), p.env.clone(), p.timeout);
        is_same(self.concurrency.as_ref(), other.concurrency.as_ref())
            && is_same(self.warm.as_ref(), other.warm.as_ref())
            && head(self) == head(other)
            && self.state == other.state
            && self.offers == other.offers
            && self.root == other.root
            && self.diagnostics == other.diagnostics
    }
}

fn is_same<T>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}
