"""Builds the described argparse programs and answers questions about them: JSON lines in, JSON lines out.

A request: {"op": "version"} -> [major, minor]; {"op": "describe", "program", "columns"} -> what the parser object says, each command's help page at each
width, and the live description; {"op": "call", "program", "calls": [{"path", "argv", "given"}]} -> for each call the
namespace that the parser makes of argv and the one that the given values mean. One answer a request, in order; a
description that this Python can't build gives {"error"}. Runs on Python 3.8 and later, needs nothing but the standard
library, and starts no program.

The second namespace is derived without parsing (see `expected`), so that it can contradict the first.
"""

import argparse
import io
import json
import os
import pathlib
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout

NO_COLOUR = {"NO_COLOR": "1", "PYTHON_COLORS": "0", "TERM": "dumb", "LC_ALL": "C.UTF-8", "LANGUAGE": ""}


# Description -> parser


def upper(text):
    """A type that is neither a number nor text as it is."""
    return text.upper()


class CustomFlag(argparse.Action):
    """A program's own action without a value."""

    def __init__(self, option_strings, dest, **kwargs):
        kwargs.setdefault("default", False)
        super().__init__(option_strings, dest, nargs=0, **kwargs)

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, True)


class CustomValue(argparse.Action):
    """A program's own action with a value."""

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, values)


ACTIONS = {"custom_flag": CustomFlag, "custom_value": CustomValue}
if sys.version_info >= (3, 9):
    ACTIONS["boolean_optional"] = argparse.BooleanOptionalAction
TYPES = {"int": int, "float": float, "str": str, "path": pathlib.Path, "upper": upper, "bool": bool}
PARSER_KEYWORDS = ("prog", "usage", "description", "epilog", "prefix_chars", "fromfile_prefix_chars", "add_help",
                   "allow_abbrev", "exit_on_error", "conflict_handler", "argument_default")
SUB_KEYWORDS = ("title", "description", "metavar", "dest", "required", "help", "prog")


class RawDefaultsFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Two of argparse's formatters in one, as its documentation recommends."""


def formatter_class(description):
    name = description.get("formatter", "HelpFormatter")
    cls = RawDefaultsFormatter if name == "RawDefaultsFormatter" else getattr(argparse, name)
    layout = description.get("layout")
    return (lambda prog: cls(prog, **layout)) if layout else cls


def handler(args):
    """What a program runs for a subcommand."""


def with_sentinels(value):
    """The description with argparse's own SUPPRESS object for that string (argparse compares with `is`), and functions."""
    if isinstance(value, dict):
        return {key: with_sentinels(one) for key, one in value.items()}
    if isinstance(value, list):
        return [with_sentinels(one) for one in value]
    return argparse.SUPPRESS if value == argparse.SUPPRESS else handler if value == "==FUNCTION==" else value


def build(program):
    """The parser that a description describes."""
    return fill(argparse.ArgumentParser(**parser_keywords(program)), program)


def parser_keywords(description):
    keywords = {key: description[key] for key in PARSER_KEYWORDS if key in description}
    keywords["formatter_class"] = formatter_class(description)
    keywords["parents"] = [build(parent) for parent in description.get("parents", ())]
    return keywords


def fill(parser, description):
    items, sub = description.get("items", []), description.get("sub")
    for index, item in enumerate(items):
        if sub and sub.get("at", len(items)) == index:
            add_subcommands(parser, sub)
        add_item(parser, item)
    if sub and sub.get("at", len(items)) >= len(items):
        add_subcommands(parser, sub)
    parser.set_defaults(**description.get("set_defaults", {}))
    return parser


def add_item(container, item):
    if item["kind"] == "group":
        group = container.add_argument_group(item.get("title"), item.get("description"))
    elif item["kind"] == "exclusive":
        group = container.add_mutually_exclusive_group(required=item.get("required", False))
    else:
        keywords = {key: value for key, value in item.items() if key not in ("kind", "flags", "name")}
        if "action" in keywords:
            keywords["action"] = ACTIONS.get(keywords["action"], keywords["action"])
        if "type" in keywords:
            keywords["type"] = argparse.FileType() if keywords["type"] == "file" else TYPES[keywords["type"]]
        if isinstance(keywords.get("metavar"), list):
            keywords["metavar"] = tuple(keywords["metavar"])
        container.add_argument(*item.get("flags", [item.get("name")]), **keywords)
        return
    for member in item["items"]:
        add_item(group, member)


