//! `sanctum__tools`: with it a legacy session chooses which tools it sees. What one session does concerns no other.
//!
//! The tool is there only where profiles are configured. The modern era has no sessions, so there the profile is chosen
//! by path or by key, and the tool is not offered.

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value, json};

use super::access::{Governor, Selection};
use super::message::RpcError;
use super::{Context, List, Server, health};
use crate::argv::ArgvError;
use crate::model::Tool;
use crate::outcome::{CallResult, failure};
use crate::registry::Snapshot;

/// The tool's name; no plugin can have it.
pub(super) const NAME: &str = "sanctum__tools";

const ACTIONS: [&str; 6] = ["help", "list-available", "list-attached", "attach", "detach", "attach-profile"];

const HELP: &str = "Tools are attached to this session, or they are not. Only those that are attached are listed and can \
    be called. `list-available` names all that can be attached, and the profiles; `list-attached` those that are. \
    `attach` and `detach` take `tools`. `attach-profile` takes `profile`, and attaches its tools and no others. The \
    list of tools changes for this session alone.";

static TOOL: LazyLock<Tool> = LazyLock::new(|| {
    Tool {
    name: NAME.into(),
    path: Vec::new(),
    title: Some("Choose tools".into()),
    description: "Chooses which tools this session has: lists those that there are, attaches and detaches single ones, \
        or attaches a profile, a named choice of tools. `action: help` says more."
        .into(),
    input_schema: health::object(json!({
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": ACTIONS, "description": "What to do."},
            "tools": {
                "type": "array",
                "items": {"type": "string"},
                "description": "The names of the tools to attach or detach.",
            },
            "tool": {"type": "string", "description": "The name of one tool to attach or detach."},
            "profile": {"type": "string", "description": "The name of the profile to attach."},
        },
        "required": ["action"],
        "additionalProperties": false,
    })),
    annotations: health::object(json!({
        "readOnlyHint": false, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
    })),
    confirm: false,
    reload: false,
    bindings: Vec::new(),
}
});

/// The tool as it is listed, where a request may use it.
pub(super) fn tool(server: &Server, context: &Context) -> Option<&'static Tool> {
    offered(server, context).map(|_| &*TOOL)
}

fn offered<'a>(server: &'a Server, context: &Context) -> Option<&'a Governor> {
    let has_session = context.session.is_some() && !context.revision.is_modern();
    server.governor.as_ref().filter(|_| has_session)
}

/// What is said of a tool that a request does not see.
pub(super) fn unknown(server: &Server, context: &Context, name: &str) -> RpcError {
    let hint = if name == NAME && server.governor.is_some() {
        ": it changes a session, and this request has none (revision 2026-07-28 knows no sessions); a profile is \
         chosen by the path /mcp/PROFILE or by a key"
    } else if offered(server, context).is_some() {
        "; `sanctum__tools` with `action: list-available` names those that can be attached"
    } else {
        ""
    };
    let error = RpcError::params(format!("unknown tool `{name}`{hint}"));
    error.with(json!({"code": "invalid_tool_name", "name": name}))
}

/// Runs the tool; `None` where the request may not use it.
pub(super) fn call(
    server: &Server,
    context: &Context,
    arguments: &Map<String, Value>,
) -> Option<Result<CallResult, Vec<ArgvError>>> {
    let governor = offered(server, context)?;
    Some(Asked::read(arguments).map(|asked| Desk { server, governor, context }.answer(&asked)))
}

/// Arguments that have the right form.
#[derive(Debug, PartialEq)]
enum Asked {
    Help,
    Available,
    Attached,
    Change { tools: Vec<String>, attach: bool },
    Profile(String),
}

