"""A commit of a git repository as an archive, through the git program.

Repositories, references and paths come from callers who may be anyone: each is checked before git sees it, git never
asks for a password, runs no transport helper, and all runs of one job share one time limit.
"""

import collections
import os
import posixpath
import re
import subprocess
import time

from errors import DevopsError

# How long git may take to end when it is told to.
STOP_SECONDS = 5
MAX_MESSAGE_CHARS = 300
MAX_REF_CHARS = 250

# What a person calls a commit: a branch, a tag, a hash, HEAD~2, v1.0^. Ranges, paths and searches are left out.
REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+@#~^-]*")
URL = re.compile(r"(?i)(https?|ssh|git|file)://\S+")
SCP_ADDRESS = re.compile(r"(?:[A-Za-z0-9_.-]+@)?[A-Za-z0-9_][A-Za-z0-9_.-]*:(?!//)[^:\s]\S*")
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")

# A caller's own git session must not leak in; `git rev-parse --local-env-vars` lists these.
LOCAL_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
# Where a remote's own HEAD is kept in the cache, whose HEAD means nothing.
REMOTE_HEAD = "refs/deploy/HEAD"
REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+HEAD:" + REMOTE_HEAD)

# committed: seconds since the epoch.
Commit = collections.namedtuple("Commit", "sha author committed subject")


class TimeBudget:
    """Seconds that a job may take in all."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.end = time.monotonic() + seconds

    def left(self):
        """Seconds that remain, never less than a moment."""
        return max(self.end - time.monotonic(), 0.01)


class Repository:
    """A repository on this machine: the caller's own, or the cache of a remote one."""

    def __init__(self, directory, budget, head="HEAD"):
        self.directory = directory
        self.budget = budget
        self.head = head

    def commit(self, ref):
        """The commit that a reference names."""
        name = self.head + ref[len("HEAD") :] if re.match(r"HEAD(?![A-Za-z0-9_./+@#-])", ref) else ref
        output, _ = self.ask("rev-parse", "--verify", "--quiet", name + "^{commit}")
        sha = output.strip()
        if not sha:
            raise DevopsError(f"--ref '{ref}' names no commit of the repository; push it first, or check its spelling")
        shown = self.tell("show", "-s", "--no-show-signature", "--format=%an%x00%ct%x00%s", sha)
        author, committed, subject = shown.rstrip("\n").split("\0")
        return Commit(sha, author, int(committed), subject)

    def tree(self, commit, subdir):
        """What to archive: the commit, or the tree of its subdirectory."""
        if not subdir:
            return commit.sha
        name = f"{commit.sha}:{subdir}"
        kind, _ = self.ask("cat-file", "-t", name)
        if kind.strip() != "tree":
            raise DevopsError(f"--subdir '{subdir}' is no directory of commit {commit.sha[:10]}; check its spelling")
        return name

    def has_submodules(self, tree):
        """Whether the tree links to other repositories, which an archive leaves empty."""
        return any(line.startswith("160000 ") for line in self.tell("ls-tree", "-r", "-z", tree).split("\0"))

    def file_count(self, tree):
        """How many files the tree holds."""
        return self.tell("ls-tree", "-r", "-z", "--name-only", tree).count("\0")

    def archive(self, tree, output):
        """Write the tree as a tar file."""
        self.tell("-c", "tar.umask=0022", "archive", "--format=tar", "--output", output, tree)

    def ask(self, *words):
        """What git prints, and its exit status, which may be any."""
        status, output, _ = run_git(["--git-dir", self.directory, *words], self.budget)
        return output, status

    def tell(self, *words):
        """What git prints; a failure is an error."""
        return must_git(["--git-dir", self.directory, *words], self.budget)


def check_ref(ref):
    """Refuse what is no plain reference: options, ranges, paths, searches."""
    if not REF.fullmatch(ref) or ".." in ref or len(ref) > MAX_REF_CHARS:
        raise DevopsError(f"--ref '{ref}' is not a branch, tag or commit; it may not begin with '-' or hold '..', ':' or blanks")


