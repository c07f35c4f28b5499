"""Commands that behave badly, each in its own way, for the tests beside this file."""
import argparse
import os
import signal
import sys
import time


def hang(args):
    """Never ends. Leaves a word when it begins, beside the directory of plugins."""
    open("../../begun", "w").close()
    time.sleep(10000)


def deaf(args):
    """Never ends, and ignores SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(10000)


def daemon(args):
    """Ends, and leaves a process in its group that keeps both streams."""
    if os.fork() == 0:
        time.sleep(10000)
    print("left one behind", flush=True)
    os._exit(0)


def flood(args):
    """Prints a gigabyte."""
    part = b"x" * (1 << 20)
    for _ in range(1024):
        os.write(1, part)


def silent(args):
    """Prints nothing."""


def close(args):
    """Closes both streams long before it ends."""
    os.close(1)
    os.close(2)
    time.sleep(1)


def noise(args):
    """Fills standard error, then says that all is well."""
    for _ in range(64):
        os.write(2, b"x" * (1 << 20))
    print("well")


def torn(args):
    """Kills itself in the middle of a line."""
    os.write(1, b'{"half": ')
    os.kill(os.getpid(), signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser(description="Behaves badly.")
    commands = parser.add_subparsers(dest="command", required=True)
    for run in (hang, deaf, daemon, flood, silent, close, noise, torn):
        commands.add_parser(run.__name__, help=run.__doc__, description=run.__doc__).set_defaults(run=run)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    sys.exit(main())
