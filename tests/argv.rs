//! Calls rendered for real `argparse` parsers, on every interpreter that `SMCP_TEST_PYTHONS` names (else `python3`):
//! what a parser makes of the words must be what the call's arguments say, or the call must be refused.
#![allow(
    clippy::unwrap_used,
    clippy::unnecessary_debug_formatting,
    reason = "a test that cannot go on may panic; Python literals are made by debug formatting"
)]
#![allow(clippy::disallowed_methods, reason = "tests start programs")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};

use serde_json::{Map, Value, json};
use smcp::argv::render;
use smcp::model::Command;
use smcp::schema::tools;

/// Reads parser sources (one JSON line), answers with their descriptions; reads pairs of source and words (one JSON
/// line), answers with the namespaces, or null where the parser refuses.
const HARNESS: &str = r#"
import argparse, contextlib, io, json, sys

NAMES = {"_StoreAction": "store", "_StoreTrueAction": "flag", "_StoreFalseAction": "flag", "_StoreConstAction": "flag",
         "_AppendConstAction": "flag", "_CountAction": "count", "_AppendAction": "append", "_ExtendAction": "extend",
         "BooleanOptionalAction": "negatable", "_HelpAction": "help", "_VersionAction": "version"}

def build(source):
    scope = {"argparse": argparse, "A": argparse.ArgumentParser, "R": argparse.REMAINDER, "S": argparse.SUPPRESS}
    exec(source, scope)
    return scope["p"]

def quiet():
    stack = contextlib.ExitStack()
    stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
    stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
    return stack

def keeps_double_dash():
    p = argparse.ArgumentParser()
    p.add_argument("a"); p.add_argument("b"); p.add_argument("--x")
    n = p.parse_args(["--x=--", "--", "a", "--"])
    return n.x == "--" and n.b == "--"

def argument(a):
    kind = NAMES.get(type(a).__name__, "flag" if a.nargs == 0 else "store")
    n = a.nargs
    arity = "0" if kind in ("flag", "count", "negatable", "help", "version") else "1" if n in (None, 1) else str(n)
    out = {"flags": list(a.option_strings), "action": kind, "arity": arity, "required": bool(a.required) if a.option_strings else n not in ("?", "*", "..."),
           "hidden": a.help is argparse.SUPPRESS}
    if a.dest is not argparse.SUPPRESS:
        out["dest"] = a.dest
    out["metavar"] = [a.metavar] if isinstance(a.metavar, str) else list(a.metavar or [])
    out["type"] = {int: "integer", float: "number"}.get(a.type, "string")
    if a.choices is not None:
        out["choices"] = [str(c) for c in a.choices]
    if a.default is not argparse.SUPPRESS and not callable(a.default):
        out["default"] = a.default
    return out

def describe(p, name=""):
    actions = [a for a in p._actions if not isinstance(a, argparse._SubParsersAction)]
    out = {"name": name, "arguments": [argument(a) for a in actions], "subcommands": [],
           "exclusive": [{"required": g.required, "members": [actions.index(a) for a in g._group_actions]}
                         for g in p._mutually_exclusive_groups],
           "parser": {"prefixChars": p.prefix_chars, "fromfilePrefixChars": p.fromfile_prefix_chars,
                      "negativeNumberOptions": bool(p._has_negative_number_optionals),
                      "allowAbbrev": p.allow_abbrev, "keepsDoubleDash": keeps_double_dash()}}
    positionals = [a for a in p._actions if not a.option_strings]
    for at, sub in enumerate(positionals):
        if isinstance(sub, argparse._SubParsersAction):
            out["subcommandAt"], out["runsAlone"] = at, not sub.required
            by_parser = {}
            for n, c in sub.choices.items():
                by_parser.setdefault(id(c), (c, []))[1].append(n)
            out["subcommands"] = [dict(describe(c, names[0]), aliases=names[1:]) for c, names in by_parser.values()]
    return out

def parse(source, words):
    p = build(source)
    with quiet():
        try:
            if "as known" in source:
                namespace, extra = p.parse_known_args(words)
                return None if extra else vars(namespace)
            return vars((p.parse_intermixed_args if "as intermixed" in source else p.parse_args)(words))
        except SystemExit:
            return None

sources = json.loads(sys.stdin.readline())
described = []
for source in sources:
    try:
        if "as intermixed" in source:
            argparse.ArgumentParser.parse_intermixed_args
        described.append(describe(build(source)))
    except (AttributeError, ValueError):
        described.append(None)  # something that this version doesn't have
