"""The mind for those who have no other: an honest echo."""

import asyncio
from collections.abc import AsyncGenerator

from voicechat.cascade.audio import BYTES_PER_MS
from voicechat.cascade.llm.chat import last_turn
from voicechat.cascade.llm.notices import ECHO, OWN_VOICE, say
from voicechat.cascade.roles import LlmRequest, Piece, ReadyAudio
from voicechat.cascade.server.vad import trim


class EchoMind:
    """Gives back what it got, and says once in a conversation that it is no more than that."""

    hears = False

    def __init__(self, language: str = "") -> None:
        self._language = language

    async def answer(self, question: LlmRequest) -> AsyncGenerator[Piece, None]:
        """Typed words as words, spoken ones as the very sound; the first time with the notice."""
        turn = last_turn(question)
        first = not any(said.role == "assistant" for said in question.said)
        if turn.pcm:
            sound = await asyncio.to_thread(trim, turn.pcm)
            seconds = len(sound) / BYTES_PER_MS / 1000
            words = say(OWN_VOICE, self._language, turn.text).format(seconds)
            yield ReadyAudio(sound, words + (" " if first else ""))
        elif turn.text:
            yield turn.text + ("\n" if first else "")
        if first or not (turn.pcm or turn.text):
            yield say(ECHO, self._language, turn.text)
