"""A stand-in for the OpenAI Realtime service (GA), written from the published protocol alone.

In a test:

    async with GaServer("normal") as server:
        ...  connect to f"{server.url}?model=gpt-realtime-2.1" with any `Authorization: Bearer …`
        assert not server.violations

As a process: `python -m tests.fakes.ga_server --port 0 --log wire.jsonl --script stall` prints
`{"port": N}` as its first line.  A second WebSocket, `/control`, triggers things at a moment: one
JSON object in (see `ga_control`), one JSON object out.
"""

import argparse
import asyncio
import itertools
import json
import signal
import ssl
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tests.fakes import ga_script
from tests.fakes.ga_accent import Accent
from tests.fakes.ga_control import obey
from tests.fakes.ga_log import WireLog
from tests.fakes.ga_options import arguments, script_from
from tests.fakes.ga_script import KEY_BODY, Refusal, Script, for_connection, script_named
from tests.fakes.ga_session import GaSession
from tests.fakes.ga_signal import Position, Stretch, decode_position, decode_track
from tests.fakes.ga_wire import Breakable

__all__ = ["GaServer", "Position", "Stretch", "decode_position", "decode_track"]

JsonObject = dict[str, Any]
CONTROL = "/control"
PING_EVERY_S = 20.3
LARGEST_MESSAGE = 32 * 1024 * 1024


