//! A plugins directory → each plugin's command tree, as far as it can be had from files and help pages.
//!
//! ```text
//! discover → manifest → interpreter → tree (capture, page by page; parse; merge) → describe → select
//! ```
//!
//! - `discover`: which directories are plugins
//! - `manifest`: what an optional `plugin.toml` says
//! - `offers`: what a manifest offers besides tools: resources and prompts
//! - `uri`: how resources' URIs are written and compared
//! - `uri_template`: which URIs a family of resources has
//! - `interpreter`: the words that start the program
//! - `warm`: whether and how a process of it is kept that forks for calls
//! - `capture`: one help page and the live description that came with it
//! - `proof`: calls that a program's own parser reads, without the program being run for them
//! - `tree`: all pages of a program, level by level → its command tree
//! - `placeholder`: words for positionals that stand before a subcommand
//! - `describe`: a `--describe` contract, where somebody asked for it
//! - `select`: which commands a manifest includes and excludes
//!
//! Nothing here knows tools, contract files, or MCP; processes are started through [`crate::process`] only.

pub mod capture;
pub mod describe;
pub mod discover;
pub mod interpreter;
pub mod manifest;
pub mod offers;
pub mod proof;
pub mod scaffold;
pub mod select;
pub mod tree;
pub mod uri;
pub mod uri_template;
pub mod warm;

mod answer;
mod placeholder;

/// The file that makes a directory a plugin.
pub const PROGRAM: &str = "cli.py";

/// The optional file that says more about a plugin.
pub const MANIFEST: &str = "plugin.toml";
