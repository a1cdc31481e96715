"""The real program and the stand-in for Qwen."""

import pytest

from tests.e2e.plain.program import KEY, Program
from tests.e2e.providers.family_calls import Member, hears_all
from tests.fakes.qwen_server import QwenServer

MODELS = (
    "qwen3.5-omni-flash-realtime",
    "qwen3-omni-flash-realtime",
    "qwen3.8-omni-flash-realtime",
    "qwen-audio-3.0-realtime-plus",
)


def member(model: str = MODELS[0]) -> Member:
    return Member(QwenServer, f"qwen/{model}", "DASHSCOPE_API_KEY")


@pytest.mark.parametrize("model", MODELS)
async def test_a_typed_line_is_answered_in_every_style(program: Program, model: str) -> None:
    server = await member(model).answers_a_typed_line(program)
    asked = server.log.of("session.update")[0]["session"]
    assert asked["modalities"] == ["text"]


@pytest.mark.parametrize("model", [MODELS[0], MODELS[2]])
async def test_a_spoken_turn_is_heard_at_16_khz_and_answered(program: Program, model: str) -> None:
    server = await member(model).answers_a_spoken_turn(program)
    assert hears_all(server)
    sent = sum(message["audio"]["bytes"] for message in server.log.of("input_audio_buffer.append"))
    assert abs(sent / 32 - 1200) < 150


async def test_a_bad_key_is_told_in_one_line(program: Program) -> None:
    line = await member().says_that_the_key_is_bad(program)
    assert "401" in line and "Check the key in DASHSCOPE_API_KEY" in line
    assert "good in one region only" in line


async def test_a_model_of_a_workspace_needs_its_address(program: Program) -> None:
    model = f"qwen/{MODELS[2]}"
    env = {"DASHSCOPE_API_KEY": KEY}
    done = await program.run("--plain", "--model", model, stdin="hello\n", env=env)
    assert "WORKSPACE.REGION" in done.failed_with_one_line(2)
