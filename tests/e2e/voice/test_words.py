"""Words keep step with the sound: the screen shows what was heard, not what was received."""

import re

import pytest

from tests.e2e.voice.conftest import Serve, Stage
from tests.e2e.voice.listening import check_truncation, emitted_ms, is_quiet, loud_ms
from tests.fakes.pulse import wait_until
from tests.fakes.terminal import check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal]

WORDS = 400
SOUND_MS = 40_000
WORD_MS = SOUND_MS / WORDS
STORY = " ".join(f"w{number:03}" for number in range(1, WORDS + 1))


def newest_word(screen: str) -> int:
    """The number of the last word of the story on the screen."""
    return max((int(number) for number in re.findall(r"\bw(\d+)\b", screen)), default=0)


def test_words_run_neither_ahead_of_the_sound_nor_behind_it(stage: Stage, serve: Serve) -> None:
    service = serve("--script", "burst", "--audio-ms", str(SOUND_MS), "--text", STORY)
    terminal = stage.call(service)
    with stage.pulse.record_loudspeaker() as heard:
        terminal.type_text("a long story")
        terminal.press("enter")
        service.wait_for("response.done", "out")
        for seconds in (1, 2, 3, 4):
            wait_until(lambda s=seconds: loud_ms(heard.pcm) > s * 1000, "sound")  # type: ignore[misc]
            before_ms = loud_ms(heard.pcm)
            shown_ms = newest_word(terminal.screen_text()) * WORD_MS
            assert shown_ms < loud_ms(heard.pcm) + 1000, "words ran ahead"
            wait_until(
                lambda ms=before_ms: newest_word(terminal.screen_text()) * WORD_MS > ms - 500,  # type: ignore[misc]
                "words catching up",
            )
        terminal.press("esc")
        screen = terminal.wait_for("[cut at")
        wait_until(lambda: is_quiet(heard.pcm, 200), "silence")
        told = service.wait_for("conversation.item.truncate")["message"]["audio_end_ms"]
        check_truncation(told, emitted_ms(heard.pcm))
    assert abs(newest_word(screen) * WORD_MS - told) <= 2 * WORD_MS
    assert f"[cut at {told / 1000:.1f} s]" in " ".join(screen.replace("▌", " ").split())
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()
