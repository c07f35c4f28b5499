//! A process group: started, signalled, awaited, and certainly gone at the end.
//!
//! The leader is awaited without being reaped (`WNOWAIT`) and reaped last. While it is a zombie its process id, and
//! so the group's, can't be given to anyone else: a signal never reaches a stranger. A leader that a helper has forked
//! is the helper's child: it is reaped there, on our word.

use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};
use tokio::sync::mpsc;

use super::capture::Streams;
use super::counted::Counted;
use super::failure::SpawnError;
use super::warm::Forked;
use super::{End, Spec, sentinel};

/// A program file that was just written can be busy for a moment: a process that another thread is starting holds its
/// descriptor until it has become its own program. So often it is tried again …
const BUSY_RETRIES: u32 = 5;
/// … after such a pause.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// The leader of a running group. Dropping it kills the group.
#[derive(Debug)]
pub(super) struct Group {
    leader: Leader,
    id: Pid,
    _counted: Counted,
}

#[derive(Debug)]
enum Leader {
    /// Our child, and word of changes of children.
    Child(Child, Listener),
    /// A helper's child.
    Forked(Forked),
    /// It is reaped.
    Gone,
}

/// A group that has just begun, and where its leader's output comes from.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) group: Group,
    pub(super) stdout: Option<OwnedFd>,
    pub(super) stderr: Option<OwnedFd>,
}

/// Starts the process: forked by its helper, where it has one that is ready.
pub(super) async fn spawn(
    spec: &Spec,
    lines: Option<mpsc::Sender<String>>,
) -> Result<(Group, Streams), SpawnError> {
    let forked = match &spec.warm {
        Some(warm) => warm.fork(spec).await,
        None => None,
    };
    let fail = |error| SpawnError::new(spec, error);
    let started = match forked {
        Some(started) => started,
        None => directly(spec).await.map_err(fail)?,
    };
    let receive = |pipe: Option<OwnedFd>| pipe.map(Receiver::from_owned_fd).transpose().map_err(fail);
    let streams = Streams::new(
        (receive(started.stdout)?, spec.output_cap),
        (receive(started.stderr)?, spec.error_cap),
        lines,
    );
    Ok((started.group, streams))
}

async fn directly(spec: &Spec) -> std::io::Result<Started> {
    let mut command = command(&spec.command, spec)?;
    command.envs(spec.input.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    start(command).await
}

/// Starts what [`command`] made, as the leader of a group.
pub(super) async fn start(mut command: Command) -> std::io::Result<Started> {
    // Before the start, so that no end is missed.
    let changes = signal(SignalKind::child())?;
    let mut child = spawn_patiently(&mut command).await?;
    let (stdout, stderr) = (child.stdout.take().map(Into::into), child.stderr.take().map(Into::into));
    let group = Group::begun(Leader::Child(child, changes));
    Ok(Started { group, stdout, stderr })
}

async fn spawn_patiently(command: &mut Command) -> std::io::Result<Child> {
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

/// Words to run as a run of `spec` would be, what is of a single run aside. Nothing is run between fork and exec
/// (`pre_exec`): that keeps the standard library on `posix_spawn`, which does not copy this process's page tables.
#[expect(clippy::disallowed_methods, reason = "this is the place that starts processes")]
pub(super) fn command(words: &[std::ffi::OsString], spec: &Spec) -> std::io::Result<Command> {
    let (program, words) = words.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(words).current_dir(&spec.directory).stdin(Stdio::null()).process_group(0);
    for name in spec.unset.iter().chain(spec.input.iter().map(|(name, _)| name)) {
        command.env_remove(name);
    }
    command.envs(spec.set.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

impl Group {
    /// Has the sentinel watch it.
    fn begun(leader: Leader) -> Group {
        let (id, counted) = match &leader {
            Leader::Child(child, _) => (Pid::from_child(child), Counted::new()),
            Leader::Forked(forked) => (forked.id(), Counted::forked()),
            Leader::Gone => unreachable!("what begins is there"),
        };
        sentinel::begun(id);
        Group { leader, id, _counted: counted }
    }

    /// The group of a process that a helper has forked.
    pub(super) fn forked(leader: Forked) -> Group {
        Group::begun(Leader::Forked(leader))
    }

    /// Tells a forked leader what it is to run.
    pub(super) async fn tell(&mut self, request: &[u8]) -> std::io::Result<()> {
        match &mut self.leader {
            Leader::Forked(forked) => forked.tell(request).await,
            Leader::Child(..) | Leader::Gone => Err(std::io::ErrorKind::Unsupported.into()),
        }
    }

    /// The leader's id, which is the group's.
    pub(super) fn id(&self) -> Pid {
        self.id
    }

    /// Ends when the leader has ended. Its zombie is kept until [`Group::end`].
    pub(super) async fn exited(&mut self) {
        let id = self.id;
        match &mut self.leader {
            Leader::Child(_, changes) => {
                // A signal that arrives between the look and the wait is remembered by the listener.
                while !has_exited(id) {
                    changes.recv().await;
                }
            }
            Leader::Forked(forked) => forked.exited().await,
            Leader::Gone => {}
        }
    }

    /// Sends a signal to every process of the group.
    pub(super) fn signal(&self, signal: Signal) {
        if !matches!(self.leader, Leader::Gone) {
            // It fails only where nobody is left to get it.
            let _ = rustix::process::kill_process_group(self.id, signal);
        }
    }

    /// Kills what is left of the group and reaps the leader, which must have ended.
    pub(super) async fn end(mut self) -> End {
        self.signal(Signal::KILL);
        sentinel::ended(self.id);
        match std::mem::replace(&mut self.leader, Leader::Gone) {
            // Where somebody else has reaped our child, its status is lost: by no means a success.
            Leader::Child(mut child, _) => child.wait().map_or(End::Signal(0), how),
            Leader::Forked(forked) => forked.end().await.map_or(End::Orphaned, how),
            Leader::Gone => End::Signal(0),
        }
    }
}

fn has_exited(id: Pid) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match rustix::process::waitid(WaitId::Pid(id), look) {
        Ok(ended) => ended.is_some(),
        // Any other error: there is no such child any more.
        Err(error) => error != Errno::INTR,
    }
}

fn how(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exit(code),
        (None, signal) => End::Signal(signal.unwrap_or_default()),
    }
}

impl Drop for Group {
    /// The way out when the runtime stops in the middle of a run.
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        match std::mem::replace(&mut self.leader, Leader::Gone) {
            Leader::Child(mut child, _) => {
                sentinel::ended(self.id);
                // The end of a killed process is near but not immediate, and a runtime's thread must not wait for it.
                let reaper = std::thread::Builder::new().name("reaper".into());
                // Without a thread the zombie stays until this process ends, which is about to happen.
                let _ = reaper.spawn(move || child.wait());
            }
            Leader::Forked(forked) => {
                sentinel::ended(self.id);
                forked.abandon();
            }
            Leader::Gone => {}
        }
    }
}
