"""What passes through the proxy, for clients of 2026-07-28, whichever replica they reach."""
import contextlib
import json
import shutil

import talk
from fleet import NAMES, until


def run(checks, fleet):
    contracts(checks, fleet)
    doors(checks, fleet)
    calls(checks, fleet)
    streams(checks, fleet)
    cancellation(checks, fleet)


def contracts(checks, fleet):
    """Replicas that started at once from an empty schemas directory; and once more."""
    with checks.of("replicas", "agree on their tools"):
        lists = [talk.Modern(replica.address).ask("tools/list", {}) for replica in fleet.replicas.values()]
        assert [tool["name"] for tool in lists[0]["tools"]] == ["health", *sorted(
            f"steady__{name}" for name in ("ask", "steps", "wait", "work"))], lists[0]
        assert lists[0]["tools"] == lists[1]["tools"] == lists[2]["tools"], lists
    with checks.of("replicas", "run no plugin at their second start"):
        contract = (fleet.scratch / "schemas" / "steady.json").read_bytes()
        assert fleet.stop() == [0, 0, 0]
        before = fleet.notes()
        assert any(line.startswith("run --help") for line in before), before
        fleet.start()
        asked = [replica.figure("smcp_plugins_asked_total") for replica in fleet.replicas.values()]
        assert asked == [0, 0, 0] and fleet.notes() == before, (asked, fleet.notes()[len(before):])
        assert (fleet.scratch / "schemas" / "steady.json").read_bytes() == contract
    until("all replicas are back", lambda: all_answer(fleet))


def all_answer(fleet):
    """Whether the proxy leads to each replica; while it does not know any, it says 503."""
    with contextlib.suppress(talk.Refused):
        client = talk.Modern(fleet.address)
        return {client.call("work", {"id": "who"})["replica"] for _ in range(9)} == set(NAMES)


def doors(checks, fleet):
    with checks.of("guard", "asks for the key and knows the name behind the proxy"):
        for key, host, status in ((None, talk.HOST, 401), ("wrong", talk.HOST, 401), (talk.KEY, "evil.example", 403)):
            try:
                talk.Modern(fleet.address, key, host).ask("tools/list", {})
            except talk.Refused as refused:
                assert refused.status == status, refused
            else:
                raise AssertionError(f"{key} {host} is let in")
    with checks.of("guard", "says without a key how it is, and nothing else"):
        assert talk.Client(fleet.address, None).get("/health") == {"status": "healthy"}
        known = talk.Client(fleet.address).get("/health")
        assert known["plugin_names"] == ["steady"], known


def calls(checks, fleet):
    with checks.of("calls", "reach every replica over one connection"):
        client = talk.Modern(fleet.address)
        replicas = {client.call("work", {"id": f"call-{n}"})["replica"] for n in range(9)}
        assert replicas == set(NAMES), replicas
        assert all(fleet.noted("run", "work", f"--id=call-{n}") == 1 for n in range(9)), fleet.notes()
    with checks.of("calls", "that ask are answered at other replicas"):
        for n in range(3):
            client, found, more = talk.Modern(fleet.address), None, {}
            for word in ("one", "two", "three"):
                found = client.call("ask", {"id": f"ask-{n}"}, **more)
                assert found["resultType"] == "input_required", found
                answer = {"action": "accept", "content": {"word": word}}
                more = {"inputResponses": {"word": answer}, "requestState": found["requestState"]}
            found = client.call("ask", {"id": f"ask-{n}"}, **more)
            assert found["words"] == ["one", "two", "three"], found


def streams(checks, fleet):
    with checks.of("streams", "pass on progress at once"):
        for n in range(3):
            file = fleet.scratch / f"go-{n}"
            client = talk.Modern(fleet.address)
            call = talk.tool_of("steps", {"id": f"steps-{n}", "file": str(file)})
            response = client.begin("tools/call", call, {"progressToken": "t"})
            with client.stream(response) as stream:
                messages = stream.messages()
                # The program goes on only when its first step has been told.
                first = next(messages)
                assert first["params"] == {"progressToken": "t", "progress": 1, "total": 2, "message": "1/2"}, first
                file.touch()
                rest = list(messages)
                assert rest[0]["params"]["progress"] == 2 and len(rest) == 2, rest
                assert talk.result(rest[1])["structuredContent"]["id"] == f"steps-{n}", rest
    with checks.of("streams", "tell subscribers at each replica of a plugin that comes and goes"):
        with contextlib.ExitStack() as stack:
            told = []
            # As many as lead to each replica, since those with the fewest connections come first.
            for _ in NAMES:
                client = talk.Modern(fleet.address)
                response = client.begin("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
                told.append(stack.enter_context(client.stream(response)).messages())
                assert next(told[-1])["method"] == "notifications/subscriptions/acknowledged"
            new = fleet.plugins / "new"
            shutil.copytree(fleet.plugins / "steady", new)
            for messages in told:
                assert next(messages)["method"] == "notifications/tools/list_changed"
            names = [json.dumps(talk.Modern(replica.address).ask("tools/list", {})) for replica in fleet.replicas.values()]
            assert all("new__work" in text for text in names), names
            shutil.rmtree(new)
            for messages in told:
                assert next(messages)["method"] == "notifications/tools/list_changed"


def cancellation(checks, fleet):
    for form in ("text/event-stream", "application/json"):
        with checks.of("cancellation", f"of a client that hangs up, waiting for {form}"):
            client, name = talk.Modern(fleet.address), f"hang-up-{form[-6:]}"
            client.headers["Accept"] = form
            client.send(*client.message("tools/call", talk.tool_of("wait", {"id": name})))
            until("the call runs", lambda: fleet.noted("waits", name))
            client.drop()
            until("the call is ended", lambda: fleet.noted("ended", name))
