"""Server-sent events as JSON objects (WHATWG HTML, 9.2), as loosely as services send them.

An answer that is one JSON object instead of a stream, and JSON lines without `data:` in the middle
of one (errors, as a rule), are events as well.
"""

import contextlib
import json
import re
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from voicechat.errors import ServiceError
from voicechat.text.phrase import phrase

_LONGEST = 64 * 2**20
_BLANKS = re.compile(rb"(?:\r?\n){3,}")
"""Two ends of a line end an event, and a million more do nothing."""
_FIELDS = (b"event:", b"id:", b"retry:", b":")


class EventReader:
    """Bytes in, JSON objects out."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data = b""
        """`data` of one event that is no JSON yet: the rest may come in the next line."""
        self._bare = b""
        """The same for lines that are no fields."""
        self.done = False
        """Whether the stream said that it is over."""

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """More bytes; the events that are whole now.

        Raises:
            ServiceError: It never ends a line.
        """
        *lines, rest = _BLANKS.sub(b"\n\n", data).split(b"\n")
        for line in lines:
            self._line += line
            whole, self._line = bytes(self._line), bytearray()
            yield from self._read(whole)
        self._line += rest
        if len(self._line) + len(self._data) + len(self._bare) > _LONGEST:
            raise ServiceError(phrase("The service sends a line without end"))

    def finish(self) -> Iterator[dict[str, Any]]:
        """The stream is over: the last line needs no end."""
        yield from self._read(bytes(self._line))
        self._line.clear()

    def _read(self, line: bytes) -> Iterator[dict[str, Any]]:
        line = line.strip(b"\r\xef\xbb\xbf")
        if self.done:
            return
        if line.startswith(b"data:"):
            yield from self._read_data(line[5:].strip())
        elif not line:
            self._data = b""
        elif not line.startswith(_FIELDS):
            yield from self._read_bare(line)

    def _read_data(self, data: bytes) -> Iterator[dict[str, Any]]:
        if data == b"[DONE]":
            self.done = True
            return
        for attempt in (data, self._data + b"\n" + data):
            with contextlib.suppress(ValueError, RecursionError):
                found = _objects(json.loads(attempt))
                self._data = b""
                yield from found
                return
        self._data += b"\n" + data

    def _read_bare(self, line: bytes) -> Iterator[dict[str, Any]]:
        self._bare += line + b"\n"
        if not line.rstrip(b" \t,").endswith((b"}", b"]")):
            return
        with contextlib.suppress(ValueError, RecursionError):
            found = _objects(json.loads(self._bare))
            self._bare = b""
            yield from found


def _objects(value: Any) -> list[dict[str, Any]]:
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries if isinstance(entry, dict)]


async def read_events(data: AsyncGenerator[bytes, None]) -> AsyncGenerator[dict[str, Any], None]:
    """The JSON objects of an answer, until `[DONE]` or its end."""
    reader = EventReader()
    async with contextlib.aclosing(data):
        async for piece in data:
            for event in reader.feed(piece):
                yield event
            if reader.done:
                return
        for event in reader.finish():
            yield event
