//! Runs the bundled plugins' own tests (`tests/plugins`, Python's unittest) with every interpreter that is named in
//! `SMCP_TEST_PYTHONS` (paths between colons), else with `python3`.

#![allow(
    clippy::unwrap_used,
    clippy::unnecessary_debug_formatting,
    reason = "a test that cannot go on may panic; Python literals are made by debug formatting"
)]
#![allow(clippy::disallowed_methods, reason = "tests start programs")]

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

/// The oldest Python that the plugins promise to work on, as a Python expression.
const OLD_ENOUGH: &str = "import sys; sys.exit(sys.version_info < (3, 8))";

fn interpreters() -> Vec<OsString> {
    let named = std::env::var_os("SMCP_TEST_PYTHONS").filter(|list| !list.is_empty());
    let list = named.unwrap_or_else(|| "python3".into());
    std::env::split_paths(&list).map(Into::into).collect()
}

/// Whether the plugins promise anything for this interpreter; one that cannot be started is a failure.
fn is_supported(python: &OsStr) -> bool {
    let status = Command::new(python).args(["-c", OLD_ENOUGH]).status();
    status.unwrap_or_else(|error| panic!("{}: {error}", python.display())).success()
}

#[test]
fn the_plugins_pass_their_own_tests() {
    let supported: Vec<_> = interpreters().into_iter().filter(|python| is_supported(python)).collect();
    assert!(!supported.is_empty(), "no interpreter in SMCP_TEST_PYTHONS is Python 3.8 or later");
    let at_a_time = std::thread::available_parallelism().map_or(1, usize::from);
    for some in supported.chunks(at_a_time) {
        std::thread::scope(|scope| some.iter().for_each(|python| drop(scope.spawn(|| pass(python)))));
    }
}

fn pass(python: &OsStr) {
    let finished = Command::new(python)
        .args(["-m", "unittest", "discover", "-s", "tests/plugins"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .expect("the interpreter was started a moment ago");
    let report = String::from_utf8_lossy(&finished.stderr);
    assert!(finished.status.success(), "{}:\n{report}", python.display());
    assert!(!report.contains("Ran 0 tests"), "{}: no tests were found", python.display());
}

/// The contracts of the bundled plugins in `schemas/` are what discovery makes of them, byte for byte, on each Python.
#[test]
fn their_contracts_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let contracts = |directory: &Path| -> Vec<(OsString, String)> {
        let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let json = files.filter(|path| path.extension() == Some(OsStr::new("json")));
        let mut read: Vec<_> = json
            .map(|path| (path.file_name().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap()))
            .collect();
        read.sort();
        read
    };
    let committed = contracts(&root.join("schemas"));
    for python in interpreters().into_iter().filter(|python| is_supported(python)) {
        let fresh = tempfile::tempdir().unwrap();
        let status = Command::new(env!("CARGO_BIN_EXE_smcp"))
            .args(["inspect".as_ref(), "--plugins-dir".as_ref(), root.join("plugins").as_os_str()])
            .args(["--schemas-dir".as_ref(), fresh.path().as_os_str(), "--python".as_ref(), &python])
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{}", python.display());
        for ((name, now), (old_name, old)) in contracts(fresh.path()).iter().zip(&committed) {
            assert_eq!(name, old_name);
            assert!(
                now == old,
                "schemas/{} is not what {} gives: run `smcp inspect`",
                name.display(),
                python.display()
            );
        }
        assert_eq!(contracts(fresh.path()).len(), committed.len(), "as many contracts as plugins");
    }
}
