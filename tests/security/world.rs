//! Plugins in a directory of their own, the program's commands there, and a server with raw connections to it.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::schemas;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// In which those who shake no hands are answered.
const REVISION: &str = "2025-11-25";

/// The Python that plugins run on.
pub(crate) fn python() -> PathBuf {
    let listed = std::env::var_os("SMCP_TEST_PYTHONS").filter(|list| !list.is_empty());
    std::env::split_paths(&listed.unwrap_or_else(|| "python3".into())).last().unwrap()
}

pub(crate) struct World {
    pub(crate) directory: TempDir,
}

impl World {
    pub(crate) fn new() -> World {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("plugins")).unwrap();
        World { directory }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    /// Writes a program, and gives its directory.
    pub(crate) fn plugin(&self, name: &str, program: &str) -> PathBuf {
        let directory = self.path("plugins").join(name);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("cli.py"), program).unwrap();
        directory
    }

    /// The program with these words, and no setting of the person who runs the tests.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smcp"));
        command.args(words).current_dir(self.directory.path()).stdin(Stdio::null()).env_clear();
        command.envs(["PATH", "LLVM_PROFILE_FILE"].iter().filter_map(|n| Some((n, std::env::var_os(n)?))));
        command.env("MCP_PYTHON", python()).env("HOME", self.directory.path());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What a server says that is not to start; one that does is killed.
    pub(crate) fn refused(&self, variables: &[(&str, &str)]) -> Output {
        let mut command = self.command(&["serve", "--port", "0", "--host", "127.0.0.1"]);
        command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut child, began) = (command.spawn().unwrap(), Instant::now());
        while child.try_wait().unwrap().is_none() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
        // In vain where it has ended.
        let _ = child.kill();
        child.wait_with_output().unwrap()
    }

    /// A server of the plugins.
    pub(crate) fn serve(&self, flags: &[&str], variables: &[(&str, &str)]) -> Server {
        let host = if flags.contains(&"--host") { &[][..] } else { &["--host", "127.0.0.1"] };
        let words = [&["serve", "--port", "0"], host, flags].concat();
        let mut command = self.command(&words);
        command.envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (mut errors, kept) = (child.stderr.take().unwrap(), Arc::clone(&log));
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(n @ 1..) = errors.read(&mut part) {
                kept.lock().unwrap().extend_from_slice(&part[..n]);
            }
        });
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (mut banner, mut address) = (String::new(), None);
        while address.is_none() {
            let from = banner.len();
            let read = output.read_line(&mut banner).unwrap();
            assert!(read > 0, "it does not listen: {}", String::from_utf8_lossy(&log.lock().unwrap()));
            address = banner[from..].strip_prefix("listening on ").and_then(|rest| rest.trim().parse().ok());
        }
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let address: SocketAddr = address.unwrap();
        let address = if address.ip().is_unspecified() {
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
        } else {
            address
        };
        Server { child, address, log }
    }
}

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<u8>>>,
}

/// What came back: the status (0 where the server just hung up), and head and body as they are.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The reason of a refusal.
    pub(crate) fn reason(&self) -> String {
        let reason = self.json()["error"]["data"]["reason"].as_str().map(str::to_owned);
        reason.unwrap_or_else(|| panic!("{self:?}"))
    }
}

impl Server {
    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    /// Sends these bytes, and reads all that comes until the server hangs up.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        // The server may hang up before it has read all, which is an answer too.
        let _ = stream.write_all(bytes);
        read(&mut stream)
    }

    /// A request with these header lines besides `Connection: close`, and a body.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.exchange(&request(method, path, headers, body))
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[("Host", "localhost")], "")
    }

    /// Asks by plain JSON-RPC; gives the whole answer.
    pub(crate) fn ask(&self, method: &str, params: &Value) -> Value {
        let asked = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let headers = [("Host", "localhost"), ("Content-Type", "application/json")];
        let answer = self.request("POST", "/messages/", &headers, &asked.to_string()).json();
        schemas::check(REVISION, Some(method), &answer);
        answer
    }

    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// What the console's log says by now.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    /// Waits until the log says this.
    pub(crate) fn logged(&self, what: &str) -> String {
        let began = Instant::now();
        loop {
            let log = self.log();
            if log.contains(what) {
                return log;
            }
            assert!(began.elapsed() < PATIENCE, "{what:?} is not in {log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

/// A connection to a server under one of its addresses.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let lines = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect::<String>();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("{method} {path} HTTP/1.1\r\n{lines}{length}Connection: close\r\n\r\n{body}").into_bytes()
}

/// Reads until the server hangs up; a stream of events is told from its head alone.
pub(crate) fn read(stream: &mut TcpStream) -> Reply {
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(&part[..n]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the server neither answers nor hangs up: {error}"),
        }
        if String::from_utf8_lossy(&bytes).contains("text/event-stream") {
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    Reply { status, head: head.to_owned(), body }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or(0).min(rest.len());
        whole.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

/// All files below a directory, as text.
pub(crate) fn files(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            found.push((entry.path(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found
}
