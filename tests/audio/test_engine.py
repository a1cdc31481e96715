"""The sound of a session: without a card everything is quiet, with one it is really heard.

PortAudio reads its environment only as it starts, so the parts with a card run in a process of
their own (`python -m tests.audio.test_engine SCENE FOLDER`) that knows only the private sound
server.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.audio.echo_room import near_end, pcm
from tests.e2e.voice.listening import (
    active,
    check_truncation,
    check_unbroken,
    emitted,
    find,
    is_quiet,
    loud_ms,
)
from tests.fakes.ga_signal import timecode
from tests.fakes.pulse import RATE, PulseServer, wait_until
from voicechat.audio.card.sound_card import SoundCard
from voicechat.audio.engine import Engine, VoicePolicy
from voicechat.audio.pcm import FLOOR_DBFS

ROOT = Path(__file__).parents[2]


def hear_nothing(chunk: bytes) -> None:
    """For an engine that must not hear."""
    raise AssertionError("sound without a card")


# -- without a card -------------------------------------------------------------------------------


async def test_without_a_card_there_is_nothing_to_hear_and_nothing_to_play() -> None:
    engine = Engine(None)
    await engine.run(hear_nothing)
    await engine.wait_tried(0)
    engine.start_line(24_000)
    engine.play("r", "item", timecode(0, 500))
    engine.finish("r")
    assert engine.interrupt() == ()
    assert engine.progress("item") is None and engine.stats is None
    assert not (engine.has_microphone or engine.has_loudspeaker or engine.is_playing)
    assert engine.microphone_dbfs == engine.loudspeaker_dbfs == FLOOR_DBFS


async def test_only_who_wanted_a_loudspeaker_can_lack_one() -> None:
    without, unopened = Engine(None), Engine(SoundCard())
    await without.run(hear_nothing)
    assert not without.lacks_loudspeaker
    assert not unopened.lacks_loudspeaker, "it is not known before it was tried"


async def test_waiting_for_sound_has_an_end() -> None:
    async with asyncio.timeout(5):
        await Engine(SoundCard()).wait_tried(0.01)


# -- with a card ----------------------------------------------------------------------------------


@pytest.fixture
def pulse() -> Iterator[PulseServer]:
    with PulseServer() as server:
        yield server


class Scene:
    """The parent's side: a scene is played, and tells what it saw."""

    def __init__(self, name: str, folder: Path, env: dict[str, str]) -> None:
        words = [sys.executable, "-m", "tests.audio.test_engine", name, str(folder)]
        self._folder = folder
        self.process = subprocess.Popen(
            words, env=os.environ | env, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        self._killer = threading.Timer(30, self.process.kill)
        self._killer.start()

    @property
    def heard(self) -> bytes:
        """What the microphone gave so far."""
        path = self._folder / "heard.raw"
        return path.read_bytes() if path.exists() else b""

    def report(self) -> dict[str, Any]:
        """The next thing it tells."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the scene ended with {self.process.wait(10)}"
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        self._killer.cancel()
        self.process.kill()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def play(pulse: PulseServer, tmp_path: Path) -> Iterator[Callable[[str], Scene]]:
    scenes: list[Scene] = []

    def start(name: str) -> Scene:
        scenes.append(Scene(name, tmp_path, pulse.env))
        return scenes[-1]

    yield start
    for scene in scenes:
        scene.close()


Play = Callable[[str], Scene]


@pytest.mark.fault("A12")
@pytest.mark.sound
@pytest.mark.parametrize("name", ["whole", "early"])
def test_a_reply_is_heard_whole_also_when_the_line_is_up_before_the_card(
    pulse: PulseServer, play: Play, name: str
) -> None:
    with pulse.record_loudspeaker() as heard:
        scene = play(name)
        assert scene.report() == {"microphone": True, "lacks": False}
        during = scene.report()
        wait_until(lambda: loud_ms(heard.pcm) > 1450 and is_quiet(heard.pcm, 200), "the reply")
    pieces = emitted(heard.pcm)
    check_unbroken(pieces)
    assert pieces[-1].to_ms == pytest.approx(1500, abs=3)
    heard_ms, received_ms = during["progress"]
    assert 400 <= heard_ms < 1500 and received_ms == 1500
    assert during["playing"] and during["loud"]
    assert scene.report() == {"progress": None, "playing": False, "underruns": 0}


@pytest.mark.fault("A17")
@pytest.mark.sound
def test_an_interrupted_reply_was_heard_as_far_as_is_told_and_is_never_heard_again(
    pulse: PulseServer, play: Play
) -> None:
    with pulse.record_loudspeaker() as heard:
        scene = play("cut")
        scene.report()
        cut = scene.report()["heard"]
        assert scene.report()["playing"] is False
        wait_until(lambda: is_quiet(heard.pcm, 500), "silence")
    pieces = emitted(heard.pcm)
    check_unbroken(pieces)
    assert [item for item, _, _ in cut] == ["item"]
    check_truncation(cut[0][1], pieces[-1].to_ms)
    assert cut[0][2] == 4000


@pytest.mark.sound
@pytest.mark.parametrize("name", ["held", pytest.param("unheld", marks=pytest.mark.long)])
def test_a_reply_waits_while_a_voice_is_over_it_and_loses_nothing_when_none_decides(
    pulse: PulseServer, play: Play, name: str
) -> None:
    with pulse.record_loudspeaker() as heard:
        scene = play(name)
        scene.report()
        assert scene.report()["heard_ms"] >= 600
        said = pulse.play_to_microphone(pcm(near_end()[: RATE // 2]), wait=False)
        scene.report()
        said.wait()
        wait_until(lambda: is_quiet(heard.pcm, 300), "silence after the end")
    pieces = emitted(heard.pcm)
    check_unbroken(pieces)
    assert pieces[-1].to_ms == pytest.approx(4000, abs=5)
    silences = [
        after.at_ms - before.at_ms - (before.to_ms - before.from_ms)
        for before, after in pairwise(pieces)
    ]
    assert (max(silences, default=0) > 500) is (name == "held"), silences


@pytest.mark.sound
def test_the_microphone_is_handed_on_as_it_is(pulse: PulseServer, play: Play) -> None:
    scene = play("listen")
    assert scene.report()["microphone"]
    with pulse.record("mic") as said:
        pulse.play_to_microphone(timecode(1, 1000))
        words = active(said.pcm)
    wait_until(lambda: find(words, scene.heard)[1] > 0.9, "what was said")


@pytest.mark.sound
def test_without_a_sound_server_it_is_known_that_there_is_none(
    pulse: PulseServer, play: Play
) -> None:
    pulse.kill()
    scene = play("listen")
    told = scene.report()
    assert told["code"] == "no_sound" and told["message"]
    assert scene.report() == {"microphone": False, "lacks": True}


# -- the child's side -----------------------------------------------------------------------------


def tell(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


async def whole(engine: Engine, *, is_early: bool = False) -> None:
    if not is_early:
        engine.start_line(24_000)
    pcm = timecode(0, 1500)
    for at in range(0, len(pcm), 9600):
        engine.play("reply", "item", pcm[at : at + 9600])
    engine.finish("reply")
    while (engine.progress("item") or (0, 0))[0] < 400:
        await asyncio.sleep(0.01)
    is_loud = engine.loudspeaker_dbfs > -40
    tell(progress=engine.progress("item"), playing=engine.is_playing, loud=is_loud)
    while engine.progress("item") is not None:
        await asyncio.sleep(0.01)
    assert engine.stats is not None
    underruns = engine.stats.underruns
    tell(progress=None, playing=engine.is_playing, underruns=underruns)


async def early(engine: Engine) -> None:
    await whole(engine, is_early=True)


async def cut(engine: Engine) -> None:
    engine.start_line(24_000)
    engine.play("reply", "item", timecode(0, 4000))
    while (engine.progress("item") or (0, 0))[0] < 800:
        await asyncio.sleep(0.01)
    tell(heard=[[each.item_id, each.heard_ms, each.received_ms] for each in engine.interrupt()])
    engine.play("reply", "item", timecode(0, 4000))
    engine.finish("reply")
    await asyncio.sleep(0.2)
    tell(playing=engine.is_playing)


async def unheld(engine: Engine) -> None:
    engine.start_line(24_000)
    engine.play("reply", "item", timecode(0, 4000))
    engine.finish("reply")
    while (heard := (engine.progress("item") or (0, 0))[0]) < 600:
        await asyncio.sleep(0.01)
    tell(heard_ms=heard)
    while engine.is_playing:
        await asyncio.sleep(0.01)
    tell(playing=False)


async def held(engine: Engine) -> None:
    engine.policy = VoicePolicy(holds_for_voice=True)
    await unheld(engine)


async def listen(engine: Engine) -> None:
    """Nothing but the microphone."""


SCENES: dict[str, Callable[[Engine], Awaitable[None]]] = {
    "whole": whole,
    "early": early,
    "cut": cut,
    "held": held,
    "unheld": unheld,
    "listen": listen,
}


async def run_scene(name: str, folder: Path) -> None:
    engine = Engine(SoundCard(), echo="off")
    if name == "early":
        engine.start_line(24_000)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_engine(engine, folder / "heard.raw"))
        await engine.wait_tried(20)
        await asyncio.sleep(0.1)
        tell(microphone=engine.has_microphone, lacks=engine.lacks_loudspeaker)
        await SCENES[name](engine)
        await asyncio.sleep(30)


async def run_engine(engine: Engine, heard: Path) -> None:
    def hear(chunk: bytes) -> None:
        with heard.open("ab") as file:
            file.write(chunk)

    await engine.run(hear, lambda notice: tell(code=notice.code, message=notice.message))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(run_scene(sys.argv[1], Path(sys.argv[2])))
