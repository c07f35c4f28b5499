//! The one pass over all programs that the tests share: every Python builds, describes and calls each program once, and
//! each test looks at its own share of what was seen. The Pythons work side by side.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use serde_json::Value;

use crate::calls::{self, Counts};
use crate::interpreter::{Interpreter, generate, variable};
use crate::program::{NARROW, Program, WIDE};
use crate::report::{Failure, Report};
use crate::{exact, text, versions};

/// Programs that each test takes on each Python where nobody says.
const PROGRAMS: usize = 500;

/// Names the calls that each program gets, so that a smaller program gets the like.
const CALLS_SEED: u64 = 7;

/// What one test looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Share {
    /// Pages on which nothing is wrapped.
    Wide,
    /// Pages of a terminal's width.
    Narrow,
    /// The live description merged with the pages.
    Live,
    /// Calls and their namespaces.
    Calls,
    /// One program on all Pythons.
    Versions,
}

const OF_ONE_PYTHON: [Share; 4] = [Share::Wide, Share::Narrow, Share::Live, Share::Calls];

/// What the pass has seen.
pub(crate) struct Pass {
    reports: Mutex<BTreeMap<Share, Report>>,
    pub(crate) counts: Counts,
    /// Programs that a Python can't build though it should.
    pub(crate) refused: Vec<String>,
}

/// The pass: run by the first test that asks, waited for by the others.
pub(crate) fn pass() -> &'static Pass {
    static PASS: OnceLock<Pass> = OnceLock::new();
    PASS.get_or_init(run)
}

impl Pass {
    /// Fails a test where its share has anything to report.
    pub(crate) fn finish(&self, share: Share) {
        let report = self.reports.lock().unwrap().remove(&share).expect("each test looks once");
        let mut interpreters = Vec::new();
        let name = format!("{share:?}").to_lowercase();
        report.finish(&name, &mut |interpreter, description| {
            if interpreters.is_empty() {
                interpreters = Interpreter::all();
            }
            match share {
                Share::Versions => versions::check(&mut interpreters, description),
                _ => alone(share, &mut interpreters[interpreter], description),
            }
        });
    }
}

/// One share of one program on one Python.
fn alone(share: Share, interpreter: &mut Interpreter, description: &Value) -> Vec<Failure> {
    match Program::ask(interpreter, description) {
        Ok(program) => look(share, interpreter, &program, description, &mut Counts::default()),
        Err(_) => Vec::new(),
    }
}

fn look(
    share: Share,
    interpreter: &mut Interpreter,
    program: &Program,
    description: &Value,
    counts: &mut Counts,
) -> Vec<Failure> {
    let mut failures = match share {
        Share::Wide => text::check(program, WIDE),
        Share::Narrow => text::check(program, NARROW),
        Share::Live => exact::check(program),
        Share::Calls => calls::check(interpreter, program, description, CALLS_SEED, counts),
        Share::Versions => Vec::new(),
    };
    let (major, minor) = interpreter.version;
    for failure in &mut failures {
        failure.about = format!("{} (Python {major}.{minor})", failure.about);
    }
    failures
}

/// What one Python saw of all programs.
#[derive(Default)]
struct Seen {
    failures: Vec<(Share, usize, Vec<Failure>)>,
    /// What came of each program, as a digest; `None` where it can't be built here.
    digests: Vec<Option<u64>>,
    counts: Counts,
    refused: Vec<String>,
}

fn run() -> Pass {
    let seed = variable("SMCP_GENERATED_SEED").and_then(|v| v.parse().ok()).unwrap_or(1);
    let count = variable("SMCP_GENERATED").and_then(|v| v.parse().ok()).unwrap_or(PROGRAMS);
    let descriptions = generate(seed, count);
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let see = |interpreter| scope.spawn(|| see(interpreter, &descriptions));
        let threads: Vec<_> = Interpreter::all().into_iter().map(see).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let mut reports = BTreeMap::<Share, Report>::new();
    let mut counts = Counts::default();
    for (interpreter, seen) in seen.iter().enumerate() {
        for (share, index, failures) in &seen.failures {
            reports.entry(*share).or_default().add(interpreter, &descriptions[*index], failures.clone());
        }
        counts += seen.counts;
    }
    reports.insert(Share::Versions, compare(&descriptions, &seen));
    Pass { reports: Mutex::new(reports), counts, refused: seen.into_iter().flat_map(|s| s.refused).collect() }
}

fn see(mut interpreter: Interpreter, descriptions: &[Value]) -> Seen {
    let mut seen = Seen::default();
    for (index, description) in descriptions.iter().enumerate() {
        let program = match Program::ask(&mut interpreter, description) {
            Ok(program) => program,
            Err(error) => {
                seen.digests.push(None);
                if !error.contains("newer Python") {
                    seen.refused.push(format!("{:?}: {error}: {description}", interpreter.version));
                }
                continue;
            }
        };
        for share in OF_ONE_PYTHON {
            let failures = look(share, &mut interpreter, &program, description, &mut seen.counts);
            seen.failures.push((share, index, failures));
        }
        seen.digests.push(versions::digest(&program));
    }
    seen
}

/// Programs of which not all Pythons give the same are looked at once more, to say what differs.
fn compare(descriptions: &[Value], seen: &[Seen]) -> Report {
    let mut report = Report::default();
    let mut interpreters = Vec::new();
    for (index, description) in descriptions.iter().enumerate() {
        let mut digests = seen.iter().filter_map(|s| s.digests[index]);
        let first = digests.next();
        let mut failures = Vec::new();
        if digests.any(|d| Some(d) != first) {
            if interpreters.is_empty() {
                interpreters = Interpreter::all();
            }
            failures = versions::check(&mut interpreters, description);
        }
        report.add(0, description, failures);
    }
    report
}
