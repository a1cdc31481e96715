"""Names for models."""

import re

from voicechat.tools.names import Names, clean_name


def test_every_name_is_one_that_models_accept() -> None:
    for wanted in ("weather", "files__read.file", "3d", "-x", "Grüße 你好", "", "x" * 200):
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", clean_name(wanted)), wanted
    assert clean_name("files__read.file") == "files__read_file"


def test_a_tool_keeps_its_name() -> None:
    names = Names()
    assert names.name_for("[mcp.a]", "a__x") == names.name_for("[mcp.a]", "a__x") == "a__x"


def test_no_two_tools_share_a_name() -> None:
    names = Names()
    given = [names.name_for(f"[mcp.{n}]", "x" * 70) for n in range(12)]
    given += [names.name_for("[mcp.a]", "a.b"), names.name_for("[mcp.a]", "a/b")]
    assert len(set(given)) == len(given)
    assert max(map(len, given)) == 64
    assert given[-2:] == ["a_b", "a_b_2"]
