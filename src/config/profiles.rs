//! Which files hold the profiles, and which variables their keys.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli;
use crate::profile::{self, Document, Profiles};

use super::{ConfigError, Environment};

/// The largest profile file that is read, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;

/// A key that opens one profile and no other.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfileKey {
    /// The key.
    pub key: String,
    /// The profile's name.
    pub profile: String,
}

impl std::fmt::Debug for ProfileKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProfileKey").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// The profiles, where anything speaks of them.
pub(super) fn resolve(
    typed: &cli::Profiles,
    environment: Environment,
) -> Result<Option<Arc<Profiles>>, ConfigError> {
    let path = typed.profiles.clone().map(|p| ("--profiles", p));
    let path = path.or_else(|| environment("SMCP_PROFILES").map(|p| ("SMCP_PROFILES", PathBuf::from(p))));
    let first = typed.profile.clone().map(|name| ("--profile", name));
    let first =
        first.or_else(|| environment("SMCP_ATTACH_PROFILE").map(|name| ("SMCP_ATTACH_PROFILE", name)));
    let admin_prefix = environment("SMCP_ADMIN_PREFIX");
    if path.is_none() && first.is_none() && admin_prefix.is_none() {
        return Ok(None);
    }
    let documents = match &path {
        Some((name, path)) => read(name, path)?,
        None => Vec::new(),
    };
    let wanted = first.as_ref().map(|(_, name)| name.trim());
    let profiles = Profiles::of(documents, admin_prefix.as_deref(), wanted).map_err(|error| {
        let unknown =
            matches!(&error, profile::ProfileError::Unknown { name, .. } if Some(name.as_str()) == wanted);
        let origin = match (&first, &path) {
            (Some((origin, _)), _) if unknown => (*origin).to_owned(),
            (_, Some((_, path))) => path.display().to_string(),
            (Some((origin, _)), None) => (*origin).to_owned(),
            (None, None) => "SMCP_ADMIN_PREFIX".to_owned(),
        };
        ConfigError::Profiles { origin, error }
    })?;
    Ok(Some(Arc::new(profiles)))
}

/// The documents of a file, or of all `*.json` files in a directory, in the order of names.
fn read(name: &'static str, path: &Path) -> Result<Vec<Document>, ConfigError> {
    if !path.is_dir() {
        return Ok(vec![read_file(name, path)?]);
    }
    let entries = fs::read_dir(path).map_err(|e| unreadable(name, path, e.to_string()))?;
    let files = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut files: Vec<PathBuf> = files.filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    if files.is_empty() {
        return Err(unreadable(name, path, "the directory has no `*.json` file".into()));
    }
    files.iter().map(|file| read_file(name, file)).collect()
}

fn unreadable(name: &'static str, path: &Path, reason: String) -> ConfigError {
    ConfigError::Unreadable { name, path: path.display().to_string(), reason }
}

fn read_file(name: &'static str, path: &Path) -> Result<Document, ConfigError> {
    let unreadable = |reason| unreadable(name, path, reason);
    let file = fs::File::open(path).map_err(|e| unreadable(e.to_string()))?;
    let mut text = String::new();
    file.take(SIZE_LIMIT + 1).read_to_string(&mut text).map_err(|e| unreadable(e.to_string()))?;
    if text.len() as u64 > SIZE_LIMIT {
        return Err(unreadable(format!("it has more than {SIZE_LIMIT} bytes")));
    }
    profile::parse(&text).map_err(|error| ConfigError::Profiles { origin: path.display().to_string(), error })
}

