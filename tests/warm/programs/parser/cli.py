#!/usr/bin/env python3
"""Has a parser."""
import argparse
import json
import logging
import os

logging.basicConfig(level=logging.INFO)
parser = argparse.ArgumentParser(description=__doc__, fromfile_prefix_chars="@")
parser.add_argument("--version", action="version", version="%(prog)s 1.0")
parser.add_argument("--verbose", "-v", action="count", default=0)
commands = parser.add_subparsers(dest="command", required=True)
add = commands.add_parser("add", help="add numbers", aliases=["plus"])
add.add_argument("numbers", nargs="+", type=float)
add.add_argument("--round", type=int, choices=range(4))
fail = commands.add_parser("fail")
fail.add_argument("words", nargs=argparse.REMAINDER)
arguments = parser.parse_args()
logging.info("runs %s", arguments.command)
if arguments.command == "fail":
    parser.error("it fails " + " ".join(arguments.words))
print(json.dumps({**vars(arguments), "sum": sum(arguments.numbers), "input": os.environ.get("WARM_TEST_INPUT")}))
