#!/usr/bin/env python3
"""A plugin whose directory, command and option all have dashes in their names."""
import argparse
import json

parser = argparse.ArgumentParser(description="Work on words")
commands = parser.add_subparsers(dest="command", required=True)
count = commands.add_parser("count-words", help="count the words of a text")
count.add_argument("--min-length", type=int, default=1, help="leave out shorter words")
count.add_argument("text")
args = parser.parse_args()
print(json.dumps({"words": sum(len(word) >= args.min_length for word in args.text.split())}))
