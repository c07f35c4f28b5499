//! Tests of tools: commands → names, schemas and descriptions.

#![expect(clippy::needless_pass_by_value, reason = "`json!` values are written in place")]

use serde_json::{Value, json};

use super::*;

fn command(value: Value) -> Command {
    serde_json::from_value(value).unwrap()
}

fn served(plugin: &str, root: Value) -> Tools {
    tools(plugin, &command(root), &BTreeMap::new())
}

fn check_names(plugin: &str, root: Value, expected: &[&str]) {
    let names: Vec<String> = served(plugin, root).tools.into_iter().map(|t| t.name).collect();
    assert_eq!(names, expected);
}

/// The property that one argument becomes, under its name.
fn check_property(argument: Value, name: &str, expected: Value) {
    let out = served("p", json!({"arguments": [argument]}));
    assert_eq!(out.tools[0].input_schema["properties"], json!({name: expected}));
}

#[test]
fn names_follow_the_path() {
    check_names("demo", json!({}), &["demo"]);
    check_names(
        "my plugin",
        json!({"subcommands": [{"name": "do.it"}, {"name": "b-c"}]}),
        &["my_plugin__do_it", "my_plugin__b-c"],
    );
    let nest = json!({"subcommands": [{"name": "a", "runsAlone": true, "subcommands": [{"name": "b"}]}, {"name": "x", "hidden": true, "subcommands": [{"name": "y"}]}]});
    check_names("p", nest, &["p__a", "p__a__b"]);
}

#[test]
fn long_names_keep_their_beginning() {
    let word = "w".repeat(70);
    let out = served("plugin", json!({"subcommands": [{"name": word}, {"name": format!("{word}x")}]}));
    let names: Vec<&str> = out.tools.iter().map(|t| t.name.as_str()).collect();
    assert!(
        names.iter().all(|n| n.len() == 64 && n.starts_with(&format!("plugin__{}_", "w".repeat(47)))),
        "{names:?}"
    );
    assert_ne!(names[0], names[1]);
    assert_eq!(out.diagnostics[0].code, "tool-name-shortened");
}

#[test]
fn contested_names_are_all_changed() {
    let out = served(
        "p",
        json!({"subcommands": [{"name": "a-b"}, {"name": "a_b"}, {"name": "A-B"}, {"name": "c"}]}),
    );
    let names: Vec<&str> = out.tools.iter().map(|t| t.name.as_str()).collect();
    assert!(
        names[0].starts_with("p__a-b_") && names[1].starts_with("p__a_b_") && names[2].starts_with("p__A-B_"),
        "{names:?}"
    );
    assert_eq!(names[3], "p__c");
    assert_eq!(out.diagnostics.len(), 3);
    for reserved in ["health", "sanctum__tools"] {
        let name = served(reserved, json!({})).tools[0].name.clone();
        assert!(name.starts_with(reserved) && name.len() == reserved.len() + 9, "{name}");
    }
}

#[test]
fn plugins_are_separated() {
    let mut tools: Vec<Tool> = ["a-b", "a_b", "c"].iter().flat_map(|p| served(p, json!({})).tools).collect();
    let mut pairs: Vec<(&str, &mut Tool)> = ["a-b", "a_b", "c"].into_iter().zip(tools.iter_mut()).collect();
    assert_eq!(separate(&mut pairs), [(0, "a-b".to_owned()), (1, "a_b".to_owned())]);
    assert_eq!(separate(&mut pairs), []);
    assert!(tools[0].name.starts_with("a-b_") && tools[1].name.starts_with("a_b_") && tools[2].name == "c");
}

#[test]
fn a_tool_without_arguments() {
    let tool =
        served("p", json!({"arguments": [{"flags": ["-h", "--help"], "action": "help", "arity": "0"}]}))
            .tools
            .remove(0);
    assert_eq!(Value::Object(tool.input_schema), json!({"type": "object", "additionalProperties": false}));
    assert_eq!(tool.description, "Runs `p`.");
}

#[test]
fn property_names() {
    let string = json!({"type": "string"});
    for (argument, name) in [
        (json!({"flags": ["-n", "--dry-run", "--other"]}), "dry_run"),
        (json!({"flags": ["-n"]}), "n"),
        (json!({"flags": ["--foo.bar"]}), "foo.bar"),
        (json!({"flags": ["--a[0].b"]}), "a_0_.b"),
        (json!({"metavar": ["IN FILE"], "dest": "x"}), "in_file"),
        (json!({"metavar": ["<Path>"]}), "path"),
        (json!({"metavar": ["A", "B"], "dest": "pair"}), "pair"),
        (json!({"dest": "Thing"}), "thing"),
        (json!({"metavar": ["…"], "dest": "x"}), "x"),
        (json!({"metavar": ["✓"]}), "value"),
    ] {
        let out = served("p", json!({"arguments": [argument]}));
        assert_eq!(out.tools[0].bindings[0].property, name);
    }
    check_property(json!({"flags": ["--x"]}), "x", string);
}

