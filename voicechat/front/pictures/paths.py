r"""Paths as people type them and as terminals paste them when a file is dropped on the window.

A dropped file arrives quoted ('/mnt/a b.png', GNOME and Windows), escaped (/mnt/a\ b.png,
macOS), bare, or as a file:// address; several stand one after another.  Only what has the ending
of a picture and exists is taken for one that was dropped.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".avif", ".heic", ".heif")
MOST_AT_ONCE = 8
"""Pictures in one order."""
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\[^\\]")
"""The beginning of a Windows path, in which a backslash is no escape."""
_LOOKS_DROPPED = re.compile(r"""["']?(?:/|~/|file:|[A-Za-z]:[\\/]|\\\\)""", re.IGNORECASE)
_ENDING = re.compile("|".join(map(re.escape, ENDINGS)), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a line, as a shell would read it."""

    text: str
    """Without quotes and escapes."""
    end: int
    """Where it ends in the line, the blanks behind it included."""
    is_quoted: bool

    @property
    def path(self) -> Path:
        return to_path(self.text)

    @property
    def names_a_picture(self) -> bool:
        """Whether it is surely meant as a picture: by its ending, and by how it is written."""
        is_deliberate = self.is_quoted or "/" in self.text or "\\" in self.text
        return is_deliberate and self.text.lower().endswith(ENDINGS)


def looks_dropped(line: str) -> bool:
    """Whether a line may begin with the path of a picture; the disk is not asked."""
    return bool(_LOOKS_DROPPED.match(line) and _ENDING.search(line))


def find_pictures(line: str) -> tuple[list[Path], str]:
    """The paths at the beginning of an order, and the words behind them.

    The first one is what the user named, whether it exists or not; a path with blanks in it needs
    no quotes if it exists.  Further ones must look like paths of pictures, or exist.
    """
    if whole := _longest_file(line):
        return [whole[0]], whole[1]
    paths: list[Path] = []
    words = line
    for token in _tokens(line):
        is_one = not paths or token.names_a_picture or _is_picture_file(token.path)
        if not is_one or len(paths) == MOST_AT_ONCE:
            break
        paths.append(token.path)
        words = line[token.end :]
    return paths, words.strip()


def find_dropped(text: str) -> tuple[list[Path], str]:
    """The existing pictures at the beginning of a line, and the words behind them; often none."""
    if not looks_dropped(text):
        return [], text
    paths, words = find_pictures(text)
    return (paths, words) if paths and all(map(_is_picture_file, paths)) else ([], text)


def quote_path(path: Path) -> str:
    """A path as an order takes it, whatever is in it."""
    text = str(path)
    if "'" not in text:
        return f"'{text}'"
    if '"' not in text:
        return f'"{text}"'
    return re.sub(r"([\s'\"\\])", r"\\\1", text)


def to_path(text: str) -> Path:
    """What a word means as a path: `file://` addresses are decoded, `~` is the home folder."""
    if text[:5].lower() == "file:":
        place = urlsplit(text)
        text = unquote(place.path)
        if os.name == "nt":
            text = text.lstrip("/")
    return _expand(Path(text))


def _expand(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # No such user.
        return path


def _is_picture_file(path: Path) -> bool:
    try:
        return path.suffix.lower() in ENDINGS and path.is_file()
    except (OSError, ValueError):
        return False


def _longest_file(line: str) -> tuple[Path, str] | None:
    """A path with blanks in it, written without quotes; None: the first word is the path."""
    if line[:1] in ("'", '"'):
        return None
    for found in reversed(list(_ENDING.finditer(line))):
        before, after = line[: found.end()], line[found.end() :]
        is_whole = not after[:1] or after[0].isspace()
        if is_whole and any(map(str.isspace, before)) and _is_picture_file(to_path(before)):
            return to_path(before), after.strip()
    return None


def _tokens(line: str) -> Iterator[Token]:
    at = len(line) - len(line.lstrip())
    while at < len(line):
        text, end, is_quoted = _word(line, at)
        while end < len(line) and line[end].isspace():
            end += 1
        yield Token(text, end, is_quoted)
        at = end


def _word(line: str, at: int) -> tuple[str, int, bool]:
    """The word that begins at `at`: its text, where it ends, whether it was quoted."""
    found, is_quoted = "", False
    is_windows = bool(_DRIVE.match(line, at))
    while at < len(line) and not line[at].isspace():
        char = line[at]
        close = line.find(char, at + 1) if char in "'\"" else -1
        if close > 0:
            found, at, is_quoted = found + line[at + 1 : close], close + 1, True
        elif char == "\\" and not is_windows and at + 1 < len(line):
            found, at = found + line[at + 1], at + 2
        else:
            found, at = found + char, at + 1
    return found, at, is_quoted
