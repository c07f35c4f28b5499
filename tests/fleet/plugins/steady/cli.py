#!/usr/bin/env python3
"""Programs that say where they ran, and leave a line for each run and each end in a file, so that none goes unnoticed."""
import argparse
import json
import os
import pathlib
import signal
import sys
import time

# Seconds; nobody waits so long, but should a test go wrong, no program is left.
LONGEST = 120


def note(*words):
    """Writes a line. Lines of several processes don't mix: each is one short write to the end."""
    with open(os.environ["FLEET_NOTES"], "a") as notes:
        notes.write(" ".join(words) + "\n")


def tell(args, **more):
    print(json.dumps({"id": args.id, "replica": os.environ["SMCP_REPLICA"], **more}))


def work(args):
    """Takes some time."""
    time.sleep(args.seconds)
    tell(args)


def steps(args):
    """Goes on to the second step once a file is there."""
    print("1/2", file=sys.stderr, flush=True)
    deadline = time.monotonic() + LONGEST
    while not pathlib.Path(args.file).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    print("2/2", file=sys.stderr, flush=True)
    tell(args)


def wait(args):
    """Waits to be ended."""
    def end(*_):
        note("ended", args.id)
        sys.exit(1)

    signal.signal(signal.SIGTERM, end)
    note("waits", args.id)
    time.sleep(LONGEST)


def ask(args):
    """Asks three times, and prints all that was answered; what it knows so far goes along as its state."""
    known = json.loads(os.environ.get("SMCP_REQUEST_STATE", "[]"))
    answers = json.loads(os.environ.get("SMCP_INPUT_RESPONSES", "{}"))
    known += [answers[key]["content"]["word"] for key in answers]
    if len(known) == 3:
        return tell(args, words=known)
    schema = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
    form = {"method": "elicitation/create", "params": {"message": "Which word?", "requestedSchema": schema}}
    print(json.dumps({"inputRequests": {"word": form}, "requestState": json.dumps(known)}))


def main():
    note("run", *sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run in (work, steps, wait, ask):
        command = commands.add_parser(run.__name__, help=run.__doc__, description=run.__doc__)
        command.add_argument("--id", required=True, help="what the run is called in notes")
        command.set_defaults(run=run)
        if run is work:
            command.add_argument("--seconds", type=float, default=0, help="how long it takes")
        if run is steps:
            command.add_argument("--file", required=True, help="what is waited for")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
