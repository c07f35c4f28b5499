//! Callers: each makes one call after the other, of kinds by turns, and knows what must come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::desk::Desk;
use super::tally::Tally;
use super::wire::{Events, LEGACY, MODERN, Session, modern};
use super::world::{World, call};
use super::{SHARED, schemas};

/// How many there are: four for each desk, and as many over each of the other transports.
pub(crate) const CALLERS: usize = 4 * SHARED + 2 * 8;

/// An answer that takes longer is taken for lost.
const LOST: Duration = Duration::from_secs(60);

/// Calls of a session before another one takes its place.
const CALLS: u64 = 40;

/// The kinds of calls, as often as they come in a round.
const ROUND: [&str; 12] =
    ["ok", "steps", "ok", "fail", "ok", "slow", "hang", "ok", "large", "ok", "steps", "ok"];

/// Bytes that follow the token in a large answer.
const LARGE: usize = 256 << 10;

/// Ids are tokens, and no two callers have the same.
static NEXT: AtomicU64 = AtomicU64::new(1);

enum Link {
    /// Posts without a session.
    Plain(reqwest::Client),
    /// The newest revision, without a session.
    Modern,
    /// A session of `/mcp`, and how many calls it has had.
    Legacy(Session, u64),
    Shared(Arc<Desk>),
}

pub(crate) struct Caller {
    world: Arc<World>,
    link: Link,
    tally: Arc<Tally>,
    /// Which kind comes next.
    turn: usize,
}

