//! Classes of words → how many of them each positional takes.
//!
//! argparse puts one regular expression together for its positionals (`_match_arguments_partial`, of `_get_nargs_pattern`) and
//! matches it against a letter for each word: `A` (plain), `O` (option) or `-` (`--`). What can match one positional is always a
//! range of lengths, and the expression prefers the longer; so the same is found here without an expression, in which
//! numbers (`nargs=10000`) would be written out.

use std::collections::HashSet;

use crate::model::Arity;

/// Words that are looked at in vain, beside a number in proportion to positionals and words: what needs more fits nowhere, so
/// that it is refused, and no call can keep a processor busy.
const MAX_WORK: usize = 1_000_000;

/// How many words each positional takes, as many positionals as fit one after the other: the longest run of them that does.
pub(super) fn fit(arities: &[Arity], words: &str) -> Vec<usize> {
    let whole = all(arities, words);
    whole.or_else(|most| all(&arities[..most], words)).unwrap_or_default()
}

/// The same for all of them; an error tells how many of them fit, or none where that takes too long to find out.
fn all(arities: &[Arity], words: &str) -> Result<Vec<usize>, usize> {
    // The least that each positional takes, and what it takes.
    let mut taken: Vec<(usize, usize)> = Vec::new();
    let (mut at, mut most) = (0, 0);
    let mut work = MAX_WORK + 8 * arities.len() * (words.len() + 1);
    // From where the rest is known not to fit.
    let mut lost = HashSet::new();
    while let Some(arity) = arities.get(taken.len()) {
        let is_lost = lost.contains(&(taken.len(), at));
        work = work.checked_sub(if is_lost { 1 } else { words.len() - at + 1 }).ok_or(0_usize)?;
        let range = if is_lost { None } else { range(*arity, &words[at..]) };
        if let Some((least, longest)) = range {
            taken.push((least, longest));
            at += longest;
            most = most.max(taken.len());
            continue;
        }
        lost.insert((taken.len(), at));
        at = shorten(&mut taken, at, &mut lost).ok_or(most)?;
    }
    Ok(taken.into_iter().map(|(_, count)| count).collect())
}

/// Takes a word from the last positional that has more than it must, and all from those after it; where the next begins.
fn shorten(
    taken: &mut Vec<(usize, usize)>,
    mut at: usize,
    lost: &mut HashSet<(usize, usize)>,
) -> Option<usize> {
    loop {
        let (least, count) = taken.last_mut()?;
        if *count > *least {
            *count -= 1;
            return Some(at - 1);
        }
        at -= *count;
        taken.pop();
        lost.insert((taken.len(), at));
    }
}

/// The least and the most words that a positional takes at the head of these; `None` where they are not for it.
fn range(arity: Arity, words: &str) -> Option<(usize, usize)> {
    let words = words.as_bytes();
    let dashes = |at: usize| words[at..].iter().take_while(|class| **class == b'-').count();
    let lead = dashes(0);
    // Up to a plain word and including it.
    let first = (words.get(lead) == Some(&b'A')).then_some(lead + 1);
    let plain = || words.iter().take_while(|class| **class != b'O').count();
    match arity {
        // `(-*-*)`
        Arity::Zero => Some((0, lead)),
        // `(-*A-*)`
        Arity::One | Arity::Exactly(0 | 1) => first.map(|end| (end, end + dashes(end))),
        // `(-*A?-*)`
        Arity::Optional => Some((0, first.map_or(lead, |end| end + dashes(end)))),
        // `(-*[A-]*)`
        Arity::ZeroOrMore | Arity::Untold => Some((0, plain())),
        // `(-*A[A-]*)`
        Arity::OneOrMore => first.map(|end| (end, plain())),
        // `(-*A-*A-*)` and so on
        Arity::Exactly(n) => {
            let plains = words[..plain()].iter().enumerate().filter(|(_, class)| **class == b'A');
            plains.map(|(at, _)| at + 1).nth(n - 1).map(|end| (end, end + dashes(end)))
        }
        // `([-AO]*)`
        Arity::Remainder => Some((0, words.len())),
        // `(-*A[-AO]*)`
        Arity::Parser => first.map(|end| (end, words.len())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    /// `_get_nargs_pattern`, as argparse writes it.
    fn expression(arity: Arity) -> String {
        match arity {
            Arity::Zero => "(-*-*)".into(),
            Arity::One => "(-*A-*)".into(),
            Arity::Optional => "(-*A?-*)".into(),
            Arity::ZeroOrMore | Arity::Untold => "(-*[A-]*)".into(),
            Arity::OneOrMore => "(-*A[A-]*)".into(),
            Arity::Exactly(n) => format!("(-*{}-*)", vec!["A"; n].join("-*")),
            Arity::Remainder => "([-AO]*)".into(),
            Arity::Parser => "(-*A[-AO]*)".into(),
        }
    }

    /// `_match_arguments_partial`
    fn expected(arities: &[Arity], words: &str) -> Vec<usize> {
        let matched = |count: usize| {
            let parts: String = arities[..count].iter().map(|arity| expression(*arity)).collect();
            let found = Regex::new(&format!("^{parts}")).unwrap().captures(words)?;
            Some(found.iter().skip(1).flatten().map(|m| m.len()).collect())
        };
        (1..=arities.len()).rev().find_map(matched).unwrap_or_default()
    }

    fn arity() -> impl Strategy<Value = Arity> {
        prop_oneof![
            Just(Arity::Zero),
            Just(Arity::One),
            Just(Arity::Optional),
            Just(Arity::ZeroOrMore),
            Just(Arity::OneOrMore),
            (2_usize..5).prop_map(Arity::Exactly),
            Just(Arity::Remainder),
            Just(Arity::Parser),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn as_the_expression_matches(
            arities in prop::collection::vec(arity(), 0..6),
            words in "[AAAO-]{0,12}",
        ) {
            prop_assert_eq!(fit(&arities, &words), expected(&arities, &words), "{:?} {}", arities, words);
        }
    }

    #[test]
    fn many_that_do_not_fit_take_no_time() {
        let mut arities = vec![Arity::ZeroOrMore; 10];
        arities.push(Arity::Exactly(301));
        assert_eq!(fit(&arities, &"A".repeat(300)).len(), 10);
        // What would take millions of tries is refused.
        let mut arities = vec![Arity::ZeroOrMore; 30];
        arities.push(Arity::Exactly(20_001));
        assert_eq!(fit(&arities, &"A".repeat(20_000)), Vec::<usize>::new());
        assert_eq!(fit(&[Arity::Exactly(100_000)], &"A".repeat(100_000)), [100_000]);
    }
}
