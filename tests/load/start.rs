//! From exec to the first `tools/list`, with contracts that are valid.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::Instant;

use serde_json::{Value, json};

use super::http;
use super::served::{COMMANDS, Plugins};
use super::{Wanted, report};

const PLUGINS: usize = 50;

pub(crate) fn measure(wanted: &Wanted) {
    let plugins = Plugins::new(PLUGINS);
    let began = Instant::now();
    plugins.discover(&wanted.smcp);
    let cold = began.elapsed();
    let ran = plugins.runs();
    let mut times = Vec::new();
    for _ in 0..=wanted.rounds {
        times.push(first_list(wanted, &plugins));
    }
    let what = format!("{PLUGINS} plugins of {COMMANDS} commands");
    report::figure(&format!("{what}: read anew"), &[report::ms(cold)], "ms");
    report::figure(&format!("{what}: start to list"), &times[1..], "ms");
    println!("  {:<44} {:9}", "plugin processes of these starts", plugins.runs() - ran);
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
