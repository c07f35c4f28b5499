//! A process group: started, signalled, awaited, and certainly gone at the end.
//!
//! The leader is awaited without being reaped (`WNOWAIT`) and reaped last. While it is a zombie its process id, and
//! so the group's, can't be given to anyone else: a signal never reaches a stranger.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};
use tokio::sync::mpsc;

use super::capture::Streams;
use super::counted::Counted;
use super::failure::SpawnError;
use super::{End, Spec, sentinel};

/// A program file that was just written can be busy for a moment: a process that another thread is starting holds its
/// descriptor until it has become its own program. So often it is tried again …
const BUSY_RETRIES: u32 = 5;
/// … after such a pause.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// The leader of a running group. Dropping it kills the group.
#[derive(Debug)]
pub(super) struct Group {
    /// `None` once it is reaped.
    leader: Option<Child>,
    id: Pid,
    child_changes: Listener,
    _counted: Counted,
}

/// Starts the process.
pub(super) async fn spawn(
    spec: &Spec,
    lines: Option<mpsc::Sender<String>>,
) -> Result<(Group, Streams), SpawnError> {
    let fail = |error| SpawnError::new(spec, error);
    // Before the start, so that no end is missed.
    let child_changes = signal(SignalKind::child()).map_err(fail)?;
    let mut child = start(spec).await.map_err(fail)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let id = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("the system gives a process a positive id");
    sentinel::begun(id);
    let group = Group { leader: Some(child), id, child_changes, _counted: Counted::new() };
    let receive =
        |pipe: Option<std::os::fd::OwnedFd>| pipe.map(Receiver::from_owned_fd).transpose().map_err(fail);
    let streams = Streams::new(
        (receive(stdout.map(Into::into))?, spec.output_cap),
        (receive(stderr.map(Into::into))?, spec.error_cap),
        lines,
    );
    Ok((group, streams))
}

async fn start(spec: &Spec) -> std::io::Result<Child> {
    let mut command = command(spec)?;
    let mut retries = 0;
    loop {
        match command.spawn() {
            Err(error)
                if error.kind() == std::io::ErrorKind::ExecutableFileBusy && retries < BUSY_RETRIES =>
            {
                retries += 1;
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            started => return started,
        }
    }
}

/// Nothing is run between fork and exec (`pre_exec`): that keeps the standard library on `posix_spawn`, which does not
/// copy this process's page tables.
#[expect(clippy::disallowed_methods, reason = "this is the place that starts processes")]
fn command(spec: &Spec) -> std::io::Result<std::process::Command> {
    let (program, words) = spec.command.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut command = std::process::Command::new(program);
    command.args(words).current_dir(&spec.directory);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    for name in &spec.unset {
        command.env_remove(name);
    }
    command.envs(spec.set.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

impl Group {
    /// Ends when the leader has ended. Its zombie is kept until [`Group::end`].
    pub(super) async fn exited(&mut self) {
        // A signal that arrives between the look and the wait is remembered by the listener.
        while !self.has_exited() {
            self.child_changes.recv().await;
        }
    }

    fn has_exited(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match rustix::process::waitid(WaitId::Pid(self.id), look) {
            Ok(ended) => ended.is_some(),
            // Any other error: there is no such child any more.
            Err(error) => error != Errno::INTR,
        }
    }

    /// Sends a signal to every process of the group.
    pub(super) fn signal(&self, signal: Signal) {
        if self.leader.is_some() {
            // It fails only where nobody is left to get it.
            let _ = rustix::process::kill_process_group(self.id, signal);
        }
    }

    /// Kills what is left of the group and reaps the leader, which must have ended.
    pub(super) fn end(mut self) -> End {
        self.signal(Signal::KILL);
        sentinel::ended(self.id);
        let status = self.leader.take().map(|mut leader| leader.wait());
        match status {
            Some(Ok(status)) => match (status.code(), status.signal()) {
                (Some(code), _) => End::Exit(code),
                (None, signal) => End::Signal(signal.unwrap_or_default()),
            },
            // Somebody else has reaped our child, so its status is lost: by no means a success.
            _ => End::Signal(0),
        }
    }
}

impl Drop for Group {
    /// The way out when the runtime stops in the middle of a run.
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        if let Some(mut leader) = self.leader.take() {
            sentinel::ended(self.id);
            // The end of a killed process is near but not immediate, and a runtime's thread must not wait for it.
            let reaper = std::thread::Builder::new().name("reaper".into());
            // Without a thread the zombie stays until this process ends, which is about to happen.
            let _ = reaper.spawn(move || leader.wait());
        }
    }
}
