"""What went over the wire, entry by entry, in memory and as JSON lines.

Each entry has `t` (`time.time()`), `conn` (number of the connection, from 0), `dir` and, mostly,
`type`.  `dir` is `in` or `out` for messages, `violation` for what the client should not have sent,
`refused` for what came at a bad moment (a race may excuse it), `note` for all else.  Sound and
pictures stand as counts of bytes.
"""

import json
import time
from pathlib import Path
from typing import Any

JsonObject = dict[str, Any]
_HEAVY = ("audio", "delta", "video_frame")
_SHORT = 200


class WireLog:
    """The log of one server."""

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[JsonObject] = []
        self._file = path.open("a", encoding="utf-8") if path else None

    def add(self, conn: int, direction: str, **data: Any) -> None:
        """Write an entry down, now."""
        entry = {"t": time.time(), "conn": conn, "dir": direction, **data}
        self.entries.append(entry)
        if self._file:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()

    def message(self, conn: int, direction: str, message: JsonObject) -> None:
        """Write a message down, its bytes as their count."""
        shown = {
            key: {"bytes": len(value) * 3 // 4} if key in _HEAVY and _is_long(value) else value
            for key, value in message.items()
        }
        self.add(conn, direction, type=message.get("type"), message=shown)

    def messages(self, kind: str = "", direction: str = "in") -> list[JsonObject]:
        """The messages of one type (or all), without their entries; `in` is from the client."""
        return [
            entry["message"]
            for entry in self.entries
            if entry["dir"] == direction and kind in ("", entry["type"])
        ]

    def directions(self, direction: str) -> list[JsonObject]:
        """The entries with this `dir`."""
        return [entry for entry in self.entries if entry["dir"] == direction]

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()


def _is_long(value: object) -> bool:
    return isinstance(value, str) and len(value) > _SHORT
