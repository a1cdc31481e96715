"""Model retirement: every end that is known, the days around it, and whose list counts more."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from voicechat.app.targets import Dialing
from voicechat.config.schema import Config, Provider, Retirements, TalkSection
from voicechat.events import Tool
from voicechat.providers.catalog import catalog, table
from voicechat.providers.catalog.ends import Fate, helper_fate, provider_at
from voicechat.providers.catalog.services import Service
from voicechat.providers.gptlive.tool_calls import delegation

OPENAI = "https://api.openai.com/v1"
OWN = "https://speech.example/v1"
KEY = {"OPENAI_API_KEY": "sk-canary-0123456789"}
MODELS = {
    "gpt-realtime": ("2027-01-20", "gpt-realtime-2.1"),
    "gpt-realtime-2025-08-28": ("2027-01-20", "gpt-realtime-2.1"),
    "gpt-realtime-mini": ("2027-01-20", "gpt-realtime-2.1-mini"),
    "openai/gpt-realtime-mini-2025-12-15": ("2027-01-20", "gpt-realtime-2.1-mini"),
    "gpt-audio-mini": ("2027-01-20", "gpt-audio-1.5"),
    "chat/openai/gpt-audio-mini": ("2027-01-20", "gpt-audio-1.5"),
    "chat/gpt-5": ("2026-12-11", "gpt-6.1-sol"),
    "chat/gpt-5-pro-2025-10-06": ("2026-12-11", "gpt-6.1-sol"),
    "o3": ("2026-12-11", "gpt-6.1-sol"),
    "gpt-5-mini": ("2026-12-11", "gpt-6.1-terra"),
    "gpt-5-nano": ("2026-12-11", "gpt-6-luna"),
    "gpt-4o-mini": ("2027-01-14", "gpt-6-luna"),
    "gpt-4.1-2025-04-14": ("2027-01-14", "gpt-6-luna"),
    "gpt-5.1": ("2027-04-01", "gpt-6-luna"),
    "gpt-5.4-nano": ("2027-04-01", "gpt-6-luna"),
}
HELPERS = {
    "tts-1": ("2027-01-06", "gpt-audio-1.5"),
    "tts-1-hd": ("2027-01-06", "gpt-audio-1.5"),
    "gpt-4o-mini-tts": ("2027-01-06", "gpt-audio-1.5"),
    "gpt-4o-mini-tts-2025-12-15": ("2027-01-06", "gpt-audio-1.5"),
    "gpt-audio-mini": ("2027-01-20", "gpt-audio-1.5"),
    "whisper-1": ("2027-02-26", "gpt-transcribe"),
    "gpt-4o-transcribe": ("2027-02-26", "gpt-transcribe"),
    "gpt-4o-mini-transcribe": ("2027-02-26", "gpt-transcribe"),
    "gpt-4o-transcribe-diarize": ("2027-02-26", "gpt-transcribe"),
}
DAYS = {-61: "silent", -60: "announced", -1: "announced", 0: "replaced", 400: "replaced"}
"""Days after the end, and what happens on them."""


def on(day: date, **lists: dict[str, str]) -> Config:
    return Config(retirements=Retirements({"api.openai.com": lists.get("openai", {})}, day=day))


@pytest.mark.fault("P35")
@pytest.mark.parametrize("after", DAYS)
@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_announced_and_then_replaced(name: str, after: int) -> None:
    end, successor = MODELS[name]
    config = on(date.fromisoformat(end) + timedelta(after))
    choice = catalog.resolve(name, config=config)
    own = name.rpartition("/")[2]
    told = "replaced" if choice.notice else "announced" if choice.announced else "silent"
    assert told == DAYS[after]
    assert choice.model == (successor if after >= 0 else own)
    assert not (choice.notice or choice.announced) or end in f"{choice.notice}{choice.announced}"


@pytest.mark.fault("P35")
@pytest.mark.parametrize("after", DAYS)
@pytest.mark.parametrize("name", HELPERS)
def test_a_helper_model_is_announced_and_then_replaced(name: str, after: int) -> None:
    end, successor = HELPERS[name]
    config = on(date.fromisoformat(end) + timedelta(after))
    became = helper_fate(name, OPENAI, config)
    told = "replaced" if became.replaced else "announced" if became.announced else "silent"
    assert (told, became.name) == (DAYS[after], successor if after >= 0 else name)
    for url in (OWN, "http://127.0.0.1:8000/v1", "auto", "", "https://[broken"):
        assert helper_fate(name, url, config) == Fate(name), "that server knows what it has"


def test_the_hosts_of_a_provider_are_its_own() -> None:
    known = (
        "https://api.openai.com/v1",
        "wss://api.openai.com/v1/realtime",
        "https://eu.api.openai.com",
    )
    assert [provider_at(url) for url in known] == ["openai"] * 3
    others = ("https://api.openai.com.evil.example", "https://notapi.openai.com/v1", "x", "")
    assert [provider_at(url) for url in others] == [""] * 4


# -- the service's own list -----------------------------------------------------------------------


@pytest.mark.fault("P36")
@pytest.mark.parametrize(
    ("listed", "day", "model"),
    [
        ("2027-03-01", "2027-02-01", "gpt-realtime"),
        ("2027-03-01", "2027-03-01", "gpt-realtime-2.1"),
        ("2026-12-24", "2026-12-23", "gpt-realtime"),
        ("2026-12-24", "2026-12-24", "gpt-realtime-2.1"),
    ],
)
def test_the_services_own_list_counts_more(listed: str, day: str, model: str) -> None:
    config = on(date.fromisoformat(day), openai={"gpt-realtime": listed})
    choice = catalog.resolve("gpt-realtime", config=config)
    assert choice.model == model and listed in f"{choice.notice}{choice.announced}"
    names = {one.name for one in catalog.models(config)}
    assert ("gpt-realtime" in names) is (model == "gpt-realtime")


@pytest.mark.fault("P36")
def test_a_listed_end_of_a_model_that_nobody_knew_to_end() -> None:
    lists = {"gpt-9": "2027-05-05", "gpt-5.4-mini": "2027-05-05", "gpt-realtime-2.1": "2027-05-05"}
    soon, over = date(2027, 5, 1), date(2027, 5, 5)
    for name in ("chat/gpt-9", "gpt-realtime-2.1"):
        announced = catalog.resolve(name, config=on(soon, openai=lists)).announced
        assert "is switched off on 2027-05-05" in announced and "successor" not in announced
        after = catalog.resolve(name, config=on(over, openai=lists))
        assert name.endswith(after.model), "without a successor the service says the rest"
    assert helper_fate("gpt-5.4-mini", OPENAI, on(soon, openai=lists)).announced
    assert helper_fate("gpt-5.4-mini", OPENAI, on(over, openai=lists)).name == "gpt-6-luna"


@pytest.mark.parametrize(
    "name", ["gemini-3.1-flash-live-preview", "gemini-2.5-flash-native-audio-preview-12-2025"]
)
def test_a_doubtful_model_is_still_called_and_the_doubt_told(name: str) -> None:
    choice = catalog.resolve(name, config=on(date(2026, 12, 1)))
    assert choice.model == name and "may be gone since 2026-11-17" in choice.announced
    listed = {one.name: one for one in catalog.models()}["gemini-3.1-flash-live-preview"]
    assert listed.status == "doubtful" and "gemini-3.8-live" in listed.note


# -- OpenAI's own services ------------------------------------------------------------------------


def served(config: Config, name: str = "") -> Service:
    if name:
        return catalog.service_for(catalog.resolve(name, config=config), KEY, config)
    service = catalog.service_of_realtime("openai", KEY, config)
    assert service is not None
    return service


@pytest.mark.parametrize("provider", ["openai", "gptlive"])
def test_openai_itself_hears_and_speaks_by_one_model_over_https(provider: str) -> None:
    service = catalog.service_of_realtime(provider, KEY, Config())
    assert service is not None and service.url == OPENAI
    assert (service.chat_model, service.kind) == ("gpt-audio-1.5", "openai-sound")
    assert (service.mouth_model, service.mouth_kind) == ("gpt-audio-1.5", "openai_sound")
    assert catalog.resolve("chat/openai").model == "gpt-audio-1.5"


def test_a_chat_model_of_openai_has_its_words_read_aloud_by_it() -> None:
    service = served(Config(), "chat/gpt-5.9")
    assert (service.chat_model, service.kind) == ("gpt-5.9", "openai")
    assert (service.ears_model, service.ears_kind) == ("gpt-transcribe", "openai")
    assert (service.mouth_model, service.mouth_kind) == ("gpt-audio-1.5", "openai_sound")


def test_a_server_of_ones_own_keeps_the_names_of_that_shape() -> None:
    own = Provider(http_url=OWN, ears_model="whisper-1", mouth_model="tts-1")
    retirements = Retirements(day=date(2030, 1, 1))
    config = Config(providers={"openai": own}, retirements=retirements)
    service = served(config, "chat/gpt-5.9")
    assert (service.ears_model, service.mouth_model) == ("whisper-1", "tts-1")
    assert (service.mouth_kind, service.replaced, service.announced) == ("openai", (), ())
    usual = Config(providers={"openai": Provider(http_url=OWN)}, retirements=retirements)
    assert served(usual).mouth_model == "gpt-4o-mini-tts"
    assert (served(usual).kind, served(usual).chat_model) == ("openai", "gpt-5.4-mini")


def test_what_the_user_named_at_openai_gives_way_and_that_is_told() -> None:
    own = Provider(ears_model="whisper-1", mouth_model="tts-1-hd", chat_model="gpt-4o")
    days = ("2026-12-01", "2027-01-06", "2027-01-14", "2027-02-26")
    seen = []
    for day in days:
        retirements = Retirements(day=date.fromisoformat(day))
        service = served(Config(providers={"openai": own}, retirements=retirements))
        kinds = service.mouth_kind, len(service.announced), len(service.replaced)
        seen.append((service.chat_model, service.ears_model, service.mouth_model, *kinds))
    assert seen == [
        ("gpt-4o", "whisper-1", "tts-1-hd", "openai", 2, 0),
        ("gpt-4o", "whisper-1", "gpt-audio-1.5", "openai_sound", 2, 1),
        ("gpt-6-luna", "whisper-1", "gpt-audio-1.5", "openai_sound", 1, 2),
        ("gpt-6-luna", "gpt-transcribe", "gpt-audio-1.5", "openai_sound", 0, 3),
    ]


def test_every_helper_has_a_successor_that_stays() -> None:
    helpers = table.built_in().helpers
    ending = {row.name for row in helpers if row.shutdown}
    for row in helpers:
        assert row.successor and row.successor not in ending
        assert not row.shutdown or date.fromisoformat(row.shutdown)


@pytest.mark.fault("P35")
def test_who_writes_down_and_who_works_behind_gpt_live_end_too() -> None:
    lists = {"api.openai.com": {"gpt-5.4-mini": "2027-05-05"}}
    seen = []
    for day in (date(2026, 12, 1), date(2027, 5, 5)):
        config = Config(
            talk=TalkSection(transcription_model="whisper-1"),
            retirements=Retirements(lists, day=day),
        )
        dialing = Dialing(config, KEY)
        settings = [dialing.dial(name)().dialect.settings for name in ("openai", "gptlive")]
        seen.append((settings[0].transcription_model, settings[1].helper_model))
        own = Dialing(replace(config, url="wss://own.example/v1/realtime"), KEY)
        assert own.dial("openai")().dialect.settings.transcription_model == "whisper-1"
    assert seen == [("whisper-1", "gpt-5.4-mini"), ("gpt-transcribe", "gpt-6-luna")]
    tool = Tool("get_time", "", {})
    assert delegation([tool], "", "gpt-6-luna")["responses"]["model"] == "gpt-6-luna"
