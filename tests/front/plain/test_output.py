"""What stands on stdout, and what happens when nobody reads it."""

import json
import subprocess
import sys

import pytest

from voicechat.front.plain.output import TextPage, complain, write_json

Capture = pytest.CaptureFixture[str]


def test_an_object_is_one_line_with_its_characters_as_they_are(capsys: Capture) -> None:
    write_json({"text": "a\nb 好"})
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "好" in out and json.loads(out) == {"text": "a\nb 好"}


def test_a_complaint_goes_to_stderr(capsys: Capture) -> None:
    complain("no such file")
    assert capsys.readouterr() == ("", "voicechat: no such file\n")


def test_the_final_text_adds_what_was_not_written_yet(capsys: Capture) -> None:
    page = TextPage()
    for text, final in (("Good ", False), ("to ", False), ("Good to hear.", True)):
        page.write_reply("i", text, final=final)
    page.end_reply()
    assert capsys.readouterr().out == "Good to hear.\n"


def test_a_final_text_that_is_another_one_does_not_stand_there_twice(capsys: Capture) -> None:
    page = TextPage()
    page.write_reply("i", "Good two", final=False)
    page.write_reply("i", "Good to hear.", final=True)
    page.end_reply()
    assert capsys.readouterr().out == "Good two\n"


def test_each_item_of_a_reply_begins_a_line(capsys: Capture) -> None:
    page = TextPage()
    page.write_reply("i", "One.", final=True)
    page.write_reply("j", "Two.", final=True)
    page.end_reply()
    page.end_reply()
    assert capsys.readouterr().out == "One.\nTwo.\n"


def test_what_the_user_said_waits_for_the_end_of_the_reply(capsys: Capture) -> None:
    page = TextPage()
    page.write_said("hello")
    page.write_reply("i", "Good ", final=False)
    page.write_said("wait")
    page.write_reply("i", "Good day.", final=True)
    page.end_reply()
    assert capsys.readouterr().out == "> hello\nGood day.\n> wait\n"


FULL = """
import sys
from voicechat.errors import VoiceChatError
from voicechat.front.plain.output import write
sys.stdout = open("/dev/full", "w")
try:
    write("hello")
except VoiceChatError as error:
    print(error, file=sys.stderr)
write("later text goes nowhere")
"""


def test_a_full_disk_is_told_once() -> None:
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, check=True)
    assert done.stderr == "Cannot write to stdout: No space left on device\n"
