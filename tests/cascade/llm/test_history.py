"""What a service is told again of a conversation."""

from voicechat.cascade.llm.history import groups, retell
from voicechat.cascade.roles import HistoryMessage, ToolCall, ToolResult

_PICTURE = "data:image/png;base64,AA"


def _call(name: str) -> HistoryMessage:
    return HistoryMessage("assistant", call=ToolCall(name, f"do_{name}"))


def _result(name: str) -> HistoryMessage:
    return HistoryMessage("user", result=ToolResult(name, "done"))


def _ids(said: list[HistoryMessage]) -> list[str]:
    told = []
    for one in said:
        told.append(one.text)
        if one.call:
            told[-1] = f"{one.call.call_id}?"
        if one.result:
            told[-1] = f"{one.result.call_id}={one.result.output}"
    return told


def test_calls_made_together_are_followed_by_all_their_results() -> None:
    said = [HistoryMessage("user", "go"), _call("a"), _call("b"), _result("b"), _result("a")]
    told = _ids(retell(said, hears=False, sees=True))
    assert told == ["go", "a?", "b?", "a=done", "b=done"]


def test_result_that_comes_after_other_words_goes_back_to_its_call() -> None:
    said = [
        HistoryMessage("user", "go"),
        _call("a"),
        HistoryMessage("user", "and?"),
        _result("a"),
        _call("b"),
    ]
    told = _ids(retell([*said, _result("b")], hears=False, sees=True))
    assert told == ["go", "a?", "a=done", "and?", "b?", "b=done"]


def test_call_without_a_result_says_so_and_a_result_without_a_call_is_gone() -> None:
    told = _ids(
        retell([_call("a"), _result("x"), HistoryMessage("user", "hi")], hears=False, sees=True)
    )
    assert told[0] == "a?" and "not answered yet" in told[1] and told[2:] == ["hi"]


def test_only_the_newest_pictures_are_sent_again() -> None:
    said = [HistoryMessage("user", str(place), images=(_PICTURE,)) for place in range(6)]
    told = retell(said, hears=False, sees=True)
    assert [len(one.images) for one in told] == [0, 0, 1, 1, 1, 1]
    assert "no longer shown" in told[0].text and told[0].text.endswith("0")
    assert told[2].text == "2"


def test_who_does_not_see_is_told_that_there_was_a_picture() -> None:
    (told,) = retell([HistoryMessage("user", images=(_PICTURE,))], hears=False, sees=False)
    assert not told.images and "cannot see" in told.text


def test_words_stand_for_the_sound_where_there_are_any() -> None:
    (told,) = retell([HistoryMessage("user", "words", pcm=b"\1\1")], hears=True, sees=True)
    assert told == HistoryMessage("user", "words")


def test_only_the_last_few_turns_without_words_are_sent_as_sound() -> None:
    said = [HistoryMessage("user", pcm=bytes([place, 0])) for place in range(5)]
    told = retell(said, hears=True, sees=True)
    assert [one.pcm for one in told] == [b"", b"", b"\2\0", b"\3\0", b"\4\0"]
    assert "not written down" in told[0].text


def test_very_long_turn_is_cut_at_its_beginning() -> None:
    said = [
        HistoryMessage("user", pcm=b"\7\0"),
        HistoryMessage("user", pcm=b"\1\0" * 10 * 2**20 + b"\2\0"),
    ]
    first, told = retell(said, hears=True, sees=True)
    assert len(told.pcm) == 12 * 2**20 and told.pcm.endswith(b"\2\0")
    assert first.text and not first.pcm


def test_deaf_mind_is_told_nothing_of_sound() -> None:
    assert retell([HistoryMessage("user", pcm=b"\1\1")], hears=False, sees=True) == []


def test_neighbours_of_one_side_are_one_group() -> None:
    said = [
        HistoryMessage("user", "a"),
        HistoryMessage("user", "b"),
        HistoryMessage("assistant", "c"),
        _call("d"),
        _result("d"),
    ]
    assert [len(group) for group in groups([*said, HistoryMessage("user", "e")])] == [2, 2, 1, 1]
