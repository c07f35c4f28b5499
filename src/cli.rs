//! What was typed: the command line as clap reads it, with no meaning given to it yet.
//!
//! Nothing is read from the environment here; [`crate::config`] joins the two.

#![expect(clippy::doc_markdown, reason = "these are help texts, shown as they are")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "smcp",
    version,
    about = "Serve every argparse program as Model Context Protocol tools, from nothing but its --help",
    long_about = "Serve every argparse program as Model Context Protocol tools, from nothing but its --help.\n\n\
        A plugin is a directory with a cli.py. Each leaf command of it becomes a tool with a JSON Schema, and a tool \
        call becomes its command line again.\n\nWithout a command, smcp serves HTTP.",
    args_conflicts_with_subcommands = true,
    after_help = "Variables: MCP_HOST, MCP_PORT, MCP_PLUGINS_DIR, MCP_SCHEMAS_DIR, MCP_API_KEY, MCP_API_KEYS, \
        MCP_PLUGIN_TIMEOUT, MCP_LOG_DIR, MCP_PYTHON, MCP_AUTH_ALLOW_LOOPBACK, MCP_AUTH_DISABLED, \
        MCP_RATE_LIMIT, MCP_WARM, SMCP_PROFILES, SMCP_ATTACH_PROFILE, SMCP_ADMIN_PREFIX, SMCP_REPLICA, SMCP_STATE_KEY, LETTA_SERVER_URL, \
        LETTA_SERVER_PASSWORD, LETTA_API_KEY, LETTA_AGENT_ID, RUST_LOG. \
        A flag beats its variable."
)]
pub struct Cli {
    /// What to do; serving where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of serving, for `smcp` alone.
    #[command(flatten)]
    pub serve: Serve,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve HTTP: SSE, streamable HTTP and bare JSON-RPC (the same as smcp alone)
    Serve(Box<Serve>),
    /// Serve one client on standard input and output
    Stdio(Stdio),
    /// Show plugins, their commands and arguments, where each fact came from, and what is wrong
    Inspect(Inspect),
    /// Call a tool and print its result
    Call(Call),
    /// Compare plugins with their committed contracts, lint their tools, prove their calls: for CI
    #[command(
        long_about = "Compare plugins with their committed contracts, lint their tools, prove their calls: for CI.\n\n\
            drift: each plugin is asked anew and compared with its file in the schemas directory. A difference is \
            breaking (an error), compatible (a warning) or in wording (a note).\n\
            lint: what a client or a model will stumble over.\n\
            prove (with --prove): random calls of every tool are given to the plugin's own parser, whose namespace must be \
            what they say. The plugin itself is only ever asked for help.\n\n\
            Nothing is written without --update. Exit codes: 0 nothing was found of the severity that --deny names or \
            above, 1 something was, 2 nothing could be checked. docs/ci.md has all rules."
    )]
    Check(Check),
    /// Write a plugin with two commands to begin with
    New(New),
    /// Print what to write into an MCP client's configuration
    ClientConfig(ClientConfig),
    /// Print the JSON Schema of a file format
    Schema {
        /// The file format
        format: Format,
    },
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, in the format of man(7)
    Man {
        /// The command that is to be told of; smcp itself where none is named
        command: Option<String>,
    },
    /// Kill the plugin processes that a killed server leaves (started by smcp itself)
    #[command(hide = true)]
    Sentinel,
}

/// An MCP client whose configuration is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Client {
    /// Claude Desktop
    ClaudeDesktop,
    /// Claude Code
    ClaudeCode,
    /// Cursor
    Cursor,
    /// Visual Studio Code
    #[value(name = "vscode")]
    VsCode,
    /// A Letta server
    Letta,
}

/// A file format that has a JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// `plugin.toml`
    Manifest,
    /// `schemas/<plugin>.json`
    Contract,
    /// A file of profiles, which `--profiles` names
    Profiles,
}

/// Seconds that one help page may take where nothing is typed.
pub const HELP_TIMEOUT: f64 = 10.0;

/// Where plugins are and how they are described.
#[derive(Clone, Debug, Default, Args)]
pub struct Plugins {
    /// Directory with one directory for each plugin [default: plugins] [env: MCP_PLUGINS_DIR]
    #[arg(long, value_name = "DIR")]
    pub plugins_dir: Option<PathBuf>,
    /// Directory of contract files [default: schemas] [env: MCP_SCHEMAS_DIR]
    #[arg(long, value_name = "DIR")]
    pub schemas_dir: Option<PathBuf>,
    /// Interpreter for plugins that name none [default: python3] [env: MCP_PYTHON]
    #[arg(long, value_name = "PROGRAM")]
    pub python: Option<String>,
    /// Use help pages alone, without asking the program's own parser object
    #[arg(long)]
    pub no_live: bool,
    /// Ask every plugin for --describe as well (only for plugins that are known to have it)
    #[arg(long)]
    pub describe: bool,
    /// Seconds that one help page may take
    #[arg(long, value_name = "SECONDS", default_value_t = HELP_TIMEOUT)]
    pub help_timeout: f64,
}

