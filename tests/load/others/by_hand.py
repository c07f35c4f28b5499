"""The program's commands as tools of FastMCP, written by hand as its users do: `by_hand.py PYTHON PROGRAM PORT`."""
import asyncio
import sys
from typing import Literal

from fastmcp import FastMCP

PYTHON, PROGRAM, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
server = FastMCP("measured")


def add(command):
    async def tool(path: str, count: int = 3, mode: Literal["fast", "slow", "careful"] | None = None,
                   verbose: bool = False) -> str:
        """Does the thing."""
        words = [f"--count={count}", *([f"--mode={mode}"] if mode else []), *(["--verbose"] if verbose else [])]
        process = await asyncio.create_subprocess_exec(
            PYTHON, PROGRAM, command, *words, "--", path, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        out, err = await process.communicate()
        if process.returncode:
            raise RuntimeError(err.decode())
        return out.decode()

    server.tool(tool, name=f"measured__{command}")


for n in range(5):
    add(f"command{n}")
server.run(transport="http", host="127.0.0.1", port=PORT, show_banner=False, log_level="error")
