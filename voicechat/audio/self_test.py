"""Do microphone and loudspeaker work?  Listen, play a chirp, listen again, let the user speak.

The rule: it goes the way of a call (the same card, the same ring, the same chunks), so that what is
found here holds there.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from statistics import median

from voicechat.audio.card.erle import erle_db
from voicechat.audio.card.sound_card import CardLoudspeaker, Microphone, SoundCard
from voicechat.audio.card.tone import chirp, clipped_share, find
from voicechat.audio.pcm import (
    FLOOR_DBFS,
    FRAME_BYTES,
    HOUSE_RATE,
    bytes_to_ms,
    level_dbfs,
    ms_to_bytes,
)
from voicechat.events import Notice

QUIET_S = 2.0
CHIRPS = 3
CHIRP_S = 1.2
"""A chirp of 0.4 s, and the time in which it must be heard."""
VOICE_S = 4.0
_CHUNK_MS = 20


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found; None: it could not be measured."""

    microphone: str = ""
    """Its name; empty: there is none that works."""
    loudspeaker: str = ""
    remarks: tuple[str, ...] = ()
    """What the card told: a device is missing, or another one was taken."""
    is_silent: bool = False
    """The microphone gave nothing but exact zeros, all the time."""
    woke_ms: int | None = None
    """How long it gave zeros before it heard anything; None: until there was something to hear."""
    noise_dbfs: float | None = None
    """What it hears while nobody speaks."""
    voice_dbfs: float | None = None
    """The louder parts of what it heard while somebody was to speak."""
    clipped: float | None = None
    """Which part of all it heard is cut off at full scale, 0 to 1."""
    chirps_heard: int | None = None
    """Of `CHIRPS`, how many came back from the loudspeaker to the microphone."""
    round_trip_ms: int | None = None
    """From our hand to the loudspeaker's ring until the microphone gives it back to us: how late
    an echo comes."""
    echo_dbfs: float | None = None
    """How loud the chirp came back."""
    echo_loss_db: float | None = None
    """How much softer than it was played."""
    erle_db: float | None = None
    """By how much the echo canceller softens it."""
    output_latency_ms: int | None = None
    """As the sound system believes it to be."""
    lost: int | None = None
    """How often sound was lost, or came too late."""


async def run(
    input_device: str = "", output_device: str = "", tell: Callable[[str], None] = lambda step: None
) -> Findings:
    """Test a card, named as for `SoundCard`; takes ten seconds.

    Args:
        tell: Gets each step as it begins: `quiet`, `chirp`, `voice`.

    Raises:
        DeviceError: no device works.
    """
    remarks = list[str]()

    def hear(notice: Notice) -> None:
        if notice.code != "sound_silent":  # That is among the findings.
            remarks.append(notice.message)

    card = SoundCard(input_device, output_device, notify=hear)
    await card.open()
    try:
        ear = _ProbeRecorder(card.microphone) if card.microphone is not None else None
        return await _measure(card, ear, tell, remarks)
    finally:
        await card.close()


async def _measure(
    card: SoundCard, ear: "_ProbeRecorder | None", tell: Callable[[str], None], remarks: list[str]
) -> Findings:
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(ear.listen()) if ear is not None else None
        tell("quiet")
        await asyncio.sleep(QUIET_S)
        quiet_end = ear.length if ear is not None else 0
        echoes = await _play(card.speaker, ear, tell)
        voice_start = ear.length if ear is not None else 0
        if ear is not None and not ear.is_silent:
            tell("voice")
            await asyncio.sleep(VOICE_S)
        if listening is not None:
            listening.cancel()
    return _conclude(card, ear, echoes, quiet_end, voice_start, tuple(remarks))


@dataclass(frozen=True, slots=True)
class _Echo:
    played_at: int
    """Of all the microphone heard, the frame that was there as the chirp was played."""
    heard_at: int
    dbfs: float

    @property
    def delay_ms(self) -> float:
        return (self.heard_at - self.played_at) * 1000 / HOUSE_RATE


async def _play(
    speaker: CardLoudspeaker | None, ear: "_ProbeRecorder | None", tell: Callable[[str], None]
) -> list[_Echo]:
    """Play the chirps, and find each of them in what was heard meanwhile."""
    if speaker is None:
        return []
    tell("chirp")
    echoes = []
    for _ in range(CHIRPS):
        before = ear.length if ear is not None else 0
        speaker.ring.write(chirp(speaker.rate))
        played_at = time.perf_counter()
        await asyncio.sleep(CHIRP_S)
        if ear is not None and (echo := ear.find_chirp(before, played_at)):
            echoes.append(echo)
    return echoes


