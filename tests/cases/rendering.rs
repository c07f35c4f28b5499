//! Traps between a call's arguments and the namespace that the program gets. Every accepted call is made.

use std::fs;

use serde_json::{Value, json};

use super::support::{TOOL, World, each, each_since, newest};

/// cpython#53580: `--name -x` is refused by argparse.
#[test]
fn value_that_starts_with_a_dash() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('-n', '--name')
p.add_argument('-s')
p.add_argument('--many', nargs='+')
p.add_argument('--pair', nargs=2)
p.add_argument('pos', nargs='?')
";
    each(body, |seen| {
        for value in ["-x", "--many", "-1", "-", "--name=y"] {
            let all = json!({"name": value, "s": value, "many": [value], "pos": value});
            let words = seen.words(TOOL, &all).unwrap();
            assert!(words.contains(&format!("--name={value}")), "{}: {words:?}", seen.what());
            for dest in ["name", "s", "many", "pos"] {
                seen.gives(TOOL, &all, dest, &all[dest]);
            }
        }
        let reason = "argparse would take it for an option";
        seen.refuses(TOOL, &json!({"many": ["a", "-x"]}), reason);
        seen.refuses(TOOL, &json!({"pair": ["--name", "b"]}), reason);
        // As long as no option looks like a number, a negative number is none.
        seen.gives(TOOL, &json!({"pair": ["-1", "b"]}), "pair", &json!(["-1", "b"]));
    });
}

/// cpython#53584: an option of several values takes the positionals behind it as well.
#[test]
fn variadic_option_before_positionals() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--any', nargs='*')
p.add_argument('--some', nargs='+')
p.add_argument('--maybe', nargs='?', const='bare')
p.add_argument('--one')
p.add_argument('first')
p.add_argument('rest', nargs='*')
";
    each(body, |seen| {
        let all = json!({"any": ["1", "2"], "some": ["3", "4"], "maybe": true, "one": "5", "first": "6", "rest": ["7", "8"]});
        let words = seen.words(TOOL, &all).unwrap();
        assert_eq!(words[words.len() - 5..], ["--one=5", "--", "6", "7", "8"], "{}", seen.what());
        for dest in ["any", "some", "one", "first", "rest"] {
            seen.gives(TOOL, &all, dest, &all[dest]);
        }
        seen.gives(TOOL, &all, "maybe", &json!("bare"));
        seen.gives(TOOL, &json!({"any": ["1", "2"], "first": "6"}), "first", &json!("6"));
        seen.gives(TOOL, &json!({"maybe": true, "first": "6"}), "first", &json!("6"));
    });
}

/// cpython#58572 and cpython#66419: which `--` are dropped depends on the version.
#[test]
fn double_dash_as_a_value() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--opt')
p.add_argument('--list', nargs='*')
p.add_argument('first')
p.add_argument('rest', nargs='*')
";
    each(body, |seen| {
        seen.gives(
            TOOL,
            &json!({"opt": "-- x", "first": "---", "rest": ["--opt", "-"]}),
            "rest",
            &json!(["--opt", "-"]),
        );
        let odd = [
            json!({"opt": "--", "first": "a"}),
            json!({"first": "--"}),
            json!({"first": "a", "rest": ["b", "--", "c"]}),
        ];
        for call in odd {
            // Exactly as it was meant, or not at all: where the version is known to keep it, it arrives.
            match seen.words(TOOL, &call) {
                Ok(_) => {
                    call.as_object().unwrap().iter().for_each(|(dest, v)| seen.gives(TOOL, &call, dest, v));
                }
                Err(reason) => {
                    assert!(
                        reason.contains("`--`") && reason.contains("drops it"),
                        "{}: {reason}",
                        seen.what()
                    );
                    assert_ne!(seen.root().parser.keeps_double_dash, Some(true), "{}: {call}", seen.what());
                }
            }
        }
    });
}

#[test]
fn word_that_names_a_file_of_words() {
    let body = "
p = argparse.ArgumentParser(fromfile_prefix_chars='@')
p.add_argument('--opt')
p.add_argument('pos', nargs='?')
";
    each(body, |seen| {
        let file = seen.world.config.plugins_dir.join(TOOL).join("secret");
        fs::write(&file, "content").unwrap();
        let value = format!("@{}", file.display());
        seen.gives(TOOL, &json!({"opt": value}), "opt", &json!(value));
        seen.refuses(TOOL, &json!({"pos": value}), "the name of a file of arguments");
        seen.gives(TOOL, &json!({"pos": "a@b"}), "pos", &json!("a@b"));
    });
    // Where the parser is known to read no files, the word is a plain one.
    each(&body.replace("fromfile_prefix_chars='@'", ""), |seen| {
        if seen.live() {
            seen.gives(TOOL, &json!({"pos": "@a"}), "pos", &json!("@a"));
        } else {
            seen.refuses(TOOL, &json!({"pos": "@a"}), "the program may take");
        }
    });
}

#[test]
fn abbreviations() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--verbose', action='store_true')
p.add_argument('--version', action='version', version='1')
p.add_argument('pos', nargs='?')
";
    each(body, |seen| {
        for key in ["ver", "--ver", "verb"] {
            seen.refuses(TOOL, &json!({key: true}), "is not known");
        }
        assert_eq!(seen.words(TOOL, &json!({"verbose": true})).unwrap(), ["--verbose"], "{}", seen.what());
        seen.gives(TOOL, &json!({"pos": "--ver"}), "pos", &json!("--ver"));
    });
}

