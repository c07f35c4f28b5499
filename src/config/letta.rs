//! Where a Letta server is asked for an agent's secrets, which become variables of plugins.
//!
//! Off unless the environment, or `~/.letta/.env` for what is not in it, has a password or key *and* says which server
//! or which agent: a key that is there for other programs moves nothing.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::{ConfigError, Environment, bad};

/// The variable of a server's password; it beats the key.
pub(super) const PASSWORD_VARIABLE: &str = "LETTA_SERVER_PASSWORD";
/// The variable of an API key.
pub(super) const KEY_VARIABLE: &str = "LETTA_API_KEY";
const URL_VARIABLE: &str = "LETTA_SERVER_URL";
const AGENT_VARIABLE: &str = "LETTA_AGENT_ID";

/// Where a Letta server listens if nothing says otherwise: what users of the predecessor are used to.
const DEFAULT_URL: &str = "http://127.0.0.1:8284";

/// Bytes of `~/.letta/.env` that are read.
const FILE_LIMIT: u64 = 64 * 1024;

/// A Letta server, and whose secrets it is asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Letta {
    /// The server, without a slash at the end.
    pub url: String,
    /// What it is asked with.
    pub token: String,
    /// The agent; `None`: all of them.
    pub agent: Option<String>,
}

impl std::fmt::Debug for Letta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letta").field("url", &self.url).field("agent", &self.agent).finish_non_exhaustive()
    }
}

pub(super) fn resolve(environment: Environment) -> Result<Option<Letta>, ConfigError> {
    let file = environment("HOME").and_then(|home| read(&Path::new(&home).join(".letta/.env")));
    let file = file.unwrap_or_default();
    let find = |name: &str| environment(name).or_else(|| in_file(&file, name));
    let (url, agent) = (find(URL_VARIABLE), find(AGENT_VARIABLE));
    let Some(token) = find(PASSWORD_VARIABLE).or_else(|| find(KEY_VARIABLE)) else {
        return Ok(None);
    };
    if url.is_none() && agent.is_none() {
        return Ok(None);
    }
    let url = url.unwrap_or_else(|| DEFAULT_URL.into());
    // A password in it would be told wherever the server is named.
    if url.contains('@') {
        let expected = "URL without a user and password, which belong in LETTA_SERVER_PASSWORD";
        return Err(bad(URL_VARIABLE, "(not shown)", expected));
    }
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(bad(URL_VARIABLE, url, "URL that begins with http:// or https://"));
    }
    if token.chars().any(char::is_control) {
        let message = "text without control characters, as a password or key has to be";
        return Err(bad(PASSWORD_VARIABLE, "(not shown)", message));
    }
    Ok(Some(Letta { url: url.trim_end_matches('/').to_owned(), token, agent }))
}

/// A file that can't be read says nothing.
fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(FILE_LIMIT).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The value of the last line `KEY=value` or `export KEY=value`, without the quotes around it.
fn in_file(text: &str, name: &str) -> Option<String> {
    let value = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("export").filter(|l| l.starts_with([' ', '\t'])).unwrap_or(line);
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| unquoted(value.trim()).to_owned())
    };
    text.lines().filter_map(value).next_back().filter(|value| !value.is_empty())
}

/// What is within quotes, or else up to a comment.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.split(quote).next().unwrap_or(rest);
        }
    }
    value.split(" #").next().unwrap_or(value).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(variables: &[(&str, &str)]) -> Result<Option<Letta>, ConfigError> {
        resolve(&|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn it_takes_a_key_and_a_server_or_an_agent() {
        let key = ("LETTA_API_KEY", "k");
        for off in [&[][..], &[key], &[("LETTA_AGENT_ID", "a"), ("LETTA_SERVER_URL", "http://l")]] {
            assert_eq!(resolved(off), Ok(None), "{off:?}");
        }
        let found = resolved(&[key, ("LETTA_AGENT_ID", "a")]).unwrap().unwrap();
        assert_eq!((found.url.as_str(), found.agent.as_deref()), (DEFAULT_URL, Some("a")));
        let both = [key, ("LETTA_SERVER_PASSWORD", "p"), ("LETTA_SERVER_URL", "https://l.example/")];
        let found = resolved(&both).unwrap().unwrap();
        assert_eq!((found.url.as_str(), found.token.as_str()), ("https://l.example", "p"));
        assert!(!format!("{found:?}").contains("\"p\""));
        let wrong = resolved(&[key, ("LETTA_SERVER_URL", "l.example")]).unwrap_err().to_string();
        assert_eq!(wrong, "LETTA_SERVER_URL: `l.example` is no URL that begins with http:// or https://");
        let told =
            resolved(&[key, ("LETTA_SERVER_URL", "http://me:secret@l.example")]).unwrap_err().to_string();
        assert!(told.contains("LETTA_SERVER_PASSWORD") && !told.contains("secret"), "{told}");
    }

    #[test]
    fn the_file_fills_in_what_the_environment_lacks() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".letta")).unwrap();
        let text = "# Letta\nexport LETTA_SERVER_URL=\"http://file\" # here\nLETTA_SERVER_PASSWORD=old\n\
            export\tLETTA_SERVER_PASSWORD='s p'\nexportLETTA_AGENT_ID=x\nLETTA_AGENT_ID= agent-1 # mine\nrubbish\n";
        fs::write(home.path().join(".letta/.env"), text).unwrap();
        let home = ("HOME", home.path().to_str().unwrap());
        let found = resolved(&[home]).unwrap().unwrap();
        let expected =
            Letta { url: "http://file".into(), token: "s p".into(), agent: Some("agent-1".into()) };
        assert_eq!((found.agent.clone(), found), (expected.agent.clone(), expected));
        let found = resolved(&[home, ("LETTA_SERVER_URL", "http://env")]).unwrap().unwrap();
        assert_eq!(found.url, "http://env");
    }
}
