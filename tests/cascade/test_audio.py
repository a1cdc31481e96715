"""WAV in and out, whatever the pieces; any rate becomes 24 kHz."""

import math
import struct
from array import array

import pytest

from voicechat.cascade.audio import SpeechStream, decode_sound, wav
from voicechat.errors import ServiceError


def _sine(rate: int, hertz: float = 440.0) -> bytes:
    step = 2 * math.pi * hertz / rate
    return array("h", [round(10_000 * math.sin(at * step)) for at in range(rate)]).tobytes()


def _wav(rate: int, pcm: bytes, channels: int = 1, extra: bytes = b"") -> bytes:
    shape = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * 2, 2, 16)
    return b"RIFF\xff\xff\xff\x7fWAVEfmt " + shape + extra + b"data\xff\xff\xff\x7f" + pcm


def _decode(data: bytes, size: int) -> bytes:
    stream = SpeechStream()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(stream.feed(piece) for piece in pieces) + stream.finish()


def _crossings(pcm: bytes) -> int:
    samples = array("h", pcm)
    return sum(a < 0 <= b for a, b in zip(samples, samples[1:], strict=False))


@pytest.mark.parametrize("size", [1, 7, 4096, 10**6])
@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000])
def test_one_second_stays_one_second_of_the_same_tone(rate: int, size: int) -> None:
    pcm = _decode(_wav(rate, _sine(rate), extra=b"LIST\x03\x00\x00\x00abc\x00"), size)
    assert abs(len(pcm) - 48_000) < 200
    assert abs(_crossings(pcm) - 440) <= 2


def test_our_own_wav_and_bare_samples_come_back_unchanged() -> None:
    pcm = _sine(24_000)
    assert _decode(wav(pcm), 500) == pcm
    assert _decode(pcm, 333) == pcm


@pytest.mark.parametrize("data", [_wav(24_000, b"", channels=2), _wav(1, b"")])
def test_other_shapes_of_sound_are_refused(data: bytes) -> None:
    with pytest.raises(ServiceError):
        _decode(data, 1000)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
def test_bare_samples_of_another_rate_become_ours(rate: int) -> None:
    stream = SpeechStream(rate)
    pcm = stream.feed(_sine(rate)) + stream.finish()
    assert abs(len(pcm) - 48_000) < 200
    assert abs(_crossings(pcm) - 440) <= 2


@pytest.mark.parametrize(
    "data", [b"ID3\x04rest", b"\xff\xfb\x90\x64", b"OggS", b"fLaC", b'{"error": 1}', b"<!DOCTYPE"]
)
def test_files_and_pages_are_not_played_as_samples(data: bytes) -> None:
    with pytest.raises(ServiceError):
        _decode(data, 1000)


def test_rate_that_no_speech_has_is_refused() -> None:
    with pytest.raises(ServiceError):
        SpeechStream(7).feed(bytes(100))


def test_sound_in_base64_is_read_and_nonsense_is_not() -> None:
    assert decode_sound("AAEC", "x.test") == b"\0\1\2"
    with pytest.raises(ServiceError, match=r"x\.test"):
        decode_sound("***", "x.test")
