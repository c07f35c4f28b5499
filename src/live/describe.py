"""Describes the argparse parser whose help a program prints, as JSON in the file that SMCP_DESCRIBE_OUTPUT names.

Loaded by the `sitecustomize` of a private directory at the head of PYTHONPATH. It first takes every trace of that out of
the process, then watches argparse. It never prints, never raises and never stays on the call stack while help is made,
so tracebacks are the program's own as well. But a parser that is about to take `--help` for a value is made to print its help.
The syntax is that of Python 2 and 3, but only Python 3.6 and later are watched.
"""
import os
import sys

MAX_BYTES = 8 * 1024 * 1024  # of the file; the reader refuses more
MAX_PARSERS = 5000
MAX_ACTIONS = 20000
MAX_ACTIONS_EVER = 100000  # over all descriptions of one process, so that repeated help stays cheap
MAX_ITEMS = 10000  # choices of one argument, elements of one default, subcommand names, groups
MAX_NESTING = 8  # of a list inside a default
MAX_NAME = 4096  # characters of a flag, a choice, a dest
TEXT_LIMITS = (65536, 2048, 128)  # characters of a help text; the next one is tried where the whole gets too large
MAX_FRAMES = 12  # of the call stack, to tell printing from formatting
OWN_FRAMES = 10  # of the call stack while a parser is described
WIDE = 1000000  # columns: nothing is wrapped

# Modules of types that make a value of a word and do nothing else; those whose values are mostly the same at each start.
PURE_DEFAULTS = frozenset(("pathlib", "pathlib._local", "decimal", "fractions", "ipaddress"))
PURE_MODULES = PURE_DEFAULTS | {"datetime", "uuid"}
MAX_TRIED, TRIAL_SECONDS = 200, 0.2  # of choices that a program's own type is tried on

# How surely a parser is the one whose help is printed.
USAGE, CUSTOM, FORMAT, PRINT, ACTION = 1, 2, 3, 4, 5


def _leave():
    """Takes the traces out of the process; gives the file to write, or None, that of calls to prove, or None, and whether
    the program is asked for its own help and not for a subcommand's."""
    directory = os.path.dirname(os.path.abspath(__file__))
    output = os.environ.pop("SMCP_DESCRIBE_OUTPUT", None)
    request = os.environ.pop("SMCP_PROVE_REQUEST", None)
    at_root = os.environ.pop("SMCP_DESCRIBE_ROOT", None)
    sys.path[:] = [p for p in sys.path if not isinstance(p, str) or os.path.abspath(p or ".") != directory]
    sys.path_importer_cache.pop(directory, None)
    parts = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if parts[0] and os.path.abspath(parts[0]) == directory:
        if len(parts) > 1:
            os.environ["PYTHONPATH"] = os.pathsep.join(parts[1:])
        else:
            del os.environ["PYTHONPATH"]
    _forget_compiled(directory)
    return [os.path.abspath(path) if path else None for path in (output, request)] + [bool(at_root)]


def _forget_compiled(directory):
    """Removes what Python compiled of `sitecustomize.py`, unless that is in the private directory and goes with it."""
    spec = getattr(sys.modules.get("sitecustomize"), "__spec__", None)
    compiled = getattr(spec, "cached", None)
    if not compiled or os.path.dirname(os.path.dirname(os.path.abspath(compiled))) == directory:
        return
    try:
        os.unlink(compiled)
        os.rmdir(os.path.dirname(compiled))
    except OSError:
        pass


class _TooLarge(Exception):
    pass


def _attempt(function, *args):
    """The function's result, or None where the program's objects do not play along."""
    try:
        return function(*args)
    except (_TooLarge, MemoryError):
        raise
    except BaseException:  # whatever odd objects raise, SystemExit included
        return None


class _Quiet(object):
    """Stands for a standard stream while the program's objects are asked: only other threads may write."""

    def __init__(self, stream):
        self._stream, self._thread = stream, _get_ident()

    def write(self, text):
        return len(text) if _get_ident() == self._thread else self._stream.write(text)

    def __getattr__(self, name):
        return getattr(self._stream, name)


