"""Files that a recording grows into."""

import os
import stat
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio.program import killed
from voicechat.audio.recording.files import check_recording, create_recording
from voicechat.audio.recording.wav import read_wav, wav_header
from voicechat.errors import ConfigError, VoiceChatError

SECOND = np.stack(
    [
        np.sin(np.arange(24_000) * 2 * np.pi * 440 / 24_000) * 9000,
        np.sin(np.arange(24_000) * 2 * np.pi * 880 / 24_000) * 3000,
    ],
    axis=1,
)
STEREO = SECOND.astype("<i2").tobytes()


@pytest.mark.fault("S07")
@pytest.mark.parametrize("name", ["call.wav", "call.ogg"])
def test_both_channels_are_kept_and_only_the_owner_may_read(tmp_path: Path, name: str) -> None:
    old_mask = os.umask(0)
    try:
        file, path = create_recording(tmp_path / name)
    finally:
        os.umask(old_mask)
    for _ in range(3):
        file.write(STEREO)
    file.close()
    assert path == tmp_path / name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sound, rate = soundfile.read(path, dtype="int16")
    assert (rate, sound.shape) == (24_000, (72_000, 2))
    loud = np.sqrt((sound.astype(float) ** 2).mean(axis=0))
    assert loud == pytest.approx([9000 / 2**0.5, 3000 / 2**0.5], rel=0.1)


@pytest.mark.parametrize("name", ["call.wav", "call.ogg"])
def test_an_older_recording_is_never_replaced(tmp_path: Path, name: str) -> None:
    old = tmp_path / name
    old.write_bytes(b"precious")
    made = []
    for _ in range(2):
        file, path = create_recording(old)
        file.close()
        made.append(path.name)
    assert made == [name.replace(".", "-2."), name.replace(".", "-3.")]
    assert old.read_bytes() == b"precious"


@pytest.mark.fault("D06")
@pytest.mark.parametrize(("name", "lost_s"), [("call.wav", 0.0), ("call.ogg", 1.1)])
def test_a_file_whose_writer_was_killed_is_readable(
    tmp_path: Path, name: str, lost_s: float
) -> None:
    path = tmp_path / name
    program = (
        "import sys; from pathlib import Path\n"
        "from voicechat.audio.recording.files import create_recording\n"
        "file, _ = create_recording(Path(sys.argv[1]))\n"
        "while True: file.write(bytes(24_000)); print(flush=True)"
    )
    killed(program, path, lines=40)  # A quarter of a second each.
    sound, rate = soundfile.read(path)
    assert rate == 24_000 and sound.shape[1] == 2
    assert len(sound) >= (10 - lost_s) * 24_000


@pytest.mark.fault("D07")
@pytest.mark.skipif(sys.platform == "darwin", reason="its file system may not know sparse files")
def test_a_wav_beyond_4_gib_tells_its_size(tmp_path: Path) -> None:
    path, frames = tmp_path / "long.wav", 13 * 3600 * 24_000  # 13 hours
    header = wav_header(frames * 4, 24_000, 2)
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + frames * 4)  # Sparse.
    info = soundfile.info(path)
    assert (info.frames, info.channels, info.samplerate) == (frames, 2, 24_000)
    path.unlink()


def test_up_to_4_gib_a_wav_is_an_ordinary_one() -> None:
    most = 0xFFFFFFFF - len(wav_header(0, 24_000, 2)) + 8
    assert wav_header(most, 24_000, 2)[:4] == b"RIFF"
    assert wav_header(most + 4, 24_000, 2)[:4] == b"RF64"


def test_a_wav_of_two_channels_is_read_by_all(tmp_path: Path) -> None:
    file, path = create_recording(tmp_path / "call.wav")
    file.write(STEREO)
    file.close()
    with wave.open(str(path), "rb") as read:
        assert (read.getnchannels(), read.getnframes()) == (2, 24_000)
        assert read.readframes(24_000) == STEREO
    assert len(read_wav(path)) == 48_000


@pytest.mark.parametrize(
    ("name", "what"), [("call.mp3", ".wav"), ("call", ".wav"), ("none/call.wav", "no folder")]
)
def test_a_name_that_cannot_be_is_told_before_the_call(
    tmp_path: Path, name: str, what: str
) -> None:
    with pytest.raises(ConfigError, match=what):
        check_recording(tmp_path / name)


@pytest.mark.parametrize("name", ["call.wav", "call.OGG"])
def test_a_name_that_can_be_is_taken(tmp_path: Path, name: str) -> None:
    assert check_recording(tmp_path / name) == tmp_path / name


@pytest.mark.parametrize("name", ["call.wav", "call.ogg"])
def test_a_folder_that_went_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(VoiceChatError, match="No such file"):
        create_recording(tmp_path / "gone" / name)
