//! Help pages and contracts → what authors see, as data and as text.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::help;
use crate::model::{Command, Diagnostic};
use crate::plugin::offers::Offers;
use crate::registry::State;
use crate::schema;

const ROOT: &str = "usage: t [-h] [--profile P] {run,db} ...\n\nDoes things.\n\npositional arguments:\n  {run,db}\n    run        runs\n    db         data\n\noptions:\n  -h, --help   show this help message and exit\n  --profile P  whose\n";
const RUN: &str = "usage: t run [-h] [--join {a,b,,c}] [--mode {x,y}] name\n\nRuns it.\n\npositional arguments:\n  name             who\n\noptions:\n  -h, --help       show this help message and exit\n  --join {a,b,,c}  between;\n                   or not\n  --mode {x,y}     how (default: x)\n";
const DB: &str = "usage: t db [-h] {up} ...\n\npositional arguments:\n  {up}\n    up        upwards\n\noptions:\n  -h, --help  show this help message and exit\n";
const UP: &str = "usage: t db up [-h] [--profile OTHER]\n\noptions:\n  -h, --help       show this help message and exit\n  --profile OTHER  another\n";

/// A plugin `t` whose command `hidden` is no tool.
fn snapshot(state: State, overrides: &BTreeMap<String, ToolOverride>) -> Snapshot {
    let named =
        |name: &str, page: &str, path: &[&str]| Command { name: name.into(), ..help::parse(page, path) };
    let mut db = named("db", DB, &["db"]);
    db.subcommands = vec![named("up", UP, &["db", "up"])];
    let mut root = help::parse(ROOT, &[]);
    root.subcommands = vec![named("run", RUN, &["run"]), db];
    let tools = schema::tools("t", &root, overrides).tools.into_iter();
    root.subcommands.push(Command { name: "hidden".into(), hidden: true, ..Command::default() });
    let plugin = Arc::new(Plugin {
        name: "t".into(),
        directory: "/p/t".into(),
        launch: vec!["/p/t/cli.py".into()],
        env: vec![],
        timeout: None,
        concurrency: None,
        warm: None,
        offers: Offers::default(),
        state,
        diagnostics: vec![Diagnostic::new(Severity::Note, "own", "of the plugin").about("--profile")],
        root,
    });
    let mut tools: Vec<_> =
        tools.map(|tool| Served { tool: Arc::new(tool), plugin: Arc::clone(&plugin) }).collect();
    tools.sort_by(|a, b| a.tool.name.cmp(&b.tool.name));
    Snapshot { generation: 1, plugins: vec![plugin], tools, ..Snapshot::default() }
}

fn beside(overrides: BTreeMap<String, ToolOverride>) -> Beside {
    let pages = [("", ROOT), ("run", RUN), ("db", DB), ("db up", UP)];
    Beside { pages: pages.map(|(key, page)| (key.to_owned(), page.to_owned())).into(), overrides }
}

fn commands(snapshot: &Snapshot, target: Option<&str>) -> Option<Vec<String>> {
    let asked = ask(snapshot, target)?;
    let shown = asked.iter().map(|asked| inspect(asked, &Beside::default()));
    Some(shown.flat_map(|inspected| inspected.commands).map(|level| level.command).collect())
}

fn text(snapshot: &Snapshot, target: Option<&str>, beside: &Beside) -> String {
    let asked = ask(snapshot, target).unwrap();
    let inspected: Vec<_> = asked.iter().map(|asked| inspect(asked, beside)).collect();
    anstream::adapter::strip_str(&paint(&inspected)).to_string()
}

fn as_json(snapshot: &Snapshot, target: &str, beside: &Beside) -> Value {
    serde_json::to_value(inspect(&ask(snapshot, Some(target)).unwrap()[0], beside)).unwrap()
}

#[test]
fn targets_are_plugins_tools_and_commands() {
    let snapshot = snapshot(State::Ready, &BTreeMap::new());
    let all = ["t", "t run", "t db", "t db up"];
    for (target, expected) in [
        (None, &all[..]),
        (Some("t"), &all),
        (Some("t__run"), &["t", "t run"]),
        (Some("t.run"), &["t", "t run"]),
        (Some("t.db"), &["t", "t db", "t db up"]),
        (Some("t.db.up"), &["t", "t db", "t db up"]),
    ] {
        assert_eq!(commands(&snapshot, target).unwrap(), expected, "{target:?}");
    }
    for target in ["", "t.", "t.nope", "t.db.nope", "t.hidden", "u"] {
        assert_eq!(commands(&snapshot, Some(target)), None, "{target}");
    }
}

