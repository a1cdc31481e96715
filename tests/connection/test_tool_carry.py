"""Tool calls across lines: each runs once, and its result goes to whoever asks next."""

import asyncio
import json
from collections.abc import Callable, Iterable

from voicechat.connection.tool_carry import ToolCarry
from voicechat.events import Command, EndTurn, SendAudio, SendText, SendToolResult, ToolCalled
from voicechat.tools.toolbox import Toolbox

Reply = Callable[[SendToolResult], None]
ASKED: list[tuple[Command, int]] = [(SendText("what time is it?", "msg_1"), 0)]


class Box(Toolbox):
    """Runs nothing: answers when a test says so."""

    def __init__(self) -> None:
        super().__init__({}, {}, {})
        self.runs: list[tuple[ToolCalled, Reply]] = []
        self.ended: list[str] = []

    def call(self, called: ToolCalled, answer: Reply) -> None:
        self.runs.append((called, answer))

    def cancel(self, call_ids: Iterable[str]) -> None:
        self.ended += [*call_ids]

    def answer(self, at: int, output: str = "noon") -> None:
        called, answer = self.runs[at]
        answer(SendToolResult(called.call_id, called.name, output))


class Desk:
    """A carry, and all that came of it."""

    def __init__(self) -> None:
        self.box = Box()
        self.carry = ToolCarry(self.box)
        self.replied: list[tuple[str, str]] = []
        self.told: list[tuple[str, str]] = []
        self.asked: list[str] = []
        self.carry.reply = lambda one: self.replied.append((one.call_id, one.output))
        self.carry.tell = lambda one: self.told.append((one.call_id, one.output))
        self.carry.go_on = lambda: self.asked.extend(texts(self.carry.release()))

    def call(self, call_id: str, arguments: str = '{"a": 1, "b": 2}', name: str = "clock") -> None:
        self.carry.call(ToolCalled("r1", call_id, name, arguments))


def texts(commands: list[tuple[Command, int]]) -> list[str]:
    return [command.text for command, _ in commands if isinstance(command, SendText)]


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_call_of_this_line_is_answered_to_it() -> None:
    desk = Desk()
    desk.call("c1")
    desk.box.answer(0)
    desk.call("c2")
    desk.box.answer(1)
    assert desk.replied == [("c1", "noon"), ("c2", "noon")] and desk.told == []


async def test_the_same_call_on_the_next_line_gets_the_result_that_is_there() -> None:
    desk = Desk()
    desk.call("c1")
    desk.box.answer(0)
    for line in range(3):
        desk.carry.hang_up()
        desk.call(f"d{line}", '{"b":2,"a":1}')
        await settle()
    assert len(desk.box.runs) == 1
    assert desk.replied == [("c1", "noon"), ("d0", "noon"), ("d1", "noon"), ("d2", "noon")]


async def test_the_same_call_while_the_tool_runs_waits_for_it() -> None:
    desk = Desk()
    desk.call("c1")
    assert desk.carry.hang_up() == {"c1"}
    desk.call("c1")
    desk.box.answer(0)
    assert len(desk.box.runs) == 1
    assert desk.told == [("c1", "noon")] and desk.replied == [("c1", "noon")]


async def test_another_call_runs_also_where_ids_begin_anew() -> None:
    desk = Desk()
    desk.call("c1")
    desk.carry.hang_up()
    desk.call("c1", '{"a": 3}')
    assert [called.call_id for called, _ in desk.box.runs][0] == "c1" and len(desk.box.runs) == 2
    desk.box.answer(1, "three")
    desk.box.answer(0, "one")
    assert desk.replied == [("c1", "three")] and desk.told == [("c1", "one")]


async def test_a_call_after_the_question_was_answered_runs() -> None:
    desk = Desk()
    desk.call("c1")
    desk.box.answer(0)
    desk.carry.drop()
    desk.carry.hang_up()
    desk.call("c2")
    assert len(desk.box.runs) == 2


async def test_words_wait_for_the_tools_and_tell_what_they_said() -> None:
    desk = Desk()
    desk.call("c1")
    desk.carry.hang_up()
    assert desk.carry.hold(ASKED) and desk.carry.held_ids == {"msg_1"}
    desk.box.answer(0, 'noon "sharp"')
    await settle()
    (asked,) = desk.asked
    assert asked.startswith("what time is it?\n")
    output = json.dumps('noon "sharp"')
    assert f'clock {{"a": 1, "b": 2}} answered: {output}' in asked
    assert "Do not call them again" in asked and desk.carry.held_ids == set()


async def test_sound_waits_for_nothing() -> None:
    desk = Desk()
    desk.call("c1")
    desk.carry.hang_up()
    spoken: list[tuple[Command, int]] = [(SendAudio(b"\0\0"), 24_000), (EndTurn(), 24_000)]
    assert not desk.carry.hold(spoken) and desk.carry.told(spoken) == spoken


async def test_what_is_not_wanted_any_more_is_not_asked() -> None:
    desk = Desk()
    desk.call("c1")
    desk.carry.hang_up()
    assert desk.carry.hold(ASKED)
    desk.carry.drop()
    desk.box.answer(0)
    await settle()
    assert desk.asked == [] and desk.told == [("c1", "noon")]


async def test_a_model_takes_back_only_calls_of_its_own_line() -> None:
    desk = Desk()
    desk.call("c1")
    desk.carry.hang_up()
    desk.carry.cancel(["c1"])
    assert desk.box.ended == []
    desk.call("c2", "{}")
    desk.carry.cancel(["c2"])
    assert desk.box.ended == ["c2"] and desk.carry.is_running
