//! How a process ended and what it wrote → what MCP says of the call.
//!
//! Pure. Exit 0 is a success whatever was printed; its output is given exactly as it was printed, as text, as media
//! or as bytes. Everything else is an error that says what the program said of it. What is missing from the output
//! is marked. This module must not know plugins, tools, sessions or revisions.

mod asks;
mod content;
mod forms;
mod media;
mod passthrough;

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Map, Value, json};

use crate::process::{End, Finished, Reason, SpawnError};
use crate::text;

pub use asks::Asks;

/// How much of standard error's end an error shows, in bytes: a Python traceback of some forty frames.
const ERROR_END: usize = 8 * 1024;
/// The longest `error.message`, in bytes; the whole is in the text.
const MESSAGE: usize = 1024;

/// The result of a tool call, in the newest revision's terms; the session layer takes away what older ones don't know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallResult {
    /// MCP content blocks, as they go on the wire.
    pub content: Vec<Value>,
    /// `structuredContent`: an object.
    pub structured: Option<Value>,
    /// `isError`
    pub is_error: bool,
}

/// Bytes of an error's code at most; ours are shorter.
const CODE_LIMIT: usize = 32;

impl CallResult {
    /// The code of an error (`structuredContent.error.code`), where it is a word in small letters as ours are.
    pub fn error_code(&self) -> Option<&str> {
        let code = self.structured.as_ref().filter(|_| self.is_error)?["error"]["code"].as_str()?;
        let is_word = !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        (is_word && code.len() <= CODE_LIMIT).then_some(code)
    }
}

/// What a process came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// An answer, good or bad.
    Result(CallResult),
    /// Questions; the program wants to be run again with the answers.
    Asks(Asks),
}

/// An error result with one of the codes `invalid_tool_name`, `plugin_not_found`, `plugin_error`, `timeout`,
/// `cancelled`, `busy`, `invalid_arguments`, `internal_error`, `input_unavailable` (the client can't be asked),
/// `declined` (the user said no), `too_many_questions`, `input_too_large`: the message as text, and
/// `structuredContent.error{code, message}`.
pub fn failure(code: &str, message: &str) -> CallResult {
    CallResult {
        content: vec![content::text_block(message)],
        structured: Some(error_object(code, message, json!({}))),
        is_error: true,
    }
}

/// Whether JSON has the form of an MCP content block.
pub fn is_block(block: &Value) -> bool {
    passthrough::is_block(block)
}

/// What a process that was run for a call came to.
pub fn ended(ran: &Result<Finished, SpawnError>) -> Ended {
    let result = match ran {
        Ok(finished) => match finished.end {
            End::Exit(0) => return success(finished),
            End::Exit(code) => failed(finished, &format!("exit code {code}"), json!({"exitCode": code})),
            End::Signal(signal) => {
                let name = signal_name(signal);
                failed(finished, &format!("ended by {name}"), json!({"signal": name}))
            }
            End::TimedOut => timed_out(finished),
            End::Cancelled => failure("cancelled", "the call was cancelled"),
            End::Orphaned => failed(
                finished,
                "stopped: the process that keeps the plugin warm was gone; another call starts it anew",
                json!({}),
            ),
        },
        Err(error) => not_started(error),
    };
    Ended::Result(result)
}

/// Standard output as it is. `structured` is its JSON where that is an object; an array becomes `{"result": [...]}`,
/// since the protocol wants an object; other JSON is a plain text to everyone. A number that a double can't hold is
/// exact in the text only. Questions are what they are only where a program ends well: one that fails has an error to tell.
fn success(finished: &Finished) -> Ended {
    let output = content::decode(&finished.stdout);
    match output.json().and_then(asks::read) {
        Some(Ok(asks)) => Ended::Asks(asks),
        Some(Err(fault)) => {
            Ended::Result(failure("plugin_error", &format!("the program asks for input wrongly: {fault}")))
        }
        None => Ended::Result(answer(finished, output)),
    }
}

fn answer(finished: &Finished, output: content::Output) -> CallResult {
    if let Some(passed) = output.json().and_then(passthrough::result) {
        return with_marks(passed, finished);
    }
    let structured = match output.json() {
        Some(Value::Array(items)) => Some(json!({"result": items})),
        Some(object) => Some(object.clone()),
        None => None,
    };
    let mut result = CallResult { content: output.into_blocks(), structured, is_error: false };
    if result.content.is_empty() {
        result
            .content
            .extend(error_end(finished, ERROR_END).map(|end| content::text_block(&standard_error(&end))));
    }
    with_marks(result, finished)
}

