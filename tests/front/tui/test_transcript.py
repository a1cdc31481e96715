"""Rows on the real screen: in order, in step, in sight."""

import time
from dataclasses import replace

import pytest

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.front.staged import StagedApp, say, until
from voicechat.conversation import Row, State
from voicechat.events import ReplyFinished, ReplyText
from voicechat.front.tui.prompt import Prompt
from voicechat.front.tui.transcript import KEPT_ROWS, RowView, Transcript

SHORT = replace(SCRIPTS["normal"], replies=(Reply("Yes. 好的。", audio_ms=100),))


async def test_a_reply_that_is_cut_shows_what_was_heard_and_where() -> None:
    app = StagedApp("long_reply", sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "go")
        await until(pilot, "AI: Good to hear you.")
        await pilot.press("escape")
        await until(pilot, "[cut at ")
        row = app.session.conversation.rows[-1]
        assert row.state is State.CUT and 0 < len(row.heard_text) < 200
        assert app.server is not None
        await app.server.wait_for("conversation.item.truncate")
        (cut,) = app.server.log.of("conversation.item.truncate")
        assert cut["audio_end_ms"] == row.heard_ms


async def test_words_keep_step_with_the_sound() -> None:
    script = replace(SCRIPTS["burst"], replies=(Reply("word " * 200, audio_ms=60_000),))
    app = StagedApp(script, sound=True)
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "go")
        await until(pilot, "> speaking")
        screen = await until(pilot, "word word")
        assert screen.count("word") < 60


async def test_newest_rows_stay_in_sight_unless_the_user_scrolled() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        fill(app, 60)
        await until(pilot, "row 59.")
        await pilot.press("pageup")
        await until(pilot, "older rows: End returns")
        place = app.query_one(Transcript).scroll_offset
        fill(app, 90)
        await pilot.pause(0.3)
        assert app.query_one(Transcript).scroll_offset == place and "row 89." not in app.text()
        await pilot.press("end")
        await until(pilot, "row 89.")
        await pilot.press("pageup")
        await until(pilot, "older rows: End returns")
        await pilot.press("x")
        await until(pilot, "row 89.")


async def test_few_rows_stand_beside_the_box_and_do_not_jump() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        fill(app, 3)
        before = await until(pilot, "row 2.")
        assert "row 2." in before.splitlines()[18]
        await pilot.press("pageup", "pageup", "pagedown")
        await pilot.pause(0.2)
        assert app.text() == before


def fill(app: StagedApp, count: int) -> None:
    """Notes up to number `count`."""
    notes = len([row for row in app.session.conversation.rows if row.code == "test"])
    for number in range(notes, count):
        app.session.conversation.note("test", f"row {number}.")


@pytest.mark.fault("P25")
async def test_old_rows_leave_the_screen_but_not_the_conversation() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        fill(app, KEPT_ROWS + 150)
        await until(pilot, f"row {KEPT_ROWS + 149}.")
        await pilot.pause(0.3)
        assert len(app.query(RowView)) == KEPT_ROWS
        assert len(app.session.conversation.rows) >= KEPT_ROWS + 150


async def test_a_late_row_is_put_in_its_place() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        fill(app, 2)
        await until(pilot, "row 1.")
        late = Row("late", "user", "came late", state=State.DONE)
        rows = app.session.conversation.rows
        rows.insert(len(rows) - 1, late)
        screen = await until(pilot, "came late")
        assert screen.index("row 0.") < screen.index("came late") < screen.index("row 1.")


@pytest.mark.fault("P24")
async def test_ten_thousand_deltas_do_not_freeze_the_screen() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        for number in range(10_000):
            app.session._take(ReplyText("r", "i", f"word{number} ", spoken=False))
        app.session._take(ReplyFinished("r"))
        started = time.monotonic()
        await until(pilot, "word9999")
        assert time.monotonic() - started < 15
        await pilot.press("o", "k")
        assert app.query_one(Prompt).value == "ok"


async def test_a_broken_line_is_told_in_the_language_of_the_interface() -> None:
    app = StagedApp(SHORT, language="zh")
    async with app.run_test() as pilot:
        await until(pilot, "就绪")
        assert app.server is not None
        await app.server.control({"do": "close", "code": 1011, "reason": "internal error"})
        await until(pilot, "错误： OpenAI 结束了会话：internal error。请稍后再试")
        await until(pilot, "线路已恢复")
        kept = [row.text for row in app.session.conversation.rows if row.role == "note"]
        assert kept[0].startswith("OpenAI ended the session: internal error"), "the journal's words"
