//! The spawner against real programs: how they end, what is kept of their output, and that nothing is left behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![allow(clippy::disallowed_methods, reason = "tests start programs")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use smcp::process::{End, Finished, MAX_LINE, Reason, SpawnError, Spec, post_sentinel, run, watch};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Longer than any of these programs needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn python() -> OsString {
    let listed = std::env::var_os("SMCP_TEST_PYTHONS");
    let newest = listed.and_then(|paths| std::env::split_paths(&paths).last());
    newest.map_or_else(|| "python3".into(), PathBuf::into_os_string)
}

/// A directory to run in, and what is common to most runs.
struct Fixture {
    directory: TempDir,
    spec: Spec,
}

impl Fixture {
    fn new(command: impl IntoIterator<Item = impl Into<OsString>>) -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let spec = Spec {
            command: command.into_iter().map(Into::into).collect(),
            directory: directory.path().to_owned(),
            set: Vec::new(),
            unset: Vec::new(),
            input: Vec::new(),
            warm: None,
            timeout: Some(PATIENCE),
            grace: Duration::from_secs(10),
            output_cap: 1 << 20,
            error_cap: 1 << 16,
        };
        Fixture { directory, spec }
    }

    fn python(program: &str) -> Fixture {
        Fixture::new([python(), "-c".into(), program.into()])
    }

    fn sh(program: &str) -> Fixture {
        Fixture::new(["/bin/sh", "-c", program])
    }

    async fn run(&self) -> Finished {
        run(&self.spec, &CancellationToken::new(), None).await.unwrap()
    }

    async fn fail(&self) -> SpawnError {
        run(&self.spec, &CancellationToken::new(), None).await.unwrap_err()
    }

    /// The process id that the program has written to a file of this name, waited for.
    async fn pid(&self, file: &str) -> u32 {
        let path = self.directory.path().join(file);
        let wrote = || fs::read_to_string(&path).ok()?.trim().parse().ok();
        until(|| wrote().is_some()).await;
        wrote().unwrap()
    }
}

async fn until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited in vain");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process of this id runs; a zombie of another parent (a killed grandchild that init has not yet reaped)
/// does not.
fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}

/// Whether anything of this id is left, zombies included.
fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// A grandchild that ignores SIGTERM, as does its parent; both tell their ids and then wait for ever.
const STUBBORN: &str = r#"
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
def tell(name, pid):
    with open(name + ".new", "w") as f: f.write(str(pid))
    os.rename(name + ".new", name)
tell("grandchild", child.pid)
tell("leader", os.getpid())
time.sleep(1000)
"#;

#[tokio::test]
async fn an_end_is_reported_as_it_was() {
    let cases = [
        ("exit 0", End::Exit(0)),
        ("exit 7", End::Exit(7)),
        ("exit 255", End::Exit(255)),
        ("kill -SEGV $$", End::Signal(11)),
        ("kill -KILL $$", End::Signal(9)),
        ("kill -TERM $$", End::Signal(15)),
        ("exec >&- 2>&-; exit 3", End::Exit(3)),
    ];
    for (program, end) in cases {
        assert_eq!(Fixture::sh(program).run().await.end, end, "{program}");
    }
}

#[tokio::test]
async fn output_is_exact() {
    let run = Fixture::python(
        "import sys\nsys.stdout.buffer.write(bytes(range(256)))\nsys.stderr.buffer.write(b'\\xff\\0err')",
    )
    .run()
    .await;
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!((run.stdout.head, run.stdout.total, run.stdout.cut_off), (all, 256, false));
    assert_eq!(run.stderr.head, b"\xff\0err");
}

#[tokio::test]
async fn standard_input_is_at_its_end() {
    let run = Fixture::python("import sys; print(repr(sys.stdin.read()))").run().await;
    assert_eq!((run.end, run.stdout.head.as_slice()), (End::Exit(0), &b"''\n"[..]));
}

