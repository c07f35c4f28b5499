//! The transports end to end: a real server on a free port (or a pipe), a real client, and tools that do what each
//! test needs without any program behind them.

#![allow(clippy::disallowed_methods, reason = "tests read where the specification's schemas are")]

mod guard;
mod modern;
mod plain;
mod schemas;
mod sse;
mod stdio;
mod stop;
mod streamable;
mod support;
