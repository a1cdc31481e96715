"""The kitty keyboard protocol: which keys repeat, and when they are let go.

Textual asks terminals for part of it and knows no release; what else they report once they are
asked would end its reader, as would numbers that are no character.  Here the reports become
messages, and a sequence that means nothing to anybody is dropped, not typed.  Ctrl and Alt go with
the key that a Latin keyboard has in that place, whatever the layout writes there.

Source: https://sw.kovidgoyal.net/kitty/keyboard-protocol/ (event types, progressive enhancement).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from textual import events
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.keys import Keys
from textual.message import Message

from voicechat.front.tui.terminal.keyboard_layouts import latin_key
from voicechat.front.tui.terminal.reports import ReportFilter

ASK_FOR_RELEASES = "\x1b[<99u\x1b[>31u\x1b[?u"
"""Ask for what Textual has asked for, event types and other layouts' codes as well, and which flags
hold now; a terminal without the protocol stays silent.  All that was asked for on the alternate
screen is taken back first: Textual takes back once, and a program that was killed there has left
its own behind."""
PATIENCE_S = 1.0
"""How long the rest of a sequence may take where a lone ESC is never the Escape key."""
_EVENT_TYPES, _ALL_KEYS = 2, 8
_REPEATED, _RELEASED = "2", "3"
_ALT_CTRL_SUPER = 2 | 4 | 8
_BLANKS = ("\u3000", "\xa0")
"""What the space bar types under input methods, and with Option on a Mac."""

_FLAGS = re.compile(r"\x1b\[\?(\d{1,4})u")
_KEY = re.compile(
    r"\x1b\[(?P<code>\d{0,7})(?::\d*)?(?::(?P<base>\d{0,7}))?(?::[\d:]*)?"
    r";(?P<modifiers>\d{0,4})(?::(?P<kind>\d?))?(?P<text>;[\d:]*)?(?P<end>[u~A-HPQS])"
)
_WHOLE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_MORE_TO_COME = ("\x1b[[", "\x1b[M")
"""The Linux console's function keys, and the oldest mouse reports."""
_LEFT_TO_TEXTUAL = re.compile(r"\x1b\[(?:<?[-\d;]+[mM]|\?\d+;\d\$y)")
"""Mouse and mode reports, which it understands a moment later."""


class RepeatedKey(events.Key):
    """A key that is held down and comes again; to be typed, not to be obeyed."""


RepeatedKey.handler_name = events.Key.handler_name


class KeyReleased(Message, bubble=False):
    """A key was let go; named without the modifiers of that moment."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class KeyboardAnswered(Message, bubble=False):
    """The terminal said how it reports keys."""

    def __init__(self, *, tells_release: bool) -> None:
        super().__init__()
        self.tells_release = tells_release
        self.key = ""  # Textual's reader looks at it, as if this were a key.


class KeysLost(Message, bubble=False):
    """For a while nobody listened: keys may have been let go meanwhile."""


class KeyReader(XTermParser):
    """Textual's reader of keys, with what it lacks."""

    def __init__(self) -> None:
        super().__init__()
        self._is_kitty = False
        self._reports = ReportFilter()

    @property
    def is_waiting(self) -> bool:
        """Whether what was read may go on, or have been a key by itself."""
        return self._timeout_time is not None or self._reports.is_waiting

    def feed(self, data: str) -> Iterable[Message]:
        """The messages in what was read, less the answers to questions of others."""
        if rest := self._reports.feed(data):
            yield from super().feed(rest)

    def tick(self) -> Iterable[Message]:
        """To be called when nothing came for a while."""
        if keys := self._reports.tick():
            yield from super().feed(keys)
        began = self._timeout_time
        if self._is_kitty and began is not None and get_time() < began + PATIENCE_S:
            return
        found = list(super().tick())
        if found:
            self._reports.note_keys()
        yield from found

    def _sequence_to_key_events(  # type: ignore[override]
        self, sequence: str, alt: bool = False
    ) -> Iterator[Message]:
        if not sequence.startswith("\x1b["):
            yield from map(_spaced, super()._sequence_to_key_events(sequence, alt))
        elif flags := _FLAGS.fullmatch(sequence):
            yield self._answered(int(flags[1]))
        elif key := _KEY.fullmatch(sequence):
            yield from self._read(key) or [_nothing(sequence)]
        else:
            found = self._decode(sequence)
            yield from found or [_nothing(sequence)] * _means_nothing(sequence)

    def _answered(self, flags: int) -> KeyboardAnswered:
        self._is_kitty = bool(flags & _ALL_KEYS)
        return KeyboardAnswered(tells_release=self._is_kitty and bool(flags & _EVENT_TYPES))

    def _read(self, key: re.Match[str]) -> list[Message]:
        """A key in the protocol's form, less what Textual would stumble over."""
        code, base, modifiers, kind, text, end = key.groups(default="")
        if end == "u" and not text and (int(modifiers or "1") - 1) & _ALT_CTRL_SUPER:
            code = latin_key(code, base)
        if kind == _RELEASED:
            return [KeyReleased(one.key) for one in self._decode(f"\x1b[{code}{end}")[:1]]
        found = self._decode(f"\x1b[{code};{modifiers}{text}{end}")
        if kind == _REPEATED:
            return [RepeatedKey(one.key, one.character) for one in found]
        return [*found]

    def _decode(self, sequence: str) -> list[events.Key]:
        try:
            found = list(super()._sequence_to_key_events(sequence))
        except (ValueError, OverflowError):  # Numbers that are no character.
            return []
        return [_spaced(one) for one in found if _is_whole(one.key)]


def _spaced(key: events.Key) -> events.Key:
    """The space bar by its name, whatever it types."""
    return events.Key("space", key.character) if key.character in _BLANKS else key


def _is_whole(name: str) -> bool:
    """Whether the key has a name, or is a character: no half of one, and no control."""
    return len(name) > 1 or unicodedata.category(name) not in ("Cc", "Cs")


def _nothing(sequence: str) -> events.Key:
    return events.Key(Keys.Ignore, sequence)


def _means_nothing(sequence: str) -> bool:
    """Whether it is whole, and no report that has no key: it would swallow what follows."""
    is_whole = _WHOLE.fullmatch(sequence) and sequence not in _MORE_TO_COME
    return bool(is_whole and not _LEFT_TO_TEXTUAL.fullmatch(sequence))
