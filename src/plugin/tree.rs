//! A program → its whole command tree: pages level by level, each parsed, merged with its live description, and put
//! where its parent lists it.
//!
//! A subcommand's page is asked for only where its parent's page or live description lists it, and not where help hides
//! it on purpose. Depth and number of pages are bounded, and the order of pages does not depend on timing, so that the
//! same program gives the same tree.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::model::{Action, Command, Diagnostic, Severity, is_long};
use crate::{help, live};

use super::capture::{CaptureError, Capturer, Page, Program};
use super::placeholder;
use super::select::Selection;

/// What asks a program for its help, unless another way is known.
const HELP: &str = "--help";

/// Words below the program that are followed: twice what the deepest real programs have.
const MAX_DEPTH: usize = 8;

/// Runs for one subcommand's page at most: some guesses, each corrected for a few positionals.
const MAX_TRIES: usize = 12;

/// Pages of one program: the largest real ones have some hundred commands.
const MAX_PAGES: usize = 2000;

/// What a program says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inspected {
    /// The command tree.
    pub root: Command,
    /// The raw help pages, keyed by the command's words joined with blanks.
    pub pages: BTreeMap<String, String>,
}

/// Asks a program for its help, then its subcommands'. An error means that the program itself shows no help; a
/// subcommand that shows none is part of the tree, as far as it is known, with a diagnostic.
pub async fn inspect(
    capturer: &Capturer,
    program: &Program,
    selection: &Selection,
) -> Result<Inspected, CaptureError> {
    let page = capturer.help(program, &[], HELP).await?;
    let mut walk = Walk { capturer, program, selection, nodes: Vec::new() };
    walk.nodes.push(Node::root(page));
    let mut level = 0..1;
    for _ in 0..MAX_DEPTH {
        let begin = walk.nodes.len();
        walk.descend(level).await;
        level = begin..walk.nodes.len();
        if level.is_empty() {
            break;
        }
    }
    Ok(walk.assemble())
}

/// One program's tree while it grows.
struct Walk<'a> {
    capturer: &'a Capturer,
    program: &'a Program,
    selection: &'a Selection,
    nodes: Vec<Node>,
}

/// A command whose page has been asked for.
struct Node {
    /// The node above, and this one's place among its subcommands.
    parent: Option<(usize, usize)>,
    /// The words that select it.
    path: Vec<String>,
    /// The words that reach it on a command line: its path with placeholders between.
    words: Vec<String>,
    /// Its page's text; empty where it has none of its own.
    page: String,
    /// Its live description with everything below it.
    live: Option<Command>,
    /// Page and live description merged; its subcommands are only listed.
    command: Command,
    /// Not a command of its own after all.
    dropped: bool,
}

/// A subcommand whose page is to be asked for.
struct Wanted {
    parent: usize,
    place: usize,
    path: Vec<String>,
    /// The lines of words to try.
    attempts: Vec<Vec<String>>,
    /// What asks for it; `None` where nothing is known to, and what is tried could run the program.
    flag: Option<String>,
}

impl Node {
    fn root(page: Page) -> Node {
        let mut node = Node {
            parent: None,
            path: Vec::new(),
            words: Vec::new(),
            page: String::new(),
            live: None,
            command: Command::default(),
            dropped: false,
        };
        let is_of_another = |live: &Command| live.diagnostics.iter().any(|d| d.code == live::CHOSEN);
        match page.live {
            Some(live) if is_of_another(&live) => node.do_without(&Command::default(), Some(live), None),
            live => node.read(Page { live, ..page }, None),
        }
        node
    }

    /// Takes in its own page. A live description of its own run beats what the run above told.
    fn read(&mut self, page: Page, inherited: Option<Command>) {
        let words: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let mut text = help::parse(&page.text, &words);
        text.incomplete |= page.error.is_some();
        self.live = page.live.or(inherited);
        self.command = match &self.live {
            Some(live) => live::merge(text, live.clone()),
            None => text,
        };
        self.command.diagnostics.extend(page.diagnostics);
        self.page = page.text;
    }

    /// Does without a page of its own.
    fn do_without(&mut self, listed: &Command, inherited: Option<Command>, diagnostic: Option<Diagnostic>) {
        self.command = inherited.clone().unwrap_or_else(|| listed.clone());
        self.command.incomplete |= inherited.is_none();
        self.command.diagnostics.extend(diagnostic);
        self.live = inherited;
    }
}

