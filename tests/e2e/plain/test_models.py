"""`voicechat models` by the real program: the table, the user's own models, and what was used."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.plain.program import KEY, MODEL, Program
from voicechat.app.retirements import EndsMemory
from voicechat.conversation.journal.used import FILE, remember


async def rows_of(program: Program, **env: str) -> dict[str, dict[str, Any]]:
    done = await program.run("models", "--json", env=env)
    assert (done.code, done.err) == (0, "")
    assert KEY not in done.out
    return {row["name"]: row for row in json.loads(done.out)}


async def test_the_list_for_programs_holds_all_that_the_picker_shows(program: Program) -> None:
    now = datetime.now(UTC)
    remember(program.data, f"openai/{MODEL}", now)
    end = (now.date() + timedelta(30)).isoformat()
    EndsMemory(program.data).keep_list("api.openai.com", {"gpt-realtime": end}, now.date())
    rows = await rows_of(program, OPENAI_API_KEY=KEY)
    row = rows[MODEL]
    assert datetime.fromisoformat(row["last_used"]) <= now
    assert (row["provider"], row["title"], row["status"]) == ("openai", "OpenAI", "current")
    assert (row["key_env"], row["has_key"]) == ("OPENAI_API_KEY", True)
    assert row["key_page"].startswith("https://") and len(row["price_date"]) == 10
    assert row["price"]["audio_in"] > 0 and "voice" in row["abilities"] and row["voices"]
    assert rows["gpt-realtime"]["shutdown"] == end
    assert rows["gpt-realtime"]["successor"] == MODEL
    assert rows["glm-4.7-flash"]["service"] == "glm" and not rows["glm-4.7-flash"]["has_key"]


async def test_the_users_own_models_are_listed(program: Program) -> None:
    program.config.write_text(
        '[models."my-realtime"]\nprovider = "openai"\nabilities = ["voice"]\n'
        "price = { text_in = 1.5 }\n"
    )
    row = (await rows_of(program))["my-realtime"]
    assert (row["provider"], row["abilities"]) == ("openai", ["voice"])
    assert row["price"]["text_in"] == 1.5


async def test_a_wrong_provider_of_a_model_names_the_nearest(program: Program) -> None:
    program.config.write_text('[models.mine]\nprovider = "opnai"\n')
    done = await program.run("models")
    assert (done.code, done.out) == (2, "")
    assert "'opnai'" in done.err and "'openai'" in done.err and len(done.complaints) == 1


async def test_a_damaged_memory_of_what_was_used_is_no_error(program: Program) -> None:
    program.data.mkdir(parents=True, exist_ok=True)
    (program.data / FILE).write_bytes(b"\x00 not JSON")
    assert (await rows_of(program))[MODEL]["last_used"] == ""
