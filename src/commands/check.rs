//! `smcp check`: what continuous integration wants to know, printed in the format that it reads.

use std::process::ExitCode;

use crate::check::{self, Asked, Trials, report};
use crate::cli::{self, Deny, Output};
use crate::config::{self, Config, Environment};
use crate::model::Severity;

pub(super) fn run(typed: &cli::Check, environment: Environment) -> anyhow::Result<ExitCode> {
    let config = Config::without_http(&typed.plugins, &cli::Limits::generous(), environment)?;
    crate::logging::start(&config, environment("RUST_LOG").as_deref().or(Some("warn")))?;
    let calls = config::at_least_one("--calls", typed.calls)?;
    let prove = typed.prove.then_some(Trials { calls, seed: typed.seed });
    let asked = Asked { plugins: typed.names.clone(), update: typed.update, prove };
    let checked = super::serve::runtime()?.block_on(check::run(&config, &asked, &super::serve::Bar::new()));
    let report = checked?;
    let deny = match typed.deny {
        Deny::Note => Severity::Note,
        Deny::Warning => Severity::Warning,
        Deny::Error => Severity::Error,
    };
    let format = match typed.format {
        Output::Human => report::Format::Human,
        Output::Json => report::Format::Json,
        Output::Junit => report::Format::Junit,
        Output::Sarif => report::Format::Sarif,
        Output::Github => report::Format::Github,
    };
    super::print(&report::text(&report, format, deny))?;
    Ok(ExitCode::from(u8::from(report.denied(deny) > 0)))
}
