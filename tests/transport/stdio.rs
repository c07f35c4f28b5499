//! One message a line.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smcp::mcp::Server;
use smcp::profile::Profiles;
use smcp::transport::stdio;
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::schemas;
use super::support::{FILES, Fake, PATIENCE, call, eventually, initialize, request, told};

struct Pipe {
    input: Option<WriteHalf<DuplexStream>>,
    output: Lines<BufReader<ReadHalf<DuplexStream>>>,
    revision: &'static str,
    fake: Fake,
    shutdown: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

fn start(revision: &'static str) -> Pipe {
    start_governed(revision, None)
}

fn start_governed(revision: &'static str, profiles: Option<Arc<Profiles>>) -> Pipe {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (fake, shutdown) = (Fake::of(FILES.as_ref()), CancellationToken::new());
    let server = Server::governed(fake.clone(), profiles, shutdown.clone());
    let (read, write) = tokio::io::split(theirs);
    let task = tokio::spawn(stdio::serve(server, read, write));
    let (output, input) = tokio::io::split(ours);
    let output = BufReader::new(output).lines();
    Pipe { input: Some(input), output, revision, fake, shutdown, task }
}

impl Pipe {
    async fn send(&mut self, message: impl ToString) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{}\n", message.to_string()).as_bytes()).await.unwrap();
    }

    async fn next(&mut self, method: &str) -> Option<Value> {
        let line = tokio::time::timeout(PATIENCE, self.output.next_line())
            .await
            .expect("a line in time")
            .unwrap()?;
        let message = serde_json::from_str(&line).expect("every line is a message");
        match &message {
            Value::Array(_) => {}
            message => schemas::check(self.revision, Some(method), message),
        }
        Some(message)
    }

    async fn ask(&mut self, message: &Value) -> Value {
        self.send(message).await;
        self.next(message["method"].as_str().unwrap()).await.unwrap()
    }

