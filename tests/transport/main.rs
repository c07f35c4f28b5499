//! The transports end to end: a real server on a free port (or a pipe), a real client, and tools that do what each
//! test needs without any program behind them.

#![allow(clippy::disallowed_methods, reason = "tests read where the specification's schemas are")]
#![allow(clippy::needless_pass_by_value, reason = "`json!` in place reads best without a reference")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod asking;
mod figures;
mod governor;
mod guard;
mod lists;
mod modern;
mod page;
mod plain;
mod resources;
#[path = "../support/schemas.rs"]
mod schemas;
mod sse;
mod stdio;
mod stop;
mod streamable;
mod support;