#[test]
fn types() {
    let s = json!({"type": "string"});
    let bare = json!({"type": "boolean", "const": true});
    for (argument, expected) in [
        (
            json!({"flags": ["--x"], "type": "integer", "default": "5"}),
            json!({"type": "integer", "default": 5}),
        ),
        (
            json!({"flags": ["--x"], "type": "number", "default": 0.5}),
            json!({"type": "number", "default": 0.5}),
        ),
        (
            json!({"flags": ["--x"], "default": 5, "help": " Say it "}),
            json!({"type": "string", "description": "Say it", "default": "5"}),
        ),
        (
            json!({"flags": ["--x"], "type": "integer", "choices": ["1", "2"], "default": 1}),
            json!({"type": "string", "enum": ["1", "2"], "default": "1"}),
        ),
        (
            json!({"flags": ["--x"], "action": "flag", "arity": "0", "default": false}),
            json!({"type": "boolean"}),
        ),
        (
            json!({"flags": ["--x"], "action": "negatable", "arity": "0", "default": true}),
            json!({"type": "boolean", "default": true}),
        ),
        (
            json!({"flags": ["--x"], "action": "count", "arity": "0"}),
            json!({"type": "integer", "minimum": 0, "description": "How many times it is given."}),
        ),
        (
            json!({"flags": ["--x"], "arity": "?", "default": "d"}),
            json!({"anyOf": [s, bare], "description": "`true` uses the option without a value.", "default": "d"}),
        ),
        (json!({"dest": "x", "arity": "?"}), s.clone()),
        (
            json!({"dest": "x", "arity": "*", "default": ["a"]}),
            json!({"type": "array", "items": s, "default": ["a"]}),
        ),
        (
            json!({"dest": "x", "arity": "*", "default": "a"}),
            json!({"type": "array", "items": s, "description": "Default: a."}),
        ),
        (
            json!({"flags": ["--x"], "arity": "+", "choices": ["a"]}),
            json!({"type": "array", "items": {"type": "string", "enum": ["a"]}, "minItems": 1}),
        ),
        (
            json!({"flags": ["--x"], "arity": "2", "metavar": ["K", "V"], "help": "A pair"}),
            json!({"type": "array", "items": s, "minItems": 2, "maxItems": 2, "description": "A pair. Values: K, V."}),
        ),
        (
            json!({"flags": ["--x"], "action": "append"}),
            json!({"type": "array", "items": s, "description": "May be given several times: one element for each."}),
        ),
        (
            json!({"flags": ["--x"], "action": "append", "arity": "2"}),
            json!({"type": "array", "items": {"type": "array", "items": s, "minItems": 2, "maxItems": 2}, "description": "One list for each use."}),
        ),
        (
            json!({"flags": ["--x"], "action": "extend", "arity": "+", "type": "integer"}),
            json!({"type": "array", "items": {"type": "integer"}, "description": "May be given several times: one element for each."}),
        ),
        (
            json!({"dest": "x", "arity": "*", "required": true}),
            json!({"type": "array", "items": s, "minItems": 1}),
        ),
        (
            json!({"dest": "x", "arity": "..."}),
            json!({"type": "array", "items": s, "description": "Passed on as they are, options included."}),
        ),
        (json!({"dest": "x", "action": "append"}), json!({"type": "array", "items": s, "maxItems": 1})),
        (json!({"flags": ["--x"], "type": "json"}), json!({"type": "object"})),
    ] {
        check_property(argument, "x", expected);
    }
}

#[test]
fn required_comes_first_and_parents_last() {
    let root = json!({
        "arguments": [{"flags": ["--global"]}, {"dest": "env", "required": true}],
        "subcommandAt": 1,
        "subcommands": [{"name": "up", "arguments": [{"flags": ["--size"]}, {"dest": "what", "arity": "*"}, {"dest": "to", "required": true}]}],
    });
    let tool = served("p", root).tools.remove(0);
    let names: Vec<&str> = tool.bindings.iter().map(|b| b.property.as_str()).collect();
    assert_eq!(names, ["to", "env", "size", "what", "global"]);
    assert_eq!(tool.input_schema["required"], json!(["to", "env"]));
    assert_eq!(tool.bindings[1], Binding { property: "env".into(), depth: 0, index: 1 });
}

