#!/usr/bin/env python3
"""The program that all servers of the comparison serve."""
import argparse
import json

COMMANDS = 5


def parser():
    """The parser, as a bridge that imports it wants it."""
    parser = argparse.ArgumentParser(prog="measured", description="A program to measure with.")
    commands = parser.add_subparsers(dest="command", required=True)
    for n in range(COMMANDS):
        c = commands.add_parser(f"command{n}", help=f"does the thing number {n}", description="Does the thing.")
        c.add_argument("path", help="the file to work on")
        c.add_argument("--count", type=int, default=3, help="how often (default: %(default)s)")
        c.add_argument("--mode", choices=["fast", "slow", "careful"], help="how it is done")
        c.add_argument("--verbose", action="store_true", help="say more")
    return parser


if __name__ == "__main__":
    print(json.dumps(vars(parser().parse_args())))
