"""How the stand-in's answers are written: OpenAI's chunks, and Gemini's responses."""

import base64
import io
import json
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fakes.http_chat_check import ChatModel, parts_of, sound_of
from tests.fakes.http_chat_script import Script
from tests.fakes.http_speech_vendors import hear, tone

JsonObject = dict[str, Any]
MS_PER_WORD = 200
"""Of the tone that stands for a word."""
PITCH = {"openai": 440, "glm": 660, "qwen": 880}
"""Hz: a test hears who spoke."""
_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}


@dataclass(frozen=True)
class Step:
    """One thing to write; `text`: it begins a piece of the text, which a script's pauses count."""

    data: bytes
    text: bool = False


# -- OpenAI and its family --------------------------------------------------------------------


def understood(body: JsonObject) -> list[str]:
    """What the service says by itself: proof of what reached it, word by word."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return _cut(f"The tool said: {last['content']}")
    asked = {"messages": [last]}
    content = last["content"]
    texts = [part["text"] for part in parts_of(asked) if part["type"] == "text"]
    sounds = [sound_of(part) for part in parts_of(asked) if part["type"] == "input_audio"]
    pictures = [part for part in parts_of(asked) if part["type"] == "image_url"]
    return _describe([content] if isinstance(content, str) else texts, sounds, len(pictures))


def _describe(texts: list[str], sounds: list[bytes], pictures: int) -> list[str]:
    said = [f"You said: {' '.join(texts)}."] if texts else []
    said += [f"I {hear(sound).words}." for sound in sounds]
    said += [f"I see {pictures}."] if pictures else []
    return _cut(" ".join(said))


def _cut(text: str) -> list[str]:
    return [f"{word} " for word in text.split(" ")]


def chat_steps(script: Script, body: JsonObject, model: ChatModel) -> Iterator[Step]:
    """A whole answer, event by event."""
    words = understood(body) if script.words is None else script.words
    speaks = bool(model.sound) and (
        model.sound == "glm" or "audio" in (body.get("modalities") or ())
    )
    writer = _ChunkWriter(script, body["model"])
    yield from writer.head()
    for word in words:
        for part, delta in enumerate(_said(script, word, model.sound if speaks else "")):
            yield Step(writer.chunk({"delta": delta}), text=part == 0)
    yield from writer.calls()
    if script.error:
        yield Step(writer.event({"error": script.error}))
    yield from writer.tail(body)


def _said(script: Script, word: str, sound: str) -> Iterator[JsonObject]:
    """The deltas of one word."""
    if not sound:
        yield {"content": [{"type": "text", "text": word}] if "parts" in script.oddities else word}
        return
    pcm = tone(MS_PER_WORD, PITCH[sound], script.sound_rate if sound == "glm" else 24_000)
    if sound == "openai":
        yield {"audio": {"id": "audio_1", "transcript": word}}
        yield {"audio": {"id": "audio_1", "data": base64.b64encode(pcm).decode()}}
    elif sound == "glm":
        data = base64.b64encode(_wave(pcm, script.sound_rate)).decode()
        yield {"content": word, "audio": {"id": "1", "data": data, "expires_at": 1}}
    else:
        yield {"content": word}
        data = base64.b64encode(pcm).decode()
        # The pieces concatenate: they are cut without regard to base64's groups of four.
        for piece in (data[:1001], data[1001:]):
            yield {"audio": {"data": piece}}


def _wave(pcm: bytes, rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(pcm)
    return file.getvalue()


class _ChunkWriter:
    """Writes `chat.completion.chunk`s in the script's manner."""

    def __init__(self, script: Script, model: str) -> None:
        self._script, self._model = script, model

    def head(self) -> Iterator[Step]:
        script = self._script
        yield Step(self.chunk({"delta": {"role": "assistant", "content": ""}}))
        for letter in script.reasoning:
            yield Step(self.chunk({"delta": {"content": None, "reasoning_content": letter}}))
        thoughts = f"<think>{script.thoughts}</think>\n\n" if script.thoughts else ""
        for letter in thoughts:
            yield Step(self.chunk({"delta": {"content": letter}}))

    def calls(self) -> Iterator[Step]:
        """Name first, arguments in two pieces, as OpenAI writes them."""
        for index, call in enumerate(self._script.calls):
            text = json.dumps(call.arguments)
            function = {"name": call.name, "arguments": ""}
            first = {"id": f"call_{index}", "type": "function", "function": function}
            pieces: list[JsonObject] = [first]
            pieces += [{"function": {"arguments": part}} for part in (text[:4], text[4:])]
            for piece in pieces:
                yield Step(self.chunk({"delta": {"tool_calls": [{"index": index, **piece}]}}))

    def tail(self, body: JsonObject) -> Iterator[Step]:
        script = self._script
        if script.breaks_off:
            return
        finish = "tool_calls" if script.calls and script.finish == "stop" else script.finish
        yield Step(self.chunk({"delta": {}, "finish_reason": finish}))
        wants_usage = (body.get("stream_options") or {}).get("include_usage")
        if wants_usage or "usage" in script.oddities:
            usage: JsonObject = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}
            usage["prompt_tokens_details"] = {"cached_tokens": 3}
            yield Step(self.event({**self._frame([]), "usage": usage}))
        if "no_done" not in script.oddities:
            yield Step(b"data: [DONE]" + self._end())

    def chunk(self, choice: JsonObject) -> bytes:
        return self.event(self._frame([{"index": 0, "finish_reason": None, **choice}]))

    def event(self, value: JsonObject) -> bytes:
        comment = b": still here" + self._end() if "comments" in self._script.oddities else b""
        return comment + b"data: " + json.dumps(value).encode() + self._end()

    def _frame(self, choices: list[JsonObject]) -> JsonObject:
        kind = "chat.completion.chunk"
        return {"id": "c1", "object": kind, "created": 1, "model": self._model, "choices": choices}

    def _end(self) -> bytes:
        line = b"\r\n" if "crlf" in self._script.oddities else b"\n"
        return line if "no_blank" in self._script.oddities else line * 2


