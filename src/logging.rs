//! Log lines → the console (standard error) and `mcp.log`, which is rotated by size.
//!
//! `RUST_LOG` chooses what the console shows (`info` where it is not set). The file always gets smcp's own lines from
//! `debug` up. Arguments and results of calls are not logged at these levels.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use env_logger::{Builder, Target};
use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use log::{LevelFilter, Log, Metadata, Record};

/// Bytes after which `mcp.log` is rotated.
const FILE_BYTES: usize = 10 << 20;

/// Rotated files that are kept besides `mcp.log`.
const FILES_KEPT: usize = 5;

/// The console, and the file where there is one.
struct Tee {
    console: env_logger::Logger,
    file: Option<env_logger::Logger>,
}

impl Log for Tee {
    fn enabled(&self, metadata: &Metadata) -> bool {
        self.console.enabled(metadata) || self.file.as_ref().is_some_and(|f| f.enabled(metadata))
    }

    fn log(&self, record: &Record) {
        self.console.log(record);
        if let Some(file) = &self.file {
            file.log(record);
        }
    }

    fn flush(&self) {
        self.console.flush();
        if let Some(file) = &self.file {
            file.flush();
        }
    }
}

/// Starts logging. A log file that can't be written is a warning: the program goes on without it.
pub fn start(directory: Option<&Path>, filter: Option<&str>) {
    let console = Builder::new().parse_filters(filter.unwrap_or("info")).target(Target::Stderr).build();
    let (file, problem) = match directory.map(open) {
        Some(Ok(file)) => (Some(file), None),
        Some(Err(problem)) => (None, Some(problem)),
        None => (None, None),
    };
    let level = file.as_ref().map_or(LevelFilter::Off, env_logger::Logger::filter).max(console.filter());
    if log::set_boxed_logger(Box::new(Tee { console, file })).is_ok() {
        log::set_max_level(level);
    }
    if let (Some(problem), Some(directory)) = (problem, directory) {
        log::warn!("no log file in {}: {problem}", directory.display());
    }
}

/// The logger that writes `mcp.log` in a directory.
fn open(directory: &Path) -> io::Result<env_logger::Logger> {
    std::fs::create_dir_all(directory)?;
    let path = directory.join("mcp.log");
    // `FileRotate` drops what it can't write, so whether it can is asked first.
    OpenOptions::new().create(true).append(true).open(&path)?;
    let limit = ContentLimit::BytesSurpassed(FILE_BYTES);
    let file = FileRotate::new(path, AppendCount::new(FILES_KEPT), limit, Compression::None, None);
    let target = Target::Pipe(Box::new(file));
    Ok(Builder::new()
        .filter_module("smcp", LevelFilter::Debug)
        .filter_level(LevelFilter::Info)
        .target(target)
        .build())
}
