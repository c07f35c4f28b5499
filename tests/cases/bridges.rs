//! Faults that bridges between programs and clients are known for, each shown not to be there with the program itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Client, Site, smcp};
use super::support::PATIENCE;

/// Parses nothing but `--help`, then goes on.
const PLAIN: &str = "argparse.ArgumentParser(description='Does it.').parse_args()";

/// Writes the ids of itself, of a shell and of what the shell began, all of which wait for ever.
const TREE: &str = r"
argparse.ArgumentParser().parse_args()
import subprocess
shell = subprocess.Popen(['/bin/sh', '-c', 'sleep 1000 & echo $! > inner; wait'])
while not (os.path.exists('inner') and open('inner').read().endswith('\n')): time.sleep(0.01)
with open('new', 'w') as f: f.write('%d %d %s' % (os.getpid(), shell.pid, open('inner').read()))
os.rename('new', 'pids')
time.sleep(1000)
";

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "{what}: waited in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The state, parent and name of a process.
fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut rest = stat.rsplit(") ").next()?.split(' ');
    Some((rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}

/// Whether a process runs; one that only waits for a parent outside to take note does not.
pub(crate) fn runs(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z')
}

/// The children of a process, ended ones included.
fn children(parent: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|e| e.unwrap().file_name().to_str()?.parse().ok());
    all.filter(|pid| stat(*pid).is_some_and(|(_, above)| above == parent)).collect()
}

/// Begins a call of the tree, and waits for its processes.
pub(crate) fn grown(client: &mut Client, directory: &Path) -> (u64, Vec<u32>) {
    let id = client.begin_call("tree", &json!({}));
    let path = directory.join("pids");
    until("a tree of processes", || path.exists());
    let pids: Vec<u32> =
        fs::read_to_string(path).unwrap().split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.len() == 3 && pids.iter().all(|pid| runs(*pid)), "{pids:?}");
    (id, pids)
}

pub(crate) fn tree(site: &Site) -> PathBuf {
    site.plugin("tree", TREE)
}

pub(crate) fn all_gone(pids: &[u32]) {
    until("an end of all processes", || !pids.iter().any(|pid| runs(*pid)));
}

#[test]
fn children_never_reaped() {
    let site = Site::new();
    site.plugin("quick", &format!("{PLAIN}\nos.system('true')\nprint('done')"));
    let mut client = site.stdio(&[], &[]);
    client.text("quick", &json!({}));
    let before = children(client.pid());
    for _ in 0..10 {
        client.text("quick", &json!({}));
    }
    until("no more children than before", || children(client.pid()) == before);
}

#[test]
fn grandchildren_left_after_the_shell_was_killed() {
    let site = Site::new();
    let directory = tree(&site);
    let mut client = site.stdio(&["--plugin-timeout", "2"], &[]);
    let (id, pids) = grown(&mut client, &directory);
    let result = client.answer(id)["result"].clone();
    assert_eq!(result["structuredContent"]["error"]["code"], "timeout", "{result}");
    all_gone(&pids);
}

#[test]
fn help_that_executes_a_program_that_ignores_it() {
    let site = Site::new();
    site.plugin("good", PLAIN);
    let rude = site
        .plugin("rude", "open('ran', 'a').write(repr((sys.argv[1:], sys.stdin.read())))\nprint('worked')");
    let hung = site.plugin("hung", "open('ran', 'a').write('%d ' % os.getpid())\ntime.sleep(1000)");
    let output = smcp(site.dir.path(), &["inspect", "--json", "--help-timeout", "2"]).output().unwrap();
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let states: Vec<(&str, &str)> =
        all.iter().map(|p| (p["name"].as_str().unwrap(), p["state"].as_str().unwrap())).collect();
    assert_eq!(states, [("good", "ready"), ("hung", "failed"), ("rude", "failed")]);
    // One run each, with `--help` alone, standard input at its end, and a time limit; and why is said.
    assert_eq!(fs::read_to_string(rude.join("ran")).unwrap(), "(['--help'], '')");
    assert_eq!(all[2]["reason"], "`--help` printed no usage (exit code 0)");
    assert_eq!(all[1]["reason"], "no help within 2s; the program was ended");
    let pids = fs::read_to_string(hung.join("ran")).unwrap();
    let pids: Vec<u32> = pids.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 1);
    all_gone(&pids);
}

/// The most memory that a process ever had, in KiB.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

#[test]
fn output_cap_applied_after_buffering_everything() {
    let site = Site::new();
    let body = format!("{PLAIN}\nfor _ in range(256): sys.stdout.write('x' * (1 << 20))");
    site.plugin("flood", &body);
    let mut client = site.stdio(&["--max-output", "100000"], &[]);
    let before = peak(client.pid());
    let result = client.call("flood", &json!({}));
    assert!(result.to_string().len() < 200_000);
    let grown = peak(client.pid()) - before;
    assert!(grown < 32 << 10, "{grown} KiB more for 256 MiB of output");
}

