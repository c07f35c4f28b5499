//! Wiring: what was typed → the parts that do it → an exit code.
//!
//! Exit codes: 0 done, 1 it failed, 2 it was asked for in a way that can't be done (as clap and argparse have it).

mod call;
mod check;
mod client_config;
mod heap;
mod inspect;
mod manual;
mod new;
mod schema;
mod serve;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use crate::check::CheckError;
use crate::cli::{Cli, Command};
use crate::config::{self, ConfigError};
use crate::{process, text};

/// Runs what was typed.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("smcp: {}", text::plain(&format!("{error:#}")));
            ExitCode::from(if error.is::<ConfigError>() || error.is::<CheckError>() { 2 } else { 1 })
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let environment = &config::process_environment;
    match &cli.command {
        None => serve::http(&cli.serve, environment),
        Some(Command::Serve(typed)) => serve::http(typed, environment),
        Some(Command::Stdio(typed)) => serve::stdio(typed, environment),
        Some(Command::Inspect(typed)) => inspect::run(typed, environment),
        Some(Command::Call(typed)) => call::run(typed, environment),
        Some(Command::Check(typed)) => check::run(typed, environment),
        Some(Command::Schema { format }) => schema::run(*format),
        Some(Command::New(typed)) => new::run(typed, environment),
        Some(Command::ClientConfig(typed)) => client_config::run(typed, environment),
        Some(Command::Completions { shell }) => manual::completions(*shell),
        Some(Command::Man { command }) => manual::man(command.as_deref()),
        Some(Command::Sentinel) => {
            process::watch(io::stdin().lock());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Whether whoever read our output stopped reading.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|e| e.downcast_ref::<io::Error>()).any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// Words as a shell reads them. What can't be written for a shell, a NUL, is no word of anybody's.
fn words(words: &[&str]) -> String {
    shlex::try_join(words.iter().copied()).unwrap_or_else(|_| words.join(" "))
}

/// Prints JSON for people and programs.
fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(print(&text::json(&serde_json::to_string_pretty(value)?))?)
}

/// Prints a line to standard output; whoever closed it early gets no panic.
fn print(text: &str) -> io::Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    write(format!("{text}{end}").as_bytes())
}

/// Writes bytes to standard output as they are.
fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