impl Asked {
    fn read(arguments: &Map<String, Value>) -> Result<Asked, Vec<ArgvError>> {
        let wrong = |argument: &str, reason: &str| {
            vec![ArgvError { argument: argument.to_owned(), reason: reason.to_owned() }]
        };
        let known = ["action", "tools", "tool", "profile"];
        if let Some(other) = arguments.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(wrong(other, "the tool has no such argument"));
        }
        let action = arguments.get("action").and_then(Value::as_str).unwrap_or_default();
        Ok(match action {
            "help" => Asked::Help,
            "list-available" => Asked::Available,
            "list-attached" => Asked::Attached,
            "attach" | "detach" => {
                let tools = names(arguments).ok_or_else(|| wrong("tools", "it is to be a list of names"))?;
                if tools.is_empty() {
                    return Err(wrong("tools", &format!("`{action}` needs the names of tools")));
                }
                Asked::Change { tools, attach: action == "attach" }
            }
            "attach-profile" => {
                let profile = arguments.get("profile").and_then(Value::as_str);
                let profile = profile
                    .ok_or_else(|| wrong("profile", "`attach-profile` needs the name of a profile"))?;
                Asked::Profile(profile.to_owned())
            }
            _ => return Err(wrong("action", &format!("it is to be one of {}", ACTIONS.join(", ")))),
        })
    }
}

/// The names in `tools` and `tool`; `None` where they are not texts.
fn names(arguments: &Map<String, Value>) -> Option<Vec<String>> {
    let many = match arguments.get("tools") {
        None | Some(Value::Null) => &[][..],
        Some(one @ Value::String(_)) => std::slice::from_ref(one),
        Some(Value::Array(many)) => many,
        Some(_) => return None,
    };
    let one = arguments.get("tool").filter(|tool| !tool.is_null());
    many.iter().chain(one).map(|name| name.as_str().map(str::to_owned)).collect()
}

/// What an answer is made of.
struct Desk<'a> {
    server: &'a Server,
    governor: &'a Governor,
    context: &'a Context,
}

impl Desk<'_> {
    fn answer(&self, asked: &Asked) -> CallResult {
        match asked {
            Asked::Help => self.help(),
            Asked::Available => said(json!({
                "tools": tool_names(&self.available()),
                "profiles": self.profiles(),
            })),
            Asked::Attached => self.attached(),
            Asked::Change { tools, attach } => self.change(tools, *attach),
            Asked::Profile(name) => self.attach_profile(name),
        }
    }

    /// All that the session could attach.
    fn available(&self) -> Arc<Snapshot> {
        let whole = self.server.snapshot();
        match self.context.access.bound() {
            Some(profile) => self.governor.view(&whole, profile),
            None => whole,
        }
    }

    fn profiles(&self) -> Vec<Value> {
        let bound = self.context.access.bound().map(|profile| &profile.name);
        let open = self.governor.profiles().iter().filter(|p| bound.is_none_or(|bound| *bound == p.name));
        let whole = self.server.snapshot();
        let entry = |profile: &Arc<crate::profile::Profile>| {
            let tools = self.governor.view(&whole, profile).tools.len();
            let mut entry = json!({"name": profile.name, "tools": tools});
            if let Some(description) = &profile.description {
                entry["description"] = description.as_str().into();
            }
            entry
        };
        open.map(entry).collect()
    }

    fn help(&self) -> CallResult {
        let available = self.available();
        let hints = self.governor.profiles().hints().iter();
        let hints = hints.filter(|hint| available.tool(&hint.tool).is_some());
        let hints: Vec<Value> = hints
            .map(|hint| {
                let mut out = json!({"intent": hint.intent, "tool": hint.tool});
                if let Some(needs) = &hint.needs {
                    out["needs"] = needs.as_str().into();
                }
                out
            })
            .collect();
        said(json!({"help": HELP, "profiles": self.profiles(), "intent_hints": hints}))
    }

    fn attached(&self) -> CallResult {
        let seen = self.server.visible(self.context);
        said(json!({"profile": self.current().profile.name, "attached": tool_names(&seen)}))
    }

    fn change(&self, tools: &[String], attach: bool) -> CallResult {
        let available = self.available();
        let mut listed = Vec::new();
        for name in tools {
            match available.find(name) {
                Some(served) => listed.push(served.tool.name.clone()),
                None if name == NAME || name == health::NAME => {
                    return failure("always_attached", &format!("`{name}` is always attached"));
                }
                None => {
                    let message = format!("no tool `{name}` can be attached; nothing was changed");
                    return failure("invalid_tool_name", &message);
                }
            }
        }
        self.select(|current| current.changed(&listed, attach, &available))
    }

    fn attach_profile(&self, name: &str) -> CallResult {
        let bound = self.context.access.bound().map(|profile| profile.name.as_str());
        match self.governor.access(Some(name), bound) {
            Ok(access) => match access.profile() {
                Some(profile) => self.select(|_| Selection::of(Arc::clone(profile))),
                None => self.attached(),
            },
            Err(denied) => failure("unknown_profile", &denied.to_string()),
        }
    }

    /// What the session has chosen up to now, or what it began with.
    fn current(&self) -> Arc<Selection> {
        let session = self.context.session.as_ref();
        session.and_then(|session| session.selection()).unwrap_or_else(|| {
            let profile = self.context.access.profile().unwrap_or(self.governor.profiles().first());
            Arc::new(Selection::of(Arc::clone(profile)))
        })
    }

    /// Makes another choice, and tells the client of each list that changes with it: whose tools are gone, of that plugin
    /// resources and prompts are gone too.
    fn select(&self, change: impl FnOnce(&Selection) -> Selection) -> CallResult {
        let start = self.current();
        if let Some(session) = &self.context.session {
            let look = || session.look(|| self.server.visible(self.context));
            // A change that the session's stream was about to tell is told here.
            let before = look();
            session.select(|current| change(current.unwrap_or(&start)));
            let after = look();
            let is_told = |list: &List| before.contains(list) || after.contains(list);
            List::ALL.into_iter().filter(is_told).for_each(|list| self.tell(list));
        }
        self.attached()
    }

    /// On the session's own stream; where it has none, on the one that answers this call.
    fn tell(&self, list: List) {
        let own = self.context.session.as_ref().and_then(|session| session.outgoing());
        if !own.is_some_and(|own| own.notify(list.changed())) {
            self.context.outgoing.notify(list.changed());
        }
    }
}

