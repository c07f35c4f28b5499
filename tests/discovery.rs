//! Discovery against real programs: which pages are asked for, what becomes of programs that misbehave, and when a
//! contract spares asking at all.

#![allow(
    clippy::unwrap_used,
    clippy::unnecessary_debug_formatting,
    clippy::uninlined_format_args,
    reason = "a test that cannot go on may panic; Python literals are made by debug formatting"
)]
#![allow(clippy::disallowed_methods, reason = "tests read which Pythons to use")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use smcp::config::{Config, Discovery, Http, Limits};
use smcp::model::{Command, Severity};
use smcp::registry::{Plugin, Progress, Registry, State};

/// Plugins, schemas, and a record of what was run, in a directory of their own.
struct World {
    dir: tempfile::TempDir,
    config: Config,
}

/// What a load reported.
#[derive(Default)]
struct Seen {
    found: Mutex<Vec<usize>>,
    done: Mutex<Vec<String>>,
}

impl Progress for Seen {
    fn found(&self, plugins: usize) {
        self.found.lock().unwrap().push(plugins);
    }

    fn done(&self, plugin: &str) {
        self.done.lock().unwrap().push(plugin.to_owned());
    }
}

/// The Pythons to test with.
fn pythons() -> Vec<String> {
    match std::env::var("SMCP_TEST_PYTHONS") {
        Ok(paths) => paths.split(':').map(str::to_owned).collect(),
        Err(_) => vec!["python3".into()],
    }
}

impl World {
    fn new() -> World {
        World::with(&pythons()[0], true)
    }

    fn with(python: &str, live: bool) -> World {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            plugins_dir: dir.path().join("plugins"),
            schemas_dir: dir.path().join("schemas"),
            discovery: Discovery {
                python: python.to_owned(),
                live,
                describe: false,
                warm: false,
                help_timeout: Duration::from_secs(20),
                parallel: 2,
                path: std::env::var_os("PATH"),
                python_path: None,
                secret_variables: vec!["MCP_API_KEY".to_owned()],
            },
            watch: false,
            limits: Limits {
                timeout: None,
                grace: Duration::from_secs(1),
                output: 1 << 20,
                concurrency: 4,
                queue: 4,
            },
            http: Http::default(),
            log_dir: None,
            log_format: smcp::cli::LogFormat::default(),
            profiles: None,
            letta: None,
            drain: Duration::ZERO,
            state_key: None,
        };
        fs::create_dir(&config.plugins_dir).unwrap();
        World { dir, config }
    }

    /// Writes a program that records the words that it is run with, then does as `body` says.
    fn plugin(&self, name: &str, body: &str) -> PathBuf {
        let directory = self.config.plugins_dir.join(name);
        fs::create_dir_all(&directory).unwrap();
        self.program(&directory, body);
        directory
    }

    fn program(&self, directory: &Path, body: &str) {
        let runs = self.dir.path().join("runs");
        let record = format!("with open({:?}, 'a') as f: f.write(' '.join(sys.argv[1:]) + '\\n')", runs);
        let text = format!("import argparse, os, sys, time\n{record}\n{body}");
        fs::write(directory.join("cli.py"), text).unwrap();
    }

    async fn load(&self) -> Registry {
        Registry::load(&self.config, &Seen::default()).await
    }

    /// The words of the runs since the last look, sorted.
    fn runs(&self) -> Vec<String> {
        let path = self.dir.path().join("runs");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(&path);
        let mut runs: Vec<String> = text.lines().map(str::to_owned).collect();
        runs.sort();
        runs
    }
}

fn tools(registry: &Registry) -> Vec<String> {
    registry.snapshot().tools.iter().map(|served| served.tool.name.clone()).collect()
}

fn plugin<'a>(registry: &Registry, name: &str, look: impl FnOnce(&Plugin) -> String + 'a) -> String {
    let snapshot = registry.snapshot();
    look(snapshot.plugins.iter().find(|p| p.name == name).unwrap())
}

fn state(registry: &Registry, name: &str) -> State {
    registry.snapshot().plugins.iter().find(|p| p.name == name).unwrap().state.clone()
}

fn root(registry: &Registry, name: &str) -> Command {
    registry.snapshot().plugins.iter().find(|p| p.name == name).unwrap().root.clone()
}