class GaServer:
    """The service on the loopback.  `api_key` empty: any key is good, but there must be one.

    Attributes:
        script: What the connections from now on meet.
        sessions: All connections that got a session, in order.
        log: The wire, see `ga_log`.
        attempts: Handshakes so far, refused ones too.
    """

    def __init__(
        self,
        script: Script | str = "normal",
        *,
        log_path: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = "",
        vad_rms: float = 500.0,
        loud: int = 1000,
        tls: ssl.SSLContext | None = None,
        accent: type[Accent] = Accent,
    ) -> None:
        self.script = script_named(script) if isinstance(script, str) else script
        self.sessions: list[GaSession] = []
        self.accent = accent
        self.log = WireLog(log_path, loud, accent.input_rate)
        self.attempts = 0
        self.port = port
        self._host, self._tls = host, tls
        self._api_key, self._vad_rms = api_key, vad_rms
        self._timecodes = itertools.count()
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            self._host,
            self.port,
            process_request=self._process_request,
            create_connection=Breakable,
            compression=None,
            max_size=LARGEST_MESSAGE,
            ping_interval=PING_EVERY_S,
            close_timeout=2,
            ssl=self._tls,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close(code=1001)
        for session in self.sessions:
            if session.wire.connection.is_deaf:
                session.wire.connection.transport.abort()
        await self._server.wait_closed()
        self.log.close()
        bugs = [entry for entry in self.log.entries if entry.get("note") == "bug"]
        if bugs:
            raise RuntimeError(f"the stand-in itself failed: {bugs[0]['error']}")

    # -- what a test asks ---------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where the sessions are, without a model."""
        return self._at(self.accent.paths[0])

    @property
    def control_url(self) -> str:
        """Where things are triggered."""
        return self._at(CONTROL)

    def _at(self, path: str) -> str:
        return f"{'wss' if self._tls else 'ws'}://{self._host}:{self.port}{path}"

    @property
    def violations(self) -> list[JsonObject]:
        """Log entries of what no client should send, at any moment."""
        return self.log.directions("violation")

    @property
    def session(self) -> GaSession:
        """The newest session."""
        return self.sessions[-1]

    async def control(self, command: JsonObject) -> JsonObject:
        """The same as over the control WebSocket."""
        return await obey(self, command)

    async def wait_for(
        self, wanted: str | Callable[[], object], *, count: int = 1, timeout_s: float = 10.0
    ) -> None:
        """Wait for `count` client messages of a type, or for a condition.

        Raises:
            TimeoutError: It did not come; the text holds the types of the last entries.
        """
        holds = self._has(wanted, count) if isinstance(wanted, str) else wanted
        end = asyncio.get_running_loop().time() + timeout_s
        while not holds():
            if asyncio.get_running_loop().time() > end:
                last = [f"{e['dir']} {e.get('type')}" for e in self.log.entries[-12:]]
                raise TimeoutError(f"{wanted} did not happen; last: {last}")
            await asyncio.sleep(0.01)

    def _has(self, kind: str, count: int) -> Callable[[], bool]:
        return lambda: len(self.log.of(kind)) >= count

    # -- handshakes ---------------------------------------------------------------------------

    async def _process_request(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        path = urlsplit(request.path).path
        if path == CONTROL:
            return None
        assert isinstance(connection, Breakable)
        connection.attempt = self.attempts
        self.attempts += 1
        self._note_handshake(connection.attempt, request)
        refusal = for_connection(self.script, connection.attempt).refusal
        if refusal and refusal.status:
            return _http(refusal)
        if path not in self.accent.paths:
            return _http(Refusal(404, body="Not found"))
        return self._refuse_key(request)

    def _refuse_key(self, request: Request) -> Response | None:
        accent = self.accent(self.script.dialect)
        key = accent.key(request)
        is_good = key and self._api_key in ("", key)
        refuses = accent.refuses_by_http and not is_good
        return _http(Refusal(401, body=KEY_BODY)) if refuses else None

    def _note_handshake(self, attempt: int, request: Request) -> None:
        """Header values that may hold a key are shown by their length only."""
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        authorization = headers.pop("authorization", "")
        key = headers.pop(self.accent.key_header.lower(), authorization)
        shown = {"path": request.path, "headers": headers, "authorization_length": len(key)}
        self.log.add(attempt, "note", note="handshake", **shown)

    def _refusal(self, session: GaSession, request: Request, model: str) -> Refusal | None:
        """The refusals that come after the upgrade."""
        accent = session.accent
        if session.script.refusal:
            return session.script.refusal
        running = sum(one.is_running for one in self.sessions)
        if accent.most_sessions and running >= accent.most_sessions:
            return ga_script.CROWDED
        return accent.refusal(request, accent.key(request), self._api_key, model)

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, Breakable)
        request = connection.request
        assert request is not None
        address = urlsplit(request.path)
        if address.path == CONTROL:
            await self._serve_control(connection)
            return
        script = for_connection(self.script, connection.attempt)
        accent = self.accent(script.dialect)
        accent.path = address.path
        model = accent.model(parse_qs(address.query))
        session = GaSession(
            connection, script, self.log, self._timecodes, model, self._vad_rms, accent
        )
        refusal = self._refusal(session, request, model)
        if refusal:
            await session.emit("error", error=refusal.error)
            await session.wire.end(refusal.close_code, refusal.close_reason)
            return
        self.sessions.append(session)
        await session.run()

    async def _serve_control(self, connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(json.dumps(await obey(self, json.loads(message))))


def _http(refusal: Refusal) -> Response:
    headers = Headers(refusal.headers)
    body = refusal.body.encode()
    headers["Content-Length"] = str(len(body))
    headers["Connection"] = "close"
    return Response(refusal.status, HTTPStatus(refusal.status).phrase, headers, body)


async def _main(options: argparse.Namespace, accent: type[Accent]) -> None:
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    server = GaServer(
        script_from(options),
        log_path=options.log,
        host=options.host,
        port=options.port,
        api_key=options.api_key,
        vad_rms=options.vad_rms,
        loud=options.loud,
        accent=accent,
    )
    async with server:
        print(json.dumps({"port": server.port}), flush=True)
        await stop.wait()


def main(accent: type[Accent] = Accent) -> None:
    """The stand-in as a process, with a provider's accent."""
    asyncio.run(_main(arguments(f"tests.fakes.{accent.module}").parse_args(), accent))


if __name__ == "__main__":
    main()