def add_subcommands(parser, sub):
    action = parser.add_subparsers(**{key: sub[key] for key in SUB_KEYWORDS if key in sub})
    for command in sub["commands"]:
        keywords = parser_keywords(command.get("parser", {}))
        keywords.update({key: command[key] for key in ("aliases", "help", "deprecated") if key in command})
        fill(action.add_parser(command["name"], **keywords), command.get("parser", {}))


# Parser -> what is true of it, in the form of the model's Command


def truth(parser, name="", aliases=(), summary=None, hidden=False):
    """What the parser object says; facts that help can't show are among them."""
    formatter = parser._get_formatter()
    actions = [a for a in parser._actions if not isinstance(a, argparse._SubParsersAction)]
    sub = subparsers(parser)
    before = parser._actions[: parser._actions.index(sub)] if sub else []
    exclusive = []
    for group in parser._mutually_exclusive_groups:
        members = sorted(actions.index(a) for a in group._group_actions if a in actions)
        exclusive.append({"required": bool(group.required), "members": members})
    return {
        "name": name, "aliases": list(aliases), "summary": summary, "hidden": hidden,
        "description": expand_program(parser, parser.description), "epilog": expand_program(parser, parser.epilog),
        "arguments": [argument_truth(parser, formatter, action) for action in actions],
        "exclusive": exclusive,
        "subcommands": subcommand_truths(formatter, sub) if sub else [],
        "subcommandAt": sum(not a.option_strings for a in before),
        "runsAlone": bool(sub) and not sub.required,
        "parser": {
            "prefixChars": parser.prefix_chars, "fromfilePrefixChars": parser.fromfile_prefix_chars,
            "negativeNumberOptions": bool(parser._has_negative_number_optionals), "allowAbbrev": parser.allow_abbrev,
            "keepsDoubleDash": keeps_double_dash(), "twoPasses": False, "stores": sorted(parser._defaults),
        },
        "facts": {
            "formatter": type(formatter).__name__, "fixedWidth": formatter_is_fixed(parser), "usageByHand": parser.usage is not None,
            "subMetavar": sub.metavar if sub else None, "subHidden": bool(sub) and sub.help is argparse.SUPPRESS,
            "groupText": [g.description for g in parser._action_groups if g.description],
            "emptyGroups": any(g.description and all(a.help is argparse.SUPPRESS for a in g._group_actions)
                               for g in parser._action_groups),
            "raw": isinstance(formatter, argparse.RawDescriptionHelpFormatter),
        },
    }


def formatter_is_fixed(parser):
    """Whether its pages have a layout of their own whatever the terminal's."""
    formatter, plain = parser._get_formatter(), argparse.HelpFormatter("")
    return (formatter._width, formatter._max_help_position, formatter._indent_increment) != \
        (plain._width, plain._max_help_position, plain._indent_increment)


def keeps_double_dash(known=[]):
    """Whether a value that is `--` arrives as it is, found out by trying."""
    if not known:
        trial = argparse.ArgumentParser()
        trial.add_argument("--option")
        trial.add_argument("first")
        trial.add_argument("second", nargs="*")
        seen = trial.parse_args(["--option=--", "--", "x", "--"])
        known.append(seen.second == ["--"] and seen.option == "--")
    return known[0]


def reads_twice(parser, program, known=[]):
    """Whether parse_intermixed_args reads the parser's positionals in a pass of their own: then a `--` before them is
    lost, found out by trying."""
    if not known:
        trial = argparse.ArgumentParser()
        trial.add_argument("first")
        try:
            with redirect_stderr(io.StringIO()):
                known.append(trial.parse_intermixed_args(["--", "-x"]).first != "-x")
        except SystemExit:
            known.append(True)
    return known[0] and "intermixed" in program.get("parse", "") and bool(parser._get_positional_actions())


def subparsers(parser):
    return next((a for a in parser._actions if isinstance(a, argparse._SubParsersAction)), None)


