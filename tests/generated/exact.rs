//! With the live description nothing is left to guess: the merged command is the truth, fact by fact, and every Python
//! gives the same.

use serde_json::{Value, json};
use smcp::model::{Argument, Command};

use crate::program::Program;
use crate::report::Failure;
use crate::text::label;

/// Differences between the merged command tree and what the parser object says.
pub(crate) fn check(program: &Program) -> Vec<Failure> {
    let mut failures = Vec::new();
    match program.merged() {
        Err(error) => failures.push(failure("live description", "", "one", &error, "")),
        Ok(merged) => compare(program, &program.root.command, &merged, &mut Vec::new(), &mut failures),
    }
    failures
}

fn compare(
    program: &Program,
    truth: &Command,
    got: &Command,
    path: &mut Vec<String>,
    failures: &mut Vec<Failure>,
) {
    let page = program.page(path);
    let typed = program.node(path).facts.formatter == "MetavarTypeHelpFormatter";
    let mut facts = Vec::new();
    for (name, truth, got) in
        [("command", node_facts(truth), node_facts(got)), ("arguments", spellings(truth), spellings(got))]
    {
        facts.push((name, String::new(), truth, got));
    }
    for (truth, got) in truth.arguments.iter().zip(&got.arguments) {
        facts.push(("argument", label(truth), argument_facts(truth), argument_facts(got)));
    }
    for (cause, about, truth, got) in facts {
        for (key, expected) in truth.as_object().into_iter().flatten() {
            let found = &got[key];
            if typed && ["metavar", "all"].contains(&key.as_str()) {
                continue; // the types that this formatter shows as names are known better as types
            }
            if expected != found {
                let about = format!("{about} of {path:?}");
                let cause = format!("{cause}: {key}");
                failures.push(failure(&cause, &about, &expected.to_string(), &found.to_string(), page));
            }
        }
    }
    if got.runs_alone && !truth.runs_alone {
        // Whether it is of use by itself is for the live description to judge, but argparse may forbid it.
        failures.push(failure(
            "runs alone",
            &format!("{path:?}"),
            "a required subcommand",
            "runs alone",
            page,
        ));
    }
    for below in &truth.subcommands {
        if let Some(found) = got.subcommands.iter().find(|c| c.name == below.name) {
            path.push(below.name.clone());
            compare(program, below, found, path, failures);
            path.pop();
        }
    }
}

fn failure(cause: &str, about: &str, expected: &str, got: &str, seen: &str) -> Failure {
    let own = |s: &str| s.to_owned();
    Failure { cause: own(cause), about: own(about), expected: own(expected), got: own(got), seen: own(seen) }
}

/// Everything of one command but its arguments and what stands below it.
fn node_facts(command: &Command) -> Value {
    let names: Vec<_> = command.subcommands.iter().map(|c| &c.name).collect();
    json!({
        "name": command.name, "aliases": command.aliases, "summary": squeezed(command.summary.as_ref()),
        "description": squeezed(command.description.as_ref()), "epilog": squeezed(command.epilog.as_ref()),
        "exclusive": command.exclusive, "subcommands": names, "subcommandAt": command.subcommand_at,
        "hidden": command.hidden, "incomplete": command.incomplete, "parser": command.parser,
        "keepsDoubleDash": command.parser.keeps_double_dash,
    })
}

fn spellings(command: &Command) -> Value {
    json!({ "all": command.arguments.iter().map(label).collect::<Vec<_>>() })
}

fn argument_facts(argument: &Argument) -> Value {
    json!({
        "flags": argument.flags, "dest": argument.dest, "metavar": argument.metavar, "action": argument.action,
        "arity": argument.arity, "type": argument.value_type, "choices": argument.choices, "default": argument.default,
        "required": argument.required, "hidden": argument.hidden || suppressed(argument), "help": squeezed(argument.help.as_ref().filter(|_| !suppressed(argument))),
        "suppressed": argument.suppressed,
        "section": argument.section.as_ref().filter(|t| *t != "options" && *t != "optional arguments"),
    })
}

/// White space is the formatter's, not the author's.
fn squeezed(text: Option<&String>) -> Option<String> {
    let text = text?.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// `BooleanOptionalAction` of 3.9 to 3.12 appends its default to a help text that is to be suppressed.
fn suppressed(argument: &Argument) -> bool {
    argument.help.as_ref().is_some_and(|h| h.starts_with("==SUPPRESS=="))
}
