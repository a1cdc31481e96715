"""The screen as a picture, through mss (the extra `screen`).

Only the main screen: two screens side by side, made small enough for a model, can hardly be read.
"""

import os
import sys
from collections.abc import Mapping

from voicechat.conversation.picture import Limits, Picture
from voicechat.errors import ConfigError
from voicechat.front.pictures.encode import encode_pixels
from voicechat.text.phrase import phrase

NAME = "screen"
INSTEAD = phrase("Take a screenshot with another program and send it with /image")


def take_screenshot(limits: Limits, environ: Mapping[str, str] = os.environ) -> Picture:
    """What the main screen shows now.

    Raises:
        ConfigError: mss is missing, or the system shows programs nothing.
    """
    _must_be_possible(environ)
    rgb, size = _grab()
    if not any(rgb):
        raise ConfigError(phrase("The system shows programs only a black screen"), INSTEAD)
    return encode_pixels(rgb, size, NAME, limits)


def _must_be_possible(environ: Mapping[str, str]) -> None:
    """Told before trying: X servers that serve Wayland answer with black, or not at all."""
    if sys.platform in ("win32", "darwin"):
        return
    if environ.get("WAYLAND_DISPLAY") or environ.get("XDG_SESSION_TYPE") == "wayland":
        raise ConfigError(phrase("Wayland lets no program look at the screen"), INSTEAD)
    if not environ.get("DISPLAY"):
        raise ConfigError(
            phrase("There is no screen here to look at (DISPLAY is not set)"), INSTEAD
        )


def _grab() -> tuple[bytes, tuple[int, int]]:
    try:
        from mss import MSS
    except ImportError:
        hint = phrase('Install it: pip install "voicechat[screen]"')
        raise ConfigError(phrase("Screenshots need mss, which is not installed"), hint) from None
    try:
        with MSS() as screens:
            shot = screens.grab(screens.monitors[1])
            return bytes(shot.rgb), (shot.width, shot.height)
    except Exception as error:  # Missing X libraries, a refused display, no permission: any class.
        why = type(error).__name__
        raise ConfigError(phrase("The screen cannot be read ({why})", why=why), INSTEAD) from None
