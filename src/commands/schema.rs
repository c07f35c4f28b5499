//! `smcp schema`: the JSON Schema of a file format.

use std::process::ExitCode;

use crate::cli::Format;
use crate::{contract, plugin, profile};

pub(super) fn run(format: Format) -> anyhow::Result<ExitCode> {
    let schema = match format {
        Format::Manifest => plugin::manifest::schema(),
        Format::Contract => contract::schema(),
        Format::Profiles => profile::schema(),
    };
    super::print_json(&schema)?;
    Ok(ExitCode::SUCCESS)
}
