#!/usr/bin/env python3
"""Arguments of every common kind, printed back as JSON; failures; progress on standard error."""
import argparse
import json
import os
import sys
import time


def echo(args):
    print(json.dumps(args, ensure_ascii=False))


def refuse(args):
    print("about to refuse", file=sys.stderr)
    print(json.dumps({"error": f"refused: {args['reason']}"}))
    return int(args["code"])


def crash(args):
    raise RuntimeError("the program broke")


def steps(args):
    for done in range(1, args["count"] + 1):
        print(f"{done}/{args['count']} done", file=sys.stderr, flush=True)
        time.sleep(0.05)
    print(json.dumps({"done": args["count"]}))


def greet(args):
    answers = os.environ.get("SMCP_INPUT_RESPONSES")
    if answers is None:
        schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
        asked = {"method": "elicitation/create", "params": {"message": "Who is it?", "requestedSchema": schema}}
        print(json.dumps({"inputRequests": {"who": asked}, "requestState": args["greeting"]}))
        return
    answer = json.loads(answers)["who"]
    print(json.dumps({"greeting": os.environ["SMCP_REQUEST_STATE"], "answer": answer["content"]}))


def main():
    parser = argparse.ArgumentParser(description="Arguments of every common kind")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("echo", help="print the arguments as JSON")
    command.add_argument("words", nargs="*", help="words, with spaces or dashes")
    command.add_argument("--count", type=int, default=1, help="how many (default: %(default)s)")
    command.add_argument("--ratio", type=float, help="a fraction")
    command.add_argument("--loud", action="store_true", help="speak up")
    command.add_argument("--tag", action="append", help="can be given several times")
    command.add_argument("--level", choices=["low", "high"], default="low", help="the level")
    command.set_defaults(run=echo)

    command = commands.add_parser("refuse", help="fail in an orderly way")
    command.add_argument("--reason", required=True, help="what to say")
    command.add_argument("--code", type=int, default=3, help="exit code")
    command.set_defaults(run=refuse)

    command = commands.add_parser("crash", help="fail with a traceback")
    command.set_defaults(run=crash)

    command = commands.add_parser("steps", help="tell progress on standard error")
    command.add_argument("count", type=int, help="how many steps")
    command.set_defaults(run=steps)

    command = commands.add_parser("greet", help="ask for a name and greet")
    command.add_argument("greeting", help="how to greet")
    command.set_defaults(run=greet)

    args = vars(parser.parse_args())
    return args.pop("run")(args)


if __name__ == "__main__":
    sys.exit(main())
