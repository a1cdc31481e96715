"""A voice over the assistant makes it softer at once, and is certain after a fifth of a second."""

from tests.audio.echo_room import Room, near_end, pcm
from voicechat.audio.duck import CERTAIN_MS, FRAME_MS, GAIN, QUIET_MS, SEEMING_MS, Duck

VOICE = bytes([0, 20]) * 480
NOISE = bytes([1, 20]) * 480
SILENCE = bytes(960)


def hears_a_voice(frame: bytes) -> bool:
    return frame[0] == 0


def listening() -> Duck:
    return Duck(hears_a_voice)


def feed(duck: Duck, frame: bytes, ms: int) -> list[bool]:
    return [duck.feed(frame, is_playing=True) for _ in range(0, ms, FRAME_MS)]


def test_a_voice_makes_the_assistant_softer_and_is_certain_once() -> None:
    duck = listening()
    feed(duck, VOICE, SEEMING_MS - FRAME_MS)
    assert duck.gain == 1.0
    feed(duck, VOICE, FRAME_MS)
    assert duck.gain == GAIN
    begun = feed(duck, VOICE, 1000)
    assert begun.count(True) == 1
    assert begun.index(True) == (CERTAIN_MS - SEEMING_MS) // FRAME_MS - 1


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
    assert True in feed(duck, VOICE, 100)


def test_while_nothing_is_played_nothing_is_looked_for() -> None:
    duck = listening()
    feed(duck, VOICE, 1000)
    assert duck.feed(VOICE, is_playing=False) is False
    assert duck.gain == 1.0
    assert not any(feed(duck, VOICE, SEEMING_MS))


def test_chunks_of_any_size_will_do() -> None:
    whole, pieces = listening(), listening()
    sound = VOICE * 20
    assert whole.feed(sound, is_playing=True)
    halves = [sound[at : at + 480] for at in range(0, len(sound), 480)]
    assert any(pieces.feed(half, is_playing=True) for half in halves)


def test_a_real_voice_is_heard_and_the_hum_of_a_room_is_not() -> None:
    speaking, humming = Duck(), Duck()
    assert speaking.feed(pcm(near_end()[:24_000]), is_playing=True)
    assert not humming.feed(pcm(Room(noise_dbfs=-45).noise(240_000)), is_playing=True)
    assert speaking.gain == GAIN and humming.gain == 1.0
