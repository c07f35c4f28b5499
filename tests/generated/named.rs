//! Small programs written by hand, one for each kind of argument and for each odd thing about help pages: `named.json`.
//! Each is read from its pages, described live and called on every Python, and compared with its parser object.

use serde_json::Value;

use crate::calls::{self, Counts};
use crate::interpreter::Interpreter;
use crate::program::{NARROW, Program, WIDE};
use crate::report::Failure;
use crate::{exact, text};

const PROGRAMS: &str = include_str!("named.json");

/// The programs, by name.
fn programs() -> Vec<(String, Value)> {
    let all: Value = serde_json::from_str(PROGRAMS).expect("named.json is JSON");
    let all = all.as_object().expect("programs by name");
    all.iter().map(|(name, program)| (name.clone(), program.clone())).collect()
}

#[test]
fn programs_written_by_hand_are_understood() {
    let mut interpreters = Interpreter::all();
    let mut complaints = Vec::new();
    for (name, description) in programs() {
        for interpreter in &mut interpreters {
            let program = match Program::ask(interpreter, &description) {
                Ok(program) => program,
                Err(error) if error.contains("newer Python") => continue,
                Err(error) => panic!("{name}: {error}"),
            };
            let mut failures = text::check(&program, WIDE);
            failures.extend(text::check(&program, NARROW));
            failures.extend(exact::check(&program));
            failures.extend(calls::check(interpreter, &program, &description, 1, &mut Counts::default()));
            for Failure { cause, about, expected, got, .. } in failures {
                let version = interpreter.version;
                complaints.push(format!(
                    "{name} on {version:?}: {cause}: {about}\n  expected {expected}\n       got {got}"
                ));
            }
        }
    }
    assert!(complaints.is_empty(), "{} differences\n{}", complaints.len(), complaints.join("\n"));
}
