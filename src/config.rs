//! What was typed and what the environment says → [`Config`], built once at start and passed in everywhere.
//! The only module that reads the environment; it does so through a function, so that tests set no process variables.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The whole configuration of a run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where plugins are looked for.
    pub plugins_dir: PathBuf,
    /// Where contract files are kept.
    pub schemas_dir: PathBuf,
    /// How plugins are found and described.
    pub discovery: Discovery,
    /// The bounds on plugin processes.
    pub limits: Limits,
    /// How HTTP is served.
    pub http: Http,
    /// Where `mcp.log` goes; `None`: no log file.
    pub log_dir: Option<PathBuf>,
}

/// How plugins are found and described.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// The interpreter for plugins that name none.
    pub python: String,
    /// Whether the live description is used at all.
    pub live: bool,
    /// Whether every Python plugin is asked for `--describe` (a manifest can ask for its own plugin).
    pub describe: bool,
    /// How long one help page may take.
    pub help_timeout: Duration,
    /// Help pages captured at a time.
    pub parallel: usize,
    /// The server's own `PATH`, in which interpreters without a directory are looked up.
    pub path: Option<OsString>,
    /// The server's own `PYTHONPATH`, which capture runs put behind their own entry.
    pub python_path: Option<OsString>,
}

/// The bounds on plugin processes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a call may take; `None`: as long as it wants.
    pub timeout: Option<Duration>,
    /// Between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// Bytes of standard output that are kept (and the same of standard error, at most 64 KiB).
    pub output: usize,
    /// Calls that run at a time, over all plugins.
    pub concurrency: usize,
    /// Calls that wait for a place; one more is answered "busy".
    pub queue: usize,
}

/// How HTTP is served.
#[derive(Clone, Debug)]
pub struct Http {
    /// The address to listen on.
    pub host: IpAddr,
    /// The port; 0: any free one.
    pub port: u16,
    /// Answer peers that are not this machine or its containers.
    pub allow_external: bool,
    /// Keys, any of which opens the server; empty: none is asked for.
    pub keys: Vec<String>,
    /// Ask loopback peers for a key too.
    pub require_auth: bool,
    /// Host names (without port) that are accepted besides loopback names and this machine's addresses.
    pub allowed_hosts: Vec<String>,
    /// Origins that are accepted besides the server's own.
    pub allowed_origins: Vec<String>,
    /// The largest request body in bytes.
    pub body_limit: usize,
    /// Sessions of the legacy transports at a time.
    pub session_limit: usize,
    /// How long a session may stay idle.
    pub session_idle: Duration,
}
