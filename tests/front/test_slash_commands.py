"""A line is a message, an order, or a slip; an order shows all it names, or nothing."""

from pathlib import Path

import pytest

from tests.front.pictures.drawn import noise, photo, saved, screenshot
from tests.front.staged import StagedApp, until
from voicechat.errors import ConfigError
from voicechat.front.pictures import load_picture
from voicechat.front.slash_commands import (
    Help,
    Leave,
    Mistake,
    Order,
    Say,
    ShowFile,
    ShowScreen,
    carry_out,
    read_order,
)
from voicechat.front.words.words import Words


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("hello", Say("hello")),
        ("  hello  ", Say("hello")),
        ("", Say("")),
        ("/image a.png", ShowFile("a.png")),
        ("/image  'a b.png'  what is it?", ShowFile("'a b.png'  what is it?")),
        ("/IMAGE a.png", ShowFile("a.png")),
        ("/picture a.png", ShowFile("a.png")),
        ("/image", Mistake("order_image_alone")),
        ("/image  ", Mistake("order_image_alone")),
        ("/screen", ShowScreen("")),
        ("/screen what is wrong here?", ShowScreen("what is wrong here?")),
        ("/help", Help()),
        ("/?", Help()),
        ("／help", Help()),
        ("／ｈｅｌｐ", Help()),
        ("、help", Help()),
        ("／？", Help()),
        ("、ＱＵＩＴ", Leave()),
        ("／image a.png 看", ShowFile("a.png 看")),
        ("、image a.png", ShowFile("a.png")),
        ("／／quit", Say("/quit")),
        ("、好的", Say("、好的")),
        ("、hello", Say("、hello")),
        ("/quit", Leave()),
        ("/exit", Leave()),
        ("//quit", Say("/quit")),
        ("//image a.png", Say("/image a.png")),
        ("/", Say("/")),
        ("/ hello", Say("/ hello")),
        ("/5 of them", Say("/5 of them")),
        ("/usr/bin is a folder", Say("/usr/bin is a folder")),
        ("/s/old/new/", Say("/s/old/new/")),
        ("and/or", Say("and/or")),
        ("/你好", Say("/你好")),
        ("/imag a.png", Mistake("order_near", {"word": "imag", "near": "image"})),
        ("/Sreen /tmp/a.png", Mistake("order_near", {"word": "Sreen", "near": "screen"})),
        ("/exitt", Mistake("order_near", {"word": "exitt", "near": "quit"})),
        ("/xyz", Mistake("order_unknown", {"word": "xyz"})),
        ("/mnt/me/a.png", ShowFile("/mnt/me/a.png", is_guess=True)),
        ("'/mnt/me/a b.png' this?", ShowFile("'/mnt/me/a b.png' this?", is_guess=True)),
        ("file:///mnt/me/a.png", ShowFile("file:///mnt/me/a.png", is_guess=True)),
        (r"C:\me\a.png", ShowFile(r"C:\me\a.png", is_guess=True)),
    ],
)
def test_a_line_is_read(line: str, order: Order) -> None:
    assert read_order(line) == order


@pytest.mark.parametrize("line", ["/image", "/imag x", "/xyz"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_mistake_has_its_words(line: str, language: str) -> None:
    order = read_order(line)
    assert isinstance(order, Mistake)
    words = Words("zh" if language == "zh" else "en")
    assert "/image" in words(order.key, **order.values)


async def test_pictures_go_one_by_one_and_the_words_with_the_last(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(saved(photo(), "JPEG"))
    (tmp_path / "b.png").write_bytes(saved(screenshot(), "PNG"))
    app = StagedApp()
    async with app.run_test() as pilot:
        await until(pilot, "- ready")
        order = read_order(f"/image {tmp_path}/a.jpg {tmp_path}/b.png which is text?")
        assert isinstance(order, ShowFile)
        first, second = await carry_out(order, app.session)
        assert first.picture and second.picture
        assert not first.expects_answer and second.expects_answer
        assert first.row.text == first.picture.label and first.row.code == "picture"
        assert second.row.text == f"{second.picture.label}  which is text?"
        await until(pilot, "Good to hear you.")


async def test_one_bad_picture_keeps_all_of_them_back(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(saved(photo(), "JPEG"))
    app = StagedApp()
    async with app.run_test() as pilot:
        await until(pilot, "- ready")
        with pytest.raises(ConfigError, match=r"no file .*none\.png"):
            await carry_out(ShowFile(f"{tmp_path}/a.jpg {tmp_path}/none.png differ?"), app.session)
        assert app.session.conversation.rows == []


async def test_what_only_looked_like_a_picture_is_said() -> None:
    app = StagedApp()
    async with app.run_test() as pilot:
        await until(pilot, "- ready")
        line = "/no/such/place.png is a path, isn't it?"
        (shown,) = await carry_out(ShowFile(line, is_guess=True), app.session)
        assert shown.row.text == line and shown.picture is None and shown.expects_answer


async def test_a_picture_keeps_to_what_the_model_takes(tmp_path: Path) -> None:
    (tmp_path / "n.png").write_bytes(saved(noise(2500, 1500), "PNG"))
    app = StagedApp()
    async with app.run_test() as pilot:
        await until(pilot, "- ready")
        limits = app.session.picture_limits
        picture = load_picture(tmp_path / "n.png", limits)
        assert len(picture.data) <= limits.bytes and picture.mime in limits.types
        assert max(picture.width, picture.height) <= limits.side


async def test_a_model_without_eyes_gets_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(saved(photo(), "JPEG"))
    app = StagedApp(None)
    async with app.run_test() as pilot:
        await until(pilot, "- ready")
        assert await carry_out(ShowFile(f"{tmp_path}/a.jpg what is it?"), app.session) == []
        assert not [row for row in app.session.conversation.rows if row.role == "user"]


async def test_no_screen_is_an_error_with_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    app = StagedApp()
    async with app.run_test() as pilot:
        await until(pilot, "- ready")
        with pytest.raises(ConfigError, match="/image"):
            await carry_out(ShowScreen("what is this?"), app.session)
