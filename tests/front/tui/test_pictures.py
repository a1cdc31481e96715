"""Pictures on the real screen with a real session."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual import events

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.fakes.terminal_pictures import Wall
from tests.front.pictures.drawn import photo, saved
from tests.front.staged import StagedApp, say, until
from voicechat.front.pictures import Sketch
from voicechat.front.tui.prompt import Prompt
from voicechat.front.tui.terminal.kitty_graphics import PLACEHOLDER
from voicechat.front.tui.terminal.placements import MOST, Gallery

SHORT = replace(SCRIPTS["normal"], replies=(Reply("Yes. 好的。", audio_ms=100),))


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    path = tmp_path / "my photo.jpg"
    path.write_bytes(saved(photo(), "JPEG"))
    return path


async def test_a_picture_has_a_row_with_its_size_and_is_drawn_under_it(jpeg: Path) -> None:
    app = StagedApp(SHORT)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, "- ready")
        await say(pilot, f"/image '{jpeg}' what is it?")
        screen = await until(pilot, lambda text: "AI: Yes." in text and "▀▀▀" in text)
        assert "You: [picture] my photo.jpg 640×480, " in screen and "what is it?" in screen
        assert app.query_one(Prompt).value == ""
        assert 3 <= sum("▀▀▀" in line for line in screen.splitlines()) <= 9
        await pilot.press("up")
        assert app.query_one(Prompt).value == f"/image '{jpeg}' what is it?"


async def test_a_small_window_has_room_for_the_words_only(jpeg: Path) -> None:
    app = StagedApp(SHORT)
    async with app.run_test(size=(60, 10)) as pilot:
        await until(pilot, "- ready")
        await say(pilot, f"/image '{jpeg}' what is it?")
        screen = await until(pilot, lambda text: "AI: Yes." in text)
        await pilot.pause(0.5)
        assert "▀▀▀" not in screen + app.text()


async def test_a_dropped_picture_becomes_an_order_ready_for_words(jpeg: Path) -> None:
    app = StagedApp(SHORT)
    async with app.run_test() as pilot:
        prompt = app.query_one(Prompt)
        await until(pilot, "- ready")
        for dropped in (f"'{jpeg}' ", str(jpeg).replace(" ", "\\ "), jpeg.as_uri() + "\r\n"):
            prompt.value = ""
            prompt.post_message(events.Paste(dropped))
            await until(pilot, lambda _: prompt.value == f"/image '{jpeg}' ")
            assert prompt.cursor_position == len(prompt.value)
        await pilot.press("w", "h", "o", "enter")
        await until(pilot, lambda text: "[picture] my photo.jpg" in text and "who" in text)


async def test_a_drop_goes_before_words_and_into_an_order(jpeg: Path) -> None:
    app = StagedApp(SHORT)
    async with app.run_test() as pilot:
        prompt = app.query_one(Prompt)
        await until(pilot, "- ready")
        prompt.insert_text_at_cursor("look at this")
        prompt.post_message(events.Paste(f"'{jpeg}'"))
        await until(pilot, lambda _: prompt.value == f"/image '{jpeg}' look at this")
        prompt.value = "/image "
        prompt.cursor_position = len(prompt.value)
        prompt.post_message(events.Paste(f"'{jpeg}'"))
        await until(pilot, lambda _: prompt.value == f"/image '{jpeg}' ")


async def test_other_pastes_stay_what_they_are(jpeg: Path, tmp_path: Path) -> None:
    app = StagedApp(SHORT)
    async with app.run_test() as pilot:
        prompt = app.query_one(Prompt)
        await until(pilot, "- ready")
        (tmp_path / "folder.png").mkdir()
        for text in (f"'{jpeg}' and words", f"{tmp_path}/none.png", f"{tmp_path}/folder.png"):
            prompt.value = ""
            prompt.post_message(events.Paste(text))
            await pilot.pause(0.5)
            assert prompt.value == text


async def test_what_cannot_be_shown_is_told_and_comes_back_into_the_box(tmp_path: Path) -> None:
    app = StagedApp(SHORT)
    async with app.run_test() as pilot:
        prompt = app.query_one(Prompt)
        await until(pilot, "- ready")
        line = f"/image {tmp_path}/none.png what is it?"
        await say(pilot, line)
        await until(pilot, "ERROR: There is no file")
        assert prompt.value == line


async def test_what_is_written_meanwhile_is_not_overwritten() -> None:
    app = StagedApp(SHORT)
    async with app.run_test() as pilot:
        prompt = app.query_one(Prompt)
        await until(pilot, "- ready")
        prompt.give_back("/image none.png")
        assert prompt.value == "/image none.png" and prompt.cursor_position == len(prompt.value)
        prompt.value = "new"
        prompt.give_back("/image none.png")
        assert prompt.value == "new"


async def test_an_unknown_order_is_told_and_kept() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(size=(100, 24), notifications=True) as pilot:
        await until(pilot, "- ready")
        await say(pilot, "/imgae a.png")
        await until(pilot, "did you mean /image?")
        assert app.query_one(Prompt).value == "/imgae a.png"
        assert app.session.conversation.rows == []


async def test_two_slashes_send_one() -> None:
    app = StagedApp(SHORT)
    async with app.run_test() as pilot:
        await until(pilot, "- ready")
        await say(pilot, "//imgae is no order")
        await until(pilot, "You: /imgae is no order")


async def test_help_and_quit_work_without_a_line() -> None:
    app = StagedApp("bad_key")
    async with app.run_test() as pilot:
        await until(pilot, "OFFLINE: F5 connects again")
        await say(pilot, "/help")
        await until(pilot, "/image PATH words")
        await pilot.press("escape")
        await say(pilot, "/image a.png")
        assert app.query_one(Prompt).value == "/image a.png"
        app.query_one(Prompt).value = ""
        await say(pilot, "/quit")
    assert app.return_code == 0 and app.left_with == [0]


async def test_a_model_without_eyes_is_told_every_time(jpeg: Path) -> None:
    app = StagedApp(None, language="zh")
    async with app.run_test(size=(100, 24), notifications=True) as pilot:
        prompt = app.query_one(Prompt)
        await until(pilot, "就绪")
        for _ in range(2):
            prompt.value = ""
            await say(pilot, f"/image '{jpeg}' 这是什么？")
            await until(pilot, "未发送")
            await until(pilot, lambda text: prompt.value != "")
            app.clear_notifications()
            await until(pilot, lambda text: "未发送" not in text)


async def test_pictures_are_shown_in_the_order_they_were_given(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(saved(photo(3000, 2000), "PNG"))
    (tmp_path / "small.png").write_bytes(saved(photo(30, 20), "PNG"))
    app = StagedApp(SHORT)
    async with app.run_test(size=(100, 60)) as pilot:
        await until(pilot, "- ready")
        await say(pilot, f"/image {tmp_path}/large.png")
        await say(pilot, f"/image {tmp_path}/small.png")
        screen = await until(pilot, "small.png 30×20")
        assert screen.index("large.png") < screen.index("small.png")


async def test_where_the_terminal_draws_pictures_it_is_given_them(tmp_path: Path) -> None:
    """It holds those whose rows are on the screen, stretched to what room there is."""
    for name in "one", "two":
        (tmp_path / f"{name}.png").write_bytes(saved(photo(800, 400), "PNG"))
    app, wall = StagedApp(SHORT), Wall()
    async with app.run_test(size=(100, 60)) as pilot:
        gallery = Gallery(lambda text: wall.feed(text.encode()), lambda: False)
        gallery.open()
        app._driver.gallery = gallery  # type: ignore[union-attr]
        await until(pilot, "- ready")
        await say(pilot, f"/image {tmp_path}/one.png")
        await say(pilot, f"/image {tmp_path}/two.png")
        await until(pilot, lambda text: text.count(PLACEHOLDER) == 2 * 48 * 12)
        assert list(wall.places.values()) == [(48, 12), (48, 12)]
        assert {(held.width, held.height) for held in wall.pictures.values()} == {(384, 192)}
        await pilot.resize_terminal(60, 60)
        await until(pilot, lambda text: text.count(PLACEHOLDER) == 2 * 30 * 8)
        assert list(wall.places.values()) == [(30, 8), (30, 8)] and len(wall.sent) == 2
        rows = app.session.conversation.rows
        del rows[: next(at for at, row in enumerate(rows) if "two.png" in row.text)]
        app.session.conversation.note("note", "older rows have gone")
        await until(pilot, lambda text: text.count(PLACEHOLDER) == 30 * 8)
        assert list(wall.pictures) == wall.sent[1:]


async def test_the_picture_that_makes_room_for_a_newer_one_is_drawn_in_blocks(
    jpeg: Path,
) -> None:
    app, wall = StagedApp(SHORT), Wall()
    async with app.run_test(size=(100, 60)) as pilot:
        gallery = Gallery(lambda text: wall.feed(text.encode()), lambda: False)
        gallery.open()
        app._driver.gallery = gallery  # type: ignore[union-attr]
        await until(pilot, "- ready")
        await say(pilot, f"/image '{jpeg}'")
        await until(pilot, lambda text: PLACEHOLDER in text)
        for n in range(MOST - 1):
            gallery.hang(str(n), Sketch(2, 2, bytes(12)), 9, 9)
        await say(pilot, f"/image '{jpeg}' again")
        await until(pilot, lambda text: PLACEHOLDER in text and "▀▀▀" in text)
        assert len(wall.pictures) == MOST