class _ProbeRecorder:
    """All that the microphone heard, and when each chunk of it came."""

    def __init__(self, microphone: Microphone) -> None:
        self._microphone = microphone
        self._heard = bytearray()
        self._came: list[float] = []

    async def listen(self) -> None:
        with suppress(asyncio.CancelledError):
            async for chunk in self._microphone.chunks():
                self._heard += chunk
                self._came += [time.perf_counter()] * (len(chunk) // ms_to_bytes(_CHUNK_MS))

    @property
    def length(self) -> int:
        """Bytes heard so far."""
        return len(self._heard)

    @property
    def is_silent(self) -> bool:
        return not any(self._heard)

    @property
    def woke_ms(self) -> int:
        """How long there were only zeros at first."""
        zeros = len(self._heard) - len(self._heard.lstrip(b"\0"))
        return bytes_to_ms(zeros)

    def heard(self, start: int, end: int | None = None) -> bytes:
        """What was heard between two lengths, without the time before it woke."""
        awake = ms_to_bytes(self.woke_ms)
        return bytes(self._heard[max(start, awake) : end])

    def find_chirp(self, start: int, played_at: float) -> _Echo | None:
        """A chirp that was played at a time, in what was heard since a length."""
        sound = chirp()
        found = find(sound, bytes(self._heard[start:]))
        if found is None:
            return None
        at = start + found.at_frame * FRAME_BYTES
        frame = at // FRAME_BYTES
        ago = round((self._time_of(frame) - played_at) * HOUSE_RATE)
        return _Echo(frame - ago, frame, level_dbfs(bytes(self._heard[at : at + len(sound)])))

    def erle_db(self, echoes: list[_Echo]) -> float | None:
        """What an echo canceller makes of them."""
        played, heard = [e.played_at for e in echoes], [e.heard_at for e in echoes]
        return erle_db(chirp(), bytes(self._heard), played, heard) if echoes else None

    def _time_of(self, frame: int) -> float:
        """When a frame had come, had it come alone."""
        size = HOUSE_RATE * _CHUNK_MS // 1000
        chunk = min(frame // size, len(self._came) - 1)
        return self._came[chunk] - ((chunk + 1) * size - frame) / HOUSE_RATE


def _conclude(
    card: SoundCard,
    ear: "_ProbeRecorder | None",
    echoes: list[_Echo],
    quiet_end: int,
    voice_start: int,
    remarks: tuple[str, ...],
) -> Findings:
    speaker, microphone = card.speaker, card.microphone
    hears = ear is not None and not ear.is_silent
    echo_dbfs = median(echo.dbfs for echo in echoes) if echoes else None
    return Findings(
        microphone=microphone.device_name if microphone else "",
        loudspeaker=speaker.device_name if speaker else "",
        remarks=remarks,
        is_silent=ear is not None and ear.is_silent,
        woke_ms=ear.woke_ms if ear is not None and ear.heard(0, quiet_end) else None,
        noise_dbfs=_loudness(ear.heard(0, quiet_end), 0.5) if ear is not None and hears else None,
        voice_dbfs=_loudness(ear.heard(voice_start), 0.9) if ear is not None and hears else None,
        clipped=clipped_share(ear.heard(0)) if ear is not None and hears else None,
        chirps_heard=len(echoes) if ear is not None and speaker is not None else None,
        round_trip_ms=round(median(echo.delay_ms for echo in echoes)) if echoes else None,
        echo_dbfs=_tenth(echo_dbfs),
        echo_loss_db=_tenth(level_dbfs(chirp()) - echo_dbfs) if echo_dbfs is not None else None,
        erle_db=_tenth(ear.erle_db(echoes)) if ear is not None else None,
        output_latency_ms=round(speaker.latency_ms) if speaker else None,
        lost=(microphone.overflows if microphone else 0) + (speaker.underflows if speaker else 0),
    )


def _loudness(pcm: bytes, share: float) -> float:
    """The level that so large a part of the chunks stays below."""
    size = ms_to_bytes(_CHUNK_MS)
    levels = sorted(level_dbfs(pcm[at : at + size]) for at in range(0, len(pcm), size))
    return round(levels[int(share * (len(levels) - 1))], 1) if levels else FLOOR_DBFS


def _tenth(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
