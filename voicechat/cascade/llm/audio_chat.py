"""Minds that take a turn's sound and answer in sound, through `/chat/completions`.

Each service has its own way to be sent sound and to send it; what they share is `ChatMind`.
Sources: OpenAI's `chat.completions` (audio), Zhipu's GLM-4-Voice, Alibaba's Qwen-Omni.
"""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from voicechat.cascade.audio import SpeechStream
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.llm import chat_request
from voicechat.cascade.llm.chat import ChatMind
from voicechat.cascade.roles import HistoryMessage, LlmRequest, Piece, ReadyAudio
from voicechat.text.phrase import phrase


@dataclass(frozen=True, slots=True)
class Manner:
    """How one service does it."""

    model: str
    """Where the user names none."""
    voice: str
    """Where the user names none; empty: it has only one."""
    format: str = ""
    """How its sound is asked for; empty: it comes unasked."""
    prefix: str = ""
    """What stands before the base64 of the sound we send."""
    silent: str = ""
    """A pattern for its models that only write over HTTP."""
    needs_sound: bool = False
    """Whether it refuses what has sound neither in it nor in its answer."""

    def fields(self, question: LlmRequest, voice: str, model: str) -> dict[str, Any]:
        """The fields that say what the answer shall be made of."""
        if not self.format:
            return {}
        if not self.speaks(question, model):
            return {"modalities": ["text"]}
        audio = {"voice": voice or self.voice, "format": self.format}
        return {"modalities": ["text", "audio"], "audio": audio}

    def speaks(self, question: LlmRequest, model: str) -> bool:
        """Whether the answer will have sound."""
        if self.silent and re.search(self.silent, model):
            return False
        return question.wants_sound or (self.needs_sound and not _is_heard(question))


MANNERS = {
    # With `stream` only bare PCM16 at 24 kHz is given.
    "openai-sound": Manner("gpt-audio-1.5", "marin", "pcm16", needs_sound=True),
    "glm-sound": Manner("glm-4-voice", ""),
    # `wav` is the only word it takes, and yet what it sends has no header.
    "qwen-sound": Manner(
        "qwen3-omni-flash",
        "Cherry",
        "wav",
        "data:;base64,",
        silent=r"qwen3\.[89]|qwen[4-9]",
    ),
}
_OWN_VOICES = re.compile(r"qwen3\.5")
_OWN_VOICE = "Tina"


def _is_heard(question: LlmRequest) -> bool:
    """Whether any turn will be sent as sound."""
    return any(one.pcm and not one.text for one in question.said)


class SoundMind(ChatMind):
    """A model that hears the user and speaks itself."""

    hears = True

    def __init__(
        self, service: HttpService, model: str, manner: Manner, *, voice: str = ""
    ) -> None:
        super().__init__(service, model or manner.model)
        self._manner = manner
        self._chosen_voice = voice or (_OWN_VOICE if _OWN_VOICES.search(model) else "")

    def _messages(self, question: LlmRequest, said: list[HistoryMessage]) -> list[dict[str, Any]]:
        def part(pcm: bytes) -> dict[str, Any]:
            return chat_request.input_audio(pcm, self._manner.prefix)

        return chat_request.messages(question.instructions, said, part)

    def _body(self, question: LlmRequest) -> dict[str, Any]:
        voice = question.voice or self._chosen_voice
        return super()._body(question) | self._manner.fields(question, voice, self._model)

    def _voice(self, question: LlmRequest) -> "SoundVoice | None":
        if not self._manner.speaks(question, self._model):
            return None
        return SoundVoice(self._service.failure)


class SoundVoice:
    """Words and sound of one answer, side by side."""

    def __init__(self, fail: Callable[[Any], Exception]) -> None:
        self._fail = fail
        self._words = ""
        """Held until there is sound to go with them."""
        self._base64 = ""
        self._stream = SpeechStream()
        self._has_sound = False

    def write(self, words: str) -> list[Piece]:
        """Words beside the sound."""
        self._words += words
        return self._give(b"") if self._has_sound else []

    def sound(self, audio: dict[str, Any]) -> list[Piece]:
        """Sound, its transcript, or only the time at which it expires."""
        if isinstance(words := audio.get("transcript"), str):
            self._words += words
        data = audio.get("data")
        pcm = self._decode(data) if isinstance(data, str) else b""
        return self._give(pcm) if pcm or self._has_sound else []

    def finish(self) -> list[Piece]:
        """What was held back; words that never got any sound are left to the mouth."""
        pcm = self._stream.finish()
        if self._has_sound or pcm:
            return self._give(pcm)
        return [self._words] if self._words else []

    def _give(self, pcm: bytes) -> list[Piece]:
        words, self._words = self._words, ""
        self._has_sound = self._has_sound or bool(pcm)
        return [ReadyAudio(pcm, words)] if pcm or words else []

    def _decode(self, data: str) -> bytes:
        """Base64 in pieces that may be cut anywhere, or padded each, to PCM16 at 24 kHz."""
        self._base64 += "".join(data.split())
        whole = len(self._base64) & ~3
        ready, self._base64 = self._base64[:whole], self._base64[whole:]
        try:
            sound = b"".join(base64.b64decode(part, validate=True) for part in _padded(ready))
        except (binascii.Error, ValueError):
            raise self._fail(phrase("it sent sound that cannot be read")) from None
        if sound.startswith(b"RIFF"):
            # Every piece may be a file of its own, and says its rate.
            rest, self._stream = self._stream.finish(), SpeechStream()
            return rest + self._stream.feed(sound)
        return self._stream.feed(sound)


def _padded(text: str) -> list[str]:
    """The parts that end in padding, one by one: a decoder stops at the first."""
    return re.findall(r"[^=]*={1,2}|[^=]+", text)
