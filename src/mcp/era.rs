//! The protocol's revisions, and what each of them demands: every question about a revision is answered here, so
//! that no other file compares versions. Also the `_meta` of the modern era, in which every request carries what
//! older revisions settle once by `initialize`.
//!
//! Knows no transport.

use serde_json::{Value, json};

use super::message::{Fault, Message, Params, RpcError};

/// A revision of the specification, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Revision {
    /// 2024-11-05
    V2024_11_05,
    /// 2025-03-26
    V2025_03_26,
    /// 2025-06-18
    V2025_06_18,
    /// 2025-11-25, the last one with the `initialize` handshake
    V2025_11_25,
    /// 2026-07-28, stateless
    V2026_07_28,
}

use Revision::{V2024_11_05, V2025_03_26, V2025_06_18, V2025_11_25, V2026_07_28};

impl Revision {
    /// Every revision that is served, oldest first.
    pub const ALL: [Revision; 5] = [V2024_11_05, V2025_03_26, V2025_06_18, V2025_11_25, V2026_07_28];
    /// The newest one that `initialize` can settle on.
    pub const NEWEST_LEGACY: Revision = V2025_11_25;
    /// What an HTTP request without a version header is taken for (2025-06-18 and later say so).
    pub const ASSUMED: Revision = V2025_03_26;

    /// The dates of all of them, newest first: what a client may choose from.
    pub fn offered() -> [&'static str; Revision::ALL.len()] {
        let mut dates = Revision::ALL.map(Revision::as_str);
        dates.reverse();
        dates
    }

    /// Its date, as messages and headers spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            V2024_11_05 => "2024-11-05",
            V2025_03_26 => "2025-03-26",
            V2025_06_18 => "2025-06-18",
            V2025_11_25 => "2025-11-25",
            V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision of that date, where it is served.
    pub fn parse(text: &str) -> Option<Revision> {
        Revision::ALL.into_iter().find(|r| r.as_str() == text)
    }

    /// The legacy revision of that date, where it is served.
    pub fn parse_legacy(text: &str) -> Option<Revision> {
        Revision::parse(text).filter(|r| !r.is_modern())
    }

    /// What `initialize` answers to a client that asks for `requested`.
    pub fn negotiate(requested: &str) -> Revision {
        Revision::parse_legacy(requested).unwrap_or(Revision::NEWEST_LEGACY)
    }

    /// Stateless: no handshake, no session, everything in each request's `_meta`.
    pub fn is_modern(self) -> bool {
        self >= V2026_07_28
    }

    /// JSON-RPC batches.
    pub fn has_batches(self) -> bool {
        self == V2025_03_26
    }

    /// Tool annotations, and a message beside progress.
    pub fn has_annotations(self) -> bool {
        self >= V2025_03_26
    }

    /// Audio content.
    pub fn has_audio(self) -> bool {
        self >= V2025_03_26
    }

    /// Titles of tools and servers, `outputSchema`, `structuredContent`, resource links, `_meta` of content.
    pub fn has_structured_output(self) -> bool {
        self >= V2025_06_18
    }

    /// Questions to the user (`elicitation/create`).
    pub fn has_elicitation(self) -> bool {
        self >= V2025_06_18
    }

    /// Asks its clients by results, since it has no requests from server to client.
    pub fn asks_by_results(self) -> bool {
        self.is_modern()
    }

    /// Modes of elicitation (a form, or a page that is opened), and what of a capability a client says separately.
    pub fn has_modes(self) -> bool {
        self >= V2025_11_25
    }

    /// Fields of a form that take several choices.
    pub fn has_multiple_choice(self) -> bool {
        self >= V2025_11_25
    }

    /// `description` of an implementation.
    pub fn has_descriptions(self) -> bool {
        self >= V2025_11_25
    }

    /// Bad arguments of a tool are a result with `isError`, which a model gets to see, not a protocol error.
    pub fn bad_arguments_are_results(self) -> bool {
        self >= V2025_11_25
    }

    /// `resultType` and the server's name in every result, cache hints on lists.
    pub fn has_result_type(self) -> bool {
        self.is_modern()
    }
}

/// How much a log message matters: syslog's levels, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// debug
    Debug,
    /// info
    Info,
    /// notice
    Notice,
    /// warning
    Warning,
    /// error
    Error,
    /// critical
    Critical,
    /// alert
    Alert,
    /// emergency
    Emergency,
}

