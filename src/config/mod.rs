//! What was typed and what the environment says → [`Config`], built once at start and passed in everywhere.
//! The only module that reads the environment; it does so through a function, so that tests set no process variables.
//! A flag beats a variable, and a bad value is an error that names it.

mod entry;
mod fleet;
mod letta;
mod profiles;
mod rate;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cli::{self, LogFormat};
use crate::profile::{ProfileError, Profiles};

pub use letta::Letta;
pub use profiles::ProfileKey;
pub use rate::Rate;

/// The whole configuration of a run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where plugins are looked for.
    pub plugins_dir: PathBuf,
    /// Where contract files are kept.
    pub schemas_dir: PathBuf,
    /// How plugins are found and described.
    pub discovery: Discovery,
    /// Whether changes of plugins on disk are served while running.
    pub watch: bool,
    /// The bounds on plugin processes.
    pub limits: Limits,
    /// How HTTP is served.
    pub http: Http,
    /// Where `mcp.log` goes; `None`: no log file.
    pub log_dir: Option<PathBuf>,
    /// What its lines look like.
    pub log_format: LogFormat,
    /// Which tools sessions see; `None`: all of them, always.
    pub profiles: Option<Arc<Profiles>>,
    /// Where an agent's secrets are fetched; `None`: nowhere.
    pub letta: Option<Letta>,
    /// How long the server goes on after the signal to stop.
    pub drain: Duration,
    /// The secret with which state that clients keep is sealed, the same for all replicas; `None`: one of this process.
    pub state_key: Option<String>,
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
    /// Whether plugins are kept warm whose manifests say nothing of it.
    pub warm: bool,
    /// How long one help page may take.
    pub help_timeout: Duration,
    /// Help pages captured at a time.
    pub parallel: usize,
    /// The server's own `PATH`, in which interpreters without a directory are looked up.
    pub path: Option<OsString>,
    /// The server's own `PYTHONPATH`, which capture runs put behind their own entry.
    pub python_path: Option<OsString>,
    /// The variables that no plugin gets: the server's own secrets.
    pub secret_variables: Vec<String>,
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
    /// Host names (without port, in small letters) that are accepted besides loopback names and this machine's addresses.
    pub allowed_hosts: Vec<String>,
    /// Origins (in small letters, without a last `/`) that are accepted besides the server's own, and may read answers.
    pub allowed_origins: Vec<String>,
    /// The largest request body in bytes.
    pub body_limit: usize,
    /// Sessions of the legacy transports at a time.
    pub session_limit: usize,
    /// How long a session may stay idle.
    pub session_idle: Duration,
    /// Keys that open one profile and no other.
    pub profile_keys: Vec<ProfileKey>,
    /// How many requests one key, or one peer without a key, may make; `None`: as many as it wants.
    pub rate: Option<Rate>,
    /// The name of this one of several replicas.
    pub replica: Option<String>,
}

/// A value that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A flag or variable with a bad value.
    #[error("{name}: `{value}` is no {expected}")]
    Value {
        /// The flag or variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A key is to be asked for, and there is none.
    #[error("{wanted_by} needs a key: set MCP_API_KEY, or MCP_AUTH_DISABLED=1 to serve everyone without one")]
    NoKey {
        /// The flag or variable that wants one.
        wanted_by: &'static str,
    },
    /// A variable for keys is set, and there is none.
    #[error("{variable} is set and holds no key: give it one, or unset it, or set MCP_AUTH_DISABLED=1")]
    EmptyKeys {
        /// The variable.
        variable: &'static str,
    },
    /// A secret that could be guessed.
    #[error("{name} is shorter than {least} characters; `openssl rand -hex 32` makes a good one")]
    ShortSecret {
        /// The variable.
        name: &'static str,
        /// How long it is to be.
        least: usize,
    },
    /// A file that can't be read.
    #[error("{name}: {path}: {reason}")]
    Unreadable {
        /// The flag or variable that names it.
        name: &'static str,
        /// The file or directory.
        path: String,
        /// Why.
        reason: String,
    },
    /// Profiles that can't be used.
    #[error("{origin}: {error}")]
    Profiles {
        /// The file, flag or variable that they come from.
        origin: String,
        /// What is wrong with them.
        error: ProfileError,
    },
    /// A profile's key that is not there.
    #[error("profile `{profile}`: its key is to be in the variable {variable}, which is not set")]
    NoProfileKey {
        /// The profile.
        profile: String,
        /// The variable.
        variable: String,
    },
    /// One key for two things.
    #[error(
        "profile `{profile}`: the key in {variable} is the key of something else too; each needs its own"
    )]
    SameKey {
        /// The profile.
        profile: String,
        /// The variable.
        variable: String,
    },
}

