"""Playout and its content clock, by frames: the test is the sound card."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.audio.voices import glide, hush
from voicechat.audio.card.ring import Ring
from voicechat.audio.playback.playout import LONGEST_WAIT_MS, Playout
from voicechat.events import Heard

LOUD = 10_000


def sound(ms: float, rate: int = 24_000) -> bytes:
    return np.full(int(ms * rate) // 1000, LOUD, "<i2").tobytes()


def hiss(frames: int) -> bytes:
    """Loud noise, which has no period and so is never played slower."""
    signs = np.random.default_rng(frames).choice([-LOUD, LOUD], frames)
    return signs.astype("<i2").tobytes()


class Card:
    """A sound card that plays 10 ms when it is told to."""

    def __init__(self, rate: int = 24_000, latency_ms: float = 0.0) -> None:
        self.rate = rate
        self.latency_ms = latency_ms
        self.block_frames = rate // 100
        self.generation = 0
        self.ring = Ring(rate)
        self.heard = b""

    def play(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            out = bytearray(self.block_frames * 2)
            self.ring.read_into(memoryview(out))
            self.heard += out

    def reopen(self, rate: int) -> None:
        self.rate, self.block_frames = rate, rate // 100
        self.ring = Ring(rate)
        self.generation += 1

    @property
    def samples(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        return np.frombuffer(self.heard, "<i2").astype(np.int64)

    @property
    def sounding_ms(self) -> float:
        return float(np.count_nonzero(np.abs(self.samples) > 1)) * 1000 / self.rate


def run(playout: Playout, card: Card, ms: int) -> None:
    for _ in range(ms // 10):
        playout.pump()
        card.play()


def test_plays_what_came_and_then_rests() -> None:
    card = Card()
    playout = Playout(card)
    assert not playout.pump() and playout.is_idle
    playout.insert("r", "i", sound(300))
    playout.finish("r")
    run(playout, card, 300)
    assert not playout.pump() and playout.is_idle
    assert 299 < card.sounding_ms <= 300
    assert playout.heard_ms("i") == playout.received_ms("i") == 300


def test_keeps_asking_to_be_called_while_more_is_to_come() -> None:
    card = Card()
    playout = Playout(card)
    playout.insert("r", "i", sound(120))
    run(playout, card, 500)
    assert playout.pump() and not playout.is_idle
    playout.finish("r")
    assert not playout.pump()


def test_fills_the_ring_no_deeper_than_asked() -> None:
    card = Card()
    playout = Playout(card, depth_ms=60)
    playout.insert("r", "i", sound(5000))
    playout.pump()
    assert 60 * 24 <= card.ring.level < 71 * 24


def test_after_an_interruption_heard_is_exactly_what_the_card_plays() -> None:
    card = Card()
    playout = Playout(card)
    playout.insert("r", "i", sound(900))
    run(playout, card, 200)
    assert playout.interrupt() == (Heard("i", 205, 900),)
    run(playout, card, 200)
    assert 204 < card.sounding_ms <= 205
    assert np.abs(np.diff(card.samples)).max() < LOUD / 100
    assert playout.heard_ms("i") == 205
    assert playout.is_idle and not playout.is_pending("i")


def test_interruption_lists_playing_and_waiting_items_in_order() -> None:
    card = Card()
    playout = Playout(card)
    for item_id in ("1", "2", "3"):
        playout.insert("r", item_id, sound(110))
    playout.insert("s", "4", sound(70))
    playout.finish("s")
    run(playout, card, 150)
    assert playout.interrupt() == (Heard("2", 45, 110), Heard("3", 0, 110), Heard("4", 0, 70))


def test_an_item_that_is_only_in_the_ring_counts_as_playing() -> None:
    card = Card()
    playout = Playout(card)
    playout.insert("r", "i", sound(100))
    playout.finish("r")
    run(playout, card, 60)
    assert playout._jitter.is_idle
    assert playout.interrupt() == (Heard("i", 65, 100),)


def test_an_item_that_was_heard_to_its_end_is_not_listed() -> None:
    card = Card()
    playout = Playout(card)
    playout.insert("r", "i", sound(100))
    playout.finish("r")
    run(playout, card, 200)
    assert playout.interrupt() == ()


def test_an_item_that_ran_out_but_may_grow_is_listed() -> None:
    card = Card()
    playout = Playout(card)
    playout.insert("r", "i", sound(100))
    run(playout, card, 200)
    assert playout.interrupt() == (Heard("i", 100, 100),)
    playout.insert("r", "i", sound(300))
    assert not playout.pump()


def test_words_keep_step_with_the_loudspeaker_and_its_latency() -> None:
    card = Card(latency_ms=50)
    playout = Playout(card)
    playout.insert("r", "i", sound(300))
    playout.finish("r")
    heard = []
    for _ in range(40):
        run(playout, card, 10)
        heard.append(playout.heard_ms("i"))
    assert heard[:8] == [0, 0, 0, 0, 0, 10, 20, 30]
    assert heard[29:36] == [250, 260, 270, 280, 290, 300, 300]
    assert playout.received_ms("i") == 300


def test_abandoned_replies_are_not_played() -> None:
    card = Card()
    playout = Playout(card)
    playout.abandon("r")
    playout.insert("r", "i", sound(300))
    assert not playout.pump() and playout.received_ms("i") == 0


@pytest.mark.parametrize("rate", [48_000, 44_100, 16_000])
def test_another_rate_of_the_card_changes_nothing_but_the_frames(rate: int) -> None:
    card = Card(rate)
    playout = Playout(card)
    for item_id in ("1", "2"):
        playout.insert("r", item_id, sound(150))
    playout.finish("r")
    run(playout, card, 320)
    assert playout.is_idle and card.sounding_ms == pytest.approx(299, abs=2)
    assert (playout.heard_ms("1"), playout.heard_ms("2")) == (150, 150)
    before = card.sounding_ms
    playout.insert("s", "3", sound(900))
    run(playout, card, 200)
    (heard,) = playout.interrupt()
    assert heard.heard_ms in (204, 205) and heard.received_ms == 900
    run(playout, card, 100)
    assert card.sounding_ms - before == pytest.approx(heard.heard_ms, abs=2)
    assert playout.is_idle


def test_another_content_rate_is_counted_in_its_own_frames() -> None:
    card = Card(48_000)
    playout = Playout(card, content_rate=16_000)
    playout.insert("r", "i", sound(900, 16_000))
    run(playout, card, 100)
    assert playout.interrupt() == (Heard("i", 105, 900),)


def test_playing_goes_on_when_the_device_was_opened_anew() -> None:
    card = Card()
    playout = Playout(card)
    playout.insert("r", "i", sound(500))
    playout.finish("r")
    run(playout, card, 100)
    card.reopen(48_000)
    playout.pump()
    assert playout.heard_ms("i") == 150
    before = len(card.heard)
    run(playout, card, 500)
    assert playout.is_idle and playout.heard_ms("i") == 500
    after = np.frombuffer(card.heard[before:], "<i2")
    assert np.count_nonzero(np.abs(after) > 1) / 48 == pytest.approx(350, abs=2)


def test_what_was_in_a_lost_ring_counts_as_heard_and_is_not_listed() -> None:
    card = Card()
    playout = Playout(card)
    playout.insert("r", "1", sound(100))
    playout.insert("r", "2", sound(500))
    run(playout, card, 60)
    card.reopen(24_000)
    assert playout.interrupt() == (Heard("2", 10, 500),)


def test_volume_is_applied_without_a_click_and_clips() -> None:
    card = Card()
    playout = Playout(card)
    playout.insert("r", "i", sound(500))
    run(playout, card, 100)
    playout.volume = 0.5
    run(playout, card, 100)
    assert card.samples[-1] == LOUD / 2
    playout.volume = 4.0
    run(playout, card, 100)
    assert card.samples[-1] == LOUD * 2
    assert np.abs(np.diff(card.samples)).max() < LOUD / 100


def test_volume_set_while_all_is_silent_holds_from_the_first_frame() -> None:
    card = Card()
    playout = Playout(card)
    playout.volume = 0.0
    playout.insert("r", "i", sound(300))
    run(playout, card, 300)
    assert card.sounding_ms == 0


def test_silence_before_a_reply_does_not_count_as_waiting() -> None:
    card = Card()
    playout = Playout(card)
    card.play(500)
    playout.insert("r", "i", sound(50))
    run(playout, card, 200)
    assert card.sounding_ms == 0


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([24_000, 48_000, 44_100]),
    st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 12)), min_size=1, max_size=12),
    st.integers(0, 400),
)
def test_heard_and_unheard_make_up_what_was_received(
    rate: int, parts: list[tuple[int, int]], wait_ms: int
) -> None:
    card = Card(rate)
    playout = Playout(card)
    received = dict[str, int]()
    for number, (frames, blocks) in enumerate(parts):
        item_id = f"i{number // 2}"
        playout.insert(f"r{number // 4}", item_id, hiss(frames))
        received[item_id] = received.get(item_id, 0) + frames
        run(playout, card, blocks * 10)
    run(playout, card, wait_ms)
    heard = playout.interrupt()
    run(playout, card, 300)
    listed = {part.item_id: part for part in heard}
    assert [i for i in received if i in listed] == [part.item_id for part in heard]
    total = 0.0
    for item_id, frames in received.items():
        part = listed.get(item_id, Heard(item_id, frames // 24, frames // 24))
        assert 0 <= part.heard_ms <= part.received_ms == frames // 24
        assert playout.heard_ms(item_id) == part.heard_ms
        total += part.heard_ms
    played_ms = (card.ring.read - card.ring.level) * 1000 / rate
    assert total == pytest.approx(played_ms, abs=1.5 * len(received) + 0.5)
    assert playout.is_idle


SPEECH = b"".join(
    (glide(400, 100, 140), hush(150), glide(300, 240, 210), hush(450)[7200:], glide(850, 90, 120))
)


def decoded(pcm: bytes) -> int:
    """Which frame of `SPEECH` a piece begins with; below 0: it is not a piece of it."""
    return SPEECH.find(pcm) // 2


@pytest.mark.parametrize("is_paced", [False, True])
def test_the_content_clock_counts_the_reply_not_what_was_added_to_it(is_paced: bool) -> None:
    card = Card()
    playout = Playout(card, is_paced=is_paced)
    right = 0
    for at in range(0, len(SPEECH), 4800):
        playout.insert("r", "i", SPEECH[at : at + 4800])
        for _ in range(11):
            run(playout, card, 10)
            place = decoded(card.heard[-120:])
            if any(card.heard[-120:]) and place >= 0:
                assert playout.heard_ms("i") == pytest.approx((place + 60) / 24, abs=1)
                right += 1
    playout.finish("r")
    run(playout, card, 1500)
    assert right > 60
    assert playout.heard_ms("i") == playout.received_ms("i") == 2000
    assert is_paced or playout.stats().added_ms > 60


STATES = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.integers(1, 12_000)),
        st.tuples(st.just("run"), st.integers(1, 40)),
        st.tuples(st.just("finish"), st.just(0)),
        st.tuples(st.just("abandon"), st.just(0)),
        st.tuples(st.just("interrupt"), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(STATES, st.sampled_from([24_000, 48_000]), st.sampled_from([None, True]))
def test_an_interruption_in_any_state_is_silence_and_tells_the_truth(
    steps: list[tuple[str, int]], rate: int, is_paced: bool | None
) -> None:
    card = Card(rate)
    playout = Playout(card, is_paced=is_paced)
    reply, received = 0, dict[str, int]()
    for verb, amount in [*steps, ("interrupt", 0)]:
        name = f"i{reply}"
        if verb == "insert":
            playout.insert(f"r{reply}", name, SPEECH[: amount * 2])
            received[name] = received.get(name, 0) + amount
        elif verb == "run":
            run(playout, card, amount * 10)
        elif verb == "finish":
            playout.finish(f"r{reply}")
            reply += 1
        elif verb == "abandon":
            playout.abandon(f"r{reply}")
            reply += 1
        else:
            heard = playout.interrupt()
            run(playout, card, 30)
            assert playout.is_idle and not card.samples[-rate // 100 :].any()
            for part in heard:
                assert 0 <= part.heard_ms <= part.received_ms
                assert part.heard_ms == playout.heard_ms(part.item_id)
            reply += 1
    assert all(playout.heard_ms(name) <= frames // 24 for name, frames in received.items())
    assert np.abs(np.diff(card.samples)).max(initial=0) < 16_000


def ramp(frames: int) -> bytes:
    """Sound of which every frame tells where it belongs."""
    return (np.arange(frames) % 16_000 + 4_000).astype("<i2").tobytes()


def test_what_is_held_falls_silent_at_once_and_goes_on_where_it_was() -> None:
    card = Card()
    playout = Playout(card)
    pcm = ramp(12_000)
    playout.insert("r", "a", pcm)
    playout.finish("r")
    run(playout, card, 200)
    playout.hold(True)
    before = card.sounding_ms
    run(playout, card, 300)
    assert card.sounding_ms - before <= 5
    assert not card.samples[-2400:].any() and not playout.is_idle and playout.is_pending("a")
    playout.hold(False)
    run(playout, card, 500)
    assert playout.is_idle and playout.heard_ms("a") == 500
    sent = np.frombuffer(pcm, "<i2").astype(np.int64)
    missing = np.setdiff1d(sent[300:-300], card.samples)
    assert len(missing) <= 2 * 240, "more than the two fades is lost"
    assert np.abs(np.diff(card.samples)).max() < 400, "it clicks"


def test_what_is_held_can_be_cut_and_was_heard_as_far_as_it_was_emitted() -> None:
    card = Card()
    playout = Playout(card)
    playout.insert("r", "a", sound(500))
    playout.finish("r")
    run(playout, card, 200)
    playout.hold(True)
    run(playout, card, 200)
    (heard,) = playout.interrupt()
    assert heard.item_id == "a" and heard.heard_ms == pytest.approx(card.sounding_ms, abs=10)
    assert playout.is_idle
    playout.insert("s", "b", sound(100))
    playout.finish("s")
    run(playout, card, 200)
    assert playout.heard_ms("b") == 100, "the next reply is not held"


def test_holding_twice_is_holding_once_and_holding_nothing_is_nothing() -> None:
    card = Card()
    playout = Playout(card)
    playout.hold(True)
    playout.insert("r", "a", sound(300))
    playout.finish("r")
    run(playout, card, 100)
    assert not card.samples.any()
    playout.hold(True)
    playout.hold(False)
    run(playout, card, 400)
    assert playout.heard_ms("a") == 300


@pytest.mark.fault("P25")
def test_a_reply_without_an_end_does_not_fill_the_memory() -> None:
    card = Card()
    playout = Playout(card)
    for _ in range(200):
        playout.insert("r", "i", sound(10_000))
    assert LONGEST_WAIT_MS <= playout.stats().level_ms <= LONGEST_WAIT_MS + 20_000
    run(playout, card, 200)
    assert card.sounding_ms > 0
