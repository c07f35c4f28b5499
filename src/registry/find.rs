//! A name that a client calls → the tool that it means.
//!
//! The listed name wins. Clients of older servers say `plugin.command`, and people write a path with dots, or the whole
//! name of a tool whose listed one had to be shortened; those are understood where they mean one tool only.

use super::{Served, Snapshot};
use crate::model::Tool;

impl Snapshot {
    /// The tool that is listed under that name.
    pub fn tool(&self, name: &str) -> Option<&Served> {
        let index = self.tools.binary_search_by(|served| served.tool.name.as_str().cmp(name)).ok()?;
        self.tools.get(index)
    }

    /// The tool of that name, or of the dotted form of it (`plugin.command`), or of its name before it was shortened.
    pub fn find(&self, name: &str) -> Option<&Served> {
        if let Some(listed) = self.tool(name) {
            return Some(listed);
        }
        let mut meant = self.tools.iter().filter(|served| answers_to(served, name));
        match (meant.next(), meant.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    /// The tool of a plugin's command, named by its words (none: the program itself).
    pub fn of_command(&self, plugin: &str, words: &str) -> Option<&Served> {
        let mut own = self.tools.iter().filter(|served| served.plugin.name == plugin);
        own.find(|served| is_of_command(&served.tool, words))
    }
}

/// Whether a tool is that of a command, named by its words.
pub(super) fn is_of_command(tool: &Tool, words: &str) -> bool {
    tool.path.iter().map(String::as_str).eq(words.split_whitespace())
}

/// Whether a name is another spelling of a tool's: its words joined by `.` or `__`, as they are or with the characters
/// that tool names can't have replaced.
fn answers_to(served: &Served, name: &str) -> bool {
    let words =
        || std::iter::once(served.plugin.name.as_str()).chain(served.tool.path.iter().map(String::as_str));
    is_joined(words(), ".", name, |c| c)
        || is_joined(words(), "__", name, |c| c)
        || is_joined(words(), "__", name, replaced)
        || is_joined(words(), ".", name, replaced)
        || (name.contains('.') && name.replace('.', "__") == served.tool.name)
}

/// Whether a name can be one of a plugin's: the plugin's own, or that of a tool or a command of it.
pub(super) fn may_own(plugin: &str, name: &str) -> bool {
    [plugin.to_owned(), plugin.chars().map(replaced).collect()].iter().any(|own| {
        let rest = name.strip_prefix(own.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with("__"))
    })
}

fn replaced(c: char) -> char {
    if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' }
}

fn is_joined<'a>(
    words: impl Iterator<Item = &'a str>,
    separator: &str,
    name: &str,
    change: fn(char) -> char,
) -> bool {
    let mut rest = Some(name);
    for (index, word) in words.enumerate() {
        if index > 0 {
            rest = rest.and_then(|rest| rest.strip_prefix(separator));
        }
        rest = rest.and_then(|rest| word.chars().map(change).try_fold(rest, |rest, c| rest.strip_prefix(c)));
    }
    rest == Some("")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use serde_json::Map;

    use super::*;
    use crate::model::Command;
    use crate::plugin::offers::Offers;
    use crate::registry::{Plugin, State};

    /// Tools as `(listed name, plugin, path)`.
    fn snapshot(tools: &[(&str, &str, &str)]) -> Snapshot {
        let mut served: Vec<Served> = tools
            .iter()
            .map(|(name, plugin, path)| Served {
                tool: Arc::new(Tool {
                    name: (*name).into(),
                    path: path.split_whitespace().map(str::to_owned).collect(),
                    title: None,
                    description: "d".into(),
                    input_schema: Map::new(),
                    annotations: Map::new(),
                    confirm: false,
                    reload: false,
                    bindings: Vec::new(),
                }),
                plugin: Arc::new(Plugin {
                    name: (*plugin).into(),
                    directory: PathBuf::new(),
                    launch: Vec::new(),
                    env: Vec::new(),
                    timeout: None,
                    concurrency: None,
                    warm: None,
                    offers: Offers::default(),
                    root: Command::default(),
                    state: State::Ready,
                    diagnostics: Vec::new(),
                }),
            })
            .collect();
        served.sort_by(|a, b| a.tool.name.cmp(&b.tool.name));
        Snapshot { generation: 1, tools: served, ..Snapshot::default() }
    }

    #[test]
    fn which_plugins_a_name_can_belong_to() {
        for (plugin, name, expected) in [
            ("demo", "demo", true),
            ("demo", "demo.run", true),
            ("demo", "demo__run", true),
            ("my.app", "my_app__a_b", true),
            ("my.app", "my.app.a.b", true),
            ("a", "a__b__c", true),
            ("a__b", "a__b__c", true),
            ("demo", "demo_math", false),
            ("demo", "dem", false),
            ("demo", "", false),
        ] {
            assert_eq!(may_own(plugin, name), expected, "{plugin} {name}");
        }
    }

    #[test]
    fn names_and_their_other_spellings() {
        let long = format!("a__{}", "x".repeat(100));
        let snapshot = snapshot(&[
            ("demo__run", "demo", "run"),
            ("demo__db__up", "demo", "db up"),
            ("solo", "solo", ""),
            ("my_app__a_b", "my.app", "a.b"),
            ("a__b__c", "a__b", "c"),
            ("a__xxx_1234", "a", &"x".repeat(100)),
            ("renamed", "given", "cmd"),
            ("p__one", "p", "one.two"),
            ("p__two", "p.one", "two"),
        ]);
        let check = |name: &str, expected: Option<&str>| {
            let found = snapshot.find(name).map(|served| served.tool.name.as_str());
            assert_eq!(found, expected, "{name}");
        };
        check("demo__run", Some("demo__run"));
        check("demo.run", Some("demo__run"));
        check("demo.db.up", Some("demo__db__up"));
        check("demo.db__up", Some("demo__db__up"));
        check("solo", Some("solo"));
        check("my.app.a.b", Some("my_app__a_b"));
        check("my_app.a_b", Some("my_app__a_b"));
        check("a__b.c", Some("a__b__c"));
        check("given.cmd", Some("renamed"));
        check("given__cmd", Some("renamed"));
        check(&long, Some("a__xxx_1234"));
        check(&long.replace("__", "."), Some("a__xxx_1234"));
        // Two tools could be meant.
        check("p.one.two", None);
        check("demo", None);
        check("demo.", None);
        check("demo.runs", None);
        check("", None);
    }
}
