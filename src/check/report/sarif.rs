//! SARIF 2.1.0 (OASIS, static analysis results), which code scanning services read.

use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use crate::model::Severity;

use super::super::rules::{self, Kind};
use super::super::{Finding, Report};
use super::{message, subject, word};

/// What may not stand in a URI's path as it is.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'|')
    .add(b'\\')
    .add(b'^')
    .add(b':');

pub(super) fn text(report: &Report) -> String {
    let mut codes: Vec<(&str, Kind)> = rules::ALL.iter().map(|rule| (rule.code, rule.kind)).collect();
    for finding in &report.findings {
        if !codes.iter().any(|(code, _)| *code == finding.code) {
            codes.push((&finding.code, finding.kind));
        }
    }
    let results: Vec<Value> = report
        .findings
        .iter()
        // What was written is settled: a scanner that is told of it would ask somebody to look.
        .filter(|finding| !finding.written)
        .map(|finding| {
            let rule = codes.iter().position(|(code, _)| *code == finding.code).unwrap_or(0);
            result(finding, rule, report.anywhere.as_deref())
        })
        .collect();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "smcp check",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|(code, kind)| rule(code, *kind)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}")
}

fn rule(code: &str, kind: Kind) -> Value {
    let known = rules::ALL.iter().find(|rule| rule.code == code);
    let mut value = json!({"id": code, "properties": {"tags": [kind]}});
    let says = known.map_or("Something that discovery noticed about a plugin.", |rule| rule.says);
    value["shortDescription"] = json!({"text": says});
    if let Some(rule) = known {
        value["defaultConfiguration"] = json!({"level": word(rule.severity)});
    }
    value
}

/// A result. Code scanning services take none without a file, so that one about all plugins is told at `anywhere`.
fn result(finding: &Finding, rule: usize, anywhere: Option<&Path>) -> Value {
    let level = match finding.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let mut value = json!({
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": level,
        "message": {"text": message(finding)},
    });
    let mut location = json!({});
    if let Some(file) = finding.file.as_deref().or(anywhere) {
        let region = json!({"startLine": finding.line.unwrap_or(1)});
        location["physicalLocation"] = json!({"artifactLocation": {"uri": uri(file)}, "region": region});
    }
    let subject = subject(finding);
    if !subject.is_empty() {
        location["logicalLocations"] = json!([{"fullyQualifiedName": subject, "kind": "function"}]);
    }
    if location.as_object().is_some_and(|all| !all.is_empty()) {
        value["locations"] = json!([location]);
    }
    value
}

/// A path as a reference: relative as it is, absolute with its scheme.
fn uri(path: &Path) -> String {
    let text = path.to_string_lossy();
    let encoded = utf8_percent_encode(&text, IN_PATH).to_string();
    if path.is_absolute() { format!("file://{encoded}") } else { encoded }
}
