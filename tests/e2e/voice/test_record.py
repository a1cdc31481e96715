"""The recording of a call: the user left, the assistant right, at their times, whatever happens."""

import signal
import stat
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.voice.conftest import KEY, Serve, Stage, Voice
from tests.e2e.voice.listening import active, emitted, find, is_quiet, samples, share_found
from tests.fakes.ga_signal import timecode
from tests.fakes.pulse import RATE, wait_until
from tests.fakes.terminal import Terminal, check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal]

SAID = 5
"""The timecode that the user says; the stand-in answers with others."""


def sides(path: Path) -> tuple[bytes, bytes]:
    """User and assistant of a recording, as the header of the file counts it."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE)
        frames = file.getnframes()
        both = np.frombuffer(file.readframes(frames), "<i2").reshape(-1, 2)
        assert len(both) == frames
    return both[:, 0].tobytes(), both[:, 1].tobytes()


def say(stage: Stage, terminal: Terminal, ms: int) -> None:
    """A spoken turn."""
    terminal.press("space")
    terminal.wait_for("LIVE: Space sends")
    stage.pulse.play_to_microphone(timecode(SAID, ms))
    terminal.press("space")


def leave(terminal: Terminal) -> None:
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_both_sides_are_recorded_as_they_were_heard_and_aligned(
    stage: Stage, serve: Serve, tmp_path: Path
) -> None:
    service = serve("--audio-ms", "1500")
    path = tmp_path / "call.wav"
    terminal = stage.call(service, "--record", str(path))
    terminal.wait_for("REC 0:0")
    with stage.pulse.record_loudspeaker() as played, stage.pulse.record("mic") as heard:
        say(stage, terminal, 1500)
        service.wait_for("response.done", "out")
        wait_until(lambda: bool(active(played.pcm)), "sound of the reply")
        wait_until(lambda: is_quiet(played.pcm, 500), "the end of the reply")
    sent = active(service.received())
    leave(terminal)
    user, assistant = sides(path)
    assert find(sent, user)[1] > 0.999
    assert emitted(assistant)[-1].to_ms == pytest.approx(1500, abs=2)
    assert share_found(active(assistant), played.pcm) > 0.6  # A sound server may stumble.
    kept_ms = begin_ms(assistant, range(3)) - begin_ms(user, range(SAID, SAID + 1))
    answered = played.time_of(round(begin_ms(played.pcm, range(3)) * RATE / 1000))
    spoke = heard.time_of(round(begin_ms(heard.pcm, range(SAID, SAID + 1)) * RATE / 1000))
    assert kept_ms == pytest.approx((answered - spoke) * 1000, abs=120)


def begin_ms(pcm: bytes, indexes: range) -> float:
    """Where in a recording the beginning of a timecode is, or would be."""
    first = emitted(pcm, indexes)[0]
    return first.at_ms - first.from_ms


def test_only_what_went_to_the_model_is_recorded_of_the_user(
    stage: Stage, serve: Serve, voice: Voice, tmp_path: Path
) -> None:
    service = serve("--audio-ms", "300")
    path = tmp_path / "call.wav"
    terminal = stage.call(service, "--record", str(path))
    say(stage, terminal, 1000)
    service.wait_for("response.done", "out")
    sent = active(service.received())
    stage.pulse.play_to_microphone(voice("nobody shall hear this, and nobody shall keep it"))
    leave(terminal)
    user, _ = sides(path)
    at, likeness = find(sent, user)
    assert likeness > 0.99
    rest = samples(user)[at + len(sent) // 2 + RATE // 10 :]
    assert not rest.any(), "what the model did not hear is in the recording"


def test_a_key_begins_and_ends_a_recording(stage: Stage, serve: Serve) -> None:
    service = serve("--audio-ms", "500")
    terminal = stage.call(service)
    assert "REC" not in terminal.screen_text()
    terminal.press("ctrl+r")
    terminal.wait_for("REC 0:0")
    say(stage, terminal, 600)
    service.wait_for("response.done", "out")
    terminal.wait_for("speaking")
    terminal.press("ctrl+r")
    terminal.wait_for(lambda text: "REC" not in text)
    leave(terminal)
    folder = stage.home / "data" / "recordings"
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    user, _ = sides(path)
    assert emitted(user, range(SAID, SAID + 1))


@pytest.mark.fault("D06")
def test_a_recording_is_whole_when_the_program_is_killed(
    stage: Stage, serve: Serve, tmp_path: Path
) -> None:
    service = serve("--audio-ms", "20000")
    path = tmp_path / "call.wav"
    terminal = stage.call(service, "--record", str(path))
    with stage.pulse.record_loudspeaker() as played:
        say(stage, terminal, 600)
        wait_until(lambda: len(active(played.pcm)) > 4 * RATE * 2, "four seconds of the reply")
        terminal.signal(signal.SIGKILL)
        wait_until(lambda: is_quiet(played.pcm, 300), "silence")
    user, assistant = sides(path)
    assert emitted(user, range(SAID, SAID + 1))
    kept_s = len(active(assistant)) / 2 / RATE
    assert kept_s > len(active(played.pcm)) / 2 / RATE - 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 kB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"a small tmpfs is needed (root, or a user namespace): {done}"
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_ends_the_recording_and_not_the_call(
    stage: Stage, serve: Serve, small_disk: Path
) -> None:
    service = serve("--audio-ms", "500")
    terminal = stage.call(service, "--record", str(small_disk / "call.wav"))
    terminal.wait_for("No space left")
    terminal.wait_for(lambda text: "REC" not in text)
    say(stage, terminal, 600)
    service.wait_for("response.done", "out")
    leave(terminal)
    sides(small_disk / "call.wav")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--plain", "--record", "call.wav"), "no sound to record"),
        (("--text", "--record", "call.wav"), "no sound to record"),
        (("--record", "call.mp3"), ".wav or .ogg"),
        (("--record", "nowhere/call.wav"), "no folder"),
    ],
)
def test_a_recording_that_cannot_be_is_told_before_the_call(
    stage: Stage, options: tuple[str, ...], what: str
) -> None:
    terminal = stage.start("--model", "local", *options)
    terminal.wait_for(what)
    assert terminal.wait_exit() == 2
    assert not list(stage.home.glob("**/*.wav"))


def test_opus_is_recorded_too(stage: Stage, serve: Serve, tmp_path: Path) -> None:
    import soundfile

    service = serve("--audio-ms", "800")
    path = tmp_path / "call.ogg"
    terminal = stage.call(service, "--record", str(path))
    say(stage, terminal, 800)
    service.wait_for("response.done", "out")
    terminal.wait_for("speaking")
    leave(terminal)
    sound, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE and sound.shape[1] == 2
    loud = np.abs(sound).max(axis=0)
    assert loud[0] > 1000
    assert KEY.encode() not in path.read_bytes()
