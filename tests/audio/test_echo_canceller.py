"""Both ways to keep the loudspeaker out of the microphone."""

import numpy as np

from voicechat.audio.echo_canceller import AFTER_MS, FRAME, FRAME_MS, Aec, HalfDuplex

LOUD = np.full(FRAME, 5000, np.int16)
NOTHING = np.zeros(FRAME, np.int16)
VOICE = np.full(FRAME, 1234, np.int16)


def test_half_duplex_is_silent_while_something_is_played_and_a_while_after() -> None:
    closed = HalfDuplex(latency_ms=40)
    assert (closed.process(VOICE, NOTHING) == VOICE).all()
    assert not closed.process(VOICE, LOUD).any()
    silent_ms = 0
    while not closed.process(VOICE, NOTHING).any():
        silent_ms += FRAME_MS
    assert AFTER_MS + 40 - FRAME_MS <= silent_ms <= AFTER_MS + 40
    assert (closed.process(VOICE, NOTHING) == VOICE).all()


def test_half_duplex_is_not_closed_by_what_nobody_hears() -> None:
    whisper = np.full(FRAME, 20, np.int16)
    assert (HalfDuplex().process(VOICE, whisper) == VOICE).all()


def test_the_loudest_sample_of_all_is_heard() -> None:
    assert not HalfDuplex().process(VOICE, np.full(FRAME, -32768, np.int16)).any()


def test_the_canceller_takes_read_only_sound_and_gives_as_much() -> None:
    frozen = np.frombuffer(VOICE.tobytes(), np.int16)
    for noise_suppression in (True, False):
        cleaned = Aec(noise_suppression=noise_suppression).process(frozen, frozen)
        assert cleaned.shape == (FRAME,) and cleaned.dtype == np.int16
