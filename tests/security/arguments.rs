//! Injection by values: what looks like an option, a file of words or a word of the shell arrives as it is, or is refused
//! before anything runs. In every kind of argument, of the leaf and of the commands above it.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value, json};

use super::world::{Server, World};

/// A program that notes that it ran, and prints its namespace. `{MORE}` stands for the parser's traits.
const PROGRAM: &str = r#"
import argparse, json, sys
p = argparse.ArgumentParser({MORE})
p.add_argument("--config")
p.add_argument("--tags", nargs="+")
subs = p.add_subparsers(dest="sub", required=True)
r = subs.add_parser("run"{SUB})
r.add_argument("--text", "-t")
r.add_argument("--many", nargs="+")
r.add_argument("--any", nargs="*")
r.add_argument("--maybe", nargs="?", const="CONST")
r.add_argument("--pair", nargs=2)
r.add_argument("--add", action="append")
r.add_argument("--more", action="extend", nargs="+")
r.add_argument("--choice", choices=["-x", "--text=LEAK", "@words.txt", "plain"])
r.add_argument("--danger", action="store_true")
r.add_argument("word")
r.add_argument("rest", nargs="*")
q = subs.add_parser("pass"{SUB})
q.add_argument("--danger", action="store_true")
q.add_argument("command")
q.add_argument("words", nargs=argparse.REMAINDER)
n = p.parse_args()
with open("ran", "a") as f:
    f.write("x")
print(json.dumps(vars(n)))
"#;

/// Values that would do something else if they were taken for more than values.
const VALUES: [&str; 24] = [
    "-x",
    "-t",
    "-tLEAK",
    "--danger",
    "--dang",
    "--text=LEAK",
    "--text",
    "--",
    "-- --danger",
    "-",
    "-1",
    "--help",
    "-h",
    "@words.txt",
    "@/etc/passwd",
    "+x",
    "=LEAK",
    "run",
    "new\nline --danger",
    "\r\n",
    "tab\t\u{1b}[31m",
    "$(touch ran);`touch ran`|&",
    "",
    "\u{202e}é\u{0}nul",
];

/// Where a value can stand: the tool, the property, how it is given, and the namespace's value.
type Place = (&'static str, &'static str, fn(&str) -> Value);

const PLACES: [Place; 13] = [
    ("run", "text", |v| json!(v)),
    ("run", "many", |v| json!([v, "b", v])),
    ("run", "any", |v| json!([v])),
    ("run", "maybe", |v| json!(v)),
    ("run", "pair", |v| json!(["a", v])),
    ("run", "add", |v| json!([v, "b"])),
    ("run", "more", |v| json!([v, v])),
    ("run", "choice", |v| json!(v)),
    ("run", "word", |v| json!(v)),
    ("run", "rest", |v| json!([v, "b"])),
    ("run", "config", |v| json!(v)),
    ("run", "tags", |v| json!([v])),
    ("pass", "words", |v| json!(["a", v])),
];

/// Calls with each value in each place; gives the places and values that were refused.
fn tried(server: &Server, tool: &str, directory: &Path, values: &[&str]) -> Vec<(&'static str, String)> {
    let (next, arrived) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let worker = || {
        let mut refused = Vec::new();
        while let Some(n) =
            Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < PLACES.len() * values.len())
        {
            let ((command, property, shape), value) = (PLACES[n % PLACES.len()], values[n / PLACES.len()]);
            let required = if command == "run" { "word" } else { "command" };
            let mut arguments = Map::from_iter([(required.to_owned(), json!("w"))]);
            arguments.insert(property.to_owned(), shape(value));
            let answer = server.call(&format!("{tool}__{command}"), &json!(arguments));
            if refusal(&answer).is_some() {
                refused.push((property, value.to_owned()));
                continue;
            }
            arrived.fetch_add(1, Ordering::Relaxed);
            let seen = &answer["result"]["structuredContent"];
            let mut expected = defaults(command);
            expected.extend(arguments);
            assert_eq!(*seen, json!(expected), "{tool} {property} {value:?}: {answer}");
        }
        refused
    };
    let refused = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..6).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap()).collect()
    });
    // Neither does it run when it is asked for its help, whatever its options begin with.
    let runs = std::fs::read(directory.join("ran")).unwrap_or_default().len();
    assert_eq!(runs, arrived.load(Ordering::Relaxed), "a refused call runs nothing");
    refused
}

/// Why a call was refused.
fn refusal(answer: &Value) -> Option<String> {
    let result = &answer["result"];
    let code = &result["structuredContent"]["error"]["code"];
    let refused = answer.get("error").is_some() || code == "invalid_arguments";
    assert!(refused || result["isError"] == false, "{answer}");
    refused.then(|| answer.to_string())
}

fn defaults(command: &str) -> Map<String, Value> {
    let own = match command {
        "run" => {
            json!({"text": null, "many": null, "any": null, "maybe": null, "pair": null, "add": null, "more": null,
            "choice": null, "danger": false, "word": null, "rest": []})
        }
        _ => json!({"danger": false, "command": null, "words": []}),
    };
    let mut all = own.as_object().unwrap().clone();
    all.extend([("config".to_owned(), Value::Null), ("tags".to_owned(), Value::Null)]);
    all.insert("sub".into(), json!(command));
    all
}

