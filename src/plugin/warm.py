"""Makes of a starting Python program one that forks for each call, with its modules imported once.

Loaded as `sitecustomize` from a private directory at the head of PYTHONPATH, in a process `PYTHON cli.py --help` whose
standard output is a socket to smcp. It takes every trace of that away, imports what the program is going to import, and
then waits. For each call it forks. The child leaves this module as if nothing had been, and the interpreter goes on to
run the program as it always does: its start, its tracebacks and its end are the interpreter's own.

From smcp come packets: the setup, then for each call `c` with three descriptors (standard output, standard error, the
call's stream), and `r` with the id of a child that has ended and is to be reaped. To the stream goes the child's id
(or why there is none), and at the end its wait status; from the stream the child reads its words and variables.

What can't be the same for all calls is refused with a reason, and the calls are started in the usual way.
"""
import _ast
import _socket
import atexit
import gc
import os
import sys
import time

VERSIONS = (3, 8), (3, 14)

# What to answer to a call that is not forked.
CHANGED, FAILED = -1, -2

# Files outside of the plugin's directory are looked at at most so often, in seconds.
PAUSE = 1

# A file system's clock may be behind by so much, in nanoseconds.
TICK = 20000000

# Events of the interpreter that tell of an effect that each call must have for itself.
EFFECTS = {
    "starts a process": ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty", "pty.spawn"),
    "uses the network": ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
                         "socket.gethostbyname"),
    "changes files": ("os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree",
                      "shutil.move", "tempfile.mkdtemp", "tempfile.mkstemp"),
}

# Modules of the standard library that run programs to learn of this machine, which stays the same.
PROBES = {"platform", "uuid", "ctypes.util"}


class Refused(Exception):
    """Why this program can't be kept."""


class Stop(Exception):
    """From this statement on, imports are left to each call."""


def leave(theirs):
    """Takes this module's directory out of the process; `theirs` is what PYTHONPATH should be."""
    directory = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if not isinstance(p, str) or os.path.abspath(p or ".") != directory]
    sys.path_importer_cache.pop(directory, None)
    if theirs is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = os.fsdecode(theirs)


def customize():
    """Loads the modules that the interpreter itself looks for at its start; whether there is a `sitecustomize`."""
    sys.modules.pop("sitecustomize", None)
    found = False
    try:
        import sitecustomize  # noqa: F401
        found = True
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    if sys.modules["site"].ENABLE_USER_SITE:
        try:
            import usercustomize  # noqa: F401
        except ImportError as error:
            if error.name != "usercustomize":
                raise
    return found


