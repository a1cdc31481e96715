"""What a screen sees of a session at one moment."""

import pytest

from voicechat.audio.engine import Engine
from voicechat.conversation.conversation import Row, State
from voicechat.events import Cost, Usage
from voicechat.session.state.cost import Bill
from voicechat.session.state.mic_gate import MicGate
from voicechat.session.state.snapshot import shown_chars, take_snapshot
from voicechat.session.state.turn import Turn

ENGINE = Engine(None)


def phase(
    gate: MicGate, *, is_ready: bool = True, has_problem: bool = False, is_working: bool = False
) -> str:
    seen = take_snapshot(
        ENGINE,
        gate,
        Turn(),
        Bill(None),
        0.0,
        is_ready=is_ready,
        has_problem=has_problem,
        is_working=is_working,
    )
    return seen.phase


def test_a_call_of_a_tool_is_thinking() -> None:
    gate = MicGate(hands_free=False)
    assert phase(gate) == "ready"
    assert phase(gate, is_working=True) == "thinking"
    assert phase(gate, is_ready=False, has_problem=True) == "offline"


def test_a_key_that_is_held_is_live_and_hands_free_only_with_a_microphone() -> None:
    gate = MicGate(hands_free=True)
    assert phase(gate) == "ready"
    gate.press()
    assert phase(gate) == "listening"


def test_latency_and_cost_are_those_of_the_parts() -> None:
    bill = Bill(lambda model, usage: Cost(0.5, "USD"))
    bill.add("m", Usage(), 0.0)
    turn, gate = Turn(latency_ms=420), MicGate(hands_free=False)
    seen = take_snapshot(
        ENGINE, gate, turn, bill, 0.0, is_ready=True, has_problem=False, is_working=False
    )
    assert (seen.latency_ms, seen.costs, seen.playout) == (420, {"USD": 0.5}, None)


@pytest.mark.parametrize(
    ("row", "count"),
    [
        (Row("a", "assistant", "All of it."), 10),
        (Row("a", "assistant", "All of it.", state=State.CUT, heard_text="All"), 3),
        (Row("a", "assistant", "All of it.", state=State.FAILED, heard_text="All"), 3),
        (Row("a", "user", "All of it."), 10),
    ],
)
def test_all_words_are_shown_but_those_that_were_cut_off(row: Row, count: int) -> None:
    assert shown_chars(row, ENGINE) == count


class Playing(Engine):
    """Has 400 ms of everything, and has played half of it."""

    def progress(self, item_id: str) -> tuple[int, int] | None:
        return 200, 400


def test_words_of_a_reply_that_broke_off_run_no_further_than_its_sound() -> None:
    text = "one two three four five six seven eight nine ten"
    whole = Row("a", "assistant", text, spoken=True, state=State.DONE)
    broken = Row("a", "assistant", text, spoken=True, state=State.FAILED)
    assert text[: shown_chars(whole, Playing(None))] == "one two three four five six"
    assert text[: shown_chars(broken, Playing(None))] == "one"
