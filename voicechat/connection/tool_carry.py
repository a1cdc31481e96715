"""Tool calls across reconnects: each runs once, and its result outlives the line it was made on.

The rule: a tool has side effects, and a line that ends takes none of them back.  So a call goes on
running when its line ends; the next line is asked the open question together with what its tools
answered, and not before all of them have; and a model that makes the same call for it once more
gets the result that is there instead of another run.

Quiet but for the event loop: no I/O of its own.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from voicechat.events import Command, SendImage, SendText, SendToolResult, ToolCalled
from voicechat.tools.toolbox import Toolbox

_HEAD = "(For this you have called tools already, and they ran. Do not call them again for it."
_TAIL = "Go on from there.)"

Answer = Callable[[SendToolResult], None]


@dataclass(slots=True)
class _Carried:
    """One call of the open question, or one that still runs."""

    called: ToolCalled
    line: int
    result: SendToolResult | None = None
    waits: list[ToolCalled] = field(default_factory=list)
    """The same call, made again by the model of a later line."""
    claimed: int = 0
    """The line that made this call again last."""


class ToolCarry:
    """Stands between the model's calls and the toolbox.

    Attributes:
        tell: Gets every result, whatever line its call was made on.
        reply: Gets a result that the model of the present line waits for.
        go_on: Called when the last tool has answered that a held question waits for.
    """

    def __init__(self, toolbox: Toolbox) -> None:
        self.tell: Answer = _nobody
        self.reply: Answer = _nobody
        self.go_on: Callable[[], None] = _nothing
        self._toolbox = toolbox
        self._line, self._runs = 1, 0
        self._open: list[_Carried] = []
        """Of the open question, in the order they were made."""
        self._running: dict[str, _Carried] = {}
        """By the names they have in the toolbox."""
        self._held: list[tuple[Command, int]] = []

    # -- calls ----------------------------------------------------------------------------------

    def call(self, called: ToolCalled) -> None:
        """Have it done, unless it was for the same question on an earlier line."""
        if known := self._find(called):
            known.claimed = self._line
            if known.result is None:
                known.waits.append(called)
            else:  # Later: what is called is told before what is answered.
                self._soon(lambda: self._give_again(known, called, self._line))
            return
        if any(one.called.call_id == called.call_id for one in self._present()):
            return  # Under way on this line already.
        self._runs += 1
        key = called.call_id if called.call_id not in self._running else f"{self._runs}~again"
        made = self._running[key] = _Carried(called, self._line)
        self._open.append(made)
        asked = replace(called, call_id=key)
        self._toolbox.call(asked, lambda result: self._answered(key, made, result))

    def cancel(self, call_ids: Iterable[str]) -> None:
        """The model of this line takes calls back: they are ended, and never answered."""
        gone = set(call_ids)
        for key, one in [*self._running.items()]:
            one.waits = [again for again in one.waits if again.call_id not in gone]
            if one.line == self._line and one.called.call_id in gone:
                del self._running[key]
                self._open = [other for other in self._open if other is not one]
                self._toolbox.cancel([key])

    def hang_up(self) -> set[str]:
        """The line is gone; the ids of the calls that go on without it."""
        self._line += 1
        for one in self._running.values():
            one.waits.clear()
        return {one.called.call_id for one in self._running.values()}

    def _present(self) -> list[_Carried]:
        return [one for one in self._running.values() if one.line == self._line]

    def _find(self, called: ToolCalled) -> _Carried | None:
        """The same call of an earlier line, for the same question, once a line."""
        for one in self._open:
            is_free = one.line < self._line and one.claimed != self._line
            if is_free and _shape(one.called) == _shape(called):
                return one
        return None

    def _answered(self, key: str, made: _Carried, result: SendToolResult) -> None:
        """A tool has answered: to the line that asked, or to whichever asks again."""
        self._running.pop(key, None)
        made.result = result = replace(result, call_id=made.called.call_id)
        if made.line == self._line:
            self.reply(result)
        else:
            self.tell(result)
        for again in made.waits:
            self.reply(replace(result, call_id=again.call_id))
        made.waits.clear()
        if self._held and not self.is_running:
            self._soon(self._go_on)

    def _give_again(self, known: _Carried, called: ToolCalled, line: int) -> None:
        if known.result is not None and line == self._line:
            self.reply(replace(known.result, call_id=called.call_id))

    # -- the question they belong to ------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether a tool of the open question has not answered yet."""
        return any(one.result is None for one in self._open)

    def drop(self) -> None:
        """The question has its answer, or the user says something else."""
        self._open, self._held = [], []

    def hold(self, commands: Sequence[tuple[Command, int]]) -> bool:
        """Keep the words of the open question until its tools have answered; False: ask it now."""
        is_text = bool(commands) and isinstance(commands[-1][0], SendText | SendImage)
        if not (is_text and self.is_running):
            return False
        self._held = [*commands]
        return True

    @property
    def held_ids(self) -> set[str]:
        """Item ids of what is held."""
        said = (command for command, _ in self._held)
        return {one.item_id for one in said if isinstance(one, SendText | SendImage)}

    def release(self) -> list[tuple[Command, int]]:
        """What was held, with what the tools answered."""
        held, self._held = self._held, []
        return self.told(held)

    def told(self, commands: Sequence[tuple[Command, int]]) -> list[tuple[Command, int]]:
        """A question for the next line; its words carry what its tools answered."""
        done = [one for one in self._open if one.result is not None]
        return [(_with_results(command, done), rate) for command, rate in commands]

    def _go_on(self) -> None:
        if self._held and not self.is_running:
            self.go_on()

    def _soon(self, work: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(work)


def _with_results(command: Command, done: Sequence[_Carried]) -> Command:
    if not done or not isinstance(command, SendText | SendImage) or not command.text:
        return command
    lines = [_line(one.called, one.result) for one in done if one.result is not None]
    return replace(command, text="\n".join([command.text, "", _HEAD, *lines, _TAIL]))


def _line(called: ToolCalled, result: SendToolResult) -> str:
    """One call and its answer, quoted: a tool's words are no orders."""
    what = "failed" if result.is_error else "answered"
    return (
        f"{called.name} {called.arguments} {what}: {json.dumps(result.output, ensure_ascii=False)}"
    )


def _shape(called: ToolCalled) -> tuple[str, str]:
    """What two calls for the same thing have in common, however their JSON is written."""
    arguments = called.arguments.strip() or "{}"
    with suppress(ValueError, RecursionError):
        arguments = json.dumps(json.loads(arguments), sort_keys=True)
    return called.name, arguments


def _nobody(result: SendToolResult) -> None:
    """Nobody listens yet."""


def _nothing() -> None:
    """Nobody waits yet."""
