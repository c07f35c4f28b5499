//! How what keeps a program warm begins, is replaced, and ends.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use smcp::process::{End, Plan, Warm, counts, run};
use tokio_util::sync::CancellationToken;

use crate::stage::{Runs, Stage, begun, copy, is_running, processes, pythons, until};

const PROGRAM: &str =
    "import os, module\nfrom below import deep\nprint(module.value, deep.value, os.getppid())\n";

fn stage(python: &std::path::Path) -> Stage {
    let files = [
        ("cli.py", PROGRAM),
        ("module.py", "value = 'one'\n"),
        ("below/__init__.py", ""),
        ("below/deep.py", "value = open('datum').read()\n"),
        ("datum", "a"),
    ];
    Stage::with(python, &files)
}

/// The words that a run printed: two values, and the id of its parent.
async fn said(runs: &Runs<'_>) -> (String, i32) {
    let finished = run(&runs.spec(&[]), &CancellationToken::new(), None).await.unwrap();
    assert_eq!(finished.end, End::Exit(0), "{:?}", String::from_utf8_lossy(&finished.stderr.head));
    let text = String::from_utf8(finished.stdout.head).unwrap();
    let (values, parent) = text.trim().rsplit_once(' ').unwrap();
    (values.to_owned(), parent.parse().unwrap())
}

fn ourselves() -> i32 {
    i32::try_from(std::process::id()).unwrap()
}

/// Waits for a helper and gives its id.
async fn helper(runs: &Runs<'_>) -> i32 {
    let warm = runs.warm.as_ref().unwrap();
    until(|| warm.is_ready()).await;
    said(runs).await.1
}

