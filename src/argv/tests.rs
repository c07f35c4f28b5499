//! Tests of rendering: calls → words or refusals.

#![expect(clippy::needless_pass_by_value, reason = "`json!` values are written in place")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A program of one command; each argument is a property named as the test names it.
fn tool(arguments: Value, required: &[&str]) -> (Command, Tool) {
    let names: Vec<String> = arguments.as_array().unwrap().iter().map(property).collect();
    let root: Command = serde_json::from_value(json!({"arguments": arguments})).unwrap();
    let bindings: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(index, name)| json!({"property": name, "depth": 0, "index": index}))
        .collect();
    let tool = json!({"name": "t", "description": "T.", "inputSchema": {"required": required}, "bindings": bindings});
    (root, serde_json::from_value(tool).unwrap())
}

fn property(argument: &Value) -> String {
    let flag = argument["flags"][0].as_str().map(|f| f.trim_start_matches('-').replace('-', "_"));
    flag.unwrap_or_else(|| argument["dest"].as_str().unwrap().to_owned())
}

fn call(arguments: Value, required: &[&str], given: &Value) -> Result<Vec<String>, Vec<String>> {
    let (root, tool) = tool(arguments, required);
    let words = render(&[&root], &tool, given.as_object().unwrap());
    words.map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn check(arguments: Value, given: Value, words: &[&str]) {
    assert_eq!(call(arguments, &[], &given), Ok(words.iter().map(|w| (*w).to_owned()).collect()), "{given}");
}

fn check_errors(arguments: Value, required: &[&str], given: Value, errors: &[&str]) {
    assert_eq!(call(arguments, required, &given).unwrap_err(), errors, "{given}");
}

#[test]
fn words_stand_in_an_order_that_argparse_can_read() {
    let arguments = json!([
        {"dest": "pos"}, {"flags": ["--one"]}, {"flags": ["--many"], "arity": "*"}, {"flags": ["-v"], "action": "count", "arity": "0"},
        {"flags": ["--maybe"], "arity": "?"}, {"flags": ["--rest"], "arity": "..."},
    ]);
    check(
        arguments.clone(),
        json!({"pos": "-p", "one": "1", "many": ["a", "b"], "v": 2, "maybe": true}),
        &["--many", "a", "b", "--maybe", "--one=1", "-v", "-v", "--", "-p"],
    );
    check(
        arguments.clone(),
        json!({"one": "", "many": ["-a"], "maybe": "m"}),
        &["--one=", "--many=-a", "--maybe=m"],
    );
    check(arguments, json!({"rest": ["-x", "y"], "v": 1}), &["-v", "--rest", "-x", "y"]);
}

#[test]
fn keys_are_understood_in_every_spelling() {
    let arguments = || json!([{"flags": ["--dry-run", "-n"], "action": "flag", "arity": "0"}]);
    for key in ["dry_run", "dry-run", "--dry-run", "Dry_Run", "--DRY-RUN"] {
        check(arguments(), json!({key: true}), &["--dry-run"]);
    }
    // An action of the program's own may tell its flags apart.
    check(arguments(), json!({"-n": true}), &["-n"]);
    let standard = json!([{"flags": ["--dry-run", "-n"], "action": "flag", "arity": "0", "provenance": {"action": "live"}}]);
    check(standard, json!({"-n": true, "dry_run": true}), &["--dry-run"]);
    let negatable = || json!([{"flags": ["--color", "--no-color"], "action": "negatable", "arity": "0"}]);
    for (key, value, word) in [
        ("color", true, "--color"),
        ("no_color", true, "--no-color"),
        ("--no-color", false, "--color"),
        ("--color", false, "--no-color"),
    ] {
        check(negatable(), json!({key: value}), &[word]);
    }
    check(negatable(), json!({"color": false, "no-color": true}), &["--no-color"]);
    let cased = || json!([{"flags": ["-v"], "action": "flag", "arity": "0"}, {"flags": ["-V"], "action": "flag", "arity": "0"}]);
    check(cased(), json!({"V": true}), &["-V"]);
    check(cased(), json!({"-v": true}), &["-v"]);
    check(arguments(), json!({"dry_run": true, "dry-run": true}), &["--dry-run"]);
}

#[test]
fn every_error_is_told() {
    let arguments =
        json!([{"flags": ["--count"], "type": "integer"}, {"flags": ["--name"]}, {"dest": "file"}]);
    check_errors(
        arguments,
        &["file"],
        json!({"cuont": 1, "count": "many", "name": "a\u{0}"}),
        &[
            "argument `cuont`: is not known; did you mean `count`?",
            "argument `count`: must be an integer, not \"many\"",
            "argument `name`: holds a NUL character, which no command line can",
            "argument `file`: is required",
        ],
    );
    check_errors(
        json!([]),
        &[],
        json!({"x": 1}),
        &["argument `x`: is not known; this tool takes no arguments"],
    );
    check_errors(
        json!([{"flags": ["--alpha"]}, {"flags": ["--beta"]}]),
        &[],
        json!({"something": 1}),
        &["argument `something`: is not known; there are `alpha`, `beta`"],
    );
}

#[test]
fn scalars_are_taken_where_nothing_is_lost() {
    let check_one = |fields: Value, given: Value, expected: Result<&str, &str>| {
        let mut argument = json!({"flags": ["--x"]});
        argument.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let got = call(json!([argument]), &[], &json!({"x": given}));
        let expected =
            expected.map(|word| vec![format!("--x={word}")]).map_err(|e| vec![format!("argument `x`: {e}")]);
        assert_eq!(got, expected, "{given}");
    };
    for (given, word) in [
        (json!(5), "5"),
        (json!(5.0), "5.0"),
        (json!(-0.5), "-0.5"),
        (json!(true), "true"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!(["only"]), "only"),
        (json!({"k": [1, null]}), r#"{"k":[1,null]}"#),
        (json!([{"k": 1}, {"k": 2}]), r#"[{"k":1},{"k":2}]"#),
    ] {
        check_one(json!({}), given, Ok(word));
    }
    check_one(json!({}), json!(["a", "b"]), Err("takes one value, not 2"));
    check_one(json!({}), json!(1e30), Err("is a number too large to be exact: send it as a string"));
    for (given, word) in [
        (json!(5), "5"),
        (json!(5.0), "5"),
        (json!("-7"), "-7"),
        (json!("123456789012345678901"), "123456789012345678901"),
    ] {
        check_one(json!({"type": "integer"}), given, Ok(word));
    }
    check_one(
        json!({"type": "integer"}),
        json!(1e20),
        Err("must be an integer (a large one as a string), not 1e+20"),
    );
    check_one(json!({"type": "integer"}), json!(true), Err("must be an integer, not true"));
    check_one(json!({"type": "number"}), json!("1e-3"), Ok("1e-3"));
    check_one(json!({"type": "number"}), json!([1]), Err("must be a number, not [1]"));
    check_one(json!({"choices": ["1", "True"]}), json!(1.0), Ok("1"));
    check_one(json!({"choices": ["1", "True"]}), json!(true), Ok("True"));
    check_one(json!({"choices": ["a"]}), json!("A"), Err("must be one of \"a\", not \"A\""));
    check_one(json!({"type": "json"}), json!({"a": 1}), Ok(r#"{"a":1}"#));
    check_one(json!({"type": "json"}), json!("[1]"), Ok("[1]"));
}

#[test]
fn a_default_beside_the_choices_is_left_out() {
    let arguments = json!([{"flags": ["--x"], "choices": ["a"], "default": "none"}]);
    check(arguments, json!({"x": "none"}), &[]);
}

#[test]
fn counts_have_a_bound() {
    let arguments = json!([{"flags": ["-v"], "action": "count", "arity": "0"}]);
    check_errors(arguments, &[], json!({"v": 1e12}), &["argument `v`: must be at most 10000"]);
}

#[test]
fn double_dashes_are_passed_only_where_they_are_kept() {
    for (keeps, refused) in [(None, true), (Some(true), false), (Some(false), true)] {
        let (mut root, tool) = tool(json!([{"flags": ["--x"]}]), &[]);
        root.parser.keeps_double_dash = keeps;
        let given = json!({"x": "--"});
        assert_eq!(render(&[&root], &tool, given.as_object().unwrap()).is_err(), refused, "{keeps:?}");
    }
}

fn any_argument() -> impl Strategy<Value = Value> {
    let flags = prop_oneof![
        Just(json!([])),
        Just(json!(["--aa"])),
        Just(json!(["-b", "--ab"])),
        Just(json!(["-1"])),
        Just(json!(["-abc"]))
    ];
    let actions = prop_oneof![
        Just("store"),
        Just("append"),
        Just("extend"),
        Just("flag"),
        Just("count"),
        Just("negatable")
    ];
    let arities = prop_oneof![Just("1"), Just("?"), Just("*"), Just("+"), Just("2"), Just("..."), Just("0")];
    (flags, actions, arities).prop_map(
        |(flags, action, arity)| json!({"flags": flags, "dest": "d", "action": action, "arity": arity}),
    )
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[-a1=@ é]{0,4}".prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    scalar.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            inner.prop_map(|v| json!({"item": v})),
        ]
    })
}

proptest! {
    /// Whatever the arguments are, there is an answer; and words that are accepted are read as what was meant, which
    /// `replay` has seen to, so all that is left to show is that nothing panics.
    #[test]
    fn rendering_is_total(arguments in prop::collection::vec((any_argument(), any_value()), 0..5)) {
        let (described, values): (Vec<Value>, Vec<Value>) = arguments.into_iter().unzip();
        let mut root: Command = serde_json::from_value(json!({"arguments": described})).unwrap();
        root.parser.fromfile_prefix_chars = Some("@".into());
        let bindings = (0..values.len()).map(|index| Binding { property: format!("p{index}"), depth: 0, index }).collect();
        let (_, mut tool) = tool(json!([]), &[]);
        tool.bindings = bindings;
        let given: Map<String, Value> = values.into_iter().enumerate().map(|(i, v)| (format!("p{i}"), v)).collect();
        if let Ok(words) = render(&[&root], &tool, &given) {
            prop_assert!(words.iter().all(|w| !w.starts_with('@') && !w.contains('\0')));
        }
    }
}
