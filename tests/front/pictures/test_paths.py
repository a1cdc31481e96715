r"""A dropped file arrives as every terminal writes it; a typed path as people write it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicechat.front.pictures.paths import (
    MOST_AT_ONCE,
    find_dropped,
    find_pictures,
    looks_dropped,
    quote_path,
    to_path,
)

NAMES = [
    "a.png",
    "my  photo.JPG",
    "it's me.jpeg",
    'say "cheese".webp',
    "Urlaub ä 照片.png",
    "a\\b.png",
]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in NAMES]
    for path in paths:
        path.write_bytes(b"x")
    return paths


def escaped(path: Path) -> str:
    """As macOS and shells complete it."""
    return "".join(f"\\{char}" if char in " '\"\\" else char for char in str(path))


def quoted(path: Path) -> str:
    """As GNOME's terminal drops it."""
    return "'" + str(path).replace("'", "'\\''") + "'"


@pytest.mark.parametrize("way", [str, escaped, quoted, quote_path, Path.as_uri])
def test_one_dropped_file_is_found_however_it_is_written(files: list[Path], way: object) -> None:
    assert callable(way)
    for path in files:
        if way is str and "\\" in path.name:
            continue  # Bare, that is an escape.
        assert find_dropped(way(path) + " ") == ([path], "")
        assert find_dropped(way(path) + "\n") == ([path], "")


@pytest.mark.parametrize("way", [escaped, quoted, quote_path, Path.as_uri])
@pytest.mark.parametrize("between", [" ", "\n", "\r\n", "   "])
def test_several_dropped_files_are_found(files: list[Path], way: object, between: str) -> None:
    assert callable(way)
    text = between.join(way(path) for path in files[:3])
    assert find_dropped(text) == (files[:3], "")


NAME = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)


@given(NAME.filter(lambda name: name not in (".", "..")), NAME)
def test_a_quoted_path_is_read_as_it_was(name: str, words: str) -> None:
    path = Path("/no/such/folder") / name
    (found, *_), _ = find_pictures(f"{quote_path(path)} {words}")
    assert found == path


@given(st.text())
def test_any_line_is_read_without_trouble(line: str) -> None:
    paths, words = find_pictures(line)
    assert bool(paths) is bool(line.strip()) and words in line
    assert find_dropped(line) == ([], line)


def test_what_does_not_exist_or_is_no_picture_was_not_dropped(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "folder.png").mkdir()
    texts = [f"{tmp_path}/none.png", f"{tmp_path}/notes.txt", f"{tmp_path}/folder.png"]
    for text in [*texts, "", "hello", "/", "/etc", "~nobody/a.png", "a.png"]:
        assert find_dropped(text) == ([], text)


def test_words_behind_a_dropped_file_are_kept(files: list[Path]) -> None:
    assert find_dropped(f"{files[0]} what's this?") == ([files[0]], "what's this?")
    assert find_dropped(f"{quoted(files[1])}  and  that") == ([files[1]], "and  that")
    assert find_dropped(f"{files[1]} bare, with blanks") == ([files[1]], "bare, with blanks")


def test_the_first_path_of_an_order_is_meant_even_if_it_is_not_there() -> None:
    assert find_pictures("none.png what is it?") == ([Path("none.png")], "what is it?")
    assert find_pictures("'no ne.png'") == ([Path("no ne.png")], "")
    assert find_pictures("none\\ at\\ all.png x") == ([Path("none at all.png")], "x")
    assert find_pictures("  none.png  ") == ([Path("none.png")], "")


def test_further_paths_are_pictures_only_if_they_look_so(files: list[Path]) -> None:
    first, second = quoted(files[0]), quoted(files[1])
    assert find_pictures(f"{first} {second} which is better?") == (files[:2], "which is better?")
    assert find_pictures(f"{first} 'that is it'") == ([files[0]], "'that is it'")
    missing = f"{files[0].parent}/none.png"
    assert find_pictures(f"{first} '{missing}' x") == ([files[0], Path(missing)], "x")
    assert find_pictures(f"{first} photo.png is the name") == ([files[0]], "photo.png is the name")


def test_only_so_many_pictures_go_at_once(files: list[Path]) -> None:
    paths, words = find_pictures(" ".join([quoted(files[0])] * (MOST_AT_ONCE + 1)))
    assert len(paths) == MOST_AT_ONCE and words == quoted(files[0])


def test_an_apostrophe_opens_no_quote_that_is_never_closed(files: list[Path]) -> None:
    assert find_pictures(f"{files[0]} what's up") == ([files[0]], "what's up")
    assert find_pictures("'open.png") == ([Path("'open.png")], "")


def test_windows_paths_keep_their_backslashes() -> None:
    for text in (r"C:\Users\me\a.png", r"\\server\share\a.png", "C:/Users/me/a.png"):
        assert find_pictures(f"{text} hi") == ([Path(text)], "hi")
        assert find_pictures(f'"{text}" hi') == ([Path(text)], "hi")
        assert looks_dropped(text) and looks_dropped(f'"{text}"')


def test_addresses_and_the_home_folder_are_understood() -> None:
    assert to_path("file:///tmp/a%20b.png") == Path("/tmp/a b.png")
    assert to_path("file://localhost/tmp/a.png") == Path("/tmp/a.png")
    assert to_path("~/a.png") == Path.home() / "a.png"
    assert to_path("~no-such-user/a.png") == Path("~no-such-user/a.png")


def test_ordinary_sentences_do_not_look_dropped() -> None:
    for text in ("hello", "a.png", "and/or a.png", "'tis a.png", "/etc/passwd is a file", ""):
        assert not looks_dropped(text)
    for text in ("/tmp/a.PNG", "'/tmp/a.jpg' x", "~/a.webp", "file:///a.gif"):
        assert looks_dropped(text)