/// The labels of a command's arguments, help aside.
fn labels(root: &Command, path: &[&str]) -> Vec<String> {
    let path: Vec<String> = path.iter().map(|word| (*word).to_owned()).collect();
    let chain = root.chain(&path).unwrap();
    chain[path.len()].arguments.iter().filter(|a| a.is_served()).map(smcp::model::Argument::label).collect()
}

/// All diagnostics of a tree and its plugin, as `code: message`.
fn diagnostics(registry: &Registry, name: &str) -> Vec<String> {
    let snapshot = registry.snapshot();
    let plugin = snapshot.plugins.iter().find(|p| p.name == name).unwrap();
    let mut all: Vec<String> =
        plugin.diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message)).collect();
    plugin
        .root
        .walk(&mut |_, c| all.extend(c.diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message))));
    all
}

const GREET: &str = "
p = argparse.ArgumentParser(description='Greets.')
p.add_argument('--token', help='the token')
s = p.add_subparsers(dest='cmd', required=True)
a = s.add_parser('hello', help='say hello', aliases=['hi'])
a.add_argument('--name', required=True, help='whom')
b = s.add_parser('bye', help='say bye')
b.add_argument('--loud', action='store_true')
p.parse_args()
";

#[tokio::test]
async fn a_second_load_starts_no_process_and_an_edit_is_noticed() {
    let world = World::new();
    let directory = world.plugin("greet", GREET);
    let seen = Seen::default();
    let registry = Registry::load(&world.config, &seen).await;
    assert_eq!(tools(&registry), ["greet__bye", "greet__hello"]);
    assert_eq!(world.runs(), ["--help", "bye --help", "hello --help"]);
    assert_eq!(
        (seen.found.into_inner().unwrap(), seen.done.into_inner().unwrap()),
        (vec![1], vec!["greet".into()])
    );
    assert_eq!(
        (registry.summary().plugins, registry.summary().tools, registry.summary().discovered),
        (1, 2, 1)
    );
    let contract = world.config.schemas_dir.join("greet.json");
    let first = fs::read(&contract).unwrap();
    let text = String::from_utf8(first.clone()).unwrap();
    assert!(!text.contains(world.dir.path().to_str().unwrap()), "no path stands in a contract");
    assert!(registry.pages("greet").unwrap()["hello"].contains("--name"));

    let again = world.load().await;
    assert_eq!(world.runs(), [""; 0]);
    assert_eq!(again.summary().discovered, 0);
    assert_eq!(state(&again, "greet"), State::Ready);
    let (a, b) = (registry.snapshot(), again.snapshot());
    assert_eq!(a.tools[1].tool, b.tools[1].tool);
    assert_eq!(root(&registry, "greet"), root(&again, "greet"));

    world.program(&directory, &GREET.replace("'bye'", "'leave'"));
    assert!(again.reload(&Seen::default()).await);
    assert_eq!(tools(&again), ["greet__hello", "greet__leave"]);
    assert_eq!(world.runs().len(), 3);
    assert_ne!(fs::read(&contract).unwrap(), first);
    assert!(!again.reload(&Seen::default()).await, "nothing changed since");
    assert_eq!(again.snapshot().generation, 2);
}

#[tokio::test]
async fn a_contract_without_its_cache_is_not_trusted_and_a_damaged_one_is_replaced() {
    let world = World::new();
    world.plugin("greet", GREET);
    world.load().await;
    world.runs();
    let contract = world.config.schemas_dir.join("greet.json");
    let good = fs::read(&contract).unwrap();
    fs::remove_dir_all(world.config.schemas_dir.join(".cache")).unwrap();
    world.load().await;
    assert_eq!(world.runs().len(), 3);
    assert_eq!(fs::read(&contract).unwrap(), good);

    fs::write(&contract, &good[..good.len() / 2]).unwrap();
    let registry = world.load().await;
    assert_eq!(world.runs().len(), 3);
    assert_eq!(fs::read(&contract).unwrap(), good);
    assert!(diagnostics(&registry, "greet").iter().any(|d| d.starts_with("contract-unusable: ")));
}

