//! Keys, in each way in which they can be given: in no log, error, figure, health, contract, environment or command line.

use std::path::Path;

use serde_json::json;

use super::world::{Server, World, files};

/// Every key: of the server, of a profile, of Letta, and what a client tried in vain.
const KEYS: [(&str, &str); 6] = [
    ("MCP_API_KEY", "K1-open-sesame"),
    ("MCP_API_KEYS", "K2-first-of-list,K2-second-of-list"),
    ("READER_KEY", "K3-of-a-profile"),
    ("LETTA_SERVER_PASSWORD", "K4-of-letta"),
    ("LETTA_API_KEY", "K5-of-letta-too"),
    ("LETTA_SERVER_URL", "http://127.0.0.1:9"),
];
const WRONG: &str = "K6-tried-in-vain";

/// What all of them begin with, and nothing else here.
const MARKS: [&str; 6] = ["K1-", "K2-", "K3-", "K4-", "K5-", "K6-"];

/// Notes what it can see of keys whenever it runs: for help, for `--describe`, for a call.
const PROGRAM: &str = r#"
import argparse, os, sys
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "seen.txt"), "a") as f:
    f.write("RUN %s\n%s\n" % (sys.argv[1:], "\n".join("%s=%s" % v for v in sorted(os.environ.items()))))
    f.write(open("/proc/self/environ", errors="replace").read().replace("\0", "\n") + "\n")
    f.write(open("/proc/self/cmdline", errors="replace").read().replace("\0", " ") + "\n")
p = argparse.ArgumentParser()
p.add_argument("--fail", action="store_true")
n = p.parse_args()
print(dict(os.environ))
sys.exit(n.fail)
"#;

fn is_free(what: &str, text: &str) {
    for mark in MARKS {
        if let Some(at) = text.find(mark) {
            let from = text[..at].rfind('\n').map_or(0, |at| at + 1);
            panic!("{what}: {}", text[from..].lines().next().unwrap_or_default());
        }
    }
}

fn world() -> World {
    let world = World::new();
    let directory = world.plugin("nosy", PROGRAM);
    std::fs::write(directory.join("plugin.toml"), "describe = true\nresource_templates = [{uri_template = \"n://{fail}\", command = \"\", name = \"n\"}]\nprompts = [{name = \"n\", command = \"\"}]\n").unwrap();
    let profiles = r#"{"profiles": {"reader": {"mode": "all", "keys": ["READER_KEY"]}}}"#;
    std::fs::write(world.path("profiles.json"), profiles).unwrap();
    world
}

fn asked(server: &Server, path: &str, header: Option<(&str, &str)>) -> String {
    let headers: Vec<_> = [("Host", "localhost")].into_iter().chain(header).collect();
    let reply = server.request("GET", path, &headers, "");
    assert_ne!(reply.status, 0, "{path}");
    format!("{}\n{}", reply.head, reply.body)
}

/// Everything that a client can see, with good keys, wrong ones and none.
fn look(server: &Server) {
    let keys = ["K1-open-sesame", "K2-first-of-list", "K2-second-of-list", "K3-of-a-profile", WRONG];
    for key in keys {
        let bearer = format!("Bearer {key}");
        for header in [("X-API-Key", key), ("Authorization", bearer.as_str()), ("Authorization", key)] {
            for path in [
                "/health",
                "/health/live",
                "/metrics",
                "/inspect/plugins",
                "/inspect/calls",
                "/nothing",
                "/mcp/no",
                "/",
            ] {
                is_free(path, &asked(server, path, Some(header)));
            }
        }
        // Where a key does not belong it opens nothing, and is not told of: a query is in no log.
        let reply =
            server.request("GET", &format!("/metrics?api_key={key}&key={key}"), &[("Host", "localhost")], "");
        assert_eq!(reply.status, 401, "{reply:?}");
        is_free("a query", &reply.body);
    }
    let post = |key: &str, tool: &str, arguments: serde_json::Value| {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
        let headers = [("Host", "localhost"), ("Content-Type", "application/json"), ("X-API-Key", key)];
        let reply = server.request("POST", "/messages/", &headers, &call.to_string());
        is_free("an answer", &reply.body);
        reply.status
    };
    assert_eq!(post("K1-open-sesame", "nosy", json!({})), 200);
    assert_eq!(post("K3-of-a-profile", "nosy", json!({"fail": true})), 200);
    assert_eq!(post("K2-second-of-list", "health", json!({})), 200);
    assert_eq!(post(WRONG, "nosy", json!({})), 401);
}

