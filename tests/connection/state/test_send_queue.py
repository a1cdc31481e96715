"""What waits to be sent: its order, its bound, and when it is told."""

import pytest

from voicechat.connection.state.send_queue import KEPT_S, OLDEST_S, SLOW_S, SendQueue, SlowLine
from voicechat.events import Notice
from voicechat.providers.base import Outgoing

CHUNK_S = 0.02


def everything(queue: SendQueue) -> list[str]:
    taken = []
    while (message := queue.pop(is_full=False)) is not None:
        taken.append(str(message))
    return taken


def urgent(text: str) -> Outgoing:
    return Outgoing(text, is_urgent=True)


def filled(until: float, *, start: float = 0.0) -> SendQueue:
    """Speech in real time; each message is named by its moment."""
    queue, now = SendQueue(), start
    while now < until:
        queue.put(Outgoing(f"sound {now:.2f}", CHUNK_S), now)
        now += CHUNK_S
    return queue


def test_messages_leave_as_they_came() -> None:
    queue = SendQueue()
    for name, sound_s in (("a", 0.0), ("b", CHUNK_S), ("c", 0.0)):
        queue.put(Outgoing(name, sound_s), 0.0)
    assert everything(queue) == ["a", "b", "c"] and queue.is_empty
    assert queue.sound_s == 0.0


def test_only_sound_waits_for_room() -> None:
    queue = SendQueue()
    queue.put(Outgoing("settings"), 0.0)
    queue.put(Outgoing("sound", CHUNK_S), 0.0)
    queue.put(Outgoing("commit"), 0.0)
    assert queue.pop(is_full=True) == "settings"
    assert queue.pop(is_full=True) is None
    assert everything(queue) == ["sound", "commit"]


def test_what_stops_a_reply_overtakes_sound_and_nothing_else() -> None:
    queue = SendQueue()
    queue.put(Outgoing("question"), 0.0)
    queue.put(Outgoing("sound", CHUNK_S), 0.0)
    queue.put(Outgoing("commit"), 0.0)
    queue.put(urgent("cancel"), 0.0)
    queue.put(urgent("truncate"), 0.0)
    assert everything(queue) == ["question", "cancel", "truncate", "sound", "commit"]


@pytest.mark.fault("N25")
def test_sound_that_waited_too_long_goes_and_nothing_else_does() -> None:
    queue = filled(40.0)
    queue.put(Outgoing("commit"), 2.0)
    queue.put(Outgoing("words"), 2.0)
    assert queue.forget_old(40.0) == pytest.approx(40 - OLDEST_S, abs=0.05)
    assert queue.sound_s == pytest.approx(OLDEST_S, abs=0.05)
    assert queue.dropped_s == pytest.approx(40 - OLDEST_S, abs=0.05)
    left = everything(queue)
    assert left[0].startswith("sound 10.0") and left[-2:] == ["commit", "words"]


@pytest.mark.fault("N25")
def test_after_an_interruption_only_the_words_that_interrupted_are_left() -> None:
    queue = filled(20.0)
    queue.interrupt(20.0)
    assert queue.sound_s == pytest.approx(KEPT_S, abs=0.05)


def test_frames_leave_as_text_or_as_bytes() -> None:
    queue = SendQueue()
    queue.put(Outgoing(b"\x00\x01", CHUNK_S), 0.0)
    queue.put(Outgoing("commit"), 0.0)
    assert [queue.pop(is_full=False), queue.pop(is_full=False)] == [b"\x00\x01", "commit"]


def slow_told(looks: list[float]) -> list[Notice]:
    """What is told when so much waits, half a second apart."""
    line = SlowLine()
    told = (line.look(waiting_s, n * 0.5) for n, waiting_s in enumerate(looks))
    return [notice for notice in told if notice]


@pytest.mark.fault("N25")
def test_a_line_slower_than_speech_is_told_once_an_episode() -> None:
    growing = [n * 0.4 for n in range(40)]
    [notice] = slow_told(growing)
    assert notice.code == "line_slow" and "slower than speech" in notice.message
    assert len(slow_told([*growing, *reversed(growing), *growing])) == 2


@pytest.mark.fault("N25")
def test_it_is_told_within_three_seconds_of_speech_too_many() -> None:
    line, told_s = SlowLine(), 99.0
    for n in range(40):  # Nothing leaves, and somebody speaks.
        if line.look(n * 0.5, n * 0.5):
            told_s = n * 0.5
    assert SLOW_S < told_s <= SLOW_S + 3


def test_what_was_said_before_the_line_was_up_is_no_slow_line() -> None:
    assert slow_told([20.0, 15.0, 10.0, 5.0, 0.0, 0.0]) == []
    assert slow_told([0.3, 1.9, 0.2, 1.9, 1.9, 1.9]) == []


def test_a_line_that_stays_slow_is_one_that_will() -> None:
    line = SlowLine()
    for n in range(20):
        line.look(n * 0.5, n * 0.5)
    assert line.lasts(9.5) and not line.lasts(5.0)
    line.look(0.0, 20.0)
    assert not line.lasts(30.0)


@pytest.mark.fault("N25")
def test_lost_speech_is_told_once_an_episode() -> None:
    line = SlowLine()
    first = line.lost(0.5)
    assert first is not None and first.code == "line_loses"
    assert line.lost(0.5) is None and line.lost(0.0) is None
    line.look(0.0, 1.0)
    assert line.lost(0.5) is not None
