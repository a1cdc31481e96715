"""Credential storage: one key is put into config.toml, and nothing else of the file changes.

Comments, order and line ends stay byte for byte.  The new text is read as TOML before it is
written: it must say what the old one said, and the key; a file that is written in a way that this
cannot be done in is left alone.  The file is replaced at once and is the user's alone (0600).
"""

import copy
import os
import re
import secrets
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from voicechat.config.load import tidy_key
from voicechat.errors import ConfigError
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

_SECTION = re.compile(r"^[ \t]*\[")
_KEY_LINE = re.compile(
    r"""^([ \t]*(?:api_key|"api_key"|'api_key')[ \t]*=[ \t]*)("[^"\\]*"|'[^']*')"""
)


def store_key(path: Path, provider: str, key: str) -> Path:
    """Write a provider's key into the config file, which is made where there is none.

    Returns:
        The file that was written: where `path` leads, if it is a link.

    Raises:
        ConfigError: The file cannot be read or written, or the key cannot be put into it; the text
            never holds the key.
    """
    key = tidy_key(key, phrase("the message"))
    try:
        path = path.resolve()
        old = path.read_bytes() if path.exists() else b""
        new = _with_key(old, provider, key)
        if new is None:
            raise ConfigError(
                phrase(
                    "The key cannot be put into {path} without changing more of it",
                    path=_show(path),
                ),
                phrase(
                    "Write api_key under [providers.{provider}] there yourself", provider=provider
                ),
            )
        if new != old or (path.stat().st_mode & 0o077):
            _replace(path, new)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle.
        why = clean_line(getattr(error, "strerror", None) or phrase("its links lead nowhere"))
        raise ConfigError(
            phrase("The config file {path} cannot be written ({why})", path=_show(path), why=why)
        ) from None
    return path


def _show(path: Path) -> str:
    return clean_line(str(path), 200)


def _with_key(old: bytes, provider: str, key: str) -> bytes | None:
    """The file with the key in it; None: not by adding or changing one line of it."""
    try:
        before = tomllib.loads(old.decode("utf-8-sig"))
        wanted = _expected(before, provider, key)
        text = old.decode("utf-8")
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    for new in (*_in_section(text, provider, key), _at_end(text, provider, key)):
        if _says(new, wanted):
            return new.encode("utf-8")
    return None


def _expected(before: dict[str, Any], provider: str, key: str) -> dict[str, Any]:
    wanted = copy.deepcopy(before)
    section = wanted.setdefault("providers", {}).setdefault(provider, {})
    section["api_key"] = key
    return wanted


def _says(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text.removeprefix("\ufeff")) == wanted
    except ValueError:
        return False


def _in_section(text: str, provider: str, key: str) -> Iterator[str]:
    """In [providers.NAME], instead of the key there or as its first line; a line of a text may look
    like that section, so each is tried."""
    lines = text.splitlines(keepends=True)
    name = rf"(?:{provider}|\"{provider}\"|'{provider}')"
    head = re.compile(rf"\ufeff?[ \t]*\[[ \t]*providers[ \t]*\.[ \t]*{name}[ \t]*\][ \t]*(?:#.*)?$")
    for at, line in enumerate(lines):
        if head.match(line.rstrip("\r\n")):
            yield _in_lines(lines, at, key, _line_end(text))


def _in_lines(lines: list[str], at: int, key: str, end: str) -> str:
    for place in range(at + 1, len(lines)):
        if _SECTION.match(lines[place]):
            break
        if found := _KEY_LINE.match(lines[place]):
            line = f'{found[1]}"{key}"{lines[place][found.end() :]}'
            return "".join([*lines[:place], line, *lines[place + 1 :]])
    first = lines[at].rstrip("\r\n") + end
    return "".join([*lines[:at], first, f'api_key = "{key}"{end}', *lines[at + 1 :]])


def _at_end(text: str, provider: str, key: str) -> str:
    end = _line_end(text)
    gap = "" if not text.removeprefix("\ufeff") else end if text.endswith("\n") else end * 2
    return f'{text}{gap}[providers.{provider}]{end}api_key = "{key}"{end}'


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _replace(path: Path, data: bytes) -> None:
    """All of it or nothing; never readable to others, not even for a moment."""
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with open(os.open(draft, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
