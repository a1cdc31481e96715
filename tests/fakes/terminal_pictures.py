"""What a terminal holds that draws pictures in placeholders: kitty's graphics protocol, strictly.

Source: https://sw.kovidgoyal.net/kitty/graphics-protocol/
"""

import base64
import re
import zlib
from dataclasses import dataclass, field

_COMMAND = re.compile(rb"\x1b_G([^;\x1b]*)(?:;([A-Za-z0-9+/=]*))?\x1b\\")
_KEYS = {
    "t": {"a", "t", "f", "o", "s", "v", "i", "q", "m"},
    "p": {"a", "U", "i", "p", "c", "r", "q"},
    "d": {"a", "d", "i", "q"},
}


@dataclass(frozen=True, slots=True)
class Held:
    """A picture: three bytes a pixel."""

    width: int
    height: int
    rgb: bytes


@dataclass(slots=True)
class Wall:
    """Feed it what was written; what breaks the protocol, or asks for an answer, is an error."""

    pictures: dict[int, Held] = field(default_factory=dict)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Columns and lines that a picture is stretched over."""
    sent: list[int] = field(default_factory=list)
    """The number of every picture that came."""
    _begun: dict[str, str] = field(default_factory=dict)
    _data: str = ""

    def feed(self, raw: bytes) -> None:
        """All commands in it; anything else is passed over."""
        for control, payload in _COMMAND.findall(raw):
            keys = dict(pair.split("=") for pair in control.decode().split(","))
            assert keys["q"] == "2", f"it would be answered: {control}"
            if self._begun:
                assert set(keys) == {"q", "m"}, f"in the middle of a picture: {control}"
            else:
                assert set(keys) <= _KEYS[keys["a"]], control
            self._take(keys, payload.decode())

    def _take(self, keys: dict[str, str], payload: str) -> None:
        action = (self._begun or keys)["a"]
        if action == "t":
            self._take_part(keys, payload)
        elif action == "p":
            assert keys["U"] == "1" and int(keys["i"]) in self.pictures
            self.places[int(keys["i"])] = int(keys["c"]), int(keys["r"])
        else:
            assert keys["d"] == "I"
            self.pictures.pop(int(keys["i"]), None)
            self.places.pop(int(keys["i"]), None)

    def _take_part(self, keys: dict[str, str], payload: str) -> None:
        self._begun = self._begun or keys
        is_last = keys["m"] == "0"
        assert 0 < len(payload) <= 4096 and (is_last or len(payload) % 4 == 0)
        self._data += payload
        if is_last:
            first, self._begun = self._begun, {}
            rgb = zlib.decompress(base64.b64decode(self._data, validate=True))
            self._data = ""
            held = Held(int(first["s"]), int(first["v"]), rgb)
            assert first["f"] == "24" and len(rgb) == held.width * held.height * 3
            self.pictures[int(first["i"])] = held
            self.sent.append(int(first["i"]))


def hung_on(raw: bytes) -> Wall:
    """What the terminal holds after all this."""
    wall = Wall()
    wall.feed(raw)
    return wall
