"""The pages laid over the call."""

from dataclasses import replace

from textual.widgets import Input

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.front.staged import StagedApp, say, until
from voicechat.front.commands.listing import ModelRow
from voicechat.front.tui.prompt import Prompt

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


async def test_typing_picks_out_models_and_enter_connects() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("f2")
        await until(pilot, "> gpt-realtime-2.1 ")
        await pilot.press("slash", *"2.1-MINI")
        await until(pilot, lambda text: "2.1-mini " in text and "gpt-realtime-1.5" not in text)
        await pilot.press("enter")
        await until(pilot, "Switching to gpt-realtime-2.1-mini")
        await until(pilot, "- ready")
        assert app.session.line.model == "gpt-realtime-2.1-mini"
        assert [row.text for row in app.session.conversation.rows if row.role == "user"] == []


async def test_what_nothing_fits_is_said_and_nothing_is_chosen() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("f2", *"zzz", "enter")
        await until(pilot, "Nothing fits")
        await pilot.press("backspace", "backspace", "backspace")
        await until(pilot, "> gpt-realtime-2.1 ")
        await pilot.press("escape")
        await until(pilot, lambda text: "Choose a model" not in text)
        assert app.session.line.model == "gpt-realtime-2.1"
        assert isinstance(app.focused, Prompt) and app.focused.value == ""


async def test_models_are_found_by_what_they_can_do() -> None:
    rows = [
        ModelRow("m-seeing", "one", ("voice", "images"), "", True),
        ModelRow("m-blind", "one", ("voice",), "", True),
    ]
    app = StagedApp(SHORT, models=rows, language="zh")
    async with app.run_test() as pilot:
        await until(pilot, "就绪")
        await pilot.press("f2", *"images")
        await until(pilot, lambda text: "m-seeing" in text and "m-blind" not in text)
        await pilot.press(*["backspace"] * 6, *"图片")
        await until(pilot, lambda text: "m-seeing" in text and "m-blind" not in text)


async def test_a_small_window_still_shows_a_list_to_choose_from() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(size=(40, 8)) as pilot:
        await until(pilot, "- ready")
        await pilot.press("f2")
        await until(pilot, "> gpt-realtime-2.1 ")
        await pilot.press("end")
        await until(pilot, lambda text: "> gpt-realtime-2.1 " not in text)


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
