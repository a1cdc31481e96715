"""A stand-in for Zhipu's GLM-Realtime, written from the published protocol alone.

In a test:

    async with GlmServer("normal") as server:
        ...  connect to f"{server.url}?model=glm-realtime" with `Authorization: Bearer …`
        assert not server.violations

As a process: `python -m tests.fakes.glm_server --port 0 --log wire.jsonl --script normal` prints
`{"port": N}` as its first line.
"""

import argparse
import asyncio
import json
import signal
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tests.fakes.glm_check import GATEWAY_MODELS, LARGEST_MESSAGE
from tests.fakes.glm_log import WireLog
from tests.fakes.glm_script import SCRIPTS, Script, script_named
from tests.fakes.glm_session import GlmSession

JsonObject = dict[str, Any]
PATH = "/api/paas/v4/realtime"
_NO_KEY = '{"error":{"code":"1001","message":"Header中未收到Authorization参数。"}}'
_BAD_KEY = '{"error":{"code":"1002","message":"Authorization Token非法"}}'


class GlmServer:
    """The service on the loopback.  `api_key` empty: any key is good, but there must be one.

    Attributes:
        sessions: All connections that got a session, in order.
        attempts: Handshakes so far, refused ones too.
    """

    def __init__(
        self,
        script: Script | str = "normal",
        *,
        log_path: Path | None = None,
        port: int = 0,
        api_key: str = "",
    ) -> None:
        self.script = script_named(script) if isinstance(script, str) else script
        self.sessions: list[GlmSession] = []
        self.log = WireLog(log_path)
        self.attempts = 0
        self.port = port
        self._api_key = api_key
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            process_request=self._process_request,
            compression=None,
            max_size=LARGEST_MESSAGE,
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
        """Where the sessions are, without a model."""
        return f"ws://127.0.0.1:{self.port}{PATH}"

    @property
    def violations(self) -> list[JsonObject]:
        """Log entries of what no client should send, at any moment."""
        return self.log.directions("violation")

    async def wait_for(
        self, wanted: str | Callable[[], object], *, count: int = 1, timeout_s: float = 15.0
    ) -> None:
        """Wait for `count` client messages of a type, or for a condition.

        Raises:
            TimeoutError: It did not come; the text holds the types of the last entries.
        """
        kind = wanted if isinstance(wanted, str) else ""
        holds = (
            (lambda: len(self.log.messages(kind)) >= count) if isinstance(wanted, str) else wanted
        )
        end = asyncio.get_running_loop().time() + timeout_s
        while not holds():
            if asyncio.get_running_loop().time() > end:
                last = [f"{e['dir']} {e.get('type')}" for e in self.log.entries[-12:]]
                raise TimeoutError(f"{wanted} did not happen; last: {last}")
            await asyncio.sleep(0.01)

    # -- handshakes ---------------------------------------------------------------------------

    async def _process_request(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        self.attempts += 1
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        shown = {"path": request.path, "key_length": len(key)}
        self.log.add(self.attempts - 1, "note", note="handshake", **shown)
        if self.script.http_status:
            return _http(self.script.http_status, self.script.http_body)
        if not key:
            return _http(401, _NO_KEY)
        if self._api_key and key != self._api_key:
            return _http(401, _BAD_KEY)
        return None if urlsplit(request.path).path == PATH else _http(404, "{}")

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        query = parse_qs(urlsplit(connection.request.path).query)
        session = GlmSession(connection, self.script, self.log, self.attempts - 1)
        if query.get("model", ["glm-realtime"])[0] not in GATEWAY_MODELS:
            await session.emit("error", error={"code": "1234", "message": "网络错误"})
            await connection.close(1003)
            return
        self.sessions.append(session)
        await session.run()


def _http(status: int, body: str) -> Response:
    data = body.encode()
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(data))})
    headers["Connection"] = "close"
    return Response(status, HTTPStatus(status).phrase, headers, data)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.glm_server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, help="JSON lines are appended here")
    parser.add_argument("--api-key", default="", help="the only good key; empty: any")
    parser.add_argument("--script", choices=sorted(SCRIPTS), default="normal")
    parser.add_argument("--answers-text", action="store_true", help="typed messages count")
    return parser


async def _main(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    script = script_named(options.script)
    script = replace(script, answers_text=script.answers_text or options.answers_text)
    server = GlmServer(script, log_path=options.log, port=options.port, api_key=options.api_key)
    async with server:
        print(json.dumps({"port": server.port}), flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_main(_arguments().parse_args()))
