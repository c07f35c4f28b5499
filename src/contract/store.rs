//! The schemas directory: reading, checking and atomically writing contracts, fingerprints and help pages.
//!
//! Whatever is wrong with a file that is read is a value with a reason; whoever asked goes on without it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::fingerprint::digest;
use super::{Contract, FORMAT_VERSION, Fingerprint, check, files};

/// The largest file that is read, in bytes: the largest real contracts (hundreds of commands) have a tenth of it.
const MAX_SIZE: u64 = 64 * 1024 * 1024;

/// What is cache, and may be thrown away.
const CACHE: &str = ".cache";

/// The directory of contracts.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

/// Why a contract that is there can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// It can't be read.
    #[error("the contract `{}` can't be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was written by a later version of this program.
    #[error("the contract `{}` has format {found}, this version knows {FORMAT_VERSION}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// It was cut short or edited.
    #[error("the contract `{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// A contract that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// What it says.
    pub contract: Contract,
    digest: String,
}

/// The file of a fingerprint.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Cached {
    /// The digest of the contract file that it belongs to.
    contract: String,
    fingerprint: Fingerprint,
    /// What the interpreter does to a value that is `--` (see [`crate::model::ParserTraits`]).
    keeps_double_dash: Option<bool>,
}

impl Store {
    /// A store in that directory, which need not exist.
    pub fn new(directory: &Path) -> Store {
        Store { directory: directory.to_owned() }
    }

    /// Where a plugin's contract is.
    pub fn contract_path(&self, plugin: &str) -> PathBuf {
        self.directory.join(format!("{plugin}.json"))
    }

    fn cache_path(&self, plugin: &str) -> PathBuf {
        self.directory.join(CACHE).join(format!("{plugin}.json"))
    }

    fn pages_path(&self, plugin: &str) -> PathBuf {
        self.directory.join(CACHE).join("pages").join(format!("{plugin}.json"))
    }

    /// The plugin's contract; `None` where there is none.
    pub fn read(&self, plugin: &str) -> Result<Option<Known>, ContractError> {
        let path = self.contract_path(plugin);
        let bytes = match files::read(&path, MAX_SIZE) {
            Ok(bytes) => bytes,
            // Where the directory is none there is no contract; that it can't be written is told once.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(source) => return Err(ContractError::Unreadable { path, source }),
        };
        let damaged = |reason: String| ContractError::Damaged { path: path.clone(), reason };
        let read = serde_json::from_slice::<Contract>(&bytes);
        // A newer format may be one that can't be read as this one: only then the version is looked for by itself.
        let version = match &read {
            Ok(contract) => Some(contract.format_version.into()),
            Err(_) => serde_json::from_slice(&bytes).ok().map(|Version { format_version }| format_version),
        };
        if let Some(found) = version.filter(|found| *found > FORMAT_VERSION.into()) {
            return Err(ContractError::Newer { path, found });
        }
        let mut contract = read.map_err(|error| damaged(error.to_string()))?;
        if contract.plugin != plugin {
            return Err(damaged(format!("it is the contract of `{}`", contract.plugin)));
        }
        check::check(&contract).map_err(damaged)?;
        let digest = digest(&bytes);
        let cached = self.cached(plugin, &digest);
        contract.shrink();
        contract.command.parser.keeps_double_dash = cached.and_then(|cached| cached.keeps_double_dash);
        Ok(Some(Known { contract, digest }))
    }

    /// The fingerprint under which the plugin's contract was true. A missing or damaged one is no fault: it is cache.
    pub fn fingerprint(&self, plugin: &str, known: Option<&Known>) -> Option<Fingerprint> {
        Some(self.cached(plugin, &known?.digest)?.fingerprint)
    }

    /// What is cached beside the contract of that digest.
    fn cached(&self, plugin: &str, contract: &str) -> Option<Cached> {
        let cached: Cached = read_json(&self.cache_path(plugin))?;
        (cached.contract == contract).then_some(cached)
    }

