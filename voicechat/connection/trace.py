"""The wire as JSON lines, both ways, for finding faults: secrets removed, sound only as its length.

    {"at": seconds since the start, "dir": "up" | "down" | "note", "message": {…}}

A log is for humans, a trace for machines: it can be made into a recorded conversation for a test.
Headers are never in it.  The file is plain ASCII, 0600, and complete at any moment.
"""

import binascii
import json
import os
import re
import stat
import time
from base64 import b64decode
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicechat.errors import ConfigError
from voicechat.text.clean import MASK, clean_line, mask_secrets
from voicechat.text.phrase import phrase

_SOUND_KEYS = ("audio", "data")
_SECRET_NAMES = re.compile(r"(?i)(authorization|password|.*api[-_]?key|(.*[-_])?(token|secret))")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{512,}={0,2}")
_MAX_RAW = 10_000
"""Characters kept of a message that is no JSON object."""


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One message of the wire."""

    at: float
    """Seconds since the trace began."""
    direction: str
    """`up` (to the model), `down` (from it) or `note`."""
    message: dict[str, Any]


class Trace:
    """Writes one trace; once it is open, nothing it meets disturbs the call.

    Args:
        path: Written anew; a file that is there is replaced.
        secrets: Texts that must not appear, besides whatever looks like a key.
        full: Keep the sound, as base64.

    Raises:
        ConfigError: The file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        secrets: Iterable[str] = (),
        *,
        full: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secrets = tuple(secrets)
        self._full = full
        self._clock = clock
        self._start = clock()
        self._is_torn = False
        try:
            self._file = _open_private(path)
        except (OSError, ValueError) as error:
            why = clean_line(getattr(error, "strerror", None) or phrase("not a file name"))
            where = clean_line(str(path))
            raise ConfigError(
                phrase("The trace {where} cannot be written ({why})", where=where, why=why)
            ) from error

    def record(self, direction: str, message: str | bytes) -> None:
        """Write one message of the wire; `direction` is `up` or `down`."""
        self._write(direction, self._readable(message))

    def note(self, text: str) -> None:
        """Write something that happened beside the wire."""
        self._write("note", {"text": mask_secrets(text, self._secrets)})

    def hide(self, secret: str) -> None:
        """From now on this text must not appear either."""
        self._secrets = (*self._secrets, secret)

    def close(self) -> None:
        """End the trace; what is recorded later is dropped."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _readable(self, message: str | bytes) -> dict[str, Any]:
        try:
            value = json.loads(message)
            redacted = self._redact(value, "", "")
        except (ValueError, RecursionError):
            return self._raw(message)
        return redacted if isinstance(redacted, dict) else {"raw": redacted}

    def _raw(self, message: str | bytes) -> dict[str, Any]:
        if isinstance(message, bytes):
            return {"bytes": len(message)}
        return {"raw": mask_secrets(message, self._secrets)[:_MAX_RAW], "characters": len(message)}

    def _redact(self, value: Any, key: str, kind: str) -> Any:
        if isinstance(value, dict):
            kind = str(value.get("type", ""))
            return {name: self._redact(part, name, kind) for name, part in value.items()}
        if isinstance(value, list):
            return [self._redact(part, key, kind) for part in value]
        if not isinstance(value, str):
            return value
        if _SECRET_NAMES.fullmatch(key):
            return MASK
        if _is_sound(value, key, kind):
            return value if self._full else {"bytes": _decoded_length(value)}
        return mask_secrets(value, self._secrets)

    def _write(self, direction: str, message: dict[str, Any]) -> None:
        if self._file < 0:
            return
        entry = {"at": round(self._clock() - self._start, 4), "dir": direction, "message": message}
        line = json.dumps(entry, separators=(",", ":")).replace("\x7f", "\\u007f") + "\n"
        data = ("\n" + line if self._is_torn else line).encode("ascii")
        with suppress(OSError):  # A full disk costs this line of the trace, not the call.
            self._is_torn = os.write(self._file, data) < len(data)


def _open_private(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    file = os.open(path, flags, 0o600)
    if os.name == "posix" and stat.S_ISREG(os.fstat(file).st_mode):
        with suppress(OSError):  # A file system without modes.
            os.fchmod(file, 0o600)  # It may have been there before, open to others.
    return file


def _is_sound(value: str, key: str, kind: str) -> bool:
    if key == "delta":
        return kind.endswith("audio.delta")
    return key in _SOUND_KEYS or _BASE64.fullmatch(value) is not None


def _decoded_length(value: str) -> int:
    try:
        return len(b64decode(value, altchars=b"-_" if "-" in value or "_" in value else None))
    except (binascii.Error, ValueError):
        return len(value) * 3 // 4


def read(path: Path) -> list[TraceEntry]:
    """Every readable line of a trace.

    Raises:
        ConfigError: The file is missing or cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        why = clean_line(error.strerror or phrase("unreadable"))
        where = clean_line(str(path))
        raise ConfigError(
            phrase("The trace {where} cannot be read ({why})", where=where, why=why)
        ) from error
    return [entry for line in lines if (entry := _entry(line)) is not None]


def _entry(line: bytes) -> TraceEntry | None:
    try:
        match json.loads(line):
            case {"at": int() | float() as at, "dir": str(direction), "message": dict(message)}:
                return TraceEntry(float(at), direction, message)
    except (ValueError, RecursionError):
        pass
    return None
