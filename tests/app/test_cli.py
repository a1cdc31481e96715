"""The command line: what can be said, how it is shown, and what it turns into."""

import argparse
import shlex

import pytest

from voicechat.app.cli import build_parser, read_arguments

DOCUMENTED = [
    "--model",
    "--url",
    "--proxy",
    "--config",
    "--voice",
    "--instructions",
    "--text",
    "--hands-free",
    "--push-to-talk",
    "--input-device",
    "--output-device",
    "--plain",
    "--json",
    "--say",
    "--save-reply",
    "--trace",
    "--no-save",
    "--resume",
    "--version",
]


def parse(line: str) -> argparse.Namespace:
    return read_arguments(shlex.split(line))


@pytest.mark.parametrize("option", DOCUMENTED)
def test_every_promised_option_is_in_the_help(option: str) -> None:
    assert f"  {option}" in build_parser().format_help()


def test_the_help_is_short_and_grouped() -> None:
    text = build_parser().format_help()
    lines = text.splitlines()
    assert len(lines) <= 55
    assert max(map(len, lines)) <= 100
    for group in ("the model:", "the network:", "sound:", "scripting:", "files:"):
        assert f"\n{group}\n" in text


def test_every_option_explains_itself() -> None:
    actions = build_parser()._actions
    assert [action.option_strings for action in actions if not action.help] == []


def test_what_is_not_said_is_left_to_the_config() -> None:
    said = vars(parse(""))
    flags = {"plain", "json"}
    assert {name: value for name, value in said.items() if name not in flags and value} == {}
    assert said["hands_free"] is None and said["text"] is None and said["save"] is None


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("--hands-free", "hands_free", True),
        ("--push-to-talk", "hands_free", False),
        ("--no-save", "save", False),
        ("--text", "text", True),
        ("--proxy none", "proxy", "none"),
        ("--model 'a b'", "model", "a b"),
        ("--input-device 3", "input_device", "3"),
        ("devices", "command", "devices"),
        ("models --json", "command", "models"),
        ("--json models", "command", "models"),
        ("--json conversations", "command", "conversations"),
        ("export --format md last", "id", "last"),
        ("--resume --plain", "resume", "last"),
        ("--resume 2026 --plain", "resume", "2026"),
    ],
)
def test_an_option_means_what_it_says(line: str, name: str, value: object) -> None:
    assert getattr(parse(line), name) == value


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("--hands-free --push-to-talk", "not allowed with"),
        ("--nonsense", "--nonsense"),
        ("--mod local", "--mod"),
        ("chat", "four commands"),
        ("export", "export takes"),
        ("models last", "export takes"),
        ("--api-key sk-0123456789", "no option --api-key"),
        ("--say", "--say"),
    ],
)
def test_what_cannot_be_understood_ends_with_two(
    line: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(line)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert "sk-0123456789" not in told, "somebody hoped to pass a key like this"


@pytest.mark.fault("S01")
def test_no_option_takes_a_key() -> None:
    """Other users of a machine can read command lines."""
    options = [text for action in build_parser()._actions for text in action.option_strings]
    assert not [option for option in options if "key" in option or "token" in option]
