//! The same program, started and forked: how it ends and what it writes must be the same to the byte.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use futures_util::future::join_all;
use regex::Regex;
use smcp::process::{End, Finished, run};
use tokio_util::sync::CancellationToken;

use crate::stage::{PATIENCE, Runs, Stage, begun, is_running, pythons, until};

/// A program in `programs`, and the words of its calls, each of which is run both ways.
type Case = (&'static str, &'static [&'static [&'static str]]);

const CASES: &[Case] = &[
    ("itself", &[&[], &["a b", "", "--x", "line\nbreak", "é"]]),
    (
        "exits",
        &[
            &["0"],
            &["7"],
            &["255"],
            &["256"],
            &["-1"],
            &["text"],
            &["none"],
            &["tuple"],
            &["own"],
            &["quit"],
            &["at once"],
            &["thread"],
            &["SIGKILL"],
            &["SIGTERM"],
            &["SIGSEGV"],
            &["SIGABRT"],
            &["SIGINT"],
            &["SIGPIPE"],
            &["pipe"],
            &["closed"],
            &["full"],
            &[],
        ],
    ),
    (
        "errors",
        &[
            &["none"],
            &["top"],
            &["chain"],
            &["implicit"],
            &["interrupt"],
            &["interrupt below"],
            &["hook"],
            &["broken hook"],
            &["atexit"],
            &["thread"],
            &["endless"],
            &["group"],
            &["note"],
            &["syntax"],
            &["missing"],
            &["name"],
            &["assert"],
            &["unraisable"],
            &["stack"],
            &["warn"],
            &["coroutine"],
            &["never awaited"],
            &["encode"],
            &["fault"],
            &["generator"],
        ],
    ),
    (
        "teardown",
        &[
            &["nothing"],
            &["global"],
            &["cycle"],
            &["module"],
            &["class"],
            &["shared cycle"],
            &["file"],
            &["read"],
            &["attribute"],
            &["generator"],
            &["atexit"],
            &["nested atexit"],
            &["finalize"],
            &["weak"],
            &["thread"],
            &["daemon"],
            &["pool"],
            &["logging"],
            &["temporary"],
            &["unflushed"],
            &["early"],
            &["exit"],
            &["error"],
        ],
    ),
    (
        "processes",
        &[
            &["run"],
            &["fork"],
            &["spawn"],
            &["fork pool"],
            &["asyncio"],
            &["no children"],
            &["left"],
            &["left quiet"],
            &["alarm"],
            &["exec"],
            &["children"],
        ],
    ),
    ("shadows", &[&[]]),
    ("package", &[&[]]),
    ("output", &[&["both"], &["bytes"], &["long"], &["text"], &["echo", "", "'", "$HOME", "*"]]),
    ("order", &[&[]]),
    ("traps", &[&[]]),
    (
        "parser",
        &[
            &["--help"],
            &["--version"],
            &[],
            &["add", "--help"],
            &["add", "1", "2.5"],
            &["-vv", "plus", "-1", "--round", "3"],
            &["add", "--round", "9", "1"],
            &["fail", "--", "-x"],
            &["no"],
            &["@file"],
        ],
    ),
    ("strange", &[&[], &["x"]]),
    ("broken", &[&[]]),
];

/// What is compared; the time aside.
fn told(finished: &Finished) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let stream = |captured: &smcp::process::Captured| {
        let cut = if captured.cut_off { " cut off" } else { "" };
        format!("{} bytes{cut}\n{}{}", captured.total, text(&captured.head), text(&captured.tail))
    };
    let all = format!(
        "{:?}\n-- output: {}\n-- error: {}",
        finished.end,
        stream(&finished.stdout),
        stream(&finished.stderr)
    );
    ADDRESS.replace_all(&all, "0x…").into_owned()
}

/// Where things are in memory is another place each time.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| Regex::new("0x[0-9a-f]{6,}").unwrap());

/// Runs it both ways; the first line that differs, if one does.
async fn difference(fresh: &Runs<'_>, warm: &Runs<'_>, words: &[&str]) -> Option<String> {
    let (spec, other) = (fresh.spec(words), warm.spec(words));
    let started = told(&fresh.run_as(&spec).await);
    let forked = told(&warm.run_as(&other).await);
    let (a, b) = started
        .lines()
        .zip(forked.lines())
        .find(|(a, b)| a != b)
        .or_else(|| (started != forked).then_some(("one is longer", "")))?;
    Some(format!("{words:?} with {}:\n  started: {a}\n  forked:  {b}", fresh.stage.python.display()))
}

