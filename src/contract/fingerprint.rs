//! A plugin's files and what else decides its contract → whether it can have changed.
//!
//! Sizes and times are looked at first, contents only where those changed. A time is believed only if it is well before
//! the moment it was taken: a file can change twice within one tick of its clock.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::fmt::Write;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::DISCOVERY_VERSION;

/// Files of one plugin that are watched: a program and its modules; whoever keeps more data in the directory has
/// its first files watched, those nearest to the top first.
const MAX_FILES: usize = 4096;

/// Larger files are known by size and time only, in bytes: programs are smaller, data need not be read.
const MAX_HASHED: u64 = 4 * 1024 * 1024;

/// Bytes of one plugin that are read; what comes after is known by size and time only.
const MAX_READ: u64 = 64 * 1024 * 1024;

/// How old a file's time must be when it is taken, to be believed: file systems with the coarsest clocks tick in two seconds.
const SETTLED: Duration = Duration::from_secs(3);

/// Directories that hold no source of the plugin.
const LEFT_OUT: [&str; 2] = ["__pycache__", "node_modules"];

/// What a contract depends on.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The plugin's directory.
    pub directory: &'a Path,
    /// The words that start its program.
    pub launch: &'a [OsString],
    /// Files outside of the directory that matter: interpreters.
    pub outside: &'a [PathBuf],
    /// Whether its live description is used.
    pub live: bool,
    /// Whether it is asked for `--describe`.
    pub describe: bool,
}

/// What a contract depended on when it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Fingerprint {
    /// This program's version and that of its discovery.
    discovery: String,
    launch: Vec<String>,
    live: bool,
    describe: bool,
    outside: BTreeMap<String, Stamp>,
    files: BTreeMap<String, FileState>,
    /// When it was taken, in seconds since 1970.
    taken: u64,
}

/// A file's size and time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stamp {
    size: u64,
    /// Seconds and nanoseconds since 1970.
    time: (u64, u32),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileState {
    stamp: Stamp,
    /// The digest of its content; none where it is too large.
    digest: Option<String>,
}

impl Fingerprint {
    /// Looks at a plugin as it is now. `previous` spares reading what did not change since.
    pub fn take(subject: &Subject<'_>, previous: Option<&Fingerprint>) -> Fingerprint {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut room = MAX_READ;
        let files = walk(subject.directory).files.into_iter().filter_map(|(name, path, meta)| {
            let stamp = Stamp::of(&meta);
            let small = stamp.size <= MAX_HASHED.min(room);
            room -= if small { stamp.size } else { 0 };
            let digest = match previous.and_then(|old| old.known_digest(&name, stamp)) {
                Some(digest) => Some(digest),
                None if small => Some(digest_file(&path).ok()?),
                None => None,
            };
            Some((name, FileState { stamp, digest }))
        });
        let files: BTreeMap<String, FileState> = files.collect();
        Fingerprint {
            discovery: format!("{}/{DISCOVERY_VERSION}", env!("CARGO_PKG_VERSION")),
            launch: subject.launch.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            live: subject.live,
            describe: subject.describe,
            outside: outside(subject, &files),
            files,
            taken: now.as_secs(),
        }
    }

    /// Whether both were taken of the same state; times may differ where contents are known.
    pub fn agrees(&self, other: &Fingerprint) -> bool {
        let head = |f: &Fingerprint| (f.discovery.clone(), f.launch.clone(), f.live, f.describe);
        head(self) == head(other)
            && self.outside == other.outside
            && self.files.len() == other.files.len()
            && self.files.iter().zip(&other.files).all(|(a, b)| a.0 == b.0 && a.1.agrees(b.1))
    }

    fn known_digest(&self, name: &str, stamp: Stamp) -> Option<String> {
        let old = self.files.get(name)?;
        let settled = stamp.time.0 + SETTLED.as_secs() <= self.taken;
        if old.stamp == stamp && settled { old.digest.clone() } else { None }
    }
}

impl FileState {
    fn agrees(&self, other: &FileState) -> bool {
        match (&self.digest, &other.digest) {
            (Some(a), Some(b)) => a == b,
            _ => self == other,
        }
    }
}