class _Describer(object):
    """One description: the parsers reachable from `root`, each once, breadth first, so cycles and sharing are harmless."""

    def __init__(self, argparse, root, text_limit, is_above):
        self.argparse, self.text_limit, self.is_above = argparse, text_limit, is_above
        self.room, self.actions, self.truncated = MAX_BYTES, 0, False
        self.parsers, self.indices = [], {}
        self.index(root)

    def whole(self):
        nodes = []
        for parser in self.parsers:  # grows while it is walked
            nodes.append(self.parser(parser))
        return {"version": 1, "root": 0, "truncated": self.truncated, "isAbove": self.is_above,
                "keepsDoubleDash": _attempt(_keeps_double_dash, self.argparse), "parsers": nodes}

    def index(self, parser):
        key = id(parser)
        if key not in self.indices:
            if len(self.parsers) >= MAX_PARSERS:
                self.truncated = True
                return None
            self.indices[key] = len(self.parsers)
            self.parsers.append(parser)
        return self.indices[key]

    def spend(self, text):
        self.room -= len(text) + 8
        if self.room < 0:
            raise _TooLarge()
        return text

    def text(self, value):
        """Prose: cut where it is too long."""
        if value is None:
            return None
        value = _plain_text(value)
        if value is not None and len(value) > self.text_limit:
            self.truncated, value = True, value[:self.text_limit]
        return value if value is None else self.spend(value)

    def name(self, value):
        """A word that must be exact: nothing where it is too long."""
        value = _plain_text(value)
        if value is None or len(value) > MAX_NAME:
            self.truncated = True
            return None
        return self.spend(value)

    def names(self, values):
        return [n for n in (self.name(v) for v in _some(values)) if n is not None]

    def parser(self, parser):
        formatter = _attempt(lambda: parser._get_formatter())
        sections = {}
        for group in _some(getattr(parser, "_action_groups", None)):
            if not _is_standard(parser, group):
                title = self.text(getattr(group, "title", None))
                for action in _some(getattr(group, "_group_actions", None)):
                    sections[id(action)] = title
        actions, places, subparsers, positionals = [], {}, None, 0
        for action in _some(getattr(parser, "_actions", None)):
            if self.actions >= MAX_ACTIONS:
                self.truncated = True
                break
            self.actions += 1
            if isinstance(action, self.argparse._SubParsersAction):
                if subparsers is None:
                    subparsers = self.subparsers(action, formatter)
                    subparsers["at"] = positionals
                continue
            positionals += not getattr(action, "option_strings", None)
            places[id(action)] = len(actions)
            actions.append(self.action(parser, action, formatter, sections.get(id(action))))
        return {
            "prog": self.text(getattr(parser, "prog", None)),
            "description": self.prose(formatter, getattr(parser, "description", None)),
            "epilog": self.prose(formatter, getattr(parser, "epilog", None)),
            "prefixChars": self.text(getattr(parser, "prefix_chars", None)),
            "fromfilePrefixChars": self.text(getattr(parser, "fromfile_prefix_chars", None)),
            "allowAbbrev": bool(getattr(parser, "allow_abbrev", True)),
            "negativeNumberOptions": bool(getattr(parser, "_has_negative_number_optionals", None)),
            "addHelp": bool(getattr(parser, "add_help", True)),
            "twoPasses": parser is self.parsers[0] and _attempt(_reads_twice, self.argparse, parser) is True,
            "defaults": self.defaults(parser),
            "exclusive": [
                {"required": bool(getattr(group, "required", False)),
                 "members": [places[id(a)] for a in _some(getattr(group, "_group_actions", None)) if id(a) in places]}
                for group in _some(getattr(parser, "_mutually_exclusive_groups", None))
            ],
            "actions": actions,
            "subparsers": subparsers,
        }

    def defaults(self, parser):
        found = []
        for name, value in sorted(_some(_attempt(lambda: list(parser._defaults.items()))), key=lambda i: str(i[0])):
            found.append({"name": self.text(name), "callable": _attempt(callable, value) is True,
                          "printsHelp": _attempt(_prints_help, value) is True})
        return found

    def action(self, parser, action, formatter, section):
        SUPPRESS = self.argparse.SUPPRESS
        help_text, default = getattr(action, "help", None), getattr(action, "default", None)
        hidden = _attempt(lambda: help_text == SUPPRESS) is True
        metavar, nargs = getattr(action, "metavar", None), getattr(action, "nargs", None)
        if _is_put_aside(self.argparse, action):
            nargs, default = action.save_nargs, getattr(action, "save_default", default)
        suppressed = type(default) is str and default == SUPPRESS
        converter = getattr(action, "type", None)
        if converter is not None:
            converter = _attempt(lambda: parser._registry_get("type", converter, converter))
        choices, choices_known, choices_shown = self.choices(action, metavar, converter)
        told, default_known = (None, True) if suppressed else self.default(action, default, converter)
        needs_one = nargs == "*" and _attempt(_refuses_none, self.argparse, parser, action) is True
        return {
            "kind": self.kind(action),
            "flags": self.names(getattr(action, "option_strings", None)),
            "dest": self.text(getattr(action, "dest", None)),
            "nargs": nargs if type(nargs) is int else None if nargs is None else self.text(nargs),
            "const": _plain(self, getattr(action, "const", None)),
            "default": told,
            "defaultKnown": default_known,
            "opaqueDefault": told is None and default_known and not suppressed and default is not None,
            "suppressed": suppressed,
            "type": _type(converter),
            "choices": choices,
            "choicesKnown": choices_known,
            "choicesShown": choices_shown,
            "required": _attempt(bool, getattr(action, "required", False)) is True,
            "needsOne": needs_one,
            "custom": not _is_standard_call(action),
            "takenApart": isinstance(action, getattr(self.argparse, "_ExtendAction", ())) and nargs is None
            and _is_any(converter, (None, str)),
            "hidden": hidden,
            "metavar": None if metavar is None else [self.text(m) for m in _some(metavar)]
            if isinstance(metavar, (tuple, list)) else [self.text(metavar)],
            "help": None if hidden or help_text is None or _attempt(lambda: not help_text.strip()) is True else self.help(formatter, action),
            "section": section,
        }

    def kind(self, action):
        """The nearest class of argparse's own; a program's own BooleanOptionalAction counts as one."""
        classes = type(action).__mro__
        flags = [f for f in _some(getattr(action, "option_strings", None)) if isinstance(f, str)]
        longs = {f for f in flags if f.startswith("--")}
        base = next((c.__name__ for c in classes if c.__module__ == "argparse"), "Action").lstrip("_")
        if base == "BooleanOptionalAction" and not any(f.startswith("--no-") for f in flags):
            return "Action"  # it says no in another way, or not at all
        if base == "Action" and getattr(action, "nargs", None) == 0:
            pairs = [f for f in longs if f.startswith("--no-") and "--" + f[5:] in longs]
            if pairs or any(c.__name__ == "BooleanOptionalAction" for c in classes):
                return "BooleanOptionalAction"
            if _is_help(action):
                return "HelpAction"
        return base

    def choices(self, action, metavar, converter):
        """The words that the parser takes, whether those are all, and what help shows in their place; or None, and whether
        the page can't know better."""
        choices = getattr(action, "choices", None)
        if choices is None:
            return None, True, None
        found = _attempt(_members, choices, metavar is None)
        shown = None if found is None else [_plain_text(member) for member in found]
        if found is None or None in shown:
            return None, False, None
        words = _words(found, converter)
        # That nobody can type what is left is certain with these.
        if words is not None and _is_any(converter, (None, str, int, float)):
            words = [w for w in words if w is not None] or shown
        if words is None or any(w is None or len(w) > MAX_NAME for w in words):
            return None, True, self.names(shown)
        if isinstance(choices, (set, frozenset)):
            words = sorted(words)
        return [self.spend(w) for w in words], True, None if sorted(words) == sorted(shown) else self.names(shown)

    def default(self, action, default, converter):
        """The default as JSON or as the words that stand for it, and whether the page can't know better."""
        if default is None:
            return None, True
        value = _plain(self, default)
        if value is not None and type(default) in (str, int, float, bool, list, tuple):
            return value, True
        many = type(default) in (list, tuple)
        if _attempt(_is_enum, converter) is True or _attempt(_is_pure, converter, PURE_DEFAULTS) is True \
                or getattr(action, "choices", None) is not None:
            words = _words(list(default) if many else [default], converter)
            if words and None not in words and any(w.startswith(os.sep) for w in words):
                return None, False  # a place on this machine
            if words and None not in words and sum(map(len, words)) <= self.text_limit:
                return ([self.spend(w) for w in words] if many else self.spend(words[0])), True
        if value is not None:
            return value, True
        text = _plain_text(default)
        # Such text is for people to read: no word that can be typed.
        return None, text is None or text.startswith("<") or callable(default) \
            or isinstance(default, (bytes, bytearray, list, tuple, set, frozenset, dict, _enum()))

    def prose(self, formatter, value):
        if value is None:
            return None
        text = _plain_text(value)
        return self.text(_attempt(_filled, self.argparse, formatter, text) or text)

    def help(self, formatter, action):
        expanded = _attempt(lambda: formatter._expand_help(action))
        if not isinstance(expanded, str):
            return self.text(getattr(action, "help", None))
        return self.text(_attempt(_lines, self.argparse, formatter, expanded) or expanded)

    def subparsers(self, action, formatter):
        parsers, choices = getattr(action, "_name_parser_map", None), getattr(action, "choices", None)
        metavar, SUPPRESS = getattr(action, "metavar", None), self.argparse.SUPPRESS
        rows = {getattr(c, "dest", None): c for c in _some(getattr(action, "_choices_actions", None))}
        commands, by_parser = [], {}
        # A word must be among the choices, and must lead to a parser; programs replace one or the other.
        known = list(_some(parsers))
        for word in known + [w for w in _some(choices) if w not in known]:
            name = self.name(word)
            if name is None or choices is not parsers and choices is not None \
                    and _attempt(lambda: word in choices) is False:
                continue
            sub = _attempt(lambda: parsers[word]) or _attempt(lambda: choices[word])
            if not hasattr(sub, "_actions"):
                sub = None
            if sub is not None and id(sub) in by_parser:
                by_parser[id(sub)]["aliases"].append(name)
                continue
            row = rows.get(word)
            summary = getattr(row, "help", None)
            hidden = _attempt(lambda: summary == SUPPRESS) is True
            commands.append({
                "name": name, "aliases": [], "hidden": hidden,
                "summary": None if hidden or summary is None else self.help(formatter, row),
                "parser": None if sub is None else self.index(sub),
            })
            if sub is not None:
                by_parser[id(sub)] = commands[-1]
        return {"required": _attempt(bool, getattr(action, "required", False)) is True,
                "dest": None if type(getattr(action, "dest", None)) is not str or action.dest == SUPPRESS
                else self.text(action.dest),
                "metavar": self.text(metavar) if isinstance(metavar, str) else None, "commands": commands}


