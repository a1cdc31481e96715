"""The screen with a real session: keys to the session, the session to widgets."""

from dataclasses import replace

import pytest
from textual import events
from textual.pilot import Pilot

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.front.staged import StagedApp, say, until
from tests.front.tui.transcript.test_transcript import fill
from voicechat.conversation.conversation import Row
from voicechat.errors import ServiceError
from voicechat.events import Notice, ProviderFailed
from voicechat.front.tui.prompt import Prompt
from voicechat.front.tui.talk_key import TAP_S
from voicechat.front.tui.terminal.kitty_keys import (
    KeyboardAnswered,
    KeyReleased,
    KeysLost,
    RepeatedKey,
)
from voicechat.session.session import Session

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


async def test_a_failed_reply_and_an_incomplete_one_are_told() -> None:
    for script, words in (("failed_quota", "ERROR: You exceeded"), ("incomplete", "incomplete (")):
        app = StagedApp(script)
        async with app.run_test(notifications=True) as pilot:
            await until(pilot, "- ready")
            await say(pilot, "go")
            await until(pilot, words)


async def test_a_service_that_never_spoke_is_told_once_as_the_end_of_its_line() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        app.hear(ProviderFailed("no_answer", "It said nothing for 20 s"))
        app.hear(ServiceError("It said nothing for 20 s", "Check the address"))
        screen = await until(pilot, "Check the address")
        assert screen.count("said nothing") == 1


async def test_what_is_typed_offline_stays_in_the_box() -> None:
    app = StagedApp("bad_key")
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "OFFLINE: F5 connects again")
        await say(pilot, "kept")
        await until(pilot, "Offline: not sent")
        assert app.query_one(Prompt).value == "kept"
        assert app.query_one("#line").has_class("offline")


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
        app.session.on_event(Notice("turn_too_short", "Hold the key"))
        app.session.notices.tell(Notice("no_sound", "Plug it in"))
        screen = await until(pilot, "Note: Plug it in")
        assert screen.count("Hold the key") == 1 and screen.count("Plug it in") == 1


async def test_leaving_is_told_with_the_exit_code() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("ctrl+q")
    assert app.left_with == [0] and app.return_code == 0


@pytest.mark.fault("T13")
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


async def test_a_terminal_that_tells_releases_changes_the_words() -> None:
    app = StagedApp(SHORT, sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "Push-to-talk: Space starts")
        app.post_message(KeyboardAnswered(tells_release=True))
        await until(pilot, "Push-to-talk: hold Space, or tap it")
        await until(pilot, "Type a message, or hold Space to talk")
        await pilot.press("ctrl+t", "ctrl+t")
        await until(pilot, "hold Space while")


async def test_space_held_talks_and_letting_go_sends_whatever_is_in_the_box() -> None:
    app = StagedApp(SHORT, sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        app.post_message(KeyboardAnswered(tells_release=True))
        await pilot.press("space")
        await until(pilot, "LIVE: let go of Space to send, Esc drops")
        for _ in range(10):
            app.post_message(RepeatedKey("space", " "))
        await pilot.press("a")
        app.post_message(RepeatedKey("space", " "))
        await pilot.pause(TAP_S)
        assert app.session.gate.is_talking and app.query_one(Prompt).value == "a"
        app.post_message(KeyReleased("space"))
        await until(pilot, "AI: Yes. 好的。")
        assert app.server is not None and not app.server.violations
        assert len(app.server.log.of("input_audio_buffer.commit")) == 1


async def tap(pilot: Pilot[None]) -> None:
    """Space for a tenth of a second, however slow the machine."""
    await pilot.press("space")
    release = KeyReleased("space")
    release.time = pilot.app._pressed_at + 0.1  # type: ignore[attr-defined]
    pilot.app.post_message(release)


async def test_space_tapped_talks_until_it_is_tapped_again() -> None:
    app = StagedApp(SHORT, sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        app.post_message(KeyboardAnswered(tells_release=True))
        await tap(pilot)
        await until(pilot, "LIVE: Space sends, Esc drops")
        await pilot.pause(2 * TAP_S)
        assert app.session.gate.is_talking
        await tap(pilot)
        await until(pilot, "AI: Yes. 好的。")


async def test_losing_the_keyboard_while_space_is_held_sends() -> None:
    for lost in (events.AppBlur, KeysLost):
        app = StagedApp(SHORT, sound=True)
        async with app.run_test(notifications=True) as pilot:
            await until(pilot, "- ready")
            app.post_message(KeyboardAnswered(tells_release=True))
            await pilot.press("space")
            await until(pilot, "LIVE: let go of Space")
            await pilot.pause(TAP_S)
            app.post_message(lost())
            await until(pilot, "AI: Yes. 好的。")


async def test_space_held_in_a_box_with_text_types_spaces() -> None:
    app = StagedApp(SHORT, sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("a", "space")
        app.post_message(RepeatedKey("space", " "))
        app.post_message(KeyReleased("space"))
        await until(pilot, "a  ")
        await pilot.pause()
        assert app.query_one(Prompt).value == "a  " and not app.session.gate.is_talking


async def test_space_held_in_hands_free_mutes_once() -> None:
    app = StagedApp(SHORT, "--hands-free", sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "LIVE, hands-free: Space mutes")
        await pilot.press("space")
        for _ in range(5):
            app.post_message(RepeatedKey("space", " "))
        app.post_message(KeyReleased("space"))
        await until(pilot, "MUTED: Space unmutes")
        await pilot.pause(0.2)
        assert app.session.gate.muted
