//! Everything that a check can find, each with its code, class and severity. `docs/ci.md` has the same table.

use serde::Serialize;

use crate::model::Severity;

/// Which part of a check found something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// What is served differs from the committed contract.
    Drift,
    /// A client or model will stumble over it.
    Lint,
    /// A call does not arrive as what it says.
    Prove,
}

/// What a difference from the committed contract means for those who call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A call that was right may be refused, or mean something else.
    Breaking,
    /// Every call that was right still is and means the same.
    Compatible,
    /// Nothing but text differs.
    Wording,
}

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, stable.
    pub code: &'static str,
    /// Whose it is.
    pub kind: Kind,
    /// For drift: what it means for those who call.
    pub class: Option<Class>,
    /// How much it matters.
    pub severity: Severity,
    /// What it says, in one sentence.
    pub says: &'static str,
}

const fn drift(code: &'static str, class: Class, says: &'static str) -> Rule {
    let severity = match class {
        Class::Breaking => Severity::Error,
        Class::Compatible => Severity::Warning,
        Class::Wording => Severity::Note,
    };
    Rule { code, kind: Kind::Drift, class: Some(class), severity, says }
}

const fn lint(code: &'static str, severity: Severity, says: &'static str) -> Rule {
    Rule { code, kind: Kind::Lint, class: None, severity, says }
}

const fn prove(code: &'static str, severity: Severity, says: &'static str) -> Rule {
    Rule { code, kind: Kind::Prove, class: None, severity, says }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $rule:expr;)*) => {
        $(#[doc = concat!("The rule `", stringify!($name), "`.")] pub const $name: Rule = $rule;)*
        /// All rules, in the order of the documentation.
        pub const ALL: &[Rule] = &[$($name),*];
    };
}

use Class::{Breaking, Compatible, Wording};

