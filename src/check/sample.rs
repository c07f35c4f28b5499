//! A tool's published schema → random calls that it allows, the same for the same seed.
//!
//! What a schema can't say is kept too: at most one of an exclusive group, exactly one where one must be given, and only
//! one of the arguments that store to the same place, since there the last on the command line wins, whichever that is.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::model::{Binding, Command, Tool};

/// Texts that a command line has little to lose with.
const PLAIN: [&str; 8] = ["x", "word", "two words", "a/b.txt", "42", "3.5", "Ünïcödé ☃ 🦀", "a,b;c"];

/// Texts that a command line may take for something else.
const HOSTILE: [&str; 24] = [
    "",
    " ",
    "-",
    "--",
    "-x",
    "--help",
    "--version",
    "-1",
    "-1.5e3",
    "-1x",
    "--no-such=1",
    "=",
    "a=b",
    "=a",
    "@x",
    "@",
    "+x",
    "line\nbreak",
    "tab\there",
    "'single' \"double\"",
    "$HOME `id` $(id)",
    "%s %(prog)s {}",
    "* ? [a-z]",
    "-- -x",
];

/// Tries for each call that is wanted: few arguments make few different calls.
const ROUNDS_A_CALL: usize = 4;

/// Numbers of elements in a list without bounds.
const LENGTHS: [u64; 6] = [1, 1, 1, 2, 2, 3];

/// A small generator of random numbers (SplitMix64): no more is needed than that calls differ.
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    /// A generator for one tool: the same for the same seed and name, wherever the tool stands in a list.
    pub(super) fn new(seed: u64, name: &str) -> Rng {
        let mixed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Rng(seed ^ mixed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Calls of a tool, none twice: the least one, then half with plain words and half with hostile ones.
pub(super) fn calls(tool: &Tool, chain: &[&Command], seed: u64, count: usize) -> Vec<Map<String, Value>> {
    let mut rng = Rng::new(seed, &tool.name);
    let turn = rng.below(HOSTILE.len());
    let mut sampler = Sampler { rng, tool, chain, hostile: false, turn };
    let mut calls: Vec<Map<String, Value>> = Vec::new();
    for round in 0..count.saturating_mul(ROUNDS_A_CALL) {
        if calls.len() == count {
            break;
        }
        sampler.hostile = round % 2 == 1;
        let chance = if round == 0 { 0 } else { 45 };
        let call = sampler.call(chance);
        if !calls.contains(&call) {
            calls.push(call);
        }
    }
    calls
}

struct Sampler<'a> {
    rng: Rng,
    tool: &'a Tool,
    chain: &'a [&'a Command],
    hostile: bool,
    /// Texts take turns, so that none is missed for long.
    turn: usize,
}

