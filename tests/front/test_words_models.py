"""What providers tell is Chinese in the Chinese interface, and is really told by one of them."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from voicechat import capability
from voicechat.config import Config
from voicechat.errors import ConfigError
from voicechat.events import Notice, ProviderFailed, SendImage, SetHandsFree
from voicechat.front import words_models
from voicechat.front.words_errors import in_chinese
from voicechat.providers import catalog, dialect_class, names
from voicechat.providers.base import Settings
from voicechat.providers.glm_errors import _WORDS
from voicechat.providers.glm_session import _CALLED
from voicechat.providers.gptlive_setup import WISHES as LIVE_WISHES
from voicechat.providers.openai_session import WISHES

HOUSE = Path(words_models.__file__).parents[1]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
KEYED = [name for name in names() if dialect_class(name).profile.key_env]
TABLES = (words_models.MODELS, words_models.HINTS, words_models.WISHES, words_models.GLM)


def constants() -> str:
    """All texts of the program but those of its screens."""
    modules = (path for path in HOUSE.rglob("*.py") if "front" not in path.parts)
    nodes = (node for path in modules for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant))
    return "\n".join(text for text in texts if isinstance(text, str))


def test_nothing_stands_in_the_tables_that_nobody_tells() -> None:
    told = constants()
    for english in (english for table in TABLES for english in table):
        pieces = re.split(r"\{\w+\}|[;:(),]|AZURE_OPENAI_ENDPOINT", english)
        assert all(piece.strip() in told for piece in pieces), english


@pytest.mark.parametrize("table", TABLES)
def test_both_languages_take_the_same_values(table: dict[str, str]) -> None:
    def values(text: str) -> list[str]:
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    for english, chinese in table.items():
        assert values(english) == values(chinese) and CHINESE.search(chinese)


def test_what_may_be_left_out_has_a_chinese_name() -> None:
    called = {*WISHES.values(), *LIVE_WISHES.values(), *_CALLED.values()}
    assert called <= set(words_models.WISHES)
    assert set(_WORDS.values()) == set(words_models.GLM)


def sentences() -> Iterator[str]:
    """As users of the models meet them."""
    for name in KEYED:
        with pytest.raises(ConfigError) as missing:
            catalog.key_for(name, {}, Config())
        yield str(missing.value)
    for provider in ("azure", "custom"):
        for chosen in ("", "some-model"):
            with pytest.raises(ConfigError) as unplaced:
                dialect_class(provider)(Settings(chosen)).url()
            yield str(unplaced.value)
    with pytest.raises(ConfigError) as unplaced:
        dialect_class("qwen")(Settings("qwen3.8-omni-flash-realtime")).url()
    yield str(unplaced.value)
    for old in ("gpt-4o-realtime", "gpt-realtime", "gemini-2.0-flash-live-001"):
        choice = catalog.resolve(old)
        yield choice.notice or choice.announced
    for name in names():
        lacks = (capability.lack(dialect_class(name).profile, name, w) for w in ("text", "images"))
        yield from (lack.message for lack in lacks if lack)


def told_by_dialects() -> Iterator[str]:
    error = '{"type": "error", "error": {"code": "%s", "message": "x"}}'
    for code in ("1113", "1302", "1305", "model_not_found", "downstream_reconnect_exceeded"):
        glm = dialect_class("glm")(Settings("glm-realtime", "id.secret"))
        glm.open(0.0)
        glm.receive(error % code, 0.0)
        yield str(glm.closed(1000, ""))
    gemini = dialect_class("gemini")(Settings("gemini-3.8-live", "key"))
    gemini.open(0.0)
    gemini.send(SetHandsFree(True), 0.0)
    yield from (event.message for event in gemini.tick(0.1) if isinstance(event, Notice))
    qwen = dialect_class("qwen")(Settings("qwen-audio-3.0-realtime-plus", "key"))
    qwen.open(0.0)
    for kind in ("session.created", "session.updated"):
        qwen.receive('{"type": "%s", "session": {}}' % kind, 0.1)  # noqa: UP031 - JSON has braces
    qwen.send(SendImage(b"x", "image/jpeg", "msg_1"), 0.2)
    found = [*qwen.receive(error % "x", 0.3), *qwen.tick(0.4)]
    yield from (event.message for event in found if isinstance(event, Notice))
    qwen.closed(4001, "bad key")
    for name in ("glm", "qwen", "stepfun", "openai", "gemini", "gptlive"):
        made = dialect_class(name)(Settings("some-model", "a-key"))
        yield f"api.example.com refused the key (HTTP 401). {made.key_hint()}"
    slow = dialect_class("gptlive")(Settings("gpt-live-1", "key"))
    slow.open(0.0)
    yield from (event.message for event in slow.tick(99.0) if isinstance(event, ProviderFailed))


@pytest.mark.parametrize("sentence", [*sentences(), *told_by_dialects()])
def test_what_a_user_is_told_is_chinese(sentence: str) -> None:
    chinese = in_chinese(sentence)
    assert CHINESE.search(chinese), sentence
    said = re.sub(r"\(\w+: x\)", "", chinese)
    assert len(re.findall(r"\b[a-z]+ [a-z]+ [a-z]+\b", said)) == 0, chinese


def test_foreign_words_behind_a_number_stay() -> None:
    told = "GLM ended the session: the model is busy (1312: 模型繁忙). Try again in a moment"
    assert in_chinese(told) == "GLM 结束了会话：模型繁忙 (1312: 模型繁忙)。请稍后再试"


def test_what_the_server_refused_is_named() -> None:
    told = "The server refused the chosen voice (Invalid voice); going on without"
    assert in_chinese(told) == "服务器不接受所选音色（Invalid voice）：已略去"
