#!/usr/bin/env python3
"""Arguments of every kind that a form has, printed back as JSON; progress, failure, and text that looks like markup."""
import argparse
import json
import os
import sys
import time


def every(args):
    print(json.dumps(args, ensure_ascii=False))


def fail(args):
    print("the disk is <b>full</b>", file=sys.stderr)
    return 3


def steps(args):
    print(f"process {os.getpid()}", file=sys.stderr, flush=True)
    for done in range(1, args["count"] + 1):
        print(f"{done}/{args['count']} steps", file=sys.stderr, flush=True)
        time.sleep(args["pause"])
    print(json.dumps({"done": args["count"]}))


def markup(args):
    print("<script>window.broken = 1</script><img src=x onerror='window.broken = 1'>", args["bold"])


def main():
    parser = argparse.ArgumentParser(description="Arguments of every kind.")
    parser.add_argument("--profile", default="main", help="whose settings count (default: %(default)s)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("every", help="print the arguments as JSON", description="Prints its arguments as JSON.")
    command.add_argument("name", help="a required word")
    command.add_argument("rest", nargs="*", help="more words, with spaces or dashes")
    command.add_argument("-c", "--count", type=int, default=3, help="how many")
    command.add_argument("--ratio", type=float, help="a fraction")
    command.add_argument("-v", "--verbose", action="count", help="say more")
    command.add_argument("--loud", action="store_true", help="speak up")
    command.add_argument("--colour", choices=["auto", "always", "never"], default="auto", help="when to use colours")
    command.add_argument("--size", nargs=2, type=int, metavar=("WIDTH", "HEIGHT"), help="width and height")
    command.add_argument("--tag", action="append", help="can be given several times")
    command.add_argument("--pair", action="append", nargs=2, metavar=("KEY", "VALUE"), help="a key and its value")
    command.add_argument("--log", nargs="?", const="-", metavar="FILE", help="where to log; alone: to the screen")
    either = command.add_mutually_exclusive_group()
    either.add_argument("--fast", action="store_true", help="be quick")
    either.add_argument("--careful", action="store_true", help="be slow")
    command.set_defaults(run=every)

    command = commands.add_parser("fail", help="end with an error")
    command.set_defaults(run=fail)

    command = commands.add_parser("steps", help="tell progress on standard error")
    command.add_argument("count", type=int, help="how many steps")
    command.add_argument("--pause", type=float, default=0.05, help="seconds for each")
    command.set_defaults(run=steps)

    command = commands.add_parser("markup", help="print <img src=x onerror='window.broken = 1'>")
    command.add_argument("--<b>bold", metavar="<img src=x onerror='window.broken = 1'>", dest="bold",
                         help="</pre><script>window.broken = 1</script>")
    command.set_defaults(run=markup)

    args = vars(parser.parse_args())
    return args.pop("run")(args)


if __name__ == "__main__":
    sys.exit(main())
