"""Twelve networks by name, as steps that a `FaultProxy` takes; all of them let a call go on later.

Where a profile troubles new connections only, it first cuts the ones there are.
"""

from dataclasses import dataclass, field
from typing import Any

PORTAL = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
    b"<html><head><title>Hotel \x1b[2J</title></head><body>Please [b]log in[/b].</body></html>"
)
"""A login page, with escapes and markup that nobody shall render."""


@dataclass(frozen=True, slots=True)
class Step:
    """One act, `at_s` after the beginning of the profile (or of its period)."""

    at_s: float
    act: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FaultProfile:
    """Steps in time; with a period they come again and again."""

    name: str
    steps: tuple[Step, ...] = ()
    period_s: float = 0.0
    trouble_s: float = 0.0
    """How long after its beginning there may be trouble; who lives through it has seen it all."""


def _weather(at_s: float, side: str = "both", **weather: Any) -> Step:
    return Step(at_s, "weather", {"side": side, "weather": weather})


def _cut(at_s: float, how: str = "rst") -> Step:
    return Step(at_s, "cut", {"how": how})


def _door(at_s: float, door: str, **options: Any) -> Step:
    return Step(at_s, "door", {"door": door, **options})


_ALL = (
    FaultProfile("good"),
    FaultProfile("wifi-jitter", (_weather(0, delay_ms=40, jitter_ms=30),)),
    FaultProfile(
        "mobile",
        (
            _weather(0, delay_ms=120, jitter_ms=80),
            _weather(5, is_stalled=True),
            _weather(7, is_stalled=False),
        ),
        period_s=60,
        trouble_s=8,
    ),
    FaultProfile("satellite", (_weather(0, delay_ms=600, jitter_ms=50),)),
    FaultProfile(
        "spiky",
        (_weather(10, is_stalled=True), _weather(20, is_stalled=False)),
        period_s=30,
        trouble_s=20,
    ),
    FaultProfile("thin", (_weather(0, rate=8_000),)),
    FaultProfile("flap", (_cut(20),), period_s=20, trouble_s=45),
    FaultProfile("half-open", (Step(1, "blackhole"),), trouble_s=45),
    FaultProfile(
        "slow-loris",
        (_weather(0, "down", drip_ms=100), _cut(0), _weather(12, "down", drip_ms=0)),
        trouble_s=30,
    ),
    FaultProfile("proxy-hang", (_door(0, "hang"), _cut(0), _door(12, "open")), trouble_s=30),
    FaultProfile(
        "captive", (_door(0, "answer", answer=PORTAL), _cut(0), _door(8, "open")), trouble_s=45
    ),
    FaultProfile("dead", (_door(0, "gone"), _cut(0), _door(8, "open")), trouble_s=40),
)
PROFILES: dict[str, FaultProfile] = {profile.name: profile for profile in _ALL}
