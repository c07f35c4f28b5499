#!/usr/bin/env python3
"""A plugin of the predecessor's shape: subcommands, JSON on standard output, nothing else."""
import argparse
import json
import sys


def main():
    parser = argparse.ArgumentParser(description="Sample plugin")
    commands = parser.add_subparsers(dest="command", help="Available commands")
    command = commands.add_parser("my-command", help="Run my command")
    command.add_argument("--param", required=True, help="Required parameter")
    command.add_argument("--optional", default="default", help="Optional parameter")
    args = parser.parse_args()
    if args.command is None:
        parser.print_help()
        return 1
    print(json.dumps({"status": "success", "param": args.param, "optional": args.optional}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