#[tokio::test]
async fn calls_do_not_wait_for_it() {
    let python = &pythons()[0];
    let mut stage = stage(python);
    stage.write("module.py", "import time, os\nif os.environ.get('SLOW'): time.sleep(3)\nvalue = 'one'\n");
    let warm = Warm::new(stage.plan());
    let runs = Runs { stage: &stage, warm: Some(warm.clone()) };
    assert!(!warm.is_ready());
    let began = std::time::Instant::now();
    assert_eq!(said(&runs).await, ("one a".to_owned(), ourselves()));
    let quick = began.elapsed();
    let parent = helper(&runs).await;
    assert_ne!(parent, ourselves());
    assert_eq!(processes(&stage.path().join("cli.py").to_string_lossy()), [parent]);

    stage.set("SLOW", "1");
    let warm = Warm::new(stage.plan());
    let runs = Runs { stage: &stage, warm: Some(warm.clone()) };
    // Each takes its three seconds, and not six.
    let began = std::time::Instant::now();
    assert_eq!(said(&runs).await.1, ourselves());
    assert!(began.elapsed() < quick + Duration::from_secs(5), "{:?}", began.elapsed());
    helper(&runs).await;
    let began = std::time::Instant::now();
    assert_ne!(said(&runs).await.1, ourselves());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn changed_files_are_seen_at_once() {
    for python in pythons() {
        let stage = stage(&python);
        let runs = stage.warm().await;
        let mut last = helper(&runs).await;
        let changes: [(&str, &str, &str); 7] = [
            ("module.py", "value = 'two, longer'\n", "two, longer a"),
            ("below/deep.py", "value = 'deep'\n", "two, longer deep"),
            ("below/deep.py", "value = open('datum').read()\n", "two, longer a"),
            ("datum", "bb", "two, longer bb"),
            // What is new may stand before what was found until now.
            ("below.py", "raise SystemExit('a package comes before it')\n", "two, longer bb"),
            ("os_.py", "x = 1\n", "two, longer bb"),
            (
                "cli.py",
                "import os, module\nprint(module.value, 'other', os.getppid())\n",
                "two, longer other",
            ),
        ];
        for (file, text, expected) in changes {
            stage.write(file, text);
            let (values, parent) = said(&runs).await;
            assert_eq!(values, expected, "{file} with {}", python.display());
            assert_eq!(parent, ourselves(), "{file}: it is started");
            let next = helper(&runs).await;
            assert_ne!(next, last, "{file}");
            assert_eq!(said(&runs).await, (expected.to_owned(), next));
            until(|| !is_running(last)).await;
            last = next;
        }
        // What it writes itself, and what others put there, is nothing to it.
        fs::write(stage.path().join("notes.txt"), "x").unwrap();
        fs::write(stage.path().join("below/notes.txt"), "x").unwrap();
        assert_eq!(said(&runs).await.1, last);
        fs::remove_file(stage.path().join("module.py")).unwrap();
        let failed = run(&runs.spec(&[]), &CancellationToken::new(), None).await.unwrap();
        assert_eq!(failed.end, End::Exit(1), "as it would, were it started");
    }
}

#[tokio::test]
async fn a_file_that_was_written_while_it_was_read_is_not_trusted() {
    let python = &pythons()[0];
    let stage = stage(python);
    fs::write(stage.path().join("module.py"), "value = 'just now'\nimport time; time.sleep(0.2)\n").unwrap();
    let later = std::time::SystemTime::now() + Duration::from_secs(30);
    fs::File::options()
        .append(true)
        .open(stage.path().join("module.py"))
        .unwrap()
        .set_modified(later)
        .unwrap();
    let runs = stage.warm().await;
    assert_eq!(said(&runs).await, ("just now a".to_owned(), ourselves()));
    assert_eq!(runs.forked(), 0);
}

#[tokio::test]
async fn a_directory_that_was_put_in_its_place_is_another() {
    let python = &pythons()[0];
    let stage = stage(python);
    let runs = stage.warm().await;
    let first = helper(&runs).await;
    let away = stage.path().with_extension("away");
    fs::rename(stage.path(), &away).unwrap();
    fs::create_dir(stage.path()).unwrap();
    copy(&away, stage.path());
    fs::remove_dir_all(&away).unwrap();
    assert_eq!(said(&runs).await.1, ourselves());
    assert_ne!(helper(&runs).await, first);
}

fn plan(stage: &Stage, runs: u32, idle: Duration) -> Plan {
    Plan { runs, idle, ..stage.plan() }
}

#[tokio::test]
async fn another_takes_its_place_after_so_many_runs() {
    let python = &pythons()[0];
    let stage = stage(python);
    let runs = stage.warm_by(plan(&stage, 3, Duration::from_secs(600))).await;
    let first = helper(&runs).await;
    for _ in 0..2 {
        assert_eq!(said(&runs).await.1, first);
    }
    // It goes on until the next is ready.
    let mut next = first;
    while next == first {
        next = said(&runs).await.1;
        assert_ne!(next, ourselves());
    }
    until(|| !is_running(first)).await;
    assert_eq!(said(&runs).await.1, next);
}

#[tokio::test]
async fn it_ends_when_nobody_needs_it() {
    let python = &pythons()[0];
    let stage = stage(python);
    let runs = stage.warm_by(plan(&stage, 1000, Duration::from_secs(2))).await;
    let first = helper(&runs).await;
    until(|| !is_running(first)).await;
    assert_eq!(runs.refusal(), None);
    // The next run wants it again.
    assert_eq!(said(&runs).await.1, ourselves());
    let second = helper(&runs).await;
    drop(runs);
    until(|| !is_running(second)).await;
}

#[tokio::test]
async fn runs_outlive_its_replacement() {
    for python in pythons() {
        let stage = Stage::of(&python, "slow");
        let runs = stage.warm().await;
        let mut spec = runs.spec(&["tidy"]);
        let cancel = CancellationToken::new();
        spec.grace = Duration::from_secs(20);
        let ended = run(&spec, &cancel, None);
        let meanwhile = async {
            let leader = begun(&stage).await[0];
            runs.warm.as_ref().unwrap().renew();
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert!(is_running(leader));
            cancel.cancel();
        };
        let (ended, ()) = tokio::join!(ended, meanwhile);
        let ended = ended.unwrap();
        assert_eq!((ended.end, ended.stdout.head.as_slice()), (End::Cancelled, &b"begun\ntidied\n"[..]));
        drop(runs);
        let script = stage.path().join("cli.py");
        until(|| processes(&script.to_string_lossy()).is_empty()).await;
    }
}

fn kill(id: i32) {
    kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
}

#[tokio::test]
async fn it_is_started_again_when_it_died() {
    for python in pythons() {
        let stage = stage(&python);
        let runs = stage.warm().await;
        let first = helper(&runs).await;
        kill(first);
        assert_eq!(said(&runs).await.1, ourselves());
        let second = helper(&runs).await;
        assert_ne!(second, first);
        assert_eq!(said(&runs).await.1, second);
    }
}

#[tokio::test]
async fn a_run_whose_helper_dies_is_ended_and_says_so() {
    for python in pythons() {
        let stage = Stage::of(&python, "slow");
        let runs = stage.warm().await;
        let spec = runs.spec(&["deaf"]);
        let cancel = CancellationToken::new();
        let meanwhile = async {
            let ids = begun(&stage).await;
            let stat = fs::read_to_string(format!("/proc/{}/stat", ids[0])).unwrap();
            let parent = stat.rsplit(") ").next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
            kill(parent);
            ids
        };
        let (ended, ids) = tokio::join!(run(&spec, &cancel, None), meanwhile);
        let ended = ended.unwrap();
        assert_eq!((ended.end, ended.stdout.head.as_slice()), (End::Orphaned, &b"begun\n"[..]));
        until(|| !ids.iter().any(|id| is_running(*id))).await;
    }
}

/// Kills what forked it; what started it is this test.
const UNGRATEFUL: &str = "import os\nparent = os.getppid()\n\
    if b'cli.py' in open('/proc/%d/cmdline' % parent, 'rb').read():\n    os.kill(parent, 9)\nprint('alone')\n";

#[tokio::test]
async fn one_that_dies_again_and_again_is_given_up() {
    let python = &pythons()[0];
    let stage = Stage::with(python, &[("cli.py", UNGRATEFUL)]);
    let runs = stage.warm().await;
    let warm = runs.warm.as_ref().unwrap();
    for _ in 0..3 {
        until(|| warm.is_ready()).await;
        assert_eq!(run(&runs.spec(&[]), &CancellationToken::new(), None).await.unwrap().end, End::Orphaned);
        // Only the next that wants it finds that it is gone.
        assert_eq!(run(&runs.spec(&[]), &CancellationToken::new(), None).await.unwrap().end, End::Exit(0));
    }
    assert_eq!(warm.refusal().as_deref(), Some("its helper died 3 times"));
    assert_eq!(runs.run(&[]).await.end, End::Exit(0));
    warm.renew();
    assert_eq!(warm.refusal(), None);
}

#[tokio::test]
async fn what_is_there_is_counted() {
    let python = &pythons()[0];
    let stage = stage(python);
    let runs = stage.warm().await;
    helper(&runs).await;
    assert!(counts().helpers >= 1);
    assert!(counts().alive >= counts().helpers);
}
