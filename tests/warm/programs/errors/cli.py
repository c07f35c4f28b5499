"""Fails in many ways, at the top of the program, below and afterwards."""
import asyncio
import atexit
import faulthandler
import sys
import threading
import traceback
import warnings

import failing


def chain():
    try:
        failing.inner()
    except ValueError as error:
        raise LookupError("outer") from error


def implicit():
    try:
        {}["key"]
    except KeyError:
        failing.inner()


def hook(kind, value, trace):
    print("hooked", kind.__name__, value, [frame.name for frame in traceback.extract_tb(trace)], file=sys.stderr)


def endless():
    endless()


how = sys.argv[1]
if how == "top":
    raise ValueError("at the top")
if how == "chain":
    chain()
if how == "implicit":
    implicit()
if how == "interrupt":
    raise KeyboardInterrupt
if how == "interrupt below":
    failing.interrupt()
if how == "hook":
    sys.excepthook = hook
    failing.inner()
if how == "broken hook":
    sys.excepthook = lambda *_: 1 / 0
    failing.inner()
if how == "atexit":
    atexit.register(failing.inner)
if how == "thread":
    thread = threading.Thread(target=failing.inner, name="of its own")
    thread.start()
    thread.join()
if how == "endless":
    sys.setrecursionlimit(120)
    endless()
if how == "group" and sys.version_info >= (3, 11):
    raise ExceptionGroup("several", [ValueError(1), TypeError(2)])
if how == "note" and sys.version_info >= (3, 11):
    error = ValueError("with a note")
    error.add_note("the note")
    raise error
if how == "syntax":
    import broken
if how == "missing":
    import not_there
if how == "name":
    print(undefined_name)
if how == "assert":
    assert 1 == 2, "it is not"
if how == "unraisable":
    class Bad:
        def __del__(self):
            raise ValueError("in a finalizer")
    Bad()
if how == "stack":
    traceback.print_stack()
if how == "warn":
    warnings.warn("mind this")
    warnings.warn("mind that", stacklevel=2)
    warnings.warn("old", DeprecationWarning)
if how == "coroutine":
    asyncio.run(failing.coroutine())
if how == "never awaited":
    failing.coroutine()
if how == "encode":
    sys.stdout.reconfigure(encoding="ascii")
    print("\u00e9")
if how == "fault":
    faulthandler.enable()
    print(faulthandler.is_enabled())
if how == "generator":
    def values():
        yield 1
        raise failing.Own("in a generator")
    list(values())
