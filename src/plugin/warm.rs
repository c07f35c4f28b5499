//! The words that start a plugin's program → how it is kept warm, or why it can't be.
//!
//! A warm plugin has a process that has imported its modules and forks for each call (`warm.py`, which a Python interpreter
//! loads at its start). Whether a program is one for that must be plain from its words: a program that does not load
//! `warm.py` would run.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use super::interpreter;
use crate::process::Plan;

/// What makes a Python program fork for calls: loaded as `sitecustomize`.
const PASSENGER: &str = include_str!("warm.py");

/// Calls after which a process makes place for a new one. What a module keeps from call to call is nothing, so this is
/// for what nobody thinks of.
const CALLS: u32 = 1000;

/// How long a process is kept that nobody calls.
const IDLE: Duration = Duration::from_secs(600);

/// Options of Python that leave it as it is for us, as one may join them …
const FLAGS: &str = "bBdOPqRsu";
/// … and those with a value.
const VALUED: [char; 2] = ['W', 'X'];

/// How a program is kept warm that starts with `launch` in `directory`; `python_path` is the server's `PYTHONPATH`.
pub fn plan(
    name: &str,
    launch: &[OsString],
    directory: &Path,
    python_path: Option<&OsStr>,
) -> Result<Plan, String> {
    if cfg!(not(target_os = "linux")) {
        return Err("that is possible on Linux only".into());
    }
    // What is named as Python is Python, or makes itself Python: nobody else has the name.
    let named = launch.first().is_some_and(|program| is_python(program));
    let words = if named { launch.to_vec() } else { interpreter::words(launch) };
    let (program, words) = words.split_first().ok_or("there are no words to start it with")?;
    if !is_python(program) {
        return Err(format!("it is not started by a Python interpreter but by `{}`", program.display()));
    }
    let script = script(words)?;
    if !directory.join(script).is_file() {
        return Err(format!("`{}` is no file", script.display()));
    }
    Ok(Plan {
        name: name.to_owned(),
        launch: launch.to_owned(),
        argument: "--help".into(),
        passenger: ("sitecustomize.py", PASSENGER),
        variable: "PYTHONPATH",
        inherited: python_path.map(OsStr::to_owned),
        runs: CALLS,
        idle: IDLE,
    })
}

/// `python`, `python3`, `python3.12`
fn is_python(program: &OsStr) -> bool {
    let name = Path::new(program).file_name().and_then(OsStr::to_str);
    let version = name.and_then(|name| name.strip_prefix("python"));
    version.is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// The script among the words after an interpreter.
fn script(words: &[OsString]) -> Result<&OsStr, String> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(flags) = word.to_str().and_then(|word| word.strip_prefix('-')) else { return Ok(word) };
        let end = flags.find(|flag| !FLAGS.contains(flag));
        match end.and_then(|at| flags[at..].chars().next()) {
            None if !flags.is_empty() => {}
            Some(flag) if VALUED.contains(&flag) => {
                if end == Some(flags.len() - 1) {
                    words.next();
                }
            }
            Some('I' | 'E') => {
                return Err(format!("with `-{flags}` its interpreter does not look at PYTHONPATH"));
            }
            _ => return Err(format!("its interpreter is started with `-{flags}`")),
        }
    }
    Err("its interpreter is started without a script".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_python_with_a_script_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("cli.py"), "").unwrap();
        let check = |words: &[&str]| {
            let launch: Vec<OsString> = words.iter().map(OsString::from).collect();
            plan("p", &launch, dir.path(), None).map(|plan| assert_eq!(plan.launch, launch))
        };
        for words in [
            &["/bin/python3", "cli.py"][..],
            &["python", "-u", "-bB", "cli.py", "-I"],
            &["python3.12", "-X", "utf8", "-Xdev", "-uW", "ignore", "-Wd", "cli.py", "--quiet"],
        ] {
            assert_eq!(check(words), Ok(()), "{words:?}");
        }
        let because = |what: &str| Err(what.to_owned());
        for (words, reason) in [
            (&["/bin/sh", "cli.py"][..], "it is not started by a Python interpreter but by `/bin/sh`"),
            (&["pypy3", "cli.py"], "it is not started by a Python interpreter but by `pypy3`"),
            (&["python3-dbg", "cli.py"], "it is not started by a Python interpreter but by `python3-dbg`"),
            (&["python3", "-m", "cli"], "its interpreter is started with `-m`"),
            (&["python3", "-uc", "1"], "its interpreter is started with `-uc`"),
            (&["python3", "-"], "its interpreter is started with `-`"),
            (&["python3", "--version", "cli.py"], "its interpreter is started with `--version`"),
            (&["python3", "-uI", "cli.py"], "with `-uI` its interpreter does not look at PYTHONPATH"),
            (&["python3", "-S", "cli.py"], "its interpreter is started with `-S`"),
            (&["python3", "-W", "cli.py"], "its interpreter is started without a script"),
            (&["python3"], "its interpreter is started without a script"),
            (&["python3", "other.py"], "`other.py` is no file"),
            (&[], "there are no words to start it with"),
        ] {
            assert_eq!(check(words), because(reason), "{words:?}");
        }
    }

    #[test]
    fn scripts_that_name_python_themselves() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("cli.py");
        let check = |first_line: &str| {
            std::fs::write(&script, first_line).unwrap();
            plan("p", &[script.clone().into()], dir.path(), None).map(|_| ())
        };
        for line in [
            "#!/usr/bin/python3\n",
            "#! /opt/bin/python3.9 -u\n",
            "#!/usr/bin/env python3\n",
            "#!/usr/bin/env -S A=1 python3 -u -B\n",
            "#!/usr/bin/env -S python3\n",
        ] {
            assert_eq!(check(line), Ok(()), "{line}");
        }
        for line in [
            "import sys\n",
            "#!/bin/sh\n",
            "#!/usr/bin/env -S uv run --script\n",
            "#!/usr/bin/env -i python3\n",
            "#!/usr/bin/env -S python3 -I\n",
            "#!/usr/bin/env python3 -u\n",
        ] {
            assert!(check(line).is_err(), "{line}");
        }
    }
}