class Scan:
    """The top of a program up to the first statement that might change what its imports do.

    Imports are done. Statements that only compute paths, or say where modules are looked for, are done for their sake
    in a namespace of its own, and undone. What does nothing that an import could notice is passed over.
    """

    HOMES = {"builtins", "os", "posix", "posixpath", "genericpath", "pathlib"}
    CALLS = {"str", "Path", "PurePath", "dirname", "abspath", "realpath", "join", "normpath", "resolve", "absolute",
             "joinpath", "expanduser", "getcwd", "cwd", "as_posix", "fspath"}
    ON_PATH = {"insert", "append", "extend", "remove"}
    PLAIN = {"Constant", "Attribute", "Subscript", "Index", "Slice", "BinOp", "UnaryOp", "BoolOp", "Compare", "IfExp",
             "JoinedStr", "FormattedValue", "Tuple", "List", "Load", "Store", "Del"}
    # Differ from call to call.
    VOLATILE = {"argv", "orig_argv", "environ", "environb", "stdin"}

    def __init__(self, script):
        self.script = script
        self.names = {"__name__": "__main__", "__file__": script, "__builtins__": __builtins__}

    def run(self):
        """Does it; the line at which it stopped, if it did."""
        with open(self.script, "rb") as file:
            source = file.read()
        # Its warnings are for each call to show.
        error, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            tree = compile(source, self.script, "exec", 0x400, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        finally:
            os.dup2(error, 2)
            os.close(error)
            os.close(nowhere)
        try:
            self.block(tree.body)
        except Stop as stop:
            line = stop.args[0]
            left = (node for node in tree.body if type(node).__name__ in ("Import", "ImportFrom"))
            return line if any(node.lineno > line for node in left) else None
        return None

    def block(self, body):
        for node in body:
            getattr(self, type(node).__name__, self.other)(node)

    def other(self, node):
        raise Stop(node.lineno)

    def do(self, node):
        exec(compile(_ast.Module(body=[node], type_ignores=[]), self.script, "exec", dont_inherit=True), self.names)

    def Import(self, node):
        try:
            self.do(node)
        except BaseException as error:
            raise Failed(node.lineno, error)

    def ImportFrom(self, node):
        if node.module != "__future__" or node.level:
            self.Import(node)

    def Pass(self, node):
        pass

    def Expr(self, node):
        value = node.value
        if type(value).__name__ == "Constant":
            return
        is_call = type(value).__name__ == "Call" and type(value.func).__name__ == "Attribute"
        on_path = is_call and value.func.attr in self.ON_PATH and self.is_sys(value.func.value, "path")
        if not on_path or not all(map(self.plain, value.args)) or value.keywords:
            raise Stop(node.lineno)
        self.attempt(node)

    def Assign(self, node):
        self.store(node, node.targets, node.value)

    def AnnAssign(self, node):
        if node.value is not None:
            self.store(node, [node.target], node.value)

    def AugAssign(self, node):
        if not self.is_sys(node.target, "path") or not self.plain(node.value):
            raise Stop(node.lineno)
        self.attempt(node)

    def Delete(self, node):
        if not all(type(t).__name__ == "Subscript" and self.is_sys(t.value, "path") and self.plain(t) for t in node.targets):
            raise Stop(node.lineno)
        self.attempt(node)

    def store(self, node, targets, value):
        if not all(map(self.target, targets)):
            raise Stop(node.lineno)
        if self.plain(value):
            self.attempt(node)
        elif self.acts(value) or any(not self.is_names(target) for target in targets):
            raise Stop(node.lineno)
        else:
            for target in targets:
                self.lose(target)

    def lose(self, target):
        """A name has another value now, which is not known."""
        for part in getattr(target, "elts", [target]):
            self.names.pop(getattr(part, "id", None), None)

    def target(self, node):
        if type(node).__name__ in ("Tuple", "List"):
            return all(map(self.target, node.elts))
        return self.is_names(node) or self.is_sys(node, "dont_write_bytecode") or self.is_sys(node, "path")

    def is_names(self, node):
        kind = type(node).__name__
        return kind == "Name" or kind in ("Tuple", "List") and all(map(self.is_names, node.elts))

    def attempt(self, node):
        try:
            self.do(node)
        except Exception:
            raise Stop(node.lineno)

    def FunctionDef(self, node):
        if self.acts(node):
            raise Stop(node.lineno)
        self.names.pop(node.name, None)

    AsyncFunctionDef = ClassDef = FunctionDef

    def If(self, node):
        if not self.plain(node.test):
            raise Stop(node.lineno)
        try:
            holds = self.value(node.test)
        except Exception:
            raise Stop(node.lineno)
        self.block(node.body if holds else node.orelse)

    def Try(self, node):
        try:
            self.block(node.body)
        except Failed as failed:
            handler = next(filter(self.handles, node.handlers), None)
            if handler is None or not isinstance(failed.error, Exception):
                raise
            self.block(handler.body)
        else:
            self.block(node.orelse)
        self.block(node.finalbody)

    def handles(self, handler):
        """Whether it is for imports that fail."""
        kinds = getattr(handler.type, "elts", [handler.type])
        names = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")
        return handler.type is None or any(getattr(kind, "id", None) in names for kind in kinds)

    def is_sys(self, node, name):
        return (type(node).__name__ == "Attribute" and node.attr == name and type(node.value).__name__ == "Name"
                and self.names.get(node.value.id) is sys)

    def plain(self, node):
        """Whether an expression can be had now: it calls nothing but what computes paths, of names that are known."""
        kind = type(node).__name__
        if kind == "Name":
            return node.id in self.names or node.id in ("str", "True", "False", "None")
        if kind == "Attribute" and node.attr in self.VOLATILE:
            return False
        if kind == "Call":
            name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
            if name not in self.CALLS or not self.plain(node.func) or not self.is_known(node.func):
                return False
            return all(map(self.plain, node.args)) and all(self.plain(k.value) for k in node.keywords)
        if kind not in self.PLAIN and not isinstance(node, (_ast.operator, _ast.unaryop, _ast.boolop, _ast.cmpop)):
            return False
        return all(map(self.plain, parts(node)))

    def is_known(self, node):
        """Whether a function is Python's own."""
        try:
            function = self.value(node)
            home = getattr(function, "__module__", None) or type(function.__self__).__module__
        except Exception:
            return False
        return home.partition(".")[0] in self.HOMES

    def value(self, node):
        return eval(compile(_ast.Expression(body=node), self.script, "eval", dont_inherit=True), self.names)

    def acts(self, node):
        """Whether more may be done by an expression or a definition than that names are bound."""
        kind = type(node).__name__
        if kind in ("Call", "Await", "Yield", "YieldFrom", "Import", "ImportFrom", "For", "AsyncFor", "While", "With",
                    "AsyncWith", "Raise", "Assert", "Delete", "AugAssign", "Try", "TryStar", "Match", "ListComp",
                    "SetComp", "DictComp", "GeneratorExp"):
            return True
        if kind in ("FunctionDef", "AsyncFunctionDef", "Lambda"):
            defaults = [d for d in node.args.defaults + node.args.kw_defaults if d is not None]
            return any(map(self.acts, defaults + getattr(node, "decorator_list", [])))
        if kind == "Assign" and not all(map(self.is_names, node.targets)):
            return True
        return any(map(self.acts, parts(node)))


class Failed(Exception):
    """An import that failed, at this line and with this error."""

    def __init__(self, line, error):
        Exception.__init__(self, line)
        self.line, self.error = line, error


def parts(node):
    """The nodes right below one."""
    for field in node._fields:
        value = getattr(node, field, None)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, _ast.AST):
                yield part


