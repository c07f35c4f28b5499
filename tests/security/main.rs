//! What somebody with bad intentions would try, against the real program over real sockets: arguments that want to be
//! options, paths that want to lead elsewhere, text that wants to drive a terminal or to forge a log, keys that might
//! leak, web pages of other sites, and clients that keep connections busy. Needs Linux and `python3`.

#![allow(clippy::disallowed_methods, reason = "tests start the program and read where Python is")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod arguments;
mod keys;
mod logs;
mod pages;
mod paths;
#[path = "../support/schemas.rs"]
mod schemas;
mod slow;
mod terminal;
mod world;