/// The variables whose values are secrets of the server's own: no plugin gets them, nor those that hold the keys of
/// profiles.
pub const SECRET_VARIABLES: [&str; 5] =
    ["MCP_API_KEY", "MCP_API_KEYS", fleet::STATE_KEY_VARIABLE, letta::PASSWORD_VARIABLE, letta::KEY_VARIABLE];

/// Where values that were not typed come from.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's own environment. A value that is not UTF-8 counts as not set.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where plugins are, for commands that need to know nothing else.
pub fn plugins_dir(typed: Option<&Path>, environment: Environment) -> PathBuf {
    directory(typed, environment("MCP_PLUGINS_DIR"), "plugins")
}

fn directory(typed: Option<&Path>, set: Option<String>, default: &str) -> PathBuf {
    typed.map(Path::to_owned).or_else(|| set.map(PathBuf::from)).unwrap_or_else(|| default.into())
}

/// Whether what is written to standard output may have colours, should that be a terminal: nobody said no
/// (<https://no-color.org>), and the terminal knows them.
pub fn may_colour(environment: Environment) -> bool {
    environment("NO_COLOR").is_none() && environment("TERM").is_none_or(|name| name != "dumb")
}

impl Config {
    /// The configuration of serving HTTP.
    pub fn serve(typed: &cli::Serve, environment: Environment) -> Result<Config, ConfigError> {
        let profiles = profiles::resolve(&typed.profiles, environment)?;
        let config = Config {
            http: Http::resolve(typed, profiles.as_deref(), environment)?,
            log_dir: log_dir(&typed.log, environment).or_else(|| Some(".".into())),
            log_format: typed.log.log_format,
            letta: letta::resolve(environment)?,
            watch: !typed.no_watch,
            drain: Duration::from_secs(typed.drain),
            state_key: fleet::state_key(environment)?,
            ..Config::base(&typed.plugins, &typed.limits, environment)?
        };
        Ok(config.warm(typed.warm).governed(profiles))
    }

    /// The configuration of serving standard input and output.
    pub fn stdio(typed: &cli::Stdio, environment: Environment) -> Result<Config, ConfigError> {
        let profiles = profiles::resolve(&typed.profiles, environment)?;
        let config = Config {
            log_dir: log_dir(&typed.log, environment),
            log_format: typed.log.log_format,
            letta: letta::resolve(environment)?,
            watch: !typed.no_watch,
            ..Config::base(&typed.plugins, &typed.limits, environment)?
        };
        Ok(config.warm(typed.warm).governed(profiles))
    }

    fn warm(mut self, typed: bool) -> Config {
        self.discovery.warm |= typed;
        self
    }

    /// With profiles, whose keys no plugin gets.
    fn governed(mut self, profiles: Option<Arc<Profiles>>) -> Config {
        let keys = profiles.iter().flat_map(|p| p.iter()).flat_map(|p| p.keys.iter().cloned());
        self.discovery.secret_variables.extend(keys);
        self.profiles = profiles;
        self
    }

    /// The configuration of commands that serve nobody. They see every tool, but plugins get no key here either.
    pub fn without_http(
        plugins: &cli::Plugins,
        limits: &cli::Limits,
        environment: Environment,
    ) -> Result<Config, ConfigError> {
        let profiles = profiles::resolve(&cli::Profiles::default(), environment)?;
        let config = Config::base(plugins, limits, environment)?.governed(profiles);
        Ok(Config { profiles: None, ..config })
    }

    fn base(
        plugins: &cli::Plugins,
        limits: &cli::Limits,
        environment: Environment,
    ) -> Result<Config, ConfigError> {
        Ok(Config {
            plugins_dir: plugins_dir(plugins.plugins_dir.as_deref(), environment),
            schemas_dir: directory(plugins.schemas_dir.as_deref(), environment("MCP_SCHEMAS_DIR"), "schemas"),
            discovery: Discovery {
                python: plugins
                    .python
                    .clone()
                    .or_else(|| environment("MCP_PYTHON"))
                    .unwrap_or_else(|| "python3".into()),
                live: !plugins.no_live,
                describe: plugins.describe,
                warm: switched_on(environment, "MCP_WARM")?,
                help_timeout: seconds("--help-timeout", plugins.help_timeout)?.ok_or_else(|| {
                    bad("--help-timeout", plugins.help_timeout, "number of seconds above 0")
                })?,
                parallel: std::thread::available_parallelism().map_or(1, usize::from),
                path: environment("PATH").map(OsString::from),
                python_path: environment("PYTHONPATH").map(OsString::from),
                secret_variables: SECRET_VARIABLES.map(String::from).into(),
            },
            limits: Limits {
                timeout: plugin_timeout(limits, environment)?,
                grace: GRACE,
                output: limits.max_output,
                concurrency: at_least_one("--max-concurrency", limits.max_concurrency)?,
                queue: limits.max_queue,
            },
            watch: false,
            http: Http::default(),
            log_dir: None,
            log_format: LogFormat::default(),
            profiles: None,
            letta: None,
            drain: Duration::ZERO,
            state_key: None,
        })
    }
}