#[test]
fn silent_truncation() {
    let site = Site::new();
    let body = format!("{PLAIN}\nprint('the beginning' + 'x' * 300000 + 'the end')");
    site.plugin("long", &body);
    let mut client = site.stdio(&["--max-output", "100000"], &[]);
    let result = client.call("long", &json!({}));
    let texts: Vec<&str> =
        result["content"].as_array().unwrap().iter().filter_map(|block| block["text"].as_str()).collect();
    let all = texts.concat();
    assert!(all.starts_with("the beginning") && all.contains("the end"), "head and tail are kept");
    let total = "the beginning".len() + 300_000 + "the end".len() + 1;
    assert!(all.contains(&total.to_string()), "the whole length is told: {texts:.200?}");
}

#[test]
fn child_that_inherits_the_transports_standard_input() {
    let site = Site::new();
    site.plugin("reads", &format!("{PLAIN}\nprint(repr(sys.stdin.read()))"));
    let mut client = site.stdio(&[], &[]);
    // The next requests are there already while the program reads.
    let ids = [
        client.begin_call("reads", &json!({})),
        client.begin("ping", json!({})),
        client.begin("ping", json!({})),
    ];
    let answers = ids.map(|id| client.answer(id)["result"].clone());
    assert_eq!(answers[0]["content"][0]["text"], "''\n", "{}", answers[0]);
    assert_eq!(answers[1..], [json!({}), json!({})]);
}

/// A client that waits only so long for each sign of life must get one in time.
#[test]
fn progress_that_does_not_extend_a_clients_time_limit() {
    let site = Site::new();
    let steps = "for i in range(1, 6):\n    print('%d/5' % i, file=sys.stderr, flush=True); time.sleep(0.3)\nprint('done')";
    site.plugin("steps", &format!("{PLAIN}\n{steps}"));
    let mut client = site.stdio(&[], &[]);
    let id = client.begin_call("steps", &json!({}));
    let result = client.answer(id)["result"].clone();
    let answered = Instant::now();
    assert_eq!(result["content"][0]["text"], "done\n", "{result}");
    let steps: Vec<&(Instant, Value)> =
        client.told.iter().filter(|(_, m)| m["method"] == "notifications/progress").collect();
    let reached: Vec<String> = steps
        .iter()
        .map(|(_, m)| format!("{} of {}", m["params"]["progress"], m["params"]["total"]))
        .collect();
    let whole = |text: &String| text.replace(".0", "");
    assert_eq!(
        reached.iter().map(whole).collect::<Vec<_>>(),
        ["1 of 5", "2 of 5", "3 of 5", "4 of 5", "5 of 5"]
    );
    assert!(steps.iter().all(|(_, m)| m["params"]["progressToken"] == id));
    // As it comes, not at the end.
    assert!(answered - steps[0].0 > Duration::from_millis(900), "the first step came late");
}

#[test]
fn cancelled_call_whose_process_tree_lives_on() {
    let site = Site::new();
    let directory = tree(&site);
    let mut client = site.stdio(&[], &[]);
    let (id, pids) = grown(&mut client, &directory);
    let cancelled = Instant::now();
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
    all_gone(&pids);
    assert!(cancelled.elapsed() < Duration::from_secs(5), "{:?}", cancelled.elapsed());
    assert_eq!(client.ask("ping", json!({})), json!({}), "the session goes on");
}

/// All lists of choices in a schema.
fn enums(schema: &Value) -> Vec<Vec<String>> {
    let below = schema
        .as_array()
        .into_iter()
        .flatten()
        .chain(schema.as_object().into_iter().flat_map(|o| o.values()));
    let own = schema.get("enum").and_then(Value::as_array);
    let own = own.map(|list| list.iter().map(ToString::to_string).collect());
    own.into_iter().chain(below.flat_map(enums)).collect()
}

/// What clients ask of a tool, or they drop it, and some of them all others as well.
fn check(tool: &Value) {
    let name = tool["name"].as_str().unwrap();
    let is_key = |key: &str, more: &str| {
        (1..=64).contains(&key.len()) && key.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    assert!(is_key(name, "_-"), "{tool}");
    assert!(!tool["description"].as_str().unwrap().is_empty(), "{tool}");
    let schema = &tool["inputSchema"];
    assert_eq!(schema["type"], "object", "{tool}");
    for combinator in ["anyOf", "oneOf", "allOf", "not", "enum"] {
        assert!(schema.get(combinator).is_none(), "{combinator} at the root: {tool}");
    }
    jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|e| panic!("{e}: {tool}"));
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    assert!(properties.keys().all(|key| is_key(key, "_.-")), "{tool}");
    for choices in enums(schema) {
        let distinct: BTreeSet<&String> = choices.iter().collect();
        assert!(!choices.is_empty() && distinct.len() == choices.len(), "{choices:?}: {tool}");
    }
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    assert!(required.iter().all(|name| properties.contains_key(name.as_str().unwrap())), "{tool}");
}