rules! {
    PLUGIN_GONE = drift("plugin-gone", Breaking, "A plugin with a committed contract is not there any more.");
    TOOL_GONE = drift("tool-gone", Breaking, "A tool is not there any more.");
    TOOL_RENAMED = drift("tool-renamed", Breaking, "A command's tool has another name.");
    ARGUMENT_GONE = drift("argument-gone", Breaking, "An argument is not there any more.");
    ARGUMENT_RENAMED = drift("argument-renamed", Breaking, "An argument has another name.");
    REQUIRED_ARGUMENT_ADDED =
        drift("required-argument-added", Breaking, "There is a new argument that must be given.");
    ARGUMENT_BECAME_REQUIRED =
        drift("argument-became-required", Breaking, "An argument that could be left out must be given.");
    TYPE_NARROWED = drift("type-narrowed", Breaking, "Some of the types that an argument took are refused.");
    TYPE_CHANGED = drift("type-changed", Breaking, "An argument takes another type.");
    CHOICE_REMOVED = drift("choice-removed", Breaking, "A choice is not there any more.");
    CHOICES_CLOSED = drift("choices-closed", Breaking, "An argument that took any text takes listed values only.");
    LENGTH_NARROWED = drift("length-narrowed", Breaking, "A list must have other lengths than it could have.");
    DEFAULT_CHANGED = drift("default-changed", Breaking, "Leaving an argument out means something else.");
    EXCLUSIVE_ADDED =
        drift("exclusive-added", Breaking, "Arguments that could be given together can't be any more.");
    GROUP_BECAME_REQUIRED = drift("group-became-required", Breaking, "One of a group of arguments must be given.");
    PROMISE_WITHDRAWN =
        drift("promise-withdrawn", Breaking, "An annotation does not promise any more that a tool is harmless.");
    CONFIRMATION_ADDED =
        drift("confirmation-added", Breaking, "Each call must be confirmed, so clients that can't ask can't call.");
    CONTRACT_UNUSABLE = Rule {
        code: "contract-unusable",
        kind: Kind::Drift,
        class: None,
        severity: Severity::Error,
        says: "The committed contract can't be read.",
    };
    NOT_COMMITTED = drift("not-committed", Compatible, "A plugin has no committed contract.");
    TOOL_ADDED = drift("tool-added", Compatible, "There is a new tool.");
    ARGUMENT_ADDED = drift("argument-added", Compatible, "There is a new argument that can be left out.");
    ARGUMENT_BECAME_OPTIONAL =
        drift("argument-became-optional", Compatible, "An argument that had to be given can be left out.");
    TYPE_WIDENED = drift("type-widened", Compatible, "An argument takes further types.");
    CHOICE_ADDED = drift("choice-added", Compatible, "There is a new choice.");
    CHOICES_OPENED = drift("choices-opened", Compatible, "An argument takes any text, not listed values only.");
    LENGTH_WIDENED = drift("length-widened", Compatible, "A list can have further lengths.");
    EXCLUSIVE_REMOVED = drift("exclusive-removed", Compatible, "Arguments can be given together that could not be.");
    GROUP_BECAME_OPTIONAL =
        drift("group-became-optional", Compatible, "None of a group of arguments need be given any more.");
    ANNOTATION_CHANGED = drift("annotation-changed", Compatible, "An annotation differs and promises no less.");
    CONFIRMATION_REMOVED = drift("confirmation-removed", Compatible, "Calls need not be confirmed any more.");
    TITLE_CHANGED = drift("title-changed", Wording, "A tool's title differs.");
    DESCRIPTION_CHANGED = drift("description-changed", Wording, "A tool's description differs.");
    ARGUMENT_DESCRIPTION_CHANGED =
        drift("argument-description-changed", Wording, "An argument's description differs.");
    SUGGESTIONS_CHANGED = drift("suggestions-changed", Wording, "The values that are only suggested differ.");
    ORDER_CHANGED = drift("order-changed", Wording, "Arguments or choices come in another order.");
    CONTRACT_OUTDATED = drift("contract-outdated", Wording, "The contract differs in what clients don't see.");
    PLUGIN_FAILED = lint("plugin-failed", Severity::Error, "A plugin can't be served.");
    PLUGIN_SKIPPED = lint("plugin-skipped", Severity::Warning, "A directory looks like a plugin and is none.");
    NO_DESCRIPTION = lint("no-description", Severity::Warning, "Nothing says what a tool does.");
    TERSE_DESCRIPTION = lint("terse-description", Severity::Note, "A description of one word says too little.");
    SAME_DESCRIPTION =
        lint("same-description", Severity::Warning, "Two tools of a plugin are described by the same text.");
    LONG_DESCRIPTION =
        lint("long-description", Severity::Warning, "A description is longer than what some clients take.");
    ARGUMENT_UNDESCRIBED = lint("argument-undescribed", Severity::Note, "Nothing says what an argument is for.");
    HIDDEN_REQUIRED = lint(
        "hidden-required",
        Severity::Warning,
        "The text says that an argument must be given, the parser does not.",
    );
    GROUP_REQUIRED =
        lint("group-required", Severity::Note, "Only the text can say that one of several arguments must be given.");
    LONG_NAME = lint("long-name", Severity::Warning, "A tool's name leaves no room for what clients put before it.");
    SIMILAR_ARGUMENTS = lint("similar-arguments", Severity::Note, "Two argument names differ only in case.");
    MANY_CHOICES = lint("many-choices", Severity::Warning, "Some clients drop a tool with so many choices.");
    MANY_TOOLS = lint("many-tools", Severity::Warning, "Some clients take no list with so many tools.");
    HEAVY_LIST = lint("heavy-list", Severity::Warning, "The list of tools costs a model much of its context.");
    NAMESPACE_DIFFERS =
        prove("namespace-differs", Severity::Error, "The parser makes something else of a call than it says.");
    PARSER_REFUSES = prove("parser-refuses", Severity::Error, "The parser refuses a call that the schema allows.");
    UNPROVEN = prove("unproven", Severity::Note, "No parser could be asked what it makes of a tool's calls.");
}
