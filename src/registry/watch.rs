//! Changes of the plugins directory on disk → reloads: what was added, changed, removed or linked anew is served as soon
//! as its files have settled.
//!
//! ```text
//! the file system's events (notify) → those that may matter → settled → reload → watch what is there now
//! ```
//!
//! Directories are watched one by one, never whole trees: virtual environments and caches have thousands. What the file
//! system tells nothing of (network file systems, interpreters, a limit that is reached) is found by looking again.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{Registry, Report, Snapshot, State};
use crate::contract;
use crate::model::Severity;
use crate::plugin::discover;

/// Files have settled when nothing was told of them for so long.
const SETTLE: Duration = Duration::from_millis(150);

/// Files that never settle are looked at all the same after so long.
const AT_MOST: Duration = Duration::from_secs(2);

/// How often is looked where nothing is told, and where the file system can't tell everything.
const LOOK: Duration = Duration::from_secs(60);
const LOOK_BLIND: Duration = Duration::from_secs(2);

/// And where a program changes its own sources when it is asked, so that their changes are not listened to.
const LOOK_RESTLESS: Duration = Duration::from_secs(5);

/// What is told so soon after a reload changed while it ran.
const AT_ONCE: Duration = Duration::from_millis(300);

/// Directories that are watched; systems allow some ten thousands for all programs.
const MAX_DIRECTORIES: usize = 4096;

/// Paths that wait to be looked at, and that are counted in [`Noise`].
const MAX_PATHS: usize = 1024;

/// Links that are followed from one place.
const MAX_LINKS: usize = 40;

/// After so many reloads without an effect, a file is taken for something that the program writes.
const FRUITLESS: u32 = 5;

impl Registry {
    /// Reloads whenever plugins change on disk, until `stop` is cancelled.
    pub async fn watch(self: Arc<Registry>, stop: CancellationToken) {
        let mut noise = Noise::default();
        let mut changed = BTreeSet::new();
        let mut sentry = self.post().await;
        loop {
            let (before, known) = (self.snapshot(), self.report());
            let differs = self.reload(&()).await;
            tell_news(&known, &self.report());
            noise.learn(&changed, differs);
            let ended = Instant::now();
            if differs {
                log::info!("plugins changed: {}", difference(&before, &self.snapshot()));
            }
            let look = match (sentry.sees_all, noise.has_sources()) {
                (false, _) => LOOK_BLIND,
                (true, true) => LOOK_RESTLESS,
                (true, false) => LOOK,
            };
            changed = tokio::select! {
                () = stop.cancelled() => return,
                changed = sentry.settled(&noise) => changed,
                () = sleep(look) => BTreeSet::new(),
            };
            noise.is_own = ended.elapsed() < AT_ONCE;
            // Posted before the old one goes and before the reload: no change falls between them.
            sentry = self.post().await;
        }
    }

    async fn post(&self) -> Sentry {
        let plugins_dir = self.loader.plugins_dir().to_owned();
        let posted = tokio::task::spawn_blocking(move || Sentry::post(&plugins_dir)).await;
        posted.unwrap_or_else(|_| Sentry::blind())
    }
}

/// The places where a change matters.
#[derive(Debug, Default, PartialEq, Eq)]
struct Places {
    /// Whatever changes in these directories.
    whole: BTreeSet<PathBuf>,
    /// These entries of other directories.
    single: BTreeSet<PathBuf>,
}

impl Places {
    fn of(plugins_dir: &Path) -> Places {
        let root = std::path::absolute(plugins_dir).unwrap_or_else(|_| plugins_dir.to_owned());
        let mut places = Places::default();
        places.single.insert(root.clone());
        places.link(&root);
        for plugin in discover::places(&root) {
            places.link(&plugin);
            let (directories, links) = contract::places(&plugin);
            places.whole.extend(directories);
            links.iter().for_each(|link| places.link(link));
        }
        places.whole.insert(root);
        places
    }