def _some(values):
    """As many of the values as are looked at, in a list."""
    def take():
        found = []
        for value in values:
            if len(found) >= MAX_ITEMS:
                break
            found.append(value)
        return found
    return (_attempt(take) if values is not None else None) or []


def _plain_text(value):
    """An exact `str` that UTF-8 can write, or None."""
    text = _attempt(str, value)
    if not isinstance(text, str):
        return None
    text = str.__str__(text)
    try:
        text.encode("utf-8")
    except UnicodeError:
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text


def _plain(describer, value, depth=0):
    """A value that JSON holds without loss, or None. Subclasses (a `str` that is an Enum) count as their base."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        text = _plain_text(str.__str__(value) if type(value) is str else str.__getitem__(value, slice(None)))
        return describer.spend(text) if text is not None and len(text) <= describer.text_limit else None
    if isinstance(value, int):
        number = int.__int__(value)
        return number if -2 ** 63 <= number < 2 ** 63 else None
    if isinstance(value, float):
        number = float.__float__(value)
        return number if number - number == 0 else None
    if type(value) in (list, tuple) and depth < MAX_NESTING and len(value) <= MAX_ITEMS:
        items = [_plain(describer, v, depth + 1) for v in value]
        return None if any(i is None and v is not None for i, v in zip(items, value)) else items
    return None


def _type(converter):
    """A function that is called as a number's type is (argparse's errors and metavars show that name) reads at least numbers."""
    for known, name in ((int, "int"), (float, "float"), (bool, "bool"), (str, "str"), (None, None)):
        if converter is known:
            return name
    return "numeric" if _attempt(lambda: converter.__name__ in ("int", "float")) is True else "other"


def _members(choices, printed):
    """The choices; None for those that looking at would use up or that never end."""
    iterator = iter(choices)
    if iterator is choices or not printed and len(choices) > MAX_ITEMS:
        return None
    found = []
    for choice in iterator:
        if len(found) >= MAX_ITEMS:
            return None
        found.append(choice)
    return found


def _words(values, converter):
    """What is typed to get each of the values (argparse prints `str` of them, but compares and stores what its type reads
    of a word), None for one that no word is known of; None where the type is not tried.

    Types of Python's own and enumerations are tried. One of the program's own is only tried on what is no text and as long
    as it is quick: it might do more than read.
    """
    if _is_any(converter, (None, str)):
        return [_word(value, str) for value in values]
    if _attempt(_is_enum, converter) is True or _attempt(_is_pure, converter, PURE_MODULES) is True:
        return [_word(value, converter) for value in values]
    if all(type(value) is str for value in values):
        return list(values)
    if len(values) > MAX_TRIED:
        return None
    from time import time
    found, end = [], time() + TRIAL_SECONDS
    for value in values:
        found.append(_word(value, converter))
        if found[-1] is None or time() > end:
            return None
    return found


def _word(value, read):
    for make in (_plain_text, _base_text, lambda v: _base_text(v.value), lambda v: _base_text(v.name)):
        word = _attempt(make, value)
        if word is not None and _attempt(lambda: bool(read(word) == value)) is True:
            return word
    return None


def _is_any(value, others):
    return any(value is other for other in others)


def _base_text(value):
    """The text of a string or an integer, whatever its class makes of `str`."""
    if isinstance(value, str):
        return _plain_text(str.__getitem__(value, slice(None)))
    return int.__repr__(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _enum():
    return getattr(sys.modules.get("enum"), "Enum", _TooLarge)


def _is_enum(converter):
    return isinstance(converter, type) and issubclass(converter, _enum())


def _is_pure(converter, modules):
    """Whether a type is one of Python's own that makes a value of a word and does nothing else."""
    if _is_any(converter, (int, float, complex, bool)) or getattr(converter, "__objclass__", None) is str:
        return True
    owner = getattr(converter, "__self__", None)  # of a method of a class, such as `date.fromisoformat`
    return getattr(owner if isinstance(owner, type) else converter, "__module__", None) in modules


