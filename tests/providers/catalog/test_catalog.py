"""What is known of models: whose a name is, what it costs, and what the user is told."""

from datetime import date
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

import pytest

from voicechat.config.schema import Config, Provider, Retirements
from voicechat.errors import ConfigError
from voicechat.events import Usage
from voicechat.providers import dialect_class, names
from voicechat.providers.base import Dialect, Settings
from voicechat.providers.catalog import catalog
from voicechat.providers.catalog import table as catalog_table
from voicechat.providers.catalog.catalog import ModelChoice

KEY = "sk-canary-0123456789"


def on(day: str) -> Config:
    return Config(retirements=Retirements(day=date.fromisoformat(day)))


def with_provider(name: str, provider: Provider) -> Config:
    return Config(providers={name: provider})


# -- providers ------------------------------------------------------------------------------------


def test_providers_are_found_by_their_module_name() -> None:
    assert {"openai", "local"} <= set(names())
    assert not {"base", "catalog"} & set(names())
    assert not any("_" in name for name in names())


@pytest.mark.parametrize("name", names())
def test_every_provider_is_named_as_its_module(name: str) -> None:
    dialect = dialect_class(name)
    assert issubclass(dialect, Dialect)
    assert dialect.profile.name == name
    assert "{model}" in dialect.profile.url


@pytest.mark.parametrize(
    ("name", "hint"),
    [("opnai", "Did you mean 'openai'?"), ("zzz", "There are: "), ("base", "There are: ")],
)
def test_an_unknown_provider_names_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="No provider is called") as caught:
        dialect_class(name)
    assert caught.value.hint.startswith(hint)


def test_a_providers_name_cannot_steer_the_terminal() -> None:
    with pytest.raises(ConfigError) as caught:
        dialect_class("\x1b[31m\u202e")
    assert str(caught.value).isprintable()


# -- whose model is it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("gpt-realtime-2.1", ModelChoice("openai", "gpt-realtime-2.1")),
        ("gpt-realtime-2.1-2026-07-06", ModelChoice("openai", "gpt-realtime-2.1-2026-07-06")),
        ("gpt-realtime-9-ultra", ModelChoice("openai", "gpt-realtime-9-ultra")),
        ("my-own-model", ModelChoice("openai", "my-own-model")),
        ("openai/whatever/it-is", ModelChoice("openai", "whatever/it-is")),
        ("somebody/whatever", ModelChoice("openai", "somebody/whatever")),
        ("openai", ModelChoice("openai", "gpt-realtime-2.1")),
        ("local", ModelChoice("local", "local")),
        ("local/x", ModelChoice("local", "x")),
    ],
)
def test_a_name_leads_to_its_provider_without_a_notice(name: str, choice: ModelChoice) -> None:
    assert catalog.resolve(name) == choice


def test_a_name_that_says_nothing_goes_to_the_given_provider() -> None:
    assert catalog.resolve("my-own-model", "local") == ModelChoice("local", "my-own-model")


@pytest.mark.parametrize(
    ("name", "successor"),
    [
        ("gpt-4o-realtime", "gpt-realtime-2.1"),
        ("gpt-4o-realtime-preview", "gpt-realtime-2.1"),
        ("gpt-4o-realtime-preview-2024-10-01", "gpt-realtime-2.1"),
        ("gpt-4o-realtime-preview-2025-06-03", "gpt-realtime-2.1"),
        ("gpt-4o-mini-realtime", "gpt-realtime-2.1-mini"),
        ("gpt-4o-mini-realtime-preview-2024-12-17", "gpt-realtime-2.1-mini"),
        ("gpt-realtime-mini-2025-10-06", "gpt-realtime-2.1-mini"),
    ],
)
def test_a_retired_name_leads_to_its_successor_and_says_so(name: str, successor: str) -> None:
    choice = catalog.resolve(name)
    assert (choice.provider, choice.model) == ("openai", successor)
    assert name in choice.notice and successor in choice.notice
    assert catalog.resolve(name, own_address=True) == ModelChoice("openai", name)


@pytest.mark.parametrize(
    "name",
    [
        "gpt-realtime",
        "gpt-realtime-2025-08-28",
        "gpt-realtime-mini",
        "gpt-realtime-mini-2025-12-15",
    ],
)
def test_a_retiring_name_still_works_and_names_the_day(name: str) -> None:
    choice = catalog.resolve(name, config=on("2026-12-01"))
    assert (choice.model, choice.notice) == (name, "")
    assert "2027-01-20" in choice.announced


