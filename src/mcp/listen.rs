//! `subscriptions/listen` (2026-07-28): a request that runs until one side ends it and tells of changes meanwhile.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::era::META_SUBSCRIPTION;
use super::message::{Id, Params, RpcError, notification};
use super::outgoing::Out;
use super::subscriptions::{self, Watch};
use super::{Changes, Context, List, Server};

/// Serves one subscription. Ends with a result when the server stops; when the client ends it, nothing is sent.
pub(super) async fn run(
    server: &Server,
    context: &Context,
    id: &Id,
    params: &Params,
) -> Result<Value, RpcError> {
    let Some(Value::Object(filter)) = params.get("notifications") else {
        return Err(RpcError::params("`notifications` is not an object"));
    };
    let Ok(_place) = server.listeners.try_acquire() else {
        return Err(RpcError::new(RpcError::INTERNAL, "the server has as many listeners as it takes"));
    };
    let wanted: Vec<List> =
        List::ALL.into_iter().filter(|list| filter.get(&list.filter()) == Some(&Value::Bool(true))).collect();
    let mut watches = watches(server, context, filter);
    let watched: Vec<Value> = watches.iter().map(|w| w.uri().into()).collect();
    let meta = json!({META_SUBSCRIPTION: Value::from(id)});
    let mut changes = Changes::from_now_on(server.changes(), || server.visible(context));

    let mut granted = json!({});
    wanted.iter().for_each(|list| granted[list.filter()] = true.into());
    if !watched.is_empty() {
        granted["resourceSubscriptions"] = watched.into();
    }
    let acknowledged = json!({"_meta": meta, "notifications": granted});
    let acknowledged = notification("notifications/subscriptions/acknowledged", acknowledged);
    let connection_ends = async {
        match &context.session {
            Some(session) => session.winding_down().cancelled().await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(connection_ends);
    let mut listens = context.outgoing.send(Out::Notification(acknowledged)).await;
    while listens {
        tokio::select! {
            () = context.cancel.cancelled() => break,
            () = server.shutdown().cancelled() => break,
            () = &mut connection_ends => break,
            list = changes.next() => {
                if !wanted.contains(&list) {
                    continue;
                }
                let mut told = list.changed();
                told["params"] = json!({"_meta": meta});
                listens = context.outgoing.send(Out::Notification(told)).await;
            }
            uri = subscriptions::next_of(&mut watches) => {
                let mut told = subscriptions::updated(&uri);
                told["params"]["_meta"] = meta.clone();
                listens = context.outgoing.send(Out::Notification(told)).await;
            }
        }
    }
    Ok(json!({"_meta": meta}))
}

/// The resources that the filter names and that there are, as many as may be watched.
fn watches(server: &Server, context: &Context, filter: &serde_json::Map<String, Value>) -> Vec<Watch> {
    let named = filter.get("resourceSubscriptions").and_then(Value::as_array);
    // One that is named twice is watched once.
    let uris: BTreeSet<&str> = named.into_iter().flatten().filter_map(Value::as_str).collect();
    uris.into_iter().filter_map(|uri| Watch::of(server, context, uri)).take(subscriptions::LIMIT).collect()
}
