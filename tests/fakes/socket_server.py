"""What the stand-ins for WebSocket services share: their start, their end, and how one waits."""

import argparse
import asyncio
import itertools
import json
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from websockets.asyncio.server import Server, ServerConnection, serve

JsonObject = dict[str, Any]
S = TypeVar("S")


class Log(Protocol):
    """The wire, as `ga_log` and `glm_log` keep it."""

    entries: list[JsonObject]

    def directions(self, wanted: str, /) -> list[JsonObject]: ...

    def close(self) -> None: ...


L = TypeVar("L", bound=Log)


class SocketServer(Generic[S, L]):
    """A service on the loopback.  `api_key` empty: any key is good, but there must be one.

    Attributes:
        sessions: All connections with a good key, in order.
        log: The wire.
    """

    path: ClassVar[str]
    sound: ClassVar[str] = ""
    """The type of messages that carry sound to the service."""
    largest_message: ClassVar[int] = 32 * 1024 * 1024

    def __init__(self, log: L, host: str, port: int, api_key: str) -> None:
        self.sessions: list[S] = []
        self.log = log
        self.port = port
        self._host = host
        self._api_key = api_key
        self._timecodes = itertools.count()
        self._server: Server | None = None

    async def _serve(self, connection: ServerConnection) -> None:
        raise NotImplementedError

    def _how_to_serve(self) -> dict[str, Any]:
        """More of `websockets.asyncio.server.serve`."""
        return {}

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            self._host,
            self.port,
            compression=None,
            max_size=self.largest_message,
            ping_interval=None,
            close_timeout=2,
            **self._how_to_serve(),
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
        """Where the sessions are, without a model."""
        return f"ws://{self._host}:{self.port}{self.path}"

    @property
    def violations(self) -> list[JsonObject]:
        """Log entries of what no client should send, at any moment."""
        return self.log.directions("violation")

    @property
    def session(self) -> S:
        """The newest."""
        return self.sessions[-1]

    def kinds(self) -> list[str]:
        """What clients sent, in order; sound that follows sound counts once."""
        kinds: list[str] = []
        for entry in self.log.directions("in"):
            if not (kinds[-1:] == [entry["type"]] == [self.sound]):
                kinds.append(entry["type"])
        return kinds

    async def wait_for(self, holds: Callable[[], object], /, *, timeout_s: float = 20.0) -> None:
        """Wait for a condition.

        Raises:
            TimeoutError: It did not come true.
        """
        async with asyncio.timeout(timeout_s):
            while not holds():
                await asyncio.sleep(0.01)

    def next_timecode(self) -> int:
        return next(self._timecodes)

    def _is_good(self, key: str) -> bool:
        return key == self._api_key if self._api_key else bool(key)


def arguments(module: str, scripts: Iterable[str]) -> argparse.ArgumentParser:
    """The command line of a stand-in that runs as a process."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.fakes.{module}")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, help="JSON lines are appended here")
    parser.add_argument("--api-key", default="", help="the only good key; empty: any")
    parser.add_argument("--script", choices=sorted(scripts), default="normal")
    return parser


async def serve_until_stopped(server: SocketServer[Any, Any]) -> None:
    """Tell the port as the first line of stdout, and serve until a signal comes."""
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    async with server:
        print(json.dumps({"port": server.port}), flush=True)
        await stop.wait()
