"""Answers to questions of others are no keys, however they are cut."""

import time

import pytest
from textual import events

from voicechat.front.tui.terminal import reports
from voicechat.front.tui.terminal.keyboard import KeyboardParser

REPORTS = {
    "DA1 of xterm": "\x1b[?64;1;2;6;9;15;16;17;18;21;22;28c",
    "DA1 of Windows Terminal": "\x1b[?61;4;6;7;14;21;22;23;24;28;32;42;52c",
    "DA2": "\x1b[>41;379;0c",
    "OSC 11": "\x1b]11;rgb:1414/1919/1f1f\x1b\\",
    "OSC 10 with BEL": "\x1b]10;rgb:8f8f/f5f5/8686\x07",
    "OSC 4": "\x1b]4;1;rgb:cdcd/0000/0000\x1b\\",
    "XTVERSION": "\x1bP>|XTerm(379)\x1b\\",
    "XTGETTCAP": "\x1bP1+r544e=787465726d\x1b\\",
    "DECRQSS": "\x1bP1$r0m\x1b\\",
    "DA3": "\x1bP!|00000000\x1b\\",
    "kitty graphics": "\x1b_Gi=31;OK\x1b\\",
    "DECRQM": "\x1b[?2031;2$y",
    "window size": "\x1b[4;600;800t",
    "long clipboard": "\x1b]52;c;" + "aGVsbG8=" * 2_000 + "\x07",
}


def keys(*pieces: str, pause_s: float = 0.0) -> list[str]:
    parser = KeyboardParser()
    found = []
    for piece in pieces:
        found += [*parser.feed(piece)]
        until = time.monotonic() + pause_s
        while time.monotonic() < until:
            found += [*parser.tick()]
            time.sleep(0.02)
    return [message.key for message in found if isinstance(message, events.Key)]


@pytest.mark.fault("T18")
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_dropped_and_what_follows_is_not(name: str) -> None:
    text = f"a{REPORTS[name]}b"
    assert keys(text) == ["a", "b"]
    step = 1 if len(text) < 100 else 997
    assert keys(*(text[at : at + step] for at in range(0, len(text), step))) == ["a", "b"]


@pytest.mark.fault("T18")
@pytest.mark.parametrize("name", ["DA2", "DECRQSS"])
def test_pieces_may_come_slowly(name: str) -> None:
    found = keys(*REPORTS[name], "z", pause_s=0.15)
    assert [key for key in found if key != "escape"] == ["z"]


def wait_for_keys(parser: KeyboardParser) -> list[str]:
    found, until = [], time.monotonic() + 10
    while parser.is_waiting and time.monotonic() < until:
        found += [m.key for m in parser.tick() if isinstance(m, events.Key)]
        time.sleep(0.01)
    return found


def test_keys_that_look_like_a_beginning_are_keys() -> None:
    parser = KeyboardParser()
    list(parser.feed("\x1b"))
    assert wait_for_keys(parser) == ["escape"]
    list(parser.feed("["))
    assert wait_for_keys(parser) == ["left_square_bracket"]
    list(parser.feed("\x1b]hi"))
    assert wait_for_keys(parser)[-2:] == ["h", "i"]


def test_a_report_without_end_takes_no_enter_with_it() -> None:
    assert keys("\x1b]11;rgb:14", "\rx") == ["enter", "x"]
    parser = KeyboardParser()
    list(parser.feed("\x1bP>|XTerm"))
    assert wait_for_keys(parser) == []
    assert [m.key for m in parser.feed("x") if isinstance(m, events.Key)] == ["x"]


def test_what_is_held_back_is_bounded() -> None:
    found = reports.ReportFilter()
    for _ in range(100):
        assert found.feed("\x1b]52;c;" if not found.is_waiting else "A" * 1_000) == ""
    assert len(found._held) <= reports.LONGEST