impl Caller {
    pub(crate) async fn all(world: &Arc<World>, desks: &[Arc<Desk>], tally: &Arc<Tally>) -> Vec<Caller> {
        let mut callers = Vec::new();
        for n in 0..CALLERS {
            let link = match (desks.get(n / SHARED), n % 3) {
                (Some(desk), _) => Link::Shared(Arc::clone(desk)),
                (None, 0) => Link::Plain(reqwest::Client::new()),
                (None, 1) => Link::Modern,
                (None, _) => Link::Legacy(Session::open(world).await, 0),
            };
            // Each begins elsewhere in the round.
            callers.push(Caller { world: Arc::clone(world), link, tally: Arc::clone(tally), turn: n * 5 });
        }
        callers
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let tally = Arc::clone(&self.tally);
            let _running = tally.gate.read().await;
            let kind = ROUND[self.turn % ROUND.len()];
            self.turn += 1;
            let id = NEXT.fetch_add(1, Ordering::Relaxed);
            self.renew().await;
            if kind == "hang" {
                self.take_back(id).await;
                tally.call("taken back", self.transport());
                continue;
            }
            match tokio::time::timeout(LOST, self.answers(id, kind)).await {
                Err(_) => tally.fault("lost", &format!("{kind} {id} over {}", self.transport())),
                Ok((answers, progress)) => self.judge(id, kind, &answers, progress),
            }
        }
    }

    fn transport(&self) -> &'static str {
        match &self.link {
            Link::Plain(_) => "plain posts",
            Link::Modern => "2026-07-28",
            Link::Legacy(..) => "sessions",
            Link::Shared(desk) => desk.transport(),
        }
    }

    /// Sessions come and go.
    async fn renew(&mut self) {
        if let Link::Legacy(session, calls) = &mut self.link {
            *calls += 1;
            if *calls > CALLS {
                let new = Session::open(&self.world).await;
                std::mem::replace(session, new).end().await;
                *calls = 0;
                self.tally.did("sessions ended");
            }
        }
    }

    fn params(id: u64, kind: &str) -> Value {
        let meta = json!({"progressToken": id});
        json!({"name": format!("soak__{kind}"), "arguments": {"token": token(id)}, "_meta": meta})
    }

    /// All answers that come of a call, and how often it tells of its progress.
    async fn answers(&self, id: u64, kind: &str) -> (Vec<Value>, u64) {
        let params = Caller::params(id, kind);
        match &self.link {
            Link::Plain(client) => {
                let asked = client.post(self.world.url("/messages/"));
                let response = asked.json(&call(id, &format!("soak__{kind}"), &params["arguments"])).send();
                let answer: Value = response.await.unwrap().json().await.unwrap();
                schemas::check(LEGACY, Some("tools/call"), &answer);
                // Nothing can be told before it.
                (vec![answer], 1)
            }
            Link::Modern => {
                let response = modern(&self.world, id, "tools/call", params).send().await.unwrap();
                read_all(Events::of(response, MODERN, "tools/call")).await
            }
            Link::Legacy(session, _) => {
                let message = super::world::request(id, "tools/call", params);
                let response = session.post(&message).send().await.unwrap();
                read_all(Events::of(response, LEGACY, "tools/call")).await
            }
            Link::Shared(desk) => {
                let (answer, progress) = desk.ask(id, params).await;
                (vec![answer], progress)
            }
        }
    }

    /// Calls what never ends, and takes it back in the way of the transport.
    async fn take_back(&self, id: u64) {
        let params = Caller::params(id, "hang");
        let after = Duration::from_millis(20 + id % 7 * 60);
        let goes_away = |asked: reqwest::RequestBuilder| async move {
            match tokio::time::timeout(after, asked.send()).await {
                Err(_) => {}
                Ok(answer) => self.tally.fault("answered after all", &format!("{id}: {answer:?}")),
            }
        };
        match &self.link {
            Link::Plain(_) => {
                let asked = reqwest::Client::new().post(self.world.url("/messages/"));
                goes_away(asked.json(&call(id, "soak__hang", &params["arguments"]))).await;
            }
            Link::Modern => goes_away(modern(&self.world, id, "tools/call", params)).await,
            Link::Legacy(session, _) => {
                let message = super::world::request(id, "tools/call", params);
                let cancel = async {
                    tokio::time::sleep(after).await;
                    session.cancel(id).await;
                };
                let (response, ()) = tokio::join!(session.post(&message).send(), cancel);
                let response = response.unwrap();
                if response.status() != 202 {
                    self.tally.fault("answered after all", &response.text().await.unwrap());
                }
            }
            Link::Shared(desk) => desk.ask_and_cancel(id, params, after).await,
        }
    }

    /// Whether there is one answer, and the right one.
    fn judge(&self, id: u64, kind: &'static str, answers: &[Value], progress: u64) {
        match answers {
            [answer] if is_right(id, kind, answer) && (kind != "steps" || progress > 0) => {
                self.tally.call(kind, self.transport());
            }
            [answer] => {
                let how =
                    format!("{kind} {id} over {}, {progress} times progress: {answer}", self.transport());
                self.tally.fault("wrong", &how);
            }
            [] => self.tally.fault("lost", &format!("{kind} {id} over {}", self.transport())),
            several => self.tally.fault("came twice", &format!("{several:?}")),
        }
    }
}

fn token(id: u64) -> String {
    format!("token-{id}.")
}

fn is_right(id: u64, kind: &str, answer: &Value) -> bool {
    let (result, token) = (&answer["result"], token(id));
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    let is_said = match kind {
        "fail" => {
            let code = &result["structuredContent"]["error"]["code"];
            code == "plugin_error" && text.matches(&token).count() == 1
        }
        "large" => text.len() == token.len() + 1 + LARGE && text.starts_with(&token),
        _ => text.strip_suffix('\n') == Some(&token),
    };
    answer["id"] == id && is_said && result["isError"] == (kind == "fail")
}

/// Reads to the end, so that nothing can come after the answer unseen.
async fn read_all(mut events: Events) -> (Vec<Value>, u64) {
    let (mut answers, mut progress) = (Vec::new(), 0);
    while let Some(message) = events.next().await {
        if message["method"] == "notifications/progress" {
            progress += 1;
        } else {
            answers.push(message);
        }
    }
    (answers, progress)
}
