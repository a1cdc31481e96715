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
from pathlib import Path
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.fakes.ga_log import WireLog
from tests.fakes.gptlive_script import SCRIPTS, Script
from tests.fakes.gptlive_session import GptLiveSession
from tests.fakes.socket_server import SocketServer, arguments, serve_until_stopped

PATH = "/v1/live/sessions"


class GptLiveServer(SocketServer[GptLiveSession, WireLog]):
    """The service on the loopback.  `api_key` empty: any key is good, but there must be one.

    Attributes:
        script: What the connections from now on meet.
        sessions: All connections with a good key, in order.
        log: The wire.
    """

    path = PATH
    sound = "session.input_audio.append"

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
            if scheme != "Bearer" or not self._is_good(key):
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


async def _main(options: argparse.Namespace) -> None:
    server = GptLiveServer(
        options.script,
        log_path=options.log,
        host=options.host,
        port=options.port,
        api_key=options.api_key,
    )
    await serve_until_stopped(server)


if __name__ == "__main__":
    asyncio.run(_main(arguments("gptlive_server", SCRIPTS).parse_args()))
