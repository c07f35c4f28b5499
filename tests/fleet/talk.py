"""Clients of a fleet: of revision 2026-07-28, whose requests stand by themselves, and the two older kinds with sessions."""
import contextlib
import http.client
import itertools
import json

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
HOST = "mcp.example"
KEY = "correct-horse-battery"

# Seconds without a byte. Streams have a comment each 15 s.
SILENCE = 40

IDS = itertools.count(1)


class Refused(AssertionError):
    """An answer with another status than 200 or 202."""

    def __init__(self, status, body):
        super().__init__(f"status {status}: {body}")
        self.status, self.body = status, body


class Stream:
    """The events of a response, as they come."""

    def __init__(self, connection, response):
        self.connection, self.response = connection, response

    def __iter__(self):
        kind, data = "message", []
        while line := self.response.readline().decode():
            line = line.rstrip("\n")
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
            elif not line and data:
                yield kind, "\n".join(data)
                kind, data = "message", []

    def messages(self):
        return (json.loads(data) for kind, data in self if kind == "message")

    def close(self):
        # A response that is not read to its end keeps the socket open.
        self.response.close()
        self.connection.close()


class Client:
    """Sends requests to an address, in one connection at a time, which it keeps where it may."""

    def __init__(self, address, key=KEY, host=HOST):
        self.address, self.connection = address, None
        self.headers = {"Host": host, "Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if key:
            self.headers["X-API-Key"] = key

    def send(self, method, path, body=None, headers=None):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(*self.address, timeout=SILENCE)
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, {**self.headers, **(headers or {})})

    def request(self, *message):
        """One try: whoever repeats a call may have it run twice."""
        try:
            self.send(*message)
            return self.connection.getresponse()
        except Exception:
            self.drop()
            raise

    def drop(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def whole(self, response):
        """The body of a response, as JSON where it is."""
        text = response.read().decode()
        if response.will_close:
            self.drop()
        body = json.loads(text) if text and response.headers["Content-Type"].startswith("application/json") else text
        if response.status not in (200, 202):
            raise Refused(response.status, body)
        return body

    def get(self, path):
        return self.whole(self.request("GET", path))

    def stream(self, response):
        """The events of a response, whose connection is no longer ours."""
        if response.status != 200 or not response.headers["Content-Type"].startswith("text/event-stream"):
            raise Refused(response.status, self.whole(response))
        connection, self.connection = self.connection, None
        return contextlib.closing(Stream(connection, response))

    def answer(self, response):
        """The answer to a request, whichever form it has."""
        if response.headers["Content-Type"].startswith("text/event-stream"):
            with self.stream(response) as stream:
                return next(message for message in stream.messages() if "id" in message)
        return self.whole(response)


def request(method, params):
    return {"jsonrpc": "2.0", "id": next(IDS), "method": method, "params": params}


def result(answer):
    assert "result" in answer, answer
    assert not answer["result"].get("isError"), answer
    return answer["result"]


class Modern(Client):
    @staticmethod
    def message(method, params, meta=None):
        about = {"io.modelcontextprotocol/protocolVersion": MODERN,
                 "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}
        headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
        if "name" in params:
            headers["Mcp-Name"] = params["name"]
        return "POST", "/mcp", request(method, {**params, "_meta": {**about, **(meta or {})}}), headers

    def begin(self, method, params, meta=None):
        return self.request(*self.message(method, params, meta))

    def ask(self, method, params):
        return result(self.answer(self.begin(method, params)))

    def call(self, tool, arguments, **more):
        """What a program printed, or what it asks."""
        found = self.ask("tools/call", {**tool_of(tool, arguments), **more})
        return found.get("structuredContent", found)


def tool_of(tool, arguments):
    return {"name": f"steady__{tool}", "arguments": arguments}


def hello():
    about = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "fleet", "version": "1"}}
    return request("initialize", about)


class Session(Client):
    """Streamable HTTP as it was with sessions."""

    def __init__(self, address):
        super().__init__(address)
        self.open()

    def open(self):
        response = self.request("POST", "/mcp", hello())
        self.id = response.headers["Mcp-Session-Id"]
        result(self.answer(response))
        self.headers |= {"Mcp-Session-Id": self.id, "MCP-Protocol-Version": LEGACY}
        self.whole(self.request("POST", "/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"}))

    def reopen(self):
        """What a client does whose session is unknown."""
        del self.headers["Mcp-Session-Id"], self.headers["MCP-Protocol-Version"]
        self.open()

    def call(self, tool, arguments):
        answer = self.answer(self.request("POST", "/mcp", request("tools/call", tool_of(tool, arguments))))
        return result(answer)["structuredContent"]

    def replica(self):
        return self.id.split(".")[0]


class Sse(Client):
    """The older transport: what is posted to the session's address is answered on its stream."""

    def __init__(self, address):
        super().__init__(address)
        response = self.request("GET", "/sse")
        self.held = self.stream(response)
        self.events = iter(self.held.thing)
        kind, self.endpoint = next(self.events)
        assert kind == "endpoint", (kind, self.endpoint)
        self.tell(hello())

    def post(self, message):
        self.whole(self.request("POST", self.endpoint, message))

    def tell(self, message):
        """Posts a request, and waits for its answer."""
        self.post(message)
        for kind, data in self.events:
            if kind == "message" and json.loads(data).get("id") == message["id"]:
                return result(json.loads(data))
        raise AssertionError("the stream ended before the answer came")

    def call(self, tool, arguments):
        return self.tell(request("tools/call", tool_of(tool, arguments)))["structuredContent"]

    def replica(self):
        return self.endpoint.split("session_id=")[1].split(".")[0]
