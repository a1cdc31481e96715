"""A stand-in for GPT-Live (`/v1/live/sessions`), written from the published protocol alone.

In a test:

    async with GptLiveServer("normal") as server:
        ...  connect to server.url with any `Authorization: Bearer …`
        assert not server.violations

As a process: `python -m tests.fakes.gptlive_server --port 0 --log wire.jsonl --script long` prints
`{"port": N}` as its first line.  The log is that of `ga_log`: `in`, `out`, `note`, `violation`.
"""

import argparse
import asyncio
import itertools
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.fakes.ga_log import WireLog
from tests.fakes.gptlive_script import SCRIPTS, Script
from tests.fakes.gptlive_session import GptLiveSession

JsonObject = dict[str, Any]
PATH = "/v1/live/sessions"


class GptLiveServer:
    """The service on the loopback.  `api_key` empty: any key is good, but there must be one.

    Attributes:
        script: What the connections from now on meet.
        sessions: All connections with a good key, in order.
        log: The wire.
    """

    def __init__(
        self,
        script: Script | str = "normal",
        *,
        log_path: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = "",
    ) -> None:
        self.script = SCRIPTS[script] if isinstance(script, str) else script
        self.sessions: list[GptLiveSession] = []
        self.log = WireLog(log_path)
        self.port = port
        self._host = host
        self._api_key = api_key
        self._timecodes = itertools.count()
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            self._host,
            self.port,
            compression=None,
            max_size=32 * 1024 * 1024,
            ping_interval=None,
            close_timeout=2,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close(code=1001)
        await self._server.wait_closed()
        self.log.close()
        bugs = [entry for entry in self.log.entries if entry.get("note") == "bug"]
        if bugs:
            raise RuntimeError(f"the stand-in itself failed: {bugs[0]['error']}")

    @property
    def url(self) -> str:
        return f"ws://{self._host}:{self.port}{PATH}"

    @property
    def violations(self) -> list[JsonObject]:
        """Log entries of what no client should send."""
        return self.log.directions("violation")

    @property
    def session(self) -> GptLiveSession:
        """The newest."""
        return self.sessions[-1]

    def kinds(self) -> list[str]:
        """What clients sent, in order; sound that follows sound counts once."""
        kinds: list[str] = []
        for entry in self.log.directions("in"):
            if not (kinds[-1:] == [entry["type"]] == ["session.input_audio.append"]):
                kinds.append(entry["type"])
        return kinds

    async def wait_for(self, holds: Callable[[], object], timeout_s: float = 20.0) -> None:
        """Wait for a condition.

        Raises:
            TimeoutError: It did not come true.
        """
        async with asyncio.timeout(timeout_s):
            while not holds():
                await asyncio.sleep(0.01)

    def next_timecode(self) -> int:
        return next(self._timecodes)

    # -- one connection -------------------------------------------------------------------------

    async def _serve(self, connection: ServerConnection) -> None:
        session = GptLiveSession(self, connection, len(self.sessions))
        request = connection.request
        assert request is not None
        address = urlsplit(request.path)
        if (address.path, address.query) != (PATH, ""):
            session.violation("path", path=request.path)
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        session.note("handshake", path=request.path, key_length=len(key))
        try:
            if scheme != "Bearer" or not (key == self._api_key if self._api_key else key):
                fault = SCRIPTS["bad_key"].refusal
                assert fault is not None
                await session.fail(fault)
                return
            self.sessions.append(session)
            await session.run()
        except ConnectionClosed:
            return
        except Exception as error:
            session.note("bug", error=repr(error))
            raise


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.gptlive_server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, help="JSON lines are appended here")
    parser.add_argument("--api-key", default="", help="the only good key; empty: any")
    parser.add_argument("--script", choices=sorted(SCRIPTS), default="normal")
    return parser


async def _main(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    server = GptLiveServer(
        options.script,
        log_path=options.log,
        host=options.host,
        port=options.port,
        api_key=options.api_key,
    )
    async with server:
        print(json.dumps({"port": server.port}), flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_main(_arguments().parse_args()))
