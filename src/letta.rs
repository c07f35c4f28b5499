//! A Letta server's agents → their secrets, which become variables of plugins' processes.
//!
//! Asked once, at start. Whatever goes wrong is a reason to warn, not to stop. Names are logged, values never are. This
//! module knows Letta's REST interface (`GET /v1/agents/{id}` and `GET /v1/agents/`, whose agents have `secrets`, or
//! `tool_exec_environment_variables` in older servers: lists of `{key, value}`), and nothing of plugins.

use std::collections::BTreeMap;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::config::{Letta, SECRET_VARIABLES};
use crate::text;

/// How long the server may take in all.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Bytes of an answer.
const ANSWER_LIMIT: u64 = 16 << 20;

/// Agents that are asked for where none is named.
const AGENTS: usize = 200;

/// Variables that decide which code a process runs: an agent's secrets don't set these.
const LOADING: [&str; 2] = ["PATH", "IFS"];
/// What the names of more of them begin with.
const LOADING_PREFIXES: [&str; 3] = ["LD_", "DYLD_", "PYTHON"];

/// What came of asking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Names and values, in the order of names.
    pub variables: Vec<(String, String)>,
    /// What was left out, and why; without any value.
    pub left_out: Vec<String>,
}

/// Why nothing came of it. The message has no secret in it.
#[derive(Debug, thiserror::Error)]
pub enum LettaError {
    /// The server did not answer as it should.
    #[error("{url}: {reason}")]
    Request {
        /// The server.
        url: String,
        /// Why.
        reason: String,
    },
}

/// An agent, as far as it matters here.
#[derive(Deserialize)]
struct Agent {
    #[serde(default)]
    secrets: Option<Vec<Variable>>,
    #[serde(default)]
    tool_exec_environment_variables: Option<Vec<Variable>>,
}

#[derive(Deserialize)]
struct Variable {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

/// Asks the server, at most [`TIME_LIMIT`].
pub async fn secrets(letta: &Letta) -> Result<Secrets, LettaError> {
    secrets_within(letta, TIME_LIMIT).await
}

/// Asks the server, at most so long.
pub async fn secrets_within(letta: &Letta, limit: Duration) -> Result<Secrets, LettaError> {
    let asking = letta.clone();
    let asked = tokio::task::spawn_blocking(move || ask(&asking, limit));
    // The thread ends by the same limit; a name server that does not answer may hold it longer than that.
    let late = || format!("timeout: no answer within {} s", limit.as_secs_f32());
    let asked = tokio::time::timeout(limit, asked).await.map_err(|_| late());
    let agents = asked.and_then(|ended| ended.map_err(|e| e.to_string())).and_then(|agents| agents);
    let agents = agents.map_err(|reason| LettaError::Request { url: letta.url.clone(), reason })?;
    Ok(merged(agents))
}

fn ask(letta: &Letta, limit: Duration) -> Result<Vec<Agent>, String> {
    let path = match &letta.agent {
        Some(agent) => format!("{}?include=agent.secrets", utf8_percent_encode(agent, NON_ALPHANUMERIC)),
        None => format!("?limit={AGENTS}&include=agent.secrets"),
    };
    let agent = ureq::Agent::config_builder().timeout_global(Some(limit)).proxy(None).build().new_agent();
    let asked = agent
        .get(format!("{}/v1/agents/{path}", letta.url))
        .header("Authorization", format!("Bearer {}", letta.token))
        .call();
    let mut answer = asked.map_err(|e| e.to_string())?;
    let text = answer.body_mut().with_config().limit(ANSWER_LIMIT).read_to_string();
    let text = text.map_err(|e| e.to_string())?;
    // The parser's own message could quote a value.
    let strange = |e: serde_json::Error| format!("its answer is not what is expected, at line {}", e.line());
    match letta.agent {
        Some(_) => Ok(vec![serde_json::from_str(&text).map_err(strange)?]),
        None => serde_json::from_str(&text).map_err(strange),
    }
}

/// The variables of all agents. Where two agents differ, none of the two values can be right for both.
fn merged(agents: Vec<Agent>) -> Secrets {
    let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut left_out = Vec::new();
    if agents.len() >= AGENTS {
        left_out.push(format!("agents beyond the first {AGENTS}; LETTA_AGENT_ID names one"));
    }
    let variables = agents
        .into_iter()
        .flat_map(|agent| agent.secrets.into_iter().chain(agent.tool_exec_environment_variables).flatten());
    for Variable { key, value } in variables {
        let Some(value) = value else { continue };
        if let Some(problem) = problem(&key, &value) {
            left_out.push(format!("`{}` {problem}", text::plain(&key)));
            continue;
        }
        let known = found.entry(key).or_insert_with(|| Some(value.clone()));
        if known.as_ref() != Some(&value) {
            *known = None;
        }
    }
    let differing = found.iter().filter(|(_, value)| value.is_none());
    left_out.extend(
        differing.map(|(name, _)| format!("`{name}` differs between agents; LETTA_AGENT_ID names one")),
    );
    left_out.dedup();
    let variables = found.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    Secrets { variables, left_out }
}

/// Why a variable is not passed on.
fn problem(name: &str, value: &str) -> Option<&'static str> {
    if !text::is_variable(name) {
        return Some("is no name of a variable");
    }
    if value.contains('\0') {
        return Some("has a value that no variable can have");
    }
    let own = SECRET_VARIABLES.contains(&name) || name.starts_with("SMCP_") || name.starts_with("MCP_");
    if own {
        return Some("is a variable of the server's own");
    }
    let loading = LOADING.contains(&name) || LOADING_PREFIXES.iter().any(|p| name.starts_with(p));
    loading.then_some("decides which code runs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agents(json: serde_json::Value) -> Secrets {
        merged(serde_json::from_value(json).unwrap())
    }

    fn variable(key: &str, value: &str) -> serde_json::Value {
        serde_json::json!({"key": key, "value": value, "id": "x", "agent_id": "y"})
    }

    #[test]
    fn both_names_of_the_list_count_and_equal_values_are_one() {
        let old = serde_json::json!({"id": "1", "tool_exec_environment_variables": [variable("A", "1")]});
        let new = serde_json::json!({
            "id": "2",
            "secrets": [variable("B", "2"), variable("A", "1")],
            "tool_exec_environment_variables": [variable("B", "2")],
        });
        let bare = serde_json::json!({"id": "3", "secrets": null});
        let found = agents(serde_json::json!([old, new, bare]));
        assert_eq!(found.variables, [("A".into(), "1".into()), ("B".into(), "2".into())]);
        assert_eq!(found.left_out, [""; 0]);
    }

    #[test]
    fn what_can_not_be_passed_on_is_named_without_its_value() {
        let names =
            ["A=B", "", "1A", "PATH", "LD_PRELOAD", "PYTHONPATH", "MCP_API_KEY", "LETTA_API_KEY", "SMCP_X"];
        let mut all: Vec<_> = names.iter().map(|name| variable(name, "hidden")).collect();
        all.push(variable("NUL", "hid\0den"));
        all.push(serde_json::json!({"key": "EMPTY", "value": null}));
        let found = agents(serde_json::json!([{"secrets": all}]));
        assert_eq!((found.variables.len(), found.left_out.len()), (0, names.len() + 1));
        assert!(found.left_out.iter().all(|line| !line.contains("hid")));
        let differ =
            agents(serde_json::json!([{"secrets": [variable("A", "1")]}, {"secrets": [variable("A", "2")]}]));
        assert_eq!(differ.variables, []);
        assert_eq!(differ.left_out, ["`A` differs between agents; LETTA_AGENT_ID names one"]);
    }
}
