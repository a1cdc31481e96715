"""A call in a network of its own, where packets can be lost without harming anybody.

    unshare --map-root-user --net python -m tests.e2e.faults.apart drop talk

The road is broken by a packet filter (`drop`) or by taking the interface down (`down`), while the
user talks, types, or is silent (`talk`, `type`, `idle`).  Prints one JSON object: how long until
the loss was told, how long after the road was mended the call was ready again, and the rows.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.fakes.ga_server import GaServer
from tests.fakes.ga_signal import timecode
from tests.session.test_session import Call
from voicechat.errors import VoiceChatError
from voicechat.events import ReplyFinished, SessionReady

LONGEST_S = 60.0


def command(breaking: str, doing: str) -> list[str]:
    """Runs this module in a network of its own."""
    module = [sys.executable, "-m", "tests.e2e.faults.apart", breaking, doing]
    return ["unshare", "--map-root-user", "--net", *module]


def _run(*words: str) -> None:
    subprocess.run(words, check=True, timeout=20)


def _break(way: str, port: int) -> None:
    if way == "down":
        _run("ip", "link", "set", "lo", "down")
        return
    _run("nft", "add", "table", "inet", "road")
    _run("nft", "add", "chain", "inet", "road", "in", "{ type filter hook input priority 0; }")
    for side in ("sport", "dport"):
        _run("nft", "add", "rule", "inet", "road", "in", "tcp", side, str(port), "drop")


def _mend(way: str) -> None:
    if way == "down":
        _run("ip", "link", "set", "lo", "up")
    else:
        _run("nft", "delete", "table", "inet", "road")


async def _talk(one: Call) -> None:
    one.session.begin_turn()
    for number in range(10_000):
        one.session.speak(timecode(number % 50, 20))
        await asyncio.sleep(0.02)


async def _wait(holds: Callable[[], object]) -> float:
    """Until it is true, or too late; how long it took."""
    began = time.monotonic()
    while not holds() and time.monotonic() - began < LONGEST_S:
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def run(way: str, doing: str) -> dict[str, Any]:
    """Break the road of a call in the middle, mend it, and tell how that was."""
    async with GaServer() as server:
        one = Call(server, comes_back=True)
        one.start(stay=True)
        await one.wait_for_phase("ready")
        await one.answer("the first")
        _break(way, server.port)
        talking = asyncio.create_task(_talk(one)) if doing == "talk" else None
        if doing == "type":
            one.session.say("the second")
        told_s = await _wait(lambda: [e for e in one.told if isinstance(e, VoiceChatError)])
        await asyncio.sleep(3.0)  # It is tried in vain meanwhile.
        _mend(way)
        back_s = await _wait(lambda: len(one.of(SessionReady)) == 2)
        if talking is not None:
            talking.cancel()
            one.session.end_turn()
        if doing != "idle":
            await _wait(lambda: len(one.of(ReplyFinished)) == 2)
        rows = [row for row in one.rows() if row[0] != "note"]
        heard_ms = server.session.ears.turn_ms
        one.running.cancel()
        with suppress(asyncio.CancelledError, VoiceChatError):
            await one.running
    return {"told_s": told_s, "back_s": back_s, "rows": rows, "heard_ms": heard_ms}


def main() -> None:
    _run("ip", "link", "set", "lo", "up")
    print(json.dumps(asyncio.run(run(*sys.argv[1:]))))


if __name__ == "__main__":
    main()