impl Sampler<'_> {
    fn call(&mut self, chance: usize) -> Map<String, Value> {
        let mut chosen: Vec<usize> = Vec::new();
        self.ungrouped(chance, &mut chosen);
        self.grouped(chance, &mut chosen);
        self.drop_rivals(&mut chosen);
        let mut call = Map::new();
        let given = self.tool.bindings.iter().enumerate().filter(|(index, _)| chosen.contains(index));
        for (_, binding) in given {
            let schema = &self.tool.input_schema["properties"][&binding.property];
            call.insert(binding.property.clone(), self.value(schema, true));
        }
        call
    }

    /// Chooses among what is in no group.
    fn ungrouped(&mut self, chance: usize, chosen: &mut Vec<usize>) {
        for (index, binding) in self.tool.bindings.iter().enumerate() {
            let alone = self.groups(binding).next().is_none();
            if alone && (is_required(self.tool, binding) || self.rng.chance(chance)) {
                chosen.push(index);
            }
        }
    }

    fn grouped(&mut self, chance: usize, chosen: &mut Vec<usize>) {
        for (depth, command) in self.chain.iter().enumerate() {
            for group in &command.exclusive {
                let of = |(_, b): &(usize, &Binding)| b.depth == depth && group.members.contains(&b.index);
                let members: Vec<usize> =
                    self.tool.bindings.iter().enumerate().filter(of).map(|(index, _)| index).collect();
                let must = members.iter().copied().find(|i| is_required(self.tool, &self.tool.bindings[*i]));
                let one = match must {
                    Some(index) => Some(index),
                    None if members.is_empty() || !(group.required || self.rng.chance(chance)) => None,
                    None => Some(*self.rng.of(&members)),
                };
                chosen.extend(one.filter(|index| !chosen.contains(index)));
            }
        }
    }

    /// Leaves one of those that store to one place, the required one where there is one.
    fn drop_rivals(&self, chosen: &mut Vec<usize>) {
        let mut taken = BTreeSet::new();
        chosen.sort_by_key(|index| (!self.is_needed(*index), *index));
        chosen.retain(|index| {
            let binding = &self.tool.bindings[*index];
            let dest = self.chain[binding.depth].arguments[binding.index].dest.as_ref();
            dest.is_none_or(|dest| taken.insert((binding.depth, dest.clone()))) || self.is_needed(*index)
        });
    }

    /// Whether a call without it may not be allowed.
    fn is_needed(&self, index: usize) -> bool {
        let binding = &self.tool.bindings[index];
        is_required(self.tool, binding) || self.groups(binding).any(|group| group.required)
    }

    fn groups(&self, binding: &Binding) -> impl Iterator<Item = &crate::model::ExclusiveGroup> {
        let of = binding.index;
        let command: &Command = self.chain[binding.depth];
        command.exclusive.iter().filter(move |group| group.members.contains(&of))
    }

    fn value(&mut self, schema: &Value, at_top: bool) -> Value {
        if at_top && self.hostile && self.rng.chance(15) {
            let listed = |default: &&Value| schema["enum"].as_array().is_none_or(|all| all.contains(default));
            // argparse doesn't check defaults, so one may be no choice.
            if let Some(default) = schema.get("default").filter(listed) {
                return default.clone();
            }
        }
        if let Some(all) = schema["anyOf"].as_array().filter(|all| !all.is_empty()) {
            let one = self.rng.of(all);
            return self.value(one, false);
        }
        if let Some(choices) = schema["enum"].as_array().filter(|all| !all.is_empty()) {
            return self.rng.of(choices).clone();
        }
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        match schema["type"].as_str() {
            Some("boolean") => json!(self.rng.chance(75)),
            Some("integer") if schema["minimum"].is_u64() => json!(self.rng.below(4)),
            Some("integer") => json!(*self.rng.of(&[0, 7, 1, -5, 123_456_789, i64::MAX, i64::MIN])),
            Some("number") => json!(*self.rng.of(&[0.5, 3.0, -2.25, 1e-7, 1e21, 0.1])),
            Some("object") => json!({"key": *self.rng.of(&PLAIN), "list": [1, 2.5, null, true]}),
            Some("array") => self.list(schema),
            _ => json!(cut(self.text(), &schema["maxLength"])),
        }
    }

    fn text(&mut self) -> &'static str {
        self.turn += 1;
        if self.hostile { HOSTILE[self.turn % HOSTILE.len()] } else { PLAIN[self.turn % PLAIN.len()] }
    }

    fn list(&mut self, schema: &Value) -> Value {
        let min = schema["minItems"].as_u64().unwrap_or(0);
        let max = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
        let empty = self.hostile && self.rng.chance(10);
        let wish = if empty { 0 } else { *self.rng.of(&LENGTHS) };
        (0..wish.clamp(min, max)).map(|_| self.value(&schema["items"], false)).collect()
    }
}

/// The text within the characters that it may have.
fn cut<'a>(text: &'a str, most: &Value) -> &'a str {
    let most = most.as_u64().and_then(|most| usize::try_from(most).ok());
    let end = most.and_then(|most| text.char_indices().nth(most)).map_or(text.len(), |(end, _)| end);
    &text[..end]
}

fn is_required(tool: &Tool, binding: &Binding) -> bool {
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    required.is_some_and(|all| all.iter().any(|one| one == binding.property.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{help, schema};

    const PAGE: &str = "usage: p [-h] [--text TEXT] [--count {1,2}] [-v] [--flag] (--left L | --right R) [--two A B] [--maybe [M]]\n         file [more ...]\n\npositional arguments:\n  file\n  more\n\noptions:\n  -h, --help     show this help message and exit\n  --text TEXT    some text (default: none)\n  --count {1,2}  how many (default: 1)\n  -v             more\n  --flag         on\n  --left L\n  --right R\n  --two A B\n  --maybe [M]\n";

    #[test]
    fn calls_are_what_the_schema_allows() {
        let root = help::parse(PAGE, &[]);
        let tools = schema::tools("p", &root, &std::collections::BTreeMap::new()).tools;
        let chain = root.chain(&[]).unwrap();
        let validator = jsonschema::validator_for(&Value::Object(tools[0].input_schema.clone())).unwrap();
        let calls = calls(&tools[0], &chain, 7, 200);
        assert_eq!(calls.len(), 200);
        for call in &calls {
            let value = Value::Object(call.clone());
            assert!(validator.is_valid(&value), "{value}");
            assert!(call.contains_key("left") ^ call.contains_key("right"), "one of the group: {value}");
        }
        let given = |name: &str| calls.iter().filter(|call| call.contains_key(name)).count();
        for property in ["text", "count", "v", "flag", "left", "right", "two", "maybe", "more"] {
            assert!((20..=180).contains(&given(property)), "{property}: {}", given(property));
        }
        let said = |text: &str| calls.iter().any(|call| call.values().any(|value| *value == text));
        assert!(HOSTILE.iter().all(|text| said(text)), "every hostile text has its turn");
    }

    #[test]
    fn the_first_call_is_the_least() {
        let root = help::parse(PAGE, &[]);
        let tools = schema::tools("p", &root, &std::collections::BTreeMap::new()).tools;
        let least = &calls(&tools[0], &root.chain(&[]).unwrap(), 7, 1)[0];
        assert_eq!(least.len(), 2, "the file and one of the group: {least:?}");
    }
}