    /// The help pages that were captured last, keyed by the command's words joined with blanks.
    pub fn pages(&self, plugin: &str) -> Option<BTreeMap<String, String>> {
        read_json(&self.pages_path(plugin))
    }

    /// Writes a contract, unless the file says the same already, and what it was made of.
    pub fn write(
        &self,
        contract: &Contract,
        fingerprint: &Fingerprint,
        pages: &BTreeMap<String, String>,
    ) -> io::Result<()> {
        let text = contract.text();
        write_changed(&self.contract_path(&contract.plugin), text.as_bytes())?;
        write_changed(&self.pages_path(&contract.plugin), &serde_json::to_vec(pages)?)?;
        self.write_cached(contract, digest(text.as_bytes()), fingerprint)
    }

    /// The plugins that files of this directory are named after, in order. Not all such files need be contracts.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let stems =
            entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned()));
        let mut names: Vec<String> = stems.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    /// Takes away a plugin's contract and what is cached of it.
    pub fn remove(&self, plugin: &str) -> io::Result<()> {
        fs::remove_file(self.contract_path(plugin))?;
        // Cache that stays is of no contract, and so of no use.
        let _ = (fs::remove_file(self.cache_path(plugin)), fs::remove_file(self.pages_path(plugin)));
        Ok(())
    }

    /// Writes a fingerprint anew, e.g. with the times of files that were touched but not changed.
    pub fn refresh(&self, known: &Known, fingerprint: &Fingerprint) -> io::Result<()> {
        self.write_cached(&known.contract, known.digest.clone(), fingerprint)
    }

    fn write_cached(&self, of: &Contract, digest: String, fingerprint: &Fingerprint) -> io::Result<()> {
        let keeps_double_dash = of.command.parser.keeps_double_dash;
        let cached = Cached { contract: digest, fingerprint: fingerprint.clone(), keeps_double_dash };
        write_changed(&self.cache_path(&of.plugin), &serde_json::to_vec(&cached)?)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    format_version: u64,
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&files::read(path, MAX_SIZE).ok()?).ok()
}