#[test]
fn arguments_come_with_their_facts_and_the_lines_that_told_them() {
    let snapshot = snapshot(State::Ready, &BTreeMap::new());
    let told = as_json(&snapshot, "t.run", &beside(BTreeMap::new()));
    let level = &told["commands"][1];
    assert_eq!([&level["command"], &level["tool"]], [&json!("t run"), &json!("t__run")]);
    let [_, mode, name] = &level["arguments"].as_array().unwrap()[..] else { panic!("{level}") };
    assert_eq!(
        [&name["property"], &name["type"], &name["required"], &name["flags"], &name["entry"]],
        [
            &json!("name"),
            &json!("string"),
            &json!(true),
            &json!([]),
            &json!({"line": 6, "text": "  name             who"})
        ]
    );
    let usage = json!({"line": 1, "text": RUN.lines().next(), "under": [51, 55]});
    assert_eq!([&name["usage"], &name["provenance"]["required"]], [&usage, &json!("usage")]);
    assert_eq!(
        [&mode["default"], &mode["choices"], &mode["flags"], &mode["provenance"]["default"]],
        [&json!("x"), &json!(["x", "y"]), &json!(["--mode"]), &json!("entry")]
    );
    assert_eq!(level["inherited"], json!([{"command": "t", "properties": ["profile"]}]));
    let note = &level["diagnostics"][0];
    assert_eq!([&note["argument"], &note["page"]["line"]], [&json!("--join {a,b,,c}"), &json!(10)]);
    assert_eq!(told["diagnostics"][0]["page"]["line"], 12);
    assert_eq!(told["tools"][0]["inputSchema"]["required"], json!(["name"]));
}

#[test]
fn text_quotes_the_page_and_underlines() {
    let snapshot = snapshot(State::Ready, &BTreeMap::new());
    let shown = text(&snapshot, Some("t.run"), &beside(BTreeMap::new()));
    for expected in [
        "t ready /p/t\n  note[own] --profile: of the plugin\n      12 │   --profile P  whose\n         │   ^^^^^^^^^\n",
        "\n  t run  tool t__run\n    Runs it.\n\n    join  string  [--join]\n        10 │   --join {a,b,,c}  between;\n        11 │                    or not\n         1 │ usage: t run [-h] [--join {a,b,,c}] [--mode {x,y}] name\n           │                    ^^^^^^\n",
        "    mode  one of its choices, default \"x\"  [--mode]\n      choices: x, y\n        12 │   --mode {x,y}     how (default: x)\n",
        "    name  string, required  [positional name]\n         6 │   name             who\n",
        "      from help entry: name, help; usage: number of values, required\n    and the one argument of t\n",
        "belong to a choice: any text is accepted\n        10 │   --join {a,b,,c}  between;\n           │   ^^^^^^^^^^^^^^^\n",
    ] {
        assert!(shown.contains(expected), "{expected}\nis not in\n{shown}");
    }
    assert!(!shown.contains(" \n"), "no line ends with blanks");
}

#[test]
fn what_differs_below_a_command_is_told() {
    let snapshot = snapshot(State::Ready, &BTreeMap::new());
    let all = text(&snapshot, None, &beside(BTreeMap::new()));
    assert!(all.ends_with("\n\n  no tools: t hidden\n"), "{all}");
    let up = all.split("t db up").last().unwrap();
    assert!(up.contains("\n    and t_profile of t\n"), "its own argument has the plain name\n{up}");
    let root = all.split("\n  t run").next().unwrap();
    assert!(root.contains("\n    profile  string"), "as most tools have it\n{root}");
}

#[test]
fn what_the_manifest_says_is_named() {
    let given = ToolOverride { description: Some("Mine.".into()), confirm: true, ..ToolOverride::default() };
    let overrides = BTreeMap::from([("run".to_owned(), given)]);
    let snapshot = snapshot(State::Ready, &overrides);
    let shown = text(&snapshot, Some("t.run"), &beside(overrides));
    assert!(shown.contains("    Mine.\n    from the manifest: description, confirm\n"), "{shown}");
}

#[test]
fn without_pages_the_facts_stay() {
    let snapshot = snapshot(State::Stale("it \u{1b}[31mis\u{7} gone".into()), &BTreeMap::new());
    let shown = text(&snapshot, Some("t.run"), &Beside::default());
    assert!(shown.starts_with("t stale: it is gone /p/t\n"), "{shown}");
    assert!(
        shown.contains("    name  string, required  [positional name]\n      who\n      from "),
        "{shown}"
    );
    assert!(!shown.contains('│'), "{shown}");
}

#[test]
fn colours_are_there_to_be_stripped() {
    let snapshot = snapshot(State::Ready, &BTreeMap::new());
    let inspected = inspect(&ask(&snapshot, Some("t")).unwrap()[0], &Beside::default());
    let painted = paint(&[inspected]);
    assert!(painted.contains("\u{1b}[1mt\u{1b}[0m \u{1b}[32mready\u{1b}[0m"), "{painted:?}");
}
