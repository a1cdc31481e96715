"""A server of tools by the official package, over stdio or HTTP; run as a program.

Usage: `stdio`, or `http PORT-FILE`.  Its tools do what a test needs: answer, fail, hang, die.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, EmbeddedResource, TextContent, TextResourceContents

server = MCPServer("files", log_level="ERROR")
PIXEL = bytes(3000)


@server.tool(name="read.file", title="Read")
def read_file(path: str) -> str:
    """Read a file."""
    return f"the text of {path}"


@server.tool()
def fail(why: str = "no reason") -> str:
    """Fail."""
    raise ToolError(why)


@server.tool()
async def hang() -> str:
    """Never answer."""
    await asyncio.sleep(600)
    return ""


@server.tool()
def die() -> str:
    """End the server in the middle of the call."""
    print("out of memory (key sk-canary-0123456789)", file=sys.stderr, flush=True)
    os._exit(3)


@server.tool()
def look() -> list[Any]:
    """A picture with words."""
    note = TextResourceContents(uri="file:///note", text="a note")
    return ["a black picture", Image(data=PIXEL, format="png"), EmbeddedResource(resource=note)]


@server.tool()
def long(size: int) -> CallToolResult:
    """Many words."""
    return CallToolResult(content=[TextContent(text="word " * size)])


@server.tool()
def environment() -> str:
    """The names of all variables, and the process."""
    return " ".join([str(os.getpid()), *sorted(os.environ)])


def serve_http(port_file: Path) -> None:
    import socket

    import uvicorn

    sock = socket.create_server(("127.0.0.1", 0))
    app = server.streamable_http_app()
    run = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    part = port_file.with_suffix(".part")
    part.write_text(str(sock.getsockname()[1]))
    part.rename(port_file)
    run.run(sockets=[sock])


if __name__ == "__main__":
    if sys.argv[1] == "http":
        serve_http(Path(sys.argv[2]))
    else:
        print("started", file=sys.stderr, flush=True)
        server.run("stdio")
