//! Each rule of lint by a program that breaks it and nothing else.

use std::collections::BTreeSet;

use smcp::check::rules::{self, Kind};

use crate::support::{World, codes};

/// A plugin's name, the body of its program, and the findings that it must give.
const CASES: &[(&str, &str, &[&str])] = &[
    ("fine", "p.add_argument('--a', help='an argument')", &[]),
    ("mute", "p.description = None", &["no-description"]),
    ("terse", "p.description = 'Things.'", &["terse-description"]),
    ("lengthy", "p.description = 'Does this and that. ' * 60", &["long-description"]),
    ("bare", "p.add_argument('--a')", &["argument-undescribed"]),
    ("claims", "p.add_argument('--a', help='the account (required)')", &["hidden-required"]),
    ("begins", "p.add_argument('--a', help='Required. The account.')", &["hidden-required"]),
    ("begins_so", "p.add_argument('--a', help='required; the account')", &["hidden-required"]),
    ("begins_otherwise", "p.add_argument('--a', help='Required by law to be kept.')", &[]),
    ("told", "p.add_argument('--a', required=True, help='the account (required)')", &[]),
    ("conditional", "p.add_argument('--a', help='the account; required if there are two')", &[]),
    (
        "grouped",
        "g = p.add_mutually_exclusive_group(required=True)\ng.add_argument('--a', help='the account (required)')\ng.add_argument('--b', help='another')",
        &["group-required"],
    ),
    (
        "similar",
        "p.add_argument('-v', help='more')\np.add_argument('-V', help='most')",
        &["similar-arguments"],
    ),
    (
        "choosy",
        "p.add_argument('--a', choices=[str(n) for n in range(300)], help='a number')",
        &["many-choices"],
    ),
    (
        "twins",
        "s = p.add_subparsers(dest='c', required=True)\ns.add_parser('a', help='does it all')\ns.add_parser('b', help='does it all')",
        &["same-description"],
    ),
    (
        "lengthily_named",
        "s = p.add_subparsers(dest='c', required=True)\ns.add_parser('a-command-with-a-name-that-goes-on-and-on', help='does it all')",
        &["long-name"],
    ),
    ("broken", "raise ValueError('no luck')", &["plugin-failed"]),
];

#[test]
fn each_rule_has_its_program() {
    let world = World::new();
    for (name, body, _) in CASES {
        world.plugin(name, body);
    }
    // 130 tools of about 700 characters are too many and too heavy.
    let body = "s = p.add_subparsers(dest='c', required=True)\nfor n in range(130):\n    s.add_parser('c%d' % n, description='Does %d. ' % n + 'And this. ' * 70)";
    world.plugin("crowd", body);
    std::fs::create_dir(world.path("plugins/empty")).unwrap();

    let findings = world.findings(&[]);
    let mut wrong = Vec::new();
    for (name, _, expected) in CASES {
        let found = codes(&findings, name, "lint");
        if found != *expected {
            wrong.push(format!("{name}: {found:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(codes(&findings, "empty", "lint"), ["plugin-skipped"]);
    let about_all: Vec<_> = findings.iter().filter(|f| f["plugin"].is_null()).map(|f| &f["code"]).collect();
    assert_eq!(about_all, ["many-tools", "heavy-list"]);

    let seen: BTreeSet<&str> = findings.iter().filter_map(|f| f["code"].as_str()).collect();
    let all: BTreeSet<&str> = rules::ALL.iter().filter(|r| r.kind == Kind::Lint).map(|r| r.code).collect();
    assert_eq!(all.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new(), "each rule has a program");
}

#[test]
fn diagnostics_of_discovery_are_findings() {
    let world = World::new();
    world.plugin("a", "p.add_argument('--x', help='x')");
    world.file("a", "plugin.toml", "exclude = [\"nothing\"]\n");
    let findings = world.findings(&["a"]);
    assert_eq!(codes(&findings, "a", "lint"), ["manifest-unmatched"]);
    let file = findings.iter().find(|f| f["code"] == "manifest-unmatched").unwrap()["file"].clone();
    assert_eq!(file, "plugins/a/plugin.toml");
}

#[test]
fn the_documentation_has_every_rule() {
    let text = include_str!("../../docs/ci.md");
    let missing: Vec<&str> = rules::ALL
        .iter()
        .filter(|rule| !text.contains(&format!("| `{}` |", rule.code)))
        .map(|r| r.code)
        .collect();
    assert!(missing.is_empty(), "docs/ci.md lacks {missing:?}");
}
