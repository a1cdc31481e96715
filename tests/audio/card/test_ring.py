import random
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicechat.audio.card.ring import Ring


def frames(*values: int) -> bytes:
    return np.array(values, "<i2").tobytes()


def read(ring: Ring, count: int) -> list[int]:
    out = memoryview(bytearray(b"\x55" * (count * 2)))
    ring.read_into(out)
    return [int(value) for value in np.frombuffer(out, "<i2")]


def test_wraps_and_fills_with_silence() -> None:
    ring = Ring(4)
    assert ring.write(frames(1, 2, 3)) == 3
    assert read(ring, 3) == [1, 2, 3]
    assert ring.write(frames(4, 5, 6)) == 3
    assert read(ring, 4) == [4, 5, 6, 0]
    assert (ring.silent, ring.starved) == (1, 1)
    assert read(ring, 6) == [0] * 6
    assert (ring.written, ring.read, ring.silent, ring.starved) == (6, 6, 7, 7)


def test_takes_only_what_fits() -> None:
    ring = Ring(4)
    assert ring.write(frames(1, 2, 3, 4, 5)) == 4
    assert (ring.level, ring.free) == (4, 0)
    assert read(ring, 4) == [1, 2, 3, 4]


def test_rewind_keeps_what_was_asked_and_fades_its_end() -> None:
    ring = Ring(100)
    ring.write(frames(*[1000] * 50))
    read(ring, 10)
    assert ring.rewind(keep_frames=20, fade_frames=10) == 30 == ring.written
    kept = read(ring, 30)
    assert kept[:11] == [1000] * 11 and kept[20:] == [0] * 10
    assert kept[11:20] == [900, 800, 700, 600, 500, 400, 300, 200, 100]


def test_rewind_of_less_than_is_kept_fades_the_end_there_is() -> None:
    ring = Ring(100)
    ring.write(frames(*[1000] * 6))
    assert ring.rewind(keep_frames=20, fade_frames=10) == 6
    kept = read(ring, 7)
    assert kept[0] == 1000 and sorted(kept, reverse=True) == kept and kept[5] < 200


def test_rewind_of_nothing_does_nothing() -> None:
    ring = Ring(10)
    assert ring.rewind(4, 2) == 0
    assert read(ring, 2) == [0, 0]


def test_what_is_written_after_a_rewind_follows_what_was_kept() -> None:
    ring = Ring(10)
    ring.write(frames(1, 2, 3, 4, 5, 6))
    ring.rewind(2, 0)
    ring.write(frames(7, 8))
    assert read(ring, 5) == [1, 2, 7, 8, 0]


def test_skip_throws_away_what_waits() -> None:
    ring = Ring(10)
    ring.write(frames(1, 2, 3))
    assert ring.skip() == 3
    ring.write(frames(4))
    assert read(ring, 2) == [4, 0]


@given(st.lists(st.tuples(st.sampled_from("wr"), st.integers(0, 12)), max_size=80))
def test_any_order_of_calls_keeps_every_frame_in_order(steps: list[tuple[str, int]]) -> None:
    ring, sent, got = Ring(7), 0, list[int]()
    for verb, count in steps:
        if verb == "w":
            sent += ring.write(frames(*range(sent + 1, sent + count + 1)))
        else:
            got += [value for value in read(ring, count) if value]
        assert ring.level == sent - len(got) and ring.level + ring.free == 7
    assert got == list(range(1, len(got) + 1))


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads that take turns as often as they can, so that every order of steps happens."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_threads")
def test_two_threads_lose_and_invent_nothing() -> None:
    ring, sent = Ring(64), np.arange(1, 30_001, dtype="<i2").tobytes()
    got = bytearray()

    def read_all() -> None:
        out = memoryview(bytearray(34))
        while len(got) < len(sent):
            got.extend(out[: ring.read_into(out) * 2])

    reader = threading.Thread(target=read_all)
    reader.start()
    rest = memoryview(sent)
    while rest:
        rest = rest[ring.write(rest[:50]) * 2 :]
    reader.join()
    assert bytes(got) == sent


@pytest.mark.usefixtures("eager_threads")
def test_rewinding_under_a_reader_leaves_both_sides_with_one_truth() -> None:
    """The writer counts what it believes will be heard; the reader, what it really got."""
    ring, block, fade = Ring(400), 24, 24
    got = bytearray()
    is_done = threading.Event()

    def read_all() -> None:
        out = memoryview(bytearray(block * 2))
        while not is_done.is_set() or ring.level:
            got.extend(out[: ring.read_into(out) * 2])

    reader = threading.Thread(target=read_all)
    reader.start()
    believed, faded, dice = list[int](), set[int](), random.Random(1)
    step = 0
    while len(believed) < 40_000:
        step, value = step + 1, 20_000 + step % 10_000
        believed += [value] * ring.write(frames(value) * dice.randrange(1, 200))
        if dice.random() < 0.4:
            end = ring.rewind(block + fade, fade)
            del believed[end:]
            faded = {at for at in faded if at < end} | set(range(end - fade, end))
        assert ring.written == len(believed)
    is_done.set()
    reader.join()
    heard = np.frombuffer(got, "<i2").astype(int)
    assert len(heard) == len(believed) == ring.read
    differs = set(np.flatnonzero(heard != np.array(believed)))
    assert differs <= faded and step > 100
