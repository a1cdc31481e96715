"""People who speak, made by espeak-ng, and the stand-in for the service with replies that are
voices: `python -m tests.bench._voices LOG TEXT WAV [WAV …]`, see `tests.fakes.ga_server`.
"""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.audio.echo_room import FAR_DBFS, NEAR_DBFS, at_level, pcm
from tests.e2e.voice.service import ROOT, Server
from tests.fakes.ga_script import Reply, Script
from tests.fakes.ga_server import GaServer
from tests.fakes.pulse import RATE
from voicechat.audio.pcm import to_samples
from voicechat.audio.resample import Resampler

STORIES = (
    "Good morning. I would be glad to tell you about the lighthouse on the island. Every evening "
    "the keeper climbed two hundred steps, cleaned the glass, and lit the lamp. One night a storm "
    "came, and the sea rose higher than anybody could remember.",
    "That is a good question, and there are several answers to it. The first is that bread needs "
    "time. The second is that most ovens are not hot enough. And the third, which people like the "
    "least, is that you have to do it often before it works.",
    "Of course. Take the train to the harbour, which runs every twenty minutes. Then walk along "
    "the water until you see a red house with a green door. My friend lives on the second floor; "
    "ring twice, for the bell is old and does not always work.",
    "Let me think about that for a moment. The weather will be fine until the afternoon, with a "
    "little wind from the west. Later there may be some rain, mostly in the hills. I would take "
    "a coat, good shoes, and something to eat with me.",
    "In the beginning there were only three of them, and nobody knew what to do. They bought an "
    "old boat, painted it blue, and sailed around the cape. It took them eleven weeks. When they "
    "came home, the whole town stood on the pier and sang.",
)
QUESTIONS = (
    "Could you tell me something about the island?",
    "What do I have to do to bake a good bread at home?",
    "How do I find the house of your friend?",
    "Tell me please what the weather will be like tomorrow.",
    "And what became of the three people and their boat?",
    "I would like to know more about that, if you have the time.",
)
BARGE_INS = (
    "Excuse me please, could you stop for a moment?",
    "Wait a second, I have a question about that.",
    "No no, that is not what I wanted to know.",
)
WORDS = " ".join(STORIES)
"""What a reply says in writing: more than in sound, so that the screen has something to do."""


def speak(voice: str, text: str, dbfs: float) -> bytes:
    """Speech: PCM16 mono at RATE."""
    command = ["espeak-ng", "-v", voice, "-s", "165", "--stdout", text]
    spoken = subprocess.run(command, capture_output=True, check=True).stdout
    at = spoken.index(b"data") + 8
    rate = int.from_bytes(spoken[24:28], "little")
    sound = to_samples(Resampler(rate, RATE).process(spoken[at:])).astype(float)
    return pcm(at_level(sound, dbfs))


def user(text: str) -> bytes:
    return speak("en-us+m3", text, NEAR_DBFS)


def save_stories(folder: Path, dbfs: float = FAR_DBFS) -> list[Path]:
    """The assistant's replies as files."""
    paths = []
    for number, text in enumerate(STORIES):
        path = folder / f"story{number}.wav"
        save(path, speak("en-us+f3", text, dbfs))
        paths.append(path)
    return paths


def save(path: Path, sound: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound)


@contextmanager
def voices(
    home: Path, wavs: list[Path], *, text: str = WORDS, pace: float = 3.0
) -> Iterator[Server]:
    """The stand-in, whose replies are these voices, one after another, again and again."""
    log_path = home / f"wire-{time.monotonic_ns()}.jsonl"
    log_path.touch()
    command = [sys.executable, "-m", "tests.bench._voices", "--pace", str(pace)]
    command += [str(log_path), text, *map(str, wavs)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(json.loads(process.stdout.readline())["port"], log_path)
        finally:
            process.terminate()


async def _serve(script: Script, log_path: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with GaServer(script, log_path=log_path) as server:
        print(json.dumps({"port": server.port}), flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pace", type=float, required=True)
    parser.add_argument("log", type=Path)
    parser.add_argument("text")
    parser.add_argument("wavs", type=Path, nargs="+")
    given = parser.parse_args()
    replies = tuple(Reply(given.text, wav=wav) for wav in given.wavs * 200)
    asyncio.run(_serve(Script(replies=replies, pace=given.pace), given.log))


if __name__ == "__main__":
    main()