fn plugin(world: &World, name: &str, traits: &str) -> std::path::PathBuf {
    let sub = if traits.is_empty() { String::new() } else { format!(", {traits}") };
    let directory = world.plugin(name, &PROGRAM.replace("{MORE}", traits).replace("{SUB}", &sub));
    std::fs::write(directory.join("words.txt"), "--danger\nLEAK\n").unwrap();
    directory
}

#[test]
fn a_value_is_never_taken_for_more_than_a_value() {
    let world = World::new();
    let plain = plugin(&world, "plain", "");
    let server = world.serve(&["--no-watch"], &[]);
    let refused = tried(&server, "plain", &plain, &VALUES);
    let may_be_refused = |property: &str, value: &str| {
        value.contains('\0')
            // Only newer versions of argparse keep it.
            || value == "--"
            || property == "choice"
            // Between options that take several values and a subcommand nothing can stand that ends them.
            || (property == "tags" || property == "config")
            || value.starts_with('-')
    };
    for (property, value) in &refused {
        assert!(may_be_refused(property, value), "{property} {value:?} is refused");
    }
    // What can stand behind `=` or after `--` arrives, whatever it looks like.
    for (property, value) in &refused {
        let always = ["text", "maybe", "add", "more", "word", "rest", "config"].contains(property);
        assert!(!always || value.contains('\0') || value == "--", "{property} {value:?} is refused");
    }
    assert!(refused.iter().filter(|(_, value)| value.contains('\0')).count() == PLACES.len(), "{refused:?}");
}

#[test]
fn where_words_may_name_files_no_value_does() {
    let world = World::new();
    let directory = plugin(&world, "files", r#"fromfile_prefix_chars="@""#);
    let server = world.serve(&["--no-watch"], &[]);
    let values = ["@words.txt", "@/etc/passwd", "@", "plain", "--danger"];
    let refused = tried(&server, "files", &directory, &values);
    // Behind `=`, a word does not begin with the character.
    for (property, arrives) in
        [("text", true), ("config", true), ("add", true), ("word", false), ("rest", false)]
    {
        let is_refused = refused.contains(&(property, "@words.txt".to_owned()));
        assert_eq!(is_refused, !arrives, "{property}: {refused:?}");
    }
    assert!(
        !refused.iter().any(|(property, value)| value == "plain" && *property != "choice"),
        "{refused:?}"
    );
}

#[test]
fn other_prefixes_are_prefixes_too() {
    let world = World::new();
    let program = PROGRAM
        .replace("\"--", "\"++")
        .replace("\"-t\"", "\"+t\"")
        .replace("\"++text=LEAK\"", "\"--text=LEAK\"");
    let more = r#"prefix_chars="+""#;
    let directory =
        world.plugin("plus", &program.replace("{MORE}", more).replace("{SUB}", &format!(", {more}")));
    let server = world.serve(&["--no-watch"], &[]);
    let refused =
        tried(&server, "plus", &directory, &["+t", "++danger", "++text=LEAK", "++dang", "-x", "--danger"]);
    for (property, value) in &refused {
        assert!(value.starts_with('+') || *property == "choice", "{property} {value:?} is refused");
        assert!(
            !["text", "maybe", "add", "word", "rest"].contains(property),
            "{property} {value:?} is refused"
        );
    }
}

#[test]
fn a_key_is_a_property_or_nothing() {
    let world = World::new();
    let directory = plugin(&world, "plain", "");
    let server = world.serve(&["--no-watch"], &[]);
    for key in [
        "--text=x",
        "text=x",
        "text --danger",
        "help",
        "--help",
        "-h",
        "version",
        "sub",
        "@words.txt",
        "",
        "\0",
        "danger\n",
        "__class__",
        "--",
        "..",
        "text\0",
    ] {
        let answer = server.call("plain__run", &json!({"word": "w", key: true}));
        assert!(refusal(&answer).is_some(), "{key:?}: {answer}");
    }
    for arguments in
        [json!({"word": {"a": "\0"}}), json!({"word": ["a\0"]}), json!({"word": "w", "rest": [["--danger"]]})]
    {
        let answer = server.call("plain__run", &arguments);
        let seen = &answer["result"]["structuredContent"];
        assert!(refusal(&answer).is_some() || seen["danger"] == false, "{arguments}: {answer}");
    }
    let _ = std::fs::remove_file(directory.join("ran"));
    let long = "x".repeat(128 << 10);
    let longer = "x".repeat(1 << 20);
    for arguments in [
        json!({"word": long}),
        json!({"word": "w", "text": long}),
        json!({"word": "w", "many": ["a", long]}),
        json!({"word": "w", "rest": vec![&longer[..100 << 10]; 20]}),
    ] {
        assert!(refusal(&server.call("plain__run", &arguments)).is_some());
    }
    assert!(!directory.join("ran").exists(), "what is too long is refused before anything runs");
    let just = "-".repeat(100 << 10);
    let answer = server.call("plain__run", &json!({"word": just}));
    assert_eq!(answer["result"]["structuredContent"]["word"], just);
}