print(json.dumps(described), flush=True)
for line in sys.stdin:
    print(json.dumps([parse(*pair) for pair in json.loads(line)]), flush=True)
"#;

/// What a call should lead to.
enum Expected {
    /// This namespace.
    Namespace(Value),
    /// A refusal whose text holds this.
    Refused(&'static str),
    /// This namespace where argparse keeps a value `--`, a refusal where it drops it.
    IfDashesKept(Value),
}

struct Call {
    source: &'static str,
    path: &'static str,
    arguments: Value,
    expected: Expected,
}

/// Calls and what they should lead to, parser by parser.
#[derive(Default)]
struct Table(Vec<Call>);

impl Table {
    fn parser(&mut self, source: &'static str) -> Calls<'_> {
        Calls { table: self, source, path: "" }
    }
}

struct Calls<'a> {
    table: &'a mut Table,
    source: &'static str,
    path: &'static str,
}

impl Calls<'_> {
    fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    fn gives(self, arguments: Value, namespace: Value) -> Self {
        self.push(arguments, Expected::Namespace(namespace))
    }

    fn refuses(self, arguments: Value, reason: &'static str) -> Self {
        self.push(arguments, Expected::Refused(reason))
    }

    fn gives_if_kept(self, arguments: Value, namespace: Value) -> Self {
        self.push(arguments, Expected::IfDashesKept(namespace))
    }

    fn push(self, arguments: Value, expected: Expected) -> Self {
        self.table.0.push(Call { source: self.source, path: self.path, arguments, expected });
        self
    }
}

/// An interpreter that runs the harness.
struct Python {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    fn start(program: &str) -> Python {
        let mut child = Process::new(program)
            .args(["-c", HARNESS])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e}"));
        let input = child.stdin.take().expect("stdin is piped");
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Python { child, input, output }
    }

    fn ask(&mut self, question: &Value) -> Vec<Value> {
        writeln!(self.input, "{question}").expect("the harness reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the harness answers");
        serde_json::from_str(&line).expect("the harness answers in JSON")
    }

    fn finish(self) {
        let Python { mut child, input, .. } = self;
        drop(input);
        assert!(child.wait().expect("the harness ends").success());
    }
}

fn pythons() -> Vec<String> {
    let listed = std::env::var("SMCP_TEST_PYTHONS").unwrap_or_else(|_| "python3".into());
    listed.split(':').filter(|p| !p.is_empty()).map(str::to_owned).collect()
}

