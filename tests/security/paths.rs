//! Paths that want to lead elsewhere: in names of plugins and tools, in URIs and request lines, and by links. And what is
//! no file where one is expected.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::world::{Server, World};

/// What nobody may see or touch.
const SECRET: &str = "THE SECRET";

const PROGRAM: &str = "import argparse, json\np = argparse.ArgumentParser()\np.add_argument('name')\n\
                       print(json.dumps(vars(p.parse_args())))\n";

/// Names of plugins and files, each with what stands for it in a URI (RFC 3986, section 3.3).
const ODD: [(&str, &str); 6] = [
    ("my plugin", "my%20plugin"),
    ("<b>", "%3Cb%3E"),
    ("\u{1b}[1m", "%1B%5B1m"),
    ("a:b, c@d", "a%3Ab,%20c%40d"),
    ("50% #?", "50%25%20%23%3F"),
    ("schlüssel", "schl%C3%BCssel"),
];

/// A world with a plugin that offers all that can be offered, and a secret beside it.
fn world() -> World {
    let world = World::new();
    std::fs::write(world.path("secret.txt"), SECRET).unwrap();
    let directory = world.plugin("tool", PROGRAM);
    std::fs::write(directory.join("inside.txt"), "inside").unwrap();
    for (link, target) in [
        ("link.txt", "../../secret.txt"),
        ("README.md", "../../secret.txt"),
        ("up", "../.."),
        ("absolute.txt", world.path("secret.txt").to_str().unwrap()),
        ("twice.txt", "link.txt"),
        ("loop.txt", "loop.txt"),
        ("proc.txt", "/proc/self/environ"),
    ] {
        symlink(target, directory.join(link)).unwrap();
    }
    let files =
        ["inside.txt", "link.txt", "up/secret.txt", "absolute.txt", "twice.txt", "loop.txt", "proc.txt"];
    let mut manifest = String::new();
    for file in files {
        manifest.extend([
            "[[resources]]\nfile = \"",
            file,
            "\"\n[[prompts]]\nname = \"",
            file,
            "\"\nfile = \"",
            file,
            "\"\n",
        ]);
    }
    manifest +=
        "[[resource_templates]]\nuri_template = \"tool://made/{name}\"\ncommand = \"\"\nname = \"made\"\n";
    std::fs::write(directory.join("plugin.toml"), manifest).unwrap();
    world
}

fn is_kept(what: &str, said: &str) {
    assert!(!said.contains(SECRET) && !said.contains("root:"), "{what}: {said}");
}

#[test]
fn odd_names_make_sound_uris() {
    let world = World::new();
    for (name, _) in ODD {
        let directory = world.plugin(name, PROGRAM);
        std::fs::write(directory.join(name), "what it holds").unwrap();
        let manifest = format!("[[resources]]\nfile = {}\n", json!(name));
        std::fs::write(directory.join("plugin.toml"), manifest).unwrap();
    }
    let server = world.serve(&["--no-watch"], &[]);
    let listed = server.ask("resources/list", &json!({}));
    let listed = listed["result"]["resources"].as_array().unwrap();
    assert_eq!(listed.len(), 2 * ODD.len(), "{listed:?}");
    for (name, encoded) in ODD {
        let uri = format!("smcp://{encoded}/{encoded}");
        for uri in [&uri, &format!("smcp://{encoded}/contract")] {
            assert!(listed.iter().any(|resource| resource["uri"] == **uri), "{uri}: {listed:?}");
        }
        // As it is listed, and as other clients write the same.
        for uri in [uri.clone(), uri.replace("%3C", "%3c").replace("%1B", "%1b").replace("schl", "%73chl")] {
            let answer = server.ask("resources/read", &json!({"uri": uri}));
            let content = &answer["result"]["contents"][0];
            assert_eq!((&content["text"], &content["uri"]), (&json!("what it holds"), &json!(uri)), "{name}");
        }
    }
    let plain = server.ask("resources/read", &json!({"uri": "smcp://schlüssel/schlüssel"}));
    assert_eq!(plain["result"]["contents"][0]["text"], "what it holds");
}

