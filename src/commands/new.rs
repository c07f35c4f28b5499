//! `smcp new`: a plugin to begin with.

use std::process::ExitCode;

use crate::cli;
use crate::config::{self, Environment};
use crate::plugin::scaffold;

pub(super) fn run(typed: &cli::New, environment: Environment) -> anyhow::Result<ExitCode> {
    let plugins_dir = config::plugins_dir(typed.plugins_dir.as_deref(), environment);
    let place = scaffold::create(&plugins_dir, &typed.name)?;
    // The commands that are told work as they are: with the same directory, where it was typed.
    let option = typed.plugins_dir.as_deref().map(|directory| directory.to_string_lossy());
    let option = option.map(|directory| format!(" {}", super::words(&["--plugins-dir", &directory])));
    let option = option.unwrap_or_default();
    let name = &typed.name;
    super::print(&format!(
        "made {place}: cli.py with two commands, __init__.py, README.md\n\
         next:\n  \
         smcp inspect{option} {name}\n  \
         smcp call{option} {name}.greet '{{\"name\": \"Ann\"}}'\n  \
         smcp client-config{option} claude-code",
        place = place.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}
