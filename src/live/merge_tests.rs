//! Tests of merging help pages with live descriptions.

#![expect(clippy::needless_pass_by_value, reason = "json! makes values")]

use serde_json::{Value, json};

use super::merge;
use crate::model::{Command, ExclusiveGroup};

/// A command from its serialised form, which is shorter to write.
fn command(value: Value) -> Command {
    serde_json::from_value(value).unwrap()
}

fn merged(text: Value, live: Value) -> Command {
    merge(command(text), command(live))
}

/// Merges one argument and compares what comes out and the messages' beginnings.
fn check(text: Value, live: Value, expected: Value, notes: &[&str]) {
    let result = merged(json!({"arguments": [text]}), json!({"arguments": [live]}));
    let argument = serde_json::to_value(&result.arguments[0]).unwrap();
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(argument.get(key).unwrap_or(&Value::Null), value, "{key}");
    }
    let messages: Vec<&str> = result.diagnostics.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(messages.len(), notes.len(), "{messages:?}");
    for (message, note) in messages.iter().zip(notes) {
        assert!(message.starts_with(note), "{message}");
    }
    assert!(result.diagnostics.iter().all(|d| d.code == "live-differs" && d.argument.is_some()));
}

const LIVE: &str = "live";

#[test]
fn what_a_page_cannot_know_is_taken_without_a_note() {
    check(
        json!({"flags": ["--n"], "choices": ["2", "1"],
               "provenance": {"arity": "entry", "required": "usage", "choices": "entry"}}),
        json!({"flags": ["--n"], "action": "append", "type": "integer", "default": [1], "choices": ["1", "2"],
               "provenance": {"choices": LIVE, "arity": LIVE, "required": LIVE, "type": LIVE, "default": LIVE}}),
        json!({"action": "append", "type": "integer", "default": [1]}),
        &[],
    );
}

#[test]
fn the_parser_wins_and_each_difference_is_noted() {
    check(
        json!({"flags": ["--n"], "arity": "0", "action": "flag", "provenance": {"arity": "entry"}}),
        json!({"flags": ["--n"], "metavar": [""], "provenance": {"arity": LIVE}}),
        json!({"arity": Value::Null, "action": Value::Null, "provenance": {"arity": LIVE}}),
        &["number of values: help shows `0`, the parser has `1`"],
    );
    check(
        json!({"flags": ["--n"]}),
        json!({"flags": ["--n"], "required": true}),
        json!({"required": true}),
        &["required: help shows nothing, the parser has required"],
    );
    check(
        json!({"flags": ["-n", "--num"], "choices": ["a"], "default": "x",
               "provenance": {"choices": "entry", "default": "entry"}}),
        json!({"flags": ["-n"], "choices": ["a", "b"], "default": "y",
               "provenance": {"choices": LIVE, "default": LIVE}}),
        json!({"flags": ["-n"], "choices": ["a", "b"], "default": "y"}),
        &[
            "flags: help shows `-n`, `--num`",
            "choices: help shows `a`, the parser has `a`, `b`",
            "default: help",
        ],
    );
}

#[test]
fn a_default_reads_the_same_as_text() {
    for (shown, real) in [(json!("5"), json!(5)), (json!(5), json!(5.0)), (json!("True"), json!(true))] {
        check(
            json!({"flags": ["--n"], "default": shown, "provenance": {"default": "entry"}}),
            json!({"flags": ["--n"], "default": real.clone(), "provenance": {"default": LIVE}}),
            json!({"default": real, "provenance": {"default": LIVE}}),
            &[],
        );
    }
}

#[test]
fn the_page_fills_in_what_the_parser_does_not_say() {
    check(
        json!({"flags": ["--p"], "default": "/tmp", "help": "where", "choices": ["/tmp"],
               "provenance": {"default": "entry", "help": "entry", "choices": "usage"}}),
        json!({"flags": ["--p"]}),
        json!({"default": "/tmp", "help": "where", "choices": ["/tmp"],
               "provenance": {"default": "entry", "help": "entry", "choices": "usage"}}),
        &[],
    );
}

#[test]
fn positionals_match_by_name_then_by_order() {
    let result = merged(
        json!({"arguments": [{"metavar": ["B"], "help": "b"}, {"metavar": ["other"], "help": "a"}]}),
        json!({"arguments": [{"metavar": ["a"], "dest": "a"}, {"metavar": ["B"], "dest": "b"}]}),
    );
    let helps: Vec<_> = result.arguments.iter().map(|a| a.help.as_deref().unwrap()).collect();
    assert_eq!(helps, ["a", "b"]);
    assert!(result.diagnostics.is_empty());
}

