//! GitHub's workflow commands (`::error file=…::…`), which become annotations of the files that a change touches.

use std::fmt::Write;

use crate::model::Severity;
use crate::text;

use super::super::Report;
use super::{message, summary};

pub(super) fn text(report: &Report, deny: Severity) -> String {
    let mut out = String::new();
    for finding in report.findings.iter().filter(|finding| !finding.written) {
        let command = match finding.severity {
            Severity::Note => "notice",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let mut properties = Vec::new();
        if let Some(file) = &finding.file {
            properties.push(format!("file={}", property(&file.to_string_lossy())));
            properties.push(format!("line={}", finding.line.unwrap_or(1)));
        }
        properties.push(format!("title={}", property(&finding.code)));
        let _ = writeln!(out, "::{command} {}::{}", properties.join(","), data(&message(finding)));
    }
    out + &summary(report, deny)
}

/// What a command says, which ends at the end of the line.
fn data(text: &str) -> String {
    text::plain(text).replace('%', "%25").replace('\n', "%0A")
}

/// A property's value, which also ends at a comma or colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
