"""A mind that hears and writes: Gemini over its own HTTP service."""

import contextlib
import json
import re
from collections.abc import AsyncGenerator, Iterator
from typing import Any
from urllib.parse import quote

from voicechat.cascade.http.retry import attempts
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.http.sse import read_events
from voicechat.cascade.llm import gemini_request
from voicechat.cascade.llm.chat_stream import Fail, count, new_call_id, rows
from voicechat.cascade.llm.history import retell
from voicechat.cascade.roles import CutShort, LlmRequest, Piece, Spent, ToolCall
from voicechat.errors import RefusedError
from voicechat.text.phrase import phrase

_FILTERS = {
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "LANGUAGE",
}
_BREAKDOWNS = {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "OTHER"}
_LEVELS = re.compile(r"gemini-[3-9]|gemini-flash")
"""Models whose thinking has levels; by themselves they choose one that a talk cannot wait for."""
_MOST_SIGNATURES = 256


class GeminiMind:
    """Gemini; its answer comes while it is written."""

    hears = True

    def __init__(self, service: HttpService, model: str) -> None:
        self._service, self._model = service, model.removeprefix("models/")
        self._signatures: dict[str, str] = {}
        """Of the calls the model made: it refuses a history without them."""
        self._may_tell_to_hurry = True

    async def answer(self, question: LlmRequest) -> AsyncGenerator[Piece, None]:
        """What Gemini answers to the whole conversation.

        Raises:
            VoiceChatError: The service is not there, refuses, or breaks off.
        """
        self._model = self._model or await self._find_model()
        asked = attempts(lambda: self._stream(question), self._learn)
        async with contextlib.aclosing(asked) as pieces:
            async for piece in pieces:
                yield piece

    async def _stream(self, question: LlmRequest) -> AsyncGenerator[Piece, None]:
        said = retell(question.said, hears=True, sees=True)
        body = gemini_request.body(question, said, self._signatures, self._thinking())
        path = f"/models/{quote(self._model, safe='')}:streamGenerateContent?alt=sse"
        reader = GeminiReader(self._service.failure, self._signatures)
        stream = self._service.stream(path, body)
        async with contextlib.aclosing(read_events(stream)) as events:
            async for event in events:
                for piece in reader.read(event):
                    yield piece
        for piece in reader.finish():
            yield piece

    def _learn(self, error: RefusedError) -> bool:
        may_tell = self._may_tell_to_hurry
        self._may_tell_to_hurry = may_tell and "hinking" not in error.message
        return may_tell != self._may_tell_to_hurry

    def _thinking(self) -> dict[str, Any] | None:
        hurries = self._may_tell_to_hurry and _LEVELS.match(self._model)
        return {"thinkingLevel": "low"} if hurries else None

    async def _find_model(self) -> str:
        listed = (await self._service.get("/models?pageSize=1000")).get("models")
        for entry in rows(listed):
            name = str(entry.get("name") or "").removeprefix("models/")
            talks = "generateContent" in str(entry.get("supportedGenerationMethods"))
            if talks and "flash" in name and not re.search("image|tts|live|audio", name):
                return name
        raise RefusedError(
            phrase("{who} offers no chat model", who=self._service.name), phrase("Name one")
        )


class GeminiReader:
    """Fold over the events of one answer (`GenerateContentResponse`)."""

    def __init__(self, fail: Fail, signatures: dict[str, str]) -> None:
        self._fail, self._signatures = fail, signatures
        self._cut: CutShort | None = None
        self._is_empty = True

    def read(self, event: dict[str, Any]) -> Iterator[Piece]:
        """One event; the pieces that it brings.

        Raises:
            VoiceChatError: It is an error.
        """
        if isinstance(usage := event.get("usageMetadata"), dict):
            yield _spent(usage)
        match event:
            case {"error": error}:
                raise self._fail(error)
            case {"promptFeedback": {"blockReason": _}}:
                self._cut = CutShort("content_filter")
            case {"candidates": [dict(candidate), *_]}:
                content = candidate.get("content")
                parts = content.get("parts") if isinstance(content, dict) else None
                for part in parts if isinstance(parts, list) else []:
                    yield from self._read_part(part)
                self._read_end(str(candidate.get("finishReason") or ""))

    def finish(self) -> Iterator[Piece]:
        """The answer is over.

        Raises:
            VoiceChatError: There was nothing in it.
        """
        if self._cut:
            yield self._cut
        elif self._is_empty:
            raise self._fail(phrase("it gave an empty answer"))

    def _read_part(self, part: Any) -> Iterator[Piece]:
        match part:
            case {"thought": True}:
                return
            case {"text": str(text)} if text:
                self._is_empty = False
                yield text
            case {"functionCall": {"name": str(name), **rest}}:
                self._is_empty = False
                call_id = new_call_id()
                self._remember(call_id, str(part.get("thoughtSignature") or ""))
                arguments = json.dumps(rest.get("args") or {}, ensure_ascii=False)
                yield ToolCall(call_id, name, arguments)

    def _remember(self, call_id: str, signature: str) -> None:
        # Of calls made together only the first has one, and the others must come without.
        self._signatures[call_id] = signature
        while len(self._signatures) > _MOST_SIGNATURES:
            del self._signatures[next(iter(self._signatures))]

    def _read_end(self, reason: str) -> None:
        if reason == "MAX_TOKENS":
            self._cut = CutShort("max_output_tokens")
        elif reason in _FILTERS:
            self._cut = CutShort("content_filter")
        elif reason in _BREAKDOWNS and self._is_empty:
            raise self._fail(phrase("it broke off ({why})", why=reason))


def _spent(usage: dict[str, Any]) -> Spent:
    """Thinking is billed as output."""
    heard = rows(usage.get("promptTokensDetails"))
    return Spent(
        count(usage, "promptTokenCount"),
        count(usage, "candidatesTokenCount") + count(usage, "thoughtsTokenCount"),
        count(usage, "cachedContentTokenCount"),
        sum(count(one, "tokenCount") for one in heard if one.get("modality") == "AUDIO"),
    )
