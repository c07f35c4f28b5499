//! A line of a plugin's standard error → how far the call is, and how much the line matters.
//!
//! Pure. Reads percentages (`45%`, so progress bars of every make), `3/10`, and else counts lines.

use std::sync::LazyLock;

use regex::Regex;

use super::era::Level;

/// Characters of a line that go into a progress message: bars are drawn for terminals, people read short ones.
const MESSAGE_LIMIT: usize = 200;

static PERCENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[^\d.,])(\d{1,3}(?:\.\d+)?) ?%").expect("a constant pattern"));
static RATIO: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s\[(])(\d{1,15}) ?(?:/|of) ?(\d{1,15})(?:$|[\s\]),.:;])").expect("a constant pattern")
});

/// How far a call is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// Done so far; greater with each step.
    pub(super) progress: f64,
    /// What `progress` runs up to, where that is known.
    pub(super) total: Option<f64>,
    /// The line that said so.
    pub(super) message: String,
}

/// Follows one call's lines.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// What was told last; `None`: nothing yet, so a first measure of 0 is told.
    reached: Option<f64>,
    measured: bool,
}

impl Meter {
    /// The step that a line makes; `None` where the call is no further than before. A measure, once seen, ends the
    /// counting of lines.
    pub(super) fn read(&mut self, line: &str) -> Option<Step> {
        let line = line.trim();
        if line.is_empty() {
            return None;
        }
        let (progress, total) = match measure(line) {
            Some((progress, total)) => {
                self.measured = true;
                (progress, Some(total))
            }
            None if self.measured => return None,
            None => (self.reached.unwrap_or(0.0) + 1.0, None),
        };
        if self.reached.is_some_and(|reached| progress <= reached) {
            return None;
        }
        self.reached = Some(progress);
        Some(Step { progress, total, message: line.chars().take(MESSAGE_LIMIT).collect() })
    }
}

fn measure(line: &str) -> Option<(f64, f64)> {
    if let Some(found) = PERCENT.captures(line) {
        let percent: f64 = found[1].parse().ok()?;
        return (percent <= 100.0).then_some((percent, 100.0));
    }
    let found = RATIO.captures(line)?;
    let (done, total): (f64, f64) = (found[1].parse().ok()?, found[2].parse().ok()?);
    (done <= total && total > 0.0).then_some((done, total))
}

/// How much a line matters, by the words that logging libraries begin lines with; `info` where none is there.
pub(super) fn level(line: &str) -> Level {
    let word = line.trim_start().trim_start_matches(['[', '<', '(']);
    let word: String = word.chars().take_while(char::is_ascii_alphabetic).collect();
    match word.to_ascii_lowercase().as_str() {
        "debug" | "trace" => Level::Debug,
        "notice" => Level::Notice,
        "warning" | "warn" => Level::Warning,
        "error" | "traceback" => Level::Error,
        "critical" | "fatal" => Level::Critical,
        _ => Level::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], expected: &[Option<(f64, Option<f64>)>]) {
        let mut meter = Meter::default();
        let found: Vec<_> = lines.iter().map(|l| meter.read(l).map(|s| (s.progress, s.total))).collect();
        assert_eq!(found, expected, "{lines:?}");
    }

    #[test]
    fn measures_are_read_and_never_go_back() {
        let of = |n: f64, total: f64| Some((n, Some(total)));
        check(
            &["45%", "45%", "44 %", "46.5%", "done"],
            &[of(45.0, 100.0), None, None, of(46.5, 100.0), None],
        );
        check(&["0/100", "0/100", "50/100"], &[of(0.0, 100.0), None, of(50.0, 100.0)]);
        check(&["3/10 files", "[4/10] x", "step 5 of 10"], &[of(3.0, 10.0), of(4.0, 10.0), of(5.0, 10.0)]);
        check(&[" 12%|#2        | 12/100 [00:01<00:09,  9.9it/s]"], &[of(12.0, 100.0)]);
        check(
            &["reading", "", "writing", "1/4", "3/4"],
            &[Some((1.0, None)), None, Some((2.0, None)), None, of(3.0, 4.0)],
        );
    }

    #[test]
    fn what_only_looks_like_a_measure_is_a_line() {
        for line in ["250%", "2026/11/25", "path/3/10", "5/0", "9/3", "v1.2.45"] {
            check(&[line], &[Some((1.0, None))]);
        }
    }

    #[test]
    fn the_message_is_bounded() {
        let step = Meter::default().read(&"é".repeat(MESSAGE_LIMIT * 2)).unwrap();
        assert_eq!(step.message.chars().count(), MESSAGE_LIMIT);
    }

    #[test]
    fn levels_come_from_the_first_word() {
        for (line, expected) in [
            ("WARNING:root:disk", Level::Warning),
            ("[error] no", Level::Error),
            ("Traceback (most recent call last):", Level::Error),
            ("debugging is on", Level::Info),
            ("DEBUG x", Level::Debug),
            ("", Level::Info),
        ] {
            assert_eq!(level(line), expected, "{line}");
        }
    }
}
