//! Plugins and clients that behave badly, against the real program: each fault has an answer within a bound, other
//! clients are answered meanwhile, memory stays bounded, and no process is left. Needs Linux and `python3`.
//!
//! `cargo test --test faults -- --nocapture` prints the figures that `docs/reliability.md` tells.

#![allow(clippy::disallowed_methods, reason = "tests start the program and read where Python is")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod clients;
mod discovery;
mod disk;
mod plugins;
#[path = "../support/schemas.rs"]
mod schemas;
mod stop;
#[allow(dead_code, reason = "the soak uses the rest")]
#[path = "../support/wire.rs"]
mod wire;
#[path = "../support/world.rs"]
mod world;
