"""The pages laid over the call."""

from dataclasses import replace

from textual.widgets import Input

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.front.staged import StagedApp, say, until

SHORT = replace(SCRIPTS["normal"], replies=(Reply("Yes. 好的。", audio_ms=100),))


async def test_the_model_picker_marks_the_current_one_and_switches() -> None:
    app = StagedApp(SHORT, environ={"OPENAI_API_KEY": "sk-test-front"})
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "hello")
        await until(pilot, "AI: Yes.")
        await pilot.press("f2")
        screen = await until(pilot, "> gpt-realtime-2.1 ")
        assert "[key set]" in screen
        await pilot.press("end")
        await until(pilot, "[no key needed]")
        await pilot.press("escape", "f2")
        await until(pilot, "> gpt-realtime-2.1 ")
        await pilot.press("down", "enter")
        screen = await until(pilot, "Switching to gpt-realtime-2.1-mini")
        await until(pilot, lambda text: text.startswith(" gpt-realtime-2.1-mini"))
        await until(pilot, "- ready")
        assert "AI: Yes." in app.text()
        assert app.server is not None
        await app.server.wait_for(lambda: app.server and app.server.attempts == 2)


async def test_help_opens_closes_and_scrolls_in_a_small_window() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, "- ready")
        await pilot.press("f1")
        await until(pilot, "talk: press once to start")
        await pilot.press("end")
        await until(pilot, "Esc closes this page.")
        await pilot.press("escape")
        await until(pilot, "- ready")
        assert isinstance(app.focused, Input)
