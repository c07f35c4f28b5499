//! Profiles: named choices of tools, and the JSON files that define them.
//!
//! JSON text → [`Document`] → [`Profiles`], checked as a whole. Pure: [`crate::config`] reads the files and the keys.
//!
//! ```
//! let text = r#"{"profiles": {"reader": {"mode": "prefix", "prefix": "notes__"}}}"#;
//! let document = smcp::profile::parse(text).expect("it is a document");
//! let profiles = smcp::profile::Profiles::of(vec![document], None, Some("reader")).expect("it is sound");
//! assert!(profiles.first().admits("notes__list") && !profiles.first().admits("mail__send"));
//! ```

mod document;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::text;

pub use document::{Definition, Document, IntentHint, Mode, OneOrMany, parse, schema};

/// The profile that holds every tool; it is always there, unless a file defines it anew.
pub const FULL: &str = "full";

/// The profile of the tools that begin with `SMCP_ADMIN_PREFIX`.
pub const ADMIN: &str = "admin";

/// Characters of a profile's name, which stands in paths.
const NAME_LIMIT: usize = 64;

/// What is wrong with profiles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// A document that can't be read.
    #[error("{0}")]
    Syntax(String),
    /// A name that can't stand in a path.
    #[error(
        "profile `{0}`: a name has 1 to {NAME_LIMIT} letters, digits, `-`, `_` and `.`, and not only dots"
    )]
    Name(String),
    /// Two documents define the same profile.
    #[error("profile `{0}` is defined twice")]
    Twice(String),
    /// Two documents name a default.
    #[error("`default_profile` is both `{0}` and `{1}`")]
    TwoDefaults(String, String),
    /// A definition that does not fit its mode.
    #[error("profile `{profile}`: mode `{mode}` {problem}")]
    Fields {
        /// The profile.
        profile: String,
        /// Its mode.
        mode: &'static str,
        /// What it lacks, or has too much.
        problem: String,
    },
    /// A pattern that is none.
    #[error("profile `{profile}`: pattern {reason}")]
    Pattern {
        /// The profile.
        profile: String,
        /// What is wrong with which pattern.
        reason: String,
    },
    /// Something else than a variable's name for a key: likely the key itself, which is not shown then.
    #[error("profile `{0}`: one of its `keys` is no name of a variable; the key itself does not belong here")]
    Key(String),
    /// A profile that nobody defines.
    #[error("there is no profile `{name}`; there are {}", .known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
}

/// A named choice of tools.
#[derive(Debug)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The variables that hold the keys which open this profile and no other.
    pub keys: Vec<String>,
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    All,
    Prefix(Vec<String>),
    Glob(GlobSet),
    Explicit(BTreeSet<String>),
}

impl Profile {
    /// Whether it holds the tool of that listed name.
    pub fn admits(&self, tool: &str) -> bool {
        match &self.rule {
            Rule::All => true,
            Rule::Prefix(prefixes) => prefixes.iter().any(|prefix| tool.starts_with(prefix)),
            Rule::Glob(globs) => globs.is_match(tool),
            Rule::Explicit(names) => names.contains(tool),
        }
    }

    /// Whether it holds every tool.
    pub fn is_full(&self) -> bool {
        matches!(self.rule, Rule::All)
    }

    /// The tools that it names one by one.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let names = match &self.rule {
            Rule::Explicit(names) => Some(names),
            _ => None,
        };
        names.into_iter().flatten().map(String::as_str)
    }

    fn of(name: String, definition: Definition) -> Result<Profile, ProfileError> {
        let only_dots = name.bytes().all(|b| b == b'.');
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if only_dots || name.len() > NAME_LIMIT || !name.bytes().all(fits) {
            return Err(ProfileError::Name(name));
        }
        let rule = rule(&name, &definition)?;
        let keys = definition.keys.to_vec();
        if keys.iter().any(|key| !text::is_variable(key)) {
            return Err(ProfileError::Key(name));
        }
        Ok(Profile { name, description: definition.description, keys, rule })
    }
}

