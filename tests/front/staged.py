"""The real screen with a real session, against the stand-in service or the built-in model.

No terminal and no sound card: Textual runs without a head, and `StillCard` stands where the sound
card does.
"""

import asyncio
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
from textual.pilot import Pilot

from tests.fakes.ga_script import Script
from tests.fakes.ga_server import GaServer
from voicechat.app import build, cli
from voicechat.audio.card.ring import Ring
from voicechat.audio.card.sound_card import SoundCard
from voicechat.audio.pcm import HOUSE_RATE
from voicechat.front.app_api import AppApi
from voicechat.front.commands.listing import DeviceRow, ModelRow
from voicechat.front.tui.app import VoiceChatApp
from voicechat.front.tui.prompt import Prompt
from voicechat.front.words.words import Words
from voicechat.session.session import Session

DEVICES = [
    DeviceRow(0, "Built-in microphone", "ALSA", 2, 0, 48000, True, False),
    DeviceRow(1, "Built-in loudspeaker", "ALSA", 0, 2, 48000, False, True),
    DeviceRow(3, "耳机 [bold]Headset[/bold]", "ALSA", 1, 2, 44100, False, False),
]


async def _find_devices() -> list[DeviceRow]:
    return DEVICES


class StillCard:
    """A microphone that hears an even hum, and a loudspeaker that plays into nowhere."""

    def __init__(self) -> None:
        self.microphone = self
        self.speaker = self
        self.rate = HOUSE_RATE
        self.ring = Ring(HOUSE_RATE)
        self.block_frames = 480
        self.latency_ms = 20.0
        self.generation = 0
        self.waiting = self.overflows = self.underflows = 0
        self._played = bytearray()
        self._hum = np.full(480, 3000, "<i2").tobytes()

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    def lag_ms(self, now: float) -> float:
        return 0.0

    async def watch(self) -> None:
        """Play at the pace of the clock."""
        start, played = time.monotonic(), 0
        while True:
            await asyncio.sleep(0.02)
            due = int((time.monotonic() - start) * self.rate) - played
            played += due
            sound = bytearray(due * 2)
            self.ring.read_into(memoryview(sound))
            self._played += sound

    def take_played(self) -> bytes:
        played, self._played = bytes(self._played), bytearray()
        return played

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.02)
            yield self._hum


class StagedApp(VoiceChatApp):
    """Starts its service and its session itself.

    Args:
        script: What the service does; None: the built-in model instead.
        options: More of the command line.
        sound: Whether there is a `StillCard`.
        real_sound: Whether there is a real one, as PortAudio finds it.
        vad_rms: The service hears speech in what is louder (PCM16).
    """

    def __init__(
        self,
        script: Script | str | None = "normal",
        *options: str,
        language: str = "en",
        theme: str = "dark",
        sound: bool = False,
        real_sound: bool = False,
        setup: Callable[[Session], None] = lambda session: None,
        session_kind: type[Session] = Session,
        environ: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        models: list[ModelRow] | None = None,
        vad_rms: float = 500.0,
    ) -> None:
        words = Words(language)
        nothing = cast(Any, None)
        super().__init__(words, AppApi(nothing, nothing, _find_devices, self._pick), theme=theme)
        self.left_with: list[int] = []
        self._on_leave = self.left_with.append
        self.picks: list[tuple[str, int]] = []
        self.server = GaServer(script, tls=tls, vad_rms=vad_rms) if script is not None else None
        self._options = options
        self._sound = sound or real_sound
        self._real_sound = real_sound
        self._setup = setup
        self._session_kind = session_kind
        self._environ = environ if environ is not None else {"OPENAI_API_KEY": "sk-test-front"}
        self.folder = tempfile.TemporaryDirectory(prefix="front-")
        self._models = models
        self._call: asyncio.Task[None] | None = None

    def _pick(self, side: str, index: int) -> None:
        self.picks.append((side, index))

    def _list_models(self) -> list[ModelRow]:
        return self.house.find_models() if self._models is None else self._models

    async def on_load(self) -> None:
        model = ["--model", "local"]
        if self.server is not None:
            await self.server.__aenter__()
            model = ["--model", "gpt-realtime-2.1", "--url", self.server.url]
        line = [*model, *self._options, *([] if self._sound else ["--text"])]
        environ = {"VOICECHAT_DATA": self.folder.name, **self._environ}
        house = self.house = build.App.build(cli.build_parser().parse_args(line), environ)
        self._doors = AppApi(
            self._list_models,
            house.dial,
            _find_devices,
            self._pick,
            find_key=house.find_key,
            store_key=house.store_key,
            hide_key=house.hide_key,
        )
        self.session = house.build_session(
            self.hear, with_sound=self._real_sound, wants_speech=self._sound
        )
        if self._sound and not self._real_sound:
            self.session.engine._card = cast(SoundCard, StillCard())
        self.session.__class__ = self._session_kind
        self._setup(self.session)
        self._call = asyncio.create_task(self.session.run(stay=True))

    async def on_unmount(self) -> None:
        if self._call is not None:
            self._call.cancel()
            await asyncio.gather(self._call, return_exceptions=True)
            self.house.close()
        if self.server is not None:
            await self.server.__aexit__()
        self.folder.cleanup()

    # -- what a test looks at -------------------------------------------------------------------

    @property
    def data(self) -> Path:
        return Path(self.folder.name)

    def text(self) -> str:
        """The screen, line by line, as the compositor would draw it."""
        width, height = self.size
        lines = self.screen._compositor.render_strips(self.size)
        return "\n".join(line.crop(0, width).text.rstrip() for line in lines[:height])


async def until(
    pilot: Pilot[None], holds: str | Callable[[str], object], timeout_s: float = 15.0
) -> str:
    """Wait for a text or a condition on the screen; the screen.  AssertionError: none came."""
    app = cast(StagedApp, pilot.app)
    end = time.monotonic() + timeout_s
    while True:
        await pilot.pause(0.02)
        text = app.text()
        if holds in text if isinstance(holds, str) else holds(text):
            return text
        assert time.monotonic() < end, f"{holds} did not show:\n{text}"


async def say(pilot: Pilot[None], text: str) -> None:
    """Type a message and send it."""
    pilot.app.query_one(Prompt).insert_text_at_cursor(text)
    await pilot.press("enter")