impl Walk<'_> {
    /// Asks for the pages of all subcommands that a range of nodes lists.
    async fn descend(&mut self, level: std::ops::Range<usize>) {
        let mut wanted: Vec<Wanted> = level.flat_map(|index| self.wanted(index)).collect();
        let room = MAX_PAGES.saturating_sub(self.nodes.len());
        if wanted.len() > room {
            let message = format!("more than {MAX_PAGES} commands; the help pages of the rest were not read");
            self.nodes[0].command.diagnostics.push(Diagnostic::new(
                Severity::Warning,
                "too-many-commands",
                message,
            ));
            wanted.truncate(room);
        }
        let answers = join_all(wanted.iter().map(|wanted| self.ask(wanted))).await;
        let nodes: Vec<Node> =
            wanted.into_iter().zip(answers).map(|(w, answer)| self.node(w, answer)).collect();
        self.nodes.extend(nodes);
    }

    fn wanted(&self, index: usize) -> Vec<Wanted> {
        let node = &self.nodes[index];
        if node.dropped {
            return Vec::new();
        }
        let before = placeholder::before_subcommand(&node.command);
        let listed = node.command.subcommands.iter().enumerate();
        let open = listed.filter(|(_, sub)| is_word(&sub.name) && (!sub.hidden || self.is_named(index, sub)));
        let wanted = open.map(|(place, sub)| Wanted {
            parent: index,
            place,
            path: node.path.iter().chain([&sub.name]).cloned().collect(),
            attempts: before
                .iter()
                .map(|before| [&node.words[..], before, std::slice::from_ref(&sub.name)].concat())
                .collect(),
            flag: help_flag(node, sub).map(str::to_owned),
        });
        wanted.collect()
    }

    /// Whether the manifest names a hidden subcommand.
    fn is_named(&self, parent: usize, sub: &Command) -> bool {
        let mut chain = vec![sub];
        let mut above = Some((parent, &self.nodes[parent]));
        while let Some((_, node)) = above {
            above = node.parent.map(|(index, place)| {
                chain.push(&self.nodes[index].command.subcommands[place]);
                (index, &self.nodes[index])
            });
        }
        chain.reverse();
        self.selection.reveals(&chain)
    }

    /// The subcommand's page, and the words that reached it.
    async fn ask(&self, wanted: &Wanted) -> Result<(Page, Vec<String>), CaptureError> {
        let flag = wanted.flag.as_deref().ok_or(CaptureError::Unasked)?;
        let mut attempts = wanted.attempts.iter();
        let mut words = attempts.next().cloned().unwrap_or_default();
        for _ in 1..MAX_TRIES {
            let page = self.capturer.help(self.program, &words, flag).await?;
            // The usage of a command above means that a placeholder was refused before the subcommand was reached.
            let refused = page.error.as_deref().filter(|_| self.is_from_above(wanted, &page));
            let next = refused
                .and_then(|error| placeholder::corrected(&words, error).or_else(|| attempts.next().cloned()));
            let Some(next) = next else { return Ok((page, words)) };
            words = next;
        }
        Ok((self.capturer.help(self.program, &words, flag).await?, words))
    }

    /// Whether a page is just what a command above shows: its page, or its usage with an error.
    fn is_from_above(&self, wanted: &Wanted, page: &Page) -> bool {
        let mut above = std::iter::successors(Some(wanted.parent), |&n| self.nodes[n].parent.map(|(n, _)| n));
        above.any(|n| {
            let shown = &self.nodes[n].page;
            if page.error.is_some() { shown.contains(page.text.trim()) } else { shown == &page.text }
        })
    }

    fn node(&self, mut wanted: Wanted, answer: Result<(Page, Vec<String>), CaptureError>) -> Node {
        let parent = &self.nodes[wanted.parent];
        let listed = &parent.command.subcommands[wanted.place];
        let below = |live: &Command| live.subcommands.iter().find(|c| c.answers_to(&listed.name)).cloned();
        let inherited = parent.live.as_ref().and_then(below);
        let mut node = Node {
            parent: Some((wanted.parent, wanted.place)),
            words: answer
                .as_ref()
                .map_or_else(|_| wanted.attempts.swap_remove(0), |(_, words)| words.clone()),
            path: std::mem::take(&mut wanted.path),
            page: String::new(),
            live: None,
            command: Command::default(),
            dropped: false,
        };
        match answer {
            Ok((page, _)) if self.is_from_above(&wanted, &page) => {
                // Listed with a text of its own, or known to the parser: it exists, whatever it shows.
                node.dropped = page.error.is_none() && inherited.is_none() && listed.summary.is_none();
                node.do_without(listed, inherited, None);
                if node.command.incomplete {
                    let message = "its help shows only what the command above it shows";
                    node.command.diagnostics.push(Diagnostic::new(Severity::Warning, "no-own-help", message));
                }
            }
            Ok((page, _)) => node.read(page, inherited),
            Err(error) => {
                let message = format!("no help page: {error}");
                let diagnostic = Diagnostic::new(Severity::Warning, "no-help", message);
                node.do_without(listed, inherited, Some(diagnostic));
            }
        }
        node
    }

    /// Puts every node where its parent lists it, from the leaves up.
    fn assemble(mut self) -> Inspected {
        let mut pages = BTreeMap::new();
        while let Some(node) = self.nodes.pop() {
            let Some((parent, place)) = node.parent else {
                pages.insert(String::new(), node.page);
                let mut root = Command { name: String::new(), ..node.command };
                keep_stores(&mut root, &mut Vec::new());
                return Inspected { root, pages };
            };
            let above = &mut self.nodes[parent];
            if node.dropped {
                let message = format!(
                    "`{}` shows this command's own help, so it is no subcommand",
                    node.path.join(" ")
                );
                above.command.diagnostics.push(Diagnostic::new(
                    Severity::Warning,
                    "not-a-subcommand",
                    message,
                ));
                // Later places were handled before, so the places of the others stay right.
                above.command.subcommands.remove(place);
                continue;
            }
            if !node.page.is_empty() {
                pages.insert(node.path.join(" "), node.page);
            }
            let listed = &mut above.command.subcommands[place];
            *listed = settle(std::mem::take(listed), node.command);
        }
        Inspected::default()
    }
}

