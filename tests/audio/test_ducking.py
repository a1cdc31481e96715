"""A voice over the assistant makes it softer at once, and lets it wait a moment later."""

from tests.audio.echo_room import Room, near_end, pcm
from voicechat.audio.ducking import (
    CERTAIN_MS,
    GAIN,
    HELD_QUIET_MS,
    LONGEST_HOLD_MS,
    QUIET_MS,
    SEEMING_MS,
    Duck,
)
from voicechat.audio.vad import FRAME_MS

VOICE = bytes([0, 20]) * 480
NOISE = bytes([1, 20]) * 480
SILENCE = bytes(960)


def hears_a_voice(frame: bytes) -> bool:
    return frame[0] == 0


def listening() -> Duck:
    return Duck(hears_a_voice)


def feed(duck: Duck, frame: bytes, ms: int) -> list[bool]:
    """Whether it holds, after each frame."""
    held = []
    for _ in range(0, ms, FRAME_MS):
        duck.feed(frame, is_playing=True)
        held.append(duck.holds)
    return held


def test_a_voice_makes_the_assistant_softer_and_then_lets_it_wait() -> None:
    duck = listening()
    feed(duck, VOICE, SEEMING_MS - FRAME_MS)
    assert duck.gain == 1.0
    feed(duck, VOICE, FRAME_MS)
    assert duck.gain == GAIN
    assert feed(duck, VOICE, 1000).index(True) == (CERTAIN_MS - SEEMING_MS) // FRAME_MS - 1
    assert all(feed(duck, SILENCE, HELD_QUIET_MS - FRAME_MS)), "it may still be decided"
    assert not any(feed(duck, SILENCE, FRAME_MS)) and duck.gain == 1.0


def test_a_voice_that_nobody_takes_for_an_interruption_does_not_hold_it_for_ever() -> None:
    duck = listening()
    held = feed(duck, VOICE, 60_000)
    assert held.count(True) == LONGEST_HOLD_MS // FRAME_MS and duck.gain == GAIN
    assert not any(feed(duck, SILENCE, QUIET_MS))


def test_where_nobody_decided_it_does_not_wait_again_until_it_has_finished() -> None:
    duck = listening()
    assert any(feed(duck, VOICE, 300)) and not all(feed(duck, SILENCE, 1000))
    assert not any(feed(duck, VOICE, 300)) and duck.gain == GAIN
    duck.feed(SILENCE, is_playing=False)
    assert any(feed(duck, VOICE, 300))


def test_a_click_or_a_noise_or_a_whisper_changes_nothing() -> None:
    duck = listening()
    feed(duck, VOICE, FRAME_MS)
    feed(duck, NOISE, 500)
    feed(duck, bytes([0, 0, 10, 0]) * 240, 500)
    assert duck.gain == 1.0


def test_when_none_follows_it_is_loud_again() -> None:
    duck = listening()
    feed(duck, VOICE, SEEMING_MS)
    feed(duck, SILENCE, QUIET_MS - FRAME_MS)
    assert duck.gain == GAIN
    feed(duck, SILENCE, FRAME_MS)
    assert duck.gain == 1.0
    assert not any(feed(duck, VOICE, SEEMING_MS))


def test_a_short_pause_is_part_of_what_is_said() -> None:
    duck = listening()
    feed(duck, VOICE, 100)
    feed(duck, SILENCE, 40)
    assert any(feed(duck, VOICE, 100))


def test_while_nothing_is_played_nothing_is_looked_for() -> None:
    duck = listening()
    feed(duck, VOICE, 1000)
    duck.feed(VOICE, is_playing=False)
    assert duck.gain == 1.0 and not duck.holds
    assert not any(feed(duck, VOICE, SEEMING_MS))


def test_chunks_of_any_size_will_do() -> None:
    whole, pieces = listening(), listening()
    sound = VOICE * 20
    whole.feed(sound, is_playing=True)
    for at in range(0, len(sound), 480):
        pieces.feed(sound[at : at + 480], is_playing=True)
    assert whole.holds and pieces.holds


def test_a_real_voice_is_heard_and_the_hum_of_a_room_is_not() -> None:
    speaking, humming = Duck(), Duck()
    speaking.feed(pcm(near_end()[:24_000]), is_playing=True)
    humming.feed(pcm(Room(noise_dbfs=-45).noise(240_000)), is_playing=True)
    assert speaking.holds and not humming.holds
    assert speaking.gain == GAIN and humming.gain == 1.0
