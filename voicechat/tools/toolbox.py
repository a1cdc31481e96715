"""All tools of one run of the program, and the calls that are under way.

Rule: `run` owns every task; a call is answered once, from the event loop, or never if cancelled.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from voicechat.config import McpSection, ToolSection
from voicechat.errors import VoiceChatError
from voicechat.events import SendToolResult, Tool, ToolCalled
from voicechat.text import clean, clean_line
from voicechat.tools.command import offer_command
from voicechat.tools.consent import ASK_S, Ask, Consent
from voicechat.tools.environment import child_environment
from voicechat.tools.names import Names
from voicechat.tools.offer import Answer, Offer
from voicechat.tools.schema import find_fault, read_arguments
from voicechat.tools.server import START_S, McpServer, load_protocol

MOST_TOOLS = 128
"""OpenAI's limit for one session."""

Reply = Callable[[SendToolResult], None]


class Toolbox:
    """What the model may have done; `run` must run while it is used.

    Args:
        tools: The programs of [tools.*], by name.
        servers: The servers of [mcp.*], by name.
        environ: Of this process; children get it without secrets.
        find_proxy: The proxy for an address, as an address; empty: none.
        ca_file: More certificates to trust (PEM).
        ask_s: Seconds that a question waits for the user.
        start_s: Seconds that a server has to start.
    """

    def __init__(
        self,
        tools: Mapping[str, ToolSection],
        servers: Mapping[str, McpSection],
        environ: Mapping[str, str],
        *,
        find_proxy: Callable[[str], str] = lambda url: "",
        ca_file: str = "",
        ask_s: float = ASK_S,
        start_s: float = START_S,
    ) -> None:
        self.tell: Callable[[str, str], None] = lambda code, line: None
        """Gets what the user should know: a stable code, and one line."""
        ours = child_environment(environ)
        self._commands = [offer_command(name, tool, ours) for name, tool in tools.items()]
        self._servers = [
            McpServer(
                name,
                section,
                environ,
                self._tell,
                find_proxy=find_proxy,
                ca_file=ca_file,
                start_s=start_s,
            )
            for name, section in servers.items()
        ]
        self._names, self._consent = Names(), Consent(ask_s)
        self._tasks: asyncio.TaskGroup | None = None
        self._early: list[tuple[ToolCalled, Reply]] = []
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._told: set[str] = set()

    @property
    def ask(self) -> Ask | None:
        """Asks the user; None: there is nobody to ask."""
        return self._consent.ask

    @ask.setter
    def ask(self, ask: Ask | None) -> None:
        self._consent.ask = ask

    # -- its life -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the servers and the calls until cancelled; no child is left then."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                while self._early:
                    self.call(*self._early.pop(0))
                if self._servers:
                    tasks.create_task(self._run_servers(tasks))
                await asyncio.Event().wait()
        finally:
            self._tasks = None
            self._calls.clear()

    async def _run_servers(self, tasks: asyncio.TaskGroup) -> None:
        try:
            await load_protocol()
        except VoiceChatError as error:
            self._tell("tools", str(error))
            for server in self._servers:
                server.settled.set()
            return
        for server in self._servers:
            tasks.create_task(server.run())

    async def wait_ready(self, seconds: float) -> None:
        """Until every server has listed its tools or failed, not longer than `seconds`."""
        waits = [server.settled.wait() for server in self._servers]
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*waits)
        except TimeoutError:
            late = [server for server in self._servers if not server.settled.is_set()]
            for server in late:
                server.is_late = True
                self._tell("tools", f"The tool server {server.name} is still starting")

    def _tell(self, code: str, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self.tell(code, clean_line(line))

    # -- tools ----------------------------------------------------------------------------------

    def tools(self) -> tuple[Tool, ...]:
        """What to offer a model now, the programs first."""
        found = [replace(offer.tool, name=name) for name, offer in self._offers()]
        if len(found) > MOST_TOOLS:
            hint = "choose with tools = [...] under [mcp.NAME]"
            self._tell("tools", f"Only the first {MOST_TOOLS} tools are offered: {hint}")
        return tuple(found[:MOST_TOOLS])

    def _offers(self) -> Iterator[tuple[str, Offer]]:
        offers = [*self._commands, *(offer for server in self._servers for offer in server.offers)]
        for offer in offers:
            yield self._names.name_for(offer.section, offer.tool.name), offer

    # -- calls ----------------------------------------------------------------------------------

    def call(self, called: ToolCalled, answer: Reply) -> None:
        """Have it done; returns at once.  A call that is under way already is not begun again."""
        if self._tasks is None:
            self._early.append((called, answer))
        elif called.call_id not in self._calls:
            task = self._tasks.create_task(self._answer(called, answer))
            self._calls[called.call_id] = task
            task.add_done_callback(lambda done: self._forget(called.call_id, done))

    def cancel(self, call_ids: Iterable[str]) -> None:
        """End these calls, with their questions and programs; they are never answered."""
        for call_id in call_ids:
            if task := self._calls.pop(call_id, None):
                task.cancel()
            self._early = [call for call in self._early if call[0].call_id != call_id]

    def cancel_all(self) -> None:
        """End all calls."""
        self.cancel([*self._calls, *(called.call_id for called, _ in self._early)])

    def _forget(self, call_id: str, done: asyncio.Task[None]) -> None:
        if self._calls.get(call_id) is done:
            del self._calls[call_id]

    async def _answer(self, called: ToolCalled, answer: Reply) -> None:
        try:
            given = await self._work(called)
        except VoiceChatError as error:
            given = Answer(str(error), is_error=True)
        output = clean(given.output)
        answer(SendToolResult(called.call_id, called.name, output, given.is_error))

    async def _work(self, called: ToolCalled) -> Answer:
        offer = next((offer for name, offer in self._offers() if name == called.name), None)
        if offer is None:
            return Answer(f"There is no tool {clean_line(called.name, 80)}", is_error=True)
        try:
            arguments = read_arguments(called.arguments)
        except ValueError as error:
            return Answer(str(error), is_error=True)
        if fault := find_fault(arguments, offer.tool.parameters):
            return Answer(fault, is_error=True)
        if refusal := await self._consent.find_objection(called.name, offer, arguments):
            return Answer(refusal, is_error=True)
        return await offer.run(arguments)
