"""Gives calls to the program's own parser, and tells whether its namespace is what the calls say.

Run by `describe.py` in the scope of its own helpers, in place of the description. The program itself is run with nothing
but words that ask for help; where it hands those to the parser that is looked for, the parser gets the calls instead,
each in a process of its own, and the program ends there. So nothing of it is run that asking for help does not run.

What might do more than read words is replaced in those processes: a type of the program's own keeps the word as it is
(but where it has choices), and an action of its own is noted instead of called. What is expected follows from the
parser's actions and the values, without parsing.
"""

CALL_SECONDS = 5  # that one call may take
MAX_MESSAGE = 400  # characters of a message from its end
MAX_SHOWN = 200  # characters of a value that is shown
MAX_ANSWER = 1 << 20  # bytes that one call's answer may have
METHODS = ("parse_args", "parse_known_args", "parse_intermixed_args", "parse_known_intermixed_args")


def _prover(request, output):
    """The function that makes the hooks, for calls that are in the file `request`."""
    with open(request, encoding="utf-8") as file:
        text = file.read()
    # What smcp has written is JSON, which is Python but for three names. (A module `json` may be the program's.)
    told = eval(text, {"__builtins__": {}, "true": True, "false": False, "null": None})
    return _Proof(told, output).hook


class _Proof:
    def __init__(self, told, output):
        self.told, self.output, self.process, self.busy = told, output, os.getpid(), False

    def hook(self, argparse):
        for name in METHODS:
            real = getattr(argparse.ArgumentParser, name, None)
            if real is not None:
                setattr(argparse.ArgumentParser, name, self.hooked(argparse, real))

    def hooked(self, argparse, real):
        def method(parser, *rest, **named):
            if not self.busy and os.getpid() == self.process:
                args, namespace = _two(rest, named)
                self.meet(argparse, real, parser, args, namespace)
            return real(parser, *rest, **named)
        method.__name__, method.__doc__ = real.__name__, real.__doc__
        return method

    def meet(self, argparse, real, parser, args, namespace):
        """Proves what this parser can, and ends the program; or does nothing."""
        found = []
        for index, leaf in enumerate(self.told["leaves"]):
            try:
                found.append((index, leaf, _chain(argparse, parser, leaf)))
            except Exception:  # not its parser
                pass
        if not found:
            return
        words = sys.argv[1:] if args is None else list(args)
        if words != self.told["words"]:
            self.write('{"unmet":"its parser does not get the words that the program is run with","leaves":[]}')
            return
        self.busy, answers = True, []
        for index, leaf, chain in found:
            trials = [_Trial(argparse, real, chain, leaf["path"], call, args is None, namespace)
                      for call in leaf["calls"]]
            answers.append('{"leaf":%d,"calls":[%s]}' % (index, ",".join(_apart(t.answer) for t in trials)))
        self.write('{"unmet":null,"leaves":[%s]}' % ",".join(answers))
        os._exit(0)

    def write(self, text):
        _write(self.output, text.encode("ascii"))


def _two(rest, named):
    """The arguments of the four methods."""
    rest = list(rest) + [None, None]
    return named.get("args", rest[0]), named.get("namespace", rest[0 if "args" in named else 1])


def _chain(argparse, parser, leaf):
    """The parsers down to the leaf, each with the actions of its arguments."""
    found = []
    for depth, arguments in enumerate(leaf["arguments"]):
        positionals = [a for a in parser._actions
                       if not a.option_strings and not isinstance(a, argparse._SubParsersAction)]
        actions, rank = [], 0
        for flags in arguments:
            if flags:
                actions.append(parser._option_string_actions[flags[0]])
            else:
                actions.append(positionals[rank])
                rank += 1
        found.append((parser, actions))
        if depth < len(leaf["path"]):
            sub, word = _subparsers(argparse, parser), leaf["path"][depth]
            parser = (sub._name_parser_map if word in sub._name_parser_map else sub.choices)[word]
    return found


def _subparsers(argparse, parser):
    return next((a for a in parser._actions if isinstance(a, argparse._SubParsersAction)), None)