#[tokio::test]
async fn schemas_that_cannot_be_written_are_said_once() {
    let mut world = World::new();
    world.plugin("a", GREET);
    world.plugin("b", GREET);
    fs::write(world.dir.path().join("file"), "").unwrap();
    world.config.schemas_dir = world.dir.path().join("file");
    let registry = world.load().await;
    assert_eq!(tools(&registry).len(), 4);
    let problems = registry.summary().problems;
    assert_eq!(problems.iter().map(|p| p.code.as_str()).collect::<Vec<_>>(), ["schemas-unwritable"]);
}

#[tokio::test]
async fn links_are_followed_and_what_is_no_plugin_is_named() {
    let world = World::new();
    let store = tempfile::tempdir().unwrap();
    fs::create_dir(store.path().join("real")).unwrap();
    world.program(&store.path().join("real"), "argparse.ArgumentParser().parse_args()");
    let at = |name: &str| world.config.plugins_dir.join(name);
    symlink(store.path().join("real"), at("linked")).unwrap();
    symlink("gone", at("broken")).unwrap();
    symlink("loop", at("loop")).unwrap();
    fs::create_dir(at("docs")).unwrap();
    let registry = world.load().await;
    assert_eq!(tools(&registry), ["linked"]);
    let skipped = registry.summary().skipped;
    let names: Vec<(&str, Severity)> = skipped.iter().map(|s| (s.name.as_str(), s.severity)).collect();
    assert_eq!(names, [("broken", Severity::Warning), ("docs", Severity::Note), ("loop", Severity::Warning)]);
}

#[tokio::test]
async fn without_a_plugins_directory_there_is_an_empty_snapshot_and_a_reason() {
    let world = World::new();
    fs::remove_dir(&world.config.plugins_dir).unwrap();
    let registry = world.load().await;
    assert_eq!((registry.snapshot().generation, tools(&registry).len()), (1, 0));
    let problem = &registry.summary().problems[0];
    assert_eq!(problem.severity, Severity::Error);
    assert!(problem.message.ends_with("does not exist"), "{}", problem.message);
}

#[tokio::test]
async fn programs_that_misbehave_fail_alone() {
    let mut world = World::new();
    world.config.discovery.help_timeout = Duration::from_secs(3);
    world.plugin("good", "argparse.ArgumentParser().parse_args()");
    world.plugin("hangs", "print('usage', flush=True); time.sleep(600)");
    world.plugin("ignores", "print('did the work')");
    world.plugin("crashes", "import no_such_module_at_all");
    world.plugin(
        "percent",
        "p = argparse.ArgumentParser()\np.add_argument('--x', help='50% of')\np.parse_args()",
    );
    let bad = world.plugin("badmanifest", "argparse.ArgumentParser().parse_args()");
    fs::write(bad.join("plugin.toml"), "timeout = \"soon\"\n").unwrap();
    let begun = Instant::now();
    let registry = world.load().await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(tools(&registry), ["good"]);
    let check = |name: &str, expected: &[&str]| {
        let State::Failed(reason) = state(&registry, name) else { panic!("{name} did not fail") };
        for part in expected {
            assert!(reason.contains(part), "{name}: {reason}");
        }
    };
    check("hangs", &["no help within 3s"]);
    check("ignores", &["`--help` printed no usage (exit code 0)"]);
    check("crashes", &["exit code 1", "No module named 'no_such_module_at_all'"]);
    check("percent", &["exit code 1", "Error: "]);
    check("badmanifest", &["plugin.toml:1: `timeout`: "]);
    // Nothing but `--help` was ever tried.
    assert!(world.runs().iter().all(|words| words == "--help"));
    assert_eq!(registry.summary().failed.len(), 5);
}

#[tokio::test]
async fn a_plugin_that_fails_later_keeps_its_contract() {
    let world = World::new();
    let directory = world.plugin("greet", GREET);
    let registry = world.load().await;
    let contract = fs::read(world.config.schemas_dir.join("greet.json")).unwrap();
    world.program(&directory, "sys.exit('broken')");
    assert!(registry.reload(&Seen::default()).await);
    assert_eq!(tools(&registry), ["greet__bye", "greet__hello"]);
    let State::Stale(reason) = state(&registry, "greet") else { panic!("not stale") };
    assert!(reason.contains("broken"), "{reason}");
    assert_eq!(registry.summary().stale.len(), 1);
    assert_eq!(fs::read(world.config.schemas_dir.join("greet.json")).unwrap(), contract);
    // A later start says so again, and a repair is noticed.
    assert!(matches!(state(&world.load().await, "greet"), State::Stale(_)));
    world.program(&directory, GREET);
    assert_eq!(state(&world.load().await, "greet"), State::Ready);
}

