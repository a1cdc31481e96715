"""Systems as they are: no home, a file system without modes, a locale that is not UTF-8."""

import json
from pathlib import Path

import pytest

from tests.e2e.plain.program import Program

LOCAL = ("--model", "local", "--text")
NOBODY = """
import pwd

def unknown(number):
    raise KeyError(f"getpwuid(): uid not found: {number}")

pwd.getpwuid = unknown
"""
NO_HOME = """
import os
os.environ.pop("HOME", None)
"""
NO_MODES = """
import errno, os

def refuse(*_, **__):
    raise OSError(errno.EPERM, "Operation not permitted")

os.chmod = os.fchmod = refuse
"""


def on(program: Program, code: str) -> dict[str, str]:
    """A system that answers so: what it is asked is changed before the program starts."""
    hidden = program.home / "system"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": f"{hidden}:{Path(__file__).parents[3]}"}


@pytest.mark.fault("D15")
@pytest.mark.parametrize("home", ["", "rel"])
async def test_without_a_home_it_works_unsaved_and_says_so(program: Program, home: str) -> None:
    env = {"VOICECHAT_DATA": "", "VOICECHAT_CONFIG": ""}
    env |= on(program, NOBODY if home else NOBODY + NO_HOME) | {"HOME": home}
    done = await program.run("--plain", *LOCAL, stdin="hello\n", env=env)
    assert done.code == 0 and "hello" in done.out
    assert done.complaints == [
        "voicechat: There is no home folder (HOME is not set): the conversation is not saved"
    ]
    silent = await program.run("--json", *LOCAL, "--no-save", stdin="hello\n", env=env)
    assert silent.code == 0 and not silent.of("notice") and silent.err == ""
    for command in ("models", "conversations"):
        assert (await program.run(command, env=env)).code == 0
    assert not (program.home / "rel").exists()


@pytest.mark.fault("D16")
async def test_where_modes_cannot_be_set_the_conversation_is_one_file(program: Program) -> None:
    env = on(program, NO_MODES)
    lines = "one\ntwo\nthree\n"
    done = await program.run("--plain", *LOCAL, "--trace", "t.jsonl", stdin=lines, env=env)
    assert (done.code, done.err) == (0, "")
    assert [item["text"] for item in program.journal() if item["role"] == "user"] == lines.split()
    again = await program.run("--plain", *LOCAL, "--resume", stdin="four\n", env=env)
    assert again.code == 0 and len(program.journal()) == 8
    assert (program.home / "t.jsonl").stat().st_size


@pytest.mark.fault("D17")
@pytest.mark.parametrize("encoding", ["cp1252", "cp936", "ascii", "utf-8"])
async def test_json_is_utf_8_in_every_locale(program: Program, encoding: str) -> None:
    said = "你好 café 🙂"
    env = {"PYTHONIOENCODING": encoding}
    done = await program.run("--json", *LOCAL, stdin=f"{said}\n", env=env)
    assert done.code == 0 and [event["text"] for event in done.of("user")] == [said]
    kept = await program.run("export", "last", "--format", "json", env=env)
    assert said in json.dumps(json.loads(kept.out), ensure_ascii=False)
    listed = await program.run("conversations", "--json", env=env)
    assert said in json.dumps(json.loads(listed.out), ensure_ascii=False)


async def test_typed_lines_are_read_as_the_locale_writes_them(program: Program) -> None:
    env = {"PYTHONIOENCODING": "cp1252"}
    done = await program.run("--json", *LOCAL, stdin="café\n".encode("cp1252"), env=env)
    assert [event["text"] for event in done.of("user")] == ["café"]
