//! A client of a revision with sessions, over any transport that has them.

use std::collections::VecDeque;

use serde_json::{Value, json};
use smcp::transport::stdio;
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::task::JoinHandle;

use super::world::World;
use crate::schemas;
use crate::support::{Client, Events, PATIENCE, call, request, told};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Sse,
    /// Streamable HTTP, asked on the call's own stream.
    Streamable,
    /// Streamable HTTP, with answers as JSON alone: asked on the session's stream.
    Session,
    Stdio,
}

pub(super) const KINDS: [Kind; 4] = [Kind::Sse, Kind::Streamable, Kind::Session, Kind::Stdio];

type Pipe =
    (WriteHalf<DuplexStream>, Lines<BufReader<ReadHalf<DuplexStream>>>, JoinHandle<std::io::Result<()>>);

pub(super) struct Link {
    kind: Kind,
    client: Client,
    url: String,
    /// Streams that are read one after the other.
    streams: VecDeque<Events>,
    posted: Option<JoinHandle<Option<Value>>>,
    pipe: Option<Pipe>,
}

impl Link {
    fn new(world: &World, kind: Kind, revision: &str) -> Link {
        let (client, url) = (Client::of(revision).both(), format!("{}/mcp", world.base));
        Link { kind, client, url, streams: VecDeque::new(), posted: None, pipe: None }
    }

    /// Standard input and output, where nothing has been said yet.
    pub(super) fn pipe(world: &World, revision: &str) -> Link {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (read, write) = tokio::io::split(theirs);
        let served = tokio::spawn(stdio::serve(world.server(), read, write));
        let (output, input) = tokio::io::split(ours);
        let pipe = Some((input, BufReader::new(output).lines(), served));
        Link { pipe, ..Link::new(world, Kind::Stdio, revision) }
    }

    /// Connects, with these capabilities.
    pub(super) async fn open(world: &World, kind: Kind, revision: &str, capabilities: Value) -> Link {
        let mut link = match kind {
            Kind::Stdio => Link::pipe(world, revision),
            _ => Link::new(world, kind, revision),
        };
        if kind == Kind::Sse {
            let mut events = link.client.events(link.client.get(&format!("{}/sse", world.base)).await);
            link.url = format!("{}{}", world.base, events.next().await.unwrap().1);
            link.streams.push_back(events);
        }
        let info = json!({"name": "test", "version": "0"});
        let hello = json!({"protocolVersion": revision, "capabilities": capabilities, "clientInfo": info});
        link.hello(&request(0, "initialize", hello)).await;
        link.say(told("notifications/initialized", json!({}))).await;
        if kind == Kind::Session {
            link.reopen().await;
            link.client = link.client.with("accept", "application/json");
        }
        link
    }

    async fn hello(&mut self, message: &Value) {
        if self.streams.is_empty() && self.pipe.is_none() {
            let response = self.client.post(&self.url, message).await;
            let id = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
            self.client = self.client.clone().with("mcp-session-id", &id);
            self.client = self.client.clone().with("mcp-protocol-version", &self.client.revision.clone());
        } else {
            self.say(message.clone()).await;
            assert!(self.next("initialize").await["result"].is_object());
        }
    }

    /// Sends what is not answered: a notification or an answer of ours.
    pub(super) async fn say(&mut self, message: Value) {
        match &mut self.pipe {
            Some((input, ..)) => input.write_all(format!("{message}\n").as_bytes()).await.unwrap(),
            None => {
                let response = self.client.post(&self.url, &message).await;
                assert_eq!(response.status(), 202, "{message}");
                assert_eq!(response.text().await.unwrap(), "");
            }
        }
    }