fn rule(profile: &str, definition: &Definition) -> Result<Rule, ProfileError> {
    let fields = |problem: String| ProfileError::Fields {
        profile: profile.to_owned(),
        mode: definition.mode.as_str(),
        problem,
    };
    let given = [
        ("tools", definition.tools.len()),
        ("prefix", definition.prefix.len()),
        ("pattern", definition.pattern.len()),
    ];
    let wanted = definition.mode.field();
    for (field, count) in given {
        if Some(field) == wanted && count == 0 {
            return Err(fields(format!("needs `{field}`")));
        }
        if Some(field) != wanted && count > 0 {
            return Err(fields(format!("takes no `{field}`")));
        }
    }
    Ok(match definition.mode {
        Mode::All => Rule::All,
        Mode::Prefix => Rule::Prefix(definition.prefix.to_vec()),
        Mode::Glob => Rule::Glob(globs(profile, &definition.pattern)?),
        // A tool may be named by its dotted form, as in calls.
        Mode::Explicit => Rule::Explicit(definition.tools.iter().map(|t| t.replace('.', "__")).collect()),
    })
}

fn globs(profile: &str, patterns: &[String]) -> Result<GlobSet, ProfileError> {
    let mut set = GlobSetBuilder::new();
    let fault =
        |e: globset::Error| ProfileError::Pattern { profile: profile.to_owned(), reason: e.to_string() };
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(fault)?);
    }
    set.build().map_err(fault)
}

/// All profiles, and the one that a client without a wish of its own gets.
#[derive(Debug)]
pub struct Profiles {
    all: BTreeMap<String, Arc<Profile>>,
    first: Arc<Profile>,
    hints: Vec<IntentHint>,
}

impl Profiles {
    /// Puts documents together. `admin_prefix` makes the profile `admin` where no document has one. `wanted` is the
    /// profile that clients begin with; without it the documents' `default_profile` is, or else `full`.
    pub fn of(
        documents: Vec<Document>,
        admin_prefix: Option<&str>,
        wanted: Option<&str>,
    ) -> Result<Profiles, ProfileError> {
        let mut all = BTreeMap::new();
        let mut default: Option<String> = None;
        let mut hints = Vec::new();
        for document in documents {
            for (name, definition) in document.profiles {
                let profile = Arc::new(Profile::of(name.clone(), definition)?);
                if all.insert(name.clone(), profile).is_some() {
                    return Err(ProfileError::Twice(name));
                }
            }
            match (&default, document.default_profile) {
                (Some(one), Some(other)) if *one != other => {
                    return Err(ProfileError::TwoDefaults(one.clone(), other));
                }
                (_, Some(named)) => default = Some(named),
                (_, None) => {}
            }
            hints.extend(document.intent_hints);
        }
        let built_in =
            [(FULL, Some(Rule::All)), (ADMIN, admin_prefix.map(|p| Rule::Prefix(vec![p.to_owned()])))];
        for (name, rule) in built_in {
            if let Some(rule) = rule {
                let profile = Profile { name: name.to_owned(), description: None, keys: Vec::new(), rule };
                all.entry(name.to_owned()).or_insert_with(|| Arc::new(profile));
            }
        }
        let first = wanted.or(default.as_deref()).unwrap_or(FULL);
        let first = find(&all, first)?;
        Ok(Profiles { all, first, hints })
    }

    /// The profile that a client without a wish of its own gets.
    pub fn first(&self) -> &Arc<Profile> {
        &self.first
    }

    /// The profile of that name.
    pub fn get(&self, name: &str) -> Result<Arc<Profile>, ProfileError> {
        find(&self.all, name)
    }

    /// All of them, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Profile>> {
        self.all.values()
    }

    /// Which tool serves which intent.
    pub fn hints(&self) -> &[IntentHint] {
        &self.hints
    }
}

