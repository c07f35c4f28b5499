//! The passenger inside real programs: it tells the parser's tree, and nobody can tell that it was there.
#![allow(clippy::disallowed_methods, reason = "tests start programs")]
#![allow(clippy::unwrap_used, reason = "a failure is the test's")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output, Stdio};

use smcp::live;
use smcp::model::{Action, Argument, Arity, Command, ValueType};
use tempfile::TempDir;

fn pythons() -> Vec<PathBuf> {
    match std::env::var("SMCP_TEST_PYTHONS") {
        Ok(paths) => paths.split(':').map(PathBuf::from).collect(),
        Err(_) => vec!["python3".into()],
    }
}

/// A directory with a program, and beside it one for the passenger.
struct Scene {
    program: TempDir,
    passenger: TempDir,
}

impl Scene {
    fn new(files: &[(&str, &str)]) -> Scene {
        let scene = Scene { program: TempDir::new().unwrap(), passenger: TempDir::new().unwrap() };
        for (name, text) in files {
            let path = scene.program.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for (name, source) in live::PASSENGER {
            fs::write(scene.passenger.path().join(name), source).unwrap();
        }
        scene
    }

    fn process(&self, python: &Path, args: &[&str], python_path: Option<&Path>) -> Process {
        let mut process = Process::new(python);
        process.arg("cli.py").args(args).current_dir(self.program.path()).stdin(Stdio::null());
        process.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("COLUMNS", "200");
        process.env("PYTHONHASHSEED", "1").env("PYTHON_COLORS", "0");
        process.envs(python_path.map(|p| ("PYTHONPATH", p)));
        process
    }

    /// The program by itself.
    fn alone(&self, python: &Path, args: &[&str], python_path: Option<&Path>) -> Output {
        self.process(python, args, python_path).output().unwrap()
    }

    /// The program with the passenger, and what that wrote.
    fn watched(&self, python: &Path, args: &[&str], python_path: Option<&Path>) -> (Output, Option<Vec<u8>>) {
        let file = self.passenger.path().join("live.json");
        let mut path = self.passenger.path().as_os_str().to_owned();
        if let Some(theirs) = python_path {
            path.push(":");
            path.push(theirs);
        }
        let mut process = self.process(python, args, None);
        let output = process.env("PYTHONPATH", path).env(live::OUTPUT_VARIABLE, &file).output().unwrap();
        let json = fs::read(&file).ok();
        if json.is_some() {
            fs::remove_file(&file).unwrap();
        }
        let mut left: Vec<_> =
            fs::read_dir(self.passenger.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        let files = live::PASSENGER.map(|(name, _)| name);
        assert_eq!(left, [&["__pycache__"], &files[..]].concat(), "left behind");
        (output, json)
    }

    /// Both runs give the same; what the passenger wrote.
    fn same(&self, python: &Path, args: &[&str], python_path: Option<&Path>) -> Option<Vec<u8>> {
        let alone = self.alone(python, args, python_path);
        let (watched, json) = self.watched(python, args, python_path);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&watched.stdout), text(&alone.stdout), "{}", python.display());
        assert_eq!(text(&watched.stderr), text(&alone.stderr), "{}", python.display());
        assert_eq!(watched.status, alone.status, "{}", python.display());
        json
    }
}

/// `--flag NAME [sub+alias: …] (hidden: …)`
fn outline(command: &Command) -> String {
    let arguments = command.arguments.iter().filter(|a| a.is_served()).map(Argument::label);
    let subcommands = command.subcommands.iter().map(|sub| {
        let names: Vec<&str> = std::iter::once(&sub.name).chain(&sub.aliases).map(String::as_str).collect();
        let mark = if sub.hidden { "hidden " } else { "" };
        format!("[{mark}{}: {}]", names.join("+"), outline(sub))
    });
    arguments.chain(subcommands).collect::<Vec<_>>().join(" ")
}

/// Runs a program with `--help` on every Python: the same output with the passenger, and this outline.
fn check(body: &str, outline_expected: &str) -> Vec<Command> {
    check_with(&["--help"], body, outline_expected)
}

fn check_with(args: &[&str], body: &str, outline_expected: &str) -> Vec<Command> {
    let source = format!("import argparse, sys, os\n{body}");
    let scene = Scene::new(&[("cli.py", &source)]);
    let read = |python: PathBuf| {
        let json =
            scene.same(&python, args, None).unwrap_or_else(|| panic!("{} wrote nothing", python.display()));
        assert!(json.is_ascii());
        let command = live::read(&json).unwrap();
        assert_eq!(outline(&command), outline_expected, "{}", python.display());
        command
    };
    pythons().into_iter().map(read).collect()
}