impl Stamp {
    fn of(meta: &Metadata) -> Stamp {
        let time = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        Stamp { size: meta.len(), time: (time.as_secs(), time.subsec_nanos()) }
    }
}

/// The interpreters' sizes and times; what is among the plugin's own files is watched there.
fn outside(subject: &Subject<'_>, files: &BTreeMap<String, FileState>) -> BTreeMap<String, Stamp> {
    let own = |path: &&PathBuf| {
        path.strip_prefix(subject.directory).is_ok_and(|name| files.contains_key(&*name.to_string_lossy()))
    };
    let paths = subject.outside.iter().filter(|path| !own(path));
    paths
        .map(|path| {
            let stamp = fs::metadata(path).map(|meta| Stamp::of(&meta)).unwrap_or_default();
            (path.to_string_lossy().into_owned(), stamp)
        })
        .collect()
}

/// What a walk through a plugin came upon.
#[derive(Default)]
struct Walked {
    /// Name below the plugin, path, metadata.
    files: Vec<(String, PathBuf, Metadata)>,
    directories: Vec<PathBuf>,
}

/// Where a plugin's files are: the directories that were looked into, and what of its files and directories is a link.
pub fn places(plugin: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let Walked { files, directories } = walk(plugin);
    let all = files.iter().map(|(_, path, _)| path).chain(&directories);
    let links = all.filter(|path| path.is_symlink()).cloned().collect();
    (directories, links)
}

/// Whether a change of this path may matter to a plugin; without a look at the disk.
pub fn may_matter(path: &Path) -> bool {
    is_watched(path) && !path.file_name().is_some_and(|name| LEFT_OUT.iter().any(|left| name == *left))
}

/// A directory's files and the directories below it, those nearest to the top first. Linked directories come last, so
/// that they never push out the plugin's own files; none is entered twice.
fn walk(root: &Path) -> Walked {
    let mut walked = Walked::default();
    let mut seen: HashSet<PathBuf> = HashSet::new();
    let mut own = VecDeque::from([root.to_owned()]);
    let mut linked = VecDeque::new();
    while let Some(directory) = own.pop_front().or_else(|| linked.pop_front()) {
        let fresh = fs::canonicalize(&directory).is_ok_and(|real| seen.insert(real));
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        if !fresh {
            continue;
        }
        walked.directories.push(directory);
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let Ok(meta) = fs::metadata(&path) else { continue };
            if meta.is_dir() {
                match is_source(&path) {
                    true if path.is_symlink() => linked.push_back(path),
                    true => own.push_back(path),
                    false => {}
                }
            } else if meta.is_file() && is_watched(&path) {
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                walked.files.push((name, path, meta));
                if walked.files.len() == MAX_FILES {
                    return walked;
                }
            }
        }
    }
    walked
}

/// Not hidden (caches, version control), no virtual environment, none of the well-known others.
fn is_source(directory: &Path) -> bool {
    let name = directory.file_name().unwrap_or_default();
    let hidden = name.as_encoded_bytes().starts_with(b".");
    !hidden && !LEFT_OUT.iter().any(|left| name == *left) && !directory.join("pyvenv.cfg").exists()
}

/// Compiled files follow their source, and a log grows by itself.
fn is_watched(file: &Path) -> bool {
    !file.extension().is_some_and(|extension| extension == "pyc" || extension == "log")
}

