//! Tests of the conversion of live descriptions.

#![expect(clippy::needless_pass_by_value, reason = "json! makes values")]

use serde_json::{Value, json};

use crate::live::{MAX_BYTES, read};
use crate::model::{Action, Argument, Arity, Command, Fact, Source, ValueType};

fn tree(parsers: Value) -> Result<Command, String> {
    let json = json!({"version": 1, "root": 0, "parsers": parsers, "of a later version": [1]});
    read(json.to_string().as_bytes()).map_err(|e| e.to_string())
}

fn argument(action: Value) -> Argument {
    tree(json!([{"actions": [action]}])).unwrap().arguments.remove(0)
}

#[test]
fn kinds_and_arities() {
    let check = |kind: &str, nargs: Value, action: Action, arity: Arity| {
        let found = argument(json!({"kind": kind, "flags": ["--x"], "nargs": nargs}));
        assert_eq!((found.action, found.arity), (action, arity), "{kind}");
    };
    check("StoreAction", Value::Null, Action::Store, Arity::One);
    check("StoreAction", json!(1), Action::Store, Arity::One);
    check("StoreAction", json!(3), Action::Store, Arity::Exactly(3));
    check("StoreAction", json!("?"), Action::Store, Arity::Optional);
    check("StoreAction", json!("..."), Action::Store, Arity::Remainder);
    check("StoreTrueAction", json!(0), Action::Flag, Arity::Zero);
    check("StoreConstAction", json!(0), Action::Flag, Arity::Zero);
    check("AppendConstAction", json!(0), Action::Flag, Arity::Zero);
    check("CountAction", json!(0), Action::Count, Arity::Zero);
    check("AppendAction", json!("+"), Action::Append, Arity::OneOrMore);
    check("ExtendAction", json!("*"), Action::Extend, Arity::ZeroOrMore);
    check("BooleanOptionalAction", json!(0), Action::Negatable, Arity::Zero);
    check("HelpAction", json!(0), Action::Help, Arity::Zero);
    check("VersionAction", json!(0), Action::Version, Arity::Zero);
    check("Action", json!(0), Action::Flag, Arity::Zero);
    check("Action", Value::Null, Action::Store, Arity::One);
}

#[test]
fn facts() {
    let full = argument(json!({
        "kind": "StoreAction", "flags": ["-n", "--num"], "dest": "num", "type": "int", "choices": ["1", "2"],
        "choicesKnown": true, "default": 1, "defaultKnown": true, "required": true, "help": "h", "section": "s",
    }));
    assert_eq!(full.value_type, ValueType::Integer);
    assert_eq!(full.choices.as_deref().unwrap(), ["1", "2"]);
    assert_eq!(full.default, Some(json!(1)));
    assert!(full.required && full.metavar.is_empty());
    assert_eq!((full.help.as_deref(), full.section.as_deref()), (Some("h"), Some("s")));
    assert_eq!(full.provenance.len(), 8);
    assert!(full.provenance.values().all(|s| *s == Source::Live));

    let unsaid = argument(json!({"kind": "StoreAction", "flags": ["-n"], "dest": "num", "type": "other"}));
    assert_eq!((unsaid.metavar, unsaid.value_type), (vec!["NUM".to_owned()], ValueType::String));
    assert!(
        !unsaid.provenance.contains_key(&Fact::Default) && !unsaid.provenance.contains_key(&Fact::Choices)
    );
}

#[test]
fn positionals_are_required_as_argparse_insists() {
    for (nargs, required) in [
        (Value::Null, true),
        (json!("+"), true),
        (json!(2), true),
        (json!("?"), false),
        (json!("*"), false),
        (json!("..."), false),
    ] {
        let found = argument(json!({"kind": "StoreAction", "dest": "x", "nargs": nargs, "required": true}));
        assert_eq!((found.required, found.label().as_str()), (required, "x"), "{nargs}");
    }
}

fn group(defaults: Value, required: bool) -> Value {
    let commands =
        json!([{"name": "a", "aliases": ["b"], "summary": "s", "parser": 1}, {"name": "c", "hidden": true}]);
    json!([{"defaults": defaults, "subparsers": {"at": 0, "required": required, "commands": commands}},
           {"description": "d", "actions": [{"kind": "StoreTrueAction", "flags": ["-x"], "nargs": 0}]}])
}

#[test]
fn subcommands() {
    let command = tree(group(json!([]), false)).unwrap();
    let [a, c] = &command.subcommands[..] else { panic!("two") };
    assert!(a.answers_to("a") && a.answers_to("b") && !a.hidden && !a.incomplete);
    assert_eq!(
        (a.summary.as_deref(), a.description.as_deref(), a.arguments.len()),
        (Some("s"), Some("d"), 1)
    );
    assert!(c.hidden && c.incomplete);
}

