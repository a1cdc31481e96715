"""What services, pictures and tools tell is Chinese in the Chinese interface: made where it is."""

import os
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.front.test_words_notices import constants
from tests.pictures.drawn import photo, saved
from voicechat.cascade.refusals import failure, refusal
from voicechat.config import Config
from voicechat.errors import VoiceChatError
from voicechat.front.words_errors import in_chinese
from voicechat.front.words_services import SERVICE_HINTS, SERVICES
from voicechat.links.answers import proxy_answer
from voicechat.links.proxy import read_proxy
from voicechat.links.route import Route
from voicechat.pictures import Limits, load_picture
from voicechat.pictures.screenshot import take_screenshot
from voicechat.providers import catalog

HOST = Route("api.example.com")
GATE = Route("api.example.com", read_proxy("http://gate:3128", "--proxy"))
ENGLISH = re.compile(r"\b(the|is|it|its|of|to|Check|Set|Try|Choose|There)\b")


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
        error = {"code": code, "message": "Whatever they say"}
        yield failure(HOST, error)
        yield refusal(HOST, 400, {}, b"{}", {"error": error}, 0.0)
    for status in (*range(400, 432), 451, 500, 502, 503, 504, 529):
        yield refusal(HOST, status, {}, b"", None, 0.0)
        yield proxy_answer(GATE, status, {}, 0.0)
    for place in ("https://other.example/", "http://login.example/"):
        yield refusal(HOST, 302, {"location": place}, b"", None, 0.0)


def models() -> Iterator[str]:
    for provider in ("openai", "glm", "azure"):
        yield str(error_of(catalog.key_for, provider, {}, Config()))
    for name in ("gpt-4o-realtime", "gpt-realtime"):
        yield catalog.resolve(name).notice


def english_in(text: str) -> str:
    """Words of ours that stayed English, if any; what a service said itself may."""
    shown = in_chinese(text).replace("Whatever they say", "")
    found = ENGLISH.search(shown)
    return shown if found or not re.search("[\u4e00-\u9fff]", shown) else ""


def test_what_is_wrong_with_a_picture_is_told_in_chinese(tmp_path: Path) -> None:
    for error in pictures(tmp_path):
        assert not english_in(str(error).replace(str(tmp_path), "photo"))


@pytest.mark.parametrize("error", services(), ids=str)
def test_what_a_service_refuses_is_told_in_chinese(error: VoiceChatError) -> None:
    assert not english_in(str(error))


@pytest.mark.parametrize("text", models())
def test_a_missing_key_and_a_retired_name_are_told_in_chinese(text: str) -> None:
    assert not english_in(text)


def test_a_reason_inside_a_sentence_is_chinese_too() -> None:
    told = in_chinese("api.example.com made no sound: a program of this machine speaks for now")
    assert told == "api.example.com 没有给出声音：暂由本机程序朗读"
    told = in_chinese("The tool server files does not work: It ended at once")
    assert told == "工具服务器 files 无法使用：它立即退出了"


@cache
def told_by_the_house() -> str:
    return constants()


@pytest.mark.parametrize("english", [*SERVICES, *SERVICE_HINTS])
def test_no_sentence_stands_in_the_tables_that_nobody_says(english: str) -> None:
    pieces = re.split(r"\{\w+\}| \(HTTP |: (?=choose)|(?<=reached)(?= through)| (?=\()", english)
    missing = [one for one in pieces if one.strip(" ;:()") not in told_by_the_house()]
    assert missing == []


@pytest.mark.parametrize("table", [SERVICES, SERVICE_HINTS])
def test_both_languages_take_the_same_values(table: dict[str, str]) -> None:
    def names(text: str) -> list[str]:
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    for english, chinese in table.items():
        assert names(english) == names(chinese) and re.search("[\u4e00-\u9fff]", chinese)
