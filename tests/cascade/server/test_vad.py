"""Turns found in real speech, by the real detector and by the level alone."""

import random
from array import array

import pytest

from tests.cascade.peer import silence, speech
from voicechat.audio.vad import FRAME_BYTES, NoiseFloor
from voicechat.cascade.audio import ms_of
from voicechat.cascade.server.input_buffer import InputBuffer, Started, Stopped, TurnEvent
from voicechat.cascade.server.vad import (
    TurnFinder,
    TurnRules,
    read_rules,
    trim,
)


def _noise(ms: int, peak: int) -> bytes:
    chance = random.Random(7)
    return array("h", [chance.randint(-peak, peak) for _ in range(24 * ms)]).tobytes()


def _hear(buffer: InputBuffer, pcm: bytes, size: int = 1000) -> list[TurnEvent]:
    pieces = [pcm[at : at + size] for at in range(0, len(pcm), size)]
    return [event for piece in pieces for event in buffer.append(piece)]


def _buffer(rules: TurnRules | None = None) -> InputBuffer:
    buffer = InputBuffer()
    buffer.set_rules(rules or TurnRules())
    return buffer


@pytest.mark.parametrize("size", [2, 960, 4800, 10_000_000])
def test_turn_is_found_however_the_sound_is_cut(size: int) -> None:
    spoken = speech("Hello.")
    started, stopped = _hear(_buffer(), silence(1000) + spoken + silence(1000), size)
    assert isinstance(started, Started) and isinstance(stopped, Stopped)
    assert 650 <= started.start_ms <= 1000
    assert 0 <= stopped.end_ms - 1000 - ms_of(len(spoken)) <= 600
    assert len(stopped.pcm) == (stopped.end_ms - started.start_ms) * 48


def test_two_turns_are_two_and_positions_go_on_counting() -> None:
    talk = silence(800) + speech("One.") + silence(1200) + speech("Two.") + silence(1200)
    events = _hear(_buffer(), talk)
    assert [type(event) for event in events] == [Started, Stopped] * 2
    first, second = events[1], events[2]
    assert isinstance(first, Stopped) and isinstance(second, Started)
    assert second.start_ms >= first.end_ms


def test_pause_shorter_than_the_silence_does_not_end_the_turn() -> None:
    talk = speech("One.") + silence(900) + speech("Two.") + silence(2500)
    assert len(_hear(_buffer(TurnRules(silence_ms=1500)), talk)) == 2
    assert len(_hear(_buffer(TurnRules(silence_ms=300)), talk)) >= 4


def test_silence_clicks_and_low_noise_begin_no_turn() -> None:
    click = array("h", [20000, -20000] * 100).tobytes()
    assert _hear(_buffer(), silence(1000) + click + silence(1000) + _noise(3000, 30)) == []


def test_higher_threshold_asks_for_a_louder_voice() -> None:
    quiet = array("h", [sample // 60 for sample in array("h", speech())]).tobytes()
    talk = silence(500) + quiet + silence(1000)
    assert _hear(_buffer(TurnRules(threshold=0.1)), talk)
    assert not _hear(_buffer(TurnRules(threshold=1.0)), talk)


def test_level_alone_finds_speech_above_steady_noise() -> None:
    talk = _noise(3000, 500) + speech("Hello there.") + _noise(1500, 500)
    finder = TurnFinder(TurnRules(), NoiseFloor(-50))
    frames = [talk[at : at + FRAME_BYTES] for at in range(0, len(talk) - 960, FRAME_BYTES)]
    found = [(at * 20, event) for at, frame in enumerate(frames) if (event := finder.feed(frame))]
    late = [event for ms, event in found if ms > 2500]
    assert late == ["started", "stopped"]


def test_trimmed_speech_keeps_a_little_silence_and_all_of_the_voice() -> None:
    spoken = speech()
    trimmed = trim(silence(1000) + spoken + silence(1000))
    assert len(spoken) * 0.8 < len(trimmed) < len(spoken) + 400 * 48
    assert trim(silence(500)) == silence(500)


def test_without_rules_nothing_is_found_and_everything_is_kept() -> None:
    buffer = InputBuffer()
    assert _hear(buffer, speech()) == []
    assert buffer.commit() == speech() and buffer.commit() is None


def test_eagerness_is_a_length_of_silence() -> None:
    base = {"type": "semantic_vad", "create_response": True, "interrupt_response": False}
    eager, patient = (read_rules({**base, "eagerness": name}) for name in ("high", "low"))
    assert eager.silence_ms < patient.silence_ms and not eager.interrupt_response