#[test]
fn hidden_arguments() {
    let is_hidden = |kind: &str, help: &str| {
        let found = argument(json!({"kind": kind, "flags": ["--x"], "nargs": 0, "help": help}));
        assert_eq!(found.help.is_none(), found.hidden);
        found.hidden
    };
    // So `BooleanOptionalAction` of 3.9 to 3.12 writes what is to be suppressed.
    assert!(is_hidden("BooleanOptionalAction", "==SUPPRESS== (default: True)"));
    assert!(!is_hidden("StoreAction", "==SUPPRESS==. Given several times, all count."), "argparse prints it");
}

#[test]
fn each_word_leads_to_one_command() {
    let commands = json!([
        {"name": "1", "aliases": ["one", "2", "one"], "parser": 1}, {"name": "1", "parser": 2}, {"name": "2"},
    ]);
    let one = json!({"description": "one"});
    let command = tree(json!([{"subparsers": {"at": 0, "commands": commands}}, one, {}])).unwrap();
    let words: Vec<_> = command.subcommands.iter().map(|c| (c.name.as_str(), &c.aliases[..])).collect();
    assert_eq!(words, [("1", &["one".to_owned()][..]), ("2", &[])]);
    assert_eq!(command.subcommands[0].description.as_deref(), Some("one"));
}

#[test]
fn runs_alone_where_a_function_is_set() {
    let runs = |defaults, required| tree(group(defaults, required)).unwrap().runs_alone;
    let function = json!([{"name": "func", "callable": true, "printsHelp": false}]);
    assert!(runs(function.clone(), false));
    assert!(!runs(function, true));
    assert!(!runs(json!([]), false));
    assert!(!runs(json!([{"name": "func", "callable": true, "printsHelp": true}]), false));
    assert!(!runs(json!([{"name": "level", "callable": false}]), false));
}

#[test]
fn cycles_end_and_sharing_is_bounded() {
    let to =
        |n: usize| json!({"at": 0, "commands": [{"name": "x", "parser": n}, {"name": "y", "parser": n}]});
    let cycle = tree(json!([{"subparsers": to(1)}, {"subparsers": to(0)}])).unwrap();
    assert!(cycle.subcommands[0].subcommands[1].incomplete);
    // Each level doubles the tree.
    let deep: Vec<Value> =
        (0..40).map(|n| if n < 39 { json!({"subparsers": to(n + 1)}) } else { json!({}) }).collect();
    assert!(tree(json!(deep)).unwrap_err().contains("commands"));
    // So does what is shared, however few commands share it.
    let names: Vec<Value> = (0..40).map(|n| json!({"name": format!("s{n}"), "parser": 1})).collect();
    let large = json!([{"subparsers": {"at": 0, "commands": names}}, {"description": "d".repeat(1 << 20)}]);
    assert!(tree(large).unwrap_err().contains("texts in bytes"));
}

#[test]
fn what_is_wrong_is_named() {
    for (parsers, field) in [
        (json!({}), "`parsers`"),
        (json!([]), "`root`"),
        (json!([3]), "`parsers[0]`"),
        (json!([{"actions": [{"kind": "StoreAction"}, {"kind": 7}]}]), "`parsers[0].actions[1].kind`"),
        (json!([{"actions": [{"kind": "StoreAction", "nargs": "A..."}]}]), ""),
        (json!([{"actions": [{"kind": "StoreAction", "nargs": "many"}]}]), "`parsers[0].actions[0].nargs`"),
        (json!([{"actions": [{"kind": "StoreAction", "nargs": -1}]}]), "`parsers[0].actions[0].nargs`"),
        (
            json!([{"actions": [{"kind": "StoreAction", "flags": ["-x", 1]}]}]),
            "`parsers[0].actions[0].flags[1]`",
        ),
        (json!([{"exclusive": [{"members": [0]}]}]), "`parsers[0].exclusive[0].members[0]`"),
        (json!([{"subparsers": {"at": 1}}]), "`parsers[0].subparsers.at`"),
        (json!([{"subparsers": {"at": 0, "commands": [{"name": "x", "parser": 9}]}}]), "commands of `x`"),
    ] {
        match tree(parsers) {
            Ok(_) => assert!(field.is_empty(), "{field}"),
            Err(error) => assert!(!field.is_empty() && error.contains(field), "{error} lacks {field}"),
        }
    }
    assert!(read(b"{").is_err());
    assert!(read(br#"{"version": 2, "parsers": [{}], "root": 0}"#).is_err());
    assert!(read(&vec![b' '; MAX_BYTES + 1]).is_err());
}
