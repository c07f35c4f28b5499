//! A manifest's `include` and `exclude` over a command tree: which commands are served.
//!
//! A pattern is a command's words. `*` in a word stands for any characters, but never for a command that help hides:
//! that one has to be named. A pattern stands for the command and all below it.

use crate::model::{Command, Diagnostic, Severity};

use super::manifest::{self, Manifest};

/// The commands that a manifest selects.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    words: Vec<String>,
}

impl Selection {
    /// The selection of a manifest.
    pub fn new(manifest: &Manifest) -> Selection {
        let patterns = |texts: &[String]| texts.iter().map(|text| Pattern::new(text)).collect();
        Selection { include: patterns(&manifest.include), exclude: patterns(&manifest.exclude) }
    }

    /// Whether a hidden command (the last of the chain below the root) is named, or one below it.
    pub(super) fn reveals(&self, chain: &[&Command]) -> bool {
        self.include.iter().any(|p| p.words.len() >= chain.len() && p.agrees(chain))
    }

    /// Makes hidden commands that are named visible.
    pub fn reveal(&self, root: &mut Command) {
        if !self.include.is_empty() {
            reveal(self, root, &mut Vec::new());
        }
    }

    /// The tree as it is served: commands that are not selected are hidden, or no longer run by themselves. Places and
    /// arguments stay.
    pub fn narrow(&self, root: &Command) -> Command {
        let mut narrowed = root.clone();
        if !self.include.is_empty() || !self.exclude.is_empty() {
            self.narrow_below(root, &mut narrowed, &mut Vec::new());
        }
        narrowed
    }

    fn narrow_below<'a>(&self, full: &'a Command, narrowed: &mut Command, chain: &mut Vec<&'a Command>) {
        if !self.selects(chain) {
            narrowed.runs_alone = false;
            narrowed.hidden |= full.subcommands.is_empty();
        }
        for (sub, narrowed) in full.subcommands.iter().zip(&mut narrowed.subcommands) {
            chain.push(sub);
            self.narrow_below(sub, narrowed, chain);
            chain.pop();
        }
    }

    /// Whether the last command of a chain below the root is served.
    fn selects(&self, chain: &[&Command]) -> bool {
        let covered = |patterns: &[Pattern]| patterns.iter().any(|p| p.covers(chain));
        (self.include.is_empty() || covered(&self.include)) && !covered(&self.exclude)
    }

    /// A warning for each pattern that no command matches.
    pub fn unmatched(&self, root: &Command) -> Vec<Diagnostic> {
        let patterns = [("include", &self.include), ("exclude", &self.exclude)];
        let all = patterns.iter().flat_map(|(key, patterns)| patterns.iter().map(move |p| (key, p)));
        all.filter(|(_, pattern)| !matched(pattern, root, &mut Vec::new()))
            .map(|(key, pattern)| {
                let message =
                    format!("`{key}` names `{}`, but the program has no such command", pattern.text);
                Diagnostic::new(Severity::Warning, manifest::UNMATCHED, message)
            })
            .collect()
    }
}

impl Pattern {
    fn new(text: &str) -> Pattern {
        Pattern { text: text.to_owned(), words: text.split_whitespace().map(str::to_owned).collect() }
    }

    /// Whether words and commands agree as far as both go.
    fn agrees(&self, chain: &[&Command]) -> bool {
        self.words.iter().zip(chain).all(|(word, command)| names(word, command))
    }

    /// Whether it stands for the last command of the chain.
    fn covers(&self, chain: &[&Command]) -> bool {
        chain.len() >= self.words.len() && self.agrees(chain)
    }
}

fn names(word: &str, command: &Command) -> bool {
    if command.hidden {
        return command.answers_to(word);
    }
    glob(word, &command.name) || command.aliases.iter().any(|alias| glob(word, alias))
}

/// Whether `text` is what `pattern` says, where `*` stands for any characters.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        // The earliest place leaves the most for the rest.
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

fn reveal(selection: &Selection, command: &mut Command, above: &mut Vec<Command>) {
    for sub in &mut command.subcommands {
        let own = Command { subcommands: Vec::new(), arguments: Vec::new(), ..sub.clone() };
        above.push(own);
        let chain: Vec<&Command> = above.iter().collect();
        if sub.hidden && selection.reveals(&chain) {
            sub.hidden = false;
        }
        reveal(selection, sub, above);
        above.pop();
    }
}

