//! Failures: gathered, grouped by cause, each group shown by the smallest program that has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::interpreter::variable;
use crate::shrink;

/// How many programs of one cause are made small, so that a second reason for it shows too without taking long.
const EXAMPLES: usize = 4;

/// Builds a program on one of the interpreters (by index) and checks it.
pub(crate) type Check<'a> = dyn FnMut(usize, &Value) -> Vec<Failure> + 'a;

/// One thing that is not as it should be.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// What kind of thing: failures of one cause share it.
    pub(crate) cause: String,
    /// Which command and argument.
    pub(crate) about: String,
    pub(crate) expected: String,
    pub(crate) got: String,
    /// The help page, or what else it was seen on.
    pub(crate) seen: String,
}

/// The failures of one test.
#[derive(Default)]
pub(crate) struct Report {
    checked: usize,
    groups: BTreeMap<String, Group>,
}

#[derive(Default)]
struct Group {
    count: usize,
    /// The smallest programs of the cause, and failures of other shapes among them.
    examples: Vec<Example>,
}

struct Example {
    interpreter: usize,
    description: Value,
    failure: Failure,
}

impl Report {
    /// Takes the failures of one program.
    pub(crate) fn add(&mut self, interpreter: usize, description: &Value, failures: Vec<Failure>) {
        self.checked += 1;
        let mut seen = BTreeSet::new();
        for failure in failures {
            if !seen.insert(failure.cause.clone()) {
                continue;
            }
            let group = self.groups.entry(failure.cause.clone()).or_default();
            group.count += 1;
            // Programs of one description fail alike on most versions.
            if group.examples.iter().all(|e| e.description != *description) {
                group.examples.push(Example { interpreter, description: description.clone(), failure });
                group.examples.sort_by_key(|e| e.description.to_string().len());
                group.examples.truncate(EXAMPLES);
            }
        }
    }

    /// Fails the test where there is anything to report, with programs made small by `check`.
    /// `SMCP_GENERATED_REPORT` names a directory for the whole text.
    pub(crate) fn finish(mut self, name: &str, check: &mut Check) {
        assert!(self.checked > 0, "nothing was checked");
        for group in self.groups.values_mut() {
            let mut shapes = BTreeSet::new();
            for example in &mut group.examples {
                let start = (example.description.clone(), example.failure.clone());
                let mut again = |smaller: &Value| check(example.interpreter, smaller);
                (example.description, example.failure) = shrink::smallest(start, &mut again);
            }
            group.examples.retain(|e| shapes.insert(shape(&e.description).to_string()));
        }
        let text = self.text(name);
        if let Some(directory) = variable("SMCP_GENERATED_REPORT") {
            std::fs::write(format!("{directory}/{name}.md"), &text)
                .expect("the report's directory is writable");
        }
        assert!(self.groups.is_empty(), "{text}");
    }

    fn text(&self, name: &str) -> String {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
        let mut text =
            format!("# {name}: {} programs checked, {} kinds of failure\n", self.checked, groups.len());
        for (cause, group) in &groups {
            let _ = writeln!(text, "- {} × {cause}", group.count);
        }
        for (cause, group) in groups {
            let _ = writeln!(text, "\n## {cause} ({} programs)", group.count);
            for Example { description, failure: Failure { about, expected, got, seen, .. }, .. } in
                &group.examples
            {
                let _ = write!(
                    text,
                    "\n{about}\nexpected: {expected}\n     got: {got}\n{description}\n```\n{}\n```\n",
                    seen.trim_end()
                );
            }
        }
        text
    }
}

/// A description without its words: two of one shape most likely fail for one reason.
fn shape(description: &Value) -> Value {
    match description {
        Value::Object(map) => map
            .iter()
            .map(|(k, v)| {
                (
                    k.clone(),
                    if ["action", "nargs", "kind", "formatter"].contains(&k.as_str()) {
                        v.clone()
                    } else {
                        shape(v)
                    },
                )
            })
            .collect(),
        Value::Array(list) => list.iter().map(shape).collect(),
        _ => Value::Null,
    }
}
