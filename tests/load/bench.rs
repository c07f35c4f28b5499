//! What smcp costs, as ratios that are measured in one run: the two sides take turns, and medians count.
//!
//! usage: `cargo bench --bench load -- [lists] [calls] [warm] [start] [parse] [memory] [--smcp PROGRAM] [--rounds N] [--judge]`
//!
//! Without names all are measured. `--smcp` measures another build. Needs Linux and `python3`. With
//! `--judge` its exit code is 1 where a figure is more than twice its aim. `docs/performance.md` tells what the
//! figures were, and on which machine.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a measurement that cannot go on may panic, and starts programs; its figures are far below 2^52"
)]

mod calls;
mod http;
mod lists;
mod memory;
mod parse;
mod report;
mod served;
mod start;
mod warm;

use std::path::PathBuf;

type Measure = fn(&Wanted);

/// What was asked for.
struct Wanted {
    smcp: PathBuf,
    rounds: usize,
    judge: bool,
    names: Vec<String>,
}

impl Wanted {
    fn read(mut words: impl Iterator<Item = String>) -> Wanted {
        let mut wanted =
            Wanted { smcp: env!("CARGO_BIN_EXE_smcp").into(), rounds: 7, judge: false, names: Vec::new() };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--smcp" => wanted.smcp = words.next().expect("--smcp PROGRAM").into(),
                "--rounds" => wanted.rounds = words.next().and_then(|n| n.parse().ok()).expect("--rounds N"),
                "--judge" => wanted.judge = true,
                // Cargo says so.
                "--bench" => {}
                name => wanted.names.push(name.to_owned()),
            }
        }
        wanted
    }
}

fn main() {
    let mut words = std::env::args().skip(1).peekable();
    if words.next_if(|word| word == lists::BARE).is_some() {
        return lists::serve_bare(&words.next().expect("a file"));
    }
    let wanted = Wanted::read(words);
    report::machine();
    let all: [(&str, Measure); 6] = [
        ("lists", lists::measure),
        ("calls", calls::measure),
        ("warm", warm::measure),
        ("start", start::measure),
        ("parse", parse::measure),
        ("memory", memory::measure),
    ];
    for name in &wanted.names {
        assert!(all.iter().any(|(known, _)| known == name), "there is no measurement `{name}`");
    }
    for (name, measure) in all {
        if wanted.names.is_empty() || wanted.names.iter().any(|n| n == name) {
            println!("\n{name}");
            measure(&wanted);
        }
    }
    if wanted.judge && !report::verdict() {
        std::process::exit(1);
    }
}
