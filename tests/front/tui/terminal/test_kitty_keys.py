"""The kitty protocol read, however it was cut, and everything that is none of it."""

import random

import pytest
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._time import get_time
from textual.message import Message

from voicechat.front.tui.terminal import kitty_keys
from voicechat.front.tui.terminal.keyboard import KeyboardParser
from voicechat.front.tui.terminal.kitty_keys import KeyboardAnswered, KeyReleased, RepeatedKey

FLAGS = "\x1b[?27u"


def parse(*pieces: str) -> list[Message]:
    parser = KeyboardParser()
    return [message for piece in pieces for message in parser.feed(piece)] + [*parser.tick()]


def told(messages: list[Message]) -> list[str]:
    """`space`, `space again`, `space up`, and the names of what is no key."""
    found = []
    for message in messages:
        match message:
            case RepeatedKey():
                found.append(f"{message.key} again")
            case events.Key():
                found.append(message.key)
            case KeyReleased():
                found.append(f"{message.key} up")
            case _:
                found.append(type(message).__name__)
    return found


CASES = {
    "a press, its repeat and its release": (
        "\x1b[32;;32u\x1b[32;1:2;32u\x1b[32;1:3u",
        ["space", "space again", "space up"],
    ),
    "a press that says that it is one": ("\x1b[32;1:1;32u", ["space"]),
    "with Num Lock on": ("\x1b[32;129:1;32u\x1b[32;129:3u", ["space", "space up"]),
    "let go with Shift down": ("\x1b[32;2:3u", ["space up"]),
    "arrows and keys with a number": (
        "\x1b[1;1:1A\x1b[1;1:2A\x1b[1;1:3A\x1b[3;1:2~\x1b[15;1:1~",
        ["up", "up again", "up up", "delete again", "f5"],
    ),
    "Ctrl and a letter": ("\x1b[113;5:1u\x1b[113;5:3u", ["ctrl+q", "q up"]),
    "a capital": ("\x1b[97;2:1;65u\x1b[97;2:3u", ["A", "a up"]),
    "another layout's code": ("\x1b[97:65;2:1;65u", ["A"]),
    "Ctrl where the layout has no Latin letters": (
        "\x1b[1081;5u\x1b[1089::99;5u\x1b[968;5u\x1b[1489::99;5u\x1b[1090::116;5:2u",
        ["ctrl+q", "ctrl+c", "ctrl+c", "ctrl+c", "ctrl+t again"],
    ),
    "Ctrl goes with the letter of a Latin layout": ("\x1b[113::39;5u", ["ctrl+q"]),
    "the space bar of an input method": (
        "\u3000\xa0\x1b[32;;12288u\x1b[32;1:3u\x1b[32;3;160u",
        ["space", "space", "space", "space up", "space"],
    ),
    "characters newer than the tables": ("\x1b[0;;129769u\U00031350", ["\U0001fae9", "\U00031350"]),
    "Shift itself": ("\x1b[57441;2:1u\x1b[57441;1:3u", ["left_shift", "left_shift up"]),
    "the Escape key": ("\x1b[27;1:1u\x1b[27;1:3u", ["escape", "escape up"]),
    "no character at all": (
        "\x1b[99999999999;1u\x1b[1114112;1:1u\x1b[1114112;1:3u!",
        ["exclamation_mark"],
    ),
    "a surrogate": ("\x1b[55296;1:3ux", ["x"]),
    "answers to nobody's question": ("\x1b[?62;22c\x1b[>1;2;3c\x1b[0nz", ["z"]),
    "what nobody has heard of": ("\x1b[5;6;7;8vx\x1b[?1;2$px\x1b[=3;1ux", ["x", "x", "x"]),
    "reports as before": (
        "\x1b[I\x1b[O\x1b[<35;10;5M\x1b[?2026;2$yq",
        ["AppFocus", "AppBlur", "MouseMove", "TerminalSupportsSynchronizedOutput", "q"],
    ),
    "older forms of keys": (
        "\x1b[A\x1bOP\x1b[[A\x1b[3$\x1b[1;5C\x1b[Z",
        ["up", "f1", "f1", "shift+delete", "ctrl+right", "shift+tab"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_keys_are_read_at_once_or_byte_by_byte(case: str) -> None:
    text, wanted = CASES[case]
    assert told(parse(text)) == wanted
    assert told(parse(*text)) == wanted


@pytest.mark.parametrize(("flags", "is_on"), [(27, True), (25, False), (2, False), (0, False)])
def test_the_terminal_says_whether_it_tells_releases(flags: int, is_on: bool) -> None:
    for pieces in ([f"\x1b[?{flags}u"], [*f"\x1b[?{flags}u"]):
        (answer,) = parse(*pieces)
        assert isinstance(answer, KeyboardAnswered) and answer.tells_release is is_on


def test_a_repeated_key_is_handled_as_a_key_and_types_the_same() -> None:
    (key,) = parse("\x1b[97;1:2;97u")
    assert isinstance(key, RepeatedKey) and key.character == "a"
    assert key.handler_name == "on_key"


def test_a_release_types_nothing_and_is_no_key() -> None:
    assert not [m for m in parse("\x1b[97;1:3u\x1b[13;1:3u") if isinstance(m, events.Key)]


def test_the_rest_of_a_sequence_may_be_late_once_esc_is_never_a_key() -> None:
    parser = KeyboardParser()
    assert told([*parser.feed(FLAGS + "\x1b[32;1")]) == ["KeyboardAnswered"]
    parser._keys._timeout_time = get_time() - 0.1
    assert [*parser.tick()] == []
    assert told([*parser.feed(":3u")]) == ["space up"]


def test_a_lone_esc_is_the_escape_key_in_other_terminals() -> None:
    parser = KeyboardParser()
    found = [*parser.feed("\x1b")]
    while not found:
        found = [*parser.tick()]
    assert told(found) == ["escape"]


def test_no_key_that_textual_knows_is_lost() -> None:
    """Dropping what means nothing must not cut a longer sequence short."""
    for sequence in ANSI_SEQUENCES_KEYS:
        if sequence.startswith("\x1b[") and sequence != "\x1b[200~":
            assert told(parse(sequence, "z"))[-1] == "z", repr(sequence)
            for length in range(3, len(sequence)):
                assert not kitty_keys._means_nothing(sequence[:length]), repr(sequence)


def test_a_storm_of_keys_is_read_whole_wherever_it_is_cut() -> None:
    chosen = random.Random(7)
    names = [name for name in CASES if "Esc" not in name]
    picked = [CASES[chosen.choice(names)] for _ in range(500)]
    text = "".join(text for text, _ in picked)
    wanted = [key for _, keys in picked for key in keys]
    cuts = sorted(chosen.sample(range(len(text)), 700))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert told(parse(*pieces)) == wanted


def test_noise_never_ends_the_reader() -> None:
    chosen = random.Random(11)
    alphabet = "\x1b\x1b\x1b[[[?<>=;:0123456789uAM~$y\x00é\U0010ffff"
    parser = KeyboardParser()
    for _ in range(3000):
        noise = "".join(chosen.choices(alphabet, k=chosen.randrange(1, 12)))
        list(parser.feed(noise))
    list(parser.feed("\x1b[201~"))
    rest = "".join("x" for _ in range(40))
    assert told([*parser.feed(rest)])[-1] == "x"