def _apart(answer):
    """What the function returns, in JSON, from a process of its own."""
    # Not those of `os`, which a program may have replaced (gevent does).
    from posix import _exit, close, fork, pipe, read, waitpid, write
    from _signal import ITIMER_REAL, SIG_DFL, SIGALRM, setitimer, signal
    reading, writing = pipe()
    child = fork()
    if not child:
        code = 1
        try:
            close(reading)
            signal(SIGALRM, SIG_DFL)
            setitimer(ITIMER_REAL, CALL_SECONDS)
            data = _text(answer()).encode("ascii")
            while data:
                data = data[write(writing, data):]
            code = 0
        finally:
            _exit(code)
    close(writing)
    parts, room = [], MAX_ANSWER
    while room > 0:
        part = read(reading, 65536)
        if not part:
            break
        parts.append(part)
        room -= len(part)
    close(reading)
    status = waitpid(child, 0)[1]
    if status != 0 or room <= 0 or not parts:
        return _text({"lost": "reading the call did not end well (status %d)" % status})
    return b"".join(parts).decode("ascii")


def _text(value):
    out = []
    _json(value, out)
    return "".join(out)


class _Ear:
    """Takes what is printed."""

    encoding, errors, newlines, closed = "utf-8", "strict", None, False

    def __init__(self):
        self.said = []

    def write(self, text):
        self.said.append(str(text))
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return False


class _Trial:
    """One call, in its own process."""

    def __init__(self, argparse, real, chain, path, call, by_argv, namespace):
        self.argparse, self.real, self.chain, self.path = argparse, real, chain, path
        self.argv, self.given, self.by_argv, self.namespace = call["argv"], call["given"], by_argv, namespace
        self.noted = {}  # id of an action of the program's own -> its uses

    def answer(self):
        """{} where all is as it should be; else what differs, or the parser's error."""
        ear = sys.stdout = sys.stderr = _Ear()
        for parser, _ in self.chain:
            for action in parser._actions:
                self.tame(parser, action)
        meant = {id(self.chain[one["depth"]][1][one["index"]]): [] for one in self.given}
        sys.argv[1:] = self.argv
        try:
            expected = self.expected(0, meant)
            got = self.real(self.chain[0][0], None if self.by_argv else list(self.argv), self.namespace)
        except SystemExit:
            return {"error": _tail("".join(ear.said))}
        except Exception as error:
            return {"error": _tail("%s: %s" % (type(error).__name__, error))}
        if isinstance(got, tuple):
            got, left = got
            if left:
                return {"error": "nothing takes %s" % _shown(left)}
        differ = _differences(expected, vars(got), self.loose())
        for parser, actions in self.chain:
            for action in actions:
                one, other = meant.get(id(action), []), self.noted.get(id(action), [])
                if self.is_own(action) and one != other:
                    differ.append({"name": str(action.dest), "expected": _shown(one), "got": _shown(other)})
        return {"differs": differ} if differ else {}

    def loose(self):
        """Names that subcommands of the program's own making may set as they like."""
        subs = [_subparsers(self.argparse, parser) for parser, _ in self.chain]
        return [s.dest for s in subs if s is not None and not _is_standard_call(s)]

    def is_own(self, action):
        return not isinstance(action, self.argparse._SubParsersAction) and not _is_standard_call(action)

    def tame(self, parser, action):
        """Takes away what an argument may do besides being read."""
        kind = parser._registry_get("type", action.type, action.type)
        if action.type is not None and kind not in (int, float, str, bool) and action.choices is None:
            action.type = None
        if self.is_own(action):
            noted = self.noted

            def note(self, parser, namespace, values, option_string=None):
                # A positional that is left out is called all the same, with its default or nothing.
                if option_string is not None or values is not self.default and values != []:
                    noted.setdefault(id(self), []).append(_use(self, values, option_string))
            type(action).__call__ = note

    def expected(self, depth, meant):
        """The namespace that the values mean. A subcommand's attributes override its parents' of the same name:
        argparse reads the rest of the line into a namespace of its own and copies that."""
        parser, named = self.chain[depth]
        namespace = dict(vars(self.namespace)) if depth == 0 and self.namespace is not None else {}
        for action in parser._actions:
            # A remainder gives a list whatever its default.
            empty = not action.option_strings and action.nargs == "..."
            if isinstance(action, self.argparse._SubParsersAction) or action.dest == self.argparse.SUPPRESS \
                    or self.is_suppressed(action) and not empty:
                continue
            # An action of the program's own is not called, so what it is without stays.
            unset = action.default if self.is_own(action) and not action.option_strings else \
                self.left_out(parser, action)
            if not action.option_strings and type(action) is self.argparse._AppendAction \
                    and action.nargs in ("?", "*", "..."):  # is called all the same
                unset = list(action.default or []) + [unset]
            if action.option_strings:
                namespace.setdefault(action.dest, unset)
            else:  # stores what it is without, and comes last
                namespace[action.dest] = unset
        for one in self.given:
            if one["depth"] == depth:
                self.apply(parser, named[one["index"]], one["value"], namespace, meant)
        sub = _subparsers(self.argparse, parser)
        if sub is not None and sub.dest != self.argparse.SUPPRESS:
            namespace[sub.dest] = self.path[depth] if depth < len(self.path) else sub.default
        for name, value in parser._defaults.items():
            namespace.setdefault(name, value)
        if depth < len(self.path):
            namespace.update(self.expected(depth + 1, meant))
        return namespace

    def is_suppressed(self, action):
        return type(action.default) is str and action.default == self.argparse.SUPPRESS

    def left_out(self, parser, action):
        if not action.option_strings and action.nargs in ("*", "..."):
            return [] if action.default is None or self.is_suppressed(action) else action.default
        if isinstance(action.default, str):
            return parser._get_value(action, action.default)
        return action.default

    def apply(self, parser, action, value, namespace, meant):
        """What one argument with a value does to the namespace."""
        argparse, name = self.argparse, action.dest
        before = namespace.get(name) if action.option_strings else action.default
        if self.is_own(action):
            meant[id(action)] = self.uses(parser, action, value)
        elif isinstance(action, getattr(argparse, "BooleanOptionalAction", ())):
            namespace[name] = value
        elif isinstance(action, argparse._CountAction):
            if value:
                namespace[name] = (before or 0) + value
        elif isinstance(action, argparse._AppendConstAction):
            if value:
                namespace[name] = list(before or []) + [action.const]
        elif action.nargs == 0:
            if value:
                namespace[name] = action.const
        elif isinstance(action, getattr(argparse, "_ExtendAction", ())):
            namespace[name] = list(before or []) + [parser._get_value(action, one) for one in value]
        elif isinstance(action, argparse._AppendAction):
            namespace[name] = list(before or []) + [self.converted(parser, action, one) for one in value]
        else:
            namespace[name] = self.converted(parser, action, value)

    def uses(self, parser, action, value):
        """The calls of an action of the program's own."""
        if action.nargs == 0:
            if _is_pair(action):
                return [bool(value)]
            return [True] * int(value)
        several = isinstance(action, self.argparse._AppendAction) and isinstance(value, list)
        return [self.converted(parser, action, one) for one in (value if several else [value])]

    def converted(self, parser, action, value):
        if type(value) is bool and action.type is bool and action.nargs != 1:
            return value
        if action.nargs == "?" and action.option_strings and value is True:
            return parser._get_value(action, action.const) if isinstance(action.const, str) else action.const
        if not isinstance(value, list):
            value = parser._get_value(action, value)
            return [value] if action.nargs == 1 else value
        values = [parser._get_value(action, one) for one in value]
        return values[0] if action.nargs is None and len(values) == 1 else values