/// The digest of some bytes, in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn digest_file(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_HASHED).read_to_end(&mut bytes)?;
    Ok(digest(&bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Plugin {
        dir: tempfile::TempDir,
        outside: Vec<PathBuf>,
    }

    impl Plugin {
        fn new() -> Plugin {
            let plugin = Plugin { dir: tempfile::tempdir().unwrap(), outside: Vec::new() };
            plugin.write("cli.py", "one");
            plugin
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        /// Sets a file's time, in seconds before now.
        fn age(&self, name: &str, seconds: u64) {
            let file = File::options().append(true).open(self.dir.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
        }

        fn take(&self, previous: Option<&Fingerprint>) -> Fingerprint {
            let subject = Subject {
                directory: self.dir.path(),
                launch: &[],
                outside: &self.outside,
                live: true,
                describe: false,
            };
            Fingerprint::take(&subject, previous)
        }
    }

    #[test]
    fn changes_that_matter() {
        let check = |change: &dyn Fn(&Plugin), agrees: bool| {
            let plugin = Plugin::new();
            plugin.write("lib/__init__.py", "");
            let before = plugin.take(None);
            change(&plugin);
            assert_eq!(plugin.take(Some(&before)).agrees(&before), agrees);
        };
        check(&|_| {}, true);
        check(&|p| p.age("cli.py", 1000), true);
        check(&|p| p.write("cli.py", "two"), false);
        check(&|p| p.write("lib/new.py", ""), false);
        check(&|p| p.write("plugin.toml", ""), false);
        check(&|p| fs::remove_file(p.dir.path().join("lib/__init__.py")).unwrap(), false);
        for ignored in
            ["__pycache__/cli.pyc", "a.pyc", "app.log", ".git/HEAD", "node_modules/x.js", ".venv/lib/x.py"]
        {
            check(&|p| p.write(ignored, "x"), true);
        }
        check(
            &|p| {
                p.write("env/pyvenv.cfg", "");
                p.write("env/lib/x.py", "");
            },
            true,
        );
    }

    #[test]
    fn a_change_within_the_same_tick_is_noticed() {
        let plugin = Plugin::new();
        let before = plugin.take(None);
        let stamp = fs::metadata(plugin.dir.path().join("cli.py")).unwrap().modified().unwrap();
        plugin.write("cli.py", "two");
        let file = File::options().append(true).open(plugin.dir.path().join("cli.py")).unwrap();
        file.set_modified(stamp).unwrap();
        assert!(!plugin.take(Some(&before)).agrees(&before));
    }

    #[test]
    fn settled_files_are_not_read_again() {
        let plugin = Plugin::new();
        plugin.age("cli.py", 1000);
        let stamp = fs::metadata(plugin.dir.path().join("cli.py")).unwrap().modified().unwrap();
        let before = plugin.take(None);
        // Same size and time, other content: only reading it would tell.
        plugin.write("cli.py", "two");
        let file = File::options().append(true).open(plugin.dir.path().join("cli.py")).unwrap();
        file.set_modified(stamp).unwrap();
        assert!(plugin.take(Some(&before)).agrees(&before));
        assert!(!plugin.take(None).agrees(&before));
    }

    #[test]
    fn interpreters_count() {
        let mut plugin = Plugin::new();
        let elsewhere = tempfile::tempdir().unwrap();
        let python = elsewhere.path().join("python");
        fs::write(&python, "3.12").unwrap();
        plugin.outside = vec![python.clone(), plugin.dir.path().join("cli.py")];
        let before = plugin.take(None);
        plugin.age("cli.py", 1000);
        assert!(plugin.take(Some(&before)).agrees(&before), "cli.py is known by its content");
        fs::write(&python, "3.13.0").unwrap();
        assert!(!plugin.take(Some(&before)).agrees(&before));
    }

    #[test]
    fn settings_count() {
        let plugin = Plugin::new();
        let take = |live, describe, launch: &[OsString]| {
            let subject = Subject { directory: plugin.dir.path(), launch, outside: &[], live, describe };
            Fingerprint::take(&subject, None)
        };
        let before = take(true, false, &[]);
        assert!(take(true, false, &[]).agrees(&before));
        assert!(!take(false, false, &[]).agrees(&before));
        assert!(!take(true, true, &[]).agrees(&before));
        assert!(!take(true, false, &["x".into()]).agrees(&before));
    }

    #[test]
    fn links_are_followed_once() {
        let plugin = Plugin::new();
        let shared = tempfile::tempdir().unwrap();
        fs::write(shared.path().join("lib.py"), "1").unwrap();
        symlink(shared.path(), plugin.dir.path().join("shared")).unwrap();
        symlink(plugin.dir.path(), plugin.dir.path().join("loop")).unwrap();
        let before = plugin.take(None);
        assert_eq!(before.files.keys().collect::<Vec<_>>(), ["cli.py", "shared/lib.py"]);
        fs::write(shared.path().join("lib.py"), "22").unwrap();
        assert!(!plugin.take(Some(&before)).agrees(&before));
    }
}
