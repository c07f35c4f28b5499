//! What a fork can't do as a start does is refused with a reason, and started; what only looks so is not.

use smcp::plugin::warm;

use crate::stage::{Stage, pythons};

/// A module's text, and what the reason has in it.
const REFUSED: &[(&str, &str)] = &[
    ("print('hello')", "it prints when its modules are imported: hello"),
    ("import sys; sys.stderr.write('warns\\n')", "it prints when its modules are imported: warns"),
    ("import os; os.write(1, b'raw')", "it prints when its modules are imported: raw"),
    (
        "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
        "starts threads",
    ),
    ("import not_there", "line 1: ModuleNotFoundError: No module named 'not_there'"),
    ("1 / 0", "line 1: ZeroDivisionError: division by zero"),
    ("import sys; sys.exit('no')", "line 1: SystemExit: no"),
    ("file = open(__file__)", "leaves "),
    ("import socket; s = socket.socket()", "leaves socket:"),
    ("import subprocess; subprocess.call(['true'])", "starts a process when it is imported ("),
    ("import os; os.system('true')", "starts a process when it is imported ("),
    ("import os\nif os.fork() == 0: os._exit(0)\nos.wait()", "starts a process when it is imported ("),
    (
        "import socket\ntry: socket.create_connection(('127.0.0.1', 1))\nexcept OSError: pass",
        "uses the network",
    ),
    ("open('written', 'w').close()", "writes the file "),
    ("import tempfile; d = tempfile.mkdtemp()", "changes files when it is imported ("),
    ("import os; os.environ.get('WARM_TEST_INPUT')", "reads WARM_TEST_INPUT when it is imported ("),
    ("import os\n'WARM_TEST_INPUT' in os.environ", "reads WARM_TEST_INPUT when it is imported ("),
    ("import os; os.getenv('WARM_TEST_OTHER', 1)", "reads WARM_TEST_OTHER when it is imported ("),
    ("import sys; words = sys.argv[1:]", "reads the command line when it is imported"),
    ("import sys; many = len(sys.argv)", "reads the command line when it is imported"),
    ("import sys; quiet = '-q' in sys.argv", "reads the command line when it is imported"),
    ("import sys; line = ' '.join(sys.argv)", "reads the command line when it is imported"),
    ("from sys import argv", "reads the command line when it is imported"),
    ("import sys; sys.argv = ['x']", "reads the command line when it is imported"),
    ("import os; os._exit(3)", "its helper ended at once: without a word"),
    ("import os, signal; os.kill(os.getpid(), 9)", "its helper ended at once: without a word"),
];

/// A module's text that changes nothing.
const KEPT: &[&str] = &[
    "import sys; name = sys.argv[0]; here = bool(sys.argv)",
    "import os; home = os.environ.get('HOME'); everything = dict(os.environ) and 1",
    "data = open(__file__).read()",
    "import os; os.makedirs('there', exist_ok=True)",
    "import __main__; file = __main__.__file__",
    "import os; os.environ['SET_AT_IMPORT'] = '1'",
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "import atexit; atexit.register(print, 'at exit')",
    "import logging; logging.basicConfig(level=10); logging.getLogger().handlers",
    "try:\n    import not_there\nexcept ImportError:\n    pass",
    "import sys; sys.setrecursionlimit(321)",
    "import gc; gc.disable()",
    "import random; random.seed(1)",
    "import platform, ctypes.util, socket; ctypes.util.find_library('c'); name = platform.platform()",
    "import socket\nwith socket.socket() as s:\n    s.bind(('127.0.0.1', 0))",
    "import tempfile; place = tempfile.gettempdir()",
    "class Finalized:\n    def __del__(self): print('gone')\nkept = Finalized()",
    "import asyncio, concurrent.futures, multiprocessing, subprocess, tempfile, socket, ssl, sqlite3, ctypes, decimal",
];

const PROGRAM: &str = "import module\nimport os, sys, signal, gc\n\
    print(sorted(n for n in vars(module) if not n.startswith('__')), sys.argv, os.environ.get('SET_AT_IMPORT'))\n\
    print(signal.getsignal(signal.SIGTERM), gc.isenabled(), sys.getrecursionlimit(), getattr(module, 'name', 1))\n";

