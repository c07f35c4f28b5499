//! A part of a snapshot, itself a snapshot: what somebody sees who doesn't see all.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Plugin, Snapshot};
use crate::model::{Command, Diagnostic};

impl Snapshot {
    /// The tools that `keep` lets through by name, with the plugins that have any of these. Plugins that have no tools
    /// at all are there where `toolless` says so: nothing chooses them by their tools.
    #[must_use]
    pub fn narrowed(&self, keep: impl Fn(&str) -> bool, toolless: bool) -> Snapshot {
        let (tools, left_out): (Vec<_>, Vec<_>) =
            self.tools.iter().cloned().partition(|served| keep(&served.tool.name));
        let address = |plugin: &Arc<Plugin>| Arc::as_ptr(plugin);
        let seen: HashSet<_> = tools.iter().map(|served| address(&served.plugin)).collect();
        let with_tools: HashSet<_> = self.tools.iter().map(|served| address(&served.plugin)).collect();
        let stays = |plugin: &Arc<Plugin>| {
            seen.contains(&address(plugin)) || (toolless && !with_tools.contains(&address(plugin)))
        };
        let plugins = self.plugins.iter().filter(|plugin| stays(plugin)).cloned().collect();
        let mut partial = self.partial.clone();
        partial.extend(left_out.into_iter().map(|served| served.plugin.name.clone()));
        Snapshot { generation: self.generation, plugins, tools, partial }
    }

    /// A plugin's command tree as far as this snapshot shows it: all of it, or the ways to the tools that are in it. A
    /// command on such a way that has lost a subcommand says nothing of itself, since that may name what is left out.
    pub fn commands(&self, plugin: &Plugin) -> Command {
        let mut root = plugin.root.clone();
        if self.partial.contains(&plugin.name) {
            prune(&mut root, &self.paths(plugin));
        }
        root
    }

    /// What a plugin's author should know of it as a whole. That may name any command, so of a plugin that is here in
    /// part there is none.
    pub fn diagnostics<'a>(&self, plugin: &'a Plugin) -> &'a [Diagnostic] {
        if self.partial.contains(&plugin.name) { &[] } else { &plugin.diagnostics }
    }

    /// Whether what the command at `path` says of itself, its help page above all, names only what this snapshot shows.
    pub fn tells(&self, plugin: &Plugin, path: &[&str], command: &Command) -> bool {
        if !self.partial.contains(&plugin.name) {
            return true;
        }
        let below: Vec<&[String]> =
            self.paths(plugin).into_iter().filter_map(|tool| after(tool, path)).collect();
        command.subcommands.iter().all(|sub| leads(sub, &below))
    }

    /// The ways to a plugin's tools.
    fn paths(&self, plugin: &Plugin) -> Vec<&[String]> {
        let own = self.tools.iter().filter(|served| served.plugin.name == plugin.name);
        own.map(|served| served.tool.path.as_slice()).collect()
    }
}

/// What of a tool's path comes after `path`; `None` where it leads elsewhere.
fn after<'a>(tool: &'a [String], path: &[&str]) -> Option<&'a [String]> {
    let (way, rest) = tool.split_at_checked(path.len())?;
    (way == path).then_some(rest)
}

/// Whether one of the paths begins with the command.
fn leads(command: &Command, paths: &[&[String]]) -> bool {
    paths.iter().any(|path| path.first().is_some_and(|word| command.answers_to(word)))
}

