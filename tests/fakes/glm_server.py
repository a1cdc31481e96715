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
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tests.fakes.glm_check import GATEWAY_MODELS, LARGEST_MESSAGE
from tests.fakes.glm_log import WireLog
from tests.fakes.glm_script import SCRIPTS, Script, script_named
from tests.fakes.glm_session import GlmSession
from tests.fakes.socket_server import SocketServer, arguments, serve_until_stopped

PATH = "/api/paas/v4/realtime"
_NO_KEY = '{"error":{"code":"1001","message":"Header中未收到Authorization参数。"}}'
_BAD_KEY = '{"error":{"code":"1002","message":"Authorization Token非法"}}'


class GlmServer(SocketServer[GlmSession, WireLog]):
    """The service on the loopback.  `api_key` empty: any key is good, but there must be one.

    Attributes:
        sessions: All connections that got a session, in order.
        attempts: Handshakes so far, refused ones too.
    """

    path = PATH
    largest_message = LARGEST_MESSAGE

    def __init__(
        self,
        script: Script | str = "normal",
        *,
        log_path: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = "",
    ) -> None:
        self.script = script_named(script) if isinstance(script, str) else script
        super().__init__(WireLog(log_path), host, port, api_key)
        self.attempts = 0

    def _how_to_serve(self) -> dict[str, Any]:
        return {"process_request": self._process_request}

    async def wait_for(
        self, wanted: str | Callable[[], object], /, *, count: int = 1, timeout_s: float = 15.0
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
    parser = arguments("glm_server", SCRIPTS)
    parser.add_argument("--answers-text", action="store_true", help="typed messages count")
    return parser


async def _main(options: argparse.Namespace) -> None:
    script = script_named(options.script)
    script = replace(script, answers_text=script.answers_text or options.answers_text)
    server = GlmServer(
        script,
        log_path=options.log,
        host=options.host,
        port=options.port,
        api_key=options.api_key,
    )
    await serve_until_stopped(server)


if __name__ == "__main__":
    asyncio.run(_main(_arguments().parse_args()))
