"""Disk, memory and processes, read from /proc and the file systems themselves."""

import datetime
import math
import os
import pathlib
import pwd
import re
import threading
import time

from errors import DevopsError, check_range, reason

PROC = pathlib.Path("/proc")
CONTROL_GROUPS = pathlib.Path("/sys/fs/cgroup")
# A dead network file system blocks whoever asks it for its size; after this it is reported instead.
STAT_SECONDS = 3.0
MAX_PROCESSES = 1000
MAX_SAMPLE_SECONDS = 10.0
MAX_COMMAND_CHARS = 10000
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


# --- disk -----------------------------------------------------------------------------------------


def disk(paths, above, everything):
    """Size and use of the file systems that hold the paths, or of all that are mounted."""
    check_range("--above", above, 0, 100)
    mounts = list(mounted())
    chosen = [holding(path, mounts) for path in paths] if paths else mounts
    reports = [measured(*mount) for mount in distinct(chosen)]
    shown = [
        report
        for report in reports
        if "error" in report or ((everything or report["total"] > 0) and report["percent_used"] >= above)
    ]
    return {"count": len(shown), "filesystems": sorted(shown, key=lambda report: report["mount"])}


def mounted():
    """(device, mount point, type) of every mount that this process sees."""
    for line in (PROC / "self" / "mounts").read_text(errors="surrogateescape").splitlines():
        device, mount, kind = line.split(" ")[:3]
        yield unescape(device), unescape(mount), kind


def unescape(text):
    """Undo the octal escapes that /proc/mounts uses for blanks, tabs, line ends and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def holding(path, mounts):
    """The mount that a path lies on: the deepest that is above it, the last of several at one place."""
    real = os.path.realpath(os.path.expanduser(path))
    if not os.path.lexists(real):
        raise DevopsError(f"path '{path}' does not exist; give the path of a file or directory")
    above = [mount for mount in mounts if os.path.commonpath([mount[1], real]) == mount[1]]
    deepest = max((len(mount[1]) for mount in above), default=0)
    if not deepest:
        raise DevopsError(f"the file system of '{path}' is not among those that this process sees mounted")
    return [mount for mount in above if len(mount[1]) == deepest][-1]


def distinct(mounts):
    """Each device once, by its first mount point; devices without a path of their own by mount point."""
    seen = {}
    for device, mount, kind in mounts:
        seen.setdefault(device if device.startswith("/") else mount, (device, mount, kind))
    return list(seen.values())


def measured(device, mount, kind):
    """Size and use of one file system in bytes and inodes, or why they cannot be told."""
    report = {"mount": mount, "device": device, "type": kind}
    numbers = answer_in_time(lambda: os.statvfs(mount), STAT_SECONDS)
    if isinstance(numbers, OSError):
        return {**report, "error": reason(numbers)}
    if numbers is None:
        return {**report, "error": f"no answer within {STAT_SECONDS:g} s; the device or server may be gone"}
    used = (numbers.f_blocks - numbers.f_bfree) * numbers.f_frsize
    available = numbers.f_bavail * numbers.f_frsize
    return {
        **report,
        "total": numbers.f_blocks * numbers.f_frsize,
        "used": used,
        "available": available,
        # What root keeps for itself counts as used up, as in df.
        "percent_used": math.ceil(100 * used / (used + available)) if used + available else 0,
        "inodes": numbers.f_files,
        "inodes_used": numbers.f_files - numbers.f_ffree,
        "read_only": bool(numbers.f_flag & os.ST_RDONLY),
    }


def answer_in_time(question, seconds):
    """The answer or the OSError of a system call that may hang; None if it does."""
    answers = []

    def ask():
        try:
            answers.append(question())
        except OSError as error:
            answers.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else None


# --- memory ---------------------------------------------------------------------------------------


def memory():
    """Memory and swap in bytes, the load, and the limit of this control group where there is one."""
    info = meminfo()
    total, available = info["MemTotal"], info.get("MemAvailable", info["MemFree"])
    swap = info.get("SwapTotal", 0)
    return {
        "total": total,
        "available": available,
        "used": total - available,
        "percent_used": percent(total - available, total),
        "free": info["MemFree"],
        "buffers": info.get("Buffers", 0),
        "cached": info.get("Cached", 0),
        "swap_total": swap,
        "swap_used": swap - info.get("SwapFree", 0),
        "load_average": list(os.getloadavg()),
        "processors": os.cpu_count(),
        "group_limit": group_limit(),
    }


def meminfo():
    """/proc/meminfo as a dictionary of bytes."""
    lines = (PROC / "meminfo").read_text().splitlines()
    fields = (line.replace(":", " ").split() for line in lines)
    return {name: int(number) * (1024 if unit else 1) for name, number, *unit in fields}


def group_limit():
    """The least memory limit of this process's control group and those above it, in bytes; None where none is set."""
    line = next((line for line in read_lines(PROC / "self" / "cgroup") if line.startswith("0::")), "0::/")
    group = pathlib.PurePosixPath(line[len("0::"):].strip())
    limits = []
    for part in [group, *group.parents]:
        lines = read_lines(CONTROL_GROUPS / str(part).lstrip("/") / "memory.max")
        limits += [int(text) for text in lines if text.isdigit()]
    return min(limits, default=None)


