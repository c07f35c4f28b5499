//! Failures: gathered, grouped by cause, each group shown by the smallest program that has it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::interpreter::variable;
use crate::shrink;

/// How many groups a report shows whole; the others are counted.
const SHOWN: usize = 40;

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

struct Group {
    count: usize,
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
            if let Some(group) = self.groups.get_mut(&failure.cause) {
                group.count += 1;
                continue;
            }
            let (smallest, failure) = shrink::smallest(description, failure, check);
            let python = format!("{}.{}", python.0, python.1);
            self.groups.insert(failure.cause.clone(), Group { count: 1, smallest, failure, python });
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
        let mut groups: Vec<_> = self.groups.values().collect();
        groups.sort_by_key(|g| (std::cmp::Reverse(g.count), g.smallest.to_string().len()));
        let mut text = format!("# {name}: {} programs checked, {} kinds of failure\n", self.checked, groups.len());
        for group in &groups {
            let _ = writeln!(text, "- {} × {}", group.count, group.failure.cause);
        }
        for group in groups.into_iter().take(SHOWN) {
            let Group { count, smallest, failure, python } = group;
            let Failure { cause, about, expected, got, seen } = failure;
            let _ = write!(
                text,
                "\n## {cause} ({count} programs; this one on Python {python})\n{about}\nexpected: {expected}\n     got: {got}\n\
                 {smallest}\n```\n{}\n```\n",
                seen.trim_end()
            );
        }
        text
    }
}
