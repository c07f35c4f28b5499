//! The measure of exactness: random argparse programs, built alike by every Python that is there, and what smcp makes
//! of them compared with what their parser objects say.
//!
//! `SMCP_GENERATED` = how many programs each Python takes, `SMCP_GENERATED_SEED` = which, `SMCP_TEST_PYTHONS` = colon-separated
//! interpreters (else `python3`), `SMCP_TEST_PYODIDE=1` = also `CPython` 3.14 in Node (needs npm),
//! `SMCP_GENERATED_REPORT` = a directory for the whole reports.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod calls;
mod exact;
mod interpreter;
mod json_schema;
mod named;
mod pass;
mod program;
mod report;
mod rng;
mod shrink;
mod subcommands;
mod text;
mod totality;
mod versions;

use pass::{Share, pass};

/// Percent of the calls (half of them odd on purpose) that may be refused before anything runs.
const MOST_REFUSED: usize = 25;

#[test]
fn wide_help_pages_tell_what_the_parser_object_says() {
    pass().finish(Share::Wide);
}

#[test]
fn help_pages_of_80_columns_tell_what_the_parser_object_says() {
    pass().finish(Share::Narrow);
}

#[test]
fn the_merged_command_is_the_truth() {
    pass().finish(Share::Live);
}

#[test]
fn calls_give_the_namespace_that_they_mean() {
    pass().finish(Share::Calls);
    let calls::Counts { calls, plain, refused } = pass().counts;
    println!("{calls} calls, {plain} of them plain, {refused} refused");
    assert!(plain * 4 > calls, "{plain} of {calls} calls are plain: the test tests little");
    assert!(refused * 100 < calls * MOST_REFUSED, "{refused} of {calls} calls are refused");
}

#[test]
fn every_python_gives_the_same_tools() {
    pass().finish(Share::Versions);
}

#[test]
fn every_python_builds_every_program() {
    let refused = &pass().refused;
    assert!(refused.is_empty(), "{} refused: {:#?}", refused.len(), &refused[..refused.len().min(5)]);
}
