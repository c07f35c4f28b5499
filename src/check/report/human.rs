//! The format for people: findings under the file that they are best looked for in.

use std::fmt::Write;

use crate::model::Severity;
use crate::text;

use super::super::{Class, Report};
use super::{message, summary, word};

pub(super) fn text(report: &Report, deny: Severity) -> String {
    let mut out = String::new();
    let mut place = None;
    for finding in &report.findings {
        let here = (finding.plugin.as_ref(), finding.file.as_ref());
        if place != Some(here) {
            out += &match here.1 {
                Some(file) => text::line(&file.to_string_lossy()),
                None => "all plugins".into(),
            };
            out.push('\n');
            place = Some(here);
        }
        let class = match finding.class {
            Some(Class::Breaking) => ", breaking",
            Some(Class::Compatible) => ", compatible",
            Some(Class::Wording) => ", wording",
            None => "",
        };
        let line = finding.line.map_or_else(String::new, |line| format!("line {line}: "));
        let said = line + &text::line(&message(finding));
        let _ = writeln!(out, "  {}[{}{class}] {said}", word(finding.severity), finding.code);
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out + &summary(report, deny)
}
