//! Any text gives a command, in time that grows with the text and no faster.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use smcp::{help, schema};

use crate::interpreter::{Interpreter, generate};
use crate::program::{NARROW, Program, WIDE};

/// Pieces of pages that mean something to a parser of them.
const PIECES: [&str; 34] = [
    "usage: ",
    "usage:",
    "tool ",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "|",
    " | ",
    ",",
    "...",
    "-x",
    "--long",
    "-x, --long ARG",
    "  --flag  text",
    "ARG",
    "[ARG ...]",
    "{a,b}",
    "{a,b} ...",
    "\n",
    "\n\n",
    "options:",
    "positional arguments:\n",
    "    ",
    "  ",
    "\t",
    "(default: 5)",
    "==SUPPRESS==",
    "\u{1b}[1;35m",
    "\r\n",
    "é漢\u{200b}",
    "run (r, ru)  text",
];

/// How much longer a page of twice the length may take: 2 is linear, 4 is quadratic, and caches are of some size.
const GROWTH: f64 = 2.5;
/// Measurements, of which the best counts: what a busy machine adds, it does not add each time.
const ROUNDS: usize = 5;
/// Bytes of the large pages.
const LARGE: usize = 256 << 10;
/// Bytes of pages that are beyond what is ever read of a program.
const HUGE: usize = 10 << 20;
/// Shorter times say nothing about growth.
const MEASURABLE: Duration = Duration::from_millis(20);

fn read(page: &str) {
    let command = help::parse(page, &["sub"]);
    schema::tools("tool", &command, &BTreeMap::new());
    for group in &command.exclusive {
        assert!(group.members.iter().all(|m| *m < command.arguments.len()), "{group:?} of {page:?}");
    }
}

/// Failures become tests by hand, in their smallest form.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_gives_a_command(text in any::<String>()) {
        read(&text);
        read(&format!("usage: {text}"));
    }

    #[test]
    fn any_heap_of_pieces_gives_a_command(pieces in prop::collection::vec(0..PIECES.len(), 0..80)) {
        read(&pieces.into_iter().map(|p| PIECES[p]).collect::<String>());
    }
}

#[test]
fn damaged_pages_give_a_command() {
    let mut interpreter = Interpreter::all().remove(0);
    let mut pages = Vec::new();
    for description in generate(3, 60) {
        let Ok(program) = Program::ask(&mut interpreter, &description) else { continue };
        for page in &program.pages {
            pages.extend([WIDE, NARROW].iter().filter_map(|w| page.at(*w)).map(str::to_owned));
        }
    }
    let place = any::<prop::sample::Index>;
    let strategy = (place(), prop::collection::vec((0..3usize, place(), place(), 0..PIECES.len()), 1..6));
    proptest!(config(), |((page, damage) in strategy)| {
        let mut chars: Vec<char> = page.get(&pages).chars().collect();
        for (how, from, to, piece) in damage {
            let (a, b) = (from.index(chars.len() + 1), to.index(chars.len() + 1));
            let range = a.min(b)..a.max(b);
            match how {
                0 => drop(chars.drain(range)),
                1 => {
                    let copy: Vec<char> = chars[range].to_vec();
                    chars.splice(a..a, copy);
                }
                _ => drop(chars.splice(a..a, PIECES[piece].chars())),
            }
        }
        read(&chars.into_iter().collect::<String>());
    });
}

