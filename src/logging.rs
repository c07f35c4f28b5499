//! Log lines → the console (standard error) and `mcp.log`, which is rotated by size.
//!
//! `RUST_LOG` chooses what the console shows (`info` where it is not set). The file always gets smcp's own lines from
//! `debug` up. Arguments and results of calls are not logged at these levels. Lines are for people, or JSON.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use env_logger::{Builder, Target};
use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use log::kv::{self, Key, VisitSource};
use log::{LevelFilter, Log, Metadata, Record};
use serde_json::{Map, Value};

use crate::cli::LogFormat;
use crate::config::{Config, ConfigError};
use crate::text;

/// Bytes after which `mcp.log` is rotated.
const FILE_BYTES: usize = 10 << 20;

/// Rotated files that are kept besides `mcp.log`.
const FILES_KEPT: usize = 5;

/// What the console shows where nothing is said. The watcher of files warns of each directory that went before its watch
/// did, which is how plugins go.
const CONSOLE: &str = "info,notify=error";

/// The console, and the file where there is one.
struct Tee {
    console: env_logger::Logger,
    file: Option<LogFile>,
}

/// The file's logger, and what its writer came upon.
struct LogFile {
    logger: env_logger::Logger,
    news: Arc<Mutex<Option<News>>>,
}

/// What the console is to be told of the file.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// It takes no lines any more.
    Fails(String),
    /// It takes them again.
    Works,
}

impl Tee {
    fn write(&self, record: &Record) {
        self.console.log(record);
        let Some(file) = &self.file else { return };
        file.logger.log(record);
        let news = file.news.lock().unwrap_or_else(PoisonError::into_inner).take();
        match news {
            None => {}
            Some(News::Fails(why)) => {
                let what = format_args!("mcp.log can't be written: {why}");
                self.console.log(&own(log::Level::Warn).args(what).build());
            }
            Some(News::Works) => {
                let mut record = own(log::Level::Warn);
                let record = record.args(format_args!("mcp.log is written again; lines are missing")).build();
                self.console.log(&record);
                file.logger.log(&record);
            }
        }
    }
}

impl Log for Tee {
    fn enabled(&self, metadata: &Metadata) -> bool {
        self.console.enabled(metadata) || self.file.as_ref().is_some_and(|f| f.logger.enabled(metadata))
    }

    /// What clients and plugins call themselves may be in a line: it can't begin another, nor drive a terminal.
    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            let message = text::plain(&record.args().to_string());
            self.write(&record.to_builder().args(format_args!("{message}")).build());
        }
    }

    fn flush(&self) {
        self.console.flush();
        if let Some(file) = &self.file {
            file.logger.flush();
        }
    }
}

fn own(level: log::Level) -> log::RecordBuilder<'static> {
    let mut record = Record::builder();
    record.level(level).target(module_path!());
    record
}

/// A writer that notes when it begins and ceases to fail: the logger itself says nothing of that.
struct Noting<W> {
    inner: W,
    fails: bool,
    news: Arc<Mutex<Option<News>>>,
}

impl<W: io::Write> io::Write for Noting<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // What was written of a line up to its failure gets an end, so that the next one stands by itself.
        let begun = if self.fails { self.inner.write_all(b"\n") } else { Ok(()) };
        let written = begun.and_then(|()| self.inner.write_all(line));
        if written.is_err() != self.fails {
            self.fails = written.is_err();
            let news = written.as_ref().err().map_or(News::Works, |error| News::Fails(error.to_string()));
            *self.news.lock().unwrap_or_else(PoisonError::into_inner) = Some(news);
        }
        written.map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Whether the text is a filter of log lines. The logger itself would only warn, and leave out what it doesn't understand.
pub fn check(filter: &str) -> Result<(), ConfigError> {
    let sound = env_filter::Builder::new().try_parse(filter).map(drop);
    sound.map_err(|_| ConfigError::Value {
        name: "RUST_LOG",
        value: filter.to_owned(),
        expected: "filter of log lines, such as info or warn,smcp=debug",
    })
}

