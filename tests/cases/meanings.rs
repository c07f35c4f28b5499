//! What values, flags and defaults mean to the parser: a call does what it says, or is refused. Every accepted call is
//! made.

use std::process::Command as Process;
use std::time::Instant;

use serde_json::{Value, json};

use smcp::model::Diagnostic;
use smcp::registry::State;

use super::support::{PATIENCE, Seen, TOOL, World, each, each_since, pythons};

/// The same, with the parser's own description alone: help pages don't tell of it.
fn each_live(body: &str, mut check: impl FnMut(&Seen)) {
    each(body, |seen| {
        if seen.live() {
            check(seen);
        }
    });
}

#[test]
fn negative_spelling_of_a_flag() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--color', action=argparse.BooleanOptionalAction, default=None)
";
    each_since((3, 9), body, |seen| {
        for (call, value) in [
            (json!({"no_color": true}), json!(false)),
            (json!({"--no-color": true}), json!(false)),
            (json!({"no-color": false}), json!(true)),
            (json!({"color": false, "no_color": true}), json!(false)),
            (json!({"no_color": "true"}), json!(false)),
        ] {
            seen.gives(TOOL, &call, "color", &value);
        }
        seen.refuses(TOOL, &json!({"color": true, "no_color": true}), "has another value");
    });
}

#[test]
fn action_that_looks_at_its_spelling() {
    let body = "
class OnOff(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, option_string.startswith('--enable'))
p = argparse.ArgumentParser()
p.add_argument('--enable-log', '--disable-log', dest='log', nargs=0, action=OnOff)
class Filter(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, [option_string, values])
p.add_argument('--include', '--exclude', dest='filter', action=Filter)
p.add_argument('-v', '--verbose', action='store_true')
";
    each(body, |seen| {
        seen.gives(TOOL, &json!({"exclude": "x"}), "filter", &json!(["--exclude", "x"]));
        seen.gives(TOOL, &json!({"v": true, "verbose": true}), "verbose", &json!(true));
        seen.gives(TOOL, &json!({"enable_log": false, "disable_log": false}), "log", &Value::Null);
        seen.gives(TOOL, &json!({"enable_log": true}), "log", &json!(true));
        seen.gives(TOOL, &json!({"disable_log": true}), "log", &json!(false));
        if seen.live() {
            seen.refuses(TOOL, &json!({"disable_log": true, "enable_log": true}), "has another value");
        }
    });
}

#[test]
fn negation_of_another_name() {
    let body = "
class Without(argparse.BooleanOptionalAction):
    def __init__(self, option_strings, dest, **kw):
        argparse.Action.__init__(self, [*option_strings, '--without-' + option_strings[0][2:]], dest, nargs=0, **kw)
    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, not option_string.startswith('--without-'))
p = argparse.ArgumentParser()
p.add_argument('--ssl', action=Without)
";
    each_since((3, 9), body, |seen| {
        seen.gives(TOOL, &json!({"without_ssl": true}), "ssl", &json!(false));
        seen.gives(TOOL, &json!({"ssl": true}), "ssl", &json!(true));
    });
}

#[test]
fn false_for_an_optional_value_that_is_true_by_default() {
    let body = "
def truth(text):
    return text.lower() in ('1', 'true', 'yes')
p = argparse.ArgumentParser()
p.add_argument('--cache', type=truth, nargs='?', const=True, default=True)
p.add_argument('--trace', type=truth, nargs='?', const=True, default=False)
p.add_argument('--more', action='append', nargs='?')
p.add_argument('--jobs', nargs='?', type=int, const=4, default=0)
p.add_argument('--log', nargs='?', const='-', default='')
";
    each_live(body, |seen| {
        seen.refuses(TOOL, &json!({"cache": false}), "left out, it is true");
        seen.gives(TOOL, &json!({"cache": "false"}), "cache", &json!(false));
        seen.gives(TOOL, &json!({"cache": true, "trace": false}), "trace", &json!(false));
        seen.gives(TOOL, &json!({"more": false}), "more", &Value::Null);
        seen.gives(TOOL, &json!({"jobs": false, "log": false}), "jobs", &json!(0));
        seen.refuses(TOOL, &json!({"more": ["a", false]}), "not false");
    });
}

