//! One program, every Python: the same command tree and the same tools, byte for byte.
//!
//! Known differences, taken out before comparing:
//! - `BooleanOptionalAction` of 3.9 to 3.12 writes its default into its help; later ones leave that to the formatter.
//! - Up to 3.13, an exclusive group inside an argument group is listed among the plain options; 3.14 lists it in the group.
//! - An empty metavar shows on pages from 3.13 on only, so that help and parser differ up to 3.12.
//! - `BooleanOptionalAction` of 3.9 to 3.12 also shows itself where its help is to be suppressed, so that help and parser
//!   differ there.
//! - A group of a parent parser that is titled as one of the parser's own is merged with that one, and the titles of
//!   those depend on the version: 3.10 and later write `options`.
//! - A name with parentheses damages the usage up to 3.10, so that help and parser differ there.
//! - A program that reads in two passes can't name the defaults of positionals in its help.
//! - `keeps_double_dash` and `two_passes` tell the versions apart by their very nature.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use smcp::model::{Action, Argument, Command};
use smcp::schema;

use crate::interpreter::Interpreter;
use crate::program::Program;
use crate::report::Failure;

/// What differs between the interpreters that can build a program.
pub(crate) fn check(interpreters: &mut [Interpreter], description: &serde_json::Value) -> Vec<Failure> {
    let mut first: Option<((u64, u64), [String; 2])> = None;
    for interpreter in interpreters {
        let version = interpreter.version;
        let Some(texts) = Program::ask(interpreter, description).ok().and_then(|p| texts(&p)) else {
            continue;
        };
        let Some((other, first_texts)) = &first else {
            first = Some((version, texts));
            continue;
        };
        let about = format!("Python {other:?} and {version:?}");
        for (cause, a, b) in
            [("command tree", &first_texts[0], &texts[0]), ("tools", &first_texts[1], &texts[1])]
        {
            if let Some((expected, got)) = difference(a, b) {
                let cause = cause.to_owned();
                return vec![Failure { cause, about, expected, got, seen: String::new() }];
            }
        }
    }
    Vec::new()
}

/// Programs of which all versions give the same have one digest.
pub(crate) fn digest(program: &Program) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    texts(program)?.hash(&mut hasher);
    Some(hasher.finish())
}

/// The command tree and the tools; `None` where the live description can't be read, which another test tells.
fn texts(program: &Program) -> Option<[String; 2]> {
    let mut command = program.merged().ok()?;
    without_known_differences(&mut command);
    if program.intermixed {
        let positionals = command.arguments.iter_mut().filter(|a| a.is_positional());
        positionals.for_each(|a| (a.help, a.provenance) = Default::default());
        command.diagnostics.clear();
    }
    let tools = schema::tools("tool", &command, &BTreeMap::new()).tools;
    let tree = serde_json::to_string_pretty(&command).expect("a command is JSON");
    Some([tree, serde_json::to_string_pretty(&tools).expect("tools are JSON")])
}

fn without_known_differences(command: &mut Command) {
    command.parser.keeps_double_dash = None;
    command.parser.two_passes = false;
    for argument in command.arguments.iter_mut().filter(|a| a.action == Action::Negatable) {
        argument.help = None;
        argument.provenance.clear();
    }
    let odd_name = |m: &String| m.is_empty() || m.contains(['(', ')']);
    let hidden = |a: &Argument| a.action == Action::Negatable && a.hidden;
    if command.arguments.iter().any(|a| hidden(a) || a.metavar.iter().any(odd_name)) {
        command.diagnostics.clear();
    }
    command.diagnostics.retain(|d| !["unconfirmed-option", "unconfirmed-section"].contains(&d.code.as_str()));
    for member in command.exclusive.iter().flat_map(|g| &g.members) {
        command.arguments[*member].section = None;
    }
    command.subcommands.iter_mut().for_each(without_known_differences);
}

/// The first line that differs, with the line before it.
fn difference(a: &str, b: &str) -> Option<(String, String)> {
    let (a, b): (Vec<_>, Vec<_>) = (a.lines().collect(), b.lines().collect());
    let at = (0..a.len().max(b.len())).find(|i| a.get(*i) != b.get(*i))?;
    let shown =
        |lines: &[&str]| lines[at.saturating_sub(1).min(lines.len())..(at + 1).min(lines.len())].join(" / ");
    Some((shown(&a), shown(&b)))
}
