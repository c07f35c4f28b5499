"""Sessions of the older transports: they stay with their replica, also while it drains, and are unknown once it is gone."""
import signal

import talk
from fleet import DRAIN, NAMES

# Seconds of drain that no check outlasts; a second signal ends it.
LONG = 300

# Enough that each replica has two.
COUNT = 6


def run(checks, fleet):
    clients = {}
    for kind in (talk.Session, talk.Sse):
        with checks.of(kind.__name__, "stays with its replica"):
            opened = [kind(fleet.address) for _ in range(COUNT)]
            assert {client.replica() for client in opened} == set(NAMES), [client.replica() for client in opened]
            for n in range(3):
                for client in opened:
                    found = client.call("work", {"id": f"{kind.__name__}-{n}"})
                    assert found["replica"] == client.replica(), (found, client.replica())
            clients[kind] = opened
    drained(checks, fleet)
    # Each replica has as few connections as the others again.
    for client in clients.get(talk.Sse, []):
        client.held.thing.close()
    killed(checks, fleet)


def of_replica(kind, fleet, name):
    """A client of that kind at that replica."""
    for _ in range(2 * len(NAMES)):
        client = kind(fleet.address)
        if client.replica() == name:
            return client
    raise AssertionError(f"no {kind.__name__} is opened at {name}")


def is_unknown(ask):
    """What a client is told whose session's replica is gone: the one thing after which it begins anew."""
    try:
        ask()
    except talk.Refused as refused:
        assert refused.status == 404, refused
        assert refused.body["error"]["data"]["reason"] == "unknown_session", refused
    else:
        raise AssertionError("a session is known whose replica is gone")


def drained(checks, fleet):
    replica = fleet.replicas["a"]
    restart(fleet, replica, LONG)
    session, sse = of_replica(talk.Session, fleet, "a"), of_replica(talk.Sse, fleet, "a")
    with checks.of("a replica that is to stop", "keeps its sessions and gets no others"):
        with fleet.awaited("a", "DOWN"):
            replica.signal()
        for client in (session, sse):
            assert client.call("work", {"id": "drained"})["replica"] == "a"
        others = [talk.Session(fleet.address).replica() for _ in range(COUNT)]
        modern = talk.Modern(fleet.address)
        others += [modern.call("work", {"id": "elsewhere"})["replica"] for _ in range(COUNT)]
        assert set(others) == {"b", "c"}, others
    with checks.of("a replica that stopped", "ended its streams, and its sessions begin anew elsewhere"):
        # The second one.
        replica.signal()
        assert list(sse.events) == [] and replica.ended() == 0
        sse.held.thing.close()
        is_unknown(lambda: sse.post(talk.request("ping", {})))
        begins_anew(session, "a")
    start(fleet, replica, DRAIN)


def killed(checks, fleet):
    replica = fleet.replicas["b"]
    session = of_replica(talk.Session, fleet, "b")
    with checks.of("a replica that is killed", "costs no call that begins later, and its sessions begin anew"):
        with fleet.awaited("b", "DOWN"):
            replica.signal(signal.SIGKILL)
            replica.process.wait()
            modern = talk.Modern(fleet.address)
            for n in range(COUNT):
                modern.call("work", {"id": f"killed-{n}"})
            begins_anew(session, "b")
        assert all(fleet.noted("run", "work", f"--id=killed-{n}") == 1 for n in range(COUNT))
    start(fleet, replica, DRAIN)


def begins_anew(session, gone):
    is_unknown(lambda: session.call("work", {"id": "gone"}))
    session.reopen()
    found = session.call("work", {"id": "anew"})["replica"]
    assert found == session.replica() != gone, found


def restart(fleet, replica, drain):
    with fleet.awaited(replica.name, "DOWN"):
        assert replica.stop() == 0
    start(fleet, replica, drain)


def start(fleet, replica, drain):
    replica.drain = drain
    with fleet.awaited(replica.name, "UP"):
        replica.start()
        replica.started()
