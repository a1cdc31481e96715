"""More than anybody can read or hear: the screen lives, the disk keeps all, memory is bounded."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.asyncio.server import ServerConnection

from tests.e2e.screen.conftest import Serve, Service, Stage
from tests.e2e.screen.test_talk import saved
from tests.fakes.terminal import Terminal, check_after

pytestmark = pytest.mark.terminal
MIB = 1024 * 1024
PER_S = 10_000
"""Pieces of text, as far as the machine gets that far."""


PER_REPLY = 5_000


def flood(service: Service, seconds: float, per_reply: int = PER_REPLY) -> int:
    """Replies of one-word pieces, as fast as they are taken; how many pieces that was."""
    (session,) = service.server.sessions[-1:]
    work = _flood(session._connection, seconds, per_reply)
    return asyncio.run_coroutine_threadsafe(work, service._loop).result(seconds + 120)


async def _flood(connection: ServerConnection, seconds: float, per_reply: int) -> int:
    start, count = time.monotonic(), 0
    while (past := time.monotonic() - start) < seconds or count % per_reply:
        if count < past * PER_S:
            for message in _messages(count, per_reply):
                await connection.send(json.dumps(message))
            count += 1
        else:
            await asyncio.sleep(0.001)
    return count


def _messages(number: int, per_reply: int) -> Iterator[dict[str, Any]]:
    """A word, and the begin and the end of its reply if it is the first or last there."""
    reply_id = f"resp_flood_{number // per_reply}"
    ids = {"response_id": reply_id, "item_id": f"item_{reply_id}", "content_index": 0}
    if number % per_reply == 0:
        yield {"type": "response.created", "response": {"id": reply_id, "status": "in_progress"}}
    yield {"type": "response.output_text.delta", "delta": f"w{number} ", **ids}
    if number % per_reply == per_reply - 1:
        done = {"id": reply_id, "status": "completed", "output": []}
        yield {"type": "response.done", "response": done}


class Memory:
    """How much the program holds, and how much at most."""

    def __init__(self, terminal: Terminal) -> None:
        self._status = Path(f"/proc/{terminal.pid}/status")
        self._process = psutil.Process(terminal.pid)
        self.before = self.now

    @property
    def now(self) -> float:
        """MiB."""
        return float(self._process.memory_info().rss) / MIB

    @property
    def peak(self) -> float:
        """MiB, since the start."""
        lines = dict(line.split(":", 1) for line in self._status.read_text().splitlines())
        return float(lines["VmHWM"].split()[0]) / 1024


@pytest.mark.long
@pytest.mark.fault("P24", "X06")
@pytest.mark.parametrize(
    ("seconds", "per_reply"), [(2, PER_REPLY), (60, PER_REPLY), (60, 100 * PER_REPLY)]
)
@pytest.mark.timeout(300)
def test_a_flood_of_words_is_shown_kept_and_gone_again(
    stage: Stage, serve: Serve, seconds: int, per_reply: int
) -> None:
    service = serve("normal")
    terminal = stage.start("--text", *service.options)
    terminal.wait_for("- ready")
    memory = Memory(terminal)
    count = flood(service, seconds, per_reply)
    terminal.wait_for(f"w{count - 1}", timeout_s=60 + seconds)
    terminal.type_text("still here")
    terminal.wait_for("still here")
    terminal.press("enter")
    terminal.wait_for("AI: Good to hear you.", timeout_s=60)
    kept = " ".join(item["text"] for item in saved(stage) if item["text"].startswith("w"))
    assert kept.split() == [f"w{number}" for number in range(count)]
    print(f"{count} pieces in {seconds} s; {memory.before:.0f} MiB, at most {memory.peak:.0f} MiB")
    assert memory.peak < memory.before + 50
    assert memory.peak < 200
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


LIMITED = (
    "import os, resource, sys; "
    f"resource.setrlimit(resource.RLIMIT_DATA, ({200 * MIB}, {200 * MIB})); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
"""Gives what it runs 200 MiB."""


@pytest.mark.fault("X06")
@pytest.mark.long
def test_a_call_fits_into_200_mib(stage: Stage, serve: Serve) -> None:
    limited = [sys.executable, "-c", LIMITED, "-m", "voicechat"]
    terminal = stage.start("--text", *serve("normal").options, argv=limited)
    terminal.wait_for("- ready")
    terminal.type_text("hello\r")
    terminal.wait_for("interrupt me.")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