def expand_program(parser, text):
    """argparse puts %(prog)s into a description or epilog only where that is written in it."""
    if not text:
        return None
    return text % {"prog": parser.prog} if "%(prog)" in text else text


def subcommand_truths(formatter, sub):
    rows = {choice.dest: choice for choice in sub._choices_actions}
    names, parsers = {}, []
    for name, parser in sub.choices.items():
        if id(parser) not in names:
            parsers.append(parser)
        names.setdefault(id(parser), []).append(name)
    out = []
    for parser in parsers:
        own = names[id(parser)]
        row = rows.get(own[0])
        hidden = bool(row) and row.help is argparse.SUPPRESS
        summary = None if hidden or not row or not row.help else formatter._expand_help(row)
        out.append(truth(parser, own[0], own[1:], summary, hidden))
        out[-1]["facts"]["listed"] = row is not None
        if sub.dest is not argparse.SUPPRESS:
            out[-1]["parser"]["stores"].append(sub.dest)
    return out


def argument_truth(parser, formatter, action):
    hidden = action.help is argparse.SUPPRESS
    help_text = None if hidden or not action.help or not action.help.strip() else formatter._expand_help(action)
    choices = None if action.choices is None else [str(choice) for choice in action.choices]
    group = next((g for g in parser._action_groups if action in g._group_actions), None)
    standard = group is None or group in (parser._positionals, parser._optionals)
    return {
        "flags": list(action.option_strings), "dest": None if action.dest is argparse.SUPPRESS else action.dest,
        "metavar": metavar(formatter, action), "action": kind(action), "arity": arity(action),
        "type": {int: "integer", float: "number", bool: "boolean"}.get(action.type, "string"), "choices": choices,
        "default": default(action), "required": required(action), "hidden": hidden, "help": help_text,
        "suppressed": action.default is argparse.SUPPRESS and kind(action) not in ("help", "version"),
        "section": None if standard else group.title,
        "facts": {"ownMetavar": action.metavar is not None, "nargsOne": action.nargs == 1,
                  "defaultText": None if action.default is argparse.SUPPRESS else str(action.default),
                  "defaultNamed": "%(default)" in (formatter._get_help_string(action) if action.help else "")},
    }


def metavar(formatter, action):
    if arity(action) == "0":
        return []
    if action.metavar is not None:
        return [action.metavar] if isinstance(action.metavar, str) else list(action.metavar)
    if action.choices is not None:
        return []
    if action.option_strings:
        return [formatter._get_default_metavar_for_optional(action)]
    return [formatter._get_default_metavar_for_positional(action)]


def kind(action):
    negatable = getattr(argparse, "BooleanOptionalAction", ())
    if isinstance(action, negatable):
        return "negatable"
    for cls, name in ((argparse._HelpAction, "help"), (argparse._VersionAction, "version"), (argparse._CountAction, "count"),
                      (argparse._AppendConstAction, "flag"), (argparse._ExtendAction, "extend"),
                      (argparse._AppendAction, "append")):
        if isinstance(action, cls):
            return name
    return "flag" if action.nargs == 0 else "store"


def arity(action):
    if action.nargs is None or action.nargs == 1:
        return "1"
    return str(action.nargs)


def default(action):
    """As the program would have it: a string default has gone through the type, where that is a plain one."""
    value = action.default
    if value is argparse.SUPPRESS:
        return None
    if isinstance(value, str) and action.type in (int, float) and arity(action) in ("1", "?"):
        value = action.type(value)
    return value if isinstance(value, (str, int, float, list, bool)) else None if value is None else str(value)


def required(action):
    """Whether argparse refuses to go without it: an empty list of words satisfies `?`, `*` and `...`."""
    if action.option_strings:
        return bool(action.required)
    return action.nargs not in ("?", "*", "...")


# Pages


def pages(parser, program, columns):
    """Every command's help page, the first one as the program itself prints it: [{"path", "pages": {columns: page or
    None}, "coloured": page or None}]."""
    out = []
    for path, command in commands(parser, []):
        texts = {}
        for width in columns:
            os.environ["COLUMNS"] = str(width)
            try:
                stream = io.StringIO()
                with redirect_stdout(stream):
                    command.print_help() if path else print_help(command, program)
                texts[str(width)] = stream.getvalue()
            except AssertionError:  # argparse up to 3.12 trips over its own wrapping of odd metavars
                texts[str(width)] = None
        out.append({"path": path, "pages": texts, "coloured": coloured(command, max(columns))})
    return out


