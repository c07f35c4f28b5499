//! What a help page can tell, and whether `help::parse` tells it: no more and no less.
//!
//! Every fact of the parser object is either shown by the page (then the parsed command has it), or it is not (then the
//! parsed command must not claim anything that is false). The conditions below are that line.

use serde_json::Value;
use smcp::help;
use smcp::model::{Action, Argument, Arity, Command, ExclusiveGroup, ValueType};

use crate::program::{ArgumentFacts, NARROW, Node, Program, WIDE};
use crate::report::Failure;
use crate::subcommands;

/// The least room for help texts on a page of 80 columns: what `max_help_position` and the margin leave.
const NARROW_HELP: usize = 54;

/// Differences between the help pages of a program, read at `width` columns, and the truth.
pub(crate) fn check(program: &Program, width: u32) -> Vec<Failure> {
    let mut failures = Vec::new();
    for pages in &program.pages {
        let Some(page) = pages.at(width) else { continue };
        let path: Vec<_> = pages.path.iter().map(String::as_str).collect();
        let got = help::parse(page, &path);
        if let Some(coloured) = pages.coloured.as_deref().filter(|_| width == WIDE) {
            failures.extend(colour_matters(&got, coloured, &path));
        }
        let width = if program.node(&pages.path).facts.fixed_width { NARROW } else { width };
        let mut checker =
            Checker { node: program.node(&pages.path), got: &got, page, width, failures: Vec::new() };
        checker.run();
        failures.append(&mut checker.failures);
    }
    failures
}

/// Colours are not to change what a page says; but in colours 3.14 keeps the brackets of a positional in an exclusive group.
fn colour_matters(plain: &Command, page: &str, path: &[&str]) -> Option<Failure> {
    let mut got = help::parse(page, path);
    for member in got.exclusive.iter().flat_map(|g| &g.members) {
        if let (Some(seen), Some(plain)) = (got.arguments.get_mut(*member), plain.arguments.get(*member)) {
            seen.arity = if seen.is_positional() { plain.arity } else { seen.arity };
        }
    }
    let has_colours = page.contains('\u{1b}');
    (*plain != got || !has_colours).then(|| Failure {
        cause: "colours".to_owned(),
        about: plain.name.clone(),
        expected: format!("{plain:?}"),
        got: format!("{got:?}"),
        seen: page.to_owned(),
    })
}

/// One page being compared.
pub(crate) struct Checker<'a> {
    pub(crate) node: &'a Node,
    pub(crate) got: &'a Command,
    pub(crate) page: &'a str,
    pub(crate) width: u32,
    failures: Vec<Failure>,
}

/// An argument and the one that was parsed for it.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) index: usize,
    pub(crate) truth: &'a Argument,
    pub(crate) facts: &'a ArgumentFacts,
    pub(crate) got: &'a Argument,
    pub(crate) got_index: usize,
}

impl<'a> Checker<'a> {
    fn run(&mut self) {
        if is_damaged(self.page, &self.node.command) {
            return;
        }
        let pairs = self.pair_up();
        for pair in &pairs {
            self.arity(pair);
            self.action(pair);
            self.required(pair);
            self.choices(pair);
            self.help(pair);
            self.default(pair);
            self.value_type(pair);
            self.section(pair);
        }
        self.exclusive(&pairs);
        self.texts();
        subcommands::check(self);
    }

    /// Notes a difference, where it is one.
    pub(crate) fn expect<T: PartialEq + std::fmt::Debug>(
        &mut self,
        cause: &str,
        about: &str,
        expected: &T,
        got: &T,
    ) {
        if expected != got {
            self.fail(cause, about, format!("{expected:?}"), format!("{got:?}"));
        }
    }

    pub(crate) fn fail(&mut self, cause: &str, about: &str, expected: String, got: String) {
        let width = if self.width == WIDE { "wide" } else { "80 columns" };
        let about = format!("{about} [{} {}]", self.node.command.name, self.node.facts.formatter);
        self.failures.push(Failure {
            cause: format!("{cause}, {width}"),
            about,
            expected,
            got,
            seen: self.page.to_owned(),
        });
    }

