//! What is counted of calls: by tool and outcome, errors by code, and how long they take.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

use crate::metrics::{Labels, Scrape};

/// Tools with series of their own; calls of more are counted as those of `other`.
const TOOLS: usize = 512;

/// Error codes with a series of their own: smcp's are about a dozen, and plugins bring theirs.
const CODES: usize = 64;

/// Seconds: from what an interpreter needs to start, to what is left to run in the background.
const BUCKETS: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0];

type Labelled = [(&'static str, String); 1];

/// The counts since the start.
#[derive(Debug)]
pub(super) struct Series {
    tools: Labels,
    codes: Labels,
    ended: Family<[(&'static str, String); 2], Counter>,
    errors: Family<Labelled, Counter>,
    seconds: Family<Labelled, Histogram, fn() -> Histogram>,
}

impl Default for Series {
    fn default() -> Series {
        Series {
            tools: Labels::new(TOOLS),
            codes: Labels::new(CODES),
            ended: Family::default(),
            errors: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }
}

impl Series {
    /// A call has ended, with the outcome of its [`super::Record`].
    pub(super) fn ended(&self, tool: &str, outcome: &str, took: Duration) {
        let tool = self.tools.of(tool);
        let kind = match outcome {
            "ok" | "asks" | "cancelled" => outcome,
            _ => "error",
        };
        self.ended.get_or_create(&[("tool", tool.clone()), ("outcome", kind.to_owned())]).inc();
        if !matches!(kind, "ok" | "asks") {
            self.errors.get_or_create(&[("code", self.codes.of(outcome))]).inc();
        }
        self.seconds.get_or_create(&[("tool", tool)]).observe(took.as_secs_f64());
    }

    pub(super) fn measure(&self, scrape: &mut Scrape) {
        scrape.series("calls", "Calls that have ended", self.ended.clone());
        scrape.series("call_errors", "Calls that ended as an error or were cancelled", self.errors.clone());
        scrape.series(
            "call_duration_seconds",
            "How long calls took, with their wait for a place",
            self.seconds.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_tool_and_end() {
        let series = Series::default();
        for outcome in ["ok", "ok", "asks", "timeout", "cancelled"] {
            series.ended("t", outcome, Duration::from_millis(30));
        }
        let mut scrape = Scrape::default();
        series.measure(&mut scrape);
        let text = scrape.text().unwrap();
        for line in [
            r#"smcp_calls_total{tool="t",outcome="ok"} 2"#,
            r#"smcp_calls_total{tool="t",outcome="asks"} 1"#,
            r#"smcp_calls_total{tool="t",outcome="error"} 1"#,
            r#"smcp_calls_total{tool="t",outcome="cancelled"} 1"#,
            r#"smcp_call_errors_total{code="timeout"} 1"#,
            r#"smcp_call_errors_total{code="cancelled"} 1"#,
            r#"smcp_call_duration_seconds_bucket{le="0.025",tool="t"} 0"#,
            r#"smcp_call_duration_seconds_bucket{le="0.05",tool="t"} 5"#,
            r#"smcp_call_duration_seconds_count{tool="t"} 5"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn neither_tools_nor_codes_make_series_without_number() {
        let series = Series::default();
        for n in 0..TOOLS * 2 {
            series.ended(&format!("tool{n}"), &format!("code_{n}"), Duration::ZERO);
        }
        let mut scrape = Scrape::default();
        series.measure(&mut scrape);
        let text = scrape.text().unwrap();
        let count = |start: &str| text.lines().filter(|l| l.starts_with(start)).count();
        assert_eq!(count("smcp_calls_total"), TOOLS + 1);
        assert_eq!(count("smcp_call_errors_total"), CODES + 1);
        assert_eq!(count("smcp_call_duration_seconds_count"), TOOLS + 1);
    }
}
