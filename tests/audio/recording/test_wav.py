import os
import signal
import stat
import struct
import subprocess
import sys
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest

from voicechat.audio.recording.wav import LONGEST_S, WavWriter, read_wav
from voicechat.errors import ConfigError, VoiceChatError

TONE = np.sin(np.arange(24_000) * 2 * np.pi * 440 / 24_000) * 0.5


def riff(form: bytes, data: bytes, size: int | None = None) -> bytes:
    fmt = b"fmt " + struct.pack("<I", len(form)) + form
    note = b"LIST" + struct.pack("<I", 3) + b"abc\0"  # An odd chunk has a byte of padding.
    body = note + fmt + b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def form(encoding: int, channels: int, rate: int, bits: int) -> bytes:
    frame = channels * bits // 8
    return struct.pack("<HHIIHH", encoding, channels, rate, rate * frame, frame, bits)


def extensible(encoding: int, channels: int, rate: int, bits: int) -> bytes:
    guid = struct.pack("<H", encoding) + bytes.fromhex("000000001000800000aa00389b71")
    return form(0xFFFE, channels, rate, bits) + struct.pack("<HHI", 22, bits, 0) + guid


def encode(encoding: int, bits: int) -> bytes:
    if encoding == 3:
        return TONE.astype(f"<f{bits // 8}").tobytes()
    if bits == 8:
        return (TONE * 127 + 128).astype(np.uint8).tobytes()
    wide = (TONE * (2.0**31 - 1)).astype("<i4").tobytes()
    size = bits // 8
    return b"".join(wide[i + 4 - size : i + 4] for i in range(0, len(wide), 4))


@pytest.mark.parametrize("shape", [form, extensible])
@pytest.mark.parametrize(
    ("encoding", "bits"), [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)]
)
def test_every_ordinary_sample_format_gives_the_same_sound(
    tmp_path: Path, encoding: int, bits: int, shape: type
) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(riff(shape(encoding, 1, 24_000, bits), encode(encoding, bits)))
    heard = np.frombuffer(read_wav(path), "<i2") / 32768
    assert len(heard) == len(TONE)
    assert np.abs(heard - TONE).max() < (0.02 if bits == 8 else 0.0002)


def test_channels_are_mixed_and_the_rate_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    left = (np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000) * 16000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        file.writeframes(np.stack([left, np.zeros_like(left)], axis=1).tobytes())
    heard = np.frombuffer(read_wav(path), "<i2").astype(float)
    assert abs(len(heard) - 24_000) <= 1
    assert np.abs(heard[100:-100] - TONE[100 : len(heard) - 100] * 16000).max() < 30


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_streamed_or_cut_off_file_gives_what_there_is(tmp_path: Path, size: int) -> None:
    path = tmp_path / "cut.wav"
    path.write_bytes(riff(form(1, 1, 24_000, 16), b"\1\0" * 50 + b"\1", size))
    assert read_wav(path) == b"\1\0" * 50


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "no WAV"),
        (b"ID3 not a wav file at all", "no WAV"),
        (riff(b"shorty", b"1234"), "broken"),
        (riff(form(1, 0, 24_000, 16), b"1234"), "broken"),
        (riff(form(1, 1, 0, 16), b"1234"), "broken"),
        (riff(form(1, 1, 24_000, 16), b"")[:50], "without sound"),
        (riff(form(2, 1, 8_000, 4), b"1234"), "another kind"),
        (riff(form(7, 1, 8_000, 16), b"1234"), "another kind"),
        (riff(form(3, 1, 8_000, 16), b"1234"), "another kind"),
        (riff(form(1, 1, 8_000, 0), b"1234"), "another kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_a_bad_file_is_named_and_told_how_to_mend(
    tmp_path: Path, content: bytes, what: str
) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=what) as caught:
        read_wav(path)
    assert "bad.wav" in caught.value.message and caught.value.hint


def padded(bits: int, size: int, channels: int = 1) -> bytes:
    """Samples in containers with more room than they need."""
    frame = size * channels
    return struct.pack("<HHIIHH", 1, channels, 24_000, 24_000 * frame, frame, bits)


UPPER = np.rint(TONE * (2**23 - 1)).astype("<i4")


@pytest.mark.fault("D13")
@pytest.mark.parametrize(
    ("shape", "data"),
    [
        (padded(24, 4), (UPPER << 8).astype("<i4").tobytes()),
        (padded(24, 4), UPPER.tobytes()),
        (padded(20, 3), b"".join((v & ~15).tobytes()[:3] for v in UPPER)),
        (padded(12, 2), ((UPPER >> 8) & ~15).astype("<i2").tobytes()),
    ],
    ids=["24 in 32", "24 in 32, at the lower end", "20 in 24", "12 in 16"],
)
def test_samples_that_do_not_fill_their_bytes_are_read_right(
    tmp_path: Path, shape: bytes, data: bytes
) -> None:
    path = tmp_path / "padded.wav"
    path.write_bytes(riff(shape, data))
    heard = np.frombuffer(read_wav(path), "<i2") / 32768
    assert len(heard) == len(TONE) and np.abs(heard - TONE).max() < 0.001