class Words:
    """The command line as modules see it that are imported: its first word, and note of who wants more."""

    def __init__(self, words):
        self.words, self.seen = words, False

    def __getitem__(self, at):
        self.seen = self.seen or at != 0
        return self.words[at]

    def __bool__(self):
        return True

    def __getattr__(self, name):
        self.seen = True
        return getattr(self.words, name)

    def more(name):
        def method(self, *args):
            self.seen = True
            return getattr(self.words, name)(*args)
        return method

    __len__, __iter__, __contains__, __eq__, __add__ = map(more, ("__len__", "__iter__", "__contains__", "__eq__", "__add__"))
    __repr__, __reversed__, __setitem__, __delitem__ = map(more, ("__repr__", "__reversed__", "__setitem__", "__delitem__"))


class Seen:
    """What imports do besides defining things: the files that they read, and why they can't be done once for all."""

    def __init__(self, volatile):
        self.files, self.written, self.why, self.volatile = set(), {}, None, volatile
        self.listening = [self]

    def __enter__(self):
        effects = {event: what for what, events in EFFECTS.items() for event in events}
        writing = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC

        # A hook stays as long as the process: it must not lean on anything that may be gone at the end.
        def hook(event, args, listening=self.listening):
            if listening:
                listening[0].event(event, args, effects, writing)

        sys.addaudithook(hook)
        self.argv = sys.argv
        self.words = sys.argv = Words(sys.argv[:1])
        self.environ = type(os.environ)
        noted = self

        class Environ(self.environ):
            def __getitem__(self, name):
                if name in noted.volatile:
                    noted.note("reads %s when it is imported" % name)
                return super().__getitem__(name)

        os.environ.__class__ = Environ
        self.descriptors = descriptors()
        main = sys.modules["__main__"]
        main.__file__ = script() if sys.version_info >= (3, 9) else sys.argv[0]
        main.__cached__ = None
        return self

    def note(self, why):
        if self.why is None:
            self.why = why + self.where()

    def where(self):
        """Which module is being imported."""
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") not in ("__main__", "site", __name__):
                return " (%s, line %d)" % (frame.f_code.co_filename, frame.f_lineno)
            frame = frame.f_back
        return ""

    def event(self, event, args, effects, writing):
        if event == "open":
            path, _, flags = args
            if isinstance(path, int):
                return
            path = os.path.abspath(os.fsdecode(path))
            if "__pycache__" in path or path == os.devnull:
                return
            if isinstance(flags, int) and flags & writing:
                self.written.setdefault(path, self.where())
            elif not path.startswith(("/proc/", "/sys/", "/dev/")):
                self.files.add(path)
        elif event == "os.remove" and os.path.abspath(os.fsdecode(args[0])) in self.written:
            # Only tried whether it can be written.
            del self.written[os.path.abspath(os.fsdecode(args[0]))]
        elif event in effects and not any("__pycache__" in str(arg) for arg in args) and not probes():
            self.note("%s when it is imported" % effects[event])

    def __exit__(self, *_):
        del self.listening[:]
        os.environ.__class__ = self.environ
        main = sys.modules["__main__"]
        del main.__file__, main.__cached__
        # The instance, the attribute of `sys`, and the argument.
        held = sys.argv is not self.words or sys.getrefcount(self.words) > 3
        sys.argv = self.argv
        if self.words.seen or held:
            self.note("reads the command line when it is imported")

    def check(self):
        """Refuses what a fork can't share."""
        for path, where in self.written.items():
            self.why = self.why or "writes the file %s when it is imported%s" % (path, where)
        if self.why:
            raise Refused("a module of it " + self.why)
        if len(os.listdir("/proc/self/task")) > 1:
            raise Refused("a module of it starts threads when it is imported")
        for number, target in descriptors().items():
            if self.descriptors.get(number) != target:
                raise Refused("a module of it leaves %s open when it is imported" % target)


