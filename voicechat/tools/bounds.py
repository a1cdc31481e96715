"""Limits of what a server of tools (MCP) may send: of one message, one list, one tool.

Whoever runs such a server may be careless or hostile: none may fill the memory or hold the program
up.  A server that sends more than a message may have is left, and the user is told.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from voicechat.errors import ServiceError
from voicechat.text.phrase import phrase

LARGEST_MESSAGE = 4 * 2**20
"""Bytes; as Python objects it may be some thirty times as much."""
LONGEST_BODY_S = 120.0
"""For the body of one answer, once it has begun."""
LARGEST_EVENT = 2**20
"""Bytes of one event; the official client takes no larger one."""
WINDOW_S = 10.0
"""A stream of events may last for ever: what counts is how much comes in such a time."""
MOST_OFFERS = 128
"""Tools of one server; OpenAI's limit for a whole session."""
LARGEST_SCHEMA = 65_536
"""Characters of one tool's parameters."""
LONGEST_NAME = 128
"""The specification's limit."""
TOO_MUCH = phrase("It sent more than {count} MB at once", count=LARGEST_MESSAGE // 2**20)
TOO_LARGE = phrase("It sent an event of more than {count} MB", count=LARGEST_EVENT // 2**20)
TOO_LONG = phrase("Its answer did not end within {seconds:g} s", seconds=LONGEST_BODY_S)
COMPRESSED = phrase("It compresses its answers, which was not asked for")
FLOODS = (TOO_MUCH, TOO_LARGE, TOO_LONG, COMPRESSED)


class Flood(ServiceError):
    """A server of tools sends without end."""


async def bounded_body(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body of one answer.

    Raises:
        Flood: It is too large, or does not end.
    """
    size, deadline = 0, asyncio.get_running_loop().time() + LONGEST_BODY_S
    source = aiter(chunks)
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                chunk = await anext(source)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Flood(TOO_LONG) from None
        size += len(chunk)
        if size > LARGEST_MESSAGE:
            raise Flood(TOO_MUCH)
        yield chunk


async def bounded_events(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A stream of events, which may last as long as it likes.

    Raises:
        Flood: Too much comes in too short a time, or one event has no end.
    """
    clock = asyncio.get_running_loop().time
    size, began, event = 0, clock(), 0
    async for chunk in chunks:
        if clock() - began > WINDOW_S:
            size, began = 0, clock()
        size += len(chunk)
        if size > LARGEST_MESSAGE:
            raise Flood(TOO_MUCH)
        ends = chunk.rfind(b"\n")
        event = event + len(chunk) if ends < 0 else len(chunk) - ends
        if event > LARGEST_EVENT - len(chunk):
            raise Flood(TOO_LARGE)
        yield chunk


class Listing:
    """The tools that one server lists, page by page: what of them can be offered.

    Attributes:
        faults: What is left out, each in words for the user.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._names: set[str] = set()
        self._is_full = False

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another tool."""
        return self._is_full

    def fitting(self, tools: Iterable[Any]) -> list[Any]:
        """Those of a page that can be offered, each name once."""
        return [tool for tool in tools if self._fits(tool)]

    def cut_off(self) -> None:
        """There are more pages than anybody reads."""
        self._fault(phrase("its list of tools does not end: the rest is left out"))

    def _fits(self, tool: Any) -> bool:
        if self._is_full:
            return False
        if len(tool.name) > LONGEST_NAME:
            words = phrase("a tool's name is longer than {count} characters", count=LONGEST_NAME)
            return self._fault(words)
        if tool.name in self._names:
            words = phrase("the tool {name} is listed twice: the first counts", name=tool.name)
            return self._fault(words)
        if len(self._names) == MOST_OFFERS:
            self._is_full = True
            return self._fault(
                phrase("only its first {count} tools are offered", count=MOST_OFFERS)
            )
        if not _is_small(tool.input_schema):
            return self._fault(
                phrase("the parameters of {name} are too large: it is left out", name=tool.name)
            )
        self._names.add(tool.name)
        return True

    def _fault(self, words: str) -> bool:
        if words not in self.faults and len(self.faults) < 8:
            self.faults.append(words)
        return False


def _is_small(schema: Any) -> bool:
    try:
        return len(json.dumps(schema)) <= LARGEST_SCHEMA
    except (ValueError, TypeError, RecursionError):
        return False
