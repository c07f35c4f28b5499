"""A deployment root on disk: its releases, which one is current, its history, its lock.

    ROOT/releases/000007-1a2b3c4d5e/   one directory for each release
    ROOT/current -> releases/000007-…  switched by one rename
    ROOT/releases.json                 who switched what to what, and when
    ROOT/.lock                         held by whoever changes the root
    ROOT/.repository.git               cache of a remote repository
    ROOT/.staging-…                    a release while it is made
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
import tempfile
import time

from errors import DevopsError, reason

RELEASE = re.compile(r"(\d{6,})-([0-9a-f]{10})")
SHORT_SHA_CHARS = 10
HISTORY_VERSION = 1
MAX_HISTORY = 1000
MAX_HISTORY_BYTES = 16 * 1024 * 1024
LOCK_POLL_SECONDS = 0.1


class Root:
    """The directory that --root names; nothing is read or made before it is asked for."""

    def __init__(self, path):
        expanded = os.path.expanduser(path)
        if not os.path.isabs(expanded):
            raise DevopsError(f"--root '{path}' must be an absolute path")
        self.path = os.path.realpath(expanded)
        if self.path == "/":
            raise DevopsError("--root '/' cannot be a deployment root; give a directory of its own")
        self.releases = os.path.join(self.path, "releases")
        self.current = os.path.join(self.path, "current")
        self.history_file = os.path.join(self.path, "releases.json")
        self.lock_file = os.path.join(self.path, ".lock")
        self.cache = os.path.join(self.path, ".repository.git")

    # --- state ---

    def check_usable(self):
        """Refuse a directory that holds something else, and a `current` that is no link."""
        if os.path.lexists(self.path) and not os.path.isdir(self.path):
            raise DevopsError(f"--root '{self.path}' is not a directory")
        if os.path.isdir(self.path) and not os.path.isdir(self.releases) and os.listdir(self.path):
            raise DevopsError(f"--root '{self.path}' is no deployment root, and not empty; give a new or empty directory")
        self.current_release()

    def check_exists(self):
        """Refuse a directory that nothing was deployed to."""
        if not os.path.isdir(self.releases):
            raise DevopsError(f"--root '{self.path}' is no deployment root; deploy to it first")

    def create(self):
        """Make the root's directories where they are missing."""
        os.makedirs(self.releases, exist_ok=True)

    def names(self):
        """The releases on disk, oldest first; other entries of the directory are not ours."""
        if not os.path.isdir(self.releases):
            return []
        return sorted(filter(RELEASE.fullmatch, os.listdir(self.releases)), key=sequence)

    def current_release(self):
        """The name of the current release, or None before the first one."""
        try:
            target = os.readlink(self.current)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DevopsError(f"'{self.current}' is not a link, so it cannot be switched; move it away") from error
        directory, name = os.path.split(os.path.normpath(os.path.join(self.path, target)))
        if directory != self.releases:
            raise DevopsError(f"'{self.current}' leads to '{target}', which is no release of this root; move it away")
        return name

    def release_path(self, name):
        """Where a release stands, or will stand."""
        return os.path.join(self.releases, name)

    def next_name(self, sha, history):
        """A name that no release ever had."""
        used = [sequence(name) for name in self.names()]
        used += [sequence(entry["release"]) for entry in history]
        return f"{max(used, default=0) + 1:06d}-{sha[:SHORT_SHA_CHARS]}"

    # --- changes ---

    def switch(self, name):
        """Make a release current by one rename, or have none where the name is None."""
        if name is None:
            os.unlink(self.current)
        else:
            temporary = os.path.join(self.path, f".current-{os.getpid()}")
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            os.symlink(os.path.join("releases", name), temporary)
            os.replace(temporary, self.current)
        sync_directory(self.path)

    def activate(self, name, history, entry):
        """Switch and record it; where it cannot be recorded, switch back."""
        previous = self.current_release()
        self.switch(name)
        try:
            self.write_history([*history, entry])
        except BaseException:
            self.switch(previous)
            raise

    def prune(self, keep):
        """Remove all releases but the newest `keep` and the current one; returns (removed, warnings)."""
        current, removed, warnings = self.current_release(), [], []
        for name in self.superfluous(self.names(), keep, current):
            try:
                shutil.rmtree(self.release_path(name))
                removed.append(name)
            except OSError as error:
                warnings.append(f"the old release {name} could not be removed: {reason(error)}")
        return removed, warnings

    @staticmethod
    def superfluous(names, keep, current):
        """The names that prune removes, from names in order of age."""
        return [name for name in names[: max(len(names) - keep, 0)] if name != current]

    def clear_leftovers(self):
        """Remove what a deployment left that was killed; only the holder of the lock may."""
        for name in os.listdir(self.path):
            if name.startswith(".staging-"):
                shutil.rmtree(os.path.join(self.path, name), ignore_errors=True)
            elif name.startswith((".current-", ".history-")):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(self.path, name))
        # A git that was killed leaves lock files in the cache, which only the holder of our lock uses.
        for directory, _, names in os.walk(self.cache):
            for name in names:
                if name.endswith(".lock"):
                    with contextlib.suppress(OSError):
                        os.unlink(os.path.join(directory, name))

    # --- history ---

    def read_history(self):
        """The entries, oldest first. An unreadable file is an error: going on would lose it."""
        try:
            with open(self.history_file, "rb") as file:
                document = json.loads(file.read(MAX_HISTORY_BYTES).decode("utf-8"))
            entries = document["entries"]
            if document["version"] != HISTORY_VERSION or not all(RELEASE.fullmatch(entry["release"]) for entry in entries):
                raise ValueError("it was not written by this program, or by a later version of it")
            return entries
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DevopsError(f"the history '{self.history_file}' cannot be read ({error}); repair it or move it away") from error

    def write_history(self, entries):
        """Replace the file as a whole; a reader sees the old one or the new one."""
        document = {"version": HISTORY_VERSION, "entries": entries[-MAX_HISTORY:]}
        descriptor, temporary = tempfile.mkstemp(prefix=".history-", dir=self.path)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=1)
                file.write("\n")
                file.flush()
                os.fsync(descriptor)
                os.fchmod(descriptor, 0o644)
            os.replace(temporary, self.history_file)
        except BaseException:
            os.unlink(temporary)
            raise
        sync_directory(self.path)

    # --- lock ---

    @contextlib.contextmanager
    def lock(self, who, wait):
        """Hold the root's lock for a block of work; waits up to `wait` seconds for whoever has it.

        The kernel releases it with the process, so a killed deployment never blocks the next.
        """
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self.take(descriptor, wait)
            holder = {"pid": os.getpid(), "who": who, "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(holder).encode("utf-8"), 0)
            yield
        finally:
            os.close(descriptor)

    def take(self, descriptor, wait):
        """Take the lock on an open file, or say who holds it."""
        end = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                if time.monotonic() >= end:
                    holder = os.pread(descriptor, 4096, 0).decode("utf-8", "replace")
                    raise DevopsError(
                        f"another deployment is changing '{self.path}': {holder or 'just started'}; "
                        "try again later, or wait for it with --wait"
                    ) from error
            time.sleep(LOCK_POLL_SECONDS)


def sequence(name):
    """The number at the beginning of a release's name."""
    return int(RELEASE.fullmatch(name).group(1))


def sync_directory(path):
    """Have the renames in a directory survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
