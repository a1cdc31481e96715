"""Volume and microphone gain in a call."""

import numpy as np
import pytest

from tests.e2e.voice.conftest import Serve, Stage
from tests.e2e.voice.listening import active, loud_frames, samples
from tests.fakes.pulse import RATE, wait_until
from tests.fakes.terminal import check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal]


def rms(pcm: bytes) -> float:
    return float(np.sqrt((samples(pcm) ** 2).mean()))


def test_a_key_makes_a_reply_softer_while_it_plays(stage: Stage, serve: Serve) -> None:
    service = serve("--audio-ms", "15000")
    terminal = stage.call(service)
    with stage.pulse.record_loudspeaker() as played:
        terminal.type_text("tell me a long story")
        terminal.press("enter")
        wait_until(lambda: len(active(played.pcm)) > 2 * RATE, "a second of the reply")
        before = rms(active(played.pcm)[RATE // 2 : RATE * 2])
        for _ in range(7):
            terminal.write(b"\x1b[1;5B")  # Ctrl+Down
        terminal.wait_for("volume 30 %")
        at = len(played.pcm)
        wait_until(lambda: len(played.pcm) > at + 4 * RATE, "two seconds more")
        after = rms(played.pcm[at + 2 * RATE : at + 4 * RATE])
    assert after / before == pytest.approx(0.3, rel=0.2)
    terminal.press("esc")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_the_gain_of_the_microphone_is_what_the_config_says(stage: Stage, serve: Serve) -> None:
    (stage.home / "config.toml").write_text("[audio]\ninput_gain = 3.0\n")
    service = serve("--audio-ms", "300")
    terminal = stage.call(service)
    said = np.random.default_rng(5).normal(0, 1000, RATE * 2).astype("<i2").tobytes()
    terminal.press("space")
    terminal.wait_for("LIVE: Space sends")
    stage.pulse.play_to_microphone(said)
    terminal.press("space")
    service.wait_for("response.create")
    heard = samples(service.received())
    loud = loud_frames(service.received())
    middle = heard[int(loud[0]) + RATE // 2 : int(loud[0]) + RATE]
    assert float(np.sqrt((middle**2).mean())) == pytest.approx(3000, rel=0.1)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
