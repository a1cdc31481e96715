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
import ssl
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

import trustme

from tests.fakes.http_chat_answers import Step, chat_steps, gemini_steps, whole_chat
from tests.fakes.http_chat_check import MODELS, Refused, check_chat, check_gemini, refuse_key
from tests.fakes.http_chat_script import Call, Script
from tests.fakes.http_thread import Handler, HttpThread, Listener

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


class HttpChatServer(HttpThread):
    """Change what it does at any time; `requests` holds what it was asked.

    Args:
        key: What it asks for; empty: nothing (but Gemini always asks).
        tls: Whether it speaks HTTPS, with a certificate that `ca_file` signs.
    """

    def __init__(self, key: str = "sk-chat-stand-in", *, tls: bool = False) -> None:
        super().__init__()
        self.key = key
        self.requests: list[Request] = []
        self.script = Script()
        """How it answers."""
        self.next: deque[Script] = deque()
        """Before that, one for each question."""
        self.delay = 0.0
        """Seconds before any answer."""
        self.ends: dict[str, str | None] = {}
        """`shutdown_date` of models, as its list names them."""
        self.connections = 0
        self.ca_file = ""
        self._failures: deque[Refused] = deque()
        self._folder = tempfile.TemporaryDirectory()
        self._server = _Listener(self, self._trust() if tls else None)

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
        """The bodies of all questions to a chat model."""
        asked = [request for request in self.requests if request.method == "POST"]
        return [request.json for request in asked if "/audio/" not in request.path]

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
            names = [*MODELS, *(name for name in self.ends if name not in MODELS)]
            data = [
                {"id": name, "object": "model", "shutdown_date": self.ends.get(name)}
                for name in names
            ]
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
        authority.issue_cert("127.0.0.1", "localhost", "0.0.0.0", "api.openai.com").configure_cert(
            context
        )
        return context

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._folder.cleanup()


class _Listener(Listener):
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


class _Handler(Handler):
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.server.owner.connections += 1

    def serve(self, headers: dict[str, str], body: bytes) -> None:
        owner = self.server.owner
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
            self.write_whole(refused.status, refused.body, refused.headers)
            return
        self.begin_pieces(kind)
        self._write_steps(script, steps)
        if script.breaks_off:
            self.close_connection = True
        else:
            self.end_pieces()

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
                self.write_piece(step.data[at : at + size])

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
        if self.is_gone():
            raise ConnectionResetError


def main() -> None:
    """Serve until the parent is gone."""
    with HttpChatServer(key="") as server:
        print(json.dumps({"url": server.url, "gemini_url": server.gemini_url}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
