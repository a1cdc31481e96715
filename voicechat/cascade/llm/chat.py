"""A mind that writes: any service that speaks OpenAI's `/chat/completions`."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

from voicechat.cascade.http.retry import attempts
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.http.sse import read_events
from voicechat.cascade.llm import chat_request
from voicechat.cascade.llm.chat_quirks import ChatWays
from voicechat.cascade.llm.chat_stream import AnswerStream, ChatReader
from voicechat.cascade.llm.history import retell
from voicechat.cascade.roles import HistoryMessage, LlmRequest, NotHeardError, Piece
from voicechat.errors import RefusedError
from voicechat.text.phrase import phrase

TYPE_IT = phrase("Typed messages work")
_NOT_FOR_TALKING = ("embed", "whisper", "tts", "dall-e", "moderation", "rerank", "transcribe")


class ChatMind:
    """A chat service; its answer comes while it is written."""

    hears = False

    def __init__(self, service: HttpService, model: str) -> None:
        self._service, self._model = service, model
        self._ways = ChatWays(service.host)

    async def answer(self, question: LlmRequest) -> AsyncGenerator[Piece, None]:
        """What the service answers to the whole conversation.

        Raises:
            VoiceChatError: The service is not there, refuses, or breaks off.
        """
        turn = last_turn(question)
        if turn.pcm and not turn.text and not self.hears:
            raise NotHeardError(phrase("I cannot hear yet: set [local] ears"), TYPE_IT)
        self._model = self._model or await self._find_model()
        asked = attempts(
            lambda: self._stream(question), lambda error: self._learn(error, self._body(question))
        )
        async with contextlib.aclosing(asked) as pieces:
            async for piece in pieces:
                yield piece

    async def _stream(self, question: LlmRequest) -> AsyncGenerator[Piece, None]:
        reader = ChatReader(self._service.failure, self._voice(question))
        stream = self._service.stream("/chat/completions", self._body(question))
        async with contextlib.aclosing(read_events(stream)) as events:
            async for event in events:
                for piece in reader.read(event):
                    yield piece
        for piece in reader.finish():
            yield piece

    def _voice(self, question: LlmRequest) -> AnswerStream | None:
        """What becomes of sound in the answer; None: there is none."""
        return None

    def _body(self, question: LlmRequest) -> dict[str, Any]:
        said = retell(question.said, hears=self.hears, sees=self._ways.sees)
        asked = question if self._ways.takes_tools else replace(question, tools=())
        return {
            "model": self._model,
            "messages": self._messages(question, said),
            "stream": True,
            **chat_request.tools(asked),
            **self._ways.extras(question.max_tokens),
        }

    def _messages(self, question: LlmRequest, said: list[HistoryMessage]) -> list[dict[str, Any]]:
        return chat_request.messages(question.instructions, said)

    def _learn(self, error: RefusedError, body: dict[str, Any]) -> bool:
        """Whether to ask again; the body is the one that was refused."""
        if self._ways.learn(error.message, body):
            return True
        if self._ways.is_about_pictures(error.message, body):
            # Said once; from now on the picture is only mentioned, and the talk goes on.
            self._ways.sees = False
            text = phrase("The model {model} does not look at pictures", model=self._model)
            hint = phrase("Choose a model that does; ask again to go on without it")
            raise RefusedError(text, hint) from None
        return False

    async def _find_model(self) -> str:
        return await find_model(self._service)


async def find_model(service: HttpService) -> str:
    """The first model of the service that is not made for something else than talking.

    Raises:
        RefusedError: It has none.
    """
    for name in await list_models(service):
        if not any(word in name.lower() for word in _NOT_FOR_TALKING):
            return name
    raise RefusedError(
        phrase("{who} offers no chat model", who=service.name), phrase("Install one, or name it")
    )


async def list_models(service: HttpService) -> list[str]:
    """The names of all models of the service, in its order.

    Raises:
        VoiceChatError: It has no such list.
    """
    data = (await service.get("/models")).get("data")
    listed = data if isinstance(data, list) else []
    names = [str(entry.get("id") or "") for entry in listed if isinstance(entry, dict)]
    return [name for name in names if name]


async def list_ends(service: HttpService) -> dict[str, object]:
    """What the service itself says of the end of each model: `shutdown_date`, where there is one.

    Raises:
        VoiceChatError: It has no such list.
    """
    data = (await service.get("/models")).get("data")
    listed = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    dated = [entry for entry in listed if entry.get("id") and entry.get("shutdown_date")]
    return {str(entry["id"]): entry["shutdown_date"] for entry in dated}


def last_turn(question: LlmRequest) -> HistoryMessage:
    """What the user said last; empty where nothing was said."""
    turns = [one for one in question.said if one.role == "user" and not one.result]
    return turns[-1] if turns else HistoryMessage("user")
