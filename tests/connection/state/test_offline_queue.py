"""What is said before a line is good: kept in order, bounded, and at the rate of the next line."""

from tests.fakes.ga_signal import timecode
from voicechat.connection.state.offline_queue import LONGEST_MS, OfflineQueue
from voicechat.events import (
    BeginTurn,
    Command,
    EndTurn,
    Interrupt,
    SendAudio,
    SendImage,
    SendText,
    SendToolResult,
    SetHandsFree,
)

RATE = 16_000
CHUNK = b"\1\0" * (RATE // 50)


def filled(*commands: Command, rate: int = RATE) -> OfflineQueue:
    outbox = OfflineQueue()
    for command in commands:
        outbox.keep(command, rate)
    return outbox


def test_sayings_come_out_in_order() -> None:
    said = (SendText("one", "msg_1"), SendImage(b"x", "image/png", "msg_2"), SendText("2", "msg_3"))
    assert filled(*said).commands(RATE) == list(said)


def test_what_belongs_to_the_old_line_is_not_kept() -> None:
    outbox = filled(Interrupt(), SetHandsFree(True), SendToolResult("call_1", "clock", "noon"))
    assert outbox.is_empty


def test_nothing_is_lost_when_it_is_taken_twice() -> None:
    outbox = filled(SendText("one", "msg_1"))
    assert outbox.commands(RATE) == outbox.commands(RATE) != []
    outbox.clear()
    assert outbox.is_empty and outbox.commands(RATE) == []


def test_a_turn_keeps_its_sound_and_its_end() -> None:
    turn: list[Command] = [BeginTurn(), SendAudio(CHUNK), SendAudio(CHUNK), EndTurn()]
    assert filled(*turn).commands(RATE) == turn


def test_a_turn_that_was_given_up_leaves_nothing() -> None:
    kept = filled(SendText("hi", "msg_1"), BeginTurn(), SendAudio(CHUNK), BeginTurn())
    assert kept.commands(RATE) == [SendText("hi", "msg_1"), BeginTurn()]


def test_only_the_last_half_minute_of_speech_is_kept_and_every_word() -> None:
    outbox = filled(SendText("first", "msg_1"), BeginTurn())
    for second in range(LONGEST_MS // 1000 + 5):
        outbox.keep(SendAudio(bytes([second, 0]) * RATE), RATE)
    text, begin, *sound = outbox.commands(RATE)
    assert (text, begin) == (SendText("first", "msg_1"), BeginTurn())
    seconds = [one.pcm[0] for one in sound if isinstance(one, SendAudio)]
    assert seconds == list(range(5, LONGEST_MS // 1000 + 5))


def test_sound_for_a_line_of_another_rate_is_the_same_sound() -> None:
    original = timecode(1, 1000)
    chunks = [SendAudio(original[at : at + 960]) for at in range(0, len(original), 960)]
    taken = filled(*chunks, rate=24_000).commands(16_000)
    pcm = b"".join(one.pcm for one in taken if isinstance(one, SendAudio))
    assert len(pcm) == len(original) * 2 // 3


def test_items_that_nobody_has_got_are_known_by_their_ids() -> None:
    outbox = filled(SendText("a", "msg_1"), SendImage(b"x", "image/png", "msg_2"), EndTurn())
    assert outbox.item_ids == {"msg_1", "msg_2"}