fn log_dir(typed: &cli::Log, environment: Environment) -> Option<PathBuf> {
    typed.log_dir.clone().or_else(|| environment("MCP_LOG_DIR").map(PathBuf::from))
}

/// Between SIGTERM and SIGKILL: what users of the predecessor are used to.
const GRACE: Duration = Duration::from_secs(5);

impl Default for Http {
    fn default() -> Http {
        Http {
            host: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            port: 8000,
            allow_external: false,
            keys: Vec::new(),
            require_auth: false,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            body_limit: 4 << 20,
            session_limit: 2048,
            session_idle: Duration::from_secs(3600),
            profile_keys: Vec::new(),
            rate: None,
            replica: None,
        }
    }
}

impl Http {
    fn resolve(
        typed: &cli::Serve,
        profiles: Option<&Profiles>,
        environment: Environment,
    ) -> Result<Http, ConfigError> {
        let default = Http::default();
        let keys = entry::keys(environment)?;
        let profile_keys = profiles::keys(profiles, &keys, environment)?;
        let loopback_exempt = environment("MCP_AUTH_ALLOW_LOOPBACK").is_none()
            || switched_on(environment, "MCP_AUTH_ALLOW_LOOPBACK")?;
        let require_auth = typed.require_auth || !loopback_exempt;
        if keys.is_empty() && profile_keys.is_empty() {
            entry::check_key(typed, require_auth, environment)?;
        }
        Ok(Http {
            host: given(("--host", &typed.host), "MCP_HOST", environment, "IP address", address)?
                .unwrap_or(default.host),
            port: given(("--port", &typed.port), "MCP_PORT", environment, "port (0 to 65535)", |text| {
                text.parse().ok()
            })?
            .unwrap_or(default.port),
            allow_external: typed.allow_external,
            keys,
            require_auth,
            allowed_hosts: entry::hosts(&typed.allowed_hosts)?,
            allowed_origins: entry::origins(&typed.allowed_origins)?,
            body_limit: at_least_one("--max-body", typed.max_body)?,
            session_limit: at_least_one("--max-sessions", typed.max_sessions)?,
            session_idle: Duration::from_secs(typed.session_idle),
            profile_keys,
            rate: rate::resolve(typed, environment)?,
            replica: fleet::replica(typed, environment)?,
        })
    }
}

/// An IP address, or the one name that everybody knows.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    if bare.eq_ignore_ascii_case("localhost") {
        Some(IpAddr::V4(Ipv4Addr::LOCALHOST))
    } else {
        bare.parse().ok()
    }
}

