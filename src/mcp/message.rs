//! Bytes ↔ JSON-RPC 2.0 messages as MCP uses them. Parsing is total: whatever comes gives messages or a
//! [`Fault`] that says whom to answer.
//!
//! Knows no method, no revision and no transport.

use std::sync::Arc;

use serde_json::{Map, Number, Value, json};

/// A message's `params`: MCP has objects only.
pub type Params = Map<String, Value>;

/// Messages in one batch: a client that needs more can send two.
pub const BATCH_LIMIT: usize = 128;

/// What identifies a request to the one who sent it: text or an integer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// An integer.
    Number(Number),
    /// Text.
    Text(String),
}

impl Id {
    /// The id in `value`, where it is one.
    pub fn from_value(value: &Value) -> Option<Id> {
        match value {
            Value::String(text) => Some(Id::Text(text.clone())),
            Value::Number(n) if n.is_i64() || n.is_u64() => Some(Id::Number(n.clone())),
            _ => None,
        }
    }
}

impl From<&Id> for Value {
    fn from(id: &Id) -> Value {
        match id {
            Id::Number(n) => Value::Number(n.clone()),
            Id::Text(text) => Value::String(text.clone()),
        }
    }
}

/// A message that wants an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The answer carries it too.
    pub id: Id,
    /// What is asked for.
    pub method: String,
    /// Empty where the message had none.
    pub params: Params,
}

/// A message that wants none.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// What is told.
    pub method: String,
    /// Empty where the message had none.
    pub params: Params,
}

/// One message from a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Wants an answer.
    Request(Request),
    /// Wants none.
    Notification(Notification),
    /// The answer to a request of ours.
    Response {
        /// Which request it answers.
        id: Id,
        /// A result or an error.
        outcome: Result<Value, RpcError>,
    },
}

/// A JSON-RPC error.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct RpcError {
    /// One of the constants of [`RpcError`].
    pub code: i64,
    /// One sentence.
    pub message: String,
    /// What a program may want to know.
    pub data: Option<Box<Value>>,
}

impl RpcError {
    /// Not JSON.
    pub const PARSE: i64 = -32700;
    /// JSON, but no message.
    pub const INVALID_REQUEST: i64 = -32600;
    /// No such method in this revision.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// Parameters that the method does not take.
    pub const INVALID_PARAMS: i64 = -32602;
    /// Our fault.
    pub const INTERNAL: i64 = -32603;
    /// There is no such resource; up to revision 2025-11-25.
    pub const RESOURCE_NOT_FOUND: i64 = -32002;
    /// 2026-07-28: a header is missing or says something else than the body.
    pub const HEADER_MISMATCH: i64 = -32020;
    /// 2026-07-28: the client did not declare a capability that the answer needs.
    pub const MISSING_CAPABILITY: i64 = -32021;
    /// 2026-07-28: a revision that is not served.
    pub const UNSUPPORTED_VERSION: i64 = -32022;

    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> RpcError {
        RpcError { code, message: message.into(), data: None }
    }

    /// Parameters that the method does not take.
    pub fn params(message: impl Into<String>) -> RpcError {
        RpcError::new(RpcError::INVALID_PARAMS, message)
    }

    fn to_value(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            error["data"] = Value::clone(data);
        }
        error
    }

    /// The same, with data.
    #[must_use]
    pub fn with(mut self, data: Value) -> RpcError {
        self.data = Some(Box::new(data));
        self
    }
}

/// A message that can't be understood, and whom to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The message's id, where it could be read.
    pub id: Option<Id>,
    /// What is wrong with it.
    pub error: RpcError,
}

impl Fault {
    fn request(id: Option<Id>, message: &str) -> Fault {
        Fault { id, error: RpcError::new(RpcError::INVALID_REQUEST, message) }
    }

    /// The answer to it.
    pub fn response(self) -> Response {
        Response { id: self.id, outcome: Err(self.error) }
    }
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// Whose answer it is; `None` where the request's id could not be read.
    pub id: Option<Id>,
    /// A result or an error.
    pub outcome: Result<Answer, RpcError>,
}

/// A result.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Made for this request.
    Fresh(Value),
    /// Written once and given to many.
    Written(Written),
}

