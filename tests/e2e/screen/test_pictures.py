"""Pictures shown to the model from the real screen."""

import base64
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.screen.conftest import KEY, Serve, Service, Stage
from tests.fakes.terminal import check_after, problems_after
from tests.fakes.terminal_pictures import hung_on
from tests.front.pictures.drawn import SECRET, near, opened, photo, saved
from voicechat.front.tui.terminal.kitty_graphics import PLACEHOLDER
from voicechat.providers.openai.dialect import DIALECT

pytestmark = pytest.mark.terminal


def sent(service: Service) -> list[tuple[Image.Image, bytes, str]]:
    """The pictures that arrived: as opened, their bytes, the words beside them."""
    items = [m["item"] for m in service.server.log.of("conversation.item.create")]
    return [_picture(item["content"]) for item in items if _parts(item["content"], "input_image")]


def _picture(content: list[dict[str, Any]]) -> tuple[Image.Image, bytes, str]:
    (shown,) = _parts(content, "input_image")
    data = base64.b64decode(shown["image_url"].partition(";base64,")[2])
    words = " ".join(part["text"] for part in _parts(content, "input_text"))
    return opened(data), data, words


def _parts(content: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [part for part in content if part["type"] == kind]


@pytest.fixture
def jpeg(stage: Stage) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned a quarter to the right.
    exif[0x9286] = SECRET.decode()
    path = stage.home / "my photo.jpg"
    path.write_bytes(saved(photo(4000, 3000), "JPEG", exif=exif))
    return path


def test_a_picture_is_sent_within_limits_upright_and_bare(
    stage: Stage, serve: Serve, jpeg: Path
) -> None:
    service = serve("normal")
    terminal = stage.start("--text", *service.options)
    terminal.wait_for("- ready")
    terminal.type_text("/image ~/my\\ photo.jpg What is it?")
    terminal.press("enter")
    screen = terminal.wait_for(lambda text: "interrupt me." in text and "▀▀▀" in text)
    assert "You: [picture] my photo.jpg 1536×2048, " in screen and "What is it?" in screen
    ((image, data, words),) = sent(service)
    profile = DIALECT.profile
    assert image.format == "JPEG" and image.size == (1536, 2048) and words == "What is it?"
    assert len(data) <= profile.image_bytes and SECRET not in data
    assert not service.server.violations
    check_after(
        terminal, leave=lambda: terminal.press("ctrl+q"), canaries=[KEY], files=[stage.data]
    )


def test_a_dropped_picture_waits_for_words(stage: Stage, serve: Serve, jpeg: Path) -> None:
    service = serve("normal")
    terminal = stage.start("--text", *service.options, cols=200, rows=60)
    terminal.wait_for("- ready")
    terminal.paste(f"'{jpeg}' ")
    terminal.wait_for(f"│ /image '{jpeg}' ")
    assert sent(service) == []
    terminal.type_text("and this?")
    terminal.press("enter")
    terminal.wait_for(lambda text: "interrupt me." in text and "▀▀▀" in text)
    ((_, _, words),) = sent(service)
    assert words == "and this?"
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_what_is_no_picture_is_told_and_the_conversation_goes_on(
    stage: Stage, serve: Serve
) -> None:
    (stage.home / "text.jpg").write_text("no picture\n" * 99)
    os.mkfifo(stage.home / "pipe.jpg")
    service = serve("normal")
    terminal = stage.start("--text", *service.options)
    terminal.wait_for("- ready")
    for order, why in (
        ("/image none.jpg", "ERROR: There is no file none.jpg"),
        ("/image ~/text.jpg hi", "ERROR: text.jpg is not a picture"),
        ("/image ~/pipe.jpg", "is a pipe or a device"),
        ("/screen what is wrong?", "ERROR: There is no screen here to look at"),
    ):
        terminal.type_text(order)
        terminal.press("enter")
        terminal.wait_for(lambda text, w=why, o=order: w in text and f"│ {o}" in text)  # type: ignore[misc]
        terminal.press("home", *["delete"] * len(order))
    terminal.type_text("still there?")
    terminal.press("enter")
    terminal.wait_for("interrupt me.")
    assert sent(service) == []
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_chinese_rows_and_orders(stage: Stage, serve: Serve) -> None:
    (stage.home / "照片 一.png").write_bytes(saved(photo(300, 200), "PNG"))
    service = serve("cjk")
    terminal = stage.start("--text", *service.options, env={"LANG": "zh_CN.UTF-8"})
    terminal.wait_for("就绪")
    terminal.type_text("/imagee x")
    terminal.press("enter")
    terminal.wait_for("没有 /imagee 命令")
    terminal.press("home", *["delete"] * 9)
    terminal.paste(f"{stage.home}/照片 一.png")
    terminal.wait_for("照片 一.png' ")
    terminal.type_text("这是什么？")
    terminal.press("enter")
    screen = terminal.wait_for(lambda text: "再见！👋🏽" in text and "▀▀▀" in text)
    assert "你：［图片］ 照片 一.png 300×200, " in screen and "这是什么？" in screen
    ((image, _, words),) = sent(service)
    assert image.size == (300, 200) and words == "这是什么？"
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def test_a_picture_without_colours_is_still_told_in_words(
    stage: Stage, serve: Serve, jpeg: Path
) -> None:
    """NO_COLOR (no-color.org), and a terminal of sixteen colours."""
    for env in ({"NO_COLOR": "1"}, {"TERM": "xterm", "COLORTERM": ""}):
        terminal = stage.start("--text", *serve("normal").options, env=env)
        terminal.wait_for("- ready")
        terminal.type_text(f"/image '{jpeg}' so?")
        terminal.press("enter")
        terminal.wait_for(lambda text: "[picture] my photo.jpg" in text and "interrupt" in text)
        check_after(terminal, leave=lambda t=terminal: t.press("ctrl+q"))  # type: ignore[misc]


KITTY = {"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}


def test_a_terminal_that_draws_pictures_is_given_it_once_a_screen_and_keeps_nothing(
    stage: Stage, serve: Serve, jpeg: Path
) -> None:
    """Sent again only after the terminal was somebody else's; never answered, so never typed."""
    terminal = stage.start("--text", *serve("normal").options, env=KITTY, kitty=True)
    terminal.wait_for("- ready")
    terminal.type_text("/image ~/my\\ photo.jpg What is it?")
    terminal.press("enter")
    screen = terminal.wait_for(lambda text: "interrupt me." in text and PLACEHOLDER in text)
    assert "You: [picture] my photo.jpg 1536×2048, " in screen and "▀▀▀" not in screen
    wall = hung_on(terminal.raw)
    ((number, size),) = wall.places.items()
    assert wall.sent == [number] and screen.count(PLACEHOLDER) == size[0] * size[1]
    upright = photo(4000, 3000).transpose(Image.Transpose.ROTATE_270)
    held = wall.pictures[number]
    small = upright.resize((held.width, held.height), Image.Resampling.BOX)
    there = Image.frombytes("RGB", small.size, held.rgb)
    assert all(near(there.getpixel(at), small.getpixel(at)) for at in ((9, 9), (90, 20), (60, 99)))  # type: ignore[arg-type]
    terminal.signal(signal.SIGSTOP)
    terminal.signal(signal.SIGCONT)
    terminal.wait_for(lambda _: hung_on(terminal.raw).sent == [number] * 2)
    terminal.wait_for(lambda text: PLACEHOLDER in text and "│ Type a message" in text)
    problems = problems_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    assert [one for one in problems if "foreign sequence: b'\\x1b_G" not in one] == []
    drawn, _, after = terminal.raw.rpartition(b"\x1b[?1049l")
    assert hung_on(drawn).pictures == {} and b"\x1b_G" not in after


def test_in_tmux_pictures_are_drawn_in_blocks(stage: Stage, serve: Serve, jpeg: Path) -> None:
    env = {**KITTY, "TMUX": "/tmp/tmux-1000/default,1,0"}
    terminal = stage.start("--text", *serve("normal").options, env=env)
    terminal.wait_for("- ready")
    terminal.type_text("/image ~/my\\ photo.jpg")
    terminal.press("enter")
    terminal.wait_for(lambda text: "[picture] my photo.jpg" in text and "▀▀▀" in text)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
