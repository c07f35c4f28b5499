"""A fleet: three replicas with one plugins directory and one schemas directory, and HAProxy with `deploy/haproxy.cfg`."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import support
import talk

DEPLOY = support.ROOT / "deploy"
NAMES = ("a", "b", "c")
STATE_KEY = "0123456789abcdef0123456789abcdef"

# Seconds for which a replica goes on: what deploy/haproxy.cfg says.
DRAIN = 10

# Seconds for what happens soon, on a machine that does a lot else.
SOON = 60


def until(what, found, limit=SOON):
    """Waits for something to be found, and gives it."""
    deadline = time.monotonic() + limit
    while not (it := found()):
        assert time.monotonic() < deadline, f"not within {limit} s: {what}"
        time.sleep(0.05)
    return it


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Replica:
    """One server of the fleet."""

    def __init__(self, fleet, name):
        self.fleet, self.name, self.process, self.drain = fleet, name, None, DRAIN
        self.address = ("127.0.0.1", free_port())
        self.directory = fleet.scratch / name
        self.directory.mkdir()

    def start(self):
        words = [support.BINARY, "serve", "--host", "127.0.0.1", "--port", self.address[1], "--drain", self.drain,
                 "--allowed-host", talk.HOST, "--plugins-dir", self.fleet.plugins,
                 "--schemas-dir", self.fleet.scratch / "schemas", "--log-dir", self.directory, *self.fleet.flags]
        self.said = self.directory / "stdout.txt"
        with self.said.open("w") as out, (self.directory / "stderr.txt").open("a") as err:
            self.process = subprocess.Popen(
                [str(word) for word in words], cwd=self.directory, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env={**support.clean_environment(), **self.fleet.variables, "SMCP_REPLICA": self.name})

    def started(self):
        support.address(self.process, self.said)

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def ended(self):
        """Its exit code: it goes on for its drain, then calls have ten seconds, and their answers ten more."""
        return self.process.wait(self.drain + 20 + SOON)

    def stop(self):
        """Ends it without a drain."""
        self.signal()
        until("it is to stop", lambda: self.health() != 200)
        self.signal()
        return self.ended()

    def health(self):
        """The status of its health; `None` where nobody answers."""
        try:
            talk.Client(self.address).get("/health")
        except talk.Refused as refused:
            return refused.status
        except (OSError, talk.http.client.HTTPException):
            return None
        return 200

    def figure(self, name):
        text = talk.Client(self.address).get("/metrics")
        return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE)[1])


class Fleet:
    """Replicas behind a proxy. Made within a `with`, after which none of their processes is left."""

    def __init__(self, scratch, plugins, *flags, **variables):
        self.scratch, self.plugins, self.flags = scratch, plugins, flags
        self.variables = {"SMCP_STATE_KEY": STATE_KEY, "FLEET_NOTES": str(scratch / "notes.txt"), **variables}
        (scratch / "notes.txt").touch()
        self.replicas = {name: Replica(self, name) for name in NAMES}
        self.address = ("127.0.0.1", free_port())
        self.log = scratch / "haproxy.txt"
        self.proxy = None

    def __enter__(self):
        try:
            self.start()
            self.start_proxy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        processes = [replica.process for replica in self.replicas.values()] + [self.proxy]
        left = [process for process in processes if process and process.poll() is None]
        for process in left:
            process.terminate()
        for process in left:
            # A second signal cuts a drain short.
            while process.poll() is None:
                process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1)

    def start(self):
        for replica in self.replicas.values():
            replica.start()
        for replica in self.replicas.values():
            replica.started()

    def stop(self):
        """Ends all replicas, without their drain."""
        return [replica.stop() for replica in self.replicas.values() if replica.process.poll() is None]

    def start_proxy(self):
        haproxy = support.program(("haproxy",), "haproxy")
        places = {f"SMCP_{name.upper()}": "%s:%d" % replica.address for name, replica in self.replicas.items()}
        env = {**os.environ, "SMCP_BIND": "%s:%d" % self.address, **places}
        with self.log.open("w") as log:
            self.proxy = subprocess.Popen([haproxy, "-db", "-f", str(DEPLOY / "haproxy.cfg")], env=env,
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        until("the proxy answers", self.answers)

    def answers(self):
        with contextlib.suppress(OSError):
            return talk.Client(self.address).get("/health/live")["status"] == "alive"

    def url(self):
        return "http://%s:%d" % self.address

    def notes(self):
        return (self.scratch / "notes.txt").read_text().splitlines()

    def noted(self, *words):
        """How often a line is in the notes."""
        return self.notes().count(" ".join(words))

    def told(self, name, state):
        """How often the proxy said that a replica is UP or DOWN."""
        return len(re.findall(rf"Server replicas/{name} is {state}", self.log.read_text()))

    @contextlib.contextmanager
    def awaited(self, name, state):
        """Waits, after what is done within, until the proxy has noticed."""
        before = self.told(name, state)
        yield
        until(f"the proxy says that {name} is {state}", lambda: self.told(name, state) > before)


def copy_of(source, target):
    """A plugins directory that nobody else changes."""
    return pathlib.Path(shutil.copytree(source, target))
