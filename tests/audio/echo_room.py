"""A room with a loudspeaker and a microphone in it, made of numbers; and two people who speak.

The far end is the assistant (from the loudspeaker), the near end is the user.  An echo is what was
played, later, softer, through a room that reverberates, now and then through a loudspeaker that
distorts or a clock that drifts.
"""

import subprocess
import wave
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from voicechat.audio.pcm import HOUSE_RATE, to_pcm, to_samples
from voicechat.audio.resample import Resampler

Sound = npt.NDArray[np.float64]

STORY = (
    "Good morning. I would be glad to tell you a long story about a lighthouse keeper who lived "
    "on a small island far away from the coast. Every evening he climbed the two hundred steps, "
    "cleaned the glass, and lit the lamp. One night a storm came, and the sea rose higher than "
    "anybody could remember. He stayed awake until the morning, and counted the ships that passed "
    "by in the dark. When the sun came up, there was a small boat in the harbour, and in it sat a "
    "child who did not know his own name."
)
QUESTION = (
    "Excuse me, could you please stop for a moment? I have a question about that. What was the "
    "name of the island, and how many ships did he see?"
)
FAR_DBFS = -23.0
NEAR_DBFS = -26.0


def far_end() -> Sound:
    """The assistant tells a story of 27 s."""
    return at_level(_spoken("en-us+f3", STORY), FAR_DBFS)


def near_end() -> Sound:
    """The user asks for 8 s."""
    return at_level(_spoken("en-us+m3", QUESTION), NEAR_DBFS)


@lru_cache(maxsize=8)
def _spoken(voice: str, text: str) -> Sound:
    """Speech at the house rate."""
    command = ["espeak-ng", "-v", voice, "--stdout", text]
    spoken = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(BytesIO(spoken)) as file:
        rate, pcm = file.getframerate(), file.readframes(1 << 24)
    return to_samples(Resampler(rate, HOUSE_RATE).process(pcm)).astype(np.float64)


def at_level(sound: Sound, dbfs: float) -> Sound:
    """With this level while it sounds; pauses do not count."""
    sounding = np.abs(sound) > 0.02 * np.abs(sound).max()
    loudness = np.sqrt((sound[sounding] ** 2).mean())
    scaled: Sound = sound * (32768 * 10 ** (dbfs / 20) / loudness)
    return scaled


@dataclass(frozen=True, slots=True)
class Room:
    """From the loudspeaker to the microphone."""

    delay_ms: float = 80
    gain_db: float = -12
    rt60_ms: float = 150
    """How long the room rings."""
    clips: bool = False
    """Whether the loudspeaker distorts."""
    drift_ppm: float = 0
    """How much faster the microphone's clock runs."""
    noise_dbfs: float = -70

    def echo(self, played: Sound) -> Sound:
        """What of it comes to the microphone."""
        driven = np.tanh(played / 6000) * 6000 if self.clips else played
        rung = _convolve(driven, self._response())[: played.size] * 10 ** (self.gain_db / 20)
        at = np.arange(played.size) * (1 + self.drift_ppm * 1e-6)
        at -= self.delay_ms * HOUSE_RATE / 1000
        heard: Sound = np.interp(at, np.arange(played.size), rung, left=0)
        return heard

    def noise(self, frames: int) -> Sound:
        """What the microphone gives in a quiet room."""
        return (
            np.random.default_rng(3).standard_normal(frames) * 32768 * 10 ** (self.noise_dbfs / 20)
        )

    def _response(self) -> Sound:
        """The way itself, then reflections that fade."""
        frames = int(min(self.rt60_ms, 300) * HOUSE_RATE / 1000)
        fading = 10 ** (-3 * np.arange(frames) / (HOUSE_RATE * self.rt60_ms / 1000))
        response = np.random.default_rng(1).standard_normal(frames) * fading
        response[: HOUSE_RATE // 1000] = 0
        response[0] = np.sqrt((response**2).sum())
        unit: Sound = response / np.sqrt((response**2).sum())
        return unit


def _convolve(sound: Sound, response: Sound) -> Sound:
    size = 1 << int(sound.size + response.size).bit_length()
    return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)


def pcm(sound: Sound) -> bytes:
    return to_pcm(sound)


def power_db(sound: Any) -> float:
    """Mean power of samples, in dB of any scale."""
    wide = np.asarray(sound, np.float64)
    return float(10 * np.log10(np.mean(wide**2) + 1e-9))


def send(echo: Any, heard: Sound, played: Sound, chunk: int = 480) -> Sound:
    """Both sides through an `Echo`, chunk by chunk; what would be sent."""
    frames = min(heard.size, played.size) // chunk * chunk
    sent = []
    for at in range(0, frames, chunk):
        echo.play(pcm(played[at : at + chunk]))
        sent.append(to_samples(echo.process(pcm(heard[at : at + chunk]))))
    return np.concatenate(sent).astype(np.float64)
