"""One server of tools (Model Context Protocol), kept by one task from its start to its end.

Rule: a session is opened and closed in the same task (its cancel scopes demand it); calls may come
from any.  A server that went away is started again by the next call, once for each call.  Nothing
foreign leaves this module: errors come out as ours.
"""

import asyncio
import importlib
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from voicechat import __version__
from voicechat.config.environment import child_environment
from voicechat.config.schema import McpSection
from voicechat.errors import ConfigError, LinkError, ServiceError, VoiceChatError
from voicechat.events import Notice, Notify, Tool
from voicechat.text.clean import clean, clean_line, mask_secrets
from voicechat.text.phrase import phrase, refilled
from voicechat.tools.bounds import FLOODS, Flood, Listing
from voicechat.tools.content import read_result
from voicechat.tools.offer import Answer, Offer
from voicechat.tools.stdio import over_program
from voicechat.tools.web import Way, over_http

if TYPE_CHECKING:
    from mcp import Client

START_S = 60.0
"""A server may have to be fetched first (npx, uvx)."""
LONGEST_DESCRIPTION = 1024
"""OpenAI's limit."""
MOST_PAGES = 20
TRY_IT = phrase("Try its command in a terminal")


class McpServer:
    """Starts, lists and calls; `run` is its task."""

    def __init__(
        self,
        name: str,
        section: McpSection,
        environ: Mapping[str, str],
        notify: Notify,
        *,
        find_proxy: Callable[[str], str],
        ca_file: str = "",
        start_s: float = START_S,
    ) -> None:
        self.name = name
        self.offers: list[Offer] = []
        """What it listed last; stays when it goes away."""
        self.settled = asyncio.Event()
        """It has listed its tools, or failed."""
        self.is_late = False
        """Nobody waits for it any more."""
        self._section, self._environ, self._notify = section, environ, notify
        self._find_proxy, self._ca_file, self._start_s = find_proxy, ca_file, start_s
        self._client: Client | None = None
        self._wanted, self._lost = asyncio.Event(), asyncio.Event()
        self._has_worked = False
        self._last_words = ""
        """What it wrote last on stderr, or what went wrong on the way to it."""
        self._problem = ""
        self._told: set[str] = set()

    # -- its life -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep it until cancelled; needs the package `mcp` to be there."""
        while True:
            self._wanted.clear()
            problem = await self._live()
            self._client = None
            self._problem = self._tidy(problem)
            self._tell_once()
            if not self._has_worked:  # Whoever waits for it waits in vain.
                self._wanted.clear()
                self.settled.set()
            await self._wanted.wait()

    def try_again(self) -> None:
        """Start it once more if it never worked; what was wrong may have been mended."""
        if self._problem and not self._has_worked and self.settled.is_set():
            self.settled.clear()
            self._wanted.set()

    async def _live(self) -> VoiceChatError:
        """From its start to its end; returns why it ended."""
        self._lost.clear()
        self._has_worked, self._last_words = False, ""
        try:
            await self._serve()
        except Exception as error:  # The protocol's package raises whatever it met.
            return self._explain(_root(error))
        if self._last_words in FLOODS:
            return Flood(self._last_words)
        return ServiceError(phrase("It went away"), self._last_words)

    async def _serve(self) -> None:
        from mcp import Client
        from mcp.types import Implementation

        us = Implementation(name="voicechat", version=__version__)
        client = Client(self._transport(), client_info=us)
        deadline = asyncio.timeout(self._start_s)
        async with deadline, client:
            self.offers = await self._list(client)
            self._client, self._has_worked = client, True
            self._wanted.clear()
            self.settled.set()
            self._tell_if_late()
            deadline.reschedule(None)
            await self._lost.wait()

    def _transport(self) -> AbstractAsyncContextManager[Any]:
        section = self._section
        if section.url:
            way = Way(section.url, section.headers, self._find_proxy(section.url), self._ca_file)
            return over_http(way, self._note_trouble)
        environ = {**child_environment(self._environ), **section.env}
        return over_program(section.command, environ, self._note_end)

    def _note_end(self, last_words: str) -> None:
        self._last_words = last_words
        self._lost.set()

    def _note_trouble(self, words: str) -> None:
        self._last_words = words

    # -- what it offers -------------------------------------------------------------------------

    async def _list(self, client: "Client") -> list[Offer]:
        offers: list[Offer] = []
        cursor, listing = None, Listing()
        for _ in range(MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            wanted = [tool for tool in page.tools if self._is_wanted(tool.name)]
            offers += [self._offer(tool) for tool in listing.fitting(wanted)]
            cursor = page.next_cursor
            if not cursor or listing.is_full:
                break
        else:
            listing.cut_off()
        for fault in listing.faults:
            why = refilled(fault, clean_line)
            self._tell("tools", phrase("The tool server {who}: {why}", who=self.name, why=why))
        self._miss({offer.tool.name for offer in offers})
        return offers

    def _is_wanted(self, tool: str) -> bool:
        return not self._section.tools or tool in self._section.tools

    def _miss(self, found: set[str]) -> None:
        for tool in self._section.tools:
            if f"{self.name}__{tool}" not in found:
                self._tell(
                    "tools",
                    phrase(
                        "The tool server {who} has no tool {name}",
                        who=self.name,
                        name=clean_line(tool, 80),
                    ),
                )

    def _offer(self, tool: Any) -> Offer:
        async def run(arguments: dict[str, Any]) -> Answer:
            return await self._call(tool.name, arguments)

        description = clean(tool.description or tool.title or "")[:LONGEST_DESCRIPTION]
        ours = Tool(f"{self.name}__{tool.name}", description, tool.input_schema)
        return Offer(ours, run, f"[mcp.{self.name}]", self._section.allow)

    # -- calls ----------------------------------------------------------------------------------

    async def _call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        client = await self._awake()
        limit_s = self._section.timeout_s
        try:
            async with asyncio.timeout(limit_s):
                return read_result(await client.call_tool(tool, arguments))
        except TimeoutError:
            text = phrase(
                "The tool server {who} took longer than {seconds:g} s",
                who=self.name,
                seconds=limit_s,
            )
            raise ServiceError(text) from None
        except Exception as error:  # The protocol's package raises whatever it met.
            raise self._failure(client, error) from None

    async def _awake(self) -> "Client":
        """The server, started again if it went away.

        Raises:
            ServiceError: It does not start.
        """
        if self._client is None:
            self.settled.clear()
            self._wanted.set()
            await self.settled.wait()
        if self._client is None:
            raise ServiceError(
                phrase(
                    "The tool server {who} does not run: {why}",
                    who=self.name,
                    why=self._problem,
                )
            )
        return self._client

    def _failure(self, client: "Client", error: Exception) -> VoiceChatError:
        from mcp import MCPError
        from mcp.types import INVALID_PARAMS, METHOD_NOT_FOUND

        if isinstance(error, MCPError) and error.code in (INVALID_PARAMS, METHOD_NOT_FOUND):
            return ServiceError(
                phrase("The tool server {who}: {why}", who=self.name, why=self._mask(error.message))
            )
        if _is_lost(error):
            self._client = None if self._client is client else self._client
            self._lost.set()
            return ServiceError(
                phrase("The tool server {who} went away during the call", who=self.name)
            )
        reason = self._mask(str(error) or type(error).__name__)
        return ServiceError(
            phrase("The tool server {who} failed: {why}", who=self.name, why=reason)
        )

    # -- words ----------------------------------------------------------------------------------

    def _explain(self, error: BaseException) -> VoiceChatError:
        if isinstance(error, VoiceChatError):
            return error
        if self._last_words in FLOODS:
            return Flood(self._last_words)
        if isinstance(error, TimeoutError):
            return ServiceError(
                phrase("It did not start within {seconds:g} s", seconds=self._start_s),
                self._last_words,
            )
        if self._section.url and self._last_words:
            return ServiceError(self._last_words)
        if _is_lost(error):
            return ServiceError(phrase("It ended at once"), self._last_words or TRY_IT)
        return ServiceError(str(error) or type(error).__name__)

    def _tidy(self, problem: VoiceChatError) -> str:
        return self._mask(problem.sentence)

    def _tell(self, code: str, line: str) -> None:
        self._notify(Notice(code, line))

    def _tell_once(self) -> None:
        if self._problem not in self._told:
            self._told.add(self._problem)
            self._tell(
                "tools",
                phrase(
                    "The tool server {who} does not work: {why}", who=self.name, why=self._problem
                ),
            )

    def _tell_if_late(self) -> None:
        if self.is_late:
            self.is_late = False
            text = phrase(
                "The tool server {who} works now: "
                "its tools are offered from the next connection on",
                who=self.name,
            )
            self._tell("tools", text)

    def _mask(self, text: str) -> str:
        section = self._section
        secrets = (section.url, *section.env.values(), *section.headers.values())
        return refilled(text, lambda part: clean_line(mask_secrets(clean_line(part), secrets)))


async def load_protocol() -> None:
    """Import the official package, beside the event loop: it takes most of a second.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        await asyncio.to_thread(importlib.import_module, "mcp")
    except ImportError:
        hint = phrase('Install it: pip install "voicechat[mcp]"')
        raise ConfigError(phrase("Tool servers need the package mcp"), hint) from None
    for name in ("mcp", "httpx2"):  # Their warnings would otherwise be printed over the screen.
        logging.getLogger(name).addHandler(logging.NullHandler())


def _is_lost(error: BaseException) -> bool:
    """Whether the line to the server is gone, and not just this call."""
    from mcp import MCPError
    from mcp.types import CONNECTION_CLOSED

    if isinstance(error, MCPError):
        return error.code == CONNECTION_CLOSED or "Session terminated" in error.message
    package = type(error).__module__.split(".")[0]
    return isinstance(error, LinkError | OSError) or package in ("anyio", "httpx2", "httpcore2")


def _root(error: BaseException) -> BaseException:
    """The first real error inside groups of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
