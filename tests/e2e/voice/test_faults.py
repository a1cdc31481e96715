"""Sound that goes, comes back, hangs or never was: the conversation goes on, if only in words."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.voice.conftest import KEY, Serve, Stage, Voice
from tests.e2e.voice.listening import active, emitted_ms, find, is_quiet, loud_ms
from tests.fakes.pulse import PulseServer, wait_until
from tests.fakes.terminal import Terminal, check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal]


def unplug(pulse: PulseServer) -> None:
    pulse.unplug()


def kill(pulse: PulseServer) -> None:
    pulse.kill()


def plug_in(pulse: PulseServer) -> None:
    pulse.plug_in()


def start(pulse: PulseServer) -> None:
    pulse.start()


Act = Callable[[PulseServer], None]


def converse_in_words(terminal: Terminal) -> None:
    """A typed conversation with the built-in model, to its orderly end."""
    terminal.wait_for(lambda text: "- ready" in text and "Text only" in text)
    terminal.type_text("hello without sound")
    terminal.press("enter")
    terminal.wait_for("AI: hello without sound")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


@pytest.mark.fault("A04", "A15")
@pytest.mark.parametrize(("lose", "return_"), [(unplug, plug_in), (kill, start)])
def test_devices_that_went_away_in_a_reply_are_found_again(
    stage: Stage, serve: Serve, voice: Voice, lose: Act, return_: Act
) -> None:
    service = serve("--audio-ms", "6000")
    terminal = stage.call(service)
    with stage.pulse.record_loudspeaker() as heard:
        terminal.type_text("talk to me")
        terminal.press("enter")
        wait_until(lambda: loud_ms(heard.pcm) > 1000, "a second of the reply")
        lose(stage.pulse)
    terminal.wait_for("The loudspeaker went away")
    terminal.wait_for("The microphone went away")
    terminal.type_text("are you still there")
    terminal.press("enter")
    service.wait_for("response.create", count=2)
    return_(stage.pulse)
    terminal.wait_for("The loudspeaker is back")
    terminal.wait_for("The microphone is back")
    terminal.press("esc")
    service.wait_for("response.done", "out", count=2)
    with stage.pulse.record("mic") as said, stage.pulse.record_loudspeaker() as heard:
        terminal.press("space")
        terminal.wait_for("LIVE: Space sends")
        stage.pulse.play_to_microphone(voice("can you hear me again"))
        words = active(said.pcm)
        wait_until(lambda: find(words, service.received())[1] > 0.9, "the words at the service")
        terminal.press("space")
        service.wait_for("response.done", "out", count=3)
        wait_until(lambda: loud_ms(heard.pcm) > 1000, "the answer at the loudspeaker")
        assert emitted_ms(heard.pcm, 2) > 500
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


@pytest.mark.fault("A18")
def test_a_pulled_headphone_does_not_disturb_a_reply(stage: Stage, serve: Serve) -> None:
    service = serve("--audio-ms", "4000")
    terminal = stage.call(service)
    with stage.pulse.record("spare.monitor") as spare:
        with stage.pulse.record_loudspeaker() as heard:
            terminal.type_text("talk to me")
            terminal.press("enter")
            wait_until(lambda: loud_ms(heard.pcm) > 1000, "a second of the reply")
            stage.pulse.unload_speaker()
        terminal.wait_for("- ready")
        wait_until(lambda: is_quiet(spare.pcm, 200), "silence")
        assert emitted_ms(spare.pcm) > 3980, "the rest was not heard at the other loudspeaker"
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


@pytest.mark.fault("A05", "X02")
@pytest.mark.parametrize("moment", ["silent", "in a reply"])
def test_a_sound_server_that_hangs_does_not_hold_up_the_end(
    stage: Stage, serve: Serve, moment: str
) -> None:
    service = serve("--audio-ms", "8000")
    terminal = stage.call(service, "--hands-free")
    if moment != "silent":
        with stage.pulse.record_loudspeaker() as heard:
            terminal.type_text("talk to me")
            terminal.press("enter")
            wait_until(lambda: loud_ms(heard.pcm) > 0, "the reply")
    stage.pulse.stall()
    time.sleep(0.5)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"), canaries=[KEY])


@pytest.mark.fault("A05")
def test_a_sound_server_that_hangs_from_the_start_leaves_words(stage: Stage) -> None:
    stage.pulse.stall()
    terminal = stage.start("--model", "local")
    terminal.wait_for("does not answer", 25)
    converse_in_words(terminal)


@pytest.mark.fault("A14")
def test_a_sound_server_that_is_slow_to_answer_is_heard_all_the_same(
    stage: Stage, serve: Serve
) -> None:
    """As one that is only now being started: the connection is up before the sound."""
    service = serve("--audio-ms", "1000")
    stage.pulse.stall()
    terminal = stage.start("--model", "gpt-realtime-2.1", "--url", service.url)
    service.wait_for("session.updated", "out")
    stage.pulse.resume()
    terminal.wait_for("Push-to-talk: Space starts")
    with stage.pulse.record_loudspeaker() as heard:
        terminal.type_text("can I hear you")
        terminal.press("enter")
        wait_until(lambda: loud_ms(heard.pcm) > 950, "the reply")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


@pytest.mark.fault("A02")
@pytest.mark.fault("X01")
def test_without_a_sound_server_words_still_work_and_the_way_to_sound_is_told(
    stage: Stage,
) -> None:
    stage.pulse.kill()
    terminal = stage.start("--model", "local")
    terminal.wait_for("Start the sound server")
    converse_in_words(terminal)


@pytest.mark.fault("A01")
@pytest.mark.fault("X01")
def test_without_portaudio_words_still_work_and_the_way_to_sound_is_told(
    stage: Stage, tmp_path: Path
) -> None:
    """As on a machine where libportaudio2 was never installed: the loader does not find it."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import ctypes.util\n"
        "_find = ctypes.util.find_library\n"
        "ctypes.util.find_library = lambda name: None if 'portaudio' in name else _find(name)\n"
    )
    path = f"{hidden}:{stage.env['PYTHONPATH']}"
    terminal = stage.start("--model", "local", PYTHONPATH=path)
    terminal.wait_for("PortAudio is missing")
    converse_in_words(terminal)
