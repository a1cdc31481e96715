"""What providers tell is Chinese in the Chinese interface, and is really told by one of them."""

import re
from collections.abc import Iterator

import pytest

from tests.front.chinese import CHINESE, in_chinese
from voicechat.config.schema import Config
from voicechat.errors import ConfigError
from voicechat.events import Notice, ProviderFailed, SendImage, SetHandsFree
from voicechat.providers import dialect_class, names
from voicechat.providers.base import Settings
from voicechat.providers.catalog import catalog
from voicechat.providers.glm.errors import _WORDS
from voicechat.providers.glm.session_update import _CALLED
from voicechat.providers.gptlive.setup import WISHES as LIVE_WISHES
from voicechat.providers.openai.session_update import WISHES
from voicechat.session import capability

KEYED = [name for name in names() if dialect_class(name).profile.key_env]


def test_what_may_be_left_out_and_what_a_number_means_has_a_chinese_name() -> None:
    for called in (WISHES, LIVE_WISHES, _CALLED, _WORDS):
        assert all(CHINESE.search(in_chinese(name)) for name in called.values())


def sentences() -> Iterator[str]:
    """As users of the models meet them."""
    for name in KEYED:
        with pytest.raises(ConfigError) as missing:
            catalog.key_for(name, {}, Config())
        yield missing.value.sentence
    for provider in ("azure", "custom"):
        for chosen in ("", "some-model"):
            with pytest.raises(ConfigError) as unplaced:
                dialect_class(provider)(Settings(chosen)).url()
            yield unplaced.value.sentence
    with pytest.raises(ConfigError) as unplaced:
        dialect_class("qwen")(Settings("qwen3.8-omni-flash-realtime")).url()
    yield unplaced.value.sentence
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
        ending = glm.closed(1000, "")
        assert ending is not None
        yield ending.sentence
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
        yield made.key_hint()
    slow = dialect_class("gptlive")(Settings("gpt-live-1", "key"))
    slow.open(0.0)
    yield from (event.message for event in slow.tick(99.0) if isinstance(event, ProviderFailed))


@pytest.mark.parametrize("sentence", [*sentences(), *told_by_dialects()])
def test_what_a_user_is_told_is_chinese(sentence: str) -> None:
    chinese = in_chinese(sentence)
    assert CHINESE.search(chinese), sentence
    said = re.sub(r"（\w+：x）", "", chinese)
    assert len(re.findall(r"\b[a-z]+ [a-z]+ [a-z]+\b", said)) == 0, chinese


def test_foreign_words_behind_a_number_stay() -> None:
    glm = dialect_class("glm")(Settings("glm-realtime", "id.secret"))
    glm.open(0.0)
    glm.receive('{"type": "error", "error": {"code": "1312", "message": "模型繁忙"}}', 0.0)
    ending = glm.closed(1000, "")
    assert ending is not None
    assert in_chinese(ending) == "GLM 结束了会话：模型繁忙（1312：模型繁忙）。请稍后再试"


def test_what_the_server_refused_is_named() -> None:
    qwen = dialect_class("qwen")(Settings("qwen3-omni-flash-realtime", "key", voice="none"))
    qwen.open(0.0)
    qwen.receive('{"type": "session.created", "session": {}}', 0.1)
    error = '{"type": "error", "error": {"param": "session.voice", "message": "Invalid voice"}}'
    notices = [event for event in qwen.receive(error, 0.2) if isinstance(event, Notice)]
    assert [in_chinese(notice.message) for notice in notices] == [
        "服务器不接受所选音色（Invalid voice）：已略去"
    ]