#[tokio::test]
async fn words_directory_and_environment_arrive() {
    let program = "import os, sys, json; print(json.dumps([sys.argv[1:], os.getcwd(), \
                   [os.environ.get(n) for n in ('SMCP_T_SET', 'PATH', 'HOME', 'SMCP_T_BOTH')]]))";
    let mut fixture = Fixture::python(program);
    let words = ["", "a b", "$HOME", "'\"\\", "line\nbreak", "é😀", "--", "*"];
    fixture.spec.command.extend(words.map(OsString::from));
    fixture.spec.set = vec![("SMCP_T_SET".into(), "yes".into()), ("SMCP_T_BOTH".into(), "set".into())];
    fixture.spec.unset = vec!["HOME".into(), "SMCP_T_BOTH".into()];
    let run = fixture.run().await;
    let directory = fs::canonicalize(fixture.directory.path()).unwrap();
    let got: serde_json::Value = serde_json::from_slice(&run.stdout.head).unwrap();
    // A launcher of Python may put its own directories before ours.
    let path = got[2][1].as_str().filter(|path| path.ends_with(&std::env::var("PATH").unwrap()));
    assert_eq!(got, serde_json::json!([words, directory, ["yes", path.unwrap(), null, "set"]]));
}

#[tokio::test]
async fn both_streams_filled_at_once_block_nobody() {
    let program =
        "import sys\nfor _ in range(200):\n    sys.stdout.write('o' * 10000); sys.stderr.write('e' * 10000)";
    let run = Fixture::python(program).run().await;
    assert_eq!(run.end, End::Exit(0));
    assert_eq!((run.stdout.total, run.stderr.total), (2_000_000, 2_000_000));
    assert_eq!(
        (run.stdout.head.len() + run.stdout.tail.len(), run.stdout.lost()),
        (1 << 20, 2_000_000 - (1 << 20))
    );
    assert_eq!(run.stderr.tail, vec![b'e'; 1 << 15]);
}

/// The most memory that this process has had, in bytes.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn far_more_output_than_the_cap_is_read_in_bounded_memory() {
    let mut fixture = Fixture::python(
        "import sys\nw = sys.stdout.buffer.write\nw(b'first')\nfor _ in range(100): w(b'x' * 1000000)\nw(b'last')",
    );
    fixture.spec.output_cap = 1000;
    let before = peak_memory();
    let run = fixture.run().await;
    assert!(peak_memory() - before < 50_000_000, "the output must not be held");
    assert_eq!((run.end, run.stdout.total), (End::Exit(0), 100_000_009));
    assert_eq!((run.stdout.head.len(), run.stdout.tail.len()), (500, 500));
    assert!(run.stdout.head.starts_with(b"first") && run.stdout.tail.ends_with(b"last"));
}

#[tokio::test]
async fn lines_come_while_it_runs() {
    // The program goes on only when its first line has been seen.
    let program = "import os, sys, time\nsys.stderr.write('10%\\r20%\\n'); sys.stderr.flush()\n\
                   while not os.path.exists('seen'): time.sleep(0.01)\nsys.stderr.write('y' * 9999 + '\\nend')";
    let fixture = Fixture::python(program);
    let (to, mut from) = mpsc::channel(16);
    let cancel = CancellationToken::new();
    let see = async {
        let first = from.recv().await;
        fs::write(fixture.directory.path().join("seen"), "").unwrap();
        let mut lines = vec![first.unwrap()];
        while let Some(line) = from.recv().await {
            lines.push(line);
        }
        lines
    };
    let (run, lines) = tokio::join!(run(&fixture.spec, &cancel, Some(to)), see);
    assert_eq!(run.unwrap().end, End::Exit(0));
    assert_eq!(lines, ["10%", "20%", &"y".repeat(MAX_LINE), "end"]);
}

#[tokio::test]
async fn a_listener_that_does_not_listen_holds_nobody_back() {
    let (to, from) = mpsc::channel(1);
    let fixture = Fixture::python("import sys\nfor i in range(50000): print(i, file=sys.stderr)");
    let run = run(&fixture.spec, &CancellationToken::new(), Some(to)).await.unwrap();
    assert_eq!((run.end, run.stderr.total), (End::Exit(0), 288_890));
    drop(from);
}

#[tokio::test]
async fn time_out_ends_the_whole_group() {
    let mut fixture = Fixture::python(STUBBORN);
    fixture.spec.timeout = Some(Duration::from_secs(3));
    fixture.spec.grace = Duration::from_millis(300);
    let run = fixture.run().await;
    assert_eq!(run.end, End::TimedOut);
    assert!(run.took >= Duration::from_millis(3300), "{:?}", run.took);
    let (leader, grandchild) = (fixture.pid("leader").await, fixture.pid("grandchild").await);
    assert!(!exists(leader), "the leader is reaped");
    until(|| !runs(grandchild)).await;
}

