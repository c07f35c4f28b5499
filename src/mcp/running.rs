//! Runs a command once, with its standard error told as progress and log messages where these are asked for.

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::message::notification;
use super::progress::{self, Meter};
use super::{Context, Server};
use crate::argv::ArgvError;
use crate::call::Input;
use crate::outcome::Ended;
use crate::registry::Served;

/// Lines of standard error that wait to be told; a plugin that writes faster loses some, its run is not held back.
const LINES: usize = 64;

/// Runs a command. It ends early when the sender of its request takes it back and when the server stops.
pub(super) async fn run(
    server: &Server,
    context: &Context,
    tool: &Served,
    arguments: &Map<String, Value>,
    input: &Input,
    teller: &mut Teller<'_>,
) -> Result<Ended, Vec<ArgvError>> {
    let stop = context.cancel.child_token();
    let (sender, mut lines) = mpsc::channel(LINES);
    let call = server.backend.call(tool, arguments, input, &stop, teller.is_wanted().then_some(sender));
    tokio::pin!(call);
    let ended = loop {
        tokio::select! {
            biased;
            // First, so that nothing is started any more.
            () = server.shutdown().cancelled(), if !stop.is_cancelled() => stop.cancel(),
            Some(line) = lines.recv() => teller.tell(&line),
            ended = &mut call => break ended,
        }
    };
    while let Ok(line) = lines.try_recv() {
        teller.tell(&line);
    }
    ended
}

/// Tells lines of standard error; one for a whole request, since progress never goes back.
pub(super) struct Teller<'a> {
    context: &'a Context,
    told: Option<Told<'a>>,
}

struct Told<'a> {
    token: Option<&'a Value>,
    logger: &'a str,
    meter: Meter,
}

impl<'a> Teller<'a> {
    /// Tells what the request asks for: progress where it has a token, and log messages of its level.
    pub(super) fn of(context: &'a Context, token: Option<&'a Value>, tool: &'a Served) -> Teller<'a> {
        let wanted = token.is_some() || context.log_level.is_some();
        let told = || Told { token, logger: &tool.plugin.name, meter: Meter::default() };
        Teller { context, told: wanted.then(told) }
    }

    /// Tells nothing.
    pub(super) fn silent(context: &'a Context) -> Teller<'a> {
        Teller { context, told: None }
    }

    fn is_wanted(&self) -> bool {
        self.told.is_some()
    }

    fn tell(&mut self, line: &str) {
        let Some(told) = &mut self.told else { return };
        if self.context.cancel.is_cancelled() {
            return;
        }
        if let Some(token) = told.token
            && let Some(step) = told.meter.read(line)
        {
            let mut params = json!({"progressToken": token, "progress": number(step.progress)});
            if let Some(total) = step.total {
                params["total"] = number(total);
            }
            if self.context.revision.has_annotations() {
                params["message"] = step.message.into();
            }
            self.context.outgoing.notify(notification("notifications/progress", params));
        }
        let level = progress::level(line);
        if self.context.log_level.is_some_and(|least| level >= least) && !line.trim().is_empty() {
            let params = json!({"level": level.as_str(), "logger": told.logger, "data": line});
            self.context.outgoing.notify(notification("notifications/message", params));
        }
    }
}

/// A number without a useless `.0`.
#[allow(
    clippy::cast_possible_truncation,
    reason = "whole and far below 2^53: progress has at most 15 digits"
)]
fn number(n: f64) -> Value {
    if n.fract() == 0.0 { (n as i64).into() } else { n.into() }
}
