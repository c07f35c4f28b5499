//! Who may come in over HTTP: keys, and the names and origins that requests may give.

use std::net::IpAddr;

use super::{ConfigError, Environment, bad, switched_on};
use crate::cli;

/// The variables that hold the server's own keys.
const KEYS: [&str; 2] = ["MCP_API_KEYS", "MCP_API_KEY"];

/// The keys that open the whole server. Where a variable is set and there is none all the same, that is a mistake that
/// would leave it open, unless it is said that it is to be.
pub(super) fn keys(environment: Environment) -> Result<Vec<String>, ConfigError> {
    let (mut all, mut set) = (Vec::new(), None);
    for variable in KEYS {
        let Some(value) = environment(variable) else { continue };
        let several = variable == KEYS[0];
        let parts: Vec<&str> = if several { value.split(',').collect() } else { vec![&value] };
        all.extend(parts.into_iter().map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned));
        set = set.or(Some(variable));
    }
    match set.filter(|_| all.is_empty()) {
        Some(variable) if !switched_on(environment, "MCP_AUTH_DISABLED")? => {
            Err(ConfigError::EmptyKeys { variable })
        }
        _ => Ok(all),
    }
}

/// What can only be asked for with a key is refused where there is none, unless it is said that there is to be none.
pub(super) fn check_key(
    typed: &cli::Serve,
    require_auth: bool,
    environment: Environment,
) -> Result<(), ConfigError> {
    let wanted_by = match (typed.allow_external, typed.require_auth, require_auth) {
        (true, ..) => "--allow-external",
        (_, true, _) => "--require-auth",
        (.., true) => "MCP_AUTH_ALLOW_LOOPBACK=0",
        _ => return Ok(()),
    };
    if switched_on(environment, "MCP_AUTH_DISABLED")? {
        return Ok(());
    }
    Err(ConfigError::NoKey { wanted_by })
}

/// Names as requests give them, in small letters.
pub(super) fn hosts(typed: &[String]) -> Result<Vec<String>, ConfigError> {
    let expected = "host name: NAME or an IP address, without scheme, port and path";
    let read = |value: &String| host(value.trim()).ok_or_else(|| bad("--allowed-host", value, expected));
    typed.iter().map(read).collect()
}

/// A name of the Domain Name System (RFC 1123, and `_`), or an address as URLs spell it.
fn host(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    text.split('.').all(is_label).then(|| text.to_ascii_lowercase())
}

/// Origins as browsers give them (RFC 6454, section 6.2), in small letters.
pub(super) fn origins(typed: &[String]) -> Result<Vec<String>, ConfigError> {
    let expected = "origin as browsers send it: SCHEME://NAME, with :PORT where that is not the scheme's own, \
        and without a path";
    let read = |value: &String| origin(value.trim()).ok_or_else(|| bad("--allowed-origin", value, expected));
    typed.iter().map(read).collect()
}

fn origin(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let (name, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let (address, rest) = v6.split_once(']')?;
            (address, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => authority.split_once(':').map_or((authority, None), |(name, port)| (name, Some(port))),
    };
    let port_ok = port.is_none_or(|port| is_sent(port, scheme));
    (is_scheme && host(name).is_some() && port_ok).then_some(text)
}

/// Whether browsers send that port: they leave out a scheme's own.
fn is_sent(port: &str, scheme: &str) -> bool {
    let own = match scheme {
        "http" => 80,
        "https" => 443,
        _ => 0,
    };
    port.parse::<u16>().is_ok_and(|number| number != own && number.to_string() == port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_two_variables_and_one_that_is_set_means_to_have_some() {
        let read = |variables: &[(&str, &str)]| {
            keys(&|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(read(&[]), Ok(vec![]));
        let both = read(&[("MCP_API_KEYS", "a, b,"), ("MCP_API_KEY", " c,d ")]);
        assert_eq!(both, Ok(vec!["a".into(), "b".into(), "c,d".into()]));
        for (variable, value) in [("MCP_API_KEYS", ", ,"), ("MCP_API_KEYS", " "), ("MCP_API_KEY", " ")] {
            assert_eq!(read(&[(variable, value)]), Err(ConfigError::EmptyKeys { variable }), "{value:?}");
        }
        assert!(read(&[("MCP_API_KEYS", ","), ("MCP_API_KEY", " ")]).is_err());
        assert_eq!(read(&[("MCP_API_KEYS", ","), ("MCP_API_KEY", "c")]), Ok(vec!["c".into()]));
        assert_eq!(read(&[("MCP_API_KEYS", "c"), ("MCP_API_KEY", " ")]), Ok(vec!["c".into()]));
        assert_eq!(read(&[("MCP_API_KEY", " "), ("MCP_AUTH_DISABLED", "1")]), Ok(vec![]));
        assert!(read(&[("MCP_API_KEY", " "), ("MCP_AUTH_DISABLED", "0")]).is_err());
    }

    #[test]
    fn hosts_are_names_alone() {
        for (value, expected) in [
            ("MCP.example", Some("mcp.example")),
            ("smcp", Some("smcp")),
            ("a_b-c.d", Some("a_b-c.d")),
            ("203.0.113.7", Some("203.0.113.7")),
            ("0:0::1", Some("::1")),
            ("mcp.example:8080", None),
            ("[::1]", None),
            ("[::1]:80", None),
            ("https://mcp.example", None),
            ("mcp.example/mcp", None),
            ("mcp.example.", None),
            ("*.example", None),
            ("m\u{fc}nchen.example", None),
            ("a b", None),
            ("", None),
        ] {
            let found = hosts(&[value.to_owned()]);
            assert_eq!(found.as_ref().ok().map(|all| all[0].as_str()), expected, "{value}");
        }
        let error = hosts(&["mcp.example:8080".to_owned()]).expect_err("it has a port").to_string();
        assert!(error.starts_with("--allowed-host: `mcp.example:8080` is no host name"), "{error}");
    }

    #[test]
    fn origins_are_what_browsers_send() {
        for (value, expected) in [
            ("https://APP.example/", Some("https://app.example")),
            ("https://app.example:8443", Some("https://app.example:8443")),
            ("http://[::1]:3000", Some("http://[::1]:3000")),
            ("http://[::1]", Some("http://[::1]")),
            ("chrome-extension://abcdef", Some("chrome-extension://abcdef")),
            ("app.example", None),
            ("https://app.example/path", None),
            ("https://app.example//", None),
            ("https://app.example:443", None),
            ("http://app.example:80", None),
            ("https://app.example:", None),
            ("https://app.example:0443", None),
            ("https://app.example:web", None),
            ("https://user@app.example", None),
            ("https://*.example", None),
            ("https://", None),
            ("://app.example", None),
            ("http://[::1", None),
            ("http://[::1]3000", None),
            ("null", None),
            ("*", None),
            ("", None),
        ] {
            let found = origins(&[value.to_owned()]);
            assert_eq!(found.as_ref().ok().map(|all| all[0].as_str()), expected, "{value}");
        }
        let error = origins(&["app.example".to_owned()]).expect_err("it has no scheme").to_string();
        assert!(error.starts_with("--allowed-origin: `app.example` is no origin"), "{error}");
    }
}