#[test]
fn one_bad_schema_that_makes_a_client_drop_every_tool() {
    let site = Site::new();
    let odd = "
p = argparse.ArgumentParser()
p.add_argument('--größe', type=float, default=float('nan'))
p.add_argument('--inf', type=float, default=float('inf'))
p.add_argument('--same', choices=['a', 'a', ''])
p.add_argument('--none', choices=[])
p.add_argument('--object', default=object())
p.add_argument('--x', metavar='', nargs='*', default=[None, os])
p.add_argument('--' + 'long-' * 40, action='append', nargs='+', type=int)
p.add_argument('-é')
p.add_argument('$ref', nargs='?')
p.add_argument('type', nargs='?')
p.parse_args()
print('fine')";
    site.plugin("good", &format!("{PLAIN}\nprint('good')"));
    site.plugin("odd", odd);
    site.plugin("Ünï.cöde and blanks", PLAIN);
    site.plugin("broken", "import no_such_module");
    for words in [&[][..], &["--no-live", "--schemas-dir", "text"]] {
        let mut client = site.stdio(words, &[]);
        let tools = client.tools();
        assert_eq!(tools.len(), 3, "all but the broken one");
        tools.iter().for_each(check);
        assert_eq!(client.text("good", &json!({})), "good\n");
        assert_eq!(client.text("odd", &json!({})), "fine\n");
        // A property whose name had to be changed answers to its flag.
        let sizes = json!({"größe": 1.5, "--größe": 1.5, "ref": "r"});
        assert_eq!(client.text("odd", &sizes), "fine\n");
    }
}

#[test]
fn log_line_on_standard_output_that_ends_a_stdio_session() {
    let site = Site::new();
    let loud = "
print('INFO starting')
print(json.dumps({'jsonrpc': '2.0', 'id': 1, 'result': {}}), flush=True)
os.system('echo from a shell; echo to standard error >&2')
argparse.ArgumentParser().parse_args()
print('called')";
    site.plugin("loud", loud);
    let mut client = site.stdio(&[], &[]);
    for _ in 0..2 {
        // Every line that comes until the answer is checked to be a message.
        let text = client.text("loud", &json!({}));
        assert!(text.starts_with("INFO starting\n") && text.ends_with("from a shell\ncalled\n"), "{text}");
    }
    assert_eq!(client.ask("ping", json!({})), json!({}));
}

#[test]
fn cache_that_never_notices_a_changed_plugin() {
    let site = Site::new();
    let log = site.dir.path().join("runs");
    let body = |name: &str| {
        format!(
            "open({log:?}, 'a').write('x')\n{name} = 1\np = argparse.ArgumentParser()\np.add_argument('--{name}')\np.parse_args()"
        )
    };
    let directory = site.plugin("tool", &body("old"));
    let runs = || fs::read_to_string(&log).unwrap().len();
    let property = |client: &mut Client| {
        let tools = client.tools();
        tools[0]["inputSchema"]["properties"].as_object().unwrap().keys().next().unwrap().clone()
    };
    assert_eq!(property(&mut site.stdio(&[], &[])), "old");
    assert_eq!((property(&mut site.stdio(&[], &[])), runs()), ("old".to_owned(), 1), "nothing is run again");
    // As long as before, and with the same times.
    let file = directory.join("cli.py");
    let times = fs::metadata(&file).unwrap().modified().unwrap();
    site.plugin("tool", &body("new"));
    fs::File::options().write(true).open(&file).unwrap().set_modified(times).unwrap();
    assert_eq!(property(&mut site.stdio(&[], &[])), "new");
    // A module beside it counts as well.
    fs::write(directory.join("names.py"), "NAME = '--one'").unwrap();
    site.plugin(
        "tool",
        "import names\np = argparse.ArgumentParser()\np.add_argument(names.NAME)\np.parse_args()",
    );
    assert_eq!(property(&mut site.stdio(&[], &[])), "one");
    // Of another length: Python itself takes its compiled module for a source of the same second and length.
    fs::write(directory.join("names.py"), "NAME = '--second'").unwrap();
    let mut client = site.stdio(&[], &[]);
    assert_eq!(property(&mut client), "second");
    // And so does a server that runs, which tells its clients.
    fs::write(directory.join("names.py"), "NAME = '--three'").unwrap();
    let is_told = |client: &Client| {
        client.told.iter().any(|(_, message)| message["method"] == "notifications/tools/list_changed")
    };
    until("word of a change", || {
        client.ask("ping", json!({}));
        is_told(&client)
    });
    assert_eq!(property(&mut client), "three");
}

#[test]
fn directories_that_differ_only_in_dashes_and_case() {
    let site = Site::new();
    let names = ["my-tool", "my_tool", "My_Tool"];
    for name in names {
        site.plugin(name, &format!("argparse.ArgumentParser().parse_args()\nprint({name:?})"));
    }
    let mut client = site.stdio(&[], &[]);
    let listed = client.names();
    let folded: BTreeSet<String> = listed.iter().map(|name| name.to_lowercase().replace('-', "_")).collect();
    assert_eq!((listed.len(), folded.len()), (3, 3), "{listed:?}");
    let mut called: Vec<String> =
        listed.iter().map(|name| client.text(name, &json!({})).trim().to_owned()).collect();
    called.sort();
    assert_eq!(called, ["My_Tool", "my-tool", "my_tool"]);
}
