"""Devices that are odd, busy, far too loud or not the default any more: told, and never silent."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.voice.conftest import PROGRAM, Serve, Stage, Voice
from tests.e2e.voice.listening import active, emitted_ms, find, is_quiet, loud_ms
from tests.e2e.voice.service import ROOT, Server
from tests.fakes.pulse import RATE, wait_until
from tests.fakes.terminal import Terminal, check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal, pytest.mark.timeout(120)]


def ask(terminal: Terminal) -> None:
    terminal.type_text("talk to me")
    terminal.press("enter")


def leave(terminal: Terminal) -> None:
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def with_card(stage: Stage, folder: Path, code: str) -> None:
    """Let the program find a sound card that is like this: what it knows of PortAudio is changed
    before it starts, as a driver would change it."""
    hidden = folder / "driver"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(f"import os, sounddevice as sd\n{code}")
    stage.env["PYTHONPATH"] = f"{hidden}:{ROOT}"


@pytest.mark.fault("A08", "A09")
@pytest.mark.long
def test_a_microphone_that_gives_zeros_or_a_constant_or_far_too_much_is_told(
    stage: Stage, serve: Serve
) -> None:
    terminal = stage.call(serve(), "--hands-free")
    opened = time.monotonic()
    terminal.wait_for("nothing but silence: is it muted?")
    assert time.monotonic() - opened < 15
    stage.pulse.play_to_microphone(np.full(8 * RATE, -9000, "<i2").tobytes())
    terminal.wait_for("a constant instead of sound: is it")
    square = np.where(np.arange(4 * RATE) // 60 % 2, 32_767, -32_768).astype("<i2")
    stage.pulse.play_to_microphone(square.tobytes())
    terminal.wait_for("too loud, it clips: turn it down")
    leave(terminal)


@pytest.mark.fault("A18")
@pytest.mark.long
def test_when_the_default_changes_the_call_follows_it(
    stage: Stage, serve: Serve, voice: Voice
) -> None:
    """As when a headset is plugged in: what speaks and what listens goes over to it."""
    service = serve("--audio-ms", "8000")
    terminal = stage.call(service)
    pulse = stage.pulse
    with pulse.record("spare.monitor") as headset, pulse.record_loudspeaker() as heard:
        ask(terminal)
        wait_until(lambda: loud_ms(heard.pcm) > 1000, "a second of the reply")
        pulse.control("set-default-sink", "spare")
        wait_until(lambda: loud_ms(headset.pcm) > 1000, "the reply in the headset")
        wait_until(lambda: is_quiet(headset.pcm, 300), "its end")
        assert emitted_ms(headset.pcm) > 7900
    pulse.control("load-module", "module-null-sink", "sink_name=other_sink")
    pulse.control("set-default-source", "other_sink.monitor")
    with pulse.record("other_sink.monitor") as said:
        terminal.press("space")
        terminal.wait_for("LIVE: Space sends")
        pulse.play(voice("can you hear me now"), "other_sink")
        words = active(said.pcm)
        wait_until(lambda: find(words, service.received())[1] > 0.9, "the words at the service")
    leave(terminal)
    service.check_manners()


@pytest.mark.fault("A10")
@pytest.mark.long
def test_sound_that_was_lost_is_counted_and_shown(stage: Stage, serve: Serve) -> None:
    """The whole program is held up, as by a computer that swaps."""
    service = serve("--audio-ms", "3000")
    wanted = [*PROGRAM, "--model", "gpt-realtime-2.1", "--url", service.url]
    with Terminal(wanted, cols=200, rows=24, env=stage.env) as terminal:
        terminal.wait_for(lambda text: "Push-to-talk" in text and "connected" in text)
        time.sleep(2)
        os.kill(terminal.pid, signal.SIGSTOP)
        time.sleep(2)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait_for("sound lost")
        with stage.pulse.record_loudspeaker() as heard:
            ask(terminal)
            wait_until(lambda: loud_ms(heard.pcm) > 2900, "the reply", 20)
        leave(terminal)


BUSY = """
def busy(*_, **__):
    raise sd.PortAudioError("Error opening stream", -9985)