def _refuses_none(argparse, parser, action):
    """Whether a positional `*` must have a value all the same: up to Python 3.11, none is compared with the choices."""
    choices = action.choices
    own_check = type(parser)._check_value is not argparse.ArgumentParser._check_value
    if action.option_strings or choices is None or own_check or not hasattr(type(choices), "__len__"):
        return False
    trial = argparse.ArgumentParser(prog="", add_help=False)
    try:
        trial._get_values(trial.add_argument("x", nargs="*", choices=["x"]), [])
        return False
    except argparse.ArgumentError:
        default = getattr(action, "save_default", action.default)
        return _attempt(lambda: ([] if default is None else default) in choices) is not True


def _is_standard_call(action):
    """Whether the action does what a class of argparse does."""
    return getattr(type(action).__call__, "__module__", None) == "argparse"


def _filled(argparse, formatter, text):
    """A description as the formatter prints it on an endless line."""
    if "%(prog)" in text:
        text = text % {"prog": formatter._prog}
    if type(formatter)._fill_text is argparse.HelpFormatter._fill_text:
        return formatter._whitespace_matcher.sub(" ", text).strip()
    return formatter._fill_text(text, WIDE, "")


def _lines(argparse, formatter, text):
    """A help text as the formatter prints it on endless lines."""
    if type(formatter)._split_lines is argparse.HelpFormatter._split_lines:
        return formatter._whitespace_matcher.sub(" ", text).strip()
    return "\n".join(formatter._split_lines(text, WIDE))