fn none(differences: &[String]) {
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn forked_programs_do_as_started_ones() {
    let mut found = Vec::new();
    for python in pythons() {
        for (name, calls) in CASES {
            let stage = Stage::of(&python, name);
            let (fresh, warm) = (stage.fresh(), stage.warm().await);
            assert_eq!(warm.refusal(), None, "{name} with {}", python.display());
            for words in *calls {
                found.extend(difference(&fresh, &warm, words).await.map(|what| format!("{name} {what}")));
            }
        }
    }
    none(&found);
}

/// Words of the interpreter and variables that it reads.
#[tokio::test]
async fn however_the_interpreter_is_started() {
    type Way = (&'static [&'static str], &'static [(&'static str, &'static str)]);
    let ways: [Way; 14] = [
        (&["-u", "cli.py"], &[]),
        (&["-B", "-O", "./cli.py"], &[]),
        (&["-OO", "-X", "utf8", "-W", "error", "cli.py", "--fixed"], &[]),
        (&["-s", "-b", "-q", "-Xfaulthandler", "cli.py"], &[]),
        (&["cli.py"], &[("PYTHONPATH", "lib:")]),
        (&["cli.py"], &[("PYTHONPATH", "")]),
        (&["cli.py"], &[("PYTHONPATH", "/no/such:lib:lib")]),
        (&["cli.py"], &[("LC_ALL", "C"), ("PYTHONCOERCECLOCALE", "0")]),
        (&["cli.py"], &[("PYTHONIOENCODING", "latin-1:replace"), ("PYTHONUNBUFFERED", "1")]),
        (
            &["cli.py"],
            &[("PYTHONWARNINGS", "default"), ("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONOPTIMIZE", "1")],
        ),
        (&["cli.py"], &[("PYTHONSAFEPATH", "1"), ("PYTHONNOUSERSITE", "1")]),
        (&["cli.py"], &[("PYTHONFAULTHANDLER", "1"), ("PYTHONASYNCIODEBUG", "1"), ("PYTHONUTF8", "1")]),
        (&["link.py"], &[]),
        (&["below/../cli.py"], &[("COLUMNS", "40"), ("TZ", "Asia/Tokyo")]),
    ];
    let mut found = Vec::new();
    for python in pythons() {
        for (words, variables) in ways {
            let mut stage = Stage::of(&python, "itself");
            stage.write("lib/sitecustomize.py", "import sys\nsys.customized = 'by the site'\n");
            fs::create_dir(stage.path().join("below")).unwrap();
            std::os::unix::fs::symlink("cli.py", stage.path().join("link.py")).unwrap();
            stage.spec.command = vec![python.clone().into()];
            stage.spec.command.extend(words.iter().map(OsString::from));
            for (name, value) in variables {
                stage.set(name, value);
            }
            let (fresh, warm) = (stage.fresh(), stage.warm().await);
            assert_eq!(warm.refusal(), None, "{words:?} {variables:?} with {}", python.display());
            let other = difference(&fresh, &warm, &["x"]).await;
            found.extend(other.map(|what| format!("{words:?} {variables:?} {what}")));
        }
    }
    none(&found);
}

#[tokio::test]
async fn scripts_that_name_their_interpreter() {
    for python in pythons() {
        let version = crate::stage::version(&python);
        let name = format!("python{}.{}", version.0, version.1);
        for line in [
            format!("#!{}\n", python.display()),
            format!("#! {} -u\n", python.display()),
            format!("#!/usr/bin/env {name}\n"),
            format!("#!/usr/bin/env -S A_TEST=1 {name} -u -B\n"),
        ] {
            let mut stage = Stage::of(&python, "itself");
            let script = stage.path().join("cli.py");
            let text = fs::read_to_string(&script).unwrap();
            stage.write("cli.py", &(line.clone() + &text));
            fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
            let bin = python.parent().unwrap().display();
            stage.set("PATH", &format!("{bin}:/usr/local/bin:/usr/bin:/bin"));
            stage.spec.command = vec![script.into()];
            let (fresh, warm) = (stage.fresh(), stage.warm().await);
            assert_eq!(warm.refusal(), None, "{line}");
            none(&difference(&fresh, &warm, &["x"]).await.into_iter().collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn words_that_are_no_text_and_variables_of_one_run() {
    for python in pythons() {
        let mut stage = Stage::of(&python, "itself");
        // Set for all, it stays where a run does not set it.
        stage.set("WARM_TEST_OTHER", "of all");
        let (fresh, warm) = (stage.fresh(), stage.warm().await);
        for (input, other) in [(None, None), (Some("é=\n'"), None), (Some(""), Some("of one")), (None, None)]
        {
            let [mut started, mut forked] = [&fresh, &warm].map(|runs| runs.spec(&[]));
            for spec in [&mut started, &mut forked] {
                spec.command.push(OsString::from_vec(b"\xff\xfe \x01".to_vec()));
                spec.input[0].1 = input.map(OsString::from);
                spec.input[1].1 = other.map(OsString::from);
            }
            assert_eq!(told(&warm.run_as(&forked).await), told(&fresh.run_as(&started).await), "{input:?}");
        }
    }
}

#[tokio::test]
async fn what_a_helper_can_not_pass_on_is_started() {
    let python = &pythons()[0];
    let stage = Stage::of(python, "output");
    let warm = stage.warm().await;
    let mut long = warm.spec(&["echo"]);
    long.command.push("x".repeat(100_000).into());
    let finished = run(&long, &CancellationToken::new(), None).await.unwrap();
    assert_eq!((finished.end, finished.stdout.total), (End::Exit(0), 100_005));
    let nul = warm.spec(&["echo", "a\0b"]);
    assert!(run(&nul, &CancellationToken::new(), None).await.is_err());
    let too_long = warm.spec(&["echo", &"x".repeat(200_000)]);
    assert!(run(&too_long, &CancellationToken::new(), None).await.is_err());
    assert_eq!(warm.forked(), 0);
}

#[tokio::test]
async fn what_is_drawn_is_another_each_time() {
    for python in pythons() {
        let stage = Stage::of(&python, "drawn");
        let warm = stage.warm().await;
        let (one, other) = (warm.run(&[]).await, warm.run(&[]).await);
        let [one, other] = [one, other].map(|run| String::from_utf8(run.stdout.head).unwrap());
        assert_eq!(one.split_whitespace().count(), 5, "{one}");
        for (one, other) in one.split_whitespace().zip(other.split_whitespace()) {
            assert_ne!(one, other);
        }
    }
}

#[tokio::test]
async fn time_limits_end_the_whole_group() {
    // All at once: it is waiting that takes long.
    join_all(pythons().iter().map(|python| a_time_limit_ends_all(python))).await;
}

async fn a_time_limit_ends_all(python: &Path) {
    const LIMIT: Duration = Duration::from_secs(4);
    let stage = Stage::of(python, "slow");
    let (fresh, warm) = (stage.fresh(), stage.warm().await);
    for how in ["plain", "deaf", "tidy"] {
        let mut ends = Vec::new();
        for runs in [&fresh, &warm] {
            let mut spec = runs.spec(&[how]);
            spec.timeout = Some(LIMIT);
            spec.grace = if how == "deaf" { Duration::from_millis(500) } else { PATIENCE };
            let finished = runs.run_as(&spec).await;
            assert!(finished.took >= LIMIT, "{:?}", finished.took);
            let ids = begun(&stage).await;
            assert!(!Path::new(&format!("/proc/{}", ids[0])).exists(), "it is reaped");
            until(|| !is_running(ids[1])).await;
            // Whether the killed have let go of the streams by then is left to chance.
            ends.push(told(&finished).replace(" cut off", ""));
        }
        assert_eq!(ends[0], ends[1], "{how}");
        assert!(ends[0].starts_with("TimedOut"));
    }
}

#[tokio::test]
async fn cancelling_and_dropping_end_the_whole_group() {
    for python in pythons() {
        let stage = Stage::of(&python, "slow");
        let warm = stage.warm().await;
        let mut spec = warm.spec(&["deaf"]);
        spec.grace = Duration::from_millis(200);
        let cancel = CancellationToken::new();
        let stop = async {
            let ids = begun(&stage).await;
            assert!(ids.iter().all(|id| is_running(*id)));
            cancel.cancel();
            ids
        };
        let (finished, ids) = tokio::join!(run(&spec, &cancel, None), stop);
        assert_eq!(finished.unwrap().end, End::Cancelled);
        until(|| !ids.iter().any(|id| is_running(*id))).await;

        let token = CancellationToken::new();
        let ids = tokio::select! {
            _ = run(&spec, &token, None) => unreachable!("it waits for ever"),
            ids = begun(&stage) => ids,
        };
        until(|| !ids.iter().any(|id| Path::new(&format!("/proc/{id}")).exists())).await;
        assert_eq!(warm.forked(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_get_each_their_own() {
    let python = &pythons()[0];
    let stage = Stage::of(python, "exits");
    let warm = stage.warm().await;
    let runs = (0..40).map(|code| {
        let spec = warm.spec(&[&code.to_string()]);
        async move { (code, run(&spec, &CancellationToken::new(), None).await.unwrap()) }
    });
    for (code, run) in join_all(runs).await {
        let output = format!("ends by {code}\n").into_bytes();
        assert_eq!((run.end, run.stdout.head), (End::Exit(code), output));
    }
    assert_eq!(warm.forked(), 40);
}
