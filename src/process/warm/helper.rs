//! A helper process and what is spoken with it.
//!
//! Its standard output is a socket of packets, on which we send
//!
//! - the setup: the directory, the search path that it should have had (`=VALUE`, or nothing), and the names of
//!   variables that differ from run to run, separated by NUL. It answers `+ID NOTE` or `-REASON`;
//! - `c` with three descriptors, to have it fork: standard output, standard error, and the run's stream;
//! - `rID`, to have it reap a child that has ended.
//!
//! To the stream (numbers of four bytes, least first) it writes the child's id, or a negative number where it did not
//! fork, and in the end the child's wait status. The child reads a length and the request from it, and nothing of the
//! program happens before: by then its group is watched. The end of the stream is the end of the helper.

use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::pipe::Receiver;

use super::super::Spec;
use super::super::counted::CountedHelper;
use super::super::group::{self, Group, Started};
use super::Plan;
use crate::text;

/// How long a helper may take to be ready: many times what the slowest imports take. Nobody waits for it.
const START: Duration = Duration::from_secs(120);

/// How long a helper may take for an answer: many times what a fork takes on a busy machine.
const ANSWER: Duration = Duration::from_secs(10);

/// Bytes of a packet from it, and of what is kept of what it prints.
const PACKET: usize = 4096;

/// A child was not forked because files have changed.
const CHANGED: i32 = -1;

/// A helper that is ready. Dropping it ends it; what it has forked holds it.
#[derive(Debug)]
pub(super) struct Helper {
    control: UnixStream,
    runs: AtomicU32,
    used: Mutex<Instant>,
    group: Group,
    _counted: CountedHelper,
}

/// Why a helper did not fork.
#[derive(Debug)]
pub(super) enum Unable {
    /// It might another time.
    Now,
    /// Files that it has read are others now.
    Changed,
    /// It is not there any more, or does not answer.
    Dead,
}

impl Helper {
    /// Starts one for runs like this one; with what it has to say of itself.
    pub(super) async fn start(plan: &Plan, spec: &Spec) -> Result<(Helper, String), String> {
        match tokio::time::timeout(START, begin(plan, spec)).await {
            Ok(Ok(begun)) => begun,
            Ok(Err(error)) => Err(format!("its helper could not be started: {error}")),
            Err(_) => Err(format!("its modules take longer than {} s to be imported", START.as_secs())),
        }
    }

    /// How many runs it has been asked to fork for.
    pub(super) fn runs(&self) -> u32 {
        self.runs.load(Ordering::Relaxed)
    }

    /// How long ago the last of these was.
    pub(super) fn idle(&self) -> Duration {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Forks for a run.
    pub(super) async fn fork(self: &Arc<Helper>, request: &[u8]) -> Result<Started, Unable> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        // Nothing that we do here can fail unless the system is short of something.
        let now = |_| Unable::Now;
        let (stdout, to_stdout) = io::pipe().map_err(now)?;
        let (stderr, to_stderr) = io::pipe().map_err(now)?;
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(now)?;
        ours.set_nonblocking(true).map_err(now)?;
        let mut stream = UnixStream::from_std(ours).map_err(now)?;
        let sent = self.send(b"c", &[to_stdout.as_fd(), to_stderr.as_fd(), theirs.as_fd()]).await;
        drop((to_stdout, to_stderr, theirs));
        sent.map_err(|_| Unable::Dead)?;
        let id = match answer(&mut stream).await {
            Ok(id) if id > 0 => Pid::from_raw(id).ok_or(Unable::Now)?,
            Ok(CHANGED) => return Err(Unable::Changed),
            Ok(_) => return Err(Unable::Now),
            Err(_) => return Err(Unable::Dead),
        };
        let ended = rustix::process::pidfd_open(id, PidfdFlags::empty()).map_err(io::Error::from);
        // It is no pipe, but tells its end as one does.
        let ended = ended.and_then(|fd| Receiver::from_file_unchecked(fd.into())).map_err(now)?;
        let mut group = Group::forked(Forked { helper: Arc::clone(self), id, ended, stream });
        // Only now does it begin.
        group.tell(request).await.map_err(now)?;
        Ok(Started { group, stdout: Some(stdout.into()), stderr: Some(stderr.into()) })
    }

    async fn send(&self, packet: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.control.async_io(Interest::WRITABLE, || send(&self.control, packet, descriptors)).await
    }
}

/// The outer error is the system's, the inner one the helper's refusal.
async fn begin(plan: &Plan, spec: &Spec) -> io::Result<Result<(Helper, String), String>> {
    let directory = tempfile::Builder::new().prefix("smcp-").tempdir()?;
    std::fs::write(directory.path().join(plan.passenger.0), plan.passenger.1)?;
    let kind = SocketType::SEQPACKET;
    let (ours, theirs) = rustix::net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    let words: Vec<_> = plan.launch.iter().chain([&plan.argument]).cloned().collect();
    let mut command = group::command(&words, spec)?;
    let search = search_path(plan, spec);
    let mut path = directory.path().as_os_str().to_owned();
    if let Some(rest) = search.as_ref().filter(|rest| !rest.is_empty()) {
        path.push(":");
        path.push(rest);
    }
    command.env(plan.variable, path).stdout(theirs).stderr(Stdio::piped());
    let started = group::start(command).await?;
    let control = UnixStream::from_std(ours.into())?;
    send(&control, &setup(spec, search.as_deref()), &[])?;
    let mut stderr = started.stderr.map(Receiver::from_owned_fd).transpose()?;
    let mut said = Vec::new();
    let answer = tokio::select! {
        biased;
        answer = receive(&control) => answer?,
        never = listen(&mut stderr, &mut said) => match never {},
    };
    while take(&mut stderr, &mut said) {}
    let helper = Helper {
        control,
        runs: AtomicU32::new(0),
        used: Mutex::new(Instant::now()),
        group: started.group,
        _counted: CountedHelper::new(),
    };
    Ok(judge(&helper, &answer, &said).map(|note| (helper, note)))
}

