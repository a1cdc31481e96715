"""HTTP to services that speak OpenAI's dialect: the only importer of httpx, and late.

One wall-clock deadline lies around everything, because httpx forgets its own in a SOCKS handshake.
Every foreign error leaves as one of ours, and no text ever holds the key.
"""

import asyncio
import contextlib
import ipaddress
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from voicechat.errors import (
    ConfigError,
    LinkError,
    ProxyError,
    ProxyRefusedError,
    RefusedError,
    ServiceError,
    VoiceChatError,
)

if TYPE_CHECKING:
    import httpx

_DEADLINE_S = 120.0
_LONGEST_ANSWER = 64 * 2**20
_ENDS = ("/chat/completions", "/audio/transcriptions", "/audio/speech")


class HttpService:
    """One service at one address, with its key, through its proxy."""

    def __init__(
        self, url: str, key: str = "", proxy: str = "", deadline_s: float = _DEADLINE_S
    ) -> None:
        """`url` is the base (`https://host/v1`) or the full address of what is asked for.

        Raises:
            ConfigError: It is no http address, or would send the key in the open.
        """
        self._base, self._key, self._deadline_s = url.rstrip("/"), key.strip(), deadline_s
        parts = _split(url)
        local = is_loopback(parts.hostname or "")
        if self._key and parts.scheme == "http" and not local:
            raise ConfigError(f"{self.name} is not encrypted and would get your key", "Use https.")
        if self._key and not (self._key.isascii() and self._key.isprintable()):
            raise ConfigError(f"The key for {self.name} holds strange characters", "Copy it again.")
        self._secrets = [self._key, urlsplit(proxy).password or ""]
        self._proxy = proxy if proxy and not local else None
        self._client: httpx.AsyncClient | None = None

    @property
    def name(self) -> str:
        """The host, for messages."""
        parts = urlsplit(self._base)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.hostname}{port}"

    async def get(self, path: str) -> dict[str, Any]:
        """A JSON object."""
        return _json_object(await self._whole("GET", path), self.name)

    async def upload(self, path: str, form: dict[str, str], file: bytes) -> dict[str, Any]:
        """Post a form with a WAV file; a JSON object comes back."""
        files = {"file": ("speech.wav", file, "audio/wav")}
        return _json_object(await self._whole("POST", path, data=form, files=files), self.name)

    async def stream(self, path: str, body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        """Post JSON; the answer's bytes as they come.

        Raises:
            VoiceChatError: As the module says; also in the middle.
        """
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        async with contextlib.AsyncExitStack() as stack:
            with self._translation():
                async with asyncio.timeout_at(deadline):
                    answer = await stack.enter_async_context(self._request("POST", path, json=body))
            pieces = answer.aiter_bytes()
            while True:
                with self._translation():
                    async with asyncio.timeout_at(deadline):
                        piece = await anext(pieces, None)
                if piece is None:
                    return
                yield piece

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client:
            await client.aclose()

    async def _whole(self, method: str, path: str, **content: Any) -> bytes:
        with self._translation():
            async with (
                asyncio.timeout(self._deadline_s),
                self._request(method, path, **content) as answer,
            ):
                return await self._read(answer)

    @contextlib.asynccontextmanager
    async def _request(
        self, method: str, path: str, **content: Any
    ) -> "AsyncIterator[httpx.Response]":
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        client = self._open()
        address = self._address(path)
        async with client.stream(method, address, headers=headers, **content) as answer:
            if answer.status_code != 200:
                raise self._refusal(answer, await self._read(answer))
            yield answer

    def _open(self) -> "httpx.AsyncClient":
        import httpx

        if self._client is None:
            # Without TLS there is nothing to verify, and loading certificates takes time.
            self._client = httpx.AsyncClient(
                proxy=self._proxy,
                trust_env=False,
                timeout=self._deadline_s,
                verify=self._base.startswith("https:") or bool(self._proxy),
            )
        return self._client

    def _address(self, path: str) -> str:
        end = next((end for end in _ENDS if self._base.endswith(end)), "")
        base = self._base.removesuffix(end)
        return self._base if end == path else f"{base}{path}"

    async def _read(self, answer: "httpx.Response") -> bytes:
        body = bytearray()
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > _LONGEST_ANSWER:
                raise ServiceError(f"{self.name} sends without end")
        return bytes(body)

    def _refusal(self, answer: "httpx.Response", body: bytes) -> VoiceChatError:
        status = answer.status_code
        reason = self._mask(_reason(body))
        said = f"{self.name} answered {status}" + (f" ({reason})" if reason else "")
        if status == 407:
            return ProxyRefusedError("The proxy wants a password", "Put it into its address.")
        if status in (401, 403):
            return RefusedError(said, "Check the key.")
        if status == 429 and "quota" not in reason:
            wait = answer.headers.get("retry-after", "")
            return ServiceError(said, retry_after_s=float(wait) if wait.isdecimal() else None)
        if status in (408, 409) or status >= 500:
            return ServiceError(said, "Try again later.")
        return RefusedError(said, "Check the address and the model.")

    def failure(self, error: object) -> VoiceChatError:
        """An `error` that came inside a good answer."""
        text = error.get("message", "") if isinstance(error, dict) else error
        return ServiceError(f"{self.name} failed: {self._mask(_one_line(str(text)))}")

    @contextlib.contextmanager
    def _translation(self) -> "Iterator[None]":
        try:
            yield
        except VoiceChatError:
            raise
        except TimeoutError:
            text = f"{self.name} took longer than {self._deadline_s:.0f} s"
            raise LinkError(text, "Try again, or check the proxy.") from None
        except Exception as error:
            raise self._translate(error) from None

    def _translate(self, error: Exception) -> VoiceChatError:
        import httpx

        reason = self._mask(_one_line(f"{type(error).__name__}: {error}"))
        # socksio's error is no httpx error; it is known by its name, as httpx alone may import it.
        if isinstance(error, httpx.ProxyError) or type(error).__module__.startswith("socksio"):
            return ProxyError(f"The proxy failed on the way to {self.name} ({reason})")
        if isinstance(error, httpx.TimeoutException):
            return LinkError(f"{self.name} did not answer in time")
        if isinstance(error, httpx.HTTPError | OSError):
            return LinkError(f"{self.name} cannot be reached ({reason})", "Is it running?")
        if isinstance(error, ValueError | httpx.InvalidURL | ImportError):
            return ConfigError(f"The address of {self.name} or the proxy is wrong ({reason})")
        return ServiceError(f"{self.name} sent something unreadable ({reason})")

    def _mask(self, text: str) -> str:
        for secret in filter(None, self._secrets):
            text = text.replace(secret, "***")
        return text


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by name or number; no name is looked up."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


async def read_events(data: AsyncGenerator[bytes, None]) -> AsyncGenerator[dict[str, Any], None]:
    """The JSON objects of a stream of server-sent events (WHATWG HTML 9.2), until `[DONE]`."""
    rest = b""
    async with contextlib.aclosing(data):
        async for piece in data:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                payload = line.removeprefix(b"data:").strip()
                if payload == b"[DONE]":
                    return
                if line.startswith(b"data:") and (event := _object(payload)) is not None:
                    yield event


def _object(payload: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _json_object(body: bytes, name: str) -> dict[str, Any]:
    value = _object(body)
    if value is None:
        raise ServiceError(f"{name} sent something unreadable", "Check the address.")
    return value


def _reason(body: bytes) -> str:
    error = (_object(body) or {}).get("error", "")
    text = error.get("message", "") if isinstance(error, dict) else error
    return _one_line(str(text))


def _one_line(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(shown.split())[:200]


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        valid = False
    if not valid or any(sign.isspace() for sign in url):
        raise ConfigError("The address of a service is wrong", "It looks like https://host/v1.")
    return parts
