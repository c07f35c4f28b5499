//! Asking back: what a request needs to know before it can be answered is asked of its client, and the command is run
//! again with the answers.
//!
//! Three things are asked: required arguments that are missing, the user's yes to a tool whose manifest wants it, and
//! what the command itself asks ([`crate::outcome::Asks`]). Clients of sessions are sent requests and waited for;
//! modern ones get a result that asks (2026-07-28), and send their request again. While a user thinks, no process runs
//! and no place is held.

mod capabilities;
mod client;
mod form;
mod pending;
mod seal;
mod talk;

use serde_json::{Map, Value, json};

use super::message::{Params, RpcError};
use super::running::{self, Teller};
use super::{Context, Server, trace};
use crate::argv::ArgvError;
use crate::call::Input;
use crate::outcome::{CallResult, Ended, failure};
use crate::registry::Served;

pub use capabilities::Capabilities;
pub(super) use pending::Pending;
pub(super) use seal::Sealer;
use talk::{Stop, Talk};

/// How often one request may ask: a command that wants to know more has its user go in circles.
const ROUNDS: u32 = 8;

/// What a request comes to.
pub(super) enum Reached {
    /// An answer.
    Result(CallResult),
    /// Nothing was run, since these are wrong.
    BadArguments(Vec<ArgvError>),
    /// A modern client is asked: the whole `InputRequiredResult`.
    InputRequired(Value),
}

impl From<CallResult> for Reached {
    fn from(result: CallResult) -> Reached {
        Reached::Result(result)
    }
}

/// Runs a command for a request (its method and parameters) until it answers, asking in between.
pub(super) async fn answer(
    server: &Server,
    context: &Context,
    tool: &Served,
    arguments: &Map<String, Value>,
    (method, params): (&str, &Params),
    teller: &mut Teller<'_>,
) -> Result<Reached, RpcError> {
    let profile = context.access.profile().map(|profile| profile.name.as_str());
    let mut talk = Talk::about(profile, method, params);
    if context.revision.asks_by_results() {
        talk = talk.resumed(&server.sealer, talk::now(), params)?;
        if let Some(responses) = talk::answers(params)? {
            match talk.take(responses) {
                Ok(()) => {}
                Err(Stop::Malformed(why)) => return Err(RpcError::params(why)),
                Err(Stop::Declined(result)) => return Ok(result.into()),
            }
        }
    }
    loop {
        let requests = match step(server, context, tool, (arguments, params), &mut talk, teller).await {
            Step::Reached(reached) => return Ok(reached),
            Step::Ask(requests) => requests,
        };
        if talk.rounds >= ROUNDS {
            let message = format!("it asked {ROUNDS} times, the most that it may, and wants to ask again");
            return Ok(failure("too_many_questions", &message).into());
        }
        talk.rounds += 1;
        if let Some(missing) = context.capabilities.lacks(&requests) {
            return lacking(context, missing).map(Reached::from);
        }
        if context.revision.asks_by_results() {
            return Ok(required(server, talk, requests));
        }
        if let Some(key) = form::beyond(&requests, context.revision) {
            let revision = context.revision.as_str();
            let message = format!(
                "`{key}` asks for several choices at once, which forms of revision {revision} don't have"
            );
            return Ok(failure("input_unavailable", &message).into());
        }
        let answered = match client::ask(server, context, &requests).await {
            Ok(responses) => talk.take(responses),
            Err(result) => return Ok(result.into()),
        };
        match answered {
            Ok(()) => {}
            Err(Stop::Malformed(why)) => return Ok(failure("input_unavailable", &why).into()),
            Err(Stop::Declined(result)) => return Ok(result.into()),
        }
    }
}

enum Step {
    Reached(Reached),
    Ask(Map<String, Value>),
}

/// Goes as far as is possible without asking.
async fn step(
    server: &Server,
    context: &Context,
    tool: &Served,
    (arguments, params): (&Map<String, Value>, &Params),
    talk: &mut Talk,
    teller: &mut Teller<'_>,
) -> Step {
    let mut arguments = arguments.clone();
    arguments.extend(talk.given.clone());
    let errors = tool.argv(&arguments).err();
    if context.capabilities.has_forms()
        && let Some(errors) = &errors
        && let Some(form) = form::for_missing(&tool.tool, errors, context.revision)
    {
        let names = errors.iter().map(|error| error.argument.clone()).collect();
        return Step::Ask(talk.ask_arguments(names, form));
    }
    if tool.tool.confirm && !talk.confirmed && errors.is_none() {
        return Step::Ask(talk.ask_confirmation(form::for_confirmation(&tool.tool, &arguments)));
    }
    let input = Input {
        responses: talk.responses.take(),
        state: talk.state.take(),
        capabilities: Some(context.capabilities.to_value()),
        trace: trace::of(params),
    };
    match running::run(server, context, tool, &arguments, &input, teller).await {
        Ok(Ended::Result(result)) => Step::Reached(result.into()),
        Ok(Ended::Asks(asks)) => Step::Ask(talk.ask_for_program(asks)),
        Err(errors) => Step::Reached(Reached::BadArguments(errors)),
    }
}

/// The answer to a client that did not declare what is needed: an error of its own where the revision has one.
fn lacking(context: &Context, missing: Value) -> Result<CallResult, RpcError> {
    let names = missing.as_object().into_iter().flatten().map(|(name, _)| format!("`{name}`"));
    let message = format!(
        "the client has to be asked, and it did not declare the capability {}",
        names.collect::<Vec<_>>().join(", ")
    );
    if context.revision.asks_by_results() {
        let data = json!({"requiredCapabilities": missing});
        return Err(RpcError::new(RpcError::MISSING_CAPABILITY, message).with(data));
    }
    Ok(failure("input_unavailable", &message))
}

/// An `InputRequiredResult` (2026-07-28).
fn required(server: &Server, mut talk: Talk, requests: Map<String, Value>) -> Reached {
    match talk.sealed(&server.sealer, talk::now()) {
        Some(state) => Reached::InputRequired(
            json!({"resultType": "input_required", "inputRequests": requests, "requestState": state}),
        ),
        None => failure("input_too_large", "what has to be kept until the answers come is too large").into(),
    }
}
