//! Faults of other servers of such plugins, each shown not to be there. Those about standard input and output and about
//! cancelled calls are in `bridges`; explicit `false` is in `rendering` too.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::net::{IpAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use smcp::cli::{self, Cli};
use smcp::config::Config;

use super::bridges::{all_gone, grown, tree};
use super::client::{REVISION, Site, smcp};
use super::schemas;
use super::support::{PATIENCE, runtime};

const PRINTS: &str = "print(json.dumps(vars(p.parse_args())))";

#[test]
fn fixed_time_limit() {
    let limit = |value: Option<&str>| {
        let typed = <Cli as clap::Parser>::parse_from(["smcp", "stdio"]);
        let Some(cli::Command::Stdio(typed)) = typed.command else { panic!("another command") };
        let set = value.map(str::to_owned);
        let variable = move |name: &str| set.clone().filter(|_| name == "MCP_PLUGIN_TIMEOUT");
        Config::stdio(&typed, &variable).unwrap().limits.timeout
    };
    assert_eq!([limit(None), limit(Some("0")), limit(Some("-1"))], [None; 3]);
    assert_eq!(limit(Some("301")), Some(Duration::from_secs(301)));
    let site = Site::new();
    site.plugin("slow", "argparse.ArgumentParser().parse_args()\ntime.sleep(1000)");
    let mut client = site.stdio(&[], &[("MCP_PLUGIN_TIMEOUT", "1")]);
    let result = client.call("slow", &json!({}));
    assert_eq!(result["structuredContent"]["error"]["code"], "timeout", "{result}");
}

/// Whatever ends the call: here the server is killed with it.
#[test]
fn child_orphaned() {
    let site = Site::new();
    let directory = tree(&site);
    let mut client = site.stdio(&[], &[]);
    let (_, pids) = grown(&mut client, &directory);
    client.kill();
    all_gone(&pids);
}

#[test]
fn false_dropped_or_sent_as_a_value() {
    let site = Site::new();
    site.plugin("flags", &format!("p = argparse.ArgumentParser()\np.add_argument('--on', action='store_true')\np.add_argument('--no-off', dest='off', action='store_false')\np.add_argument('--colour', action=getattr(argparse, 'BooleanOptionalAction', 'store_true'), default=True)\n{PRINTS}"));
    let mut client = site.stdio(&[], &[]);
    let namespace = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let off = client.text("flags", &json!({"on": false, "no_off": false, "colour": false}));
    let colour = super::support::newest().version < (3, 9);
    assert_eq!(namespace(off), json!({"on": false, "off": true, "colour": colour}));
    let on = client.text("flags", &json!({"on": true, "no_off": true, "colour": true}));
    assert_eq!(namespace(on), json!({"on": true, "off": false, "colour": true}));
}

