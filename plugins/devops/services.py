"""The state of a service: from systemd where it runs, otherwise from /etc/init.d and the processes."""

import os
import pathlib
import re
import subprocess

import host
from errors import DevopsError

SYSTEMCTL_SECONDS = 10
SERVICE_NAME = re.compile(r"[A-Za-z0-9_@:.\\][A-Za-z0-9_@:.\\+-]*")
INIT_DIRECTORY = pathlib.Path("/etc/init.d")
PID_DIRECTORIES = (pathlib.Path("/run"), pathlib.Path("/var/run"))
# How init scripts name their pid file (`# pidfile: …`, `PIDFILE=…`) and their program (`DAEMON=…`).
PID_FILE = re.compile(r"""(?im)^\s*(?:#\s*pidfile:|pidfile=)\s*["']?(/[^\s"'$]+)""")
DAEMON = re.compile(r"""(?m)^\s*DAEMON=["']?(/[^\s"'$]+)""")
MAX_SCRIPT_BYTES = 256 * 1024
MAX_NAMES = 50
KERNEL_NAME_CHARS = 15

PROPERTIES = {
    "Id": "unit",
    "Description": "description",
    "LoadState": "load_state",
    "ActiveState": "active_state",
    "SubState": "sub_state",
    "UnitFileState": "enabled",
    "MainPID": "pid",
    "ExecMainStatus": "exit_status",
    "NRestarts": "restarts",
    "MemoryCurrent": "memory",
    "ActiveEnterTimestamp": "active_since",
}
NUMBERS = ("pid", "exit_status", "restarts", "memory")


def service_status(name):
    """The state of one service, and which service manager says so."""
    if not SERVICE_NAME.fullmatch(name) or name in (".", ".."):
        raise DevopsError(f"'{name}' is not the name of a service: letters, digits and _ @ : . + - only")
    shown = ask_systemd(name)
    if shown is not None:
        return systemd_report(name, shown)
    return init_report(name)


# --- systemd --------------------------------------------------------------------------------------


def ask_systemd(name):
    """What `systemctl show` prints, or None where systemd does not run this machine."""
    command = ["systemctl", "show", "--no-pager", "--property=" + ",".join(PROPERTIES), "--", name]
    try:
        finished = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=SYSTEMCTL_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired as error:
        raise DevopsError(f"service '{name}': systemctl gave no answer within {SYSTEMCTL_SECONDS} s") from error
    except OSError as error:
        raise DevopsError(f"service '{name}': systemctl cannot be run: {error.strerror}") from error
    return finished.stdout.decode("utf-8", "replace") if finished.returncode == 0 else None


def systemd_report(name, shown):
    """The properties under plain names, numbers as numbers, what is unset left out."""
    given = dict(line.partition("=")[::2] for line in shown.splitlines())
    report = {ours: given[theirs] for theirs, ours in PROPERTIES.items() if given.get(theirs) not in (None, "", "[not set]")}
    if report.get("load_state") == "not-found":
        raise DevopsError(f"systemd knows no service '{name}'; systemctl list-units --type=service lists them")
    for field in NUMBERS:
        if field in report:
            report[field] = int(report[field]) if report[field].isdigit() else None
    state = "running" if report.get("active_state") in ("active", "reloading") else report.get("active_state", "unknown")
    return {"service": name, "manager": "systemd", "state": state, **report}


# --- SysV -----------------------------------------------------------------------------------------


def init_report(name):
    """The state of an /etc/init.d service, by its pid file or else by processes of its name.

    The script itself is not run: its `status` is a program with effects of its own.
    """
    script = INIT_DIRECTORY / name
    if not script.is_file():
        raise DevopsError(f"no service '{name}': systemd does not run this machine, and {known_names()}")
    text = script_text(script)
    pid_files = [path for path in candidate_pid_files(name, text) if path.is_file()]
    if pid_files:
        pids = sorted({pid for pid in map(live_pid, pid_files) if pid})
        evidence = "pid files: " + ", ".join(map(str, pid_files))
    else:
        names = process_names(name, text)
        pids = processes_named(names)
        evidence = "no pid file; looked for processes named " + ", ".join(sorted(names))
    state = "running" if pids else "stopped"
    return {"service": name, "manager": "init.d", "state": state, "pids": pids, "evidence": evidence}


def known_names():
    """What INIT_DIRECTORY offers, for the error."""
    try:
        names = sorted(entry.name for entry in INIT_DIRECTORY.iterdir() if entry.is_file())
    except OSError:
        names = []
    if not names:
        return f"{INIT_DIRECTORY} has no services"
    more = ", …" if len(names) > MAX_NAMES else ""
    return f"{INIT_DIRECTORY} has only {', '.join(names[:MAX_NAMES])}{more}"


def script_text(script):
    """The beginning of an init script; empty where it cannot be read."""
    try:
        with open(str(script), "rb") as file:
            return file.read(MAX_SCRIPT_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def candidate_pid_files(name, text):
    """Where the service's pid file may be: where the script's text says, then the usual places."""
    named = [pathlib.Path(match.group(1)) for match in PID_FILE.finditer(text)]
    usual = [directory / f"{name}.pid" for directory in PID_DIRECTORIES]
    own = [path for directory in PID_DIRECTORIES for path in sorted((directory / name).glob("*.pid"))]
    distinct = {path.resolve(): path for path in reversed(named + usual + own)}
    return list(reversed(list(distinct.values())))


def live_pid(path):
    """The process that a pid file names, if it is alive."""
    text = "".join(host.read_lines(path)[:1]).strip()
    return int(text) if text.isdigit() and os.path.isdir(f"/proc/{text}") else None


def process_names(name, text):
    """What the service's processes may be called; the kernel keeps 15 characters of a name."""
    programs = [os.path.basename(match.group(1)) for match in DAEMON.finditer(text)]
    return {candidate[:KERNEL_NAME_CHARS] for candidate in [name, name + "d", *programs]}


def processes_named(wanted):
    """The processes that have one of these names."""
    stats = ((pid, host.read_stat(pid)) for pid in host.process_ids())
    return [pid for pid, stat in stats if stat and stat[0] in wanted]
