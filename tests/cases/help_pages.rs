//! Odd constructs on help pages, and what is served for them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;
use smcp::model::Severity;
use smcp::registry::State;

use super::support::{TOOL, World, each, each_since, newest, pythons};

/// bw2/ConfigArgParse#225: the heading of options is another one from 3.10 on.
#[test]
fn any_option_under_either_heading() {
    let mut schemas = BTreeSet::new();
    let body = "p = argparse.ArgumentParser()\np.add_argument('--name', help='a name')";
    each(body, |seen| {
        let heading = if seen.version < (3, 10) { "optional arguments:" } else { "options:" };
        assert!(seen.page("").contains(heading), "{}", seen.what());
        schemas.insert(seen.schema(TOOL).to_string());
        seen.gives(TOOL, &json!({"name": "n"}), "name", &json!("n"));
    });
    assert_eq!(schemas.len(), 1, "{schemas:?}");
    assert!(schemas.first().unwrap().contains(r#""name":{"type":"string","description":"a name"}"#));
}

/// neithere/argh#228: 3.13 names the value once for all spellings.
#[test]
fn optional_value_behind_two_spellings() {
    each("p = argparse.ArgumentParser()\np.add_argument('-o', '--oo', nargs='?', const='c')", |seen| {
        assert_eq!(seen.properties(TOOL), ["oo"], "{}", seen.what());
        let shape = json!({"anyOf": [{"type": "string"}, {"type": "boolean", "const": true}]});
        assert_eq!(seen.shape(TOOL, "oo"), shape, "{}", seen.what());
        assert_eq!(seen.root().arguments.iter().find(|a| a.is_served()).unwrap().flags, ["-o", "--oo"]);
        seen.gives(TOOL, &json!({"oo": true}), "oo", &json!("c"));
        seen.gives(TOOL, &json!({"oo": "v"}), "oo", &json!("v"));
        seen.gives(TOOL, &json!({"-o": "v"}), "oo", &json!("v"));
        seen.gives(TOOL, &json!({}), "oo", &json!(null));
    });
}

/// 3.8 shows `[SS [SS ...]]`, later ones `[SS ...]`.
#[test]
fn any_number_of_values() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--any', nargs='*')
p.add_argument('--some', nargs='+')
p.add_argument('--three', nargs=3)
p.add_argument('ss', nargs='*')
";
    each(body, |seen| {
        let list = json!({"type": "array", "items": {"type": "string"}});
        assert_eq!(seen.shape(TOOL, "any"), list, "{}", seen.what());
        assert_eq!(seen.shape(TOOL, "ss"), list, "{}", seen.what());
        let some = json!({"type": "array", "items": {"type": "string"}, "minItems": 1});
        assert_eq!(seen.shape(TOOL, "some"), some, "{}", seen.what());
        let three = json!({"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 3});
        assert_eq!(seen.shape(TOOL, "three"), three, "{}", seen.what());
        assert_eq!(seen.required(TOOL), [""; 0]);
        let all = json!({"any": ["1", "2"], "some": ["3"], "three": ["4", "5", "6"], "ss": ["7", "8"]});
        for name in ["any", "some", "three", "ss"] {
            seen.gives(TOOL, &all, name, &all[name]);
        }
        seen.gives(TOOL, &json!({"some": []}), "some", &json!(null));
        seen.refuses(TOOL, &json!({"three": ["4", "5"]}), "three");
    });
}

/// python/cpython PR 15372: up to 3.12 the usage shows `[--nil]`, and the entry `--nil ` with a blank.
#[test]
fn empty_metavar() {
    let body = "p = argparse.ArgumentParser()\np.add_argument('--nil', metavar='')\np.add_argument('--told', metavar='', help='with a text')";
    each(body, |seen| {
        let string = json!({"type": "string"});
        assert_eq!(seen.shape(TOOL, "nil"), string, "{}", seen.what());
        seen.gives(TOOL, &json!({"nil": "x"}), "nil", &json!("x"));
        // In front of a help text, the entry of older versions is a flag's to the last blank.
        let differs: Vec<_> = seen.diagnostics().into_iter().filter(|d| d.code == "live-differs").collect();
        if seen.version >= (3, 13) || seen.live() {
            assert_eq!(seen.shape(TOOL, "told"), string, "{}", seen.what());
            seen.gives(TOOL, &json!({"told": "x"}), "told", &json!("x"));
        } else {
            assert_eq!(seen.shape(TOOL, "told"), json!({"type": "boolean"}), "{}", seen.what());
        }
        let expected = usize::from(seen.version < (3, 13) && seen.live());
        assert_eq!(differs.len(), expected, "{}: {differs:?}", seen.what());
        assert!(differs.iter().all(|d| d.argument.as_deref() == Some("--told")));
    });
}

#[test]
fn required_exclusive_group_whose_other_member_is_suppressed() {
    let body = "
p = argparse.ArgumentParser()
g = p.add_mutually_exclusive_group(required=True)
g.add_argument('--a')
g.add_argument('--b', help=argparse.SUPPRESS)
";
    each(body, |seen| {
        assert_eq!(seen.properties(TOOL), ["a"], "{}", seen.what());
        let (required, codes): (&[&str], &[&str]) =
            if seen.live() { (&[], &["live-differs"]) } else { (&["a"], &[]) };
        assert_eq!(seen.required(TOOL), required, "{}", seen.what());
        assert_eq!(seen.codes(), codes, "{}", seen.what());
        seen.gives(TOOL, &json!({"a": "x"}), "a", &json!("x"));
    });
}

/// cpython#142346: members with a positional between them are shown without bars.
#[test]
fn exclusive_group_split_by_a_positional() {
    let body = "
p = argparse.ArgumentParser()
g = p.add_mutually_exclusive_group()
g.add_argument('-f', action='store_true')
g.add_argument('x', nargs='?')
g.add_argument('-y', action='store_true')
";
    each(body, |seen| {
        assert!(!seen.page("").contains('|'), "{}", seen.page(""));
        let both = json!({"f": true, "y": true});
        if seen.live() {
            let told = seen.property(TOOL, "f")["description"].clone();
            assert_eq!(told, "Not together with `x` or `y`.", "{}", seen.what());
            seen.refuses(TOOL, &both, "can't be given together with");
        } else {
            assert_eq!(seen.property(TOOL, "f"), json!({"type": "boolean"}), "{}", seen.what());
            seen.fails(TOOL, &both, "not allowed with argument");
        }
        seen.gives(TOOL, &json!({"x": "1"}), "x", &json!("1"));
    });
}

/// A usage that wraps inside the group.
#[test]
fn exclusive_group_longer_than_a_line() {
    let body = "
p = argparse.ArgumentParser(formatter_class=lambda prog: argparse.HelpFormatter(prog, width=40))
g = p.add_mutually_exclusive_group()
for name in ['first', 'second', 'third', 'fourth']: g.add_argument('--%s-long-option' % name, metavar='VALUE')
";
    each(body, |seen| {
        let both = json!({"first_long_option": "1", "fourth_long_option": "4"});
        seen.refuses(TOOL, &both, "can't be given together with");
        seen.gives(TOOL, &json!({"third_long_option": "3"}), "third_long_option", &json!("3"));
    });
}

#[test]
fn text_that_looks_like_sections() {
    let look = "options:\\n  -z, --zed ZED  not one\\n\\nusage: tool --wrong\\n";
    for place in ["epilog", "description"] {
        let body = format!(
            "p = argparse.ArgumentParser({place}='{look}', formatter_class=argparse.RawDescriptionHelpFormatter)\np.add_argument('--real')"
        );
        each(&body, |seen| {
            assert_eq!(seen.properties(TOOL), ["real"], "{place}, {}", seen.what());
            seen.gives(TOOL, &json!({"real": "x"}), "real", &json!("x"));
            seen.refuses(TOOL, &json!({"zed": "x"}), "is not known");
        });
    }
}

/// f3d-app/f3d#1361: a dash at deep indentation.
#[test]
fn wrapped_help_line_that_starts_with_a_flag() {
    let help = "prints much more than what it prints with --verbose, so use --verbose where it is enough";
    let body = format!(
        "p = argparse.ArgumentParser(formatter_class=lambda prog: argparse.HelpFormatter(prog, width=60))\np.add_argument('--debug', help='{help}')"
    );
    each(&body, |seen| {
        let wrapped =
            |line: &str| line.starts_with("          ") && line.trim_start().starts_with("--verbose");
        assert!(seen.page("").lines().any(wrapped), "{}", seen.page(""));
        assert_eq!(seen.properties(TOOL), ["debug"], "{}", seen.what());
        assert_eq!(seen.property(TOOL, "debug")["description"], help, "{}", seen.what());
    });
}

#[test]
fn choices_of_commas_bars_blanks_and_braces() {
    let choices = [",", "|", "a b", "{", "'"];
    let body =
        "p = argparse.ArgumentParser()\np.add_argument('--sep', choices=[',', '|', 'a b', '{', \"'\"])";
    each(body, |seen| {
        let codes = seen.codes();
        if seen.live() {
            assert_eq!(
                seen.shape(TOOL, "sep"),
                json!({"type": "string", "enum": choices}),
                "{}",
                seen.what()
            );
            assert_eq!(codes, [""; 0], "{}", seen.what());
            seen.refuses(TOOL, &json!({"sep": ";"}), "sep");
        } else {
            assert_eq!(seen.shape(TOOL, "sep"), json!({"type": "string"}), "{}", seen.what());
            assert_eq!(codes, ["ambiguous-choices"], "{}", seen.what());
            seen.fails(TOOL, &json!({"sep": ";"}), "invalid choice");
        }
    });
    let world = World::new(newest(), true);
    world.plugin(TOOL, body);
    let seen = world.load();
    for choice in choices {
        seen.gives(TOOL, &json!({"sep": choice}), "sep", &json!(choice));
    }
}

#[test]
fn subcommand_with_aliases_and_one_without_help_behind_a_metavar() {
    let body = "
p = argparse.ArgumentParser()
s = p.add_subparsers(metavar='VERB', dest='verb')
s.add_parser('checkout', aliases=['co', 'ck'], help='get it').add_argument('what')
s.add_parser('silent')
";
    each(body, |seen| {
        let (tools, known): (&[&str], bool) = if seen.live() {
            (&["tool__checkout", "tool__silent"], true)
        } else {
            (&["tool__checkout"], false)
        };
        assert_eq!(seen.tools(), tools, "{}", seen.what());
        assert_eq!(seen.root().subcommands[0].aliases, ["co", "ck"], "{}", seen.what());
        seen.gives("tool__checkout", &json!({"what": "w"}), "what", &json!("w"));
        if known {
            seen.gives("tool__silent", &json!({}), "verb", &json!("silent"));
        }
    });
}

/// tox-dev/sphinx-argparse-cli#357: absent from the rows, or a row `==SUPPRESS==`, and still in the braces.
#[test]
fn suppressed_subcommand() {
    let body = "
p = argparse.ArgumentParser()
s = p.add_subparsers(dest='cmd')
s.required = True
s.add_parser('run', help='runs')
s.add_parser('secret', help=argparse.SUPPRESS)
";
    each(body, |seen| {
        assert!(seen.page("").contains("{run,secret}"), "{}", seen.page(""));
        assert_eq!(seen.tools(), ["tool__run"], "{}", seen.what());
    });
    for live in [false, true] {
        let world = World::new(newest(), live);
        let directory = world.plugin(TOOL, body);
        fs::write(directory.join("plugin.toml"), "include = [\"secret\"]\n").unwrap();
        let seen = world.load();
        assert_eq!(seen.tools(), ["tool__secret"], "a manifest may include it");
        seen.gives("tool__secret", &json!({}), "cmd", &json!("secret"));
    }
}

#[test]
fn usage_written_by_hand() {
    let body = "
p = argparse.ArgumentParser(usage='%(prog)s [options] FILE')
p.add_argument('--must', required=True)
p.add_argument('file', metavar='FILE')
";
    each(body, |seen| {
        let codes = seen.codes();
        if seen.live() {
            assert_eq!(seen.required(TOOL), ["must", "file"], "{}", seen.what());
            assert!(codes.iter().all(|c| c == "live-differs"), "{}: {codes:?}", seen.what());
        } else {
            assert!(!seen.required(TOOL).contains(&"must".to_owned()), "{}", seen.what());
            assert_eq!(codes, ["hand-written-usage"], "{}", seen.what());
            seen.fails(TOOL, &json!({"file": "f"}), "--must");
        }
        seen.gives(TOOL, &json!({"must": "m", "file": "f"}), "must", &json!("m"));
        seen.gives(TOOL, &json!({"must": "m", "file": "f"}), "file", &json!("f"));
    });
}

#[test]
fn other_prefix_characters() {
    let body = "
p = argparse.ArgumentParser(prefix_chars='+/')
p.add_argument('+x', '++ex', help='an x')
p.add_argument('/f', metavar='F')
p.add_argument('//flag', action='store_true')
";
    each(body, |seen| {
        assert_eq!(seen.properties(TOOL), ["ex", "f", "flag"], "{}", seen.what());
        assert_eq!(seen.codes(), [""; 0], "{}", seen.what());
        let all = json!({"ex": "+v", "f": "-1", "flag": true});
        assert_eq!(seen.words(TOOL, &all).unwrap(), ["++ex=+v", "/f=-1", "//flag"], "{}", seen.what());
        for name in ["ex", "f", "flag"] {
            seen.gives(TOOL, &all, name, &all[name]);
        }
    });
}

#[test]
fn flags_with_dots_digits_and_no() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--foo.bar')
p.add_argument('-1', dest='one', action='store_true')
p.add_argument('--no-foo', dest='foo', action='store_false')
p.add_argument('--num', type=int)
p.add_argument('n', type=int)
";
    each(body, |seen| {
        let mut properties = seen.properties(TOOL);
        properties.sort();
        assert_eq!(properties, ["1", "foo.bar", "n", "no_foo", "num"], "{}", seen.what());
        assert_eq!(seen.shape(TOOL, "no_foo"), json!({"type": "boolean"}), "presence alone: {}", seen.what());
        let all = json!({"foo.bar": "d", "1": true, "no_foo": true, "num": -5, "n": -6});
        let words = ["--foo.bar=d", "-1", "--no-foo", "--num=-5", "--", "-6"];
        assert_eq!(seen.words(TOOL, &all).unwrap(), words, "{}", seen.what());
        for (dest, value) in [
            ("foo.bar", json!("d")),
            ("one", json!(true)),
            ("foo", json!(false)),
            ("num", json!(-5)),
            ("n", json!(-6)),
        ] {
            seen.gives(TOOL, &all, dest, &value);
        }
        seen.gives(TOOL, &json!({"n": 1, "no_foo": false}), "foo", &json!(true));
    });
}

/// cpython#85461
#[test]
fn bare_percent_in_a_help_string() {
    let bad = "p = argparse.ArgumentParser()\np.add_argument('--x', help='50% of it')";
    for python in pythons() {
        let world = World::new(python, true);
        world.plugin(TOOL, bad);
        let seen = world.load();
        let State::Failed(reason) = seen.state(TOOL) else { panic!("{python:?}: not failed") };
        assert!(reason.contains("exit code 1") && reason.contains("Error: "), "{python:?}: {reason}");
        seen.world.plugin(TOOL, &bad.replace("50% of", "all of"));
        assert!(seen.reload());
        assert_eq!((seen.state(TOOL), seen.tools()), (State::Ready, vec![TOOL.to_owned()]));
        let schema = seen.schema(TOOL);
        seen.world.plugin(TOOL, bad);
        assert!(seen.reload());
        let State::Stale(now) = seen.state(TOOL) else { panic!("{python:?}: not stale") };
        assert_eq!((now, seen.schema(TOOL)), (reason, schema), "{python:?}");
    }
}

#[test]
fn subparsers_without_help() {
    let body = "
p = argparse.ArgumentParser()
s = p.add_subparsers(dest='cmd')
s.required = True
a = s.add_parser('needs', help='needs it', add_help=False)
a.add_argument('-s', '--size', type=int, required=True, help='how large')
a.add_argument('--more')
";
    each(body, |seen| {
        let tool = "tool__needs";
        assert_eq!(seen.tools(), [tool], "{}", seen.what());
        assert_eq!(seen.required(tool).len(), 1, "{}", seen.what());
        let incomplete = seen.root().subcommands[0].incomplete;
        assert_eq!(incomplete, !seen.live(), "{}", seen.what());
        if seen.live() {
            assert_eq!(seen.shape(tool, "size"), json!({"type": "integer"}), "{}", seen.what());
            seen.gives(tool, &json!({"size": 3}), "size", &json!(3));
        } else {
            // The usage names its first spelling alone.
            assert_eq!(seen.properties(tool), ["s", "more"], "{}", seen.what());
            assert!(seen.diagnostics().iter().any(|d| d.severity == Severity::Warning), "{}", seen.what());
            seen.gives(tool, &json!({"s": "3"}), "size", &json!(3));
        }
    });
}

/// trailofbits/polyfile#3598: 3.14 colours its pages; older programs do it themselves.
#[test]
fn colour_inside_the_entries() {
    let body = r"
p = argparse.ArgumentParser()
p.add_argument('--x', metavar='XX', help='an x')
if sys.argv[1:] == ['--help']:
    def paint(code, text): return '\033[%sm%s\033[0m' % (code, text)
    print(paint('1;34', 'usage: ') + paint('1;35', 'tool') + ' [' + paint(32, '-h') + '] [' + paint(36, '--x ') + paint(33, 'XX') + ']\n')
    print(paint('1;34', 'options:') + '\n  ' + paint('1;32', '-h') + ', ' + paint('1;36', '--help') + '  show this help message and exit')
    print('  ' + paint('1;36', '--x') + ' ' + paint('1;33', 'XX') + '      ' + paint(3, 'an') + ' x')
    sys.exit()
print(json.dumps(vars(p.parse_args())))
";
    each(body, |seen| {
        let told = json!({"type": "string", "description": "an x"});
        assert_eq!(
            (seen.properties(TOOL), seen.property(TOOL, "x")),
            (vec!["x".to_owned()], told),
            "{}",
            seen.what()
        );
        seen.gives(TOOL, &json!({"x": "v"}), "x", &json!("v"));
    });
    // And argparse is asked for none.
    let body = "p = argparse.ArgumentParser(description=' '.join(os.environ[n] for n in ('PYTHON_COLORS', 'NO_COLOR')) + str('FORCE_COLOR' in os.environ))\np.add_argument('--x')";
    each(body, |seen| assert_eq!(seen.root().description.as_deref(), Some("0 1False"), "{}", seen.what()));
}

/// python/cpython PR 104562: gettext follows the locale, so that is set to none; programs may translate by themselves.
#[test]
fn translated_headings() {
    let asks = "
import gettext
p = argparse.ArgumentParser(description=repr([os.environ[n] for n in ('LC_ALL', 'LANGUAGE')]))
p.add_argument('--x')
";
    let world = World::new(newest(), true);
    let directory = world.plugin(TOOL, asks);
    fs::write(directory.join("plugin.toml"), "[env]\nLC_ALL = \"de_DE.UTF-8\"\nLANGUAGE = \"de\"\n").unwrap();
    assert_eq!(world.load().root().description.as_deref(), Some("['C.UTF-8', '']"));

    let body = "
WORDS = {'usage: ': 'Aufruf: ', 'optional arguments': 'Optionen', 'options': 'Optionen',
    'positional arguments': 'Positionsargumente', 'show this help message and exit': 'zeigt diese Hilfe'}
argparse._ = lambda text: WORDS.get(text, text)
p = argparse.ArgumentParser(description='Kopiert.')
p.add_argument('--art', required=True, help='wie')
p.add_argument('datei', nargs='?', help='was')
";
    each(body, |seen| {
        assert!(seen.page("").starts_with("Aufruf: "), "{}", seen.page(""));
        let mut properties = seen.properties(TOOL);
        properties.sort();
        assert_eq!(properties, ["art", "datei"], "{}", seen.what());
        assert_eq!(seen.required(TOOL), ["art"], "{}", seen.what());
        assert_eq!(seen.root().description.as_deref(), Some("Kopiert."), "{}", seen.what());
        assert_eq!(seen.codes(), [""; 0], "{}", seen.what());
        seen.gives(TOOL, &json!({"art": "a", "datei": "d"}), "datei", &json!("d"));
    });
}

#[test]
fn banner_and_log_lines_before_usage() {
    let body = "
print('Tool 1.0 -- usage is below')
print('  --loud LOUD  is no option of it')
sys.stderr.write('INFO: usage: not here\\n')
sys.stdout.flush()
p = argparse.ArgumentParser(description='Does it.')
p.add_argument('--x')
p.parse_args()
";
    each(body, |seen| {
        assert_eq!(seen.properties(TOOL), ["x"], "{}", seen.what());
        assert_eq!(seen.root().description.as_deref(), Some("Does it."), "{}", seen.what());
        assert_eq!(seen.codes(), [""; 0], "{}", seen.what());
    });
}

#[test]
fn prog_of_any_words() {
    let body = "
p = argparse.ArgumentParser(prog='python -m my tool')
p.add_argument('env')
s = p.add_subparsers(dest='cmd')
run = s.add_parser('run', help='runs', prog='quite another')
run.add_argument('--y')
run.prog = 'changed by [hand]'
s.add_parser('walk', help='walks').add_argument('--z')
";
    each(body, |seen| {
        assert_eq!(seen.tools(), ["tool__run", "tool__walk"], "{}", seen.what());
        assert_eq!(seen.words("tool__run", &json!({"env": "e", "y": "1"})).unwrap(), ["e", "run", "--y=1"]);
        seen.gives("tool__run", &json!({"env": "e", "y": "1"}), "y", &json!("1"));
        seen.gives("tool__walk", &json!({"env": "e", "z": "2"}), "z", &json!("2"));
    });
}

#[test]
fn formatters_of_argparse() {
    let body = "
class All(argparse.MetavarTypeHelpFormatter, argparse.ArgumentDefaultsHelpFormatter, argparse.RawTextHelpFormatter): pass
p = argparse.ArgumentParser(formatter_class=All, description='First line.\\n  Second line.')
p.add_argument('--size', type=int, default=10, help='how large')
p.add_argument('--ratio', type=float, default=0.5, help='how much\\n  of it')
p.add_argument('name', type=str, help='whom')
";
    each(body, |seen| {
        let size = json!({"type": "integer", "description": "how large (default: 10)", "default": 10});
        assert_eq!(seen.property(TOOL, "size"), size, "{}", seen.what());
        let ratio =
            json!({"type": "number", "description": "how much\n  of it (default: 0.5)", "default": 0.5});
        assert_eq!(seen.property(TOOL, "ratio"), ratio, "{}", seen.what());
        assert_eq!(
            seen.root().description.as_deref(),
            Some("First line.\n  Second line."),
            "{}",
            seen.what()
        );
        // That formatter shows the type alone where the name of a positional would stand.
        let name = if seen.live() { "name" } else { "str" };
        assert_eq!(
            seen.property(TOOL, name),
            json!({"type": "string", "description": "whom"}),
            "{}",
            seen.what()
        );
        seen.gives(TOOL, &json!({"size": 1, "ratio": 2, name: "n"}), "ratio", &json!(2.0));
    });
}

/// Three columns, flags and values apart; and the usage below everything.
#[test]
fn formatters_of_ones_own() {
    let columns = "
class Columns(argparse.HelpFormatter):
    def _format_action(self, action):
        if not action.option_strings: return super()._format_action(action)
        value = '' if action.nargs == 0 else self._metavar_formatter(action, action.dest.upper())(1)[0]
        return '  %-20s %-12s %s\\n' % (', '.join(action.option_strings), value, action.help or '')
p = argparse.ArgumentParser(formatter_class=Columns)
p.add_argument('-s', '--size', help='how large')
p.add_argument('--fast', action='store_true', help='no waiting')
";
    each(columns, |seen| {
        assert_eq!(seen.properties(TOOL), ["size", "fast"], "{}", seen.what());
        assert_eq!(seen.shape(TOOL, "fast"), json!({"type": "boolean"}), "{}", seen.what());
        assert_eq!(seen.property(TOOL, "size")["description"], "how large", "{}", seen.what());
        seen.gives(TOOL, &json!({"size": "L", "fast": true}), "size", &json!("L"));
    });
    let below = "
class Below(argparse.ArgumentParser):
    def format_help(self):
        usage, rest = super().format_help().split('\\n\\n', 1)
        return rest + '\\n' + usage + '\\n'
p = Below(description='Does it.')
p.add_argument('--size', required=True, help='how large')
p.add_argument('name', help='whom')
";
    each(below, |seen| {
        assert!(seen.page("").starts_with("Does it."), "{}", seen.page(""));
        let mut required = seen.required(TOOL);
        required.sort();
        assert_eq!(required, ["name", "size"], "{}", seen.what());
        assert_eq!(seen.property(TOOL, "name")["description"], "whom", "{}", seen.what());
        seen.gives(TOOL, &json!({"size": "L", "name": "n"}), "name", &json!("n"));
    });
}

#[test]
fn parent_options_before_subcommands() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--conf', required=True)
p.add_argument('-v', action='store_true')
s = p.add_subparsers(dest='cmd')
s.required = True
s.add_parser('up', help='starts').add_argument('--fast', action='store_true')
s.add_parser('down', help='stops')
";
    each(body, |seen| {
        assert_eq!(
            seen.properties("tool__up"),
            ["conf", "fast", "v"],
            "required ones first: {}",
            seen.what()
        );
        assert_eq!(seen.properties("tool__down"), ["conf", "v"], "{}", seen.what());
        assert_eq!(seen.required("tool__down"), ["conf"], "{}", seen.what());
        let all = json!({"fast": true, "v": true, "conf": "c"});
        assert_eq!(
            seen.words("tool__up", &all).unwrap(),
            ["--conf=c", "-v", "up", "--fast"],
            "{}",
            seen.what()
        );
        seen.gives("tool__up", &all, "conf", &json!("c"));
        seen.refuses("tool__down", &json!({}), "is required");
    });
}

#[test]
fn positional_before_subcommands() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('env', metavar='ENV')
s = p.add_subparsers(dest='cmd')
s.add_parser('up', help='starts').add_argument('--fast', help='how fast')
s.add_parser('down', help='stops')
";
    each(body, |seen| {
        assert_eq!(seen.tools(), ["tool__down", "tool__up"], "{}", seen.what());
        assert_eq!(seen.properties("tool__up"), ["env", "fast"], "{}", seen.what());
        assert_eq!(seen.property("tool__up", "fast")["description"], "how fast", "{}", seen.what());
        let all = json!({"env": "test", "fast": "very"});
        assert_eq!(seen.words("tool__up", &all).unwrap(), ["test", "up", "--fast=very"], "{}", seen.what());
        seen.gives("tool__up", &all, "env", &json!("test"));
    });
}

