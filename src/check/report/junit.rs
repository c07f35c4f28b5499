//! `JUnit` XML, in the form that its common readers share: a suite for each plugin, a case for each part of the check. A case
//! fails with what is denied; the rest of its findings is its output.

use std::fmt::Write;

use crate::model::Severity;

use super::super::rules::Kind;
use super::super::{Finding, Report, is_denied};
use super::{message, word};

/// The suite of what concerns all plugins.
const ALL: &str = "all plugins";

pub(super) fn text(report: &Report, deny: Severity) -> String {
    let mut kinds = vec![Kind::Drift, Kind::Lint];
    if report.proof.is_some() {
        kinds.push(Kind::Prove);
    }
    // Also those that are not there any more.
    let mut names: Vec<Option<&str>> = report.plugins.iter().map(|name| Some(name.as_str())).collect();
    for finding in &report.findings {
        if !names.contains(&finding.plugin.as_deref()) {
            names.push(finding.plugin.as_deref());
        }
    }
    let suites: Vec<Suite> = names.iter().map(|name| suite(report, *name, &kinds, deny)).collect();
    let (tests, failures) = (names.len() * kinds.len(), suites.iter().map(|s| s.failures).sum::<usize>());
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"smcp check\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">"
    );
    suites.iter().for_each(|suite| out += &suite.text);
    out + "</testsuites>"
}

struct Suite {
    text: String,
    failures: usize,
}

fn suite(report: &Report, plugin: Option<&str>, kinds: &[Kind], deny: Severity) -> Suite {
    let name = escaped(plugin.unwrap_or(ALL));
    let (mut cases, mut failures) = (String::new(), 0);
    for kind in kinds {
        let own = report.findings.iter().filter(|f| f.plugin.as_deref() == plugin && f.kind == *kind);
        let (denied, rest): (Vec<&Finding>, Vec<&Finding>) =
            own.partition(|finding| is_denied(finding, deny));
        failures += usize::from(!denied.is_empty());
        cases += &case(&name, *kind, &denied, &rest);
    }
    let tests = kinds.len();
    let head = format!(
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">\n"
    );
    Suite { text: head + &cases + "  </testsuite>\n", failures }
}

fn case(plugin: &str, kind: Kind, denied: &[&Finding], rest: &[&Finding]) -> String {
    let name = match kind {
        Kind::Drift => "drift",
        Kind::Lint => "lint",
        Kind::Prove => "prove",
    };
    let head = format!("    <testcase classname=\"{plugin}\" name=\"{name}\" time=\"0\"");
    if denied.is_empty() && rest.is_empty() {
        return head + "/>\n";
    }
    let mut out = head + ">\n";
    if let Some(first) = denied.first() {
        let _ = writeln!(
            out,
            "      <failure type=\"{}\" message=\"{}\">{}</failure>",
            escaped(&first.code),
            escaped(&told(first)),
            escaped(&lines(denied))
        );
    }
    if !rest.is_empty() {
        let _ = writeln!(out, "      <system-out>{}</system-out>", escaped(&lines(rest)));
    }
    out + "    </testcase>\n"
}

fn lines(findings: &[&Finding]) -> String {
    let one = |f: &&Finding| format!("{}[{}] {}", word(f.severity), f.code, told(f).replace('\n', " "));
    findings.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// The message, behind the file where that says a line: readers are shown no file of a case.
fn told(finding: &Finding) -> String {
    let place = finding.file.as_deref().zip(finding.line);
    place.map(|(file, line)| format!("{}:{line}: ", file.display())).unwrap_or_default() + &message(finding)
}

/// Text for content and attributes; characters that XML 1.0 can't hold become �.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' => out += "&#10;",
            '\t' => out += "&#9;",
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
