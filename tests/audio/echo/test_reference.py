"""The reference stays beside the microphone, whatever the callbacks, clocks and stalls do.

Every frame of the reference carries its number, so that a test sees which frame was given for
which moment.  `lag` is how long before its use a frame was written, in frames: never negative,
and never much.
"""

import random

import numpy as np
import pytest

from voicechat.audio.echo.reference import MOST_MS, Reference
from voicechat.audio.pcm import ms_to_frames, to_samples

CHUNK = ms_to_frames(20)
BLOCK = ms_to_frames(10)


class Card:
    """Writes numbered frames to the reference, and asks for what belongs to the microphone."""

    def __init__(self) -> None:
        self.reference = Reference()
        self.written = 1

    def play(self, frames: int) -> None:
        numbers = (np.arange(self.written, self.written + frames) % 30_000 + 1).astype("<i2")
        self.reference.put(numbers.tobytes())
        self.written += frames

    def lag(self, frames: int = CHUNK, waiting: int = 0) -> int | None:
        """Of the last frame that was given for so many of the microphone; None: a stand-in."""
        last = int(to_samples(self.reference.pop(frames, waiting))[-1])
        return (self.written - 1 - (last - 1)) % 30_000 if last else None


def test_with_steady_callbacks_nothing_is_ever_shifted() -> None:
    card, lags = Card(), set()
    for _ in range(500):
        card.play(CHUNK)
        lags.add(card.lag())
    lags.discard(None)
    assert card.reference.shifts == 0 and len(lags) == 1
    assert 0 <= lags.pop() <= ms_to_frames(MOST_MS)  # type: ignore[operator]


@pytest.mark.parametrize("ahead_ms", [0, 60, 500, 1900])
def test_what_was_played_before_the_microphone_opened_is_forgotten(ahead_ms: int) -> None:
    card = Card()
    card.play(ms_to_frames(ahead_ms))
    card.play(CHUNK)
    lag = card.lag()
    assert lag is None or lag <= ms_to_frames(MOST_MS)


def test_bursts_of_callbacks_seldom_move_the_reference() -> None:
    card, dice, due = Card(), random.Random(4), 0
    for _ in range(1000):
        due += CHUNK
        if dice.random() < 0.95:  # Else its callback comes with the next one.
            card.play(due)
            due = 0
        card.lag()
    assert card.reference.shifts <= 25  # In 20 s with 50 late callbacks.


@pytest.mark.fault("A11")
@pytest.mark.parametrize("ppm", [-1000, 1000])
def test_clocks_that_drift_are_followed_in_small_steps(ppm: int) -> None:
    card, owed, lags = Card(), 0.0, list[int | None]()
    for _ in range(5000):  # 100 s: the clocks part by 100 ms.
        owed += CHUNK * (1 + ppm * 1e-6)
        card.play(int(owed))
        owed -= int(owed)
        lags.append(card.lag())
    known = [lag for lag in lags[50:] if lag is not None]
    assert len(known) > 4900
    assert max(known) <= ms_to_frames(MOST_MS + 11)


def test_a_stall_of_the_event_loop_shifts_nothing() -> None:
    card = Card()
    for _ in range(100):
        card.play(CHUNK)
        before = card.lag()
    card.play(CHUNK * 50)  # A second on both sides, then all of it at once.
    for left in range(49, -1, -1):
        lag = card.lag(waiting=left * CHUNK)
        assert lag == before + left * CHUNK  # type: ignore[operator]
    assert card.reference.shifts == 0


def test_blocks_that_the_microphone_lost_are_made_up_for_within_a_second() -> None:
    card = Card()
    for _ in range(100):
        card.play(CHUNK)
        card.lag()
    card.play(ms_to_frames(140))  # Played, while the microphone heard nothing of it.
    for _ in range(100):
        card.play(CHUNK)
        lag = card.lag()
    assert lag is not None and lag <= ms_to_frames(MOST_MS)


def settled(card: Card) -> int:
    """The lag after two seconds of steady callbacks."""
    for _ in range(100):
        card.play(CHUNK)
        lag = card.lag()
    assert lag is not None
    return lag


def test_a_gap_in_the_sound_is_a_gap_in_the_reference() -> None:
    """The card was not fed for 100 ms: what comes after it is heard that much later."""
    card = Card()
    before = settled(card)
    for _ in range(5):
        last = card.lag()
    assert last is None, "nothing was played, silence stood in"
    card.play(CHUNK)
    after = card.lag()
    assert after is not None and before <= after <= before + ms_to_frames(MOST_MS)
    assert settled(card) == after


def test_a_callback_that_was_late_leaves_too_much_for_a_few_seconds_only() -> None:
    card = Card()
    before = settled(card)
    card.lag()
    card.play(2 * CHUNK)
    late = card.lag()
    assert late is not None and late > before
    settled(card)
    assert settled(card) <= ms_to_frames(MOST_MS)


def test_the_reference_can_be_given_later() -> None:
    card = Card()
    for _ in range(100):
        card.play(CHUNK)
        before = card.lag()
    assert before is not None
    card.reference.hold_back(400)
    for _ in range(100):
        card.play(CHUNK)
        lag = card.lag()
    assert lag == before + ms_to_frames(400)
    assert card.reference.held_ms == 400
    card.reference.hold_back(0)
    for _ in range(100):
        card.play(CHUNK)
        lag = card.lag()
    assert lag == before
    assert card.reference.shifts == 0


def test_with_no_microphone_the_queue_stays_small() -> None:
    card = Card()
    for _ in range(100):
        card.play(ms_to_frames(1000))
    assert len(card.reference._queue) <= 4 * 48_000
