//! What is measured, as series for Prometheus and its kind: names, labels from bounded sets, and the text of a scrape.
//!
//! Knows nothing of what is measured: each module tells its own figures into a [`Scrape`]. Format: `OpenMetrics` 1.0.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Metric, Registry};

/// What the text of a scrape is, for HTTP.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What begins the name of each series.
const PREFIX: &str = "smcp";

/// The value of labels that are over the bound of their set.
const OTHER: &str = "other";

/// Everything that is told at one moment.
#[derive(Debug)]
pub struct Scrape(Registry);

impl Default for Scrape {
    fn default() -> Scrape {
        Scrape(Registry::with_prefix(PREFIX))
    }
}

impl Scrape {
    /// Tells a series that is counted all the time. Help ends without a full stop.
    pub fn series(&mut self, name: &str, help: &str, series: impl Metric) {
        self.0.register(name, help, series);
    }

    /// Tells a number that may go up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.series(name, help, ConstGauge::new(value));
    }

    /// Tells how many there are of something.
    pub fn size(&mut self, name: &str, help: &str, size: usize) {
        self.gauge(name, help, number(size));
    }

    /// Tells a count, to whose name `_total` is added.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.series(name, help, ConstCounter::new(value));
    }

    /// Tells how many there are of each kind, as one label says.
    pub fn sizes<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (&'a str, usize)>,
    ) {
        let family = Family::<[(&'static str, String); 1], Gauge<f64, AtomicU64>>::default();
        for (value, size) in values {
            family.get_or_create(&[(label, value.to_owned())]).set(number(size));
        }
        self.series(name, help, family);
    }

    /// The text of it all.
    ///
    /// # Errors
    /// None that is known: it is written to memory.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.0)?;
        Ok(out)
    }
}

fn number(size: usize) -> f64 {
    f64::from(u32::try_from(size).unwrap_or(u32::MAX))
}

/// The values of a label: the first so many that come, and `other` for all that come later. So no plugin and no client
/// can make series without number.
#[derive(Debug)]
pub struct Labels {
    limit: usize,
    known: Mutex<HashSet<String>>,
}

impl Labels {
    /// A set of at most `limit` values.
    pub fn new(limit: usize) -> Labels {
        Labels { limit, known: Mutex::default() }
    }

    /// The value to use for `value`.
    pub fn of(&self, value: &str) -> String {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(value) {
            return value.to_owned();
        }
        if known.len() >= self.limit {
            return OTHER.to_owned();
        }
        known.insert(value.to_owned());
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_is_open_metrics() {
        let mut scrape = Scrape::default();
        scrape.size("sessions", "Sessions", 3);
        scrape.counter("calls", "Calls", 7);
        scrape.sizes("plugins", "Plugins", "state", [("ready", 2)]);
        let expected = "# HELP smcp_sessions Sessions.\n# TYPE smcp_sessions gauge\nsmcp_sessions 3.0\n\
            # HELP smcp_calls Calls.\n# TYPE smcp_calls counter\nsmcp_calls_total 7\n\
            # HELP smcp_plugins Plugins.\n# TYPE smcp_plugins gauge\nsmcp_plugins{state=\"ready\"} 2.0\n# EOF\n";
        assert_eq!(scrape.text().unwrap(), expected);
    }

    #[test]
    fn labels_are_bounded() {
        let labels = Labels::new(2);
        assert_eq!(["a", "b", "c", "a", "d"].map(|l| labels.of(l)), ["a", "b", "other", "a", "other"]);
    }
}
