"""Both ways to keep the loudspeaker out of the microphone."""

import time

import numpy as np

from voicechat.audio.echo.canceller import AFTER_MS, Aec, HalfDuplex
from voicechat.audio.echo.frame import FRAME, FRAME_MS, SILENCE, Slice, slices

LOUD = Slice.of(np.full(FRAME, 5000, np.int16))
NOTHING = SILENCE
VOICE = Slice.of(np.full(FRAME, 1234, np.int16))


def test_half_duplex_is_silent_while_something_is_played_and_a_while_after() -> None:
    closed = HalfDuplex(latency_ms=40)
    assert (closed.process(VOICE, NOTHING) == VOICE.samples).all()
    assert not closed.process(VOICE, LOUD).any()
    silent_ms = 0
    while not closed.process(VOICE, NOTHING).any():
        silent_ms += FRAME_MS
    assert AFTER_MS + 40 - FRAME_MS <= silent_ms <= AFTER_MS + 40
    assert (closed.process(VOICE, NOTHING) == VOICE.samples).all()


def test_half_duplex_is_not_closed_by_what_nobody_hears() -> None:
    whisper = Slice.of(np.full(FRAME, 20, np.int16))
    assert (HalfDuplex().process(VOICE, whisper) == VOICE.samples).all()


def test_the_loudest_sample_of_all_is_heard() -> None:
    assert not HalfDuplex().process(VOICE, Slice.of(np.full(FRAME, -32768, np.int16))).any()


def test_the_canceller_takes_read_only_sound_and_gives_as_much() -> None:
    (frozen,) = slices(VOICE.samples.tobytes())
    for noise_suppression in (True, False):
        cleaned = Aec(noise_suppression=noise_suppression).process(frozen, frozen)
        assert cleaned.shape == (FRAME,) and cleaned.dtype == np.int16


def test_exact_silence_costs_the_canceller_no_more_than_sound() -> None:
    """Denormal numbers in its filters made it twelve times as slow."""
    sound = slices((np.random.default_rng(1).normal(0, 3000, 300 * FRAME)).astype("<i2").tobytes())

    def cpu_s(played: list[Slice]) -> float:
        canceller = Aec(noise_suppression=True)
        for each in sound:
            canceller.process(each, each)
        began = time.thread_time()
        for heard, other in zip(sound, played, strict=True):
            canceller.process(heard, other)
        return time.thread_time() - began

    assert min(cpu_s([SILENCE] * 300) for _ in range(3)) < 4 * min(cpu_s(sound) for _ in range(3))