# -- keys -----------------------------------------------------------------------------------------


def test_without_any_key_the_built_in_model_answers() -> None:
    assert catalog.default_choice({}, Config()) == ModelChoice("local", "local")
    assert catalog.default_choice({"OPENAI_API_KEY": "  "}, Config()).provider == "local"


def test_the_first_provider_with_a_key_is_chosen() -> None:
    openai = ModelChoice("openai", "gpt-realtime-2.1")
    assert catalog.default_choice({"OPENAI_API_KEY": KEY}, Config()) == openai
    assert catalog.default_choice({}, with_provider("openai", Provider(KEY))) == openai
    named = with_provider("openai", Provider(api_key_env="MY_KEY", model="gpt-realtime-2"))
    assert catalog.default_choice({"MY_KEY": KEY}, named) == ModelChoice("openai", "gpt-realtime-2")


def test_our_own_settings_go_before_the_shared_variable() -> None:
    environ = {"OPENAI_API_KEY": "shared-key", "MINE": "named-key\n"}
    assert catalog.key_for("openai", environ, Config()) == "shared-key"
    config = with_provider("openai", Provider("file-key"))
    assert catalog.key_for("openai", environ, config) == "file-key"
    config = with_provider("openai", Provider("file-key", api_key_env="MINE"))
    assert catalog.key_for("openai", environ, config) == "named-key"
    assert catalog.key_for("openai", {}, config) == "file-key"


def test_a_missing_key_says_what_to_set_and_where_to_get_it() -> None:
    with pytest.raises(ConfigError, match="no key for OpenAI") as caught:
        catalog.key_for("openai", {}, Config())
    assert "OPENAI_API_KEY" in caught.value.hint and "https://" in caught.value.hint
    with pytest.raises(ConfigError) as caught:
        catalog.key_for("openai", {}, with_provider("openai", Provider(api_key_env="MINE")))
    assert "Set MINE (get one at" in caught.value.hint
    with pytest.raises(ConfigError) as caught:
        catalog.key_for("glm", {}, Config())
    assert "Set ZHIPUAI_API_KEY or ZAI_API_KEY (get one at" in caught.value.hint


@pytest.mark.parametrize(
    ("provider", "environ", "own", "place"),
    [
        ("glm", {"ZAI_API_KEY": KEY}, Provider(), "ZAI_API_KEY"),
        ("gemini", {"GOOGLE_API_KEY": KEY}, Provider(), "GOOGLE_API_KEY"),
        ("openai", {"MINE": KEY}, Provider(api_key_env="MINE"), "MINE"),
        ("openai", {"OPENAI_API_KEY": KEY}, Provider(KEY), "[providers.openai] of the config"),
        ("openai", {}, Provider(url="ws://127.0.0.1:1/"), "OPENAI_API_KEY"),
        ("custom", {}, Provider(api_key_env="MINE"), "MINE"),
        ("custom", {}, Provider(), "api_key in [providers.custom]"),
    ],
)
def test_it_is_known_where_a_key_is_or_belongs(
    provider: str, environ: dict[str, str], own: Provider, place: str
) -> None:
    assert catalog.key_place(provider, environ, with_provider(provider, own)) == place


@pytest.mark.parametrize("name", ["openai", "azure", "glm", "gemini", "qwen", "gptlive", "custom"])
def test_what_to_do_about_a_refused_key_names_its_place(name: str) -> None:
    kind = dialect_class(name)
    page = kind.profile.key_page
    hint = kind(Settings("some-model", KEY, key_place="MINE")).key_hint()
    assert hint.startswith("Check the key in MINE") and KEY not in hint
    assert page in hint and kind.key_note in hint
    missing = kind(Settings("some-model", key_place="MINE")).key_hint()
    assert missing == (f"Set MINE (get one at {page})" if page else "Set MINE")


def test_no_key_is_needed_for_the_built_in_model_or_a_server_of_ones_own() -> None:
    assert catalog.key_for("local", {}, Config()) == ""
    assert catalog.key_for("openai", {}, Config(url="ws://127.0.0.1:1/")) == ""
    own = with_provider("openai", Provider(url="ws://127.0.0.1:1/"))
    assert catalog.key_for("openai", {}, own) == ""
    assert catalog.key_for("openai", {"OPENAI_API_KEY": KEY}, own) == KEY


def test_whether_there_is_a_key_can_be_asked() -> None:
    assert catalog.has_key("local", {}, Config())
    assert catalog.has_key("openai", {"OPENAI_API_KEY": KEY}, Config())
    assert not catalog.has_key("openai", {}, Config())


