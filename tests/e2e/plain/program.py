"""The real program as a child process, in a home of its own, and what it left behind.

The environment is made from nothing: no proxy, key or config of whoever runs the tests gets in.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes import official
from tests.fakes.ga_server import GaServer

JsonObject = dict[str, Any]
KEY = "sk-canary-0123456789abcdefCANARY"
MODEL = "gpt-realtime-2.1"
LONGEST_S = 50.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def complaints(self) -> list[str]:
        """The lines of stderr."""
        return self.err.splitlines()

    @property
    def events(self) -> list[JsonObject]:
        """The lines of stdout as JSON objects."""
        found = [json.loads(line) for line in self.out.splitlines()]
        assert all(isinstance(event, dict) for event in found)
        return found

    def of(self, name: str) -> list[JsonObject]:
        """The events of one name."""
        return [event for event in self.events if event["event"] == name]

    def failed_with_one_line(self, code: int = 1) -> str:
        """Its one line on stderr; it must have failed so, and said nothing else."""
        assert self.code == code, (self.code, self.err)
        assert len(self.complaints) == 1, self.err
        assert self.err.startswith("voicechat: ") and self.err.endswith("\n")
        assert "voicechat: internal error" not in self.err and "Traceback" not in self.err
        return self.complaints[0]


class Program:
    """Runs the program; everything it may write lies under `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.config = home / "config.toml"
        self.data = home / "data"
        self.prefix: tuple[str, ...] = ()
        """A command that runs the program, e.g. in a network of its own."""
        self.config.touch(mode=0o600)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the program sees."""
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        ours = {"VOICECHAT_CONFIG": str(self.config), "VOICECHAT_DATA": str(self.data)}
        return {**kept, "HOME": str(self.home), "LANG": "C.UTF-8", **ours, **(extra or {})}

    @asynccontextmanager
    async def running(
        self,
        *options: str,
        env: Mapping[str, str] | None = None,
        stdout: int = asyncio.subprocess.PIPE,
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """The program while the block runs; it is gone afterwards."""
        process = await asyncio.create_subprocess_exec(
            *self.prefix,
            *(sys.executable, "-m", "voicechat", *options),
            env=self.environment(env),
            cwd=self.home,
            limit=2**24,
            stdin=asyncio.subprocess.PIPE,
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def run(
        self,
        *options: str,
        stdin: str | bytes = "",
        env: Mapping[str, str] | None = None,
        timeout_s: float = LONGEST_S,
    ) -> Outcome:
        """Run it to its end."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        began = time.monotonic()
        async with self.running(*options, env=env) as process:
            out, err = await asyncio.wait_for(process.communicate(data), timeout_s)
        assert process.returncode is not None
        seconds = time.monotonic() - began
        return Outcome(process.returncode, out.decode(), err.decode(), seconds)

    async def call(
        self,
        server: GaServer | str,
        *options: str,
        stdin: str | bytes = "hello\n",
        env: Mapping[str, str] | None = None,
        timeout_s: float = LONGEST_S,
    ) -> Outcome:
        """Run it without a screen, with the key, against a server (or its address)."""
        return await self.run(
            *self.call_options(server, *options),
            stdin=stdin,
            env={"OPENAI_API_KEY": KEY, **(env or {})},
            timeout_s=timeout_s,
        )

    def call_options(self, server: GaServer | str, *options: str) -> tuple[str, ...]:
        """The command line of `call`; a model among the options counts."""
        url = server if isinstance(server, str) else server.url
        return ("--plain", "--url", url, "--model", MODEL, *options)

    # -- what it left behind ----------------------------------------------------------------------

    def files(self) -> list[Path]:
        """Every file under its home."""
        return sorted(path for path in self.home.rglob("*") if path.is_file())

    def journal(self) -> list[JsonObject]:
        """The items of the only conversation, in order."""
        (path,) = self.data.glob("conversations/*.jsonl")
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return [record for record in records if record["type"] == "item"]

    def holds(self, text: str) -> list[Path]:
        """The files with `text` in them, its config aside."""
        files = [path for path in self.files() if path != self.config]
        return [path for path in files if text.encode() in path.read_bytes()]


def sent_to(server: GaServer) -> list[JsonObject]:
    """What the program sent to the stand-in, in order; each message one the real service takes."""
    assert server.violations == []
    messages: list[JsonObject] = [entry["message"] for entry in server.log.directions("in")]
    for message in messages:
        is_sound = message["type"] == "input_audio_buffer.append"
        official.check(message | {"audio": "AAAA"} if is_sound else message)
    return messages


def kinds_sent_to(server: GaServer) -> list[str]:
    """The types of these messages; sound that follows sound counts once."""
    kinds: list[str] = []
    for message in sent_to(server):
        if not (kinds[-1:] == [message["type"]] == ["input_audio_buffer.append"]):
            kinds.append(message["type"])
    return kinds


def handshakes(server: GaServer) -> list[JsonObject]:
    """Every try to connect: `path`, `headers` without the key, and the key's length."""
    return [entry for entry in server.log.directions("note") if entry["note"] == "handshake"]
