"""The sound card against a real sound server with virtual devices."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from tests.audio.caller import ROOT, Caller
from tests.fakes.pulse import RATE, PulseServer, wait_until
from voicechat.audio.card.portaudio import Stream
from voicechat.audio.card.sound_card import _Port

pytestmark = pytest.mark.sound

Call = Callable[..., Caller]


def coded(frames: int) -> bytes:
    """Sound of which every frame tells where it belongs, and none is silent."""
    return (np.arange(frames) % 20_000 + 5_000).astype("<i2").tobytes()


def samples(pcm: bytes) -> Any:
    return np.frombuffer(pcm, "<i2").astype(np.int64)


def sounding(pcm: bytes) -> Any:
    """All frames that are not silent.  A gap, as a busy machine makes it, is no matter here."""
    return samples(pcm)[np.abs(samples(pcm)) > 2]


def is_quiet(pcm: bytes, ms: int) -> bool:
    return not samples(pcm)[-ms * RATE // 1000 :].any()


@pytest.fixture
def call(pulse: PulseServer, tmp_path: Path) -> Any:
    callers = list[Caller]()

    def make(**options: Any) -> Caller:
        callers.append(Caller(pulse, tmp_path / f"heard{len(callers)}.raw", **options))
        return callers[-1]

    yield make
    for caller in callers:
        caller.__exit__(None, None, None)


def play(caller: Caller, frames: int, reply: str = "r") -> None:
    caller.insert(reply, f"item-{reply}", coded(frames))
    caller.say(do="finish", reply=reply)


def test_the_loudspeaker_emits_what_was_inserted(pulse: PulseServer, call: Call) -> None:
    caller = call()
    assert caller.wait(opened=[24_000, 24_000])["device"] == "default"
    with pulse.record_loudspeaker() as recording:
        play(caller, 2 * RATE)
        wait_until(lambda: len(sounding(recording.pcm)) >= 2 * RATE - 20, "the end of the sound")
        wait_until(lambda: is_quiet(recording.pcm, 200), "silence")
    heard, sent = sounding(recording.pcm), samples(coded(2 * RATE))
    start = int(heard[300] - sent[300])
    assert abs(start) < 20 and len(heard) == pytest.approx(2 * RATE, abs=20)
    assert (heard[300 : 2 * RATE - 300] == sent[300 + start : 2 * RATE - 300 + start]).all()
    caller.say(do="ask", item="item-r")
    assert caller.wait(answer="item-r")["heard_ms"] == 2000


def test_the_microphone_gives_all_that_was_said(pulse: PulseServer, call: Call) -> None:
    caller = call()
    caller.wait(opened=[24_000, 24_000])
    pulse.play_to_microphone(coded(RATE))
    wait_until(lambda: len(sounding(caller.heard)) >= RATE, "what was said")
    assert (sounding(caller.heard) == samples(coded(RATE))).all()


def test_after_a_stall_of_the_event_loop_nothing_that_was_said_is_lost(
    pulse: PulseServer, call: Call
) -> None:
    caller = call()
    caller.wait(opened=[24_000, 24_000])
    said = pulse.play_to_microphone(coded(2 * RATE), wait=False)
    time.sleep(0.5)
    caller.say(do="stall", seconds=1.0)
    said.wait()
    wait_until(lambda: len(sounding(caller.heard)) >= 2 * RATE, "what was said")
    assert (sounding(caller.heard) == samples(coded(2 * RATE))).all()


@pytest.mark.parametrize("shape", [(24_000, 1), (48_000, 2)])
def test_heard_is_what_the_loudspeaker_emitted(shape: tuple[int, int], tmp_path: Path) -> None:
    dice = random.Random(7)
    with PulseServer(*shape) as pulse, Caller(pulse, tmp_path / "heard.raw") as caller:
        caller.wait(opened=[24_000, 24_000])
        for reply in ("a", "b", "c"):
            check_truncation(pulse, caller, reply, dice.uniform(0.1, 1.0))


def check_truncation(pulse: PulseServer, caller: Caller, reply: str, after_s: float) -> None:
    with pulse.record_loudspeaker() as recording:
        caller.insert(reply, reply, coded(5 * RATE))
        wait_until(lambda: len(sounding(recording.pcm)) > 0, "sound")
        time.sleep(after_s)
        before = len(reports(caller))
        caller.say(do="interrupt")
        wait_until(lambda: is_quiet(recording.pcm, 300), "silence")
    wait_until(lambda: len(reports(caller)) > before, "the account")
    ((item_id, heard_ms, received_ms),) = reports(caller)[-1]
    emitted = sounding(recording.pcm)
    assert (item_id, received_ms) == (reply, 5000)
    assert len(emitted) * 1000 / RATE == pytest.approx(heard_ms, abs=20)
    assert np.abs(np.diff(emitted)).max() < 600 and abs(emitted[-1]) < 600


def reports(caller: Caller) -> list[list[list[Any]]]:
    return [report["heard"] for report in list(caller.reports) if "heard" in report]


@pytest.mark.fault("A04")
def test_unplugged_devices_are_told_and_come_back(pulse: PulseServer, call: Call) -> None:
    caller = call()
    caller.wait(opened=[24_000, 24_000])
    time.sleep(0.5)
    unplugged = time.perf_counter()
    pulse.unplug()
    for kind in ("microphone", "loudspeaker"):
        assert caller.wait(kind=kind, change="lost")["at"] - unplugged < 5
    before = len(caller.heard)
    wait_until(lambda: len(caller.heard) > before + RATE, "silence that keeps time")
    pulse.plug_in()
    for kind in ("microphone", "loudspeaker"):
        caller.wait(message=f"The {kind} is back: default", change="back", seconds=30)
    pulse.play_to_microphone(coded(RATE))
    wait_until(lambda: len(sounding(caller.heard)) >= RATE, "what was said")
    with pulse.record_loudspeaker() as recording:
        play(caller, RATE)
        wait_until(lambda: len(sounding(recording.pcm)) > 0.9 * RATE, "sound")


@pytest.mark.fault("A04")
def test_a_sound_server_that_died_and_came_again_is_found(pulse: PulseServer, call: Call) -> None:
    caller = call()
    caller.wait(opened=[24_000, 24_000])
    pulse.kill()
    caller.wait(kind="loudspeaker", change="lost")
    time.sleep(1.5)  # So that one attempt fails.
    pulse.start()
    caller.wait(kind="loudspeaker", change="back", seconds=30)
    caller.wait(kind="microphone", change="back", seconds=30)
    with pulse.record_loudspeaker() as recording:
        play(caller, RATE)
        wait_until(lambda: len(sounding(recording.pcm)) > 0.9 * RATE, "sound")


@pytest.mark.fault("A18")
def test_headphones_pulled_while_another_sink_takes_over_are_no_loss(
    pulse: PulseServer, call: Call
) -> None:
    caller = call()
    caller.wait(opened=[24_000, 24_000])
    pulse.unload_speaker()
    with pulse.record("spare.monitor") as recording:
        play(caller, RATE)
        wait_until(lambda: len(sounding(recording.pcm)) > 0.9 * RATE, "sound")
    assert not [report for report in caller.reports if report.get("change") == "lost"]


@pytest.mark.fault("A05")
def test_a_stalled_sound_server_is_told_and_keeps_nobody_from_leaving(
    pulse: PulseServer, call: Call
) -> None:
    caller = call()
    caller.wait(opened=[24_000, 24_000])
    time.sleep(3.2)  # A stream is not declared dead in its first three seconds.
    pulse.stall()
    caller.wait(kind="loudspeaker", change="lost")
    caller.wait(kind="microphone", change="lost")
    leaving = time.perf_counter()
    caller.say(do="close")
    caller.wait(closed=True)
    assert caller.process.wait(10) == 0
    assert time.perf_counter() - leaving < 8


@pytest.mark.fault("A05")
def test_a_server_that_stalls_as_we_leave_keeps_nobody_either(
    pulse: PulseServer, call: Call
) -> None:
    caller = call()
    caller.wait(opened=[24_000, 24_000])
    pulse.stall()
    caller.say(do="close")
    closing, closed = caller.wait(closing=True)["at"], caller.wait(closed=True)["at"]
    assert 1 < closed - closing < 5
    assert caller.process.wait(10) == 0


@pytest.mark.fault("A05")
def test_a_server_that_stalled_and_went_on_is_used_again(pulse: PulseServer, call: Call) -> None:
    caller = call()
    caller.wait(opened=[24_000, 24_000])
    time.sleep(3.2)
    pulse.stall()
    caller.wait(kind="loudspeaker", change="lost")
    caller.wait(kind="microphone", change="lost")
    time.sleep(2)
    pulse.resume()
    caller.wait(kind="loudspeaker", change="back", seconds=30)
    caller.wait(kind="microphone", change="back", seconds=30)
    with pulse.record_loudspeaker() as recording:
        play(caller, RATE)
        wait_until(lambda: len(sounding(recording.pcm)) > 0.9 * RATE, "sound")


@pytest.mark.fault("A05")
def test_a_server_that_is_stalled_from_the_start_is_an_error_in_time(
    pulse: PulseServer, call: Call
) -> None:
    pulse.stall()
    caller = call()
    assert "does not answer" in caller.wait(hint=HINT, seconds=20)["failed"]
    assert caller.process.wait(10) == 0


HINT = (
    "Start the sound server (pulseaudio, pipewire), or install what leads to it: "
    "sudo apt install libportaudio2 libasound2-plugins"
)


@pytest.mark.fault("A02")
def test_no_device_is_an_error_with_a_hint(pulse: PulseServer, call: Call) -> None:
    pulse.kill()
    assert "there is none" in call().wait(hint=HINT)["failed"]


@pytest.mark.fault("A03")
def test_a_device_that_is_not_there_is_told_and_the_default_used(call: Call) -> None:
    caller = call(output_device="Bose", input_device="PUL")
    told = caller.wait(kind="loudspeaker", change="unknown")
    assert told["message"] == "No loudspeaker 'Bose'; using default"
    caller.wait(opened=[24_000, 24_000])
    assert [report["kind"] for report in caller.reports if "kind" in report] == ["loudspeaker"]


def test_one_direction_that_works_is_enough(pulse: PulseServer, call: Call, tmp_path: Path) -> None:
    config = tmp_path / "asound.conf"
    config.write_text(
        "pcm.default { type asym\nplayback.pcm { type pulse } capture.pcm { type hw card 99 } }\n"
    )
    pulse.env["ALSA_CONFIG_PATH"] = str(config)
    caller = call()
    assert caller.wait(kind="microphone", change="missing")["message"].endswith("without it")
    caller.wait(opened=[24_000, 0])
    with pulse.record_loudspeaker() as recording:
        play(caller, RATE)
        wait_until(lambda: len(sounding(recording.pcm)) > 0.9 * RATE, "sound")


def test_what_is_not_wanted_is_not_opened(pulse: PulseServer, call: Call) -> None:
    call(want_input=False).wait(opened=[24_000, 0])
    assert "protocol-native" in pulse.control("list", "short", "sink-inputs")
    assert "protocol-native" not in pulse.control("list", "short", "source-outputs")


@pytest.mark.fault("A08")
def test_a_microphone_that_gives_nothing_but_zeros_is_told_once(
    pulse: PulseServer, call: Call
) -> None:
    caller = call(want_output=False)
    caller.wait(opened=[0, 24_000])
    caller.wait(kind="microphone", change="silent")
    time.sleep(1)
    assert len([report for report in caller.reports if report.get("change") == "silent"]) == 1


@dataclass
class Quiet:
    """A stream of which no callback has come since it was opened, or since `stamp`."""

    started: float
    stamp: float
    is_finished: bool = False


@pytest.mark.fault("A14")
@pytest.mark.parametrize(
    ("stream", "dead_at"),
    [(Quiet(100.0, 100.0), 105.5), (Quiet(100.0, 102.8), 105.5), (Quiet(100.0, 140.0), 142.5)],
)
def test_a_stream_is_dead_some_time_after_its_last_callback_and_its_first_seconds_do_not_count(
    stream: Quiet, dead_at: float
) -> None:
    port = _Port("microphone", "")
    assert not port.is_dead(1000.0), "there is none that could be dead"
    port.stream = cast(Stream, stream)
    assert not port.is_dead(dead_at - 0.1) and port.is_dead(dead_at + 0.1)
    stream.is_finished = True
    assert port.is_dead(stream.started), "it said so itself"


def run_python(pulse: PulseServer, program: str) -> str:
    env = os.environ | pulse.env
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_devices_are_listed_with_their_defaults(pulse: PulseServer) -> None:
    program = (
        "from voicechat.audio.card.sound_card import list_devices\n"
        "for d in list_devices(): print(d.index, d.name, d.host_api, d.inputs > 0, d.outputs > 0,"
        "d.is_default_input, d.is_default_output, d.default_rate)"
    )
    assert run_python(pulse, program).splitlines() == [
        "0 pulse ALSA True True False False 44100",
        "1 default ALSA True True True True 44100",
    ]


@pytest.mark.fault("A01")
def test_a_missing_portaudio_is_an_error_that_tells_how_to_install_it(pulse: PulseServer) -> None:
    program = (
        "import ctypes.util; ctypes.util.find_library = lambda name: None\n"
        "from voicechat.audio.card.sound_card import list_devices\n"
        "from voicechat.errors import DeviceError\n"
        "try: list_devices()\n"
        "except DeviceError as error: print(error)"
    )
    assert run_python(pulse, program) == (
        "The sound library PortAudio is missing. "
        "Install it: sudo apt install libportaudio2 libasound2-plugins"
    )
