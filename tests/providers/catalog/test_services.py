"""Services over plain HTTPS: where they are, with whose key, and what is never sent where."""

from dataclasses import replace
from typing import Any

import pytest

from voicechat.config.schema import Config, Provider
from voicechat.errors import ConfigError
from voicechat.providers.catalog import catalog
from voicechat.providers.catalog.catalog import Service

KEY = "sk-canary-0123456789"
NOTHING = Config()
ENVIRON = {
    "OPENAI_API_KEY": KEY,
    "GEMINI_API_KEY": KEY,
    "ZHIPUAI_API_KEY": KEY,
    "DASHSCOPE_API_KEY": KEY,
    "AZURE_OPENAI_API_KEY": KEY,
}


def config_of(name: str, **values: Any) -> Config:
    return Config(providers={name: Provider(**values)})


def serve(name: str, config: Config = NOTHING, **environ: str) -> Service:
    config = config or Config()
    choice = catalog.resolve(name, config=config, own_address=bool(config.url))
    return catalog.service_for(choice, {**ENVIRON, **environ}, config)


def fall_back(provider: str, config: Config = NOTHING, **environ: str) -> Service | None:
    return catalog.service_of_realtime(provider, {**ENVIRON, **environ}, config)


# -- an ordinary chat model -----------------------------------------------------------------------


def test_a_chat_model_is_served_by_its_provider() -> None:
    service = serve("gpt-5.9")
    assert service.url == "https://api.openai.com/v1"
    assert (service.title, service.kind, service.chat_model) == ("OpenAI", "openai", "gpt-5.9")
    assert (service.key, service.key_header) == (KEY, "")
    assert service.ears_model and service.mouth_model and service.voice


def test_gemini_gets_its_key_in_a_header_of_its_own() -> None:
    service = serve("gemini-3.8-flash")
    assert (service.kind, service.key_header) == ("gemini", "x-goog-api-key: {key}")
    assert (service.ears_kind, service.mouth_kind) == ("gemini", "gemini")


def test_the_users_section_counts_more_than_the_facts() -> None:
    own = {
        "http_url": "https://gateway.example/v1",
        "ears_model": "my-ears",
        "mouth_model": "my-mouth",
        "voice": "my-voice",
        "key_header": "X-Key: {key}",
        "headers": {"X-Team": "one"},
        "api_key": "file-key",
    }
    service = serve("chat/openai/gpt-5.9", config_of("openai", **own))
    assert service.url == "https://gateway.example/v1" and service.key == "file-key"
    assert (service.ears_model, service.mouth_model) == ("my-ears", "my-mouth")
    assert (service.voice, service.key_header) == ("my-voice", "X-Key: {key}")
    assert dict(service.headers) == {"X-Team": "one"}


def test_a_missing_key_names_its_variable_and_page() -> None:
    with pytest.raises(ConfigError, match="no key for xAI") as caught:
        serve("chat/grok-9")
    assert "XAI_API_KEY" in caught.value.hint and "https://" in caught.value.hint


def test_an_address_of_ones_own_gets_no_key_of_a_provider() -> None:
    for config in (
        Config(url="https://gw.example/v1"),
        config_of("chat", http_url="https://gw.example/v1"),
    ):
        service = serve("chat/openai/gpt-5.9", config)
        assert (service.url, service.key) == ("https://gw.example/v1", "")
        assert service.chat_model == "openai/gpt-5.9"
    own = config_of("chat", http_url="https://gw.example/v1", api_key_env="GATEWAY_KEY")
    assert serve("chat/x", own, GATEWAY_KEY="gateway-key").key == "gateway-key"


def test_without_an_address_it_is_ollama_on_this_machine() -> None:
    service = serve("chat/qwen3:8b")
    assert service.url == "http://127.0.0.1:11434/v1"
    assert (service.chat_model, service.key, service.ears_model) == ("qwen3:8b", "", "")
    assert serve("chat").chat_model == ""


def test_azure_is_served_at_the_users_endpoint() -> None:
    endpoint = {"AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com"}
    service = serve("chat/azure/my-chat", NOTHING, **endpoint)
    assert service.url == "https://mine.openai.azure.com/openai/v1"
    assert (service.chat_model, service.key_header) == ("my-chat", "api-key: {key}")
    token = {"AZURE_OPENAI_API_KEY": "eyJh.eyJz.c2ln", **endpoint}
    assert serve("chat/azure/my-chat", NOTHING, **token).key_header == ""
    with pytest.raises(ConfigError, match="no chat service") as caught:
        serve("chat/azure/my-chat")
    assert "http_url" in caught.value.hint


