//! A stream of messages that several callers share: each answer goes to whoever waits for its id, and one that nobody
//! waits for is a fault.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use super::tally::Tally;
use super::world::{Said, Site, World, request};
use super::{schemas, wire};

/// A caller that waits, and how often its call has told of its progress.
struct Waiting {
    answer: oneshot::Sender<(Value, u64)>,
    progress: u64,
}

enum Way {
    /// `smcp stdio`.
    Pipe(Box<Pipe>),
    /// Where the session of a stream is posted to.
    Post(String),
}

struct Pipe {
    id: u32,
    input: AsyncMutex<Option<ChildStdin>>,
    child: AsyncMutex<Child>,
}

pub(crate) struct Desk {
    way: Way,
    waiting: Mutex<HashMap<u64, Waiting>>,
    tally: Arc<Tally>,
}

impl Desk {
    fn new(way: Way, tally: &Arc<Tally>) -> Arc<Desk> {
        Arc::new(Desk { way, waiting: Mutex::default(), tally: Arc::clone(tally) })
    }

    /// A process of its own, over the same plugins.
    pub(crate) fn stdio(site: &Site, said: &Said, tally: &Arc<Tally>) -> Arc<Desk> {
        let mut command = tokio::process::Command::from(site.command(&[], &["stdio"]));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        said.hear(std::fs::File::from(child.stderr.take().unwrap().into_owned_fd().unwrap()));
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let id = child.id().unwrap();
        let pipe = Pipe { id, input: AsyncMutex::new(input), child: AsyncMutex::new(child) };
        let desk = Desk::new(Way::Pipe(Box::new(pipe)), tally);
        let reading = Arc::clone(&desk);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                reading.hand_out(&serde_json::from_str(&line).unwrap());
            }
        });
        desk
    }

    /// A session of the older HTTP transport.
    pub(crate) async fn sse(world: &World, tally: &Arc<Tally>) -> Arc<Desk> {
        let (mut events, url) = wire::sse(world).await;
        let desk = Desk::new(Way::Post(url), tally);
        let reading = Arc::clone(&desk);
        tokio::spawn(async move {
            while let Some(message) = events.next_or_broken().await {
                reading.hand_out(&message);
            }
        });
        desk
    }

    pub(crate) fn transport(&self) -> &'static str {
        match self.way {
            Way::Pipe(_) => "stdio",
            Way::Post(_) => "sse",
        }
    }

    /// The process id of a server of its own.
    pub(crate) fn id(&self) -> Option<u32> {
        match self.way {
            Way::Pipe(ref pipe) => Some(pipe.id),
            Way::Post(_) => None,
        }
    }

    fn hand_out(&self, message: &Value) {
        if let Some(token) = message["params"]["progressToken"].as_u64() {
            match self.waiting.lock().unwrap().get_mut(&token) {
                Some(waiting) => waiting.progress += 1,
                None => self.tally.fault("came to nobody", &message.to_string()),
            }
            return;
        }
        let Some(id) = message["id"].as_u64() else { return };
        schemas::check(wire::LEGACY, Some("tools/call"), message);
        let Some(waiting) = self.waiting.lock().unwrap().remove(&id) else {
            return self.tally.fault("came to nobody", &message.to_string());
        };
        // Whoever waited may have given up, which is told there.
        let _ = waiting.answer.send((message.clone(), waiting.progress));
    }

    async fn send(&self, message: &Value) {
        match &self.way {
            Way::Pipe(pipe) => {
                let mut input = pipe.input.lock().await;
                let input = input.as_mut().expect("it is open while there are callers");
                input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
            }
            Way::Post(url) => {
                let response = reqwest::Client::new().post(url).json(message).send().await.unwrap();
                if response.status() != 202 {
                    self.tally.fault("refused", &response.text().await.unwrap());
                }
            }
        }
    }

    /// Calls; the answer, and how often progress was told before it.
    pub(crate) async fn ask(&self, id: u64, params: Value) -> (Value, u64) {
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id, Waiting { answer, progress: 0 });
        self.send(&request(id, "tools/call", params)).await;
        answered.await.expect("the desk is there")
    }

    /// Calls, and takes it back after a while; an answer that comes all the same comes to nobody.
    pub(crate) async fn ask_and_cancel(&self, id: u64, params: Value, after: Duration) {
        self.send(&request(id, "tools/call", params)).await;
        tokio::time::sleep(after).await;
        let told =
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        self.send(&told).await;
    }

    /// Ends a process of its own by the end of its input.
    pub(crate) async fn close(&self, within: Duration) -> Result<(), String> {
        let Way::Pipe(pipe) = &self.way else { return Ok(()) };
        *pipe.input.lock().await = None;
        let mut child = pipe.child.lock().await;
        match tokio::time::timeout(within, child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            ended => Err(format!("smcp stdio: {ended:?}")),
        }
    }
}