/// What makes a subcommand print its help. To a parser whose options begin with other characters, `--help` is a word as
/// any other, and it may well go on with it.
fn help_flag<'a>(above: &'a Node, listed: &Command) -> Option<&'a str> {
    let own =
        above.live.as_ref().and_then(|live| live.subcommands.iter().find(|c| c.answers_to(&listed.name)));
    let known = own.filter(|own| !own.incomplete);
    let helps = known.unwrap_or(&above.command).arguments.iter().filter(|a| a.action == Action::Help);
    let flags: Vec<&str> = helps.flat_map(|a| &a.flags).map(String::as_str).collect();
    if flags.contains(&HELP) {
        return Some(HELP);
    }
    match (known, flags.as_slice()) {
        (Some(_), [first, ..]) => flags.iter().copied().find(|flag| is_long(flag)).or(Some(*first)),
        // Without an option for help it refuses one that it does not know, unless it takes such words too.
        (Some(own), []) => {
            let takes_all = own.arguments.iter().any(|a| a.is_positional() && a.arity.is_verbatim());
            (own.parser.prefix_chars.contains('-') && !takes_all).then_some(HELP)
        }
        // All that is known is how the command above is asked.
        (None, flags) => {
            let other = !flags.is_empty() && flags.iter().all(|flag| !flag.starts_with('-'));
            (!other).then_some(HELP)
        }
    }
}

/// What the command above says of a subcommand stays; the rest is from its own page.
fn settle(listed: Command, mut own: Command) -> Command {
    own.parser.stores.extend(listed.parser.stores);
    Command {
        name: listed.name,
        aliases: listed.aliases,
        summary: listed.summary,
        hidden: listed.hidden,
        ..own
    }
}

/// Keeps of what choosing a command stores what its parents' arguments store as well. `above` holds theirs.
fn keep_stores(command: &mut Command, above: &mut Vec<String>) {
    let mut stores = std::mem::take(&mut command.parser.stores);
    stores.retain(|name| above.contains(name));
    stores.sort();
    stores.dedup();
    command.parser.stores = stores;
    let own = command.arguments.iter().filter_map(|a| a.dest.clone());
    let length = above.len();
    above.extend(own);
    command.subcommands.iter_mut().for_each(|sub| keep_stores(sub, above));
    above.truncate(length);
}

/// Whether a listed name can be a word of a command line that selects a command: it must not look like an option.
fn is_word(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && !name.contains('\0')
}
