//! A report → the text of a format. Pure.

mod github;
mod human;
mod json;
mod junit;
mod sarif;

use std::fmt::Write;

use crate::model::Severity;
use crate::text;

use super::{Finding, Report};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text to read.
    Human,
    /// One JSON object.
    Json,
    /// `JUnit` XML.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// GitHub's workflow commands.
    Github,
}

/// The text of a report; `deny` is the least severity that fails the check.
pub fn text(report: &Report, format: Format, deny: Severity) -> String {
    match format {
        Format::Human => human::text(report, deny),
        Format::Json => text::json(&json::text(report, deny)),
        Format::Junit => junit::text(report, deny),
        Format::Sarif => text::json(&sarif::text(report)),
        Format::Github => github::text(report, deny),
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// What a finding is about: tool and argument.
fn subject(finding: &Finding) -> String {
    let parts = [finding.tool.as_deref(), finding.argument.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(".")
}

/// The message with what it is about before it.
fn message(finding: &Finding) -> String {
    let written = if finding.written { " (written)" } else { "" };
    match subject(finding) {
        subject if subject.is_empty() => format!("{}{written}", finding.message),
        subject => format!("{subject}: {}{written}", finding.message),
    }
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// What was checked and what came of it, in one or two lines.
fn summary(report: &Report, deny: Severity) -> String {
    let mut text = format!(
        "{}, {}, about {} in a model's context",
        count(report.plugins.len(), "plugin"),
        count(report.tools, "tool"),
        count(report.tokens, "token")
    );
    if let Some(proof) = &report.proof {
        let _ = write!(
            text,
            "\n{}: {} proven, {} failed, {} refused before anything ran, {} not seen; tools: {} proven, {} unproven",
            count(proof.calls, "call"),
            proof.proven,
            proof.failed,
            proof.refused,
            proof.lost,
            proof.tools_proven,
            proof.tools_unproven
        );
    }
    let of = |severity| report.findings.iter().filter(|f| f.severity == severity && !f.written).count();
    let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Note].map(of);
    let written = report.findings.iter().filter(|finding| finding.written).count();
    let _ = write!(
        text,
        "\n{}, {}, {}{}; {}",
        count(errors, "error"),
        count(warnings, "warning"),
        count(notes, "note"),
        if written > 0 { format!(", {written} settled by writing contracts") } else { String::new() },
        if report.denied(deny) > 0 { format!("failed (--deny {})", word(deny)) } else { "passed".to_owned() }
    );
    text
}
