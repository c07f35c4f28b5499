//! One JSON value → the uses of its argument. What means the same is taken (`5` for `"5"`, a scalar for a list of
//! one); what would lose something is refused.

use serde_json::{Number, Value};

use super::{MAX_WORD_BYTES, Use};
use crate::model::{Action, Argument, Arity, ValueType};

/// The most times an option is repeated for a count; more is a mistake.
const MAX_COUNT: u64 = 10_000;

/// Integers from here on may have been rounded when the JSON was read (2^53).
const EXACT_FLOATS: f64 = 9_007_199_254_740_992.0;

/// The uses of an argument that a value asks for; none where the argument is to be left out. `null`, `false` for a
/// flag and an empty list leave it out, unless that would say something else, or it `must` be given and can be empty.
/// `flag` is the one to use of its spellings, where that matters.
pub(super) fn uses(
    argument: &Argument,
    value: &Value,
    flag: Option<&str>,
    must: bool,
) -> Result<Vec<Use>, String> {
    if value.is_null() || is_unlisted_default(argument, value) {
        return Ok(Vec::new());
    }
    let flag = flag.or(argument.main_flag());
    match (argument.action, argument.arity) {
        (Action::Count, _) => Ok(vec![single(flag, []); count(value)?]),
        (Action::Negatable, _) => Ok(vec![single(Some(negatable(argument, boolean(value)?)?), [])]),
        (Action::Flag | Action::Help | Action::Version, _) | (_, Arity::Zero) => {
            Ok(if boolean(value)? { vec![single(flag, [])] } else { Vec::new() })
        }
        (Action::Store, arity) if arity.is_many() => many(argument, flag, value, must),
        (Action::Store, Arity::Optional) if is_off(argument, value) => left_out(argument, value),
        (Action::Store, _) => Ok(vec![one(argument, flag, value)?]),
        (Action::Append, arity) if arity.is_many() => {
            let lists = elements(value);
            // A flat list is one use: what else could it be?
            let nested = lists.iter().any(|v| v.is_array());
            let lists = if nested || lists.is_empty() { lists } else { vec![value] };
            let uses = lists.into_iter().map(|list| many(argument, flag, list, true));
            at_most_once(argument, uses.collect::<Result<Vec<_>, _>>()?.concat())
        }
        (Action::Append, Arity::Optional) if is_off(argument, value) => Ok(Vec::new()),
        (Action::Append, _) => {
            let uses =
                elements(value).into_iter().map(|v| one(argument, flag, v)).collect::<Result<_, _>>()?;
            at_most_once(argument, uses)
        }
        (Action::Extend, _) => extend(argument, flag, value),
    }
}

/// Whether a value is a default that isn't among the choices: the program takes it only by being left out.
fn is_unlisted_default(argument: &Argument, value: &Value) -> bool {
    let choices = argument.choices.as_deref().unwrap_or_default();
    let listed = value.as_str().is_none_or(|text| choices.iter().any(|c| c == text));
    argument.choices.is_some() && !listed && argument.default.as_ref() == Some(value)
}

/// Whether a value says that an option with an optional value is not to be used.
fn is_off(argument: &Argument, value: &Value) -> bool {
    *value == Value::Bool(false) && !argument.is_positional() && argument.value_type != ValueType::Boolean
}

/// No use, where that says the same: leaving an argument out gives its default.
fn left_out(argument: &Argument, value: &Value) -> Result<Vec<Use>, String> {
    if argument.opaque_default {
        return Err(format!(
            "{} can't be passed: left out, it is an object of the program's own",
            shown(value)
        ));
    }
    let default = argument.default.as_ref();
    match default.filter(|d| !is_nothing(d)) {
        None => Ok(Vec::new()),
        Some(default) => Err(format!("{} can't be passed: left out, it is {}", shown(value), shown(default))),
    }
}

/// Whether a default is what programs take for nothing, also as text: that may be what its type reads, or what help
/// shows of it.
fn is_nothing(default: &Value) -> bool {
    const WORDS: [&str; 5] = ["", "false", "none", "no", "off"];
    match default {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => {
            WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) || text.parse() == Ok(0.0)
        }
        _ => false,
    }
}

fn single<const N: usize>(flag: Option<&str>, values: [String; N]) -> Use {
    Use { flag: flag.map(str::to_owned), values: values.into() }
}

