"""Choosing a device, and the callbacks, without any sound card."""

import numpy as np
import pytest

from voicechat.audio.card.portaudio import Capture, Device, Kind, Render, candidates, reason
from voicechat.audio.card.ring import Ring


def device(index: int, name: str, inputs: int = 1, outputs: int = 2, default: str = "") -> Device:
    return Device(index, name, "ALSA", inputs, outputs, 48_000, "i" in default, "o" in default)


DEVICES = [
    device(0, "HDMI", inputs=0),
    device(1, "USB Headset", default="i"),
    device(2, "USB"),
    device(3, "pulse", inputs=32, outputs=32),
    device(4, "Built-in", default="o"),
]


@pytest.mark.fault("A03")
@pytest.mark.parametrize(
    ("wanted", "kind", "first", "is_known"),
    [
        ("", "microphone", "USB Headset", True),
        ("", "loudspeaker", "Built-in", True),
        ("2", "microphone", "USB", True),
        ("USB", "microphone", "USB", True),
        ("headSET", "loudspeaker", "USB Headset", True),
        (" hdmi ", "loudspeaker", "HDMI", True),
        ("hdmi", "microphone", "USB Headset", False),
        ("0", "microphone", "USB Headset", False),
        ("99", "loudspeaker", "Built-in", False),
    ],
)
def test_a_device_is_chosen_by_number_name_or_part(
    wanted: str, kind: Kind, first: str, is_known: bool
) -> None:
    order, known = candidates(DEVICES, wanted, kind)
    assert (order[0].name, known) == (first, is_known)


def test_the_default_and_the_sound_server_are_tried_after_the_chosen_device() -> None:
    order, _ = candidates(DEVICES, "HDMI", "loudspeaker")
    assert [device.name for device in order] == ["HDMI", "Built-in", "pulse"]


def test_without_a_default_the_first_usable_device_is_tried() -> None:
    assert candidates(DEVICES[:3:2], "", "microphone") == ([DEVICES[2]], True)
    assert candidates(DEVICES[:1], "", "microphone") == ([], True)


@pytest.mark.fault("A06")
def test_portaudio_errors_are_told_in_plain_words() -> None:
    assert reason(OSError("Error opening", -9985)) == "it is in use by another program"
    assert reason(OSError("Error querying device -1")) == "there is none"
    assert reason(OSError("odd", -9)) == "PortAudio error -9"


class Status:
    input_overflow = output_underflow = False


@pytest.mark.fault("A07")
def test_a_loudspeaker_without_mono_gets_the_sound_on_every_channel() -> None:
    render = Render.__new__(Render)
    render.channels, render.xruns, render.ring = 2, 0, Ring(100)
    render._mono = memoryview(bytearray(8))
    render.ring.write(np.array([1, -2, 3], "<i2").tobytes())
    out = bytearray(b"\x55" * 16)
    render._spreading_callback(out, 4, None, Status)
    assert np.frombuffer(out, "<i2").tolist() == [1, 1, -2, -2, 3, 3, 0, 0]


class Late:
    input_overflow = output_underflow = True


@pytest.mark.fault("A10")
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_that_came_too_late_is_counted_and_silence_is_not(channels: int) -> None:
    render = Render.__new__(Render)
    render.channels, render.xruns, render.ring = channels, 0, Ring(100)
    render._mono = memoryview(bytearray(8))
    callback = render._callback if channels == 1 else render._spreading_callback
    out = bytearray(8 * channels)
    callback(out, 4, None, Late)
    assert render.xruns == 0
    render.ring.write(bytes(32))
    callback(out, 4, None, Late)
    callback(out, 4, None, Status)
    assert render.xruns == 1


@pytest.mark.fault("A07", "A10")
def test_a_microphone_without_mono_is_mixed_and_what_does_not_fit_is_counted() -> None:
    capture = Capture.__new__(Capture)
    capture.channels, capture.xruns, capture._ring = 2, 0, Ring(4)
    capture._callback(np.array([10, 20, 30, 50], "<i2").tobytes(), 2, None, Status)
    assert capture.xruns == 0
    capture._callback(bytes(4), 1, None, Status)
    assert capture.xruns == 1
    assert np.frombuffer(capture.pop(), "<i2").tolist() == [15, 40]
    assert capture.pop() == b""
