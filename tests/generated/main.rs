//! The measure of exactness: random argparse programs, built alike by every Python that is there, and what smcp makes
//! of them compared with what their parser objects say.
//!
//! `SMCP_GENERATED` = how many programs a test takes, `SMCP_GENERATED_SEED` = which, `SMCP_TEST_PYTHONS` = colon-separated
//! interpreters (else `python3`), `SMCP_TEST_PYODIDE=1` = also `CPython` 3.14 in Node (needs npm),
//! `SMCP_GENERATED_REPORT` = a directory for the whole reports.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod calls;
mod exact;
mod interpreter;
mod json_schema;
mod named;
mod program;
mod report;
mod rng;
mod shrink;
mod subcommands;
mod text;
mod totality;
mod versions;

use std::cell::Cell;

use calls::Counts;
use interpreter::{Interpreter, generate, variable};
use program::{NARROW, Program, WIDE};
use report::{Failure, Report};
use serde_json::Value;

/// Programs that a test takes where nobody says: seconds of work, and every kind of argument many times.
const PROGRAMS: usize = 60;

/// Names the calls that each program gets, so that a smaller program gets the like.
const CALLS_SEED: u64 = 7;

/// Percent of the calls (half of them odd on purpose) that may be refused before anything runs.
const MOST_REFUSED: usize = 25;

fn descriptions() -> Vec<Value> {
    let seed = variable("SMCP_GENERATED_SEED").and_then(|v| v.parse().ok()).unwrap_or(1);
    let count = variable("SMCP_GENERATED").and_then(|v| v.parse().ok()).unwrap_or(PROGRAMS);
    generate(seed, count)
}

/// Runs a check on every program of every interpreter and reports.
fn measure(name: &str, check: impl Fn(&mut Interpreter, &Program, &Value) -> Vec<Failure>) {
    let descriptions = descriptions();
    let mut interpreters = Interpreter::all();
    let count = interpreters.len();
    let mut whole = |interpreter: usize, description: &Value| {
        let interpreter = &mut interpreters[interpreter];
        match Program::ask(interpreter, description) {
            Ok(program) => {
                let mut failures = check(interpreter, &program, description);
                let (major, minor) = interpreter.version;
                for failure in &mut failures {
                    failure.about = format!("{} (Python {major}.{minor})", failure.about);
                }
                failures
            }
            Err(_) => Vec::new(),
        }
    };
    let mut report = Report::default();
    for interpreter in 0..count {
        for description in &descriptions {
            let failures = whole(interpreter, description);
            report.add(interpreter, description, failures);
        }
    }
    report.finish(name, &mut whole);
}

#[test]
fn wide_help_pages_tell_what_the_parser_object_says() {
    measure("text-wide", |_, program, _| text::check(program, WIDE));
}

#[test]
fn help_pages_of_80_columns_tell_what_the_parser_object_says() {
    measure("text-narrow", |_, program, _| text::check(program, NARROW));
}

#[test]
fn the_merged_command_is_the_truth() {
    measure("live", |_, program, _| exact::check(program));
}

#[test]
fn calls_give_the_namespace_that_they_mean() {
    let counts = Cell::new(Counts::default());
    measure("calls", |interpreter, program, description| {
        let mut counted = counts.get();
        let failures = calls::check(interpreter, program, description, CALLS_SEED, &mut counted);
        counts.set(counted);
        failures
    });
    let Counts { calls, plain, refused } = counts.get();
    println!("{calls} calls, {plain} of them plain, {refused} refused");
    assert!(plain * 4 > calls, "{plain} of {calls} calls are plain: the test tests little");
    assert!(refused * 100 < calls * MOST_REFUSED, "{refused} of {calls} calls are refused");
}

#[test]
fn every_python_gives_the_same_tools() {
    let mut interpreters = Interpreter::all();
    let mut report = Report::default();
    let descriptions = descriptions();
    for description in &descriptions {
        report.add(0, description, versions::check(&mut interpreters, description));
    }
    report.finish("versions", &mut |_, description| versions::check(&mut interpreters, description));
}

#[test]
fn every_python_builds_nearly_every_program() {
    for mut interpreter in Interpreter::all() {
        let descriptions = descriptions();
        let refused =
            |d: &Value| Program::ask(&mut interpreter, d).err().filter(|e| !e.contains("newer Python"));
        let refused: Vec<_> = descriptions.iter().filter_map(refused).collect();
        assert!(refused.is_empty(), "{:?}: {refused:#?}", interpreter.version);
    }
}
