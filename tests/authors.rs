//! What authors of plugins type: `smcp new`, `inspect`, `client-config`, `completions`, `man`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![allow(clippy::disallowed_methods, reason = "tests start programs")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A directory to work in; smcp gets no variables of ours.
struct World(tempfile::TempDir);

impl World {
    fn new() -> World {
        World(tempfile::tempdir().unwrap())
    }

    fn path(&self, below: &str) -> String {
        self.0.path().canonicalize().unwrap().join(below).to_str().unwrap().to_owned()
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smcp"));
        command.args(words).current_dir(self.0.path()).env_clear();
        command.env("PATH", std::env::var("PATH").unwrap()).output().unwrap()
    }

    /// What a command prints that ends well.
    fn said(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command complains about that does not.
    fn complaint(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(!output.status.success() && output.stdout.is_empty(), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.said(words)).unwrap()
    }

    fn contracts(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path().join("schemas")).into_iter().flatten();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| Path::new(name).extension().is_some()).collect();
        names.sort();
        names
    }
}

fn pythons() -> Vec<String> {
    let all = std::env::var("SMCP_TEST_PYTHONS").unwrap_or_else(|_| "python3".into());
    all.split(':').map(str::to_owned).collect()
}

#[test]
fn a_new_plugin_is_whole_described_and_does_what_it_says_on_every_python() {
    for python in pythons() {
        let world = World::new();
        let said = world.said(&["new", "hello"]);
        assert!(said.contains("smcp call hello.greet"), "{said}");
        // Without its executable bit the named interpreter runs it.
        let program = world.path("plugins/hello/cli.py");
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let told = &world.json(&["inspect", "--json", "--python", &python])[0];
        assert_eq!(
            [&told["state"], &told["diagnostics"], &told["leftOut"]],
            [&json!("ready"), &json!([]), &json!([])]
        );
        let tools: Vec<&Value> = told["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
        assert_eq!(tools, ["hello__count", "hello__greet"]);
        for level in told["commands"].as_array().unwrap() {
            assert!(level["description"].as_str().unwrap().len() > 10, "{level}");
            assert_eq!(level["diagnostics"], json!([]), "{python}");
            for argument in level["arguments"].as_array().unwrap() {
                assert!(argument["help"].as_str().unwrap().len() > 5, "{argument}");
                assert!(argument["entry"]["line"].as_u64().unwrap() > 1, "{argument}");
            }
        }
        world.said(&["check", "--prove", "--deny", "note", "--python", &python, "hello"]);
        for (tool, arguments, expected) in [
            ("hello.greet", r#"{"name": "Zoë", "loud": true}"#, json!({"text": "HELLO, ZOË!"})),
            (
                "hello.count",
                r#"{"text": "a bcd ef", "min_length": 2, "order": "length"}"#,
                json!({"count": 2, "words": ["ef", "bcd"]}),
            ),
        ] {
            assert_eq!(world.json(&["call", "--python", &python, tool, arguments]), expected, "{python}");
        }
    }
}

#[test]
fn a_new_plugin_takes_nothing_away() {
    let world = World::new();
    let said = world.said(&["new", "hello", "--plugins-dir", "my plugins"]);
    assert!(said.contains("smcp inspect --plugins-dir 'my plugins' hello"), "{said}");
    let program = world.path("my plugins/hello/cli.py");
    fs::write(&program, "mine").unwrap();
    let complaint = world.complaint(&["new", "hello", "--plugins-dir", "my plugins"]);
    assert!(complaint.contains("is there already"), "{complaint}");
    assert_eq!(fs::read_to_string(program).unwrap(), "mine");
    assert!(world.complaint(&["new", "../up"]).contains("can't be a plugin's name"));
}

#[test]
fn one_plugin_is_inspected_without_asking_the_others() {
    let world = World::new();
    for name in ["one", "two", "one-more"] {
        world.said(&["new", name]);
    }
    let told = world.json(&["inspect", "--json", "one.greet"]);
    assert_eq!([&told[0]["name"], &told[0]["commands"][1]["tool"]], ["one", "one__greet"]);
    assert_eq!(world.contracts(), ["one.json"]);
    world.said(&["inspect", "--schema", "one-more__count"]);
    world.said(&["call", "one-more.count", r#"{"text": ""}"#]);
    assert_eq!(world.contracts(), ["one-more.json", "one.json"]);
    // A name that only a manifest gives is looked for everywhere.
    fs::write(world.path("plugins/two/plugin.toml"), "[tools.greet]\nname = \"wave\"\n").unwrap();
    let told = world.json(&["inspect", "--json", "wave"]);
    assert_eq!([&told[0]["name"], &told[0]["commands"][1]["manifest"][0]], ["two", "name"]);
    assert_eq!(world.contracts().len(), 3);
    let complaint = world.complaint(&["inspect", "three"]);
    assert_eq!(complaint, "smcp: no plugin, command or tool `three`; the plugins are: one, one-more, two\n");
}

#[test]
fn schemas_and_command_lines_are_json() {
    let world = World::new();
    world.said(&["new", "hello"]);
    let schema = world.json(&["inspect", "--schema", "hello.greet"]);
    assert_eq!(
        [&schema["required"], &schema["properties"]["loud"]["type"]],
        [&json!(["name"]), &json!("boolean")]
    );
    let words = world.json(&["inspect", "--argv", "hello.greet", r#"{"name": "-x", "loud": true}"#]);
    let program = world.path("plugins/hello/cli.py");
    assert_eq!(words, json!([program, "greet", "--loud", "--", "-x"]));
    let refused = world.complaint(&["inspect", "--argv", "hello.greet", r#"{"nam": 1}"#]);
    assert!(refused.contains("did you mean `name`?") && refused.contains("`name`: is required"), "{refused}");
    assert!(world.complaint(&["inspect", "--argv", "hello.greet", "[]"]).contains("no JSON object"));
}

#[test]
fn what_is_no_terminal_gets_no_colours() {
    let world = World::new();
    world.said(&["new", "hello"]);
    let text = world.said(&["inspect"]);
    assert!(text.starts_with("hello ready ") && !text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn a_missing_plugins_directory_is_told() {
    let world = World::new();
    let output = world.run(&["inspect"]);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("the plugins directory `plugins` does not exist"), "{complaint}");
}

#[test]
fn bytes_go_into_a_pipe_as_they_are() {
    let world = World::new();
    let directory = world.path("plugins/raw");
    fs::create_dir_all(&directory).unwrap();
    for (bytes, python) in [
        (&b"\xff\x00\xfe\n\x80"[..], "b'\\xff\\x00\\xfe\\n\\x80'"),
        (&b"\x89PNG\r\n\x1a\n\x00"[..], "b'\\x89PNG\\r\\n\\x1a\\n\\x00'"),
    ] {
        let program = format!(
            "import argparse, sys\nargparse.ArgumentParser().parse_args()\nsys.stdout.buffer.write({python})\n"
        );
        fs::write(format!("{directory}/cli.py"), program).unwrap();
        let output = world.run(&["call", "raw"]);
        assert_eq!(output.stdout, bytes, "{}", String::from_utf8_lossy(&output.stderr));
    }
    // Of several blocks of a program's own none is lost.
    let blocks =
        r#"[{"type":"image","data":"aGk=","mimeType":"image/png"},{"type":"text","text":"a caption"}]"#;
    let program = format!(
        "import argparse\nargparse.ArgumentParser().parse_args()\nprint('{{\"content\":{blocks}}}')\n"
    );
    fs::write(format!("{directory}/cli.py"), program).unwrap();
    let image = blocks[1..].split_once(",{").unwrap().0;
    assert_eq!(world.said(&["call", "raw"]), format!("{image}\na caption\n"));
}

#[test]
fn a_bad_filter_of_the_log_is_refused() {
    let world = World::new();
    fs::create_dir_all(world.path("plugins")).unwrap();
    for words in [&["inspect"][..], &["check"], &["call", "x"], &["serve", "--port", "0"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smcp"));
        command.args(words).current_dir(world.path("")).env_clear().env("RUST_LOG", "garbage===");
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("smcp: RUST_LOG: `garbage===` is no filter of log lines"), "{said}");
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{words:?}");
    }
}

#[test]
fn a_filter_that_a_client_hands_down_is_only_warned_of() {
    let world = World::new();
    fs::create_dir_all(world.path("plugins")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_smcp"));
    command.arg("stdio").current_dir(world.path("")).env_clear().stdin(std::process::Stdio::null());
    let output = command.env("RUST_LOG", "my_app[req{id=1}]=trace").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("RUST_LOG: `my_app[req{id=1}]=trace` is no filter of log lines"), "{said}");
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(0), true), "{said}");
}

#[test]
fn what_is_no_plugin_is_told() {
    let world = World::new();
    fs::create_dir_all(world.path("plugins")).unwrap();
    let told = |words: &[&str]| {
        let output = world.run(words);
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(told(&["inspect"]), (String::new(), "smcp: no plugins in plugins\n".to_owned()));
    fs::create_dir(world.path("plugins/empty")).unwrap();
    world.said(&["new", "hello"]);
    let (shown, said) = told(&["inspect"]);
    assert!(shown.starts_with("hello ready "), "{shown}");
    assert_eq!(said, "smcp: skipped empty: no cli.py in it\n");
    fs::write(world.path("plugins/hello/plugin.toml"), "[[resources]]\nfile = \"nope\"\n").unwrap();
    let (shown, said) = told(&["inspect", "hello"]);
    assert!(shown.contains("[manifest-unmatched] plugin.toml: `resources.file`: `nope`"), "{shown}");
    assert_eq!(said, "", "it is told once");
    assert_eq!(world.complaint(&["inspect", "empty"]), "smcp: `empty` is no plugin: no cli.py in it\n");
}

#[test]
fn clients_get_absolute_paths_and_never_a_key() {
    let world = World::new();
    world.said(&["new", "hello"]);
    let started = world.json(&["client-config", "cursor", "--name", "mine", "--no-live"]);
    let entry = &started["mcpServers"]["mine"];
    assert!(Path::new(entry["command"].as_str().unwrap()).is_absolute());
    let (plugins, schemas) = (world.path("plugins"), world.path("schemas"));
    assert_eq!(
        entry["args"],
        json!(["stdio", "--plugins-dir", plugins, "--schemas-dir", schemas, "--no-live"])
    );
    let typed = ["--python", "env/bin/python", "--help-timeout", "2.5"];
    let started = world.json(&[&["client-config", "cursor"], &typed[..]].concat());
    let arguments = started["mcpServers"]["smcp"]["args"].as_array().unwrap();
    assert_eq!(
        arguments[5..],
        json!(["--python", world.path("env/bin/python"), "--help-timeout", "2.5"]).as_array().unwrap()[..]
    );
    let started = world.json(&["client-config", "cursor", "--python", "python3.13"]);
    assert_eq!(started["mcpServers"]["smcp"]["args"][6], "python3.13", "a name is looked for");
    for client in ["claude-desktop", "claude-code", "cursor", "vscode", "letta"] {
        let output = world.run(&["client-config", client, "--url", "http://h:1", "--key-env", "MY_KEY"]);
        let entry: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(entry.to_string().contains("http://h:1/mcp"), "{entry}");
        assert!(!output.stderr.is_empty(), "{client}: where it belongs");
    }
    let refused =
        world.complaint(&["client-config", "cursor", "--url", "http://h", "--key-env", "s3cr3t-key"]);
    assert!(refused.contains("no name of a variable"), "{refused}");
}

#[test]
fn shells_and_man_know_every_command() {
    let world = World::new();
    let commands = [
        "serve",
        "stdio",
        "inspect",
        "call",
        "check",
        "new",
        "client-config",
        "schema",
        "completions",
        "man",
    ];
    let mut texts: Vec<String> =
        ["bash", "zsh", "fish"].iter().map(|shell| world.said(&["completions", shell])).collect();
    texts.push(world.said(&["man"]).replace("\\-", "-"));
    for text in &texts {
        let lacks: Vec<&str> = commands.iter().copied().filter(|name| !text.contains(name)).collect();
        assert!(lacks.is_empty(), "{lacks:?} is not in {}…", text.chars().take(60).collect::<String>());
    }
    assert!(world.said(&["man", "client-config"]).contains("key\\-env"));
    assert!(world.complaint(&["man", "nope"]).contains("there are: serve, stdio"));
}
