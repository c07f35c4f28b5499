//! A plugin's directory and manifest → the words that start its program, as absolute paths.
//!
//! In order: the manifest's `command`; a virtual environment's Python in the plugin's directory; `cli.py` itself where it
//! is executable and has a shebang; the configured Python.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::PROGRAM;

/// Where a virtual environment's Python stands in a plugin's directory, in the order of preference.
const ENVIRONMENTS: [&str; 2] = [".venv/bin/python", "venv/bin/python"];

/// How much of a file is read in search of a shebang, in bytes: Linux itself reads 256.
const SHEBANG: u64 = 256;

/// Where programs are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The Python for plugins that bring none: a path, or a name in `path`.
    pub python: &'a str,
    /// `PATH`
    pub path: Option<&'a OsStr>,
}

/// The words that start the program of a plugin's directory (absolute), up to its arguments. A name that is nowhere
/// in `PATH` is left as it is: starting it gives the right error.
pub fn launch(directory: &Path, command: Option<&[String]>, search: Search<'_>) -> Vec<OsString> {
    if let Some([program, words @ ..]) = command {
        let program = manifest_program(directory, program, search);
        return std::iter::once(program).chain(words.iter().map(OsString::from)).collect();
    }
    let script = directory.join(PROGRAM);
    let environment = ENVIRONMENTS.iter().map(|python| directory.join(python)).find(|p| is_executable(p));
    match environment {
        Some(python) => vec![python.into(), script.into()],
        None if is_executable(&script) && shebang(&script).is_some() => vec![script.into()],
        None => vec![configured(search), script.into()],
    }
}

/// The files whose change may change what a program says of itself: the absolute words, and a shebang's interpreter.
pub fn files(launch: &[OsString], search: Search<'_>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = launch.iter().map(PathBuf::from).filter(|p| p.is_absolute()).collect();
    if let Some(words) = launch.first().and_then(|program| shebang(Path::new(program))) {
        let mut words = words.iter().map(String::as_str);
        let interpreter = words.next().unwrap_or_default();
        files.push(PathBuf::from(interpreter));
        if Path::new(interpreter).file_name() == Some(OsStr::new("env")) {
            let named = words.find(|word| !word.starts_with('-') && !word.contains('='));
            files.extend(named.and_then(|name| find(OsStr::new(name), search.path)));
        }
    }
    files.sort();
    files.dedup();
    files
}

/// The words that a launch comes to where it is a script with a shebang: those of the interpreter, without `env` before it,
/// and then the script. Words that `env` would read in another way than as a program's are left in their place.
pub(super) fn words(launch: &[OsString]) -> Vec<OsString> {
    let Some(first) = launch.first() else { return Vec::new() };
    let Some(line) = shebang(Path::new(first)) else { return launch.to_vec() };
    let (interpreter, argument) = line.split_first().expect("a shebang has a word");
    let is_env = Path::new(interpreter).file_name() == Some(OsStr::new("env"));
    let named = match argument {
        [split, named @ ..] if is_env && split == "-S" => {
            let set = named.iter().take_while(|word| word.contains('=') && !word.starts_with('-')).count();
            named[set..].to_vec()
        }
        // Linux hands on what stands after the interpreter as one word.
        [one] if is_env => vec![one.clone()],
        [] => vec![interpreter.clone()],
        several if is_env => vec![several.join(" ")],
        several => vec![interpreter.clone(), several.join(" ")],
    };
    named.into_iter().map(OsString::from).chain(launch.iter().cloned()).collect()
}

fn manifest_program(directory: &Path, program: &str, search: Search<'_>) -> OsString {
    let beside = directory.join(program);
    if program.contains('/') || beside.is_file() {
        return beside.into();
    }
    find(OsStr::new(program), search.path).map_or_else(|| program.into(), OsString::from)
}

fn configured(search: Search<'_>) -> OsString {
    let python = search.python;
    if python.contains('/') {
        return std::path::absolute(python).map_or_else(|_| python.into(), OsString::from);
    }
    find(OsStr::new(python), search.path).map_or_else(|| python.into(), OsString::from)
}

/// The first executable of that name in `path`.
fn find(name: &OsStr, path: Option<&OsStr>) -> Option<PathBuf> {
    let directories = std::env::split_paths(path?);
    directories.filter(|d| d.is_absolute()).map(|d| d.join(name)).find(|p| is_executable(p))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The words after `#!` in a file's first line.
fn shebang(path: &Path) -> Option<Vec<String>> {
    let mut line = Vec::new();
    BufReader::new(File::open(path).ok()?.take(SHEBANG)).read_until(b'\n', &mut line).ok()?;
    let words = OsStr::from_bytes(line.strip_prefix(b"#!")?).to_string_lossy();
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str, mode: u32) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn words(launch: &[OsString]) -> Vec<&str> {
        launch.iter().map(|w| w.to_str().unwrap()).collect()
    }

    #[test]
    fn each_way_in_its_order() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let text = |name: &str| at(name).to_str().unwrap().to_owned();
        let bin = at("bin");
        write(&bin.join("python3"), "", 0o755);
        write(&at("cli.py"), "#!/usr/bin/env -S python3 -u\n", 0o644);
        let path = OsString::from(format!("relative:{}", bin.display()));
        let search = Search { python: "python3", path: Some(&path) };
        let check = |command: Option<&[String]>, expected: &[&str]| {
            assert_eq!(words(&launch(dir.path(), command, search)), expected);
        };

        check(None, &[&text("bin/python3"), &text("cli.py")]);
        write(&at("cli.py"), "#!/usr/bin/env -S python3 -u\n", 0o755);
        check(None, &[&text("cli.py")]);
        let watched = files(&launch(dir.path(), None, search), search);
        let mut expected = [PathBuf::from("/usr/bin/env"), at("bin/python3"), at("cli.py")];
        expected.sort();
        assert_eq!(watched, expected);
        write(&at("venv/bin/python"), "", 0o755);
        check(None, &[&text("venv/bin/python"), &text("cli.py")]);
        write(&at(".venv/bin/python"), "", 0o755);
        check(None, &[&text(".venv/bin/python"), &text("cli.py")]);
        check(Some(&["python3".into(), "-m".into(), "x".into()]), &[&text("bin/python3"), "-m", "x"]);
        check(Some(&["./run".into()]), &[&text("./run")]);
        check(Some(&["cli.py".into()]), &[&text("cli.py")]);
        check(Some(&["no-such".into()]), &["no-such"]);
        check(Some(&["/bin/sh".into()]), &["/bin/sh"]);
    }

    #[test]
    fn executable_without_shebang_needs_an_interpreter() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("cli.py"), "import argparse\n", 0o755);
        let launch = launch(dir.path(), None, Search { python: "/opt/python", path: None });
        assert_eq!(launch[0], "/opt/python");
        assert_eq!(launch.len(), 2);
    }
}