def test_a_server_of_ones_own_has_no_chat_service_until_it_is_named() -> None:
    with pytest.raises(ConfigError, match="no chat service"):
        serve("chat/custom/x")
    service = serve("chat/custom/x", config_of("custom", http_url="http://127.0.0.1:1/v1"))
    assert (service.url, service.chat_model) == ("http://127.0.0.1:1/v1", "x")


def test_an_international_key_leads_to_the_international_service() -> None:
    environ = {"ZAI_API_KEY": KEY, "ZHIPUAI_API_KEY": ""}
    assert serve("glm-4.7-flash", NOTHING, **environ).url == "https://api.z.ai/api/paas/v4"
    assert serve("glm-4.7-flash").url == "https://open.bigmodel.cn/api/paas/v4"


def test_no_key_is_ever_shown() -> None:
    config = config_of("openai", http_url=f"https://user:{KEY}@gw.example/v1", headers={"X": KEY})
    assert KEY not in repr(serve("chat/openai/gpt-5.9", config))


# -- in place of a realtime model -----------------------------------------------------------------


def test_a_realtime_provider_answers_by_its_chat_model() -> None:
    service = fall_back("gemini")
    assert service is not None
    assert (service.kind, service.url) == (
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta",
    )
    named = fall_back("openai", config_of("openai", chat_model="gpt-audio-1.5"))
    assert named is not None
    assert (named.chat_model, named.kind) == ("gpt-audio-1.5", "openai-sound")


@pytest.mark.parametrize("provider", ["local", "chat", "custom", "azure"])
def test_who_has_no_such_service_gives_none(provider: str) -> None:
    assert fall_back(provider) is None


def test_without_a_key_there_is_nothing_to_fall_back_to() -> None:
    assert fall_back("openai", OPENAI_API_KEY="") is None


@pytest.mark.parametrize(
    ("provider", "websocket", "http"),
    [
        ("openai", "wss://gw.example/v1/realtime", "https://gw.example/v1"),
        ("openai", "ws://127.0.0.1:9/v1/realtime?model=x", "http://127.0.0.1:9/v1"),
        ("openai", "wss://gw.example/openai/realtime", "https://gw.example/openai"),
        ("openai", "wss://gw.example", "https://gw.example/v1"),
        (
            "qwen",
            "wss://w.x.maas.aliyuncs.com/api-ws/v1/realtime",
            "https://w.x.maas.aliyuncs.com/compatible-mode/v1",
        ),
        ("gemini", "wss://gw.example", "https://gw.example/v1beta"),
    ],
)
def test_a_key_for_another_server_stays_with_that_server(
    provider: str, websocket: str, http: str
) -> None:
    in_file = config_of(provider, url=websocket, chat_model="x")
    by_option = replace(config_of(provider, chat_model="x"), url=websocket, model=provider)
    for config in (in_file, by_option):
        service = fall_back(provider, config)
        assert service is not None and (service.url, service.chat_model) == (http, "x")


def test_a_server_of_ones_own_is_not_guessed_to_serve_more() -> None:
    url = "wss://gw.example/v1/realtime"
    assert fall_back("openai", Config(url=url)) is None
    assert fall_back("openai", config_of("openai", url=url)) is None
    named = fall_back("openai", config_of("openai", url=url, http_url="https://gw.example/x"))
    assert named is not None and named.url == "https://gw.example/x"


@pytest.mark.parametrize("url", ["wss://gw.example/somewhere/else", "wss://[gw/v1/realtime"])
def test_a_server_whose_services_cannot_be_placed_has_none(url: str) -> None:
    assert fall_back("openai", config_of("openai", url=url, chat_model="x")) is None


def test_a_voice_that_speech_over_http_does_not_know_gives_way() -> None:
    for voice, expected in (("lovely_girl", "tongtong"), ("xiaochen", "xiaochen")):
        service = fall_back("glm", Config(voice=voice))
        assert service is not None and service.voice == expected
