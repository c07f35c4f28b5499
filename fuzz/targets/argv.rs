//! A call's JSON → words: what is accepted, CPython itself reads as exactly what was given; everything else is refused
//! with a reason. Inputs are JSON as it comes, or bytes that choose values of all shapes for the tool's own properties.
//!
//! The interpreters are those of `SMCP_TEST_PYTHONS`, else `python3`.
#![no_main]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use smcp::model::{Action, Argument, Arity, Command, Tool, ValueType};
use smcp::{argv, live};
use smcp_fuzz::in_time;

const PARSERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/parsers.py");

/// Words that a command line may take for something else.
const WORDS: [&str; 30] = [
    "",
    " ",
    "-",
    "--",
    "-x",
    "-t",
    "-1",
    "-v",
    "-vv",
    "--text",
    "--text=x",
    "--te",
    "--help",
    "-h",
    "=",
    "a=b",
    "@x",
    "%x",
    "+x",
    "++plus",
    "--no-feature",
    "one",
    "eins",
    "two",
    "leaf",
    "-two",
    "-1.5e3",
    "line\nbreak",
    "\0",
    "-- -x",
];

struct Target {
    python: PathBuf,
    parser: String,
    root: Command,
    tool: Tool,
}

/// Every tool of every parser on every interpreter, as it is described by the program itself.
static TARGETS: LazyLock<Vec<Target>> = LazyLock::new(|| {
    let listed = std::env::var_os("SMCP_TEST_PYTHONS").unwrap_or_else(|| "python3".into());
    std::env::split_paths(&listed).flat_map(|python| parsers(&python)).collect()
});

fn parsers(python: &Path) -> Vec<Target> {
    let names = Process::new(python).args([PARSERS, "names"]).output().expect("python runs");
    let names = String::from_utf8(names.stdout).expect("names are text");
    names.split_whitespace().flat_map(|parser| described(python, parser)).collect()
}

fn described(python: &Path, parser: &str) -> Vec<Target> {
    let directory = tempfile::tempdir().expect("a directory");
    let output = directory.path().join("live.json");
    for (name, source) in live::PASSENGER {
        std::fs::write(directory.path().join(name), source).expect("it is written");
    }
    let asked = Process::new(python)
        .args([PARSERS, parser, "--help"])
        .env("PYTHONPATH", directory.path())
        .env(live::OUTPUT_VARIABLE, &output)
        .output()
        .expect("python runs");
    let error = String::from_utf8_lossy(&asked.stderr);
    assert!(asked.status.success(), "{parser} --help of {}: {error}", python.display());
    let root = live::read(&std::fs::read(&output).expect("it is described")).expect("it can be read");
    let tools = smcp_fuzz::tools(&root).tools;
    let target =
        |tool| Target { python: python.to_owned(), parser: parser.to_owned(), root: root.clone(), tool };
    tools.into_iter().map(target).collect()
}

/// An interpreter that judges.
struct Judge {
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Judge {
    fn start(python: &Path) -> Judge {
        let mut command = Process::new(python);
        let child = command.arg(PARSERS).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("python runs");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Judge { _child: child, input, output }
    }

    /// What is wrong; empty where nothing is.
    fn ask(&mut self, question: &Value) -> String {
        writeln!(self.input, "{question}").expect("it reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?} to {question}"))
    }
}

thread_local! {
    static JUDGES: RefCell<BTreeMap<PathBuf, Judge>> = RefCell::default();
}

fn word(u: &mut Unstructured) -> Result<String> {
    if u.ratio(2, 3)? { Ok((*u.choose(&WORDS)?).to_owned()) } else { u.arbitrary() }
}

fn list(u: &mut Unstructured, element: impl Fn(&mut Unstructured) -> Result<Value>) -> Result<Value> {
    (0..u.int_in_range(0..=3)?).map(|_| element(u)).collect::<Result<Vec<_>>>().map(Value::Array)
}

fn text(u: &mut Unstructured) -> Result<Value> {
    word(u).map(Value::String)
}

fn value(u: &mut Unstructured) -> Result<Value> {
    Ok(match u.int_in_range(0..=9)? {
        0 => Value::Null,
        1 => u.arbitrary::<bool>()?.into(),
        2 => u.int_in_range(-3..=300_i64)?.into(),
        3 => json!(u.arbitrary::<f64>()?),
        4 | 5 => list(u, text)?,
        6 => list(u, |u| list(u, text))?,
        7 => json!({"item": word(u)?}),
        _ => text(u)?,
    })
}

