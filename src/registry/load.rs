//! A plugins directory → plugins with their tools, each by itself: from a contract that still holds, or asked anew.
//!
//! A plugin that does not answer keeps its last good contract and is stale; whatever goes wrong with one stays with it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::config::{Config, Discovery};
use crate::contract::{Contract, ContractError, Fingerprint, Known, Store, Subject};
use crate::model::{Command, Diagnostic, Severity, Tool};
use crate::plugin::capture::{Capturer, Hangs, Program};
use crate::plugin::describe;
use crate::plugin::discover::{self, Candidate};
use crate::plugin::interpreter::{self, Search};
use crate::plugin::manifest::{self, Manifest};
use crate::plugin::offers::Offers;
use crate::plugin::select::{self, Selection};
use crate::plugin::tree::{self, Inspected};
use crate::plugin::warm;
use crate::process::Plan;
use crate::schema;

use super::{Plugin, Progress, Report, State, offers};

/// What loads need to know.
#[derive(Debug)]
pub(super) struct Loader {
    plugins_dir: PathBuf,
    discovery: Discovery,
    /// The only plugins that are loaded; none: all.
    only: Vec<String>,
    pub(super) store: Store,
    memory: Mutex<HashMap<String, Memory>>,
}

/// What is known of a plugin that its contract file does not say.
#[derive(Debug)]
struct Memory {
    fingerprint: Fingerprint,
    what: Remembered,
}

#[derive(Clone, Debug)]
enum Remembered {
    /// Its program did not answer.
    Failed { reason: String, at: Instant },
    /// Its contract, which could not be written.
    Unwritten(Box<Contract>),
}

/// A contract file that can't be used.
const UNUSABLE: &str = "contract-unusable";
/// One that was edited, or is of another state of the plugin than the one that is here.
const DIFFERS: &str = "contract-differs";
/// What a start tells of contract files: these are the operator's, not the plugin's author's.
const CONTRACT_FAULTS: [&str; 2] = [UNUSABLE, DIFFERS];

/// How long a program that did not answer is left alone while nothing of it changes: what it lacks may be elsewhere.
const RETRY: Duration = Duration::from_secs(300);

/// A plugin and its tools.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) plugin: Plugin,
    pub(super) tools: Vec<Tool>,
    pub(super) max_concurrency: Option<usize>,
    /// How it is kept warm, where it is.
    pub(super) warm: Option<Plan>,
    /// Whether its program was asked anew.
    pub(super) asked: bool,
}

/// What the loads of one round share.
#[derive(Debug)]
struct Round {
    loader: Arc<Loader>,
    capturer: Capturer,
    /// The first fault on writing: one says enough, since all go to the same directory.
    unwritable: OnceLock<String>,
}

/// A plugin before anything is known of its program.
struct Subjected {
    candidate: Candidate,
    manifest: Manifest,
    program: Program,
    /// How it is kept warm or why it can't be; `None`: nobody wants that.
    warm: Option<Result<Plan, String>>,
    describe: bool,
    outside: Vec<PathBuf>,
    /// Its contract file is not to be written: it is of a later version of this program, which others may run.
    is_foreign: bool,
    /// The text of its contract where no fingerprint says that it is true.
    doubted: Option<String>,
}

impl Loader {
    pub(super) fn new(config: &Config, only: &[String]) -> Loader {
        Loader {
            plugins_dir: config.plugins_dir.clone(),
            discovery: config.discovery.clone(),
            only: only.to_owned(),
            store: Store::new(&config.schemas_dir),
            memory: Mutex::default(),
        }
    }

