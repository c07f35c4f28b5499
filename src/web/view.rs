//! What the page shows of plugins and tools, as data.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::argv::ArgvError;
use crate::help;
use crate::model::{Binding, Command, Diagnostic, Fact, Severity, Source};
use crate::places::{Mark, Read};
use crate::registry::{Plugin, Served, Snapshot};
use crate::text;

/// The most of one help page that is shown, in bytes; the longest real ones have a quarter of it.
const PAGE_SHOWN: usize = 256 * 1024;

/// A plugin's help pages, keyed by the command's words joined with blanks.
pub type Pages = BTreeMap<String, String>;

/// Everything that is served, without what `tools/list` tells.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plugins<'a> {
    generation: u64,
    plugins: Vec<PluginView<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PluginView<'a> {
    name: &'a str,
    #[serde(flatten)]
    state: StateView<'a>,
    tools: Vec<&'a str>,
    diagnostics: Vec<Noted<'a>>,
}

#[derive(Debug, Serialize)]
struct StateView<'a> {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// A diagnostic and where it belongs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Noted<'a> {
    severity: Severity,
    code: &'a str,
    message: &'a str,
    argument: Option<&'a str>,
    /// The words of the command; `None`: the plugin as a whole.
    command: Option<String>,
    /// A tool of that command.
    tool: Option<&'a str>,
    /// The line of the command's help page, from 1.
    line: Option<usize>,
}

/// One tool, with the help pages that it came from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolView<'a> {
    name: &'a str,
    plugin: &'a str,
    #[serde(flatten)]
    state: StateView<'a>,
    /// The commands from the program itself to the tool's.
    levels: Vec<Level<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Level<'a> {
    /// The plugin, then the words that lead to the command.
    command: String,
    /// Its help page as plain text; `None` where none is kept.
    page: Option<String>,
    /// The page is longer than what is shown.
    cut: bool,
    arguments: Vec<Sourced<'a>>,
    diagnostics: Vec<Noted<'a>>,
}

/// A property and where it came from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sourced<'a> {
    property: &'a str,
    label: String,
    flags: &'a [String],
    provenance: &'a BTreeMap<Fact, Source>,
    /// First and last line of its entry.
    entry: Option<(usize, usize)>,
    /// Its flags or its name in the usage.
    usage: Vec<Span>,
}

/// Some characters of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Span {
    /// The line, from 1.
    line: usize,
    /// The first character, counted from 0 in UTF-16 units, which is how browsers count.
    from: usize,
    /// The one after the last character.
    to: usize,
}

impl From<&Mark<'_>> for Span {
    fn from(mark: &Mark) -> Span {
        let units = |text: &str| text.encode_utf16().count();
        let from = units(&mark.text[..mark.under.start]);
        Span { line: mark.line, from, to: from + units(&mark.text[mark.under.clone()]) }
    }
}

/// What is served and what is wrong with it; of commands that lead to no tool of the snapshot nothing is told. `pages`
/// is asked for the plugins that have diagnostics of commands.
pub fn plugins(snapshot: &Snapshot, pages: impl Fn(&str) -> Option<Pages>) -> Plugins<'_> {
    let mut tools: BTreeMap<&str, Vec<&Served>> = BTreeMap::new();
    for served in &snapshot.tools {
        tools.entry(&served.plugin.name).or_default().push(served);
    }
    let plugins = snapshot.plugins.iter().map(|plugin| {
        let own = tools.remove(plugin.name.as_str()).unwrap_or_default();
        let diagnostics = diagnostics(snapshot, plugin, &own, &pages);
        PluginView {
            name: &plugin.name,
            state: state(plugin),
            tools: own.iter().map(|s| s.tool.name.as_str()).collect(),
            diagnostics,
        }
    });
    Plugins { generation: snapshot.generation, plugins: plugins.collect() }
}

