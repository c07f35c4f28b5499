//! The table at the end, and the verdicts.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::figures::Figures;
use super::tally::Tally;

/// By so much memory may grow from the end of the warm-up to the end, over all servers: what allocators keep.
const MEMORY: u64 = 24 << 10;

/// Connections that a client's pool may hold at one time and not at the other.
const DESCRIPTORS: usize = 12;

/// What goes wrong with answers, each a verdict of its own.
const ANSWERS: [(&str, &str); 5] = [
    ("lost", "no answer is lost"),
    ("came twice", "no answer comes twice"),
    ("came to nobody", "no answer comes to another, or after its call was taken back"),
    ("answered after all", "nothing is said of a call that was taken back"),
    ("wrong", "each answer is its own call's, and right"),
];

pub(crate) struct Report {
    pub(crate) tally: Arc<Tally>,
    pub(crate) warm: Figures,
    pub(crate) peak: Figures,
    pub(crate) last: Figures,
    /// Everything that the servers said.
    pub(crate) logged: String,
    /// Whether the servers ended in good order, and what was left.
    pub(crate) is_clean: Result<(), String>,
    pub(crate) took: Duration,
}

/// Whether something holds, what it is, and what was found instead or measured.
type Verdict = (bool, String, String);

impl Report {
    /// Prints all of it; the exit code says whether every verdict holds.
    pub(crate) fn print(&self) -> ExitCode {
        self.table();
        let verdicts = self.verdicts();
        println!();
        for (holds, what, found) in &verdicts {
            println!(
                "{} {what}{}{found}",
                if *holds { "ok    " } else { "FAILED" },
                if found.is_empty() { "" } else { ": " }
            );
        }
        let failed = verdicts.iter().filter(|(holds, ..)| !holds).count();
        println!("{} passed, {failed} failed", verdicts.len() - failed);
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn table(&self) {
        let calls = self.tally.calls();
        let transports: BTreeSet<&str> = calls.keys().map(|(_, transport)| *transport).collect();
        let kinds: BTreeSet<&str> = calls.keys().map(|(kind, _)| *kind).collect();
        let count = |kind, transport| calls.get(&(kind, transport)).copied().unwrap_or(0);
        print!("\n{:<12}", "calls");
        transports.iter().for_each(|transport| print!("{transport:>14}"));
        println!("{:>10}", "all");
        for kind in kinds {
            print!("{kind:<12}");
            transports.iter().for_each(|transport| print!("{:>14}", count(kind, transport)));
            println!("{:>10}", transports.iter().map(|transport| count(kind, transport)).sum::<u64>());
        }
        let all: u64 = calls.values().sum();
        println!("{all} calls in {:.0} s", self.took.as_secs_f64());
        self.tally.others().iter().for_each(|(what, count)| println!("{count} {what}"));
        println!(
            "\nafter the warm-up  {}\nmost               {}\nat the end         {}",
            self.warm, self.peak, self.last
        );
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let tell = |(count, told): (u64, Vec<String>)| match count {
            0 => String::new(),
            _ => format!("{count} times, {told:#?}"),
        };
        let of = |name: &str| tell(self.tally.faults_of(name));
        let mut verdicts: Vec<Verdict> =
            ANSWERS.iter().map(|(name, what)| (of(name).is_empty(), (*what).to_owned(), of(name))).collect();
        let mut add = |holds, what: &str, found: String| verdicts.push((holds, what.to_owned(), found));
        let silent = self.silent();
        add(silent.is_empty(), "each kind of call was made over each transport", silent.join(", "));
        let unseen = of("changes that do not show");
        let longest = format!("the slowest after {:.0} s", self.tally.longest().as_secs_f64());
        let holds = unseen.is_empty();
        add(holds, "each change of a plugin shows", if holds { longest } else { unseen });
        let known: Vec<&str> =
            ANSWERS.iter().map(|(name, _)| *name).chain(["changes that do not show"]).collect();
        let others = self.tally.other_faults(&known);
        add(others.is_empty(), "nothing else went wrong", others.join("; "));
        let logged: Vec<&str> = self.logged.lines().filter(|line| is_complaint(line)).collect();
        add(logged.is_empty(), "the servers' logs have no warning and no error", logged.join("; "));
        let grown = self.last.kilobytes.saturating_sub(self.warm.kilobytes);
        let memory = format!("{} MiB of at most {}", grown.div_ceil(1024), MEMORY >> 10);
        add(grown <= MEMORY, "memory does not grow", memory);
        let more = self.last.descriptors.saturating_sub(self.warm.descriptors);
        add(more <= DESCRIPTORS, "descriptors do not grow", format!("{more} of at most {DESCRIPTORS}"));
        let more = self.last.processes.saturating_sub(self.warm.processes);
        add(more == 0, "processes do not grow", format!("{more} of at most 0"));
        let left = self.is_clean.as_ref().err().cloned().unwrap_or_default();
        add(self.is_clean.is_ok(), "all servers end in good order and leave nothing", left);
        verdicts
    }

    /// What never came to its right end.
    fn silent(&self) -> Vec<String> {
        let calls = self.tally.calls();
        let kinds: BTreeSet<_> = calls.keys().map(|(kind, _)| kind).collect();
        let transports: BTreeSet<_> = calls.keys().map(|(_, transport)| transport).collect();
        let pairs =
            kinds.iter().flat_map(|kind| transports.iter().map(move |transport| (**kind, **transport)));
        let mut silent: Vec<String> = pairs
            .filter(|pair| !calls.contains_key(pair))
            .map(|(kind, transport)| format!("{kind} over {transport}"))
            .collect();
        if (kinds.len(), transports.len()) != (6, 5) {
            silent.push(format!("{} kinds over {} transports", kinds.len(), transports.len()));
        }
        silent
    }
}

fn is_complaint(line: &str) -> bool {
    [" ERROR ", " WARN ", "panicked"].iter().any(|word| line.contains(word))
}