#[test]
fn no_uri_leads_out_of_a_plugin() {
    let world = world();
    let server = world.serve(&["--no-watch"], &[]);
    let listed = server.ask("resources/list", &json!({}));
    let uris: Vec<&str> = listed["result"]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["uri"].as_str().unwrap())
        .collect();
    assert!(uris.contains(&"smcp://tool/link.txt") && uris.contains(&"smcp://tool/README.md"), "{uris:?}");
    for uri in uris {
        let answer = server.ask("resources/read", &json!({"uri": uri}));
        is_kept(uri, &answer.to_string());
        let is_inside = ["smcp://tool/inside.txt", "smcp://tool/contract"].contains(&uri);
        assert_eq!(answer.get("error").is_none(), is_inside, "{uri}: {answer}");
    }
    for uri in [
        "smcp://tool/../../secret.txt#",
        "smcp://tool/inside.txt/../../../secret.txt",
        "smcp://tool/%2e%2e/%2e%2e/secret.txt",
        "smcp://tool/..%2f..%2fsecret.txt",
        "smcp://tool//etc/passwd",
        "smcp://tool/inside.txt\0",
        "smcp://../secret.txt",
        "smcp:///etc/passwd",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "http://127.0.0.1/",
        "/etc/passwd",
        "../../secret.txt",
        "inside.txt",
        "tool://made/../../secret.txt",
        "tool://made/a/b",
        "tool://made/%00",
        "tool://made/a%00b",
        "tool://made/%ff",
        "tool://made/",
        "",
    ] {
        for method in ["resources/read", "resources/subscribe"] {
            let answer = server.ask(method, &json!({"uri": uri}));
            is_kept(uri, &answer.to_string());
            assert!(answer.get("error").is_some(), "{method} {uri:?}: {answer}");
        }
    }
    // What a URI's variable holds is a value and nothing more.
    for (uri, value) in [
        ("tool://made/%2e%2e%2f%2e%2e%2fsecret.txt", "../../secret.txt"),
        ("tool://made/..", ".."),
        ("tool://made/%2Fetc%2Fpasswd", "/etc/passwd"),
        ("tool://made/--help", "--help"),
        ("tool://made/%0A--help", "\n--help"),
    ] {
        let answer = server.ask("resources/read", &json!({"uri": uri}));
        let text =
            answer["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{uri}: {answer}"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(text).unwrap(), json!({"name": value}), "{uri}");
    }
}

#[test]
fn no_prompt_reads_what_is_outside() {
    let world = world();
    let server = world.serve(&["--no-watch"], &[]);
    for name in
        ["link.txt", "up/secret.txt", "absolute.txt", "twice.txt", "loop.txt", "proc.txt", "../../secret.txt"]
    {
        let answer = server.ask("prompts/get", &json!({"name": name}));
        is_kept(name, &answer.to_string());
        assert!(answer.get("error").is_some(), "{name}: {answer}");
    }
    assert!(server.ask("prompts/get", &json!({"name": "inside.txt"})).get("result").is_some());
}

#[test]
fn no_request_line_leads_to_a_file() {
    let world = world();
    let server = world.serve(&["--no-watch"], &[]);
    for path in [
        "/../secret.txt",
        "/page/../../secret.txt",
        "/page/..%2f..%2fsecret.txt",
        "/page/%2e%2e/%2e%2e/secret.txt",
        "/page/..%5c..%5csecret.txt",
        "/page//etc/passwd",
        "//etc/passwd",
        "/page/app.js%00.txt",
        "/page/app.js/../../../secret.txt",
        "/page/",
        "/mcp/..%2f..%2fsecret.txt",
        "/sse/%2e%2e",
        "/mcp/%00",
        "/inspect/../secret.txt",
        "/inspect/tool?name=../../secret.txt",
        "/inspect/tool?name=..%2f..%2fsecret.txt",
        "/inspect/tool?name=%2Fetc%2Fpasswd",
        "/inspect/tool?name=tool%00",
        "/inspect/tool?name=.cache/pages/tool",
        "/plugins/tool/cli.py",
        "/schemas/tool.json",
        "/mcp.log",
    ] {
        let reply = server.get(path);
        is_kept(path, &reply.body);
        assert!([400, 404, 405, 406].contains(&reply.status), "{path}: {reply:?}");
    }
}

