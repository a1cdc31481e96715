"""A phrase reads as English, and is told in Chinese by its key, not by its words."""

import json

import pytest

from voicechat.errors import LinkError
from voicechat.front.words.words import Words
from voicechat.text.clean import clean_line, mask_secrets
from voicechat.text.phrase import (
    Phrase,
    from_json,
    message_key,
    phrase,
    refilled,
    to_json,
    without_stop,
)


def test_a_phrase_is_the_english_sentence() -> None:
    told = phrase("{who} was not found: its name leads nowhere", who="api.example.com")
    assert told == "api.example.com was not found: its name leads nowhere"
    assert Words("en").told(told) == told


def test_it_is_told_in_chinese_by_its_key_whatever_the_values_hold() -> None:
    who = phrase("The proxy {label}", label="a. b: refused, (HTTP 3)")
    told = phrase("{who} was not found: its name leads nowhere", who=who)
    assert Words("zh").told(told) == "找不到 代理 a. b: refused, (HTTP 3)：域名无法解析"


def test_an_error_and_its_hint_are_told_apart() -> None:
    error = LinkError(phrase("The line was lost"), phrase("Connect again"))
    assert str(error) == "The line was lost. Connect again"
    assert Words("zh").told(error) == "连接已断开。请重新连接"


def test_a_sentence_without_a_translation_stays_english_as_a_whole() -> None:
    assert Words("zh").told(phrase("{who} sings", who="It")) == "It sings"


def test_a_gap_without_a_value_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        phrase("{who} sings", what="It")


def test_a_pattern_in_a_table_is_filled_in_later() -> None:
    pattern = message_key("{who} hung up")
    assert phrase(pattern, who="It") == "It hung up"


def test_it_stays_a_phrase_where_foreign_words_are_made_safe() -> None:
    told = phrase("{who} hung up", who="api.example.com")
    for safe in (clean_line(told), mask_secrets(told, ("secret-value",)), without_stop(told)):
        assert isinstance(safe, Phrase) and safe.key == told.key


def test_what_had_to_be_masked_is_no_phrase_any_more() -> None:
    told = phrase("{who} hung up", who="sk-abcdefgh")
    assert not isinstance(mask_secrets(told), Phrase) and "sk-" not in mask_secrets(told)
    masked = refilled(phrase("{why}, again", why=told), mask_secrets)
    assert isinstance(masked, Phrase) and "sk-" not in masked and masked.endswith("up, again")
    assert refilled("sk-abcdefgh", mask_secrets) == mask_secrets("sk-abcdefgh")


def test_it_goes_to_another_process_and_back() -> None:
    who = phrase("The proxy {label}", label="http://gate")
    told = phrase("{who} did not answer within {seconds:.0f} s", who=who, seconds=2.6)
    back = from_json(json.loads(json.dumps(to_json(told))), str(told))
    assert isinstance(back, Phrase) and back == told
    assert Words("zh").told(back) == Words("zh").told(told)


@pytest.mark.parametrize(
    "claimed",
    [
        {"key": "{who} hung up", "values": {"who": "Another"}},
        {"key": "{who} hung up", "values": {}},
        {"key": "{who.__class__} hung up", "values": {"who": "It"}},
        {"key": "{who", "values": {"who": "It"}},
        {"key": "It hung up", "values": []},
        {"key": "{who} hung up", "values": {"who": ["It"]}},
        None,
        17,
    ],
)
def test_what_does_not_read_like_the_english_is_not_believed(claimed: object) -> None:
    back = from_json(claimed, "It hung up")
    assert back == "It hung up" and not isinstance(back, Phrase)


def test_a_full_stop_does_not_stand_in_the_middle_of_a_sentence() -> None:
    assert without_stop("It is so.") == "It is so" and without_stop("就这样。") == "就这样"