def probes():
    """Whether one of these is at work."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__") in ("subprocess", "os", __name__):
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") in PROBES


def descriptors():
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            found[number] = os.readlink("/proc/self/fd/" + number)
        except OSError:
            pass
    return found


def script():
    return os.path.abspath(sys.argv[0])


def stamp(path):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev


def origin(module):
    """Its file. A module's attributes are not asked for: some import others when they are."""
    try:
        return vars(module).get("__file__")
    except TypeError:
        return None


def identity(path):
    status = os.stat(path)
    return status.st_ino, status.st_dev


class End:
    """Spares a child the taking apart of the modules that it shares with this process, which would copy all of their
    memory. It is done as ever where anything could be noticed of it, that is where an object with a finalizer is left.
    """

    def __init__(self):
        self.finalizable = set(map(id, finalizable()))
        self.modules = None
        # Registered before any other, it runs after all of them.
        atexit.register(self.near)

    def share(self):
        """Of what there is now."""
        if set(map(id, finalizable())) - self.finalizable:
            return
        self.modules = {name: module for name, module in sys.modules.items() if name not in ("__main__", "builtins", "sys")}
        self.modules[""] = self.modules
        gc.freeze()

    def begin(self):
        """A call begins, in a child. What the program itself makes is not shared, so its module must be the child's own."""
        main = sys.modules["__main__"]
        own = sys.modules["__main__"] = type(sys)("__main__")
        own.__dict__.clear()
        own.__dict__.update(main.__dict__)

    def near(self):
        """The end is near: all callbacks have run, and all threads have ended."""
        if self.modules is None:
            return
        if finalizable():
            self.modules.clear()
            gc.unfreeze()
            return
        for name, module in self.modules.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def finalizable():
    """The objects with a finalizer, those that are shared aside."""
    kinds = {kind for kind in set(map(type, gc.get_objects())) if hasattr(kind, "__del__")}
    return [thing for thing in gc.get_objects() if type(thing) in kinds] if kinds else []


