//! The report as one JSON object, for scripts.

use serde_json::json;

use crate::model::Severity;

use super::super::Report;

/// Counts up with every change that a reader can't take.
const FORMAT_VERSION: u32 = 1;

pub(super) fn text(report: &Report, deny: Severity) -> String {
    let mut value = json!({
        "formatVersion": FORMAT_VERSION,
        "passed": report.denied(deny) == 0,
        "deny": deny,
        "denied": report.denied(deny),
    });
    if let (Some(all), Ok(serde_json::Value::Object(own))) =
        (value.as_object_mut(), serde_json::to_value(report))
    {
        all.extend(own);
    }
    format!("{value:#}")
}
