//! Logs: whatever a client or a plugin calls itself, a line is one event, begins as lines do, and has no controls in it.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::world::{Server, World, files};

/// Everything that a client can choose, with what would make a line of its own.
fn poke(server: &Server) {
    let forged = "x\n[2026-01-01T00:00:00Z ERROR smcp] FORGED\r\nFORGED\u{1b}[2J\u{9b}2J\u{85}FORGED\u{2028}";
    for method in [forged, "tools/call", "resources/read", "prompts/get"] {
        let params = json!({"name": forged, "uri": forged, "arguments": {forged: forged}, "cursor": forged, "_meta": {
            "progressToken": forged, "traceparent": forged}});
        server.ask(method, &params);
    }
    let initialize = json!({"protocolVersion": forged, "capabilities": {}, "clientInfo": {"name": forged, "version": forged}});
    server.ask("initialize", &initialize);
    server.call("loud", &json!({"word": forged}));
    server.call("loud", &json!({"word": "fail"}));
    // C1 controls are no control characters to HTTP, which knows bytes alone.
    let c1 = "\u{9b}2J\u{85}FORGED";
    for (method, path) in
        [("GET", format!("/{c1}")), ("GET", "/%0aFORGED%1b[2J".into()), ("FORGED", "/mcp".into())]
    {
        for headers in [
            vec![("Host", "localhost")],
            vec![("Host", "evil.example")],
            vec![("Host", c1)],
            vec![("Host", "localhost"), ("Origin", c1)],
            vec![("Host", "localhost"), ("User-Agent", c1), ("Mcp-Session-Id", c1), ("X-API-Key", c1)],
            vec![("Host", "localhost"), ("X-Forwarded-For", c1), ("Referer", c1)],
        ] {
            server.request(method, &path, &headers, "");
        }
    }
    // Refused, or taken with the line end as part of nothing.
    for head in [
        "GET /x\nFORGED HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /\r\n\u{1b}[2J: FORGED\r\n\r\n",
        "\u{1b}[2J\r\n\r\n",
    ] {
        server.exchange(head.as_bytes());
    }
    server.request("GET", "/mcp/FORGED%0aFORGED%c2%9b2J", &[("Host", "localhost")], "");
    server.request("GET", "/the-end", &[("Host", "evil.example")], "");
}

fn loud(world: &World) {
    world.plugin(
        "loud",
        "import argparse, sys\np = argparse.ArgumentParser(description='\\x1b[2J\\nFORGED')\np.add_argument('word')\n\
         n = p.parse_args()\nsys.stderr.write('\\x1b[2J\\x9b2J\\rFORGED\\nFORGED\\n')\nsys.exit(n.word == 'fail')\n",
    );
    world.plugin(
        "bad\u{9b}2J\u{1b}[2J\u{7}\u{85}\nFORGED",
        "import sys\nsys.stderr.write('\\x9b2J\\nFORGED')\nsys.exit(1)\n",
    );
}

/// Whether each line is one that smcp wrote.
fn is_sound(what: &str, log: &str, is_line: impl Fn(&str) -> bool) {
    assert!(!log.is_empty(), "{what} is empty");
    for line in log.split('\n').filter(|line| !line.is_empty()) {
        assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "{what}: {line:?}");
        assert!(is_line(line), "{what}: {line:?}");
    }
}

static LINE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\[[0-9T:.-]+Z (?:ERROR|WARN |INFO |DEBUG|TRACE) [\w:]+\] ").unwrap());

#[test]
fn a_line_is_one_event_that_nobody_else_wrote() {
    for format in ["text", "json"] {
        let is_line = |line: &str| match format {
            "json" => serde_json::from_str::<Value>(line).is_ok_and(|line| line["time"].is_string()),
            // A line that goes on is indented.
            _ => LINE.is_match(line) || line.starts_with("    "),
        };
        let world = World::new();
        loud(&world);
        let server = world.serve(&["--log-format", format, "--log-dir", "logs"], &[("RUST_LOG", "trace")]);
        poke(&server);
        // A change while it runs is told too.
        loud(&world);
        world.plugin(
            "late\u{9b}2J\u{7}\u{85}\nFORGED",
            "import argparse\nargparse.ArgumentParser().parse_args()\n",
        );
        server.logged("plugins changed");
        let log = server.logged("/the-end");
        is_sound(&format!("the console in {format}"), &log, is_line);
        let kept = files(&world.path("logs"));
        let (_, file) = kept.iter().find(|(path, _)| path.ends_with("mcp.log")).unwrap();
        is_sound(&format!("mcp.log in {format}"), file, is_line);
        assert!(file.contains("/the-end") && file.contains("loud"), "{file}");
    }
}
