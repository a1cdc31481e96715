"""Words on stdout and stderr for those without a screen: each is there as soon as it is written."""

import io
import os
import sys
from dataclasses import dataclass, field
from typing import Any

from voicechat.errors import VoiceChatError
from voicechat.visible import visible_json


def allow_any_text() -> None:
    """Let no character that the locale's encoding lacks end the program."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def write(text: str) -> None:
    """Write to stdout, now.

    Raises:
        VoiceChatError: nobody reads it any more, or the disk is full; later text goes nowhere.
    """
    if sys.stdout is None:
        raise VoiceChatError("Cannot write to stdout: it is closed")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        raise VoiceChatError(f"Cannot write to stdout: {error.strerror}") from None


def write_json(fields: dict[str, Any]) -> None:
    """One object on one line of stdout; no character of it steers a terminal or hides.

    Raises:
        VoiceChatError: as `write`.
    """
    write(visible_json(fields) + "\n")


def complain(text: str) -> None:
    """One line on stderr."""
    print(f"voicechat: {text}", file=sys.stderr, flush=True)  # noqa: T201 - this is our output


@dataclass(slots=True)
class Page:
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
