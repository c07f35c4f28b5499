"""Python package `mcp`, version 2: one job (see ../run) → what its client saw, as JSON."""
import asyncio
import json
import sys

from mcp import Client, MCPError, StdioServerParameters, types
from mcp.client.sse import sse_client


def target(job):
    if job["transport"] == "sse":
        return sse_client(job["url"] + "/sse")
    if job["transport"] == "http":
        return job["url"] + "/mcp"
    program, *words = job["command"]
    return StdioServerParameters(command=program, args=words)


async def call(client, wanted):
    steps = []

    async def step(progress, total, message):
        steps.append([progress, total])

    listen = {"progress_callback": step} if wanted.get("progress") else {}
    try:
        result = await client.call_tool(wanted["name"], wanted["arguments"], **listen)
    except MCPError as error:
        return {"error": {"code": error.error.code, "message": error.error.message}}
    return {**result.model_dump(mode="json", by_alias=True, exclude_none=True), "steps": steps}


def user(job):
    """Fills in a form that asks for a name, and no other."""
    async def answer(context, form):
        if "name" in form.requested_schema["properties"]:
            return types.ElicitResult(action="accept", content={"name": job["name"]})
        return types.ElicitResult(action="decline")

    return answer


async def main(job):
    async with Client(target(job), mode=job["mode"], elicitation_callback=user(job)) as client:
        tools = (await client.list_tools()).tools
        print(json.dumps({
            "revision": client.protocol_version,
            "server": client.server_info and client.server_info.name,
            "tools": [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools],
            "calls": {key: await call(client, wanted) for key, wanted in job["calls"].items()},
        }))


asyncio.run(main(json.loads(sys.argv[1])))
