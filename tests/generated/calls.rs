//! Random valid calls: JSON arguments → argv → the namespace that the parser makes of it, compared with the one that the
//! arguments mean.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use serde_json::{Map, Value, json};
use smcp::model::{Action, Argument, Arity, Command, Tool, ValueType};
use smcp::{argv, schema};

use crate::interpreter::Interpreter;
use crate::json_schema;
use crate::program::Program;
use crate::report::Failure;
use crate::rng::Rng;

/// Calls that each tool of a program gets: half with everyday values, half with odd ones.
const CALLS: usize = 6;

/// Words that any command line takes.
const PLAIN: [&str; 7] = ["out.txt", "a b", "x=y", "ünï", "it's", "/tmp/\"q\"", "5"];
/// Words that a command line may take for something else, or that shells and files would.
const ODD: [&str; 21] = [
    "--",
    "--x",
    "--ver",
    "--con=x",
    "-v5",
    "-x",
    "--help",
    "",
    "@file",
    "-1",
    "-1e3",
    "-.5",
    "a\nb",
    "-",
    "=",
    "$HOME",
    "+x",
    "/F",
    "--out=1",
    "-5 apples",
    "漢\t字",
];

/// What became of the calls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Calls made.
    pub(crate) calls: usize,
    /// Calls that nothing stands against: none of them may be refused.
    pub(crate) plain: usize,
    /// Calls refused before anything ran.
    pub(crate) refused: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.calls += other.calls;
        self.plain += other.plain;
        self.refused += other.refused;
    }
}

/// One call on its way.
struct Call<'a> {
    tool: &'a Tool,
    arguments: Map<String, Value>,
    /// What the harness makes the expected namespace of.
    given: Vec<Value>,
    /// Why argparse may be unable to take it; `None` where nothing stands against it.
    hard: Option<&'static str>,
}

/// Differences between what calls of a program's tools mean and what its parser understands.
pub(crate) fn check(
    interpreter: &mut Interpreter,
    program: &Program,
    description: &Value,
    seed: u64,
    counts: &mut Counts,
) -> Vec<Failure> {
    if description.to_string().contains(r#""type":"file""#) {
        return Vec::new(); // a call would open files
    }
    let root = program.merged().unwrap_or_else(|_| program.root.command.clone());
    let tools = schema::tools("tool", &root, &BTreeMap::new()).tools;
    let mut failures = missing_tools(&root, &tools);
    let mut sent = Vec::new();
    let mut rng = Rng::new(seed);
    for tool in &tools {
        let (Some(chain), Some(truth)) = (root.chain(&tool.path), program.root.command.chain(&tool.path))
        else {
            continue;
        };
        for round in 0..CALLS {
            let Some(call) =
                Maker { rng: &mut rng, odd: round % 2 == 1, chain: &chain, truth: &truth }.call(tool)
            else {
                break;
            };
            counts.calls += 1;
            counts.plain += usize::from(call.hard.is_none());
            failures.extend(
                json_schema::refusals(tool, &call.arguments)
                    .into_iter()
                    .map(|why| failure("the schema refuses a valid call", &call, why, program)),
            );
            match argv::render(&chain, tool, &call.arguments) {
                Ok(words) => sent.push((call, words)),
                Err(errors) => {
                    counts.refused += 1;
                    // No call can give an only member of a required group the very object that is its default.
                    let identical = errors.iter().all(|e| e.reason.starts_with("is the default: "));
                    if call.hard.is_none() && !identical {
                        failures.push(failure(
                            "a plain call is refused",
                            &call,
                            format!("{errors:?}"),
                            program,
                        ));
                    }
                }
            }
        }
    }
    failures.extend(compare(interpreter, program, description, &sent));
    failures
}