    /// Closes the input; the server must end soon after.
    async fn end(mut self) {
        let mut input = self.input.take().unwrap();
        input.shutdown().await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(3), self.task).await;
        ended.expect("it ends at the end of its input").unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_legacy_client_is_served() {
    let mut pipe = start("2025-06-18");
    assert_eq!(pipe.ask(&initialize("2025-06-18")).await["result"]["protocolVersion"], "2025-06-18");
    pipe.send(told("notifications/initialized", json!({}))).await;
    assert_eq!(
        pipe.ask(&request(1, "tools/list", json!({}))).await["result"]["tools"].as_array().unwrap().len(),
        6
    );
    assert_eq!(
        pipe.ask(&call(2, "echo", json!({"a": "b"}))).await["result"]["structuredContent"],
        json!({"a": "b"})
    );
    pipe.send("\n  ").await;
    pipe.send("{").await;
    assert_eq!(pipe.next("").await.unwrap()["error"]["code"], json!(-32700));
    pipe.fake.reload();
    assert_eq!(pipe.next("").await.unwrap()["method"], "notifications/tools/list_changed");
    pipe.end().await;
}

#[tokio::test]
async fn calls_run_side_by_side_and_can_be_cancelled() {
    let mut pipe = start("2025-11-25");
    pipe.send(call(1, "sleep", json!({}))).await;
    assert_eq!(pipe.ask(&call(2, "echo", json!({}))).await["id"], json!(2));
    assert_eq!(
        pipe.ask(&call(1, "echo", json!({}))).await["error"]["code"],
        json!(-32600),
        "its id is taken"
    );
    pipe.send(told("notifications/cancelled", json!({"requestId": 1}))).await;
    eventually("the call is cancelled", || pipe.fake.cancelled() == 1).await;
    assert_eq!(pipe.ask(&request(3, "ping", json!({}))).await["id"], json!(3), "nothing is said of it");
    pipe.end().await;
}

#[tokio::test]
async fn what_runs_at_the_end_of_input_is_still_answered() {
    let mut pipe = start("2025-11-25");
    pipe.send(call(1, "progress", json!({}))).await;
    let mut input = pipe.input.take().unwrap();
    input.shutdown().await.unwrap();
    assert_eq!(pipe.next("tools/call").await.unwrap()["id"], json!(1));
    assert_eq!(pipe.next("").await, None);
    pipe.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_ends_it_while_calls_run() {
    let mut pipe = start("2025-11-25");
    pipe.send(call(1, "sleep", json!({}))).await;
    pipe.fake.wait_started(1).await;
    pipe.shutdown.cancel();
    assert_eq!(pipe.next("tools/call").await.unwrap()["result"]["isError"], json!(true));
    tokio::time::timeout(Duration::from_secs(3), pipe.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_reader_that_went_away_ends_it_and_its_calls() {
    let mut pipe = start("2025-11-25");
    pipe.send(call(1, "sleep", json!({}))).await;
    pipe.fake.wait_started(1).await;
    pipe.send(request(2, "ping", json!({}))).await;
    drop((pipe.input, pipe.output));
    tokio::time::timeout(PATIENCE, pipe.task).await.unwrap().unwrap().ok();
    eventually("the call is cancelled", || pipe.fake.cancelled() == 1).await;
}

#[tokio::test]
async fn a_modern_client_is_served_on_the_same_pipe() {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut pipe = start("2026-07-28");
    let found = pipe.ask(&request(1, "server/discover", json!({"_meta": meta}))).await;
    assert_eq!(found["result"]["resultType"], "complete");
    let wanted = json!({"_meta": meta, "notifications": {"toolsListChanged": true}});
    pipe.send(request("s", "subscriptions/listen", wanted)).await;
    assert_eq!(pipe.next("").await.unwrap()["method"], "notifications/subscriptions/acknowledged");
    pipe.fake.reload();
    let change = pipe.next("").await.unwrap();
    assert_eq!(change["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "s");
    let incomplete = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}});
    assert_eq!(pipe.ask(&request(2, "tools/list", incomplete)).await["error"]["code"], json!(-32602));
    let mut future = meta.clone();
    future["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    assert_eq!(
        pipe.ask(&request(3, "tools/list", json!({"_meta": future}))).await["error"]["code"],
        json!(-32022)
    );
    assert_eq!(pipe.ask(&request(4, "ping", json!({"_meta": meta}))).await["error"]["code"], json!(-32601));

    pipe.input.take().unwrap().shutdown().await.unwrap();
    assert_eq!(pipe.next("subscriptions/listen").await.unwrap()["id"], "s", "it ends in good order");
    tokio::time::timeout(Duration::from_secs(3), pipe.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_chooses_its_tools_in_the_older_era_only() {
    let mut pipe = start_governed("2025-11-25", Some(super::governor::profiles()));
    pipe.ask(&initialize("2025-11-25")).await;
    let names = |list: &Value| {
        let tools = list["result"]["tools"].as_array().unwrap().iter();
        tools.map(|t| t["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let list = request(1, "tools/list", json!({}));
    assert_eq!(names(&pipe.ask(&list).await), "audio echo health sanctum__tools");
    pipe.send(call(2, "sanctum__tools", json!({"action": "attach-profile", "profile": "writer"}))).await;
    for list in ["tools", "prompts", "resources"] {
        let told = pipe.next("").await.unwrap();
        assert_eq!(told["method"], format!("notifications/{list}/list_changed"));
    }
    assert_eq!(pipe.next("tools/call").await.unwrap()["result"]["isError"], json!(false));
    assert_eq!(names(&pipe.ask(&list).await), "health sanctum__tools sleep strict");
    let (_, modern) = super::modern::prepared(3, "tools/list", json!({}));
    pipe.revision = "2026-07-28";
    assert_eq!(names(&pipe.ask(&modern).await), "audio echo health", "there a list does not vary");
}

#[tokio::test]
async fn a_cancellation_of_what_has_not_come_cancels_nothing() {
    let mut pipe = start("2025-11-25");
    pipe.ask(&initialize("2025-11-25")).await;
    pipe.send(told("notifications/cancelled", json!({"requestId": 9}))).await;
    assert_eq!(pipe.ask(&call(9, "echo", json!({"a": "b"}))).await["id"], json!(9));
    pipe.end().await;
}
