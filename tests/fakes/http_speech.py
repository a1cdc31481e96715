"""A real HTTP server in a thread of its own that writes speech down and speaks, as vendors do.

    with HttpSpeechServer() as server:                  # or: async with
        ... LocalOptions(ears=server.url, ears_key=server.key, mouth=server.url, ...)
        assert server.requests[-1].form["model"] == "whisper-1"

One server plays OpenAI, GLM and xAI at `url`, and Gemini at `gemini_url`.  What it writes down says
which sound arrived (`heard 1.2 s at 440 Hz`); what it speaks is a tone as long as the text.  It
refuses what the real ones refuse.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.fakes import http_speech_vendors as vendors
from tests.fakes.http_speech_vendors import Answer, Refused
from tests.fakes.http_thread import Handler, HttpThread, Listener


@dataclass
class Request:
    """What was asked."""

    path: str
    headers: dict[str, str]
    """Names in small letters."""
    body: bytes = field(repr=False)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """The client went away before the answer was whole."""

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body)

    @cached_property
    def form(self) -> dict[str, bytes]:
        """The fields of a multipart form, in order, the file among them (RFC 7578)."""
        return dict(_fields(self.headers.get("content-type", ""), self.body))


class HttpSpeechServer(HttpThread):
    """Change what it does at any time; `requests` holds what it was asked."""

    def __init__(self, key: str = "sk-speech", host: str = "127.0.0.1") -> None:
        super().__init__()
        self.key = key
        """What it asks for; empty: nothing (but Gemini always does)."""
        self.requests: list[Request] = []
        self.delay_s = 0.0
        """Before any answer."""
        self.pause_before = -1
        """At this piece of each sound (0 is the first) it waits for `go_on`."""
        self.break_at = -1
        """Before this piece the line breaks."""
        self.glm_rate = 24_000
        """Hz, of GLM's streamed sound."""
        self.silent = False
        """Speech services answer without any sound."""
        self._failures: deque[tuple[int, bytes, dict[str, str]]] = deque()
        self._server = _Listener(self, host)

    @property
    def url(self) -> str:
        """The base address of OpenAI, GLM and xAI."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def gemini_url(self) -> str:
        """The base address of Gemini."""
        return f"http://127.0.0.1:{self.port}/v1beta"

    def fail_next(
        self,
        status: int = 503,
        body: bytes | str = "",
        headers: dict[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """The next requests, after those that fail already, get this instead of an answer."""
        text = body or json.dumps({"error": {"message": "Out of order."}})
        data = text.encode() if isinstance(text, str) else text
        self._failures.extend([(status, data, headers or {})] * times)

    def answer(self, request: Request) -> Answer:
        """What to say to a request.

        Raises:
            Refused: What it says is no success.
        """
        if self._failures:
            raise Refused(*self._failures.popleft())
        try:
            return vendors.answer(self, request)
        except (AssertionError, LookupError, ValueError) as error:
            text = f"This request is not what such a service is sent: {error!r}"
            raise Refused(400, json.dumps({"error": {"message": text}}).encode()) from None


class _Listener(Listener):
    def __init__(self, owner: HttpSpeechServer, host: str) -> None:
        self.owner = owner
        super().__init__((host, 0), _Handler)


class _Handler(Handler):
    server: _Listener

    def serve(self, headers: dict[str, str], body: bytes) -> None:
        owner = self.server.owner
        request = Request(self.path, headers, body)
        owner.requests.append(request)
        self._wait(owner.delay_s, request)
        try:
            answer = owner.answer(request)
        except Refused as refused:
            self.write_whole(refused.status, refused.body, refused.headers)
            return
        try:
            self._write_pieces(answer, request)
        except OSError:
            request.hung_up.set()

    def _write_pieces(self, answer: Answer, request: Request) -> None:
        self.begin_pieces(answer.kind)
        for place, piece in enumerate(answer.pieces):
            if place == self.server.owner.pause_before:
                self._hold(request)
            if place == self.server.owner.break_at:
                self.close_connection = True
                return
            self.write_piece(piece)
        self.end_pieces()

    def _hold(self, request: Request) -> None:
        """Wait until the test goes on, or the client goes away."""
        while not self.server.owner.go_on.wait(0.02):
            if self.is_gone():
                request.hung_up.set()
                raise ConnectionError

    def _wait(self, seconds: float, request: Request) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.02)
            if self.is_gone():
                request.hung_up.set()
                return


def _fields(kind: str, body: bytes) -> Iterator[tuple[str, bytes]]:
    boundary = kind.partition("boundary=")[2].strip('"')
    assert kind.startswith("multipart/form-data") and boundary, f"no form: {kind}"
    for part in body.split(f"--{boundary}".encode())[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = head.decode().partition('name="')[2].partition('"')[0]
        yield name, value.removesuffix(b"\r\n")