/// Bounds on plugin processes.
#[derive(Clone, Debug, Default, Args)]
pub struct Limits {
    /// Seconds that a call may take; 0 for no limit [default: no limit] [env: MCP_PLUGIN_TIMEOUT]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub plugin_timeout: Option<f64>,
    /// Bytes of a call's output that are kept
    #[arg(long, value_name = "BYTES", default_value_t = 10 << 20)]
    pub max_output: usize,
    /// Calls that run at a time
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub max_concurrency: usize,
    /// Calls that wait for a place before one more is answered "busy"
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub max_queue: usize,
}

impl Limits {
    /// The bounds that hold where nothing is typed, for commands that have no options about them.
    pub fn generous() -> Limits {
        Limits { plugin_timeout: None, max_output: 10 << 20, max_concurrency: 32, max_queue: 256 }
    }
}

/// Which tools sessions see.
#[derive(Clone, Debug, Default, Args)]
pub struct Profiles {
    /// JSON file of profiles, or a directory of such files (`smcp schema profiles`) [env: SMCP_PROFILES]
    #[arg(long, value_name = "PATH")]
    pub profiles: Option<PathBuf>,
    /// Profile that sessions begin with [default: default_profile of the file, or full] [env: SMCP_ATTACH_PROFILE]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// Where the log goes.
#[derive(Clone, Debug, Default, Args)]
pub struct Log {
    /// Directory of mcp.log, 10 MB a file, 5 files kept [default: here; none for stdio] [env: MCP_LOG_DIR]
    #[arg(long, value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// Form of log lines, on standard error and in the file
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    pub log_format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line, with `time`, `level`, `target`, `message` and what the line is about as further fields
    Json,
}

/// Options of serving HTTP.
#[derive(Clone, Debug, Default, Args)]
pub struct Serve {
    /// Address to listen on [default: 0.0.0.0, answering only this machine and its containers] [env: MCP_HOST]
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<String>,
    /// Port; 0 for any free one [default: 8000] [env: MCP_PORT]
    #[arg(long, value_name = "PORT")]
    pub port: Option<String>,
    /// Answer other machines too; needs a key in MCP_API_KEY or MCP_API_KEYS
    #[arg(long)]
    pub allow_external: bool,
    /// Ask for the key on loopback too [env: MCP_AUTH_ALLOW_LOOPBACK=0]
    #[arg(long)]
    pub require_auth: bool,
    /// Further host name, without port, that requests may name; can be given several times
    #[arg(long = "allowed-host", value_name = "NAME")]
    pub allowed_hosts: Vec<String>,
    /// Further origin (https://NAME) that web pages may call from; can be given several times
    #[arg(long = "allowed-origin", value_name = "ORIGIN")]
    pub allowed_origins: Vec<String>,
    /// Largest request body in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 20)]
    pub max_body: usize,
    /// Sessions of the older transports at a time
    #[arg(long, value_name = "N", default_value_t = 2048)]
    pub max_sessions: usize,
    /// Seconds that a session may stay idle
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub session_idle: u64,
    /// Requests that one key, or one peer without a key, may make: 10/s, 600/m or 5000/h [default: no limit]
    /// [env: MCP_RATE_LIMIT]
    #[arg(long, value_name = "RATE")]
    pub rate_limit: Option<String>,
    /// Requests that may come at once after a rest [default: the rate's number]
    #[arg(long, value_name = "N")]
    pub rate_burst: Option<u32>,
    /// Name of this one of several replicas; ids of sessions begin with it, so a proxy knows whose they are
    /// [env: SMCP_REPLICA]
    #[arg(long, value_name = "NAME")]
    pub replica: Option<String>,
    /// Seconds for which everything goes on after the signal to stop, while /health says 503; a second signal ends them
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub drain: u64,
    /// Serve the plugins as they were at the start, whatever changes on disk
    #[arg(long)]
    pub no_watch: bool,
    /// Keep a process of each Python plugin that has its modules imported and forks for each call [env: MCP_WARM]
    #[arg(long)]
    pub warm: bool,
    /// Where plugins are.
    #[command(flatten)]
    pub plugins: Plugins,
    /// Bounds on calls.
    #[command(flatten)]
    pub limits: Limits,
    /// Which tools sessions see.
    #[command(flatten)]
    pub profiles: Profiles,
    /// The log.
    #[command(flatten)]
    pub log: Log,
}

/// Options of serving standard input and output.
#[derive(Clone, Debug, Default, Args)]
pub struct Stdio {
    /// Serve the plugins as they were at the start, whatever changes on disk
    #[arg(long)]
    pub no_watch: bool,
    /// Keep a process of each Python plugin that has its modules imported and forks for each call [env: MCP_WARM]
    #[arg(long)]
    pub warm: bool,
    /// Where plugins are.
    #[command(flatten)]
    pub plugins: Plugins,
    /// Bounds on calls.
    #[command(flatten)]
    pub limits: Limits,
    /// Which tools sessions see.
    #[command(flatten)]
    pub profiles: Profiles,
    /// The log.
    #[command(flatten)]
    pub log: Log,
}

/// Options of inspecting.
#[derive(Clone, Debug, Args)]
pub struct Inspect {
    /// A plugin, or a command of one: PLUGIN or PLUGIN.COMMAND[.COMMAND…]
    pub target: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print the JSON Schema of a tool's arguments
    #[arg(long, value_name = "TOOL", conflicts_with = "target")]
    pub schema: Option<String>,
    /// Print the command line that a call of a tool would run, as a JSON array
    #[arg(long, num_args = 2, value_names = ["TOOL", "JSON"], conflicts_with_all = ["target", "schema"])]
    pub argv: Option<Vec<String>>,
    /// Where plugins are.
    #[command(flatten)]
    pub plugins: Plugins,
}

/// Options of making a plugin.
#[derive(Clone, Debug, Args)]
pub struct New {
    /// The plugin's name: a letter, then letters, digits, _ and -
    pub name: String,
    /// Directory with one directory for each plugin [default: plugins] [env: MCP_PLUGINS_DIR]
    #[arg(long, value_name = "DIR")]
    pub plugins_dir: Option<PathBuf>,
}

/// Options of a client's configuration.
#[derive(Clone, Debug, Args)]
pub struct ClientConfig {
    /// The client
    pub client: Client,
    /// The name by which the client shows the server
    #[arg(long, default_value = "smcp")]
    pub name: String,
    /// Have the client ask a server that runs (http://127.0.0.1:8000 means its /mcp) instead of starting one
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The variable that holds the server's key; the entry names it, the key itself is never printed
    #[arg(long = "key-env", value_name = "VARIABLE", requires = "url")]
    pub key_variable: Option<String>,
    /// Where plugins are.
    #[command(flatten)]
    pub plugins: Plugins,
}

/// Options of calling.
#[derive(Clone, Debug, Args)]
pub struct Call {
    /// The tool's name, as listed or as PLUGIN.COMMAND
    pub tool: String,
    /// The arguments as a JSON object
    #[arg(default_value = "{}", value_name = "JSON")]
    pub arguments: String,
    /// Print the command line instead of running it, one word a line as JSON
    #[arg(long)]
    pub dry_run: bool,
    /// Where plugins are.
    #[command(flatten)]
    pub plugins: Plugins,
    /// Bounds on the call.
    #[command(flatten)]
    pub limits: Limits,
}

/// Options of checking.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// Plugins to check; all where none is named
    #[arg(value_name = "PLUGIN")]
    pub names: Vec<String>,
    /// Write the contracts of the schemas directory anew
    #[arg(long)]
    pub update: bool,
    /// Give random calls to the plugins' own parsers
    #[arg(long)]
    pub prove: bool,
    /// Calls of each tool that are proven
    #[arg(long, value_name = "N", default_value_t = 24, requires = "prove")]
    pub calls: usize,
    /// Makes other random calls; the same number makes the same ones
    #[arg(long, value_name = "N", default_value_t = 0, requires = "prove")]
    pub seed: u64,
    /// The least severity that fails the check
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = Deny::Warning)]
    pub deny: Deny,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t = Output::Human)]
    pub format: Output,
    /// Where plugins are.
    #[command(flatten)]
    pub plugins: Plugins,
}

/// A severity of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Deny {
    /// Everything fails the check.
    Note,
    /// What is served less well than it could be, and changes that break no caller.
    Warning,
    /// What is not served, changes that break callers, and calls that go wrong.
    Error,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Text to read
    Human,
    /// One JSON object
    Json,
    /// JUnit XML: a suite for each plugin
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// GitHub's workflow commands, which annotate files
    Github,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_is_the_default() {
        let cli = Cli::try_parse_from(["smcp", "--port", "1", "--host", "::1"]).expect("it parses");
        assert!(cli.command.is_none());
        assert_eq!((cli.serve.port.as_deref(), cli.serve.host.as_deref()), (Some("1"), Some("::1")));
    }
}
