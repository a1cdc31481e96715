"""The sound of a session, both ways: one card, one playout, or neither.

A session without sound (text mode, no device, no PortAudio) has an engine that plays nothing and
hears nothing, so that nobody else needs to ask whether there is a card.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from voicechat.audio.card.aside import Aside
from voicechat.audio.card.sound_card import SoundCard
from voicechat.audio.ducking import GAIN, Duck
from voicechat.audio.echo.capture_path import Hearing
from voicechat.audio.echo.echo import Echo, EchoStats, Mode
from voicechat.audio.gain import Loudness
from voicechat.audio.pcm import FLOOR_DBFS, level_dbfs
from voicechat.audio.playback.jitter import SlowLink, Stats
from voicechat.audio.playback.playout import Playout
from voicechat.audio.recording.card_tap import CardRecording
from voicechat.errors import DeviceError
from voicechat.events import Heard, Notice, Notify

PUMP_S = 0.02
"""A third of what waits in the loudspeaker's ring."""
LOOK_S = 0.25
"""How soon a device that came late is seen."""
KEEP_LIMIT_S = 1.0
"""A disk that hangs must not hold up the end."""

State = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VoicePolicy:
    """What a voice over a reply means (barge-in)."""

    hears_freely: bool = True
    """What is heard is sent without a key: only then the microphone may be closed against the
    echo, and a voice over a reply is looked for."""
    holds_for_voice: bool = False
    """A reply waits while the user certainly speaks over it, until whoever decides has done so
    (`interrupt`), or nothing follows: then it goes on where it was."""


class ArrivalMemory(Protocol):
    """Knows from earlier calls how the sound of each source arrives on this network."""

    def recall(self, source: str) -> State | None: ...
    def keep(self, learned: Mapping[str, State]) -> None:
        """May wait for a disk."""


