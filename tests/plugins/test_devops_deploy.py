"""devops: deployments from real git repositories, and what must not change when they fail."""

import fcntl
import http.server
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import unittest

import support

sys.path.insert(0, str(support.PLUGINS / "devops"))
import git as devops_git  # noqa: E402
import unpack  # noqa: E402
from errors import DevopsError  # noqa: E402

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2024-05-06T07:08:09+02:00",
    "GIT_COMMITTER_DATE": "2024-05-06T07:08:09+02:00",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


class DeployCase(support.PluginCase, unittest.TestCase):
    plugin = "devops"

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.base = pathlib.Path(os.path.realpath(directory.name))
        self.root = self.base / "root"
        self.repo = self.base / "repo"
        self.repo.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.first = self.commit("first", {"index.html": "one", "site/page.html": "page one"})

    def git(self, *words):
        """What git prints in the test's repository."""
        environment = support.environment(**IDENTITY)
        return subprocess.run(
            ["git", *words], cwd=str(self.repo), env=environment, stdout=subprocess.PIPE, check=True
        ).stdout.decode().strip()

    def commit(self, subject, files):
        """Commit files, {path: text}; returns the hash."""
        for name, text in files.items():
            path = self.repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)
        return self.git("rev-parse", "HEAD")

    def deploy(self, *words, **changes):
        return self.success("deploy", "--root", self.root, "--repo", self.repo, *words, **changes)

    def deploy_fails(self, *words, **changes):
        return self.failure("deploy", "--root", self.root, "--repo", self.repo, *words, **changes)

    def releases(self, *words):
        return self.success("releases", "--root", self.root, *words)

    def served(self, name="index.html"):
        """What a web server would serve."""
        return (self.root / "current" / name).read_text()

    def snapshot(self):
        """Everything in the root but the lock's contents: paths, link targets, bytes."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if path.is_symlink():
                found[name] = os.readlink(str(path))
            elif name != ".lock":
                found[name] = path.read_bytes() if path.is_file() else None
        return found

    def program(self, text):
        """A `git` that stands before the real one; returns that PATH."""
        directory = self.base / "bin"
        directory.mkdir(exist_ok=True)
        path = directory / "git"
        path.write_text("#!/bin/sh\nreal=" + shutil.which("git") + "\n" + text)
        path.chmod(0o755)
        return f"{directory}:{os.environ['PATH']}"


class Deploy(DeployCase):
    def test_first_deployment(self):
        (self.repo / "run.sh").write_text("#!/bin/sh\n")
        (self.repo / "run.sh").chmod(0o755)
        os.symlink("index.html", str(self.repo / "link"))
        sha = self.commit("Add a program", {})
        result = self.deploy("--note", "why not")
        name = "000001-" + sha[:10]
        self.assertEqual(result["path"], str(self.root / "releases" / name))
        expected = {
            "dry_run": False, "release": name, "previous": None, "sha": sha, "ref": "HEAD", "repo": str(self.repo),
            "subdir": None, "subject": "Add a program", "author": "Ada", "committed": "2024-05-06T05:08:09Z", "files": 4,
            "note": "why not", "removed": [], "warnings": [],
        }
        self.assertEqual({field: result[field] for field in expected}, expected)
        self.assertEqual(os.readlink(str(self.root / "current")), "releases/" + name)
        current = self.root / "current"
        self.assertEqual((self.served(), self.served("site/page.html"), self.served("link")), ("one", "page one", "one"))
        self.assertEqual(os.stat(str(current / "run.sh")).st_mode & 0o777, 0o755)
        self.assertEqual(os.stat(str(current / "index.html")).st_mode & 0o777, 0o644)
        self.assertEqual(os.stat(str(current)).st_mode & 0o777, 0o755)
        self.assertFalse((current / ".git").exists())
        self.assertEqual(sorted(os.listdir(str(self.root))), [".lock", "current", "releases", "releases.json"])

    def test_uncommitted_work_is_not_deployed(self):
        (self.repo / "index.html").write_text("not yet")
        self.deploy()
        self.assertEqual(self.served(), "one")

    def test_second_deployment_and_history(self):
        first = self.deploy()["release"]
        second_sha = self.commit("second", {"index.html": "two"})
        second = self.deploy()
        self.assertEqual((second["previous"], second["release"], self.served()), (first, "000002-" + second_sha[:10], "two"))
        listed = self.releases()
        self.assertEqual([entry["release"] for entry in listed["releases"]], [second["release"], first])
        self.assertEqual([entry["current"] for entry in listed["releases"]], [True, False])
        self.assertEqual([entry["sha"] for entry in listed["history"]], [second_sha, self.first])
        for entry in listed["history"]:
            self.assertEqual(entry["action"], "deploy")
            self.assertIn("@", entry["who"])
            moment = time.mktime(time.strptime(entry["when"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
            self.assertLess(abs(time.time() - moment), 120)
        self.assertEqual(len(self.releases("--limit", 1)["releases"]), 1)

    def test_references(self):
        self.git("tag", "v1")
        self.git("tag", "--annotate", "--message", "x", "v1a")
        self.git("checkout", "--quiet", "-b", "feature/x")
        branch = self.commit("branch", {"index.html": "branch"})
        self.git("checkout", "--quiet", "main")
        second = self.commit("second", {"index.html": "two"})
        cases = [
            ("v1", self.first), ("v1a", self.first), ("feature/x", branch), ("main", second), (self.first, self.first),
            (self.first[:8], self.first), ("HEAD~1", self.first), ("HEAD", second), ("main^", self.first),
        ]
        for repo in (self.repo, self.repo.as_uri()):
            for ref, sha in cases:
                with self.subTest(repo=repo, ref=ref):
                    result = self.success("deploy", "--root", self.root, "--repo", repo, "--ref", ref, "--dry-run")
                    self.assertEqual(result["sha"], sha)

    def test_references_that_are_none(self):
        self.deploy()
        before = self.snapshot()
        cases = [
            ("no-such-branch", "names no commit"), ("f" * 40, "names no commit"), ("-v", "not a branch"),
            ("--output=/tmp/x", "not a branch"), ("a..b", "not a branch"), ("HEAD:site", "not a branch"),
            (":/first", "not a branch"), ("a b", "not a branch"), ("", "not a branch"), ("@{u}", "not a branch"),
            ("x" * 300, "not a branch"), ("main\n", "not a branch"),
        ]
        for ref, expected in cases:
            with self.subTest(ref=ref):
                self.assertIn(expected, self.deploy_fails("--ref=" + ref))
                self.assertEqual(self.snapshot(), before)

    def test_subdirectories(self):
        for subdir in ("site", "./site/", "site/."):
            with self.subTest(subdir=subdir):
                result = self.deploy("--subdir", subdir)
                self.assertEqual((result["subdir"], result["files"], self.served("page.html")), ("site", 1, "page one"))
        self.assertIsNone(self.deploy("--subdir", ".")["subdir"])

    def test_subdirectories_that_are_none(self):
        os.symlink("/etc", str(self.repo / "etc"))
        self.commit("link", {})
        cases = [
            ("../x", "inside the repository"), ("site/../..", "inside the repository"), ("/etc", "inside the repository"),
            ("-x", "inside the repository"), (":(top)", "inside the repository"), ("a\nb", "inside the repository"),
            ("absent", "no directory"), ("index.html", "no directory"), ("etc", "no directory"),
        ]
        for subdir, expected in cases:
            with self.subTest(subdir=subdir):
                self.assertIn(expected, self.deploy_fails("--subdir=" + subdir))
        self.assertEqual(self.releases()["count"], 0)

    def test_keep(self):
        names = []
        for number in range(5):
            self.commit(str(number), {"index.html": str(number)})
            names.append(self.deploy("--keep", 3)["release"])
        self.assertEqual(sorted(os.listdir(str(self.root / "releases"))), names[2:])
        (self.root / "releases" / "mine").mkdir()
        self.success("rollback", "--root", self.root, "--to", names[2])
        result = self.deploy("--keep", 1)
        self.assertEqual(result["removed"], names[2:])
        self.assertEqual(sorted(os.listdir(str(self.root / "releases"))), [result["release"], "mine"])
        self.assertEqual(result["release"][:6], "000006")

    def test_dry_run_changes_nothing(self):
        plan = self.deploy("--dry-run", "--keep", 1)
        self.assertFalse(self.root.exists())
        self.assertTrue(plan["dry_run"])
        old = self.deploy()["release"]
        before = self.snapshot()
        for repo in (self.repo, self.repo.as_uri()):
            plan = self.success("deploy", "--root", self.root, "--repo", repo, "--dry-run", "--keep", 1)
            self.assertEqual((plan["removed"], plan["previous"], plan["files"]), ([old], old, 2))
        self.assertEqual(self.snapshot(), before)
        done = self.deploy("--keep", 1)
        self.assertEqual((done["release"], done["removed"]), (plan["release"], plan["removed"]))

    def test_export_rules_and_submodules(self):
        self.commit("rules", {".gitattributes": "secret export-ignore\n", "secret": "x"})
        self.git("update-index", "--add", "--cacheinfo", "160000," + self.first + ",module")
        self.git("commit", "--quiet", "--message", "submodule")
        result = self.deploy()
        self.assertFalse((self.root / "current" / "secret").exists())
        self.assertIn("submodules", result["warnings"][0])

    def test_remote_repositories_and_their_cache(self):
        address = self.repo.as_uri()
        self.success("deploy", "--root", self.root, "--repo", address)
        self.commit("second", {"index.html": "two"})
        self.git("branch", "--quiet", "extra")
        result = self.success("deploy", "--root", self.root, "--repo", address, "--ref", "extra")
        self.assertEqual((self.served(), result["repo"]), ("two", address))
        self.git("branch", "--quiet", "--delete", "--force", "extra")
        self.assertIn("names no commit", self.failure("deploy", "--root", self.root, "--repo", address, "--ref", "extra"))

    def test_locks_of_a_killed_git_do_not_block_the_cache(self):
        address = self.repo.as_uri()
        self.success("deploy", "--root", self.root, "--repo", address)
        self.commit("second", {"index.html": "two"})
        (self.root / ".repository.git" / "refs" / "heads" / "main.lock").write_text("")
        self.success("deploy", "--root", self.root, "--repo", address)
        self.assertEqual(self.served(), "two")

    def test_a_git_session_around_us_does_not_matter(self):
        self.deploy(GIT_DIR="/nonexistent", GIT_WORK_TREE="/nonexistent", GIT_INDEX_FILE="/nonexistent")
        self.assertEqual(self.served(), "one")


class Refusals(DeployCase):
    def test_repositories(self):
        (self.repo / "inner").mkdir()
        cases = [
            (self.base / "absent", "no directory"),
            (self.base, "not a git repository"),
            (self.repo / "inner", "not a git repository"),
            ("-x", "neither a directory nor"),
            ("ext::sh -c touch% /tmp/x", "neither a directory nor"),
            ("ext::/bin/true", "neither a directory nor"),
            ("ftp://example.org/x", "neither a directory nor"),
            ((self.base / "absent").as_uri(), "git fetch failed"),
        ]
        for repo, expected in cases:
            with self.subTest(repo=repo):
                self.assertIn(expected, self.failure("deploy", "--root", self.root, f"--repo={repo}"))
        self.assertFalse((self.root / "current").exists())

    def test_passwords_are_not_repeated(self):
        class NotFound(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_error(404)

            def log_message(self, *_args):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), NotFound)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.addCleanup(server.shutdown)
        repo = f"http://me:s3cret@127.0.0.1:{server.server_address[1]}/x.git"
        outcome = support.run("devops", "deploy", "--root", self.root, "--repo", repo)
        self.assertEqual(outcome.status, 1)
        self.assertNotIn("s3cret", outcome.result["error"] + outcome.error)
        self.assertEqual(devops_git.public("at ssh://a:b@h/x and https://t@h"), "at ssh://h/x and https://h")

    def test_roots(self):
        (self.base / "file").write_text("x")
        (self.base / "full").mkdir()
        (self.base / "full" / "data").write_text("x")
        (self.base / "taken" / "releases").mkdir(parents=True)
        (self.base / "taken" / "current").mkdir()
        (self.base / "astray" / "releases").mkdir(parents=True)
        os.symlink("/etc", str(self.base / "astray" / "current"))
        cases = [
            ("relative", "absolute"), ("/", "of its own"), (self.base / "file", "not a directory"),
            (self.base / "full", "not empty"), (self.base / "taken", "is not a link"), (self.base / "astray", "no release"),
        ]
        for root, expected in cases:
            with self.subTest(root=root):
                self.assertIn(expected, self.failure("deploy", "--root", root, "--repo", self.repo))
        self.assertIn("deploy to it first", self.failure("releases", "--root", self.base / "full"))

    def test_numbers(self):
        for words in (["--keep", 0], ["--timeout", 0], ["--wait", 601], ["--note", "x" * 501]):
            with self.subTest(words=words):
                self.assertIn(words[0], self.deploy_fails(*words))

    def test_a_history_that_cannot_be_read(self):
        self.deploy()
        for text in ("{", "[]", '{"version": 9, "entries": []}', '{"version": 1, "entries": [{"release": "../x"}]}'):
            with self.subTest(text=text):
                (self.root / "releases.json").write_text(text)
                self.assertIn("cannot be read", self.deploy_fails())
                self.assertEqual((self.root / "releases.json").read_text(), text)


class Failures(DeployCase):
    """Whatever goes wrong on the way, what is served stays, and nothing is left lying about."""

    def setUp(self):
        super().setUp()
        self.deploy()
        self.before = self.snapshot()

    def assert_untouched(self):
        self.assertEqual(self.snapshot(), self.before)

    def test_links_that_leave_the_root(self):
        cases = ["/etc/passwd", "../../../../outside", "site/../../../../x"]
        for target in cases:
            with self.subTest(target=target):
                link = self.repo / "site" / "evil"
                os.symlink(target, str(link))
                self.commit("evil", {})
                self.assertIn("outside of --root", self.deploy_fails())
                self.assert_untouched()
                link.unlink()

    def test_links_to_what_releases_share_are_kept(self):
        (self.root / "shared").mkdir()
        (self.root / "shared" / "config").write_text("shared")
        os.symlink("../../shared/config", str(self.repo / "config"))
        self.commit("config", {})
        self.deploy()
        self.assertEqual(self.served("config"), "shared")

    def test_git_fails_midway(self):
        path = self.program('case "$*" in *archive*) echo fatal: broken pack >&2; exit 128;; esac\nexec "$real" "$@"\n')
        self.assertIn("git archive failed: fatal: broken pack", self.deploy_fails(PATH=path))
        self.assert_untouched()

    def test_a_broken_archive(self):
        path = self.program('case "$*" in *archive*) for w; do [ "$p" = --output ] && echo junk > "$w"; p=$w; done; exit 0;; esac\nexec "$real" "$@"\n')
        self.assertIn("git's archive", self.deploy_fails(PATH=path))
        self.assert_untouched()

    def test_no_git(self):
        (self.base / "empty").mkdir()
        self.assertIn("not installed", self.deploy_fails(PATH=str(self.base / "empty")))
        self.assert_untouched()

    def test_git_hangs(self):
        path = self.program('case "$*" in *archive*) exec sleep 60;; esac\nexec "$real" "$@"\n')
        started = time.monotonic()
        self.assertIn("--timeout", self.deploy_fails("--timeout", 1, PATH=path))
        self.assertLess(time.monotonic() - started, 20)
        self.assert_untouched()

    def interrupted(self, number):
        """Send a signal to a deployment while git works; returns its exit status and result."""
        mark = self.base / "mark"
        path = self.program(f'case "$*" in *archive*) echo $$ > {mark}.new; mv {mark}.new {mark}; exec sleep 60;; esac\nexec "$real" "$@"\n')
        words = support.command("devops", "deploy", "--root", self.root, "--repo", self.repo)
        child = subprocess.Popen(
            words, env=support.environment(PATH=path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        self.addCleanup(child.kill)
        end = time.monotonic() + 20
        while not mark.exists() and time.monotonic() < end:
            time.sleep(0.02)
        git = int(mark.read_text())
        mark.unlink()
        child.send_signal(number)
        output, _ = child.communicate(timeout=20)
        self.git_is_gone(git, killed=number == signal.SIGKILL)
        return child.returncode, output

    def git_is_gone(self, pid, killed):
        """A deployment that could, ended its git."""
        if killed:
            os.kill(pid, signal.SIGKILL)
            return
        end = time.monotonic() + 20  # whoever inherits the ended process has to see that first
        with self.assertRaises(ProcessLookupError):
            while time.monotonic() < end:
                os.kill(pid, 0)
                time.sleep(0.02)

    def test_interruptions(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number=number):
                status, output = self.interrupted(number)
                self.assertEqual(status, 1)
                self.assertIn("interrupted by " + number.name, json.loads(output.decode())["error"])
                self.assert_untouched()

    def test_a_killed_deployment_does_not_block_the_next(self):
        self.assertEqual(self.interrupted(signal.SIGKILL), (-signal.SIGKILL, b""))
        self.assertEqual(self.served(), "one")
        self.assertTrue([name for name in os.listdir(str(self.root)) if name.startswith(".staging-")])
        self.deploy()
        self.assertFalse([name for name in os.listdir(str(self.root)) if name.startswith(".staging-")])

    def test_a_history_that_cannot_be_written(self):
        self.commit("second", {"index.html": "two"})
        (self.root / "releases.json").unlink()
        (self.root / "releases.json").mkdir()
        (self.root / "releases.json" / "x").write_text("x")
        self.assertIn("releases.json", self.deploy_fails())
        self.assertEqual((self.served(), len(os.listdir(str(self.root / "releases")))), ("one", 1))

    def test_a_switch_that_cannot_be_recorded_is_undone(self):
        release = os.readlink(str(self.root / "current"))
        self.commit("second", {"index.html": "two"})
        code = (
            "import sys, os; sys.path.insert(0, sys.argv.pop(1)); import cli, layout\n"
            "def full(*_): raise OSError(28, 'No space left on device')\n"
            "layout.Root.write_history = full\n"
            "sys.exit(cli.main())\n"
        )
        words = ["deploy", "--root", str(self.root), "--repo", str(self.repo)]
        finished = subprocess.run(
            [sys.executable, "-c", code, str(support.PLUGINS / "devops"), *words],
            env=support.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=support.TIME_LIMIT, check=False,
        )
        self.assertEqual(finished.returncode, 1)
        self.assertIn("No space left", json.loads(finished.stdout.decode())["error"])
        self.assertEqual(os.readlink(str(self.root / "current")), release)
        self.assert_untouched()


class Locks(DeployCase):
    def setUp(self):
        super().setUp()
        self.deploy()

    def hold(self):
        """Hold the root's lock as another deployment would."""
        lock = open(str(self.root / ".lock"), "r+")
        self.addCleanup(lock.close)
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write('{"pid": 1, "who": "bob@example"}')
        lock.flush()
        return lock

    def test_a_held_lock_is_an_error_that_names_the_holder(self):
        self.hold()
        before = self.snapshot()
        self.assertIn("bob@example", self.deploy_fails())
        self.assertIn("bob@example", self.failure("rollback", "--root", self.root, "--to", "000001-" + self.first[:10]))
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.releases()["count"], 1)

    def test_waiting_for_a_lock(self):
        lock = self.hold()
        threading.Timer(1.0, lock.close).start()
        started = time.monotonic()
        self.deploy("--wait", 30)
        self.assertGreaterEqual(time.monotonic() - started, 0.9)

    def test_waiting_is_bounded(self):
        self.hold()
        started = time.monotonic()
        self.assertIn("another deployment", self.deploy_fails("--wait", 1))
        self.assertLess(time.monotonic() - started, 15)

    def test_concurrent_deployments_follow_each_other(self):
        words = support.command("devops", "deploy", "--root", self.root, "--repo", self.repo, "--wait", "60")
        children = [
            subprocess.Popen(words, env=support.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(4)
        ]
        results = [json.loads(child.communicate(timeout=support.TIME_LIMIT)[0].decode()) for child in children]
        numbers = sorted(result["release"][:6] for result in results)
        self.assertEqual(numbers, ["000002", "000003", "000004", "000005"])
        self.assertEqual(len(self.releases()["history"]), 5)


class Rollback(DeployCase):
    def setUp(self):
        super().setUp()
        self.names = [self.deploy()["release"]]
        for text in ("two", "three"):
            self.commit(text, {"index.html": text})
            self.names.append(self.deploy()["release"])

    def rollback(self, *words):
        return self.success("rollback", "--root", self.root, *words)

    def rollback_fails(self, *words):
        return self.failure("rollback", "--root", self.root, *words)

    def test_step_by_step(self):
        result = self.rollback("--note", "broken")
        self.assertEqual((result["release"], result["previous"], self.served()), (self.names[1], self.names[2], "two"))
        self.assertEqual((self.rollback()["sha"], self.served()), (self.first, "one"))
        self.assertIn("no release older", self.rollback_fails())
        history = self.releases()["history"]
        self.assertEqual(
            [(entry["action"], entry["release"], entry["note"]) for entry in history[:2]],
            [("rollback", self.names[0], None), ("rollback", self.names[1], "broken")],
        )

    def test_by_name_and_by_hash(self):
        self.rollback("--to", self.names[0])
        self.assertEqual(self.served(), "one")
        self.rollback("--to", self.names[2])
        self.assertEqual(self.served(), "three")
        for wanted in (self.first, self.first[:6]):
            self.rollback("--to", wanted)
            self.assertEqual(self.served(), "one")
            self.rollback("--to", self.names[1])

    def test_refusals(self):
        before = self.snapshot()
        cases = [
            ("000009-aaaaaaaaaa", "no release here"), ("../../etc", "no release here"), (self.first[:3], "no release here"),
            (self.names[2], "current already"),
        ]
        for wanted, expected in cases:
            with self.subTest(wanted=wanted):
                self.assertIn(expected, self.rollback_fails("--to", wanted))
        self.assertEqual(self.snapshot(), before)

    def test_an_ambiguous_hash(self):
        self.deploy("--ref", self.first)
        self.assertIn("ambiguous", self.rollback_fails("--to", self.first))

    def test_dry_run(self):
        before = self.snapshot()
        self.assertEqual(self.rollback("--dry-run")["release"], self.names[1])
        self.assertEqual(self.snapshot(), before)

    def test_after_a_rollback_a_deployment_goes_on(self):
        self.rollback()
        result = self.deploy()
        self.assertEqual((result["release"][:6], result["previous"], self.served()), ("000004", self.names[1], "three"))


class Unpack(unittest.TestCase):
    """Archives that git would not write, but a crafted repository might make it write."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.base = pathlib.Path(os.path.realpath(directory.name))
        (self.base / "root" / "staging").mkdir(parents=True)

    def unpack(self, *members):
        archive = self.base / "archive.tar"
        with tarfile.open(str(archive), "w") as tar:
            for name, kind, target in members:
                member = tarfile.TarInfo(name)
                member.type, member.linkname = kind, target
                tar.addfile(member, io.BytesIO(b""))
        root = str(self.base / "root")
        return unpack.unpack(str(archive), root + "/staging", root + "/releases/1", root)

    def test_members_that_do_not_belong(self):
        cases = [
            [("../x", tarfile.REGTYPE, "")],
            [("/x", tarfile.REGTYPE, "")],
            [("a//b", tarfile.REGTYPE, "")],
            [("a", tarfile.LNKTYPE, "/etc/passwd")],
            [("a", tarfile.FIFOTYPE, "")],
            [("a", tarfile.CHRTYPE, "")],
            [("a", tarfile.SYMTYPE, "../../../x")],
            [("a", tarfile.SYMTYPE, "b/../../../../x")],
            [("a", tarfile.SYMTYPE, "/etc")],
        ]
        for members in cases:
            with self.subTest(members=members), self.assertRaises(DevopsError):
                self.unpack(*members)
        self.assertEqual(sorted(os.listdir(str(self.base))), ["archive.tar", "root"])

    def test_nothing_is_written_through_a_link(self):
        cases = [
            [("a", tarfile.SYMTYPE, "../../other"), ("a/b", tarfile.REGTYPE, "")],
            [("a", tarfile.SYMTYPE, "../../other"), ("a/b", tarfile.SYMTYPE, "c")],
        ]
        (self.base / "root" / "other").mkdir()
        for members in cases:
            with self.subTest(members=members), self.assertRaises(OSError):
                self.unpack(*members)
            shutil.rmtree(str(self.base / "root" / "staging"))
            (self.base / "root" / "staging").mkdir()
        self.assertEqual(os.listdir(str(self.base / "root" / "other")), [])

    def test_twice_the_same_file(self):
        with self.assertRaises(FileExistsError):
            self.unpack(("a", tarfile.REGTYPE, ""), ("a", tarfile.REGTYPE, ""))


if __name__ == "__main__":
    unittest.main()
