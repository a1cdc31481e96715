"""When a speech service fails, a speaking program of this machine goes on in its place.

Only before the first sound of a sentence: one that broke off in the middle is not said again.  A
refusal (key, money, a voice that does not exist) is never covered up.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from voicechat.cascade.roles import TextToSpeech
from voicechat.errors import LinkError, ServiceError, VoiceChatError
from voicechat.text.phrase import phrase

_PATIENCE_S = 12.0
_REST_S = 60.0


@dataclass(frozen=True, slots=True)
class FailureBudget:
    """How long a service may fail us."""

    first_sound_s: float = _PATIENCE_S
    """A pause longer than this is worse than another voice."""
    rest_s: float = _REST_S
    """After a failure the service is left alone so long, unless it names a time itself."""


class SpareMouth:
    """A mouth with a spare one behind it."""

    speaks = True
    is_billed = True

    def __init__(
        self, mouth: TextToSpeech, spare: TextToSpeech, patience: FailureBudget | None = None
    ) -> None:
        self._mouth, self._spare, self._patience = mouth, spare, patience or FailureBudget()
        self._rests_until = 0.0
        self._works = True
        self._complaint = ""

    async def speak(self, text: str, *, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """The sentence by the service, or by the program when that one fails.

        Raises:
            VoiceChatError: The service refused, or broke off; or the program failed too.
        """
        spoken = False
        try:
            async with contextlib.aclosing(self._own(text, voice, speed)) as pieces:
                async for pcm in pieces:
                    spoken = self._works = True
                    yield pcm
            return
        except VoiceChatError as error:
            if spoken or not error.retryable:
                raise
            self._rest(error)
        spare = self._spare.speak(text, voice=voice, speed=speed)
        async with contextlib.aclosing(spare) as pieces:
            async for pcm in pieces:
                yield pcm

    def take_complaint(self) -> str:
        """What the user should be told, once for each time the service ceases to work; or empty."""
        complaint, self._complaint = self._complaint, ""
        return complaint

    async def _own(self, text: str, voice: str, speed: float) -> AsyncGenerator[bytes, None]:
        """The sound of the service, if it begins soon."""
        if asyncio.get_running_loop().time() < self._rests_until:
            raise _Resting
        limit_s = self._patience.first_sound_s
        sound = self._mouth.speak(text, voice=voice, speed=speed)
        async with contextlib.aclosing(sound) as pieces:
            try:
                async with asyncio.timeout(limit_s):
                    first = await anext(pieces, None)
            except TimeoutError:
                raise LinkError(
                    phrase("The speech did not begin within {seconds:.0f} s", seconds=limit_s)
                ) from None
            if first is not None:
                yield first
            async for pcm in pieces:
                yield pcm

    def _rest(self, error: VoiceChatError) -> None:
        if isinstance(error, _Resting):
            return
        rest_s = error.retry_after_s or self._patience.rest_s
        self._rests_until = asyncio.get_running_loop().time() + rest_s
        if self._works:
            self._works = False
            self._complaint = phrase(
                "{why}: a program of this machine speaks for now", why=error.message
            )
            logging.getLogger(__name__).warning("%s", self._complaint)


class _Resting(ServiceError):
    """The service failed a moment ago and is not asked."""

    def __init__(self) -> None:
        super().__init__(phrase("The speech service is left alone for a while"))


def take_complaint(mouth: TextToSpeech) -> str:
    """What the user should be told about any mouth; empty: nothing."""
    return mouth.take_complaint() if isinstance(mouth, SpareMouth) else ""
