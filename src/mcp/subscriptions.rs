//! Word of changes to resources: `resources/subscribe` of the revisions with sessions, and the resources of a
//! `subscriptions/listen`.
//!
//! A file is looked at once a second, which works on every file system; what commands make counts as changed when the
//! plugins have changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::message::{Params, RpcError, notification};
use super::resources::{self, Watched};
use super::{Context, Server};
use crate::plugin::uri;

/// How often a file is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Resources that one session or one listener may watch.
pub(super) const LIMIT: usize = 64;

/// The notification that a resource is not what it was.
pub(super) fn updated(uri: &str) -> Value {
    notification("notifications/resources/updated", json!({"uri": uri}))
}

/// `resources/subscribe`
pub(super) fn subscribe(server: &Server, context: &Context, params: &Params) -> Result<Value, RpcError> {
    let uri = resources::uri_of(params)?.to_owned();
    let Some(session) = &context.session else {
        return Err(RpcError::new(
            RpcError::INVALID_REQUEST,
            "a subscription needs a session, begun by `initialize`",
        ));
    };
    let mut watch =
        Watch::of(server, context, &uri).ok_or_else(|| resources::not_found(&uri, context.revision))?;
    let end = session.closed().child_token();
    if !session.subscribe(&uri::normalized(&uri), end.clone(), LIMIT) {
        let message =
            format!("a session has at most {LIMIT} subscriptions; end one with `resources/unsubscribe`");
        return Err(RpcError::new(RpcError::INVALID_REQUEST, message));
    }
    let (session, shutdown) = (Arc::downgrade(session), server.shutdown().clone());
    server.spawn(async move {
        let ended = async {
            tokio::select! {
                () = end.cancelled() => {}
                () = shutdown.cancelled() => {}
            }
        };
        tokio::pin!(ended);
        loop {
            tokio::select! {
                () = &mut ended => return,
                () = watch.changed() => {}
            }
            let Some(session) = session.upgrade() else { return };
            if let Some(outgoing) = session.outgoing() {
                outgoing.notify(updated(&uri));
            }
        }
    });
    Ok(json!({}))
}

/// `resources/unsubscribe`; one that isn't there is no error (it may just have ended).
pub(super) fn unsubscribe(context: &Context, params: &Params) -> Result<Value, RpcError> {
    let uri = resources::uri_of(params)?;
    if let Some(session) = &context.session {
        session.unsubscribe(&uri::normalized(uri));
    }
    Ok(json!({}))
}

/// One resource that is watched.
pub(super) struct Watch {
    uri: String,
    file: Option<(PathBuf, Stamp)>,
    changes: tokio::sync::watch::Receiver<u64>,
}

/// What of a file shows that it changed; `None` where it isn't there.
type Stamp = Option<(SystemTime, u64)>;

impl Watch {
    /// Begins to watch a resource; `None` where there is none.
    pub(super) fn of(server: &Server, context: &Context, uri: &str) -> Option<Watch> {
        let mut changes = server.changes();
        changes.mark_unchanged();
        let file = match resources::watched(&server.visible(context), uri)? {
            Watched::File(path) => Some((path.clone(), stamp(&path))),
            Watched::Made => None,
        };
        Some(Watch { uri: uri.to_owned(), file, changes })
    }

    /// What is watched.
    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    /// Waits until the resource has changed.
    pub(super) async fn changed(&mut self) {
        let Some((path, last)) = &mut self.file else {
            if self.changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            return;
        };
        loop {
            tokio::time::sleep(INTERVAL).await;
            let now = tokio::task::spawn_blocking({
                let path = path.clone();
                move || stamp(&path)
            });
            if let Ok(now) = now.await
                && now != *last
            {
                *last = now;
                return;
            }
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

/// Waits for the next change among several; never ends where there is none.
pub(super) async fn next_of(watches: &mut [Watch]) -> String {
    if watches.is_empty() {
        return std::future::pending().await;
    }
    let waiting = watches.iter_mut().map(|watch| {
        Box::pin(async {
            watch.changed().await;
            watch.uri().to_owned()
        })
    });
    futures_util::future::select_all(waiting).await.0
}
