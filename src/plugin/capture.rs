//! A program and the words of a command → its help page, and the live description that the same process wrote.
//!
//! The rule of what is run: `--help`, and `-h` only after a usage has been seen (see [`Capturer::help`]). A run has no
//! standard input, a time limit, a bound on its output, and an environment in which help is plain and unwrapped.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::config::Discovery;
use crate::contract::files;
use crate::live;
use crate::model::{Command, Diagnostic, Severity};
use crate::process::{self, Captured, End, Finished, SpawnError, Spec};

use super::answer;

/// Bytes of a help page that are read; a page of 2,000 lines has a twentieth of it.
const PAGE_CAP: usize = 4 * 1024 * 1024;

/// Bytes of a live description that are read: a whole tree is larger than a page.
const LIVE_CAP: u64 = 16 * 1024 * 1024;

/// Between SIGTERM and SIGKILL for a program that hangs while it should print help: it has nothing to save.
const GRACE: Duration = Duration::from_millis(500);

/// Hanging runs after which a program is left alone: each costs the whole time limit.
const MAX_HANGS: usize = 3;

/// Characters of standard error that a reason quotes from its end.
const TAIL: usize = 300;

/// Variables that would colour the page whatever else is said, or that make a program complete words instead of run.
const DISTURBING: [&str; 4] = ["FORCE_COLOR", "CLICOLOR_FORCE", "_ARGCOMPLETE", "PYTHONINSPECT"];

/// The environment of capture runs. The width: argparse wraps usage and help at `COLUMNS - 2` and caps the help column at
/// 24 whatever the width, so nothing real wraps at 10,000 and no layout work grows with the width; a formatter that pads
/// or rules every line to the full width still has room for 400 lines within [`PAGE_CAP`].
///
/// That it is read as UTF-8 is left to the locale: programs take `PYTHONIOENCODING` for a default of their options, which
/// would then be another one than in calls.
const ENVIRONMENT: [(&str, &str); 9] = [
    ("COLUMNS", "10000"),
    ("NO_COLOR", "1"),
    ("PYTHON_COLORS", "0"),
    ("TERM", "dumb"),
    ("LC_ALL", "C.UTF-8"),
    ("LANGUAGE", ""),
    ("PYTHONUNBUFFERED", "1"),
    ("PAGER", "cat"),
    ("MANPAGER", "cat"),
];

/// A program that can be asked for help.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it runs.
    pub directory: PathBuf,
    /// The words that start it.
    pub launch: Vec<OsString>,
    /// Variables that its manifest sets.
    pub env: Vec<(String, String)>,
    /// Whether its parser object may be asked.
    pub live: bool,
    /// How often it hung when it was asked.
    pub hangs: Hangs,
}

/// Counts runs that did not end in time.
#[derive(Clone, Debug, Default)]
pub struct Hangs(Arc<AtomicUsize>);

/// A help page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// What was printed.
    pub text: String,
    /// The error of argparse that it came with: then it is only the usage, and does not show everything.
    pub error: Option<String>,
    /// What the parser object that printed it says of itself.
    pub live: Option<Command>,
    /// What was odd about the capture.
    pub diagnostics: Vec<Diagnostic>,
}

/// Why there is no help page.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The program can't be started.
    #[error(transparent)]
    Spawn(SpawnError),
    /// It did not end in time.
    #[error("no help within {0:?}; the program was ended")]
    TimedOut(Duration),
    /// It printed something else.
    #[error("`--help` printed no usage ({how}){tail}")]
    NoUsage {
        /// How the program ended.
        how: String,
        /// The end of what it wrote to standard error, after a colon, or nothing.
        tail: String,
    },
    /// It hung too often to be run again.
    #[error("not asked for, since other commands of this program hung")]
    GaveUp,
    /// It has no way to be asked that is known not to run it.
    #[error("not asked for, since `--help` may be a word like any other to it")]
    Unasked,
}

/// Runs programs for their help pages, so many at a time over all plugins.
#[derive(Debug)]
pub struct Capturer {
    timeout: Duration,
    python_path: Option<OsString>,
    secret_variables: Vec<String>,
    permits: Semaphore,
    passenger: Option<TempDir>,
    runs: AtomicU64,
}

impl Capturer {
    /// A capturer with these bounds. An error means that the passenger can't be written; without live descriptions
    /// nothing is written.
    pub fn new(discovery: &Discovery) -> io::Result<Capturer> {
        let passenger = if discovery.live { Some(board()?) } else { None };
        Ok(Capturer { passenger, ..Capturer::without_live(discovery) })
    }

    /// A capturer that goes by help pages alone.
    pub fn without_live(discovery: &Discovery) -> Capturer {
        Capturer {
            timeout: discovery.help_timeout,
            python_path: discovery.python_path.clone(),
            secret_variables: discovery.secret_variables.clone(),
            permits: Semaphore::new(discovery.parallel.max(1)),
            passenger: None,
            runs: AtomicU64::new(0),
        }
    }

