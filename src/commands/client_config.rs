//! `smcp client-config`: what to write into an MCP client's configuration, in the format that the client documents.
//!
//! The JSON goes to standard output, where it belongs is told on standard error. No key is ever printed: the entry names
//! the variable that holds it, in the client's own way.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::cli::{self, Client};
use crate::config::{Config, Environment};
use crate::text;

/// The header by which smcp takes a key as it is, without a word before it.
const KEY_HEADER: &str = "X-API-Key";

/// How a client reaches smcp.
#[derive(Clone, Debug)]
enum Reach {
    /// It starts smcp.
    Stdio { command: String, arguments: Vec<String> },
    /// It asks a server that runs.
    Http { url: String, key_variable: Option<String> },
}

pub(super) fn run(typed: &cli::ClientConfig, environment: Environment) -> anyhow::Result<ExitCode> {
    if let Some(name) = typed.key_variable.as_deref().filter(|name| !text::is_variable(name)) {
        bail!("--key-env: `{name}` is no name of a variable; the key itself does not belong here");
    }
    let reach = match &typed.url {
        Some(url) => Reach::Http { url: endpoint(url)?, key_variable: typed.key_variable.clone() },
        None => stdio(typed, environment)?,
    };
    super::print_json(&entry(typed.client, &typed.name, &reach))?;
    for line in told(typed.client, &typed.name, &reach, std::env::consts::OS) {
        eprintln!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The command line of this very program; clients start it anywhere, so every path in it is absolute.
fn stdio(typed: &cli::ClientConfig, environment: Environment) -> anyhow::Result<Reach> {
    let config = Config::without_http(&typed.plugins, &cli::Limits::generous(), environment)?;
    let program = std::env::current_exe().context("can't tell where this program is")?;
    let mut arguments: Vec<OsString> = vec!["stdio".into()];
    for (option, directory) in
        [("--plugins-dir", &config.plugins_dir), ("--schemas-dir", &config.schemas_dir)]
    {
        arguments.extend([option.into(), absolute(directory)?]);
    }
    if typed.plugins.python.is_some() || environment("MCP_PYTHON").is_some() {
        let python = &config.discovery.python;
        // What has no slash is a name, which is looked for in PATH.
        let python = if python.contains('/') { absolute(Path::new(python))? } else { python.into() };
        arguments.extend(["--python".into(), python]);
    }
    if config.discovery.help_timeout != Duration::from_secs_f64(cli::HELP_TIMEOUT) {
        arguments.extend(["--help-timeout".into(), typed.plugins.help_timeout.to_string().into()]);
    }
    arguments.extend(typed.plugins.no_live.then(|| "--no-live".into()));
    arguments.extend(typed.plugins.describe.then(|| "--describe".into()));
    let text = |word: &OsStr| {
        word.to_str().map(str::to_owned).with_context(|| {
            format!("{} is not UTF-8, which JSON can't hold: move it", Path::new(word).display())
        })
    };
    Ok(Reach::Stdio {
        command: text(program.as_os_str())?,
        arguments: arguments.iter().map(|word| text(word)).collect::<anyhow::Result<_>>()?,
    })
}

fn absolute(path: &Path) -> anyhow::Result<OsString> {
    let absolute = std::path::absolute(path);
    Ok(absolute.with_context(|| format!("can't tell where {} is", path.display()))?.into())
}

/// Where a server is asked: a URL without a path means `/mcp`.
fn endpoint(url: &str) -> anyhow::Result<String> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.starts_with('/')) else {
        bail!("--url: `{url}` is no URL of a server, such as http://127.0.0.1:8000/mcp");
    };
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    Ok(if path.is_empty() { format!("{}/mcp", url.trim_end_matches('/')) } else { url.to_owned() })
}

/// Whether it is the older transport's endpoint: `/sse`, or `/sse/PROFILE`.
fn is_sse(url: &str) -> bool {
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    path == "sse" || path.starts_with("sse/")
}

/// What the client's file holds, or what its API is sent.
fn entry(client: Client, name: &str, reach: &Reach) -> Value {
    match client {
        Client::ClaudeDesktop => json!({"mcpServers": {name: claude_desktop(reach)}}),
        Client::ClaudeCode => json!({"mcpServers": {name: claude_code(reach)}}),
        Client::Cursor => json!({"mcpServers": {name: cursor(reach)}}),
        Client::VsCode => vs_code(name, reach),
        Client::Letta => json!({"server_name": name, "config": letta(reach)}),
    }
}

/// Its file has local servers alone (<https://modelcontextprotocol.io/docs/develop/connect-local-servers>), so a URL is
/// reached through the package `mcp-remote`.
fn claude_desktop(reach: &Reach) -> Value {
    match reach {
        Reach::Stdio { command, arguments } => json!({"command": command, "args": arguments}),
        Reach::Http { url, key_variable } => {
            let mut arguments = vec!["-y".to_owned(), "mcp-remote".into(), url.clone()];
            if url.starts_with("http://") {
                arguments.push("--allow-http".into());
            }
            let mut entry = json!({"command": "npx"});
            if let Some(variable) = key_variable {
                arguments.extend(["--header".into(), format!("{KEY_HEADER}:${{{variable}}}")]);
                entry["env"] = json!({variable.as_str(): "put the key here"});
            }
            entry["args"] = json!(arguments);
            entry
        }
    }
}