fn prune(command: &mut Command, paths: &[&[String]]) {
    let before = command.subcommands.len();
    command.subcommands.retain(|sub| leads(sub, paths));
    if command.subcommands.len() < before {
        (command.description, command.epilog) = (None, None);
        command.diagnostics.clear();
    }
    for sub in &mut command.subcommands {
        let through = paths.iter().filter(|path| path.first().is_some_and(|word| sub.answers_to(word)));
        let below: Vec<&[String]> = through.map(|path| &path[1..]).collect();
        prune(sub, &below);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::model::{Severity, Tool};
    use crate::plugin::offers::Offers;
    use crate::registry::{Served, State};

    fn command(name: &str, subcommands: Vec<Command>) -> Command {
        let note = Diagnostic::new(Severity::Note, "of", name);
        let (description, epilog) = (Some(format!("about {name}")), Some("more".to_owned()));
        Command {
            name: name.into(),
            description,
            epilog,
            subcommands,
            diagnostics: vec![note],
            ..Command::default()
        }
    }

    /// `read {mail,news}`, `write {mail}`, `wipe`.
    fn whole() -> Snapshot {
        let leaf = |name| command(name, Vec::new());
        let read = command("read", vec![leaf("mail"), leaf("news")]);
        let root = command("", vec![read, command("write", vec![leaf("mail")]), leaf("wipe")]);
        let plugin = Arc::new(Plugin {
            name: "p".into(),
            directory: "p".into(),
            launch: vec![],
            env: vec![],
            timeout: None,
            concurrency: None,
            warm: None,
            offers: Offers::default(),
            root,
            state: State::Ready,
            diagnostics: vec![Diagnostic::new(Severity::Note, "of", "wipe")],
        });
        let served = |words: &str| Served {
            tool: Arc::new(Tool {
                name: words.replace(' ', "__"),
                path: words.split(' ').map(str::to_owned).collect(),
                title: None,
                description: "about".into(),
                input_schema: Map::new(),
                annotations: Map::new(),
                confirm: false,
                reload: false,
                bindings: vec![],
            }),
            plugin: Arc::clone(&plugin),
        };
        let tools = ["read mail", "read news", "wipe", "write mail"].map(served).to_vec();
        Snapshot { generation: 1, plugins: vec![plugin], tools, ..Snapshot::default() }
    }

    /// The commands that are told of, those that say something of themselves in capitals.
    fn told(snapshot: &Snapshot) -> Vec<String> {
        let plugin = &snapshot.plugins[0];
        let mut told = Vec::new();
        snapshot.commands(plugin).walk(&mut |path, command| {
            let says = command.description.is_some();
            assert_eq!((says, says), (command.epilog.is_some(), !command.diagnostics.is_empty()));
            assert_eq!(says, snapshot.tells(plugin, path, plugin_command(plugin, path)), "{path:?}");
            let name = format!("/{}", path.join("/"));
            told.push(if says { name.to_uppercase() } else { name });
        });
        told
    }

    fn plugin_command<'a>(plugin: &'a Plugin, path: &[&str]) -> &'a Command {
        let path: Vec<String> = path.iter().map(|word| (*word).to_owned()).collect();
        plugin.root.chain(&path).unwrap().last().unwrap()
    }

    #[test]
    fn a_part_tells_of_the_ways_to_its_tools_alone() {
        let whole = whole();
        assert_eq!(
            told(&whole),
            ["/", "/READ", "/READ/MAIL", "/READ/NEWS", "/WRITE", "/WRITE/MAIL", "/WIPE"]
        );
        assert_eq!(whole.diagnostics(&whole.plugins[0]).len(), 1);
        for (kept, expected) in [
            (&["read__mail"][..], &["/", "/read", "/READ/MAIL"][..]),
            (&["read__mail", "read__news"], &["/", "/READ", "/READ/MAIL", "/READ/NEWS"]),
            (&["wipe", "write__mail"], &["/", "/WRITE", "/WRITE/MAIL", "/WIPE"]),
        ] {
            let part = whole.narrowed(|tool| kept.contains(&tool), false);
            assert_eq!(told(&part), expected, "{kept:?}");
            assert_eq!(part.diagnostics(&part.plugins[0]), []);
            let same = part.narrowed(|_| true, false);
            assert_eq!(told(&same), expected, "{kept:?}");
        }
        let all = whole.narrowed(|_| true, false);
        assert_eq!((told(&all).len(), all.diagnostics(&all.plugins[0]).len()), (7, 1));
    }
}