def _is_standard(parser, group):
    """One of the two groups that every parser has, under the name that depends on the version of Python."""
    return group in (parser._positionals, parser._optionals) and \
        getattr(group, "title", None) in ("positional arguments", "optional arguments", "options")


def _is_put_aside(argparse, action):
    """Whether `parse_intermixed_args` has put a positional aside: it does so while it reads the options, which is when
    help is printed, and reads the positionals in a second pass. (Newer versions read all in one pass.)"""
    return getattr(action, "nargs", None) == argparse.SUPPRESS and hasattr(action, "save_nargs")


def _reads_twice(argparse, parser):
    """Whether a parser that has positionals is being run by such a `parse_intermixed_args`."""
    method = parser.parse_known_intermixed_args
    if not parser._get_positional_actions() or "save_nargs" not in method.__code__.co_names:
        return False
    names, frame = ("parse_intermixed_args", "parse_known_intermixed_args"), sys._getframe(1)
    for _ in range(MAX_FRAMES + OWN_FRAMES):
        if frame is None:
            return False
        if frame.f_code.co_name in names and frame.f_globals.get("__name__") == "argparse":
            return frame.f_locals.get("self") is parser
        frame = frame.f_back
    return False


def _keeps_double_dash(argparse):
    """Whether values that are `--` arrive as they are, in an option and in a second positional: by trying."""
    trial = argparse.ArgumentParser(prog="", add_help=False)
    trial.add_argument("--option")
    trial.add_argument("first")
    trial.add_argument("second", nargs="*")
    seen = trial.parse_args(["--option=--", "--", "x", "--"])
    return seen.option == "--" and seen.second == ["--"]