/// Choices that the page shows nothing of, and types of one's own: argparse's own words tell what it takes.
#[test]
fn positional_of_hidden_choices_before_subcommands() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('size', type=int)
p.add_argument('env', metavar='ENV', choices=['prod', 'test'])
p.add_argument('level', metavar='LEVEL', type=int, choices=[5, 6])
s = p.add_subparsers(dest='cmd')
s.add_parser('up', help='starts').add_argument('--fast', help='how fast')
";
    each(body, |seen| {
        assert_eq!(seen.property("tool__up", "fast")["description"], "how fast", "{}", seen.what());
        let all = json!({"size": 3, "env": "test", "level": 6, "fast": "very"});
        seen.gives("tool__up", &all, "fast", &json!("very"));
        seen.gives("tool__up", &all, "env", &json!("test"));
    });
}

#[test]
fn subcommands_required_optional_nested_and_many() {
    let nested = "
p = argparse.ArgumentParser()
s = p.add_subparsers(dest='one')
a = s.add_parser('a', help='first').add_subparsers(dest='two')
b = a.add_parser('b', help='second').add_subparsers(dest='three')
b.add_parser('c', help='third').add_argument('x')
s.add_parser('d', help='flat')
p.parse_args()
";
    // What shows its parent's page is a tool where something else says that it exists.
    let own = "c = b.add_parser('shared', help='listed')\nc.print_help = p.print_help\np.parse_args()";
    let nested = nested.replace("p.parse_args()", own);
    each(&nested.replace("p.parse_args()", "print(json.dumps(vars(p.parse_args())))"), |seen| {
        assert_eq!(seen.tools(), ["tool__a__b__c", "tool__a__b__shared", "tool__d"], "{}", seen.what());
        seen.gives("tool__a__b__c", &json!({"x": "1"}), "three", &json!("c"));
    });
    // A parent that runs by itself is a tool where its parser tells.
    let alone = "
p = argparse.ArgumentParser()
p.set_defaults(run=print)
p.add_subparsers(dest='cmd').add_parser('sub', help='a sub')
args = p.parse_args()
print(json.dumps({'cmd': args.cmd}))
";
    each(alone, |seen| {
        let tools: &[&str] = if seen.live() { &["tool", "tool__sub"] } else { &["tool__sub"] };
        assert_eq!(seen.tools(), tools, "{}", seen.what());
        if seen.live() {
            seen.gives(TOOL, &json!({}), "cmd", &json!(null));
        }
    });
    let needed = alone.replace("dest='cmd')", "dest='cmd', required=True)");
    each(&needed, |seen| assert_eq!(seen.tools(), ["tool__sub"], "{}", seen.what()));
}