class Engine:
    """Opens the card, feeds the loudspeaker, hands on what the microphone hears.

    Args:
        card: The sound card, or None for no sound at all.
        buffer_ms: How much of a reply must be there before it plays, until better is learned.
        volume: Loudness, 0 to 2.
        echo: When the loudspeaker's sound is taken out of the microphone's: `auto`: when it is
            heard there; `on`: always; `off`: never.
        noise_suppression: Whether steady noise is softened with it.
        input_gain: Of the microphone, 0 to 4.
        recording: Gets both sides of the call while it is on.
        memory: Of earlier calls; None: there is none.
        notify: Told what the user should know of the sound; the card tells by itself.
    """

    def __init__(
        self,
        card: SoundCard | None,
        *,
        buffer_ms: int = 100,
        volume: float = 1.0,
        echo: Mode = "auto",
        noise_suppression: bool = True,
        input_gain: float = 1.0,
        recording: CardRecording | None = None,
        memory: ArrivalMemory | None = None,
        notify: Notify = lambda notice: None,
    ) -> None:
        self._notify = notify
        self.volume = volume
        """May be changed at any time."""
        self._input_gain, self._loudness = input_gain, Loudness(factor=input_gain)
        self._recording = recording
        self.policy = VoicePolicy()
        """Set anew by whoever decides, whenever it changes."""
        self._echo = Echo(echo, noise_suppression=noise_suppression, notify=notify)
        self._duck = Duck()
        self._is_hushed = False
        self._heard_last = b""
        self._card = card
        self._buffer_ms = buffer_ms
        self._tried = asyncio.Event()
        self._due = asyncio.Event()
        self._playout: Playout | None = None
        self._rate = 0
        """Hz of the line's replies; 0 before the first line."""
        self._source, self._is_paced = "", False
        self._memory = memory
        self._learned: dict[str, State] = {}
        """How the sound of each source arrives."""
        self._slow_link = SlowLink()

    # -- its life -------------------------------------------------------------------------------

    async def run(self, hear: Callable[[bytes], None], notify: Notify | None = None) -> None:
        """Until cancelled: open the card, give `hear` chunks of PCM16 at the house rate, play.

        Without a usable device, which is told (`no_sound`), the session goes on, and takes up what
        comes later.
        """
        try:
            if self._card is not None:
                await self._card.open()
        except DeviceError as error:
            (notify or self._notify)(Notice("no_sound", error.sentence))
        finally:
            self._tried.set()
        if self._card is not None:
            _spare_callbacks()
            await self._run_card(self._card, hear)

    async def _run_card(self, card: SoundCard, hear: Callable[[bytes], None]) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump())
                tasks.create_task(card.watch())
                tasks.create_task(self._meet_loudspeaker(card))
                if self._recording is not None:
                    tasks.create_task(self._recording.run())
                while card.microphone is None:
                    await asyncio.sleep(LOOK_S)
                async for chunk in Hearing(card, self._echo).chunks():
                    chunk = self._loudness.process(chunk, self._input_gain)
                    self._heard_last = chunk
                    self._listen(chunk)
                    hear(chunk)
        finally:
            await card.close()
            await self._keep_learned()

    async def _meet_loudspeaker(self, card: SoundCard) -> None:
        """The line may be quicker than the card."""
        while card.speaker is None:
            await asyncio.sleep(LOOK_S)
        if self._rate and self._playout is None:
            self.start_line(self._rate, self._source, is_paced=self._is_paced)

    async def _keep_learned(self) -> None:
        """For the next call."""
        self._learn()
        learned, memory = dict(self._learned), self._memory
        if memory is not None and learned:
            with suppress(TimeoutError):
                await Aside().run(lambda: memory.keep(learned), KEEP_LIMIT_S)

    def _learn(self) -> None:
        if self._playout is not None and self._source:
            self._learned[self._source] = self._playout.export_state()

    def _listen(self, chunk: bytes) -> None:
        """Let the reply be softer, or end, when the user speaks over it."""
        is_free = self._echo.allows_half_duplex = self.policy.hears_freely
        said = chunk if self._echo.is_trusted else bytes(len(chunk))
        self._duck.feed(said, is_playing=is_free and self.is_playing)
        if self._playout is not None:
            self._playout.hold(self._duck.holds and self.policy.holds_for_voice)
        self._set_volume()

    def duck(self, is_soft: bool) -> None:
        """Make the replies soft until told otherwise: the user may be interrupting them."""
        self._is_hushed = is_soft
        self._set_volume()

    def _set_volume(self) -> None:
        if self._playout is not None:
            gain = GAIN if self._is_hushed else self._duck.gain
            self._playout.volume = self.volume * gain

    def expect_voice(self, is_expected: bool) -> None:
        """Whether what is heard now is the user's turn: only then a silent microphone is told."""
        if self._card is not None and self._card.microphone is not None:
            self._card.microphone.is_expected = is_expected

    async def wait_tried(self, seconds: float) -> None:
        """Until it is known whether there is sound, but not for ever."""
        try:
            await asyncio.wait_for(self._tried.wait(), seconds)
        except TimeoutError:
            return

    async def _pump(self) -> None:
        """Keep the loudspeaker's ring filled while there is something to play."""
        while True:
            await self._due.wait()
            self._due.clear()
            while self._playout is not None and self._playout.pump():
                await asyncio.sleep(PUMP_S)
                self._set_volume()
                self._slow_link.note(self._playout.stats().underruns, time.monotonic())

    def record_sent(self, pcm: bytes, rate: int) -> None:
        """This went to the model, up to what the microphone heard last."""
        if self._recording is not None:
            self._recording.sent(pcm, rate)

    # -- what there is --------------------------------------------------------------------------

    @property
    def has_microphone(self) -> bool:
        return self._card is not None and self._card.microphone is not None

    @property
    def has_loudspeaker(self) -> bool:
        return self._playout is not None

    @property
    def lacks_loudspeaker(self) -> bool:
        """Whether sound was asked for and there is no loudspeaker: replies need no sound then."""
        return self._card is not None and self._tried.is_set() and self._card.speaker is None

    @property
    def is_playing(self) -> bool:
        return self._playout is not None and not self._playout.is_idle

    @property
    def microphone_dbfs(self) -> float:
        """How loud the last chunk was; reckoned only when somebody looks."""
        return level_dbfs(self._heard_last)

    @property
    def loudspeaker_dbfs(self) -> float:
        if self._playout is None or self._playout.is_idle:
            return FLOOR_DBFS
        return level_dbfs(self._playout.recent)

    @property
    def echo(self) -> EchoStats:
        """What is done about the loudspeaker's echo, and how well."""
        return self._echo.stats

    @property
    def stats(self) -> Stats | None:
        return self._playout.stats() if self._playout else None

    @property
    def is_slow(self) -> bool:
        """Whether replies run dry again and again: the link is slower than speech."""
        return self._slow_link.is_slow(time.monotonic())

    @property
    def lost(self) -> int:
        """How often the card lost sound, or got it too late, while the computer was too busy."""
        if self._card is None:
            return 0
        microphone, speaker = self._card.microphone, self._card.speaker
        heard = microphone.overflows if microphone is not None else 0
        return heard + (speaker.underflows if speaker is not None else 0)

    @property
    def lag_ms(self) -> float:
        """How long ago the end of the last chunk that was handed on was at the microphone."""
        microphone = self._card.microphone if self._card is not None else None
        return 0.0 if microphone is None else microphone.lag_ms(time.perf_counter())

    # -- playing --------------------------------------------------------------------------------

    def start_line(self, rate: int, source: str = "", *, is_paced: bool = False) -> None:
        """A new line: what is left of the old one is forgotten, but not what was learned of it.

        Another line to the same model lets a reply that still plays come to its end.

        Args:
            rate: Hz of its replies.
            source: Whose they are: how their sound arrives is remembered by this.
            is_paced: They come at the pace of speech, silence included.
        """
        if self.is_playing and (rate, source) == (self._rate, self._source):
            return  # The line was lost over a reply: what had arrived of it is heard.
        self.interrupt()
        self._learn()
        self._slow_link.forget()
        self._rate, self._source, self._is_paced = rate, source, is_paced
        speaker = self._card.speaker if self._card is not None else None
        self._playout = None
        if speaker is not None:
            state, paced = self._recall(source), is_paced or None
            self._playout = Playout(speaker, rate, self._buffer_ms, state=state, is_paced=paced)

    def _recall(self, source: str) -> State | None:
        """What this call has learned of a source; what an earlier one has, where it is new."""
        if self._memory is None or not source or source in self._learned:
            return self._learned.get(source)
        return self._memory.recall(source)

    def play(self, reply_id: str, item_id: str, pcm: bytes) -> None:
        """More sound of a reply."""
        if self._playout is not None:
            self._set_volume()
            self._playout.insert(reply_id, item_id, pcm)
            self._due.set()

    def finish(self, reply_id: str) -> None:
        """No more of this reply will come."""
        if self._playout is not None:
            self._playout.finish(reply_id)
            self._due.set()

    def interrupt(self) -> tuple[Heard, ...]:
        """Silence now; tells how much of what was playing or waiting has been heard."""
        return self._playout.interrupt() if self._playout is not None else ()

    def received_ms(self, item_id: str) -> int | None:
        """How many milliseconds of an item have come; None: there is no loudspeaker for it."""
        return self._playout.received_ms(item_id) if self._playout is not None else None

    def progress(self, item_id: str) -> tuple[int, int] | None:
        """(heard, received) milliseconds of an item; None when nothing of it is left to play."""
        if self._playout is None or not self._playout.is_pending(item_id):
            return None
        return self._playout.heard_ms(item_id), self._playout.received_ms(item_id)


def _spare_callbacks() -> None:
    """What start-up made stays out of every later garbage collection.

    A full collection holds the GIL for tens of milliseconds, and a card's callback waits for it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
