//! Usage text → its atoms: options, positionals, and the groups they stand in.
//!
//! Inverts `HelpFormatter._format_actions_usage` (CPython 3.6 to 3.14):
//!
//! ```text
//! usage   = prog atom*
//! atom    = "[" option "]"                    an optional option
//!         | option                            a required one
//!         | "[" member (" | " member)* "]"    an exclusive group
//!         | "(" member (" | " member)+ ")"    a required exclusive group
//!         | positional                        in one of the forms of `values`
//! option  = first flag, then " " and its values where it takes any
//! member  = option | positional without its outer brackets
//! ```
//!
//! Names may hold blanks, brackets and bars, so the text alone is ambiguous. The entries of the page tell which names
//! there are: where a known option or positional fits, it is taken whole. What fits none is read word by word.

mod reader;

use std::collections::{HashMap, HashSet};

use crate::model::Arity;
use reader::Reader;

/// The names that the page's entries give.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Flag → the values' text of its option and the option's number.
    options: HashMap<String, (String, usize)>,
    /// First word of a positional's header → the whole headers, longest first.
    positionals: HashMap<String, Vec<String>>,
    /// Headers of entries that may be a subparsers action's.
    parents: HashSet<String>,
    count: usize,
}

impl Known {
    /// Adds an option's entry.
    pub(super) fn option(&mut self, flags: &[String], values: &str) {
        for flag in flags {
            self.options.insert(flag.clone(), (squeeze(values), self.count));
        }
        self.count += 1;
    }

    /// Adds what may be a positional's entry; `parent` where it may be a subparsers action's.
    pub(super) fn positional(&mut self, header: &str, parent: bool) {
        let header = squeeze(header);
        if parent {
            self.parents.insert(header.clone());
        }
        let Some(word) = header.split(' ').next().filter(|w| !w.is_empty()) else { return };
        let same = self.positionals.entry(word.to_owned()).or_default();
        if !same.contains(&header) && same.len() < MAX_SAME_START {
            same.push(header);
            same.sort_by_key(|h| std::cmp::Reverse(h.len()));
        }
    }
}

/// Headers that may begin with the same word, so that odd pages stay linear.
const MAX_SAME_START: usize = 16;

/// What a usage says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) items: Vec<Item>,
    /// For each group whether one of its members is required.
    pub(super) groups: Vec<bool>,
}

/// One atom.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) what: What,
    /// Stands in no brackets and no group.
    pub(super) required: bool,
    /// The exclusive group it stands in.
    pub(super) group: Option<usize>,
}

/// What stands for the values of an option whose metavar is empty (`metavar=''`).
pub(super) const BLANK: &str = " ";

/// What an atom stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// An option by one of its flags.
    Option { flag: String, values: String },
    /// A positional: what it is called, how many values, and whether an entry has that name.
    Positional { name: String, arity: Arity, known: bool },
    /// `X ...`: a subparsers action.
    Subcommands { name: String, known: bool },
}

/// Reads a usage. `path` is the words that lead to the command: the program's name, which stands first, ends with
/// the last of them.
pub(super) fn parse(text: &str, known: &Known, path: &[&str], prefixes: &str) -> Usage {
    let text = squeeze(text);
    Reader::new(&text, known, prefixes).read(path)
}