#[test]
fn type_that_takes_all_text_for_true() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--plain', type=bool)
p.add_argument('--maybe', type=bool, nargs='?', default=True)
p.add_argument('pos', type=bool)
";
    each_live(body, |seen| {
        for value in [true, false] {
            let call = json!({"plain": value, "maybe": value, "pos": value});
            for dest in ["plain", "maybe", "pos"] {
                seen.gives(TOOL, &call, dest, &json!(value));
            }
        }
        seen.gives(TOOL, &json!({"plain": "false", "pos": true}), "plain", &json!(true));
        assert_eq!(seen.shape(TOOL, "plain"), json!({"anyOf": [{"type": "boolean"}, {"type": "string"}]}));
    });
}

#[test]
fn empty_list_where_the_default_is_none() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--xs', nargs='*', default=['a'])
p.add_argument('--none', nargs='*')
p.add_argument('pos', nargs='*', default=['b'])
g = p.add_mutually_exclusive_group(required=True)
g.add_argument('--five', nargs='*', default=[])
g.add_argument('--six')
";
    each_live(body, |seen| {
        seen.gives(TOOL, &json!({"xs": [], "six": "6"}), "xs", &json!([]));
        seen.gives(TOOL, &json!({"none": [], "six": "6"}), "none", &Value::Null);
        seen.gives(TOOL, &json!({"five": []}), "five", &json!([]));
        seen.gives(TOOL, &json!({"five": [], "six": "6"}), "six", &json!("6"));
        seen.refuses(TOOL, &json!({"pos": [], "six": "6"}), "left out, it is [\"b\"]");
    });
}

#[test]
fn what_is_added_to_its_default() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--tag', action='append', default=['a'])
p.add_argument('--word', action='append', default=[])
";
    each_live(body, |seen| {
        let tag = seen.property(TOOL, "tag");
        assert!(tag.get("default").is_none(), "{tag}");
        assert!(tag["description"].as_str().unwrap().contains("Added to the default [\"a\"]."), "{tag}");
        assert_eq!(seen.property(TOOL, "word")["default"], json!([]));
        seen.gives(TOOL, &json!({"tag": ["b"]}), "tag", &json!(["a", "b"]));
        seen.gives(TOOL, &json!({"tag": []}), "tag", &json!(["a"]));
    });
}

#[test]
fn extend_without_nargs() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--tag', action='extend')
p.add_argument('--word', action='extend', nargs='+')
p.add_argument('--one', action='extend', nargs=1)
p.add_argument('--csv', action='extend', type=lambda s: s.split(','))
";
    each_live(body, |seen| {
        seen.gives(TOOL, &json!({"tag": ["a", "b"], "word": ["abc"]}), "tag", &json!(["a", "b"]));
        seen.refuses(TOOL, &json!({"tag": ["abc"]}), "takes longer text apart");
        seen.gives(TOOL, &json!({"one": ["abc"], "csv": ["abc,d"]}), "one", &json!(["abc"]));
        seen.gives(TOOL, &json!({"one": ["abc"], "csv": ["abc,d"]}), "csv", &json!(["abc", "d"]));
        assert_eq!(
            seen.property(TOOL, "tag")["items"],
            json!({"type": "string", "minLength": 1, "maxLength": 1})
        );
        assert_eq!(seen.property(TOOL, "word")["items"], json!({"type": "string"}));
    });
}

