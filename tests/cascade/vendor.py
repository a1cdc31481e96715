"""A small real HTTP server that speaks as a paid service does: chat, transcription, speech."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Vendor:
    """What it answers, and what it was asked."""

    words: list[str] = field(default_factory=lambda: ["Good ", "morning. ", "How are ", "you?"])
    """The chat answer, piece by piece."""
    pause_before: int = -1
    """At this piece it waits until `go_on` is set."""
    finish_reason: str = "stop"
    broken_stream: str = ""
    """An error inside the good stream, after the words."""
    status: int = 200
    error: str = "no such thing"
    headers: str = ""
    transcript: str = "what the user said"
    sound: bytes = bytes(9600)
    models: list[str] = field(default_factory=lambda: ["nomic-embed-text", "tiny-chat"])
    raw: bytes = b""
    """Instead of any HTTP."""
    silent: bool = False
    url: str = ""
    asked: list[Request] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await _read(reader)
            self.asked.append(request)
            await self._answer(request, reader, writer)
        writer.close()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.silent:
            await reader.read()
        elif self.raw:
            writer.write(self.raw)
        elif self.status != 200:
            self._head(writer, "application/json")
            writer.write(json.dumps({"error": {"message": self.error}}).encode())
        elif request.path.partition("?")[0].endswith("/models"):
            self._head(writer, "application/json")
            writer.write(json.dumps({"data": [{"id": name} for name in self.models]}).encode())
        elif request.path.endswith("/transcriptions"):
            self._head(writer, "application/json")
            writer.write(json.dumps({"text": self.transcript}).encode())
        elif request.path.endswith("/speech"):
            self._head(writer, "audio/pcm")
            writer.write(self.sound)
        else:
            await self._chat(reader, writer)

    async def _chat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._head(writer, "text/event-stream")
        for place, word in enumerate(self.words):
            if place == self.pause_before:
                await self._wait(reader)
            await _event(writer, {"choices": [{"delta": {"content": word}}]})
        if self.broken_stream:
            await _event(writer, {"error": {"message": self.broken_stream}})
        last = {"choices": [{"delta": {}, "finish_reason": self.finish_reason}]}
        await _event(writer, last)
        writer.write(b"data: [DONE]\n\n")

    async def _wait(self, reader: asyncio.StreamReader) -> None:
        async with asyncio.TaskGroup() as group:
            gone = group.create_task(reader.read())
            told = group.create_task(self.go_on.wait())
            await asyncio.wait([gone, told], return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                self.hung_up.set()
            gone.cancel()
            told.cancel()

    def _head(self, writer: asyncio.StreamWriter, kind: str) -> None:
        head = f"HTTP/1.1 {self.status} Said\r\nContent-Type: {kind}\r\n{self.headers}"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())


async def _read(reader: asyncio.StreamReader) -> Request:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(first.split()[1], headers, body)


async def _event(writer: asyncio.StreamWriter, event: dict[str, Any]) -> None:
    writer.write(b"data: " + json.dumps(event).encode() + b"\n\n")
    await writer.drain()


@contextlib.asynccontextmanager
async def open_shop() -> AsyncIterator[Vendor]:
    """A vendor on a free port of the loopback."""
    vendor = Vendor()
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
    vendor.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield vendor
        vendor.go_on.set()
