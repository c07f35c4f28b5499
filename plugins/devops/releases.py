"""Deploy a directory from git, go back to an earlier release, list releases."""

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import time

import git
import host
from errors import DevopsError, Interrupted, check_range
from layout import RELEASE, Root, sequence
from unpack import unpack

MAX_KEEP = 1000
MAX_WAIT_SECONDS = 600
MAX_TIMEOUT_SECONDS = 3600
MAX_NOTE_CHARS = 500
# A shorter beginning of a hash would name a release by accident.
MIN_SHA_CHARS = 4
STEPS = 5
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


# --- deploy ---------------------------------------------------------------------------------------


def deploy(root, repo, *, ref, subdir, keep, note, timeout, wait, dry_run):
    """Make a release of a commit and switch to it; until the switch nothing that is served changes."""
    check_range("--keep", keep, 1, MAX_KEEP)
    check_range("--timeout", timeout, 0.1, MAX_TIMEOUT_SECONDS)
    check_range("--wait", wait, 0, MAX_WAIT_SECONDS)
    check_range("the length of --note", len(note or ""), 0, MAX_NOTE_CHARS)
    git.check_ref(ref)
    request = Request(Root(root), repo, ref, git.check_subdir(subdir), keep, note, git.TimeBudget(timeout))
    request.root.check_usable()
    with interruptible():
        if dry_run:
            return request.plan()
        request.root.create()
        with request.root.lock(who(), wait):
            return request.perform()


class Request:
    """One deployment that was asked for, its words checked."""

    def __init__(self, root, repo, ref, subdir, keep, note, budget):
        self.root = root
        self.repo = repo
        self.ref = ref
        self.subdir = subdir
        self.keep = keep
        self.note = note
        self.budget = budget

    def plan(self):
        """What `perform` would do, without touching the root."""
        with tempfile.TemporaryDirectory(prefix="devops-") as cache:
            repository = git.open_repository(self.repo, cache, self.budget)
            commit = repository.commit(self.ref)
            tree = repository.tree(commit, self.subdir)
            files, warnings = repository.file_count(tree), submodule_warnings(repository, tree)
        name = self.root.next_name(commit.sha, self.root.read_history())
        previous = self.root.current_release()
        removed = self.root.superfluous([*self.root.names(), name], self.keep, name)
        return {"dry_run": True, **self.report(name, commit, files, previous), "removed": removed, "warnings": warnings}

    def perform(self):
        """Make the release, switch to it, remove old ones. The caller holds the lock."""
        self.root.clear_leftovers()
        history = self.root.read_history()
        progress(1, "reading the repository")
        repository = git.open_repository(self.repo, self.root.cache, self.budget)
        commit = repository.commit(self.ref)
        tree = repository.tree(commit, self.subdir)
        warnings = submodule_warnings(repository, tree)
        name, previous = self.root.next_name(commit.sha, history), self.root.current_release()
        with self.removed_unless_current(name):
            files, size = self.make_release(repository, tree, name)
            report = self.report(name, commit, files, previous)
            progress(4, f"switching to {name}")
            with uninterrupted():
                self.root.activate(name, history, journal_entry("deploy", {**report, "bytes": size}))
        progress(5, "removing old releases")
        removed, failed = self.root.prune(self.keep)
        return {"dry_run": False, **report, "bytes": size, "removed": removed, "warnings": warnings + failed}

    def make_release(self, repository, tree, name):
        """Write the tree into a directory apart and move it to its place as a whole; returns (files, bytes)."""
        place = self.root.release_path(name)
        staging = tempfile.mkdtemp(prefix=".staging-", dir=self.root.path)
        try:
            archive, target = os.path.join(staging, "archive.tar"), os.path.join(staging, "tree")
            os.mkdir(target)
            os.chmod(target, 0o755)
            progress(2, f"archiving {tree[:50]}")
            repository.archive(tree, archive)
            progress(3, "unpacking")
            counts = unpack(archive, target, place, self.root.path)
            os.rename(target, place)
            return counts
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    @contextlib.contextmanager
    def removed_unless_current(self, name):
        """On failure, leave no release behind that never became current."""
        try:
            yield
        except BaseException:
            if self.root.current_release() != name:
                shutil.rmtree(self.root.release_path(name), ignore_errors=True)
            raise

    def report(self, name, commit, files, previous):
        """What both a plan and a deployment tell."""
        return {
            "release": name,
            "path": self.root.release_path(name),
            "previous": previous,
            "sha": commit.sha,
            "ref": self.ref,
            "repo": git.public(self.repo),
            "subdir": self.subdir or None,
            "subject": commit.subject,
            "author": commit.author,
            "committed": host.timestamp(commit.committed),
            "files": files,
            "note": self.note,
        }


