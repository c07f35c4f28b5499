//! The formats: each by a snapshot, SARIF and `JUnit` by their structure too.
//!
//! `SMCP_UPDATE_SNAPSHOTS=1` writes the snapshots anew. `tests/check/outside` validates both against their schemas.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::World;

/// Plugins with a finding of each severity, part and class.
fn world() -> World {
    let world = World::new();
    world.plugin("broken", "raise SystemExit(\"no <luck> & \\\"quotes\\\"\")");
    world.plugin("changed", "p.add_argument('--old', help='x')\np.add_argument('--kept', help='x')");
    world.plugin("fine", "p.add_argument('--a', help='x')");
    assert_eq!(world.check(&["--update", "changed", "fine"]).code, 0);
    world.plugin(
        "changed",
        "p.add_argument('--kept', help='y')\np.add_argument('--x', action='extend', type=lambda text: text, choices=['ab'], help='x')",
    );
    world
}

/// What differs from run to run, machine to machine and version to version.
fn stable(text: &str) -> String {
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    text.replace(&version, "\"version\": \"VERSION\"")
}

fn snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check/snapshots").join(name);
    if std::env::var("SMCP_UPDATE_SNAPSHOTS").is_ok() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name}; SMCP_UPDATE_SNAPSHOTS=1 writes it");
}

#[test]
fn every_format_prints_what_was_found() {
    let world = world();
    for (format, name) in [
        ("human", "human.txt"),
        ("json", "json.json"),
        ("junit", "junit.xml"),
        ("sarif", "sarif.json"),
        ("github", "github.txt"),
    ] {
        let run = world.check(&["--prove", "--format", format]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        snapshot(name, &stable(&run.stdout));
    }
}

#[test]
fn a_clean_check_says_so_in_every_format() {
    let world = World::new();
    world.plugin("fine", "p.add_argument('--a', help='x')");
    assert_eq!(world.check(&["--update"]).code, 0);
    for (format, name) in [
        ("human", "clean-human.txt"),
        ("json", "clean-json.json"),
        ("junit", "clean-junit.xml"),
        ("github", "clean-github.txt"),
    ] {
        let run = world.check(&["--deny", "note", "--format", format]);
        assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
        snapshot(name, &stable(&run.stdout));
    }
    let sarif: Value = serde_json::from_str(&world.check(&["--format", "sarif"]).stdout).unwrap();
    assert_eq!(sarif["runs"][0]["results"], Value::Array(Vec::new()));
}

#[test]
fn the_severity_that_fails_decides_the_exit_code() {
    let world = World::new();
    let noted = "p.add_argument('--a')";
    world.plugin("noted", noted);
    assert_eq!(world.check(&["--update"]).code, 0, "a note passes by default");
    for (deny, code) in [("note", 1), ("warning", 0), ("error", 0)] {
        assert_eq!(world.check(&["--deny", deny]).code, code, "{deny}");
    }
    world.plugin("warned", "p.description = None");
    assert_eq!(world.check(&["--update", "--deny", "error"]).code, 0);
    for (deny, code) in [("note", 1), ("warning", 1), ("error", 0)] {
        assert_eq!(world.check(&["--deny", deny]).code, code, "{deny}");
    }
    world.plugin("failed", "raise SystemExit('no')");
    for deny in ["note", "warning", "error"] {
        assert_eq!(world.check(&["--deny", deny]).code, 1, "{deny}");
    }
}

#[test]
fn sarif_results_point_at_rules_and_files() {
    let world = world();
    let sarif: Value = serde_json::from_str(&world.check(&["--prove", "--format", "sarif"]).stdout).unwrap();
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    assert!(results.iter().any(|result| result["ruleId"] == "plugin-failed"));
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let file = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(world.path(file).is_file(), "{file}");
    }
}

/// Code scanning takes no file of results of which one is nowhere.
#[test]
fn sarif_tells_a_place_also_for_what_is_about_all_plugins() {
    let world = World::new();
    let body = "for n in range(100):\n    p.add_argument('--a%d' % n, help='says much ' * 100)";
    world.plugin("heavy", body);
    std::fs::create_dir(world.path("plugins/empty")).unwrap();
    let sarif: Value = serde_json::from_str(&world.check(&["--format", "sarif"]).stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let place = |result: &Value| {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().map(str::to_owned)
    };
    for (code, file) in [("heavy-list", "plugins/heavy/cli.py"), ("plugin-skipped", "plugins/empty")] {
        let found = results.iter().find(|result| result["ruleId"] == code).unwrap();
        assert_eq!(place(found).as_deref(), Some(file));
    }
    assert!(results.iter().all(|result| place(result).is_some_and(|file| world.path(&file).exists())));
    let human = world.check(&[]).stdout;
    assert!(human.contains("\nall plugins\n") || human.starts_with("all plugins\n"), "{human}");
}

/// What is wrong with a manifest is told at its line, without where this machine keeps it.
#[test]
fn faults_of_manifests_are_told_where_they_are() {
    let world = World::new();
    world.plugin("a", "p.add_argument('--x', help='x')");
    world.file("a", "plugin.toml", "# A comment.\ntimeout = 0\n");
    let told = "`timeout`: must be a number of seconds above 0 and up to 31536000";
    let finding = world.findings(&[]).into_iter().find(|f| f["code"] == "plugin-failed").unwrap();
    assert_eq!((&finding["file"], &finding["line"]), (&json!("plugins/a/plugin.toml"), &json!(2)));
    assert_eq!(finding["message"], told);
    let of = |format: &str| world.check(&["--format", format]).stdout;
    let github = of("github");
    let expected = format!("::error file=plugins/a/plugin.toml,line=2,title=plugin-failed::{told}\n");
    assert!(github.starts_with(&expected), "{github}");
    let human = of("human");
    let expected = format!("plugins/a/plugin.toml\n  error[plugin-failed] line 2: {told}\n");
    assert!(human.starts_with(&expected), "{human}");
    let junit = of("junit");
    assert!(junit.contains("plugins/a/plugin.toml:2: `timeout`: must be"), "{junit}");
    let sarif: Value = serde_json::from_str(&of("sarif")).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "plugins/a/plugin.toml");
    assert_eq!(place["region"]["startLine"], 2);
    world.file("b", "plugin.toml", "command = [\"./nope\"]\n");
    let directory = world.path("").display().to_string();
    for format in ["human", "json", "junit", "sarif", "github"] {
        assert!(!of(format).contains(&directory), "{format}");
    }
}

#[test]
fn odd_text_stays_within_its_format() {
    let world = World::new();
    world.plugin(
        "odd",
        "p.description = 'a]]>\\x1b[31m::error::%0A <b> & \"q\"'\np.add_argument('--a\\nb', help='x')",
    );
    for format in ["human", "junit", "github"] {
        let text = world.check(&["--prove", "--format", format]).stdout;
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{format}: {text:?}");
    }
    let junit = world.check(&["--format", "junit"]).stdout;
    assert!(!junit.contains("<b>"), "{junit}");
    let github = world.check(&["--format", "github"]).stdout;
    assert!(github.lines().filter(|l| l.starts_with("::")).all(|l| l.matches("::").count() >= 2), "{github}");
}
