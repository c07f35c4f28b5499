//! What has been asked and answered about one request so far. In the revisions with sessions it stays in memory; in
//! the modern era it goes to the client, sealed, and comes back with the answers.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::seal::Sealer;
use crate::mcp::message::{Params, RpcError};
use crate::outcome::{Asks, CallResult, failure};

/// How long a client may keep a state before it answers: people may think, but not for ever.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The key of the server's own questions; each of them comes alone.
const OWN: &str = "smcp";

/// A talk about one request.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Talk {
    /// What the request is, as a hash: another one can't take over its answers.
    about: String,
    /// Until when it counts, in seconds since 1970: another replica may be given it back.
    until: u64,
    /// How often something was asked.
    pub(super) rounds: u32,
    /// What is being asked now.
    topic: Topic,
    /// Arguments that the user gave.
    pub(super) given: Map<String, Value>,
    /// Whether the user said yes to the call.
    pub(super) confirmed: bool,
    /// What the program left with its questions.
    pub(super) state: Option<Value>,
    /// The answers to the program's questions.
    #[serde(skip)]
    pub(super) responses: Option<Map<String, Value>>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
enum Topic {
    /// Nothing yet, as far as is known.
    #[default]
    Unknown,
    /// What the program asks: key → method.
    Program(BTreeMap<String, String>),
    /// Arguments that are missing.
    Arguments(Vec<String>),
    /// Whether the call is meant.
    Confirmation,
}

/// Why answers lead no further.
#[derive(Debug, PartialEq)]
pub(super) enum Stop {
    /// They don't have the protocol's form: what is wrong.
    Malformed(String),
    /// The user does not want to.
    Declined(CallResult),
}

impl Talk {
    /// A talk that begins, with a client of that profile.
    pub(super) fn about(profile: Option<&str>, method: &str, params: &Params) -> Talk {
        let arguments =
            params.get("arguments").filter(|a| !a.is_null()).cloned().unwrap_or_else(|| json!({}));
        let mut request = json!([profile, method, params.get("name"), params.get("uri"), arguments]);
        // A client may write the same arguments in another order.
        request.sort_all_objects();
        Talk { about: STANDARD_NO_PAD.encode(Sha256::digest(request.to_string())), ..Talk::default() }
    }

    /// Goes on where the `requestState` of a modern request left off (2026-07-28).
    pub(super) fn resumed(self, sealer: &Sealer, now: Duration, params: &Params) -> Result<Talk, RpcError> {
        match params.get("requestState") {
            None => Ok(self),
            Some(Value::String(sealed)) => self.opened(sealer, now, sealed),
            Some(_) => Err(RpcError::params("`requestState` is not text")),
        }
    }

    fn opened(self, sealer: &Sealer, now: Duration, sealed: &str) -> Result<Talk, RpcError> {
        let fault = |what: &str| RpcError::params(format!("`requestState` {what}; begin again without it"));
        let plain = sealer.open(sealed);
        let talk = plain.and_then(|plain| serde_json::from_slice::<Talk>(&plain).ok());
        let talk = talk.ok_or_else(|| fault("is not, to the letter, one that this server gave"))?;
        if talk.about != self.about {
            return Err(fault("was given for another request"));
        }
        if talk.until < now.as_secs() {
            return Err(fault(&format!("is older than {} minutes", LIFETIME.as_secs() / 60)));
        }
        Ok(talk)
    }

    /// As it goes to the client; `None` where it is too large.
    pub(super) fn sealed(&mut self, sealer: &Sealer, now: Duration) -> Option<String> {
        self.until = (now + LIFETIME).as_secs();
        sealer.seal(&serde_json::to_vec(self).ok()?)
    }

    /// Turns to missing arguments; gives the requests.
    pub(super) fn ask_arguments(&mut self, names: Vec<String>, form: Value) -> Map<String, Value> {
        self.topic = Topic::Arguments(names);
        Map::from_iter([(OWN.to_owned(), form)])
    }

    /// Turns to whether the call is meant; gives the requests.
    pub(super) fn ask_confirmation(&mut self, form: Value) -> Map<String, Value> {
        self.topic = Topic::Confirmation;
        Map::from_iter([(OWN.to_owned(), form)])
    }

    /// Turns to what the program asks; gives the requests.
    pub(super) fn ask_for_program(&mut self, asks: Asks) -> Map<String, Value> {
        let method = |request: &Value| request["method"].as_str().unwrap_or_default().to_owned();
        self.topic = Topic::Program(asks.requests.iter().map(|(key, r)| (key.clone(), method(r))).collect());
        self.state = asks.state;
        self.responses = None;
        asks.requests
    }

