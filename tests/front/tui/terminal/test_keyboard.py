"""Keys and pastes taken apart, however they were cut by reading."""

import time

import pytest
from textual import events
from textual.message import Message

from voicechat.front.tui.terminal.keyboard import LONGEST_PASTE, KeyboardParser


def parse(*pieces: str) -> list[Message]:
    parser = KeyboardParser()
    return [message for piece in pieces for message in parser.feed(piece)] + [*parser.tick()]


def names(messages: list[Message]) -> list[str]:
    return [
        message.key if isinstance(message, events.Key) else type(message).__name__
        for message in messages
    ]


def test_keys_are_textual_s_own() -> None:
    assert names(parse("a\x1b[A\r\x1b[I")) == ["a", "up", "enter", "AppFocus"]


def test_nothing_inside_a_paste_is_a_key() -> None:
    (paste,) = parse("\x1b[200~one\r\x1b[31mtwo\x1b\r\x1b[A\x03\n\x1b[201~")
    assert isinstance(paste, events.Paste)
    assert paste.text == "one\r\x1b[31mtwo\x1b\r\x1b[A\x03\n"


@pytest.mark.parametrize("at", range(1, 24))
def test_a_paste_may_be_cut_anywhere(at: int) -> None:
    whole = "x\x1b[200~pasted\x1b[201~\r\x1b[B"
    found = parse(whole[:at], whole[at:])
    assert names(found) == ["x", "Paste", "enter", "down"]
    assert [each.text for each in found if isinstance(each, events.Paste)] == ["pasted"]


def test_a_paste_that_comes_byte_by_byte_holds_no_keys_either() -> None:
    whole = "x\x1b[200~one\x1b\r\x1b[A\x1b[32;1:3u\x03\x1b[201~\r\x1b[B\x1b[2~\x1b[21~"
    found = parse(*whole)
    assert names(found) == ["x", "Paste", "enter", "down", "insert", "f10"]
    assert isinstance(found[1], events.Paste)
    assert found[1].text == "one\x1b\r\x1b[A\x1b[32;1:3u\x03"


@pytest.mark.parametrize("at", range(1, 40))
def test_two_pastes_cut_anywhere_are_two_pastes(at: int) -> None:
    whole = "\x1b[200~a\x1bb\x1b[201~\x1b[A\x1b[200~c\x1b[Ad\x1b[201~y"
    found = parse(whole[:at], whole[at:])
    assert names(found) == ["Paste", "up", "Paste", "y"]


@pytest.mark.fault("T15")
def test_a_paste_is_bounded_and_what_follows_is_not_lost() -> None:
    found = parse("\x1b[200~", *["0123456789" * 1000] * 500, "\x1b[201~", "z")
    assert names(found) == ["Paste", "z"]
    assert isinstance(found[0], events.Paste) and len(found[0].text) == LONGEST_PASTE


def test_the_beginning_of_a_marker_that_was_none_is_a_key_after_all() -> None:
    assert names(parse("\x1b[2", "~")) == ["insert"]
    parser = KeyboardParser()
    assert [*parser.feed("\x1b[2")] == []
    assert [*parser.tick()] == []
    assert names([*parser.feed("~")]) == ["insert"]


def test_it_waits_only_for_what_may_be_more_than_was_read() -> None:
    parser = KeyboardParser()
    assert not parser.is_waiting
    list(parser.feed("abc"))
    assert not parser.is_waiting
    for beginning in ("\x1b", "\x1b[", "\x1b[20"):
        list(parser.feed(beginning))
        assert parser.is_waiting
        until = time.monotonic() + 10
        while parser.is_waiting and time.monotonic() < until:
            list(parser.tick())
            time.sleep(0.01)
        assert not parser.is_waiting
    list(parser.feed("\x1b[200~ a paste without end"))
    assert not parser.is_waiting