def submodule_warnings(repository, tree):
    """An archive leaves submodules out without a word; this is the word."""
    if repository.has_submodules(tree):
        return ["the commit has submodules; their directories are empty in the release"]
    return []


# --- rollback and list ----------------------------------------------------------------------------


def rollback(root, *, to, note, wait, dry_run):
    """Switch to an earlier release, or to a named one of any age."""
    check_range("--wait", wait, 0, MAX_WAIT_SECONDS)
    check_range("the length of --note", len(note or ""), 0, MAX_NOTE_CHARS)
    place = Root(root)
    place.check_exists()
    if dry_run:
        return {"dry_run": True, **rollback_report(place, to, place.read_history(), note)}
    with interruptible(), place.lock(who(), wait):
        history = place.read_history()
        report = rollback_report(place, to, history, note)
        with uninterrupted():
            place.activate(report["release"], history, journal_entry("rollback", report))
    return {"dry_run": False, **report}


def rollback_report(place, to, history, note):
    """Which release to switch to, and from which."""
    names, current = place.names(), place.current_release()
    name = named(names, to) if to else earlier(names, current)
    if name == current:
        raise DevopsError(f"release {name} is current already; `releases` lists the others")
    return {
        "release": name,
        "path": place.release_path(name),
        "previous": current,
        "sha": known(history, name).get("sha"),
        "ref": known(history, name).get("ref"),
        "note": note,
    }


def named(names, wanted):
    """The one release with this name, or whose commit's hash begins so."""
    by_sha = len(wanted) >= MIN_SHA_CHARS
    found = [name for name in names if name == wanted or (by_sha and RELEASE.fullmatch(name).group(2).startswith(wanted[:10]))]
    exact = [name for name in found if name == wanted] or found
    if len(exact) == 1:
        return exact[0]
    problem = f"is ambiguous: {', '.join(exact)}" if exact else f"is no release here; there are {', '.join(names) or 'none'}"
    raise DevopsError(f"--to '{wanted}' {problem}")


def earlier(names, current):
    """The newest release that is older than the current one."""
    if current is None or not RELEASE.fullmatch(current):
        raise DevopsError("no release is current, so there is none before it; name one with --to")
    older = [name for name in names if sequence(name) < sequence(current)]
    if not older:
        raise DevopsError(f"there is no release older than the current one, {current}; `releases` lists all")
    return older[-1]


def releases(root, limit):
    """The releases on disk and the latest switches, newest first."""
    check_range("--limit", limit, 1, MAX_KEEP)
    place = Root(root)
    place.check_exists()
    history, current = place.read_history(), place.current_release()
    names = place.names()
    return {
        "root": place.path,
        "current": current,
        "count": len(names),
        "releases": [describe(name, current, history) for name in reversed(names[-limit:])],
        "history": history[: -limit - 1 : -1],
    }


def describe(name, current, history):
    """One release as the list shows it."""
    entry = known(history, name)
    shown = ("sha", "ref", "repo", "subdir", "subject", "files", "bytes", "who", "when", "note")
    return {"release": name, "current": name == current, **{field: entry.get(field) for field in shown}}


def known(history, name):
    """The entry of a release's deployment; empty where the history does not reach back so far."""
    return next((entry for entry in history if entry["release"] == name and entry.get("action") == "deploy"), {})


# --- who, when, and how it may end ----------------------------------------------------------------


def journal_entry(action, report):
    """A line of the history: what the report says, who did it and when."""
    recorded = {name: value for name, value in report.items() if name != "path"}
    return {"action": action, "when": host.timestamp(time.time()), "who": who(), **recorded}


def who():
    """The person at work, as far as the system knows: the one behind sudo, else the process's user."""
    return f"{os.environ.get('SUDO_USER') or host.user_name(os.geteuid())}@{socket.gethostname()}"


def progress(step, text):
    """Tell a reader of standard error how far the work is."""
    print(f"{step}/{STEPS} {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def interruptible():
    """Turn a request to end into an error, so that what was begun is undone on the way out."""

    def interrupt(number, _frame):
        for other in ENDING_SIGNALS:
            signal.signal(other, signal.SIG_IGN)  # A second one must not disturb the way out.
        raise Interrupted(f"interrupted by {signal.Signals(number).name}; `releases` tells which release is current")

    previous = {number: signal.signal(number, interrupt) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def uninterrupted():
    """Hold requests to end back for the instant in which link and history must change together."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