def test_what_is_missing_has_a_name() -> None:
    azure = {"AZURE_OPENAI_API_KEY": KEY}
    assert catalog.missing("openai", {}, Config()) == "OPENAI_API_KEY"
    assert catalog.missing("openai", {}, with_provider("openai", Provider(api_key_env="MINE"))) == (
        "MINE"
    )
    assert catalog.missing("azure", azure, Config()) == "AZURE_OPENAI_ENDPOINT"
    assert catalog.missing("azure", {**azure, "AZURE_OPENAI_ENDPOINT": "x"}, Config()) == ""
    assert catalog.missing("custom", {}, Config()) == "--url"
    assert catalog.missing("custom", {}, Config(url="ws://127.0.0.1:1/")) == ""


def test_a_key_of_the_international_service_leads_to_its_address() -> None:
    international = catalog.url_for("glm", {"ZAI_API_KEY": "id.secret"}, Config())
    assert urlsplit(international).hostname == "api.z.ai"
    assert catalog.url_for("glm", {"ZHIPUAI_API_KEY": "id.secret"}, Config()) == ""
    both = {"ZHIPUAI_API_KEY": "id.secret", "ZAI_API_KEY": "id.secret"}
    assert catalog.url_for("glm", both, Config()) == ""
    named = with_provider("glm", Provider(api_key_env="ZAI_API_KEY"))
    assert catalog.url_for("glm", both, named) == international
    in_file = with_provider("glm", Provider(api_key="id.secret"))
    assert catalog.url_for("glm", {"ZAI_API_KEY": "id.secret"}, in_file) == ""


def test_a_damaged_key_is_named_by_its_variable_only() -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is damaged") as caught:
        catalog.key_for("openai", {"OPENAI_API_KEY": f"{KEY}\x00x"}, Config())
    assert KEY not in str(caught.value)


# -- money ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        ("gpt-realtime-2.1", Usage(input_text=1_000_000), 4.00),
        ("gpt-realtime-2.1", Usage(input_text=1_000_000, cached_text=1_000_000), 0.40),
        ("gpt-realtime-2.1", Usage(input_audio=1_000_000), 32.00),
        ("gpt-realtime-2.1", Usage(output_audio=1_000_000), 64.00),
        ("gpt-realtime-2.1", Usage(output_text=1_000_000), 24.00),
        ("gpt-realtime-2.1", Usage(input_image=1_000_000, cached_image=500_000), 2.75),
        ("gpt-realtime-2.1-mini", Usage(input_audio=600, cached_audio=100), 0.00503),
        ("gpt-realtime-2025-08-28", Usage(output_text=1_000_000), 16.00),
        ("gpt-realtime-2.1", Usage(input_text=100, cached_text=900), 0.00004),
        (
            "gpt-realtime-2.1",
            Usage(300, 150, 100, 200, 0, 50, 120, 0, 30, 120),
            (50 * 4 + 50 * 0.4 + 80 * 32 + 120 * 0.4 + 30 * 24 + 120 * 64) / 1e6,
        ),
    ],
)
def test_cached_tokens_are_part_of_the_inputs(model: str, usage: Usage, usd: float) -> None:
    cost = catalog.price(model, usage)
    assert cost and cost.currency == "USD" and cost.amount == pytest.approx(usd)


def test_what_is_not_known_has_no_price() -> None:
    assert catalog.price("my-own-model", Usage(input_text=5)) is None
    assert catalog.price("local", Usage(input_text=5)) is None
    assert catalog.price("gpt-realtime-2.1", Usage(input_tokens=5, output_tokens=5)) is None


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("gemini-3.8-live", Usage(input_audio=25, input_image=258, output_audio=25)),
        ("gemini-3.8-flash", Usage(input_text=10, output_text=10, output_audio=20)),
        ("glm-realtime-flash", Usage(input_audio=10, output_audio=10)),
        ("gpt-live-1", Usage(input_audio=10, output_audio=10)),
        ("gpt-live-1", Usage(active_s=60.0, standby_s=60.0)),
        ("gpt-realtime-2.1", Usage(connected_s=60.0)),
        ("grok-voice-latest", Usage()),
        ("gpt-live-1.1", Usage(items=5)),
    ],
)
def test_what_has_no_known_price_is_never_taken_for_free(model: str, usage: Usage) -> None:
    assert catalog.price(model, usage) is None


