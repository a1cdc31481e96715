"""Sound at the pace of speech is known as such, and kept as far behind as it must be."""

import numpy as np
import pytest

from voicechat.audio.playback.paced import PacedDelay, PaceFinder
from voicechat.audio.playback.start_level import SLOWER
from voicechat.audio.playback.tempo import Aim


def feed(finder: PaceFinder, seconds: float, pace: float = 1.0, size: float = 100) -> bool:
    """A reply that is made at so many times the pace of speech, a little unevenly."""
    rng = np.random.default_rng(3)
    finder.begin()
    for n in range(int(seconds * 1000 / size)):
        finder.note(5000 + n * size / pace + float(rng.uniform(0, 15)), (n + 1) * size)
    return finder.is_paced


def test_a_source_is_paced_when_ten_seconds_came_evenly() -> None:
    finder = PaceFinder()
    assert not feed(finder, 5)
    assert feed(finder, 10)


@pytest.mark.parametrize("pace", [0.9, 1.1, 1.3, 4.0])
def test_a_source_that_is_slower_or_faster_is_not_paced(pace: float) -> None:
    assert not feed(PaceFinder(), 60, pace)


def test_short_replies_are_evidence_together() -> None:
    finder = PaceFinder()
    assert [feed(finder, 3) for _ in range(6)] == [False] * 3 + [True] * 3


def test_who_hurries_is_paced_no_longer() -> None:
    finder = PaceFinder(is_paced=True)
    assert feed(finder, 4)
    assert not feed(finder, 4, pace=3)


def late(delay: PacedDelay, ms: float, seconds: int = 60, every: int = 10) -> float:
    """So many seconds of words of which every tenth part is late."""
    delay.begin()
    for n in range(seconds * 10):
        behind = ms if n % every == 0 else 0.0
        delay.note((n + 1) * 100 + behind, n * 100, (n + 1) * 100, has_voice=True)
    return delay.target_ms


def test_the_target_follows_how_late_sound_comes() -> None:
    delay = PacedDelay()
    even = late(delay, 0)
    uneven = late(delay, 250)
    assert 140 <= even <= 180
    assert 390 <= uneven <= 500
    assert late(delay, 0, 600) < uneven


def test_late_silence_does_not_matter() -> None:
    delay = PacedDelay()
    for n in range(600):
        behind = 300 if n % 10 == 0 else 0
        delay.note(n * 100 + behind, n * 100, n * 100 + 100, has_voice=n % 10 != 0)
    assert delay.target_ms <= 180


def test_only_what_is_later_than_usual_slows_words_down_and_holds_pauses() -> None:
    rarely, often = PacedDelay(), PacedDelay()
    assert late(rarely, 250, every=20) > 300 and late(often, 250, every=4) > 300
    assert rarely.aim(0, 100, 24_000) == Aim(speed=SLOWER, holds=True, holds_for_ever=True)
    assert rarely.aim(0, 300, 24_000).speed == often.aim(0, 100, 24_000).speed == 1.0
    assert not rarely.aim(0, 300, 24_000).holds and not often.aim(0, 100, 24_000).holds


def test_what_is_known_of_an_earlier_call_slows_nothing_down_before_this_one_is_known() -> None:
    earlier = PacedDelay()
    late(earlier, 400, every=20)
    assert earlier.aim(0, 100, 24_000).speed == SLOWER
    assert PacedDelay(earlier.export()).aim(0, 100, 24_000).speed == 1.0


def test_a_delay_of_more_than_a_second_is_made_up_for_in_words_too_and_no_pause_is_held() -> None:
    delay = PacedDelay()
    late(delay, 250, every=20)
    assert delay.aim(500, 2000, 24_000) == Aim(drop=12_000, holds_for_ever=True)
    assert delay.aim(1100, 2000, 24_000).speed > 1
    assert not delay.aim(1100, 100, 24_000).holds


def test_how_far_a_place_is_behind_the_earliest_possible() -> None:
    delay = PacedDelay()
    delay.note(1000, 0, 100, has_voice=True)
    delay.note(1150, 100, 200, has_voice=True)
    assert delay.delay_ms(1040, 0) == 140
    delay.note(1150, 200, 300, has_voice=True)
    assert delay.delay_ms(1040, 0) == 190, "the third part shows that more was possible"


def test_what_was_learned_can_be_kept_and_nonsense_is_ignored() -> None:
    delay = PacedDelay()
    late(delay, 400)
    assert PacedDelay(delay.export()).target_ms == delay.target_ms != PacedDelay().target_ms
    assert PacedDelay({"delay_costs": [1, 2]}).target_ms == PacedDelay().target_ms