    /// Sends a request.
    pub(super) async fn ask(&mut self, message: Value) {
        match self.kind {
            Kind::Sse | Kind::Stdio => self.say(message).await,
            Kind::Streamable => {
                let client = self.client.clone().with("accept", "text/event-stream");
                let events = client.events(client.post(&self.url, &message).await);
                self.streams = VecDeque::from([events]);
            }
            Kind::Session => {
                let (client, url) = (self.client.clone(), self.url.clone());
                self.posted = Some(tokio::spawn(async move {
                    let response = client.post(&url, &message).await;
                    // A request that was cancelled is not answered.
                    let answered = response.status() != 202;
                    if answered { Some(response.json().await.unwrap()) } else { None }
                }));
            }
        }
    }

    /// The next message from the server; `method` is the one that it answers if it is an answer.
    pub(super) async fn next(&mut self, method: &str) -> Value {
        if let Some((_, output, _)) = &mut self.pipe {
            let line = tokio::time::timeout(PATIENCE, output.next_line()).await.expect("a line in time");
            let message = serde_json::from_str(&line.unwrap().expect("one more line")).unwrap();
            schemas::check(&self.client.revision, Some(method), &message);
            return message;
        }
        let stream = self.streams.front_mut().expect("a stream");
        if let Some(posted) = &mut self.posted {
            let answer = tokio::select! {
                message = stream.message(method) => return message,
                answer = posted => answer.unwrap(),
            };
            self.posted = None;
            if let Some(answer) = answer {
                self.client.check(Some(method), &answer);
                return answer;
            }
        }
        stream.message(method).await
    }

    /// The answer to a call during which nothing is asked.
    pub(super) async fn result(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask(call(1, &format!("asker__{tool}"), arguments)).await;
        let answer = self.next("tools/call").await;
        assert_eq!(answer["id"], json!(1), "{answer}");
        answer["result"].clone()
    }

    /// Calls, and gives the question that comes.
    pub(super) async fn question(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask(call(1, &format!("asker__{tool}"), arguments)).await;
        let question = self.next("").await;
        assert!(question["id"].is_string() && question["method"].is_string(), "{question}");
        question
    }

    /// Answers a question.
    pub(super) async fn reply(&mut self, question: &Value, result: Value) {
        self.say(json!({"jsonrpc": "2.0", "id": question["id"], "result": result})).await;
    }

    /// Answers a question, and gives the result of the call.
    pub(super) async fn settle(&mut self, question: &Value, result: Value) -> Value {
        self.reply(question, result).await;
        let answer = self.next("tools/call").await;
        assert_eq!(answer["id"], json!(1), "{answer}");
        answer["result"].clone()
    }

    /// The answer to a call by a client that takes no stream and has none.
    pub(super) async fn without_stream(&mut self, tool: &str) -> Value {
        let client = self.client.clone().with("accept", "application/json");
        client.ask(&self.url, &call(1, &format!("asker__{tool}"), json!({}))).await.1
    }

    /// Closes the streams of HTTP; the session stays.
    pub(super) fn close_streams(&mut self) {
        self.streams.clear();
        self.posted = None;
    }

    /// The stream that is read now, for the test itself.
    pub(super) fn take_stream(&mut self) -> Events {
        self.streams.pop_front().expect("a stream")
    }

    /// Opens the session's stream in the place of the one that is open.
    pub(super) async fn reopen(&mut self) {
        let client = self.client.clone().with("accept", "text/event-stream");
        self.streams = VecDeque::from([client.events(client.get(&self.url).await)]);
    }

    /// Whether a request of that id is running, by the refusal of another one.
    pub(super) async fn is_running(&self, id: u64) -> bool {
        let client = self.client.clone().with("accept", "application/json");
        client.ask(&self.url, &request(id, "ping", json!({}))).await.1["error"]["code"] == json!(-32600)
    }

    /// Closes standard input; the server must end soon after.
    pub(super) async fn ends_with_its_input(mut self) {
        let (mut input, _output, served) = self.pipe.take().unwrap();
        input.shutdown().await.unwrap();
        let ended = tokio::time::timeout(PATIENCE, served).await;
        ended.expect("it ends at the end of its input").unwrap().unwrap();
    }
}