    /// Where plugins are looked for.
    pub(super) fn plugins_dir(&self) -> &Path {
        &self.plugins_dir
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<String, Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered of a plugin in this state.
    fn recall(&self, plugin: &str, fingerprint: &Fingerprint) -> Option<Remembered> {
        let memory = self.memory();
        let known = memory.get(plugin).filter(|known| known.fingerprint.agrees(fingerprint))?;
        let is_old = matches!(&known.what, Remembered::Failed { at, .. } if at.elapsed() >= RETRY);
        (!is_old).then(|| known.what.clone())
    }

    fn remember(&self, plugin: &str, fingerprint: &Fingerprint, what: Remembered) {
        self.memory().insert(plugin.to_owned(), Memory { fingerprint: fingerprint.clone(), what });
    }

    fn forget(&self, plugin: &str) {
        self.memory().remove(plugin);
    }

    /// Forgets plugins that are gone. They are in the order of names.
    fn keep(&self, candidates: &[Candidate]) {
        let is_there = |name: &String| candidates.binary_search_by(|c| c.name.as_str().cmp(name)).is_ok();
        self.memory().retain(|name, _| is_there(name));
    }

    fn capturer(&self, report: &mut Report) -> Capturer {
        Capturer::new(&self.discovery).unwrap_or_else(|error| {
            let message =
                format!("no temporary directory, so programs are read from their help pages alone: {error}");
            report.problems.push(Diagnostic::new(Severity::Warning, "no-live", message));
            Capturer::without_live(&self.discovery)
        })
    }
}

/// Loads all plugins, in the order of names.
pub(super) async fn all(loader: &Arc<Loader>, progress: &dyn Progress) -> (Vec<Loaded>, Report) {
    let mut report = Report::default();
    let mut found = discover::discover(&loader.plugins_dir).unwrap_or_else(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        report.problems.push(Diagnostic::new(
            Severity::Error,
            "no-plugins-directory",
            format!("{error}{cause}"),
        ));
        discover::Found::default()
    });
    report.skipped = found.skipped;
    report.found = found.candidates.iter().map(|candidate| candidate.name.clone()).collect();
    found.candidates.retain(|candidate| loader.only.is_empty() || loader.only.contains(&candidate.name));
    progress.found(found.candidates.len());
    loader.keep(&found.candidates);
    let capturer = loader.capturer(&mut report);
    let round = Arc::new(Round { loader: loader.clone(), capturer, unwritable: OnceLock::new() });
    let mut tasks = JoinSet::new();
    for (index, candidate) in found.candidates.iter().cloned().enumerate() {
        let round = round.clone();
        tasks.spawn(async move { (index, round.load(candidate).await) });
    }
    let mut outcomes: Vec<Option<Loaded>> = found.candidates.iter().map(|_| None).collect();
    while let Some(ended) = tasks.join_next().await {
        // A task that panicked leaves its place empty, and the others alone.
        let Ok((index, outcome)) = ended else { continue };
        progress.done(&found.candidates[index].name);
        outcomes[index] = Some(outcome);
    }
    report.discovered = outcomes.iter().flatten().filter(|loaded| loaded.asked).count();
    if let Some(fault) = round.unwritable.get() {
        report.problems.push(Diagnostic::new(Severity::Warning, "schemas-unwritable", fault.clone()));
    }
    offers::compare(outcomes.iter_mut().flatten());
    report.problems.extend(outcomes.iter().flatten().flat_map(told));
    let in_order = outcomes.into_iter().zip(found.candidates).map(|(outcome, candidate)| match outcome {
        Some(served) => served,
        None => failed(candidate, "an internal error; please report it".into()),
    });
    (in_order.collect(), report)
}

/// What a start tells of a plugin that is served: faults of its contract file, and what its manifest says in vain.
fn told(loaded: &Loaded) -> impl Iterator<Item = Diagnostic> {
    let Plugin { name, diagnostics, .. } = &loaded.plugin;
    diagnostics.iter().filter_map(move |told| match told.code.as_str() {
        code if CONTRACT_FAULTS.contains(&code) => Some(told.clone()),
        // It doesn't name its plugin.
        manifest::UNMATCHED => {
            Some(Diagnostic { message: format!("{name}: {}", told.message), ..told.clone() })
        }
        _ => None,
    })
}

