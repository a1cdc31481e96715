"""Slower and faster play: the same pitch, no steps, and every frame accounted for."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audio.voices import Samples, hiss, hush, pitch_hz, samples, steepest, voice
from voicechat.audio.playback.backlog import Block, WaitingReply
from voicechat.audio.playback.tempo import Aim, Tempo

MS = 24
FADE = 10 * MS
BLOCK = 10 * MS


def play(pcm: bytes, aim: Aim | Callable[[int], Aim], chunk: int = 1 << 20) -> list[Block]:
    """Play a sound with one aim, or with another for each block."""
    reply = WaitingReply("r", 0)
    for at in range(0, len(pcm), chunk):
        reply.insert("i", pcm[at : at + chunk], 0)
    item, tempo, blocks = reply.first_item(), Tempo(), list[Block]()
    assert item is not None
    while item.level > FADE:
        wanted = aim if isinstance(aim, Aim) else aim(len(blocks))
        blocks.append(tempo.next(item, BLOCK, FADE, wanted))
    return blocks


def heard(blocks: list[Block]) -> bytes:
    return b"".join(block.pcm for block in blocks)


def stretch_of(blocks: list[Block]) -> float:
    return len(heard(blocks)) / 2 / sum(block.content_frames for block in blocks)


@pytest.mark.parametrize("wanted", [0.7, 0.85, 1.1])
@pytest.mark.parametrize("hertz", [95.0, 140.0, 260.0])
def test_another_speed_keeps_the_pitch_and_makes_no_step(wanted: float, hertz: float) -> None:
    sound = voice(2000, hertz)
    blocks = play(sound, Aim(speed=wanted))
    assert 1 / stretch_of(blocks) == pytest.approx(wanted, abs=0.03)
    assert pitch_hz(heard(blocks)) == pytest.approx(hertz, abs=1.5)
    assert steepest(heard(blocks)) <= steepest(sound) * 1.1


def test_loudness_stays_when_played_slower() -> None:
    sound = voice(2000)
    levels = [np.std(samples(each)[4800:-4800]) for each in (sound, heard(play(sound, Aim(0.7))))]
    assert levels[1] == pytest.approx(levels[0], rel=0.05)


def test_noise_is_never_bent() -> None:
    assert stretch_of(play(hiss(2000), Aim(0.7))) == 1.0


def test_a_pause_is_held_but_not_for_ever() -> None:
    sound = voice(300) + hush(200) + voice(300)
    blocks = play(sound, Aim(holds=True))
    added = len(heard(blocks)) // 2 - sum(block.content_frames for block in blocks)
    assert added == 160 * MS
    assert steepest(heard(blocks)) <= steepest(sound) * 1.1


def test_a_pause_is_shortened_and_its_ends_are_kept() -> None:
    sound = voice(300) + hush(600) + voice(300)
    blocks = play(sound, Aim(drop=2000 * MS))
    leaps = [block for block in blocks if block.content_frames > len(block.pcm) // 2]
    first = min(block.content_start for block in leaps)
    last = max(block.content_start + block.content_frames for block in leaps)
    assert first >= 330 * MS and last <= 870 * MS
    dropped = sum(block.content_frames - len(block.pcm) // 2 for block in leaps)
    assert 450 * MS <= dropped <= 520 * MS
    assert steepest(heard(blocks)) <= steepest(sound) * 1.1


def test_words_are_not_dropped() -> None:
    assert stretch_of(play(voice(1000) + hiss(1000), Aim(drop=500 * MS))) == 1.0


AIMS = st.sampled_from(
    [Aim(), Aim(0.7), Aim(0.85), Aim(1.1), Aim(holds=True), Aim(drop=100 * MS)]
    + [Aim(0.7, holds=True), Aim(1.1, drop=500 * MS)]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(AIMS, min_size=1, max_size=30), st.integers(1, 9000), st.integers(70, 300))
def test_every_frame_is_accounted_for_exactly(aims: list[Aim], chunk: int, hertz: int) -> None:
    sound = voice(130, hertz) + hush(170) + hiss(60) + voice(250, hertz) + hush(200) + voice(90)
    content, position = samples(sound), 0
    for block in play(sound, lambda n: aims[n // 3 % len(aims)], chunk):
        pcm, at = samples(block.pcm), block.content_start
        assert at == position, "nothing is lost or doubled"
        position += block.content_frames
        if block.content_frames == pcm.size and at >= FADE:
            assert (pcm == content[at:position]).all()
        elif block.content_frames == 0:
            _is_between(pcm, content[at : at + pcm.size], content[at - pcm.size : at])
        elif at >= FADE:
            _is_between(pcm, content[at : at + pcm.size], content[position - pcm.size : position])


def _is_between(pcm: Samples, going: Samples, coming: Samples) -> None:
    """A seam goes from one place of the content to another, and to no third one."""
    apart = np.abs(coming - going)
    assert (pcm >= np.minimum(going, coming) - 1).all()
    assert (pcm <= np.maximum(going, coming) + 1).all()
    assert abs(pcm[0] - going[0]) <= apart[0] / pcm.size + 1
    assert abs(pcm[-1] - coming[-1]) <= apart[-1] / pcm.size + 1