/// The keys of all profiles. Each must be there, and be the key of one thing only.
pub(super) fn keys(
    profiles: Option<&Profiles>,
    others: &[String],
    environment: Environment,
) -> Result<Vec<ProfileKey>, ConfigError> {
    let mut found: Vec<ProfileKey> = Vec::new();
    for profile in profiles.into_iter().flat_map(Profiles::iter) {
        for variable in &profile.keys {
            let names = || (profile.name.clone(), variable.clone());
            let key = environment(variable).map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
            let key = key.ok_or_else(|| {
                let (profile, variable) = names();
                ConfigError::NoProfileKey { profile, variable }
            })?;
            if others.contains(&key) || found.iter().any(|other| other.key == key) {
                let (profile, variable) = names();
                return Err(ConfigError::SameKey { profile, variable });
            }
            found.push(ProfileKey { key, profile: profile.name.clone() });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        r#"{"profiles": {"reader": {"mode": "prefix", "prefix": "a__", "keys": ["READER_KEY"]}}}"#;

    fn resolved(
        typed: &cli::Profiles,
        variables: &[(&str, &str)],
    ) -> Result<(Option<Arc<Profiles>>, Vec<ProfileKey>), ConfigError> {
        let environment =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let profiles = resolve(typed, &environment)?;
        let keys = keys(profiles.as_deref(), &["other".into()], &environment)?;
        Ok((profiles, keys))
    }

    #[test]
    fn off_unless_something_speaks_of_profiles() {
        let none = cli::Profiles::default();
        assert!(resolved(&none, &[]).unwrap().0.is_none());
        let admin = resolved(&none, &[("SMCP_ADMIN_PREFIX", "a__")]).unwrap().0.unwrap();
        assert!(admin.first().is_full() && admin.get("admin").unwrap().admits("a__x"));
        let first = [("SMCP_ADMIN_PREFIX", "a__"), ("SMCP_ATTACH_PROFILE", "admin")];
        assert_eq!(resolved(&none, &first).unwrap().0.unwrap().first().name, "admin");
        let typed = cli::Profiles { profile: Some("full".into()), ..cli::Profiles::default() };
        assert!(resolved(&typed, &first).unwrap().0.unwrap().first().is_full(), "a flag beats a variable");
    }

    #[test]
    fn files_directories_and_keys() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::write(path.join("one.json"), TEXT).unwrap();
        fs::write(path.join("two.json"), r#"{"profiles": {"x": {"mode": "all"}}}"#).unwrap();
        fs::write(path.join("notes.txt"), "{").unwrap();
        let variables = [("SMCP_PROFILES", path.to_str().unwrap()), ("READER_KEY", " secret ")];
        let (profiles, keys) = resolved(&cli::Profiles::default(), &variables).unwrap();
        let names: Vec<String> = profiles.unwrap().iter().map(|p| p.name.clone()).collect();
        assert_eq!(names, ["full", "reader", "x"]);
        assert_eq!(keys, [ProfileKey { key: "secret".into(), profile: "reader".into() }]);
        assert!(!format!("{keys:?}").contains("secret"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("profiles.json");
        let shown = file.display().to_string();
        let message = |text: &str, variables: &[(&str, &str)]| {
            fs::write(&file, text).unwrap();
            let typed = cli::Profiles { profiles: Some(file.clone()), profile: None };
            resolved(&typed, variables).map(|_| ()).unwrap_err().to_string()
        };
        assert!(message("[]", &[]).starts_with(&format!("{shown}: ")));
        assert_eq!(
            message(TEXT, &[("SMCP_ATTACH_PROFILE", "rader")]),
            "SMCP_ATTACH_PROFILE: there is no profile `rader`; there are full, reader"
        );
        assert_eq!(
            message(TEXT, &[]),
            "profile `reader`: its key is to be in the variable READER_KEY, which is not set"
        );
        let same = message(TEXT, &[("READER_KEY", "other")]);
        assert!(same.contains("READER_KEY") && !same.contains("`other`"), "{same}");
        let typed = cli::Profiles { profiles: Some("/nowhere.json".into()), profile: None };
        assert!(resolved(&typed, &[]).unwrap_err().to_string().starts_with("--profiles: /nowhere.json: "));
        let set = [("SMCP_PROFILES", "/nowhere.json")];
        let error = resolved(&cli::Profiles::default(), &set).unwrap_err().to_string();
        assert!(error.starts_with("SMCP_PROFILES: /nowhere.json: "), "{error}");
        fs::remove_file(&file).unwrap();
        let typed = cli::Profiles { profiles: Some(directory.path().into()), profile: None };
        assert!(resolved(&typed, &[]).unwrap_err().to_string().contains("no `*.json` file"));
    }
}
