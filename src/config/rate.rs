//! How many requests one client may make.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::cli;

use super::{ConfigError, Environment, bad, given};

/// A rate of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The time in which one request's worth comes back.
    pub period: Duration,
    /// Requests that may come at once after a rest.
    pub burst: NonZeroU32,
}

const EXPECTED: &str = "rate such as 10/s, 600/m or 5000/h";

pub(super) fn resolve(typed: &cli::Serve, environment: Environment) -> Result<Option<Rate>, ConfigError> {
    let limit = given(("--rate-limit", &typed.rate_limit), "MCP_RATE_LIMIT", environment, EXPECTED, parse)?;
    let burst = typed.rate_burst;
    match (limit, burst) {
        (None, None) => Ok(None),
        (None, Some(burst)) => Err(bad("--rate-burst", burst, "bound without a --rate-limit")),
        (Some((count, unit)), _) => {
            let burst = burst.map_or(Some(count), NonZeroU32::new);
            let burst = burst.ok_or_else(|| bad("--rate-burst", 0, "number above 0"))?;
            Ok(Some(Rate { period: unit / count.get(), burst }))
        }
    }
}

/// So many in such a time.
fn parse(text: &str) -> Option<(NonZeroU32, Duration)> {
    let (count, unit) = text.split_once('/')?;
    let seconds = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let count: NonZeroU32 = count.trim().parse().ok()?;
    let unit = Duration::from_secs(seconds);
    (!(unit / count.get()).is_zero()).then_some((count, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(limit: Option<&str>, burst: Option<u32>) -> Result<Option<(u128, u32)>, String> {
        let typed =
            cli::Serve { rate_limit: limit.map(String::from), rate_burst: burst, ..cli::Serve::default() };
        let rate = resolve(&typed, &|_| None).map_err(|e| e.to_string())?;
        Ok(rate.map(|r| (r.period.as_millis(), r.burst.get())))
    }

    #[test]
    fn rates() {
        assert_eq!(resolved(None, None), Ok(None));
        assert_eq!(resolved(Some("10/s"), None), Ok(Some((100, 10))));
        assert_eq!(resolved(Some("60 / m"), Some(5)), Ok(Some((1000, 5))));
        for bad in ["10", "0/s", "-1/s", "1/d", "/s", "1.5/s", "4294967295/s"] {
            let refused = resolved(Some(bad), None).map(|r| r.is_none());
            assert!(
                if bad == "4294967295/s" {
                    refused.is_err()
                } else {
                    refused == Err(format!("--rate-limit: `{bad}` is no {EXPECTED}"))
                },
                "{bad}"
            );
        }
        assert!(resolved(Some("1/s"), Some(0)).is_err() && resolved(None, Some(1)).is_err());
    }
}