@pytest.mark.parametrize(
    ("model", "usage", "cost"),
    [
        ("gpt-live-1.1", Usage(connected_s=60.0), (0.05, "USD")),
        ("gpt-live-1.1", Usage(connected_s=90.0, active_s=60.0, standby_s=30.0), (0.06, "USD")),
        ("gpt-live-1.1-2026-11-20", Usage(standby_s=60.0), (0.02, "USD")),
        ("gpt-live-1-2026-05-01", Usage(active_s=60.0), (0.05, "USD")),
        ("grok-voice-latest", Usage(connected_s=60.0, items=2), (0.088, "USD")),
        ("grok-voice-latest", Usage(items=60), (0.24, "USD")),
        ("glm-realtime-flash", Usage(connected_s=60.0, output_audio=10), (0.18, "CNY")),
        ("glm-4-voice", Usage(input_text=1_000_000, output_text=1_000_000), (160.0, "CNY")),
        ("qwen-audio-3.0-realtime-flash", Usage(output_audio=1_000_000), (100.0, "CNY")),
    ],
)
def test_minutes_and_messages_have_prices_in_their_currency(
    model: str, usage: Usage, cost: tuple[float, str]
) -> None:
    found = catalog.price(model, usage)
    assert found and found.amount == pytest.approx(cost[0]) and found.currency == cost[1]


def test_cached_tokens_without_a_price_of_their_own_cost_as_new_ones() -> None:
    usage = Usage(input_text=1_000_000, cached_text=400_000)
    cost = catalog.price("gemini-3.8-flash", usage, day=date(2026, 12, 1))
    assert cost and cost.amount == pytest.approx(0.75)


def test_an_announced_price_holds_from_its_day_on() -> None:
    usage = Usage(input_text=1_000_000, output_text=1_000_000)
    days = date(2026, 12, 31), date(2027, 1, 1)
    prices = [catalog.price("gemini-3.8-flash", usage, day=day) for day in days]
    assert [cost and cost.amount for cost in prices] == pytest.approx([4.50, 9.00])


# -- the data -------------------------------------------------------------------------------------


def test_the_list_has_every_provider_and_nothing_that_is_gone() -> None:
    listed = catalog.models(on("2026-12-01"))
    assert {model.provider for model in listed} == set(names())
    assert all(model.status != "retired" for model in listed)
    assert len({model.name for model in listed}) == len(listed)
    assert "2027-01-20" in next(one.note for one in listed if one.name == "gpt-realtime")
    assert (
        "reasoning" not in next(one for one in listed if one.name == "gpt-realtime-1.5").abilities
    )


def test_what_a_model_can_do_is_known_of_its_own_provider_only() -> None:
    assert "images" not in catalog.abilities("glm-4-voice", "chat", "glm")
    assert "images" in catalog.abilities("glm-4.6v", "chat", "glm")
    assert catalog.abilities("glm-4.6v", "chat") == (), "a server of one's own"
    assert catalog.abilities("gpt-realtime-2.1", "custom") == ()
    assert "tools" in catalog.abilities("gpt-realtime-2.1-2026-07-06", "openai")


def test_every_provider_starts_with_a_model_that_stays() -> None:
    for name in names():
        model = catalog.find(dialect_class(name).profile.default_model)
        assert model is None or (model.status, model.provider) == ("current", name)


def test_the_data_is_of_one_piece() -> None:
    table = catalog_table.built_in()
    assert len(catalog.date()) == 10
    for model in table.models:
        assert {model.provider, model.key_holder} <= table.families.keys() & set(names())
        family = table.families[model.key_holder]
        patterns = family.chat_patterns if model.service else family.patterns
        assert any(fnmatchcase(model.name, one) for one in patterns)
        assert bool(model.service) is (model.provider == "chat")
        found = catalog.find(model.name)
        assert found is not None and found.name == model.name
        if model.shutdown:
            successor = catalog.find(model.successor)
            assert successor is None or not successor.shutdown, "a successor that ends as well"
            assert catalog.resolve(model.successor).provider == model.provider
            assert date.fromisoformat(model.shutdown) > date(2025, 1, 1)
        assert set(model.abilities) <= set(catalog.ABILITIES)
        assert bool(model.price) is bool(model.grade), "nobody knows how sure that price is"
        assert bool(model.later_price) is bool(model.price_until)


def test_every_way_to_speak_to_a_chat_model_is_known() -> None:
    known = {"openai", "gemini", "openai-sound", "glm-sound", "qwen-sound"}
    families = catalog_table.built_in().families.values()
    assert {way for one in families for way in (one.chat_ways or {}).values()} <= known