    /// The links that lead from a path to what it stands for, and that itself.
    fn link(&mut self, path: &Path) {
        let mut at = path.to_owned();
        for _ in 0..MAX_LINKS {
            let Some((link, target)) = first_link(&at) else { break };
            let rest = at.strip_prefix(&link).unwrap_or(Path::new("")).to_owned();
            self.single.insert(link.clone());
            at = link.parent().unwrap_or(Path::new("/")).join(target);
            if rest.as_os_str().is_empty() {
                self.single.insert(at.clone());
            } else {
                at.push(rest);
            }
        }
    }

    fn directories(&self) -> BTreeSet<&Path> {
        let parents = self.single.iter().filter_map(|path| path.parent());
        self.whole.iter().map(PathBuf::as_path).chain(parents).collect()
    }

    fn matter(&self, path: &Path) -> bool {
        let is_within = path.parent().is_some_and(|parent| self.whole.contains(parent));
        let is_one = self.single.contains(path) || self.whole.contains(path);
        is_one || is_within && contract::may_matter(path)
    }
}

/// The deepest part of a path that is a link, and where it leads.
fn first_link(path: &Path) -> Option<(PathBuf, PathBuf)> {
    path.ancestors().find_map(|part| Some((part.to_owned(), fs::read_link(part).ok()?)))
}

/// Watches places for as long as it lives.
struct Sentry {
    places: Places,
    sees_all: bool,
    events: mpsc::Receiver<Vec<PathBuf>>,
    /// Events were dropped: more waited than are kept.
    lost: Arc<AtomicBool>,
    _watcher: Option<RecommendedWatcher>,
}

impl Sentry {
    /// Watches the places of now. They are listed again once they are watched, since others may have come meanwhile.
    fn post(plugins_dir: &Path) -> Sentry {
        let (told, events) = mpsc::channel(MAX_PATHS);
        let lost = Arc::new(AtomicBool::new(false));
        let losing = lost.clone();
        let tell = move |event: notify::Result<notify::Event>| match event.map(paths_of_change) {
            Ok(paths) if paths.is_empty() => {}
            Ok(paths) => drop(losing.fetch_or(told.try_send(paths).is_err(), Ordering::Relaxed)),
            Err(_) => losing.store(true, Ordering::Relaxed),
        };
        let mut watcher = match notify::recommended_watcher(tell) {
            Ok(watcher) => watcher,
            Err(error) => {
                log::warn!(
                    "the file system's events can't be had, so plugins are looked at every {LOOK_BLIND:?}: {error}"
                );
                return Sentry::blind();
            }
        };
        let mut watched = BTreeSet::new();
        let mut sees_all = true;
        loop {
            let places = Places::of(plugins_dir);
            let new: Vec<PathBuf> = places
                .directories()
                .into_iter()
                .filter(|d| !watched.contains(*d))
                .map(Path::to_owned)
                .collect();
            if new.is_empty() || watched.len() >= MAX_DIRECTORIES {
                sees_all &= new.is_empty();
                return Sentry { places, sees_all, events, lost, _watcher: Some(watcher) };
            }
            for directory in new {
                let refused = |error: &notify::Error| !matches!(error.kind, notify::ErrorKind::PathNotFound);
                if let Err(error) = watcher.watch(&directory, RecursiveMode::NonRecursive)
                    && directory.exists()
                    && refused(&error)
                {
                    log::warn!(
                        "{} can't be watched, so plugins are looked at every {LOOK_BLIND:?}: {error}",
                        directory.display()
                    );
                    sees_all = false;
                }
                watched.insert(directory);
            }
        }
    }

    fn blind() -> Sentry {
        let (_, events) = mpsc::channel(1);
        Sentry { places: Places::default(), sees_all: false, events, lost: Arc::default(), _watcher: None }
    }

