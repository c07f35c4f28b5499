//! Why a process could not be started: the system's error → the reason that a person can act on.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::Spec;

/// How far the interpreter is looked for in a program's first line: what Linux reads of it.
const SHEBANG_LIMIT: u64 = 256;

/// A process that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("`{program}` could not be started: {reason}")]
pub struct SpawnError {
    /// The program.
    pub program: String,
    /// What is wrong, as far as it can be told.
    pub reason: Reason,
    /// What the system said.
    pub source: std::io::Error,
}

/// What keeps a program from being started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The directory to run in is gone, or none.
    #[error("its directory `{0}` does not exist")]
    NoDirectory(String),
    /// There is no such file, or none of that name on `PATH`.
    #[error("there is no such program")]
    NotFound,
    /// Its first line names an interpreter that does not exist.
    #[error("its first line asks for `{0}`, which does not exist")]
    NoInterpreter(String),
    /// It, or the way to it, may not be executed.
    #[error("permission denied (is it executable?)")]
    NoPermission,
    /// It is neither a binary of this system nor a script with a first line `#!…`.
    #[error("it is no program that this system can execute (a script needs a first line `#!…`)")]
    NotExecutable,
    /// The system refuses this many or this long words.
    #[error("its arguments are longer than the system allows (on Linux 128 KiB for a single one)")]
    TooLong,
    /// A word holds a NUL character, or there is no word at all.
    #[error("its arguments can't be passed on (a NUL character?)")]
    BadWord,
    /// Something else; the source tells.
    #[error("the system refused")]
    Other,
}

impl SpawnError {
    pub(super) fn new(spec: &Spec, source: std::io::Error) -> SpawnError {
        let program = spec.command.first().map(PathBuf::from).unwrap_or_default();
        let reason = reason(&program, &spec.directory, &source);
        SpawnError { program: program.display().to_string(), reason, source }
    }
}

fn reason(program: &Path, directory: &Path, error: &std::io::Error) -> Reason {
    match error.kind() {
        _ if !directory.is_dir() => Reason::NoDirectory(directory.display().to_string()),
        // The system says the same of a program and of its interpreter.
        ErrorKind::NotFound => match interpreter(&directory.join(program)) {
            Some(interpreter) => Reason::NoInterpreter(interpreter),
            None => Reason::NotFound,
        },
        ErrorKind::PermissionDenied => Reason::NoPermission,
        ErrorKind::ArgumentListTooLong => Reason::TooLong,
        ErrorKind::InvalidInput => Reason::BadWord,
        _ if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => Reason::NotExecutable,
        _ => Reason::Other,
    }
}

/// The interpreter that a script's first line names.
fn interpreter(script: &Path) -> Option<String> {
    let mut start = Vec::new();
    std::fs::File::open(script).ok()?.take(SHEBANG_LIMIT).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|&b| b == b'\n').next()?;
    // A carriage return at the end of the line is part of the name, and then the usual culprit: show it.
    let line = String::from_utf8_lossy(line).replace('\r', "\\r");
    line.split_whitespace().next().map(str::to_owned)
}
