"""A microphone that gives a constant or the ceiling is ill, one that gives sound is not."""

import numpy as np
import pytest

from tests.audio.echo_room import near_end, pcm
from voicechat.audio.card.health import CONSTANT_MS, Health

RATE = 24_000
CHUNK = 480


def ills(sound: bytes) -> list[tuple[int, str]]:
    """(milliseconds after the beginning, what was told)."""
    health, told = Health(RATE), list[tuple[int, str]]()
    for at in range(0, len(sound), CHUNK * 2):
        if ill := health.hear(sound[at : at + CHUNK * 2]):
            told.append((at // 2 * 1000 // RATE, ill))
    return told


def constant(level: int, seconds: int, noise: int = 0) -> bytes:
    rng = np.random.default_rng(1)
    steps = rng.integers(-noise, noise + 1, seconds * RATE)
    return (steps + level).astype("<i2").tobytes()


@pytest.mark.fault("A09")
@pytest.mark.parametrize(("level", "noise"), [(-9000, 0), (12_000, 3), (150, 0)])
def test_a_constant_is_told_once_after_a_while(level: int, noise: int) -> None:
    ((at_ms, ill),) = ills(constant(level, 20, noise))
    assert ill == "constant" and CONSTANT_MS - 40 <= at_ms <= CONSTANT_MS


def test_zeros_and_the_noise_of_a_still_room_are_no_constant() -> None:
    assert ills(bytes(20 * RATE * 2)) == []
    assert ills(constant(40, 20, noise=4)) == []


def test_a_voice_beside_a_constant_is_a_voice() -> None:
    voice = np.frombuffer(pcm(near_end()[: 8 * RATE]), "<i2").astype(np.int64)
    shifted = np.clip(voice + 4000, -32768, 32767).astype("<i2").tobytes()
    assert ills(shifted) == []


@pytest.mark.fault("A09")
def test_a_voice_at_the_ceiling_is_told_once() -> None:
    loud = np.clip(near_end()[: 10 * RATE] * 30, -32768, 32767)
    ((at_ms, ill),) = ills(loud.astype("<i2").tobytes())
    assert ill == "clipped" and at_ms < 5000


def test_one_knock_on_the_table_is_not_told() -> None:
    voice = np.frombuffer(pcm(near_end()[: 10 * RATE]), "<i2").copy()
    voice[RATE : RATE + 2400] = 32767
    assert ills(voice.tobytes()) == []
    assert ills(b"") == []


def test_a_sound_server_that_stumbles_hides_no_constant() -> None:
    sound = np.full(8 * RATE, 9000, "<i2")
    for at in range(0, len(sound), RATE // 2):
        sound[at : at + 120] = 0
    assert [ill for _, ill in ills(sound.tobytes())] == ["constant"]