/// `.mcp.json` (<https://code.claude.com/docs/en/mcp>); it expands `${VARIABLE}`.
fn claude_code(reach: &Reach) -> Value {
    match reach {
        Reach::Stdio { command, arguments } => {
            json!({"type": "stdio", "command": command, "args": arguments})
        }
        Reach::Http { url, key_variable } => {
            with_key(transport(url), key_variable.as_deref().map(|variable| format!("${{{variable}}}")))
        }
    }
}

/// `mcp.json` (<https://cursor.com/docs/mcp>); it expands `${env:VARIABLE}`.
fn cursor(reach: &Reach) -> Value {
    match reach {
        Reach::Stdio { command, arguments } => json!({"command": command, "args": arguments}),
        Reach::Http { url, key_variable } => {
            let key = key_variable.as_deref().map(|variable| format!("${{env:{variable}}}"));
            with_key(json!({"url": url}), key)
        }
    }
}

/// `mcp.json` (<https://code.visualstudio.com/docs/copilot/reference/mcp-configuration>); it asks for keys itself.
fn vs_code(name: &str, reach: &Reach) -> Value {
    match reach {
        Reach::Stdio { command, arguments } => {
            json!({"servers": {name: {"type": "stdio", "command": command, "args": arguments}}})
        }
        Reach::Http { url, key_variable } => {
            let id = format!("{name}-key");
            let key = key_variable.as_deref().map(|_| format!("${{input:{id}}}"));
            let mut file = json!({"servers": {name: with_key(transport(url), key)}});
            if let Some(variable) = key_variable {
                let says = format!("The key of {name} ({variable})");
                file["inputs"] =
                    json!([{"type": "promptString", "id": id, "description": says, "password": true}]);
            }
            file
        }
    }
}

/// The body of `POST /v1/mcp-servers/` (<https://docs.letta.com/api-reference/mcp-servers/mcp-create-mcp-server>); it
/// takes `{{ VARIABLE }}` from an agent's variables.
fn letta(reach: &Reach) -> Value {
    match reach {
        Reach::Stdio { command, arguments } => {
            json!({"mcp_server_type": "stdio", "command": command, "args": arguments})
        }
        Reach::Http { url, key_variable } => {
            let kind = if is_sse(url) { "sse" } else { "streamable_http" };
            let mut config = json!({"mcp_server_type": kind, "server_url": url});
            if let Some(variable) = key_variable {
                config["custom_headers"] = json!({KEY_HEADER: format!("{{{{ {variable} }}}}")});
            }
            config
        }
    }
}

fn transport(url: &str) -> Value {
    json!({"type": if is_sse(url) { "sse" } else { "http" }, "url": url})
}

fn with_key(mut entry: Value, key: Option<String>) -> Value {
    if let Some(key) = key {
        entry["headers"] = json!({KEY_HEADER: key});
    }
    entry
}

/// Where it belongs.
fn told(client: Client, name: &str, reach: &Reach, os: &str) -> Vec<String> {
    let mac = os == "macos";
    let application_data = if mac { "~/Library/Application Support" } else { "~/.config" };
    let mut lines = match client {
        Client::ClaudeDesktop => {
            vec![format!(
                "Claude Desktop: {application_data}/Claude/claude_desktop_config.json; then start it anew"
            )]
        }
        Client::ClaudeCode => vec![
            "Claude Code: .mcp.json in the project's directory, or, without a file:".to_owned(),
            format!("  {}", claude_mcp_add(name, reach)),
        ],
        Client::Cursor => {
            vec!["Cursor: ~/.cursor/mcp.json, or .cursor/mcp.json in the project's directory".to_owned()]
        }
        Client::VsCode => vec![format!(
            "VS Code: .vscode/mcp.json in the project's directory, or {application_data}/Code/User/mcp.json"
        )],
        Client::Letta => vec!["Letta: POST it to /v1/mcp-servers/ of your Letta server".to_owned()],
    };
    match (client, reach) {
        (Client::ClaudeDesktop, Reach::Http { .. }) => {
            lines.push("its file has no URLs, so npx (of Node) runs mcp-remote between the two".to_owned());
        }
        (Client::Letta, Reach::Stdio { .. }) => {
            lines.push("Letta's own machine starts it, so the paths are those of that machine".to_owned());
        }
        _ => {}
    }
    lines
}

