//! The documents against the program: flags, variables, routes, keys and links that they name, and their examples.
//! What they show of commands is run by `tests/author/run`, `tests/check/outside` and `tests/clients/run`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use regex::Regex;
use smcp::cli::Cli;
use smcp::plugin::manifest::Manifest;
use smcp::transport::ROUTES;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// README.md and all of docs/.
fn documents() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let markdown = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    ["README.md", "ARCHITECTURE.md"].map(|name| root().join(name)).into_iter().chain(markdown).collect()
}

fn found<'t>(pattern: &str, text: &'t str) -> BTreeSet<&'t str> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found.get(1).unwrap().as_str()).collect()
}

/// The blocks of a language in a document.
fn blocks(language: &str, text: &str) -> Vec<String> {
    let pattern = format!(r"(?ms)^```{language}\n(.*?)^```$");
    Regex::new(&pattern).unwrap().captures_iter(text).map(|block| block[1].to_owned()).collect()
}

#[test]
fn operators_find_every_flag_and_variable_of_serving() {
    let document = read("docs/operators.md");
    let command = Cli::command();
    let serve = command.get_subcommands().find(|command| command.get_name() == "serve").unwrap();
    let flags: BTreeSet<&str> = serve
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .filter(|flag| !["help", "version"].contains(flag))
        .collect();
    let named: BTreeSet<&str> = found(r"`--([a-z-]+)[ `]", &document);
    assert_eq!(
        named.difference(&flags).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "named, but there are no such flags"
    );
    assert_eq!(flags.difference(&named).collect::<Vec<_>>(), Vec::<&&str>::new(), "flags that are not named");
    for argument in serve.get_arguments() {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        for variable in found(r"\[env: ([A-Z_]+)", &help) {
            assert!(document.contains(variable), "{variable} is not named");
        }
    }
}

#[test]
fn every_route_is_told() {
    let document = read("docs/protocol.md");
    for route in ROUTES {
        let path = route.path.replace("{profile}", "PROFILE");
        let told =
            [path.as_str(), path.trim_end_matches('/')].into_iter().any(|path| document.contains(path));
        let group = ["/page/", "/inspect/"].into_iter().any(|group| path.starts_with(group));
        assert!(
            told || group && document.contains(&format!("{}*", &path[..=path.rfind('/').unwrap()])),
            "{route:?}"
        );
    }
}

#[test]
fn every_subcommand_is_told() {
    let readme = read("README.md");
    for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        assert!(readme.contains(&format!("smcp {}", command.get_name())), "{}", command.get_name());
    }
}

#[test]
fn examples_are_what_they_say() {
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        for block in blocks("toml", &text) {
            let read: Result<Manifest, _> = toml::from_str(&block);
            assert!(read.is_ok(), "{}: {block}\n{}", path.display(), read.unwrap_err());
        }
        for block in blocks("json", &text) {
            let read: Result<serde_json::Value, _> = serde_json::from_str(&block);
            assert!(read.is_ok(), "{}: {block}\n{}", path.display(), read.unwrap_err());
        }
    }
}

#[test]
fn the_example_client_is_the_one_that_is_run() {
    let client = read("tests/clients/seed_client.py");
    assert!(
        blocks("python", &read("README.md")).contains(&client),
        "tests/clients/seed_client.py is another"
    );
}

#[test]
fn links_lead_somewhere() {
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        for target in found(r#"(?:\]\(|src="|srcset=")([^)#":]+)[)#"]"#, &text) {
            assert!(path.parent().unwrap().join(target).exists(), "{}: {target}", path.display());
        }
    }
}
