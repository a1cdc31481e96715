"""Keys that record and change the volume, and a microphone that is waking up."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.front.staged import StagedApp, until
from voicechat.audio.recording.recorder import CallRecorder

SHORT = replace(SCRIPTS["normal"], replies=(Reply("Yes.", audio_ms=100),))


async def test_ctrl_r_records_shows_it_all_the_time_and_says_where(tmp_path: Path) -> None:
    app, recorder = StagedApp(SHORT, sound=True), CallRecorder(tmp_path / "call.wav")
    async with app.run_test(notifications=True, size=(100, 30)) as pilot:
        screen = await until(pilot, "- ready")
        assert "REC" not in screen
        app._doors = replace(app._doors, recorder=lambda: recorder)
        await pilot.press("ctrl+r")
        await until(pilot, "● REC 0:0")
        assert recorder.is_on
        await pilot.press("ctrl+r")
        screen = await until(pilot, lambda text: "● REC" not in text)
        assert "The recording is in" in screen
    recorder.close()
    assert (tmp_path / "call.wav").exists()


async def test_a_recording_that_cannot_be_made_is_told_and_nothing_is_shown_as_recorded(
    tmp_path: Path,
) -> None:
    app, recorder = StagedApp(SHORT, sound=True), CallRecorder(tmp_path / "gone" / "call.wav")
    async with app.run_test(notifications=True, size=(100, 30)) as pilot:
        await until(pilot, "- ready")
        app._doors = replace(app._doors, recorder=lambda: recorder)
        await pilot.press("ctrl+r")
        screen = await until(pilot, "Cannot write")
        assert "● REC" not in screen


async def test_without_sound_there_is_nothing_to_record() -> None:
    app = StagedApp(SHORT)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("ctrl+r")
        await until(pilot, "There is no sound to record")


@pytest.mark.parametrize(("louder", "softer"), [("ctrl+up", "ctrl+down"), ("f8", "f7")])
async def test_the_volume_changes_at_once_within_bounds_and_is_shown_for_a_moment(
    louder: str, softer: str
) -> None:
    app = StagedApp(SHORT, sound=True)
    async with app.run_test(notifications=True, size=(100, 30)) as pilot:
        await until(pilot, "- ready")
        await pilot.press(louder)
        await until(pilot, "volume 110 %")
        assert app.session.engine.volume == pytest.approx(1.1)
        await pilot.press(*[softer] * 30)
        await until(pilot, "volume 0 %")
        await pilot.press(*[louder] * 30)
        await until(pilot, "volume 200 %")
        await until(pilot, lambda text: "volume" not in text)


async def test_who_speaks_to_a_microphone_that_wakes_is_told_to_wait() -> None:
    app, is_waking = StagedApp(SHORT, sound=True), True
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        app._doors = replace(app._doors, is_waking=lambda: is_waking)
        await pilot.press("space")
        screen = await until(pilot, "WAIT: the microphone is waking up")
        assert "LIVE" not in screen
        is_waking = False
        await until(pilot, "LIVE: Space sends")
