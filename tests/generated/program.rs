//! What the harness says of one program, in the model's types.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use smcp::model::Command;
use smcp::{help, live};

use crate::interpreter::Interpreter;

/// Wide enough that argparse wraps nothing.
pub(crate) const WIDE: u32 = 32_000;
/// A terminal's width, which programs that fix their own width use.
pub(crate) const NARROW: u32 = 80;

/// One program as one Python version has it.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) root: Node,
    pub(crate) pages: Vec<Pages>,
    /// It reads its arguments by `parse_intermixed_args`.
    pub(crate) intermixed: bool,
    /// What the passenger writes.
    live: String,
}

/// A command and the facts about it that decide what its help page can tell.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// What is true, its subcommands included.
    pub(crate) command: Command,
    pub(crate) facts: NodeFacts,
    /// One for each argument of `command`.
    pub(crate) arguments: Vec<ArgumentFacts>,
    /// One for each subcommand of `command`.
    pub(crate) subcommands: Vec<Node>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeFacts {
    pub(crate) formatter: String,
    pub(crate) usage_by_hand: bool,
    pub(crate) sub_metavar: Option<String>,
    /// Its pages have a width and columns of their own.
    pub(crate) fixed_width: bool,
    /// The descriptions of its argument groups.
    pub(crate) group_text: Vec<String>,
    /// It has argument groups of which nothing but title and description shows.
    pub(crate) empty_groups: bool,
    /// Its description and epilog are printed as they are.
    pub(crate) raw: bool,
    /// It has a row on its parent's page.
    #[serde(default)]
    pub(crate) listed: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ArgumentFacts {
    pub(crate) own_metavar: bool,
    pub(crate) default_text: Option<String>,
    /// Its help is written to show its default.
    pub(crate) default_named: bool,
}

/// The help pages of one command, by width; none where argparse itself fails.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Pages {
    pub(crate) path: Vec<String>,
    /// The widest page with colours; none where this Python has no colours.
    pub(crate) coloured: Option<String>,
    #[serde(rename = "pages")]
    by_width: BTreeMap<String, Option<String>>,
}

impl Pages {
    pub(crate) fn at(&self, width: u32) -> Option<&str> {
        self.by_width.get(&width.to_string())?.as_deref()
    }
}

impl Program {
    /// Asks an interpreter; `None` where its version can't build the program (its message, or that it is too old).
    pub(crate) fn ask(interpreter: &mut Interpreter, description: &Value) -> Result<Program, String> {
        let mut answer = interpreter.ask(&json!({
            "op": "describe", "program": description, "columns": [WIDE, NARROW], "passenger": live::DESCRIBER,
        }));
        if let Some(error) = answer["error"].as_str() {
            return Err(error.to_owned());
        }
        if answer["skipped"] == true {
            return Err("needs a newer Python".to_owned());
        }
        let root = Node::read(answer["truth"].take());
        let pages = serde_json::from_value(answer["commands"].take()).expect("the harness writes pages");
        let live = answer["live"].as_str().unwrap_or_default().to_owned();
        let intermixed = description["parse"].as_str().is_some_and(|m| m.contains("intermixed"));
        Ok(Program { root, pages, intermixed, live })
    }

    /// The true node at a path of command names.
    pub(crate) fn node(&self, path: &[String]) -> &Node {
        path.iter().fold(&self.root, |node, word| {
            node.subcommands
                .iter()
                .find(|n| n.command.answers_to(word))
                .expect("the harness names its own commands")
        })
    }

    pub(crate) fn page(&self, path: &[String]) -> &str {
        self.pages.iter().find(|p| p.path == path).and_then(|p| p.at(WIDE)).unwrap_or_default()
    }

    /// The command tree as discovery makes it: every page parsed and merged with its live description.
    pub(crate) fn merged(&self) -> Result<Command, String> {
        let live = live::read(self.live.as_bytes()).map_err(|e| e.to_string())?;
        Ok(self.merge(&live, &mut Vec::new()))
    }

    fn merge(&self, live: &Command, path: &mut Vec<String>) -> Command {
        let words: Vec<_> = path.iter().map(String::as_str).collect();
        let text = help::parse(self.page(path), &words);
        let mut node = live::merge(text, live.clone());
        // Discovery asks for the page of each subcommand. What only looks like one gets its parent's page, and goes.
        node.subcommands.retain(|entry| live.subcommands.iter().any(|c| c.name == entry.name));
        for entry in &mut node.subcommands {
            let Some(below) = live.subcommands.iter().find(|c| c.name == entry.name) else { continue };
            path.push(entry.name.clone());
            let whole = self.merge(below, path);
            path.pop();
            let listed = std::mem::replace(entry, whole);
            entry.name = listed.name;
            entry.aliases = listed.aliases;
            entry.summary = listed.summary;
            entry.hidden = listed.hidden;
        }
        node
    }
}

impl Node {
    /// Parts the harness's facts from the command, which has no place for them.
    fn read(mut truth: Value) -> Node {
        let mut facts = truth.as_object_mut().and_then(|o| o.remove("facts")).expect("a node has facts");
        if facts.get("listed").is_none() {
            facts["listed"] = Value::Bool(true);
        }
        let take = |argument: &mut Value| {
            argument.as_object_mut().and_then(|o| o.remove("facts")).unwrap_or_default()
        };
        let arguments: Vec<_> = truth["arguments"].as_array_mut().into_iter().flatten().map(take).collect();
        let below = truth["subcommands"].take();
        truth["subcommands"] = json!([]);
        let subcommands: Vec<_> =
            below.as_array().cloned().unwrap_or_default().into_iter().map(Node::read).collect();
        let mut command: Command = serde_json::from_value(truth).expect("the truth is a command");
        command.subcommands = subcommands.iter().map(|n| n.command.clone()).collect();
        Node {
            command,
            facts: serde_json::from_value(facts).expect("facts of a node"),
            arguments: arguments.into_iter().map(|f| serde_json::from_value(f).expect("facts")).collect(),
            subcommands,
        }
    }
}
