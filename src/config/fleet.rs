//! What one of several replicas of a server is told: its name, and the secret that all of them share.

use super::{ConfigError, Environment, given};
use crate::cli;

/// The variable with the secret.
pub(super) const STATE_KEY_VARIABLE: &str = "SMCP_STATE_KEY";

/// As many characters as 128 random bits have in hexadecimal digits.
const LEAST: usize = 32;

/// A label of DNS, which names of pods mostly are, is no longer.
const LONGEST_NAME: usize = 63;

pub(super) fn replica(typed: &cli::Serve, environment: Environment) -> Result<Option<String>, ConfigError> {
    let expected = "name (1 to 63 of A-Z, a-z, 0-9, _ and -)";
    given(("--replica", &typed.replica), "SMCP_REPLICA", environment, expected, |name| {
        let fits = (1..=LONGEST_NAME).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        fits.then(|| name.to_owned())
    })
}

pub(super) fn state_key(environment: Environment) -> Result<Option<String>, ConfigError> {
    let secret = environment(STATE_KEY_VARIABLE).map(|secret| secret.trim().to_owned());
    if secret.as_ref().is_some_and(|secret| secret.len() < LEAST) {
        return Err(ConfigError::ShortSecret { name: STATE_KEY_VARIABLE, least: LEAST });
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(typed: Option<&str>, set: Option<&str>) -> Result<Option<String>, ConfigError> {
        let serve = cli::Serve { replica: typed.map(str::to_owned), ..cli::Serve::default() };
        replica(&serve, &|name| set.filter(|_| name == "SMCP_REPLICA").map(str::to_owned))
    }

    #[test]
    fn names_can_stand_in_headers_and_addresses() {
        let pod = "smcp-7d4b9c5f6d-x2x9z";
        assert_eq!(named(None, Some(pod)), Ok(Some(pod.into())));
        assert_eq!(named(Some("a"), Some(pod)), Ok(Some("a".into())));
        assert_eq!(named(None, None), Ok(None));
        for bad in ["", "a.b", "a b", "a&b", "\u{e4}", &"a".repeat(64)] {
            let fault = named(Some(bad), None).expect_err(bad).to_string();
            assert!(fault.starts_with("--replica: "), "{fault}");
        }
    }

    #[test]
    fn a_short_secret_is_refused_and_not_told() {
        let of = |value: &'static str| state_key(&move |_| Some(value.into()));
        let fault = of("hunter2").expect_err("it is short").to_string();
        assert!(fault.contains("SMCP_STATE_KEY") && !fault.contains("hunter2"), "{fault}");
        assert_eq!(
            of("0123456789abcdef0123456789abcdef\n"),
            Ok(Some("0123456789abcdef0123456789abcdef".into()))
        );
        assert_eq!(state_key(&|_| None), Ok(None));
    }
}
