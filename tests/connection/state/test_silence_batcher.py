"""A long silence travels in large parcels, and nobody notices."""

import numpy as np

from voicechat.audio.pcm import ms_to_bytes
from voicechat.connection.state.send_queue import PARCEL_MS, QUIET_MS, SilenceBatcher
from voicechat.events import Command, EndTurn, SendAudio

RATE = 16_000
CHUNK_MS = 20


def chunk(level: int, number: int = 0) -> SendAudio:
    """20 ms; the first sample tells which."""
    samples = np.full(ms_to_bytes(CHUNK_MS, RATE) // 2, level, "<i2")
    samples[0] = number
    return SendAudio(samples.tobytes())


def sizes(commands: list[Command]) -> list[int]:
    return [len(each.pcm) for each in commands if isinstance(each, SendAudio)]


def quiet(parcels: SilenceBatcher) -> None:
    """Some seconds of it."""
    for number in range(QUIET_MS // CHUNK_MS):
        assert parcels.transform(chunk(3, number)) == [chunk(3, number)], "held back too soon"


def test_what_is_said_goes_at_once() -> None:
    parcels = SilenceBatcher(RATE, is_kept=False)
    for number in range(500):
        assert parcels.transform(chunk(2000, number)) == [chunk(2000, number)]


def test_a_long_silence_goes_in_parcels_and_nothing_of_it_is_lost() -> None:
    parcels = SilenceBatcher(RATE, is_kept=False)
    quiet(parcels)
    told = [parcels.transform(chunk(3, number)) for number in range(50)]
    sent = b"".join(each.pcm for one in told for each in one if isinstance(each, SendAudio))
    assert [size for one in told for size in sizes(one)] == [ms_to_bytes(PARCEL_MS, RATE)] * 10
    assert sent == b"".join(chunk(3, number).pcm for number in range(50))


def test_who_begins_to_speak_is_heard_at_once_with_the_silence_before() -> None:
    parcels = SilenceBatcher(RATE, is_kept=False)
    quiet(parcels)
    assert parcels.transform(chunk(3, 1)) == []
    assert parcels.transform(chunk(2000, 2)) == [SendAudio(chunk(3, 1).pcm + chunk(2000, 2).pcm)]
    assert parcels.transform(chunk(3, 3)) == [chunk(3, 3)], (
        "the pause after a word is no long silence"
    )


def test_other_commands_keep_their_place() -> None:
    parcels = SilenceBatcher(RATE, is_kept=False)
    quiet(parcels)
    parcels.transform(chunk(3, 1))
    assert parcels.transform(EndTurn()) == [chunk(3, 1), EndTurn()]
    assert parcels.transform(EndTurn()) == [EndTurn()]


def test_who_takes_the_time_from_the_sound_gets_it_as_it_comes() -> None:
    parcels = SilenceBatcher(RATE, is_kept=True)
    for number in range(2 * QUIET_MS // CHUNK_MS):
        assert parcels.transform(chunk(0, number)) == [chunk(0, number)]
