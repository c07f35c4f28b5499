#!/usr/bin/env python3
"""Asks back whom to greet."""
import argparse
import json
import os

arguments = argparse.ArgumentParser(description="Greets whom you name.")
arguments.add_argument("--loud", action="store_true", help="as loud as can be")
arguments = arguments.parse_args()
answers = json.loads(os.environ.get("SMCP_INPUT_RESPONSES", "{}"))
if "who" not in answers:
    schema = {"type": "object", "properties": {"name": {"type": "string", "title": "Name"}}, "required": ["name"]}
    print(json.dumps({"inputRequests": {"who": {"method": "elicitation/create", "params": {
        "message": "Who is <b>it</b>?", "requestedSchema": schema}}}}))
else:
    greeting = f"hello {answers['who']['content']['name']}" if answers["who"]["action"] == "accept" else "hello nobody"
    print(greeting.upper() if arguments.loud else greeting)
