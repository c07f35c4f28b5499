"""devops: what it says of this machine, compared with what the test knows of it."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

import support

sys.path.insert(0, str(support.PLUGINS / "devops"))
import host  # noqa: E402
import ports  # noqa: E402
import services  # noqa: E402
from errors import DevopsError  # noqa: E402


class DevopsCase(support.PluginCase, unittest.TestCase):
    plugin = "devops"

    def directory(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        return pathlib.Path(os.path.realpath(directory.name))

    def program(self, directory, name, text):
        """An executable script that stands before the real one on PATH; returns that PATH."""
        path = directory / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return f"{directory}:{os.environ['PATH']}"

    def child(self, *words):
        """A process that lives until the test ends."""
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process


class Disk(DevopsCase):
    def test_a_path_is_measured_where_it_lies(self):
        directory = self.directory()
        report = self.success("disk", directory)["filesystems"][0]
        usage = shutil.disk_usage(str(directory))
        self.assertEqual(report["total"], usage.total)
        self.assertAlmostEqual(report["used"], usage.used, delta=usage.total / 50)
        self.assertEqual(os.stat(report["mount"]).st_dev, os.stat(str(directory)).st_dev)
        self.assertTrue(0 <= report["percent_used"] <= 100)

    def test_file_systems_without_size_only_on_request(self):
        plain = {report["mount"] for report in self.success("disk")["filesystems"]}
        everything = {report["mount"] for report in self.success("disk", "--all")["filesystems"]}
        self.assertNotIn("/proc", plain)
        self.assertIn("/proc", everything)
        self.assertLess(plain, everything)

    def test_threshold(self):
        for report in self.success("disk", "--above", 1)["filesystems"]:
            self.assertGreaterEqual(report["percent_used"], 1)
        self.assertIn("--above", self.failure("disk", "--above", 101))

    def test_absent_path(self):
        self.assertIn("/no/such/path", self.failure("disk", "/no/such/path"))

    def test_names_with_blanks(self):
        self.assertEqual(host.unescape(r"/mnt/a\040b\134c"), "/mnt/a b\\c")

    def test_the_deepest_and_latest_mount_counts(self):
        mounts = [("a", "/", "x"), ("b", "/tmp", "x"), ("c", "/tmp", "x"), ("d", "/tm", "x")]
        self.assertEqual(host.holding("/tmp", mounts)[0], "c")

    def test_a_file_system_that_does_not_answer(self):
        with mock.patch.object(host, "STAT_SECONDS", 0.05), mock.patch.object(os, "statvfs", lambda _: time.sleep(0.5)):
            self.assertIn("no answer", host.measured("server:/x", "/x", "nfs")["error"])


class Memory(DevopsCase):
    def test_numbers_agree_with_the_kernel(self):
        report = self.success("memory")
        self.assertEqual(report["total"], os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        self.assertEqual(report["used"] + report["available"], report["total"])
        self.assertEqual((len(report["load_average"]), report["processors"]), (3, os.cpu_count()))

    def test_the_limit_of_a_control_group(self):
        directory = self.directory()
        files = {"self/cgroup": "0::/a/b\n", "a/b/memory.max": "max\n", "a/memory.max": "4096\n", "memory.max": "8192\n"}
        for name, text in files.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(text)
        with mock.patch.object(host, "PROC", directory), mock.patch.object(host, "CONTROL_GROUPS", directory):
            self.assertEqual(host.group_limit(), 4096)


class Processes(DevopsCase):
    def test_a_child_is_found_by_its_command(self):
        seconds = f"321.{os.getpid():010}"  # no other run of these tests on this machine has the same
        child = self.child("sleep", seconds)
        report = self.success("processes", "--filter", f"SLEEP {seconds}", "--sample", 0)
        self.assertEqual(report["matching"], 1)
        [found] = report["processes"]
        self.assertEqual(found["pid"], child.pid)
        self.assertEqual((found["name"], found["command"], found["parent"]), ("sleep", f"sleep {seconds}", os.getpid()))
        self.assertEqual((found["user"], found["threads"]), (host.user_name(os.geteuid()), 1))
        self.assertGreater(found["memory"], 0)
        started = time.mktime(time.strptime(found["started"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
        self.assertLess(abs(time.time() - started), 60)

    def test_a_busy_child_uses_a_processor(self):
        child = self.child(sys.executable, "-c", "while True: pass")
        report = self.success("processes", "--sort", "cpu", "--limit", 1000, "--sample", 1)
        [found] = [process for process in report["processes"] if process["pid"] == child.pid]
        self.assertGreater(found["cpu_percent"], 1)
        self.assertLess(found["cpu_percent"], 150)

    def test_a_name_with_parentheses(self):
        directory = self.directory()
        shutil.copy(shutil.which("sleep"), str(directory / "a) (b"))
        child = self.child(str(directory / "a) (b"), "60")
        time.sleep(0.1)
        self.assertEqual(host.read_stat(child.pid)[0], "a) (b")

    def test_orders_and_limits(self):
        keys = {
            "cpu": lambda process: -process["cpu_percent"],
            "memory": lambda process: -process["memory"],
            "pid": lambda process: process["pid"],
            "name": lambda process: process["name"].casefold(),
            "age": lambda process: process["started"],
        }
        for sort, key in keys.items():
            with self.subTest(sort=sort):
                report = self.success("processes", "--sort", sort, "--limit", 7, "--width", 10)
                shown = report["processes"]
                self.assertEqual(shown, sorted(shown, key=key))
                self.assertEqual(len(shown), min(7, report["matching"]))
                self.assertTrue(all(len(process["command"]) <= 10 for process in shown))

    def test_users(self):
        me = host.user_name(os.geteuid())
        report = self.success("processes", "--user", me, "--limit", 1000)
        self.assertEqual({process["user"] for process in report["processes"]}, {me})
        self.assertEqual(self.success("processes", "--user", "no-such-user")["processes"], [])

    def test_refusals(self):
        for words, expected in [(["--limit", 0], "--limit"), (["--sample", 11], "--sample"), (["--width", 0], "--width")]:
            with self.subTest(words=words):
                self.assertIn(expected, self.failure("processes", *words))


class Ports(DevopsCase):
    def listen(self, family, kind, address):
        opened = socket.socket(family, kind)
        self.addCleanup(opened.close)
        opened.bind((address, 0))
        if kind == socket.SOCK_STREAM:
            opened.listen()
        return opened.getsockname()[1]

    def own(self, *words):
        """The listed sockets that this process holds: others may have the same port of another address or protocol."""
        return [entry for entry in self.success("ports", *words)["ports"] if os.getpid() in entry["pids"]]

    def test_sockets_of_this_process_are_found(self):
        cases = [
            (socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1", "tcp"),
            (socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1", "udp"),
            (socket.AF_INET6, socket.SOCK_STREAM, "::1", "tcp"),
            (socket.AF_INET6, socket.SOCK_DGRAM, "::", "udp"),
        ]
        for family, kind, address, protocol in cases:
            if family == socket.AF_INET6 and not os.path.exists("/proc/net/tcp6"):
                continue
            with self.subTest(address=address, protocol=protocol):
                port = self.listen(family, kind, address)
                found = self.own("--port", port)
                self.assertEqual([(entry["protocol"], entry["address"]) for entry in found], [(protocol, address)])
                self.assertEqual(found[0]["process"], host.read_stat(found[0]["pid"])[0])
                self.assertEqual(found[0]["user"], host.user_name(os.geteuid()))
                other = "udp" if protocol == "tcp" else "tcp"
                self.assertEqual(self.own("--protocol", other, "--port", port), [])

    def test_connections_are_no_listening_ports(self):
        port = self.listen(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1")
        with socket.create_connection(("127.0.0.1", port)) as client:
            listed = {entry["port"] for entry in self.own()}
            self.assertIn(port, listed)
            self.assertNotIn(client.getsockname()[1], listed)

    @unittest.skipUnless(sys.byteorder == "little", "the kernel writes these on little-endian machines")
    def test_addresses(self):
        cases = [
            ("0100007F:1F90", ("127.0.0.1", 8080)),
            ("00000000000000000000000001000000:0050", ("::1", 80)),
            ("B80D01200000000000000000010000FE:01BB", ("2001:db8::fe00:1", 443)),
        ]
        for text, expected in cases:
            with self.subTest(text=text):
                self.assertEqual(ports.decode(text), expected)

    def test_refusal(self):
        self.assertIn("--port", self.failure("ports", "--port", 70000))


class Services(DevopsCase):
    SHOWN = (
        "Id=web.service\nDescription=Web = server\nLoadState=loaded\nActiveState=active\nSubState=running\n"
        "UnitFileState=enabled\nMainPID=77\nExecMainStatus=0\nNRestarts=2\nMemoryCurrent=[not set]\n"
    )

    def test_systemd(self):
        directory = self.directory()
        path = self.program(directory, "systemctl", f"printf '%s\\n' \"$@\" > {directory}/words\ncat <<'END'\n{self.SHOWN}END\n")
        result = self.success("service-status", "web", PATH=path)
        self.assertEqual(
            result,
            {
                "service": "web",
                "manager": "systemd",
                "state": "running",
                "unit": "web.service",
                "description": "Web = server",
                "load_state": "loaded",
                "active_state": "active",
                "sub_state": "running",
                "enabled": "enabled",
                "pid": 77,
                "exit_status": 0,
                "restarts": 2,
            },
        )
        self.assertEqual((directory / "words").read_text().splitlines()[-2:], ["--", "web"])

    def test_systemd_without_the_service(self):
        path = self.program(self.directory(), "systemctl", "echo LoadState=not-found\necho ActiveState=inactive\n")
        self.assertIn("no service 'web'", self.failure("service-status", "web", PATH=path))

    def test_systemctl_that_hangs(self):
        directory = self.directory()
        path = self.program(directory, "systemctl", "exec sleep 60\n")
        with mock.patch.object(services, "SYSTEMCTL_SECONDS", 0.3), mock.patch.dict(os.environ, PATH=path):
            with self.assertRaisesRegex(DevopsError, "no answer"):
                services.service_status("web")

    def test_without_systemd(self):
        path = self.program(self.directory(), "systemctl", "echo not booted with systemd >&2\nexit 1\n")
        self.assertIn("no service 'no-such-service'", self.failure("service-status", "no-such-service", PATH=path))

    def init_status(self, script, pid_file=None):
        """The report on a service whose init script has this text."""
        directory = self.directory()
        (directory / "web").write_text(script.format(directory=directory))
        if pid_file is not None:
            (directory / "web.pid").write_text(pid_file)
        places = mock.patch.multiple(services, INIT_DIRECTORY=directory, PID_DIRECTORIES=(directory / "run",))
        with places, mock.patch.object(services, "ask_systemd", lambda _: None):
            return services.service_status("web")

    def test_init_scripts(self):
        child = self.child("sleep", "61")
        cases = [
            ("PIDFILE={directory}/web.pid\n", f"{child.pid}\n", ("running", [child.pid])),
            ('# pidfile: {directory}/web.pid\nPIDFILE="$X"\n', str(child.pid), ("running", [child.pid])),
            ("PIDFILE={directory}/web.pid\n", "999999999", ("stopped", [])),
            ("PIDFILE={directory}/web.pid\n", "nonsense", ("stopped", [])),
            ("PIDFILE=/nonexistent\n", None, ("stopped", [])),
        ]
        for script, pid_file, expected in cases:
            with self.subTest(script=script, pid_file=pid_file):
                report = self.init_status(script, pid_file)
                self.assertEqual((report["state"], report["pids"], report["manager"]), (*expected, "init.d"))

    def test_init_script_found_by_its_program(self):
        child = self.child("sleep", "62")
        report = self.init_status("DAEMON=/usr/bin/sleep\n")
        self.assertIn(child.pid, report["pids"])
        self.assertIn("sleep", report["evidence"])

    def test_names_that_are_none(self):
        for name in ("../etc/passwd", "-h", "a b", "", "*", ".."):
            with self.subTest(name=name):
                self.assertIn("not the name of a service", self.failure("service-status", "--", name))


class Tail(DevopsCase):
    def write(self, data):
        path = self.directory() / "log"
        path.write_bytes(data)
        return path

    def test_lines(self):
        cases = [
            (b"", [], []),
            (b"one\n", [], ["one"]),
            (b"one\ntwo", [], ["one", "two"]),
            (b"one\r\n\ntwo\n", [], ["one", "", "two"]),
            (b"1\n2\n3\n", ["-n", 2], ["2", "3"]),
            (b"\xff\xc3\xa9\n", [], ["\ufffd\u00e9"]),
            (b"a\x0bb\x85c\n", [], ["a\x0bb\ufffdc"]),
            (b"error 1\nok\nError 2\n", ["--grep", "error"], ["error 1"]),
            (b"error 1\nok\nError 2\n", ["--grep", "^error", "-i"], ["error 1", "Error 2"]),
            (b"error 1\nok\nError 2\n", ["--grep", "rror", "-v"], ["ok"]),
            (b"x1\ny\nx2\nx3\n", ["--grep", "x", "-n", 2], ["x2", "x3"]),
        ]
        for data, words, expected in cases:
            with self.subTest(data=data, words=words):
                result = self.success("tail", self.write(data), *words)
                self.assertEqual((result["lines"], result["count"]), (expected, len(expected)))
                self.assertTrue(result["examined_whole_file"])

    def test_only_the_end_is_looked_at(self):
        path = self.write(b"".join(b"line %d\n" % number for number in range(100000)))
        result = self.success("tail", path, "--max-bytes", 100, "-n", 100)
        self.assertEqual((result["examined_bytes"], result["examined_whole_file"]), (100, False))
        self.assertEqual(result["lines"], [f"line {number}" for number in range(99991, 100000)])

    def test_a_line_longer_than_the_limit_is_cut(self):
        self.assertEqual(self.success("tail", self.write(b"a" * 50), "--max-bytes", 9)["lines"], ["a" * 9])

    def test_a_limit_between_two_lines_loses_none(self):
        self.assertEqual(self.success("tail", self.write(b"one\ntwo\nsix\n"), "--max-bytes", 8)["lines"], ["two", "six"])

    def test_what_cannot_be_read(self):
        directory = self.directory()
        os.mkfifo(str(directory / "pipe"))
        cases = [
            ([directory / "absent"], "No such file"),
            ([directory], "s a directory"),
            ([directory / "pipe"], "not a regular file"),
            (["/dev/zero"], "not a regular file"),
            ([self.write(b"x"), "--grep", "("], "not a regular expression"),
            ([self.write(b"x"), "-n", 0], "--lines"),
            ([self.write(b"x"), "--max-bytes", 0], "--max-bytes"),
        ]
        for words, expected in cases:
            with self.subTest(words=words):
                self.assertIn(expected, self.failure("tail", *words))

    def test_an_endless_expression_is_given_up(self):
        started = time.monotonic()
        self.assertIn("took longer", self.failure("tail", self.write(b"a" * 60 + b"!\n"), "--grep", "^(a+)+$"))
        self.assertLess(time.monotonic() - started, 30)


if __name__ == "__main__":
    unittest.main()
