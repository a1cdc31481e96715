"""Rows on the real screen: in order, in step, in sight."""

import time
from dataclasses import replace

import pytest
from textual.geometry import Region

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.front.staged import StagedApp, say, until
from voicechat.conversation.conversation import Row, State
from voicechat.events import ReplyFinished, ReplyText
from voicechat.front.tui.prompt import Prompt
from voicechat.front.tui.transcript.transcript import KEPT_ROWS, Transcript

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
        assert len(app.query_one(Transcript).rows) == KEPT_ROWS
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
            app.session.on_event(ReplyText("r", "i", f"word{number} ", spoken=False))
        app.session.on_event(ReplyFinished("r"))
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
        await until(pilot, "错误：OpenAI 结束了会话：internal error。请稍后再试")
        await until(pilot, "连接已恢复")
        kept = [row.text for row in app.session.conversation.rows if row.role == "note"]
        assert kept[0].startswith("OpenAI ended the session: internal error"), "the journal's words"


async def test_nothing_moves_under_the_eyes_of_who_reads_older_rows() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, "- ready")
        fill(app, 60)
        await until(pilot, "row 59.")
        await pilot.press("pageup")
        screen = await until(pilot, "older rows: End returns")
        top = screen.splitlines()[1]
        rows = app.session.conversation.rows
        rows.insert(2, Row("late", "note", "came late", state=State.DONE, code="test"))
        fill(app, 80)
        rows[0].text += " and many more words" * 20
        await pilot.pause(1.5)
        assert app.text().splitlines()[1] == top
        await pilot.resize_terminal(60, 24)
        await until(pilot, lambda text: text.splitlines()[1] == top)
        await pilot.press("home", "end")
        await until(pilot, "row 79.")


async def test_rows_that_fit_again_are_followed_again() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, "- ready")
        fill(app, 3)
        await until(pilot, "row 2.")
        await pilot.press("pageup")
        fill(app, 60)
        screen = await until(pilot, "row 59.")
        assert "older rows" not in screen


async def test_what_is_dragged_over_is_copied_as_it_stands_there() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, "- ready")
        fill(app, 2)
        app.session.conversation.typed("typed", "天气很好 and more")
        screen = (await until(pilot, "天气很好")).splitlines()
        first = next(at for at, line in enumerate(screen) if "row 1." in line)
        last = next(at for at, line in enumerate(screen) if "天气" in line)
        assert last == first + 2, "a blank line above what the user says"
        await pilot.mouse_down(offset=(8, first))
        await pilot.hover(offset=(9, last))
        await pilot.mouse_up(offset=(9, last))
        assert app.screen.get_selected_text() == "row 1.\nYou: 天气"
        (strip,) = app.query_one(Transcript).render_lines(Region(0, first - 1, 79, 1))
        (chosen,) = [segment.style for segment in strip if segment.text == "row 1."]
        (around,) = [segment.style for segment in strip if segment.text == "Note: "]
        assert chosen and around and chosen.bgcolor not in (around.bgcolor, chosen.color)
        await pilot.press("ctrl+c")
        assert app.clipboard == "row 1.\nYou: 天气" and app.return_code is None


async def test_two_clicks_select_a_row_and_three_everything() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(size=(40, 24)) as pilot:
        await until(pilot, "- ready")
        fill(app, 2)
        app.session.conversation.note("test", "a long row " * 5)
        screen = (await until(pilot, "a long row")).splitlines()
        line = next(at for at, text in enumerate(screen) if "a long row" in text)
        await pilot.click(Transcript, offset=(10, line - 1), times=2)
        selected = app.screen.get_selected_text() or ""
        assert selected.split() == ["Note:", *["a", "long", "row"] * 5]
        await pilot.click(Transcript, offset=(10, line - 1), times=3)
        everything = app.screen.get_selected_text() or ""
        assert everything.startswith("Note: row 0.\nNote: row 1.\nNote: a long")
        await pilot.resize_terminal(60, 24)
        await until(pilot, lambda _: app.screen.get_selected_text() is None)


async def test_a_selection_that_leaves_the_rows_ends_with_what_is_in_sight() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, "- ready")
        fill(app, 60)
        screen = (await until(pilot, "row 59.")).splitlines()
        line = next(at for at, text in enumerate(screen) if "row 57." in text)
        await pilot.mouse_down(offset=(2, line))
        await pilot.hover(offset=(30, 0))
        await pilot.mouse_up(offset=(30, 0))
        above = app.screen.get_selected_text() or ""
        assert "row 56." in above and "row 59." not in above
        assert above.strip().splitlines()[-1].startswith("N") and "row 10." not in above


@pytest.mark.fault("P24")
async def test_a_reply_without_end_is_drawn_where_it_grows() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, "- ready")
        conversation = app.session.conversation
        for number in range(30_000):
            conversation.apply(ReplyText("r", "i", f"word{number} ", spoken=False))
            if number % 3000 == 2999:
                await until(pilot, f"word{number}")
        conversation.apply(ReplyFinished("r"))
        await pilot.press("pageup")
        screen = await until(pilot, "older rows: End returns")
        assert "word29999" not in screen and "word29" in screen
