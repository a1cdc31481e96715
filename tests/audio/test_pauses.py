"""What counts as a pause is judged against the voice."""

from tests.audio.voices import hiss, hush, voice
from voicechat.audio.playback.tempo import PauseFinder


def test_words_are_no_pause_and_the_hum_between_them_is() -> None:
    finder = PauseFinder()
    assert not finder.hear(voice(100))
    assert finder.is_pause(hush(50)) and finder.is_pause(bytes(480))
    assert not finder.is_pause(hush(50) + voice(10))


def test_a_loud_voice_has_louder_pauses_than_a_soft_one() -> None:
    loud, soft = PauseFinder(), PauseFinder()
    loud.hear(voice(100, level=12_000))
    soft.hear(voice(100, level=300))
    breath = hiss(50, 80)
    assert loud.is_pause(breath) and not soft.is_pause(breath)


def test_a_voice_that_became_soft_is_followed() -> None:
    finder = PauseFinder()
    finder.hear(voice(100, level=12_000))
    assert finder.is_pause(hiss(10, 80))
    for _ in range(3000):
        finder.hear(hiss(10, 150))
    assert not finder.is_pause(hiss(10, 80))


def test_the_pause_at_the_beginning_is_measured_in_steps_of_ten_milliseconds() -> None:
    finder = PauseFinder()
    finder.hear(voice(100))
    assert finder.leading(hush(55) + voice(50)) == 50 * 24
    assert finder.leading(hush(70)) == 70 * 24
    assert finder.leading(voice(50)) == finder.leading(b"") == 0