def coloured(parser, columns):
    """The page in colours; None before 3.14."""
    if sys.version_info < (3, 14):
        return None
    for name in ("NO_COLOR", "PYTHON_COLORS"):
        os.environ.pop(name, None)
    os.environ.update(FORCE_COLOR="1", TERM="xterm", COLUMNS=str(columns))
    try:
        return parser.format_help()
    finally:
        del os.environ["FORCE_COLOR"]
        os.environ.update(NO_COLOUR)


def commands(parser, path):
    yield path, parser
    sub, seen = subparsers(parser), set()
    for name, command in sub.choices.items() if sub else ():
        if id(command) not in seen:
            seen.add(id(command))
            yield from commands(command, path + [name])


# Calls


def tell_help(parser, arguments):
    """Corrects what the truth says of the positionals' help texts, which can't name a default while they are put aside."""
    formatter = parser._get_formatter()
    actions = [a for a in parser._actions if not isinstance(a, argparse._SubParsersAction)]
    for action, argument in zip(actions, arguments):
        if help_flags(parser) and not action.option_strings and argument["help"]:
            default, action.default = action.default, argparse.SUPPRESS
            argument["help"] = formatter._expand_help(action)
            argument["facts"]["defaultNamed"] = False
            action.default = default


def help_flags(parser):
    return [a.option_strings[0] for a in parser._actions if isinstance(a, argparse._HelpAction)][:1]


def refuse_help(parser, program):
    """What a program without a help option does when it is asked for help: mostly it complains, and shows its usage."""
    try:
        parse(parser, program, ["--help"])
    except (SystemExit, Exception):
        pass


def print_help(parser, program):
    """Prints help to standard output, as the program does it."""
    try:
        parse(parser, program, help_flags(parser)) if help_flags(parser) else parser.print_help()
    except SystemExit:
        pass


def parse(parser, program, argv):
    """The namespace, by the method that the program uses. Words that are left over are an error here: none is meant to be."""
    method = program.get("parse", "args")
    found = getattr(parser, "parse_" + method)(argv)
    if not method.startswith("known"):
        return found
    if found[1]:
        raise ValueError("not read: %r" % (found[1],))
    return found[0]


def call(parser, program, request):
    """The namespace of argv, and that of the values given: {"got", "error", "expected"}."""
    argv = request["argv"]
    answer = {"expected": dumped(expected(parser, request["path"], request["given"], 0)), "got": None, "error": None}
    errors = io.StringIO()
    try:
        with redirect_stderr(errors), redirect_stdout(errors):
            answer["got"] = dumped(vars(parse(parser, program, argv)))
    except SystemExit:
        answer["error"] = errors.getvalue()[-2000:]
    except Exception as error:  # a file that is not there, for one
        answer["error"] = "%s: %s" % (type(error).__name__, error)
    return answer


def dumped(namespace):
    return json.dumps(namespace, sort_keys=True, default=str)


def expected(parser, path, given, depth):
    """The namespace that the values mean. A subcommand's attributes override its parents' of the same name: argparse
    parses the rest of the line into a namespace of its own and copies that."""
    actions = [a for a in parser._actions if not isinstance(a, argparse._SubParsersAction)]
    namespace = {}
    for action in actions:
        empty = not action.option_strings and action.nargs == "..."  # gives a list whatever its default
        if action.dest is argparse.SUPPRESS or action.default is argparse.SUPPRESS and not empty:
            continue
        namespace.setdefault(action.dest, left_out(action))
    for one in given:
        if one["depth"] == depth:
            apply(actions[one["index"]], one["value"], namespace)
    sub = subparsers(parser)
    if sub and sub.dest is not argparse.SUPPRESS:
        namespace[sub.dest] = path[0] if path else None
    for name, value in parser._defaults.items():
        namespace.setdefault(name, value)
    if path:
        namespace.update(expected(sub.choices[path[0]], path[1:], given, depth + 1))
    return namespace