#[tokio::test]
async fn what_differs_from_call_to_call_is_refused() {
    for python in pythons() {
        for (text, reason) in REFUSED {
            let stage = Stage::with(&python, &[("cli.py", PROGRAM), ("module.py", text)]);
            let warm = stage.warm().await;
            let refusal = warm.refusal().unwrap_or_else(|| panic!("{text} with {}", python.display()));
            assert!(refusal.contains(reason), "{text} with {}: {refusal}", python.display());
            // Started all the same, and not one more helper with it.
            warm.run(&[]).await;
            assert!(warm.refusal().is_some() && warm.forked() == 0);
        }
    }
}

#[tokio::test]
async fn what_stays_the_same_is_not() {
    for python in pythons() {
        for text in KEPT {
            let stage = Stage::with(&python, &[("cli.py", PROGRAM), ("module.py", text)]);
            let (fresh, warm) = (stage.fresh(), stage.warm().await);
            assert_eq!(warm.refusal(), None, "{text} with {}", python.display());
            let (started, forked) = (fresh.run(&["x"]).await, warm.run(&["x"]).await);
            let [started, forked] = [started, forked].map(|run| (run.end, run.stdout, run.stderr));
            assert_eq!(forked, started, "{text} with {}", python.display());
        }
    }
}

/// Where a script named as Python is a script itself that runs Python in its own place.
#[tokio::test]
async fn a_launcher_of_python_does_no_harm() {
    let python = &pythons()[0];
    let mut stage = Stage::of(python, "itself");
    let launcher = |stage: &Stage, line: &str| {
        let path = stage.path().join("python3");
        std::fs::write(&path, format!("#!/bin/sh\n{line}\n")).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    stage.spec.command[0] = stage.path().join("python3").into();
    launcher(&stage, &format!("exec {} \"$@\"", python.display()));
    let (fresh, warm) = (stage.fresh(), stage.warm().await);
    assert_eq!(warm.refusal(), None);
    assert_eq!(warm.run(&["x"]).await.stdout, fresh.run(&["x"]).await.stdout);

    launcher(&stage, &format!("{} \"$@\"; exit", python.display()));
    let refusal = stage.warm().await.refusal().unwrap();
    assert!(refusal.contains("a process that is not the one that was started"), "{refusal}");

    // One that hides us: the program runs, with nothing but `--help`.
    launcher(&stage, &format!("unset PYTHONPATH; echo \"$@\" > words; exec {} \"$@\"", python.display()));
    stage.write("cli.py", "import sys\nopen('ran', 'a').write(sys.argv[1])\n");
    let warm = stage.warm().await;
    assert_eq!(warm.refusal().as_deref(), Some("its helper ended at once: without a word"));
    let ran = std::fs::read_to_string(stage.path().join("ran")).unwrap();
    assert!(ran.replace("--help", "").is_empty() && ran.len() >= 6, "{ran}");
}

#[tokio::test]
async fn interpreters_that_are_watched_are_started() {
    let python = &pythons()[0];
    for (flags, variables, reason) in [
        (&["-Xdev"][..], &[][..], "its interpreter checks its memory"),
        (&[], &[("PYTHONMALLOC", "debug")], "its interpreter checks its memory"),
        (&[], &[("PYTHONINSPECT", "1")], "its interpreter is interactive"),
        (&["-v"], &[], "its interpreter is started with `-v`"),
        (&["-X", "importtime"], &[], "it prints when its modules are imported: import time:"),
    ] {
        let mut stage = Stage::of(python, "itself");
        stage.spec.command.splice(1..1, flags.iter().map(std::ffi::OsString::from));
        variables.iter().for_each(|(name, value)| stage.set(name, value));
        let refusal = match warm::plan("p", &stage.spec.command, stage.path(), None) {
            Ok(_) => stage.warm().await.refusal().unwrap(),
            Err(refusal) => refusal,
        };
        assert!(refusal.starts_with(reason), "{flags:?} {variables:?}: {refusal}");
    }
}

/// An interpreter that says that it is another.
#[tokio::test]
async fn other_interpreters_are_started() {
    let python = &pythons()[0];
    for (lie, reason) in [
        ("sys.implementation.name = 'other'", "its interpreter is other 3."),
        ("sys.version_info = (3, 7, 1)", "its interpreter is cpython 3.7"),
        ("sys.version_info = (3, 99, 0)", "its interpreter is cpython 3.99"),
        ("print('customized')", "it prints when its modules are imported: customized"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ] {
        let mut stage = Stage::of(python, "itself");
        stage.write("lib/sitecustomize.py", &format!("import sys\n{lie}\n"));
        stage.set("PYTHONPATH", "lib");
        let refusal = stage.warm().await.refusal().unwrap_or_else(|| panic!("{lie}"));
        assert!(refusal.starts_with(reason), "{lie}: {refusal}");
    }
}
