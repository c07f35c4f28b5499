//! What happens to running groups when this process dies without a chance to end them (SIGKILL, out of memory): a
//! second, tiny process notices and kills them.
//!
//! It reads the begin and the end of each group from a pipe. The system closes the pipe when this process is gone,
//! however it went; then whatever has begun and not ended is killed. Linux's parent-death signal would do less at a
//! higher price: it reaches the leader only and not its group, comes when the *thread* that started the process ends,
//! and setting it costs the standard library's `posix_spawn` path (a fork takes several times as long, the more so
//! the more memory this process has).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal};

/// The pipe to the sentinel. One a process, as the groups that it watches are the process's.
static SENTINEL: OnceLock<ChildStdin> = OnceLock::new();

/// Starts the sentinel: `command` must run a program that calls [`watch`] with its standard input, for example this
/// program's own executable with a word that selects that. Groups that begin from now on are watched. A second call
/// changes nothing.
#[expect(clippy::disallowed_methods, reason = "this module belongs to the place that starts processes")]
pub fn post_sentinel(command: &[OsString]) -> std::io::Result<()> {
    if SENTINEL.get().is_some() {
        return Ok(());
    }
    let (program, words) = command.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut command = std::process::Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Its own group, so that an interrupt from the terminal does not end it before us.
    let mut child = command.process_group(0).spawn()?;
    let pipe = child.stdin.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    // A sentinel that does not read must not hold calls up.
    rustix::io::ioctl_fionbio(&pipe, true)?;
    // Of two at once the second is closed here, and so it ends.
    let _ = SENTINEL.set(pipe);
    Ok(())
}

/// The sentinel's whole work: returns at the end of `reports`, when every group that had not ended is killed.
pub fn watch(reports: impl BufRead) {
    let mut groups = BTreeSet::new();
    for report in reports.lines().map_while(Result::ok) {
        match (report.get(..1), report.get(1..).and_then(|id| id.parse::<i32>().ok())) {
            (Some("+"), Some(id)) => drop(groups.insert(id)),
            (Some("-"), Some(id)) => drop(groups.remove(&id)),
            // Not from us.
            _ => {}
        }
    }
    for group in groups.into_iter().filter(|&id| id > 1).filter_map(Pid::from_raw) {
        // It fails only where the group is gone already.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

/// Tells the sentinel, if there is one, that a group has begun.
pub(super) fn begun(group: Pid) {
    report('+', group);
}

/// Tells it that the group has ended; to be called before the leader is reaped, while the id is still its own.
pub(super) fn ended(group: Pid) {
    report('-', group);
}

fn report(what: char, group: Pid) {
    if let Some(mut pipe) = SENTINEL.get() {
        // One write, and so short that a pipe takes it whole or not at all. A sentinel that is gone or stuck is no
        // reason to refuse calls: its absence matters only if we are killed.
        let _ = pipe.write_all(format!("{what}{}\n", group.as_raw_pid()).as_bytes());
    }
}
