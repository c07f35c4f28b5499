//! Requests of ours that a client of a legacy session has not answered yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::oneshot;

use crate::mcp::message::{Id, RpcError};

/// What a client answers: a result or an error.
pub(super) type Answer = Result<Value, RpcError>;

/// The open requests of one session. As many as its running requests may each ask at a time, so they need no bound of
/// their own.
#[derive(Debug, Default)]
pub(in crate::mcp) struct Pending(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    /// How many there have been: no id comes twice in a session.
    asked: u64,
    open: HashMap<Id, oneshot::Sender<Answer>>,
}

impl Pending {
    /// Opens a request.
    pub(super) fn open(&self) -> Open {
        let (sender, receiver) = oneshot::channel();
        let mut table = lock(&self.0);
        table.asked += 1;
        let id = Id::Text(format!("ask-{}", table.asked));
        table.open.insert(id.clone(), sender);
        Open { id, receiver, table: Arc::clone(&self.0) }
    }

    /// Takes an answer; one to nothing that is open (it may have come too late) is ignored.
    pub(in crate::mcp) fn answered(&self, id: &Id, answer: Answer) {
        if let Some(waiting) = lock(&self.0).open.remove(id) {
            let _ = waiting.send(answer);
        }
    }
}

/// An open request; dropping it closes it, and an answer that comes later is ignored.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: Id,
    receiver: oneshot::Receiver<Answer>,
    table: Arc<Mutex<Table>>,
}

impl Open {
    /// Waits for the answer.
    pub(super) async fn answer(&mut self) -> Answer {
        let lost = || Err(RpcError::new(RpcError::INTERNAL, "the session ended"));
        (&mut self.receiver).await.unwrap_or_else(|_| lost())
    }

    /// Whether no answer has come.
    pub(super) fn is_open(&self) -> bool {
        lock(&self.table).open.contains_key(&self.id)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.table).open.remove(&self.id);
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn answers_find_their_request_once() {
        let pending = Pending::default();
        let (mut one, mut two) = (pending.open(), pending.open());
        assert_ne!(one.id, two.id);
        pending.answered(&two.id, Ok(json!(2)));
        pending.answered(&two.id, Ok(json!("again")));
        pending.answered(&Id::Number(1.into()), Ok(json!("nobody asked")));
        pending.answered(&one.id, Err(RpcError::params("no")));
        assert_eq!(one.answer().await.unwrap_err().message, "no");
        assert_eq!(two.answer().await, Ok(json!(2)));
        let three = pending.open();
        assert!(three.is_open() && !one.is_open());
        let id = three.id.clone();
        drop(three);
        pending.answered(&id, Ok(json!("too late")));
        assert!(lock(&pending.0).open.is_empty());
    }
}