#[test]
fn python_repr_of_lists_and_objects() {
    let site = Site::new();
    site.plugin("values", &format!("p = argparse.ArgumentParser()\np.add_argument('--text')\np.add_argument('--tag', action='append')\np.add_argument('--many', nargs='*')\n{PRINTS}"));
    let mut client = site.stdio(&[], &[]);
    let given = json!({"text": {"a": [1, true, null, "x"]}, "tag": ["a b", "c"], "many": ["d", "e"]});
    let got: Value = serde_json::from_str(&client.text("values", &given)).unwrap();
    assert_eq!(got, json!({"text": r#"{"a":[1,true,null,"x"]}"#, "tag": ["a b", "c"], "many": ["d", "e"]}));
    let objects = json!({"tag": [{"k": null}, {"k": [true]}]});
    let got: Value = serde_json::from_str(&client.text("values", &objects)).unwrap();
    assert!(!got.to_string().contains("None") && !got.to_string().contains("True"), "{got}");
}

#[test]
fn empty_error_text() {
    let site = Site::new();
    site.plugin("mute", "argparse.ArgumentParser().parse_args()\nsys.exit(3)");
    site.plugin("killed", "argparse.ArgumentParser().parse_args()\nos.kill(os.getpid(), 9)");
    site.plugin(
        "usage",
        "p = argparse.ArgumentParser()\np.add_argument('--n', type=lambda text: int(text))\np.parse_args()",
    );
    let mut client = site.stdio(&[], &[]);
    for (tool, arguments, said) in [
        ("mute", json!({}), "exit code 3"),
        ("killed", json!({}), "SIGKILL"),
        ("usage", json!({"n": "x"}), "--n"),
    ] {
        let result = client.call(tool, &arguments);
        assert_eq!(result["isError"], true, "{result}");
        assert!(result["content"][0]["text"].as_str().unwrap().contains(said), "{result}");
        assert_eq!(result["structuredContent"]["error"]["code"], "plugin_error", "{result}");
        assert!(result["structuredContent"]["error"]["message"].as_str().unwrap().contains(said), "{result}");
    }
}

/// A running `smcp serve`; it ends with the test.
struct Served {
    child: Child,
    /// Left open, so that it can go on saying things.
    output: Lines<BufReader<ChildStdout>>,
    /// What it said at the start.
    lines: Vec<String>,
    port: u16,
}

impl Served {
    fn start(mut command: Command) -> Served {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Served { child, output, lines: Vec::new(), port: 0 };
        let port = |line: &str| {
            let rest = line.split("http://").nth(1)?.rsplit_once(':')?.1;
            rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
        };
        while server.port == 0 {
            let line = server.output.next().expect("the server tells its address").unwrap();
            server.port = port(&line).unwrap_or(0);
            server.lines.push(line);
        }
        server
    }

    /// Posts a message for a session; the answer's session and body.
    fn post(&self, session: Option<&str>, message: &Value) -> (Option<String>, Value) {
        runtime().block_on(async {
            let url = format!("http://127.0.0.1:{}/mcp", self.port);
            let mut request = reqwest::Client::new().post(url).timeout(PATIENCE).body(message.to_string());
            for (name, value) in
                [("content-type", "application/json"), ("accept", "application/json, text/event-stream")]
            {
                request = request.header(name, value);
            }
            if let Some(session) = session {
                request = request.header("mcp-session-id", session);
            }
            let response = request.send().await.unwrap();
            let id = response.headers().get("mcp-session-id").map(|id| id.to_str().unwrap().to_owned());
            let text = response.text().await.unwrap();
            let data =
                text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap_or(&text);
            let answer: Value = serde_json::from_str(data).unwrap_or(Value::Null);
            if !answer.is_null() {
                schemas::check(REVISION, message["method"].as_str(), &answer);
            }
            (id, answer)
        })
    }

    /// Begins a session.
    fn session(&self) -> String {
        let info = json!({"name": "test", "version": "0"});
        let params = json!({"protocolVersion": REVISION, "capabilities": {}, "clientInfo": info});
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let session = self.post(None, &hello).0.unwrap();
        self.post(Some(&session), &json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        session
    }

    fn ask(&self, session: &str, method: &str, params: Value) -> Value {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.post(Some(session), &message).1;
        answer.get("result").unwrap_or_else(|| panic!("{answer}")).clone()
    }

    fn names(&self, session: &str) -> Vec<String> {
        let listed = self.ask(session, "tools/list", json!({}));
        let names =
            listed["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned());
        names.collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn state_shared_between_sessions() {
    let site = Site::new();
    for name in ["one", "two"] {
        site.plugin(name, "argparse.ArgumentParser().parse_args()");
    }
    let profiles = json!({"profiles": {"both": {"mode": "all"}}});
    fs::write(site.dir.path().join("profiles.json"), profiles.to_string()).unwrap();
    let mut command = smcp(
        site.dir.path(),
        &["serve", "--host", "127.0.0.1", "--port", "0", "--profiles", "profiles.json"],
    );
    command.env("SMCP_ATTACH_PROFILE", "both");
    let server = Served::start(command);
    let (a, b) = (server.session(), server.session());
    let all = server.names(&a);
    assert!(all.contains(&"one".to_owned()) && all == server.names(&b), "{all:?}");
    let detach = json!({"name": "sanctum__tools", "arguments": {"action": "detach", "tools": ["one"]}});
    let result = server.ask(&a, "tools/call", detach);
    assert_eq!(result["isError"], false, "{result}");
    assert!(!server.names(&a).contains(&"one".to_owned()), "detached: {result}");
    assert_eq!(server.names(&b), all, "the other session has what it had");
}

#[test]
fn malformed_description_that_degraded_silently() {
    let site = Site::new();
    let describes = "
if '--describe' in sys.argv:
    print(json.dumps({'commands': [{'name': 'run', 'description': 'Runs.', 'parameters': [{'name': 'n', 'type': 'list'}]}]}))
    sys.exit()
p = argparse.ArgumentParser()
p.add_subparsers().add_parser('run', help='runs').add_argument('--n')
p.parse_args()";
    let directory = site.plugin("told", describes);
    fs::write(directory.join("plugin.toml"), "describe = true\n").unwrap();
    let output = smcp(site.dir.path(), &["inspect", "--json"]).output().unwrap();
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let told = all[0]["diagnostics"].to_string();
    assert!(told.contains("commands[0].parameters[0].type: must be one of"), "{told}");
    assert_eq!(all[0]["tools"][0]["name"], "told__run", "what help says is served");
}

#[test]
fn wrong_version_reported() {
    let site = Site::new();
    let version = env!("CARGO_PKG_VERSION");
    let printed = smcp(site.dir.path(), &["--version"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&printed.stdout), format!("smcp {version}\n"));
    let mut client = site.stdio(&[], &[]);
    assert_eq!(client.server["version"], version);
    let health: Value = serde_json::from_str(&client.text("health", &json!({}))).unwrap();
    assert_eq!(health["version"], version, "{health}");
}

#[test]
fn mcp_host_ignored() {
    let site = Site::new();
    let mut command = smcp(site.dir.path(), &["serve"]);
    command.envs([("MCP_HOST", "127.0.0.2"), ("MCP_PORT", "0")]);
    let server = Served::start(command);
    assert!(server.lines.concat().contains("http://127.0.0.2:"), "{:?}", server.lines);
    let connects = |host: [u8; 4]| {
        TcpStream::connect_timeout(&(IpAddr::from(host), server.port).into(), PATIENCE).is_ok()
    };
    assert!(connects([127, 0, 0, 2]) && !connects([127, 0, 0, 1]));
}

#[test]
fn names_with_dots_and_long_ones() {
    let site = Site::new();
    let long = "a-very-long-word-".repeat(5);
    let commands = format!(
        "s = argparse.ArgumentParser()\nq = s.add_subparsers(dest='cmd')\nfor name in ['x.y', '{long}one', '{long}two']: q.add_parser(name, help='some')\nprint(s.parse_args().cmd)"
    );
    site.plugin("a.b", &commands);
    let mut client = site.stdio(&[], &[]);
    let names = client.names();
    assert_eq!(names.len(), 3, "{names:?}");
    for name in &names {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        assert!(name.len() <= 64 && name.chars().all(fits), "{name}");
    }
    let mut called: Vec<String> =
        names.iter().map(|name| client.text(name, &json!({})).trim().to_owned()).collect();
    called.sort();
    assert_eq!(called, [format!("{long}one"), format!("{long}two"), "x.y".to_owned()]);
    assert_eq!(client.text("a.b.x.y", &json!({})), "x.y\n", "by the dotted name of older servers");
}

#[test]
fn external_bind_left_open() {
    let site = Site::new();
    for host in ["0.0.0.0", "::", "192.0.2.1"] {
        let words = ["serve", "--allow-external", "--host", host, "--port", "0"];
        let refused = smcp(site.dir.path(), &words).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("MCP_API_KEY"), "{host}: {said}");
    }
}

#[test]
fn directory_with_two_underscores_that_is_not_callable() {
    let site = Site::new();
    site.plugin("a__b", "p = argparse.ArgumentParser()\ns = p.add_subparsers(dest='cmd')\ns.add_parser('c', help='some')\ns.add_parser('d__e', help='some')\nprint(p.parse_args().cmd)");
    site.plugin("a", "p = argparse.ArgumentParser()\np.add_subparsers(dest='cmd').add_parser('b', help='some')\np.parse_args()\nprint('other')");
    let mut client = site.stdio(&[], &[]);
    assert_eq!(client.names(), ["a__b", "a__b__c", "a__b__d__e"]);
    for (name, said) in [("a__b__c", "c\n"), ("a__b__d__e", "d__e\n"), ("a__b.c", "c\n"), ("a__b", "other\n")]
    {
        assert_eq!(client.text(name, &json!({})), said, "{name}");
    }
}

#[test]
fn output_that_is_not_utf8() {
    use base64::Engine as _;
    let site = Site::new();
    site.plugin("bytes", "p = argparse.ArgumentParser()\np.add_argument('--code', type=int, default=0)\ncode = p.parse_args().code\nsys.stdout.buffer.write(b'\\x80\\xff ab\\x00')\nsys.stderr.buffer.write(b'\\xff broken')\nsys.exit(code)");
    let mut client = site.stdio(&[], &[]);
    let result = client.call("bytes", &json!({}));
    assert_eq!(result["isError"], false, "{result}");
    let blob = result["content"][0]["resource"]["blob"].as_str().unwrap_or_else(|| panic!("{result}"));
    assert_eq!(base64::engine::general_purpose::STANDARD.decode(blob).unwrap(), b"\x80\xff ab\x00");
    let result = client.call("bytes", &json!({"code": 1}));
    let error = &result["structuredContent"]["error"];
    assert_eq!((&error["code"], &result["isError"]), (&json!("plugin_error"), &json!(true)), "{result}");
    assert!(error["message"].as_str().unwrap().contains("broken"), "{result}");
}

/// The processor time that a process has used, in clock ticks (100 a second on Linux).
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    [11, 12].iter().map(|i| fields[*i].parse::<u64>().unwrap()).sum()
}

/// There, 5 MB took 3.3 seconds; here even a build without optimisation takes less than a third of that.
#[test]
fn large_output_that_takes_seconds() {
    let site = Site::new();
    site.plugin(
        "large",
        "argparse.ArgumentParser().parse_args()\nsys.stdout.write('line of text\\n' * 400000)",
    );
    let mut client = site.stdio(&[], &[]);
    let before = ticks(client.pid());
    assert_eq!(client.text("large", &json!({})).len(), 5_200_000);
    let used = ticks(client.pid()) - before;
    assert!(used < 110, "{used} ticks of processor time");
}

#[test]
fn bogus_tool_of_all_subcommands() {
    let site = Site::new();
    site.plugin("many", "p = argparse.ArgumentParser()\ns = p.add_subparsers(dest='cmd')\nfor i in range(2): s.add_parser('cmd-%d' % i)\nprint(p.parse_args().cmd)");
    for words in [&[][..], &["--no-live", "--schemas-dir", "text"]] {
        let mut client = site.stdio(words, &[]);
        assert_eq!(client.names(), ["many__cmd-0", "many__cmd-1"], "{words:?}");
        assert_eq!(client.text("many__cmd-1", &json!({})), "cmd-1\n");
    }
}

#[test]
fn schema_that_forbids_the_arguments_that_the_tool_needs() {
    let site = Site::new();
    let body = format!(
        "
p = argparse.ArgumentParser()
p.add_argument('--global-key', required=True)
p.add_argument('env')
s = p.add_subparsers(dest='cmd')
up = s.add_parser('up', help='some')
up.add_argument('--class', dest='kind', required=True, choices=['a', 'b'])
up.add_argument('-n', type=int, required=True)
g = up.add_mutually_exclusive_group(required=True)
g.add_argument('--left')
g.add_argument('--right', action='store_true')
up.add_argument('files', nargs='+')
{PRINTS}"
    );
    site.plugin("needs", &body);
    for words in [&[][..], &["--no-live", "--schemas-dir", "text"]] {
        let mut client = site.stdio(words, &[]);
        let schema = client.tools()[0]["inputSchema"].clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let all = json!({"global_key": "k", "env": "e", "class": "a", "n": 1, "right": true, "files": ["f"]});
        assert!(validator.is_valid(&all), "{words:?}: {schema}");
        let got: Value = serde_json::from_str(&client.text("needs__up", &all)).unwrap();
        assert_eq!(
            (&got["global_key"], &got["kind"], &got["right"]),
            (&json!("k"), &json!("a"), &json!(true))
        );
        // And what lacks something is no argument of it, by the schema and by the server.
        let lacking = json!({"env": "e", "class": "a", "n": 1, "right": true, "files": ["f"]});
        assert!(!validator.is_valid(&lacking), "{words:?}");
        let id = client.begin("tools/call", json!({"name": "needs__up", "arguments": lacking}));
        let refused = client.answer(id);
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
        assert!(refused.to_string().contains("global_key"), "{refused}");
    }
}

/// A build takes the versions in the lock file, and no newer major version of anything.
#[test]
fn starts_that_fail_when_a_dependency_has_a_new_major_version() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap().parse::<toml::Table>().unwrap();
    let (manifest, lock) = (read("Cargo.toml"), read("Cargo.lock"));
    let locked: Vec<&str> =
        lock["package"].as_array().unwrap().iter().filter_map(|p| p["name"].as_str()).collect();
    for (name, wanted) in manifest["dependencies"].as_table().unwrap() {
        let version = wanted.as_str().or_else(|| wanted.get("version")?.as_str()).unwrap();
        assert!(
            version.starts_with(|c: char| c.is_ascii_digit()) && !version.contains('*'),
            "{name}: {version}"
        );
        assert!(locked.contains(&name.as_str()), "{name} is locked");
    }
    // The plugins that come with it need nothing but Python.
    for plugin in fs::read_dir(root.join("plugins")).unwrap() {
        let plugin = plugin.unwrap().path();
        for file in ["requirements.txt", "pyproject.toml"] {
            assert!(!plugin.join(file).exists(), "{}: {file}", plugin.display());
        }
    }
}
