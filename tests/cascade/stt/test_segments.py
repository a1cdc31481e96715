"""What is sent to be written down: the speech, whole, in pieces short enough."""

from array import array

import pytest

from tests.cascade.peer import silence, speech
from tests.fakes.http_speech_vendors import tone
from voicechat.cascade.audio import ms_of
from voicechat.cascade.stt.segments import spoken_pieces


def _lengths(pcm: bytes, longest_ms: int = 60_000) -> list[int]:
    return [ms_of(len(piece)) for piece in spoken_pieces(pcm, longest_ms)]


@pytest.mark.parametrize("pcm", [b"", b"\0\0", silence(30), silence(5000), tone(20) + silence(900)])
def test_where_nobody_speaks_there_are_no_pieces(pcm: bytes) -> None:
    assert spoken_pieces(pcm, 10_000) == []


def test_speech_stays_whole_with_a_little_silence_around_it() -> None:
    spoken = tone(1000)
    (piece,) = spoken_pieces(silence(2000) + spoken + silence(3000), 10_000)
    assert spoken in piece
    assert ms_of(len(piece)) == 200 + 1000 + 300


def test_shortest_word_counts_as_speech() -> None:
    assert _lengths(silence(400) + speech("No.") + silence(400))


def test_long_turn_is_cut_in_the_longest_pause_of_the_second_half() -> None:
    talk = tone(2000) + silence(900) + tone(4000) + silence(800) + tone(1000) + silence(400)
    assert _lengths(talk + tone(3000), 10_000) == [2000 + 900 + 4000 + 300, 200 + 1000 + 400 + 3000]


def test_turn_without_a_pause_is_cut_at_its_quietest_and_nothing_is_lost() -> None:
    low = array("h", [sample // 8 for sample in array("h", tone(100))]).tobytes()
    talk = tone(7000) + low + tone(5000)
    pieces = spoken_pieces(talk, 10_000)
    assert b"".join(pieces) == talk
    assert 7000 <= ms_of(len(pieces[0])) <= 7100


def test_silence_of_minutes_inside_a_turn_is_not_sent() -> None:
    assert _lengths(tone(1000) + silence(120_000) + tone(1000), 28_000) == [1300, 1200]


@pytest.mark.parametrize("longest_ms", [1000, 5000, 28_000])
def test_no_piece_of_real_speech_is_longer_than_allowed(longest_ms: int) -> None:
    talk = (speech("One, two, three, four, five. ") + silence(500)) * 20
    lengths = _lengths(talk, longest_ms)
    assert max(lengths) <= longest_ms
    assert sum(lengths) > 0.7 * ms_of(len(speech("One, two, three, four, five. "))) * 20