/// A value that was typed, else the variable's.
fn given<T>(
    (flag, typed): (&'static str, &Option<String>),
    variable: &'static str,
    environment: Environment,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, ConfigError> {
    let (name, value) = match (typed, environment(variable)) {
        (Some(typed), _) => (flag, typed.clone()),
        (None, Some(set)) => (variable, set),
        (None, None) => return Ok(None),
    };
    parse(value.trim()).map(Some).ok_or_else(|| bad(name, value, expected))
}

fn bad(name: &'static str, value: impl std::fmt::Display, expected: &'static str) -> ConfigError {
    ConfigError::Value { name, value: value.to_string(), expected }
}

fn switched_on(environment: Environment, name: &'static str) -> Result<bool, ConfigError> {
    match environment(name).unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        other => Err(bad(name, other, "switch (1 or 0)")),
    }
}

fn plugin_timeout(limits: &cli::Limits, environment: Environment) -> Result<Option<Duration>, ConfigError> {
    let typed = limits.plugin_timeout.map(|t| t.to_string());
    let number = |text: &str| text.parse::<f64>().ok();
    let found =
        given(("--plugin-timeout", &typed), "MCP_PLUGIN_TIMEOUT", environment, "number of seconds", number)?;
    found.map_or(Ok(None), |s| seconds("--plugin-timeout", s))
}

/// Seconds as a duration; zero and less is no limit.
fn seconds(name: &'static str, seconds: f64) -> Result<Option<Duration>, ConfigError> {
    if seconds <= 0.0 {
        return Ok(None);
    }
    Duration::try_from_secs_f64(seconds).map(Some).map_err(|_| bad(name, seconds, "number of seconds"))
}

/// A count that can't be 0.
pub fn at_least_one(name: &'static str, value: usize) -> Result<usize, ConfigError> {
    if value == 0 { Err(bad(name, value, "number above 0")) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn resolve(words: &[&str], variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let cli = cli::Cli::parse_from(std::iter::once("smcp").chain(words.iter().copied()));
        Config::serve(&cli.serve, &|name| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        })
    }

    fn message(words: &[&str], variables: &[(&str, &str)]) -> String {
        resolve(words, variables).expect_err("it is refused").to_string()
    }

    #[test]
    fn a_flag_beats_a_variable() {
        let config =
            resolve(&["--port", "1"], &[("MCP_PORT", "2"), ("MCP_HOST", "::1"), ("MCP_PLUGINS_DIR", "p")])
                .expect("it resolves");
        assert_eq!(
            (config.http.port, config.http.host.to_string(), config.plugins_dir),
            (1, "::1".to_owned(), "p".into())
        );
    }

    #[test]
    fn bad_values_are_named() {
        assert_eq!(message(&[], &[("MCP_PORT", "web")]), "MCP_PORT: `web` is no port (0 to 65535)");
        assert_eq!(message(&["--host", "nowhere"], &[]), "--host: `nowhere` is no IP address");
        assert_eq!(
            message(&[], &[("MCP_PLUGIN_TIMEOUT", "soon")]),
            "MCP_PLUGIN_TIMEOUT: `soon` is no number of seconds"
        );
        assert_eq!(
            message(&[], &[("MCP_AUTH_ALLOW_LOOPBACK", "maybe")]),
            "MCP_AUTH_ALLOW_LOOPBACK: `maybe` is no switch (1 or 0)"
        );
    }

    #[test]
    fn plugins_are_warm_where_somebody_says_so() {
        let warm = |words: &[&str], value| {
            resolve(words, &[("MCP_WARM", value)]).map(|config| config.discovery.warm)
        };
        assert_eq!(warm(&[], "0"), Ok(false));
        assert_eq!(warm(&[], "1"), Ok(true));
        assert_eq!(warm(&["--warm"], "0"), Ok(true));
        assert_eq!(message(&[], &[("MCP_WARM", "hot")]), "MCP_WARM: `hot` is no switch (1 or 0)");
    }

    #[test]
    fn time_limits() {
        for (value, expected) in [("0", None), ("-1", None), ("1.5", Some(Duration::from_millis(1500)))] {
            let config = resolve(&[], &[("MCP_PLUGIN_TIMEOUT", value)]).expect("it resolves");
            assert_eq!(config.limits.timeout, expected, "{value}");
        }
    }

    #[test]
    fn a_key_that_is_to_be_asked_for_is_to_be_there() {
        for (words, variables, wanted_by) in [
            (&["--allow-external"][..], None, "--allow-external"),
            (&["--require-auth"], None, "--require-auth"),
            (&[], Some(("MCP_AUTH_ALLOW_LOOPBACK", "0")), "MCP_AUTH_ALLOW_LOOPBACK=0"),
        ] {
            let mut variables: Vec<_> = variables.into_iter().collect();
            let said = message(words, &variables);
            assert!(said.starts_with(wanted_by) && said.contains("set MCP_API_KEY"), "{said}");
            variables.push(("MCP_AUTH_DISABLED", "1"));
            assert_eq!(resolve(words, &variables).map(|c| c.http.keys.len()), Ok(0), "{words:?}");
            variables[0] = ("MCP_API_KEY", "k");
            assert_eq!(resolve(words, &variables).map(|c| c.http.keys.len()), Ok(1), "{words:?}");
        }
        assert!(message(&[], &[("MCP_API_KEYS", ", ,")]).starts_with("MCP_API_KEYS is set"));
        let config =
            resolve(&["--allow-external", "--host", "::"], &[("MCP_API_KEYS", "a, b"), ("MCP_API_KEY", "c")])
                .expect("it resolves");
        assert_eq!(config.http.keys, ["a", "b", "c"]);
    }

    #[test]
    fn keys_of_profiles_are_keys_and_secrets() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("p.json");
        let text = r#"{"profiles": {"a": {"mode": "all", "keys": ["A_KEY"]}}}"#;
        std::fs::write(&file, text).expect("it is written");
        let variables = [("SMCP_PROFILES", file.to_str().expect("text")), ("A_KEY", "k")];
        let config = resolve(&["--allow-external"], &variables).expect("a profile's key is a key");
        assert_eq!((config.http.keys.len(), config.http.profile_keys[0].profile.as_str()), (0, "a"));
        let environment =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        let plain = Config::without_http(
            &cli::Plugins { help_timeout: 1.0, ..cli::Plugins::default() },
            &cli::Limits::generous(),
            &environment,
        )
        .expect("it resolves");
        for config in [config, plain] {
            let secret = config.discovery.secret_variables;
            for name in SECRET_VARIABLES.into_iter().chain(["A_KEY"]) {
                assert!(secret.iter().any(|s| s == name), "{name}");
            }
        }
    }
}