impl Level {
    const NAMES: [(&'static str, Level); 8] = [
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("notice", Level::Notice),
        ("warning", Level::Warning),
        ("error", Level::Error),
        ("critical", Level::Critical),
        ("alert", Level::Alert),
        ("emergency", Level::Emergency),
    ];

    /// The level of that name.
    pub fn parse(name: &str) -> Option<Level> {
        Level::NAMES.into_iter().find(|(n, _)| *n == name).map(|(_, level)| level)
    }

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        Level::NAMES[self as usize].0
    }
}

/// `_meta` key: the revision (2026-07-28).
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// `_meta` key: what the client can do (2026-07-28).
pub const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// `_meta` key: which log messages the client wants (2026-07-28).
pub const META_LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// `_meta` key: who answers (2026-07-28).
pub const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";
/// `_meta` key: which `subscriptions/listen` a message belongs to (2026-07-28).
pub const META_SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// The revision that a message's `_meta` names.
pub fn named(params: &Params) -> Option<&str> {
    params.get("_meta")?.get(META_VERSION)?.as_str()
}

/// Whether a message belongs to the modern era: its `_meta` names a revision that is no legacy one, or the
/// transport's version header (`None`: it has none) names 2026-07-28 or a later date. Where these differ it is an error of
/// the modern era (2026-07-28, transports).
pub fn is_modern(params: Option<&Params>, header: Option<&str>) -> bool {
    params.and_then(named).is_some_and(|version| Revision::parse_legacy(version).is_none())
        || header.is_some_and(|h| is_date(h) && h >= V2026_07_28.as_str())
}

/// The messages of a batch. `initialize` is no part of one (2025-03-26, lifecycle): whatever else is in it may need what
/// that settles.
pub fn batch(
    messages: Vec<Result<Message, Fault>>,
    revision: Revision,
) -> Result<Vec<Result<Message, Fault>>, Fault> {
    if !revision.has_batches() {
        return Err(no_batches(revision));
    }
    let checked = messages.into_iter().map(|message| match message? {
        Message::Request(asked) if asked.method == "initialize" => {
            let error = RpcError::new(RpcError::INVALID_REQUEST, "`initialize` is no part of a batch");
            Err(Fault { id: Some(asked.id), error })
        }
        message => Ok(message),
    });
    Ok(checked.collect())
}

/// What is said of a batch in a revision that has none.
pub fn no_batches(revision: Revision) -> Fault {
    let message = format!("revision {} has no batches", revision.as_str());
    Fault { id: None, error: RpcError::new(RpcError::INVALID_REQUEST, message) }
}

fn is_date(text: &str) -> bool {
    let shape = |(i, b): (usize, u8)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(shape)
}

/// What a modern request says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ModernMeta {
    /// The revision, as the request spells it.
    pub version: String,
    /// The least level of log messages that it wants; `None`: none at all.
    pub log_level: Option<Level>,
    /// What the client can be asked, as it says.
    pub capabilities: Value,
}

/// The first check of a modern request: its `_meta` is there and whole.
pub fn modern_meta(params: &Params) -> Result<ModernMeta, RpcError> {
    let Some(Value::Object(meta)) = params.get("_meta") else {
        return Err(RpcError::params(format!(
            "`_meta` with `{META_VERSION}` and `{META_CAPABILITIES}` is missing"
        )));
    };
    let Some(version) = meta.get(META_VERSION).and_then(Value::as_str) else {
        return Err(RpcError::params(format!("`_meta` lacks `{META_VERSION}`, which is text")));
    };
    let Some(capabilities) = meta.get(META_CAPABILITIES).filter(|value| value.is_object()) else {
        return Err(RpcError::params(format!("`_meta` lacks `{META_CAPABILITIES}`, which is an object")));
    };
    let log_level = match meta.get(META_LOG_LEVEL) {
        None => None,
        Some(level) => Some(
            level
                .as_str()
                .and_then(Level::parse)
                .ok_or_else(|| RpcError::params(format!("`{META_LOG_LEVEL}` is no log level")))?,
        ),
    };
    Ok(ModernMeta { version: version.to_owned(), log_level, capabilities: capabilities.clone() })
}