fn find(all: &BTreeMap<String, Arc<Profile>>, name: &str) -> Result<Arc<Profile>, ProfileError> {
    all.get(name).cloned().ok_or_else(|| ProfileError::Unknown {
        name: text::head(&text::plain(name), NAME_LIMIT).to_owned(),
        known: all.keys().cloned().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles(text: &str, wanted: Option<&str>) -> Result<Profiles, ProfileError> {
        Profiles::of(vec![parse(text)?], Some("adm__"), wanted)
    }

    fn message(text: &str) -> String {
        profiles(text, None).expect_err("it is refused").to_string()
    }

    #[test]
    fn each_mode_admits_what_it_says() {
        let text = r#"{"profiles": {
            "a": {"mode": "all"},
            "p": {"mode": "prefix", "prefix": ["mail__", "cal"]},
            "g": {"mode": "glob", "patterns": ["*__get-*", "x?"]},
            "e": {"mode": "explicit", "tools": ["mail__send", "cal.list"]}
        }}"#;
        let profiles = profiles(text, None).unwrap();
        for (tool, expected) in [
            ("mail__send", "aep"),
            ("mail__get-one", "agp"),
            ("cal__list", "aep"),
            ("xy", "ag"),
            ("xyz", "a"),
            ("adm__x", "Aa"),
            ("MAIL__send", "a"),
        ] {
            let mut found = String::new();
            for (name, mark) in [("admin", 'A'), ("a", 'a'), ("e", 'e'), ("g", 'g'), ("p", 'p')] {
                if profiles.get(name).unwrap().admits(tool) {
                    found.push(mark);
                }
            }
            assert_eq!(found, expected, "{tool}");
        }
        assert_eq!(profiles.get("e").unwrap().named().collect::<Vec<_>>(), ["cal__list", "mail__send"]);
    }

    #[test]
    fn the_first_profile_is_the_wanted_one_then_the_default_then_all() {
        let text = r#"{"default_profile": "a", "profiles": {"a": {"mode": "prefix", "prefix": "a"}}}"#;
        assert_eq!(profiles(text, Some("admin")).unwrap().first().name, "admin");
        assert_eq!(profiles(text, None).unwrap().first().name, "a");
        assert!(Profiles::of(vec![], None, None).unwrap().first().is_full());
        let unknown = profiles(text, Some("b")).unwrap_err().to_string();
        assert_eq!(unknown, "there is no profile `b`; there are a, admin, full");
        let own = r#"{"profiles": {"admin": {"mode": "explicit", "tools": ["x"]}}}"#;
        assert!(profiles(own, None).unwrap().get("admin").unwrap().admits("x"), "a document's own wins");
    }

    #[test]
    fn faults_are_named() {
        for (text, expected) in [
            ("{", "EOF while parsing"),
            (r#"{"profiles": {}, "profile": 1}"#, "unknown field `profile`"),
            (r#"{"profiles": {"a": {"mode": "all", "tool": []}}}"#, "unknown field `tool`"),
            (r#"{"profiles": {"a": {"mode": "some"}}}"#, "unknown variant `some`"),
            (r#"{"profiles": {"a/b": {"mode": "all"}}}"#, "profile `a/b`: a name has"),
            (r#"{"profiles": {"..": {"mode": "all"}}}"#, "profile `..`: a name has"),
            (r#"{"profiles": {"": {"mode": "all"}}}"#, "profile ``: a name has"),
            (r#"{"profiles": {"a": {"mode": "prefix"}}}"#, "mode `prefix` needs `prefix`"),
            (r#"{"profiles": {"a": {"mode": "all", "tools": ["x"]}}}"#, "mode `all` takes no `tools`"),
            (
                r#"{"profiles": {"a": {"mode": "glob", "pattern": "[a"}}}"#,
                "profile `a`: pattern error parsing glob",
            ),
            (r#"{"profiles": {}, "default_profile": "z"}"#, "there is no profile `z`"),
        ] {
            let found = message(text);
            assert!(found.contains(expected), "{text}: {found}");
        }
        let one = || parse(r#"{"profiles": {"a": {"mode": "all"}}, "default_profile": "a"}"#).unwrap();
        let other = parse(r#"{"profiles": {}, "default_profile": "full"}"#).unwrap();
        let twice = Profiles::of(vec![one(), one()], None, None).unwrap_err();
        assert_eq!(twice, ProfileError::Twice("a".into()));
        let defaults = Profiles::of(vec![one(), other], None, None).unwrap_err();
        assert_eq!(defaults, ProfileError::TwoDefaults("a".into(), "full".into()));
    }
}
