"""The jitter buffer, by frames: no clock, no sleep, no thread."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audio.voices import hush, pitch_hz, steepest, voice
from voicechat.audio.playback.jitter import Block, JitterBuffer

RATE = 24_000
MS = 24
BLOCK = 10 * MS
LOUD = 10_000


def sound(ms: float, value: int = LOUD) -> bytes:
    return np.full(int(ms * MS), value, "<i2").tobytes()


class Loudspeaker:
    """Takes 10 ms at a time from a short queue that is filled from the buffer."""

    def __init__(self, jitter: JitterBuffer, depth: int = 3 * BLOCK) -> None:
        self.jitter = jitter
        self.depth = depth
        self.blocks: list[Block] = []
        self.heard = b""
        self._queue = b""
        self._silence = 0

    def run(self, ms: int) -> "Loudspeaker":
        for _ in range(ms // 10):
            self._fill()
            taken, self._queue = self._queue[: BLOCK * 2], self._queue[BLOCK * 2 :]
            self._silence += BLOCK - len(taken) // 2
            self.heard += taken + bytes(BLOCK * 2 - len(taken))
        return self

    def _fill(self) -> None:
        while len(self._queue) // 2 < self.depth:
            silence, self._silence = self._silence, 0
            block = self.jitter.get(BLOCK, len(self._queue) // 2, silence)
            if block is None:
                return
            assert 0 < len(block.pcm) // 2 <= 15 * MS  # One period of a bent voice, or a block.
            self.blocks.append(block)
            self._queue += block.pcm

    @property
    def samples(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        return np.frombuffer(self.heard, "<i2").astype(np.int64)

    @property
    def sounding_ms(self) -> float:
        return float(np.count_nonzero(self.samples)) / MS

    @property
    def lasting_ms(self) -> float:
        """From the first sound to the last."""
        loud = np.flatnonzero(self.samples)
        return float(loud[-1] + 1 - loud[0]) / MS

    @property
    def worst_jump(self) -> int:
        return int(np.abs(np.diff(self.samples, prepend=0, append=0)).max())

    def content_ms(self, item_id: str) -> float:
        return sum(block.content_frames for block in self.blocks if block.item_id == item_id) / MS


def test_waits_for_the_target_before_playing() -> None:
    jitter = JitterBuffer()
    jitter.insert("r", "i", sound(90))
    assert jitter.get(BLOCK, 0) is None
    assert jitter.stats().state == "filling" and jitter.stats().level_ms == 90
    jitter.insert("r", "i", sound(10))
    block = jitter.get(BLOCK, 0)
    assert block and (block.item_id, block.reply_id) == ("i", "r")
    assert jitter.stats().state == "playing"


def test_a_reply_shorter_than_the_target_is_played_once_it_is_finished() -> None:
    jitter = JitterBuffer()
    jitter.insert("r", "i", sound(30))
    assert jitter.get(BLOCK, 0) is None
    jitter.finish("r")
    player = Loudspeaker(jitter).run(200)
    assert 29 < player.sounding_ms <= 30
    assert jitter.is_idle and jitter.stats().underruns == 0


def test_a_reply_below_its_target_that_is_never_finished_is_played_after_a_second() -> None:
    jitter = JitterBuffer()
    jitter.insert("r", "i", sound(30))
    assert Loudspeaker(jitter).run(900).sounding_ms == 0
    assert Loudspeaker(jitter).run(200).sounding_ms > 29


def test_all_of_a_reply_is_played_in_order_between_two_fades() -> None:
    jitter = JitterBuffer()
    jitter.insert("r", "i", sound(300))
    jitter.finish("r")
    player = Loudspeaker(jitter).run(500)
    assert player.content_ms("i") == 300
    assert [block.content_start for block in player.blocks] == [
        sum(earlier.content_frames for earlier in player.blocks[:n])
        for n in range(len(player.blocks))
    ]
    assert player.worst_jump < LOUD / 200
    assert (player.samples[BLOCK : 29 * BLOCK] == LOUD).all()


def test_sound_that_runs_out_is_faded_and_fades_in_again() -> None:
    jitter = JitterBuffer()
    jitter.insert("r", "i", sound(150))
    player = Loudspeaker(jitter).run(400)
    jitter.insert("r", "i", sound(400))
    jitter.finish("r")
    player.run(600)
    assert player.content_ms("i") == 550
    assert player.worst_jump < LOUD / 200
    assert jitter.stats().underruns == 1
    assert 230 <= jitter.stats().gap_ms + jitter.stats().added_ms <= 260


def test_underrun_is_counted_only_when_it_is_heard() -> None:
    jitter = JitterBuffer()
    jitter.insert("r", "i", sound(100))
    while jitter.get(BLOCK, 100 * MS):
        pass
    assert jitter.get(BLOCK, 60 * MS) is None
    assert jitter.stats().state == "playing"
    jitter.insert("r", "i", sound(100))
    assert jitter.get(BLOCK, 50 * MS)
    assert jitter.stats().underruns == jitter.stats().gap_ms == 0


def test_the_end_of_a_reply_is_no_underrun_even_when_its_finish_is_late() -> None:
    jitter = JitterBuffer()
    jitter.insert("r", "i", sound(150))
    player = Loudspeaker(jitter).run(500)
    assert jitter.stats().state == "starved"
    jitter.finish("r")
    player.run(100)
    assert jitter.is_idle
    assert jitter.stats().underruns == jitter.stats().gap_ms == 0
    assert player.content_ms("i") == 150


def test_after_an_underrun_more_is_buffered_and_the_next_reply_begins_anew() -> None:
    jitter = JitterBuffer()
    targets = []
    for _ in range(5):
        jitter.insert("r", "i", sound(650))
        Loudspeaker(jitter).run(900)
        targets.append(jitter.stats().target_ms)
    assert targets == [100, 160, 256, 410, 655]
    jitter.insert("r", "i", sound(640))
    assert jitter.get(BLOCK, 0) is None
    jitter.insert("next", "j", sound(300))
    jitter.finish("next")
    assert Loudspeaker(jitter).run(800).blocks[-1].item_id == "j"


def test_several_items_and_replies_play_in_order_without_a_click() -> None:
    jitter = JitterBuffer()
    jitter.insert("a", "1", sound(105))
    jitter.insert("a", "2", sound(55, -LOUD))
    jitter.insert("b", "3", sound(200))
    jitter.finish("b")
    player = Loudspeaker(jitter).run(600)
    assert list(dict.fromkeys(block.item_id for block in player.blocks)) == ["1", "2", "3"]
    assert [player.content_ms(item) for item in "123"] == [105, 55, 200]
    assert player.worst_jump < LOUD / 100
    assert 358 < player.sounding_ms <= 360


@pytest.mark.fault("P16")
def test_an_abandoned_reply_is_never_played_however_late_it_comes() -> None:
    jitter = JitterBuffer()
    jitter.abandon("never begun")
    jitter.insert("r", "i", sound(500))
    player = Loudspeaker(jitter).run(200)
    assert jitter.flush() == ("i",)
    for reply_id in ("r", "never begun"):
        jitter.insert(reply_id, "i", sound(500))
        jitter.finish(reply_id)
    before = player.content_ms("i")
    assert player.run(300).content_ms("i") == before
    jitter.insert("next", "j", sound(100))
    assert player.run(300).content_ms("j") == 100


def test_a_reply_abandoned_while_it_sounds_ends_in_a_fade() -> None:
    jitter = JitterBuffer()
    jitter.insert("r", "i", sound(500))
    player = Loudspeaker(jitter).run(205)
    handed = player.content_ms("i")
    jitter.abandon("r")
    player.run(300)
    assert handed < player.content_ms("i") <= handed + 10
    assert player.worst_jump < LOUD / 200 and jitter.is_idle


def test_flush_names_what_waits_and_what_could_still_grow() -> None:
    jitter = JitterBuffer()
    jitter.insert("r", "1", sound(100))
    jitter.insert("r", "2", sound(100))
    player = Loudspeaker(jitter).run(600)
    assert player.content_ms("2") == 100
    assert jitter.flush() == ("2",)
    jitter.insert("s", "3", sound(100))
    jitter.finish("s")
    Loudspeaker(jitter).run(300)
    assert jitter.flush() == ()


def test_only_so_many_abandoned_replies_are_remembered() -> None:
    jitter = JitterBuffer()
    for number in range(10_000):
        jitter.abandon(f"r{number}")
    assert len(jitter._abandoned) < 1000
    jitter.insert("r9999", "i", sound(200))
    assert jitter.is_idle


@pytest.mark.fault("P14")
def test_half_a_frame_waits_for_its_other_half() -> None:
    jitter, pcm = JitterBuffer(), np.arange(1, 4801, dtype="<i2").tobytes()
    for at in range(0, len(pcm), 333):
        jitter.insert("r", "i", pcm[at : at + 333])
    jitter.finish("r")
    player = Loudspeaker(jitter).run(300)
    assert (player.samples[BLOCK : 4800 - BLOCK] == np.arange(BLOCK + 1, 4801 - BLOCK)).all()


def test_minutes_are_kept() -> None:
    jitter = JitterBuffer()
    for _ in range(1000):
        jitter.insert("r", "i", sound(400))
    jitter.insert("r", "i", bytes(10_000_000))
    assert jitter.stats().level_ms == 400_000 + 10_000_000 // 48
    assert jitter.received("i") == 400_000 * MS + 5_000_000


STEPS = st.one_of(
    st.tuples(st.just("insert"), st.integers(0, 2), st.integers(1, 9000)),
    st.tuples(st.just("run"), st.just(0), st.integers(1, 30)),
    st.tuples(st.just("finish"), st.integers(0, 2), st.just(0)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=30))
def test_whatever_comes_nothing_is_lost_doubled_out_of_order_or_clicks(
    steps: list[tuple[str, int, int]],
) -> None:
    jitter = JitterBuffer()
    player = Loudspeaker(jitter)
    reply, item, sent = 0, 0, dict[str, int]()
    for verb, which, amount in steps:
        if verb == "insert":
            reply, item = reply + (which == 2), item + (which > 0)
            name = f"i{item}"
            jitter.insert(f"r{reply}", name, sound(amount / MS))
            sent[name] = sent.get(name, 0) + amount
        elif verb == "run":
            player.run(amount * 10)
        else:
            jitter.finish(f"r{reply}")
            reply, item = reply + 1, item + 1
    jitter.finish(f"r{reply}")
    player.run(sum(sent.values()) // MS + 1000)
    assert jitter.is_idle
    played = dict[str, int]()
    for block in player.blocks:
        assert block.content_start == played.get(block.item_id, 0)
        played[block.item_id] = block.content_start + block.content_frames
    assert played == {name: frames for name, frames in sent.items() if frames}
    assert list(played) == [name for name in sent if sent[name]]
    assert player.worst_jump <= LOUD / 100


# -- how fast -------------------------------------------------------------------------------------


def feed(
    jitter: JitterBuffer, pcm: bytes, size_ms: int, every_ms: int, depth: int = 3
) -> Loudspeaker:
    """A reply that comes in even deltas, at an even pace."""
    player = Loudspeaker(jitter, depth * BLOCK)
    for at in range(0, len(pcm), size_ms * MS * 2):
        jitter.insert("r", "i", pcm[at : at + size_ms * MS * 2])
        player.run(every_ms)
    jitter.finish("r")
    return player


def test_a_reply_that_comes_slowly_is_played_slowly_without_another_pitch_or_a_gap() -> None:
    jitter, sound = JitterBuffer(target_ms=250), voice(4000)
    player = feed(jitter, sound, 100, 120).run(1500)
    stats = jitter.stats()
    assert jitter.is_idle and stats.underruns == 0
    assert player.content_ms("i") == 4000
    assert 300 < stats.added_ms == pytest.approx(player.lasting_ms - 4000, abs=5)
    middle = player.samples[12_000:-36_000].astype("<i2").tobytes()
    assert pitch_hz(middle) == pytest.approx(140, abs=1.5)
    assert player.worst_jump <= steepest(sound) * 1.1


def test_a_complete_reply_is_never_played_slower() -> None:
    jitter = JitterBuffer()
    jitter.insert("r", "i", voice(300))
    jitter.finish("r")
    assert Loudspeaker(jitter).run(500).lasting_ms == pytest.approx(300, abs=2)
    assert jitter.stats().added_ms == 0


def test_with_much_buffered_a_reply_is_played_as_it_is() -> None:
    jitter = JitterBuffer()
    jitter.insert("r", "i", voice(3000))
    Loudspeaker(jitter).run(2500)
    assert jitter.stats().added_ms == 0


def test_sound_that_runs_out_in_a_pause_is_no_underrun() -> None:
    jitter = JitterBuffer()
    jitter.insert("r", "i", voice(300) + hush(100))
    player = Loudspeaker(jitter).run(1000)
    assert jitter.stats().state == "starved"
    jitter.insert("r", "i", voice(500))
    jitter.finish("r")
    player.run(800)
    assert jitter.stats().underruns == jitter.stats().gap_ms == 0
    assert jitter.stats().added_ms > 300


# -- what is learned ------------------------------------------------------------------------------


def burst(jitter: JitterBuffer, name: str) -> None:
    """A reply of which the second part comes late: it stalls as soon as it is played early."""
    player = Loudspeaker(jitter)
    for part in range(12):
        jitter.insert(name, name, voice(120))
        player.run(450 if part == 1 else 60)
    jitter.finish(name)
    player.run(2500)
    assert jitter.is_idle


def test_replies_that_stall_early_teach_to_wait_and_then_there_are_no_more_gaps() -> None:
    jitter, gaps = JitterBuffer(target_ms=60), []
    for number in range(12):
        before = jitter.stats().underruns
        burst(jitter, f"r{number}")
        gaps.append(jitter.stats().underruns - before)
    assert gaps[0] == 1 and gaps[-4:] == [0, 0, 0, 0]
    assert jitter.stats().target_ms > 200


def test_what_was_learned_serves_the_next_buffer() -> None:
    jitter = JitterBuffer(target_ms=60)
    for number in range(12):
        burst(jitter, f"r{number}")
    kept = json.loads(json.dumps(jitter.export_state()))
    again = JitterBuffer(target_ms=60, state=kept)
    burst(again, "r")
    assert again.stats().underruns == 0
    burst(fresh := JitterBuffer(target_ms=60, state={"start_costs": "?", "is_paced": 3}), "r")
    assert fresh.stats().underruns == 1


def test_an_interrupted_reply_teaches_as_well() -> None:
    jitter = JitterBuffer(target_ms=60)
    for number in range(12):
        player = Loudspeaker(jitter)
        for part in range(10):
            jitter.insert(f"r{number}", "i", voice(120))
            player.run(450 if part == 1 else 60)
        jitter.flush()
    assert jitter.stats().target_ms > 200


# -- at the pace of speech ------------------------------------------------------------------------

SAYS = b"".join(voice(1500, 100 + 20 * n) + hush(500) for n in range(10))


def test_a_paced_source_is_found_out() -> None:
    jitter = JitterBuffer()
    player = feed(jitter, SAYS, 100, 100)
    assert jitter.stats().is_paced and jitter.export_state()["is_paced"] is True
    assert player.run(1500).content_ms("i") == 20_000
    assert JitterBuffer(state=jitter.export_state()).is_paced
    assert not JitterBuffer(state=jitter.export_state(), is_paced=False).is_paced


@pytest.mark.fault("N26")
def test_what_a_stall_made_late_is_made_up_for_in_the_pauses() -> None:
    jitter = JitterBuffer(is_paced=True)
    player, step, says = Loudspeaker(jitter), 100 * MS * 2, SAYS + SAYS
    for at in range(0, len(says), step):
        jitter.insert("r", "i", says[at : at + step])
        player.run(600 if at == 10 * step else 20 if 10 * step < at <= 20 * step else 100)
    stats = jitter.stats()
    assert stats.underruns == 1 and 200 < stats.gap_ms < 500
    assert stats.dropped_ms > 300
    assert stats.level_ms < 400, "it is as close to the source as before"
    for block in player.blocks:
        if block.content_frames > len(block.pcm) // 2:
            assert block.content_start % (2000 * MS) >= 1500 * MS, "only pauses were shortened"


def test_paced_sound_that_runs_out_again_and_again_waits_for_more_than_its_next_piece() -> None:
    jitter = JitterBuffer(is_paced=True)
    player, step = feed(jitter, voice(1500), 100, 100), 100 * MS * 2
    sound = voice(1200, 130)
    for at in range(0, len(sound), step):  # A queue on the way grows: each piece is later still.
        player.run(160)
        jitter.insert("r", "i", sound[at : at + step])
    assert 1 <= jitter.stats().underruns <= 4


def paced_with_stalls(pcm: bytes) -> tuple[JitterBuffer, Loudspeaker]:
    """Paced sound every twentieth piece of which is late by 250 ms; the last comes in time."""
    jitter, step = JitterBuffer(is_paced=True), 100 * MS * 2
    player = Loudspeaker(jitter)
    for n, at in enumerate(range(0, len(pcm), step)):
        player.run({0: 350, 1: 10, 2: 10, 3: 30}.get(n % 20, 100))
        jitter.insert("r", "i", pcm[at : at + step])
    return jitter, player


def test_overdue_words_are_slowed_down_so_that_the_gap_comes_later() -> None:
    jitter, player = paced_with_stalls(voice(20_600))
    before = jitter.stats()
    player.run(before.level_ms + 40)
    assert jitter.stats().added_ms > before.added_ms + 20
    assert jitter.stats().state == "playing", "at full speed it would have run out"


def test_a_pause_is_held_until_the_words_come_but_not_for_ever() -> None:
    says = voice(20_000) + hush(500) + voice(100)
    jitter, player = paced_with_stalls(says)
    player.run(700)
    held = player.content_ms("i")
    assert held < 20_500, "one word alone would break off"
    assert player.run(3000).content_ms("i") == len(says) / MS / 2


def test_a_paced_reply_starts_when_its_delay_is_reached() -> None:
    jitter = JitterBuffer(is_paced=True)
    player = feed(jitter, voice(1000), 100, 100)
    first = int(np.flatnonzero(player.samples)[0]) / MS
    assert 100 <= first <= jitter.stats().target_ms


# -- whatever comes -------------------------------------------------------------------------------

SPEECH = voice(400) + hush(150) + voice(300, 210) + hush(400) + voice(700, 95)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 12_000), st.integers(0, 40)), min_size=1, max_size=25),
    st.sampled_from([True, False, None]),
    st.integers(20, 400),
)
def test_while_enough_is_buffered_there_is_no_gap(
    parts: list[tuple[int, int]], is_paced: bool | None, target_ms: int
) -> None:
    jitter = JitterBuffer(target_ms=target_ms, is_paced=is_paced)
    player, at = Loudspeaker(jitter), 0
    for size, blocks in parts:
        jitter.insert("r", "i", SPEECH[at : at + size * 2])
        at += size * 2
        for _ in range(blocks):
            stats, before = jitter.stats(), len(player.heard)
            player.run(10)
            if stats.state == "playing" and stats.level_ms >= 20:
                assert any(player.heard[before:]), "silence although there was sound"
    jitter.finish("r")
    player.run(6000)
    played = sum(block.content_frames for block in player.blocks)
    assert jitter.is_idle and played == min(at, len(SPEECH)) // 2
    assert player.worst_jump <= steepest(SPEECH) * 1.2
