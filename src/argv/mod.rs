//! A tool call's JSON arguments → the words of a command line, or the reasons why there is none.
//!
//! Pure. Three steps, one submodule each: `keys` finds the property that each key means, `values` turns each JSON value
//! into uses of its argument, `words` lays them out. `replay` then reads the words as argparse would, in each of the
//! ways in which its versions differ; only a layout that comes back as what was meant is returned. So nothing here
//! relies on a layout being right by construction; `refusal` says what is wrong with the rest. It doesn't know how tools are made, nor how programs are started.

mod fit;
mod keys;
mod refusal;
mod replay;
mod values;
mod words;

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::model::{Argument, Binding, Command, ExclusiveGroup, Tool};
use keys::Said;
use words::Layout;

/// The longest word that Linux passes to a program, in bytes: `MAX_ARG_STRLEN` (32 pages) less the final NUL.
pub const MAX_WORD_BYTES: usize = 32 * 4096 - 1;

/// The longest command line, in bytes: below Linux's usual 2 MiB (a quarter of the 8 MiB stack), which the
/// environment shares.
pub const MAX_TOTAL_BYTES: usize = 1536 * 1024;

/// What the system counts for each word beside its bytes: the final NUL and a pointer.
const WORD_OVERHEAD: usize = 9;

/// The name by which errors speak of a call's arguments as a whole.
const ALL: &str = "arguments";

/// What is wrong with a required argument that was not given.
const MISSING: &str = "is required";

/// Why arguments can't become a command line: nothing was run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("argument `{argument}`: {reason}")]
pub struct ArgvError {
    /// The property, as the caller spelled it.
    pub argument: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl ArgvError {
    fn new(argument: impl Into<String>, reason: impl Into<String>) -> ArgvError {
        ArgvError { argument: argument.into(), reason: reason.into() }
    }

    /// Whether all that is wrong is that a required argument was not given.
    pub fn is_missing(&self) -> bool {
        self.reason == MISSING
    }
}

/// One use of an argument on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Use {
    /// The spelling of an option; `None` for a positional.
    flag: Option<String>,
    values: Vec<String>,
}

/// Where an argument stands: the depth of its command in the chain, and its index there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    depth: usize,
    index: usize,
}

impl From<&Binding> for Place {
    fn from(binding: &Binding) -> Place {
        Place { depth: binding.depth, index: binding.index }
    }
}

/// An argument that the call gives, with its uses (at least one).
#[derive(Clone, Debug)]
struct Given<'a> {
    place: Place,
    /// The name by which the caller knows it.
    property: &'a str,
    argument: &'a Argument,
    uses: Vec<Use>,
}

/// Renders the words that follow the program. `chain` is [`Command::chain`] of the tool's path.
///
/// # Errors
/// All that is wrong with the arguments, and whatever argparse has no way to take on every supported version.
pub fn render(
    chain: &[&Command],
    tool: &Tool,
    arguments: &Map<String, Value>,
) -> Result<Vec<String>, Vec<ArgvError>> {
    let (values, mut errors) = keys::resolve(chain, tool, arguments);
    let mut given = Vec::new();
    for said in &values {
        let binding = said.binding;
        let Some(argument) = argument_of(chain, binding) else { continue };
        match values::uses(argument, &said.value, said.flag, must_be_there(chain, tool, &values, binding)) {
            Ok(uses) if uses.is_empty() => {}
            Ok(uses) => {
                given.push(Given { place: binding.into(), property: &binding.property, argument, uses });
            }
            Err(reason) => errors.push(ArgvError::new(said.key, reason)),
        }
    }
    errors.extend(missing(tool, &given, &errors));
    errors.extend(group_errors(chain, tool, &given));
    if !errors.is_empty() {
        return Err(errors);
    }
    check_size(&given).and_then(|()| lay_out(chain, &tool.path, &given)).map_err(|e| vec![e])
}

fn argument_of<'a>(chain: &[&'a Command], binding: &Binding) -> Option<&'a Argument> {
    chain.get(binding.depth)?.arguments.get(binding.index)
}

/// Whether leaving the argument out is wrong: it is required, or one of its exclusive group is and no other is given.
fn must_be_there(chain: &[&Command], tool: &Tool, said: &[Said<'_>], binding: &Binding) -> bool {
    let groups = chain.get(binding.depth).map_or(&[][..], |command| command.exclusive.as_slice());
    let says_something = |s: &Said<'_>| {
        !s.value.as_array().is_some_and(Vec::is_empty)
            && !matches!(*s.value, Value::Null | Value::Bool(false))
    };
    let is_other = |s: &Said<'_>| s.binding.depth == binding.depth && s.binding.index != binding.index;
    let is_alone = |group: &ExclusiveGroup| {
        let mut others = said.iter().filter(|s| is_other(s) && group.members.contains(&s.binding.index));
        !others.any(says_something)
    };
    let mut own = groups.iter().filter(|g| g.required && g.members.contains(&binding.index));
    is_required(tool, &binding.property) || own.any(is_alone)
}

