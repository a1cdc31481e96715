"""The built-in model, spoken and typed: no key, no account, no network."""

import pytest

from tests.e2e.voice.conftest import KEY, Stage, Voice
from tests.e2e.voice.listening import active, is_quiet, loud_frames, loud_ms, loud_runs, share_found
from tests.fakes.pulse import RATE, wait_until
from tests.fakes.terminal import check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal]


def test_what_is_spoken_comes_back_from_the_loudspeaker(stage: Stage, voice: Voice) -> None:
    terminal = stage.start("--model", "local")
    terminal.wait_for(lambda text: "Push-to-talk" in text and "- ready" in text)
    with stage.pulse.record("mic") as said, stage.pulse.record_loudspeaker() as heard:
        terminal.press("space")
        terminal.wait_for("LIVE: Space sends")
        stage.pulse.play_to_microphone(voice("nobody but me can hear this sentence"))
        wait_until(lambda: bool(loud_frames(said.pcm).size), "something said")
        terminal.press("space")
        words = active(said.pcm)
        spoken_ms = len(words) * 500 / RATE
        wait_until(lambda: loud_ms(heard.pcm) > spoken_ms + 1000, "some of the notice", 20)
    assert share_found(words, heard.pcm) > 0.7
    terminal.wait_for("your own voice")
    terminal.wait_for("built-in echo")
    check_after(
        terminal, leave=lambda: terminal.press("ctrl+q"), canaries=[KEY], files=[stage.home]
    )


def test_an_answer_to_typed_words_is_spoken(stage: Stage) -> None:
    terminal = stage.start("--model", "local")
    terminal.wait_for(lambda text: "Push-to-talk" in text and "- ready" in text)
    with stage.pulse.record_loudspeaker() as heard:
        terminal.type_text("first things first")
        terminal.press("enter")
        terminal.wait_for("> speaking")
        wait_until(lambda: loud_ms(heard.pcm) > 1500, "a second and a half of speech")
        terminal.type_text("second")
        terminal.press("enter")
        terminal.wait_for(lambda text: "AI: second" in text and "- ready" in text)
        wait_until(lambda: is_quiet(heard.pcm, 500), "silence")
        last = loud_runs(heard.pcm, break_ms=300)[-1]
    assert 200 < (last[1] - last[0]) * 1000 / RATE < 2000
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