/// The same on every Python, and nothing is described.
fn check_silent(files: &[(&str, &str)]) {
    let scene = Scene::new(files);
    for python in pythons() {
        assert_eq!(scene.same(&python, &["--help"], None), None, "{}", python.display());
    }
}

#[test]
fn every_python_tells_the_same_of_the_same_parser() {
    let body = r#"
import enum, functools
class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"
class Quiet(argparse.Action):
    def __init__(self, option_strings, dest, **kw):
        super().__init__(option_strings, dest, nargs=0, **kw)
class Many(argparse._AppendAction): pass
class BooleanOptionalAction(argparse.Action):
    def __init__(self, option_strings, dest, **kw):
        super().__init__(option_strings + ["--no-" + option_strings[0][2:]], dest, nargs=0, **kw)
p = argparse.ArgumentParser(description="All   of it\n by %(prog)s", epilog="end", fromfile_prefix_chars="@",
                            allow_abbrev=False, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
p.add_argument("--version", action="version", version="1")
p.add_argument("-n", "--num", type=int, default="5", choices=range(3, 7), help="a\n  number")
p.add_argument("-1", dest="one", action="store_const", const=1)
p.add_argument("--ratio", type=float, default=0.5, metavar="R", required=True, help="100%% of %(default)r")
p.add_argument("--colour", type=Colour, choices=Colour, default=Colour.RED)
p.add_argument("--set", choices={"b", "a", "c"}, nargs="?", const="b")
p.add_argument("--odd", type=functools.partial(int, base=0), choices=[1, "two"])
p.add_argument("--pair", nargs=2, metavar=("A", "B"), action=Many, default=[])
p.add_argument("-v", action="count", default=0)
p.add_argument("-q", action=Quiet)
p.add_argument("--feature", action=BooleanOptionalAction, default=True)
p.add_argument("--list", nargs="*", default=("x", 1, None))
p.add_argument("--hid", help=argparse.SUPPRESS)
p.add_argument("--none", default=argparse.SUPPRESS)
p.add_argument("--where", default=os, metavar="")
g = p.add_argument_group("extra things")
x = g.add_mutually_exclusive_group(required=True)
x.add_argument("--left", action="store_true")
x.add_argument("--right", action="store_false", dest="left")
p.add_argument("env")
p.add_argument("rest", nargs=argparse.REMAINDER)
p.set_defaults(num=4)
p.parse_args()
"#;
    let all = check(
        body,
        "--num -1 --ratio --colour --set --odd --pair -v -q --feature --list --none --where --left --right env rest",
    );
    assert!(all.iter().all(|command| command == &all[0]));
    let get = |label: &str| all[0].arguments.iter().find(|a| a.label() == label).unwrap();
    assert_eq!(all[0].description.as_deref(), Some("All of it by cli.py"));
    let traits = &all[0].parser;
    assert_eq!(traits.fromfile_prefix_chars.as_deref(), Some("@"));
    assert!(!traits.allow_abbrev && traits.negative_number_options);
    let num = get("--num");
    assert_eq!((num.value_type, num.default.clone()), (ValueType::Integer, Some(4.into())));
    assert_eq!(num.choices.as_deref().unwrap(), ["3", "4", "5", "6"]);
    assert_eq!(num.help.as_deref(), Some("a number (default: 4)"));
    assert_eq!(get("--ratio").help.as_deref(), Some("100% of 0.5"));
    assert!(get("--ratio").required && get("--ratio").metavar == ["R"]);
    assert_eq!(get("--colour").choices.as_deref().unwrap(), ["red", "blue"]);
    assert_eq!(get("--colour").default, Some("red".into()));
    assert_eq!(get("--set").choices.as_deref().unwrap(), ["a", "b", "c"]);
    // What `two` is for is not known, so others may be as good.
    assert_eq!((get("--odd").value_type, get("--odd").choices.clone()), (ValueType::String, None));
    assert_eq!((get("--pair").action, get("--pair").arity), (Action::Append, Arity::Exactly(2)));
    assert_eq!(
        (get("-q").action, get("-v").action, get("-1").action),
        (Action::Flag, Action::Count, Action::Flag)
    );
    assert_eq!(get("--feature").action, Action::Negatable);
    assert_eq!(get("--list").default, Some(serde_json::json!(["x", 1, null])));
    assert!(get("--none").default.is_none() && get("--where").default.is_none() && get("--hid").hidden);
    assert_eq!(get("--left").section.as_deref(), Some("extra things"));
    assert_eq!(all[0].exclusive.len(), 1);
    assert!(all[0].exclusive[0].required && all[0].exclusive[0].members.len() == 2);
    assert!(get("env").required && !get("rest").required);
}

#[test]
fn subcommands_with_aliases_parents_and_hidden_ones() {
    let body = r#"
base = argparse.ArgumentParser(add_help=False)
base.add_argument("--shared")
p = argparse.ArgumentParser()
p.add_argument("env")
s = p.add_subparsers(dest="c", metavar="VERB")
s.required = True
s.add_parser("checkout", aliases=["co", "ck"], parents=[base], help="get it")
s.add_parser("quiet", parents=[base])
s.add_parser("secret", help=argparse.SUPPRESS)
deep = s.add_parser("deep", help="d").add_subparsers().add_parser("er", help="e").add_subparsers()
deep.add_parser("est").add_argument("x")
p.parse_args()
"#;
    let outline = "env [checkout+co+ck: --shared] [quiet: --shared] [hidden secret: ] [deep: [er: [est: x]]]";
    for command in check(body, outline) {
        assert_eq!(command.subcommand_at, 1);
        assert_eq!(command.subcommands[0].summary.as_deref(), Some("get it"));
        assert!(!command.runs_alone && !command.subcommands[3].runs_alone);
    }
    check_with(&["e", "co", "--help"], body, "--shared");
}

#[test]
fn programs_of_every_temper() {
    for (body, expected) in [
        // replaces sys.argv
        (
            "sys.argv = ['other', '-h']\np = argparse.ArgumentParser(); p.add_argument('--a'); p.parse_args()",
            "--a",
        ),
        // overrides print_help without argparse's
        (
            "class P(argparse.ArgumentParser):\n    def print_help(self, file=None): print('mine')\np = P(); p.add_argument('--a'); p.parse_args()",
            "--a",
        ),
        // overrides format_help without argparse's
        (
            "class P(argparse.ArgumentParser):\n    def format_help(self): return 'usage: mine\\n'\np = P(); p.add_argument('--a'); p.parse_args()",
            "--a",
        ),
        // a help action of its own
        (
            "class H(argparse.Action):\n    def __call__(self, parser, *rest):\n        print('mine', parser.format_usage()); parser.exit(3)\np = argparse.ArgumentParser(add_help=False); p.add_argument('-h', '--help', action=H, nargs=0); p.add_argument('--a'); p.parse_args()",
            "--a",
        ),
        // one that prints the help of all subparsers
        (
            "class H(argparse._HelpAction):\n    def __call__(self, parser, *rest):\n        parser.print_help(); sub.print_help(); sub.print_help(); parser.exit()\np = argparse.ArgumentParser(add_help=False); p.add_argument('--help', action=H); sub = p.add_subparsers().add_parser('x'); sub.add_argument('--y'); p.parse_args()",
            "[x: --y]",
        ),
        // pre-parses without help
        (
            "pre = argparse.ArgumentParser(add_help=False); pre.add_argument('--c'); pre.parse_known_args()\np = argparse.ArgumentParser(parents=[pre]); p.add_argument('--a'); p.parse_args()",
            "--c --a",
        ),
        // pre-parses with a help flag that is only remembered
        (
            "pre = argparse.ArgumentParser(add_help=False); pre.add_argument('--help', action='store_true'); n, _ = pre.parse_known_args()\np = argparse.ArgumentParser(); p.add_argument('--a')\nif n.help: print(p.format_help())",
            "--a",
        ),
        // builds the parser when help is asked for
        (
            "class P(argparse.ArgumentParser):\n    def format_help(self):\n        self.add_argument('--late'); return super().format_help()\np = P(); p.parse_args()",
            "--late",
        ),
        (
            "class P(argparse.ArgumentParser):\n    def parse_known_args(self, *a, **k):\n        self.add_argument('--late'); return super().parse_known_args(*a, **k)\np = P(); p.parse_args()",
            "--late",
        ),
        // prints help on an error
        (
            "class P(argparse.ArgumentParser):\n    def error(self, message):\n        sys.stderr.write(message); self.print_help(sys.stderr); sys.exit(1)\np = P(add_help=False); p.add_argument('--a', required=True); p.parse_args()",
            "--a",
        ),
        // prints only its usage
        ("p = argparse.ArgumentParser(add_help=False); p.add_argument('a'); p.parse_args()", "a"),
        // calls print_help from its own code, then for a subcommand
        (
            "p = argparse.ArgumentParser(); s = p.add_subparsers().add_parser('x'); s.add_argument('--y'); p.print_help(); s.print_help()",
            "[x: --y]",
        ),
        // formats help for other purposes before and after
        (
            "p = argparse.ArgumentParser(); s = p.add_subparsers().add_parser('x'); p.epilog = s.format_help()\ntry:\n    p.parse_args()\nfinally:\n    s.format_help(); argparse.ArgumentParser('q').format_help()",
            "[x: ]",
        ),
        // catches the exit and prints another parser's help
        (
            "a = argparse.ArgumentParser()\ntry: a.parse_args()\nexcept SystemExit: pass\nb = argparse.ArgumentParser(); b.add_argument('--b'); b.parse_args()",
            "--b",
        ),
        // patches argparse itself
        (
            "real = argparse.ArgumentParser.print_help\nargparse.ArgumentParser.print_help = lambda self, file=None: (print('banner'), real(self, file))\nargparse._HelpAction.__call__ = lambda self, parser, *r: (parser.print_help(), parser.exit())\np = argparse.ArgumentParser(); p.add_argument('--a'); p.parse_args()",
            "--a",
        ),
        (
            "real = argparse.ArgumentParser._get_formatter\nargparse.ArgumentParser._get_formatter = lambda self: real(self)\np = argparse.ArgumentParser(); p.add_argument('--a'); p.parse_args()",
            "--a",
        ),
        // overrides the choices of subcommands
        (
            "p = argparse.ArgumentParser(); s = p.add_subparsers(); s.add_parser('a'); s.add_parser('b'); s.choices = ['b']; p.parse_args()",
            "[b: ]",
        ),
        (
            "class Lazy(dict):\n    def __iter__(self): return iter(['a', 'b'])\n    def __contains__(self, k): return k in ('a', 'b')\n    def __getitem__(self, k): return argparse.ArgumentParser(k)\np = argparse.ArgumentParser(); s = p.add_subparsers(); s.choices = s._name_parser_map = Lazy(); p.parse_args()",
            "[a: ] [b: ]",
        ),
        // a directory change, and a closed standard output
        ("os.chdir('/'); p = argparse.ArgumentParser(); p.add_argument('--a'); p.parse_args()", "--a"),
        (
            "sys.stdout = None; p = argparse.ArgumentParser(); p.add_argument('--a'); p.print_help(sys.stderr)",
            "--a",
        ),
        // another process of the same program
        (
            "p = argparse.ArgumentParser(); p.add_argument('--a')\nif os.fork() == 0:\n    argparse.ArgumentParser('child').print_help(); sys.stdout.flush(); os._exit(0)\nos.wait(); p.parse_args()",
            "--a",
        ),
        // help that can't be made
        (
            "p = argparse.ArgumentParser(); p.add_argument('--a', metavar='(', help='ok'); p.usage = '%(x)s'; p.parse_args()",
            "--a",
        ),
    ] {
        check(body, expected);
    }
}

#[test]
fn odd_objects() {
    for (body, expected) in [
        // choices without an end, used up by looking, slow to fail
        (
            "import itertools\nclass E:\n    def __iter__(self): return itertools.count()\n    def __contains__(self, x): return True\np.add_argument('--a', choices=E(), metavar='A')",
            "--a",
        ),
        ("p.add_argument('--a', choices=(c for c in 'xyz'))", "--a"),
        (
            "class E:\n    def __iter__(self): raise SystemExit(9)\np.add_argument('--a', choices=E(), metavar='A')",
            "--a",
        ),
        ("p.add_argument('--a', choices=range(10**9), metavar='A')", "--a"),
        ("p.add_argument('--a', choices={'k': 1, 'l': 2})", "--a"),
        // a value that fails or talks when it is shown
        (
            "class D:\n    def __repr__(self): raise ValueError\np.add_argument('--a', default=D(), help='x')",
            "--a",
        ),
        (
            "class D:\n    def __str__(self): print('talks'); return 'd'\np.add_argument('--a', default=D(), help='%(default)s')",
            "--a",
        ),
        (
            "class D:\n    def __str__(self): sys.exit(7)\np.add_argument('--a', default=D(), help='%(default)s')",
            "--a",
        ),
        (
            "class D:\n    def __eq__(self, o): raise ValueError\n    __hash__ = None\np.add_argument('--a', default=D(), const=D(), nargs='?')",
            "--a",
        ),
        ("p.add_argument('--a', default=float('nan')); p.add_argument('--b', default=10**40)", "--a --b"),
        ("l = []; l.append(l); p.add_argument('--a', default=l, help='x')", "--a"),
        ("p.add_argument('--a', help='caf\\u00e9 \\u2713 \\U0001f600 \\\\ \\\" \\x07')", "--a"),
        // a type without a name
        (
            "class T:\n    def __call__(self, s): return s\n    def __getattr__(self, n): raise AttributeError(n)\nt = T()\np.add_argument('--a', type=t)",
            "--a",
        ),
        // a parser below itself
        ("s = p.add_subparsers(); s.add_parser('x'); s._name_parser_map['again'] = p", "[x: ] [again: ]"),
        // a formatter of its own
        (
            "class F(argparse.RawTextHelpFormatter):\n    def _split_lines(self, text, width): return ['*'] + text.split('|')\np.formatter_class = F; p.add_argument('--a', help='x|y')",
            "--a",
        ),
    ] {
        let body = format!("p = argparse.ArgumentParser()\n{body}\np.parse_args()");
        check(&body, expected);
    }
}

#[test]
fn help_that_cannot_be_made_is_the_programs_own_failure() {
    // CPython 3.14 refuses the text already when the argument is added.
    let body = "p = argparse.ArgumentParser(); p.add_argument('--a', help='100%z'); p.parse_args()";
    let scene = Scene::new(&[("cli.py", &format!("import argparse\n{body}"))]);
    for python in pythons() {
        scene.same(&python, &["--help"], None);
    }
}

#[test]
fn large_parsers_stay_within_bounds() {
    let many = "p = argparse.ArgumentParser(); s = p.add_subparsers()\nfor i in range(300):\n    c = s.add_parser('c%d' % i, help='h')\n    for j in range(5): c.add_argument('--o%d' % j, help='text ' * 10)\np.parse_args()";
    let long = "p = argparse.ArgumentParser(formatter_class=argparse.RawTextHelpFormatter)\nfor i in range(150): p.add_argument('--o%d' % i, help='\\u2713' * 60000)\np.parse_args()";
    let names = |n: usize, name: &dyn Fn(usize) -> String| (0..n).map(name).collect::<Vec<_>>().join(" ");
    check(many, &names(300, &|i| format!("[c{i}: --o0 --o1 --o2 --o3 --o4]")));
    for command in check(long, &names(150, &|i| format!("--o{i}"))) {
        assert!(command.incomplete && command.diagnostics[0].code == "live-truncated");
    }
}

#[test]
fn programs_without_argparse_are_left_alone() {
    check_silent(&[(
        "cli.py",
        "import sys; print(sys.argv, 'argparse' in sys.modules, 'json' in sys.modules)",
    )]);
}

#[test]
fn modules_of_the_program_that_are_called_as_ours() {
    let cli = "import argparse\np = argparse.ArgumentParser(); p.add_argument('--a'); p.parse_args()";
    let bomb = "print('imported')";
    let files = [("cli.py", cli), ("json.py", bomb), ("itertools.py", bomb), ("tempfile.py", bomb)];
    let scene = Scene::new(&files);
    for python in pythons() {
        let json = scene.same(&python, &["--help"], None).unwrap();
        assert_eq!(outline(&live::read(&json).unwrap()), "--a");
    }
    // An argparse of the program's own that is quite another thing.
    check_silent(&[
        ("cli.py", "import argparse; argparse.run()"),
        ("argparse.py", "def run(): print('hello')"),
    ]);
}

/// Shows everything by which a program could see the passenger.
const LOOK: &str = r"
import os, sys, argparse, subprocess
def look():
    print(sorted((k, v) for k, v in os.environ.items()))
    print(sys.path, len(sys.meta_path), sorted(sys.path_importer_cache))
    print(sys.dont_write_bytecode, getattr(sys, 'pycache_prefix', None), 'smcp_describe' in sys.modules)
    print('sitecustomize' in sys.modules, getattr(sys.modules.get('sitecustomize'), '__file__', None))
    try: import sitecustomize; print(sitecustomize.__file__)
    except Exception as error: print(error)
    print(argparse.__loader__.__class__, argparse.__spec__.loader is argparse.__loader__)
    print(argparse.ArgumentParser._get_values.__qualname__, argparse.ArgumentParser._get_formatter.__module__)
    sys.stdout.flush()
look()
if len(sys.argv) > 1:
    subprocess.check_call([sys.executable, __file__])
    subprocess.check_call([sys.executable, '-c', 'import os, sys; print(sorted(os.environ.items()), sys.path)'])
p = argparse.ArgumentParser(); p.add_argument('--a'); p.parse_args()
";

#[test]
fn the_program_and_its_children_see_an_unchanged_environment() {
    let scene = Scene::new(&[("cli.py", LOOK), ("lib/x.py", "")]);
    let (one, two) = (scene.program.path().join("lib"), scene.program.path().join("lib:/nowhere"));
    for python in pythons() {
        for path in [None, Some(one.as_path()), Some(two.as_path())] {
            assert!(scene.same(&python, &["--help"], path).is_some());
        }
    }
}

#[test]
fn a_function_with_the_name_of_a_number_reads_numbers() {
    let body = "def bounded(kind):\n    def read(text): return kind(text)\n    read.__name__ = kind.__name__\n    return read\n\
        p = argparse.ArgumentParser()\np.add_argument('--n', type=bounded(int))\np.add_argument('--t', type=bounded(str))\n\
        p.parse_args()\n";
    for command in check(body, "--n --t") {
        let types: Vec<_> =
            command.arguments.iter().filter(|a| a.is_served()).map(|a| a.value_type).collect();
        assert_eq!(types, [ValueType::Numeric, ValueType::String]);
    }
}

#[test]
fn compiled_files_stay_in_the_private_directory() {
    let scene = Scene::new(&[("cli.py", LOOK), ("one.py", "")]);
    let (cache, ours) = (TempDir::new().unwrap(), scene.passenger.path());
    let there = |variable: (&str, &Path)| {
        for python in pythons() {
            let run = |process: &mut Process| process.env(variable.0, variable.1).output().unwrap().stdout;
            let file = ours.join("live.json");
            let watched =
                run(scene.process(&python, &["--help"], Some(ours)).env(live::OUTPUT_VARIABLE, &file));
            fs::remove_file(&file).unwrap();
            let alone = run(&mut scene.process(&python, &["--help"], None));
            assert_eq!(String::from_utf8_lossy(&watched), String::from_utf8_lossy(&alone));
        }
        fs::read_dir(ours.join("__pycache__")).unwrap().count()
    };
    let compiled = there(("PYTHONDONTWRITEBYTECODE", Path::new("1")));
    assert_eq!(compiled, pythons().len(), "one for each Python");
    assert_eq!(there(("PYTHONPYCACHEPREFIX", cache.path())), compiled, "nor compiled again");
    // Under the prefix is what was compiled, each in a directory of its whole path.
    assert!(fs::read_dir(cache.path()).unwrap().next().is_some(), "the program's own");
    assert!(!cache.path().join(ours.strip_prefix("/").unwrap()).exists(), "left behind");
}

#[test]
fn the_sitecustomize_in_its_shadow_runs_as_ever() {
    for shadowed in [
        "import sys; sys.marked = True; print('sitecustomize', __name__, sys.modules[__name__].__file__)",
        "import argparse; print('imports argparse', argparse.ArgumentParser().format_usage())",
        "raise ValueError('broken')",
        "raise ImportError('missing')",
        "import no_such_module",
    ] {
        let scene = Scene::new(&[("cli.py", LOOK), ("lib/sitecustomize.py", shadowed)]);
        let lib = scene.program.path().join("lib");
        for python in pythons() {
            let json = scene.same(&python, &["--help"], Some(&lib)).unwrap();
            assert_eq!(outline(&live::read(&json).unwrap()), "--a");
        }
    }
}

#[test]
fn a_file_that_cannot_be_written_is_no_concern_of_the_program() {
    let scene = Scene::new(&[("cli.py", "import argparse; argparse.ArgumentParser().parse_args()")]);
    for python in pythons() {
        let mut process = scene.process(&python, &["--help"], Some(scene.passenger.path()));
        let output = process.env(live::OUTPUT_VARIABLE, "/no/such/directory/live.json").output().unwrap();
        let alone = scene.alone(&python, &["--help"], None);
        assert_eq!((output.stdout, output.stderr, output.status), (alone.stdout, alone.stderr, alone.status));
    }
}
