"""The microphone's gate: what passes, what is kept for a turn's start, what becomes silence."""

from voicechat.session.state.mic_gate import PREROLL_MS, MicGate

RATE = 24_000
CHUNK = RATE // 50 * 2


def chunk(value: int) -> bytes:
    return bytes([value]) * CHUNK


def test_push_to_talk_sends_nothing_until_pressed_and_nothing_after_release() -> None:
    gate = MicGate(hands_free=False)
    assert gate.filter(chunk(1), RATE, silence_when_muted=True) is None
    gate.press()
    assert gate.filter(chunk(2), RATE, silence_when_muted=True) == chunk(2)
    assert gate.release()
    assert gate.filter(chunk(3), RATE, silence_when_muted=True) is None


def test_what_was_said_just_before_the_key_belongs_to_the_turn() -> None:
    gate = MicGate(hands_free=False)
    for value in range(1, 51):
        gate.filter(chunk(value), RATE, silence_when_muted=True)
    before = gate.press()
    assert before == [chunk(value) for value in range(51 - PREROLL_MS // 20, 51)]
    gate.release()
    assert gate.press() == [], "it belongs to one turn only"


def test_release_without_press_ends_no_turn() -> None:
    assert not MicGate(hands_free=False).release()


def test_hands_free_passes_everything_until_muted() -> None:
    gate = MicGate(hands_free=True)
    assert gate.filter(chunk(1), RATE, silence_when_muted=True) == chunk(1)
    gate.muted = True
    assert gate.filter(chunk(2), RATE, silence_when_muted=True) == bytes(CHUNK)


def test_muted_sends_nothing_where_the_provider_needs_no_silence() -> None:
    gate = MicGate(hands_free=True)
    gate.muted = True
    assert gate.filter(chunk(2), RATE, silence_when_muted=False) is None


def test_chunks_of_any_size_keep_the_memory_bounded() -> None:
    gate = MicGate(hands_free=False)
    for size in (100, 4000, 96_000, 2):
        gate.filter(bytes(size), RATE, silence_when_muted=True)
    assert sum(map(len, gate.press())) <= RATE * 2 * PREROLL_MS // 1000
