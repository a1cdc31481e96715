"""What chat services refuse, and with which words: from their references, not from our client.

`check_chat` and `check_gemini` raise `Refused`; what they let pass has the form that the vendors'
own packages for Python would send.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from google.genai import types as google
from openai.types.chat import ChatCompletionMessageParam
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import BaseModel, TypeAdapter, ValidationError

_MESSAGE: TypeAdapter[Any] = TypeAdapter(ChatCompletionMessageParam)
_BODY: TypeAdapter[Any] = TypeAdapter(CompletionCreateParamsStreaming)
_VENDORS = {"thinking"}
"""Fields that some have beside OpenAI's."""


class Refused(Exception):
    """The answer is no success."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = dict(headers or {})


@dataclass(frozen=True)
class ChatModel:
    """What one model of the service can do."""

    sees: bool = True
    calls: bool = True
    sound: str = ""
    """`openai`, `glm` or `qwen`: it hears and speaks, in their way."""
    limit: str = ""
    """The name of the limit it takes; empty: both."""


MODELS = {
    "chat-1": ChatModel(),
    "chat-blind": ChatModel(sees=False),
    "chat-small": ChatModel(calls=False),
    "chat-strict": ChatModel(limit="max_completion_tokens"),
    "gpt-audio-1.5": ChatModel(sound="openai", sees=False, limit="max_completion_tokens"),
    "gpt-audio-mini": ChatModel(sound="openai", sees=False, limit="max_completion_tokens"),
    "glm-4-voice": ChatModel(sound="glm", calls=False),
    "qwen3-omni-flash": ChatModel(sound="qwen", calls=False),
    "qwen3.5-omni-plus": ChatModel(sound="qwen", calls=False),
    "gemini-3.8-flash": ChatModel(),
}
"""All that the stand-in knows, whichever service it plays."""


def check_chat(body: dict[str, Any]) -> ChatModel:
    """Look at a body of `/chat/completions`; the model it is for.

    Raises:
        Refused: The service would not take it.
    """
    for name in ("model", "messages"):
        if not body.get(name):
            _refuse(400, f"you must provide a {name} parameter", "missing_required_parameter")
    model = MODELS.get(body["model"])
    if model is None:
        _refuse(404, f"The model `{body['model']}` does not exist.", "model_not_found")
    _check_form(body, model)
    _check_tools(body, model)
    _check_contents(body, model)
    if model.sound:
        _check_sound(body, model)
    return model


def _check_form(body: dict[str, Any], model: ChatModel) -> None:
    if model.limit and "max_tokens" in body and model.limit != "max_tokens":
        text = f"Unsupported parameter: 'max_tokens'. Use '{model.limit}' instead."
        _refuse(400, text, "unsupported_parameter")
    if model.sound == "qwen" and body.get("stream") is not True:
        _refuse(400, "This model only support stream mode, please enable the stream parameter.")
    unknown = set(body) - set(CompletionCreateParamsStreaming.__annotations__) - _VENDORS
    if unknown:
        _refuse(400, f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}")
    # The names of voices are each vendor's own.
    told = {**body, "stream": True}
    if "audio" in body:
        told["audio"] = {**body["audio"], "voice": "alloy"}
    try:
        _consume(_BODY.validate_python(told))
        for message in body["messages"]:
            _consume(_MESSAGE.validate_python(message))
    except ValidationError as error:
        first = error.errors()[0]
        _refuse(400, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def _consume(value: Any) -> None:
    """Iterables are looked at only when they are read."""
    if isinstance(value, Mapping):
        for inner in value.values():
            _consume(inner)
    elif not isinstance(value, str | bytes) and hasattr(value, "__iter__"):
        for inner in value:
            _consume(inner)


def _check_tools(body: dict[str, Any], model: ChatModel) -> None:
    if body.get("tools") and not model.calls:
        _refuse(400, f"{body['model']} does not support tools")
    waiting: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                _refuse(
                    400,
                    "messages with role 'tool' must be a response to a preceding message with"
                    " 'tool_calls'.",
                )
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            _refuse(400, f"tool_call_ids did not have response messages: {', '.join(waiting)}")
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
    if waiting:
        _refuse(400, f"tool_call_ids did not have response messages: {', '.join(waiting)}")


def _check_contents(body: dict[str, Any], model: ChatModel) -> None:
    for part in parts_of(body):
        if part["type"] == "image_url":
            if not model.sees:
                _refuse(400, f"{body['model']} does not support image input")
            head, _, data = part["image_url"]["url"].partition(",")
            if head not in ("data:image/png;base64", "data:image/jpeg;base64"):
                _refuse(400, "Invalid image data")
            base64.b64decode(data, validate=True)
        if part["type"] == "input_audio":
            if not model.sound:
                _refuse(400, f"{body['model']} does not support audio input")
            sound_of(part)


def _check_sound(body: dict[str, Any], model: ChatModel) -> None:
    speaks = "audio" in (body.get("modalities") or ())
    if speaks and "audio" not in body:
        _refuse(400, "audio is required when modalities include audio")
    form = (body.get("audio") or {}).get("format", "")
    if speaks and model.sound == "openai" and body.get("stream") and form != "pcm16":
        _refuse(400, f"audio.format '{form}' is not supported when stream=true: use 'pcm16'.")
    if (
        model.sound == "openai"
        and not speaks
        and not any(part["type"] == "input_audio" for part in parts_of(body))
    ):
        _refuse(400, "This model requires that either input content or output modality has audio.")
    for part in parts_of(body):
        if part["type"] == "input_audio":
            prefixed = part["input_audio"]["data"].startswith("data:;base64,")
            if prefixed != (model.sound == "qwen"):
                _refuse(400, "The audio data is not in the form that this service takes")


def parts_of(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every content part of every message."""
    for message in body["messages"]:
        content = message.get("content")
        yield from content if isinstance(content, list) else ()