/// Values for some of the tool's properties, of any type or of their own.
fn arguments(u: &mut Unstructured, target: &Target) -> Result<Map<String, Value>> {
    let mut all = Map::new();
    let chain = target.root.chain(&target.tool.path).expect("it is of the tree");
    for binding in &target.tool.bindings {
        let argument = &chain[binding.depth].arguments[binding.index];
        let required = argument.required;
        if !required && !u.ratio(1, 3)? {
            continue;
        }
        let fit = match (argument.action, argument.arity) {
            (Action::Append, arity) if arity.is_many() => list(u, |u| list(u, text))?,
            (Action::Append | Action::Extend, _) => list(u, text)?,
            (Action::Store, Arity::Exactly(n)) => {
                (0..n).map(|_| text(u)).collect::<Result<Vec<_>>>().map(Value::Array)?
            }
            (Action::Store, arity) if arity.is_many() => list(u, text)?,
            (Action::Store, _) => text(u)?,
            _ => value(u)?,
        };
        all.insert(binding.property.clone(), if u.ratio(5, 6)? { fit } else { value(u)? });
    }
    Ok(all)
}

/// What an argument's dest holds after a call that gives it this value; `None` where smcp may read the value in
/// more than one way, or not as a text.
fn meant(argument: &Argument, value: &Value) -> Option<Value> {
    let is_texts =
        |value: &Value| value.as_array().is_some_and(|l| !l.is_empty() && l.iter().all(Value::is_string));
    let texts = || is_texts(value).then(|| value.clone());
    if argument.value_type != ValueType::String {
        return None;
    }
    match (argument.action, argument.arity) {
        (Action::Store, Arity::One | Arity::Optional) => value.is_string().then(|| value.clone()),
        (Action::Store, _) => texts(),
        (Action::Append, arity) if arity.is_many() => {
            value.as_array().filter(|l| !l.is_empty() && l.iter().all(is_texts)).map(|_| value.clone())
        }
        (Action::Append | Action::Extend, _) => texts(),
        (Action::Negatable, _) => value.is_boolean().then(|| value.clone()),
        (Action::Flag, _) => (*value == Value::Bool(true)).then(|| value.clone()),
        (Action::Count, _) => value.as_u64().filter(|n| *n > 0).map(Value::from),
        _ => None,
    }
}

fn judge(target: &Target, arguments: &Map<String, Value>, words: &[String]) {
    let chain = target.root.chain(&target.tool.path).expect("it is of the tree");
    let (mut given, mut loose, mut known) = (Map::new(), BTreeSet::new(), 0);
    for binding in &target.tool.bindings {
        let Some(value) = arguments.get(&binding.property) else { continue };
        known += 1;
        let argument = &chain[binding.depth].arguments[binding.index];
        let dest = argument.dest.clone().expect("a parser tells it");
        match meant(argument, value) {
            Some(value) => drop(given.insert(dest, value)),
            None => drop(loose.insert(dest)),
        }
    }
    // A key that is another spelling of a property's name gives one that is not known here.
    if known < arguments.len() {
        let all = chain.iter().flat_map(|command| &command.arguments);
        loose.extend(
            all.filter_map(|argument| argument.dest.clone()).filter(|dest| !given.contains_key(dest)),
        );
    }
    let question = json!({
        "parser": target.parser, "path": target.tool.path, "words": words, "given": given, "loose": loose,
    });
    let python = &target.python;
    let wrong = JUDGES.with_borrow_mut(|judges| {
        judges.entry(python.clone()).or_insert_with(|| Judge::start(python)).ask(&question)
    });
    let tool = &target.tool.name;
    assert!(wrong.is_empty(), "{wrong}\n{} {tool} {}: {}", target.parser, python.display(), json!(arguments));
}

fuzz_target!(|data: &[u8]| {
    let [which, how, rest @ ..] = data else { return };
    let target = &TARGETS[usize::from(*which) % TARGETS.len()];
    let arguments = if how % 2 == 0 {
        arguments(&mut Unstructured::new(rest), target).ok()
    } else {
        serde_json::from_slice(rest).ok()
    };
    let Some(arguments) = arguments else { return };
    let chain = target.root.chain(&target.tool.path).expect("it is of the tree");
    // What a call says may be longer than the bytes that choose it.
    let size = json!(arguments).to_string().len();
    match in_time(data.len() + size, || argv::render(&chain, &target.tool, &arguments)) {
        Ok(words) => {
            assert!(words.iter().map(String::len).sum::<usize>() <= argv::MAX_TOTAL_BYTES);
            assert!(!words.iter().any(|word| word.contains('\0')));
            judge(target, &arguments, &words);
        }
        Err(errors) => assert!(!errors.is_empty() && errors.iter().all(|e| !e.reason.is_empty())),
    }
});
