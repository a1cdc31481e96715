"""The conversation as a chat service wants to be asked: the body of `/chat/completions`.

Rule: pure.  Neighbours of one side become one message, because templates of many open models want
the sides to alternate.
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any

from voicechat.cascade.audio import wav
from voicechat.cascade.llm.history import groups
from voicechat.cascade.roles import HistoryMessage, LlmRequest
from voicechat.events import Tool

JsonObject = dict[str, Any]
SoundPart = Callable[[bytes], JsonObject]
"""Makes a content part of PCM16 mono at 24 kHz."""


def input_audio(pcm: bytes, prefix: str = "") -> JsonObject:
    """A spoken turn as a WAV file."""
    data = prefix + base64.b64encode(wav(pcm)).decode()
    return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


def messages(
    instructions: str, said: Sequence[HistoryMessage], sound_part: SoundPart = input_audio
) -> list[JsonObject]:
    """The conversation, as `past.retell` gave it, under the instructions."""
    told: list[JsonObject] = []
    if instructions:
        told.append({"role": "system", "content": instructions})
    for group in groups(said):
        told += _messages(group, sound_part)
    return told


def _messages(group: list[HistoryMessage], sound_part: SoundPart) -> list[JsonObject]:
    results = [one.result for one in group if one.result]
    if results:
        return [
            {"role": "tool", "tool_call_id": result.call_id, "content": result.output}
            for result in results
        ]
    if group[0].role == "assistant":
        return [_assistant(group)]
    return [{"role": group[0].role, "content": _content(group, sound_part)}]


def _assistant(group: list[HistoryMessage]) -> JsonObject:
    words = "\n".join(one.text for one in group if one.text)
    calls = [one.call for one in group if one.call]
    if not calls:
        return {"role": "assistant", "content": words}
    listed = [
        {
            "id": call.call_id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in calls
    ]
    return {"role": "assistant", "content": words or None, "tool_calls": listed}


def _content(group: list[HistoryMessage], sound_part: SoundPart) -> str | list[JsonObject]:
    words = "\n".join(one.text for one in group if one.text)
    sounds = [sound_part(one.pcm) for one in group if one.pcm]
    pictures = [
        {"type": "image_url", "image_url": {"url": image}} for one in group for image in one.images
    ]
    if not sounds and not pictures:
        return words
    return [*([{"type": "text", "text": words}] if words else []), *pictures, *sounds]


def tools(question: LlmRequest) -> JsonObject:
    """The fields that offer the tools; none where there are no tools."""
    if not question.tools:
        return {}
    fields: JsonObject = {"tools": [_tool(tool) for tool in question.tools]}
    if question.must_call == "*":
        fields["tool_choice"] = "required"
    elif question.must_call:
        fields["tool_choice"] = {"type": "function", "function": {"name": question.must_call}}
    return fields


def _tool(tool: Tool) -> JsonObject:
    parameters = dict(tool.parameters) or {"type": "object", "properties": {}}
    function: JsonObject = {"name": tool.name, "parameters": parameters}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}