#[test]
fn three_hundred_subcommands() {
    let body = "
p = argparse.ArgumentParser()
s = p.add_subparsers(dest='cmd')
for i in range(300): s.add_parser('cmd%d' % i, help='number %d' % i).add_argument('--n%d' % i)
";
    let world = World::new(newest(), true);
    world.plugin(TOOL, body);
    let seen = world.load();
    assert_eq!(seen.tools().len(), 300);
    assert_eq!(seen.properties("tool__cmd299"), ["n299"]);
    seen.gives("tool__cmd299", &json!({"n299": "x"}), "cmd", &json!("cmd299"));
}

#[test]
fn remainder_and_parser() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('-v', action='store_true')
p.add_argument('first')
p.add_argument('rest', nargs=argparse.REMAINDER)
";
    each(body, |seen| {
        let list = json!({"type": "array", "items": {"type": "string"}});
        assert_eq!(seen.shape(TOOL, "rest"), list, "{}", seen.what());
        assert_eq!(seen.required(TOOL), ["first"], "{}", seen.what());
        let all = json!({"v": true, "first": "1", "rest": ["ls", "-v", "--first", "x y", ""]});
        assert_eq!(seen.words(TOOL, &all).unwrap().last().unwrap(), "", "last of all: {}", seen.what());
        for (dest, value) in [("rest", &all["rest"]), ("first", &json!("1")), ("v", &json!(true))] {
            seen.gives(TOOL, &all, dest, value);
        }
    });
    let body = "
