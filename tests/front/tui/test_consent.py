"""The question whether a tool may run, on the real screen with a real tool of the config's."""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.front.staged import StagedApp, say, until
from voicechat.front.tui.consent import SETTLE_S
from voicechat.front.tui.prompt import Prompt

CALL = replace(
    SCRIPTS["tool_call"],
    replies=(Reply(tool="get_time"), Reply("It is noon.", audio_ms=50)) * 2,
)
TWO_CALLS = replace(
    SCRIPTS["tool_call"],
    replies=(Reply(tool="get_time get_date"), Reply("It is noon.", audio_ms=50)),
)
CONFIG = """
[tools.get_time]
command = ["{python}", "-c", "print('12:00 ' + input())"]
parameters = {{ type = "object", properties = {{ zone = {{ type = "string" }} }} }}
[tools.get_date]
command = ["{python}", "-c", "print('the first of May')"]
"""
ASKED = "The model wants to run the tool get_time with:"


@pytest.fixture
def config() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        path.write_text(CONFIG.format(python=sys.executable))
        yield str(path)


def stage(config: str, script: object = CALL, language: str = "en") -> StagedApp:
    return StagedApp(script, "--config", config, language=language)  # type: ignore[arg-type]


def results(app: StagedApp) -> list[str]:
    assert app.server is not None
    items = [sent["item"] for sent in app.server.log.of("conversation.item.create")]
    return [item["output"] for item in items if item["type"] == "function_call_output"]


async def test_y_runs_the_tool_and_its_answer_goes_to_the_model(config: str) -> None:
    app = stage(config)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "what time is it?")
        screen = await until(pilot, ASKED)
        assert '{"zone": "UTC"}' in screen and "y: run it once" in screen
        await pilot.pause(SETTLE_S + 0.2)
        await pilot.press("y")
        screen = await until(pilot, "AI: It is noon.")
        assert "wants to run" not in screen and app.query_one(Prompt).value == ""
        assert 'Tool: get_time {"zone":"UTC"} \u2192 12:00 {"zone": "UTC"}' in screen
        assert results(app) == ['12:00 {"zone": "UTC"}']
        await say(pilot, "and now?")
        await until(pilot, ASKED)


async def test_a_holds_until_the_end(config: str) -> None:
    app = stage(config)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "what time is it?")
        await until(pilot, ASKED)
        await pilot.pause(SETTLE_S + 0.2)
        await pilot.press("a")
        await until(pilot, "AI: It is noon.")
        await say(pilot, "and now?")
        await until(pilot, lambda text: text.count("AI: It is noon.") == 2)
        assert len(results(app)) == 2


@pytest.mark.parametrize("key", ["n", "escape"])
async def test_no_runs_nothing(key: str, config: str) -> None:
    app = stage(config)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "what time is it?")
        await until(pilot, ASKED)
        await pilot.pause(SETTLE_S + 0.2)
        await pilot.press(key)
        screen = await until(pilot, "AI: It is noon.")
        assert "the user said" in screen and "12:00" not in screen
        assert "the user said no" in results(app)[0]


async def test_what_is_being_typed_is_never_taken_for_an_answer(config: str) -> None:
    app = stage(config)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "what time is it?")
        await until(pilot, ASKED)
        await pilot.press("y", "a", "n")
        prompt = app.query_one(Prompt)
        assert prompt.value == "yan"
        await until(pilot, "Send or clear your message")
        await pilot.pause(SETTLE_S + 0.2)
        await pilot.press("y")
        assert prompt.value == "yany"
        prompt.clear()
        await pilot.pause(0.1)
        await pilot.press("y")  # The box has not been left alone for long.
        assert prompt.value == "y" and results(app) == []
        await pilot.press("escape")
        await until(pilot, "the user said")
        assert prompt.value == "y"


async def test_questions_come_one_after_the_other(config: str) -> None:
    app = stage(config, TWO_CALLS)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "time and date?")
        await until(pilot, ASKED)
        await pilot.press("escape")
        await until(pilot, "run the tool get_date")
        await pilot.pause(SETTLE_S + 0.2)
        await pilot.press("y")
        screen = await until(pilot, "AI: It is noon.")
        assert "the first of May" in screen


async def test_voice_goes_on_while_a_question_is_open(config: str) -> None:
    app = StagedApp(CALL, "--config", config, sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "what time is it?")
        await until(pilot, ASKED)
        await pilot.press("space")
        screen = await until(pilot, "LIVE: Space sends")
        assert ASKED in screen


async def test_a_question_behind_a_page_is_told_and_waits(config: str) -> None:
    app = stage(config)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "what time is it?")
        await pilot.press("f1")
        await until(pilot, "A tool waits for your yes or no")
        await pilot.pause(SETTLE_S + 0.2)
        await pilot.press("y")
        assert results(app) == []
        await pilot.press("escape")
        await until(pilot, ASKED)
        await pilot.press("escape")
        await until(pilot, "the user said")


@pytest.mark.fault("N39")
async def test_a_question_outlives_its_line_and_its_answer_goes_to_the_next(config: str) -> None:
    app = stage(config)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "what time is it?")
        await until(pilot, ASKED)
        await pilot.press("f5")
        assert app.server is not None
        server = app.server
        await until(pilot, lambda text: ASKED in text and server.attempts == 2)
        await pilot.pause(SETTLE_S + 0.2)
        await pilot.press("y")
        await until(pilot, lambda text: ASKED not in text and "AI: It is noon." in text)
        asked = server.log.of("conversation.item.create", conn=1)[0]["item"]
        assert "12:00" in str(asked) and "Do not call them again" in str(asked)


@pytest.mark.fault("T04")
@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_a_long_question_leaves_its_keys_in_sight(size: tuple[int, int]) -> None:
    app = StagedApp(CALL)
    async with app.run_test(notifications=True, size=size) as pilot:
        await until(pilot, "ready")
        hostile = "[b]x[/b] [@click=app.quit]y[/] " * 60
        worker = app.run_worker(_ask(app, hostile))
        screen = await until(pilot, lambda text: "More below" in text and "Esc: no" in text)
        assert "[b]x[/b]" in screen and "[@click=app.quit]" in screen
        await pilot.press("end")
        await until(pilot, "y: run it once")
        assert app.query_one(Prompt).region.bottom <= size[1]
        worker.cancel()
        await until(pilot, lambda text: "wants to run" not in text)


async def _ask(app: StagedApp, arguments: str) -> None:
    assert app.session.toolbox.ask is not None
    await app.session.toolbox.ask("[red]get_time[/red]", arguments)


async def test_chinese_has_the_same_keys(config: str) -> None:
    app = stage(config, language="zh")
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "就绪")
        await say(pilot, "what time is it?")
        screen = await until(pilot, "模型想运行工具 get_time")
        assert "y：运行一次" in screen
        await until(pilot, "工具：get_time")
