//! A name → a new plugin's directory, with two commands to begin with. What is there already is never touched.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What stands for the plugin's name in the files.
const PLACEHOLDER: &str = "PLUGIN_NAME";

/// The longest name, in characters: with a command's it has to fit into the 64 that a tool's name may have.
const MAX_NAME: usize = 40;

/// A file of a new plugin: its name, what it holds, and its permissions.
const FILES: [(&str, &str, u32); 3] = [
    (super::PROGRAM, include_str!("scaffold/cli.py"), 0o755),
    ("__init__.py", include_str!("scaffold/init.py"), 0o644),
    ("README.md", include_str!("scaffold/README.md"), 0o644),
];

/// Why there is no new plugin.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The name can't be a plugin's.
    #[error(
        "`{0}` can't be a plugin's name: it begins with a letter, then letters, digits, `_` and `-`, at most {MAX_NAME} characters"
    )]
    Name(String),
    /// There is something of that name.
    #[error("{} is there already, and is left as it is: choose another name", .0.display())]
    Taken(PathBuf),
    /// It can't be written.
    #[error("can't write {}", path.display())]
    Unwritable {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes a new plugin and tells where it is. It appears whole or not at all. The plugins directory is made where it is
/// missing.
pub fn create(plugins_dir: &Path, name: &str) -> Result<PathBuf, ScaffoldError> {
    if !is_name(name) {
        return Err(ScaffoldError::Name(name.to_owned()));
    }
    let place = plugins_dir.join(name);
    if place.symlink_metadata().is_ok() {
        return Err(ScaffoldError::Taken(place));
    }
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |source| ScaffoldError::Unwritable { path, source }
    };
    fs::create_dir_all(plugins_dir).map_err(unwritable(plugins_dir))?;
    // Hidden, so that a server that watches the directory sees nothing of it before it is whole.
    let draft = tempfile::Builder::new().prefix(".new-").tempdir_in(plugins_dir);
    let draft = draft.map_err(unwritable(plugins_dir))?;
    for (file, text, mode) in FILES {
        let path = draft.path().join(file);
        fs::write(&path, text.replace(PLACEHOLDER, name)).map_err(unwritable(&path))?;
        fs::set_permissions(&path, Permissions::from_mode(mode)).map_err(unwritable(&path))?;
    }
    fs::set_permissions(draft.path(), Permissions::from_mode(0o755)).map_err(unwritable(draft.path()))?;
    fs::rename(draft.path(), &place).map_err(unwritable(&place))?;
    // Moved away: nothing is left to clean up.
    let _ = draft.keep();
    Ok(place)
}

fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_appears_whole_and_is_never_written_twice() {
        let world = tempfile::tempdir().unwrap();
        let plugins = world.path().join("deep/plugins");
        let place = create(&plugins, "my-tools").unwrap();
        assert_eq!(place, plugins.join("my-tools"));
        let program = place.join("cli.py");
        assert_eq!(program.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(place.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        for (file, _, _) in FILES {
            let text = fs::read_to_string(place.join(file)).unwrap();
            assert!(text.contains("my-tools") && !text.contains(PLACEHOLDER), "{file}");
        }
        fs::write(&program, "mine").unwrap();
        assert!(matches!(create(&plugins, "my-tools"), Err(ScaffoldError::Taken(_))));
        assert_eq!(fs::read_to_string(&program).unwrap(), "mine");
        std::os::unix::fs::symlink("nowhere", plugins.join("link")).unwrap();
        assert!(matches!(create(&plugins, "link"), Err(ScaffoldError::Taken(_))));
        assert_eq!(fs::read_dir(&plugins).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn names() {
        for (name, expected) in [
            ("a", true),
            ("my_tools-2", true),
            (&"x".repeat(40), true),
            (&"x".repeat(41), false),
            ("", false),
            ("2fast", false),
            ("_private", false),
            ("-v", false),
            (".hidden", false),
            ("a/b", false),
            ("..", false),
            ("é", false),
            ("a b", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }
}