fn nothing_is_kept(world: &World, directory: &Path) {
    for (path, text) in files(directory).iter().filter(|(path, _)| !path.ends_with("profiles.json")) {
        is_free(&path.strip_prefix(world.directory.path()).unwrap().to_string_lossy(), text);
    }
}

#[test]
fn a_server_tells_no_key_and_passes_none_on() {
    for format in ["text", "json"] {
        let world = world();
        let flags =
            ["--require-auth", "--profiles", "profiles.json", "--log-dir", "logs", "--log-format", format];
        let variables = [&KEYS[..], &[("RUST_LOG", "trace"), ("CONTROL_VARIABLE", "is passed on")]].concat();
        let server = world.serve(&flags, &variables);
        look(&server);
        is_free("the console", &server.logged("call of nosy: error"));
        drop(server);
        let seen = std::fs::read_to_string(world.path("seen.txt")).unwrap();
        assert!(seen.matches("RUN []").count() == 1 && seen.contains("RUN ['--fail']"), "{seen}");
        assert!(seen.contains("RUN ['--help']") && seen.contains("--describe"), "{seen}");
        assert!(seen.contains("CONTROL_VARIABLE=is passed on"), "plugins do see variables");
        nothing_is_kept(&world, world.directory.path());
    }
}

#[test]
fn no_other_command_passes_a_key_on_or_tells_it() {
    let world = world();
    for words in [
        &["inspect", "nosy"][..],
        &["check", "--prove", "--update"],
        &["call", "nosy", "{}"],
        &["call", "nosy", r#"{"fail": true}"#],
        &["stdio"],
        &["client-config", "claude-code"],
        &["client-config", "claude-code", "--url", "http://h", "--key-env", "MCP_API_KEY"],
    ] {
        let mut command = world.command(words);
        let output = command
            .envs(KEYS)
            .envs([("RUST_LOG", "trace"), ("SMCP_PROFILES", "profiles.json")])
            .output()
            .unwrap();
        is_free(&format!("{words:?}"), &String::from_utf8_lossy(&output.stdout));
        is_free(&format!("{words:?}"), &String::from_utf8_lossy(&output.stderr));
    }
    nothing_is_kept(&world, world.directory.path());
}

#[test]
fn what_is_wrong_with_the_configuration_is_said_without_keys() {
    let world = world();
    let both = r#"{"profiles": {"a": {"mode": "all", "keys": ["READER_KEY"]}, "b": {"mode": "all", "keys": ["OTHER_KEY"]}}}"#;
    let given = r#"{"profiles": {"a": {"mode": "all", "keys": ["K1-open-sesame"]}}}"#;
    std::fs::write(world.path("both.json"), both).unwrap();
    std::fs::write(world.path("given.json"), given).unwrap();
    std::fs::write(world.path("text.json"), given.replace("[\"K1-open-sesame\"]", "\"K1-open-sesame\""))
        .unwrap();
    for (variables, says) in [
        (
            &[("SMCP_PROFILES", "both.json"), ("READER_KEY", "K3-same"), ("OTHER_KEY", "K3-same")][..],
            "something else too",
        ),
        (
            &[("SMCP_PROFILES", "both.json"), ("MCP_API_KEY", "K3-same"), ("READER_KEY", "K3-same")],
            "something else too",
        ),
        (&[("SMCP_PROFILES", "given.json")], "no name of a variable"),
        (&[("SMCP_PROFILES", "text.json")], "text.json"),
        (&[("LETTA_SERVER_PASSWORD", "K4-a\nb"), ("LETTA_SERVER_URL", "http://h")], "LETTA_SERVER_PASSWORD"),
        (
            &[("LETTA_SERVER_PASSWORD", "p"), ("LETTA_SERVER_URL", "http://u:K4-p@127.0.0.1:9")],
            "LETTA_SERVER_URL",
        ),
        (&[("LETTA_SERVER_PASSWORD", "p"), ("LETTA_SERVER_URL", "u:K4-p@127.0.0.1:9")], "LETTA_SERVER_URL"),
    ] {
        let output = world.refused(variables);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains(says), "{variables:?}: {told}");
        is_free(says, &told);
    }
}
