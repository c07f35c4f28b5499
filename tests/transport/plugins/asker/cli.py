"""Commands that ask back, for the tests beside this file. Each run adds its process id to runs.txt in the directory."""
import argparse
import json
import os
import sys

ANSWERS = os.environ.get("SMCP_INPUT_RESPONSES")
STATE = os.environ.get("SMCP_REQUEST_STATE")


def ask(requests, state=None):
    print(json.dumps({"inputRequests": requests, "requestState": state}))


def form(message, properties):
    schema = {"type": "object", "properties": properties}
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


def name(args):
    """Asks for a name, with a state."""
    if ANSWERS is None:
        return ask({"who": form("Who?", {"name": {"type": "string"}})}, {"greeting": args.greeting})
    answer = json.loads(ANSWERS)["who"]
    greeting = json.loads(STATE)["greeting"]
    print(json.dumps({"greeting": greeting, "action": answer["action"], "content": answer.get("content")}))


def model(args):
    """Asks the model and for the roots, both at a time."""
    if ANSWERS is None:
        message = {"role": "user", "content": {"type": "text", "text": "6 * 7?"}}
        sampling = {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": 9}}
        return ask({"sum": sampling, "roots": {"method": "roots/list"}}, "text\u00e9")
    got = json.loads(ANSWERS)
    print(json.dumps({"said": got["sum"]["content"]["text"], "roots": got["roots"]["roots"], "state": STATE}))


def circle(args):
    """Asks again and again."""
    ask({"more": form("More?", {})}, int(STATE or 0) + 1)


def badly(args):
    """Asks in a form that MCP doesn't have."""
    print(json.dumps({"inputRequests": {"k": {"method": "elicitation/create", "params": {}}}}))


def page(args):
    """Asks the user to open a page."""
    if ANSWERS is None:
        params = {"mode": "url", "message": "Sign in.", "url": "https://example.com/in"}
        return ask({"in": {"method": "elicitation/create", "params": params}})
    print(ANSWERS)


def fields(args):
    """Asks with a form that not every revision has, or none."""
    choices = {"type": "string", "enum": ["a", "b"]}
    field = {
        "nested": {"type": "object", "properties": {}},
        "several": {"type": "array", "items": choices},
        "mode": choices,
        "huge": {"type": "string", "description": "x" * (1 << 20)},
    }[args.what]
    if ANSWERS is not None:
        return print(ANSWERS)
    request = form("Which?", {"f": field})
    if args.what == "mode":
        request["params"]["mode"] = "form"
    ask({"k": request})


def values(args):
    """Prints its arguments, and what it is part of."""
    names = ("TRACEPARENT", "TRACESTATE", "BAGGAGE")
    trace = {name: os.environ[name] for name in names if name in os.environ}
    more = {"trace": trace} if trace else {}
    print(json.dumps({"text": args.text, "number": args.number, "kind": args.kind, **more}))


def wipe(args):
    """Is confirmed before it runs."""
    print(json.dumps({"wiped": args.path}))


def grow(args):
    """Puts another program beside this one."""
    os.makedirs("../grown", exist_ok=True)
    with open("../grown/cli.py", "w") as program:
        program.write("import argparse\nargparse.ArgumentParser(description='New.').parse_args()\n")


def prompt(args):
    """Prints a prompt about what it asked for."""
    if ANSWERS is None:
        return ask({"topic": form("About what?", {"topic": {"type": "string"}})})
    print("Tell me about " + json.loads(ANSWERS)["topic"]["content"]["topic"])


def main():
    parser = argparse.ArgumentParser(description="Asks back.")
    commands = parser.add_subparsers(required=True)
    for run in (name, model, circle, badly, page, fields, values, wipe, grow, prompt):
        command = commands.add_parser(run.__name__, help=run.__doc__)
        command.set_defaults(run=run)
        if run is name:
            command.add_argument("--greeting", default="Hello")
        if run is fields:
            command.add_argument("what", choices=["nested", "several", "mode", "huge"])
        if run is values:
            command.add_argument("text")
            command.add_argument("--number", type=int, required=True)
            command.add_argument("--kind", choices=["a", "b"], required=True)
            command.add_argument("--more", action="append")
        if run is prompt:
            command.add_argument("--style", default="long")
        if run is wipe:
            command.add_argument("path")
    args = parser.parse_args()
    with open("runs.txt", "a") as runs:
        runs.write(f"{os.getpid()} {args.run.__name__}\n")
    args.run(args)


if __name__ == "__main__":
    sys.exit(main())
