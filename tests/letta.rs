//! Secrets of Letta's agents: from a server made for the test into plugins, and no secret anywhere else.

#![allow(clippy::disallowed_methods, reason = "the program under test is started as users start it")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "support/schemas.rs"]
mod schemas;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smcp::config::Letta;
use smcp::letta;

/// A server that answers each request by `answer`, and tells the head of each.
fn server(
    answer: impl Fn(&str) -> Option<(u16, String)> + Send + 'static,
) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (heads, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming().map_while(Result::ok) {
            let head = head(&stream);
            match answer(head.lines().next().unwrap_or_default()) {
                Some((status, body)) => respond(stream, status, &body),
                None => silent.push(stream),
            }
            if heads.send(head).is_err() {
                return;
            }
        }
    });
    (url, told)
}

fn head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

fn respond(mut stream: TcpStream, status: u16, body: &str) {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

fn settings(url: &str, agent: Option<&str>) -> Letta {
    Letta { url: url.into(), token: "the-token".into(), agent: agent.map(str::to_owned) }
}

fn agent(key: &str, value: &str) -> Value {
    json!({"id": "agent-1", "name": "x", "secrets": [{"key": key, "value": value, "agent_id": "agent-1"}]})
}

#[tokio::test]
async fn one_agent_or_all_of_them_are_asked_with_the_token() {
    let (url, heads) = server(|line| {
        let body = if line.contains("/agents/?") {
            json!([agent("A", "1"), agent("B", "2")])
        } else {
            agent("A", "1")
        };
        Some((200, body.to_string()))
    });
    let one = letta::secrets(&settings(&url, Some("agent-1/../x"))).await.unwrap();
    assert_eq!(one.variables, [("A".into(), "1".into())]);
    let head = heads.recv().unwrap();
    assert!(
        head.starts_with("GET /v1/agents/agent%2D1%2F%2E%2E%2Fx?include=agent.secrets HTTP/1.1"),
        "{head}"
    );
    assert!(head.to_ascii_lowercase().contains("\nauthorization: bearer the-token"), "{head}");
    let all = letta::secrets(&settings(&url, None)).await.unwrap();
    assert_eq!(all.variables, [("A".into(), "1".into()), ("B".into(), "2".into())]);
    assert!(heads.recv().unwrap().starts_with("GET /v1/agents/?limit="));
}

#[tokio::test]
async fn what_goes_wrong_is_said_without_secrets() {
    let (url, _heads) = server(|line| match line.split(['/', '?']).nth(3) {
        Some("unauthorized") => Some((401, r#"{"detail": "the-token is wrong"}"#.into())),
        Some("garbage") => Some((200, r#"{"secrets": [{"key": "A", "value": {"hidden": 1}}]}"#.into())),
        Some("large") => Some((200, "x".repeat(17 << 20))),
        _ => None,
    });
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, agent, expected) in [
        (url.as_str(), "unauthorized", "401"),
        (&url, "garbage", "not what is expected"),
        (&url, "large", "limit"),
        (&url, "silent", "timeout"),
        (&format!("http://{closed}"), "x", "refused"),
    ] {
        let began = Instant::now();
        let limit = Duration::from_millis(if agent == "silent" { 300 } else { 8000 });
        let error = letta::secrets_within(&settings(url, Some(agent)), limit).await.unwrap_err().to_string();
        assert!(error.starts_with(url) && error.to_lowercase().contains(expected), "{error}");
        assert!(!error.contains("the-token") && !error.contains("hidden"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(9), "{agent}");
    }
}

/// A plugin that prints the variables it has.
fn plugins(directory: &Path) {
    let plugin = directory.join("plugins/environment");
    fs::create_dir_all(&plugin).unwrap();
    let program = "import argparse, json, os\n\
        argparse.ArgumentParser(description='Prints its variables.').parse_args()\n\
        print(json.dumps(dict(os.environ)))\n";
    fs::write(plugin.join("cli.py"), program).unwrap();
    let profiles = r#"{"profiles": {"reader": {"mode": "all", "keys": ["READER_KEY"]}}}"#;
    fs::write(directory.join("profiles.json"), profiles).unwrap();
}

const SECRETS: [(&str, &str); 5] = [
    ("MCP_API_KEY", "hidden-1"),
    ("MCP_API_KEYS", "hidden-2"),
    ("READER_KEY", "hidden-3"),
    ("LETTA_SERVER_PASSWORD", "hidden-4"),
    ("LETTA_API_KEY", "hidden-5"),
];

fn smcp(directory: &Path, words: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_smcp"))
        .args(words)
        .current_dir(directory)
        .env("HOME", directory)
        .envs(SECRETS)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"environment","arguments":{}}}"#;

fn environment_of(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer: Value = serde_json::from_str(text.lines().next().unwrap_or_default())
        .unwrap_or_else(|e| panic!("{e}: {text} {}", String::from_utf8_lossy(&output.stderr)));
    // Who shakes no hands is answered in the newest revision that has any.
    schemas::check("2025-11-25", Some("tools/call"), &answer);
    answer["result"]["structuredContent"].clone()
}

#[test]
fn plugins_get_the_agents_secrets_and_none_of_the_servers_own() {
    let directory = tempfile::tempdir().unwrap();
    plugins(directory.path());
    let (url, _heads) = server(|_| {
        let secrets = [("AGENT_TOKEN", "value-1"), ("READER_KEY", "value-2"), ("LETTA_API_KEY", "value-3")];
        let secrets = secrets.map(|(key, value)| json!({"key": key, "value": value}));
        Some((200, json!({"secrets": secrets}).to_string()))
    });
    let variables = [
        ("LETTA_SERVER_URL", url.as_str()),
        ("LETTA_AGENT_ID", "agent-1"),
        ("SMCP_PROFILES", "profiles.json"),
        ("RUST_LOG", "debug"),
    ];
    let output = smcp(directory.path(), &["stdio"], &variables, &format!("{CALL}\n"));
    let environment = environment_of(&output);
    assert_eq!(environment["AGENT_TOKEN"], "value-1");
    for (name, _) in SECRETS {
        assert_eq!(environment.get(name), None, "{name}");
    }
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("AGENT_TOKEN") && log.contains("`LETTA_API_KEY`"), "names are told: {log}");
    for secret in ["value-", "hidden-"] {
        assert!(!log.contains(secret), "values are not: {log}");
    }
    // Nor by the other way to call, nor into what is kept of the plugin.
    let output = smcp(directory.path(), &["call", "environment"], &variables, "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("PATH") && !text.contains("hidden-"), "{text}");
    let kept = fs::read_to_string(directory.path().join("schemas/environment.json")).unwrap();
    assert!(!kept.contains("hidden-") && !kept.contains("value-"));
}

#[test]
fn without_letta_serving_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    plugins(directory.path());
    let (url, _heads) = server(|_| Some((500, String::new())));
    let variables = [("LETTA_SERVER_URL", url.as_str())];
    let output = smcp(directory.path(), &["stdio"], &variables, &format!("{CALL}\n"));
    assert!(environment_of(&output)["PATH"].is_string());
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("Letta: plugins get no agent's secrets") && log.contains("500"), "{log}");
}

#[test]
fn profiles_that_can_not_be_used_stop_the_start() {
    let directory = tempfile::tempdir().unwrap();
    plugins(directory.path());
    for (words, variables, expected) in [
        (
            &["--profile", "nobody"][..],
            &[][..],
            "smcp: --profile: there is no profile `nobody`; there are full",
        ),
        (
            &["stdio", "--profiles", "nowhere.json"],
            &[],
            "smcp: --profiles: nowhere.json: No such file or directory",
        ),
        (
            &["--profiles", "profiles.json"],
            &[("READER_KEY", "")],
            "the variable READER_KEY, which is not set",
        ),
        (
            &["--profiles", "profiles.json"],
            &[("READER_KEY", "hidden-1")],
            "READER_KEY is the key of something else",
        ),
        (&["--rate-limit", "fast"], &[], "smcp: --rate-limit: `fast` is no rate such as 10/s"),
    ] {
        let output = smcp(directory.path(), words, variables, "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(expected), "{words:?}: {said}");
        assert!(!said.contains("hidden-"), "{said}");
    }
}

#[test]
fn the_format_of_profiles_has_a_schema() {
    let output = smcp(Path::new("."), &["schema", "profiles"], &[], "");
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(
        validator.is_valid(&json!({"profiles": {"a": {"mode": "glob", "pattern": ["x*"], "keys": ["K"]}}}))
    );
    for bad in [json!({}), json!({"profiles": {"a": {}}}), json!({"profiles": {}, "x": 1})] {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
}
