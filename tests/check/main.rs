//! `smcp check` as CI runs it: the program itself, on plugins of its own, judged by exit code and output.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![allow(clippy::disallowed_methods, reason = "tests read which Pythons to use, and run the program")]

mod drift;
mod formats;
mod lint;
mod prove;
mod support;
