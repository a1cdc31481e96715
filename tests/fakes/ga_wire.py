"""The sending half of one connection: events in order, the script's noise, and all its bad ends."""

import asyncio
import itertools
import json
import socket
import struct
from typing import Any

from websockets.asyncio.server import ServerConnection

from tests.fakes.ga_accent import Accent
from tests.fakes.ga_log import WireLog
from tests.fakes.ga_script import EXPIRED, Script

JsonObject = dict[str, Any]
_AUDIO = ("response.output_audio.delta", "response.audio.delta")


class Breakable(ServerConnection):
    """A server's end of a connection that can misbehave at closing time."""

    attempt = 0
    """Number of the handshake, from 0."""
    is_deaf = False
    """Never answers a CLOSE frame."""

    def send_data(self) -> None:
        """Hold the answer to a CLOSE back when deaf."""
        if self.is_deaf and self.protocol.close_rcvd is not None:
            self.protocol.data_to_send()
            return
        super().send_data()


class Wire:
    """Sends for one connection; `gate` cleared means that nothing goes out for now."""

    def __init__(self, connection: Breakable, script: Script, log: WireLog, accent: Accent) -> None:
        self.number = connection.attempt
        self.gate = asyncio.Event()
        self.gate.set()
        self.connection = connection
        self._accent = accent
        self._script = script
        self._log = log
        self._names = itertools.count(1)
        self._sent = 0
        self._said_bytes: dict[str, int] = {}
        self._sending = asyncio.Lock()
        self._garbage = itertools.cycle(script.garbage)
        connection.is_deaf = script.deaf_to_close

    def new_id(self, prefix: str) -> str:
        """A name nobody has yet."""
        return f"{prefix}_{self.number}_{next(self._names):06d}"

    async def emit(self, kind: str, **fields: Any) -> None:
        """Send an event, in the provider's accent, with the script's noise before it."""
        event: JsonObject = {"type": kind, "event_id": self.new_id("event")} | fields
        async with self._sending:
            for each in self._accent.events(event):
                await self.gate.wait()
                if self._sent and self._script.garbage:
                    await self.send_raw(next(self._garbage))
                await self._send(each)

    async def _send(self, event: JsonObject) -> None:
        item = str(event.get("item_id", ""))
        self._log.message(self.number, "out", event, self._said_bytes.get(item, 0))
        if event["type"] in _AUDIO:
            size = len(event["delta"]) * 3 // 4 - event["delta"].count("=")
            self._said_bytes[item] = self._said_bytes.get(item, 0) + size
        await self.connection.send(_json(event))
        self._sent += 1
        if self._sent == self._script.close_after:
            await self.end(self._script.close_code, self._script.close_reason)

    async def send_raw(self, message: str | bytes) -> None:
        """Send anything."""
        self.note("raw", message=repr(message[:200]))
        await self.connection.send(message)

    def note(self, note: str, **data: Any) -> None:
        """Write down what is no message."""
        self._log.add(self.number, "note", note=note, **data)

    async def end(self, code: int, reason: str = "") -> None:
        """Close; 1006 ends the TCP connection without a close frame."""
        self.note("closing", code=code, reason=reason)
        if code == 1006:
            self.connection.transport.close()
        else:
            await self.connection.close(code, reason)

    async def reset(self) -> None:
        """Break the TCP connection with RST."""
        self.note("reset")
        sock = self.connection.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.transport.abort()
        await self.connection.wait_closed()

    async def expire(self, after_s: float = 0.0) -> None:
        """End the session as too old."""
        await asyncio.sleep(after_s)
        await self.emit("error", error=EXPIRED)
        await self.end(1001, str(EXPIRED["message"]))


def _json(event: JsonObject) -> str:
    """UTF-8 as the service sends it; a lone surrogate can only travel escaped."""
    text = json.dumps(event, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(event)
    return text