def read_lines(path):
    """A small file's lines; none where it cannot be read."""
    try:
        return path.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []


def percent(part, whole):
    """A share of 100, to one digit."""
    return round(100 * part / whole, 1) if whole else 0.0


# --- processes ------------------------------------------------------------------------------------

SORT_KEYS = {
    "cpu": lambda process: (-process["cpu_percent"], process["pid"]),
    "memory": lambda process: (-process["memory"], process["pid"]),
    "pid": lambda process: process["pid"],
    "name": lambda process: (process["name"].casefold(), process["pid"]),
    "age": lambda process: (process["started"], process["pid"]),
}


def processes(*, sort, limit, text, user, sample, width):
    """The machine's processes but this one: those that match, the first `limit` in the order asked for."""
    check_range("--limit", limit, 1, MAX_PROCESSES)
    check_range("--sample", sample, 0, MAX_SAMPLE_SECONDS)
    check_range("--width", width, 1, MAX_COMMAND_CHARS)
    before, started = cpu_times(), time.monotonic()
    time.sleep(sample)
    elapsed = time.monotonic() - started
    boot, total = boot_time(), meminfo()["MemTotal"]
    others = [pid for pid in process_ids() if pid != os.getpid()]
    described = (describe(pid, before if sample else {}, elapsed, boot, total) for pid in others)
    found = [process for process in described if process is not None]
    wanted = text.casefold() if text else ""
    matching = [
        process
        for process in found
        if (wanted in process["name"].casefold() or wanted in process["command"].casefold())
        and user in (None, process["user"])
    ]
    shown = sorted(matching, key=SORT_KEYS[sort])[:limit]
    for process in shown:
        process["command"] = shortened(process["command"], width)
    return {"total": len(found), "matching": len(matching), "processes": shown}


def process_ids():
    """The numbers of all processes, ascending."""
    return sorted(int(entry) for entry in os.listdir(str(PROC)) if entry.isdigit())


def read_stat(pid):
    """(name, fields) of /proc/PID/stat; the fields begin with the state. None when the process is gone.

    The name stands in parentheses and may hold blanks and parentheses itself, hence the search from the end.
    """
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="surrogateescape")
    except OSError:
        return None
    head, _, tail = text.rpartition(")")
    return head.partition("(")[2], tail.split()


def cpu_seconds(fields):
    """Time in user mode and in the kernel that a process has used."""
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def cpu_times():
    """{(pid, start): seconds used so far}; the start tells a process from a later one with its number."""
    stats = ((pid, read_stat(pid)) for pid in process_ids())
    return {(pid, stat[1][19]): cpu_seconds(stat[1]) for pid, stat in stats if stat}


def describe(pid, before, elapsed, boot, total):
    """One process as a dictionary, or None when it is gone.

    The share of a processor is that of the sampled time; over the whole life where there was no sample.
    """
    stat = read_stat(pid)
    if stat is None:
        return None
    name, fields = stat
    started = boot + int(fields[19]) / CLOCK_TICKS
    used = cpu_seconds(fields)
    earlier = before.get((pid, fields[19]))
    share = used / max(time.time() - started, 1) if earlier is None else (used - earlier) / elapsed
    resident = int(fields[21]) * PAGE_BYTES
    return {
        "pid": pid,
        "parent": int(fields[1]),
        "user": owner(pid),
        "name": name,
        "state": fields[0],
        "cpu_percent": round(100 * share, 1),
        "memory": resident,
        "memory_percent": percent(resident, total),
        "threads": int(fields[17]),
        "started": timestamp(started),
        "command": command_line(pid) or f"[{name}]",
    }


def owner(pid):
    """Name of the user that a process runs as, or the number where it has no name; None when it is gone."""
    try:
        return user_name((PROC / str(pid)).stat().st_uid)
    except OSError:
        return None


def user_name(number):
    """A user's name, or the number as text where it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def command_line(pid):
    """A process's words, joined by blanks; empty for kernel threads and processes that are gone."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return ""
    return os.fsdecode(b" ".join(words))


def shortened(text, width):
    """The text, its end replaced by an ellipsis where it is longer than width."""
    return text if len(text) <= width else text[: width - 1] + "…"


def boot_time():
    """When the machine started, in seconds since the epoch."""
    lines = (PROC / "stat").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("btime ")).split()[1])


def timestamp(seconds):
    """Seconds since the epoch as UTC in ISO 8601."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
