"""Speech is told from silence, from noise and from what is too soft, with WebRTC and without."""

import math
import subprocess
import sys
from array import array

import pytest

from tests.audio.echo_room import Room, near_end, pcm
from voicechat.audio.vad import FRAME_BYTES, Detector, NoiseFloor, frame_dbfs, make_detector

VOICE = pcm(near_end()[:24_000])
HUM = pcm(Room(noise_dbfs=-45).noise(72_000))
SINE = array("h", [round(16384 * math.sin(at * 0.1)) for at in range(48_000)]).tobytes()


def share_of_speech(detect: Detector, sound: bytes) -> float:
    frames = range(0, len(sound) - FRAME_BYTES + 1, FRAME_BYTES)
    return sum(detect(sound[at : at + FRAME_BYTES]) for at in frames) / len(frames)


def test_levels_are_right() -> None:
    assert abs(frame_dbfs(SINE) + 9.03) < 0.1
    assert frame_dbfs(bytes(FRAME_BYTES)) == -120
    assert frame_dbfs(b"") == -120


@pytest.mark.parametrize("aggressiveness", range(4))
def test_a_voice_is_speech_and_silence_is_none(aggressiveness: int) -> None:
    detect = make_detector(-50, aggressiveness)
    assert share_of_speech(detect, VOICE) > 0.5
    assert share_of_speech(detect, bytes(24_000)) == 0


def test_what_is_softer_than_the_gate_is_no_speech_whatever_it_sounds_like() -> None:
    assert share_of_speech(make_detector(-3, 0), VOICE) == 0
    assert not make_detector(-50, 0, lambda frame: True)(bytes([10, 0]) * 480)
    assert make_detector(-50, 0, lambda frame: True)(SINE[:FRAME_BYTES])


def test_the_hum_of_a_room_is_no_speech_with_webrtc_and_soon_none_without() -> None:
    assert share_of_speech(make_detector(-50, 3), HUM) < 0.05
    floor = NoiseFloor(-60)
    assert share_of_speech(floor, HUM) < 0.9
    assert share_of_speech(floor, HUM) == 0, "it is the floor by now"
    assert share_of_speech(floor, VOICE) > 0.2


WITHOUT = """
import sys
sys.modules["webrtcvad"] = None
from tests.audio.test_vad import HUM, VOICE, share_of_speech
from voicechat.audio.vad import make_detector
detect = make_detector(-50, 3)
assert share_of_speech(detect, HUM) == 0
assert share_of_speech(detect, VOICE) > 0.2
"""


def test_where_webrtc_is_missing_the_level_decides() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
