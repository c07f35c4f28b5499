//! What drives a terminal (escape sequences, C1 controls, carriage returns, line ends where one line is meant) never
//! reaches one from a help page, a description, a name, an output or an error. Seen on real pseudo-terminals.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::LazyLock;

use regex::Regex;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::world::World;

/// A program whose every text is hostile. Its marks are what a terminal must not see done.
const PROGRAM: &str = r#"
import argparse, sys
E = "\x1b]0;OWNED\x07\x1b[2J\x9b2J\x1bc\x08\x08\rFORGED\x85\x7f\x90OWNED\x9c\x1b(0"
p = argparse.ArgumentParser(prog="evil", description="describes " + E, epilog="ends " + E)
p.add_argument("--opt", metavar="META" + E, help="helps " + E, default="d" + E)
p.add_argument("--choice", choices=["c" + E, "d"], help="chooses")
p.add_argument("word", nargs="?", help="word " + E)
n = p.parse_args()
if n.opt == "fail":
    sys.stderr.write("error " + E + "\nFORGED line\n")
    sys.exit(3)
print("output " + E)
"#;

/// Colours, and what the progress bar moves the cursor with: smcp's own, and none of them among what the program prints.
static OWN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("\u{1b}\\[(?:[0-9;]*m|[0-9]*[ABCDGK]|\\?25[lh])").unwrap());

/// Runs the program with its outputs on a terminal; gives what the terminal got.
fn on_terminal(world: &World, words: &[&str], variables: &[(&str, &str)]) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut command = world.command(words);
    command.env("TERM", "xterm-256color").envs(variables.iter().copied());
    command.stdout(Stdio::from(slave.try_clone().unwrap())).stderr(Stdio::from(slave));
    let mut child = command.spawn().unwrap();
    drop(command);
    let bytes = drained(master, || words[0] == "serve", &mut child);
    child.wait().unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads until the other side is closed; a server is stopped once it listens.
fn drained(master: OwnedFd, serves: impl Fn() -> bool, child: &mut std::process::Child) -> Vec<u8> {
    let (mut terminal, mut bytes, mut part) = (File::from(master), Vec::new(), [0; 4096]);
    // The end of a terminal is an error on Linux.
    while let Ok(n @ 1..) = terminal.read(&mut part) {
        bytes.extend_from_slice(&part[..n]);
        if serves() && String::from_utf8_lossy(&bytes).contains("JSON-RPC ") {
            let id = rustix::process::Pid::from_child(child);
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
    }
    bytes
}

/// What a terminal got is plain but for smcp's own sequences.
fn is_plain(what: &str, seen: &str) {
    let rest = OWN.replace_all(seen, "");
    // The terminal itself makes a carriage return and a line feed of each line feed; the bar returns to draw again.
    let bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    assert!(!rest.contains(bad), "{what}: {rest:?}");
    // A return that is no line end and no bar would write over the line.
    assert!(!rest.contains("\rFORGED"), "{what}: {rest:?}");
}

fn evil() -> World {
    let world = World::new();
    world.plugin("evil", PROGRAM);
    // A name with all of it, a line end included; what is no plugin and what fails are told of too.
    let name = "na\u{1b}]0;OWNED\u{7}me\u{9b}2J\nFORGED";
    world.plugin(name, "import sys\nsys.stderr.write('\\x1b[2J\\x9b2J\\rFORGED')\nsys.exit(1)\n");
    std::os::unix::fs::symlink("nowhere\u{1b}[2J\nFORGED", world.path("plugins").join("link\u{1b}[2J"))
        .unwrap();
    world
}

#[test]
fn no_command_lets_foreign_text_drive_a_terminal() {
    let world = evil();
    for words in [
        &["inspect"][..],
        &["inspect", "evil"],
        &["inspect", "--json"],
        &["inspect", "--schema", "evil"],
        &["inspect", "nothing\u{1b}[2J"],
        &["check"],
        &["check", "--prove"],
        &["check", "--format", "json"],
        &["check", "--format", "junit"],
        &["check", "--format", "sarif"],
        &["check", "--format", "github"],
        &["call", "evil", "{}"],
        &["call", "evil", r#"{"opt": "fail"}"#],
        &["call", "evil", r#"{"choice": "\u009b2J"}"#],
        &["call", "evil", r#"{"opt": "\u001b[2J\u009b2J"}"#, "--dry-run"],
        &["call", "nothing", "{}"],
        &["serve", "--host", "127.0.0.1", "--port", "0"],
    ] {
        for variables in [&[][..], &[("NO_COLOR", "1")], &[("RUST_LOG", "debug")]] {
            let seen = on_terminal(&world, words, variables);
            assert!(!seen.is_empty(), "{words:?}");
            is_plain(&format!("{words:?} {variables:?}"), &seen);
        }
    }
}

#[test]
fn lines_that_tell_of_plugins_are_lines() {
    let world = evil();
    let output = world.command(&["inspect"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("evil") && !text.lines().any(|line| line.starts_with("FORGED")), "{text}");
    let seen = on_terminal(&world, &["serve", "--host", "127.0.0.1", "--port", "0"], &[]);
    assert!(!seen.lines().any(|line| line.starts_with("FORGED")), "{seen}");
}

#[test]
fn what_is_no_terminal_gets_the_output_as_it_is() {
    let world = evil();
    let output = world.run(&["call", "evil", "{}"]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("output \u{1b}]0;OWNED\u{7}"));
}