/// A result as JSON, with the brace that closes the message around it: so a message is what is its own, then this.
#[derive(Clone, Debug, PartialEq)]
pub struct Written(Arc<str>);

impl From<&Value> for Written {
    fn from(result: &Value) -> Written {
        Written(format!("{result}}}").into())
    }
}

impl AsRef<[u8]> for Written {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl From<Value> for Answer {
    fn from(value: Value) -> Answer {
        Answer::Fresh(value)
    }
}

impl Response {
    /// As it goes on the wire: JSON without line ends.
    pub fn encode(&self) -> String {
        match self.pieces() {
            (whole, None) => whole,
            (head, Some(rest)) => [&head, &*rest.0].concat(),
        }
    }

    /// The same in two pieces: what is this message's own, and what it shares with others.
    pub fn pieces(&self) -> (String, Option<Written>) {
        let id = self.id.as_ref().map_or(Value::Null, Value::from).to_string();
        let with = |key: &str, body: &str, end: &str| {
            // Into room enough: results may be large.
            [r#"{"jsonrpc":"2.0","id":"#, &id, ",\"", key, "\":", body, end].concat()
        };
        match &self.outcome {
            Ok(Answer::Written(written)) => (with("result", "", ""), Some(written.clone())),
            Ok(Answer::Fresh(result)) => (with("result", &result.to_string(), "}"), None),
            Err(error) => (with("error", &error.to_value().to_string(), "}"), None),
        }
    }
}

/// A notification from us as it goes on the wire.
pub fn notification(method: &str, params: Value) -> Value {
    let mut message = json!({"jsonrpc": "2.0", "method": method});
    if !params.is_null() {
        message["params"] = params;
    }
    message
}

/// What one body or line held.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// One message.
    One(Message),
    /// A batch: only revision 2025-03-26 has them.
    Batch(Vec<Result<Message, Fault>>),
}

/// Reads a body or line. JSON may be nested 128 deep (`serde_json`'s own bound), so no text exhausts the stack.
pub fn parse(bytes: &[u8]) -> Result<Incoming, Fault> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| Fault {
        id: None,
        error: RpcError::new(RpcError::PARSE, format!("the message is not valid JSON: {e}")),
    })?;
    match value {
        Value::Array(items) if items.is_empty() => Err(Fault::request(None, "the batch is empty")),
        Value::Array(items) if items.len() > BATCH_LIMIT => {
            Err(Fault::request(None, &format!("a batch has at most {BATCH_LIMIT} messages")))
        }
        Value::Array(items) => Ok(Incoming::Batch(items.into_iter().map(message).collect())),
        value => message(value).map(Incoming::One),
    }
}

fn message(value: Value) -> Result<Message, Fault> {
    let Value::Object(mut object) = value else {
        return Err(Fault::request(None, "a message is a JSON object"));
    };
    let id = object.get("id").and_then(Id::from_value);
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(Fault::request(id, "`jsonrpc` is not \"2.0\""));
    }
    if object.contains_key("id") && id.is_none() {
        return Err(Fault::request(None, "`id` is neither text nor an integer"));
    }
    let method = match object.remove("method") {
        Some(Value::String(method)) => method,
        Some(_) => return Err(Fault::request(id, "`method` is not text")),
        None => return response(object, id),
    };
    let params = match object.remove("params") {
        Some(Value::Object(params)) => params,
        None | Some(Value::Null) => Params::new(),
        Some(_) => return Err(Fault::request(id, "`params` is not an object")),
    };
    Ok(match id {
        Some(id) => Message::Request(Request { id, method, params }),
        None => Message::Notification(Notification { method, params }),
    })
}

fn response(mut object: Params, id: Option<Id>) -> Result<Message, Fault> {
    let (result, error) = (object.remove("result"), object.remove("error"));
    match (id, result, error) {
        (Some(id), _, Some(error)) => Ok(Message::Response { id, outcome: Err(error_of(&error)) }),
        (Some(id), Some(result), None) => Ok(Message::Response { id, outcome: Ok(result) }),
        (id, ..) => Err(Fault::request(id, "the message has neither `method` nor an answer with an `id`")),
    }
}