def use(argparse):
    """argparse imports more, and prepares more, when it is first used; unless somebody has changed what it does."""
    home = os.path.dirname(os.__file__)
    parser = argparse.ArgumentParser
    own = parser.__init__, parser.format_help, parser.add_subparsers, parser.add_argument
    if all(getattr(f, "__code__", None) and os.path.dirname(f.__code__.co_filename) == home for f in own):
        parser = parser(prog="")
        parser.add_subparsers().add_parser("")
        parser.format_help()


class Files:
    """What imported modules came from, and whether it is still so."""

    def __init__(self, directory, began, read):
        main = script()
        self.directory, self.home = directory, os.path.dirname(os.path.realpath(main))
        files = set(map(origin, list(sys.modules.values()))) | read | {main}
        files = {file for file in files if isinstance(file, str)}
        homes = tuple({os.path.join(os.fsdecode(d), "") for d in (directory, self.home, os.path.dirname(main))})
        self.own = {file: stamp(file) for file in files if os.path.abspath(file).startswith(homes)}
        self.others = {file: stamp(file) for file in files - set(self.own)}
        # What is installed or removed shows in the directories' times. The plugin's own may hold data that change.
        self.others.update((path, stamp(path)) for path in sys.path if isinstance(path, str) and os.path.realpath(path) != self.home)
        self.place, self.shown, self.modules = identity(directory), stamp(self.home), self.listed()
        self.looked = time.monotonic()
        # A file that was written while it may have been read.
        self.unsettled = any(known and known[0] >= began - TICK for known in self.own.values())

    def listed(self):
        """What can be imported from the program's directory."""
        def counts(name):
            return name.endswith((".py", ".pyc", ".so")) or "." not in name and os.path.isdir(os.path.join(self.home, name))
        return {name for name in os.listdir(self.home) if name != "__pycache__" and counts(name)}

    def changed(self):
        try:
            if self.unsettled or identity(self.directory) != self.place:
                return True
            shown = stamp(self.home)
            if shown != self.shown and self.listed() != self.modules:
                return True
            self.shown = shown
        except OSError:
            return True
        if any(stamp(file) != known for file, known in self.own.items()):
            return True
        if time.monotonic() - self.looked >= PAUSE:
            if any(stamp(file) != known for file, known in self.others.items()):
                return True
            self.looked = time.monotonic()
        return False

    def forget(self):
        """Has the plugin's directories read anew by imports to come."""
        for path, finder in list(sys.path_importer_cache.items()):
            if isinstance(path, str) and path.startswith(self.home) and hasattr(finder, "invalidate_caches"):
                finder.invalidate_caches()


def prepare(setup):
    """Imports the program's modules; the files to watch, and what to say."""
    directory, _, *volatile = setup
    if sys.implementation.name != "cpython" or not VERSIONS[0] <= sys.version_info[:2] < VERSIONS[1]:
        raise Refused("its interpreter is %s %d.%d" % (sys.implementation.name, *sys.version_info[:2]))
    if sys.flags.inspect or sys.flags.interactive:
        raise Refused("its interpreter is interactive")
    if sys.flags.dev_mode or os.environ.get("PYTHONMALLOC"):
        # Some versions give memory back to another allocator than it came from when they end after a fork.
        raise Refused("its interpreter checks its memory")
    path, before = sys.path, (list(sys.path), sys.dont_write_bytecode)
    began = time.time_ns()
    if not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, os.path.dirname(os.path.realpath(sys.argv[0])))
    with Seen({os.fsdecode(name) for name in volatile}) as seen:
        try:
            stopped = Scan(script()).run()
        except Failed as failed:
            error = failed.error
            raise Refused("line %d: %s: %s" % (failed.line, type(error).__name__, error))
        if "argparse" in sys.modules:
            use(sys.modules["argparse"])
    seen.check()
    files = Files(directory, began, seen.files)
    sys.path = path
    sys.path[:], sys.dont_write_bytecode = before
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    return files, "" if stopped is None else "imports from line %d on are left to each call" % stopped