def _prints_help(value):
    """Whether a function only seems to be there to show help."""
    code = getattr(getattr(value, "__func__", value), "__code__", None)
    names = (getattr(value, "__name__", ""),) + tuple(getattr(code, "co_names", ()))
    return any(n in names for n in ("print_help", "print_usage", "format_help", "format_usage"))


def _takes_help_for_a_word(parser, values):
    """Whether a parser whose options begin with other characters is about to take a request for help for a value."""
    return os.getpid() == _process and "-" not in parser.prefix_chars and list(values[0]) == ["--help"]


def _is_help(action):
    flags = getattr(action, "option_strings", None) or ()
    return getattr(action, "nargs", None) == 0 and ("--help" in flags or getattr(action, "dest", None) == "help")


def _json(value, out):
    if value is None or value is True or value is False:
        out.append({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, str):
        out.append(_quote(value))
    elif isinstance(value, (int, float)):
        out.append(repr(value))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            out.append("," if i else "[")
            _json(item, out)
        out.append("]" if value else "[]")
    else:
        for i, key in enumerate(value):
            out.append(("," if i else "{") + _quote(key) + ":")
            _json(value[key], out)
        out.append("}" if value else "{}")


def _quote(text):
    """A JSON string in ASCII. (The program may have a module called `json`, so that one isn't imported.)"""
    if _PLAIN_ASCII.issuperset(text):
        return '"' + text + '"'
    out = []
    for char in text:
        code = ord(char)
        if char in _PLAIN_ASCII:
            out.append(char)
        elif code < 0x10000:
            out.append("\\u%04x" % code)
        else:
            out.append("\\u%04x\\u%04x" % (0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff)))
    return '"' + "".join(out) + '"'


_PLAIN_ASCII = frozenset(chr(c) for c in range(32, 127)) - frozenset('"\\')


class _Watch(object):
    """Remembers which parser was described last, and writes better ones."""

    def __init__(self, output, at_root):
        self.output, self.at_root, self.process = output, at_root, os.getpid()
        self.best, self.parser, self.shape, self.inside = 0, None, None, {}
        self.described = []  # kept alive, so ids stay unique
        self.busy, self.left = False, MAX_ACTIONS_EVER

    def see(self, argparse, parser, certainty):
        if self.busy or os.getpid() != self.process or self.left <= 0:
            return
        above = _attempt(_outermost, argparse, parser) if self.at_root else None
        parser = above or parser
        if parser is self.parser:
            # The parser may have been completed in between (one that is built when its help is asked for).
            if certainty <= self.best and (certainty < FORMAT or _shape(parser) == self.shape):
                return
        elif certainty < self.best or id(parser) in self.inside and (certainty == self.best or self.best == CUSTOM):
            return
        self.busy = True
        streams = sys.stdout, sys.stderr
        quiet = [s if s is None else _Quiet(s) for s in streams]
        sys.stdout, sys.stderr = quiet
        try:
            self.write(argparse, parser, above is not None)
            self.best = max(self.best, certainty) if parser is self.parser else certainty
            self.parser = parser
        finally:
            if sys.stdout is quiet[0]:
                sys.stdout = streams[0]
            if sys.stderr is quiet[1]:
                sys.stderr = streams[1]
            self.busy = False

    def write(self, argparse, parser, is_above):
        for limit in TEXT_LIMITS:
            describer = _Describer(argparse, parser, limit, is_above)
            try:
                out = []
                _json(describer.whole(), out)
            except _TooLarge:
                continue
            finally:
                self.left -= describer.actions + 1
            data = "".join(out).encode("ascii")
            if len(data) <= MAX_BYTES:
                self.shape, self.inside = _shape(parser), dict.fromkeys(describer.indices)
                self.described = describer.parsers
                return _write(self.output, data)