#[tokio::test]
async fn help_is_found_wherever_it_is_printed() {
    let world = World::new();
    let parser = "p = argparse.ArgumentParser()\np.add_argument('--x', help='an x')\n";
    world.plugin("banner", &format!("print('Loading…')\nprint('usage is below')\n{parser}p.parse_args()"));
    world.plugin("exit1", &format!("{parser}print(p.format_help())\nsys.exit(1)"));
    world.plugin("stderr", &format!("{parser}p.print_help(sys.stderr)\nsys.exit(2)"));
    world.plugin("noise", &format!("sys.stderr.write('usage: not this\\n')\n{parser}p.parse_args()"));
    let short = "p = argparse.ArgumentParser(add_help=False)\np.add_argument('-h', action='help')\n";
    world.plugin("short", &format!("{short}p.add_argument('--x')\np.parse_args()"));
    world.plugin(
        "short_required",
        &format!("{short}p.add_argument('--x')\np.add_argument('y')\np.parse_args()"),
    );
    let registry = world.load().await;
    for name in ["banner", "exit1", "stderr", "noise", "short", "short_required"] {
        assert_eq!(state(&registry, name), State::Ready, "{name}");
        let root = root(&registry, name);
        assert!(labels(&root, &[]).contains(&"--x".to_owned()), "{name}: {root:?}");
        assert!(!root.incomplete, "{name}");
    }
    assert_eq!(tools(&registry).len(), 6);
}

#[tokio::test]
async fn only_programs_that_parse_are_tried_with_the_short_flag() {
    let world = World::new();
    world.plugin(
        "short",
        "p = argparse.ArgumentParser(add_help=False)\np.add_argument('-h', action='help')\np.parse_args()",
    );
    world.load().await;
    assert_eq!(world.runs(), ["--help", "-h"]);
    world.plugin("short", "sys.exit('unknown option --help')");
    world.load().await;
    assert_eq!(world.runs(), ["--help"]);
}

#[tokio::test]
async fn subcommands_without_help_of_their_own_are_tools_all_the_same() {
    let world = World::with(&pythons()[0], false);
    let body = "
p = argparse.ArgumentParser()
s = p.add_subparsers(dest='cmd')
a = s.add_parser('needs', help='needs it', add_help=False)
a.add_argument('--size', required=True)
b = s.add_parser('free', help='needs nothing', add_help=False)
b.add_argument('--size')
s.add_parser('whole', help='has help').add_argument('--size')
p.parse_args()
";
    world.plugin("p", body);
    let registry = world.load().await;
    assert_eq!(tools(&registry), ["p__free", "p__needs", "p__whole"]);
    let root = root(&registry, "p");
    let incomplete: Vec<(&str, bool)> =
        root.subcommands.iter().map(|c| (c.name.as_str(), c.incomplete)).collect();
    assert_eq!(incomplete, [("needs", true), ("free", true), ("whole", false)]);
    assert_eq!(labels(&root, &["needs"]), ["--size"]);
    assert_eq!(labels(&root, &["free"]), [""; 0]);
    assert_eq!(root.subcommands[1].summary.as_deref(), Some("needs nothing"));
}

#[tokio::test]
async fn a_subcommand_that_shows_its_parents_page() {
    let world = World::with(&pythons()[0], false);
    let body = "
p = argparse.ArgumentParser(prog='p')
p.add_argument('--top')
s = p.add_subparsers(dest='cmd', metavar='{own,shared}')
a = s.add_parser('own', help='its own')
b = s.add_parser('shared', help='listed with a text')
b.print_help = p.print_help
p.parse_args()
";
    world.plugin("p", body);
    let registry = world.load().await;
    assert_eq!(tools(&registry), ["p__own", "p__shared"]);
    let root = root(&registry, "p");
    assert!(root.subcommands[1].incomplete);
    assert_eq!(labels(&root, &["shared"]), [""; 0]);
}

