"""The parsers whose calls are fuzzed: every kind of argument, and what their namespaces are.

`parsers.py names` prints the names. `parsers.py NAME --help` is the program of that name, as smcp meets it.
`parsers.py` reads lines of JSON, `{"parser", "path", "words", "given", "loose"}`, and answers each with what is wrong, or `""`:
the words must be accepted, each dest of `given` must have its value, and all others but those of `loose` their defaults.
Nothing is run.
"""
import argparse
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout


def kinds():
    p = argparse.ArgumentParser(prog="kinds")
    p.add_argument("--text", "-t")
    p.add_argument("--number", type=int, default=1)
    p.add_argument("--ratio", type=float)
    p.add_argument("--many", nargs="+")
    p.add_argument("--any", nargs="*")
    p.add_argument("--maybe", nargs="?", const="CONST")
    p.add_argument("--pair", nargs=2)
    p.add_argument("--add", action="append")
    p.add_argument("--adds", action="append", nargs="+")
    p.add_argument("--more", action="extend", nargs="+")
    p.add_argument("--choice", choices=["one", "-two", "three four"])
    p.add_argument("--on", action="store_true")
    p.add_argument("-v", action="count", default=0)
    if hasattr(argparse, "BooleanOptionalAction"):  # 3.9 and later
        p.add_argument("--feature", action=argparse.BooleanOptionalAction, default=None)
    p.add_argument("word")
    p.add_argument("rest", nargs="*")
    return p


def positionals():
    p = argparse.ArgumentParser(prog="positionals")
    p.add_argument("--many", nargs="*")
    p.add_argument("first")
    p.add_argument("two", nargs=2)
    p.add_argument("some", nargs="+")
    p.add_argument("last", nargs="?")
    return p


def remainder():
    p = argparse.ArgumentParser(prog="remainder")
    p.add_argument("--flag", action="store_true")
    p.add_argument("--text")
    p.add_argument("command")
    p.add_argument("words", nargs=argparse.REMAINDER)
    return p


def levels():
    p = argparse.ArgumentParser(prog="levels")
    p.add_argument("--config")
    p.add_argument("--paths", nargs="*")
    p.add_argument("place")
    subs = p.add_subparsers(dest="sub", required=True)
    one = subs.add_parser("one", aliases=["eins"])
    one.add_argument("--only", nargs="+")
    one.add_argument("target")
    two = subs.add_parser("two")
    two.add_argument("--depth", type=int)
    deeper = two.add_subparsers(dest="deeper", required=True)
    leaf = deeper.add_parser("leaf")
    leaf.add_argument("--tail", nargs="?")
    leaf.add_argument("items", nargs="*")
    return p


def files():
    p = argparse.ArgumentParser(prog="files", fromfile_prefix_chars="@%")
    p.add_argument("--text")
    p.add_argument("--many", nargs="+")
    p.add_argument("--choice", choices=["@a", "b"])
    p.add_argument("word")
    return p


def prefixes():
    p = argparse.ArgumentParser(prog="prefixes", prefix_chars="+-")
    p.add_argument("++plus")
    p.add_argument("-1", "--one", action="store_true")
    p.add_argument("+m", "++many", nargs="+")
    p.add_argument("word")
    return p


def groups():
    p = argparse.ArgumentParser(prog="groups", allow_abbrev=False)
    g = p.add_mutually_exclusive_group(required=True)
    g.add_argument("--this", default="x")
    g.add_argument("--that", nargs="?", const="C")
    h = p.add_mutually_exclusive_group()
    h.add_argument("--quiet", action="store_true")
    h.add_argument("--level", type=int, choices=[1, 2, 3])
    return p


PARSERS = {f.__name__: f for f in (kinds, positionals, remainder, levels, files, prefixes, groups)}


def actions_of(parser, path):
    """The actions of the parsers that a command's path leads through, by dest."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield action.dest, action
            yield from actions_of(action.choices[path[0]], path[1:])
        elif action.dest != "help":
            yield action.dest, action


def judge(parser, question):
    err = io.StringIO()
    try:
        with redirect_stderr(err), redirect_stdout(io.StringIO()):
            namespace = vars(parser.parse_args(list(question["words"])))
    except SystemExit:
        return "argparse ends the program: " + err.getvalue()
    given = question["given"]
    for dest, value in given.items():
        if namespace.get(dest) != value:
            return "%s is %r, not %r" % (dest, namespace.get(dest), value)
    actions = dict(actions_of(parser, question["path"]))
    for dest, value in namespace.items():
        if dest in given or dest in question["loose"] or isinstance(actions.get(dest), argparse._SubParsersAction):
            continue
        empty = [] if dest in actions and not actions[dest].option_strings and actions[dest].nargs in ("*", "...") else None
        if value not in (parser.get_default(dest), actions[dest].default if dest in actions else None, empty):
            return "%s was not given and is %r" % (dest, value)
    return ""


def main():
    if sys.argv[1:] == ["names"]:
        print(" ".join(PARSERS))
    elif sys.argv[1:]:
        PARSERS[sys.argv[1]]().parse_args(sys.argv[2:])
    else:
        parsers = {name: make() for name, make in PARSERS.items()}
        for line in sys.stdin:
            question = json.loads(line)
            print(json.dumps(judge(parsers[question["parser"]], question)), flush=True)


if __name__ == "__main__":
    main()