/// The check of a modern request's revision; on HTTP it comes after the headers'.
pub fn modern_revision(version: &str) -> Result<Revision, RpcError> {
    Revision::parse(version).filter(|r| r.is_modern()).ok_or_else(|| {
        RpcError::new(RpcError::UNSUPPORTED_VERSION, format!("protocol version `{version}` is not served"))
            .with(json!({"supported": Revision::offered(), "requested": version}))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negotiation_echoes_what_is_known_and_offers_the_newest_legacy_otherwise() {
        for (requested, expected) in [
            ("2024-11-05", "2024-11-05"),
            ("2025-03-26", "2025-03-26"),
            ("2025-06-18", "2025-06-18"),
            ("2025-11-25", "2025-11-25"),
            ("2026-07-28", "2025-11-25"),
            ("1999-01-01", "2025-11-25"),
            ("", "2025-11-25"),
        ] {
            assert_eq!(Revision::negotiate(requested).as_str(), expected, "{requested}");
        }
    }

    #[test]
    fn what_each_revision_has() {
        // batches, annotations and audio, structured output, bad arguments as results, modern
        for (revision, facts) in [
            ("2024-11-05", [false, false, false, false, false]),
            ("2025-03-26", [true, true, false, false, false]),
            ("2025-06-18", [false, true, true, false, false]),
            ("2025-11-25", [false, true, true, true, false]),
            ("2026-07-28", [false, true, true, true, true]),
        ] {
            let r = Revision::parse(revision).unwrap();
            let found = [
                r.has_batches(),
                r.has_annotations(),
                r.has_structured_output(),
                r.bad_arguments_are_results(),
                r.has_result_type(),
            ];
            assert_eq!(found, facts, "{revision}");
        }
    }

    #[test]
    fn the_era_is_told_by_meta_or_the_header() {
        let meta = |v: &str| json!({"_meta": {META_VERSION: v}}).as_object().unwrap().clone();
        for (params, header, modern) in [
            (Params::new(), None, false),
            (Params::new(), Some("2025-11-25"), false),
            (Params::new(), Some("2026-07-28"), true),
            (Params::new(), Some("2031-01-01"), true),
            (Params::new(), Some("zzz"), false),
            (meta("2026-07-28"), None, true),
            (meta("2026-07-28"), Some("2025-11-25"), true),
            (meta("2025-11-25"), None, false),
            (meta("2025-11-25"), Some("2025-06-18"), false),
            (meta("2025-11-25"), Some("2026-07-28"), true),
            (meta("1999-01-01"), None, true),
        ] {
            assert_eq!(is_modern(Some(&params), header), modern, "{params:?} {header:?}");
        }
    }

    #[test]
    fn modern_meta_must_be_whole() {
        for (meta, ok) in [
            (json!(null), false),
            (json!({}), false),
            (json!({META_VERSION: "x"}), false),
            (json!({META_CAPABILITIES: {}}), false),
            (json!({META_VERSION: 1, META_CAPABILITIES: {}}), false),
            (json!({META_VERSION: "x", META_CAPABILITIES: []}), false),
            (json!({META_VERSION: "x", META_CAPABILITIES: {}, META_LOG_LEVEL: "loud"}), false),
            (json!({META_VERSION: "x", META_CAPABILITIES: {}, META_LOG_LEVEL: "info"}), true),
            (json!({META_VERSION: "x", META_CAPABILITIES: {}}), true),
        ] {
            let params = Params::from_iter([("_meta".to_owned(), meta.clone())]);
            let found = modern_meta(&params);
            assert_eq!(found.is_ok(), ok, "{meta}");
            assert!(ok || found.unwrap_err().code == RpcError::INVALID_PARAMS, "{meta}");
        }
        assert_eq!(modern_revision("2026-07-28"), Ok(V2026_07_28));
        for version in ["2025-11-25", "2099-01-01", ""] {
            let error = modern_revision(version).unwrap_err();
            assert_eq!(error.code, RpcError::UNSUPPORTED_VERSION);
            assert_eq!(error.data.unwrap()["requested"], version);
        }
    }

    #[test]
    fn levels_are_in_order_and_named() {
        for (name, level) in Level::NAMES {
            assert_eq!(level.as_str(), name);
        }
        assert!(Level::parse("debug") < Level::parse("emergency"));
        assert_eq!(Level::parse("INFO"), None);
    }
}