impl Round {
    async fn load(&self, candidate: Candidate) -> Loaded {
        let mut subjected = match self.look_at(&candidate) {
            Ok(subjected) => subjected,
            Err(reason) => return failed(candidate, reason),
        };
        let store = &self.loader.store;
        let mut faults = Vec::new();
        let known = store.read(&candidate.name).unwrap_or_else(|error| {
            subjected.is_foreign = matches!(error, ContractError::Newer { .. });
            faults.push(Diagnostic::new(Severity::Warning, UNUSABLE, error.to_string()));
            None
        });
        let previous = store.fingerprint(&candidate.name, known.as_ref());
        let fingerprint = Fingerprint::take(&subjected.subject(), previous.as_ref());
        let holds = previous.as_ref().is_some_and(|previous| previous.agrees(&fingerprint));
        let mut served = match (known, self.loader.recall(&candidate.name, &fingerprint)) {
            (Some(known), _) if holds => {
                self.note(store.refresh(&known, &fingerprint));
                subjected.serve(known.contract, State::Ready)
            }
            (_, Some(Remembered::Unwritten(contract))) => subjected.serve(*contract, State::Ready),
            (known, Some(Remembered::Failed { reason, .. })) => subjected.without_answer(known, reason),
            (known, None) => {
                let doubted = known.as_ref().filter(|_| previous.is_none());
                subjected.doubted = doubted.map(|known| known.contract.text());
                let asked = self.ask(subjected, known, &fingerprint).await;
                Loaded { asked: true, ..asked }
            }
        };
        served.plugin.diagnostics.extend(faults);
        served
    }

    /// What the plugin's files say, without running anything.
    fn look_at(&self, candidate: &Candidate) -> Result<Subjected, String> {
        let discovery = &self.loader.discovery;
        let manifest = manifest::read(&candidate.directory).map_err(|error| {
            let cause =
                std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("{error}{cause}")
        })?;
        if manifest.command.is_none() && !candidate.directory.join(crate::plugin::PROGRAM).is_file() {
            return Err(format!("no {} in it, and its manifest has no `command`", crate::plugin::PROGRAM));
        }
        let search = Search { python: &discovery.python, path: discovery.path.as_deref() };
        let launch = interpreter::launch(&candidate.directory, manifest.command.as_deref(), search);
        let program = Program {
            directory: candidate.directory.clone(),
            env: manifest.env.clone().into_iter().collect(),
            launch,
            live: discovery.live && manifest.live.unwrap_or(true),
            hangs: Hangs::default(),
        };
        let kept = manifest.warm.unwrap_or(discovery.warm);
        let python_path = discovery.python_path.as_deref();
        let plan = || warm::plan(&candidate.name, &program.launch, &program.directory, python_path);
        Ok(Subjected {
            warm: kept.then(plan),
            outside: interpreter::files(&program.launch, search),
            describe: manifest.describe.unwrap_or(discovery.describe),
            candidate: candidate.clone(),
            manifest,
            program,
            is_foreign: false,
            doubted: None,
        })
    }

    /// Asks the program; where it fails, its last good contract is served.
    async fn ask(&self, subjected: Subjected, known: Option<Known>, fingerprint: &Fingerprint) -> Loaded {
        let selection = Selection::new(&subjected.manifest);
        let name = subjected.candidate.name.clone();
        match tree::inspect(&self.capturer, &subjected.program, &selection).await {
            Ok(inspected) => {
                self.loader.forget(&name);
                self.take_in(subjected, &selection, inspected, fingerprint).await
            }
            Err(error) => {
                let reason = error.to_string();
                let failed = Remembered::Failed { reason: reason.clone(), at: Instant::now() };
                self.loader.remember(&name, fingerprint, failed);
                subjected.without_answer(known, reason)
            }
        }
    }

