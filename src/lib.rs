//! smcp serves command-line programs whose help comes from Python's argparse as tools of the Model Context
//! Protocol (MCP), with no metadata written by anyone. `ARCHITECTURE.md` is the map of these modules; imports
//! between them point one way, from the end of this list to its top.
//!
//! ```
//! let page = "usage: greet [-h] --name NAME\n\noptions:\n  -h, --help   show this help message and exit\n  --name NAME  whom to greet\n";
//! let command = smcp::help::parse(page, &[]);
//! let tools = smcp::schema::tools("greet", &command, &Default::default());
//! assert_eq!(tools.tools[0].input_schema["required"][0], "name");
//! ```

pub mod metrics;
pub mod model;
pub mod text;

pub mod argv;
pub mod help;
pub mod live;
pub mod profile;
pub mod schema;

pub mod places;

pub mod cli;
pub mod config;

pub mod contract;
pub mod letta;
pub mod plugin;
pub mod process;

pub mod call;
pub mod check;
pub mod outcome;
pub mod registry;

pub mod inspect;
pub mod mcp;
pub mod web;

pub mod transport;

pub mod commands;
pub mod logging;
