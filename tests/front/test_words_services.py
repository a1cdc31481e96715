"""What services, pictures and tools tell is Chinese in the Chinese interface: made where it is."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.front.chinese import english_in, in_chinese
from tests.front.pictures.drawn import photo, saved
from voicechat.cascade.http.refusals import failure, refusal
from voicechat.config.schema import Config
from voicechat.errors import VoiceChatError
from voicechat.front.pictures import Limits, load_picture
from voicechat.front.pictures.screenshot import take_screenshot
from voicechat.net.http_refusals import proxy_answer
from voicechat.net.proxy import Route, read_proxy
from voicechat.providers.catalog import catalog
from voicechat.text.phrase import phrase

HOST = Route("api.example.com")
GATE = Route("api.example.com", read_proxy("http://gate:3128", "--proxy"))
SAID = "Whatever they say"


def error_of(work: Any, *args: Any) -> VoiceChatError:
    with pytest.raises(VoiceChatError) as caught:
        work(*args)
    return caught.value


def pictures(home: Path) -> Iterator[VoiceChatError]:
    contents = {
        "text.jpg": b"no picture",
        "empty.png": b"",
        "half.png": saved(photo(80, 60), "PNG")[:2000],
        "phone.heic": b"\0\0\0\x18ftypheic",
    }
    for name, data in contents.items():
        (home / name).write_bytes(data)
    os.mkfifo(home / "pipe.jpg")
    with (home / "huge.jpg").open("wb") as file:
        file.truncate(60_000_000)
    for name in (*contents, "none.jpg", "pipe.jpg", "huge.jpg", "."):
        yield error_of(load_picture, home / name, Limits())
    (home / "photo.jpg").write_bytes(saved(photo(80, 60), "JPEG"))
    yield error_of(load_picture, home / "photo.jpg", Limits(bytes=10))
    yield error_of(take_screenshot, Limits(), {})
    yield error_of(take_screenshot, Limits(), {"WAYLAND_DISPLAY": "wayland-0"})


def services() -> Iterator[VoiceChatError]:
    codes = ("1001", "1113", "1211", "1301", "1305", "1261", "no such code")
    for code in codes:
        error = {"code": code, "message": SAID}
        yield failure(HOST, error)
        yield refusal(HOST, 400, {}, b"{}", {"error": error}, 0.0)
    for status in (*range(400, 432), 451, 500, 502, 503, 504, 529):
        yield refusal(HOST, status, {}, b"", None, 0.0)
        yield proxy_answer(GATE, status, {}, 0.0)
    for place in ("https://other.example/", "http://login.example/"):
        yield refusal(HOST, 302, {"location": place}, b"", None, 0.0)


def models() -> Iterator[str]:
    for provider in ("openai", "glm", "azure"):
        yield error_of(catalog.key_for, provider, {}, Config()).sentence
    for name in ("gpt-4o-realtime", "gpt-realtime"):
        yield catalog.resolve(name).notice


def test_what_is_wrong_with_a_picture_is_told_in_chinese(tmp_path: Path) -> None:
    for error in pictures(tmp_path):
        assert not english_in(error, str(tmp_path))


@pytest.mark.parametrize("error", services(), ids=str)
def test_what_a_service_refuses_is_told_in_chinese(error: VoiceChatError) -> None:
    assert not english_in(error, SAID)


@pytest.mark.parametrize("text", models())
def test_a_missing_key_and_a_retired_name_are_told_in_chinese(text: str) -> None:
    assert not english_in(text)


def test_a_reason_inside_a_sentence_is_chinese_too() -> None:
    why = phrase("{command} does not start ({why})", command="no-such-program", why="x")
    told = phrase("The tool server {who} does not work: {why}", who="files", why=why)
    assert in_chinese(told) == "工具服务器 files 无法使用：no-such-program 无法启动（x）"