/// Starts logging; `filter` is what `RUST_LOG` says, which may be wrong, or what stands for it. A log file that can't be
/// written is a warning: the program goes on without it.
pub fn start(config: &Config, filter: Option<&str>) -> Result<(), ConfigError> {
    let (directory, format) = (config.log_dir.as_deref(), config.log_format);
    let filter = filter.unwrap_or(CONSOLE);
    check(filter)?;
    let console = builder(format).parse_filters(filter).target(Target::Stderr).build();
    let (file, problem) = match directory.map(|directory| open(directory, format)) {
        Some(Ok(file)) => (Some(file), None),
        Some(Err(problem)) => (None, Some(problem)),
        None => (None, None),
    };
    let level = file.as_ref().map_or(LevelFilter::Off, |file| file.logger.filter()).max(console.filter());
    if log::set_boxed_logger(Box::new(Tee { console, file })).is_ok() {
        log::set_max_level(level);
    }
    if let (Some(problem), Some(directory)) = (problem, directory) {
        log::warn!("no log file in {}: {problem}", directory.display());
    }
    Ok(())
}

fn builder(format: LogFormat) -> Builder {
    let mut builder = Builder::new();
    match format {
        LogFormat::Text => {}
        LogFormat::Json => {
            builder.format(|out, record| {
                let line = text::json(&object(record, out.timestamp_millis().to_string()).to_string());
                writeln!(out, "{line}")
            });
        }
    }
    builder
}

/// A line as JSON.
fn object(record: &Record, time: String) -> Value {
    let mut fields = Fields(Map::new());
    fields.0.insert("time".into(), time.into());
    fields.0.insert("level".into(), record.level().as_str().into());
    fields.0.insert("target".into(), record.target().into());
    fields.0.insert("message".into(), record.args().to_string().into());
    // It fails only where a field does, and ours don't.
    let _ = record.key_values().visit(&mut fields);
    Value::Object(fields.0)
}

struct Fields(Map<String, Value>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        let number = value.to_f64().and_then(serde_json::Number::from_f64).map(Value::Number);
        self.0.entry(key.as_str()).or_insert_with(|| number.unwrap_or_else(|| value.to_string().into()));
        Ok(())
    }
}

/// The logger that writes `mcp.log` in a directory.
fn open(directory: &Path, format: LogFormat) -> io::Result<LogFile> {
    std::fs::create_dir_all(directory)?;
    let path = directory.join("mcp.log");
    // `FileRotate` drops what it can't open, so whether it can is asked first.
    OpenOptions::new().create(true).append(true).open(&path)?;
    let limit = ContentLimit::BytesSurpassed(FILE_BYTES);
    let file = FileRotate::new(path, AppendCount::new(FILES_KEPT), limit, Compression::None, None);
    let news = Arc::default();
    let target = Target::Pipe(Box::new(Noting { inner: file, fails: false, news: Arc::clone(&news) }));
    let mut builder = builder(format);
    builder.filter_module("smcp", LevelFilter::Debug).filter_module("notify", LevelFilter::Error);
    builder.filter_level(LevelFilter::Info).target(target);
    Ok(LogFile { logger: builder.build(), news })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_line_has_the_fields_of_its_record() {
        let fields = [("tool", kv::Value::from("a__b")), ("seconds", kv::Value::from(0.5))];
        let mut record = Record::builder();
        record.level(log::Level::Info).target("smcp::call").key_values(&fields);
        let found = object(&record.args(format_args!("a \"line\"\nof two")).build(), "then".into());
        let expected = r#"{"time":"then","level":"INFO","target":"smcp::call","message":"a \"line\"\nof two","tool":"a__b","seconds":0.5}"#;
        assert_eq!(found.to_string(), expected);
    }
}