def whole_chat(script: Script, body: JsonObject) -> bytes:
    """The answer as one object, although a stream was asked for."""
    words = understood(body) if script.words is None else script.words
    message: JsonObject = {"role": "assistant", "content": "".join(words)}
    if script.calls:
        message["tool_calls"] = [
            {
                "id": f"call_{index}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for index, call in enumerate(script.calls)
        ]
    choice = {"index": 0, "message": message, "finish_reason": script.finish}
    value = {"id": "c1", "object": "chat.completion", "model": body["model"], "choices": [choice]}
    return json.dumps(value, indent=2).encode()


# -- Gemini -----------------------------------------------------------------------------------


def gemini_steps(script: Script, body: JsonObject) -> Iterator[Step]:
    """A whole answer, response by response; there is no last word but the end."""
    if script.blocked:
        yield Step(_event({"promptFeedback": {"blockReason": script.blocked}}))
        return
    if script.thoughts:
        yield Step(_event(_candidate([{"text": script.thoughts, "thought": True}])))
    for word in gemini_understood(body) if script.words is None else script.words:
        yield Step(_event(_candidate([{"text": word}])), text=True)
    parts: list[JsonObject] = [
        {"functionCall": {"name": call.name, "args": call.arguments}} for call in script.calls
    ]
    if parts:
        parts[0]["thoughtSignature"] = base64.b64encode(b"signed by the model").decode()
        yield Step(_event(_candidate(parts)))
    if script.error:
        # Without `data:`, and over several lines, as it comes in the middle of a stream.
        yield Step(json.dumps({"error": script.error}, indent=2).encode() + b"\n")
    elif not script.breaks_off:
        last = _candidate([{"text": ""}])
        last["candidates"][0]["finishReason"] = _FINISH.get(script.finish, script.finish)
        last["usageMetadata"] = {
            "promptTokenCount": 12,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
            "candidatesTokenCount": 7,
            "thoughtsTokenCount": 2,
        }
        yield Step(_event(last))


def gemini_understood(body: JsonObject) -> list[str]:
    """As `understood`."""
    parts = body["contents"][-1]["parts"]
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    if results:
        return _cut(f"The tool said: {json.dumps(results[-1]['response'])}")
    files = [part["inlineData"] for part in parts if "inlineData" in part]
    sounds = [base64.b64decode(file["data"]) for file in files if "audio" in file["mimeType"]]
    texts = [part["text"] for part in parts if "text" in part]
    return _describe(texts, sounds, len(files) - len(sounds))


def _candidate(parts: list[JsonObject]) -> JsonObject:
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]}


def _event(value: JsonObject) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\r\n\r\n"
