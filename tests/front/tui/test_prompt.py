"""The input box on the real screen."""

from dataclasses import replace

import pytest
from textual import events

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.front.staged import StagedApp, say, until
from voicechat.front.tui.prompt import LONGEST, Prompt

SHORT = replace(SCRIPTS["normal"], replies=(Reply("Yes. 好的。", audio_ms=100),))


async def test_space_types_a_space_when_something_is_written() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("a", "space", "b")
        assert app.query_one(Prompt).value == "a b"


async def test_history_walks_up_and_down_and_keeps_the_draft() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        prompt = app.query_one(Prompt)
        await until(pilot, "- ready")
        for text in ("one", "two", "two"):
            await say(pilot, text)
        await pilot.press("d", "up")
        assert prompt.value == "two"
        await pilot.press("up", "up", "up")
        assert prompt.value == "one"
        await pilot.press("down", "down", "down")
        assert prompt.value == "d" and prompt.cursor_position == 1


@pytest.mark.fault("T15")
async def test_a_paste_is_one_line_without_escapes_and_bounded() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        prompt = app.query_one(Prompt)
        prompt.post_message(events.Paste("one\ntwo\x1b[31m \x1b]52;c;x\x07three\r\n"))
        await until(pilot, "one two three")
        assert prompt.value == "one two three"
        prompt.post_message(events.Paste("y" * 5_000_000))
        await until(pilot, "yyyy")
        assert len(prompt.value) == LONGEST