fn rendered(root: &Command, call: &Call) -> Result<Vec<String>, String> {
    let path: Vec<String> = call.path.split_whitespace().map(str::to_owned).collect();
    let served = tools("prog", root, &BTreeMap::new());
    let tool = served.tools.iter().find(|t| t.path == path).ok_or("no such tool")?;
    let chain = root.chain(&path).ok_or("no such path")?;
    let arguments: &Map<String, Value> = call.arguments.as_object().ok_or("not an object")?;
    render(&chain, tool, arguments)
        .map_err(|e| e.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn prove(table: &Table) {
    let failures: Vec<String> = pythons().iter().flat_map(|program| prove_on(program, table)).collect();
    assert!(failures.is_empty(), "{} failures\n\n{}", failures.len(), failures.join("\n\n"));
}

fn prove_on(program: &str, table: &Table) -> Vec<String> {
    let mut sources: Vec<&str> = table.0.iter().map(|c| c.source).collect();
    sources.dedup();
    let mut python = Python::start(program);
    let described = python.ask(&json!(sources));
    let known = sources.iter().zip(described).filter(|(_, d)| !d.is_null());
    let roots: BTreeMap<&str, Command> = known
        .map(|(s, d)| (*s, serde_json::from_value(d).expect("the harness describes a command")))
        .collect();
    let mut failures = Vec::new();
    let mut expected = Vec::new();
    for call in &table.0 {
        let Some(root) = roots.get(call.source) else { continue };
        let kept = root.parser.keeps_double_dash == Some(true);
        match (rendered(root, call), &call.expected) {
            (Ok(words), Expected::Namespace(namespace)) => expected.push((call, namespace, words)),
            (Ok(words), Expected::IfDashesKept(namespace)) if kept => expected.push((call, namespace, words)),
            (Err(text), Expected::IfDashesKept(_)) if !kept && text.contains("`--`") => {}
            (Err(text), Expected::Refused(reason)) if text.contains(reason) => {}
            (outcome, _) => failures.push(failure(program, call, &format!("{outcome:?}"))),
        }
    }
    let pairs: Vec<Value> = expected.iter().map(|(call, _, words)| json!([call.source, words])).collect();
    for ((call, namespace, words), got) in expected.iter().zip(python.ask(&json!(pairs))) {
        if got != **namespace {
            failures.push(failure(program, call, &format!("{words:?} gives {got}, not {namespace}")));
        }
    }
    python.finish();
    failures
}

fn failure(program: &str, call: &Call, what: &str) -> String {
    format!("{program}: {} {}: {what}\n{}", call.path, call.arguments, call.source)
}

/// Values that a shell, a regular expression or argparse would love to misread.
const NASTY: [&str; 19] = [
    "plain",
    "two words",
    "-x",
    "--help",
    "-h",
    "-1",
    "a=b",
    "",
    "ünïcødé ✓",
    "$(id);`id`",
    "it's \"quoted\"",
    "line1\nline2",
    "%s %(prog)s",
    "tab\there",
    "*",
    "C:\\dir",
    "-",
    "-x y",
    "-long=z",
];

#[test]
fn options() {
    let mut table = Table::default();
    let mut p =
        table.parser("p=A()\np.add_argument('--name'); p.add_argument('-x'); p.add_argument('-long')");
    for value in NASTY {
        p = p.gives(json!({"name": value}), json!({"name": value, "x": null, "long": null}));
        p = p.gives(json!({"x": value}), json!({"name": null, "x": value, "long": null}));
        p = p.gives(json!({"long": value}), json!({"name": null, "x": null, "long": value}));
    }
    p.gives_if_kept(json!({"name": "--"}), json!({"name": "--", "x": null, "long": null}))
        .gives(json!({"--name": 5, "x": 5.0}), json!({"name": "5", "x": "5.0", "long": null}))
        .gives(
            json!({"name": null, "x": {"a": [1, "b c"]}}),
            json!({"name": null, "x": r#"{"a":[1,"b c"]}"#, "long": null}),
        )
        .gives(
            json!({"name": [{"a": 1}, {"a": 2}]}),
            json!({"name": r#"[{"a":1},{"a":2}]"#, "x": null, "long": null}),
        );
    table
        .parser(
            "p=A()\np.add_argument('-n',type=int); p.add_argument('--f',type=float)
p.add_argument('--c',type=int,choices=[1,2]); p.add_argument('--odd',choices=['a b',',','-x'])",
        )
        .gives(
            json!({"n": "-5", "f": 1, "c": 2, "odd": "-x"}),
            json!({"n": -5, "f": 1.0, "c": 2, "odd": "-x"}),
        )
        .gives(json!({"n": 5.0, "f": -2.25, "c": "1"}), json!({"n": 5, "f": -2.25, "c": 1, "odd": null}))
        .refuses(json!({"n": 1.5}), "an integer")
        .refuses(json!({"n": "five"}), "an integer")
        .refuses(json!({"c": 3}), "must be one of")
        .refuses(json!({"f": "x", "n": true}), "a number");
    table
        .parser("p=A()\np.add_argument('--o',nargs='?',const='CONST'); p.add_argument('rest',nargs='*')")
        .gives(json!({"o": true, "rest": ["a"]}), json!({"o": "CONST", "rest": ["a"]}))
        .gives(json!({"o": true}), json!({"o": "CONST", "rest": []}))
        .gives(json!({"o": "-x", "rest": ["-y"]}), json!({"o": "-x", "rest": ["-y"]}))
        .gives(json!({"o": ""}), json!({"o": "", "rest": []}))
        .gives(json!({"o": "true"}), json!({"o": "true", "rest": []}))
        .gives(json!({"o": false}), json!({"o": null, "rest": []}));
    prove(&table);
}

#[test]
fn flags() {
    let mut table = Table::default();
    table
        .parser(
            "p=A()\np.add_argument('--dry-run',action='store_true'); p.add_argument('-v','--verbose',action='count')
p.add_argument('--c',action='store_const',const=7); p.add_argument('--off',action='store_false')
p.add_argument('--k',action='append_const',const=1)",
        )
        .gives(json!({}), json!({"dry_run": false, "verbose": null, "c": null, "off": true, "k": null}))
        .gives(
            json!({"dry-run": true, "verbose": 3, "c": true, "off": true, "k": true}),
            json!({"dry_run": true, "verbose": 3, "c": 7, "off": false, "k": [1]}),
        )
        .gives(
            json!({"--dry-run": "false", "-v": "2", "c": false, "off": null, "verbose": "2"}),
            json!({"dry_run": false, "verbose": 2, "c": null, "off": true, "k": null}),
        )
        .gives(json!({"DRY_RUN": true, "verbose": 0}), json!({"dry_run": true, "verbose": null, "c": null, "off": true, "k": null}))
        .refuses(json!({"dry_run": true, "dry-run": false}), "same argument")
        .refuses(json!({"verbose": -1}), "integer from 0")
        .refuses(json!({"dry_run": "maybe"}), "true or false")
        .refuses(json!({"dry_rum": true}), "did you mean `dry_run`");
    table
        .parser(
            "p=A()\np.add_argument('--verbose',action='store_true'); p.add_argument('--version',action='store_true')
p.add_argument('--ver')",
        )
        .gives(json!({"verbose": true, "ver": "x"}), json!({"verbose": true, "version": false, "ver": "x"}))
        .gives(json!({"version": true}), json!({"verbose": false, "version": true, "ver": null}));
    table
        .parser(
            "p=A()\np.add_argument('-c','--color',action=argparse.BooleanOptionalAction)
p.add_argument('--no-foo',action='store_false')",
        )
        .gives(json!({"color": true}), json!({"color": true, "no_foo": true}))
        .gives(json!({"color": false, "no_foo": true}), json!({"color": false, "no_foo": false}))
        .gives(json!({"no_foo": false}), json!({"color": null, "no_foo": true}));
    prove(&table);
}

#[test]
fn options_of_several_values() {
    let mut table = Table::default();
    table
        .parser(
            "p=A()\np.add_argument('--m',nargs='*'); p.add_argument('--p',nargs='+'); p.add_argument('--two',nargs=2)
p.add_argument('pos')",
        )
        .gives(
            json!({"m": ["a", "b"], "p": ["c", "d"], "two": ["e", "f"], "pos": "g"}),
            json!({"m": ["a", "b"], "p": ["c", "d"], "two": ["e", "f"], "pos": "g"}),
        )
        .gives(json!({"m": ["a", "b"], "pos": "-g"}), json!({"m": ["a", "b"], "p": null, "two": null, "pos": "-g"}))
        .gives(json!({"m": ["-x"], "p": "--y", "pos": "g"}), json!({"m": ["-x"], "p": ["--y"], "two": null, "pos": "g"}))
        .gives(json!({"m": [], "p": {"item": ["a"]}, "pos": "g"}), json!({"m": null, "p": ["a"], "two": null, "pos": "g"}))
        .gives(
            json!({"m": ["-1", "-2.5"], "p": {"item": "a"}, "pos": "-3"}),
            json!({"m": ["-1", "-2.5"], "p": ["a"], "two": null, "pos": "-3"}),
        )
        .gives(
            json!({"m": [{"k": 1}, {"k": 2}], "pos": "g"}),
            json!({"m": [r#"{"k":1}"#, r#"{"k":2}"#], "p": null, "two": null, "pos": "g"}),
        )
        .refuses(json!({"m": ["a", "-x"], "pos": "g"}), "for an option")
        .refuses(json!({"two": ["a", "-x"], "pos": "g"}), "for an option")
        .refuses(json!({"two": ["a"], "pos": "g"}), "exactly 2")
        .refuses(json!({"m": ["a", null], "pos": "g"}), "null")
        .refuses(json!({"m": ["a"]}), "`pos`: is required");
    table.parser("p=A()\np.add_argument('--r',nargs=R); p.add_argument('--o')").gives(
        json!({"r": ["-x", "y", "--o", "z"], "o": "v"}),
        json!({"r": ["-x", "y", "--o", "z"], "o": "v"}),
    );
    table
        .parser("p=A()\np.add_argument('--m',nargs='*',required=True)")
        .gives(json!({"m": []}), json!({"m": []}))
        .refuses(json!({}), "is required");
    table
        .parser(
            "p=A()\np.add_argument('-1',dest='one',action='store_true'); p.add_argument('--n',nargs='+')
p.add_argument('q',nargs='*')",
        )
        .gives(
            json!({"1": true, "n": ["-5"], "q": ["-5", "-1"]}),
            json!({"one": true, "n": ["-5"], "q": ["-5", "-1"]}),
        )
        .refuses(json!({"n": ["-5", "-6"]}), "for an option");
    prove(&table);
}

#[test]
fn options_that_gather() {
    let mut table = Table::default();
    table
        .parser(
            "p=A()\np.add_argument('--a',action='append'); p.add_argument('--aa',action='append',nargs='*')
p.add_argument('--a2',action='append',nargs=2); p.add_argument('--ao',action='append',nargs='?',const='C')
p.add_argument('x',nargs='?')",
        )
        .gives(
            json!({"a": ["-x", "", "b c"], "aa": [["a", "b"], ["-c"], ["d"]], "a2": [["e", "f"], ["g", "h"]], "ao": [true, "-k"]}),
            json!({"a": ["-x", "", "b c"], "aa": [["a", "b"], ["-c"], ["d"]], "a2": [["e", "f"], ["g", "h"]], "ao": ["C", "-k"], "x": null}),
        )
        .gives(
            json!({"a": "one", "aa": ["a", "b"], "x": "-y"}),
            json!({"a": ["one"], "aa": [["a", "b"]], "a2": null, "ao": null, "x": "-y"}),
        )
        .gives(json!({"aa": [["a"], ["b", "c"], ["d"]]}), json!({"a": null, "aa": [["a"], ["b", "c"], ["d"]], "a2": null, "ao": null, "x": null}))
        .gives(json!({"ao": ["a", true, "b"]}), json!({"a": null, "aa": null, "a2": null, "ao": ["a", "C", "b"], "x": null}))
        .gives(json!({"aa": [[], ["a"]]}), json!({"a": null, "aa": [[], ["a"]], "a2": null, "ao": null, "x": null}))
        .refuses(json!({"a2": [["a"]]}), "exactly 2");
    table
        .parser(
            "p=A()\np.add_argument('--e',action='extend',nargs='+'); p.add_argument('--z',action='extend',nargs='*')
p.add_argument('--t',action='extend',nargs=2,type=int)",
        )
        .gives(json!({"e": ["-i", "j"], "z": "--k", "t": [1, 2, -3, 4]}), json!({"e": ["-i", "j"], "z": ["--k"], "t": [1, 2, -3, 4]}))
        .gives(json!({"e": [], "z": null}), json!({"e": null, "z": null, "t": null}))
        .refuses(json!({"t": [1, 2, 3]}), "2 elements at a time");
    prove(&table);
}

#[test]
fn positionals() {
    let mut table = Table::default();
    let mut p = table.parser(
        "p=A()\np.add_argument('one'); p.add_argument('opt',nargs='?',default='D'); p.add_argument('--flag',action='store_true')",
    );
    for value in NASTY {
        p = p.gives(json!({"one": value, "opt": value}), json!({"one": value, "opt": value, "flag": false}));
    }
    p.gives(json!({"one": "--"}), json!({"one": "--", "opt": "D", "flag": false}))
        .gives_if_kept(json!({"one": "a", "opt": "--"}), json!({"one": "a", "opt": "--", "flag": false}))
        .refuses(json!({"opt": "x"}), "is required");
    table
        .parser("p=A()\np.add_argument('src',nargs='+'); p.add_argument('dst')")
        .gives(
            json!({"src": ["-a", "b", "--help"], "dst": "-d"}),
            json!({"src": ["-a", "b", "--help"], "dst": "-d"}),
        )
        .refuses(json!({"src": [], "dst": "x"}), "at least one");
    table
        .parser("p=A()\np.add_argument('many',nargs='*'); p.add_argument('--o',nargs='*')")
        .gives(
            json!({"many": ["a", "--", "-b"], "o": ["c", "d"]}),
            json!({"many": ["a", "--", "-b"], "o": ["c", "d"]}),
        )
        .gives(json!({"o": ["c", "d"]}), json!({"many": [], "o": ["c", "d"]}))
        .gives(json!({"many": [], "o": []}), json!({"many": [], "o": null}));
    table
        .parser("p=A()\np.add_argument('pair',nargs=2,type=int); p.add_argument('--x')")
        .gives(json!({"pair": [-1, "2"], "x": "-3"}), json!({"pair": [-1, 2], "x": "-3"}));
    table
        .parser("p=A()\np.add_argument('cmd'); p.add_argument('args',nargs=R); p.add_argument('--v',action='store_true')")
        .gives(
            json!({"cmd": "ls", "args": ["-l", "--v", "x", "--", "y"], "v": true}),
            json!({"cmd": "ls", "args": ["-l", "--v", "x", "--", "y"], "v": true}),
        )
        .gives(json!({"cmd": "-ls"}), json!({"cmd": "-ls", "args": [], "v": false}));
    table
        .parser("p=A()\np.add_argument('args',nargs=R); p.add_argument('--v',action='store_true')")
        .gives(json!({"args": ["x", "-l", "--v"], "v": true}), json!({"args": ["x", "-l", "--v"], "v": true}))
        .gives(json!({"args": ["a", "--", "b"]}), json!({"args": ["a", "--", "b"], "v": false}))
        .refuses(json!({"args": ["-l"]}), "-l");
    table
        .parser("p=A()\np.add_argument('a',choices=['x','y'],nargs='+'); p.add_argument('b',action='append')")
        .gives(json!({"a": ["x", "y"], "b": ["q"]}), json!({"a": ["x", "y"], "b": ["q"]}))
        .refuses(json!({"a": ["x", "z"], "b": ["q"]}), "must be one of")
        .refuses(json!({"a": ["x"], "b": ["q", "r"]}), "at most one");
    prove(&table);
}

#[test]
fn omitted_positionals() {
    let mut table = Table::default();
    table
        .parser(
            "p=A()\np.add_argument('a',nargs='?',default='x'); p.add_argument('b',nargs='?',type=int,default=5)
p.add_argument('c',nargs='?')",
        )
        .gives(json!({"c": "z"}), json!({"a": "x", "b": 5, "c": "z"}))
        .gives(json!({"b": 2}), json!({"a": "x", "b": 2, "c": null}));
    table
        .parser("p=A()\np.add_argument('a',nargs='?'); p.add_argument('b',nargs='?')")
        .gives(json!({"a": "1"}), json!({"a": "1", "b": null}))
        .refuses(json!({"b": "1"}), "`b`");
    prove(&table);
}

#[test]
fn subcommands() {
    let mut table = Table::default();
    table
        .parser(
            "p=A()\np.add_argument('--env'); p.add_argument('--tag',nargs='*'); p.add_argument('--opt',nargs='?',const='C')
p.add_argument('-q',action='count')
s=p.add_subparsers(); s.required=True; s.dest=S
up=s.add_parser('up',aliases=['u']); up.add_argument('what',nargs='*'); up.add_argument('--size',type=int); up.add_argument('--label',nargs='+')
t=s.add_parser('db'); t.add_argument('--url'); t.add_argument('--hosts',nargs='+')
ss=t.add_subparsers(); ss.required=True
m=ss.add_parser('migrate'); m.add_argument('rev'); m.add_argument('extra',nargs='?'); m.add_argument('--fake',action='store_true')",
        )
        .at("up")
        .gives(json!({}), json!({"env": null, "tag": null, "opt": null, "q": null, "what": [], "size": null, "label": null}))
        .gives(
            json!({"env": "-e", "tag": ["a", "b"], "opt": true, "q": 2, "what": ["-x", "y"], "size": -3, "label": ["l", "m"]}),
            json!({"env": "-e", "tag": ["a", "b"], "opt": "C", "q": 2, "what": ["-x", "y"], "size": -3, "label": ["l", "m"]}),
        )
        .gives(
            json!({"tag": ["up"], "opt": "up", "what": ["up"]}),
            json!({"env": null, "tag": ["up"], "opt": "up", "q": null, "what": ["up"], "size": null, "label": null}),
        )
        .refuses(json!({"tag": ["a", "b"]}), "`up`")
        .refuses(json!({"opt": true}), "`up`")
        .at("db migrate")
        .gives(
            json!({"env": "", "url": "u", "hosts": ["h", "i"], "rev": "-r", "extra": "--e", "fake": true, "q": 1, "tag": ["a", "b"]}),
            json!({"env": "", "tag": ["a", "b"], "opt": null, "q": 1, "url": "u", "hosts": ["h", "i"], "rev": "-r", "extra": "--e", "fake": true}),
        )
        .refuses(json!({"hosts": ["h", "i"], "rev": "r"}), "`migrate`");
    table
        .parser("p=A()\np.add_argument('--tag',nargs='*'); p.add_argument('--level',default=3,type=int)\ns=p.add_subparsers(); s.required=True\nu=s.add_parser('up')")
        .at("up")
        .gives(json!({"tag": ["a", "b"]}), json!({"tag": ["a", "b"], "level": 3}));
    table
        .parser("p=A()\np.add_argument('--foobar'); p.add_argument('--foobaz')\ns=p.add_subparsers(); s.required=True\nu=s.add_parser('up'); u.add_argument('--foo'); u.add_argument('--foob')")
        .at("up")
        .refuses(json!({"foo": "x"}), "ambiguous");
    table
        .parser("p=A()\np.add_argument('--g')\ns=p.add_subparsers(); s.required=True\nu=s.add_parser('run'); u.add_argument('args',nargs=R); u.add_argument('--v',action='store_true')")
        .at("run")
        .gives(json!({"args": ["x", "-y", "--g"], "v": true, "g": "1"}), json!({"args": ["x", "-y", "--g"], "v": true, "g": "1"}));
    table
        .parser(
            "p=A()\np.add_argument('--g')\ns=p.add_subparsers()\nu=s.add_parser('up'); u.add_argument('--v')",
        )
        .gives(json!({"g": "up"}), json!({"g": "up"}))
        .at("up")
        .gives(json!({"g": "up", "v": "1"}), json!({"g": "up", "v": "1"}));
    prove(&table);
}

#[test]
fn positionals_around_subcommands() {
    let mut table = Table::default();
    table
        .parser("p=A()\np.add_argument('env'); p.add_argument('--n',nargs='*')\ns=p.add_subparsers(); s.required=True\nu=s.add_parser('up'); u.add_argument('svc',nargs='*'); u.add_argument('--f',action='store_true')")
        .at("up")
        .gives(json!({"env": "prod", "svc": ["a", "-b"], "f": true}), json!({"env": "prod", "n": null, "svc": ["a", "-b"], "f": true}))
        .gives(json!({"env": "-prod", "n": ["1", "2"], "svc": ["a", "-b"], "f": true}), json!({"env": "-prod", "n": ["1", "2"], "svc": ["a", "-b"], "f": true}));
    table
        .parser("p=A()\np.add_argument('env',nargs='?',default='dev')\ns=p.add_subparsers(); s.required=True\nu=s.add_parser('up'); u.add_argument('svc'); u.add_argument('--f',action='store_true')")
        .at("up")
        .gives(json!({"env": "prod", "svc": "a"}), json!({"env": "prod", "svc": "a", "f": false}))
        .gives(json!({"svc": "a"}), json!({"env": "dev", "svc": "a", "f": false}));
    table
        .parser("p=A()\np.add_argument('env',nargs='?')\ns=p.add_subparsers(); s.required=True\nu=s.add_parser('up'); u.add_argument('svc')")
        .at("up")
        .gives(json!({"env": "e", "svc": "a"}), json!({"env": "e", "svc": "a"}));
    table
        .parser("p=A()\np.add_argument('env',nargs='*')\ns=p.add_subparsers(); s.required=True\nu=s.add_parser('up'); u.add_argument('--svc')")
        .at("up")
        .gives(json!({"env": ["a", "b"], "svc": "c"}), json!({"env": ["a", "b"], "svc": "c"}))
        .gives(json!({"env": [], "svc": "c"}), json!({"env": [], "svc": "c"}));
    table
        .parser("p=A()\ns=p.add_subparsers(); s.required=True\nu=s.add_parser('up'); u.add_argument('a'); u.add_argument('--o')\np.add_argument('last')")
        .at("up")
        .gives(json!({"a": "-x", "last": "-l", "o": "v"}), json!({"a": "-x", "last": "-l", "o": "v"}))
        .gives(json!({"a": "x", "last": "l"}), json!({"a": "x", "last": "l", "o": null}));
    prove(&table);
}

#[test]
fn one_name_on_two_levels() {
    let mut table = Table::default();
    table
        .parser("p=A()\np.add_argument('--name',dest='outer')\ns=p.add_subparsers(); s.required=True\nu=s.add_parser('up'); u.add_argument('--name',dest='inner')")
        .at("up")
        .gives(json!({"name": "i", "prog_name": "o"}), json!({"inner": "i", "outer": "o"}));
    table
        .parser("p=A()\np.add_argument('--name')\ns=p.add_subparsers(); s.required=True\nu=s.add_parser('up'); u.add_argument('--name')")
        .at("up")
        .gives(json!({"name": "i"}), json!({"name": "i"}))
        .refuses(json!({"prog_name": "o"}), "not known");
    table
        .parser("p=A()\np.add_argument('--name',required=True)\ns=p.add_subparsers(); s.required=True\nu=s.add_parser('up'); u.add_argument('--name')")
        .at("up")
        .gives(json!({"name": "i", "prog_name": "o"}), json!({"name": "i"}));
    prove(&table);
}

#[test]
fn groups() {
    let mut table = Table::default();
    table
        .parser("p=A()\ng=p.add_mutually_exclusive_group(required=True)\ng.add_argument('--a',action='store_true'); g.add_argument('--b'); g.add_argument('c',nargs='?')\np.add_argument('--d')")
        .gives(json!({"a": true}), json!({"a": true, "b": null, "c": null, "d": null}))
        .gives(json!({"a": false, "b": "x"}), json!({"a": false, "b": "x", "c": null, "d": null}))
        .gives(json!({"c": "-x"}), json!({"a": false, "b": null, "c": "-x", "d": null}))
        .refuses(json!({"a": true, "b": "x"}), "together with `a`")
        .refuses(json!({"d": "x"}), "one of `a`, `b`, `c` is required");
    prove(&table);
}

#[test]
fn unusual_parsers() {
    let mut table = Table::default();
    table
        .parser("p=A(prefix_chars='+/')\np.add_argument('+x','++ex'); p.add_argument('/f'); p.add_argument('++foo.bar'); p.add_argument('q',nargs='*')")
        .gives(json!({"ex": "+v", "f": "/w", "foo.bar": "-", "q": ["-y", "z"]}), json!({"ex": "+v", "f": "/w", "foo.bar": "-", "q": ["-y", "z"]}))
        .gives(json!({"++ex": "v"}), json!({"ex": "v", "f": null, "foo.bar": null, "q": []}))
        .gives(json!({"q": ["+y", "/f"]}), json!({"ex": null, "f": null, "foo.bar": null, "q": ["+y", "/f"]}));
    table
        .parser("p=A(fromfile_prefix_chars='@')\np.add_argument('--o'); p.add_argument('--m',nargs='*'); p.add_argument('q',nargs='?')")
        .gives(json!({"o": "@x", "m": ["@y"], "q": "a@b"}), json!({"o": "@x", "m": ["@y"], "q": "a@b"}))
        .refuses(json!({"q": "@x"}), "name of a file")
        .refuses(json!({"m": ["a", "@x"]}), "name of a file");
    table
        .parser("p=A(allow_abbrev=False)\np.add_argument('--long-name'); p.add_argument('q',nargs='*')")
        .gives(json!({"long-name": "v", "q": ["--long"]}), json!({"long_name": "v", "q": ["--long"]}));
    table
        .parser("# as intermixed\np=A()\np.add_argument('--o',nargs='*'); p.add_argument('q',nargs='*')")
        .gives(json!({"o": ["a", "b"], "q": ["c", "d"]}), json!({"o": ["a", "b"], "q": ["c", "d"]}));
    table
        .parser("# as known\np=A()\np.add_argument('--o'); p.add_argument('q')")
        .gives(json!({"o": "-x", "q": "-y"}), json!({"o": "-x", "q": "-y"}));
    table
        .parser("p=A()\np.add_argument('--o',help=S); p.add_argument('q')")
        .gives(json!({"q": "a"}), json!({"o": null, "q": "a"}))
        .refuses(json!({"o": "x", "q": "a"}), "not known");
    prove(&table);
}

#[test]
fn sizes() {
    let long = "é".repeat(60_000);
    let too_long = "x".repeat(200 * 1024);
    let items: Vec<String> = (0..10_000).map(|n| format!("item {n}")).collect();
    let huge: Vec<&str> = std::iter::repeat_n(long.as_str(), 20).collect();
    let mut table = Table::default();
    table
        .parser("p=A()\np.add_argument('--o'); p.add_argument('q',nargs='*')")
        .gives(json!({"o": long}), json!({"o": long, "q": []}))
        .gives(json!({"q": items}), json!({"o": null, "q": items}))
        .refuses(json!({"o": too_long}), "too long")
        .refuses(json!({"q": huge}), "bytes of command line")
        .refuses(json!({"o": "a\u{0}b"}), "NUL");
    prove(&table);
}
