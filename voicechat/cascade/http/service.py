"""HTTP to the services of ears, mind and mouth: by httpx2, and it is loaded late.

One wall-clock deadline lies around everything, and a shorter one around each silence.  Every
foreign error leaves as one of ours, and no text ever holds a key.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from voicechat.cascade.http import refusals
from voicechat.cascade.http.options import (
    is_loopback,
    key_headers,
    key_way,
    read_headers,
    read_url,
)
from voicechat.cascade.http.sse import read_events
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.server.checks import mend
from voicechat.errors import ConfigError, LinkError, ServiceError, VoiceChatError
from voicechat.net import tls
from voicechat.net.http_refusals import message_of
from voicechat.net.proxy import Route, read_proxy
from voicechat.text.phrase import phrase

if TYPE_CHECKING:
    import httpx2

__all__ = ["HttpService", "is_loopback", "read_events", "service_of"]

DEADLINE_S = 300.0
_CONNECT_S = 10.0
"""For name lookup, proxy, TCP and TLS together."""
_START_S = 120.0
"""Until an answer begins: a model of this machine may have to be loaded first."""
_IDLE_S = 30.0
"""Between two pieces of an answer."""
_LONGEST_ANSWER = 64 * 2**20
"""Bytes, unpacked: a quarter of an hour of speech."""
_PIECE = 2**16
"""Of a large one, between two looks at what else there is to do: what comes packed may be a
thousand times as large unpacked."""
_ENDS = ("/chat/completions", "/audio/transcriptions", "/audio/speech")


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What a service said to a question that only asks whether a path leads anywhere."""

    status: int
    said: str
    """Its own words, where there are any."""