#[test]
fn choices_that_are_no_text() {
    let body = "
import enum
class Mode(str, enum.Enum):
    FAST = 'fast'
    SLOW = 'slow'
class Color(enum.Enum):
    RED = 1
    BLUE = 2
class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2
class Odd:
    def __call__(self, text): return text
    def __eq__(self, other): raise TypeError('no')
    __hash__ = object.__hash__
p = argparse.ArgumentParser()
p.add_argument('--mode', type=Mode, choices=list(Mode), default=Mode.FAST)
p.add_argument('--bare', choices=list(Mode), default=Mode.SLOW)
p.add_argument('--color', type=lambda s: Color[s], choices=list(Color), default=Color.RED)
p.add_argument('--level', type=int, choices=list(Level))
p.add_argument('--shade', choices=['a', None])
p.add_argument('--hex', type=lambda s: int(s, 16), choices=[16, 255])
p.add_argument('--odd', type=Odd(), choices=['a', 'b'])
p.add_argument('--ratio', type=float, choices=[0.5, 1.0])
print(json.dumps({k: getattr(v, 'name', v) for k, v in vars(p.parse_args()).items()}))
";
    each_live(body, |seen| {
        for (name, words) in [
            ("mode", json!(["fast", "slow"])),
            ("bare", json!(["fast", "slow"])),
            ("color", json!(["RED", "BLUE"])),
            ("level", json!(["1", "2"])),
            ("shade", json!(["a"])),
            ("ratio", json!(["0.5", "1.0"])),
            ("odd", json!(["a", "b"])),
        ] {
            assert_eq!(seen.property(TOOL, name)["enum"], words, "{}: {name}", seen.what());
        }
        assert!(seen.property(TOOL, "hex").get("enum").is_none());
        for (name, word) in [("mode", "fast"), ("bare", "slow"), ("color", "RED")] {
            assert_eq!(seen.property(TOOL, name)["default"], json!(word), "{}: {name}", seen.what());
        }
        for (call, dest, value) in [
            (json!({"mode": "slow"}), "mode", json!("SLOW")),
            (json!({"mode": "fast"}), "mode", json!("FAST")),
            (json!({"bare": "slow"}), "bare", json!("slow")),
            (json!({"color": "BLUE"}), "color", json!("BLUE")),
            (json!({"level": 2}), "level", json!(2)),
            (json!({"hex": "10"}), "hex", json!(16)),
            (json!({"ratio": 1}), "ratio", json!(1.0)),
        ] {
            seen.gives(TOOL, &call, dest, &value);
        }
        seen.refuses(TOOL, &json!({"mode": "Mode.FAST"}), "must be one of");
        // That help shows objects is no news to their author.
        let differs = |d: &Diagnostic| d.code == "live-differs" && !d.message.contains("--hex");
        let told: Vec<_> = seen.diagnostics().into_iter().filter(differs).collect();
        assert!(told.is_empty(), "{}: {told:?}", seen.what());
    });
}

/// A type of the program's own may do more than read, and take long.
#[test]
fn types_are_not_tried_at_will() {
    let body = "
import itertools
def noted(text):
    with open('ran', 'a') as file: file.write(text + ' ')
    return text
def slow(text):
    time.sleep(0.5)
    return numbers[text]
numbers = {str(n): n for n in range(100)}
p = argparse.ArgumentParser()
p.add_argument('--noted', type=noted, choices=['a', 'b'])
p.add_argument('--slow', type=slow, choices=list(numbers.values()))
p.add_argument('endless', nargs='*', type=int, choices=itertools.count(), metavar='N')
";
    for python in pythons() {
        let world = World::new(python, true);
        let ran = world.plugin(TOOL, body).join("ran");
        let began = Instant::now();
        let seen = world.load();
        assert_eq!(seen.state(TOOL), State::Ready);
        assert!(!ran.exists(), "{:?}", python.version);
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
        assert_eq!(seen.property(TOOL, "noted")["enum"], json!(["a", "b"]));
    }
}

#[test]
fn default_that_is_an_object() {
    let body = "
import datetime, decimal, pathlib
class Plain: pass
p = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
p.add_argument('--file', type=argparse.FileType('r'), default=sys.stdin, help='f')
p.add_argument('--object', default=Plain(), help='o')
p.add_argument('--bytes', default=b'ab', help='b')
p.add_argument('--call', default=len, help='c')
p.add_argument('--path', type=pathlib.Path, default=pathlib.Path('a/b'))
p.add_argument('--price', type=decimal.Decimal, default=decimal.Decimal('0.10'))
p.add_argument('--made', type=os.mkdir, default=pathlib.Path('made'))
p.add_argument('--when', type=datetime.datetime.fromisoformat, default=datetime.datetime.now())
p.add_argument('--home', type=pathlib.Path, default=pathlib.Path('/somewhere'))
p.add_argument('--paths', nargs='*', type=pathlib.Path, default=[pathlib.Path('.')])
p.add_argument('--objects', nargs='*', default=[Plain()], help='o')
p.add_argument('--set', nargs='*', default={'a'})
p.add_argument('--colour', help='colour <0x000000-0xFFFFFF>')
";
    each_live(body, |seen| {
        for name in ["file", "object", "bytes", "call", "made", "when", "home", "objects", "set"] {
            assert!(seen.property(TOOL, name).get("default").is_none(), "{}: {name}", seen.what());
        }
        assert_eq!(seen.property(TOOL, "path")["default"], json!("a/b"));
        assert_eq!(seen.property(TOOL, "price")["default"], json!("0.10"));
        assert_eq!(seen.property(TOOL, "paths")["default"], json!(["."]));
        seen.gives(TOOL, &json!({"paths": [], "set": []}), "paths", &json!([]));
        seen.gives(TOOL, &json!({"paths": [], "set": []}), "set", &json!([]));
        let colour = seen.property(TOOL, "colour")["description"].as_str().unwrap().to_owned();
        assert!(colour.contains("<0x000000-0xFFFFFF>"), "{colour}");
        assert!(!seen.world.config.plugins_dir.join(TOOL).join("made").exists(), "a type is not tried out");
        let object = seen.property(TOOL, "object")["description"].as_str().unwrap().to_owned();
        assert!(object.contains("object at 0x…"), "an address is another each time: {object}");
    });
}

