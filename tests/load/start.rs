//! From exec to the first `tools/list` with contracts that are valid; and without any, against the same help commands
//! and nothing else.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use serde_json::{Value, json};

use super::http;
use super::served::{COMMANDS, Plugins};
use super::{Wanted, report};

const PLUGINS: usize = 50;

/// Starts without contracts that are measured at most: each takes as long as 300 programs.
const COLD_ROUNDS: usize = 3;

pub(crate) fn measure(wanted: &Wanted) {
    let plugins = Plugins::new(PLUGINS);
    let (mut cold, mut bare) = (vec![], vec![]);
    for _ in 0..wanted.rounds.min(COLD_ROUNDS) {
        plugins.forget();
        let began = Instant::now();
        plugins.discover(&wanted.smcp);
        cold.push(report::ms(began.elapsed()));
        bare.push(help_commands(&plugins));
    }
    let ran = plugins.runs();
    let mut times = Vec::new();
    for _ in 0..=wanted.rounds {
        times.push(first_list(wanted, &plugins));
    }
    let what = format!("{PLUGINS} plugins of {COMMANDS} commands");
    report::ratio(&format!("{what}: read anew"), "ms", &cold, &bare, 1.15);
    report::figure(&format!("{what}: start to list"), &times[1..], "ms");
    assert_eq!(plugins.runs(), ran, "no plugin process belongs to these starts");
}

/// The milliseconds that all help commands take by themselves, as many at a time as there are processors.
fn help_commands(plugins: &Plugins) -> f64 {
    let pages = (0..COMMANDS).map(|n| vec![OsString::from(format!("command{n}"))]).chain([vec![]]);
    let pages: Vec<Vec<OsString>> = pages.collect();
    let all =
        plugins.programs().into_iter().flat_map(|program| pages.iter().map(move |p| (program.clone(), p)));
    let all = Mutex::new(all);
    let one = || {
        while let Some((program, page)) = { all.lock().unwrap().next() } {
            let mut command = Command::new(&plugins.python);
            command.arg(program).args(page).arg("--help").stdin(Stdio::null());
            assert!(command.output().unwrap().status.success(), "help is printed");
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let began = Instant::now();
    std::thread::scope(|scope| (0..processors).for_each(|_| drop(scope.spawn(one))));
    report::ms(began.elapsed())
}

fn first_list(wanted: &Wanted, plugins: &Plugins) -> f64 {
    let mut command = plugins.command(&wanted.smcp, &["stdio"]);
    let began = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", http::message("tools/list", json!({}))).unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let time = report::ms(began.elapsed());
    let answer: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(answer["result"]["tools"].as_array().map(Vec::len), Some(PLUGINS * COMMANDS + 1));
    drop(input);
    child.wait().unwrap();
    time
}
