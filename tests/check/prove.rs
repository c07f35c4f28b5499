//! The proof: what it finds, what it spares programs, and what it can't say.

use std::fs;

use serde_json::Value;

use crate::support::{World, codes, pythons};

/// A parser with one argument of each kind.
const EVERYTHING: &str = "
import pathlib
class Own(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        open('own-action', 'w').close()
        setattr(namespace, self.dest, values)
class OwnFlag(argparse.Action):
    def __init__(self, option_strings, dest, **rest):
        super().__init__(option_strings, dest, nargs=0, **rest)
    def __call__(self, parser, namespace, values, option_string=None):
        open('own-flag', 'w').close()
        sys.exit('gone')
def path(text):
    open('own-type', 'w').close()
    raise ValueError(text)
p.add_argument('--text', help='x')
p.add_argument('--int', type=int, default='7', help='x')
p.add_argument('--float', type=float, help='x')
p.add_argument('--choice', choices=['a', 'b', '-c', ''], help='x')
p.add_argument('--maybe', nargs='?', const='c', default='d', help='x')
p.add_argument('--two', nargs=2, help='x')
p.add_argument('--one-list', nargs=1, help='x')
p.add_argument('--some', nargs='*', help='x')
p.add_argument('--more', nargs='+', type=int, help='x')
p.add_argument('--exts', nargs='*', default=['py'], help='x')
p.add_argument('--set', nargs='*', default={'a'}, help='x')
p.add_argument('--strict', type=bool, default=False, help='x')
p.add_argument('--truth', type=bool, nargs='?', help='x')
p.add_argument('--truths', type=bool, nargs='+', help='x')
p.add_argument('--flag', action='store_true', help='x')
p.add_argument('--off', action='store_false', help='x')
p.add_argument('--const', action='store_const', const=[1], help='x')
p.add_argument('-v', action='count', default=1, help='x')
p.add_argument('--append', action='append', default=['x'], help='x')
p.add_argument('--pairs', action='append', nargs=2, help='x')
p.add_argument('--file', type=argparse.FileType('w'), help='x')
p.add_argument('--path', type=path, help='x')
p.add_argument('--own', action=Own, help='x')
p.add_argument('--own-flag', action=OwnFlag, help='x')
g = p.add_mutually_exclusive_group(required=True)
g.add_argument('--left', help='x')
g.add_argument('--right', type=int, help='x')
g.add_argument('--none', nargs='*', help='x')
p.set_defaults(extra=object())
s = p.add_subparsers(dest='command', required=True)
a = s.add_parser('add', aliases=['plus'], help='adds')
a.add_argument('name', help='x')
a.add_argument('rest', nargs='*', help='x')
a.add_argument('--where', help='x')
a.add_argument('where', nargs='?', default='.', help='x')
a.add_argument('--text', help='x')
o = s.add_parser('own', help='its own')
o.add_argument('words', nargs='*', action=Own, help='x')
d = s.add_parser('deep', help='deeper')
t = d.add_subparsers(dest='deeper')
t.required = True
t.add_parser('down', help='goes down').add_argument('n', type=int, nargs='?', default=3, help='x')
";

#[test]
fn every_kind_of_argument_arrives() {
    for python in pythons() {
        let world = World::with(&python);
        world.plugin("all", EVERYTHING);
        world.file("all", "plugin.toml", "");
        let run = world.check(&["--prove", "--calls", "60", "--format", "json", "--deny", "error"]);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let errors: Vec<&Value> =
            report["findings"].as_array().unwrap().iter().filter(|f| f["kind"] == "prove").collect();
        assert!(errors.is_empty(), "{python}: {errors:#?}");
        let proof = &report["proof"];
        assert_eq!(proof["toolsProven"], 3, "{python}: {proof}");
        assert!(proof["proven"].as_u64().unwrap() > 100, "{python}: {proof}");
        // Nothing of the program's own was called for a call.
        for trace in ["own-action", "own-flag", "own-type"] {
            assert!(!world.path("plugins/all").join(trace).exists(), "{python}: {trace}");
        }
        let made: Vec<_> =
            fs::read_dir(world.path("plugins/all")).unwrap().flatten().map(|e| e.file_name()).collect();
        assert_eq!(made.len(), 2, "FileType('w') made files: {made:?}");
    }
}

#[test]
fn the_same_seed_makes_the_same_calls() {
    let world = World::new();
    // A parser that refuses everything shows each call's own words.
    world.plugin("a", "p.add_argument('--x', help='x')\nreal = p.parse_known_args\ndef refuse(args=None, namespace=None):\n    p.error(repr(args))\np.parse_known_args = refuse");
    let said = |seed: &str| world.check(&["--prove", "--seed", seed]).stdout;
    assert_eq!(said("1"), said("1"));
    assert!(said("1").contains("parser-refuses"), "{}", said("1"));
}

/// A parser that turns one letter round: the smallest call that shows it has that letter alone.
#[test]
fn a_difference_is_told_by_its_smallest_call() {
    let world = World::new();
    world.file(
        "bent",
        "cli.py",
        "import argparse
class Parser(argparse.ArgumentParser):
    def _get_values(self, action, words):
        return super()._get_values(action, [w.replace('=', '~') if isinstance(w, str) else w for w in words])
p = Parser(description='Does one thing.')
p.add_argument('--text', help='x')
p.add_argument('--other', type=int, help='x')
p.add_argument('--many', nargs='+', help='x')
p.parse_args()
",
    );
    let run = world.check(&["--prove", "--calls", "80", "--deny", "error"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    let findings = world.findings(&["--prove", "--calls", "80"]);
    let messages: Vec<&str> =
        findings.iter().filter(|f| f["kind"] == "prove").map(|f| f["message"].as_str().unwrap()).collect();
    let smallest = |of: &str| messages.iter().any(|m| m.starts_with(of));
    assert!(
        smallest("{\"text\":\"=\"} as [\"--text==\"]: `text` is '~' where the call says '='"),
        "{messages:#?}"
    );
    assert!(messages.iter().all(|m| !m.contains("other")), "{messages:#?}");
}

/// What argparse does to an `extend` without `nargs` whose type gives text: it takes the word apart.
#[test]
fn a_program_that_loses_words_is_found() {
    let world = World::new();
    world.plugin("apart", "p.add_argument('--x', action='extend', type=lambda text: text, help='x')");
    let findings = world.findings(&["--prove"]);
    let own = findings.iter().find(|f| f["code"] == "namespace-differs").unwrap();
    assert_eq!(own["tool"], "apart");
    assert!(own["message"].as_str().unwrap().contains("where the call says ["), "{own}");
}

#[test]
fn a_parser_that_refuses_is_found() {
    let world = World::new();
    world.plugin(
        "strict",
        "p.add_argument('--x', help='x')\nreal = p.parse_known_args\ndef strict(args=None, namespace=None):\n    found, rest = real(args, namespace)\n    if found.x == '':\n        p.error('x must not be empty')\n    return found, rest\np.parse_known_args = strict",
    );
    let findings = world.findings(&["--prove", "--calls", "80"]);
    let own = findings.iter().find(|f| f["code"] == "parser-refuses").unwrap();
    let message = own["message"].as_str().unwrap();
    assert_eq!(message, "{\"x\":\"\"} as [\"--x=\"]: the parser refuses it: error: x must not be empty");
}

#[test]
fn what_can_not_be_proven_is_said() {
    let world = World::new();
    world.file(
        "text",
        "cli.py",
        "print('usage: text [-h] [--x X]\\n\\noptions:\\n  -h, --help  show this\\n  --x X  x')",
    );
    world.plugin("early", "p.add_argument('--x', help='x')\nif '--help' not in sys.argv: sys.exit('never')");
    world.plugin("changed", "p.add_argument('--x', help='x')\nsys.argv[1:] = ['--x', 'y'] + sys.argv[1:]");
    world.plugin("pre", "q = argparse.ArgumentParser(add_help=False)\nq.add_argument('--x')\nq.parse_known_args()\np.add_argument('--x', help='x')\np.add_argument('--y', help='x')");
    world.plugin("known", "p.add_argument('--x', help='x')\np.parse_known_args()");
    let findings = world.findings(&["--prove"]);
    for (plugin, expected) in [
        ("text", &["unproven"][..]),
        ("changed", &["unproven"]),
        ("early", &[]),
        ("pre", &[]),
        ("known", &[]),
    ] {
        assert_eq!(codes(&findings, plugin, "prove"), expected, "{plugin}: {findings:#?}");
    }
    let message = |plugin: &str| {
        let own = findings.iter().find(|f| f["plugin"] == plugin && f["kind"] == "prove").unwrap();
        own["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(message("text"), "it has no live parser: only its help pages are known");
    assert_eq!(message("changed"), "its parser does not get the words that the program is run with");
}

/// A program that does its work whatever it is told would do it for a call; it is never given one.
#[test]
fn programs_are_run_for_help_alone() {
    let world = World::new();
    world.plugin(
        "eager",
        "open('words', 'a').write(repr(sys.argv[1:]) + '\\n')\ns = p.add_subparsers(dest='c', required=True)\ns.add_parser('erase', help='erases').add_argument('--all', action='store_true', help='x')",
    );
    let run = world.check(&["--prove"]);
    assert!(run.stdout.contains("1 proven, 0 unproven"), "{}", run.stdout);
    let words = fs::read_to_string(world.path("plugins/eager/words")).unwrap();
    assert!(words.lines().all(|line| line.ends_with("'--help']")), "{words}");
}
