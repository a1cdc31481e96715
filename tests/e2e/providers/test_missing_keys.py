"""Without a key every provider says in one line which variable to set, and where to get it."""

import pytest

from tests.e2e.plain.program import Program
from voicechat.providers import dialect_class, names

KEYED = [name for name in names() if dialect_class(name).profile.key_env]
CHAT_MODELS = {
    "gpt-audio-1.5": "openai",
    "chat/gpt-5.4-mini": "openai",
    "glm-5.1": "glm",
    "glm-4-voice": "glm",
    "gemini-3.8-flash": "gemini",
    "qwen3.5-omni-plus": "qwen",
    "chat/grok-4.3": "xai",
    "chat/step-3.5-flash": "stepfun",
}


def check_line(line: str, provider: str) -> None:
    profile = dialect_class(provider).profile
    assert profile.title in line
    assert f"Set {profile.key_env[0]} " in line and profile.key_page in line


def test_every_provider_names_a_page() -> None:
    assert len(KEYED) >= 8 and all(dialect_class(name).profile.key_page for name in KEYED)


@pytest.mark.parametrize("provider", KEYED)
async def test_a_realtime_model_without_a_key(program: Program, provider: str) -> None:
    model = "azure/my-voice" if provider == "azure" else provider
    done = await program.run("--plain", "--model", model, stdin="hello\n")
    check_line(done.failed_with_one_line(2), provider)


@pytest.mark.parametrize("model", CHAT_MODELS)
async def test_a_chat_model_without_a_key(program: Program, model: str) -> None:
    done = await program.run("--plain", "--model", model, stdin="hello\n")
    check_line(done.failed_with_one_line(2), CHAT_MODELS[model])


@pytest.mark.parametrize("provider", KEYED)
async def test_its_way_over_http_without_a_key(program: Program, provider: str) -> None:
    model = "azure/my-voice" if provider == "azure" else provider
    done = await program.run("--plain", "--link", "http", "--model", model, stdin="hello\n")
    check_line(done.failed_with_one_line(2), provider)


async def test_a_misspelt_model_is_told_as_that(program: Program) -> None:
    done = await program.run("--plain", "--model", "gimini-3.8-live", stdin="hello\n")
    line = done.failed_with_one_line(2)
    assert "did you mean gemini-3.8-live?" in line
    assert "There is no key for OpenAI. Set OPENAI_API_KEY" in line
