"""`voicechat devices --test` with a real sound server and virtual devices."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.e2e.plain.program import Program
from tests.fakes.pulse import RATE, PulseServer

pytestmark = pytest.mark.sound


@pytest.fixture
def pulse() -> Iterator[PulseServer]:
    with PulseServer(48_000, 2) as server:
        yield server


def loop_back(pulse: PulseServer, delay_ms: int) -> None:
    """From now on the microphone hears the loudspeaker."""
    words = ("source=speaker.monitor", "sink=mic_sink", f"latency_msec={delay_ms}")
    pulse.control("load-module", "module-loopback", *words)


def noise(seconds: float, level: float) -> bytes:
    return np.random.default_rng(3).normal(0, level, int(seconds * RATE)).astype("<i2").tobytes()


async def measure(program: Program, pulse: PulseServer, *options: str) -> tuple[Any, int]:
    done = await program.run("devices", "--test", "--json", *options, env=pulse.env)
    assert all(line.startswith("ALSA lib") for line in done.complaints), done.err
    return json.loads(done.out), done.code


def codes(told: Any) -> dict[str, str]:
    return {verdict["code"]: verdict["grade"] for verdict in told["verdicts"]}


async def test_an_echo_is_measured_and_follows_its_way(
    program: Program, pulse: PulseServer
) -> None:
    found = []
    for delay_ms in (30, 180):
        loop_back(pulse, delay_ms)
        told, code = await measure(program, pulse)
        pulse.control("unload-module", "module-loopback")
        assert (code, told["chirps_heard"], codes(told)["echo"]) == (0, 3, "good")
        assert told["erle_db"] > 10
        found.append(told["round_trip_ms"])
    assert found[1] - found[0] == pytest.approx(150, abs=60)
    assert 10 < found[0] < 250


async def test_a_microphone_of_zeros_is_called_silent(program: Program, pulse: PulseServer) -> None:
    told, code = await measure(program, pulse)
    assert code == 1
    found = codes(told)
    found.pop("lost", None)  # A busy machine.
    assert found == {"silent": "bad", "no_echo": "note"}
    assert told["is_silent"] and told["noise_dbfs"] is None


async def test_noise_voice_and_headphones_are_told_apart(
    program: Program, pulse: PulseServer
) -> None:
    steady = pulse.play_to_microphone(noise(60, 30), wait=False)
    try:
        lines = await speak_when_asked(program, pulse)
    finally:
        steady.stop()
    (microphone,) = [line for line in lines if "Microphone" in line]
    assert microphone.startswith("ok") and "noise -6" in microphone
    assert any(line.startswith("ok    Your voice: -2") for line in lines), lines
    assert any("microphone does not hear it" in line for line in lines)


async def speak_when_asked(program: Program, pulse: PulseServer) -> list[str]:
    """What the program says to somebody who does as it asks."""
    lines, spoken = [], None
    async with program.running("devices", "--test", env=pulse.env) as process:
        assert process.stdout is not None
        while line := (await process.stdout.readline()).decode():
            lines.append(line.rstrip())
            if line.startswith("Now say"):
                spoken = pulse.play_to_microphone(noise(3, 2000), wait=False)
        assert await process.wait() == 0
    assert spoken is not None, lines
    spoken.stop()
    return lines


async def test_without_any_sound_server_it_says_what_to_do(
    program: Program, pulse: PulseServer
) -> None:
    pulse.kill()
    done = await program.run("devices", "--test", env=pulse.env)
    assert (done.code, done.out) == (1, "")
    ours = [line for line in done.complaints if line.startswith("voicechat: ")]
    assert len(ours) == 1 and "sound server" in ours[0]


async def test_a_wanted_device_that_is_not_there_is_told(
    program: Program, pulse: PulseServer
) -> None:
    told, _ = await measure(program, pulse, "--input-device", "Nobody's microphone")
    assert any("Nobody's microphone" in remark for remark in told["remarks"])


async def test_the_option_belongs_to_the_command(program: Program) -> None:
    done = await program.run("--test")
    assert "voicechat devices --test" in done.failed_with_one_line(2)