def _outermost(argparse, parser):
    """The parser that is being run, where this one is that of a subcommand which the program chose itself: it was asked
    for no subcommand's help."""
    chosen, outermost, frame = False, None, sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == "argparse":
            chosen = chosen or frame.f_code is argparse._SubParsersAction.__call__.__code__
            if frame.f_code.co_name == "parse_known_args":
                outermost = frame.f_locals.get("self")
        frame = frame.f_back
    return outermost if chosen and outermost is not parser else None


def _shape(parser):
    """Changes when arguments or subcommands are added."""
    return [(id(a), len(_some(getattr(a, "_name_parser_map", None)))) for a in _some(parser._actions)]


def _write(path, data, open=os.open, write=os.write, close=os.close, replace=getattr(os, "replace", None)):
    """Whole or not at all."""
    draft = "%s.%d.tmp" % (path, os.getpid())
    descriptor = open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        while data:
            data = data[write(descriptor, data):]
    finally:
        close(descriptor)
    replace(draft, path)


def _certainty(frame):
    """What the function that asks for a formatter is doing."""
    caller = frame.f_code.co_name
    if caller == "format_help":
        for _ in range(MAX_FRAMES):
            frame = frame.f_back
            if frame is None:
                return FORMAT
            if frame.f_code.co_name == "print_help":
                return PRINT
        return FORMAT
    if caller == "format_usage" or frame.f_globals.get("__name__") != "argparse":
        return USAGE
    return 0  # argparse itself, for its own purposes


def _patch(argparse, watch):
    """Puts a look at the parser before the two methods that every way to help goes through.

    Both return before help is made, so neither shows in a traceback.
    """
    parser_class, help_class = argparse.ArgumentParser, argparse._HelpAction
    get_formatter, get_values = parser_class._get_formatter, parser_class._get_values

    def _get_formatter(self, *args, **kwargs):
        if not watch.busy:
            try:
                certainty = _certainty(sys._getframe(1))
                if certainty:
                    watch.see(argparse, self, certainty)
            except BaseException:
                pass
        return get_formatter(self, *args, **kwargs)

    def _get_values(self, action, *args, **kwargs):
        try:
            if isinstance(action, help_class):
                watch.see(argparse, self, ACTION)
            elif _is_help(action):
                watch.see(argparse, self, CUSTOM)
        except BaseException:
            pass
        if not watch.busy and _attempt(_takes_help_for_a_word, self, args) is True:
            self.print_help()
            sys.exit(0)
        return get_values(self, action, *args, **kwargs)

    for method, real in ((_get_formatter, get_formatter), (_get_values, get_values)):
        for attribute in ("__module__", "__qualname__", "__doc__"):
            setattr(method, attribute, getattr(real, attribute))
        method.__wrapped__ = real
        setattr(parser_class, method.__name__, method)


class _Loader(object):
    """Loads argparse with its own loader, then patches it."""

    def __init__(self, real, patch):
        self.real, self.patch = real, patch

    def create_module(self, spec):
        return self.real.create_module(spec)

    def exec_module(self, module):
        module.__loader__ = module.__spec__.loader = self.real
        self.real.exec_module(module)
        _attempt(self.patch, module)


class _Finder(object):
    """Waits on `sys.meta_path` for the first import of argparse."""

    def __init__(self, patch):
        self.patch = patch

    def find_spec(self, name, path=None, target=None):
        if name != "argparse" or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = sys.modules["_frozen_importlib"]._find_spec(name, path, target)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Loader(spec.loader, self.patch)
        return spec


def _watch(output, request, at_root):
    global _get_ident, _process
    _process = os.getpid()
    from _thread import get_ident as _get_ident
    patch = _proving(output, request) if request else \
        lambda argparse: _patch(argparse, _Watch(output, at_root))
    if "argparse" in sys.modules:
        patch(sys.modules["argparse"])
    else:
        sys.meta_path.insert(0, _Finder(patch))


def _proving(output, request):
    """The other thing that the passenger can do: `smcp_prove.py` beside this file."""
    scope = dict(globals())
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "smcp_prove.py")) as file:
        exec(compile(file.read(), "smcp_prove.py", "exec"), scope)
    return scope["_prover"](request, output)


try:
    _output, _request, _at_root = _leave()
    if _output and sys.version_info >= (3, 6):
        _watch(_output, _request, _at_root)
except Exception:
    pass
