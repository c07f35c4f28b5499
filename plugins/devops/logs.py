"""The end of a log file, filtered or not, read from the end and never more than asked for."""

import contextlib
import os
import re
import signal
import stat

from errors import DevopsError, check_range, reason

MAX_LINES = 10000
MAX_BYTES = 16 * 1024 * 1024
# An unlucky regular expression can take time without end; this one is given up.
MATCH_SECONDS = 5.0


class OutOfTime(Exception):
    """The regular expression took too long."""


def tail(path, *, lines, max_bytes, pattern, ignore_case, invert):
    """The last lines of a file, of those that match. Looks only at the last max_bytes bytes."""
    check_range("--lines", lines, 1, MAX_LINES)
    check_range("--max-bytes", max_bytes, 1, MAX_BYTES)
    matches = matcher(pattern, ignore_case, invert)
    size, begins_line, data = read_end(os.path.expanduser(path), max_bytes)
    found = split_lines(data, begins_line)
    try:
        with time_limit(MATCH_SECONDS):
            matching = [line for line in found if matches(line)]
    except OutOfTime as error:
        raise DevopsError(f"--grep '{pattern}' took longer than {MATCH_SECONDS:g} s; use a simpler expression") from error
    shown = matching[-lines:]
    return {
        "path": path,
        "size": size,
        "examined_bytes": len(data),
        "examined_whole_file": len(data) >= size,
        "matching": len(matching),
        "count": len(shown),
        "lines": shown,
    }


def matcher(pattern, ignore_case, invert):
    """A function that says whether a line is wanted."""
    if pattern is None:
        return lambda line: True
    try:
        expression = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise DevopsError(f"--grep '{pattern}' is not a regular expression: {error}") from error
    return lambda line: bool(expression.search(line)) != invert


def read_end(path, max_bytes):
    """A regular file's size, whether its last max_bytes bytes begin with a whole line, and these bytes."""
    try:
        # Not blocking: opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise DevopsError(f"'{path}' is not a regular file; give the path of a log file")
            start = max(status.st_size - max_bytes, 0)
            file.seek(max(start - 1, 0))
            begins_line = start == 0 or file.read(1) == b"\n"
            return status.st_size, begins_line, file.read(max_bytes)
    except OSError as error:
        raise DevopsError(f"'{path}' cannot be read: {reason(error)}") from error


def split_lines(data, begins_line):
    """The lines of the bytes; a first line whose beginning is missing is left out, unless it is all there is.

    Only line feeds end a line (a carriage return before one goes with it), as in every other reader of logs.
    """
    lines = data.decode("utf-8", "replace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if not begins_line and len(lines) > 1:
        lines = lines[1:]
    return [line[:-1] if line.endswith("\r") else line for line in lines]


@contextlib.contextmanager
def time_limit(seconds):
    """Bound a block of work; the regular expression engine looks for signals while it searches."""

    def expire(_signal, _frame):
        raise OutOfTime

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
