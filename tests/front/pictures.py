"""Make the pictures of the README from the real program: `python -m tests.front.pictures FOLDER`.

Two are typed conversations, one in each language: the real screen and a real session, with the
stand-in service for a model, whose answers are fixed.  The third is the live mode, with a real
sound server and a voice at its virtual microphone.
"""

import asyncio
import os
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import trustme

from tests.fakes.ga_script import SCRIPTS, Reply, Script
from tests.fakes.pulse import PulseServer
from tests.front.staged import StagedApp, say, until

ENGLISH = (
    (
        "Why is the sky blue?",
        "Sunlight is a mix of all colours. Air scatters the short waves, the "
        "blue ones, far more than the long red ones, so blue comes from every direction.",
    ),
    (
        "And red at sunset?",
        "Then the light has a longer way through the air. Most of the blue has "
        "been scattered out of it before it reaches you, and what is left is orange and red.",
    ),
    ("Thank you!", "You are welcome. Ask me anything else."),
)
CHINESE = (
    (
        "天空为什么是蓝色的？",
        "太阳光里有各种颜色。空气对波长短的蓝光散射得最多，所以从四面八方进入眼睛的主要是蓝光。",
    ),
    (
        "那为什么日落是红色的？",
        "日落时，阳光要穿过更厚的空气，蓝光大多在途中被散射掉了，剩下的就是橙色和红色。🌇",
    ),
    ("谢谢！", "不客气，还想知道什么，尽管问我。"),
)


def script_of(talk: tuple[tuple[str, str], ...]) -> Script:
    replies = tuple(Reply(answer, audio_ms=100) for _, answer in talk)
    return replace(SCRIPTS["normal"], replies=replies, first_delay_ms=380)


def build(folder: Path, script: Script, **how: Any) -> StagedApp:
    """The program and its service, with TLS between them as it should be."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    config = folder / "config.toml"
    config.write_text(f'ca_file = "{folder / "ca.pem"}"\n')
    return StagedApp(script, "--config", str(config), tls=context, **how)


async def talk(folder: Path, scratch: Path, name: str, language: str) -> None:
    """A typed conversation."""
    lines = ENGLISH if language == "en" else CHINESE
    app = build(scratch, script_of(lines), language=language)
    async with app.run_test(size=(80, 24)) as pilot:
        ready = "- ready" if language == "en" else "- 就绪"
        await until(pilot, ready)
        for question, answer in lines:
            await say(pilot, question)
            await until(pilot, lambda text, end=answer[-4:]: end in text)  # type: ignore[misc]
            await until(pilot, ready)
        save(app, folder / name)


async def live(folder: Path, scratch: Path, pulse: PulseServer) -> None:
    """Push-to-talk, in the middle of a question."""
    app = build(scratch, script_of(ENGLISH), real_sound=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, "Push-to-talk")
        await until(pilot, "- ready")
        await say(pilot, ENGLISH[0][0])
        await until(pilot, "direction.")
        await until(pilot, "- ready")
        await pilot.press("space")
        with speaking(pulse):
            await until(pilot, lambda text: "LIVE" in text and "mic ███" in text)
            save(app, folder / "live.svg")


@contextmanager
def speaking(pulse: PulseServer) -> Iterator[None]:
    """A voice at the microphone."""
    import subprocess

    wav = Path(os.environ["PULSE_STATE_PATH"]) / "voice.wav"
    words = "And why is it red at sunset? Please tell me all about it, slowly, and in detail."
    subprocess.run(["espeak-ng", "-w", str(wav), words], check=True)
    playing = pulse.play_to_microphone(wav, wait=False)
    threading.Event().wait(0.3)
    yield
    playing.wait()


def save(app: StagedApp, path: Path) -> None:
    path.write_text(app.export_screenshot(title="voicechat"), encoding="utf-8")
    print(path, path.stat().st_size)


async def main(folder: Path) -> None:
    with PulseServer() as pulse, tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        os.environ.update(pulse.env)  # Before PortAudio starts, which looks only then.
        await talk(folder, scratch, "talk-80x24.svg", "en")
        await talk(folder, scratch, "talk-zh.svg", "zh")
        await live(folder, scratch, pulse)


if __name__ == "__main__":
    pictures = Path(sys.argv[1] if len(sys.argv) > 1 else ".pictures")
    pictures.mkdir(exist_ok=True)
    asyncio.run(main(pictures))
