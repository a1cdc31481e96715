"""What a typed line asks for: a message, or an order that begins with a slash.

    /image PATH words     send a picture (or several), and words about it
    /screen words         send what the main screen shows
    /help  /quit
    //words               send the words with one slash before them
    PATH words            a picture that was dropped on the window: as /image, if it exists

A slash makes an order only with a single word of letters behind it: `/usr/bin`, `/5` and `/ ` are
sent as they are.  An order that is not known is told and not sent, since it is a slip as a rule.
The full-width ／ is a slash, and so is 、 before an order that is known: Chinese and Japanese input
methods have them on its key.

Reading a line is quiet; carrying an order out takes its time, beside the call.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeAlias

from voicechat.conversation.conversation import Row
from voicechat.front.pictures import (
    Picture,
    fetch_dropped,
    fetch_named,
    fetch_picture,
    fetch_screen,
)
from voicechat.front.pictures.paths import looks_dropped
from voicechat.session.session import Session


@dataclass(frozen=True, slots=True)
class Say:
    """A message for the model."""

    text: str


@dataclass(frozen=True, slots=True)
class ShowFile:
    """Pictures from files, and perhaps words about them."""

    line: str
    """Paths first, as people and terminals write them."""
    is_guess: bool = False
    """It only looks like pictures: where there are none, the line is a message."""


@dataclass(frozen=True, slots=True)
class ShowScreen:
    """What the main screen shows, and perhaps words about it."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Help:
    """Say what can be asked for."""


@dataclass(frozen=True, slots=True)
class Leave:
    """End the program."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """No order, and no message either: to be told, and nothing is sent."""

    key: str
    """Of the words that tell it."""
    values: dict[str, str] = field(default_factory=dict)
    """What is filled into them."""


Show: TypeAlias = ShowFile | ShowScreen
Order: TypeAlias = Say | Show | Help | Leave | Mistake

_ORDER = re.compile(r"/([A-Za-z?]+)(?=\s|$)")
_ORDERS: dict[str, Callable[[str], Order]] = {
    "image": lambda rest: ShowFile(rest) if rest else Mistake("order_image_alone"),
    "screen": ShowScreen,
    "help": lambda rest: Help(),
    "quit": lambda rest: Leave(),
}
_COMMA_ORDER = re.compile(r"、(?=[A-Za-z?？Ａ-Ｚａ-ｚ]+(?:\s|$))")
_FULL_WIDTH = re.compile(r"／[／A-Za-z?？Ａ-Ｚａ-ｚ]*")
_OTHER_NAMES = {"?": "help", "exit": "quit", "picture": "image", "screenshot": "screen"}


def read_order(line: str) -> Order:
    """What a typed line asks for; the disk is not asked."""
    line = _with_slash(line.strip())
    if line.startswith("//"):
        return Say(line[1:])
    found = _ORDER.match(line)
    name = found[1].lower() if found else ""
    name = _OTHER_NAMES.get(name, name)
    if found and name in _ORDERS:
        return _ORDERS[name](line[found.end() :].strip())
    if found:
        return _unknown(found[1])
    return ShowFile(line, is_guess=True) if looks_dropped(line) else Say(line)


def _with_slash(line: str) -> str:
    """The line as it is with a half-width slash and word, where an order may be meant."""
    if begun := _FULL_WIDTH.match(line):
        return unicodedata.normalize("NFKC", begun[0]) + line[begun.end() :]
    if _COMMA_ORDER.match(line):
        word, blank, rest = line[1:].partition(" ")
        name = unicodedata.normalize("NFKC", word).lower()
        if name in _ORDERS or name in _OTHER_NAMES:
            return f"/{name}{blank}{rest}"
    return line


def _unknown(word: str) -> Mistake:
    near = get_close_matches(word.lower(), [*_ORDERS, *_OTHER_NAMES], 1, 0.5)
    if near:
        return Mistake(
            "order_near", {"word": word[:20], "near": _OTHER_NAMES.get(near[0], near[0])}
        )
    return Mistake("order_unknown", {"word": word[:20]})


@dataclass(frozen=True, slots=True)
class Shown:
    """A row that an order made."""

    row: Row
    picture: Picture | None
    expects_answer: bool
    """Whether words went with it; a picture alone belongs to the next turn."""


async def carry_out(order: Show, session: Session) -> list[Shown]:
    """Fetch what was ordered and hand it to the session: all of it, or nothing.

    Returns:
        The rows, in order; empty where the model takes nothing of the kind.

    Raises:
        ConfigError: no such file, no picture, broken, too large, no screen.
    """
    if isinstance(order, ShowScreen):
        return _show(session, [await fetch_screen(session.picture_limits)], order.text)
    find = fetch_dropped if order.is_guess else fetch_named
    paths, words = await find(order.line)
    if not paths:
        row = session.say(order.line)
        return [Shown(row, None, expects_answer=True)] if row else []
    limits = session.picture_limits
    return _show(session, [await fetch_picture(path, limits) for path in paths], words)


def _show(session: Session, pictures: list[Picture], words: str) -> list[Shown]:
    """The words go with the last picture, so that one answer is for all of them."""
    shown: list[Shown] = []
    for picture in pictures:
        text = words if picture is pictures[-1] else ""
        if row := session.show(picture, text):
            shown.append(Shown(row, picture, expects_answer=bool(text.strip())))
    return shown
