"""Words on stdout and stderr for those without a screen: each is there as soon as it is written."""

import io
import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from voicechat.errors import VoiceChatError
from voicechat.text.phrase import phrase
from voicechat.text.visible import visible_json

STUCK_S = 0.5
"""How long the end of the program waits for whoever reads its words."""
_SAFE = 512
"""Characters that a pipe with any room takes without waiting (PIPE_BUF is 4096 bytes)."""
_stopped_at: float | None = None
"""When the program was told to end; None: it was not."""


def stop_waiting() -> None:
    """The program ends: from now on nothing is written to where nobody reads.

    Called from a signal handler, it may be in the middle of a write that waits for a reader; that
    goes on at the new place.
    """
    global _stopped_at
    _stopped_at = time.monotonic()
    for stream in (sys.stdout, sys.stderr):
        _has_room(stream)


def _has_room(stream: Any) -> bool:
    """Whether a stream takes more, in the time that is left; else it leads nowhere from now on."""
    assert _stopped_at is not None
    left_s = max(0.0, _stopped_at + STUCK_S - time.monotonic())
    try:
        number = stream.fileno()
        if select.select([], [number], [], left_s)[1]:
            return True
        _lead_nowhere(number)
    except (OSError, ValueError, AttributeError):
        return True  # No file of the system's: it does not wait.
    return False


def _lead_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def allow_any_text(*, as_json: bool = False) -> None:
    """Let no character that the locale's encoding lacks end the program; JSON is always UTF-8
    (RFC 8259), and so are then the lines that are read."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8" if as_json else None, errors="replace")


def keep_libraries_quiet() -> None:
    """From now on what C libraries (PortAudio, ALSA) print goes nowhere, and what we tell is told.

    They print on descriptor 2; and while PortAudio starts, which may take for ever, that leads
    nowhere anyway.  Our words get a descriptor of their own.
    """
    if not isinstance(sys.stderr, io.TextIOWrapper):
        return
    with suppress(OSError, ValueError):  # It is no file, or was closed before the start.
        sys.stderr.flush()
        own = os.dup(sys.stderr.fileno())
        encoding, errors = sys.stderr.encoding, sys.stderr.errors
        sys.stderr = os.fdopen(own, "w", buffering=1, encoding=encoding, errors=errors)
        _lead_nowhere(2)


def write(text: str) -> None:
    """Write to stdout, now.

    Raises:
        VoiceChatError: nobody reads it any more, or the disk is full; later text goes nowhere.
    """
    if sys.stdout is None:
        raise VoiceChatError(phrase("Cannot write to stdout: it is closed"))
    try:
        for piece in _pieces(text, sys.stdout):
            sys.stdout.write(piece)
            sys.stdout.flush()
    except OSError as error:
        _lead_nowhere(sys.stdout.fileno())
        text = phrase("Cannot write to stdout: {why}", why=error.strerror)
        raise VoiceChatError(text) from None


def _pieces(text: str, stream: Any) -> Iterator[str]:
    """All at once; at the end of the program only as much as is taken without waiting."""
    if _stopped_at is None:
        yield text
        return
    for start in range(0, len(text), _SAFE):
        if not _has_room(stream):
            return
        yield text[start : start + _SAFE]


def write_json(fields: dict[str, Any]) -> None:
    """One object on one line of stdout; no character of it steers a terminal or hides.

    Raises:
        VoiceChatError: as `write`.
    """
    write(visible_json(fields) + "\n")


def complain(text: str) -> None:
    """One line on stderr."""
    for piece in _pieces(f"voicechat: {text}\n", sys.stderr):
        print(piece, end="", file=sys.stderr, flush=True)  # noqa: T201 - this is our output


@dataclass(slots=True)
class TextPage:
    """The words of a conversation on stdout: what the user said stands between the replies."""

    _printed: dict[str, str] = field(default_factory=dict)
    """Of the reply that is being written: what stands there of each item."""
    _waiting: str = ""

    def write_reply(self, item_id: str, text: str, *, final: bool) -> None:
        """More of a reply; `final`: the whole of an item, of which a part may stand there."""
        if self._printed and item_id not in self._printed:
            write("\n")
        printed = self._printed.get(item_id, "")
        if not final:
            self._printed[item_id] = printed + text
            write(text)
        elif text.startswith(printed):
            self._printed[item_id] = text
            write(text[len(printed) :])

    def write_said(self, text: str) -> None:
        """The user's words, on a line of their own: after the reply that is being written."""
        self._waiting += f"> {text}\n"
        if not self._printed:
            self._write_waiting()

    def end_reply(self) -> None:
        """The reply is over; the next text begins a line."""
        if self._printed:
            write("\n")
        self._printed.clear()
        self._write_waiting()

    def _write_waiting(self) -> None:
        if self._waiting:
            write(self._waiting)
            self._waiting = ""
