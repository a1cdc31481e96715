"""A leak is short and no louder than the echo; a voice is longer, or louder."""

import numpy as np

from voicechat.audio.echo.frame import FRAME, FRAME_MS, SILENCE, Slice
from voicechat.audio.echo.leak_gate import (
    LEAK_MS,
    PAUSE_MS,
    SAFE_RMS,
    SETTLING_MS,
    UNSTEADY_MS,
    LeakGate,
)

LOUD = Slice.of(np.full(FRAME, 3000, np.int16))
QUIET = SILENCE


def settled() -> LeakGate:
    gate = LeakGate()
    for _ in range(SETTLING_MS // FRAME_MS):
        run(gate, QUIET)
    assert gate.is_settled and gate.is_steady
    return gate


def run(
    gate: LeakGate,
    frame: Slice,
    *,
    is_silent: bool = False,
    may_be_echo: bool = True,
    is_spoken_over: bool = False,
) -> float:
    """RMS of what is let through of one frame; its second half, after any slope."""
    out = gate.process(
        frame, is_silent=is_silent, may_be_echo=may_be_echo, is_spoken_over=is_spoken_over
    )
    return float(np.sqrt(np.square(out[FRAME // 2 :], dtype=np.float64).mean()))


def test_a_short_loud_sound_in_a_reply_is_held_back_and_a_long_one_only_at_first() -> None:
    gate = settled()
    told = [run(gate, LOUD) for _ in range(LEAK_MS // FRAME_MS + 2)]
    assert max(told[1 : LEAK_MS // FRAME_MS]) < 2 * SAFE_RMS and told[-1] == 3000


def test_pauses_between_syllables_are_no_new_beginning_and_long_ones_are() -> None:
    gate = settled()
    for _ in range(LEAK_MS // FRAME_MS + 2):
        run(gate, LOUD)
    for _ in range(PAUSE_MS // FRAME_MS - 1):
        run(gate, QUIET)
    assert run(gate, LOUD) == 3000
    for _ in range(PAUSE_MS // FRAME_MS):
        run(gate, QUIET)
    run(gate, LOUD)
    assert run(gate, LOUD) < 2 * SAFE_RMS


def test_what_is_more_than_the_echo_is_let_through_at_once_and_so_is_what_follows() -> None:
    gate = settled()
    assert run(gate, LOUD, is_spoken_over=True) == 3000
    assert run(gate, LOUD) == 3000


def test_where_nothing_is_played_nothing_is_held_back() -> None:
    assert run(settled(), LOUD, is_silent=True, may_be_echo=False) == 3000
    assert run(LeakGate(), LOUD, is_silent=True, may_be_echo=False) == 3000


def test_while_the_canceller_finds_its_way_nothing_loud_passes_that_may_be_the_echo() -> None:
    gate = LeakGate()
    run(gate, LOUD)
    told = [run(gate, LOUD) for _ in range(SETTLING_MS // FRAME_MS - 2)]
    assert max(told) < 2 * SAFE_RMS and not gate.is_settled
    assert run(LeakGate(), LOUD, is_spoken_over=True) == 3000


def test_a_jump_begins_it_anew_and_one_in_a_reply_counts_in_silence_too() -> None:
    gate = settled()
    gate.jump(is_audible=True)
    assert not gate.is_steady and not gate.is_settled
    told = [run(gate, LOUD, is_silent=True) for _ in range(UNSTEADY_MS // FRAME_MS)]
    assert max(told[1:]) < 2 * SAFE_RMS and gate.is_steady and not gate.is_settled
    gate = settled()
    gate.jump(is_audible=False)
    assert gate.is_steady and not gate.is_settled


def test_a_canceller_that_is_taken_up_again_settles() -> None:
    gate = settled()
    gate.settle()
    assert not gate.is_settled
