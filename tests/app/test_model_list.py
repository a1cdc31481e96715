"""Every model to choose from: known, the user's own, and used before."""

from datetime import UTC, date, datetime
from pathlib import Path

from voicechat.app import model_list
from voicechat.config.schema import Config, ModelSection, Provider, Retirements
from voicechat.conversation.journal.used import FILE, remember
from voicechat.front.commands.listing import ModelRow
from voicechat.providers import names

KEY = "sk-canary-0123456789"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def find(folder: Path, config: Config | None = None, **environ: str) -> dict[str, ModelRow]:
    rows = model_list.find_models({"VOICECHAT_DATA": str(folder), **environ}, config or Config())
    assert len({row.name for row in rows}) == len(rows)
    return {row.name: row for row in rows}


def test_every_provider_is_there_with_its_facts(tmp_path: Path) -> None:
    before = Config(retirements=Retirements(day=date(2026, 12, 1)))
    rows = find(tmp_path, before, OPENAI_API_KEY=KEY)
    assert {row.provider for row in rows.values()} == set(names())
    row = rows["gpt-realtime"]
    assert (row.title, row.key_env, row.has_key, row.needs) == (
        "OpenAI",
        "OPENAI_API_KEY",
        True,
        "",
    )
    assert (row.status, row.shutdown, row.successor) == (
        "retiring",
        "2027-01-20",
        "gpt-realtime-2.1",
    )
    assert row.price is not None and row.price["audio_out"] == 64.0
    assert len(row.price_date) == 10 and "marin" in row.voices and row.last_used == ""
    assert (row.price_currency, row.price_grade, row.price_until) == ("USD", "documented", "")
    assert rows["local"].has_key and rows["local"].price is None
    assert rows["glm-realtime-flash"].price == {"minute": 0.18}
    assert rows["glm-realtime-flash"].price_currency == "CNY"
    assert rows["gemini-3.8-live"].price and "image_in" not in rows["gemini-3.8-live"].price


def test_a_chat_model_needs_the_key_of_its_service(tmp_path: Path) -> None:
    config = Config(providers={"glm": Provider(api_key_env="MY_GLM")})
    row = find(tmp_path, config)["glm-4.7-flash"]
    assert (row.provider, row.service, row.group) == ("chat", "glm", "Chat (HTTP) by GLM")
    assert (row.key_env, row.has_key, row.needs) == ("MY_GLM", False, "MY_GLM")
    assert row.key_page.startswith("https://")
    assert find(tmp_path, config, MY_GLM=KEY)["glm-4.7-flash"].has_key


def test_the_users_own_models_are_there(tmp_path: Path) -> None:
    config = Config(models={"mine": ModelSection("xai", ("voice",), ("one",))})
    row = find(tmp_path, config)["mine"]
    assert (row.provider, row.abilities, row.voices) == ("xai", ("voice",), ("one",))


def test_what_was_used_is_marked_and_unknown_names_join_their_provider(tmp_path: Path) -> None:
    for name in ("openai/gpt-realtime-2.1", "chat/glm/glm-4.7-flash", "chat/glm/glm-9", "nobody/x"):
        remember(tmp_path, name, NOON)
    rows = find(tmp_path)
    used = {name for name, row in rows.items() if row.last_used}
    assert used == {"gpt-realtime-2.1", "glm-4.7-flash", "chat/glm/glm-9", "openai/nobody/x"}
    groups = [row.group for row in rows.values()]
    assert sum(a != b for a, b in zip(groups, groups[1:], strict=False)) + 1 == len(set(groups))
    assert rows["chat/glm/glm-9"].service == "glm"


def test_what_was_used_and_cannot_be_understood_is_left_out(tmp_path: Path) -> None:
    before = find(tmp_path)
    (tmp_path / FILE).write_text('{"models": {"chat/azure": "2026-11-21T12:00:00Z"}}')
    assert find(tmp_path) == before
