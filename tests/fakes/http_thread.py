"""What every HTTP stand-in is made of: a server in a thread of its own, and one request read."""

import select
import socket
import ssl
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class HttpThread:
    """Runs `_server` while the block does, `with` or `async with`.

    Attributes:
        go_on: Set by a test to let go of what is held back.
    """

    _server: ThreadingHTTPServer

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        self._server.serve_forever(0.05)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)


class Listener(ThreadingHTTPServer):
    """Waits for no connection at the end."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is told by `hung_up` of its request."""


class Handler(BaseHTTPRequestHandler):
    """One connection; `serve` gets every request, its names of headers in small letters."""

    protocol_version = "HTTP/1.1"

    def serve(self, headers: dict[str, str], body: bytes) -> None:
        raise NotImplementedError

    def log_message(self, format: str, *args: object) -> None:
        """The log is `requests`."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        self.serve({name.lower(): value for name, value in self.headers.items()}, body)

    do_POST = do_GET

    def write_whole(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_pieces(self, kind: str) -> None:
        """The head of an answer that comes in pieces; `end_pieces` ends it."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def write_piece(self, piece: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def end_pieces(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def is_gone(self) -> bool:
        """Whether the client has hung up."""
        ready, _, _ = select.select([self.connection], [], [], 0)
        if not ready:
            return False
        try:
            is_tls = isinstance(self.connection, ssl.SSLSocket)  # These have no MSG_PEEK.
            return not self.connection.recv(1, 0 if is_tls else socket.MSG_PEEK)
        except OSError:
            return True
