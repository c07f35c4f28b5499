//! What a help page tells of subcommands: rows under a heading, `checkout (co, ck)  summary`, and the braces of usage.

use crate::program::WIDE;
use crate::text::{Checker, laid_out};

/// Differences between the subcommands that a page lists and the parser's.
pub(crate) fn check(checker: &mut Checker) {
    let node = checker.node;
    let mut last = None;
    for below in node.subcommands.iter().filter(|n| n.facts.listed && !n.command.hidden) {
        let truth = &below.command;
        let Some(at) = checker.got.subcommands.iter().position(|c| c.name == truth.name) else {
            let names = names(checker);
            checker.fail("missing subcommand", &truth.name, truth.name.clone(), names);
            continue;
        };
        let got = &checker.got.subcommands[at];
        if last.is_some_and(|last| at < last) {
            let names = names(checker);
            checker.fail(
                "order of subcommands",
                &truth.name,
                format!("{:?}", node.command.subcommands.len()),
                names,
            );
        }
        last = Some(at);
        checker.expect("aliases", &truth.name, &truth.aliases, &got.aliases);
        let (expected, found) =
            (checker.squeezed(truth.summary.as_deref()), checker.squeezed(got.summary.as_deref()));
        checker.expect("summary", &truth.name, &expected, &found);
        checker.expect("hidden subcommand", &truth.name, &false, &got.hidden);
    }
    named_only_in_usage(checker);
    invented(checker);
    let visible_before = (node.command.arguments.iter().filter(|a| a.is_positional()))
        .take(node.command.subcommand_at)
        .filter(|a| !a.hidden)
        .count();
    if !checker.got.subcommands.is_empty() && checker.width == WIDE && !node.facts.usage_by_hand {
        checker.expect("positionals before the subcommand", "", &visible_before, &checker.got.subcommand_at);
    }
}

/// A command without help has no row, but stands in the braces; there an alias looks like a command.
fn named_only_in_usage(checker: &mut Checker) {
    let node = checker.node;
    if node.facts.sub_metavar.is_some() || node.facts.usage_by_hand {
        return;
    }
    for below in node.subcommands.iter().filter(|n| !n.facts.listed) {
        let name = below.command.name.clone();
        if !checker.got.subcommands.iter().any(|c| c.answers_to(&name)) {
            let names = names(checker);
            checker.fail("missing subcommand that only usage names", &name, name.clone(), names);
        }
    }
}

/// Every parsed command is one of the parser's, and one that is hidden is not offered.
fn invented(checker: &mut Checker) {
    let node = checker.node;
    for got in &checker.got.subcommands {
        match node.subcommands.iter().find(|n| n.command.answers_to(&got.name)) {
            // There is no telling a raw text that looks like a section from a section.
            None if node.facts.usage_by_hand && laid_out(node) => {}
            None => {
                let names = names(checker);
                checker.fail("invented subcommand", &got.name, format!("{:?}", true_names(checker)), names);
            }
            Some(n) if n.command.hidden && !got.hidden => {
                checker.fail(
                    "suppressed subcommand offered",
                    &got.name,
                    "hidden".to_owned(),
                    "not hidden".to_owned(),
                );
            }
            Some(_) => {}
        }
    }
}

fn names(checker: &Checker) -> String {
    format!("{:?}", checker.got.subcommands.iter().map(|c| &c.name).collect::<Vec<_>>())
}

fn true_names<'a>(checker: &Checker<'a>) -> Vec<&'a str> {
    checker.node.command.subcommands.iter().map(|c| c.name.as_str()).collect()
}
