"""Both sides of an open sound card on the way into a recording, each with the time it was heard.

The rule: the loudspeaker's side is what its callback gave to the device, asked for ten times a
second; the user's side is what went to the model, and nothing else.
"""

import asyncio
from typing import Protocol

from voicechat.audio.pcm import FRAME_BYTES
from voicechat.audio.recording.recorder import CallRecorder

ASK_S = 0.1


class TappedLoudspeaker(Protocol):
    """A loudspeaker that remembers for two seconds what it gave to its device, once asked."""

    @property
    def rate(self) -> int: ...
    def take_recorded(self) -> tuple[bytes, float]:
        """PCM16 mono since this was asked last, and when its end leaves the loudspeaker."""

    def end_recording(self) -> None: ...


class TappedMicrophone(Protocol):
    """`heard_at`: when (`time.perf_counter`) the end of the last chunk was at the microphone."""

    @property
    def heard_at(self) -> float: ...


class Card(Protocol):
    """Either may be missing."""

    @property
    def speaker(self) -> TappedLoudspeaker | None: ...
    @property
    def microphone(self) -> TappedMicrophone | None: ...


class CardRecording:
    """Feeds a recorder while it is on; `run` it beside the card."""

    def __init__(self, card: Card, recorder: CallRecorder) -> None:
        self._card, self._recorder = card, recorder

    async def run(self) -> None:
        """For ever: hand on what the loudspeaker plays."""
        while True:
            await asyncio.sleep(ASK_S)
            if (speaker := self._card.speaker) is not None:
                self._take(speaker)

    def sent(self, pcm: bytes, rate: int) -> None:
        """This went to the model, up to what the microphone heard last; PCM16 mono at `rate`."""
        microphone = self._card.microphone
        if self._recorder.is_on and microphone is not None:
            start = microphone.heard_at - len(pcm) / FRAME_BYTES / rate
            self._recorder.user(pcm, self._recorder.frame_at(start), rate)

    def _take(self, speaker: TappedLoudspeaker) -> None:
        if not self._recorder.is_on:
            speaker.end_recording()
            return
        pcm, end = speaker.take_recorded()
        start = end - len(pcm) / FRAME_BYTES / speaker.rate
        self._recorder.assistant(pcm, self._recorder.frame_at(start), speaker.rate)