def left_out(action):
    if not action.option_strings and action.nargs in ("*", "..."):
        return [] if action.default in (None, argparse.SUPPRESS) else action.default
    if isinstance(action.default, str) and action.type is not None:
        return action.type(action.default)
    return action.default


def apply(action, value, namespace):
    """What one argument with a value (in JSON's terms) does to the namespace."""
    name, what = action.dest, kind(action)
    before = namespace.get(name)
    if what == "flag":
        const = True if isinstance(action, CustomFlag) else action.const
        if value:
            namespace[name] = list(before or []) + [const] if isinstance(action, argparse._AppendConstAction) else const
    elif what == "negatable":
        namespace[name] = value
    elif what == "count":
        if value:
            namespace[name] = (before or 0) + value
    elif what == "append":
        namespace[name] = list(before or []) + [converted(action, one) for one in value]
    elif what == "extend":
        namespace[name] = list(before or []) + [scalar(action, one) for one in value]
    else:
        namespace[name] = converted(action, value)


def converted(action, value):
    if isinstance(value, bool) and action.type is bool and action.nargs != 1:
        return value
    if action.nargs == "?" and action.option_strings and value is True:
        const = action.const
        return scalar(action, const) if isinstance(const, str) else const
    if action.nargs == 1:
        return [scalar(action, value)]
    if isinstance(value, list):
        return [scalar(action, one) for one in value]
    return scalar(action, value)


def scalar(action, value):
    if isinstance(value, bool) and action.type is bool:
        return value
    word = value if isinstance(value, str) else json.dumps(value)
    return action.type(word) if action.type else word


# The live description


class Ear:
    """Stands for the passenger's watch, whose hooks stay in argparse once they are there: listens only when told to."""

    watch = None

    @property
    def busy(self):
        return self.watch is None or self.watch.busy

    def see(self, *args):
        if self.watch is not None:
            self.watch.see(*args)


def passenger(source, loaded={}):
    """The passenger's definitions, and the ear of its hooks. Given as source: this file knows no path."""
    if source not in loaded:
        scope = {"__name__": "passenger", "__file__": os.path.join(os.sep, "nowhere", "describe.py")}
        exec(compile(source, "describe.py", "exec"), scope)
        scope["_get_ident"] = threading.get_ident
        loaded[source] = scope, Ear()
        scope["_patch"](argparse, loaded[source][1])
    return loaded[source]


def describe_live(parser, program, source, columns):
    """The live description: what the passenger writes while the program prints its help."""
    (scope, ear), written = passenger(source), []
    scope["_write"] = lambda path, data: written.append(data)
    ear.watch = scope["_Watch"]("nowhere", False)
    os.environ["COLUMNS"] = str(columns)
    try:
        with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
            if not help_flags(parser):
                refuse_help(parser, program)
            if not written:
                print_help(parser, program)
    finally:
        ear.watch = None
    return written[-1].decode("ascii")


# The loop


def handle(line):
    """The answer to one request line."""
    request = json.loads(line)
    if request["op"] == "version":
        return json.dumps(sys.version_info[:2])
    try:
        return json.dumps(answer_to(request))
    except Exception as error:  # a description may be one that argparse refuses, above all while it is made smaller
        return json.dumps({"error": "%s: %s" % (type(error).__name__, error)})


def answer_to(request):
    program = with_sentinels(request["program"])
    if sys.version_info < tuple(program.get("since", (3, 8))):
        return {"skipped": True}
    parser = build({key: value for key, value in program.items() if key != "since"})
    if request["op"] == "call":
        return {"calls": [call(parser, program, one) for one in request["calls"]]}
    answer = {"truth": truth(parser), "commands": pages(parser, program, request["columns"])}
    if reads_twice(parser, program):
        answer["truth"]["parser"]["twoPasses"] = True
        tell_help(parser, answer["truth"]["arguments"])
    if request.get("passenger"):
        answer["live"] = describe_live(parser, program, request["passenger"], max(request["columns"]))
    return answer


def main():
    os.environ.update(NO_COLOUR)
    for line in io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8"):
        sys.stdout.buffer.write(handle(line).encode("utf-8") + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
