//! Each rule of drift by a program before and after a change.

use std::collections::BTreeSet;
use std::fs;

use smcp::check::rules::{self, Class, Kind};

use crate::support::{World, codes};

/// A change and the findings that it must give, no others.
struct Case {
    name: &'static str,
    before: &'static str,
    after: &'static str,
    codes: &'static [&'static str],
}

const fn case(
    name: &'static str,
    before: &'static str,
    after: &'static str,
    codes: &'static [&'static str],
) -> Case {
    Case { name, before, after, codes }
}

const SUBS: &str = "s = p.add_subparsers(dest='c', required=True)\ns.add_parser('up', help='goes up')\n";
const TWO_SUBS: &str = "s = p.add_subparsers(dest='c', required=True)\ns.add_parser('up', help='goes up')\ns.add_parser('down', help='goes down')\n";
const AB: &str = "p.add_argument('--a', help='first')\np.add_argument('--b', help='second')";
const AB_EXCLUSIVE: &str = "g = p.add_mutually_exclusive_group()\ng.add_argument('--a', help='first')\ng.add_argument('--b', help='second')";
const AB_REQUIRED: &str = "g = p.add_mutually_exclusive_group(required=True)\ng.add_argument('--a', help='first')\ng.add_argument('--b', help='second')";

const CASES: &[Case] = &[
    case("nothing", "p.add_argument('--a', help='x')", "p.add_argument('--a', help='x')", &[]),
    case("tool_gone", TWO_SUBS, SUBS, &["tool-gone"]),
    case("tool_added", SUBS, TWO_SUBS, &["tool-added"]),
    case("gone", AB, "p.add_argument('--a', help='first')", &["argument-gone"]),
    case("added", "p.add_argument('--a', help='first')", AB, &["argument-added"]),
    case("positional_gone", "p.add_argument('file', help='x')", "", &["argument-gone"]),
    case(
        "renamed",
        "p.add_argument('--old', dest='same', help='x')",
        "p.add_argument('--new', dest='same', help='x')",
        &["argument-renamed"],
    ),
    case(
        "renamed_by_flag",
        "p.add_argument('-n', '--old', help='x')",
        "p.add_argument('-n', '--new', help='x')",
        &["argument-renamed"],
    ),
    case("new_required", "", "p.add_argument('--a', required=True, help='x')", &["required-argument-added"]),
    case("new_positional", "", "p.add_argument('a', help='x')", &["required-argument-added"]),
    case(
        "became_required",
        "p.add_argument('--a', help='x')",
        "p.add_argument('--a', required=True, help='x')",
        &["argument-became-required"],
    ),
    case(
        "became_optional",
        "p.add_argument('a', help='x')",
        "p.add_argument('a', nargs='?', help='x')",
        &["argument-became-optional"],
    ),
    case(
        "text_to_number",
        "p.add_argument('--a', help='x')",
        "p.add_argument('--a', type=int, help='x')",
        &["type-changed"],
    ),
    case(
        "number_to_integer",
        "p.add_argument('--a', type=float, help='x')",
        "p.add_argument('--a', type=int, help='x')",
        &["type-narrowed"],
    ),
    case(
        "integer_to_number",
        "p.add_argument('--a', type=int, help='x')",
        "p.add_argument('--a', type=float, help='x')",
        &["type-widened"],
    ),
    case(
        "flag_to_value",
        "p.add_argument('--a', action='store_true', help='x')",
        "p.add_argument('--a', default=False, help='x')",
        &["type-changed"],
    ),
    case(
        "needs_its_value",
        "p.add_argument('--a', nargs='?', const='c', help='x')",
        "p.add_argument('--a', help='x')",
        &["argument-description-changed", "type-narrowed"],
    ),
    case(
        "choice_removed",
        "p.add_argument('--a', choices=['x', 'y'], help='x')",
        "p.add_argument('--a', choices=['x'], help='x')",
        &["choice-removed"],
    ),
    case(
        "choice_added",
        "p.add_argument('--a', choices=['x'], help='x')",
        "p.add_argument('--a', choices=['x', 'y'], help='x')",
        &["choice-added"],
    ),
    case(
        "choice_replaced",
        "p.add_argument('--a', choices=['x', 'y'], help='x')",
        "p.add_argument('--a', choices=['x', 'z'], help='x')",
        &["choice-added", "choice-removed"],
    ),
    case(
        "choice_in_list_removed",
        "p.add_argument('--a', nargs='+', choices=['x', 'y'], help='x')",
        "p.add_argument('--a', nargs='+', choices=['x'], help='x')",
        &["choice-removed"],
    ),
    case(
        "closed",
        "p.add_argument('--a', help='x')",
        "p.add_argument('--a', choices=['x'], help='x')",
        &["choices-closed"],
    ),
    case(
        "opened",
        "p.add_argument('--a', choices=['x'], help='x')",
        "p.add_argument('--a', help='x')",
        &["choices-opened"],
    ),
    case(
        "reordered",
        "p.add_argument('--a', choices=['x', 'y'], help='x')",
        "p.add_argument('--a', choices=['y', 'x'], help='x')",
        &["order-changed"],
    ),
    case(
        "arguments_reordered",
        AB,
        "p.add_argument('--b', help='second')\np.add_argument('--a', help='first')",
        &["order-changed"],
    ),
    case(
        "length_narrowed",
        "p.add_argument('--a', nargs='*', help='x')",
        "p.add_argument('--a', nargs='+', help='x')",
        &["length-narrowed"],
    ),
    case(
        "length_widened",
        "p.add_argument('--a', nargs=2, help='x')",
        "p.add_argument('--a', nargs='*', help='x')",
        &["length-widened"],
    ),
    case(
        "default_changed",
        "p.add_argument('--a', default='x', help='x')",
        "p.add_argument('--a', default='y', help='x')",
        &["default-changed"],
    ),
    case(
        "default_told",
        "p.add_argument('--a', type=int, help='x')",
        "p.add_argument('--a', type=int, default=1, help='x')",
        &["default-changed"],
    ),
    case(
        "flag_turned_round",
        "p.add_argument('--a', action='store_true', help='x')",
        "p.add_argument('--a', action='store_false', help='x')",
        &["default-changed"],
    ),
    case(
        "exclusive",
        AB,
        AB_EXCLUSIVE,
        &[
            "argument-description-changed",
            "argument-description-changed",
            "description-changed",
            "exclusive-added",
        ],
    ),
    case(
        "not_exclusive",
        AB_EXCLUSIVE,
        AB,
        &[
            "argument-description-changed",
            "argument-description-changed",
            "description-changed",
            "exclusive-removed",
        ],
    ),
    case("group_required", AB_EXCLUSIVE, AB_REQUIRED, &["description-changed", "group-became-required"]),
    case("group_optional", AB_REQUIRED, AB_EXCLUSIVE, &["description-changed", "group-became-optional"]),
    case(
        "description",
        "p.description = 'Does this.'",
        "p.description = 'Does that.'",
        &["description-changed"],
    ),
    case(
        "argument_description",
        "p.add_argument('--a', help='this')",
        "p.add_argument('--a', help='that')",
        &["argument-description-changed"],
    ),
    case(
        "suggestions",
        "p.add_argument('--a', help='one of: this, that')",
        "p.add_argument('--a', help='one of: this, those')",
        &["argument-description-changed", "suggestions-changed"],
    ),
    case(
        "unseen",
        "p.add_argument('--a', help='x')",
        "p.add_argument('--a', '-q', help='x')",
        &["contract-outdated"],
    ),
];