    /// Finds the parsed argument of each true one; complains of the missing and the invented.
    fn pair_up(&mut self) -> Vec<Pair<'a>> {
        let (node, got) = (self.node, self.got);
        let mut pairs = Vec::new();
        let action = got.arguments.iter().rposition(|a| is_subcommand(node, a));
        let mut invented: Vec<_> = (0..got.arguments.len()).filter(|i| Some(*i) != action).collect();
        let positionals: Vec<_> =
            invented.iter().copied().filter(|i| got.arguments[*i].is_positional()).collect();
        let mut positionals = positionals.into_iter().map(|i| (i, &got.arguments[i]));
        let visible =
            node.command.arguments.iter().zip(&node.arguments).enumerate().filter(|(_, (a, _))| !a.hidden);
        for (index, (truth, facts)) in visible {
            let found = if !truth.is_positional() {
                got.arguments.iter().enumerate().find(|(_, a)| a.flags == truth.flags)
            } else if node.facts.usage_by_hand {
                // Only the entries tell, and they stand in the order of the groups.
                got.arguments.iter().enumerate().find(|(i, a)| {
                    invented.contains(i) && a.is_positional() && shown_name(a) == shown_name(truth)
                })
            } else {
                positionals.next()
            };
            let Some((got_index, found)) = found else {
                if node.facts.usage_by_hand && has_unusual_prefix(truth) {
                    continue;
                }
                let cause = if truth.is_positional() { "missing positional" } else { "missing option" };
                self.fail(cause, &label(truth), label(truth), format!("{:?}", labels(got)));
                continue;
            };
            invented.retain(|i| *i != got_index);
            if truth.is_positional() && regular(truth, facts) {
                self.expect("name of a positional", &label(truth), &shown_name(truth), &shown_name(found));
            }
            pairs.push(Pair { index, truth, facts, got: found, got_index });
        }
        for index in invented {
            // The usage of a page that lists nothing is believed, though its words may be the program's name: there is
            // nothing else.
            // There is no telling a raw text that looks like a section from a section, nor a group's description that
            // looks like an option from an option, where no usage confirms the real ones.
            let described = node.facts.group_text.iter().any(|t| t.starts_with('-'));
            let bare = node.command.arguments.iter().all(|a| a.hidden) && node.subcommands.is_empty();
            let spelled = |a: &Argument| {
                has_unusual_prefix(a)
                    && a.flags.iter().any(|f| label(&got.arguments[index]).starts_with(f.as_str()))
            };
            let spelled = node.command.arguments.iter().any(spelled);
            if bare || node.facts.usage_by_hand && (laid_out(node) || described || spelled) {
                continue;
            }
            let cause =
                if got.arguments[index].is_positional() { "invented positional" } else { "invented option" };
            self.fail(
                cause,
                &label(&got.arguments[index]),
                format!("{:?}", labels(&node.command)),
                format!("{:?}", labels(got)),
            );
        }
        pairs
    }

    fn arity(&mut self, pair: &Pair) {
        let Pair { truth, facts, got, .. } = *pair;
        if !regular(truth, facts) {
            return;
        }
        if truth.is_positional() && (self.node.facts.usage_by_hand || self.in_group(pair.index)) {
            return; // the usage alone tells, and in an exclusive group it leaves out the brackets
        }
        let same = |a: &&Argument| a.is_positional() && !a.hidden && shown_name(a) == shown_name(truth);
        if truth.is_positional() && self.node.command.arguments.iter().filter(same).count() > 1 {
            return; // `str str str` with two entries may be one and two values or two and one
        }
        self.expect("arity", &label(truth), &truth.arity, &got.arity);
    }

    fn action(&mut self, pair: &Pair) {
        let Pair { truth, facts, got, .. } = *pair;
        let right = match truth.action {
            Action::Help => got.action == Action::Help,
            Action::Version => matches!(got.action, Action::Version | Action::Flag),
            // Another option may have taken its positive flags.
            Action::Negatable if truth.flags.iter().all(|f| f.starts_with("--no-")) => {
                got.action == Action::Flag
            }
            Action::Negatable => got.action == Action::Negatable,
            Action::Flag => got.action == Action::Flag,
            // Nothing on the page tells these from their plain kin; whoever claims them must be right.
            Action::Count => matches!(got.action, Action::Flag | Action::Count),
            _ => got.action == Action::Store || got.action == truth.action,
        };
        let unknown = truth.metavar.iter().any(String::is_empty)
            || !regular(truth, facts) && got.action == Action::Store;
        if !right && !unknown {
            self.fail("action", &label(truth), format!("{:?}", truth.action), format!("{:?}", got.action));
        }
    }

    fn required(&mut self, pair: &Pair) {
        let Pair { truth, facts, got, .. } = *pair;
        if self.node.facts.usage_by_hand {
            if !truth.is_positional() {
                self.expect("required, usage by hand", &label(truth), &false, &got.required);
            }
            return;
        }
        let alone = |index: usize| {
            let visible = |m: &&usize| !self.node.command.arguments[**m].hidden;
            let shown = |g: &ExclusiveGroup| g.members.iter().filter(visible).count() == 1;
            self.node.command.exclusive.iter().any(|g| g.members.contains(&index) && shown(g))
        };
        if alone(pair.index) || !regular(truth, facts) && truth.is_positional() {
            return; // a required group with one member that shows looks like a required option
        }
        self.expect("required", &label(truth), &truth.required, &got.required);
    }

    fn choices(&mut self, pair: &Pair) {
        let Pair { truth, facts, got, .. } = *pair;
        let shown = !facts.own_metavar && truth.arity != Arity::Remainder;
        match &truth.choices {
            Some(choices) if shown && choices.iter().all(|c| plain_choice(c)) => {
                self.expect("choices", &label(truth), &truth.choices, &got.choices);
            }
            _ if facts.own_metavar && !regular(truth, facts) => {}
            // `{a,b}` may be the one choice `a,b`.
            Some(choices) if choices.iter().any(|c| c.contains(',')) => {}
            _ if got.choices.is_some() => {
                self.expect("invented choices", &label(truth), &truth.choices, &got.choices);
            }
            _ => {}
        }
    }

    fn help(&mut self, pair: &Pair) {
        let Pair { truth, got, .. } = *pair;
        let (expected, found) = (self.squeezed(truth.help.as_deref()), self.squeezed(got.help.as_deref()));
        self.expect("help text", &label(truth), &expected, &found);
    }

    fn default(&mut self, pair: &Pair) {
        let Pair { truth, facts, got, .. } = *pair;
        let text = facts.default_text.clone().unwrap_or_default();
        let help = truth.help.clone().unwrap_or_default();
        if !facts.default_named {
            if !help.contains("default") {
                self.expect("invented default", &label(truth), &None, &got.default);
            }
            return;
        }
        let Some(found) = &got.default else {
            let named =
                ["(default: ", "[default: "].iter().any(|form| help.contains(&format!("{form}{text}")));
            // One that isn't among the choices is taken for prose, and names with blanks for several values.
            let chosen = truth.choices.as_ref().is_none_or(|c| c.contains(&text));
            let tellable =
                !text.is_empty() && !text.contains(['(', ')', '[', ']', '\'', '"', ' ']) && text != "None";
            // A word that is longer than the help's lines is broken anywhere.
            let unbroken = self.width == WIDE || text.len() < NARROW_HELP && !self.node.facts.fixed_width;
            if named && tellable && unbroken && chosen && regular(truth, facts) && truth.arity != Arity::Zero
            {
                self.fail(
                    "missing default",
                    &label(truth),
                    format!("{:?}", truth.default),
                    "None".to_owned(),
                );
            }
            return;
        };
        if self.width != WIDE && text.len() >= NARROW_HELP {
            return; // wrapped anywhere
        }
        let as_written =
            truth.arity != Arity::Zero && !truth.arity.is_many() && found.as_str() == Some(&text);
        let number =
            found.as_f64().is_some() && found.as_f64() == truth.default.as_ref().and_then(Value::as_f64);
        let strings = |list: &Vec<Value>| list.iter().map(written).collect::<Vec<_>>();
        let list = found.as_array().is_some_and(|f| {
            truth.default.as_ref().and_then(Value::as_array).map(strings) == Some(strings(f))
        });
        if !as_written && !number && !list && truth.default.as_ref() != Some(found) {
            self.fail("wrong default", &label(truth), format!("{:?}", truth.default), format!("{found:?}"));
        }
    }

    fn value_type(&mut self, pair: &Pair) {
        let Pair { truth, facts, got, .. } = *pair;
        let typed = self.node.facts.formatter == "MetavarTypeHelpFormatter";
        if typed && !facts.own_metavar && truth.choices.is_none() && truth.arity != Arity::Remainder {
            // Other types than those are shown by their names, which tell nothing.
            // `bool` is shown too, but may as well be a name for what a type of the program's own reads.
            let other = matches!(truth.value_type, ValueType::String | ValueType::Boolean);
            let hinted = other && matches!(got.value_type, ValueType::String | ValueType::Numeric);
            let got = if hinted { truth.value_type } else { got.value_type };
            self.expect("type", &label(truth), &truth.value_type, &got);
        } else if !matches!(got.value_type, ValueType::String | ValueType::Numeric) {
            self.expect("invented type", &label(truth), &truth.value_type, &got.value_type);
        }
    }

    fn section(&mut self, pair: &Pair) {
        let Some(title) = &pair.truth.section else { return };
        if !["options", "optional arguments", "positional arguments"].contains(&title.as_str()) {
            self.expect("section", &label(pair.truth), &pair.truth.section, &pair.got.section);
        }
    }

    fn in_group(&self, index: usize) -> bool {
        self.node.command.exclusive.iter().any(|g| g.members.contains(&index))
    }

    /// Exclusive groups: those that the page shows, and none besides.
    fn exclusive(&mut self, pairs: &[Pair]) {
        let arguments = &self.node.command.arguments;
        let true_index = |got: &usize| pairs.iter().find(|p| p.got_index == *got).map(|p| p.index);
        let mut got: Vec<(bool, Option<Vec<usize>>)> = Vec::new();
        for group in &self.got.exclusive {
            let members: Option<Vec<_>> = group.members.iter().map(true_index).collect();
            got.push((group.required, members.map(sorted)));
        }
        for (required, members) in &got {
            let known = |g: &ExclusiveGroup| {
                let visible: Vec<_> = g.members.iter().copied().filter(|m| !arguments[*m].hidden).collect();
                g.required == *required && members.as_ref().is_some_and(|m| *m == visible)
            };
            if !self.node.command.exclusive.iter().any(known) && !self.node.facts.usage_by_hand {
                let odd =
                    members.iter().flatten().any(|m| !regular(&arguments[*m], &self.node.arguments[*m]));
                if !odd {
                    let expected = format!("{:?}", self.node.command.exclusive);
                    self.fail("invented exclusive group", "", expected, format!("{got:?}"));
                }
            }
        }
        for group in &self.node.command.exclusive {
            if self.shows_group(&group.members)
                && !got.contains(&(group.required, Some(group.members.clone())))
            {
                self.fail("missing exclusive group", "", format!("{group:?}"), format!("{got:?}"));
            }
        }
    }

    /// argparse brackets a group whose members follow each other in its usage.
    fn shows_group(&self, members: &[usize]) -> bool {
        let arguments = &self.node.command.arguments;
        let (options, positionals): (Vec<_>, Vec<_>) =
            (0..arguments.len()).partition(|i| !arguments[*i].is_positional());
        let order = [options, positionals].concat();
        let plain = |m: &usize| !arguments[*m].hidden && regular(&arguments[*m], &self.node.arguments[*m]);
        let alone =
            |m: &usize| self.node.command.exclusive.iter().filter(|g| g.members.contains(m)).count() == 1;
        // One that mixes options and positionals is lost where the usage is wrapped.
        let mixed = members.iter().any(|m| arguments[*m].is_positional());
        self.width == WIDE
            && !self.node.facts.usage_by_hand
            && members.len() > 1
            && !mixed
            && members.iter().all(|m| plain(m) && alone(m))
            && order.windows(members.len()).any(|w| w == members)
    }

    /// Description and epilog. Raw ones may look like sections; what they then are is anybody's guess.
    fn texts(&mut self) {
        let truth = &self.node.command;
        let empty = truth.arguments.iter().all(|a| a.hidden) && self.node.subcommands.is_empty();
        // A group without arguments looks like the beginning of the epilog.
        if laid_out(self.node) || empty || self.node.facts.usage_by_hand || self.node.facts.empty_groups {
            return;
        }
        let (description, epilog) = (truth.description.clone(), truth.epilog.clone());
        let (expected, got) =
            (self.squeezed(description.as_deref()), self.squeezed(self.got.description.as_deref()));
        self.expect("description", "", &expected, &got);
        let (expected, got) = (self.squeezed(epilog.as_deref()), self.squeezed(self.got.epilog.as_deref()));
        self.expect("epilog", "", &expected, &got);
    }

    /// A text modulo white space; where lines are wrapped, also within words, since argparse breaks at hyphens.
    pub(crate) fn squeezed(&self, text: Option<&str>) -> Option<String> {
        let words: Vec<_> = text?.split_whitespace().collect();
        let text = words.join(if self.width == WIDE { " " } else { "" });
        (!text.is_empty()).then_some(text)
    }
}