/// Pages of a size, each of a kind that a careless parser would go over again and again.
fn shapes(size: usize) -> Vec<(&'static str, String)> {
    let entries = |f: &dyn Fn(usize) -> String| (0..size).map(f).collect::<String>();
    let page = |usage: String, body: String| format!("usage: tool {usage}\n\noptions:\n{body}");
    vec![
        (
            "options",
            page(entries(&|i| format!("[--o{i} V{i}] ")), entries(&|i| format!("  --o{i} V{i}  text {i}\n"))),
        ),
        ("options that usage lacks", page(String::new(), entries(&|i| format!("  --o{i} V{i}  text {i}\n")))),
        ("options without entries", page(entries(&|i| format!("[--o{i} V{i}] ")), String::new())),
        ("opened brackets", page("[".repeat(size), String::new())),
        ("nested brackets", page("[".repeat(size) + "x" + &"]".repeat(size), String::new())),
        ("opened braces", page("{a,".repeat(size), String::new())),
        ("alternatives", page(format!("({})", entries(&|i| format!("--o{i} | "))), String::new())),
        ("choices", page(String::new(), format!("  --o {{{}}}  text\n", entries(&|i| format!("c{i},"))))),
        (
            "subcommands",
            page("{x} ...".to_owned(), entries(&|i| format!("    c{i} (d{i}, e{i})  text {i}\n"))),
        ),
        (
            "a long help text",
            page("[--o O]".to_owned(), "  --o O  text\n".to_owned() + &"         more\n".repeat(size)),
        ),
        ("a long word", page("x".repeat(size * 20), String::new())),
        ("blank lines", page(String::new(), "\n".repeat(size * 10))),
        ("sections", page(String::new(), entries(&|i| format!("s{i}:\n  -x  y\n\n")))),
        ("usages", entries(&|_| "usage: tool [-x]\n".to_owned())),
        ("positionals", page(entries(&|i| format!("p{i} ")), entries(&|i| format!("  p{i}  text\n")))),
    ]
}

/// Pages of a size in bytes that are one line, or nothing but what a parser goes down into.
fn lumps(bytes: usize) -> Vec<(&'static str, String)> {
    let of = |piece: &str| piece.repeat(bytes / piece.len());
    let usage = |piece: &str| format!("usage: tool {}", of(piece));
    vec![
        ("one line of a word", usage("x")),
        ("one line of words", usage("word ")),
        ("one line of options", usage("[-x X] ")),
        ("one line without a usage", of("some words ")),
        ("one line of a help text", format!("usage: tool [-x]\n\noptions:\n  -x  {}", of("words, "))),
        ("opening brackets", usage("[")),
        ("closing brackets", usage("]")),
        ("pairs of brackets", usage("[]")),
        ("all kinds of brackets", usage("[({")),
        (
            "brackets there and back",
            format!("usage: tool {}{}", "[(".repeat(bytes / 4), ")]".repeat(bytes / 4)),
        ),
        ("opening braces", of("{")),
        ("opening braces apart", usage("{ ")),
        ("opening angles apart", usage("[< ")),
        ("flags in brackets without blanks", usage("[-x")),
        ("braces in a usage", usage("{")),
        ("braces with commas", usage("{a,")),
        ("closed braces", usage("{a,b} ")),
        ("bars", usage("| ")),
        ("dots", usage("... ")),
        ("blanks", usage(" ")),
        ("escapes", usage("\u{1b}[")),
        ("overstrikes", usage("b\u{8}")),
        ("line ends", of("\n")),
        ("two kinds of characters", usage("é漢")),
    ]
}

/// The processor time of this thread: what else runs on the machine does not count.
fn own_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("the clock counts up from zero")
}

/// What a page takes to read.
fn time(page: &str) -> Duration {
    let start = own_time();
    let _ = help::parse(page, &[]);
    own_time().saturating_sub(start)
}

/// Holds the time of one page to that of another of half the size.
fn grows_in_proportion(name: &str, half: &str, whole: &str) {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let (small, large) = (time(half), time(whole));
        best = best.min(large.as_secs_f64() / small.as_secs_f64().max(MEASURABLE.as_secs_f64() / 2.0));
        if best < GROWTH {
            return;
        }
    }
    panic!("{name}: {} bytes take {best:.2} times what {} take", whole.len(), half.len());
}

#[test]
fn time_grows_with_large_pages_and_no_faster() {
    for ((name, half), (_, whole)) in lumps(LARGE / 2).into_iter().zip(lumps(LARGE)) {
        grows_in_proportion(name, &half, &whole);
    }
    // One of each kind is enough: a line of words, and braces that never close.
    for (name, piece) in [("a huge line", "some words "), ("huge braces", "{")] {
        let of = |bytes: usize| piece.repeat(bytes / piece.len());
        grows_in_proportion(name, &of(HUGE / 2), &of(HUGE));
    }
}

#[test]
fn time_grows_with_the_page_and_no_faster() {
    for kind in 0..shapes(1).len() {
        let mut size = 1000;
        let (mut name, mut page) = shapes(size).swap_remove(kind);
        while time(&page) < MEASURABLE && size < 40_000 {
            size *= 2;
            (name, page) = shapes(size).swap_remove(kind);
        }
        grows_in_proportion(name, &page, &shapes(size * 2).swap_remove(kind).1);
    }
}
