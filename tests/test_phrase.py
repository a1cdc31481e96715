"""A phrase reads as English, and is told in Chinese by its key, not by its words."""

import pytest

from voicechat.errors import LinkError
from voicechat.front.words import Words
from voicechat.phrase import phrase


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
    assert Words("zh").told(error) == "线路已断开。请重新连接"


def test_a_sentence_without_a_translation_stays_english_as_a_whole() -> None:
    assert Words("zh").told(phrase("{who} sings", who="It")) == "It sings"


def test_a_gap_without_a_value_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        phrase("{who} sings", what="It")