#[tokio::test]
async fn positionals_before_subcommands_do_not_hide_pages() {
    for python in pythons() {
        let world = World::with(&python, false);
        let body = "
p = argparse.ArgumentParser()
p.add_argument('env')
p.add_argument('region', choices=['eu', 'us'])
p.add_argument('count', type=int)
p.add_argument('pair', nargs=2)
s = p.add_subparsers(dest='cmd')
up = s.add_parser('up', help='go up')
up.add_argument('--fast', action='store_true')
up.add_argument('speed', type=int)
t = up.add_subparsers(dest='how')
t.add_parser('slowly', help='no haste').add_argument('--pause')
s.add_parser('down', help='go down').add_argument('--slow', action='store_true')
p.parse_args()
";
        world.plugin("p", body);
        let registry = world.load().await;
        assert_eq!(tools(&registry), ["p__down", "p__up__slowly"], "{python}");
        let root = root(&registry, "p");
        assert_eq!(labels(&root, &["down"]), ["--slow"], "{python}");
        assert_eq!(labels(&root, &["up"]), ["--fast", "speed"], "{python}");
        assert_eq!(labels(&root, &["up", "slowly"]), ["--pause"], "{python}");
        assert_eq!(root.subcommand_at, 4, "{python}");
        let runs = world.runs();
        assert!(runs.contains(&"- eu 1 - - up 1 slowly --help".to_owned()), "{python}: {runs:?}");
    }
}

#[tokio::test]
async fn placeholders_open_no_file() {
    let world = World::with(&pythons()[0], false);
    let body = "
def existing(text):
    if not os.path.isdir(text): raise argparse.ArgumentTypeError('no directory')
    return text
p = argparse.ArgumentParser()
p.add_argument('out', type=argparse.FileType('w'))
p.add_argument('--root', type=existing)
s = p.add_subparsers(dest='cmd')
s.add_parser('up', help='go up').add_argument('--fast')
p.parse_args()
";
    let directory = world.plugin("files", body);
    let path = body.replace("argparse.FileType('w')", "existing");
    world.plugin("paths", &path);
    let registry = world.load().await;
    assert_eq!(tools(&registry), ["files__up", "paths__up"]);
    for name in ["files", "paths"] {
        assert_eq!(labels(&root(&registry, name), &["up"]), ["--fast"], "{name}");
    }
    let left: Vec<_> = fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["cli.py"]);
}

#[tokio::test]
async fn many_commands_and_levels() {
    let world = World::new();
    let body = "
p = argparse.ArgumentParser()
s = p.add_subparsers(dest='cmd')
for i in range(300):
    s.add_parser('cmd%d' % i, help='number %d' % i).add_argument('--n%d' % i, type=int)
a = s.add_parser('a', help='A').add_subparsers(dest='x').add_parser('b', help='B')
a.add_subparsers(dest='y').add_parser('c', help='C').add_argument('--deep')
p.parse_args()
";
    world.plugin("big", body);
    let registry = world.load().await;
    assert_eq!(tools(&registry).len(), 301);
    let root = root(&registry, "big");
    assert_eq!(labels(&root, &["cmd299"]), ["--n299"]);
    assert_eq!(labels(&root, &["a", "b", "c"]), ["--deep"]);
    let names: Vec<&str> = root.subcommands.iter().map(|c| c.name.as_str()).collect();
    assert_eq!((names[0], names[299], names[300]), ("cmd0", "cmd299", "a"));
    assert_eq!(world.runs().len(), 304, "each page is asked for once");
    assert_eq!(tools(&world.load().await).len(), 301);
    assert_eq!(world.runs(), [""; 0]);
}

#[tokio::test]
async fn subcommands_that_hang_are_given_up() {
    let mut world = World::with(&pythons()[0], false);
    world.config.discovery.help_timeout = Duration::from_millis(1500);
    let body = "
if len(sys.argv) > 2 and sys.argv[1] != 'ok': time.sleep(600)
p = argparse.ArgumentParser()
s = p.add_subparsers(dest='cmd')
for name in ['ok'] + ['slow%d' % i for i in range(40)]: s.add_parser(name, help='some')
p.parse_args()
";
    world.plugin("p", body);
    let begun = Instant::now();
    let registry = world.load().await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(tools(&registry).len(), 41);
    let all = diagnostics(&registry, "p");
    assert!(
        all.contains(&"no-help: no help page: no help within 1.5s; the program was ended".to_owned()),
        "{all:?}"
    );
    assert!(all.iter().any(|d| d.contains("other commands of this program hung")));
}

