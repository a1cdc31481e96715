"""A stand-in for Gemini Live (`BidiGenerateContent`), written from the published protocol alone.

In a test:

    async with GeminiServer("normal") as server:
        ...  connect to server.url with any `x-goog-api-key`
        assert not server.violations

As a process: `python -m tests.fakes.gemini_server --port 0 --log wire.jsonl --script stale` prints
`{"port": N}` as its first line.  The log is that of `ga_log`: `in`, `out`, `note` and `violation`.
"""

import argparse
import asyncio
import itertools
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve

from tests.fakes.ga_log import WireLog
from tests.fakes.gemini_check import Refused
from tests.fakes.gemini_script import BAD_KEY, SCRIPTS, Script
from tests.fakes.gemini_session import GeminiSession

JsonObject = dict[str, Any]
PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
TOKEN = "Token auth_tokens/"


class GeminiServer:
    """The service on the loopback.  `api_key` empty: any key is good, but there must be one.

    Attributes:
        script: What the connections from now on meet.
        sessions: All connections, in order.
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
        self.sessions: list[GeminiSession] = []
        self.log = WireLog(log_path)
        self.port = port
        self._host = host
        self._api_key = api_key
        self._timecodes = itertools.count()
        self._handles: dict[str, GeminiSession] = {}
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
    def session(self) -> GeminiSession:
        """The newest."""
        return self.sessions[-1]

    def kinds(self) -> list[str]:
        """What clients sent, in order; sound that follows sound counts once."""
        kinds: list[str] = []
        for entry in self.log.directions("in"):
            if not (kinds[-1:] == [entry["type"]] == ["realtimeInput.audio"]):
                kinds.append(entry["type"])
        return kinds

    async def wait_for(self, holds: Callable[[], object], timeout_s: float = 10.0) -> None:
        """Wait for a condition.

        Raises:
            TimeoutError: It did not come true.
        """
        async with asyncio.timeout(timeout_s):
            while not holds():
                await asyncio.sleep(0.01)

    # -- one connection -------------------------------------------------------------------------

    async def _serve(self, connection: ServerConnection) -> None:
        session = GeminiSession(self, connection, len(self.sessions))
        request = connection.request
        assert request is not None
        address = urlsplit(request.path)
        if address.path.replace("//", "/").removesuffix("Constrained") != PATH:
            session.violation("path", path=address.path)
        query, headers = parse_qs(address.query), request.headers
        token = headers.get("Authorization", "")
        key = headers.get("x-goog-api-key", "") or query.get("key", [""])[0]
        session.note("handshake", path=address.path, key_length=len(key))
        if not (self._is_good(key) or token.startswith(TOKEN)):
            await session.end(*BAD_KEY)
            return
        self.sessions.append(session)
        await session.run()

    def _is_good(self, key: str) -> bool:
        return key == self._api_key if self._api_key else bool(key)

    def next_timecode(self) -> int:
        return next(self._timecodes)

    # -- resuming -------------------------------------------------------------------------------

    def new_handle(self, session: GeminiSession) -> str:
        handle = f"handle-{session.number}-{len(self._handles)}"
        self._handles[handle] = session
        return handle

    def take_handle(self, handle: str | None) -> None:
        """A session is to be taken up again.

        Raises:
            Refused: it is not known, or its connection still lives.
        """
        session = self._handles.get(handle or "")
        if session is None:
            raise Refused(1008, "BidiGenerateContent session not found")
        if session.is_alive:
            raise Refused(1011, "Internal error occurred.")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.gemini_server")
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
    server = GeminiServer(
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
