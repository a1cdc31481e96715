"""[models.NAME] of the user's config, laid over the table."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from voicechat.config.schema import Config, ModelSection
from voicechat.errors import ConfigError
from voicechat.events import Cost, Usage
from voicechat.providers.catalog import catalog
from voicechat.providers.catalog.catalog import ModelChoice

MILLION = Usage(input_text=1_000_000)


def config_of(name: str, **values: Any) -> Config:
    return Config(models={name: ModelSection(**values)})


def test_a_new_model_is_found_listed_and_priced() -> None:
    config = config_of("mine", provider="gemini", abilities=("voice",), price={"text_in": 2})
    assert catalog.resolve("mine", config=config) == ModelChoice("gemini", "mine")
    (listed,) = [model for model in catalog.models(config) if model.name == "mine"]
    assert listed.abilities == ("voice",) and "Kore" in listed.voices
    assert catalog.price("mine", MILLION, config) == Cost(2.0, "USD")
    assert catalog.price("mine", replace(MILLION, output_audio=1), config) is None
    assert catalog.find("mine") is None and catalog.price("mine", MILLION) is None
    grouped = [model.provider for model in catalog.models(config)]
    assert sum(a != b for a, b in zip(grouped, grouped[1:], strict=False)) + 1 == len(set(grouped))


def test_a_known_model_keeps_what_the_user_does_not_say() -> None:
    before = catalog.find("gpt-realtime-2.1")
    after = catalog.find("gpt-realtime-2.1", config_of("gpt-realtime-2.1", voices=("one",)))
    assert before is not None and after is not None
    assert after.voices == ("one",)
    assert (after.price, after.abilities, after.provider) == (
        before.price,
        before.abilities,
        before.provider,
    )


def test_the_users_own_price_takes_the_place_of_all_that_is_known() -> None:
    config = config_of("glm-4-voice", price={"text_in": 11.0})
    model = catalog.find("glm-4-voice", config)
    assert model and (model.currency, model.grade) == ("USD", "")
    assert catalog.price("glm-4-voice", MILLION, config) == Cost(11.0, "USD")
    later = config_of("gemini-3.8-flash", price={"text_in": 0.5})
    assert catalog.price("gemini-3.8-flash", MILLION, later, date(2030, 1, 1)) == Cost(0.5, "USD")


def test_a_retired_model_can_be_the_users_own_again() -> None:
    config = config_of("gpt-4o-realtime-preview", provider="custom")
    assert catalog.resolve("gpt-4o-realtime-preview", config=config) == ModelChoice(
        "custom", "gpt-4o-realtime-preview"
    )


def test_a_new_chat_model_finds_its_service() -> None:
    choice = catalog.resolve("grok-9", config=config_of("grok-9", provider="chat"))
    assert (choice.provider, choice.service) == ("chat", "xai")
    own = catalog.resolve("kitchen", config=config_of("kitchen", provider="chat"))
    assert (own.provider, own.service) == ("chat", "")


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ({"provider": "opnai"}, "Did you mean 'openai'?"),
        ({"provider": "zzz"}, "There are: "),
        ({"provider": "openai", "abilities": ("voise",)}, "Did you mean 'voice'?"),
        ({"provider": "openai", "price": {"text_inn": 1.0}}, "Did you mean 'text_in'?"),
        ({"voices": ("one",)}, "Set provider"),
    ],
)
def test_a_wrong_section_names_the_nearest(values: dict[str, Any], hint: str) -> None:
    with pytest.raises(ConfigError, match=r"\[models\.'mine'\]") as caught:
        catalog.resolve("anything", config=config_of("mine", **values))
    assert hint in caught.value.hint