/// Sends the command lines to the parser, all at once.
fn compare(
    interpreter: &mut Interpreter,
    program: &Program,
    description: &Value,
    sent: &[(Call, Vec<String>)],
) -> Vec<Failure> {
    let calls: Vec<_> =
        sent.iter().map(|(c, argv)| json!({"path": c.tool.path, "argv": argv, "given": c.given})).collect();
    let answer = interpreter.ask(&json!({"op": "call", "program": description, "calls": calls}));
    let mut failures = Vec::new();
    for ((call, words), result) in sent.iter().zip(answer["calls"].as_array().into_iter().flatten()) {
        if result["got"] == result["expected"] {
            continue;
        }
        let cause = match result["error"].as_str() {
            Some(error) => format!("the parser refuses the command line: {}", complaint(error)),
            None => "another namespace".to_owned(),
        };
        let cause = call.hard.map_or(cause.clone(), |why| format!("{cause} ({why})"));
        let got = format!("{} {}\n    argv: {words:?}", result["got"], result["error"]);
        let mut found = failure(&cause, call, got, program);
        found.expected = result["expected"].to_string();
        failures.push(found);
    }
    failures
}

/// argparse's message without the names and values of the program at hand.
fn complaint(error: &str) -> &str {
    let message = error.rsplit("error: ").next().unwrap_or_default();
    let message = message
        .split_once(": ")
        .filter(|(what, _)| what.starts_with("argument "))
        .map_or(message, |(_, m)| m);
    message.split([':', '\'', '-', '\n']).next().unwrap_or_default().trim()
}

fn failure(cause: &str, call: &Call, got: String, program: &Program) -> Failure {
    Failure {
        cause: cause.to_owned(),
        about: format!("{} {}", call.tool.name, Value::Object(call.arguments.clone())),
        expected: "accepted".to_owned(),
        got,
        seen: program.page(&call.tool.path).to_owned(),
    }
}

/// Each leaf that is not hidden is a tool.
fn missing_tools(root: &Command, tools: &[Tool]) -> Vec<Failure> {
    let mut leaves = BTreeSet::new();
    let mut hidden: Vec<Vec<String>> = Vec::new();
    root.walk(&mut |path, command| {
        let path: Vec<_> = path.iter().map(ToString::to_string).collect();
        if command.hidden || hidden.iter().any(|h| path.starts_with(h)) {
            hidden.push(path);
        } else if command.is_leaf() {
            leaves.insert(path);
        }
    });
    let served: BTreeSet<_> = tools.iter().map(|t| t.path.clone()).collect();
    if leaves == served {
        return Vec::new();
    }
    vec![Failure {
        cause: "tools".to_owned(),
        about: String::new(),
        expected: format!("{leaves:?}"),
        got: format!("{served:?}"),
        seen: String::new(),
    }]
}

/// Makes up one call.
struct Maker<'a, 'r> {
    rng: &'r mut Rng,
    odd: bool,
    chain: &'a [&'a Command],
    truth: &'a [&'a Command],
}