/// Without a usage that shows it, `+x` is no option to anyone who doesn't know the prefix; `++ex` is.
fn has_unusual_prefix(argument: &Argument) -> bool {
    let unusual = |f: &String| !f.starts_with('-') && !smcp::model::is_long(f);
    !argument.flags.is_empty() && argument.flags.iter().all(unusual)
}

/// Subcommands of which no row names one look like a positional where they have a metavar, or where a hand-written
/// usage does not show that words of their own follow them.
fn is_subcommand(node: &Node, argument: &Argument) -> bool {
    let no_rows = node.subcommands.iter().all(|n| !n.facts.listed);
    let words =
        || node.subcommands.iter().flat_map(|n| std::iter::once(&n.command.name).chain(&n.command.aliases));
    let listed = || format!("{{{}}}", words().map(String::as_str).collect::<Vec<_>>().join(","));
    no_rows
        && argument.is_positional()
        && match &node.facts.sub_metavar {
            Some(metavar) => shown_name(argument) == *metavar,
            None => node.facts.usage_by_hand && shown_name(argument) == listed(),
        }
}

/// argparse up to 3.10 takes away parentheses of names together with those of groups, so that the usage says nothing
/// that is sure: then they don't pair up any more.
fn is_damaged(page: &str, truth: &Command) -> bool {
    let usage = page.split("\n\n").next().unwrap_or_default();
    let mut names =
        truth.arguments.iter().filter(|a| !a.hidden).flat_map(|a| a.metavar.iter().map(move |m| (a, m)));
    let copies = |a: &Argument| {
        if let Arity::Exactly(n) = a.arity { n } else { 1 + usize::from(a.arity == Arity::OneOrMore) }
    };
    if names.any(|(a, name)| name.contains('(') && usage.matches(name.as_str()).count() < copies(a)) {
        return true;
    }
    let mut depth = 0_i64;
    let closes_first = usage.chars().any(|c| {
        depth += i64::from(c == '(') - i64::from(c == ')');
        depth < 0
    });
    closes_first || depth != 0
}

