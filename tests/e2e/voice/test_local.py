"""The built-in model, spoken and typed: no key, no account, no network."""

import pytest

from tests.e2e.voice.conftest import KEY, Stage, Voice
from tests.e2e.voice.listening import active, find, loud_frames, loud_runs
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
        screen = terminal.wait_for(lambda text: "your own voice" in text and "- ready" in text)
        words = active(said.pcm)
        at, likeness = find(words, heard.pcm)
    assert "Note:" in screen or "built-in echo" in screen
    assert likeness > 0.9
    after = heard.pcm[(at + len(words) // 2) * 2 :]
    assert loud_frames(after).size > RATE, "the notice that follows was not spoken"
    check_after(
        terminal, leave=lambda: terminal.press("ctrl+q"), canaries=[KEY], files=[stage.home]
    )


def test_an_answer_to_typed_words_is_spoken(stage: Stage) -> None:
    terminal = stage.start("--model", "local")
    terminal.wait_for(lambda text: "Push-to-talk" in text and "- ready" in text)
    with stage.pulse.record_loudspeaker() as heard:
        for text in ("first things first", "a second sentence, somewhat longer than the first"):
            terminal.type_text(text)
            terminal.press("enter")
            terminal.wait_for("> speaking")
            terminal.wait_for("- ready")
        terminal.wait_for(f"AI: {text}")
        spoken_s = sum(end - first for first, end in loud_runs(heard.pcm)) / RATE
    assert spoken_s > 3
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