def _is_pair(action):
    flags = action.option_strings
    return any(f.startswith("--no-") and "--" + f[5:] in flags for f in flags)


def _use(action, values, option_string):
    """What is noted of one use of an action of the program's own."""
    if action.nargs == 0:
        return not option_string.startswith("--no-") if _is_pair(action) else True
    return values


def _differences(expected, got, loose):
    found = []
    for name in sorted(set(expected) | set(got), key=str):
        if name in loose:
            continue
        one, other = expected.get(name, _NOTHING), got.get(name, _NOTHING)
        if not _same(one, other):
            found.append({"name": str(name), "expected": _shown(one), "got": _shown(other)})
    return found


def _same(one, other):
    if one is other:
        return True
    if isinstance(one, (list, tuple)) and type(one) is type(other):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other))
    return type(one) is type(other) and (_attempt(lambda: bool(one == other)) is True
                                         or _attempt(repr, one) == _attempt(repr, other) is not None)


class _Nothing:
    def __repr__(self):
        return "nothing"


_NOTHING = _Nothing()


def _shown(value):
    text = _plain_text(_attempt(repr, value) or "something") or "something"
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."


def _tail(text):
    """The last message, without the usage before it."""
    text = (_plain_text(text) or "").strip()
    return text[text.rfind("error: "):][-MAX_MESSAGE:] if "error: " in text else text[-MAX_MESSAGE:]
