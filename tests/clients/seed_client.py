#!/usr/bin/env python3
"""Talks to smcp with plain HTTP posts: one JSON-RPC request each, the answer as the body."""
import sys

import httpx

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000"


def call(method, params=None, id=1):
    message = {"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}}
    return httpx.post(f"{BASE}/messages/", json=message).json()


hello = call("initialize", {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "my-client", "version": "1.0.0"},
}, id=1)
print("server:", hello["result"]["serverInfo"]["name"])

tools = call("tools/list", id=2)
print("tools:", ", ".join(tool["name"] for tool in tools["result"]["tools"]))

health = call("tools/call", {"name": "health", "arguments": {}}, id=3)
print("health:", health["result"]["content"][0]["text"])