p = argparse.ArgumentParser()
p.add_argument('-v', action='store_true')
p.add_argument('cmd', nargs=argparse.PARSER)
";
    each(body, |seen| {
        let list = json!({"type": "array", "items": {"type": "string"}, "minItems": 1});
        assert_eq!(seen.shape(TOOL, "cmd"), list, "{}", seen.what());
        assert_eq!(seen.required(TOOL), ["cmd"], "{}", seen.what());
        assert_eq!(seen.codes(), [""; 0], "{}", seen.what());
        let all = json!({"v": true, "cmd": ["ls", "-v", "--cmd", "x y", ""]});
        seen.gives(TOOL, &all, "cmd", &all["cmd"]);
        seen.gives(TOOL, &all, "v", &json!(true));
        seen.gives(TOOL, &json!({"cmd": ["ls"]}), "cmd", &json!(["ls"]));
        seen.gives(TOOL, &json!({"cmd": ["ls", "-v"]}), "v", &json!(false));
        seen.refuses(TOOL, &json!({"cmd": []}), "at least one");
    });
}

#[test]
fn metavars_of_tuples_brackets_blanks_and_bars() {
    let body = "
p = argparse.ArgumentParser()
p.add_argument('--pair', nargs=2, metavar=('KEY', 'VALUE'))
p.add_argument('--either', metavar='[A|B]', help='one of both')
p.add_argument('--words', metavar='TWO WORDS', help='two')
p.add_argument('--bars', metavar='<a|b> ...', help='three')
p.add_argument('pos', metavar='[C|D]')
";
    each(body, |seen| {
        let mut properties = seen.properties(TOOL);
        properties.sort();
        assert_eq!(properties, ["bars", "c_d", "either", "pair", "words"], "{}", seen.what());
        assert!(!seen.schema(TOOL).to_string().contains("enum"), "{}: {}", seen.what(), seen.schema(TOOL));
        let pair = json!({"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2});
        assert_eq!(seen.shape(TOOL, "pair"), pair, "{}", seen.what());
        seen.gives(TOOL, &json!({"c_d": "p", "pair": ["k", "v"]}), "pair", &json!(["k", "v"]));
        seen.gives(TOOL, &json!({"c_d": "p", "either": "A"}), "either", &json!("A"));
        seen.gives(TOOL, &json!({"c_d": "p", "bars": "b"}), "bars", &json!("b"));
        seen.gives(TOOL, &json!({"c_d": "p"}), "pos", &json!("p"));
        // `TWO WORDS` is a pair's names as well: the page can't tell, and says so.
        if seen.live() {
            for name in ["either", "words", "bars"] {
                assert_eq!(seen.shape(TOOL, name), json!({"type": "string"}), "{name}, {}", seen.what());
            }
            seen.gives(TOOL, &json!({"c_d": "p", "words": "w"}), "words", &json!("w"));
        } else {
            assert_eq!(seen.codes(), ["ambiguous-values", "ambiguous-values"], "{}", seen.what());
        }
    });
}

#[test]
fn options_without_a_value() {
    let body = "
class Own(argparse.Action):
    def __init__(self, option_strings, dest, **kw): super().__init__(option_strings, dest, nargs=0, **kw)
    def __call__(self, parser, namespace, values, option_string=None): setattr(namespace, self.dest, 'own')
p = argparse.ArgumentParser()
p.add_argument('--own', action=Own)
p.add_argument('--add', action='append_const', const='x')
p.add_argument('--const', action='store_const', const=7)
p.add_argument('-v', '--verbose', action='count', default=0)
";
    each(body, |seen| {
        let boolean = json!({"type": "boolean"});
        for name in ["own", "add", "const"] {
            assert_eq!(seen.shape(TOOL, name), boolean, "{name}, {}", seen.what());
        }
        let all = json!({"own": true, "add": true, "const": true});
        for (dest, value) in [("own", json!("own")), ("add", json!(["x"])), ("const", json!(7))] {
            seen.gives(TOOL, &all, dest, &value);
        }
        if seen.live() {
            let count = json!({"type": "integer", "minimum": 0});
            assert_eq!(seen.shape(TOOL, "verbose"), count, "{}", seen.what());
            seen.gives(TOOL, &json!({"verbose": 3}), "verbose", &json!(3));
            seen.gives(TOOL, &json!({"verbose": 0}), "verbose", &json!(0));
        } else {
            assert_eq!(seen.shape(TOOL, "verbose"), boolean, "a page shows no count: {}", seen.what());
            seen.gives(TOOL, &json!({"verbose": true}), "verbose", &json!(1));
        }
    });
}

#[test]
fn boolean_optional_action() {
    let body =
        "p = argparse.ArgumentParser()\np.add_argument('--color', action=argparse.BooleanOptionalAction)";
    each_since((3, 9), body, |seen| {
        assert_eq!(seen.properties(TOOL), ["color"], "{}", seen.what());
        assert_eq!(seen.shape(TOOL, "color"), json!({"type": "boolean"}), "{}", seen.what());
        for value in [json!(true), json!(false)] {
            seen.gives(TOOL, &json!({"color": value}), "color", &value);
        }
        seen.gives(TOOL, &json!({}), "color", &json!(null));
    });
}