/// White space folded to one blank.
pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(options: &[(&str, &str)], positionals: &[&str]) -> Known {
        let mut known = Known::default();
        for (flags, values) in options {
            known.option(&flags.split(", ").map(str::to_owned).collect::<Vec<_>>(), values);
        }
        positionals.iter().for_each(|p| known.positional(p, p.starts_with('{')));
        known
    }

    /// One item a word: `!` required, `@n` in group n.
    fn show(usage: &Usage) -> String {
        let item = |i: &Item| {
            let what = match &i.what {
                What::Option { flag, values } if values.is_empty() => flag.clone(),
                What::Option { flag, values } => format!("{flag}={values}"),
                What::Positional { name, arity, known } => {
                    format!("{}{name}({})", if *known { "" } else { "?" }, String::from(*arity))
                }
                What::Subcommands { name, .. } => format!("sub:{name}"),
            };
            let group = i
                .group
                .map(|g| format!("@{g}{}", if usage.groups[g] { "!" } else { "" }))
                .unwrap_or_default();
            format!("{what}{}{group}", if i.required { "!" } else { "" })
        };
        usage.items.iter().map(item).collect::<Vec<_>>().join("; ")
    }

    fn check(text: &str, known: &Known, path: &[&str], expected: &str) {
        assert_eq!(show(&parse(text, known, path, "-")), expected, "{text}");
    }

    #[test]
    fn plain_atoms() {
        let k = known(&[("-h, --help", ""), ("--out", "OUT"), ("-n", "N")], &["src", "dst"]);
        check("prog [-h] --out OUT [-n N] src [dst]", &k, &[], "-h; --out=OUT!; -n=N; src(1)!; dst(?)");
        check("python -m prog [-h] src [src ...] [dst ...]", &k, &[], "-h; src(+)!; dst(*)");
        check("prog [-h] src src [dst [dst ...]]", &k, &[], "-h; src(1)!; src(1)!; dst(*)");
        check("python -m prog -n N", &known(&[("-n", "N"), ("-m", "M")], &[]), &[], "-n=N!");
        check("prog", &k, &[], "");
    }

    #[test]
    fn groups() {
        let k = known(&[("-a", ""), ("-b", "B"), ("--c, --no-c", ""), ("-d", "[D ...]")], &["x"]);
        check("p [-a | -b B]", &k, &[], "-a@0; -b=B@0");
        check("p (-a | -b B) [--c | --no-c]", &k, &[], "-a@0!; -b=B@0!; --c; --no-c");
        check("p (-a | --c | --no-c | x)", &k, &[], "-a@0!; --c@0!; --no-c@0!; x(1)@0!");
        check("p [-a | -d [D ...]] x", &k, &[], "-a@0; -d=[D ...]@0; x(1)!");
    }

    #[test]
    fn odd_names_are_taken_whole() {
        let k = known(&[("-o", "<the name>"), ("-r", "[A|B] ...")], &["the file", "[x]"]);
        check(
            "p [-o <the name>] [-r [A|B] ...] the file [[x] ...]",
            &k,
            &[],
            "-o=<the name>; -r=[A|B] ...; the file(1)!; [x](*)",
        );
    }

    #[test]
    fn the_name_of_a_subcommand() {
        let k = known(&[("-h, --help", "")], &["file"]);
        check("prog ENV up [-h] file", &k, &["up"], "-h; file(1)!");
        check("prog file up file", &k, &["up"], "file(1)!");
        check("prog up", &k, &["up"], "");
        check("prog [file ...] up file", &k, &["up"], "file(1)!");
    }

    #[test]
    fn subcommands() {
        let k = known(&[("-h, --help", "")], &["{a,b}", "env"]);
        check("prog [-h] env {a,b} ...", &k, &[], "-h; env(1)!; sub:{a,b}!");
        check("prog [-h] VERB ...", &k, &[], "-h; sub:VERB!");
        check("prog [-h] ...", &k, &[], "-h; ?(...)!");
        check("prog [-h] env ...", &k, &[], "-h; env(1)!; ?(...)!");
    }

    #[test]
    fn hand_written() {
        let k = known(&[("-h, --help", ""), ("-v", "")], &[]);
        check("prog -v | FILE", &k, &[], "-v; ?FILE(1)");
        check("prog [options] FILE", &k, &[], "?options(?); ?FILE(1)!");
        check("prog [-v] [--unknown=X] [-z ZED] FILE...", &k, &[], "-v; --unknown=X; -z=ZED; ?FILE...(+)!");
        check(
            "prog [-v] SOURCE... [more...] [FILE]... (A)... LAST",
            &k,
            &[],
            "-v; ?SOURCE...(+)!; ?more...(*); ?FILE(*); ?A(+)!; ?LAST(1)!",
        );
    }

    #[test]
    fn an_empty_name_leaves_a_blank() {
        let k = known(&[("--nil", "")], &[]);
        check("p [--nil ]", &k, &[], "--nil= ");
        check("p [--nil]", &k, &[], "--nil");
    }

    #[test]
    fn unbalanced_text_ends() {
        for text in ["p [", "p [[[(", "p ]])|", "p {a <b", "p -", "p [-x", "ü [é|", ""] {
            let _ = parse(text, &Known::default(), &[], "-");
        }
    }
}