    /// Waits for a change that matters and until files have settled; tells what changed.
    async fn settled(&mut self, noise: &Noise) -> BTreeSet<PathBuf> {
        let mut changed = BTreeSet::new();
        while changed.is_empty() && !self.lost.load(Ordering::Relaxed) {
            match self.events.recv().await {
                Some(paths) => self.take(paths, noise, &mut changed),
                None => std::future::pending().await,
            }
        }
        let latest = Instant::now() + AT_MOST;
        let mut quiet = Instant::now() + SETTLE;
        while let Ok(Some(paths)) = timeout_at(quiet.min(latest), self.events.recv()).await {
            let known = changed.len();
            let any = paths.iter().any(|path| changed.contains(path));
            self.take(paths, noise, &mut changed);
            if any || changed.len() > known {
                quiet = Instant::now() + SETTLE;
            }
        }
        changed
    }

    fn take(&self, paths: Vec<PathBuf>, noise: &Noise, changed: &mut BTreeSet<PathBuf>) {
        let matter = |path: &PathBuf| self.places.matter(path) && !noise.has(path);
        changed.extend(paths.into_iter().filter(matter).take(MAX_PATHS - changed.len().min(MAX_PATHS)));
    }
}

/// What changed, where an event tells of a change: our own reading is none.
fn paths_of_change(event: notify::Event) -> Vec<PathBuf> {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => event.paths,
        EventKind::Access(_) => Vec::new(),
        _ => event.paths,
    }
}

/// Files that programs write: they would cost a reload each time.
#[derive(Debug, Default)]
struct Noise {
    fruitless: HashMap<PathBuf, u32>,
    /// The last change came with the reload before it: a program that was asked has made it.
    is_own: bool,
}

impl Noise {
    fn has(&self, path: &Path) -> bool {
        self.fruitless.get(path).is_some_and(|&times| times >= FRUITLESS)
    }

    /// Whether there are sources among it.
    fn has_sources(&self) -> bool {
        self.fruitless.keys().any(|path| is_source(path) && self.has(path))
    }

    /// Counts what changed without an effect. Sources become noise only where the program itself writes them.
    fn learn(&mut self, changed: &BTreeSet<PathBuf>, differs: bool) {
        if differs || self.fruitless.len() + changed.len() > MAX_PATHS {
            self.fruitless.clear();
        }
        if !differs {
            let counted = changed.iter().filter(|path| self.is_own || !is_source(path));
            counted.for_each(|path| *self.fruitless.entry(path.clone()).or_default() += 1);
        }
    }
}

/// Whether people write such files: sources, manifests, READMEs.
fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "py" || e == "toml" || e == "md")
}

/// What a load came upon that the one before did not, as a start tells it.
fn tell_news(old: &Report, new: &Report) {
    for problem in new.problems.iter().filter(|problem| !old.problems.contains(problem)) {
        log::warn!("{}: {}", problem.code, problem.message);
    }
    for skipped in new.skipped.iter().filter(|skipped| !old.skipped.contains(skipped)) {
        let level = if skipped.severity == Severity::Note { log::Level::Info } else { log::Level::Warn };
        log::log!(level, "skipped {}: {}", skipped.name, skipped.reason);
    }
}

/// What is other than before, for the log.
fn difference(old: &Snapshot, new: &Snapshot) -> String {
    let find = |snapshot: &Snapshot, name: &str| {
        let at = snapshot.plugins.binary_search_by(|p| p.name.as_str().cmp(name)).ok();
        at.map(|at| snapshot.plugins[at].clone())
    };
    let mut parts = Vec::new();
    for plugin in &new.plugins {
        let (name, before) = (&plugin.name, find(old, &plugin.name));
        let is_news = before.as_ref().is_none_or(|before| before.state != plugin.state);
        match (&plugin.state, before) {
            (State::Failed(reason), _) if is_news => parts.push(format!("{name} failed: {reason}")),
            (State::Stale(reason), _) if is_news => parts.push(format!("{name} is stale: {reason}")),
            (_, None) => parts.push(format!("{name} is new")),
            (_, Some(before)) if !plugin.says_the_same(&before) => parts.push(format!("{name} changed")),
            (_, Some(_)) => {}
        }
    }
    let gone = old.plugins.iter().filter(|plugin| find(new, &plugin.name).is_none());
    parts.extend(gone.map(|plugin| format!("{} is gone", plugin.name)));
    parts.push(format!("{} tools", new.tools.len()));
    parts.join("; ")
}