@pytest.mark.fault("D13")
@pytest.mark.parametrize(
    ("encoding", "codes", "linear"),
    [
        (7, b"\x00\x80\x0f\x8f\x70\xf0\x7f\xff", (-32124, 32124, -16764, 16764, -120, 120, 0, 0)),
        (6, b"\x2a\xaa\x25\xa5\x55\xd5\x45\xc5", (-32256, 32256, -16896, 16896, -8, 8, -264, 264)),
    ],
    ids=["mu-law", "A-law"],
)
def test_a_telephone_recording_is_read(
    tmp_path: Path, encoding: int, codes: bytes, linear: tuple[int, ...]
) -> None:
    """By the tables of ITU-T G.711."""
    path = tmp_path / "phone.wav"
    path.write_bytes(riff(form(encoding, 1, 24_000, 8), codes))
    assert tuple(np.frombuffer(read_wav(path), "<i2")) == linear


@pytest.mark.fault("D13")
@pytest.mark.parametrize("share", [-1.0, -0.9])
def test_channels_that_cancel_each_other_are_heard(tmp_path: Path, share: float) -> None:
    path = tmp_path / "crossed.wav"
    both = np.stack([TONE, TONE * share], axis=1) * 32767
    path.write_bytes(riff(form(1, 2, 24_000, 16), both.astype("<i2").tobytes()))
    heard = np.frombuffer(read_wav(path), "<i2") / 32768
    assert np.abs(heard - TONE).max() < 0.001


@pytest.mark.fault("D13")
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1e300])
def test_floats_that_are_no_sound_are_bounded_without_a_warning(tmp_path: Path, odd: float) -> None:
    path = tmp_path / "odd.wav"
    samples = np.concatenate([[odd], TONE]).astype("<f8")
    path.write_bytes(riff(form(3, 1, 24_000, 64), samples.tobytes()))
    heard = np.frombuffer(read_wav(path), "<i2") / 32768
    assert np.abs(heard[1:] - TONE).max() < 0.001


@pytest.mark.fault("D13")
def test_a_huge_file_takes_little_memory_and_an_endless_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.wav"
    path.write_bytes(riff(form(1, 2, 48_000, 16), b"")[:-4] + struct.pack("<I", 2**32 - 1))
    os.truncate(path, 60 * 48_000 * 4)
    tracemalloc.start()
    heard = len(read_wav(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert heard == pytest.approx(60 * 48_000, abs=2000) and peak < 4 * heard
    os.truncate(path, (LONGEST_S + 60) * 48_000 * 4)
    with pytest.raises(ConfigError, match="longer than 30 minutes"):
        read_wav(path)


def test_a_pipe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    data = riff(form(1, 2, 24_000, 16), b"\1\0\3\0" * 50)
    with subprocess.Popen([sys.executable, "-c", _WRITE, path], stdin=subprocess.PIPE) as writer:
        assert writer.stdin is not None
        writer.stdin.write(data)
        writer.stdin.close()
        assert read_wav(path) == b"\2\0" * 50


_WRITE = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"


def test_a_missing_file_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_wav(tmp_path / "nothing.wav")


def test_a_written_file_is_whole_after_every_write_and_private(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    old_mask = os.umask(0)
    try:
        writer = WavWriter(path, 16_000)
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for count in range(3):
        with wave.open(str(path), "rb") as file:
            assert (file.getframerate(), file.getnframes()) == (16_000, count * 2)
        writer.write(b"\1\0\2\0")
    writer.close()
    assert read_wav(path, 16_000) == b"\1\0\2\0" * 3


@pytest.mark.fault("D06")
def test_a_file_whose_writer_was_killed_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "killed.wav"
    program = (
        "import sys; from voicechat.audio.recording.wav import WavWriter\n"
        "writer = WavWriter(sys.argv[1])\n"
        "while True: writer.write(bytes(960)); print(flush=True)"
    )
    child = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE)
    assert child.stdout is not None
    for _ in range(20):
        child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.communicate()
    with wave.open(str(path), "rb") as file:
        frames = file.getnframes()
        assert frames >= 20 * 480 and len(file.readframes(frames)) == frames * 2


def test_a_full_disk_is_told_as_one_of_our_errors() -> None:
    with pytest.raises(VoiceChatError, match="No space left|Illegal seek"):
        WavWriter("/dev/full").write(bytes(10))
