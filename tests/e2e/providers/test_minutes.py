"""The real program tells what minutes and messages cost, by the provider's count or the clock."""

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.plain.program import JsonObject, Program
from tests.e2e.providers.test_gptlive import KEY, dial, serving, stage, write_wav
from tests.e2e.providers.test_gptlive import call as call_gptlive
from tests.e2e.voice.conftest import Stage
from tests.fakes.ga_signal import silence, tone
from tests.fakes.gptlive_script import SCRIPTS
from tests.fakes.gptlive_server import GptLiveServer
from tests.fakes.pulse import wait_until
from tests.fakes.terminal import Terminal, check_after
from tests.fakes.xai_server import ITEM_USD, XaiServer

__all__ = ["stage"]  # A fixture.

GROK = "xai/grok-voice-latest"
GROK_MINUTE = 0.08
LIVE_MINUTE, STANDBY_MINUTE = 0.05, 0.02


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


async def ask_grok(program: Program, server: XaiServer, *options: str, stdin: str) -> Any:
    command = ("--plain", "--json", "--url", server.url, "--model", GROK, *options)
    return await program.run(*command, stdin=stdin, env={"XAI_API_KEY": KEY})


def tokens_of(usage: JsonObject) -> JsonObject:
    return {name: much for name, much in usage.items() if "token" in name or "put_" in name}


@pytest.mark.fault("P38")
async def test_minutes_and_messages_of_xai_are_on_the_bill(program: Program) -> None:
    async with XaiServer("normal", api_key=KEY) as server:
        began = time.monotonic()
        done = await ask_grok(program, server, "--no-save", stdin="one\ntwo\nthree\n")
        lasted_s = time.monotonic() - began
    assert done.code == 0, done.err
    ends = done.of("reply_done")
    assert [end["usage"]["items"] for end in ends] == [1, 1, 1]
    seconds = sum(end["usage"]["connected_s"] for end in ends)
    assert 0 < seconds < lasted_s
    wanted = 3 * ITEM_USD + seconds / 60 * GROK_MINUTE
    assert ends[-1]["cost"]["USD"] == pytest.approx(wanted, abs=0.0005)
    assert ends[0]["cost"]["USD"] < ends[1]["cost"]["USD"] < ends[2]["cost"]["USD"]
    (end,) = done.of("end")
    assert end["cost"]["USD"] >= ends[-1]["cost"]["USD"] and not end["is_cost_partial"]
    assert server.items_usd == pytest.approx(3 * ITEM_USD)


@pytest.mark.fault("P39")
async def test_a_long_past_costs_xai_users_nothing(program: Program) -> None:
    lines = [f"This is line {number}." for number in range(30)]
    async with XaiServer("normal", api_key=KEY) as server:
        first = await ask_grok(program, server, stdin="\n".join(lines) + "\n")
    assert first.code == 0, first.err
    async with XaiServer("recall", api_key=KEY) as server:
        done = await ask_grok(program, server, "--resume", stdin="And now?\n")
    assert done.code == 0, done.err
    assert len(done.of("past")) >= 60
    assert server.items_usd == ITEM_USD
    (told,) = done.of("reply_text")
    assert (
        "The user: This is line 0." in told["text"] and "The user: This is line 29." in told["text"]
    )
    assert done.of("reply_done")[0]["usage"]["items"] == 1
    assert server.violations == []


@pytest.mark.fault("P38")
async def test_gpt_live_costs_by_its_own_count_and_less_while_it_stands_by(
    program: Program,
) -> None:
    write_wav(program.home / "say.wav", silence(3000) + tone(700))
    async with GptLiveServer("idle", api_key=KEY) as server:
        done = await call_gptlive(program, server, "--hands-free", "--say", "say.wav", "--json")
    assert done.code == 0, done.err
    names = [event["event"] for event in done.events]
    assert names.index("paused") < names.index("resumed") < names.index("reply_done")
    assert [one["code"] for one in done.of("notice")].count("paused") == 1
    (answer,) = done.of("reply_done")
    usage = answer["usage"]
    assert usage["standby_s"] >= 1 and usage["active_s"] > 0 and usage["items"] is None
    assert set(tokens_of(usage).values()) == {None}, "nobody counts tokens"
    assert usage["connected_s"] == pytest.approx(usage["active_s"] + usage["standby_s"], abs=0.01)
    minutes = usage["active_s"] * LIVE_MINUTE + usage["standby_s"] * STANDBY_MINUTE
    assert answer["cost"] == {"USD": pytest.approx(minutes / 60, abs=0.0002)}
    assert not done.of("end")[0]["is_cost_partial"]


async def test_without_a_count_of_the_service_the_clock_counts(program: Program) -> None:
    write_wav(program.home / "say.wav", tone(900))
    script = replace(SCRIPTS["normal"], counts=False)
    async with GptLiveServer(script, api_key=KEY) as server:
        done = await call_gptlive(program, server, "--say", "say.wav", "--json")
    assert done.code == 0, done.err
    (answer,) = done.of("reply_done")
    assert answer["usage"]["connected_s"] > 2 and answer["usage"]["standby_s"] is None
    wanted = answer["usage"]["connected_s"] / 60 * LIVE_MINUTE
    assert answer["cost"] == {"USD": pytest.approx(wanted, abs=0.0002)}


async def test_a_price_of_the_users_own_is_taken(program: Program) -> None:
    program.config.write_text('[models."grok-voice-latest"]\nprice = { item = 0.5 }\n')
    async with XaiServer("normal", api_key=KEY) as server:
        done = await ask_grok(program, server, "--no-save", stdin="one\ntwo\n")
    assert done.code == 0, done.err
    (end,) = done.of("end")
    assert end["cost"] == {"USD": 1.0}
    assert all(one["usage"]["connected_s"] is None for one in done.of("reply_done"))


@pytest.mark.fault("P38")
async def test_a_model_of_unknown_price_stays_unknown(program: Program) -> None:
    async with XaiServer("normal", api_key=KEY) as server:
        command = (
            "--plain",
            "--json",
            "--no-save",
            "--url",
            server.url,
            "--model",
            "xai/grok-voice-x",
        )
        done = await program.run(*command, stdin="one\n", env={"XAI_API_KEY": KEY})
    assert done.code == 0, done.err
    (end,) = done.of("end")
    assert (end["cost"], end["is_cost_partial"]) == (None, True)


# -- on the screen ----------------------------------------------------------------------------


def cost_shown(terminal: Terminal) -> float:
    """In dollars; 0: there is none."""
    found = re.search(r"\$(\d+\.\d{4})", terminal.screen_text())
    return float(found[1]) if found else 0.0


@pytest.mark.sound
@pytest.mark.terminal
@pytest.mark.fault("P38")
def test_the_cost_on_the_screen_grows_with_the_minutes(stage: Stage) -> None:
    with serving(stage.home, "idle") as service:
        terminal = dial(stage, service, "--hands-free")
        wait_until(lambda: cost_shown(terminal) > 0.0, "a cost before anything was said")
        before = cost_shown(terminal)
        wait_until(lambda: cost_shown(terminal) >= before + 0.0005, "a higher cost")
        terminal.wait_for("stands by")
        service.wait_for("session.paused", "out")
        check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
