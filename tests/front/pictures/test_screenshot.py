"""A screenshot where there is a screen, a line that helps where there is none."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.fakes.display import Display
from tests.front.pictures.drawn import opened
from voicechat.errors import ConfigError
from voicechat.front.pictures import Limits, fetch_screen
from voicechat.front.pictures.screenshot import take_screenshot


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({}, "DISPLAY is not set"),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, "Wayland"),
        ({"DISPLAY": ":0", "XDG_SESSION_TYPE": "wayland"}, "Wayland"),
    ],
)
def test_no_screen_is_told_with_another_way(environ: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        take_screenshot(Limits(), environ)
    assert "/image" in caught.value.hint


def test_a_display_that_nobody_serves_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(ConfigError, match="The screen cannot be read") as caught:
        take_screenshot(Limits(), {"DISPLAY": ":4711"})
    assert "/image" in caught.value.hint


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[Display]:
    with Display(640, 400) as display:
        monkeypatch.setenv("DISPLAY", display.name)
        for name in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
            monkeypatch.delenv(name, raising=False)
        yield display


async def test_what_the_screen_shows_is_the_picture_made_as_small_as_the_model_wants(
    display: Display,
) -> None:
    display.paint(0, (200, 30, 30))
    display.paint(1, (30, 30, 200))
    picture = await fetch_screen(Limits(side=320))
    assert picture.label.startswith("screen 320\u00d7200, ") and picture.mime == "image/png"
    shown = opened(picture.data)
    assert shown.size == (320, 200)
    assert [shown.getpixel((x, 100)) for x in (20, 300)] == [(200, 30, 30), (30, 30, 200)]


async def test_a_screen_that_shows_programs_nothing_is_told(display: Display) -> None:
    with pytest.raises(ConfigError, match="only a black screen") as caught:
        await fetch_screen(Limits())
    assert "/image" in caught.value.hint


def test_without_mss_the_command_to_install_it_is_told() -> None:
    code = """if True:
        import sys
        sys.modules["mss"] = None  # As if it were not installed.
        from voicechat.front.pictures.screenshot import Limits, take_screenshot
        try:
            take_screenshot(Limits(), {"DISPLAY": ":0"})
        except Exception as error:
            print(type(error).__name__, error)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ConfigError Screenshots need mss")
    assert 'pip install "voicechat[screen]"' in done.stdout
