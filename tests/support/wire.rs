//! What clients of each transport send, and streams of what they are told; all of it is checked against the schemas.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::schemas;
use super::world::{PROMPT, World, request};

/// The revision of clients with a session, and the one without any.
pub(crate) const LEGACY: &str = "2025-11-25";
pub(crate) const MODERN: &str = "2026-07-28";

/// Longer than the server waits for anything of a client's.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection of bytes.
pub(crate) fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", world.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends these bytes; gives the status line that comes back, or nothing where the server just hangs up.
pub(crate) fn send(world: &World, bytes: &[u8]) -> String {
    let mut stream = connect(world);
    // The server may hang up before it has read all, which is an answer too.
    let _ = stream.write_all(bytes);
    first_line(&mut stream)
}

pub(crate) fn first_line(stream: &mut TcpStream) -> String {
    let mut part = [0; 512];
    match stream.read(&mut part) {
        Ok(n) => String::from_utf8_lossy(&part[..n]).lines().next().unwrap_or_default().to_owned(),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => String::new(),
        Err(error) => panic!("the server neither answers nor hangs up: {error}"),
    }
}

/// A request of bytes, as it goes over the wire.
pub(crate) fn post(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let lines: String = headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
    let length = body.len();
    let kind = "Content-Type: application/json";
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{kind}\r\n{lines}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn both(request: RequestBuilder) -> RequestBuilder {
    request.header("accept", "application/json, text/event-stream")
}

/// A request without a session, of the newest revision.
pub(crate) fn modern(world: &World, id: u64, method: &str, mut params: Value) -> RequestBuilder {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = MODERN.into();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    let asked = both(reqwest::Client::new().post(world.url("/mcp")));
    let asked = asked.header("mcp-protocol-version", MODERN).header("mcp-method", method);
    let name = params["name"].as_str().unwrap_or_default().to_owned();
    asked.header("mcp-name", name).json(&request(id, method, params))
}

fn hello() -> Value {
    let info = json!({"name": "test", "version": "0"});
    request(0, "initialize", json!({"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": info}))
}

/// A session of `/mcp`.
pub(crate) struct Session {
    url: String,
    id: String,
}

impl Session {
    pub(crate) async fn open(world: &World) -> Session {
        let response =
            both(reqwest::Client::new().post(world.url("/mcp"))).json(&hello()).send().await.unwrap();
        let id = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        schemas::check(LEGACY, Some("initialize"), &response.json().await.unwrap());
        Session { url: world.url("/mcp"), id }
    }

    fn with(&self, request: RequestBuilder) -> RequestBuilder {
        both(request).header("mcp-session-id", &self.id).header("mcp-protocol-version", LEGACY)
    }

    pub(crate) fn post(&self, message: &Value) -> RequestBuilder {
        self.with(reqwest::Client::new().post(&self.url)).json(message)
    }

    /// The session's own stream.
    pub(crate) fn listen(&self) -> RequestBuilder {
        self.with(reqwest::Client::new().get(&self.url))
    }

    /// Ends it and all that runs in it.
    pub(crate) async fn end(self) {
        let response = self.with(reqwest::Client::new().delete(&self.url)).send().await.unwrap();
        assert_eq!(response.status(), 204);
    }

    pub(crate) async fn cancel(&self, id: u64) {
        let params = json!({"requestId": id});
        let told = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
        assert_eq!(self.post(&told).send().await.unwrap().status(), 202);
    }
}

/// A stream of the older transport, and where to post to.
pub(crate) async fn sse(world: &World) -> (Events, String) {
    let stream = reqwest::get(world.url("/sse")).await.unwrap();
    let mut events = Events::of(stream, LEGACY, "initialize");
    let endpoint = events.block().await.unwrap();
    let url = world.url(&endpoint);
    assert_eq!(reqwest::Client::new().post(&url).json(&hello()).send().await.unwrap().status(), 202);
    assert_eq!(events.next().await.unwrap()["id"], 0);
    "tools/call".clone_into(&mut events.method);
    (events, url)
}

/// A stream of events, or one message as the body.
pub(crate) struct Events {
    response: Response,
    buffer: String,
    revision: &'static str,
    /// What its answers answer.
    method: String,
}

impl Events {
    pub(crate) fn of(response: Response, revision: &'static str, method: &str) -> Events {
        assert_eq!(response.status(), 200);
        Events { response, buffer: String::new(), revision, method: method.to_owned() }
    }

    /// Waits as long as it takes; `None` also where the stream breaks off, as it does when the server is gone.
    pub(crate) async fn next_or_broken(&mut self) -> Option<Value> {
        loop {
            if let Some(data) = self.buffered() {
                return Some(serde_json::from_str(&data).unwrap());
            }
            let part = self.response.chunk().await.ok()??;
            self.buffer += std::str::from_utf8(&part).unwrap();
        }
    }

    /// The data of the next event that has come whole.
    fn buffered(&mut self) -> Option<String> {
        while let Some(end) = self.buffer.find("\n\n") {
            let block: String = self.buffer.drain(..end + 2).collect();
            if let Some(data) = block.lines().find_map(|line| line.strip_prefix("data: ")) {
                return Some(data.to_owned());
            }
        }
        None
    }

    /// The data of the next event; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(data) = self.buffered() {
                return Some(data);
            }
            match tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("an event in time") {
                Ok(Some(part)) => self.buffer += std::str::from_utf8(&part).unwrap(),
                Ok(None) if self.buffer.trim().is_empty() => return None,
                Ok(None) => return Some(std::mem::take(&mut self.buffer)),
                Err(error) => panic!("the stream broke off: {error}"),
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Option<Value> {
        let message = serde_json::from_str(&self.block().await?).unwrap();
        schemas::check(self.revision, Some(&self.method), &message);
        Some(message)
    }

    /// The answer, after whatever is told before it.
    pub(crate) async fn answer(&mut self) -> Value {
        loop {
            let message = self.next().await.expect("an answer");
            if message.get("id").is_some() {
                return message;
            }
        }
    }
}

/// Waits for an answer, and no longer than a server that is well lets anybody wait.
pub(crate) async fn answered(request: RequestBuilder, revision: &'static str, method: &str) -> Value {
    let response =
        tokio::time::timeout(PROMPT * 4, request.send()).await.expect("an answer in time").unwrap();
    Events::of(response, revision, method).answer().await
}
