"""A server of tools by the official package, over stdio or HTTP; run as a program.

Usage: `stdio`, or `http PORT-FILE [PORT [CERTIFICATE]]`.  Its tools do what a test needs: answer,
fail, hang, die.
"""

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
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
def look() -> Any:
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


def serve_http(port_file: Path, port: int, certificate: str) -> None:
    sock = socket.create_server(("127.0.0.1", port))
    app = server.streamable_http_app()
    config = uvicorn.Config(app, log_level="critical", ssl_certfile=certificate or None)
    part = port_file.with_suffix(".part")
    part.write_text(str(sock.getsockname()[1]))
    part.rename(port_file)
    uvicorn.Server(config).run(sockets=[sock])


if __name__ == "__main__":
    if sys.argv[1] == "http":
        port_file, port, certificate = [*sys.argv[2:], *("", "0", "")[len(sys.argv) - 2 :]]
        serve_http(Path(port_file), int(port), certificate)
    else:
        print("started", file=sys.stderr, flush=True)
        server.run("stdio")
