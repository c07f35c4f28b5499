//! A help page of many options → its command: how the time grows, and what an ordinary large page takes.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use super::{Wanted, report};

/// A page as argparse prints it.
fn page(options: usize) -> String {
    let mut text = String::from("usage: prog [-h] [options]\n\nA program.\n\noptions:\n");
    text += "  -h, --help            show this help message and exit\n";
    for n in 0..options {
        writeln!(
            text,
            "  --option-{n:05} VALUE\n                        what option {n} is for (default: {n})"
        )
        .unwrap();
    }
    text
}

fn time(page: &str, options: usize) -> f64 {
    let began = Instant::now();
    let command = black_box(smcp::help::parse(black_box(page), &[]));
    let time = report::ms(began.elapsed());
    assert!(command.arguments.len() >= options, "{} of {options} options", command.arguments.len());
    time
}

pub(crate) fn measure(wanted: &Wanted) {
    let (large, half, usual) = (page(20_000), page(10_000), page(100));
    let (mut ours, mut other, mut small) = (vec![], vec![], vec![]);
    for _ in 0..wanted.rounds {
        ours.push(time(&large, 20_000));
        other.push(time(&half, 10_000));
        small.push(time(&usual, 100));
    }
    report::ratio("20,000 options to 10,000", "ms", &ours, &other, 2.3);
    report::figure("a page of 100 options", &small, "ms");
}
