//! A server that is measured, and the plugins that it serves.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Commands of each plugin.
pub(crate) const COMMANDS: usize = 5;

/// Directories of plugins and contracts, in a temporary one.
pub(crate) struct Plugins {
    directory: tempfile::TempDir,
    pub(crate) python: String,
}

impl Plugins {
    /// So many plugins, each with its commands. A plugin that runs leaves a line in [`Plugins::runs`].
    pub(crate) fn new(count: usize) -> Plugins {
        let directory = tempfile::tempdir().unwrap();
        let plugins = Plugins { directory, python: python() };
        let program = program(&plugins.path("runs"));
        for n in 0..count {
            let plugin = plugins.directory(&format!("plugin{n:03}"));
            std::fs::create_dir_all(&plugin).unwrap();
            std::fs::write(plugin.join("cli.py"), &program).unwrap();
        }
        plugins
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where a plugin is.
    pub(crate) fn directory(&self, plugin: &str) -> PathBuf {
        self.path("plugins").join(plugin)
    }

    /// How many plugin processes have run.
    pub(crate) fn runs(&self) -> usize {
        std::fs::read_to_string(self.path("runs")).map_or(0, |text| text.lines().count())
    }

    /// A command over these plugins; nothing of the environment reaches it but where programs are. Plugins run with the
    /// interpreter itself, not with a script that looks for one.
    pub(crate) fn command(&self, smcp: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(smcp);
        command.args(words).arg("--plugins-dir").arg(self.path("plugins"));
        command.arg("--schemas-dir").arg(self.path("schemas")).arg("--python").arg(&self.python);
        command.current_dir(self.directory.path());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stderr(Stdio::null());
        command
    }

    /// The programs of all plugins.
    pub(crate) fn programs(&self) -> Vec<PathBuf> {
        let plugins = std::fs::read_dir(self.path("plugins")).unwrap();
        plugins.map(|plugin| plugin.unwrap().path().join("cli.py")).collect()
    }

    /// Takes the contracts away.
    pub(crate) fn forget(&self) {
        let schemas = self.path("schemas");
        if schemas.exists() {
            std::fs::remove_dir_all(schemas).unwrap();
        }
    }

    /// Makes the contracts.
    pub(crate) fn discover(&self, smcp: &Path) {
        let found = self.command(smcp, &["inspect"]).stdout(Stdio::null()).status().unwrap();
        assert!(found.success(), "the plugins can be read");
    }
}

fn python() -> String {
    let output = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn program(runs: &Path) -> String {
    let mut text = format!(
        "import argparse, json, sys\nopen('{}', 'a').write('run\\n')\n\
         parser = argparse.ArgumentParser(description='A program to measure with.')\n\
         commands = parser.add_subparsers(dest='command', required=True)\n",
        runs.display()
    );
    for n in 0..COMMANDS {
        write!(
            text,
            "c = commands.add_parser('command{n}', help='does the thing number {n}', description='Does the thing.')\n\
             c.add_argument('path', help='the file to work on')\n\
             c.add_argument('--count', type=int, default=3, help='how often (default: %(default)s)')\n\
             c.add_argument('--mode', choices=['fast', 'slow', 'careful'], help='how it is done')\n\
             c.add_argument('--verbose', action='store_true', help='say more')\n"
        )
        .unwrap();
    }
    text + "parser.parse_args()\nprint(json.dumps({'argv': sys.orig_argv}))\n"
}

/// A server over HTTP; it ends with this.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(smcp: &Path, plugins: &Plugins) -> Server {
        Server::with(smcp, plugins, &[])
    }

    pub(crate) fn with(smcp: &Path, plugins: &Plugins, flags: &[&str]) -> Server {
        let words = ["serve", "--host", "127.0.0.1", "--port", "0", "--max-concurrency", "64"];
        let mut command = plugins.command(smcp, &words);
        command.args(flags);
        Server::of(command)
    }

    /// A program that says `listening on ADDRESS`.
    pub(crate) fn of(mut command: Command) -> Server {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port =
            lines.find_map(|line| line.strip_prefix("listening on ")?.rsplit(':').next()?.parse().ok());
        // What else it says must not stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, port: port.expect("it listens") }
    }

    /// Seconds of processor time up to now, its children aside.
    pub(crate) fn processor_seconds(&self) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        // Nanoseconds stand first. A thread that ends in between is lost; those that work don't end.
        let spent = tasks.filter_map(|task| {
            let told = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            told.split(' ').next()?.parse::<f64>().ok()
        });
        spent.sum::<f64>() / 1e9
    }

    /// MiB of memory that it holds now.
    pub(crate) fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().split(' ').next().unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}