#[tokio::test]
async fn a_process_may_clean_up_on_time_out() {
    let mut fixture =
        Fixture::sh("trap 'echo cleaned; exit 1' TERM; echo begun; while :; do sleep 0.05; done");
    fixture.spec.timeout = Some(Duration::from_secs(1));
    fixture.spec.grace = PATIENCE;
    let run = fixture.run().await;
    assert_eq!((run.end, run.stdout.head.as_slice()), (End::TimedOut, &b"begun\ncleaned\n"[..]));
    assert!(run.took < PATIENCE);
}

#[tokio::test]
async fn a_leader_that_ends_on_sigterm_leaves_its_group_the_grace() {
    let mut fixture = Fixture::sh(
        "(trap 'sleep 0.6; echo saved; exit' TERM; while :; do sleep 0.05; done) & wait; sleep 1000",
    );
    fixture.spec.timeout = Some(Duration::from_secs(1));
    let run = fixture.run().await;
    assert_eq!((run.end, run.stdout.head.as_slice()), (End::TimedOut, &b"saved\n"[..]));
}

#[tokio::test]
async fn cancelling_ends_the_whole_group() {
    let mut fixture = Fixture::python(STUBBORN);
    fixture.spec.grace = Duration::from_millis(200);
    let cancel = CancellationToken::new();
    let stop = async {
        let pids = (fixture.pid("leader").await, fixture.pid("grandchild").await);
        assert!(runs(pids.0) && runs(pids.1));
        cancel.cancel();
        pids
    };
    let (run, (leader, grandchild)) = tokio::join!(run(&fixture.spec, &cancel, None), stop);
    assert_eq!(run.unwrap().end, End::Cancelled);
    assert!(!exists(leader));
    until(|| !runs(grandchild)).await;
}

#[tokio::test]
async fn what_is_cancelled_already_does_not_start() {
    let fixture = Fixture::sh("echo > ran");
    let cancel = CancellationToken::new();
    cancel.cancel();
    assert_eq!(run(&fixture.spec, &cancel, None).await.unwrap().end, End::Cancelled);
    assert!(!fixture.directory.path().join("ran").exists());
}

#[tokio::test]
async fn dropping_the_future_ends_the_whole_group() {
    let mut fixture = Fixture::python(STUBBORN);
    fixture.spec.grace = Duration::from_millis(200);
    let (leader, grandchild) = tokio::select! {
        _ = fixture.run() => unreachable!("it waits for ever"),
        pids = async { (fixture.pid("leader").await, fixture.pid("grandchild").await) } => pids,
    };
    until(|| !exists(leader) && !runs(grandchild)).await;
}

#[test]
fn the_end_of_the_runtime_ends_the_whole_group() {
    let fixture = Fixture::python(STUBBORN);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (leader, grandchild) = runtime.block_on(async {
        tokio::select! {
            _ = fixture.run() => unreachable!("it waits for ever"),
            pids = async { (fixture.pid("leader").await, fixture.pid("grandchild").await) } => pids,
        }
    });
    drop(runtime);
    let watch = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    watch.block_on(until(|| !exists(leader) && !runs(grandchild)));
}

#[tokio::test]
async fn a_group_left_behind_is_killed_soon() {
    // It holds the pipes; without a bound this would take 1000 s.
    let fixture = Fixture::sh("sleep 1000 & echo $! > left; echo done");
    let run = fixture.run().await;
    assert_eq!((run.end, run.stdout.head.as_slice()), (End::Exit(0), &b"done\n"[..]));
    assert!(run.stdout.cut_off && run.took < PATIENCE);
    let left = fixture.pid("left").await;
    until(|| !runs(left)).await;

    let quiet = Fixture::sh("sleep 1000 >/dev/null 2>&1 & echo $! > left");
    assert!(!quiet.run().await.stdout.cut_off);
    let left = quiet.pid("left").await;
    until(|| !runs(left)).await;
}

#[tokio::test]
async fn a_daemon_that_left_the_group_holds_nobody_up() {
    let daemon = r#"
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
with open("daemon.new", "w") as f: f.write(str(os.getpid()))
os.rename("daemon.new", "daemon")
while True: os.write(1, b"y" * 10000)
"#;
    let fixture = Fixture::python(daemon);
    let run = fixture.run().await;
    assert_eq!(run.end, End::Exit(0));
    assert!(run.stdout.cut_off && run.took < PATIENCE, "{:?}", run.took);
    // It writes without end, and nobody reads any more.
    let daemon = fixture.pid("daemon").await;
    until(|| !runs(daemon)).await;
}

