"""A real HTTP(S) server in a thread of its own that answers as chat services do.

    with HttpChatServer() as server:                    # or: async with
        ... LocalOptions(mind=server.url, mind_key=server.key, mind_model="chat-1", ...)
        assert server.requests[-1].json["stream"] is True

At `url` it plays OpenAI and its family (text, pictures, tools, sound in and out), at `gemini_url`
Gemini.  What it answers by itself says what reached it (`You said: hello.`); a test may script it.
It refuses what the real ones refuse.  As a process: `python -m tests.fakes.http_chat` prints its
addresses as one JSON line and serves until its standard input ends.
"""

import json
import select
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import trustme

from tests.fakes.http_chat_answers import Step, chat_steps, gemini_steps, whole_chat
from tests.fakes.http_chat_check import MODELS, Refused, check_chat, check_gemini, refuse_key
from tests.fakes.http_chat_script import Call, Script

__all__ = ["Call", "HttpChatServer", "Request", "Script"]


@dataclass
class Request:
    """What was asked."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in small letters."""
    body: bytes = field(repr=False)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """The client went away before the answer was whole."""
    done: threading.Event = field(default_factory=threading.Event)
    """The answer is whole."""

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpChatServer:
    """Change what it does at any time; `requests` holds what it was asked.

    Args:
        key: What it asks for; empty: nothing (but Gemini always asks).
        tls: Whether it speaks HTTPS, with a certificate that `ca_file` signs.
    """

    def __init__(self, key: str = "sk-chat-stand-in", *, tls: bool = False) -> None:
        self.key = key
        self.requests: list[Request] = []
        self.script = Script()
        """How it answers."""
        self.next: deque[Script] = deque()
        """Before that, one for each question."""
        self.delay = 0.0
        """Seconds before any answer."""
        self.go_on = threading.Event()
        self.connections = 0
        self.ca_file = ""
        self._failures: deque[Refused] = deque()
        self._folder = tempfile.TemporaryDirectory()
        self._server = _Listener(self, self._trust() if tls else None)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def origin(self) -> str:
        scheme = "https" if self.ca_file else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def far_url(self) -> str:
        """As `url`, by a number that reaches this machine and is not taken for it: for proxies."""
        return self.url.replace("127.0.0.1", "0.0.0.0")

    @property
    def url(self) -> str:
        """The base address of OpenAI and its family."""
        return f"{self.origin}/v1"

    @property
    def gemini_url(self) -> str:
        """The base address of Gemini."""
        return f"{self.origin}/v1beta"

    @property
    def asked(self) -> list[Any]:
        """The bodies of all questions."""
        return [request.json for request in self.requests if request.method == "POST"]

    def fail_next(
        self, status: int = 503, body: Any = None, headers: dict[str, str] | None = None
    ) -> None:
        """The next request that has no failure waiting gets this instead of an answer."""
        self._failures.append(
            Refused(status, body or {"error": {"message": "Out of order."}}, headers)
        )

    def steps(self, request: Request) -> tuple[str, Script, Iterator[Step]]:
        """What to say to a request: the type of content, the script, and the pieces.

        Raises:
            Refused: What it says is no success.
        """
        if self._failures:
            raise self._failures.popleft()
        path = unquote(urlsplit(request.path).path)
        self._check_key(request, "gemini" if path.startswith("/v1beta") else "openai")
        if request.method == "GET":
            return "application/json", Script(), iter([Step(self._models(path))])
        if path == "/v1/chat/completions":
            return self._chat(request)
        name, _, what = path.removeprefix("/v1beta/models/").partition(":")
        if what != "streamGenerateContent" or urlsplit(request.path).query != "alt=sse":
            raise Refused(404, {"error": {"message": "Not found."}})
        check_gemini(name, request.json)
        script = self._script()
        return "text/event-stream", script, gemini_steps(script, request.json)

    def _chat(self, request: Request) -> tuple[str, Script, Iterator[Step]]:
        model = check_chat(request.json)
        script = self._script()
        if "whole" in script.oddities or not request.json.get("stream"):
            return "application/json", script, iter([Step(whole_chat(script, request.json))])
        return "text/event-stream", script, chat_steps(script, request.json, model)

    def _script(self) -> Script:
        return self.next.popleft() if self.next else self.script

    def _check_key(self, request: Request, kind: str) -> None:
        headers = request.headers
        names = ("x-goog-api-key",) if kind == "gemini" else ("authorization", "api-key")
        shown = next((headers[name] for name in names if name in headers), "")
        shown = shown.removeprefix("Bearer ")
        if self.key and shown != self.key:
            refuse_key(kind, shown)

    def _models(self, path: str) -> bytes:
        if path == "/v1/models":
            data = [{"id": name, "object": "model"} for name in MODELS]
            return json.dumps({"object": "list", "data": data}).encode()
        if path != "/v1beta/models":
            raise Refused(404, {"error": {"message": "Not found."}})
        ways = ["generateContent", "countTokens"]
        listed = [
            {"name": f"models/{name}", "supportedGenerationMethods": ways}
            for name in MODELS
            if name.startswith("gemini")
        ]
        return json.dumps({"models": listed}).encode()

    def _trust(self) -> ssl.SSLContext:
        authority = trustme.CA()
        self.ca_file = f"{self._folder.name}/ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost", "0.0.0.0").configure_cert(context)
        return context

    # -- its life -----------------------------------------------------------------------------

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
        self._folder.cleanup()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, owner: HttpChatServer, context: ssl.SSLContext | None) -> None:
        self.owner, self._context = owner, context
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread: the TLS greeting, then HTTP."""
        if self._context:
            with self._context.wrap_socket(request, server_side=True) as encrypted:
                super().finish_request(encrypted, client_address)
        else:
            super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is told by `Request.hung_up`."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.server.owner.connections += 1

    def log_message(self, format: str, *args: object) -> None:
        """The log is `requests`."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        owner = self.server.owner
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body)
        owner.requests.append(request)
        try:
            self._sleep(owner.delay)
            self._answer(owner, request)
            request.done.set()
        except OSError:
            request.hung_up.set()
            self.close_connection = True

    def _answer(self, owner: HttpChatServer, request: Request) -> None:
        try:
            kind, script, steps = owner.steps(request)
        except Refused as refused:
            self._write_refusal(refused)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._write_steps(script, steps)
        if script.breaks_off:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _write_steps(self, script: Script, steps: Iterator[Step]) -> None:
        place = 0
        for step in steps:
            if step.text:
                self._sleep(script.piece_s)
                if place == script.pause_before:
                    self._hold()
                place += 1
            size = 1 if "bytes" in script.oddities else len(step.data)
            for at in range(0, len(step.data), size):
                piece = step.data[at : at + size]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def _write_refusal(self, refused: Refused) -> None:
        self.send_response(refused.status)
        for name, value in {"Content-Type": "application/json", **refused.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(refused.body)))
        self.end_headers()
        self.wfile.write(refused.body)

    def _hold(self) -> None:
        """Wait until the test goes on; OSError when the client goes away before."""
        while not self.server.owner.go_on.wait(0.02):
            self._check_line()

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.02)
            self._check_line()

    def _check_line(self) -> None:
        ready, _, _ = select.select([self.connection], [], [], 0)
        if not ready:
            return
        if isinstance(self.connection, ssl.SSLSocket):
            gone = not self.connection.recv(1)
        else:
            gone = not self.connection.recv(1, socket.MSG_PEEK)
        if gone:
            raise ConnectionResetError


def main() -> None:
    """Serve until the parent is gone."""
    with HttpChatServer(key="") as server:
        print(json.dumps({"url": server.url, "gemini_url": server.gemini_url}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