/// A positional stands on the command line once, whatever its action.
fn at_most_once(argument: &Argument, uses: Vec<Use>) -> Result<Vec<Use>, String> {
    if argument.is_positional() && uses.len() > 1 {
        return Err("takes at most one element".into());
    }
    Ok(uses)
}

/// The one use of an argument that takes one value, or of an option that may go without.
fn one(argument: &Argument, flag: Option<&str>, value: &Value) -> Result<Use, String> {
    let may_be_bare = argument.arity == Arity::Optional && argument.value_type != ValueType::Boolean;
    if may_be_bare && flag.is_some() && *value == Value::Bool(true) {
        return Ok(single(flag, []));
    }
    if argument.arity == Arity::Optional && is_off(argument, value) {
        return Err("must be a value or true, not false".into());
    }
    Ok(single(flag, [text(argument, value)?]))
}

/// The one use of an argument that takes several values.
fn many(
    argument: &Argument,
    flag: Option<&str>,
    value: &Value,
    keep_empty: bool,
) -> Result<Vec<Use>, String> {
    let values = elements(value).into_iter().map(|v| text(argument, v)).collect::<Result<Vec<_>, _>>()?;
    let flag = flag.map(str::to_owned);
    match (argument.arity, values.len()) {
        (Arity::ZeroOrMore | Arity::Remainder | Arity::Untold, 0) if keep_empty && flag.is_some() => {}
        (Arity::ZeroOrMore | Arity::Remainder | Arity::Untold, 0)
            if flag.is_some() && left_out(argument, value).is_err() => {}
        (Arity::ZeroOrMore | Arity::Remainder | Arity::Untold, 0) => return left_out(argument, value),
        (_, 0) if !keep_empty => return left_out(argument, value),
        (Arity::OneOrMore | Arity::Parser, 0) => return Err("needs at least one element".into()),
        (Arity::Exactly(n), got) if got != n => return Err(format!("takes exactly {n} elements, not {got}")),
        _ => {}
    }
    Ok(vec![Use { flag, values }])
}

/// `extend`: one use for each value where that is possible, since `--flag=value` can carry any value.
fn extend(argument: &Argument, flag: Option<&str>, value: &Value) -> Result<Vec<Use>, String> {
    if argument.is_positional() || argument.arity.is_verbatim() {
        return many(argument, flag, value, false);
    }
    let given = elements(value);
    if let Arity::Exactly(n) = argument.arity {
        if !given.len().is_multiple_of(n.max(1)) {
            return Err(format!("takes {n} elements at a time, not {}", given.len()));
        }
        let values = given.into_iter().map(|v| text(argument, v)).collect::<Result<Vec<_>, _>>()?;
        let flag = flag.map(str::to_owned);
        return Ok(values.chunks(n.max(1)).map(|c| Use { flag: flag.clone(), values: c.to_vec() }).collect());
    }
    let uses = given.into_iter().map(|v| one(argument, flag, v)).collect::<Result<Vec<_>, _>>()?;
    let is_no_character = |u: &Use| u.values.iter().any(|v| v.chars().count() != 1);
    if argument.taken_apart && uses.iter().any(is_no_character) {
        return Err(
            "takes single characters: argparse takes longer text apart (`extend` without `nargs`)".into()
        );
    }
    Ok(uses)
}

/// The elements of a list. A scalar is a list of one, and `{"item": …}` is what some clients make of a list.
fn elements(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) if map.len() == 1 => map.get("item").map_or(vec![value], elements),
        scalar => vec![scalar],
    }
}

pub(super) fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(b) => Ok(*b),
        Value::String(s) if s.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(s) if s.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(format!("must be true or false, not {}", shown(other))),
    }
}

fn count(value: &Value) -> Result<usize, String> {
    let number = match value {
        Value::Bool(b) => Some(u64::from(*b)),
        Value::String(s) => s.trim().parse().ok(),
        Value::Number(n) => integer(n).and_then(|digits| digits.parse().ok()),
        _ => None,
    };
    let number = number.ok_or_else(|| format!("must be an integer from 0, not {}", shown(value)))?;
    usize::try_from(number)
        .ok()
        .filter(|_| number <= MAX_COUNT)
        .ok_or_else(|| format!("must be at most {MAX_COUNT}"))
}

/// What a flag of a negatable option means.
pub(super) fn means_on(flag: &str) -> bool {
    !flag.starts_with("--no-")
}