#[tokio::test]
async fn output_of_a_last_pipeline_member_is_waited_for() {
    let run = Fixture::sh("(sleep 0.05; echo late) & echo early").run().await;
    assert_eq!((run.stdout.head.as_slice(), run.stdout.cut_off), (&b"early\nlate\n"[..], false));
}

#[tokio::test]
async fn what_can_not_start_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.into_os_string()
    };
    let cases = [
        (vec!["/no/such/program".into()], Reason::NotFound),
        (vec!["no-such-program-anywhere".into()], Reason::NotFound),
        (vec![file("bad", "#!/no/such/python -u\n", 0o755)], Reason::NoInterpreter("/no/such/python".into())),
        (vec![file("crlf", "#!/bin/sh\r\n", 0o755)], Reason::NoInterpreter("/bin/sh\\r".into())),
        (vec![file("plain", "#!/bin/sh\n", 0o644)], Reason::NoPermission),
        (vec![file("data", "\u{1}\u{2}no program", 0o755)], Reason::NotExecutable),
        (vec!["/bin/echo".into(), "x".repeat(200_000).into()], Reason::TooLong),
        (vec!["/bin/echo".into(), "nul\0".into()], Reason::BadWord),
        (vec![], Reason::BadWord),
    ];
    for (command, reason) in cases {
        assert_eq!(Fixture::new(command).fail().await.reason, reason);
    }
    let mut fixture = Fixture::sh("true");
    fixture.spec.directory = "/no/such/directory".into();
    assert_eq!(fixture.fail().await.reason, Reason::NoDirectory("/no/such/directory".into()));
}

#[tokio::test]
async fn a_relative_program_is_found_in_its_directory() {
    let fixture = Fixture::new(["./cli"]);
    let path = fixture.directory.path().join("cli");
    fs::write(&path, "#!/bin/sh\necho here\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(fixture.run().await.stdout.head, b"here\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_get_each_their_own() {
    let runs = (0..60)
        .map(|code| async move { (code, Fixture::sh(&format!("echo {code}; exit {code}")).run().await) });
    for (code, run) in futures_util::future::join_all(runs).await {
        assert_eq!((run.end, run.stdout.head), (End::Exit(code), format!("{code}\n").into_bytes()));
    }
}

/// The variable that makes this test binary play a part in [`nothing_outlives_a_server_that_is_killed`].
const DIRECTORY: &str = "SMCP_TEST_DIRECTORY";

/// This test binary, to run the one ignored test that is a part.
fn part(name: &str) -> Vec<OsString> {
    let words = ["--exact", name, "--ignored", "--nocapture"].map(OsString::from);
    std::iter::once(std::env::current_exe().unwrap().into()).chain(words).collect()
}

#[test]
#[ignore = "played by another test's child process"]
fn part_of_sentinel() {
    if std::env::var_os(DIRECTORY).is_some() {
        watch(std::io::stdin().lock());
    }
}

#[test]
#[ignore = "played by another test's child process"]
fn part_of_server() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    post_sentinel(&part("part_of_sentinel")).unwrap();
    let mut fixture = Fixture::python(STUBBORN);
    fixture.spec.directory = directory.into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // One that has ended before, so that ends are reported too.
        assert_eq!(Fixture::sh("exit 0").run().await.end, End::Exit(0));
        fixture.run().await;
    });
}

#[tokio::test]
async fn nothing_outlives_a_server_that_is_killed() {
    let fixture = Fixture::sh("");
    let words = part("part_of_server");
    let mut server = std::process::Command::new(&words[0])
        .args(&words[1..])
        .env(DIRECTORY, fixture.directory.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let (leader, grandchild) = (fixture.pid("leader").await, fixture.pid("grandchild").await);
    assert!(runs(leader) && runs(grandchild));
    server.kill().unwrap();
    server.wait().unwrap();
    until(|| !runs(leader) && !runs(grandchild)).await;
}

#[test]
fn a_sentinel_reads_only_what_it_knows() {
    watch(&b"+\n-5\n+x\n*7\n\xc3\xa9\n\n+0\n+-1\n+99999999999\n"[..]);
}