/// Changes of a manifest: the same program, another `plugin.toml`.
const MANIFESTS: &[Case] = &[
    case("tool_renamed", "", "[tools.\"up\"]\nname = \"lift\"\n", &["tool-renamed"]),
    case("titled", "", "[tools.\"up\"]\ntitle = \"Up\"\n", &["title-changed"]),
    case(
        "promise",
        "[tools.\"up\"]\nannotations = { readOnlyHint = true }\n",
        "[tools.\"up\"]\nannotations = { readOnlyHint = false }\n",
        &["promise-withdrawn"],
    ),
    case(
        "promise_dropped",
        "[tools.\"up\"]\nannotations = { destructiveHint = false }\n",
        "",
        &["promise-withdrawn"],
    ),
    case("asks", "", "[tools.\"up\"]\nconfirm = true\n", &["confirmation-added"]),
    case("asks_not", "[tools.\"up\"]\nconfirm = true\n", "", &["confirmation-removed"]),
    case("promised", "", "[tools.\"up\"]\nannotations = { readOnlyHint = true }\n", &["annotation-changed"]),
];

#[test]
fn each_change_is_classed() {
    let world = World::new();
    for case in CASES {
        world.plugin(case.name, case.before);
    }
    for case in MANIFESTS {
        world.plugin(case.name, SUBS);
        world.file(case.name, "plugin.toml", case.before);
    }
    // Where the parser can be asked, nothing is only suggested.
    world.file("suggestions", "plugin.toml", "live = false\n");
    world.plugin("goes", "");
    assert_eq!(world.check(&["--update", "--deny", "error"]).code, 0);
    assert!(drifts(&world, "nothing").is_empty());

    for case in CASES {
        world.plugin(case.name, case.after);
    }
    for case in MANIFESTS {
        world.file(case.name, "plugin.toml", case.after);
    }
    fs::remove_dir_all(world.path("plugins/goes")).unwrap();
    world.plugin("comes", "");
    world.plugin("damaged", "");
    fs::write(world.path("schemas/damaged.json"), "{").unwrap();

    let findings = world.findings(&[]);
    let mut wrong = Vec::new();
    for case in CASES.iter().chain(MANIFESTS) {
        let found = codes(&findings, case.name, "drift");
        if found != case.codes {
            wrong.push(format!("{}: {found:?} instead of {:?}", case.name, case.codes));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(codes(&findings, "goes", "drift"), ["plugin-gone"]);
    assert_eq!(codes(&findings, "comes", "drift"), ["not-committed"]);
    assert_eq!(codes(&findings, "damaged", "drift"), ["contract-unusable"]);

    let seen: BTreeSet<&str> =
        findings.iter().filter(|f| f["kind"] == "drift").map(|f| f["code"].as_str().unwrap()).collect();
    let all: BTreeSet<&str> = rules::ALL.iter().filter(|r| r.kind == Kind::Drift).map(|r| r.code).collect();
    assert_eq!(seen, all, "each rule has a change that it is about");
    for finding in findings.iter().filter(|f| f["kind"] == "drift") {
        let rule = rules::ALL.iter().find(|rule| finding["code"] == rule.code).unwrap();
        let severity = match rule.class {
            Some(Class::Breaking) | None => "error",
            Some(Class::Compatible) => "warning",
            Some(Class::Wording) => "note",
        };
        assert_eq!(finding["severity"], severity, "{finding}");
    }
}

fn drifts(world: &World, plugin: &str) -> Vec<String> {
    codes(&world.findings(&[plugin]), plugin, "drift")
}

#[test]
fn only_update_writes() {
    let world = World::new();
    world.plugin("a", "p.add_argument('--x', help='x')");
    world.plugin("b", "p.add_argument('--x', help='x')");
    let before = world.files();
    assert_eq!(world.check(&["--prove"]).code, 1, "neither is committed");
    assert_eq!(world.files(), before, "nothing was written");

    assert_eq!(world.check(&["--update", "a"]).code, 0, "what was written is settled");
    assert!(world.path("schemas/a.json").is_file());
    assert!(!world.path("schemas/b.json").exists(), "only what was named");
    assert_eq!(world.check(&["a"]).code, 0);

    world.plugin("a", "p.add_argument('--y', help='x')");
    let committed = world.files();
    let run = world.check(&["a"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert_eq!(world.files(), committed);
    assert_eq!(world.check(&["--deny", "error", "a"]).code, 1, "it is breaking");
    world.plugin("a", "p.add_argument('--x', help='x')\np.add_argument('--z', help='x')");
    assert_eq!(world.check(&["a"]).code, 1);
    assert_eq!(world.check(&["--deny", "error", "a"]).code, 0, "it is compatible");

    assert_eq!(world.check(&["--update"]).code, 0);
    fs::remove_dir_all(world.path("plugins/b")).unwrap();
    assert_eq!(world.check(&["a"]).code, 0, "whoever names plugins asks of no others");
    assert_eq!(world.check(&[]).code, 1);
    assert_eq!(world.check(&["--update"]).code, 0);
    assert!(!world.path("schemas/b.json").exists());
    assert_eq!(world.check(&[]).code, 0);
}

/// What was updated is what a start goes by: it asks no program.
#[test]
fn an_updated_contract_holds() {
    let world = World::new();
    world.plugin("a", "");
    assert_eq!(world.check(&["--update"]).code, 0);
    world.plugin("a", "");
    let schema = world.path("schemas");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_smcp"))
        .args(["stdio", "--python", &world.python, "--schemas-dir"])
        .arg(&schema)
        .current_dir(world.path(""))
        .env("RUST_LOG", "info")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("1 tool (0 read anew)"), "{said}");
}

#[test]
fn what_can_not_be_checked_is_exit_code_2() {
    let world = World::new();
    let run = world.check(&["nobody"]);
    assert_eq!((run.code, run.stderr.contains("no plugin `nobody`")), (2, true), "{}", run.stderr);
    fs::create_dir(world.path("plugins/empty")).unwrap();
    let run = world.check(&["empty"]);
    assert_eq!((run.code, run.stderr.as_str()), (2, "smcp: `empty` is no plugin: no cli.py in it\n"));
    let run = world.check(&["--prove", "--calls", "0"]);
    assert_eq!((run.code, run.stderr.as_str()), (2, "smcp: --calls: `0` is no number above 0\n"));
    let run = world.check(&["--plugins-dir", "nowhere"]);
    assert_eq!((run.code, run.stderr.contains("nowhere")), (2, true), "{}", run.stderr);
    assert_eq!(world.check(&["--format", "xml"]).code, 2);
    assert_eq!(world.check(&["--calls", "3"]).code, 2, "--calls says nothing without --prove");
    world.plugin("a", "");
    fs::write(world.path("schemas"), "").unwrap();
    let run = world.check(&["--update"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    let told = "smcp: the contract schemas/a.json can't be written: ";
    assert!(run.stderr.starts_with(told), "{}", run.stderr);
    assert_eq!(run.stderr.matches("os error").count(), 1, "{}", run.stderr);
}