    /// Takes answers: those to what was asked; others are left out. What was asked and not answered is asked again.
    pub(super) fn take(&mut self, mut responses: Map<String, Value>) -> Result<(), Stop> {
        match std::mem::take(&mut self.topic) {
            // A client may answer at once what it knows to be asked.
            Topic::Unknown => self.responses = Some(responses),
            Topic::Program(asked) => {
                responses.retain(|key, _| asked.contains_key(key));
                for (key, answer) in &responses {
                    check(key, &asked[key], answer)?;
                }
                self.responses = Some(responses);
            }
            Topic::Arguments(names) => {
                let what = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                if let Some(answer) = responses.remove(OWN) {
                    let mut content = accepted(answer, &format!("give {what}"))?;
                    content.retain(|name, _| names.contains(name));
                    self.given.extend(content);
                }
            }
            Topic::Confirmation => {
                if let Some(answer) = responses.remove(OWN) {
                    accepted(answer, "run the tool")?;
                    self.confirmed = true;
                }
            }
        }
        Ok(())
    }
}

/// The time by which talks are told to be too old.
pub(super) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The `inputResponses` of a modern request (2026-07-28).
pub(super) fn answers(params: &Params) -> Result<Option<Map<String, Value>>, RpcError> {
    let responses = match params.get("inputResponses") {
        None => return Ok(None),
        Some(Value::Object(responses)) => responses,
        Some(_) => return Err(RpcError::params("`inputResponses` is not an object")),
    };
    match responses.iter().find(|(_, answer)| !answer.is_object()) {
        Some((key, _)) => Err(RpcError::params(format!("`inputResponses`: `{key}` is not an object"))),
        None => Ok(Some(responses.clone())),
    }
}

/// What a user who was asked to do `what` filled in.
fn accepted(mut answer: Value, what: &str) -> Result<Map<String, Value>, Stop> {
    check(OWN, "elicitation/create", &answer)?;
    let stopped = |code: &str, message: String| Err(Stop::Declined(failure(code, &message)));
    match answer["action"].as_str() {
        Some("accept") => Ok(answer["content"].as_object_mut().map(std::mem::take).unwrap_or_default()),
        Some("decline") => stopped("declined", format!("the user was asked to {what} and declined")),
        _ => stopped("cancelled", format!("the user was asked to {what} and closed the question")),
    }
}