/// Whether a raw description or epilog looks like sections of the page.
pub(crate) fn laid_out(node: &Node) -> bool {
    let looks = |text: &Option<String>| {
        text.as_deref().is_some_and(|t| t.contains("  ") || t.contains("usage:") || t.contains(":\n"))
    };
    node.facts.raw && (looks(&node.command.description) || looks(&node.command.epilog))
}

/// The name that an entry shows for a positional.
fn shown_name(argument: &Argument) -> String {
    match (&argument.metavar.first(), &argument.choices) {
        (Some(metavar), _) => (*metavar).clone(),
        (None, Some(choices)) => format!("{{{}}}", choices.join(",")),
        (None, None) => argument.dest.clone().unwrap_or_default(),
    }
}

/// Whether what stands for its values can't be taken for anything else.
fn regular(argument: &Argument, facts: &ArgumentFacts) -> bool {
    if !facts.own_metavar && argument.choices.is_some() {
        return argument.choices.iter().flatten().all(|c| plain_choice(c));
    }
    let plain = |m: &String| {
        !m.is_empty()
            && !m.starts_with('-')
            && !m.ends_with("...")
            && !m.contains(|c: char| " {}[]()|,".contains(c))
    };
    argument.metavar.iter().all(plain)
}

/// A value as Python writes it, near enough: text that shows a number doesn't say whether it is one.
fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn plain_choice(choice: &str) -> bool {
    !choice.is_empty() && !choice.contains(|c: char| " ,|{}[]()'".contains(c))
}

fn sorted(mut list: Vec<usize>) -> Vec<usize> {
    list.sort_unstable();
    list
}

pub(crate) fn label(argument: &Argument) -> String {
    if argument.is_positional() { shown_name(argument) } else { argument.flags.join("/") }
}

fn labels(command: &Command) -> Vec<String> {
    command.arguments.iter().filter(|a| !a.hidden).map(label).collect()
}