fn tool_names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.tools.iter().map(|served| served.tool.name.as_str()).collect()
}

fn said(what: Value) -> CallResult {
    CallResult {
        content: vec![json!({"type": "text", "text": what.to_string()})],
        structured: Some(what),
        is_error: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let read = |arguments: Value| Asked::read(arguments.as_object().unwrap());
        let change = |tools: &[&str], attach| Asked::Change {
            tools: tools.iter().map(|t| (*t).into()).collect(),
            attach,
        };
        for (arguments, expected) in [
            (json!({"action": "help"}), Asked::Help),
            (json!({"action": "list-available", "tools": null}), Asked::Available),
            (json!({"action": "attach", "tools": ["a", "b"], "tool": "c"}), change(&["a", "b", "c"], true)),
            (json!({"action": "detach", "tool": "a"}), change(&["a"], false)),
            (json!({"action": "detach", "tools": "a"}), change(&["a"], false)),
            (json!({"action": "attach-profile", "profile": "p"}), Asked::Profile("p".into())),
        ] {
            assert_eq!(read(arguments.clone()), Ok(expected), "{arguments}");
        }
        for (arguments, argument) in [
            (json!({}), "action"),
            (json!({"action": "dance"}), "action"),
            (json!({"action": "attach"}), "tools"),
            (json!({"action": "attach", "tools": []}), "tools"),
            (json!({"action": "attach", "tools": [1]}), "tools"),
            (json!({"action": "attach", "tools": {}}), "tools"),
            (json!({"action": "attach-profile"}), "profile"),
            (json!({"action": "help", "force": true}), "force"),
        ] {
            assert_eq!(read(arguments.clone()).unwrap_err()[0].argument, argument, "{arguments}");
        }
    }
}
