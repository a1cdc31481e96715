"""The README is the product's face: what it promises must be there."""

import re
import subprocess
import sys
from pathlib import Path

from voicechat.front.plain import json_events
from voicechat.front.words.words import Words

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def names_in_table(text: str) -> set[str]:
    """The names of the first column of a table of events."""
    rows = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_the_set_up_commands_exist_and_are_shell() -> None:
    scripts = re.findall(r"^bash (\S+)", README, re.MULTILINE)
    assert scripts[:2] == [".setup/talk", ".setup/test"]
    for script in scripts:
        subprocess.run(["bash", "-n", ROOT / script], check=True, timeout=10)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert ".setup/test" in (ROOT / ".ci" / "run").read_text()


def test_every_json_event_is_in_the_readme() -> None:
    promised = names_in_table(README)
    assert json_events.__doc__ is not None
    documented = names_in_table(json_events.__doc__)
    assert documented
    assert documented <= promised


def test_every_option_of_the_readme_is_an_option() -> None:
    command = [sys.executable, "-m", "voicechat", "--help"]
    usage = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - {"--port"}
    assert mentioned
    assert {option for option in mentioned if option not in usage} == set()


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).stat().st_size > 1000


def test_every_key_of_the_help_page_is_in_the_readme() -> None:
    keys = set(re.findall(r"Ctrl\+[A-Z]|F\d|Esc|Space", Words("en")("help")))
    assert keys
    assert {key for key in keys if key not in README} == set()


def test_no_path_of_a_developer_machine_is_in_the_project() -> None:
    done = subprocess.run(
        ["git", "grep", "-lE", "/work/|/root/|/home/[a-z]+/"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert [name for name in done.stdout.split() if name != "tests/test_readme.py"] == []