#[test]
fn first_default_of_a_shared_place() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--json', dest='fmt', action='store_const', const='json')
p.add_argument('--fmt', default='text')
p.add_argument('--debug', dest='level', action='store_const', const='d', default='i')
p.add_argument('--level', default='w')
p.add_argument('--quiet', dest='out', action='store_const', const='q', default=argparse.SUPPRESS)
p.add_argument('--out', default='o')
p.add_argument('--version', action='version', version='1')
p.add_argument('--release', dest='version', default='latest')
g = p.add_mutually_exclusive_group()
g.add_argument('--a', dest='v', default='x')
g.add_argument('--b', dest='v', default='y')
";
    each_live(body, |seen| {
        let default = |name: &str| seen.property(TOOL, name).get("default").cloned();
        assert_eq!((default("fmt"), default("level")), (None, Some(json!("i"))));
        assert_eq!((default("out"), default("release")), (Some(json!("o")), Some(json!("latest"))));
        assert_eq!(default("b"), Some(json!("x")));
        for (dest, value) in [("fmt", Value::Null), ("level", json!("i")), ("out", json!("o"))] {
            seen.gives(TOOL, &json!({}), dest, &value);
        }
    });
}

#[test]
fn places_that_something_else_stores_to() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--level', type=int, default=1)
p.add_argument('--profile')
p.add_argument('--cmd')
s = p.add_subparsers(dest='cmd', required=True)
s.add_parser('plain')
s.add_parser('quick').set_defaults(level=3)
s.add_parser('secret').add_argument('--profile', help=argparse.SUPPRESS)
r = s.add_parser('dbg')
r.add_argument('--debug', dest='level', action='store_const', const=9, default=argparse.SUPPRESS)
";
    each_live(body, |seen| {
        let has = |tool: &str, name: &str| seen.schema(tool)["properties"].get(name).is_some();
        let tool = |name: &str| format!("{TOOL}__{name}");
        assert!(!["plain", "quick", "secret", "dbg"].iter().any(|name| has(&tool(name), "cmd")));
        assert!(!has(&tool("quick"), "level") && has(&tool("quick"), "profile"));
        assert!(!has(&tool("secret"), "profile") && has(&tool("secret"), "level"));
        seen.gives(&tool("plain"), &json!({"level": 7, "profile": "P"}), "profile", &json!("P"));
        seen.gives(&tool("dbg"), &json!({"level": 7}), "level", &json!(7));
        let notes = seen.diagnostics();
        assert!(notes.iter().filter(|d| d.code == "overwritten-by-subcommand").count() >= 3, "{notes:?}");
    });
}

#[test]
fn option_and_positional_of_one_place() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('path', nargs='?', default='.')
p.add_argument('--path', dest='path')
p.add_argument('file', nargs='?', default=argparse.SUPPRESS)
p.add_argument('--file', dest='file')
";
    each_live(body, |seen| {
        let properties = seen.schema(TOOL)["properties"].clone();
        let names: Vec<&String> = properties.as_object().unwrap().keys().collect();
        assert_eq!(names, ["path", "file_2", "file"], "{}", seen.what());
        seen.gives(TOOL, &json!({"path": "X"}), "path", &json!("X"));
        seen.gives(TOOL, &json!({"file": "X"}), "file", &json!("X"));
        assert!(seen.diagnostics().iter().any(|d| d.code == "overwritten-by-positional"));
    });
}