fn diagnostics<'a>(
    snapshot: &Snapshot,
    plugin: &'a Plugin,
    tools: &[&'a Served],
    pages: &impl Fn(&str) -> Option<Pages>,
) -> Vec<Noted<'a>> {
    let mut all: Vec<Noted> =
        snapshot.diagnostics(plugin).iter().map(|d| noted(d, None, None, None)).collect();
    let mut kept = None;
    plugin.root.walk(&mut |path, command| {
        if command.diagnostics.is_empty() || !snapshot.tells(plugin, path, command) {
            return;
        }
        let under =
            |s: &&&Served| s.tool.path.iter().map(String::as_str).take(path.len()).eq(path.iter().copied());
        let Some(tool) = tools.iter().find(under).map(|s| s.tool.name.as_str()) else { return };
        let key = path.join(" ");
        let pages = kept.get_or_insert_with(|| pages(&plugin.name).unwrap_or_default());
        let page = pages.get(&key).map(|page| help::plain(page));
        let read = page.as_deref().map(|page| Read::new(page, path, command));
        all.extend(
            command
                .diagnostics
                .iter()
                .map(|d| noted(d, Some(title(plugin, path)), Some(tool), read.as_ref())),
        );
    });
    all
}

fn noted<'a>(
    diagnostic: &'a Diagnostic,
    command: Option<String>,
    tool: Option<&'a str>,
    read: Option<&Read<'_>>,
) -> Noted<'a> {
    Noted {
        severity: diagnostic.severity,
        code: &diagnostic.code,
        message: &diagnostic.message,
        argument: diagnostic.argument.as_deref(),
        command,
        tool,
        line: read.and_then(|read| read.line_of(diagnostic)),
    }
}

fn state(plugin: &Plugin) -> StateView<'_> {
    let (state, reason) = plugin.state.told();
    StateView { state, reason }
}

fn title(plugin: &Plugin, path: &[&str]) -> String {
    [&[plugin.name.as_str()], path].concat().join(" ")
}

/// A tool beside the help pages that it came from. A page that names what is not in the snapshot is left out.
pub fn tool<'a>(snapshot: &Snapshot, served: &'a Served, pages: Option<&Pages>) -> ToolView<'a> {
    let Served { tool, plugin } = served;
    let path: Vec<&str> = tool.path.iter().map(String::as_str).collect();
    let chain = plugin.root.chain(&tool.path).unwrap_or_default();
    let levels = chain.iter().enumerate().map(|(depth, command)| {
        let path = &path[..depth];
        let tells = snapshot.tells(plugin, path, command);
        let page = pages.filter(|_| tells).and_then(|pages| pages.get(&path.join(" ")));
        let diagnostics = if tells { command.diagnostics.as_slice() } else { &[] };
        level(served, command, (depth, path), page.map(String::as_str), diagnostics)
    });
    ToolView { name: &tool.name, plugin: &plugin.name, state: state(plugin), levels: levels.collect() }
}

fn level<'a>(
    served: &'a Served,
    command: &'a Command,
    (depth, path): (usize, &[&str]),
    page: Option<&str>,
    diagnostics: &'a [Diagnostic],
) -> Level<'a> {
    let page = page.map(help::plain);
    let read = page.as_deref().map(|page| Read::new(page, path, command));
    let sourced = |binding: &'a Binding| {
        let argument = command.arguments.get(binding.index)?;
        let read = read.as_ref();
        let usage = read.map(|read| read.usage(binding.index, argument)).unwrap_or_default();
        Some(Sourced {
            property: &binding.property,
            label: argument.label(),
            flags: &argument.flags,
            provenance: &argument.provenance,
            entry: read.and_then(|read| read.entry(binding.index)),
            usage: usage.iter().map(Span::from).collect(),
        })
    };
    let own = served.tool.bindings.iter().filter(|b| b.depth == depth);
    let arguments = own.filter_map(sourced).collect();
    let diagnostics = diagnostics.iter().map(|d| noted(d, None, None, read.as_ref())).collect();
    let shown = page.as_deref().map(|page| text::head(page, PAGE_SHOWN).to_owned());
    Level {
        command: title(&served.plugin, path),
        cut: shown.as_deref().map(str::len) < page.as_deref().map(str::len),
        page: shown,
        arguments,
        diagnostics,
    }
}

/// The command line of a call, or why there is none; nothing is run.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Argv {
    /// It can be called.
    Words {
        /// The words that start the program.
        launch: Vec<String>,
        /// The words that the arguments became.
        words: Vec<String>,
    },
    /// It can't.
    Errors {
        /// One or more reasons.
        errors: Vec<Refused>,
    },
}

