"""The conversation as Gemini wants to be asked: the body of `:streamGenerateContent`.

Rule: pure.  Source: the Gemini API's reference of `models.streamGenerateContent` (v1beta).
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from voicechat.cascade.audio import wav
from voicechat.cascade.llm.history import groups
from voicechat.cascade.roles import HistoryMessage, LlmRequest, ToolCall, ToolResult
from voicechat.events import Tool

JsonObject = dict[str, Any]

UNSIGNED = "skip_thought_signature_validator"
"""What stands for the signature of a call that this model did not make itself; Google's own word
for histories of other models."""


def body(
    question: LlmRequest,
    said: Sequence[HistoryMessage],
    signatures: Mapping[str, str],
    thinking: JsonObject | None,
) -> JsonObject:
    """The whole request.

    Args:
        question: For instructions, tools and limits.
        said: The conversation, as `past.retell` gave it.
        signatures: What the model gave with its calls, by their ids; it wants it back.
        thinking: `thinkingConfig`; None: the model's own way.
    """
    asked: JsonObject = {"contents": contents(said, signatures)}
    if question.instructions:
        asked["systemInstruction"] = {"parts": [{"text": question.instructions}]}
    if question.tools:
        asked["tools"] = [{"functionDeclarations": [_tool(tool) for tool in question.tools]}]
        asked |= _must_call(question.must_call)
    config: JsonObject = {}
    if question.max_tokens is not None:
        config["maxOutputTokens"] = question.max_tokens
    if thinking:
        config["thinkingConfig"] = thinking
    return {**asked, "generationConfig": config} if config else asked


def contents(said: Sequence[HistoryMessage], signatures: Mapping[str, str]) -> list[JsonObject]:
    """The conversation; a note of the system is told by the user, as there is no third side."""
    names = {one.call.call_id: one.call.name for one in said if one.call}
    told: list[JsonObject] = []
    for group in groups(said):
        role = "model" if group[0].role == "assistant" else "user"
        parts = [part for one in group for part in _parts(one, names, signatures)]
        told.append({"role": role, "parts": parts})
    return told


def _parts(
    one: HistoryMessage, names: Mapping[str, str], signatures: Mapping[str, str]
) -> list[JsonObject]:
    if one.call:
        return [_call(one.call, signatures)]
    if one.result:
        return [_result(one.result, names)]
    parts = [_inline(*_data_address(image)) for image in one.images]
    if one.pcm:
        parts.append(_inline("audio/wav", base64.b64encode(wav(one.pcm)).decode()))
    return [*parts, {"text": one.text}] if one.text else parts


def _call(call: ToolCall, signatures: Mapping[str, str]) -> JsonObject:
    arguments = _json(call.arguments)
    part: JsonObject = {
        "functionCall": {
            "name": call.name,
            "args": arguments if isinstance(arguments, dict) else {},
        }
    }
    signature = signatures.get(call.call_id, UNSIGNED)
    return {**part, "thoughtSignature": signature} if signature else part


def _result(result: ToolResult, names: Mapping[str, str]) -> JsonObject:
    value = _json(result.output)
    response = value if isinstance(value, dict) else {"output": value or result.output}
    return {"functionResponse": {"name": names[result.call_id], "response": response}}


def _inline(mime: str, data: str) -> JsonObject:
    return {"inlineData": {"mimeType": mime, "data": data}}


def _data_address(address: str) -> tuple[str, str]:
    """MIME type and base64 of a data address (RFC 2397)."""
    head, _, data = address.partition(",")
    return head.removeprefix("data:").partition(";")[0] or "image/jpeg", data


def _tool(tool: Tool) -> JsonObject:
    declared: JsonObject = {"name": tool.name, "description": tool.description or tool.name}
    if tool.parameters.get("properties"):
        declared["parametersJsonSchema"] = dict(tool.parameters)
    return declared


def _must_call(name: str) -> JsonObject:
    if not name:
        return {}
    config: JsonObject = {"mode": "ANY"}
    if name != "*":
        config["allowedFunctionNames"] = [name]
    return {"toolConfig": {"functionCallingConfig": config}}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
