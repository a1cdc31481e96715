"""What went over the wire, entry by entry, in memory and as JSON lines.

Each entry has `t` (`time.time()`), `mono` (`time.monotonic()`), `conn` (number of the connection,
from 0), `dir` and, mostly, `type`.  `dir` is `in` or `out` for messages, `violation` for what the
client should not have sent, `refused` for what came at a moment when the service cannot take it (a
race may excuse it), `note` for all else.  Sound in a message stands as counts, never as bytes.
"""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.fakes.ga_signal import RATE, ms_of

JsonObject = dict[str, Any]


class WireLog:
    """The log of one server.

    `loud` is the |sample| from which input counts as sound, `rate` is in Hz of the input.
    """

    def __init__(self, path: Path | None = None, loud: int = 1000, rate: int = RATE) -> None:
        self.entries: list[JsonObject] = []
        self._loud = loud
        self._bytes_per_ms = rate * 2 / 1000
        self._file = path.open("a", encoding="utf-8") if path else None

    def add(self, conn: int, direction: str, **data: Any) -> JsonObject:
        """Write an entry down, now."""
        stamp = {"t": time.time(), "mono": time.monotonic()}
        entry = stamp | {"conn": conn, "dir": direction} | data
        self.entries.append(entry)
        if self._file:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
        return entry

    def message(self, conn: int, direction: str, message: JsonObject, total_bytes: int) -> None:
        """Write a message down; `total_bytes` (24 kHz) is the sound of its kind before it."""
        kind = message.get("type")
        if kind == "input_audio_buffer.append":
            message = message | {"audio": self._heard(message.get("audio"), total_bytes)}
        elif kind == "input_image_buffer.append":
            message = message | {"image": len(str(message.get("image")))}
        elif kind in ("response.output_audio.delta", "response.audio.delta"):
            message = message | {"delta": _said(message["delta"], total_bytes)}
        self.add(conn, direction, type=kind, message=message)

    def of(self, kind: str, direction: str = "in", conn: int | None = None) -> list[JsonObject]:
        """The messages of one type, without their entries; `dir` is `in`, from the client."""
        found = self._matching(kind, direction, conn)
        return [entry["message"] for entry in found]

    def directions(self, *directions: str) -> list[JsonObject]:
        """The entries with one of these `dir`."""
        return [entry for entry in self.entries if entry["dir"] in directions]

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()

    def _matching(self, kind: str, direction: str, conn: int | None) -> Iterator[JsonObject]:
        for entry in self.entries:
            right = entry["dir"] == direction and entry.get("type") == kind
            if right and conn in (None, entry["conn"]):
                yield entry

    def _heard(self, audio: Any, total_bytes: int) -> JsonObject | None:
        """`loud_at_ms`: offset in this message of its first loud sample, None if all is quiet."""
        try:
            pcm = base64.b64decode(audio, validate=True)
        except (TypeError, ValueError):
            return None
        samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.int32)
        loud = np.flatnonzero(np.abs(samples) >= self._loud)
        at_ms = float(loud[0]) * 2 / self._bytes_per_ms if loud.size else None
        ms = len(pcm) / self._bytes_per_ms
        return {
            "bytes": len(pcm),
            "ms": ms,
            "total_ms": ms_of(total_bytes) + ms,
            "loud_at_ms": at_ms,
        }


def _said(delta: str, total_bytes: int) -> JsonObject:
    size = len(base64.b64decode(delta))
    return {"bytes": size, "ms": ms_of(size), "total_ms": ms_of(total_bytes + size)}