#[test]
fn no_tool_name_is_a_path() {
    let world = world();
    let server = world.serve(&["--no-watch"], &[]);
    for name in [
        "../tool",
        "tool/../tool",
        "tool/",
        "./tool",
        "/etc/passwd",
        "tool\0",
        "tool%00",
        "tool\n",
        "%74ool",
        "tool/cli.py",
        "..",
        ".",
        "",
        "tool..",
        "tool.cli.py",
        "plugins/tool",
        "TOOL/../..",
        "\u{ff0e}\u{ff0e}/tool",
    ] {
        let answer = server.call(name, &json!({"name": "x"}));
        assert!(answer.get("error").is_some() || answer["result"]["isError"] == true, "{name:?}: {answer}");
    }
}

/// What a command leaves behind when it is given a name that wants to be a path.
fn is_refused(world: &World, words: &[&str], before: &[std::path::PathBuf]) {
    let output = world.run(words);
    assert!(!output.status.success(), "{words:?}: {output:?}");
    is_kept(&words.join(" "), &String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    assert_eq!(tree(world.directory.path()), before, "{words:?}");
}

/// All paths below a directory but those of caches and contracts.
fn tree(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        if entry.file_name() == "schemas" || entry.file_name() == "__pycache__" {
            continue;
        }
        all.push(entry.path());
        if entry.file_type().unwrap().is_dir() {
            all.extend(tree(&entry.path()));
        }
    }
    all.sort();
    all
}

#[test]
fn no_command_takes_a_path_for_a_name() {
    let world = world();
    std::fs::create_dir(world.path("outside")).unwrap();
    std::fs::write(world.path("outside/cli.py"), PROGRAM).unwrap();
    let before = tree(world.directory.path());
    for name in [
        "../outside",
        "../../x",
        "/tmp/smcp-x",
        "a/b",
        ".hidden",
        "..",
        ".",
        "",
        "a\nb",
        "-x/../y",
        "tool/../../outside",
    ] {
        is_refused(&world, &["new", "--", name], &before);
        is_refused(&world, &["inspect", "--", name], &before);
        is_refused(&world, &["check", "--", name], &before);
        is_refused(&world, &["check", "--update", "--", name], &before);
        is_refused(&world, &["call", "--", name, "{}"], &before);
    }
}

#[test]
fn a_link_in_the_place_of_a_contract_is_replaced_and_not_followed() {
    let world = world();
    std::fs::create_dir_all(world.path("schemas/.cache/pages")).unwrap();
    for link in ["schemas/tool.json", "schemas/.cache/tool.json", "schemas/.cache/pages/tool.json"] {
        symlink(world.path("secret.txt"), world.path(link)).unwrap();
    }
    let output = world.run(&["check", "--update"]);
    is_kept("check", &String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    let output = world.run(&["inspect", "tool"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read_to_string(world.path("secret.txt")).unwrap(), SECRET);
    assert!(std::fs::symlink_metadata(world.path("schemas/tool.json")).unwrap().is_file());
}

fn pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// What a read would wait for, or never come to the end of, where a file is expected.
#[test]
fn what_is_no_file_holds_nobody_up() {
    let world = World::new();
    world.plugin("good", PROGRAM);
    let waits = world.plugin("waits", PROGRAM);
    pipe(&waits.join("plugin.toml"));
    let endless = world.plugin("endless", PROGRAM);
    symlink("/dev/zero", endless.join("plugin.toml")).unwrap();
    let offers = world.plugin("offers", PROGRAM);
    pipe(&offers.join("pipe.txt"));
    pipe(&offers.join("README.md"));
    std::fs::write(
        offers.join("plugin.toml"),
        "[[resources]]\nfile = \"pipe.txt\"\n[[prompts]]\nname = \"p\"\nfile = \"pipe.txt\"\n",
    )
    .unwrap();
    std::fs::create_dir_all(world.path("schemas/.cache/pages")).unwrap();
    for file in ["schemas/good.json", "schemas/.cache/waits.json", "schemas/.cache/pages/good.json"] {
        pipe(&world.path(file));
    }
    let began = Instant::now();
    let server: Server = world.serve(&["--no-watch", "--help-timeout", "5"], &[]);
    let answer = server.call("good", &json!({"name": "x"}));
    assert_eq!(answer["result"]["structuredContent"]["name"], "x", "{answer}");
    for _ in 0..3 {
        assert!(
            server.ask("resources/read", &json!({"uri": "smcp://offers/pipe.txt"})).get("error").is_some()
        );
        assert!(server.ask("prompts/get", &json!({"name": "p"})).get("error").is_some());
    }
    assert_eq!(server.get("/inspect/tool?name=good").status, 200);
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}", began.elapsed());
}
