"""The microphone as the model shall hear it: its chunks, without what the loudspeaker plays.

What was played is taken where the card's callback took it: after volume, fades and silence, at the
moment it was given to the card.
"""

from collections.abc import AsyncIterator

from voicechat.audio.card.sound_card import CardLoudspeaker, Microphone, SoundCard
from voicechat.audio.echo.echo import Echo
from voicechat.audio.resample import Resampler


class Hearing:
    """Joins both sides of an open card, and begins anew whenever one of them was opened anew."""

    def __init__(self, card: SoundCard, echo: Echo) -> None:
        self._card = card
        self._echo = echo
        self._seen = (-1, -1)

    async def chunks(self) -> AsyncIterator[bytes]:
        """What is heard from now on, for ever: PCM16 mono at the house rate."""
        microphone = self._card.microphone
        if microphone is not None:
            async for chunk in microphone.chunks():
                yield self._clean(chunk, microphone, self._card.speaker)

    def _clean(
        self, chunk: bytes, microphone: Microphone, speaker: CardLoudspeaker | None
    ) -> bytes:
        if speaker is None or self._echo.mode == "off":
            return chunk
        self._follow(microphone, speaker)
        self._echo.play(self._resampler.process(speaker.take_played()))
        return self._echo.process(chunk, microphone.waiting)

    def _follow(self, microphone: Microphone, speaker: CardLoudspeaker) -> None:
        now = (microphone.generation, speaker.generation)
        if now != self._seen:
            self._seen = now
            self._resampler = Resampler(speaker.rate, microphone.rate)
            self._echo.latency_ms = speaker.latency_ms
            speaker.take_played()
            self._echo.restart()