    /// The help page of the command that `words` lead to, asked for by `flag` (`--help` by default). `-h`, or what the usage offers in its place, is tried only on a
    /// program that answered `--help` with its usage and an error: it parses its command line, so it does not run by mistake.
    pub async fn help(&self, program: &Program, words: &[String], flag: &str) -> Result<Page, CaptureError> {
        let (page, short_flag) = self.ask(program, words, flag).await?;
        let Some(short_flag) = short_flag else { return Ok(page) };
        match self.ask(program, words, &short_flag).await {
            Ok((better, _)) if better.error.is_none() => Ok(better),
            _ => Ok(page),
        }
    }

    async fn ask(
        &self,
        program: &Program,
        words: &[String],
        flag: &str,
    ) -> Result<(Page, Option<String>), CaptureError> {
        let output = program.live.then(|| self.output_file()).flatten();
        let words: Vec<&OsStr> = words.iter().map(OsStr::new).chain([OsStr::new(flag)]).collect();
        let finished = self.run(program, &words, output.as_deref()).await?;
        let (live, mut diagnostics) = output.map(|path| read_live(&path)).unwrap_or_default();
        let stdout = String::from_utf8_lossy(&finished.stdout.head);
        let stderr = String::from_utf8_lossy(&finished.stderr.head);
        // Who was killed may have been in the middle of its page, unless its parser has told all.
        let is_whole = live.is_some() || !matches!(finished.end, End::Signal(_));
        let Some(answer) = answer::page(&stdout, &stderr).filter(|_| is_whole) else {
            // A live description and a good end prove that the parser printed its help, whatever that looks like.
            let proven = live.filter(|_| finished.end == End::Exit(0));
            let Some(live) = proven else { return Err(silence(&finished, self.timeout)) };
            let page = Page { text: stdout.into_owned(), error: None, live: Some(live), diagnostics };
            return Ok((page, None));
        };
        if finished.stdout.total > finished.stdout.head.len() as u64 {
            diagnostics.push(Diagnostic::new(
                Severity::Warning,
                "help-truncated",
                format!("the help page is longer than {PAGE_CAP} bytes; the rest was not read"),
            ));
        }
        let short_flag = answer.short_flag();
        Ok((Page { error: answer.error, text: answer.text, live, diagnostics }, short_flag))
    }

    /// Runs the program with some words, bounded as all capture runs are. Only `--help`, `-h` (or `+h`), the flag by which
    /// a parser is known to print its help and, where somebody asked for it, `--describe` may be among them.
    pub(super) async fn run(
        &self,
        program: &Program,
        words: &[&OsStr],
        live_output: Option<&Path>,
    ) -> Result<Finished, CaptureError> {
        self.run_bounded(program, &self.spec(program, words, live_output)).await
    }

    /// Runs it as one of so many at a time, unless the program hung too often.
    pub(super) async fn run_bounded(&self, program: &Program, spec: &Spec) -> Result<Finished, CaptureError> {
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
        if program.hangs.0.load(Ordering::Relaxed) >= MAX_HANGS {
            return Err(CaptureError::GaveUp);
        }
        let finished =
            process::run(spec, &CancellationToken::new(), None).await.map_err(CaptureError::Spawn)?;
        if finished.end == End::TimedOut {
            program.hangs.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(finished)
    }

    pub(super) fn spec(&self, program: &Program, words: &[&OsStr], live_output: Option<&Path>) -> Spec {
        let mut set: Vec<(OsString, OsString)> =
            program.env.iter().map(|(name, value)| (name.into(), value.into())).collect();
        set.extend(ENVIRONMENT.iter().map(|(name, value)| (name.into(), value.into())));
        if let (Some(output), Some(passenger)) = (live_output, &self.passenger) {
            let theirs = set.iter().find(|(name, _)| name == "PYTHONPATH").map(|(_, value)| value.clone());
            let mut path = passenger.path().as_os_str().to_owned();
            if let Some(theirs) = theirs.or_else(|| self.python_path.clone()).filter(|p| !p.is_empty()) {
                path.push(":");
                path.push(theirs);
            }
            set.retain(|(name, _)| name != "PYTHONPATH");
            set.push(("PYTHONPATH".into(), path));
            set.push((live::OUTPUT_VARIABLE.into(), output.into()));
            if words.len() == 1 {
                set.push((live::ROOT_VARIABLE.into(), "1".into()));
            }
        }
        let secrets = self.secret_variables.iter().map(String::as_str);
        Spec {
            command: program
                .launch
                .iter()
                .map(OsString::as_os_str)
                .chain(words.iter().copied())
                .map(Into::into)
                .collect(),
            directory: program.directory.clone(),
            set,
            unset: secrets.chain(DISTURBING).map(OsString::from).collect(),
            input: Vec::new(),
            warm: None,
            timeout: Some(self.timeout),
            grace: GRACE,
            output_cap: PAGE_CAP,
            error_cap: PAGE_CAP,
        }
    }

    /// A file of its own for each run's live description.
    pub(super) fn output_file(&self) -> Option<PathBuf> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        self.passenger.as_ref().map(|dir| dir.path().join(format!("live-{run}.json")))
    }
}

