"""The recorder: two sides, a thread, a file, and a disk that is full."""

import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.audio.program import killed
from tests.fakes.pulse import wait_until
from voicechat.audio.pcm import HOUSE_RATE
from voicechat.audio.recording.recorder import CallRecorder
from voicechat.errors import VoiceChatError
from voicechat.events import Notice

CHUNK = 480


def tone(frames: int, level: int) -> bytes:
    return (np.sin(np.arange(frames) / 8) * level).astype("<i2").tobytes()


def read(path: Path) -> Any:
    with wave.open(str(path), "rb") as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return sound.reshape(-1, file.getnchannels())


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


def test_user_is_left_and_assistant_right_each_at_its_time(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "call.wav")
    recorder.start()
    recorder.user(tone(CHUNK, 3000), 2400)
    recorder.assistant(tone(CHUNK, 9000), 7200)
    recorder.close()
    sound = read(tmp_path / "call.wav")
    assert np.flatnonzero(sound[:, 0])[[0, -1]].tolist() == pytest.approx([2400, 2879], abs=2)
    assert np.flatnonzero(sound[:, 1])[[0, -1]].tolist() == pytest.approx([7200, 7679], abs=2)


def test_nothing_is_kept_before_it_is_started_or_after_it_is_stopped(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "call.wav")
    recorder.user(tone(CHUNK, 9000), 0)
    assert not recorder.is_on and recorder.seconds == 0
    recorder.start()
    assert recorder.is_on
    recorder.user(tone(CHUNK, 1000), 0)
    recorder.stop()
    recorder.user(tone(CHUNK, 9000), CHUNK)
    recorder.close()
    sound = read(tmp_path / "call.wav")
    assert len(sound) == CHUNK and np.abs(sound).max() <= 1000


def test_the_timeline_begins_when_it_is_started(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "call.wav")
    recorder.start()
    now = time.perf_counter()
    assert 0 <= recorder.frame_at(now) < HOUSE_RATE
    assert recorder.frame_at(now + 1) - recorder.frame_at(now) == HOUSE_RATE
    recorder.close()


def test_each_start_makes_a_file_of_its_own(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "calls")
    names = set()
    for _ in range(3):
        assert recorder.toggle() is True
        assert recorder.path is not None
        names.add(recorder.path)
        assert recorder.toggle() is False
    recorder.close()
    assert len(names) == 3
    assert {path.parent for path in names} == {tmp_path / "calls"}


def test_a_recording_is_whole_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    program = (
        "import sys, time; from pathlib import Path\n"
        "from voicechat.audio.recording.recorder import CallRecorder\n"
        "recorder = CallRecorder(Path(sys.argv[1])); recorder.start()\n"
        "for chunk in range(10**9):\n"
        "    recorder.assistant(bytes([1]) * 960, chunk * 480); time.sleep(0.02)\n"
        "    print(flush=True)\n"
    )
    killed(program, path, lines=250)  # 5 s.
    sound = read(path)
    lost_s = 5 - len(sound) / HOUSE_RATE
    assert lost_s < 2, "0.7 s is held, and what is settled is written four times a second"
    assert (sound[:, 1] == 0x0101).all()


def test_a_full_disk_is_told_once_and_nothing_else_happens(small_disk: Path) -> None:
    told: list[Notice] = []
    recorder = CallRecorder(small_disk / "call.wav", told.append)
    recorder.start()
    for chunk in range(500):
        recorder.user(tone(CHUNK, 9000), chunk * CHUNK)
    wait_until(lambda: not recorder.is_on, "the end of the recording")
    wait_until(lambda: bool(told), "the notice")
    for chunk in range(500, 1000):
        recorder.user(tone(CHUNK, 9000), chunk * CHUNK)
    recorder.close()
    assert [notice.code for notice in told] == ["recording_failed"]
    assert "No space left" in told[0].message and "call goes on" in told[0].message
    assert recorder.path is not None
    with wave.open(str(recorder.path), "rb") as file:
        assert file.getnframes() >= 0  # Readable: the header counts what was written whole.


@pytest.mark.fault("D09")
def test_a_disk_that_hangs_costs_no_memory_without_end_and_is_told_once(tmp_path: Path) -> None:
    told: list[Notice] = []
    recorder = CallRecorder(tmp_path / "call.wav", told.append)
    recorder.start()
    block = bytes(200_000)
    for number in range(200):  # 40 MB at once: no disk takes it between two of them.
        recorder.user(block, number * 100_000)
    assert [notice.code for notice in told] == ["recording_gap"]
    assert recorder.is_on
    recorder.close()


def test_a_file_that_cannot_be_made_is_told_and_recording_stays_off(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "gone" / "call.wav")
    with pytest.raises(VoiceChatError, match="No such file"):
        recorder.start()
    assert not recorder.is_on


def test_a_recorder_that_is_off_loads_no_encoder() -> None:
    code = "import sys, voicechat.audio.recording.recorder; print('soundfile' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
