#!/usr/bin/env python3
"""PLUGIN_NAME: two commands to begin with. Each prints one JSON object; put your own in their place."""

import argparse
import json
import sys


def greet(arguments):
    """What `greet` answers."""
    text = f"{arguments.greeting}, {arguments.name}!"
    return {"text": text.upper() if arguments.loud else text}


def count(arguments):
    """What `count` answers."""
    words = [word for word in arguments.text.split() if len(word) >= arguments.min_length]
    if arguments.order == "length":
        words.sort(key=len)
    elif arguments.order == "alphabet":
        words.sort()
    return {"count": len(words), "words": words}


def build_parser():
    """The command line. Every help text is what a client is told of a tool or an argument."""
    parser = argparse.ArgumentParser(description="Two commands to begin with: a greeting and a count of words.")
    commands = parser.add_subparsers(dest="command", required=True, help="what to do")

    command = commands.add_parser("greet", help="greet somebody", description="Greet somebody by name.")
    command.add_argument("name", help="whom to greet")
    command.add_argument("--greeting", default="Hello", help="the words before the name (default: %(default)s)")
    command.add_argument("--loud", action="store_true", help="answer in capitals")
    command.set_defaults(run=greet)

    command = commands.add_parser("count", help="count words", description="Count the words of a text and list them.")
    command.add_argument("text", help="the text; words end at white space")
    command.add_argument("--min-length", type=int, default=1, metavar="LETTERS",
                         help="leave out words that are shorter (default: %(default)s)")
    command.add_argument("--order", choices=["text", "length", "alphabet"], default="text",
                         help="how the words are sorted (default: %(default)s)")
    command.set_defaults(run=count)
    return parser


def main():
    """Runs one command: its answer goes to standard output, what went wrong to standard error with exit status 1."""
    arguments = build_parser().parse_args()
    try:
        print(json.dumps(arguments.run(arguments), ensure_ascii=False))
    except (OSError, ValueError) as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
