"""What pictures look like on the screen; see a change with `--snapshot-update` and a diff."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.front.pictures.drawn import quarters, saved
from tests.front.staged import StagedApp, say, until
from tests.front.test_snapshots import CHINESE, SHORT, Compare, steady


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    """Few colours: it stays a PNG, whose size is the same everywhere."""
    path = tmp_path / "flag.png"
    path.write_bytes(saved(quarters(), "PNG"))
    return path


def show(path: Path, words: str, answer: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, StagedApp)
        await until(pilot, lambda text: "- ready" in text or "- 就绪" in text)
        await say(pilot, f"/image '{path}' {words}")
        await until(pilot, lambda text: answer in text and "▀▀▀" in text)
        await until(pilot, lambda text: "- ready" in text or "- 就绪" in text)
        steady(app)
        await until(pilot, lambda text: "0.42" in text and "0.0123" in text)

    return run


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_a_picture_on_the_screen(snap_compare: Compare, flag: Path, size: Any) -> None:
    before = show(flag, "Which flag is this?", "interruptions.")
    assert snap_compare(StagedApp(SHORT), run_before=before, terminal_size=size)


def test_a_picture_on_the_chinese_screen(snap_compare: Compare, flag: Path) -> None:
    language: str = "zh"
    before = show(flag, "这是哪面旗？", "适合出门走走")
    assert snap_compare(StagedApp(CHINESE, language=language), run_before=before)