/// A client's error, as far as it has the form of one.
fn error_of(error: &Value) -> RpcError {
    let code = error["code"].as_i64().unwrap_or(RpcError::INTERNAL);
    RpcError::new(code, error["message"].as_str().unwrap_or("an error without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Id {
        Id::from_value(&serde_json::from_str(text).unwrap()).unwrap()
    }

    fn fault(input: &[u8], code: i64, expected: Option<&str>) {
        let fault = parse(input).expect_err(&String::from_utf8_lossy(input));
        assert_eq!(
            (fault.error.code, fault.id),
            (code, expected.map(id)),
            "{}",
            String::from_utf8_lossy(input)
        );
    }

    #[test]
    fn what_is_no_message_says_why_and_to_whom() {
        fault(b"", RpcError::PARSE, None);
        fault(b"{", RpcError::PARSE, None);
        fault(b"\xff", RpcError::PARSE, None);
        fault("[".repeat(100_000).as_bytes(), RpcError::PARSE, None);
        fault(b"[]", RpcError::INVALID_REQUEST, None);
        fault(b"1", RpcError::INVALID_REQUEST, None);
        fault(br#"{"id":1,"method":"ping"}"#, RpcError::INVALID_REQUEST, Some("1"));
        fault(br#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#, RpcError::INVALID_REQUEST, Some("\"a\""));
        fault(br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, RpcError::INVALID_REQUEST, None);
        fault(br#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, RpcError::INVALID_REQUEST, None);
        fault(br#"{"jsonrpc":"2.0","id":7,"method":3}"#, RpcError::INVALID_REQUEST, Some("7"));
        fault(br#"{"jsonrpc":"2.0","id":7,"method":"x","params":[1]}"#, RpcError::INVALID_REQUEST, Some("7"));
        fault(br#"{"jsonrpc":"2.0","id":7}"#, RpcError::INVALID_REQUEST, Some("7"));
        fault(br#"{"jsonrpc":"2.0","result":{}}"#, RpcError::INVALID_REQUEST, None);
        let many = format!("[{}]", vec!["1"; BATCH_LIMIT + 1].join(","));
        fault(many.as_bytes(), RpcError::INVALID_REQUEST, None);
    }

    #[test]
    fn the_three_kinds_of_message_are_told_apart() {
        let request = Message::Request(Request { id: id("1"), method: "ping".into(), params: Params::new() });
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"extra":0}"#,
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(Incoming::One(request.clone())), "{text}");
        }
        let told = Message::Notification(Notification { method: "x".into(), params: Params::new() });
        assert_eq!(parse(br#"{"jsonrpc":"2.0","method":"x"}"#), Ok(Incoming::One(told.clone())));
        let answer = parse(br#"{"jsonrpc":"2.0","id":"s","error":{"code":1,"message":""}}"#);
        let outcome = Err(RpcError::new(1, ""));
        assert_eq!(answer, Ok(Incoming::One(Message::Response { id: id("\"s\""), outcome })));
        let answer = parse(br#"{"jsonrpc":"2.0","id":1,"result":{"a":1}}"#);
        let outcome = Ok(json!({"a": 1}));
        assert_eq!(answer, Ok(Incoming::One(Message::Response { id: id("1"), outcome })));
        let batch = parse(br#"[{"jsonrpc":"2.0","method":"x"},3]"#).unwrap();
        let Incoming::Batch(items) = batch else { panic!("{batch:?}") };
        assert_eq!(items[0], Ok(told));
        assert_eq!(items[1].as_ref().unwrap_err().error.code, RpcError::INVALID_REQUEST);
    }

    #[test]
    fn ids_of_different_kinds_differ() {
        assert_ne!(id("1"), id("\"1\""));
        assert_eq!(id("18446744073709551615"), id("18446744073709551615"));
    }

    #[test]
    fn answers_keep_the_id_and_the_data() {
        let error = RpcError::params("no").with(json!({"a": 1}));
        let response = Response { id: Some(id("3")), outcome: Err(error) };
        let expected =
            json!({"jsonrpc": "2.0", "id": 3, "error": {"code": -32602, "message": "no", "data": {"a": 1}}});
        assert_eq!(serde_json::from_str::<Value>(&response.encode()).unwrap(), expected);
        let written = Response { id: None, outcome: Ok(Answer::Written((&json!([1])).into())) };
        assert_eq!(written.encode(), r#"{"jsonrpc":"2.0","id":null,"result":[1]}"#);
    }
}
