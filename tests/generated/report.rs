//! Failures: gathered, grouped by cause, each group shown by the smallest program that has it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::interpreter::variable;
use crate::shrink;

/// How many programs of one cause are made small, so that a second reason for it shows too without taking long.
const SHRUNK: usize = 6;

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
    shrunk: usize,
    examples: Vec<Example>,
}

struct Example {
    smallest: Value,
    failure: Failure,
    python: String,
}

impl Report {
    /// Takes the failures of one program, and makes the smallest of each new kind smaller with `check`.
    pub(crate) fn add(
        &mut self,
        python: (u64, u64),
        description: &Value,
        failures: Vec<Failure>,
        check: &mut dyn FnMut(&Value) -> Vec<Failure>,
    ) {
        self.checked += 1;
        let mut seen = std::collections::BTreeSet::new();
        for failure in failures {
            if !seen.insert(failure.cause.clone()) {
                continue;
            }
            let group = self.groups.entry(failure.cause.clone()).or_default();
            group.count += 1;
            if group.shrunk >= SHRUNK {
                continue;
            }
            group.shrunk += 1;
            let (smallest, failure) = shrink::smallest(description, failure, check);
            if group.examples.iter().all(|e| shape(&e.smallest) != shape(&smallest)) {
                group.examples.push(Example { smallest, failure, python: format!("{}.{}", python.0, python.1) });
            }
        }
    }

    /// Fails the test where there is anything to report. `SMCP_GENERATED_REPORT` names a directory for the whole text.
    pub(crate) fn finish(self, name: &str) {
        assert!(self.checked > 0, "nothing was checked");
        let text = self.text(name);
        if let Some(directory) = variable("SMCP_GENERATED_REPORT") {
            std::fs::write(format!("{directory}/{name}.md"), &text).expect("the report's directory is writable");
        }
        assert!(self.groups.is_empty(), "{text}");
    }

    fn text(&self, name: &str) -> String {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
        let mut text = format!("# {name}: {} programs checked, {} kinds of failure\n", self.checked, groups.len());
        for (cause, group) in &groups {
            let _ = writeln!(text, "- {} × {cause}", group.count);
        }
        for (cause, group) in groups {
            let _ = writeln!(text, "\n## {cause} ({} programs)", group.count);
            for Example { smallest, failure: Failure { about, expected, got, seen, .. }, python } in &group.examples {
                let _ = write!(
                    text,
                    "\n{about} on Python {python}\nexpected: {expected}\n     got: {got}\n{smallest}\n```\n{}\n```\n",
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
            .map(|(k, v)| (k.clone(), if ["action", "nargs", "kind", "formatter"].contains(&k.as_str()) { v.clone() } else { shape(v) }))
            .collect(),
        Value::Array(list) => list.iter().map(shape).collect(),
        _ => Value::Null,
    }
}
