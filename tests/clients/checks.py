"""What every client has to see: the plugins beside this file, run as a person would run them, say what is right."""
import json
import os
import subprocess
import sys

UNKNOWN_TOOL = -32602

# The name that clients fill into the one form that asks for it; they decline all others.
NAME = "Zoë"

# The Inspector's exit code for a result with `isError`.
INSPECTOR_TOOL_ERROR = 5


ASKING = "call that asks the user"


class Expected:
    """The calls that each client makes, and the output of the same programs started without smcp."""

    TOOLS = [
        "health", "sample__my-command", "shapes__crash", "shapes__echo", "shapes__greet", "shapes__refuse", "shapes__steps",
        "word-tools__count-words",
    ]

    def __init__(self, plugins):
        self.plugins = plugins
        self.calls = {}
        self.outputs = {}
        odd = 'two words, "quotes", ünïcode 🦀, $HOME; --flag'
        self.add("call", "sample__my-command", {"param": odd, "optional": "-x"},
                 "sample", "my-command", f"--param={odd}", "--optional=-x")
        self.add("call with a default", "sample__my-command", {"param": "p"}, "sample", "my-command", "--param", "p")
        self.add("call by the dotted name", "sample.my-command", {"param": "p"}, "sample", "my-command", "--param=p")
        self.add("call with every kind of argument", "shapes__echo",
                 {"words": ["--loud", "b c", ""], "count": -2, "ratio": 0.5, "loud": True, "tag": ["x", "-y"],
                  "level": "high"},
                 "shapes", "echo", "--count=-2", "--ratio=0.5", "--loud", "--tag=x", "--tag=-y", "--level=high", "--",
                 "--loud", "b c", "")
        self.add("call of a tool with dashes", "word-tools__count-words", {"min_length": 3, "text": "a bcd efgh"},
                 "word-tools", "count-words", "--min-length=3", "a bcd efgh")
        self.add("call with progress", "shapes__steps", {"count": 3}, "shapes", "steps", "3")
        self.calls["call with progress"]["progress"] = True
        self.add(ASKING, "shapes__greet", {"greeting": "Hi"}, "shapes", "greet", "Hi",
                 SMCP_REQUEST_STATE="Hi",
                 SMCP_INPUT_RESPONSES=json.dumps({"who": {"action": "accept", "content": {"name": NAME}}}))
        self.calls["failing call"] = {"name": "shapes__refuse", "arguments": {"reason": "not today"}}
        self.calls["crashing call"] = {"name": "shapes__crash", "arguments": {}}
        self.calls["call without a required argument"] = {"name": "sample__my-command", "arguments": {}}
        self.calls["call with an unknown argument"] = {
            "name": "sample__my-command", "arguments": {"param": "p", "surplus": 1}}
        self.calls["call of an unknown tool"] = {"name": "sample__missing", "arguments": {}}
        self.calls["call of health"] = {"name": "health", "arguments": {}}

    def add(self, key, tool, arguments, plugin, *argv, **variables):
        self.calls[key] = {"name": tool, "arguments": arguments}
        done = subprocess.run([sys.executable, self.plugins / plugin / "cli.py", *argv], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True,
                              env={**os.environ, **variables})
        self.outputs[key] = done.stdout


def of_client(seen, revision, pinned, expected, calls):
    """What a client saw → each check with its fault, `None` where it is right."""
    yield "negotiates the revision", differs(seen.get("revision"), revision)
    # A client that is told the revision need not ask who the server is.
    if not (pinned and seen.get("server") is None):
        yield "knows the server", differs(seen.get("server"), "smcp")
    yield from of_tools(seen["tools"])
    for key in calls:
        yield key, of_call(key, seen["calls"][key], expected)


def of_tools(tools):
    yield "lists the tools", differs(sorted(tool["name"] for tool in tools), Expected.TOOLS)
    schemas = {tool["name"]: tool["inputSchema"] for tool in tools}
    yield "shows a schema", of_sample(schemas.get("sample__my-command", {}))
    yield "shows types", of_echo(schemas.get("shapes__echo", {}))
    yield "shows a tool without arguments", of_nothing(schemas.get("shapes__crash", {}))
    yield "describes every tool", differs([tool["name"] for tool in tools if not tool.get("description")], [])


def of_sample(schema):
    properties = schema.get("properties", {})
    return first(
        differs(schema.get("type"), "object"),
        differs(schema.get("required"), ["param"]),
        differs(schema.get("additionalProperties"), False),
        differs(sorted(properties), ["optional", "param"]),
        differs(properties.get("param", {}).get("type"), "string"),
        lacks(properties.get("param", {}).get("description"), "Required parameter"),
        lacks(properties.get("optional", {}).get("description"), "Optional parameter"),
    )


