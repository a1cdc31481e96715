"""Which address and which key belong together: every way to give an address, and every switch."""

from dataclasses import replace
from typing import Any

import pytest

from voicechat.config.schema import Config, Provider
from voicechat.errors import ConfigError
from voicechat.providers import dialect_class, names
from voicechat.providers.catalog import catalog, ownership

GIVEN, SECTION, ENDPOINT = "wss://given.example/v1", "wss://section.example/v1", "wss://env.example"
REALTIME = [name for name in names() if name != "chat"]
KEYED = [name for name in REALTIME if dialect_class(name).profile.key_env]
OF_THE_USER = ("openai", "custom", "chat")
"""Whose an address is that was named alone."""


def key_of(provider: str) -> str:
    return f"canary-{provider}"


def environ_of(config: Config) -> dict[str, str]:
    """A key for every provider, each another one, each in a variable of its own."""
    return {section.api_key_env: key_of(name) for name, section in config.providers.items()}


def config_of(**values: Any) -> Config:
    sections = {name: Provider(api_key_env=f"KEY_OF_{name.upper()}") for name in names()}
    return replace(Config(providers=sections), **values)


def reach(provider: str, config: Config, **environ: str) -> tuple[str, str]:
    """Address and key; an address of a provider that has none but the user's is a refusal."""
    try:
        to = ownership.destination(provider, {**environ_of(config), **environ}, config)
    except ConfigError:
        return "", ""
    return to.url, to.key


@pytest.mark.fault("S16")
@pytest.mark.parametrize("to", REALTIME)
@pytest.mark.parametrize("owner", names())
def test_an_address_named_with_a_model_is_for_models_of_that_provider(owner: str, to: str) -> None:
    config = config_of(url=GIVEN, model=f"{owner}/any-model")
    given = reach(to, config)
    if to == owner:
        assert given == (GIVEN, key_of(to))
    elif dialect_class(to).profile.needs_url:
        assert given == ("", "")
    else:
        assert given == ("", key_of(to))


@pytest.mark.fault("S16")
@pytest.mark.parametrize("to", REALTIME)
@pytest.mark.parametrize("owner", names())
def test_an_address_stays_with_its_model_when_another_one_is_asked_for(owner: str, to: str) -> None:
    """On the command line, or because a conversation of another model is resumed."""
    config = config_of(url=GIVEN, url_model=f"{owner}/any-model", model=f"{to}/another")
    assert (reach(to, config)[0] == GIVEN) is (to == owner)


@pytest.mark.fault("S16")
@pytest.mark.parametrize("to", REALTIME)
def test_an_address_named_alone_is_openais_or_for_servers_of_ones_own(to: str) -> None:
    for config in (config_of(url=GIVEN), config_of(url=GIVEN, url_model="", model=f"{to}/m")):
        assert (reach(to, config)[0] == GIVEN) is (to in OF_THE_USER)


@pytest.mark.fault("S16")
@pytest.mark.parametrize("to", REALTIME)
@pytest.mark.parametrize("owner", names())
def test_an_address_of_a_section_is_for_its_provider_alone(owner: str, to: str) -> None:
    config = config_of()
    own = replace(config.providers[owner], url=SECTION)
    config = replace(config, providers={**config.providers, owner: own})
    assert reach(to, config) == (SECTION if to == owner else "", key_of(to))
    beside = replace(config, url=GIVEN, model="openai/any-model")
    wanted = GIVEN if to == "openai" else SECTION if to == owner else ""
    is_stranded = dialect_class(to).profile.needs_url and not wanted
    assert reach(to, beside) == (wanted, "" if is_stranded else key_of(to))


@pytest.mark.fault("S16")
@pytest.mark.parametrize("to", KEYED)
def test_an_endpoint_of_the_environment_is_for_its_provider_alone(to: str) -> None:
    config = config_of()
    found = reach(to, config, AZURE_OPENAI_ENDPOINT=ENDPOINT)
    assert found == (ENDPOINT if to == "azure" else "", key_of(to))
    given = config_of(url=GIVEN, model="openai/m")
    assert (reach(to, given, AZURE_OPENAI_ENDPOINT=ENDPOINT)[0] == GIVEN) is (to == "openai")


@pytest.mark.fault("S16")
@pytest.mark.parametrize("to", KEYED)
@pytest.mark.parametrize("owner", names())
def test_services_over_http_keep_to_the_rule(owner: str, to: str) -> None:
    """What answers where no WebSocket gets through, and the provider's chat models."""
    config = config_of(url=GIVEN, model=f"{owner}/any-model")
    instead = catalog.service_of_realtime(to, environ_of(config), config)
    own = replace(config.providers[to], chat_model="x")
    config = replace(config, providers={**config.providers, to: own})
    named = catalog.service_of_realtime(to, environ_of(config), config)
    services = [service for service in (instead, named) if service]
    if dialect_class(to).profile.http and to != "azure":
        choice = catalog.resolve(f"chat/{to}/a-model", config=config)
        services.append(catalog.service_for(choice, environ_of(config), config))
    for service in services:
        at_given = service.url.startswith("https://given.example")
        assert service.key == key_of(to)
        assert not at_given or to == owner, service.url


def test_the_users_own_chat_server_gets_no_address_of_another() -> None:
    chat = catalog.resolve("chat/llama", own_address=True)
    for model, url in (("openai/m", "http://127.0.0.1:11434/v1"), ("chat/llama", GIVEN)):
        config = config_of(url=GIVEN, model=model)
        assert catalog.service_for(chat, environ_of(config), config).url == url


@pytest.mark.parametrize(
    ("provider", "what"), [("azure", "AZURE_OPENAI_ENDPOINT or url in"), ("custom", "url in")]
)
def test_one_without_an_address_of_its_own_says_what_to_set(provider: str, what: str) -> None:
    config = config_of(url=GIVEN, model="gemini/m")
    with pytest.raises(ConfigError, match="belongs to Gemini") as caught:
        ownership.destination(provider, environ_of(config), config)
    assert what in caught.value.hint and f"[providers.{provider}]" in caught.value.hint
    assert "canary" not in str(caught.value) and GIVEN not in str(caught.value)
    assert catalog.missing(provider, environ_of(config), config)


def test_a_key_is_still_asked_for_where_the_address_is_anothers() -> None:
    config = Config(url=GIVEN, model="openai/m")
    assert ownership.key_for("openai", {}, config) == ""
    for provider in ("gemini", "glm", "xai"):
        with pytest.raises(ConfigError, match="There is no key"):
            ownership.key_for(provider, {}, config)


def test_an_address_that_is_not_dialled_is_told_of() -> None:
    config = Config(url=GIVEN, url_model="openai/m")
    told = ownership.with_word_of_address(catalog.resolve("gemini/m"), config).notice
    assert told == "The address in url was given for OpenAI, so Gemini is reached at its own"
    retired = ownership.with_word_of_address(
        replace(catalog.resolve("gemini/m"), notice="It is old"), config
    )
    assert retired.notice.startswith("It is old; the address in url was given for OpenAI")
    for name in ("openai/other", "local"):
        assert not ownership.with_word_of_address(catalog.resolve(name), config).notice
    chat = catalog.resolve("chat/xai/m")
    assert "so xAI is reached" in ownership.with_word_of_address(chat, config).notice