/// The spelling of a negatable option that means `on`.
fn negatable(argument: &Argument, on: bool) -> Result<&str, String> {
    let mut flags = argument.flags.iter().filter(|flag| means_on(flag) == on);
    let flag = flags.clone().find(|f| crate::model::is_long(f)).or_else(|| flags.next());
    flag.map(String::as_str).ok_or_else(|| format!("can't be {on}: no flag means that"))
}

/// One value as a word, checked against the argument's type and choices.
fn text(argument: &Argument, value: &Value) -> Result<String, String> {
    let text = match &argument.choices {
        Some(choices) => chosen(choices, value)?,
        None => typed(argument.value_type, value)?,
    };
    if text.contains('\0') {
        return Err("holds a NUL character, which no command line can".into());
    }
    // The flag is part of the word too.
    let bytes = text.len() + argument.main_flag().map_or(0, |f| f.len() + 1);
    if bytes > MAX_WORD_BYTES {
        return Err(format!(
            "is too long: {bytes} bytes, where a program can be given {MAX_WORD_BYTES} in one word"
        ));
    }
    Ok(text)
}

fn chosen(choices: &[String], value: &Value) -> Result<String, String> {
    let text = typed(ValueType::String, value)?;
    let is_bool = value.is_boolean();
    let number = value.as_number().and_then(Number::as_f64).filter(|n| n.abs() < EXACT_FLOATS);
    let same = |choice: &&String| {
        (is_bool && choice.eq_ignore_ascii_case(&text)) || number.is_some_and(|n| choice.parse() == Ok(n))
    };
    choices.iter().find(|c| **c == text).or_else(|| choices.iter().find(same)).cloned().ok_or_else(|| {
        let names: Vec<String> = choices.iter().map(|c| format!("{c:?}")).collect();
        format!("must be one of {}, not {}", names.join(", "), shown(value))
    })
}

fn typed(value_type: ValueType, value: &Value) -> Result<String, String> {
    let wrong = |what: &str| Err(format!("must be {what}, not {}", shown(value)));
    match (value_type, value) {
        (_, Value::Null) => Err("must not hold null".into()),
        (ValueType::Integer, Value::Number(n)) => {
            integer(n).map_or_else(|| wrong("an integer (a large one as a string)"), Ok)
        }
        (ValueType::Integer, Value::String(s)) if is_integer(s) => Ok(s.clone()),
        (ValueType::Integer, _) => wrong("an integer"),
        (ValueType::Number, Value::Number(n)) => Ok(n.to_string()),
        (ValueType::Number, Value::String(s)) if s.trim().parse::<f64>().is_ok() => Ok(s.clone()),
        (ValueType::Number, _) => wrong("a number"),
        (ValueType::Boolean, Value::Bool(value)) => Ok(if *value { "True".into() } else { String::new() }),
        (ValueType::Json | ValueType::Numeric | ValueType::Boolean | ValueType::String, Value::String(s)) => {
            Ok(s.clone())
        }
        // `7.0` may be meant for Python's `int`, which doesn't take it; its `float` takes `7` too.
        (ValueType::Numeric, Value::Number(n)) => Ok(integer(n).unwrap_or_else(|| n.to_string())),
        (ValueType::Json, other) => Ok(other.to_string()),
        (ValueType::Numeric | ValueType::Boolean | ValueType::String, other) => plain(other),
    }
}

/// The word for a value of which nothing more is known than that it is one word.
fn plain(value: &Value) -> Result<String, String> {
    match value {
        Value::Number(n) if n.is_f64() && n.as_f64().is_some_and(|f| f.abs() >= EXACT_FLOATS) => {
            Err("is a number too large to be exact: send it as a string".into())
        }
        Value::Array(list) if !list.iter().any(|v| v.is_object() || v.is_array()) => match list.as_slice() {
            [only] => typed(ValueType::String, only),
            _ => Err(format!("takes one value, not {}", list.len())),
        },
        // Scalars as they are, an object or a list of objects as one compact JSON value.
        other => Ok(other.to_string()),
    }
}

/// The digits of a number that is an integer and was read exactly.
fn integer(number: &Number) -> Option<String> {
    if !number.is_f64() {
        return Some(number.to_string());
    }
    let float = number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < EXACT_FLOATS)?;
    Some(format!("{float:.0}"))
}

/// What Python's `int` takes, in decimal ASCII digits.
fn is_integer(text: &str) -> bool {
    let digits = text.trim();
    let digits = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// A value in an error message, kept short.
fn shown(value: &Value) -> String {
    /// Enough to recognise a value by, in characters.
    const MAX_SHOWN: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
