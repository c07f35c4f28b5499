//! A table of cases: what trips programs that read argparse's help pages, render its command lines and run other programs
//! as tools. One test function for each row, named after the row's construct, in the table's order:
//!
//! - `help_pages`: odd constructs of argparse, and what is served for them, known from the help page alone ("text") and with
//!   the parser object ("live"), on every Python of `SMCP_TEST_PYTHONS`;
//! - `meanings`: what values, flags and defaults mean to the parser;
//! - `rendering`: traps between a call's arguments and the namespace that the program gets;
//! - `bridges`: faults that bridges between programs and clients are known for;
//! - `faults`: further ones, of servers of such plugins.
//!
//! All programs are small, real `cli.py` files; they are discovered, served and called as any plugin is. Trackers are
//! named where the construct was first reported.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![allow(clippy::disallowed_methods, reason = "tests start programs")]

mod bridges;
mod client;
mod faults;
mod help_pages;
mod meanings;
mod rendering;
#[path = "../support/schemas.rs"]
mod schemas;
mod support;