def sound_of(part: dict[str, Any]) -> bytes:
    """The WAV file of a part."""
    data = part["input_audio"]["data"].removeprefix("data:;base64,")
    wave = base64.b64decode(data, validate=True)
    if not wave.startswith(b"RIFF"):
        _refuse(400, "The audio is no WAV file")
    return wave


def check_gemini(name: str, body: dict[str, Any]) -> None:
    """Look at a body of `:streamGenerateContent`.

    Raises:
        Refused: The service would not take it.
    """
    if name not in MODELS:
        text = f"models/{name} is not found for API version v1beta"
        raise Refused(404, _google(404, text, "NOT_FOUND"))
    if not body.get("contents"):
        _refuse_google("* GenerateContentRequest.contents: contents is not specified")
    shapes: dict[str, type[BaseModel]] = {
        "systemInstruction": google.Content,
        "generationConfig": google.GenerationConfig,
        "toolConfig": google.ToolConfig,
    }
    for key, value in body.items():
        if key == "contents":
            _check_google([google.Content] * len(value), value)
        elif key == "tools":
            _check_google([google.Tool] * len(value), value)
        elif key in shapes:
            _check_google([shapes[key]], [value])
        else:
            _refuse_google(f'Invalid JSON payload received. Unknown name "{key}"')
    _check_turns(body["contents"])


def _check_google(shapes: list[type[BaseModel]], values: list[Any]) -> None:
    for shape, value in zip(shapes, values, strict=True):
        try:
            shape.model_validate_json(json.dumps(value))
        except ValidationError as error:
            first = error.errors()[0]
            _refuse_google(f"Invalid value at {'.'.join(map(str, first['loc']))}: {first['msg']}")


def _check_turns(contents: list[dict[str, Any]]) -> None:
    """Calls come after the user, with a signature, and are answered at once, all of them."""
    waiting: list[str] = []
    for place, content in enumerate(contents):
        parts = content["parts"]
        if not parts or not all(parts):
            _refuse_google("Unable to submit request because it must have a text parameter")
        answers = [part["functionResponse"]["name"] for part in parts if "functionResponse" in part]
        if sorted(answers) != sorted(waiting):
            _refuse_google(
                "Please ensure that the number of function response parts is equal to the number"
                " of function call parts of the function call turn."
            )
        calls = [part for part in parts if "functionCall" in part]
        if calls and (place == 0 or contents[place - 1]["role"] != "user"):
            _refuse_google("Please ensure that function call turn comes after a user turn")
        if calls and not calls[0].get("thoughtSignature"):
            _refuse_google("Function call is missing a thought_signature in functionCall parts.")
        waiting = [part["functionCall"]["name"] for part in calls]
    if waiting:
        _refuse_google("Function call turn is the last one")


def _refuse_google(text: str) -> NoReturn:
    raise Refused(400, _google(400, text, "INVALID_ARGUMENT"))


def _google(code: int, text: str, status: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": text, "status": status}}


def refuse_key(kind: str, key: str) -> NoReturn:
    """What they say to a key that is none."""
    if kind == "gemini":
        text = "API key not valid. Please pass a valid API key."
        detail = {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
        }
        error = {**_google(400, text, "INVALID_ARGUMENT")["error"], "details": [detail]}
        raise Refused(400, {"error": error})
    _refuse(401, f"Incorrect API key provided: {key}.", "invalid_api_key")


def _refuse(status: int, message: str, code: str = "") -> NoReturn:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    raise Refused(status, {"error": error})
