"""A program that does with the sound card what a call does, steered and watched from outside.

PortAudio reads its environment only as it starts; so every test of the card runs it in a process of
its own: `python -m tests.audio.caller`.  Commands come as JSON lines on stdin, reports go as JSON
lines to stdout; what the microphone heard goes to the file that is the first argument.
"""

import asyncio
import base64
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fakes.pulse import PulseServer, wait_until
from voicechat.audio.card.sound_card import SoundCard
from voicechat.audio.playback.playout import Playout
from voicechat.errors import DeviceError
from voicechat.events import Notice

ROOT = Path(__file__).parents[2]


class Caller:
    """The parent's side: a program under test that knows only the private sound server."""

    def __init__(self, pulse: PulseServer, heard: Path, **options: Any) -> None:
        self._heard = heard
        self.reports: list[dict[str, Any]] = []
        words = [sys.executable, "-m", "tests.audio.caller", str(heard), json.dumps(options)]
        env = os.environ | pulse.env | {"PYTHONPATH": str(ROOT)}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            words, env=env, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )
        self._readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        self.errors = ""
        for reader in self._readers:
            reader.start()

    def say(self, **command: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def insert(self, reply: str, item: str, pcm: bytes) -> None:
        self.say(do="insert", reply=reply, item=item, pcm=base64.b64encode(pcm).decode())

    def wait(self, seconds: float = 15.0, **wanted: Any) -> dict[str, Any]:
        """The first report with these fields; AssertionError when it does not come in time."""

        def find() -> list[dict[str, Any]]:
            return [r for r in list(self.reports) if wanted.items() <= r.items()]

        try:
            wait_until(lambda: bool(find()), f"report {wanted}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; got {self.reports}; {self.errors[-2000:]}") from None
        return find()[0]

    @property
    def heard(self) -> bytes:
        """What the microphone gave so far: PCM16 mono at 24 kHz."""
        return self._heard.read_bytes() if self._heard.exists() else b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait(10)
        for reader in self._readers:
            reader.join(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.reports.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors += line


# -- the child's side ---------------------------------------------------------------------------


def report(**fields: Any) -> None:
    print(json.dumps(fields | {"at": time.perf_counter()}), flush=True)


def tell(notice: Notice) -> None:
    kind = "loudspeaker" if "loudspeaker" in notice.message else "microphone"
    report(kind=kind, change=notice.code.removeprefix("sound_"), message=notice.message)


class Call:
    def __init__(self, heard: Path, options: dict[str, Any]) -> None:
        self.card = SoundCard(**options, notify=tell)
        self.heard = heard.open("ab", buffering=0)
        self.playout: Playout | None = None
        self.commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    async def run(self) -> None:
        try:
            await self.card.open()
        except DeviceError as error:
            report(failed=error.message, hint=error.hint)
            return
        speaker, microphone = self.card.speaker, self.card.microphone
        report(
            opened=[speaker.rate if speaker else 0, microphone.rate if microphone else 0],
            latency_ms=speaker.latency_ms if speaker else None,
            device=speaker.device_name if speaker else "",
        )
        if speaker is not None:
            self.playout = Playout(speaker)
        async with asyncio.TaskGroup() as tasks:
            others = [tasks.create_task(work()) for work in (self.card.watch, self.listen)]
            await self.obey()
            for task in others:
                task.cancel()
        report(closing=True)
        await self.card.close()
        report(closed=True)

    async def listen(self) -> None:
        if self.card.microphone is not None:
            async for chunk in self.card.microphone.chunks():
                self.heard.write(chunk)

    async def obey(self) -> None:
        while True:
            if self.playout is not None:
                self.playout.pump()
            while not self.commands.empty():
                command = self.commands.get()
                if command["do"] == "close":
                    return
                self.do(self.playout, **command)
            await asyncio.sleep(0.005)

    def do(self, playout: Playout | None, do: str, **fields: Any) -> None:
        if do == "stall":  # The event loop is held up.
            time.sleep(fields["seconds"])
        assert playout is not None
        match do:
            case "insert":
                pcm = base64.b64decode(fields["pcm"])
                playout.insert(fields["reply"], fields["item"], pcm)
            case "finish":
                playout.finish(fields["reply"])
            case "interrupt":
                report(heard=[[h.item_id, h.heard_ms, h.received_ms] for h in playout.interrupt()])
            case "ask":
                report(answer=fields["item"], heard_ms=playout.heard_ms(fields["item"]))


def read_commands(put: Callable[[dict[str, Any]], None]) -> None:
    for line in sys.stdin:
        put(json.loads(line))
    put({"do": "close"})


if __name__ == "__main__":
    call = Call(Path(sys.argv[1]), json.loads(sys.argv[2]))
    threading.Thread(target=read_commands, args=(call.commands.put,), daemon=True).start()
    asyncio.run(call.run())
