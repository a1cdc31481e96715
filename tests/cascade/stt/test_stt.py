"""Ears of any vendor: what is sent to be written down, and how the pieces become one text."""

import pytest

from tests.cascade.peer import silence
from tests.fakes.http_speech_vendors import hear, tone
from voicechat.cascade.stt.stt import HttpEars, NoEars, join_words
from voicechat.errors import ServiceError, VoiceChatError


class _Scribbler:
    """A vendor that takes two seconds at most."""

    longest_ms = 2000

    def __init__(self, answers: list[str]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, str]] = []

    async def write(self, file: bytes, language: str, before: str) -> str:
        self.asked.append((hear(file).words, language, before))
        if not self.answers:
            raise ServiceError("Out of order")
        return self.answers.pop(0)


async def test_nothing_is_sent_when_nobody_speaks() -> None:
    scribbler = _Scribbler(["Thanks for watching!"])
    assert await HttpEars(scribbler).transcribe(silence(3000), "en") == ""
    assert scribbler.asked == []


async def test_long_turn_is_written_down_piece_by_piece_each_knowing_what_was_before() -> None:
    scribbler = _Scribbler(["One two.", "Three four.", "Five."])
    turn = tone(1300) + silence(400) + tone(1200) + silence(400) + tone(1000)
    words = await HttpEars(scribbler).transcribe(turn, "de")
    assert words == "One two. Three four. Five."
    assert scribbler.asked == [
        ("heard 1.3 s at 440 Hz", "de", ""),
        ("heard 1.2 s at 440 Hz", "de", "One two."),
        ("heard 1.0 s at 440 Hz", "de", "One two. Three four."),
    ]


async def test_failure_of_one_piece_is_the_failure_of_the_turn() -> None:
    scribbler = _Scribbler(["One."])
    with pytest.raises(VoiceChatError):
        await HttpEars(scribbler).transcribe(tone(1500) + silence(400) + tone(1500), "")


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        ([], ""),
        (["", "  "], ""),
        ([" Hello", "there. "], "Hello there."),
        (["你好，", "世界。"], "你好，世界。"),
        (["我说", "hello"], "我说hello"),
        (["один", "", "два"], "один два"),
    ],
)
def test_pieces_are_joined_as_their_script_wants(texts: list[str], joined: str) -> None:
    assert join_words(texts) == joined


async def test_without_ears_there_are_no_words() -> None:
    assert not NoEars().hears and await NoEars().transcribe(tone(1000), "") == ""
