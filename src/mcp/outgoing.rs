//! Messages on their way to a client: what they are, and the two ends of the bounded queue in which they wait.
//!
//! Knows no session and no transport.

use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::message::Response;

/// Messages that wait for one stream. Over it notifications are dropped and answers wait, which holds back only
/// the one who does not read.
pub const OUTGOING_LIMIT: usize = 64;

/// A message on its way to the client.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// A notification, ready for the wire.
    Notification(Value),
    /// A request to the client, ready for the wire.
    Request(Value),
    /// The answer to a request.
    Answer(Response),
}

impl Out {
    /// As it goes on the wire: JSON without line ends.
    pub fn encode(&self) -> String {
        match self {
            Out::Notification(value) | Out::Request(value) => value.to_string(),
            Out::Answer(response) => response.encode(),
        }
    }
}

/// Where messages to a client go.
#[derive(Clone, Debug)]
pub struct Outgoing(Option<mpsc::Sender<Out>>);

impl Outgoing {
    /// A bounded way out and its other end.
    pub fn channel() -> (Outgoing, mpsc::Receiver<Out>) {
        let (sender, receiver) = mpsc::channel(OUTGOING_LIMIT);
        (Outgoing(Some(sender)), receiver)
    }

    /// Nowhere: for exchanges that have room for the answer only.
    pub fn none() -> Outgoing {
        Outgoing(None)
    }

    /// Whether there is anyone at the other end, or has been.
    pub(super) fn leads_somewhere(&self) -> bool {
        self.0.is_some()
    }

    /// Whether nobody listens any more.
    pub(super) fn is_closed(&self) -> bool {
        self.0.as_ref().is_none_or(mpsc::Sender::is_closed)
    }

    /// Waits until nobody listens any more.
    pub(super) async fn closed(&self) {
        if let Some(sender) = &self.0 {
            sender.closed().await;
        }
    }

    /// Sends a notification if there is room; each of them is one of many, and the next one tells more.
    /// `false` where there is none, or nobody listens.
    pub fn notify(&self, notification: Value) -> bool {
        self.0.as_ref().is_some_and(|sender| sender.try_send(Out::Notification(notification)).is_ok())
    }

    /// Room for one message, where there is some now.
    pub(super) fn try_reserve(&self) -> Option<mpsc::Permit<'_, Out>> {
        self.0.as_ref()?.try_reserve().ok()
    }

    /// Waits for room for one message; `None` where nobody listens any more.
    pub async fn reserve(&self) -> Option<mpsc::Permit<'_, Out>> {
        self.0.as_ref()?.reserve().await.ok()
    }

    /// Sends what must not be lost, and waits for room; `false` where nobody listens any more.
    pub async fn send(&self, out: Out) -> bool {
        let place = self.reserve().await;
        place.map(|place| place.send(out)).is_some()
    }
}

/// A session's own way out, whose stream ends when another one takes its place.
#[derive(Debug)]
pub(super) struct Way {
    outgoing: Outgoing,
    ended: CancellationToken,
}

impl Way {
    pub(super) fn new() -> (Way, Stream) {
        let (outgoing, messages) = Outgoing::channel();
        let ended = CancellationToken::new();
        (Way { outgoing, ended: ended.clone() }, Stream { messages, ended })
    }

    pub(super) fn outgoing(&self) -> Outgoing {
        self.outgoing.clone()
    }

    /// Ends its stream, though others may still have the way out.
    pub(super) fn end(&self) {
        self.ended.cancel();
    }
}

/// The messages to a session.
#[derive(Debug)]
pub struct Stream {
    messages: mpsc::Receiver<Out>,
    ended: CancellationToken,
}

impl Stream {
    /// The next message; `None` at the end: when nobody can send any more, or another stream has taken its place and all
    /// that was sent before is taken.
    pub async fn next(&mut self) -> Option<Out> {
        tokio::select! {
            biased;
            out = self.messages.recv() => out,
            () = self.ended.cancelled() => None,
        }
    }
}