/// The command line that does the same for all of a user's projects.
fn claude_mcp_add(name: &str, reach: &Reach) -> String {
    let mut words = vec!["claude", "mcp", "add", "--scope", "user"];
    match reach {
        Reach::Stdio { command, arguments } => {
            words.extend([name, "--", command]);
            words.extend(arguments.iter().map(String::as_str));
            super::words(&words)
        }
        Reach::Http { url, key_variable } => {
            words.extend(["--transport", if is_sse(url) { "sse" } else { "http" }, name, url]);
            // The shell puts the key in.
            let key =
                key_variable.as_ref().map(|variable| format!(" --header \"{KEY_HEADER}: ${variable}\""));
            super::words(&words) + &key.unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    fn local() -> Reach {
        Reach::Stdio { command: "/bin/smcp".into(), arguments: vec!["stdio".into(), "/my plugins".into()] }
    }

    fn remote(url: &str, key: Option<&str>) -> Reach {
        Reach::Http { url: endpoint(url).unwrap(), key_variable: key.map(str::to_owned) }
    }

    #[test]
    fn a_url_without_a_path_means_mcp() {
        for (url, expected, sse) in [
            ("http://h:1", "http://h:1/mcp", false),
            ("https://h/", "https://h/mcp", false),
            ("http://h/mcp/mail", "http://h/mcp/mail", false),
            ("http://h/sse", "http://h/sse", true),
            ("http://h/sse/mail", "http://h/sse/mail", true),
            ("http://sse/mcp", "http://sse/mcp", false),
        ] {
            let seen = endpoint(url).unwrap();
            assert_eq!((seen.as_str(), is_sse(&seen)), (expected, sse));
        }
        for url in ["", "h:1", "ftp://h", "http://", "http:///mcp"] {
            assert!(endpoint(url).is_err(), "{url}");
        }
    }

    #[test]
    fn each_client_has_its_format() {
        let started = json!({"command": "/bin/smcp", "args": ["stdio", "/my plugins"]});
        let typed = json!({"type": "stdio", "command": "/bin/smcp", "args": ["stdio", "/my plugins"]});
        let keyed = |key: &str| json!({"type": "http", "url": "http://h/mcp", "headers": {"X-API-Key": key}});
        let remote = remote("http://h", Some("KEY"));
        for (client, of_local, of_remote) in [
            (
                Client::ClaudeDesktop,
                json!({"mcpServers": {"n": started}}),
                json!({"mcpServers": {"n": {"command": "npx", "env": {"KEY": "put the key here"},
                    "args": ["-y", "mcp-remote", "http://h/mcp", "--allow-http", "--header", "X-API-Key:${KEY}"]}}}),
            ),
            (
                Client::ClaudeCode,
                json!({"mcpServers": {"n": typed}}),
                json!({"mcpServers": {"n": keyed("${KEY}")}}),
            ),
            (
                Client::Cursor,
                json!({"mcpServers": {"n": started}}),
                json!({"mcpServers": {"n": {"url": "http://h/mcp", "headers": {"X-API-Key": "${env:KEY}"}}}}),
            ),
            (
                Client::VsCode,
                json!({"servers": {"n": typed}}),
                json!({"servers": {"n": keyed("${input:n-key}")}, "inputs": [{"type": "promptString",
                    "id": "n-key", "description": "The key of n (KEY)", "password": true}]}),
            ),
            (
                Client::Letta,
                json!({"server_name": "n", "config": {"mcp_server_type": "stdio", "command": "/bin/smcp",
                    "args": ["stdio", "/my plugins"]}}),
                json!({"server_name": "n", "config": {"mcp_server_type": "streamable_http",
                    "server_url": "http://h/mcp", "custom_headers": {"X-API-Key": "{{ KEY }}"}}}),
            ),
        ] {
            assert_eq!(entry(client, "n", &local()), of_local);
            assert_eq!(entry(client, "n", &remote), of_remote);
        }
    }

    #[test]
    fn the_older_transport_is_named() {
        let old = remote("http://h/sse", None);
        let entry = |client| entry(client, "n", &old);
        assert_eq!(entry(Client::ClaudeCode)["mcpServers"]["n"]["type"], "sse");
        assert_eq!(entry(Client::VsCode)["servers"]["n"]["type"], "sse");
        assert_eq!(entry(Client::Letta)["config"]["mcp_server_type"], "sse");
    }

    #[test]
    fn every_client_is_told_where_it_belongs() {
        for client in Client::value_variants() {
            let of = |os| told(*client, "n", &local(), os).join("\n");
            assert!(!of("linux").is_empty() && !of("linux").contains("Library/"), "{}", of("linux"));
            let has_own_place = matches!(client, Client::ClaudeDesktop | Client::VsCode);
            assert_eq!(of("macos").contains("Library/"), has_own_place, "{}", of("macos"));
        }
    }

    #[test]
    fn command_lines_survive_a_shell() {
        assert_eq!(
            claude_mcp_add("n", &local()),
            "claude mcp add --scope user n -- /bin/smcp stdio '/my plugins'"
        );
        assert_eq!(
            claude_mcp_add("n", &remote("https://h", Some("KEY"))),
            "claude mcp add --scope user --transport http n https://h/mcp --header \"X-API-Key: $KEY\""
        );
    }
}
