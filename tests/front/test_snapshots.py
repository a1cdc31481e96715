"""What the screen looks like, picture by picture; see a change with `--snapshot-update` and a diff.

Values that the clock makes are set by hand; all else is the real screen and a real session.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.front.staged import StagedApp, say, until
from voicechat.front.commands.listing import ModelRow

Compare = Callable[..., bool]

SHORT = replace(
    SCRIPTS["normal"],
    replies=(
        Reply("Paris has been the capital of France since 987, with interruptions.", audio_ms=50),
        Reply("About two million inside the ring road, and twelve in the region.", audio_ms=50),
    ),
)
CHINESE = replace(
    SCRIPTS["cjk"],
    replies=(
        Reply(
            "你好，很高兴认识你。今天北京的天气很好，气温二十三度，适合出门走走。再见！",
            audio_ms=50,
        ),
    ),
)

REALTIME = ("voice", "text", "images", "tools", "hands-free", "resume")
MODELS = [
    ModelRow("gpt-realtime-2.1-mini", "openai", REALTIME, "OPENAI_API_KEY", True),
    ModelRow("gpt-realtime-2.1", "openai", REALTIME, "OPENAI_API_KEY", True),
    *(ModelRow(f"other-{n}", "elsewhere", REALTIME[:2], "OTHER_KEY", False) for n in range(20)),
    ModelRow("local", "local", ("voice", "text"), "", False),
]


def steady(app: StagedApp) -> None:
    """What the clock makes, made by hand."""
    app.session._turn.latency_ms = 420
    app.session.bill._settled["USD"] = 0.0123


async def talk(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, StagedApp)
    await until(pilot, "- ready")
    await say(pilot, "What is the capital of France?")
    await until(pilot, "interruptions.")
    await until(pilot, "- ready")
    await say(pilot, "And how many people live there?")
    await until(pilot, "region.")
    steady(app)
    await until(pilot, lambda text: "- ready" in text and "latency 0.42 s" in text)


async def talk_chinese(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, StagedApp)
    await until(pilot, "- 就绪")
    await say(pilot, "你好！")
    await until(pilot, "适合出门走走")
    steady(app)
    await until(pilot, lambda text: "- 就绪" in text and "延迟 0.42 秒" in text)


def then(
    first: Callable[[Pilot[None]], Awaitable[None]], *keys: str, shows: str
) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        await first(pilot)
        await pilot.press(*keys)
        await until(pilot, shows)

    return run


async def go_live(pilot: Pilot[None]) -> None:
    await until(pilot, "Push-to-talk: Space starts")
    await until(pilot, lambda text: "- ready" in text and "mic █" in text)
    await pilot.press("space")
    await until(pilot, "LIVE: Space sends, Esc drops")


async def go_offline(pilot: Pilot[None]) -> None:
    await until(pilot, lambda text: "ERROR" in text and "F5 connects again" in text)


def test_80x24(snap_compare: Compare) -> None:
    assert snap_compare(StagedApp(SHORT), run_before=talk)


def test_80x24_light(snap_compare: Compare) -> None:
    assert snap_compare(StagedApp(SHORT, theme="light"), run_before=talk)


def test_80x24_chinese(snap_compare: Compare) -> None:
    assert snap_compare(StagedApp(CHINESE, language="zh"), run_before=talk_chinese)


@pytest.mark.parametrize("size", [(200, 60), (40, 12)])
def test_other_sizes(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(StagedApp(SHORT), run_before=talk, terminal_size=size)


def test_live(snap_compare: Compare) -> None:
    assert snap_compare(StagedApp(SHORT, sound=True), run_before=go_live)


def test_live_light(snap_compare: Compare) -> None:
    assert snap_compare(StagedApp(SHORT, sound=True, theme="light"), run_before=go_live)


def test_muted(snap_compare: Compare) -> None:
    async def mute(pilot: Pilot[None]) -> None:
        await go_live(pilot)
        await pilot.press("escape", "ctrl+t", "space")
        # Once what was told of hands-free has gone: how long that takes is the machine's affair.
        await until(pilot, lambda text: "MUTED" in text and "Hands-free: the model" not in text)

    deaf = StagedApp(SHORT, sound=True, vad_rms=30_000)  # It must not answer before the mute.
    assert snap_compare(deaf, run_before=mute)


def test_offline(snap_compare: Compare) -> None:
    assert snap_compare(StagedApp("bad_key"), run_before=go_offline)


def test_model_picker(snap_compare: Compare) -> None:
    picker = then(talk, "f2", shows="> gpt-realtime-2.1 ")
    assert snap_compare(StagedApp(SHORT, models=MODELS), run_before=picker)


def test_model_picker_in_a_small_window(snap_compare: Compare) -> None:
    picker = then(talk, "f2", shows="> gpt-realtime-2.1 ")
    assert snap_compare(StagedApp(SHORT, models=MODELS), run_before=picker, terminal_size=(60, 10))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_help(snap_compare: Compare, language: Any) -> None:
    first = talk if language == "en" else talk_chinese
    script = SHORT if language == "en" else CHINESE
    page = then(first, "f1", shows="LIVE")
    assert snap_compare(StagedApp(script, language=language), run_before=page)
