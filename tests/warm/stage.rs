//! A copy of a program, how it is run both ways, and what can be seen of processes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use smcp::plugin::warm;
use smcp::process::{Finished, Plan, Spec, Warm, run};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn pythons() -> Vec<PathBuf> {
    match std::env::var_os("SMCP_TEST_PYTHONS") {
        Some(paths) => std::env::split_paths(&paths).collect(),
        None => vec![itself(Path::new("python3"))],
    }
}

/// The interpreter that a name comes to: there may be a script between.
fn itself(python: &Path) -> PathBuf {
    PathBuf::from(ask(python, "import sys; print(sys.executable)"))
}

fn ask(python: &Path, program: &str) -> String {
    let asked = std::process::Command::new(python).args(["-c", program]).output().unwrap();
    String::from_utf8(asked.stdout).unwrap().trim().to_owned()
}

/// The version that decides what a Python can do.
pub(crate) fn version(python: &Path) -> (u32, u32) {
    let text = ask(python, "import sys; print(*sys.version_info[:2])");
    let (major, minor) = text.split_once(' ').unwrap();
    (major.parse().unwrap(), minor.parse().unwrap())
}

/// A directory with a program.
pub(crate) struct Stage {
    pub(crate) directory: TempDir,
    pub(crate) python: PathBuf,
    pub(crate) spec: Spec,
}

impl Stage {
    /// With a copy of the directory of this name in `programs`, run by its `cli.py`.
    pub(crate) fn of(python: &Path, name: &str) -> Stage {
        let stage = Stage::empty(python);
        copy(
            &Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/warm/programs")).join(name),
            stage.path(),
        );
        stage
    }

    /// With these files.
    pub(crate) fn with(python: &Path, files: &[(&str, &str)]) -> Stage {
        let stage = Stage::empty(python);
        for (name, text) in files {
            stage.write(name, text);
        }
        stage
    }

    fn empty(python: &Path) -> Stage {
        let directory = tempfile::tempdir().unwrap();
        let spec = Spec {
            command: vec![python.into(), directory.path().join("cli.py").into()],
            directory: directory.path().to_owned(),
            set: vec![("PYTHONHASHSEED".into(), "0".into())],
            unset: vec!["SMCP_TEST_PYTHONS".into()],
            input: vec![("WARM_TEST_INPUT".into(), None), ("WARM_TEST_OTHER".into(), None)],
            warm: None,
            timeout: Some(PATIENCE),
            grace: Duration::from_secs(5),
            output_cap: 1 << 20,
            error_cap: 1 << 16,
        };
        Stage { directory, python: python.to_owned(), spec }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file; one that is imported must be older than that to be believed.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let before = std::time::SystemTime::now() - Duration::from_secs(60);
        fs::File::options().append(true).open(&path).unwrap().set_modified(before).unwrap();
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.spec.set.push((name.into(), value.into()));
    }

    pub(crate) fn plan(&self) -> Plan {
        let plan =
            warm::plan("p", &self.spec.command, self.path(), std::env::var_os("PYTHONPATH").as_deref());
        plan.unwrap()
    }

    /// The program, started anew for each run.
    pub(crate) fn fresh(&self) -> Runs<'_> {
        Runs { stage: self, warm: None }
    }

    /// The program, warm or refused.
    pub(crate) async fn warm(&self) -> Runs<'_> {
        self.warm_by(self.plan()).await
    }

    pub(crate) async fn warm_by(&self, plan: Plan) -> Runs<'_> {
        let warm = Warm::new(plan);
        let runs = Runs { stage: self, warm: Some(warm.clone()) };
        // Something must want it; what is cancelled while it starts has at most begun.
        runs.nudge().await;
        until(|| warm.is_ready() || warm.refusal().is_some()).await;
        runs
    }
}

/// Runs of a program in one of the two ways.
pub(crate) struct Runs<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) warm: Option<Arc<Warm>>,
}

impl Runs<'_> {
    pub(crate) fn spec(&self, words: &[&str]) -> Spec {
        let mut spec = self.stage.spec.clone();
        spec.command.extend(words.iter().map(OsString::from));
        spec.warm.clone_from(&self.warm);
        spec
    }

    pub(crate) async fn run(&self, words: &[&str]) -> Finished {
        self.run_as(&self.spec(words)).await
    }

    /// Runs it, and checks that it was done in this way.
    pub(crate) async fn run_as(&self, spec: &Spec) -> Finished {
        let before = self.forked();
        let finished = run(spec, &CancellationToken::new(), None).await.unwrap();
        assert_eq!(self.forked() - before, u64::from(self.is_warm()), "it is forked: {:?}", self.refusal());
        finished
    }

    /// Runs it for nothing but to have a helper started.
    pub(crate) async fn nudge(&self) {
        let mut spec = self.spec(&["--help"]);
        spec.timeout = Some(Duration::from_millis(1));
        spec.grace = Duration::ZERO;
        run(&spec, &CancellationToken::new(), None).await.unwrap();
    }

    pub(crate) fn is_warm(&self) -> bool {
        self.warm.as_ref().is_some_and(|warm| warm.is_ready())
    }

    pub(crate) fn forked(&self) -> u64 {
        self.warm.as_ref().map_or(0, |warm| warm.forked())
    }

    pub(crate) fn refusal(&self) -> Option<String> {
        self.warm.as_ref()?.refusal()
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            if entry.file_name() != "__pycache__" {
                fs::create_dir_all(&target).unwrap();
                copy(&entry.path(), &target);
            }
        } else {
            fs::copy(entry.path(), &target).unwrap();
            let before = std::time::SystemTime::now() - Duration::from_secs(60);
            fs::File::options().append(true).open(&target).unwrap().set_modified(before).unwrap();
        }
    }
}

/// The processes that a run of `slow` has begun.
pub(crate) async fn begun(stage: &Stage) -> [i32; 2] {
    let file = stage.path().join("child");
    until(|| file.exists()).await;
    let ids = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let ids: Vec<i32> = ids.split(' ').map(|id| id.parse().unwrap()).collect();
    ids.try_into().unwrap()
}

pub(crate) async fn until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited in vain");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process of this id runs; a zombie does not.
pub(crate) fn is_running(id: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}

/// The processes whose words have this in them.
pub(crate) fn processes(what: &str) -> Vec<i32> {
    let of = |entry: fs::DirEntry| {
        let id: i32 = entry.file_name().to_str()?.parse().ok()?;
        let words = fs::read(entry.path().join("cmdline")).ok()?;
        String::from_utf8_lossy(&words).contains(what).then_some(id)
    };
    fs::read_dir("/proc").unwrap().flatten().filter_map(of).filter(|id| is_running(*id)).collect()
}