#[test]
fn explicit_false() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--flag', action='store_true')
p.add_argument('--no-cache', dest='cache', action='store_false')
";
    each(body, |seen| {
        let off = json!({"flag": false, "no_cache": false});
        assert_eq!(seen.words(TOOL, &off).unwrap(), [""; 0], "{}", seen.what());
        seen.gives(TOOL, &off, "flag", &json!(false));
        seen.gives(TOOL, &off, "cache", &json!(true));
        assert_eq!(
            seen.words(TOOL, &json!({"flag": true, "no_cache": true})).unwrap(),
            ["--flag", "--no-cache"]
        );
    });
    let body = "p = argparse.ArgumentParser()\np.add_argument('--flag', action=argparse.BooleanOptionalAction, default=True)";
    each_since((3, 9), body, |seen| {
        assert_eq!(seen.words(TOOL, &json!({"flag": false})).unwrap(), ["--no-flag"], "{}", seen.what());
        seen.gives(TOOL, &json!({"flag": false}), "flag", &json!(false));
    });
}

#[test]
fn values_of_any_content_and_size() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--text')
p.add_argument('items', nargs='*')
args = p.parse_args()
print(json.dumps({'text': args.text, 'items': args.items if len(args.items) < 9 else len(args.items), 'end': args.items[-1:]}))
";
    each(body, |seen| {
        for text in
            ["", " ", "a  b ", "'\"", "line\nbreak\r\n", "$(touch x); `y` | *", "\u{1F600} é \\", "\t\x7f"]
        {
            let call = json!({"text": text, "items": [text, "x"]});
            seen.gives(TOOL, &call, "text", &json!(text));
            seen.gives(TOOL, &call, "items", &json!([text, "x"]));
        }
        let items: Vec<String> = (0..10_000).map(|i| format!("item {i}")).collect();
        seen.gives(TOOL, &json!({"items": items}), "items", &json!(10_000));
        seen.gives(TOOL, &json!({"items": items}), "end", &json!(["item 9999"]));
        let large = "x".repeat(100_000);
        seen.gives(TOOL, &json!({"text": large}), "text", &json!(large));
    });
    let world = World::new(newest(), true);
    world.plugin(TOOL, &body.replace("p = arg", "open('ran', 'a').close()\np = arg"));
    let seen = world.load();
    let ran = seen.world.config.plugins_dir.join(TOOL).join("ran");
    fs::remove_file(&ran).unwrap();
    seen.refuses(TOOL, &json!({"text": "a\0b"}), "NUL");
    seen.refuses(TOOL, &json!({"text": "x".repeat(200_000)}), "bytes");
    seen.refuses(TOOL, &json!({"items": vec!["x".repeat(1000); 2000]}), "bytes");
    assert!(!ran.exists(), "something was run");
}

#[test]
fn spellings_of_a_property() {
    let body = "p = argparse.ArgumentParser()\np.add_argument('-m', '--my-opt')";
    each(body, |seen| {
        for key in ["--my-opt", "my-opt", "my_opt", "-m"] {
            seen.gives(TOOL, &json!({key: "x"}), "my_opt", &json!("x"));
        }
        seen.gives(TOOL, &json!({"my-opt": "x", "my_opt": "x"}), "my_opt", &json!("x"));
        seen.refuses(TOOL, &json!({"my-opt": "x", "my_opt": "y"}), "my_opt");
    });
}

#[test]
fn scalars_of_another_type() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--text')
p.add_argument('--int', type=int)
p.add_argument('--flag', action='store_true')
p.add_argument('--list', nargs='*')
";
    each(body, |seen| {
        seen.gives(TOOL, &json!({"text": 5}), "text", &json!("5"));
        seen.gives(TOOL, &json!({"text": 2.5}), "text", &json!("2.5"));
        seen.gives(TOOL, &json!({"int": "5"}), "int", &json!(5));
        seen.gives(TOOL, &json!({"int": 5.0}), "int", &json!(5));
        seen.gives(TOOL, &json!({"flag": "true"}), "flag", &json!(true));
        seen.gives(TOOL, &json!({"flag": "false"}), "flag", &json!(false));
        seen.gives(TOOL, &json!({"list": "one"}), "list", &json!(["one"]));
        seen.gives(TOOL, &json!({"text": null}), "text", &json!(null));
        seen.refuses(TOOL, &json!({"flag": "maybe"}), "flag");
        seen.gives(TOOL, &json!({"text": {"a": 1}}), "text", &json!("{\"a\":1}"));
        if seen.live() {
            for lost in [json!(5.5), json!("5.5"), json!("five"), json!(true)] {
                seen.refuses(TOOL, &json!({"int": lost}), "int");
            }
        }
    });
}

#[test]
fn one_name_on_parent_and_leaf() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--conf', dest='above')
s = p.add_subparsers(dest='cmd')
s.add_parser('up', help='starts').add_argument('--conf', dest='below')
";
    each(body, |seen| {
        let tool = "tool__up";
        assert_eq!(
            seen.schema(tool)["properties"].as_object().map(serde_json::Map::len),
            Some(2),
            "{}",
            seen.what()
        );
        let all: Value = json!({"tool_conf": "1", "conf": "2"});
        seen.gives(tool, &all, "above", &json!("1"));
        seen.gives(tool, &all, "below", &json!("2"));
        assert_eq!(seen.words(tool, &all).unwrap(), ["--conf=1", "up", "--conf=2"], "{}", seen.what());
    });
}