sd.RawInputStream = sd.RawOutputStream = busy
"""


@pytest.mark.fault("A06")
@pytest.mark.long
def test_devices_that_others_have_to_themselves_leave_words(stage: Stage, tmp_path: Path) -> None:
    with_card(stage, tmp_path, BUSY)
    terminal = stage.start("--model", "local")
    terminal.wait_for("it is in use by another program")
    terminal.wait_for(lambda text: "- ready" in text and "Text only" in text)
    terminal.type_text("hello without sound")
    terminal.press("enter")
    terminal.wait_for("AI: hello without sound")
    leave(terminal)


CD_ONLY = """
def refuse(check):
    def checked(samplerate=None, channels=None, **more):
        if samplerate != 44100:
            raise sd.PortAudioError("Invalid sample rate", -9997)
        if channels != 2:
            raise sd.PortAudioError("Invalid number of channels", -9998)
        check(samplerate=samplerate, channels=channels, **more)
    return checked
sd.check_input_settings = refuse(sd.check_input_settings)
sd.check_output_settings = refuse(sd.check_output_settings)
"""


@pytest.mark.fault("A07")
@pytest.mark.long
def test_a_card_that_knows_44100_hz_in_stereo_only_is_converted_for(
    stage: Stage, serve: Serve, voice: Voice, tmp_path: Path
) -> None:
    with_card(stage, tmp_path, CD_ONLY)
    service = serve("--audio-ms", "2000")
    terminal = stage.call(service)
    with stage.pulse.record("mic") as said, stage.pulse.record_loudspeaker() as heard:
        terminal.press("space")
        terminal.wait_for("LIVE: Space sends")
        stage.pulse.play_to_microphone(voice("what do you hear at this rate"))
        words = active(said.pcm)
        wait_until(lambda: find(words, service.received())[1] > 0.9, "the words at the service")
        terminal.press("space")
        wait_until(lambda: loud_ms(heard.pcm) > 1900, "the reply", 20)
        wait_until(lambda: is_quiet(heard.pcm, 200), "its end")
    assert emitted_ms(heard.pcm) > 1900
    used = stage.pulse.control("list", "short", "sink-inputs")
    assert "s16le 2ch 44100Hz" in used, used
    leave(terminal)
    service.check_manners()


RAISES = """
class Faulty(sd.RawOutputStream):
    def __init__(self, callback, **more):
        def called(*given):
            if os.path.exists(FLAG):
                os.unlink(FLAG)
                raise RuntimeError("canary of a callback")
            callback(*given)
        super().__init__(callback=called, **more)
sd.RawOutputStream = Faulty
"""


@pytest.mark.fault("A13", "A15")
@pytest.mark.long
def test_a_callback_that_raises_costs_a_moment_and_nothing_is_printed_on_the_screen(
    stage: Stage, serve: Serve, tmp_path: Path
) -> None:
    flag = tmp_path / "raise"
    with_card(stage, tmp_path, f"FLAG = {str(flag)!r}\n{RAISES}")
    service = serve("--audio-ms", "6000")
    terminal = stage.call(service)
    with stage.pulse.record_loudspeaker() as heard:
        ask(terminal)
        wait_until(lambda: loud_ms(heard.pcm) > 1000, "a second of the reply")
        flag.touch()
        terminal.wait_for("The loudspeaker went away")
        screen = terminal.wait_for("The loudspeaker is back")
        before = loud_ms(heard.pcm)
        wait_until(lambda: loud_ms(heard.pcm) > before + 1000, "the rest of the reply")
    assert "canary" not in screen and "Traceback" not in screen
    check_screen(terminal, service)
    leave(terminal)


def check_screen(terminal: Terminal, service: Server) -> None:
    """The screen is as the program drew it: line and box are where they were."""
    lines = terminal.screen_text().splitlines()
    assert lines[0].lstrip().startswith("gpt-realtime-2.1"), lines
    assert "F1 Help" in lines[-1], lines