def of_echo(schema):
    properties = schema.get("properties", {})
    types = {name: one.get("type") for name, one in properties.items()}
    return first(
        differs(schema.get("required", []), []),
        differs(types, {"words": "array", "count": "integer", "ratio": "number", "loud": "boolean", "tag": "array",
                        "level": "string"}),
        differs(properties.get("level", {}).get("enum"), ["low", "high"]),
    )


def of_nothing(schema):
    known = {key: value for key, value in schema.items() if key in ("type", "additionalProperties")}
    return first(differs(known, {"type": "object", "additionalProperties": False}),
                 differs(schema.get("properties", {}), {}))


def of_call(key, seen, expected):
    if key == "call of an unknown tool":
        return differs(seen.get("error", {}).get("code"), UNKNOWN_TOOL)
    if "error" in seen:
        return f"answered with the error {seen['error']}"
    if key in expected.outputs:
        fault = of_output(seen, expected.outputs[key])
        return first(fault, of_steps(seen["steps"])) if key == "call with progress" else fault
    text = seen["content"][0]["text"]
    if key == "call of health":
        return of_health(text)
    says = {
        "failing call": "not today",
        "crashing call": "RuntimeError: the program broke",
        "call without a required argument": "param",
        "call with an unknown argument": "surplus",
    }
    return first(differs(seen.get("isError"), True), lacks(text, says[key]))


def of_output(seen, output):
    """The text is what the program printed, to the byte, and `structuredContent` is the same JSON."""
    return first(
        differs(seen.get("isError", False), False),
        differs([block["type"] for block in seen["content"]], ["text"]),
        differs(seen["content"][0].get("text"), output),
        differs(seen.get("structuredContent"), json.loads(output)),
    )


def of_steps(steps):
    values = [step[0] for step in steps]
    return first(
        None if len(values) >= 2 else f"{len(values)} steps of progress",
        differs(values, sorted(set(values))),
        differs(steps[-1] if steps else None, [3, 3]),
    )


def of_health(text):
    health = json.loads(text)
    return first(
        differs(health.get("status"), "healthy"),
        differs(health.get("plugins"), 3),
        differs(sorted(health.get("plugin_names", [])), ["sample", "shapes", "word-tools"]),
    )


def of_posts(out, expected):
    """The lines that seed_client.py prints."""
    lines = dict(line.split(": ", 1) for line in out.splitlines() if ": " in line)
    yield "initialize", differs(lines.get("server"), "smcp")
    yield "tools/list", differs(sorted(lines.get("tools", "").split(", ")), Expected.TOOLS)
    yield "tools/call of health", of_health(lines["health"]) if "health" in lines else "no answer"


class InspectorMethod:
    """One start of the Inspector's command line."""

    def __init__(self, what, words, key=None, code=0):
        self.what = what
        self.words = words
        self.key = key
        self.code = code

    def options(self, expected):
        if self.key is None:
            return self.words
        call = expected.calls[self.key]
        pairs = [f"{name}={text_of(value)}" for name, value in call["arguments"].items()]
        return [*self.words, "--tool-name", call["name"], *(["--tool-arg", *pairs] if pairs else [])]

    def fault(self, code, out, err, expected):
        try:
            answer = json.loads(out)
        except ValueError:
            return f"exit code {code}, it printed: {(out + err).strip()[-1000:]}"
        answer = answer.get("result", answer)
        if self.key is None:
            faults = [fault for _, fault in of_tools(answer["tools"])]
            return first(differs(code, self.code), differs(err.strip(), ""), *faults)
        return first(differs(code, self.code), of_call(self.key, {"steps": [], **answer}, expected))


def text_of(value):
    return value if isinstance(value, str) else json.dumps(value)


INSPECTOR_METHODS = [
    InspectorMethod("lists tools, no finding with --strict", ["--method", "tools/list", "--strict"]),
    InspectorMethod("call", ["--method", "tools/call"], "call with a default"),
    InspectorMethod("call with every kind of argument", ["--method", "tools/call"], "call with every kind of argument"),
    InspectorMethod("call of a tool with dashes", ["--method", "tools/call"], "call of a tool with dashes"),
    InspectorMethod("failing call", ["--method", "tools/call"], "failing call", code=INSPECTOR_TOOL_ERROR),
]


def differs(seen, right):
    return None if seen == right else f"{seen!r} instead of {right!r}"


def lacks(text, part):
    return None if text is not None and part in text else f"{text!r} does not say {part!r}"


def first(*faults):
    return next((fault for fault in faults if fault is not None), None)