impl Maker<'_, '_> {
    /// `None` where there is no telling what a call means (a group must be used, and all of its members are hidden or
    /// store to the place of another argument).
    fn call<'t>(&mut self, tool: &'t Tool) -> Option<Call<'t>> {
        let mut call =
            Call { tool, arguments: Map::new(), given: Vec::new(), hard: self.odd.then_some("odd words") };
        let mut dests = BTreeSet::new();
        for (depth, command) in self.truth.iter().enumerate() {
            let chosen = self.chosen(command)?;
            let skipped = |i: usize| command.arguments[i].is_positional() && !chosen.contains(&i);
            if depth + 1 < self.truth.len() && (0..command.arguments.len()).any(skipped) {
                call.hard = call.hard.or(Some("the subcommand is taken for an optional positional"));
            }
            for index in chosen {
                let argument = &command.arguments[index];
                // Two arguments that store to one place: the last one on the command line wins, whichever it is.
                if !dests.insert((depth, argument.dest.clone())) && !argument.required {
                    if command.exclusive.iter().any(|g| g.required && g.members.contains(&index)) {
                        return None;
                    }
                    continue;
                }
                let last = depth + 1 == self.truth.len();
                call.hard = call.hard.or_else(|| hard(command, argument, last));
                let value = self.value(argument);
                call.arguments.insert(self.property(tool, depth, argument)?, value.clone());
                call.given.push(json!({"depth": depth, "index": index, "value": value}));
            }
        }
        Some(call)
    }

    /// The property that stands for a true argument.
    fn property(&self, tool: &Tool, depth: usize, argument: &Argument) -> Option<String> {
        let same =
            |a: &Argument| a.flags == argument.flags && (!a.is_positional() || a.dest == argument.dest);
        let index = self.chain[depth].arguments.iter().position(same)?;
        tool.bindings.iter().find(|b| (b.depth, b.index) == (depth, index)).map(|b| b.property.clone())
    }

    /// Which arguments to give: all that must be, some of the others, at most one of each exclusive group.
    fn chosen(&mut self, command: &Command) -> Option<Vec<usize>> {
        let mut chosen: BTreeSet<usize> = BTreeSet::new();
        let mut before = true;
        for (index, argument) in command.arguments.iter().enumerate() {
            let grouped = command.exclusive.iter().any(|g| g.members.contains(&index));
            let wanted = argument.required || self.rng.chance(45);
            if !argument.is_served() || grouped {
                before &= !argument.is_positional();
                continue;
            }
            // What comes later on the command line fills the first place that is free.
            if wanted && (!argument.is_positional() || before || argument.required) {
                chosen.insert(index);
            } else if argument.is_positional() {
                before = false;
            }
        }
        for group in &command.exclusive {
            let members: Vec<_> =
                group.members.iter().copied().filter(|m| command.arguments[*m].is_served()).collect();
            if members.is_empty() && group.required {
                return None;
            }
            if !members.is_empty() && (group.required || self.rng.chance(50)) {
                chosen.insert(members[self.rng.below(members.len())]);
            }
        }
        Some(chosen.into_iter().collect())
    }

    fn value(&mut self, argument: &Argument) -> Value {
        match argument.action {
            Action::Flag => json!(true),
            Action::Count => json!(1 + self.rng.below(4)),
            Action::Negatable => json!(self.rng.chance(50)),
            Action::Append => (0..=self.rng.below(3)).map(|_| self.element(argument)).collect(),
            _ => self.element(argument),
        }
    }

    /// What one use of the argument takes.
    fn element(&mut self, argument: &Argument) -> Value {
        let many = match argument.arity {
            Arity::Exactly(n) => n,
            Arity::ZeroOrMore | Arity::OneOrMore | Arity::Remainder | Arity::Parser => 1 + self.rng.below(3),
            Arity::Optional if !argument.is_positional() && self.rng.chance(30) => return json!(true),
            _ if argument.action == Action::Extend => 1,
            _ => return self.scalar(argument),
        };
        (0..many).map(|_| self.scalar(argument)).collect()
    }

    fn scalar(&mut self, argument: &Argument) -> Value {
        if let Some(choices) = &argument.choices {
            return json!(choices[self.rng.below(choices.len())]);
        }
        match argument.value_type {
            ValueType::Integer => json!([0, 7, -5, 123_456_789][self.rng.below(4)]),
            ValueType::Boolean => json!(self.rng.below(2) == 0),
            ValueType::Number => json!([0.5, -2.25, 3.0, 1e-7][self.rng.below(4)]),
            _ if self.odd => json!(ODD[self.rng.below(ODD.len())]),
            _ => json!(PLAIN[self.rng.below(PLAIN.len())]),
        }
    }
}

/// Why argparse may be unable to take an argument as it is meant: each is a documented property of argparse.
fn hard(command: &Command, argument: &Argument, last: bool) -> Option<&'static str> {
    let variable = |a: &Argument| {
        a.arity.is_verbatim() || matches!(a.arity, Arity::Optional | Arity::ZeroOrMore | Arity::OneOrMore)
    };
    let odd_choice = |c: &String| c.is_empty() || !c.starts_with(char::is_alphanumeric);
    let open = command.arguments.iter().filter(|a| a.is_positional() && variable(a)).count();
    if argument.arity.is_verbatim() || command.arguments.iter().any(|a| a.arity.is_verbatim()) {
        Some("a remainder swallows what follows")
    } else if argument.is_positional() && open > 1 {
        Some("positionals of open length share the words greedily")
    } else if last && argument.is_positional() && open > 0 && !command.subcommands.is_empty() {
        Some("a word for an optional positional is taken for the subcommand")
    } else if !last && !argument.is_positional() && (argument.arity.is_many() || variable(argument)) {
        Some("an option of open length swallows the subcommand")
    } else if command.parser.negative_number_options || command.parser.prefix_chars != "-" {
        Some("values look like options")
    } else if command.parser.fromfile_prefix_chars.is_some() {
        Some("values look like files")
    } else if argument.choices.iter().flatten().any(odd_choice) {
        Some("choices look like options")
    } else {
        None
    }
}
