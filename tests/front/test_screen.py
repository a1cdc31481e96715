"""The screen with a real session: keys to the session, the session to widgets."""

import time
from dataclasses import replace

from textual import events
from textual.widgets import Input

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.front.staged import StagedApp, say, until
from voicechat.conversation import Row, State
from voicechat.events import Notice, ReplyFinished, ReplyText
from voicechat.front.tui.prompt import LONGEST, Prompt
from voicechat.front.tui.transcript import KEPT_ROWS, RowView, Transcript
from voicechat.session import Session

SHORT = replace(SCRIPTS["normal"], replies=(Reply("Yes. 好的。", audio_ms=100),))


async def test_typed_words_are_sent_and_answered_in_order() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "one")
        await until(pilot, lambda text: text.count("AI: Yes. 好的。") == 1)
        await say(pilot, "two")
        screen = await until(pilot, lambda text: text.count("AI: Yes. 好的。") == 2)
        assert screen.index("You: one") < screen.index("You: two")
        assert "latency " in screen
        assert app.server is not None and not app.server.violations


async def test_space_types_a_space_when_something_is_written() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("a", "space", "b")
        assert app.query_one(Prompt).value == "a b"


async def test_space_in_an_empty_box_talks_and_sends() -> None:
    app = StagedApp(SHORT, sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "Push-to-talk: Space starts")
        await until(pilot, "- ready")
        await pilot.press("space")
        await until(pilot, "LIVE: Space sends, Esc drops")
        assert app.query_one(Prompt).has_class("live") and app.query_one(Prompt).value == ""
        await pilot.pause(0.4)
        await pilot.press("space")
        await until(pilot, "You: This is what the user said.")
        await until(pilot, "AI: Yes. 好的。")
        assert not app.query_one(Prompt).has_class("live")


async def test_escape_drops_the_turn() -> None:
    app = StagedApp(SHORT, sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("space")
        await until(pilot, "LIVE")
        await pilot.press("escape")
        await until(pilot, lambda text: "LIVE" not in text)
        assert app.server is not None
        assert not app.server.log.of("input_audio_buffer.commit")


async def test_hands_free_mute_and_back() -> None:
    app = StagedApp(SHORT, sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("f4")
        await until(pilot, "Mute is for hands-free")
        await pilot.press("ctrl+t")
        await until(pilot, "LIVE, hands-free: Space mutes")
        await pilot.press("space")
        await until(pilot, "MUTED: Space unmutes")
        assert app.query_one(Prompt).has_class("muted")
        await pilot.press("f4")
        await until(pilot, "LIVE, hands-free: Space mutes")
        await pilot.press("ctrl+t")
        await until(pilot, "Push-to-talk: Space starts")


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


async def test_a_failed_reply_and_an_incomplete_one_are_told() -> None:
    for script, words in (("failed_quota", "ERROR: You exceeded"), ("incomplete", "incomplete (")):
        app = StagedApp(script)
        async with app.run_test(notifications=True) as pilot:
            await until(pilot, "- ready")
            await say(pilot, "go")
            await until(pilot, words)


async def test_what_is_typed_offline_stays_in_the_box() -> None:
    app = StagedApp("bad_key")
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "OFFLINE: F5 connects again")
        await say(pilot, "kept")
        await until(pilot, "Offline: not sent")
        assert app.query_one(Prompt).value == "kept"
        assert app.query_one("#line").has_class("offline")


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


async def test_the_model_picker_marks_the_current_one_and_switches() -> None:
    app = StagedApp(SHORT, environ={"OPENAI_API_KEY": "sk-test-front"})
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "hello")
        await until(pilot, "AI: Yes.")
        await pilot.press("f2")
        screen = await until(pilot, "> gpt-realtime-2.1 ")
        assert "[key set]" in screen and "[no key needed]" in screen
        await pilot.press("down", "enter")
        screen = await until(pilot, "Switching to gpt-realtime-2.1-mini")
        await until(pilot, lambda text: text.startswith(" gpt-realtime-2.1-mini"))
        await until(pilot, "- ready")
        assert "AI: Yes." in app.text()
        assert app.server is not None
        await app.server.wait_for(lambda: app.server and app.server.attempts == 2)


async def test_the_device_picker_takes_names_literally_and_remembers() -> None:
    app = StagedApp(SHORT, sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("f3")
        screen = await until(pilot, "> Built-in microphone")
        assert "耳机 [bold]Headset[/bold]" in screen and "(default)" in screen
        await pilot.press("down", "enter")
        assert app.picks == [("input", 3)]
        await pilot.press("f3")
        await until(pilot, "> 耳机 [bold]Headset[/bold]")
        await pilot.press("escape")
        await until(pilot, lambda text: "Headset" not in text)


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


async def test_copying_without_a_reply_says_so_and_with_one_copies_it() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("ctrl+y")
        await until(pilot, "There is no reply to copy yet")
        await say(pilot, "hello")
        await until(pilot, "AI: Yes.")
        await pilot.press("ctrl+y")
        await until(pilot, "Copied the last reply")
        assert app.clipboard == "Yes. 好的。"


async def test_notices_of_the_dialect_and_of_the_session_are_each_told_once() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        app.session._take(Notice("turn_too_short", "Hold the key"))
        app.session._tell(Notice("no_sound", "Plug it in"))
        screen = await until(pilot, "Note: Plug it in")
        assert screen.count("Hold the key") == 1 and screen.count("Plug it in") == 1


async def test_leaving_is_told_with_the_exit_code() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("ctrl+q")
    assert app.left_with == [0] and app.return_code == 0


async def test_a_bug_under_the_screen_is_kept_and_is_exit_code_1() -> None:
    class Broken(Session):
        def shown(self, row: Row) -> int:
            raise RuntimeError("a bug")

    app = StagedApp(SHORT, session_kind=Broken)
    try:
        async with app.run_test(notifications=True) as pilot:
            fill(app, 1)
            await pilot.pause(1)
    except RuntimeError:  # Textual hands it on to tests.
        pass
    assert app.return_code == 1 and isinstance(app.crash, RuntimeError)
    assert app.left_with == [1]