class HttpService:
    """One service at one address, with its key, through its proxy."""

    def __init__(
        self,
        url: str,
        key: str = "",
        proxy: str = "",
        deadline_s: float = DEADLINE_S,
        *,
        key_header: str = "",
        headers: Mapping[str, str] | None = None,
        ca_file: str = "",
        idle_s: float = _IDLE_S,
        longest: int = _LONGEST_ANSWER,
    ) -> None:
        """`url` is the base (`https://host/v1`) or the full address of what is asked for.

        Args:
            key: Sent as `key_header` says, else as `Authorization: Bearer`.
            proxy: Its address; never used for this machine itself.
            deadline_s: For one request, from the name lookup to the last byte.
            key_header: E.g. `api-key: {key}`.
            headers: More of them, for every request.
            ca_file: PEM file with certificates to trust beside those of this machine.
            idle_s: The longest silence inside an answer.
            longest: Bytes of one answer, unpacked.

        Raises:
            ConfigError: Address, proxy, key or a header cannot be used, or the key would be sent
                in the open.
        """
        self._address = read_url(url)
        self._base, _, self._query = url.strip().partition("?")
        self._base = self._base.rstrip("/")
        self._deadline_s, self._idle_s, self._ca_file = deadline_s, idle_s, ca_file
        self._longest = longest
        self._headers = {**(headers or {}), **key_headers(key.strip(), key_header)}
        local = is_loopback(self._address.host)
        secrets = tuple(filter(None, (key.strip(), *tls.secrets_of(self._headers))))
        if secrets and not self._address.secure and not local:
            raise ConfigError(
                phrase("{who} is not encrypted and would get your key", who=self.name),
                phrase("Use https"),
            )
        tls.check_headers(self._headers)
        through = None if local or not proxy else read_proxy(proxy, phrase("the options"))
        connect_s = min(_CONNECT_S, deadline_s)
        self._route = Route(self.name, through, connect_s, secrets)
        self._client: httpx2.AsyncClient | None = None

    @property
    def name(self) -> str:
        """The host, for messages."""
        return self._address.label

    @property
    def host(self) -> str:
        """The host without its port."""
        return self._address.host

    async def get(self, path: str) -> dict[str, Any]:
        """A JSON object."""
        return self._object(await self._whole("GET", path))

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post JSON; a JSON object comes back."""
        return self._object(await self._whole("POST", path, **_as_json(body)))

    async def upload(
        self, path: str, form: dict[str, str], file: bytes, name: str = "speech.wav"
    ) -> dict[str, Any]:
        """Post a form with a WAV file; a JSON object comes back."""
        files = {"file": (name, file, "audio/wav")}
        return self._object(await self._whole("POST", path, data=form, files=files))

    async def stream(self, path: str, body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        """Post JSON; the answer's bytes as they come.

        Raises:
            VoiceChatError: As the module says; also in the middle.
        """
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        async with contextlib.AsyncExitStack() as stack:
            with self._translation():
                async with self._patience(deadline, _START_S):
                    answer = await stack.enter_async_context(
                        self._request("POST", path, **_as_json(body))
                    )
            pieces, count = answer.aiter_bytes(), 0
            while True:
                with self._translation():
                    async with self._patience(deadline, self._idle_s):
                        piece = await anext(pieces, None)
                if piece is None:
                    return
                for at in range(0, len(piece), _PIECE):
                    yield piece[at : at + _PIECE]
                    await asyncio.sleep(0)
                self._limit(count := count + len(piece))

    async def knock(self, path: str) -> None:
        """Ask for something small: is the service there, and does it let us in?

        Raises:
            VoiceChatError: It is not reached, or refuses key, money or region.
        """
        with self._translation():
            async with asyncio.timeout(self._deadline_s), self._send("GET", path) as answer:
                error = self._refusal(answer, await self._read(answer))
                if isinstance(error, LinkError) or refusals.is_barred(answer.status_code, error):
                    raise error

    async def probe(self, path: str, form: dict[str, str]) -> ProbeAnswer:
        """Post a form without a file: is there anything at this path?

        Raises:
            VoiceChatError: The service is not reached.
        """
        files = {name: (None, value) for name, value in form.items()}
        with self._translation():
            async with self._send("POST", path, files=files) as answer:
                value = _json(await self._read(answer))
                said = message_of(value) if isinstance(value, dict | list) else ""
                return ProbeAnswer(answer.status_code, said)

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client:
            await client.aclose()

    def failure(self, error: Any) -> VoiceChatError:
        """An `error` that came inside a good answer."""
        return refusals.failure(self._route, error)

    # -- one request ----------------------------------------------------------------------------

    async def _whole(self, method: str, path: str, **content: Any) -> bytes:
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        with self._translation():
            async with (
                self._patience(deadline, _START_S),
                self._request(method, path, **content) as answer,
            ):
                return await self._read(answer)

    @contextlib.asynccontextmanager
    async def _patience(self, deadline: float, seconds: float) -> AsyncIterator[None]:
        """Wait so long for one thing, and never past the deadline."""
        now = asyncio.get_running_loop().time()
        until = min(deadline, now + seconds)
        try:
            async with asyncio.timeout_at(until):
                yield
        except TimeoutError:
            text: str = phrase(
                "{who} said nothing for {seconds:.0f} s", who=self.name, seconds=max(until - now, 0)
            )
            if until == deadline:
                text = self._too_slow()
            raise LinkError(text, phrase("Try again, or check the proxy")) from None

    @contextlib.asynccontextmanager
    async def _request(
        self, method: str, path: str, **content: Any
    ) -> "AsyncIterator[httpx2.Response]":
        async with self._send(method, path, **content) as answer:
            if answer.status_code != 200 or _is_page(answer):
                raise self._refusal(answer, await self._read(answer))
            yield answer

    @contextlib.asynccontextmanager
    async def _send(
        self, method: str, path: str, **content: Any
    ) -> "AsyncIterator[httpx2.Response]":
        headers = {**content.pop("headers", {}), **self._headers}
        async with self._open().stream(
            method, self._url(path), headers=headers, **content
        ) as answer:
            yield answer

    def _open(self) -> "httpx2.AsyncClient":
        import httpx2

        from voicechat.net.http_transport import Network, Transport

        if self._client is None:
            network = Network(self._address, self._route, lambda: tls.tls_context(self._ca_file))
            self._client = httpx2.AsyncClient(
                transport=Transport(network), trust_env=False, timeout=None
            )
        return self._client

    def _url(self, path: str) -> str:
        end = next((end for end in _ENDS if self._base.endswith(end)), "")
        base = self._base if end == path else f"{self._base.removesuffix(end)}{path}"
        return f"{base}{'&' if '?' in base else '?'}{self._query}" if self._query else base

    async def _read(self, answer: "httpx2.Response") -> bytes:
        body = bytearray()
        async for piece in answer.aiter_bytes():
            body += piece
            self._limit(len(body))
        return bytes(body)

    def _limit(self, count: int) -> None:
        if count > self._longest:
            raise ServiceError(phrase("{who} sends without end", who=self.name))

    # -- what went wrong ------------------------------------------------------------------------

    def _refusal(self, answer: "httpx2.Response", body: bytes) -> VoiceChatError:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        value = _json(body)
        return refusals.refusal(self._route, answer.status_code, headers, body, value, time.time())

    @contextlib.contextmanager
    def _translation(self) -> "Iterator[None]":
        try:
            yield
        except VoiceChatError:
            raise
        except TimeoutError:
            text = self._too_slow()
            raise LinkError(text, phrase("Try again, or check the proxy")) from None
        except Exception as error:
            raise self._translate(error) from None

    def _too_slow(self) -> str:
        return phrase(
            "{who} took longer than {seconds:.0f} s", who=self.name, seconds=self._deadline_s
        )

    def _translate(self, error: Exception) -> VoiceChatError:
        import httpcore2
        import httpx2

        reason = self._route.quote(f"{type(error).__name__}: {error}", 200)
        if isinstance(error, httpx2.DecodingError):
            return ServiceError(
                phrase("{who} sent something unreadable ({why})", who=self.name, why=reason)
            )
        if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
            return ConfigError(
                phrase("The address of {who} is wrong ({why})", who=self.name, why=reason)
            )
        if isinstance(error, httpcore2.RemoteProtocolError | httpcore2.NetworkError | OSError):
            return LinkError(
                phrase("The line to {who} broke ({why})", who=self.name, why=reason),
                phrase("Try again"),
            )
        return ServiceError(
            phrase("{who} sent something unreadable ({why})", who=self.name, why=reason)
        )

    def _object(self, body: bytes) -> dict[str, Any]:
        value = _json(body)
        if isinstance(value, dict):
            return value
        raise ServiceError(
            phrase("{who} sent something unreadable", who=self.name), phrase("Check the address")
        )


def service_of(
    options: LocalOptions, address: str, key: str, *, kind: str = "openai"
) -> HttpService:
    """The service of one part, with everything that the options say of all services.

    Args:
        options: For proxy, headers, the way keys are sent, and certificates.
        address: Of this part.
        key: Of this part.
        kind: The language it speaks, which says how keys are sent where the options do not.

    Raises:
        ConfigError: As `HttpService`; or the options' headers are no JSON object of texts.
    """
    # What may hold a secret is for the mind's host: a part of another host gets none of it.
    headers = read_headers(options.headers)
    is_same_host = urlsplit(options.mind).netloc in ("", urlsplit(address).netloc)
    return HttpService(
        address,
        key,
        options.proxy,
        key_header=(is_same_host and options.key_header) or key_way(kind),
        headers=headers if is_same_host else {},
        ca_file=options.ca_file,
    )


def _is_page(answer: "httpx2.Response") -> bool:
    """A web page where a service should be: a login page of this network, as a rule."""
    return "html" in answer.headers.get("content-type", "").lower()


def _as_json(body: dict[str, Any]) -> dict[str, Any]:
    """The body and its type; halves of surrogate pairs are joined, or replaced where alone."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return {"content": mend(text).encode(), "headers": {"Content-Type": "application/json"}}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