/// Writes a file in one step, so that no reader ever sees half of it; a file that has these bytes is left alone.
fn write_changed(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if files::read(path, MAX_SIZE).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut file =
        tempfile::Builder::new().prefix(".smcp-").permissions(readable()).tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// Contracts are for everyone to read, as far as the umask lets; temporary files are private otherwise.
fn readable() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use crate::model::{Argument, Binding, Command, ExclusiveGroup, Tool};

    use super::*;

    fn contract() -> Contract {
        let leaf = Command {
            name: "up".into(),
            arguments: vec![Argument { flags: vec!["--x".into()], ..Argument::default() }],
            exclusive: vec![ExclusiveGroup { required: false, members: vec![0] }],
            ..Command::default()
        };
        let tool = Tool {
            name: "p__up".into(),
            path: vec!["up".into()],
            title: None,
            description: "Up.".into(),
            input_schema: json!({"type": "object"}).as_object().unwrap().clone(),
            annotations: Map::new(),
            confirm: false,
            reload: false,
            bindings: vec![Binding { property: "x".into(), depth: 1, index: 0 }],
        };
        let mut root = Command { subcommands: vec![leaf], ..Command::default() };
        root.parser.keeps_double_dash = Some(true);
        Contract::new("p", root, vec![tool], Vec::new())
    }

    fn fingerprint() -> Fingerprint {
        Fingerprint::default()
    }

    #[test]
    fn a_contract_comes_back_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(&dir.path().join("schemas"));
        assert!(store.read("p").unwrap().is_none());
        let pages = BTreeMap::from([("up".to_owned(), "usage: up\n".to_owned())]);
        store.write(&contract(), &fingerprint(), &pages).unwrap();
        let known = store.read("p").unwrap().unwrap();
        assert_eq!(known.contract, contract());
        assert_eq!(store.pages("p").unwrap(), pages);
        assert_eq!(store.fingerprint("p", Some(&known)), Some(fingerprint()));
        assert_eq!(store.fingerprint("p", None), None);
        let text = fs::read_to_string(store.contract_path("p")).unwrap();
        assert!(text.starts_with("{\n  \"formatVersion\": 1,\n  \"plugin\": \"p\",\n  \"tools\": ["));
        assert!(text.ends_with("}\n"));
        assert!(!text.contains("keepsDoubleDash"), "a trait of the interpreter is no part of the contract");
    }

    #[test]
    fn what_says_the_same_is_not_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(store.contract_path("p")).unwrap());
        store.write(&contract(), &fingerprint(), &BTreeMap::new()).unwrap();
        let first = inode();
        store.write(&contract(), &fingerprint(), &BTreeMap::new()).unwrap();
        assert_eq!(inode(), first);
        let mut changed = contract();
        changed.command.description = Some("New.".into());
        store.write(&changed, &fingerprint(), &BTreeMap::new()).unwrap();
        assert_ne!(inode(), first);
    }

    #[test]
    fn an_edited_contract_has_no_fingerprint() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        store.write(&contract(), &fingerprint(), &BTreeMap::new()).unwrap();
        let path = store.contract_path("p");
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("Up.", "Down.")).unwrap();
        let known = store.read("p").unwrap().unwrap();
        assert_eq!(store.fingerprint("p", Some(&known)), None);
        assert_eq!(known.contract.command.parser.keeps_double_dash, None);
    }

    #[test]
    fn damage_is_a_reason() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let path = store.contract_path("p");
        let check = |text: &str, expected: &str| {
            fs::write(&path, text).unwrap();
            let error = store.read("p").unwrap_err().to_string();
            let expected = format!("the contract `{}` {expected}", path.display());
            assert!(error.starts_with(&expected), "{error}\n{expected}");
        };
        let good = contract().text();
        check(&good[..good.len() / 2], "is damaged: EOF while parsing");
        check("", "is damaged: EOF while parsing");
        check("[]", "is damaged: ");
        check(
            &good.replace("\"formatVersion\": 1", "\"formatVersion\": 99"),
            "has format 99, this version knows 1",
        );
        check(
            &good.replace("\"plugin\": \"p\"", "\"plugin\": \"q\""),
            "is damaged: it is the contract of `q`",
        );
        check(&good.replace("\"plugin\"", "\"plugn\""), "is damaged: unknown field `plugn`");
        check(
            &good.replace("\"depth\": 1", "\"depth\": 7"),
            "is damaged: the property `x` of the tool `p__up`",
        );
        check(&good.replace("\"up\"\n", "\"down\"\n"), "is damaged: the path of the tool `p__up`");
        check(&good.replace("p__up", "p.up"), "is damaged: `p.up` can't be a tool's name");
        check(
            &good.replace("\"type\": \"object\"", "\"type\": 1"),
            "is damaged: the schema of the tool `p__up`",
        );
        check(&good.replace("            0\n", "            3\n"), "is damaged: an exclusive group of `up`");
        let mut twice = contract();
        twice.tools.extend(twice.tools.clone());
        check(&twice.text(), "is damaged: two of its tools have the name `p__up`");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(store.read("p"), Err(ContractError::Unreadable { .. })));
    }

    #[test]
    fn a_damaged_cache_is_a_miss() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        store.write(&contract(), &fingerprint(), &BTreeMap::new()).unwrap();
        fs::write(store.cache_path("p"), "{").unwrap();
        fs::write(store.pages_path("p"), "{").unwrap();
        let known = store.read("p").unwrap();
        assert_eq!(store.fingerprint("p", known.as_ref()), None);
        assert_eq!(store.pages("p"), None);
    }

    #[test]
    fn the_schema_describes_the_format() {
        let schema = super::super::schema();
        assert_eq!(schema["title"], "smcp contract");
        assert!(schema["properties"]["tools"]["description"].is_string());
    }
}
