"""Mu-law as the telephone knows it: the law, the filter, and what is on the wire."""

import math

import numpy as np
import pytest

from tests.providers.openai.call import Call, only
from voicechat.events import BeginTurn, EndTurn, Notice, SendAudio
from voicechat.providers.audio_fields import decode
from voicechat.providers.openai.g711 import G711

MULAW = {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}


def expand(coded: bytes) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """The way back (ITU-T G.711, table 2a), written from the other side."""
    steps = []
    for byte in coded:
        value = ~byte & 0xFF
        size = (((value & 0x0F) * 2 + 33) << ((value >> 4) & 7)) - 33
        steps.append(-size * 4 if value & 0x80 else size * 4)
    return np.array(steps, dtype=float)


def tone(hz: float, seconds: float = 1.0, level: float = 0.3) -> bytes:
    at = np.arange(int(24_000 * seconds)) / 24_000
    return (level * 32767 * np.sin(2 * math.pi * hz * at)).astype("<i2").tobytes()


def loudness(samples: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    return float(10 * np.log10(np.mean(samples[500:-500] ** 2) + 1e-9))


@pytest.mark.parametrize(
    ("sample", "byte"),
    [(0, 0xFF), (-1, 0x7F), (32767, 0x80), (-32768, 0x00), (1000, 0xCE), (-1000, 0x4E), (4, 0xFE)],
)
def test_single_samples_are_written_by_the_law(sample: int, byte: int) -> None:
    assert G711()._compress(np.array([float(sample)])) == bytes([byte])


def test_every_sample_comes_back_nearly_as_it_was() -> None:
    samples = np.arange(-32_600, 32_601, dtype=float)
    back = expand(G711()._compress(samples))
    assert np.all(np.abs(back - samples) <= np.abs(samples) / 30 + 8)


@pytest.mark.fault("N25")
def test_speech_passes_and_what_a_telephone_cannot_carry_does_not() -> None:
    def through(hz: float) -> float:
        coder = G711()
        return loudness(expand(coder.pop(tone(hz)) + coder.flush()))

    heard = through(1000)
    assert heard - loudness(np.frombuffer(tone(1000), "<i2").astype(float)) == pytest.approx(
        0, abs=0.5
    )
    assert through(300) == pytest.approx(heard, abs=0.5)
    assert through(5000) < heard - 40 and through(7000) < heard - 40


def test_pieces_of_any_size_make_the_same_stream() -> None:
    pcm, whole, pieces = tone(440), G711(), G711()
    expected = whole.pop(pcm) + whole.flush()
    cut, at = b"", 0
    for n in range(10_000):
        size = 2 * (n * 7919 % 613)
        cut += pieces.pop(pcm[at : at + size])
        at += size
    assert cut + pieces.flush() == expected
    assert len(expected) == pytest.approx(8000, abs=2)


def test_sound_goes_in_tenths_of_a_second() -> None:
    coder = G711()
    sizes = [len(coder.pop(bytes(960))) for _ in range(50)]
    assert set(sizes) == {0, 800}


# -- in a session ---------------------------------------------------------------------------------


def test_it_is_asked_for_and_then_spoken() -> None:
    call = Call(codec="g711")
    call.says("session.created", session={})
    [update] = call.sent()
    heard, said = update["session"]["audio"]["input"], update["session"]["audio"]["output"]
    assert heard["format"] == {"type": "audio/pcmu"}
    assert said["format"] == {"type": "audio/pcm", "rate": 24_000}
    call.says("session.updated", session=MULAW)
    call.sent()
    call.does(BeginTurn())
    sent = call.does(SendAudio(tone(440, 0.25))) + call.does(EndTurn())
    sounds = [decode(one["audio"]) or b"" for one in sent if one["type"].endswith("append")]
    assert [len(sound) for sound in sounds][:1] == [1600]
    assert sum(map(len, sounds)) == pytest.approx(2000, abs=2)
    assert call.dialect.input_rate == 24_000 and call.dialect.sound_bytes_per_s == 8000


def test_what_a_press_that_is_given_up_left_is_no_part_of_the_next() -> None:
    call = Call(codec="g711").ready(**MULAW)
    call.does(BeginTurn(), SendAudio(tone(440, 0.15)), BeginTurn())
    sent = call.does(SendAudio(bytes(4800)), EndTurn())
    sounds = [decode(one["audio"]) or b"" for one in sent if one["type"].endswith("append")]
    assert b"".join(sounds) == b"\xff" * 800


def test_a_server_that_does_not_want_it_gets_pcm() -> None:
    call = Call(codec="g711")
    call.says("session.created", session={})
    [update] = call.sent()
    error = {"code": "invalid_value", "message": "no", "param": "session.audio.input.format"}
    events = call.says("error", error={**error, "event_id": update["event_id"]})
    assert only(Notice, events)
    call.says("session.updated", session={"audio": {"input": {"format": {"type": "audio/pcm"}}}})
    call.sent()
    pcm = tone(440, 0.02)
    [sound] = call.does(SendAudio(pcm))
    assert decode(sound["audio"]) == pcm
    assert call.dialect.sound_bytes_per_s == 48_000
