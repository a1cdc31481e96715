"""The keyboard of a terminal that speaks the kitty protocol, as far as the program asked for it.

Flags stand on a stack of their own for each screen; what is not asked for is not told: without
event types a held key comes again and again, and its release never.
Source: https://sw.kovidgoyal.net/kitty/keyboard-protocol/.
"""

import re
from typing import Literal

DISAMBIGUATE, EVENT_TYPES, ALL_KEYS, TEXT = 1, 2, 8, 16
_FLAGS = re.compile(rb"\x1b\[([<>=])(\d*)(?:;(\d))?u")
_ALTERNATE = re.compile(rb"\x1b\[\?1049([hl])")
_CODES = {"space": 32, "enter": 13, "esc": 27, "tab": 9, "backspace": 127}
_LETTERS = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}

Kind = Literal[1, 2, 3]
PRESS: Kind = 1
REPEAT: Kind = 2
RELEASE: Kind = 3


class Flags:
    """What the program has asked for; one stack for each screen, its bottom the user's shell's."""

    def __init__(self) -> None:
        self._stacks: dict[bool, list[int]] = {False: [0], True: [0]}
        self._is_alternate = False

    @property
    def now(self) -> int:
        return self._stacks[self._is_alternate][-1]

    @property
    def left_on(self) -> bool:
        """Whether anything differs from how it was found."""
        return any(stack != [0] for stack in self._stacks.values())

    def take(self, sequence: bytes) -> str:
        """Obey one sequence; the answer to a question, else nothing."""
        stack = self._stacks[self._is_alternate]
        if sequence == b"\x1b[?u":
            return f"\x1b[?{self.now}u"
        if alternate := _ALTERNATE.fullmatch(sequence):
            self._is_alternate = alternate[1] == b"h"
        elif flags := _FLAGS.fullmatch(sequence):
            number = int(flags[2] or b"1")
            if flags[1] == b">":
                stack.append(int(flags[2] or b"0"))
            elif flags[1] == b"<":
                stack[-number:] = []
                stack[:] = stack or [0]
            else:
                stack[-1] = _set(stack[-1], int(flags[2] or b"0"), int(flags[3] or b"1"))
        return ""


def _set(flags: int, change: int, mode: int) -> int:
    return {1: change, 2: flags | change, 3: flags & ~change}[mode]


def kitty_bytes(key: str, kind: Kind, flags: int) -> bytes | None:
    """What the terminal sends for one event of a key; None: it has no word for it.

    `key` is a character, a name such as `space` or `up`, or `ctrl+` and a letter.  Terminals leave
    the type of a press away, or not: here a modified key says it, a plain one does not.
    """
    from tests.fakes.terminal import key_bytes

    if not flags & EVENT_TYPES and kind != PRESS:
        return None if kind == RELEASE else kitty_bytes(key, PRESS, flags)
    if not flags & ALL_KEYS:
        return key_bytes(key) if kind != RELEASE else None
    name, modifiers = (key[5:], 5) if key.startswith("ctrl+") else (key, 1)
    if name in _LETTERS:
        return f"\x1b[1;{modifiers}:{kind}{_LETTERS[name]}".encode()
    code = _CODES.get(name, ord(name) if len(name) == 1 else 0)
    if not code:
        raise ValueError(f"no such key: {key!r}")
    said = f";{code}" if flags & TEXT and kind != RELEASE and modifiers == 1 and code >= 32 else ""
    said = "" if code == _CODES["backspace"] else said
    how = "" if kind == PRESS and modifiers == 1 else f"{modifiers}:{kind}"
    return f"\x1b[{code};{how}{said}u".encode()
