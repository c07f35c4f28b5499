//! `smcp completions` and `smcp man`: what shells and `man` are told of the command line.

use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;

use crate::cli::Cli;

/// The completion script of a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "smcp", &mut script);
    super::print(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The manual page of the program, or of one of its commands.
pub(super) fn man(command: Option<&str>) -> anyhow::Result<ExitCode> {
    let mut program = Cli::command();
    program.build();
    let told = match command {
        None => program.clone(),
        Some(name) => {
            let known = || program.get_subcommands().filter(|command| !command.is_hide_set());
            let names =
                || known().map(|command| command.get_name().to_owned()).collect::<Vec<_>>().join(", ");
            let found = known().find(|command| command.get_name() == name).cloned();
            found.with_context(|| format!("no command `{name}`; there are: {}", names()))?
        }
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(told).render(&mut page)?;
    super::print(&String::from_utf8(page)?)?;
    Ok(ExitCode::SUCCESS)
}
