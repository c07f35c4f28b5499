"""What a program can see of itself and its surroundings."""
import gc
import inspect
import json
import locale
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import warnings


def handler(number):
    found = signal.getsignal(number)
    return getattr(found, "__name__", str(found))


def stream(file, number):
    raw = file.buffer.raw if hasattr(file.buffer, "raw") else file.buffer
    return [file.encoding, file.errors, file.line_buffering, file.isatty(), file.seekable(), getattr(raw, "_blksize", 0),
            stat.S_IFMT(os.fstat(number).st_mode), os.get_inheritable(number), file.fileno(), raw.mode, file.name]


def depth():
    try:
        return 1 + depth()
    except RecursionError:
        return 1


told = {
    "argv": [sys.argv, type(sys.argv).__name__, getattr(sys, "orig_argv", None)],
    "main": [__name__, __file__, __spec__, __package__, type(__loader__).__name__, __loader__.path, str(__builtins__),
             sorted(globals()), __doc__, sys.modules["__main__"] is not None, repr(sys.modules["__main__"])],
    "path": [sys.path, os.getcwd(), sys.executable, sys.prefix, sorted(map(str, sys.path_hooks))[:1], len(sys.meta_path)],
    "flags": [str(sys.flags), sys.dont_write_bytecode, sys.warnoptions, sys._xoptions, sys.getrecursionlimit()],
    "environment": [dict(os.environ), list(os.environ), type(os.environ).__name__],
    "inherited": subprocess.run(["/usr/bin/env"], stdout=subprocess.PIPE).stdout.decode(),
    "process": [os.getpgid(0) == os.getpid(), os.getsid(0) != os.getpid(), os.umask(0o22), os.nice(0)],
    "descriptors": sorted(number for number in os.listdir("/proc/self/fd") if int(number) < 10),
    "limits": [resource.getrlimit(getattr(resource, name)) for name in sorted(dir(resource)) if name.startswith("RLIMIT")],
    "signals": [handler(n) for n in sorted(signal.valid_signals())] + [sorted(signal.pthread_sigmask(signal.SIG_BLOCK, []))],
    "streams": [stream(*of) for of in ((sys.stdin, 0), (sys.stdout, 1), (sys.stderr, 2))] + [sys.stdin.tell(), sys.stdin.read()],
    "threads": [threading.current_thread() is threading.main_thread(), threading.active_count(), threading.main_thread().name],
    "frames": [len(inspect.stack()), depth(), len(os.listdir("/proc/self/task"))],
    "locale": [locale.getlocale(), sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()],
    "memory": [gc.isenabled(), gc.get_threshold(), gc.callbacks, gc.garbage],
    "warnings": str(warnings.filters),
    "modules": ["sitecustomize" in sys.modules, "usercustomize" in sys.modules, sys.exc_info(), sys.gettrace(), sys.getprofile()],
    "hooks": [sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__, sys.stdout is sys.__stdout__],
    "order": [list(globals())[:9], hash("x") == hash("x")],
}
print(json.dumps(told, default=str, indent=1))
