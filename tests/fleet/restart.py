"""One replica after another is stopped and started, as orchestrators do, while clients of 2026-07-28 call and listen."""
import collections
import re
import threading

import talk
from fleet import until

WORKERS = 6

# Seconds that calls take: short ones, and one that is still running when the proxy has noticed.
TAKES = (0, 0.1, 0.5, 4)


class Load:
    """Clients that call without a pause and never repeat a call."""

    def __init__(self, fleet):
        self.fleet, self.stop = fleet, threading.Event()
        self.answered, self.lost, self.ends = [], [], []
        self.workers = [threading.Thread(target=self.work, args=(n,)) for n in range(WORKERS)]
        self.listener = threading.Thread(target=self.listen)

    def __enter__(self):
        for thread in (*self.workers, self.listener):
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for worker in self.workers:
            worker.join()
        # Only a replica that stops ends what the last listener hears.
        self.codes = self.fleet.stop()
        self.listener.join()

    def work(self, n):
        client, count = talk.Modern(self.fleet.address), 0
        while not self.stop.is_set():
            name, count = f"load-{n}-{count}", count + 1
            try:
                found = client.call("work", {"id": name, "seconds": TAKES[(n + count) % len(TAKES)]})
                assert found["id"] == name, found
                self.answered.append((name, found["replica"]))
            except Exception as fault:
                self.lost.append(f"{name}: {type(fault).__name__}: {fault}")

    def listen(self):
        """Listens, and does so again when the server ends it, which it does with an answer."""
        wanted = {"notifications": {"toolsListChanged": True}}
        while not self.stop.is_set():
            try:
                client = talk.Modern(self.fleet.address)
                with client.stream(client.begin("subscriptions/listen", wanted)) as stream:
                    ends = [talk.result(message) for message in stream.messages() if "id" in message]
                assert len(ends) == 1, ends
                self.ends += ends
            except Exception as fault:
                self.lost.append(f"listen: {type(fault).__name__}: {fault}")


def run(checks, fleet):
    with checks.of("a rolling restart", "loses no call and runs none twice"), Load(fleet) as load:
        until("calls are answered", lambda: len(load.answered) > WORKERS)
        for replica in fleet.replicas.values():
            with fleet.awaited(replica.name, "DOWN"):
                replica.signal()
            assert replica.ended() == 0
            with fleet.awaited(replica.name, "UP"):
                replica.start()
                replica.started()
            known = len(load.answered)
            until(f"{replica.name} answers again", lambda: any(name == replica.name for _, name in load.answered[known:]))
    with checks.of("a rolling restart", "is felt by nobody"):
        assert load.lost == [] and load.codes == [0, 0, 0], (load.lost, load.codes)
        ran = collections.Counter(re.findall(r"^run work --id=(load-\S+)", "\n".join(fleet.notes()), re.MULTILINE))
        assert ran == collections.Counter(name for name, _ in load.answered), ran
        assert len(load.ends) >= 2, "a listener is told of the end"
        print(f"        {len(load.answered)} calls, {len(load.ends)} ends of a subscription")
