"""The bytes of a file that may be anything: a pipe, a device, a folder, a film of forty gigabytes.

Nothing here waits for somebody at the other end, and nothing is opened that is no ordinary file:
opening alone makes some devices act.
"""

import os
import stat
from pathlib import Path

from voicechat.errors import ConfigError
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

LARGEST_FILE = 50_000_000
"""Bytes; a camera's JPEG has a tenth of it."""
CHECK_PATH = phrase("Check the path; put it in quotes if it has spaces")


def read_picture_file(path: Path) -> bytes:
    """Everything in the file.

    Raises:
        ConfigError: there is none, it is no ordinary file, it may not be read, or it is too large.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        raise ConfigError(phrase("There is no file {who}", who=shown(path)), CHECK_PATH) from None
    except PermissionError:
        raise ConfigError(
            phrase("{who} may not be read", who=shown(path)),
            phrase("Change its permissions, or copy it"),
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path.
        why = getattr(error, "strerror", None) or phrase("the path is not valid")
        raise ConfigError(
            phrase("{who} cannot be read: {why}", who=shown(path), why=why), CHECK_PATH
        ) from None


def shown(path: Path) -> str:
    """A path as it may stand in a message: one line, nothing that steers a terminal."""
    return clean_line(str(path), 120)


def _read(path: Path) -> bytes:
    _must_be_ordinary(path, os.stat(path))
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        _must_be_ordinary(path, os.fstat(file.fileno()))  # It may have been changed meanwhile.
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise _too_large(path)
    return data


def _must_be_ordinary(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise ConfigError(
            phrase("{who} is a folder", who=shown(path)), phrase("Name one picture in it")
        )
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(
            phrase("{who} is a pipe or a device, not a file", who=shown(path)),
            phrase("Name a picture file"),
        )
    if status.st_size > LARGEST_FILE:
        raise _too_large(path)


def _too_large(path: Path) -> ConfigError:
    most = LARGEST_FILE // 1_000_000
    return ConfigError(
        phrase("{who} is larger than {count} MB", who=shown(path), count=most),
        phrase("Save a smaller copy of it"),
    )
