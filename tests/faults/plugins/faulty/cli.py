"""Behaves badly, each command in its own way, for the tests beside this file.

In a directory of another name it is a program that behaves so when it is asked for help: `bad_hang/cli.py` hangs.
"""
import argparse
import os
import signal
import subprocess
import sys
import time

SLEEPER = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(10000)"]


def hang(args):
    """Never ends. Leaves a word when it begins."""
    begin()
    time.sleep(10000)


def deaf(args):
    """Never ends, and ignores SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    begin()
    time.sleep(10000)


def endless(args):
    """Prints for ever."""
    while True:
        os.write(1, b"and on\n" * 1000)


def grandchild(args):
    """Never ends, with a child that ignores SIGTERM and has a child that does."""
    nested = "import subprocess, sys, time; subprocess.Popen(%r); time.sleep(10000)" % (SLEEPER,)
    subprocess.Popen([sys.executable, "-c", nested])
    begin()
    time.sleep(10000)


def daemon(args):
    """Ends, and leaves a process in its group that keeps both streams."""
    if os.fork() == 0:
        time.sleep(10000)
    finish("left one behind")


def escape(args):
    """Ends, and leaves a process in a session of its own that writes for as long as anybody could read."""
    if os.fork() == 0:
        os.setsid()
        while True:
            os.write(1, b".")
            time.sleep(0.05)
    finish("left one behind")


def flood(args):
    """Prints a gigabyte."""
    part = b"x" * (1 << 20)
    for _ in range(1024):
        os.write(1, part)


def silent(args):
    """Prints nothing."""


def binary(args):
    """Prints bytes that are no text."""
    os.write(1, b"\x80\xff no text \x00\xfe" * 1000)


def close(args):
    """Closes both streams long before it ends."""
    os.close(1)
    os.close(2)
    time.sleep(1)


def noise(args):
    """Fills standard error, then says that all is well."""
    for _ in range(64):
        os.write(2, b"x" * (1 << 20))
    finish("well")


def torn(args):
    """Kills itself in the middle of a line."""
    os.write(1, b"usage: half [-h] [--na")
    os.kill(os.getpid(), signal.SIGKILL)


def crash(args):
    """Fails with a traceback."""
    raise RuntimeError("no luck today")


def vanish(args):
    """Takes its own file away, and goes on as if nothing had happened."""
    os.remove(__file__)
    finish("gone")


def change(args):
    """Writes its own file anew, each time."""
    with open(__file__, "a") as own:
        own.write("# %d\n" % time.time_ns())
    finish("changed")


def begin():
    """Leaves a word that it runs, beside the directory of plugins."""
    open("../../begun", "w").close()


def finish(said):
    """Ends well: with help where that is what it was asked for, else with what there is to say."""
    if FAULT:
        argparse.ArgumentParser(description=said).parse_args()
    print(said, flush=True)
    os._exit(0)


def steps(args):
    """Tells progress without end."""
    for step in range(1000000):
        print("step %d" % step, file=sys.stderr, flush=True)
        begin()
        time.sleep(0.02)


def echo(args):
    """Says what it is told, after a while."""
    time.sleep(args.after)
    print(args.text)


def large(args):
    """Prints so many kilobytes."""
    sys.stdout.write(("x" * 1023 + "\n") * args.size)


FAULTS = [
    hang, deaf, endless, grandchild, daemon, escape, flood, silent, binary, close, noise, torn, crash, vanish, change
]

NAME = os.path.basename(os.path.dirname(os.path.abspath(__file__)))
FAULT = next((run for run in FAULTS if NAME == "bad_" + run.__name__), None)


def main():
    parser = argparse.ArgumentParser(description="Behaves badly.")
    commands = parser.add_subparsers(dest="command", required=True)
    for run in FAULTS + [steps, echo, large]:
        command = commands.add_parser(run.__name__, help=run.__doc__, description=run.__doc__)
        command.set_defaults(run=run)
    commands.choices["echo"].add_argument("--text", default="well")
    commands.choices["echo"].add_argument("--after", type=float, default=0)
    commands.choices["large"].add_argument("--size", type=int, default=1024)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    sys.exit(FAULT(None) if FAULT else main())
