"""Python package `mcp`, version 1: one job (see ../run) → what its client saw, as JSON."""
import asyncio
import contextlib
import json
import sys

from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


@contextlib.asynccontextmanager
async def streams(job):
    if job["transport"] == "sse":
        connection = sse_client(job["url"] + "/sse")
    elif job["transport"] == "http":
        connection = streamablehttp_client(job["url"] + "/mcp")
    else:
        program, *words = job["command"]
        connection = stdio_client(StdioServerParameters(command=program, args=words))
    async with connection as opened:
        yield opened[:2]


async def call(session, wanted):
    steps = []

    async def step(progress, total, message):
        steps.append([progress, total])

    listen = {"progress_callback": step} if wanted.get("progress") else {}
    try:
        result = await session.call_tool(wanted["name"], wanted["arguments"], **listen)
    except McpError as error:
        return {"error": {"code": error.error.code, "message": error.error.message}}
    return {**result.model_dump(mode="json", by_alias=True, exclude_none=True), "steps": steps}


def user(job):
    """Fills in a form that asks for a name, and no other."""
    async def answer(context, form):
        if "name" in form.requestedSchema["properties"]:
            return types.ElicitResult(action="accept", content={"name": job["name"]})
        return types.ElicitResult(action="decline")

    return answer


async def main(job):
    async with (
        streams(job) as (reading, writing),
        ClientSession(reading, writing, elicitation_callback=user(job)) as session,
    ):
        hello = await session.initialize()
        tools = (await session.list_tools()).tools
        print(json.dumps({
            "revision": hello.protocolVersion,
            "server": hello.serverInfo.name,
            "tools": [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools],
            "calls": {key: await call(session, wanted) for key, wanted in job["calls"].items()},
        }))


asyncio.run(main(json.loads(sys.argv[1])))
