"""The terminal's end of the screen: a slow, stopped or vanished terminal must not hold up the call.

Textual's driver waits for the terminal in `write`, once thirty frames are queued, and in `close`,
until the last of them is written; and it takes the end of the terminal, and bytes that are no
UTF-8, for a crash.  Here the application is asked to skip frames instead (`is_behind`), closing
waits only a moment, and a vanished terminal is what SIGHUP is: the user has gone.
"""

import io
import os
import select
import sys
import termios
from codecs import getincrementaldecoder
from contextlib import suppress
from queue import Full
from types import FrameType
from typing import Any

from textual.constants import DISABLE_KITTY_KEY
from textual.drivers.linux_driver import LinuxDriver

from voicechat.front.tui.terminal.keyboard import KeyboardParser
from voicechat.front.tui.terminal.kitty_graphics import NUMBERS, delete_picture, shows_pictures
from voicechat.front.tui.terminal.kitty_keys import ASK_FOR_RELEASES, KeysLost
from voicechat.front.tui.terminal.placements import Gallery

FRAMES_AHEAD = 8
"""Writes that may wait for the terminal before frames are skipped; the driver blocks at 30."""
LAST_WRITES_S = 0.4
LAST_KEYS_S = 0.05
TICK_S = 0.1
"""After so long without input a lone ESC is the Escape key."""
HUNG_UP = 129
"""128 + SIGHUP."""
_BACK_TO_NORMAL = (
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?2004l\x1b[?2048l\x1b[?1004l"
    b"\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h"
)
_NO_PICTURES = ("\x1b\\" + "".join(map(delete_picture, NUMBERS))).encode()
"""After the end of one that may have been sent in part only."""


class TerminalOutput(io.TextIOWrapper):
    """What is drawn on; once the terminal is gone, drawing does no harm."""

    def write(self, text: str, /) -> int:
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def open_terminal() -> TerminalOutput:
    """The terminal that stdout is, under a descriptor of its own."""
    raw = io.FileIO(os.dup(sys.__stdout__.fileno() if sys.__stdout__ else 1), "w")
    return TerminalOutput(io.BufferedWriter(raw), encoding="utf-8", errors="replace")


class TerminalDriver(LinuxDriver):
    """Textual's driver, made patient."""

    _is_suspended = _is_continuing = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._ended, self._end = os.pipe()
        """Readable when the keyboard shall be left alone: nobody has to look now and then."""
        self.gallery: Gallery | None = None
        """Where the terminal itself draws pictures, which takes colours as exact as a number."""
        if shows_pictures(os.environ) and self._app.console.color_system == "truecolor":
            self.gallery = Gallery(self.write, lambda: self.is_behind)

    @property
    def is_behind(self) -> bool:
        """Whether the terminal takes what is drawn more slowly than it is drawn."""
        writer = self._writer_thread
        return writer is not None and writer._queue.qsize() >= FRAMES_AHEAD  # noqa: SLF001

    @property
    def is_idle(self) -> bool:
        """Whether all that was drawn has been handed to the terminal."""
        writer = self._writer_thread
        return writer is None or writer._queue.empty()  # noqa: SLF001

    def _get_terminal_size(self) -> tuple[int, int]:
        """Of the window itself: COLUMNS and LINES may be another one's, or of another time."""
        for descriptor in (self.fileno, 1, 2):
            with suppress(OSError):
                size = os.get_terminal_size(descriptor)
                if size.columns and size.lines:
                    return size.columns, size.lines
        return 80, 25

    def start_application_mode(self) -> None:
        """Take the terminal over; whether it tells of keys let go, it says when it likes."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        writer = self._writer_thread
        if writer is not None and writer.is_alive() and not DISABLE_KITTY_KEY:
            self.write(ASK_FOR_RELEASES)
            self.flush()
        if self.gallery is not None and writer is not None and writer.is_alive():
            self.gallery.open()

    def stop_application_mode(self) -> None:
        """Give the terminal back, without our pictures: they would outlive the screen."""
        if self.gallery is not None:
            self.gallery.close()
        super().stop_application_mode()

    def close(self) -> None:
        """Let the last writes go out, unless the terminal takes nothing."""
        if self._writer_thread is None:
            return
        with suppress(Full):
            self._writer_thread._queue.put_nowait(None)  # noqa: SLF001
        self._writer_thread.join(LAST_WRITES_S)

    def disable_input(self) -> None:
        os.write(self._end, b".")
        super().disable_input()
        os.read(self._ended, 1)

    def run_input_thread(self) -> None:
        """Read until told to stop.

        Raises:
            OSError: the terminal is gone.
        """
        parser, decode = KeyboardParser(), getincrementaldecoder("utf-8")(errors="replace").decode
        is_ended = False
        while not is_ended:
            patience_s = TICK_S if parser.is_waiting else None
            readable, _, _ = select.select([self._ended, self.fileno], [], [], patience_s)
            if is_ended := self._ended in readable:  # What is typed right now is not to be lost.
                readable, _, _ = select.select([self.fileno], [], [], LAST_KEYS_S)
            if self.fileno in readable:
                data = os.read(self.fileno, 65536)
                if not data:
                    raise OSError("end of file")
                for message in parser.feed(decode(data)):
                    self.process_message(message)
            elif not is_ended:
                for message in parser.tick():
                    self.process_message(message)

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except OSError:  # EIO: there is no terminal any more.
            self._to_app(lambda: self._app.exit(return_code=HUNG_UP))
        except Exception as error:
            crash = error
            self._to_app(lambda: self._app._handle_exception(crash))  # noqa: SLF001

    def _to_app(self, call: Any) -> None:
        with suppress(RuntimeError):  # The loop is gone: it is ending already.
            self._loop.call_soon_threadsafe(call)

    # -- being stopped and continued --------------------------------------------------------------

    def suspend_application_mode(self) -> None:
        self._is_suspended = True
        super().suspend_application_mode()

    def resume_application_mode(self) -> None:
        self._is_suspended = False
        super().resume_application_mode()
        self._app.post_message(KeysLost())
        self._app.call_later(self._app.refresh)  # The screen is blank, which Textual cannot know.

    def _sigcont_application(self, *args: int | FrameType | None) -> None:
        """After SIGSTOP, which nobody can catch, the terminal must be taken leave of first.

        Another SIGCONT may come in the middle of it: taking the terminal over twice would mean to
        take our own settings for those of before.
        """
        if self._writer_thread is None or self._is_continuing:
            return
        self._is_continuing = True
        try:
            if not self._is_suspended:
                self.suspend_application_mode()
                self._must_signal_resume = True
            super()._sigcont_application(*args)
        finally:
            self._is_continuing = False


class Keeper:
    """Remembers how the terminal was, for an end in which nobody else can put it back."""

    def __init__(self) -> None:
        self._settings: list[Any] | None = None
        self._pictures = _NO_PICTURES if shows_pictures(os.environ) else b""
        with suppress(termios.error, OSError):
            self._settings = termios.tcgetattr(0)

    def put_back(self) -> None:
        """Make the terminal usable again; never waits for it."""
        with suppress(termios.error, OSError):
            if self._settings is not None:
                termios.tcsetattr(0, termios.TCSANOW, self._settings)
        with suppress(OSError):
            if select.select([], [1], [], 0)[1]:
                os.write(1, self._pictures + _BACK_TO_NORMAL)