    /// Makes tools of what the program said, and writes its contract.
    async fn take_in(
        &self,
        mut subjected: Subjected,
        selection: &Selection,
        inspected: Inspected,
        fingerprint: &Fingerprint,
    ) -> Loaded {
        let Inspected { mut root, pages } = inspected;
        let name = subjected.candidate.name.clone();
        let mut diagnostics = selection.unmatched(&root);
        diagnostics.extend(select::resolve_overrides(&mut subjected.manifest, &root));
        selection.reveal(&mut root);
        if subjected.describe {
            diagnostics.extend(describe::apply(&self.capturer, &subjected.program, &name, &mut root).await);
        }
        let made = schema::tools(&name, &selection.narrow(&root), &subjected.manifest.tools);
        diagnostics.extend(made.diagnostics);
        let contract = Contract::new(&name, root, made.tools, diagnostics);
        let differs = subjected.doubted.take().is_some_and(|doubted| doubted != contract.text());
        let is_written = !subjected.is_foreign && self.write(&contract, fingerprint, &pages);
        if !is_written {
            let unwritten = Remembered::Unwritten(Box::new(contract.clone()));
            self.loader.remember(&name, fingerprint, unwritten);
        }
        let mut loaded = subjected.serve(contract, State::Ready);
        if differs {
            let path = self.loader.store.contract_path(&name);
            let message =
                format!("the contract `{}` is not what the plugin says, which is served", path.display());
            loaded.plugin.diagnostics.push(Diagnostic::new(Severity::Warning, DIFFERS, message));
        }
        loaded
    }

    /// Whether it could be written.
    fn write(
        &self,
        contract: &Contract,
        fingerprint: &Fingerprint,
        pages: &BTreeMap<String, String>,
    ) -> bool {
        let written = self.loader.store.write(contract, fingerprint, pages);
        let is_written = written.is_ok();
        self.note(written);
        is_written
    }

    /// Remembers that the schemas directory can't be written: everything is served all the same.
    fn note(&self, written: std::io::Result<()>) {
        if let Err(error) = written {
            let message =
                format!("contracts can't be kept, so the next start asks every plugin again: {error}");
            let _ = self.unwritable.set(message);
        }
    }
}

impl Subjected {
    fn subject(&self) -> Subject<'_> {
        Subject {
            directory: &self.candidate.directory,
            launch: &self.program.launch,
            outside: &self.outside,
            live: self.program.live,
            describe: self.describe,
        }
    }

    /// Its last good contract, where it has one.
    fn without_answer(self, known: Option<Known>, reason: String) -> Loaded {
        match known {
            Some(known) => self.serve(known.contract, State::Stale(reason)),
            None => failed(self.candidate, reason),
        }
    }

    fn serve(self, contract: Contract, state: State) -> Loaded {
        let mut diagnostics = self.candidate.diagnostics;
        diagnostics.extend(contract.diagnostics);
        let warm = self.warm.and_then(|plan| {
            let note = |reason| {
                Diagnostic::new(Severity::Note, "not-warm", format!("it can't be kept warm: {reason}"))
            };
            plan.map_err(|reason| diagnostics.push(note(reason))).ok()
        });
        let plugin = Plugin {
            name: self.candidate.name,
            offers: self.manifest.offers().with_readme(&self.candidate.directory),
            directory: self.candidate.directory,
            launch: self.program.launch,
            env: self.program.env,
            timeout: self.manifest.time_limit(),
            concurrency: None,
            warm: None,
            root: contract.command,
            state,
            diagnostics,
        };
        let max_concurrency = self.manifest.max_concurrency.map(std::num::NonZeroUsize::get);
        Loaded { plugin, tools: contract.tools, max_concurrency, warm, asked: false }
    }
}

/// A plugin of which nothing is served.
fn failed(candidate: Candidate, reason: String) -> Loaded {
    let plugin = Plugin {
        name: candidate.name,
        directory: candidate.directory,
        launch: Vec::new(),
        env: Vec::new(),
        timeout: None,
        concurrency: None,
        warm: None,
        offers: Offers::default(),
        root: Command::default(),
        state: State::Failed(reason),
        diagnostics: candidate.diagnostics,
    };
    Loaded { plugin, tools: Vec::new(), max_concurrency: None, warm: None, asked: false }
}
