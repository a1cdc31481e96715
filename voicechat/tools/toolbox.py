"""All tools of one run of the program, and the calls that are under way.

Rule: `run` owns every task; a call is answered once, from the event loop, or never if the model
withdrew it.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from voicechat.config.environment import child_environment
from voicechat.config.schema import McpSection, ToolSection
from voicechat.errors import VoiceChatError
from voicechat.events import Notice, Notify, SendToolResult, Tool, ToolCalled
from voicechat.text.clean import clean, clean_line
from voicechat.text.phrase import phrase
from voicechat.tools.command import offer_command
from voicechat.tools.consent import ASK_S, Ask, Consent
from voicechat.tools.names import Names
from voicechat.tools.offer import Answer, Offer
from voicechat.tools.schema import find_fault, read_arguments
from voicechat.tools.server import START_S, McpServer, load_protocol

MOST_TOOLS = 128
"""OpenAI's limit for one session."""

AGAIN_S = 1.0
"""For a server to start that did not start before: a call must not wait for it for long."""

Reply = Callable[[SendToolResult], None]


@dataclass(slots=True)
class _RunningCall:
    """A call that is under way; without a task before `run`."""

    called: ToolCalled
    answer: Reply
    task: asyncio.Task[None] | None = None

    def end(self) -> None:
        if self.task is not None:
            self.task.cancel()


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
        notify: Told what the user should know.
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
        notify: Notify = lambda notice: None,
    ) -> None:
        self._notify = notify
        ours = child_environment(environ)
        self._commands = [offer_command(name, tool, ours) for name, tool in tools.items()]
        self._servers = [
            McpServer(
                name,
                section,
                environ,
                self._tell_once,
                find_proxy=find_proxy,
                ca_file=ca_file,
                start_s=start_s,
            )
            for name, section in servers.items()
        ]
        self._names, self._consent = Names(), Consent(ask_s)
        self._tasks: asyncio.TaskGroup | None = None
        self._calls: dict[str, _RunningCall] = {}
        """By their ids, in the order they were made."""
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
                for call in self._calls.values():
                    call.task = tasks.create_task(self._answer(call))
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
            self._tell("tools", error.sentence)
            for server in self._servers:
                server.settled.set()
            return
        for server in self._servers:
            tasks.create_task(server.run())

    async def wait_ready(self, seconds: float) -> None:
        """Until every server has listed its tools or failed, not longer than `seconds`.

        Those that failed before are tried again, and not waited for as long.
        """
        if all(server.settled.is_set() for server in self._servers):
            seconds = min(seconds, AGAIN_S)
        for server in self._servers:
            server.try_again()
        waits = [server.settled.wait() for server in self._servers]
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*waits)
        except TimeoutError:
            late = [server for server in self._servers if not server.settled.is_set()]
            for server in late:
                server.is_late = True
                self._tell(
                    "tools", phrase("The tool server {who} is still starting", who=server.name)
                )

    def _tell(self, code: str, line: str) -> None:
        self._tell_once(Notice(code, line))

    def _tell_once(self, notice: Notice) -> None:
        if notice.message not in self._told:
            self._told.add(notice.message)
            self._notify(replace(notice, message=clean_line(notice.message)))

    # -- tools ----------------------------------------------------------------------------------

    def tools(self) -> tuple[Tool, ...]:
        """What to offer a model now, the programs first."""
        found = [replace(offer.tool, name=name) for name, offer in self._offers()]
        if len(found) > MOST_TOOLS:
            text = phrase(
                "Only the first {count} tools are offered: choose with tools = [...] under "
                "[mcp.NAME]",
                count=MOST_TOOLS,
            )
            self._tell("tools", text)
        return tuple(found[:MOST_TOOLS])

    def _offers(self) -> Iterator[tuple[str, Offer]]:
        offers = [*self._commands, *(offer for server in self._servers for offer in server.offers)]
        for offer in offers:
            yield self._names.name_for(offer.section, offer.tool.name), offer

    # -- calls ----------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way, or waits for the user's word."""
        return bool(self._calls)

    def call(self, called: ToolCalled, answer: Reply) -> None:
        """Have it done; returns at once.  A call that is under way already is not begun again."""
        if called.call_id not in self._calls:
            call = self._calls[called.call_id] = _RunningCall(called, answer)
            if self._tasks is not None:
                call.task = self._tasks.create_task(self._answer(call))

    def cancel(self, call_ids: Iterable[str]) -> None:
        """End these calls, with their questions and programs; they are never answered."""
        for call_id in call_ids:
            if call := self._calls.pop(call_id, None):
                call.end()

    def cancel_all(self) -> None:
        """End all calls; they are never answered."""
        self.cancel([*self._calls])

    def stop(self) -> None:
        """End all calls because the user wants it; each is answered with that, as an error."""
        for call in [*self._calls.values()]:
            call.end()
            text = f"The tool {clean_line(call.called.name, 80)} was stopped by the user"
            self._give(call, Answer(text, is_error=True))

    async def _answer(self, call: _RunningCall) -> None:
        try:
            given = await self._work(call.called)
        except VoiceChatError as error:
            given = Answer(str(error), is_error=True)
        except asyncio.CancelledError:
            self._forget(call)
            raise
        self._give(call, given)

    def _give(self, call: _RunningCall, given: Answer) -> None:
        """The answer, to a call that nobody has ended yet."""
        if self._forget(call):
            called, output = call.called, clean(given.output)
            call.answer(SendToolResult(called.call_id, called.name, output, given.is_error))

    def _forget(self, call: _RunningCall) -> bool:
        """Whether it was still under way."""
        is_open = self._calls.get(call.called.call_id) is call
        if is_open:
            del self._calls[call.called.call_id]
        return is_open

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