def wait(control, files):
    """Forks for each call; returns in the children, with the call's descriptors."""
    streams = {}
    space = _socket.CMSG_SPACE(12)
    while True:
        word, extra, _, _ = control.recvmsg(32, space)
        if not word:
            for child in streams:
                signal(child)
            os._exit(0)
        if word[:1] == b"r":
            child = int(word[1:])
            _, status = os.waitpid(child, 0)
            answer(streams[child], status)
            os.close(streams.pop(child))
            continue
        output, error, stream = memoryview(extra[0][2]).cast("i")
        try:
            child = CHANGED if files.changed() else os.fork()
        except OSError:
            child = FAILED
        if child == 0:
            os.setpgid(0, 0)
            control.close()
            for other in streams.values():
                os.close(other)
            return output, error, stream
        if child > 0:
            try:
                os.setpgid(child, child)
            except OSError:
                pass
        os.close(output)
        os.close(error)
        if answer(stream, child) and child > 0:
            streams[child] = stream
            continue
        if child > 0:
            signal(child)
            os.waitpid(child, 0)
        os.close(stream)


def signal(group):
    try:
        os.killpg(group, 9)
    except OSError:
        pass


def answer(stream, number):
    try:
        os.write(stream, number.to_bytes(4, "little", signed=True))
    except OSError:
        return False
    return True


def receive(stream, size):
    got = b""
    while len(got) < size:
        part = os.read(stream, size - len(got))
        if not part:
            os._exit(1)
        got += part
    return got


def become(files, output, error, stream):
    """Makes this process what a fresh one would be."""
    request = receive(stream, int.from_bytes(receive(stream, 4), "little"))
    os.close(stream)
    os.dup2(output, 1)
    os.dup2(error, 2)
    os.close(output)
    os.close(error)
    count, *rest = request.split(b"\0")
    words = [os.fsdecode(word) for word in rest[:int(count)]]
    sys.argv[-1:] = words
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[-1:] = words
    set_variables(rest[int(count):])
    files.forget()


def set_variables(variables):
    """Sets variables; all stay in the order of their names, where they are in it: so smcp starts programs."""
    if not variables:
        return
    import posix
    known = os.environ._data
    changed = {**known, **dict(variable.split(b"=", 1) for variable in variables)}
    ordered = sorted(changed.items()) if list(known) == sorted(known) else list(changed.items())
    for name in known:
        posix.unsetenv(name)
    known.clear()
    known.update(ordered)
    for name, value in ordered:
        posix.putenv(name, value)
    posix.environ.clear()
    posix.environ.update(ordered)


def serve():
    """Whether there is another `sitecustomize`. Returns in children only."""
    control = _socket.socket(fileno=os.dup(1))
    os.dup2(2, 1)
    try:
        setup = control.recv(1 << 16).split(b"\0")
        theirs = setup[1]
        leave(theirs[1:] if theirs else None)
        end = End()
        found = customize()
        files, note = prepare(setup)
        gc.collect()
        end.share()
        said = "+%d %s" % (os.getpid(), note)
    except Refused as refused:
        said = "-%s" % refused
    except BaseException as error:
        said = "-%s: %s" % (type(error).__name__, error)
    control.send(os.fsencode(said)[:4096])
    if said[0] == "-":
        os._exit(0)
    try:
        call = wait(control, files)
    except BaseException:
        os._exit(1)
    end.begin()
    become(files, *call)
    return found


if not serve():
    # What `site` expects where there is none.
    raise ModuleNotFoundError("No module named 'sitecustomize'", name="sitecustomize")
