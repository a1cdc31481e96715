"""The real program with real sound: a private PulseAudio, a stand-in service, a voice."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.voice.service import ROOT, Server, server
from tests.fakes.pulse import PulseServer
from tests.fakes.terminal import Terminal

KEY = "sk-test-canary-51be0c77d2f94a"
"""Must never be seen anywhere but in the environment."""
KEPT = ("PATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
PROGRAM = [sys.executable, "-m", "voicechat"]

Serve = Callable[..., Server]
Voice = Callable[[str], Path]


class Stage:
    """Starts the program so that it knows one sound server, one home, and nothing else of ours."""

    def __init__(self, home: Path, pulse: PulseServer) -> None:
        self.home, self.pulse = home, pulse
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.env = {
            **kept,
            **pulse.env,
            "HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "VOICECHAT_DATA": str(home / "data"),
            "VOICECHAT_CONFIG": str(home / "config.toml"),
            "OPENAI_API_KEY": KEY,
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
        }
        (home / "config.toml").touch(mode=0o600)
        self._open = ExitStack()

    def start(self, *options: str, **env: str) -> Terminal:
        """The program in a terminal of 80x24."""
        terminal = Terminal([*PROGRAM, *options], cols=80, rows=24, env=self.env | env)
        return self._open.enter_context(terminal)

    def call(self, service: Server, *options: str) -> Terminal:
        """The program connected to the stand-in, its session agreed and its microphone open."""
        wanted = ("--model", "gpt-realtime-2.1", "--url", service.url, *options)
        terminal = self.start(*wanted)
        service.wait_for("session.updated", "out")
        ready = "LIVE, hands-free" if "--hands-free" in options else "Push-to-talk"
        terminal.wait_for(lambda text: ready in text and "connected" in text)
        return terminal

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def pulse() -> Iterator[PulseServer]:
    """A private sound server with a virtual loudspeaker and a virtual microphone."""
    with PulseServer() as sound:
        yield sound


@pytest.fixture
def stage(tmp_path: Path, pulse: PulseServer) -> Iterator[Stage]:
    stage = Stage(tmp_path, pulse)
    yield stage
    stage.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a stand-in with command line options; it ends with the test."""
    with ExitStack() as running:
        yield lambda *options: running.enter_context(server(tmp_path, *options))


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    """Somebody who speaks: a text to a WAV file, without long pauses in it."""
    folder = tmp_path_factory.mktemp("voice")

    def speak(text: str) -> Path:
        path = folder / f"{abs(hash(text))}.wav"
        if not path.exists():
            subprocess.run(["espeak-ng", "-s", "170", "-w", str(path), text], check=True)
        return path

    return speak
