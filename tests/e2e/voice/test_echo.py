"""With loudspeakers on the table and no key to press, the assistant does not interrupt itself.

What the loudspeaker emits comes back to the microphone, as through the air; the service finds turns
by the loudness of what it is sent.
"""

import wave
from pathlib import Path

import pytest

from tests.audio.echo_room import far_end, pcm
from tests.e2e.voice.conftest import Serve, Stage, Voice
from tests.e2e.voice.listening import check_unbroken, emitted, is_quiet, loud_ms
from tests.e2e.voice.service import ROOT, Server
from tests.fakes.echo_path import share_air
from tests.fakes.ga_signal import LEVEL_RMS, rms_of
from tests.fakes.ga_vad import EnergyVad
from tests.fakes.pulse import RATE, wait_until
from tests.fakes.terminal import Terminal, check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal, pytest.mark.timeout(120)]

STORY_S = 8
REPLIES = 3
LOUDNESS = 0.5
"""Of the story: softer than a voice at the microphone, loud enough for a turn."""
LOUD = 0.85 * LEVEL_RMS
SPOKEN = "input_audio_buffer.speech_started"


@pytest.fixture
def story(tmp_path: Path) -> Path:
    """A reply of eight seconds that is a voice."""
    path = tmp_path / "story.wav"
    save(path, pcm(far_end()[: STORY_S * RATE] * LOUDNESS))
    return path


def save(path: Path, sound: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound)


def call(stage: Stage, service: Server) -> Terminal:
    """The program hands-free, its loudspeaker and its microphone in one room."""
    share_air(stage.pulse)
    return stage.call(service, "--hands-free")


def ask(terminal: Terminal) -> None:
    terminal.type_text("tell me a story")
    terminal.press("enter")


def hear_out(stage: Stage, terminal: Terminal) -> bytes:
    """A whole reply, as the microphone hears it."""
    with stage.pulse.record("mic") as heard:
        ask(terminal)
        wait_until(lambda: loud_ms(heard.pcm) > 5000, "the story", 40)
        wait_until(lambda: is_quiet(heard.pcm, 1000), "its end", 40)
        return heard.pcm


def begins_speech(sound: bytes) -> bool:
    """Whether the service would take this for somebody who speaks."""
    return any(edge.kind == "started" for edge in EnergyVad().feed(sound))


@pytest.mark.fault("A16")
def test_a_reply_does_not_interrupt_itself(stage: Stage, serve: Serve, story: Path) -> None:
    """Three replies, of which the best counts: where the machine is overloaded the sound server
    loses and repeats blocks, and no canceller can know of that."""
    service = serve("--wav", str(story))
    terminal = call(stage, service)
    begun = []
    for _ in range(REPLIES):
        before = len(service.of(SPOKEN, "out"))
        assert begins_speech(hear_out(stage, terminal)), "there was no echo to speak of"
        begun.append(len(service.of(SPOKEN, "out")) - before)
        if begun[-1] == 0:
            break
    assert 0 in begun, f"it heard itself: {begun} times"
    if begun == [0]:
        assert not service.of("conversation.item.truncate")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


def test_the_user_still_interrupts(stage: Stage, serve: Serve, story: Path, voice: Voice) -> None:
    service = serve("--wav", str(story))
    terminal = call(stage, service)
    with stage.pulse.record("mic") as heard:
        ask(terminal)
        wait_until(lambda: loud_ms(heard.pcm) > 3000, "some of the story", 30)
        assert not service.of(SPOKEN, "out"), "it heard itself"
        stage.pulse.play_to_microphone(voice("excuse me please could you stop for a moment"))
        service.wait_for(SPOKEN, "out")
        service.wait_for("conversation.item.truncate")
    terminal.wait_for("[cut at")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


def test_without_the_canceller_the_microphone_is_closed_meanwhile_and_that_is_said(
    stage: Stage, serve: Serve, story: Path, voice: Voice, tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    missing.mkdir()
    (missing / "pywebrtc_audio.py").write_text("raise ImportError('not on this machine')")
    stage.env["PYTHONPATH"] = f"{missing}:{ROOT}"
    service = serve("--wav", str(story))
    terminal = call(stage, service)
    hear_out(stage, terminal)
    assert not service.of(SPOKEN, "out"), "it heard itself"
    assert "closed while the assistant" in " ".join(terminal.screen_text().split())
    stage.pulse.play_to_microphone(voice("now it is my turn to speak"))
    service.wait_for(SPOKEN, "out")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


def loudness(pcm: bytes) -> list[float]:
    """RMS of each tenth of a second."""
    size = RATE // 5
    return [rms_of(pcm[at : at + size]) for at in range(0, len(pcm) - size + 1, size)]


def test_a_word_lets_the_assistant_wait_and_where_nobody_minds_it_goes_on_where_it_was(
    stage: Stage, serve: Serve, voice: Voice
) -> None:
    """With headphones, and a service that takes no notice."""
    service = serve("--audio-ms", "9000", "--vad-rms", "32000")
    terminal = stage.call(service, "--hands-free")
    with stage.pulse.record_loudspeaker() as heard:
        ask(terminal)
        wait_until(lambda: loud_ms(heard.pcm) > 4000, "some of the reply", 30)
        stage.pulse.play_to_microphone(voice("hey there"))
        wait_until(lambda: is_quiet(heard.pcm, 300), "a pause for who speaks")
        waiting = len(loudness(heard.pcm))
        wait_until(lambda: max(loudness(heard.pcm)[waiting:], default=0) > LOUD, "loud sound")
        wait_until(lambda: is_quiet(heard.pcm, 1000), "the end of the reply", 20)
    pieces = emitted(heard.pcm)
    check_unbroken(pieces)
    assert pieces[-1].to_ms > 8980, "some of the reply is lost"
    assert not service.of(SPOKEN, "out") and not service.of("conversation.item.truncate")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()