fn is_required(tool: &Tool, property: &str) -> bool {
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|n| n.as_str() == Some(property)))
}

/// Required properties that are neither given nor named by an error already.
fn missing(tool: &Tool, given: &[Given<'_>], errors: &[ArgvError]) -> Vec<ArgvError> {
    let has = |b: &Binding| given.iter().any(|g| g.place == b.into());
    let blamed = |b: &Binding| errors.iter().any(|e| keys::fold(&e.argument) == keys::fold(&b.property));
    let lacking = tool.bindings.iter().filter(|b| is_required(tool, &b.property) && !has(b) && !blamed(b));
    lacking.map(|b| ArgvError::new(&b.property, MISSING)).collect()
}

/// Exclusive groups of which too many or, where one must be given, no members are given.
fn group_errors(chain: &[&Command], tool: &Tool, given: &[Given<'_>]) -> Vec<ArgvError> {
    let mut errors = Vec::new();
    for (depth, command) in chain.iter().enumerate() {
        for group in &command.exclusive {
            let members: HashSet<usize> = group.members.iter().copied().collect();
            let in_group = |place: Place| place.depth == depth && members.contains(&place.index);
            let names =
                |list: Vec<&str>| list.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
            let here: Vec<&str> = given.iter().filter(|g| in_group(g.place)).map(|g| g.property).collect();
            match here.as_slice() {
                [first, second, ..] => {
                    let reason = format!(
                        "can't be given together with `{first}`: at most one of {} may be",
                        names(here.clone())
                    );
                    errors.push(ArgvError::new(*second, reason));
                }
                [only]
                    if group.required && given.iter().any(|g| g.property == *only && is_the_default(g)) =>
                {
                    let reason =
                        "is the default: argparse takes that for not given, and one of its group is required";
                    errors.push(ArgvError::new(*only, reason));
                }
                [] if group.required => {
                    let all: Vec<&str> = tool
                        .bindings
                        .iter()
                        .filter(|b| in_group((*b).into()))
                        .map(|b| b.property.as_str())
                        .collect();
                    if let Some(first) = all.first() {
                        let reason = format!("one of {} is required", names(all.clone()));
                        errors.push(ArgvError::new(*first, reason));
                    }
                }
                _ => {}
            }
        }
    }
    errors
}

/// Whether Python surely makes the same object of the value as of the default (`is`, which is how argparse looks
/// whether an argument of an exclusive group was given): small integers, and text of one character at most. The bare
/// use of an option whose default is not known to differ from its const counts too.
fn is_the_default(given: &Given<'_>) -> bool {
    /// The integers that CPython makes once.
    const SMALL: std::ops::RangeInclusive<i64> = -5..=256;
    let [one] = given.uses.as_slice() else { return false };
    if given.argument.action != crate::model::Action::Store {
        return false;
    }
    match (one.values.as_slice(), &given.argument.default) {
        ([], _) => given.argument.arity == crate::model::Arity::Optional,
        ([value], Some(Value::String(default))) => value == default && value.chars().count() <= 1,
        ([value], Some(Value::Number(default))) => {
            default.as_i64().is_some_and(|d| SMALL.contains(&d) && value.trim().parse() == Ok(d))
        }
        _ => false,
    }
}

/// The first layout that argparse reads as what was meant, on every version that the program may run on.
fn lay_out(chain: &[&Command], path: &[String], given: &[Given<'_>]) -> Result<Vec<String>, ArgvError> {
    let mut refusal = None;
    let layouts = Layout::all(chain, given);
    let filled = words::fill(chain, given);
    let dialects = chain.first().map_or(&[][..], |root| replay::dialects(root));
    for layout in &layouts {
        let given = if layout.fill { filled.as_slice() } else { given };
        let words = words::words(chain, path, given, *layout);
        match replay::check(chain, &words, given, dialects) {
            Ok(()) => return Ok(words),
            // The first layout is the usual one, so its trouble is the one to tell.
            Err(trouble) => refusal = refusal.or(Some(trouble)),
        }
    }
    Err(refusal.unwrap_or_else(|| ArgvError::new(ALL, "argparse has no way to take these arguments")))
}

fn check_size(given: &[Given<'_>]) -> Result<(), ArgvError> {
    let word = |word: &String| word.len() + WORD_OVERHEAD;
    let uses = given.iter().flat_map(|g| &g.uses);
    let total: usize = uses.map(|u| u.flag.iter().chain(&u.values).map(word).sum::<usize>()).sum();
    if total > MAX_TOTAL_BYTES {
        let reason = format!(
            "{total} bytes of command line are more than the {MAX_TOTAL_BYTES} that a program can be given"
        );
        return Err(ArgvError::new(ALL, reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
