"""Python package `fastmcp`, version 4: one job (see ../run) → what its client saw, as JSON."""
import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport
from mcp import MCPError


def transport(job):
    if job["transport"] == "sse":
        return SSETransport(job["url"] + "/sse")
    if job["transport"] == "http":
        return StreamableHttpTransport(job["url"] + "/mcp")
    program, *words = job["command"]
    return StdioTransport(command=program, args=words)


async def call(client, wanted):
    steps = []

    async def step(progress, total, message):
        steps.append([progress, total])

    listen = {"progress_handler": step} if wanted.get("progress") else {}
    try:
        result = await client.call_tool_mcp(wanted["name"], wanted["arguments"], **listen)
    except MCPError as error:
        return {"error": {"code": error.error.code, "message": error.error.message}}
    return {**result.model_dump(mode="json", by_alias=True, exclude_none=True), "steps": steps}


def user(job):
    """Fills in a form that asks for a name, and no other."""
    async def answer(message, fields, form, context):
        if "name" in form.requested_schema["properties"]:
            return ElicitResult(action="accept", content={"name": job["name"]})
        return ElicitResult(action="decline")

    return answer


async def main(job):
    async with Client(transport(job), mode=job["mode"], elicitation_handler=user(job)) as client:
        tools = await client.list_tools()
        print(json.dumps({
            "revision": client.protocol_version,
            "server": client.server_info and client.server_info.name,
            "tools": [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools],
            "calls": {key: await call(client, wanted) for key, wanted in job["calls"].items()},
        }))


asyncio.run(main(json.loads(sys.argv[1])))
