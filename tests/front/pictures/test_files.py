"""A path may lead to anything; only an ordinary file is read, and nothing is waited for."""

import os
import socket
from pathlib import Path

import pytest

from voicechat.errors import ConfigError
from voicechat.front.pictures.files import LARGEST_FILE, read_picture_file


def test_a_file_is_read_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"bytes")
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    assert read_picture_file(tmp_path / "link.png") == b"bytes"


def test_what_is_no_ordinary_file_is_told_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.png"))
        for path in (
            tmp_path / "pipe.png",
            tmp_path / "s.png",
            Path("/dev/zero"),
            Path("/dev/tty"),
        ):
            with pytest.raises(ConfigError, match="a pipe or a device"):
                read_picture_file(path)


def test_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        read_picture_file(tmp_path)


@pytest.mark.parametrize("name", ["none.png", "no/such/folder.png"])
def test_a_missing_file_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="There is no file") as caught:
        read_picture_file(tmp_path / name)
    assert name in str(caught.value) and caught.value.hint


@pytest.mark.parametrize("name", ["a\0b.png", "n" * 5000, "\ud800.png"])
def test_a_path_that_can_be_none_is_told(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_picture_file(Path("/tmp") / name)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_a_link_to_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "a.png")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_picture_file(tmp_path / "a.png")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(ConfigError, match="larger than 50 MB"):
        read_picture_file(tmp_path / "a.png")


def test_a_file_of_somebody_else_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"x")
    path.chmod(0)
    if os.geteuid() == 0:  # Root reads everything: the message is for the others.
        assert read_picture_file(path) == b"x"
        return
    with pytest.raises(ConfigError, match="may not be read"):
        read_picture_file(path)