/// A default that stands in for an omitted argument must change nothing.
#[test]
fn defaults_that_can_not_stand_in() {
    let body = "
class Login(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        namespace.user, namespace.logged_in = values, True
p = argparse.ArgumentParser()
p.add_argument('--tags', nargs='+', dest='tags')
p.add_argument('--tag', default='x', dest='tags')
p.add_argument('--user', action=Login, default='guest')
s = p.add_subparsers(dest='cmd', required=True)
s.add_parser('go')
n = s.add_parser('num')
n.add_argument('steps', nargs='?', type=int, default=1e3)
n.add_argument('names', nargs='*')
";
    each_live(body, |seen| {
        seen.refuses(&format!("{TOOL}__go"), &json!({"tags": ["a", "b"]}), "would take the word `go`");
        seen.refuses(&format!("{TOOL}__num"), &json!({"names": ["a"]}), "can't be passed without `steps`");
    });
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--version', action='version', version='1')
p.add_argument('--env', default='x')
s = p.add_subparsers(dest='cmd', required=True)
d = s.add_parser('deploy')
d.add_argument('env', nargs='?', default='dev')
d.add_argument('version', nargs='?', default='latest')
d.add_argument('files', nargs='*')
";
    each_live(body, |seen| {
        let call = json!({"files": ["a"]});
        for (dest, value) in [("env", json!("dev")), ("version", json!("latest")), ("files", json!(["a"]))] {
            seen.gives(&format!("{TOOL}__deploy"), &call, dest, &value);
        }
    });
}

/// Which one is the default is asked of the argument itself.
#[test]
fn required_group_of_one_place() {
    let body = "
p = argparse.ArgumentParser()
g = p.add_mutually_exclusive_group(required=True)
g.add_argument('--a', dest='v', default='x')
g.add_argument('--b', dest='v', default='y')
";
    each_live(body, |seen| {
        seen.gives(TOOL, &json!({"b": "x"}), "v", &json!("x"));
        seen.refuses(TOOL, &json!({"b": "y"}), "is the default");
    });
}

#[test]
fn hidden_argument_that_must_be_given() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--key', required=True, help=argparse.SUPPRESS)
p.add_argument('secret', help=argparse.SUPPRESS)
p.add_argument('--may', help=argparse.SUPPRESS)
p.add_argument('word')
g = p.add_mutually_exclusive_group(required=True)
g.add_argument('--one', help=argparse.SUPPRESS)
g.add_argument('--two', help=argparse.SUPPRESS)
";
    each_live(body, |seen| {
        let call = json!({"key": "k", "secret": "s", "word": "w", "two": "2"});
        for dest in ["key", "secret", "word"] {
            seen.gives(TOOL, &call, dest, &call[dest]);
        }
        assert!(seen.schema(TOOL)["properties"].get("may").is_none());
        assert_eq!(
            seen.property(TOOL, "one"),
            json!({"type": "string", "description": "Not together with `two`."})
        );
        assert!(seen.diagnostics().iter().any(|d| d.code == "hidden-but-required"));
    });
}

/// Up to Python 3.11 no value at all is compared with the choices.
#[test]
fn any_number_of_choices() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('kinds', nargs='*', choices=['a', 'b'])
";
    each_live(body, |seen| {
        let program = seen.world.config.plugins_dir.join(TOOL).join("cli.py");
        let alone = Process::new(&seen.world.config.discovery.python).arg(program).output().unwrap();
        let insists = !alone.status.success();
        let required = seen.schema(TOOL).get("required").is_some();
        assert_eq!(required, insists, "{}", seen.what());
        if !insists {
            seen.gives(TOOL, &json!({}), "kinds", &json!([]));
        }
        seen.gives(TOOL, &json!({"kinds": ["a", "b"]}), "kinds", &json!(["a", "b"]));
    });
    let body = "
p = argparse.ArgumentParser()
p.add_argument('opt', nargs='?', default='o')
p.add_argument('rest', nargs='*', choices=['x', 'y'])
";
    each_live(body, |seen| seen.gives(TOOL, &json!({"rest": ["x"]}), "rest", &json!(["x"])));
}