fn search_path(plan: &Plan, spec: &Spec) -> Option<std::ffi::OsString> {
    let set = spec.set.iter().rev().find(|(name, _)| name == plan.variable).map(|(_, value)| value.clone());
    let inherited = || plan.inherited.clone().filter(|_| !spec.unset.iter().any(|n| n == plan.variable));
    set.or_else(inherited)
}

fn setup(spec: &Spec, search: Option<&std::ffi::OsStr>) -> Vec<u8> {
    let search = search.map(|search| [b"=", search.as_bytes()].concat()).unwrap_or_default();
    let names = spec.input.iter().map(|(name, _)| name.as_bytes());
    let parts = [spec.directory.as_os_str().as_bytes(), &search];
    parts.into_iter().chain(names).collect::<Vec<_>>().join(&0)
}

/// What a helper says of itself, or why it is none.
fn judge(helper: &Helper, answer: &[u8], said: &[u8]) -> Result<String, String> {
    let said = text::plain(&String::from_utf8_lossy(said));
    let said = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    let answer = String::from_utf8_lossy(answer);
    match (answer.split_at_checked(1), said) {
        (None, said) => Err(format!("its helper ended at once: {}", said.unwrap_or("without a word"))),
        (Some(("+", _)), Some(line)) => Err(format!("it prints when its modules are imported: {line}")),
        (Some(("+", ready)), None) => match ready.split_once(' ') {
            Some((id, note)) if id == helper.group.id().as_raw_pid().to_string() => Ok(note.to_owned()),
            _ => Err("its interpreter runs in a process that is not the one that was started".into()),
        },
        (Some(("-", reason)), _) => Err(text::plain(reason)),
        _ => Err("its interpreter does not load what would keep it warm".into()),
    }
}

async fn listen(stderr: &mut Option<Receiver>, said: &mut Vec<u8>) -> std::convert::Infallible {
    while let Some(pipe) = stderr.as_ref() {
        // A failure will show again in the read.
        drop(pipe.readable().await);
        take(stderr, said);
    }
    std::future::pending().await
}

/// Reads once without waiting; whether there was something. The last of it is kept.
fn take(stderr: &mut Option<Receiver>, said: &mut Vec<u8>) -> bool {
    let Some(pipe) = stderr else { return false };
    let mut buffer = [0; PACKET];
    match pipe.try_read(&mut buffer) {
        Ok(0) => *stderr = None,
        Ok(read) => {
            said.extend_from_slice(&buffer[..read]);
            said.drain(..said.len().saturating_sub(PACKET));
            return true;
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(_) => *stderr = None,
    }
    false
}

/// A packet; an empty one where there will be none.
async fn receive(control: &UnixStream) -> io::Result<Vec<u8>> {
    let mut packet = vec![0; PACKET];
    let read = control.async_io(Interest::READABLE, || Ok(rustix::io::read(control, &mut packet[..])?)).await;
    match read {
        Ok(read) => packet.truncate(read),
        // Whoever ends without having read our packet.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => packet.clear(),
        Err(error) => return Err(error),
    }
    Ok(packet)
}

fn send(control: &UnixStream, packet: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut extra = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        extra.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    rustix::net::sendmsg(control, &[IoSlice::new(packet)], &mut extra, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// A number from a helper.
async fn answer(stream: &mut UnixStream) -> io::Result<i32> {
    tokio::time::timeout(ANSWER, stream.read_i32_le()).await?
}

/// A child of a helper, the leader of a group.
#[derive(Debug)]
pub(in crate::process) struct Forked {
    helper: Arc<Helper>,
    id: Pid,
    /// Its process descriptor, which is readable once it has ended.
    ended: Receiver,
    stream: UnixStream,
}

impl Forked {
    pub(in crate::process) fn id(&self) -> Pid {
        self.id
    }

    /// Tells the child what it is to run.
    pub(in crate::process) async fn tell(&mut self, request: &[u8]) -> io::Result<()> {
        let size = u32::try_from(request.len()).map_err(|_| ErrorKind::InvalidInput)?;
        self.stream.write_all(&[&size.to_le_bytes(), request].concat()).await
    }

    /// Ends when the child has ended. Should the helper be gone before, its group is killed: nobody would know how it
    /// ends.
    pub(in crate::process) async fn exited(&mut self) {
        tokio::select! {
            biased;
            _ = self.ended.readable() => return,
            () = orphaned(&self.stream) => {}
        }
        // The child was there a moment ago, and ids are given anew only after all others were.
        let _ = rustix::process::kill_process_group(self.id, Signal::KILL);
        let _ = self.ended.readable().await;
    }

    /// Has the child reaped, which must have ended. An error: the helper is gone, and with it the status.
    pub(in crate::process) async fn end(mut self) -> io::Result<ExitStatus> {
        self.helper.send(&self.reaping(), &[]).await?;
        answer(&mut self.stream).await.map(ExitStatus::from_raw)
    }

    /// Has the child reaped, which was killed. Where that can't be said now, it stays a zombie of the helper's.
    pub(in crate::process) fn abandon(self) {
        let _ = send(&self.helper.control, &self.reaping(), &[]);
    }

    fn reaping(&self) -> Vec<u8> {
        format!("r{}", self.id.as_raw_pid()).into_bytes()
    }
}

/// Ends when the stream has ended, to which a helper writes nothing unasked.
async fn orphaned(stream: &UnixStream) {
    loop {
        if stream.readable().await.is_err() {
            return;
        }
        match stream.try_read(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => return,
        }
    }
}
