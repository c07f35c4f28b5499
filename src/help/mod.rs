//! Help page → [`Command`], by the inverse of how argparse prints (CPython 3.6 to 3.14).
//!
//! ```text
//! page → normalize → layout → entries (invocation, values) ┐
//!                        └──→ usage, guided by the entries ├→ lower → Command
//!                             annotation (help texts)      ┘
//! ```
//!
//! - `normalize`: plain lines, without what terminals interpret
//! - `layout`: the usage, sections, entries and their help, by columns
//! - `invocation`: `-o OUT, --out OUT` → flags and values
//! - `values`: `OUT [OUT ...]` → arity, metavar, choices
//! - `usage`: the usage's grammar
//! - `annotation`: facts that help texts state, such as `(default: 3)`
//! - `suggestions`: values that help texts list in prose
//! - `lower`: what usage and entries say, each confirmed by the other
//!
//! Pure and total: any text gives a command, and what could not be placed becomes a diagnostic.

mod annotation;
mod invocation;
mod layout;
mod lower;
mod normalize;
mod suggestions;
mod text;
mod usage;
mod values;

use crate::model::Command;

pub use normalize::plain;

/// Reads the help page of the command that `path` leads to (empty for the program itself). Total: any text gives a
/// command, and what could not be placed becomes its diagnostics.
pub fn parse(page: &str, path: &[&str]) -> Command {
    let plain = normalize::plain(page);
    let plain = crate::text::without_addresses(&plain);
    let lines = normalize::lines(&plain);
    lower::command(&lines, &layout::blocks(&lines), path)
}