/// An option that stands before or after the subcommand's word.
#[test]
fn short_spelling_of_an_option_on_two_levels() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('-v', '--verbose', action='store_true')
s = p.add_subparsers(dest='cmd', required=True)
s.add_parser('a').add_argument('-v', '--verbose', action='store_true', default=argparse.SUPPRESS)
";
    each_live(body, |seen| {
        seen.gives("tool__a", &json!({"v": true}), "verbose", &json!(true));
        seen.gives("tool__a", &json!({"tool_verbose": true}), "verbose", &json!(true));
    });
}

/// Help pages show defaults as text.
#[test]
fn false_beside_a_default_that_help_shows() {
    let body = "
def truth(text):
    return text.lower() in ('1', 'true', 'yes')
p = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
p.add_argument('--gpu', type=truth, nargs='?', const=True, default=False, help='h')
p.add_argument('--jobs', type=int, nargs='?', const=4, default=0, help='h')
p.add_argument('--fast', type=truth, nargs='?', const=True, default='no', help='h')
";
    each(body, |seen| {
        let call = json!({"gpu": false, "jobs": false, "fast": false});
        for (dest, value) in [("gpu", json!(false)), ("jobs", json!(0)), ("fast", json!(false))] {
            seen.gives(TOOL, &call, dest, &value);
        }
    });
}

/// What begins options is known from the parser alone.
#[test]
fn word_that_may_be_an_option() {
    let body = "
p = argparse.ArgumentParser(prefix_chars='-+')
p.add_argument('-x', '--ex')
p.add_argument('w', nargs='?')
";
    each(body, |seen| seen.gives(TOOL, &json!({"w": "+z"}), "w", &json!("+z")));
}

/// A first parser for the first word, a second one for the rest.
#[test]
fn words_that_the_program_looks_at_itself() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('command', metavar='command', choices=['commit', 'push'])
args = p.parse_args(sys.argv[1:2])
print(json.dumps(vars(args)))
";
    each(body, |seen| seen.gives(TOOL, &json!({"command": "commit"}), "command", &json!("commit")));
}

/// A group's text may show an option as its entry would.
#[test]
fn flag_that_prose_shows_as_well() {
    let body = "
p = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter,
                            epilog='More:\\n  --n 7  seven of them')
g = p.add_argument_group('my group', 'These:\\n  --n X  is old')
g.add_argument('--n', type=int, help='new')
p.add_argument('pos')
";
    each(body, |seen| {
        assert_eq!(seen.properties(TOOL).len(), 2, "{}: {:?}", seen.what(), seen.properties(TOOL));
        assert_eq!(seen.property(TOOL, "n")["description"], json!("new"), "{}", seen.what());
        seen.gives(TOOL, &json!({"n": 5, "pos": "1"}), "n", &json!(5));
    });
}

/// A program that puts a subcommand in front of its words where there is none.
#[test]
fn subcommand_that_the_program_chooses() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--level', type=int)
s = p.add_subparsers(dest='cmd', required=True)
run = s.add_parser('run', help='runs')
run.add_argument('--fast', action='store_true')
s.add_parser('list').add_argument('what', nargs='?')
if len(sys.argv) < 2 or sys.argv[1] not in ('run', 'list'):
    sys.argv.insert(1, 'run')
";
    each_live(body, |seen| {
        assert_eq!(seen.tools(), ["tool__list", "tool__run"], "{}", seen.what());
        seen.gives("tool__run", &json!({"fast": true}), "fast", &json!(true));
        seen.gives("tool__list", &json!({"what": "x"}), "what", &json!("x"));
        assert!(seen.codes().iter().any(|code| code == "default-subcommand"));
    });
}

/// To a parser whose options begin with other characters, `--help` is a value as any other.
#[test]
fn help_that_is_a_word() {
    let body = "
p = argparse.ArgumentParser(prefix_chars='+')
p.add_argument('++foo')
p.add_argument('name', nargs='?')
args = p.parse_args()
open('ran', 'w').close()
print(json.dumps(vars(args)))
";
    for python in pythons() {
        let world = World::new(python, true);
        let ran = world.plugin(TOOL, body).join("ran");
        let seen = world.load();
        assert_eq!(seen.state(TOOL), State::Ready);
        assert!(!ran.exists(), "asking for help runs nothing");
        let call = json!({"foo": "f", "name": "n"});
        seen.gives(TOOL, &call, "foo", &json!("f"));
        seen.gives(TOOL, &call, "name", &json!("n"));
    }
}
