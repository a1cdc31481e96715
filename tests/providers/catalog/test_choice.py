"""Ordinary chat models by their names: whose services answer, and in which way."""

from datetime import date

import pytest

from voicechat.config.schema import Config, Provider, Retirements
from voicechat.errors import ConfigError
from voicechat.providers.catalog import catalog
from voicechat.providers.catalog.catalog import ModelChoice

OWN_SERVER = Config(providers={"chat": Provider(http_url="http://127.0.0.1:8000/v1")})


def chat(model: str, service: str = "", way: str = "openai", notice: str = "") -> ModelChoice:
    return ModelChoice("chat", model, notice, service, way)


@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("chat/gpt-5.9", chat("gpt-5.9", "openai")),
        ("gpt-5.9", chat("gpt-5.9", "openai")),
        ("chat/xai/whatever", chat("whatever", "xai")),
        ("chat/glm/some/model", chat("some/model", "glm")),
        ("chat/grok-9", chat("grok-9", "xai")),
        ("chat/step-9", chat("step-9", "stepfun")),
        ("chat/qwen-plus", chat("qwen-plus", "qwen")),
        ("chat/gemini-9", chat("gemini-9", "gemini", "gemini")),
        ("chat/openai/gemini-9", chat("gemini-9", "openai")),
        ("glm-4.7-flash", chat("glm-4.7-flash", "glm")),
        ("chat/glm-4.7-flash", chat("glm-4.7-flash", "glm")),
        ("glm-4-voice", chat("glm-4-voice", "glm", "glm-sound")),
        ("gpt-audio-1.5", chat("gpt-audio-1.5", "openai", "openai-sound")),
        ("qwen3.5-omni-plus", chat("qwen3.5-omni-plus", "qwen", "qwen-sound")),
        ("qwen3.8-omni-flash", chat("qwen3.8-omni-flash", "qwen")),
        ("gemini-3.8-flash", chat("gemini-3.8-flash", "gemini", "gemini")),
    ],
)
def test_a_chat_models_name_leads_to_a_service(name: str, choice: ModelChoice) -> None:
    assert catalog.resolve(name) == choice


@pytest.mark.parametrize("name", ["llama3.2", "qwen3:8b", "gpt-oss:20b", "meta-llama/Llama-4"])
def test_a_name_that_nobody_claims_is_looked_for_at_the_users_own_address(name: str) -> None:
    assert catalog.resolve(f"chat/{name}") == chat(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [("gimini-3.8-live", "did you mean gemini-3.8-live?"), ("zzz\x1b", "`voicechat models`")],
)
def test_a_name_that_says_nothing_is_doubted(name: str, words: str) -> None:
    choice = catalog.resolve(name)
    assert choice == ModelChoice("openai", name) and words in choice.doubt
    assert choice.doubt.isprintable()
    assert not catalog.resolve("gpt-realtime-9").doubt


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("gpt-realtime-9", "openai"),
        ("gemini-9-live", "gemini"),
        ("gemini-9-native-audio", "gemini"),
        ("qwen3.9-omni-flash-realtime", "qwen"),
        ("grok-voice-9", "xai"),
        ("step-audio-2-huge", "stepfun"),
        ("step-9-realtime", "stepfun"),
        ("qwen-omni-turbo-realtime-latest", "qwen"),
        ("qwen9-realtime", "qwen"),
        ("qwen3-livetranslate-flash-realtime", "qwen"),
        ("glm-realtime-max", "glm"),
    ],
)
def test_a_realtime_models_name_stays_a_realtime_model(name: str, provider: str) -> None:
    assert catalog.resolve(name) == ModelChoice(provider, name)


@pytest.mark.parametrize("name", ["openai/gpt-5.9", "glm-4.7-flash", "gemini-3.8-flash", "x"])
@pytest.mark.parametrize("is_option", [True, False])
def test_a_server_of_ones_own_gets_the_whole_name(name: str, is_option: bool) -> None:
    config = Config() if is_option else OWN_SERVER
    choice = catalog.resolve(f"chat/{name}", own_address=is_option, config=config)
    assert choice == chat(name)


def test_a_model_of_sound_stays_one_at_a_server_of_ones_own() -> None:
    choice = catalog.resolve("chat/gpt-audio-1.5", own_address=True)
    assert choice == chat("gpt-audio-1.5", way="openai-sound")


def test_a_name_alone_is_no_chat_model_where_the_user_named_the_server() -> None:
    assert catalog.resolve("gpt-5.9", own_address=True) == ModelChoice("openai", "gpt-5.9")


def test_chat_alone_is_the_first_model_of_the_users_own_address() -> None:
    assert catalog.resolve("chat") == chat("auto")
    config = Config(providers={"chat": Provider(model="llama3.2")})
    assert catalog.resolve("chat", config=config) == chat("llama3.2")
    assert catalog.resolve("chat/local/llama3.2") == chat("llama3.2")


def test_a_services_name_alone_is_its_usual_chat_model() -> None:
    config = Config(providers={"openai": Provider(chat_model="gpt-5.9")})
    assert catalog.resolve("chat/openai", config=config) == chat("gpt-5.9", "openai")
    assert catalog.resolve("chat/gemini").model
    with pytest.raises(ConfigError, match="no usual chat model") as caught:
        catalog.resolve("chat/azure")
    assert "chat/azure/NAME" in caught.value.hint


def test_chat_models_end_as_others_do() -> None:
    retired = catalog.resolve("gpt-4o-mini-audio-preview-2024-12-17")
    assert (retired.model, retired.service) == ("gpt-audio-1.5", "openai")
    assert "2026-05-07" in retired.notice
    before = Config(retirements=Retirements(day=date(2026, 12, 1)))
    retiring = catalog.resolve("chat/gpt-audio-mini", config=before)
    assert retiring.model == "gpt-audio-mini" and "2027-01-20" in retiring.announced


@pytest.mark.parametrize(
    "name", ["gpt-realtime-2.1", "glm-4.7-flash", "chat/llama3.2", "chat/xai/a/b", "local", "chat"]
)
def test_the_full_name_leads_to_the_same_choice(name: str) -> None:
    choice = catalog.resolve(name)
    assert catalog.resolve(choice.full_name) == choice