#[tokio::test]
async fn the_manifest_decides_what_is_run_and_served() {
    let world = World::new();
    let body = "
p = argparse.ArgumentParser(description=os.environ.get('WORDS'))
s = p.add_subparsers(dest='cmd')
for name in ['keep', 'drop']: s.add_parser(name, help='some')
p.parse_args()
";
    let directory = world.plugin("p", body);
    fs::rename(directory.join("cli.py"), directory.join("main.py")).unwrap();
    let python = world.config.discovery.python.clone();
    let manifest = format!(
        "command = [\"{python}\", \"main.py\"]\ntimeout = 2\nmax_concurrency = 2\nexclude = [\"drop\", \"ghost\"]\n\
         [env]\nWORDS = \"From the manifest.\"\n[tools.keep]\nname = \"kept\"\n[tools.nope]\ntitle = \"No\"\n"
    );
    fs::write(directory.join("plugin.toml"), &manifest).unwrap();
    let registry = world.load().await;
    assert_eq!(tools(&registry), ["kept"]);
    assert_eq!(root(&registry, "p").description.as_deref(), Some("From the manifest."));
    let snapshot = registry.snapshot();
    let plugin = &snapshot.plugins[0];
    assert_eq!(plugin.timeout, Some(Duration::from_secs(2)));
    let places = plugin.concurrency.clone().unwrap();
    assert_eq!(places.available_permits(), 2);
    let unmatched: Vec<String> =
        diagnostics(&registry, "p").into_iter().filter(|d| d.starts_with("manifest-unmatched")).collect();
    assert_eq!(unmatched.len(), 2, "{unmatched:?}");
    assert!(snapshot.find("p.keep").is_some());

    // Calls that run keep their places over a reload, unless the bound itself changed.
    fs::write(directory.join("plugin.toml"), manifest.replace("timeout = 2", "timeout = 3")).unwrap();
    assert!(registry.reload(&Seen::default()).await);
    let now = registry.snapshot().plugins[0].concurrency.clone().unwrap();
    assert!(std::sync::Arc::ptr_eq(&places, &now));
}

