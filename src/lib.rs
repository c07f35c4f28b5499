//! smcp serves command-line programs whose help comes from Python's argparse as tools of the Model Context
//! Protocol (MCP), with no metadata written by anyone. `ARCHITECTURE.md` is the map of these modules; imports
//! between them point one way, from the top of this list to its end.

pub mod model;
pub mod text;

pub mod argv;
pub mod help;
pub mod live;
pub mod schema;

pub mod cli;
pub mod config;

pub mod contract;
pub mod plugin;
pub mod process;

pub mod call;
pub mod outcome;
pub mod registry;

pub mod mcp;

pub mod transport;

pub mod commands;
pub mod logging;
