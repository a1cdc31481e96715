"""A link in memory, between a session of ours and the inside of a stand-in for a service.

`MemoryLink` is our end, `Peer` the service's: what the stand-ins need of a server's connection of
`websockets`.  Nothing takes time but a stall, and every end a real line can come to can be had.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable

from websockets.exceptions import ConnectionClosedError

from voicechat.net.websocket import LinkClosed

Message = str | bytes

MARK = re.compile(r"typed-\d{6}")
"""In everything the user of these tests types, another one each time."""


def marks(raw: Message) -> list[str]:
    """Which of the user's words a message holds."""
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    return MARK.findall(text) if "typed-" in text else []


class _Pipe:
    """One direction: messages in order, until it ends."""

    def __init__(self) -> None:
        self.waiting: deque[Message] = deque()
        self.taken: list[float] = []
        """When each message was."""
        self.is_ended = False
        self.held_until = 0.0
        self._news = asyncio.Event()

    def put(self, message: Message) -> None:
        self.waiting.append(message)
        self._news.set()

    def end(self, *, loses: bool) -> None:
        """Nothing more comes; `loses`: neither does what is on its way."""
        if loses:
            self.waiting.clear()
        self.is_ended = True
        self._news.set()

    async def take(self) -> Message | None:
        """The next; None: there is none any more."""
        loop = asyncio.get_running_loop()
        while True:
            while loop.time() < self.held_until:
                await asyncio.sleep(self.held_until - loop.time())
            if self.waiting:
                self.taken.append(loop.time())
                return self.waiting.popleft()
            if self.is_ended:
                return None
            self._news.clear()
            await self._news.wait()


class Wire:
    """Both directions of one connection, and how it ended."""

    def __init__(self) -> None:
        self.up, self.down = _Pipe(), _Pipe()
        self.close_code: int | None = None
        """As an end with a close frame tells it; None: the line broke, or lives."""
        self.close_reason = ""
        self.by_us = False
        self.stalled_at = 0.0
        """When the last stall began."""

    @property
    def is_over(self) -> bool:
        return self.up.is_ended

    def close(self, code: int | None, reason: str = "", *, by_us: bool = False) -> None:
        """A friendly end, or (code None) a FIN: what was sent before still arrives."""
        self._end(code, reason, by_us=by_us, loses=False)

    def reset(self) -> None:
        """RST: what is on its way is lost, in both directions."""
        self._end(None, "", by_us=False, loses=True)

    @property
    def is_stalled(self) -> bool:
        return asyncio.get_running_loop().time() < self.down.held_until

    def stall(self, seconds: float) -> None:
        """Nothing passes for a while; nothing is lost."""
        now = asyncio.get_running_loop().time()
        if not self.is_stalled:
            self.stalled_at = now
        until = now + seconds
        self.up.held_until = self.down.held_until = until

    def _end(self, code: int | None, reason: str, *, by_us: bool, loses: bool) -> None:
        if not self.is_over:
            self.close_code, self.close_reason, self.by_us = code, reason, by_us
            self.up.end(loses=loses)
            self.down.end(loses=loses)


class MemoryLink:
    """Our end; see `voicechat.net.websocket.Link`."""

    proxy_label = ""
    bytes_sent = waiting = unsent = 0
    answered = 1
    """Pings get their pongs at once, but for a stall."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @property
    def heard_at(self) -> float:
        wire = self._wire
        return wire.stalled_at if wire.is_stalled else asyncio.get_running_loop().time()

    def ask(self) -> None:
        """Nothing but a stall keeps the answer away, and a stall is seen."""

    def give_up(self) -> None:
        self._wire.reset()

    async def send(self, message: str | bytes) -> None:
        if self._wire.is_over:
            raise self._closed()
        if isinstance(message, str):
            message.encode("utf-8", "replace")
        self._wire.up.put(message)

    async def __aiter__(self) -> AsyncIterator[Message]:
        while (message := await self._wire.down.take()) is not None:
            yield message
        raise self._closed()

    async def close(self) -> None:
        self._wire.close(1000, by_us=True)

    def _closed(self) -> LinkClosed:
        wire = self._wire
        return LinkClosed(wire.close_code, wire.close_reason, by_us=wire.by_us)


class Peer:
    """The service's end, as the stand-ins know it from `websockets`."""

    is_deaf = False

    def __init__(self, wire: Wire, attempt: int, seen: Callable[[Message], None]) -> None:
        self.attempt = attempt
        self.transport = self
        """FIN (`close`) is a method of a real one, too."""
        self._wire = wire
        self._seen = seen

    @property
    def close_code(self) -> int | None:
        return self._wire.close_code

    @property
    def close_reason(self) -> str:
        return self._wire.close_reason

    async def send(self, message: Message) -> None:
        if self._wire.is_over:
            raise ConnectionClosedError(None, None)
        self._wire.down.put(message)

    async def __aiter__(self) -> AsyncIterator[Message]:
        while (message := await self._wire.up.take()) is not None:
            self._seen(message)
            yield message

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._wire.close(code, reason)
