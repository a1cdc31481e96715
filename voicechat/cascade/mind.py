"""What to say: an honest echo, or any service that speaks OpenAI's `/v1/chat/completions`."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator
from typing import Any

from voicechat.cascade.endpoints import HttpService, read_events
from voicechat.cascade.parts import CutShort, Mind, Piece, Question, Said, Sound
from voicechat.cascade.sound import BYTES_PER_MS
from voicechat.cascade.vad import trim
from voicechat.errors import RefusedError, VoiceChatError

OLLAMA = "http://127.0.0.1:11434/v1"
_PROBE_S = 0.3
_CHINESE = re.compile("[\u3400-\u9fff]")

_ECHO_NOTICE = {
    "en": "This is only the built-in echo, not an AI. To talk to a real model, set"
    " OPENAI_API_KEY or start Ollama; see: voicechat models.",
    "zh": "这只是内置的回声，不是人工智能。要和真正的模型对话，请设置 OPENAI_API_KEY"
    " 或启动 Ollama；详见 voicechat models。",
}
_DEAF_NOTICE = {
    "en": "I cannot hear yet: set [local] ears. Typed messages work.",
    "zh": "我还听不见：请设置 [local] ears。打字可以用。",
}
_OWN_VOICE = {"en": "(your own voice, {:.1f} s)", "zh": "（你自己的声音，{:.1f} 秒）"}


class EchoMind:
    """Gives back what it got, and says once in a conversation that it is no more than that."""

    def __init__(self, language: str = "") -> None:
        self._language = language

    async def answer(self, question: Question) -> AsyncGenerator[Piece, None]:
        """Typed words as words, spoken ones as the very sound; the first time with the notice."""
        turn = _last_turn(question)
        tongue = _tongue(self._language, turn.text)
        first = not any(said.role == "assistant" for said in question.said)
        if turn.pcm:
            sound = await asyncio.to_thread(trim, turn.pcm)
            seconds = len(sound) / BYTES_PER_MS / 1000
            yield Sound(sound, _OWN_VOICE[tongue].format(seconds) + (" " if first else ""))
        elif turn.text:
            yield turn.text + ("\n" if first else "")
        if first or not (turn.pcm or turn.text):
            yield _ECHO_NOTICE[tongue]


class ChatMind:
    """A chat service; its answer comes while it is written."""

    def __init__(self, service: HttpService, model: str, language: str = "") -> None:
        self._service, self._model, self._language = service, model, language

    async def answer(self, question: Question) -> AsyncGenerator[Piece, None]:
        """What the service answers to the whole conversation.

        Raises:
            VoiceChatError: The service is not there, refuses, or breaks off.
        """
        turn = _last_turn(question)
        if turn.pcm and not turn.text:
            yield _DEAF_NOTICE[_tongue(self._language, "")]
            return
        self._model = self._model or await find_model(self._service)
        stream = self._service.stream("/chat/completions", self._body(question))
        async with contextlib.aclosing(read_events(stream)) as events:
            async for event in events:
                for piece in self._read(event):
                    yield piece

    def _body(self, question: Question) -> dict[str, Any]:
        body = {"model": self._model, "messages": _messages(question), "stream": True}
        if question.max_tokens is not None:
            body["max_tokens"] = question.max_tokens
        return body

    def _read(self, event: dict[str, Any]) -> list[Piece]:
        if event.get("error"):
            raise self._service.failure(event["error"])
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        delta = choice.get("delta") if isinstance(choice, dict) else None
        text = delta.get("content") if isinstance(delta, dict) else None
        pieces: list[Piece] = [text] if isinstance(text, str) and text else []
        match choice:
            case {"finish_reason": "length"}:
                pieces.append(CutShort("max_output_tokens"))
            case {"finish_reason": "content_filter"}:
                pieces.append(CutShort("content_filter"))
        return pieces


class AutoMind:
    """Ollama where it runs on this machine, else the echo; looks again before each echo."""

    def __init__(self, service: HttpService, model: str, language: str = "") -> None:
        self._service, self._model, self._language = service, model, language
        self._chosen: Mind | None = None

    async def answer(self, question: Question) -> AsyncGenerator[Piece, None]:
        """As the mind that was found."""
        mind = self._chosen or await self._look()
        async with contextlib.aclosing(mind.answer(question)) as pieces:
            async for piece in pieces:
                yield piece

    async def _look(self) -> Mind:
        try:
            async with asyncio.timeout(_PROBE_S):
                await _touch(self._service.name)
            async with asyncio.timeout(10 * _PROBE_S):
                model = self._model or await find_model(self._service)
        except (OSError, TimeoutError, VoiceChatError):
            return EchoMind(self._language)
        self._chosen = ChatMind(self._service, model, self._language)
        return self._chosen


async def find_model(service: HttpService) -> str:
    """The first model of the service that is not made for something else than talking.

    Raises:
        RefusedError: It has none.
    """
    data = (await service.get("/models")).get("data")
    listed = data if isinstance(data, list) else []
    entries = [entry for entry in listed if isinstance(entry, dict)]
    names = [str(entry.get("id", "")) for entry in entries]
    fitting = [name for name in names if name and "embed" not in name.lower()]
    if not fitting:
        raise RefusedError(f"{service.name} offers no chat model", "Install one, or name it.")
    return fitting[0]


async def _touch(address: str) -> None:
    """Is anybody listening?  Much cheaper than HTTP where nobody is."""
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _last_turn(question: Question) -> Said:
    turns = [said for said in question.said if said.role == "user"]
    return turns[-1] if turns else Said("user")


def _tongue(language: str, text: str) -> str:
    return "zh" if language.startswith("zh") or _CHINESE.search(text) else "en"


def _messages(question: Question) -> list[dict[str, Any]]:
    messages = [_message(said) for said in question.said if said.text or said.images]
    if question.instructions:
        return [{"role": "system", "content": question.instructions}, *messages]
    return messages


def _message(said: Said) -> dict[str, Any]:
    if not said.images:
        return {"role": said.role, "content": said.text}
    words = [{"type": "text", "text": said.text}] if said.text else []
    pictures = [{"type": "image_url", "image_url": {"url": image}} for image in said.images]
    return {"role": said.role, "content": [*words, *pictures]}