fn check_clash(parent: Value, leaf: Value, expected: &[(&str, usize)]) {
    let root = json!({"arguments": parent, "subcommands": [{"name": "up", "arguments": leaf}]});
    let tool = served("p", root).tools.remove(0);
    let found: Vec<(&str, usize)> = tool.bindings.iter().map(|b| (b.property.as_str(), b.depth)).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_leaf_keeps_the_plain_name() {
    let x = |dest: Value| json!([{"flags": ["--x"], "dest": dest}]);
    check_clash(x(Value::Null), x(Value::Null), &[("x", 1)]);
    check_clash(x(json!("a")), x(Value::Null), &[("x", 1), ("p_x", 0)]);
    check_clash(x(json!("a")), x(json!("b")), &[("x", 1), ("p_x", 0)]);
    check_clash(x(json!("a")), x(json!("a")), &[("x", 1)]);
    check_clash(
        json!([{"flags": ["--x"], "dest": "a", "required": true}]),
        x(json!("a")),
        &[("p_x", 0), ("x", 1)],
    );
    check_clash(json!([]), json!([{"dest": "x"}, {"flags": ["--x"]}]), &[("x_2", 1), ("x", 1)]);
    check_clash(
        json!([]),
        json!([{"dest": "at_x", "metavar": ["@x"]}, {"flags": ["--x"]}]),
        &[("at_x", 1), ("x", 1)],
    );
    let hidden = json!([{"flags": ["--y"], "dest": "a", "hidden": true, "default": 1}]);
    check_clash(x(json!("a")), hidden, &[]);
}

#[test]
fn descriptions_say_what_schemas_cannot() {
    let root = json!({
        "description": "Does it.  \n\n\n\nWell.\n",
        "epilog": "Example: p --a",
        "arguments": [{"flags": ["--a"]}, {"flags": ["--b"], "help": "B"}, {"flags": ["--c"]}, {"flags": ["--d"], "hidden": true}],
        "exclusive": [{"members": [0, 1]}, {"required": true, "members": [2, 3]}, {"members": [2, 3]}, {"required": true, "members": [0, 2]}],
    });
    let tool = served("p", root).tools.remove(0);
    let expected = "Does it.\n\nWell.\n\nAt most one of `a` and `b` may be given.\n`c` must be given.\n\
                    Exactly one of `a` and `c` must be given.\n\nExample: p --a";
    assert_eq!(tool.description, expected);
    assert_eq!(tool.input_schema["properties"]["b"]["description"], "B. Not together with `a`.");
}

#[test]
fn descriptions_have_a_source_and_a_bound() {
    let sub = |fields: Value| served("p", json!({"subcommands": [fields]})).tools.remove(0).description;
    assert_eq!(sub(json!({"name": "up", "summary": "Short", "description": " "})), "Short");
    assert_eq!(sub(json!({"name": "up"})), "Runs `p up`.");
    let long = sub(json!({"name": "up", "description": "word ".repeat(2_000)}));
    assert!(long.ends_with("word …") && long.chars().count() <= 4_002, "{}", long.len());
}

#[test]
fn a_manifest_overrides() {
    let overrides: BTreeMap<String, ToolOverride> = [
        (
            "up".to_owned(),
            ToolOverride {
                name: Some("go-up".into()),
                title: Some("Up".into()),
                description: Some("Goes up".into()),
                annotations: Map::new(),
                confirm: false,
                reload: false,
            },
        ),
        ("down".to_owned(), ToolOverride { name: Some("no good".into()), ..ToolOverride::default() }),
    ]
    .into();
    let root = command(json!({"subcommands": [{"name": "up", "epilog": "E"}, {"name": "down"}]}));
    let out = tools("p", &root, &overrides);
    assert_eq!(
        (out.tools[0].name.as_str(), out.tools[0].title.as_deref(), out.tools[0].description.as_str()),
        ("go-up", Some("Up"), "Goes up")
    );
    assert_eq!((out.tools[1].name.as_str(), out.diagnostics[0].code.as_str()), ("p__down", "bad-tool-name"));
}

#[test]
fn what_tools_have_together_is_bounded() {
    let options: Vec<Value> =
        (0..1000).map(|n| json!({"flags": [format!("--o{n}")], "help": "h".repeat(1000)})).collect();
    let subcommands: Vec<Value> = (0..100).map(|n| json!({"name": format!("s{n}")})).collect();
    let out = served("p", json!({"arguments": options, "subcommands": subcommands}));
    let size: usize = out.tools.iter().map(|tool| json!(tool.input_schema).to_string().len()).sum();
    assert!(size > MAX_BYTES / 2 && size < MAX_BYTES * 2, "{size}");
    let left_out = format!("`s{}` and what follows it are not served", out.tools.len());
    assert!(out.diagnostics.iter().any(|d| d.code == "too-many-tools" && d.message.contains(&left_out)));
}

#[test]
fn large_groups_are_told_of_in_short() {
    let arguments: Vec<Value> =
        (0..100).map(|n| json!({"flags": [format!("--o{n}")], "action": "flag"})).collect();
    let members: Vec<usize> = (0..100).collect();
    let out =
        served("p", json!({"arguments": arguments, "exclusive": [{"required": false, "members": members}]}));
    let tool = &out.tools[0];
    assert!(tool.description.ends_with("`o22`, `o23` and 76 more may be given."), "{}", tool.description);
    let note = tool.input_schema["properties"]["o0"]["description"].as_str().unwrap();
    assert!(note.starts_with("Not together with `o1`, ") && note.ends_with("`o24` or 75 more."), "{note}");
}

#[test]
fn many_arguments_of_one_name_get_their_numbers_at_once() {
    let arguments: Vec<Value> = (0..20_000).map(|_| json!({"metavar": ["é"]})).collect();
    let out = served("p", json!({"arguments": arguments}));
    let properties = out.tools[0].input_schema["properties"].as_object().unwrap();
    assert_eq!(properties.len(), 20_000);
    assert!(properties.contains_key("value") && properties.contains_key("value_20000"));
}