/// Puts the passenger into a private directory that goes with the capturer.
fn board() -> io::Result<TempDir> {
    let directory = tempfile::Builder::new().prefix("smcp-").tempdir()?;
    for (name, source) in live::PASSENGER {
        fs::write(directory.path().join(name), source)?;
    }
    Ok(directory)
}

/// Reads and removes what the passenger wrote. Nothing is written where the passenger could not load: no fault.
fn read_live(path: &Path) -> (Option<Command>, Vec<Diagnostic>) {
    let read = files::read(path, LIVE_CAP);
    // Left behind, it goes with the directory.
    let _ = fs::remove_file(path);
    let fault = match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (None, Vec::new()),
        Err(error) => format!("the live description can't be read: {error}"),
        Ok(json) => match live::read(&json) {
            Ok(command) => return (Some(command), Vec::new()),
            Err(error) => error.to_string(),
        },
    };
    (None, vec![Diagnostic::new(Severity::Warning, "live-unusable", fault)])
}

fn silence(finished: &Finished, timeout: Duration) -> CaptureError {
    match finished.end {
        End::TimedOut => CaptureError::TimedOut(timeout),
        end => CaptureError::NoUsage { how: how(end), tail: tail(&finished.stderr) },
    }
}

/// How a process ended, in words.
pub(super) fn how(end: End) -> String {
    match end {
        End::Exit(code) => format!("exit code {code}"),
        End::Signal(signal) => format!("ended by signal {signal}"),
        End::TimedOut => "ended after its time limit".into(),
        End::Cancelled => "cancelled".into(),
        End::Orphaned => "ended since its helper was gone".into(),
    }
}

/// The end of standard error, after a colon; empty where there is nothing to quote.
pub(super) fn tail(stderr: &Captured) -> String {
    let bytes = if stderr.tail.is_empty() { &stderr.head } else { &stderr.tail };
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    let skipped = text.chars().count().saturating_sub(TAIL);
    let end: String =
        text.chars().skip(skipped).map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
    match (end.is_empty(), skipped) {
        (true, _) => String::new(),
        (false, 0) => format!(": {end}"),
        (false, _) => format!(": …{end}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capturer(live: bool, python_path: Option<&str>) -> Capturer {
        Capturer::new(&Discovery {
            python: "python3".into(),
            live,
            describe: false,
            warm: false,
            help_timeout: Duration::from_secs(1),
            parallel: 1,
            path: None,
            python_path: python_path.map(OsString::from),
            secret_variables: vec!["MCP_API_KEY".into(), "PROFILE_KEY".into()],
        })
        .unwrap()
    }

    #[test]
    fn the_passenger_stands_before_every_other_python_path() {
        let check = |theirs: Option<&str>, ours: Option<&str>, expected: &str| {
            let capturer = capturer(true, ours);
            let program = Program {
                directory: "/p".into(),
                launch: vec!["/p/cli.py".into()],
                env: theirs.map(|v| ("PYTHONPATH".to_owned(), v.to_owned())).into_iter().collect(),
                live: true,
                hangs: Hangs::default(),
            };
            let output = capturer.output_file().unwrap();
            let spec = capturer.spec(&program, &[OsStr::new("--help")], Some(&output));
            let values: Vec<_> = spec.set.iter().filter(|(name, _)| name == "PYTHONPATH").collect();
            let directory = capturer.passenger.as_ref().unwrap().path().to_str().unwrap();
            assert_eq!(values.len(), 1);
            assert_eq!(values[0].1.to_str().unwrap(), format!("{directory}{expected}"));
            assert_eq!(spec.command, ["/p/cli.py", "--help"]);
            assert!(spec.unset.contains(&"MCP_API_KEY".into()));
        };
        check(None, None, "");
        check(None, Some("/ours"), ":/ours");
        check(Some("lib"), Some("/ours"), ":lib");
    }

    #[test]
    fn without_live_there_is_no_passenger() {
        let capturer = capturer(false, None);
        assert!(capturer.output_file().is_none());
        let program = Program {
            directory: "/".into(),
            launch: vec![],
            env: vec![],
            live: true,
            hangs: Hangs::default(),
        };
        let spec = capturer.spec(&program, &[], None);
        assert!(spec.set.iter().all(|(name, _)| name != "PYTHONPATH" && name != live::OUTPUT_VARIABLE));
    }

    #[test]
    fn reasons_quote_the_end_of_standard_error() {
        let check = |head: &str, expected: &str| {
            assert_eq!(tail(&Captured { head: head.into(), ..Captured::default() }), expected);
        };
        check("", "");
        check(" \n", "");
        check("ImportError: x\n", ": ImportError: x");
        check(&"ab".repeat(200), &format!(": …{}", "ab".repeat(150)));
    }
}
