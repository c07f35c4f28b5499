"""Commands that each say the token that they were given, once."""
import argparse
import sys
import time


def ok(token):
    """Says it at once."""
    print(token)


def fail(token):
    """Says it on standard error, and fails."""
    print(token, file=sys.stderr)
    sys.exit(3)


def slow(token):
    """Says it after a while."""
    time.sleep(0.5)
    print(token)


def hang(token):
    """Never says it."""
    time.sleep(10000)


def steps(token):
    """Tells its progress before it says it."""
    for step in range(1, 6):
        print("%d/5" % step, file=sys.stderr, flush=True)
        time.sleep(0.02)
    print(token)


def large(token):
    """Says it, then much else."""
    print(token)
    sys.stdout.write(("x" * 1023 + "\n") * 256)


def main():
    parser = argparse.ArgumentParser(description="Says tokens.")
    commands = parser.add_subparsers(dest="command", required=True)
    for run in (ok, fail, slow, hang, steps, large):
        command = commands.add_parser(run.__name__, help=run.__doc__, description=run.__doc__)
        command.add_argument("--token", required=True)
        command.set_defaults(run=run)
    args = parser.parse_args()
    args.run(args.token)


main()