#[test]
fn arguments_of_one_side_only() {
    let result = merged(
        json!({"arguments": [{"flags": ["--a"]}, {"flags": ["--ghost"]}]}),
        json!({"arguments": [{"flags": ["--a"]}, {"flags": ["--new"]}, {"flags": ["--secret"], "hidden": true}]}),
    );
    let labels: Vec<_> = result.arguments.iter().map(crate::model::Argument::label).collect();
    assert_eq!(labels, ["--a", "--new", "--secret"]);
    let notes: Vec<_> =
        result.diagnostics.iter().map(|d| (d.code.as_str(), d.argument.as_deref().unwrap())).collect();
    assert_eq!(notes, [("not-in-help", "--new"), ("only-in-help", "--ghost")]);
}

#[test]
fn a_parser_cut_short_keeps_the_pages_options() {
    let result = merged(
        json!({"arguments": [{"flags": ["--a"]}, {"flags": ["--rest"]}]}),
        json!({"arguments": [{"flags": ["--a"]}], "incomplete": true}),
    );
    assert_eq!(result.arguments[1].flags, ["--rest"]);
    assert!(result.incomplete && result.diagnostics.is_empty());
}

#[test]
fn another_parsers_description_is_not_used() {
    let text = json!({"arguments": [{"flags": ["--a"]}, {"flags": ["--b"]}]});
    let result = merged(text.clone(), json!({"arguments": [{"flags": ["--x"]}]}));
    assert_eq!(result.arguments, command(text).arguments);
    assert_eq!(result.diagnostics[0].code, "live-unrelated");
}

#[test]
fn exclusive_groups_are_the_parsers() {
    let arguments = json!([{"flags": ["-a"]}, {"flags": ["-b"]}]);
    let group = |required: bool| json!([{"required": required, "members": [0, 1]}]);
    for (text, live, notes) in [
        (json!([]), group(false), 0),
        (group(true), group(true), 0),
        (group(true), group(false), 1),
        (group(false), json!([]), 1),
    ] {
        let result = merged(
            json!({"arguments": arguments, "exclusive": text}),
            json!({"arguments": arguments, "exclusive": live.clone()}),
        );
        assert_eq!(result.exclusive, serde_json::from_value::<Vec<ExclusiveGroup>>(live).unwrap());
        assert_eq!(result.diagnostics.len(), notes);
    }
}

#[test]
fn subcommands_of_both_sides() {
    let result = merged(
        json!({"subcommands": [{"name": "co", "summary": "check out"}, {"name": "ghost"}]}),
        json!({"subcommands": [{"name": "checkout", "aliases": ["co"], "arguments": [{"flags": ["-f"]}]},
                               {"name": "quiet", "hidden": true}], "subcommandAt": 1, "runsAlone": true}),
    );
    let names: Vec<_> = result.subcommands.iter().map(|c| (c.name.as_str(), c.hidden)).collect();
    assert_eq!(names, [("checkout", false), ("quiet", true), ("ghost", false)]);
    assert_eq!(result.subcommands[0].summary.as_deref(), Some("check out"));
    assert_eq!(result.subcommands[0].arguments.len(), 1);
    assert_eq!((result.subcommand_at, result.runs_alone), (1, true));
    assert_eq!(result.diagnostics[0].code, "subcommands-only-in-help");
}

#[test]
fn choices_of_a_positional_are_no_subcommands() {
    let result = merged(
        json!({"subcommands": [{"name": "a"}, {"name": "b"}]}),
        json!({"arguments": [{"dest": "what", "choices": ["a", "b"]}]}),
    );
    assert!(result.subcommands.is_empty());
    assert!(
        result.diagnostics.iter().any(|d| d.code == "live-differs" && d.argument.as_deref() == Some("what"))
    );
}

#[test]
fn the_pages_doubts_end_where_the_parser_answers() {
    let doubt = json!({"severity": "warning", "code": "ambiguous-choices", "message": "m"});
    let stays = json!({"severity": "note", "code": "unconfirmed-section", "message": "m"});
    let result = merged(json!({"diagnostics": [doubt, stays], "incomplete": true}), json!({}));
    assert_eq!(result.diagnostics.len(), 1);
    assert!(!result.incomplete);
}
