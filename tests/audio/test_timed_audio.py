"""The last moments of sound are kept to the millisecond, and nothing but sound is dropped."""

import pytest

from voicechat.audio.timed_audio import TimedAudioBuffer, duration_ms


def filled(limit_ms: float, *items: tuple[str, float]) -> TimedAudioBuffer[str]:
    buffer: TimedAudioBuffer[str] = TimedAudioBuffer(limit_ms)
    for item, sound_ms in items:
        buffer.push(item, sound_ms)
    return buffer


def test_the_oldest_sound_goes_first_and_whole() -> None:
    buffer = filled(100, ("a", 60), ("b", 40), ("c", 20))
    assert list(buffer) == ["b", "c"] and buffer.sound_ms == 60


def test_what_is_no_sound_stays_in_its_place() -> None:
    buffer = filled(100, ("key", 0), ("a", 60), ("words", 0), ("b", 90), ("end", 0))
    assert list(buffer) == ["key", "words", "b", "end"] and buffer.last == "end"


def test_sound_that_is_longer_than_the_limit_is_not_kept_at_all() -> None:
    buffer = filled(100, ("key", 0), ("too long", 101))
    assert list(buffer) == ["key"] and buffer.sound_ms == 0


def test_a_smaller_limit_may_be_asked_for_once() -> None:
    buffer = filled(100, ("a", 30), ("b", 30), ("c", 30))
    buffer.trim(0)
    assert len(buffer) == 0 and buffer.last is None
    buffer.push("d", 100)
    assert list(buffer) == ["d"]


def test_what_is_taken_back_makes_room() -> None:
    buffer = filled(100, ("a", 60), ("b", 40))
    assert buffer.pop_last() == "b"
    buffer.push("c", 40)
    assert buffer.drain() == ["a", "c"]
    assert (len(buffer), buffer.sound_ms) == (0, 0)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 24_000, 44_100])
def test_an_hour_of_chunks_of_any_rate_leaves_exactly_the_limit(rate: int) -> None:
    buffer: TimedAudioBuffer[bytes] = TimedAudioBuffer(300)
    chunk = bytes(rate // 50 * 2)
    for _ in range(3600 * 50):
        buffer.push(chunk, duration_ms(chunk, rate))
    assert 300 - 20.001 < buffer.sound_ms <= 300
    assert len(buffer) == 15
    buffer.trim(0)
    assert (len(buffer), buffer.sound_ms) == (0, 0)