fn matched<'a>(pattern: &Pattern, command: &'a Command, chain: &mut Vec<&'a Command>) -> bool {
    command.subcommands.iter().any(|sub| {
        chain.push(sub);
        let found =
            pattern.agrees(chain) && (chain.len() == pattern.words.len() || matched(pattern, sub, chain));
        chain.pop();
        found
    })
}

/// A warning for each key of `[tools]` that no command answers to; keys that spell a command by an alias are put
/// right.
pub fn resolve_overrides(manifest: &mut Manifest, root: &Command) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let given = std::mem::take(&mut manifest.tools);
    for (key, tool) in given {
        let words: Vec<String> = key.split_whitespace().map(str::to_owned).collect();
        match root.chain(&words) {
            Some(chain) => {
                let names: Vec<&str> = chain[1..].iter().map(|c| c.name.as_str()).collect();
                manifest.tools.insert(names.join(" "), tool);
            }
            None => diagnostics.push(Diagnostic::new(
                Severity::Warning,
                manifest::UNMATCHED,
                format!("`tools` names `{key}`, but the program has no such command"),
            )),
        }
    }
    diagnostics
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(name: &str, subcommands: Vec<Command>) -> Command {
        Command { name: name.into(), subcommands, ..Command::default() }
    }

    fn tree() -> Command {
        let mut up = command("up", vec![]);
        up.aliases = vec!["u".into()];
        let secret = Command { hidden: true, ..command("secret", vec![command("deep", vec![])]) };
        command("", vec![command("db", vec![up, command("down", vec![])]), command("log", vec![]), secret])
    }

    fn selection(include: &[&str], exclude: &[&str]) -> Selection {
        let texts = |patterns: &[&str]| patterns.iter().map(|p| (*p).to_owned()).collect();
        Selection::new(&Manifest { include: texts(include), exclude: texts(exclude), ..Manifest::default() })
    }

    #[test]
    fn include_and_exclude() {
        let check = |include: &[&str], exclude: &[&str], expected: &[&str]| {
            let (selection, mut root) = (selection(include, exclude), tree());
            selection.reveal(&mut root);
            let narrowed = selection.narrow(&root);
            let tools = crate::schema::tools("p", &narrowed, &std::collections::BTreeMap::new()).tools;
            let served: Vec<String> = tools.iter().map(|tool| tool.path.join(" ")).collect();
            assert_eq!(served, expected, "{include:?} {exclude:?}");
        };
        check(&[], &[], &["db up", "db down", "log"]);
        check(&["db"], &[], &["db up", "db down"]);
        check(&["db u*", "log"], &[], &["db up", "log"]);
        check(&["db u"], &[], &["db up"]);
        check(&["*"], &["* down"], &["db up", "log"]);
        check(&[], &["db *"], &["log"]);
        check(&["secret"], &[], &["secret deep"]);
        check(&["secret deep", "log"], &[], &["log", "secret deep"]);
    }

    #[test]
    fn patterns_that_match_nothing_are_reported() {
        let messages: Vec<String> = selection(&["db nope", "log", "sec*"], &["db up x", "db *"])
            .unmatched(&tree())
            .into_iter()
            .map(|d| d.message)
            .collect();
        assert_eq!(
            messages,
            [
                "`include` names `db nope`, but the program has no such command",
                "`include` names `sec*`, but the program has no such command",
                "`exclude` names `db up x`, but the program has no such command",
            ]
        );
    }

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*b*c", "aXbYbc", true),
            ("a*a", "a", false),
            ("*b*", "abc", true),
            ("**", "x", true),
            ("a*é", "aé", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn overrides_follow_aliases() {
        let mut manifest = Manifest::default();
        manifest.tools.insert("db u".into(), crate::model::ToolOverride::default());
        manifest.tools.insert("nope".into(), crate::model::ToolOverride::default());
        let diagnostics = resolve_overrides(&mut manifest, &tree());
        assert_eq!(manifest.tools.keys().collect::<Vec<_>>(), ["db up"]);
        assert_eq!(diagnostics[0].message, "`tools` names `nope`, but the program has no such command");
    }
}
