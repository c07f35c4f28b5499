"""What tests of smcp with other people's programs share: the release binary, pinned installs, a running server."""
import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
BINARY = TARGET / "release" / "smcp"

# Seconds: more than the longest step takes on two slow cores, so that a hang ends as a failure.
START_LIMIT = 60
STOP_LIMIT = 20
INSTALL_LIMIT = 900


class Missing(Exception):
    """Something that a test needs is not there and can't be installed."""


class Report:
    """Counts what passed and prints each check."""

    def __init__(self):
        self.passed = self.failed = 0

    def add(self, who, what, fault):
        if fault is None:
            self.passed += 1
            print(f"ok      {who}: {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {who}: {what}: {fault}", flush=True)


def build():
    """Builds the release binary."""
    install("cargo", "build", "--release", "--quiet", cwd=ROOT)


def clean_environment():
    """Ours, without what would configure the server or its plugins."""
    ours = ("MCP_", "LETTA_", "SMCP_", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def venv(lock):
    """The Python of a virtual environment with exactly the packages of a lock file; made once for each content."""
    place = TARGET / "clients" / f"{lock.stem}-{digest(lock, sys.version)}"

    def fill(new):
        install(sys.executable, "-m", "venv", new)
        install(new / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                "--no-deps", "--requirement", lock)

    return cached(place, fill) / "bin" / "python"


def npm(folder):
    """The `node_modules` that a folder's package-lock.json asks for; made once for each content."""
    lock = folder / "package-lock.json"
    place = TARGET / "clients" / f"{folder.parent.name}-npm-{digest(lock)}"

    def fill(new):
        new.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(folder / name, new)
        install("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=new)

    return cached(place, fill) / "node_modules"


def crate(folder):
    """The program of a crate, which is none of ours: it has its own lock file and target directory."""
    target = TARGET / "clients" / folder.name
    install("cargo", "build", "--quiet", "--locked", cwd=folder, env={**os.environ, "CARGO_TARGET_DIR": str(target)})
    return target / "debug" / "rust-client"


def program(names, *packages):
    """The path of a program by one of its names; as root on Debian, its packages are installed where it is missing."""
    def found():
        return next(filter(None, map(shutil.which, names)), None)

    if not found() and shutil.which("apt-get") and os.geteuid() == 0:
        install("apt-get", "update", "--quiet")
        install("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages)
    if not found():
        raise Missing(f"{names[0]} is not there: install Debian's package `{packages[0]}`")
    return found()


def digest(lock, *more):
    return hashlib.sha256("\0".join([lock.read_text(), *more]).encode()).hexdigest()[:12]


def cached(place, fill):
    """A folder, filled where it is not complete yet."""
    done = place / ".complete"
    if not done.exists():
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        fill(place)
        done.touch()
    return place


def install(*words, **options):
    """Runs a command that makes something ready."""
    words = [str(word) for word in words]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=INSTALL_LIMIT, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{' '.join(words)}: {error}") from error
    if done.returncode:
        raise Missing(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}")


@contextlib.contextmanager
def serving(plugins, scratch, *flags, **variables):
    """A server of the plugins on a free port of this machine, with more flags and variables: its base URL."""
    words = [BINARY, "--host", "127.0.0.1", "--port", "0", "--plugins-dir", plugins,
             "--schemas-dir", scratch / "schemas", "--log-dir", scratch, *flags]
    said = scratch / "stdout.txt"
    with said.open("w") as out, (scratch / "stderr.txt").open("w") as err:
        server = subprocess.Popen([str(word) for word in words], cwd=scratch,
                                  env={**clean_environment(), **variables}, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    try:
        yield address(server, said)
    finally:
        server.terminate()
        try:
            server.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
            raise


def address(server, said):
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"JSON-RPC +(http://\S+)/messages/\n", said.read_text())
        if found:
            return found[1]
        time.sleep(0.05)
    raise Missing(f"the server did not start; it said:\n{said.read_text()}{said.with_name('stderr.txt').read_text()}")