/// Whether an answer has the form that its method's has.
fn check(key: &str, method: &str, answer: &Value) -> Result<(), Stop> {
    let (right, expected) = match method {
        "elicitation/create" => (
            matches!(answer["action"].as_str(), Some("accept" | "decline" | "cancel"))
                && answer.get("content").is_none_or(Value::is_object),
            "an object with `action` (accept, decline or cancel) and `content`, an object",
        ),
        "sampling/createMessage" => (
            answer["role"].is_string() && (answer["content"].is_object() || answer["content"].is_array()),
            "an object with `role` and `content`",
        ),
        _ => (answer["roots"].is_array(), "an object with `roots`, a list"),
    };
    if right { Ok(()) } else { Err(Stop::Malformed(format!("the answer to `{key}` is not {expected}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn params(value: Value) -> Params {
        value.as_object().unwrap().clone()
    }

    fn call() -> Params {
        params(json!({"name": "t", "arguments": {"a": 1, "b": {"x": 1, "y": 2}}}))
    }

    fn asking() -> (Sealer, Talk, String) {
        let (sealer, mut talk) = (Sealer::new(), Talk::about(None, "tools/call", &call()));
        let requests = params(json!({"k": {"method": "elicitation/create"}}));
        talk.ask_for_program(Asks { requests, state: Some(json!("s")) });
        talk.rounds = 3;
        let sealed = talk.sealed(&sealer, SOON).unwrap();
        (sealer, talk, sealed)
    }

    fn resumed(
        sealer: &Sealer,
        now: Duration,
        method: &str,
        mut call: Params,
        state: Value,
    ) -> Result<Talk, String> {
        call.insert("requestState".into(), state);
        Talk::about(None, method, &call).resumed(sealer, now, &call).map_err(|e| e.message)
    }

    #[test]
    fn a_state_comes_back_for_its_own_request_only() {
        let (sealer, talk, sealed) = asking();
        let reordered = params(json!({"arguments": {"b": {"y": 2, "x": 1}, "a": 1}, "name": "t"}));
        for same in [call(), reordered] {
            assert_eq!(resumed(&sealer, SOON, "tools/call", same, json!(sealed)), Ok(talk_of(&talk)));
        }
        let other = |change: Value| {
            let mut call = call();
            call.extend(params(change));
            call
        };
        let mut again = call();
        again.insert("requestState".into(), json!(sealed));
        assert!(Talk::about(Some("admin"), "tools/call", &again).resumed(&sealer, SOON, &again).is_err());
        for (method, call) in [
            ("prompts/get", call()),
            ("tools/call", other(json!({"name": "u"}))),
            ("tools/call", other(json!({"arguments": {"a": 2, "b": {"x": 1, "y": 2}}}))),
            ("tools/call", other(json!({"arguments": null}))),
        ] {
            let fault = resumed(&sealer, SOON, method, call, json!(sealed)).unwrap_err();
            assert!(fault.contains("another request"), "{fault}");
        }
    }

    fn talk_of(talk: &Talk) -> Talk {
        serde_json::from_value(serde_json::to_value(talk).unwrap()).unwrap()
    }

    #[test]
    fn a_state_expires_and_can_not_be_changed() {
        let (sealer, _, sealed) = asking();
        for (state, now, expected) in [
            (json!(sealed), SOON + LIFETIME, None),
            (json!(sealed), SOON + LIFETIME + Duration::from_secs(1), Some("is older than 60 minutes")),
            (json!(format!("{sealed}x")), SOON, Some("is not, to the letter")),
            (json!(Sealer::new().seal(b"{}").unwrap()), SOON, Some("is not, to the letter")),
            (json!(""), SOON, Some("is not, to the letter")),
            (json!(1), SOON, Some("is not text")),
        ] {
            let found = resumed(&sealer, now, "tools/call", call(), state).err();
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            assert!(found.unwrap_or_default().contains(expected.unwrap_or_default()));
        }
    }

    #[test]
    fn programs_get_what_they_asked_for() {
        let (_, mut talk, _) = asking();
        let answer = json!({"action": "decline"});
        talk.take(params(json!({"k": answer, "unasked": {"roots": 1}}))).unwrap();
        assert_eq!(talk.responses, Some(params(json!({"k": answer}))));
        assert_eq!((talk.state, talk.rounds), (Some(json!("s")), 3));
        let mut fresh = Talk::about(None, "tools/call", &call());
        fresh.take(params(json!({"any": {}}))).unwrap();
        assert_eq!(fresh.responses, Some(params(json!({"any": {}}))));
    }

    #[test]
    fn malformed_answers_are_named() {
        for (method, answer, right) in [
            ("elicitation/create", json!({"action": "accept", "content": {}}), true),
            ("elicitation/create", json!({"action": "cancel"}), true),
            ("elicitation/create", json!({"action": "maybe"}), false),
            ("elicitation/create", json!({"action": "accept", "content": []}), false),
            ("sampling/createMessage", json!({"role": "assistant", "content": {}}), true),
            ("sampling/createMessage", json!({"content": {}}), false),
            ("roots/list", json!({"roots": []}), true),
            ("roots/list", json!({}), false),
        ] {
            let mut talk = Talk::default();
            let requests = params(json!({"k": {"method": method}}));
            talk.ask_for_program(Asks { requests, state: None });
            let taken = talk.take(params(json!({"k": answer})));
            assert_eq!(taken.is_ok(), right, "{method} {answer}");
            assert!(right || matches!(taken, Err(Stop::Malformed(why)) if why.contains("`k`")));
        }
        for (value, right) in [(json!({"k": {}}), true), (json!({"k": 1}), false), (json!(null), false)] {
            assert_eq!(answers(&params(json!({"inputResponses": value}))).is_ok(), right, "{value}");
        }
        assert_eq!(answers(&Params::new()), Ok(None));
    }

    #[test]
    fn own_questions_are_answered_yes_or_stop_the_call() {
        let answer = |action: &str| params(json!({"smcp": {"action": action, "content": {"a": 1, "z": 2}}}));
        let mut talk = Talk::default();
        talk.ask_arguments(vec!["a".into()], json!({}));
        talk.take(answer("accept")).unwrap();
        assert_eq!(talk.given, params(json!({"a": 1})), "only what was asked for");
        talk.ask_confirmation(json!({}));
        talk.take(params(json!({"other": {}}))).unwrap();
        assert!(!talk.confirmed);
        talk.ask_confirmation(json!({}));
        talk.take(answer("accept")).unwrap();
        assert!(talk.confirmed);
        for (action, code) in [("decline", "declined"), ("cancel", "cancelled")] {
            talk.ask_confirmation(json!({}));
            let Err(Stop::Declined(result)) = talk.take(answer(action)) else { panic!("{action}") };
            assert_eq!(result.structured.unwrap()["error"]["code"], code);
        }
    }
}
