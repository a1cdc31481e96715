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
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection

from tests.fakes.ga_log import WireLog
from tests.fakes.gemini_check import Refused
from tests.fakes.gemini_script import BAD_KEY, SCRIPTS, Script
from tests.fakes.gemini_session import GeminiSession
from tests.fakes.socket_server import SocketServer, arguments, serve_until_stopped

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
TOKEN = "Token auth_tokens/"


class GeminiServer(SocketServer[GeminiSession, WireLog]):
    """The service on the loopback.  `api_key` empty: any key is good, but there must be one.

    Attributes:
        script: What the connections from now on meet.
        sessions: All connections, in order.
        log: The wire.
    """

    path = PATH
    sound = "realtimeInput.audio"

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
        super().__init__(WireLog(log_path), host, port, api_key)
        self._handles: dict[str, GeminiSession] = {}

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


async def _main(options: argparse.Namespace) -> None:
    server = GeminiServer(
        options.script,
        log_path=options.log,
        host=options.host,
        port=options.port,
        api_key=options.api_key,
    )
    await serve_until_stopped(server)


if __name__ == "__main__":
    asyncio.run(_main(arguments("gemini_server", SCRIPTS).parse_args()))