/// Offers and what is warned of them; the program has the commands `show ID`, `all` and `drop`, which isn't served.
const OFFERS: &[(&str, &[&str])] = &[
    ("[[resources]]\nfile = \"there.txt\"", &[]),
    (
        "[[resources]]\nfile = \"nope.txt\"",
        &[
            "`resources.file`: `nope.txt` can't be read: No such file or directory (os error 2); put it there, or take the entry out",
        ],
    ),
    (
        "[[resources]]\nfile = \"out\"",
        &["`resources.file`: `out` leads out of the plugin's directory; put it there, or take the entry out"],
    ),
    (
        "[[resources]]\nfile = \"sub\"",
        &["`resources.file`: `sub` can't be read: it is no file; put it there, or take the entry out"],
    ),
    (
        "[[resources]]\nfile = \"there.txt\"\n[[resources]]\nfile = \"ask.txt\"\nuri = \"smcp://p/%74here.txt\"",
        &["`resources.uri`: `smcp://p/there.txt` of `p` hides this one; change one"],
    ),
    (
        "[[resources]]\nfile = \"there.txt\"\nuri = \"a://first\"",
        &["`resources.uri`: `a://first` of `another` hides this one; change one"],
    ),
    (
        "[[resources]]\nfile = \"there.txt\"\nuri = \"smcp://p/contract\"",
        &["`resources.uri`: `smcp://p/contract` of `p` hides this one; change one"],
    ),
    ("[[resource_templates]]\nname = \"t\"\nuri_template = \"x://{id}\"\ncommand = \"show\"", &[]),
    (
        "[[resource_templates]]\nname = \"t\"\nuri_template = \"x://{id}\"\ncommand = \"drop\"",
        &["`resource_templates.command`: no command `drop` is served; name one that `smcp inspect` shows"],
    ),
    (
        "[[resource_templates]]\nname = \"t\"\nuri_template = \"x://{it}\"\ncommand = \"show\"",
        &[
            "`resource_templates.uri_template`: `p__show` has no argument `it`; it has `id`",
            "`resource_templates.uri_template`: `p__show` must be given its argument `id`; add it",
        ],
    ),
    // What is not served hides nothing.
    (
        "[[resource_templates]]\nname = \"t\"\nuri_template = \"x://{id}\"\ncommand = \"drop\"\n\
         [[resource_templates]]\nname = \"t\"\nuri_template = \"x://{id}\"\ncommand = \"show\"",
        &["`resource_templates.command`: no command `drop` is served; name one that `smcp inspect` shows"],
    ),
    (
        "[[resource_templates]]\nname = \"t\"\nuri_template = \"x://{id}\"\ncommand = \"show\"\n\
         [[resource_templates]]\nname = \"u\"\nuri_template = \"x://{id}\"\ncommand = \"show\"",
        &["`resource_templates.uri_template`: `x://{id}` of `p` hides this one; change one"],
    ),
    ("[[prompts]]\nname = \"q\"\ncommand = \"show\"", &[]),
    (
        "[[prompts]]\nname = \"q\"\ncommand = \"hide\"",
        &["`prompts.command`: no command `hide` is served; name one that `smcp inspect` shows"],
    ),
    (
        "[[prompts]]\nname = \"q\"\ncommand = \"all\"\narguments = [{ name = \"it\" }]",
        &["`prompts.arguments`: `p__all` has no argument `it`; it has none"],
    ),
    (
        "[[prompts]]\nname = \"q\"\nfile = \"ask.txt\"\narguments = [{ name = \"a\" }]",
        &["`prompts.file`: `ask.txt` has `{{b}}`, which is no argument; add it to `arguments`"],
    ),
    (
        "[[prompts]]\nname = \"q\"\nfile = \"nope.txt\"",
        &[
            "`prompts.file`: `nope.txt` can't be read: No such file or directory (os error 2); put it there, or take the entry out",
        ],
    ),
];

#[tokio::test]
async fn offers_that_can_not_work_are_told() {
    let world = World::new();
    let another = world.plugin("another", "argparse.ArgumentParser().parse_args()");
    fs::write(another.join("a.txt"), "a").unwrap();
    fs::write(another.join("plugin.toml"), "[[resources]]\nfile = \"a.txt\"\nuri = \"a://first\"\n").unwrap();
    let body = "
p = argparse.ArgumentParser()
s = p.add_subparsers(dest='cmd')
s.add_parser('show', help='some').add_argument('id')
for name in ['all', 'drop']: s.add_parser(name, help='some')
p.parse_args()
";
    let directory = world.plugin("p", body);
    for (file, text) in [("there.txt", "t"), ("ask.txt", "{{a}} {{ b }} {{b}}")] {
        fs::write(directory.join(file), text).unwrap();
    }
    fs::create_dir(directory.join("sub")).unwrap();
    symlink("../another/a.txt", directory.join("out")).unwrap();
    let registry = world.load().await;
    for (offers, expected) in OFFERS {
        fs::write(directory.join("plugin.toml"), format!("exclude = [\"drop\"]\n{offers}\n")).unwrap();
        registry.reload(&Seen::default()).await;
        let expected: Vec<String> =
            expected.iter().map(|told| format!("manifest-unmatched: plugin.toml: {told}")).collect();
        assert_eq!(diagnostics(&registry, "p"), expected, "{offers}");
        // Whoever starts the server hears of it too.
        let told: Vec<String> =
            registry.report().problems.iter().map(|d| format!("{}: {}", d.code, d.message)).collect();
        let expected: Vec<String> =
            expected.iter().map(|told| told.replace(": plugin.toml", ": p: plugin.toml")).collect();
        assert_eq!(told, expected, "{offers}");
    }
    // A file that comes is seen although the program is not asked again.
    fs::write(directory.join("nope.txt"), "{{a").unwrap();
    registry.reload(&Seen::default()).await;
    assert_eq!(diagnostics(&registry, "p"), Vec::<String>::new());
    assert!(registry.report().problems.is_empty());
}