def check_subdir(subdir):
    """The subdirectory in plain form, empty for the whole; refuses what leaves the repository."""
    if not subdir:
        return ""
    parts = subdir.split("/")
    if subdir.startswith(("/", "-", ":")) or ".." in parts or "\\" in subdir or not subdir.isprintable():
        raise DevopsError(f"--subdir '{subdir}' must be a relative path inside the repository, without '..'")
    plain = posixpath.normpath(subdir)
    return "" if plain == "." else plain


def open_repository(repo, cache, budget):
    """The repository that a path or address names; what is remote is fetched into the directory `cache`."""
    if URL.fullmatch(repo) or (SCP_ADDRESS.fullmatch(repo) and not os.path.exists(repo)):
        return fetched(repo, cache, budget)
    if repo.startswith("-") or "::" in repo or "://" in repo:
        raise DevopsError(f"--repo '{public(repo)}' is neither a directory nor an http, https, ssh, git or file address")
    path = os.path.realpath(os.path.expanduser(repo))
    if not os.path.isdir(path):
        raise DevopsError(f"--repo '{repo}' is no directory of this machine ({path}); give an absolute path or an address")
    # Without a ceiling git would take a repository that merely surrounds the directory.
    ceiling = {"GIT_CEILING_DIRECTORIES": os.path.dirname(path)}
    directory = must_git(["-C", path, "rev-parse", "--absolute-git-dir"], budget, ceiling)
    return Repository(directory.rstrip("\n"), budget)


def fetched(address, cache, budget):
    """The cache, brought up to date with all branches and tags of the remote repository."""
    if not os.path.isdir(os.path.join(cache, "objects")):
        must_git(["init", "--quiet", "--bare", "--template=", cache], budget)
    options = ["-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false"]
    must_git(["--git-dir", cache, *options, "fetch", "--quiet", "--prune", "--force", "--", address, *REFSPECS], budget)
    return Repository(cache, budget, REMOTE_HEAD)


def public(text):
    """The text without user names and passwords in addresses."""
    return CREDENTIALS.sub("", text)


def environment(extra):
    """Our environment for git: nothing of another git session, no questions, plain transports, English messages."""
    variables = {name: value for name, value in os.environ.items() if name not in LOCAL_VARIABLES}
    variables.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=15")
    variables.update(GIT_TERMINAL_PROMPT="0", GIT_ALLOW_PROTOCOL="file:git:http:https:ssh", LC_ALL="C")
    return {**variables, **extra}


def must_git(words, budget, extra=None):
    """What git prints; raises what it says on failure."""
    status, output, errors = run_git(words, budget, extra or {})
    if status != 0:
        raise DevopsError(f"git {subcommand(words)} failed: {summary(errors) or f'exit status {status}'}")
    return output


def run_git(words, budget, extra=None):
    """(exit status, standard output, standard error) of one run of git, which never outlives this call."""
    try:
        child = subprocess.Popen(
            ["git", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(extra or {}),
        )
    except FileNotFoundError as error:
        raise DevopsError("the program git is not installed, or not on PATH") from error
    try:
        output, errors = child.communicate(timeout=budget.left())
    except subprocess.TimeoutExpired as error:
        raise DevopsError(
            f"git {subcommand(words)} was not done within the {budget.seconds:g} s of --timeout; raise it if the repository is large"
        ) from error
    finally:
        stop(child)
    return child.returncode, os.fsdecode(output), errors.decode("utf-8", "replace")


def stop(child):
    """End a child that still runs, gently and then not, and close its pipes."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    child.stdout.close()
    child.stderr.close()


def subcommand(words):
    """The word that says what git was to do, for messages."""
    return next(word for word in words if re.fullmatch(r"[a-z]+(-[a-z]+)*", word))


def summary(errors):
    """The line of git's messages that tells most, without credentials."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:]
    return public("; ".join(telling))[:MAX_MESSAGE_CHARS]