/// What is wrong with an argument.
#[derive(Debug, Serialize)]
pub struct Refused {
    argument: String,
    reason: String,
}

/// The command line that a call of the tool with these arguments would run.
pub fn argv(served: &Served, arguments: &Map<String, Value>) -> Argv {
    let refused = |ArgvError { argument, reason }| Refused { argument, reason };
    match served.argv(arguments) {
        Ok(words) => Argv::Words {
            launch: served.plugin.launch.iter().map(|w| w.to_string_lossy().into_owned()).collect(),
            words,
        },
        Err(errors) => Argv::Errors { errors: errors.into_iter().map(refused).collect() },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::model::Tool;
    use crate::plugin::offers::Offers;
    use crate::registry::State;
    use crate::schema;

    const ROOT: &str = "usage: t [-h] [--profile P] {run} ...\n\npositional arguments:\n  {run}\n    run        runs\n\noptions:\n  -h, --help   show this help message and exit\n  --profile P  whose\n";
    const RUN: &str = "usage: t run [-h] [--join {a,b,,c}] name\n\npositional arguments:\n  name             who\n\noptions:\n  -h, --help       show this help message and exit\n  --join {a,b,,c}  between\n";

    fn served(state: State) -> Snapshot {
        let mut root = help::parse(ROOT, &[]);
        root.subcommands = vec![Command { name: "run".into(), ..help::parse(RUN, &["run"]) }];
        let plugin = Arc::new(Plugin {
            name: "t".into(),
            directory: "t".into(),
            launch: vec!["/t/cli.py".into()],
            env: vec![],
            timeout: None,
            concurrency: None,
            warm: None,
            offers: Offers::default(),
            state,
            diagnostics: vec![Diagnostic::new(Severity::Note, "own", "of the plugin")],
            root,
        });
        let tools = schema::tools("t", &plugin.root, &BTreeMap::new()).tools.into_iter();
        let tools = tools.map(|tool| Served { tool: Arc::new(tool), plugin: Arc::clone(&plugin) }).collect();
        Snapshot { generation: 7, plugins: vec![plugin], tools, ..Snapshot::default() }
    }

    fn pages() -> Pages {
        Pages::from([(String::new(), ROOT.to_owned()), ("run".to_owned(), RUN.to_owned())])
    }

    #[test]
    fn plugins_tell_their_state_and_where_their_diagnostics_belong() {
        let snapshot = served(State::Stale("gone".into()));
        let view = serde_json::to_value(plugins(&snapshot, |_| Some(pages()))).unwrap();
        let plugin = &view["plugins"][0];
        assert_eq!(view["generation"], 7);
        assert_eq!(
            [&plugin["state"], &plugin["reason"], &plugin["tools"]],
            [&json!("stale"), &json!("gone"), &json!(["t__run"])]
        );
        let [own, choices] = &plugin["diagnostics"].as_array().unwrap()[..] else { panic!("{plugin}") };
        assert_eq!(
            [&own["code"], &own["command"], &own["line"]],
            [&json!("own"), &json!(null), &json!(null)]
        );
        assert_eq!(
            [&choices["command"], &choices["tool"], &choices["line"]],
            [&json!("t run"), &json!("t__run"), &json!(8)]
        );
        let without = serde_json::to_value(plugins(&snapshot, |_| None)).unwrap();
        assert_eq!(without["plugins"][0]["diagnostics"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn nothing_is_told_of_commands_without_a_tool() {
        let mut snapshot = served(State::Ready);
        snapshot.tools.clear();
        let view = serde_json::to_value(plugins(&snapshot, |_| Some(pages()))).unwrap();
        let codes: Vec<_> =
            view["plugins"][0]["diagnostics"].as_array().unwrap().iter().map(|d| &d["code"]).collect();
        assert_eq!(codes, ["own"]);
    }

    #[test]
    fn browsers_count_in_utf_16_units() {
        let mark = Mark { line: 3, text: "é 🦀 --out", under: 8..13 };
        assert_eq!(&mark.text[mark.under.clone()], "--out");
        assert_eq!(Span::from(&mark), Span { line: 3, from: 5, to: 10 });
    }

    #[test]
    fn a_tool_has_the_pages_of_all_its_commands_and_the_places_of_its_arguments() {
        let snapshot = served(State::Ready);
        let view = serde_json::to_value(tool(&snapshot, &snapshot.tools[0], Some(&pages()))).unwrap();
        let [root, run] = &view["levels"].as_array().unwrap()[..] else { panic!("{view}") };
        assert_eq!(
            [&root["command"], &root["page"], &run["command"], &run["page"]],
            ["t", ROOT, "t run", RUN]
        );
        assert_eq!(
            [&root["arguments"][0]["property"], &root["arguments"][0]["entry"]],
            [&json!("profile"), &json!([9, 9])]
        );
        let entries: Vec<_> = run["arguments"].as_array().unwrap().iter().map(|a| &a["entry"]).collect();
        assert_eq!(entries, [&json!([4, 4]), &json!([8, 8])]);
        assert_eq!(
            [&run["arguments"][1]["provenance"]["help"], &run["cut"]],
            [&json!("entry"), &json!(false)]
        );
    }

    #[test]
    fn pages_may_be_missing_long_or_coloured() {
        let snapshot = served(State::Ready);
        let without = serde_json::to_value(tool(&snapshot, &snapshot.tools[0], None)).unwrap();
        assert_eq!(
            [&without["levels"][1]["page"], &without["levels"][1]["arguments"][0]["entry"]],
            [&json!(null); 2]
        );
        let long = format!("\u{1b}[1m{RUN}\u{1b}[0m{}", "x".repeat(PAGE_SHOWN));
        let with = Pages::from([("run".to_owned(), long)]);
        let view = serde_json::to_value(tool(&snapshot, &snapshot.tools[0], Some(&with))).unwrap();
        let level = &view["levels"][1];
        assert!(level["page"].as_str().unwrap().starts_with(RUN) && level["cut"] == true);
        assert_eq!(level["page"].as_str().unwrap().len(), PAGE_SHOWN);
    }

    #[test]
    fn a_page_that_names_what_is_left_out_is_not_shown() {
        let mut snapshot = served(State::Ready);
        let mut plugin = Plugin::clone(&snapshot.plugins[0]);
        plugin.root.subcommands.push(Command { name: "wipe".into(), ..Command::default() });
        let wipe = Tool {
            name: "t__wipe".into(),
            path: vec!["wipe".into()],
            ..Tool::clone(&snapshot.tools[0].tool)
        };
        let plugin = Arc::new(plugin);
        let tools = [snapshot.tools[0].tool.clone(), Arc::new(wipe)];
        snapshot.tools = tools.map(|tool| Served { tool, plugin: plugin.clone() }).to_vec();
        snapshot.plugins = vec![plugin];
        let part = snapshot.narrowed(|tool| tool == "t__run", false);
        for (snapshot, expected) in
            [(&snapshot, [json!(ROOT), json!(RUN)]), (&part, [json!(null), json!(RUN)])]
        {
            let view = serde_json::to_value(tool(snapshot, &snapshot.tools[0], Some(&pages()))).unwrap();
            assert_eq!([&view["levels"][0]["page"], &view["levels"][1]["page"]], expected.each_ref());
        }
        let view = serde_json::to_value(plugins(&part, |_| None)).unwrap();
        let told = view["plugins"][0]["diagnostics"].as_array().unwrap();
        assert_eq!(told.iter().map(|d| &d["command"]).collect::<Vec<_>>(), ["t run"]);
    }

    #[test]
    fn a_command_line_or_what_is_wrong() {
        let snapshot = served(State::Ready);
        let line = |arguments: Value| {
            serde_json::to_value(argv(&snapshot.tools[0], arguments.as_object().unwrap())).unwrap()
        };
        let words = line(json!({"name": "a b", "profile": "p"}));
        assert_eq!(words, json!({"launch": ["/t/cli.py"], "words": ["--profile=p", "run", "a b"]}));
        let errors = line(json!({"nam": 1}));
        let named: Vec<_> =
            errors["errors"].as_array().unwrap().iter().map(|e| e["argument"].as_str().unwrap()).collect();
        assert_eq!(named, ["nam", "name"]);
    }
}