#[tokio::test]
async fn describe_is_run_only_where_it_is_asked_for() {
    let world = World::new();
    let body = "
import json
if '--describe' in sys.argv:
    print(json.dumps({'commands': [{'name': 'connect', 'description': 'From describe.',
        'parameters': [{'name': 'tag_list', 'type': 'array', 'items': {'type': 'string'}, 'description': 'Tags.'}]}]}))
    sys.exit()
p = argparse.ArgumentParser()
s = p.add_subparsers(dest='cmd')
s.add_parser('connect', help='some').add_argument('--tag-list')
p.parse_args()
";
    let directory = world.plugin("p", body);
    let registry = world.load().await;
    assert_eq!(world.runs(), ["--help", "connect --help"]);
    assert_eq!(root(&registry, "p").subcommands[0].arguments.last().unwrap().help, None);
    fs::write(directory.join("plugin.toml"), "describe = true\n").unwrap();
    registry.reload(&Seen::default()).await;
    assert_eq!(world.runs(), ["--describe", "--help", "connect --help"]);
    let connect = root(&registry, "p").subcommands[0].clone();
    assert_eq!(connect.description.as_deref(), Some("From describe."));
    assert_eq!(connect.arguments.last().unwrap().help.as_deref(), Some("Tags."));

    world.program(&directory, &body.replace("'type': 'array'", "'type': 'list'"));
    registry.reload(&Seen::default()).await;
    assert_eq!(tools(&registry), ["p__connect"]);
    let faults = diagnostics(&registry, "p");
    assert!(
        faults.iter().any(|d| d.contains("commands[0].parameters[0].type: must be one of")),
        "{faults:?}"
    );
}

#[tokio::test]
async fn plugins_that_claim_one_name_are_both_served() {
    let world = World::new();
    world.plugin("my-tool", "argparse.ArgumentParser().parse_args()");
    world.plugin("my_tool", "argparse.ArgumentParser().parse_args()");
    let registry = world.load().await;
    let names = tools(&registry);
    assert_eq!(names.len(), 2);
    assert!(names[0].starts_with("my-tool_") && names[1].starts_with("my_tool_"), "{names:?}");
    for name in ["my-tool", "my_tool"] {
        let codes = plugin(&registry, name, |p| {
            p.diagnostics.iter().map(|d| d.code.clone()).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(codes, "similar-plugin-name tool-name-taken");
        assert_eq!(registry.snapshot().find(name).unwrap().plugin.name, name);
    }
}

#[tokio::test]
async fn capture_runs_have_a_plain_environment_and_no_input() {
    let world = World::with(&pythons()[0], false);
    let body = "
names = ['COLUMNS', 'NO_COLOR', 'PYTHON_COLORS', 'TERM', 'LC_ALL', 'LANGUAGE', 'PAGER', 'OWN']
seen = ' '.join('%s=%s' % (n, os.environ.get(n)) for n in names)
p = argparse.ArgumentParser(description='%s / %r %s' % (seen, sys.stdin.read(), os.getpgid(0) == os.getpid()))
p.parse_args()
";
    let directory = world.plugin("p", body);
    fs::write(directory.join("plugin.toml"), "[env]\nOWN = \"1\"\nTERM = \"xterm\"\n").unwrap();
    let registry = world.load().await;
    assert_eq!(
        root(&registry, "p").description.as_deref(),
        Some(
            "COLUMNS=10000 NO_COLOR=1 PYTHON_COLORS=0 TERM=dumb LC_ALL=C.UTF-8 LANGUAGE= PAGER=cat OWN=1 / '' True"
        )
    );
}

#[tokio::test]
async fn every_python_gives_the_same_contract_from_text() {
    let mut contracts: BTreeMap<Vec<u8>, Vec<String>> = BTreeMap::new();
    for python in pythons() {
        let world = World::with(&python, false);
        world.plugin("greet", GREET);
        world.load().await;
        let bytes = fs::read(world.config.schemas_dir.join("greet.json")).unwrap();
        contracts.entry(bytes).or_default().push(python);
    }
    assert_eq!(contracts.len(), 1, "{:?}", contracts.values().collect::<Vec<_>>());
}