/// A non-zero exit or a signal: what the program says of it, then how it ended.
fn failed(finished: &Finished, how: &str, facts: Value) -> CallResult {
    let output = content::decode(&finished.stdout);
    let stated = output.json().and_then(stated_error);
    // A usage message can be longer than any other; it is the one thing the caller needs.
    let usage = finished.end == End::Exit(2);
    let end = error_end(finished, if usage { usize::MAX } else { ERROR_END });
    let message = stated
        .clone()
        .or_else(|| end.as_deref().and_then(last_line))
        .or_else(|| output.text().and_then(last_line))
        .unwrap_or_else(|| format!("the plugin ended without a message: {how}"));
    let structured = error_object("plugin_error", &message, facts);
    let end = end.map(|end| standard_error(&end));
    let how = Some(how.to_owned());
    if let Some(own) = output.json().and_then(passthrough::result) {
        let mut content = own.content;
        content.push(content::text_block(&paragraphs([end, how])));
        let structured = own.structured.or(Some(structured));
        return with_marks(CallResult { content, structured, is_error: true }, finished);
    }
    // What the output has besides its error must not be lost.
    let whole = stated.is_none() || output.json().and_then(Value::as_object).is_some_and(|o| o.len() > 1);
    let printed = output.text().filter(|_| whole).and_then(printed);
    explained(finished, structured, &paragraphs([stated, printed, end, how]), output)
}

fn timed_out(finished: &Finished) -> CallResult {
    let message = format!("the call was stopped after {}: its time was up", seconds(finished.took));
    let output = content::decode(&finished.stdout);
    let printed = output.text().and_then(printed).map(|text| format!("output until then:\n{text}"));
    let end = error_end(finished, ERROR_END).map(|end| standard_error(&end));
    let structured = error_object("timeout", &message, json!({}));
    explained(finished, structured, &paragraphs([Some(message), printed, end]), output)
}

/// An error result whose text is `shown`, with the output itself where that is no text.
fn explained(finished: &Finished, structured: Value, shown: &str, output: content::Output) -> CallResult {
    let mut content = vec![content::text_block(shown)];
    if output.text().is_none() {
        content.extend(output.into_blocks());
    }
    with_marks(CallResult { content, structured: Some(structured), is_error: true }, finished)
}

/// `structuredContent` of an error: its code and message, and more `facts` (an object).
fn error_object(code: &str, message: &str, facts: Value) -> Value {
    let mut error = Map::new();
    error.insert("code".into(), code.into());
    error.insert("message".into(), text::head(&text::plain(message), MESSAGE).into());
    if let Value::Object(facts) = facts {
        error.extend(facts);
    }
    json!({"error": error})
}

fn not_started(error: &SpawnError) -> CallResult {
    let code = match error.reason {
        Reason::NoDirectory(_) | Reason::NotFound => "plugin_not_found",
        _ => "plugin_error",
    };
    let message = match error.reason {
        Reason::Other => format!("{error}: {}", error.source),
        _ => error.to_string(),
    };
    failure(code, &message)
}

/// What a result's last block says where output may be missing.
const INCOMPLETE: &str =
    "[the output may be incomplete: a process that the program left running still held it open]";

/// Whether a block is none of the program's, but a mark that stands behind its output.
pub fn is_mark(block: &Value) -> bool {
    *block == content::text_block(INCOMPLETE)
}

/// Says so where a process that was left behind may have had more to write.
fn with_marks(mut result: CallResult, finished: &Finished) -> CallResult {
    if finished.stdout.cut_off && finished.end != End::TimedOut {
        result.content.push(content::text_block(INCOMPLETE));
    }
    result
}

/// The `error` of a JSON object, as text: a string, or the `message` of an object, or JSON.
fn stated_error(output: &Value) -> Option<String> {
    let error = match output.get("error")? {
        Value::Null | Value::Bool(false) => return None,
        Value::String(text) => text.clone(),
        Value::Object(error) if error.get("message").is_some_and(Value::is_string) => {
            error["message"].as_str().unwrap_or_default().to_owned()
        }
        other => other.to_string(),
    };
    Some(error).filter(|text| !text.trim().is_empty())
}

/// Standard error's end, as text that can be shown: `None` where there is nothing.
fn error_end(finished: &Finished, max: usize) -> Option<String> {
    let whole = text::plain(&content::lossy(&finished.stderr));
    let whole = whole.trim_end();
    let end = text::tail(whole, max);
    let end = if end.len() < whole.len() {
        format!("[{} bytes before this left out]\n{end}", whole.len() - end.len())
    } else {
        end.to_owned()
    };
    printed(&end)
}

fn standard_error(end: &str) -> String {
    format!("standard error:\n{end}")
}

/// Output as a paragraph; `None` where there is nothing to see.
fn printed(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.trim_end().to_owned())
}

fn last_line(text: &str) -> Option<String> {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

fn paragraphs<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// `SIGSEGV (11)`; numbers differ between systems, so the names come from this system's.
fn signal_name(number: i32) -> String {
    const NAMES: [(Signal, &str); 18] = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::USR1, "SIGUSR1"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::USR2, "SIGUSR2"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::XFSZ, "SIGXFSZ"),
        (Signal::SYS, "SIGSYS"),
    ];
    match NAMES.iter().find(|(signal, _)| signal.as_raw() == number) {
        Some((_, name)) => format!("{name} ({number})"),
        None => format!("signal {number}"),
    }
}

#[cfg(test)]
mod tests;
