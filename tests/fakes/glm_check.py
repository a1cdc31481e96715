"""Strict reading of client messages, after GLM-Realtime's published tables; extras refused.

The vendor publishes no Python package of its Realtime types, so the models here are written from
the documentation of the events.  A message that does not fit is a violation of the client.
"""

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

JsonObject = dict[str, Any]

MODELS = ("glm-realtime", "glm-realtime-flash", "glm-realtime-air", "glm-realtime-plus")
GATEWAY_MODELS = MODELS[:3]
VOICES = (
    "tongtong",
    "female-tianmei",
    "male-qn-daxuesheng",
    "male-qn-jingying",
    "lovely_girl",
    "female-shaonv",
    "xiaochen",
)
LARGEST_MESSAGE = 256 * 1024


class Refused(Exception):
    """A client message the service answers with an `error` event; nothing of it is applied.

    `state`: the message is well formed, but comes at the wrong moment (a race may excuse it).
    """

    def __init__(self, code: str, message: str, param: str = "", *, state: bool = False) -> None:
        super().__init__(message)
        self.code, self.message, self.param, self.state = code, message, param, state


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Event(_Strict):
    event_id: str = Field(min_length=1)
    client_timestamp: int


class _ServerVad(_Strict):
    type: Literal["server_vad"]
    threshold: float | None = Field(None, ge=0, le=1)
    prefix_padding_ms: int | None = Field(None, ge=0)
    silence_duration_ms: int | None = Field(None, ge=0)
    create_response: bool | None = None
    interrupt_response: bool | None = None


class _ClientVad(_Strict):
    type: Literal["client_vad"]


class _Noise(_Strict):
    type: Literal["near_field", "far_field"]


class _Tool(_Strict):
    type: Literal["function"]
    name: str
    description: str
    parameters: dict[str, Any]


class _Beta(_Strict):
    chat_mode: Literal["audio", "video_passive"]
    tts_source: Literal["e2e"]
    auto_search: bool


class _Session(_Strict):
    """Complete: what is missing would fall back to the service's defaults."""

    model: str
    modalities: list[Literal["text", "audio"]]
    instructions: str = Field(min_length=1)
    voice: str | None = None
    input_audio_format: Literal["pcm", "pcm16", "pcm24", "wav"]
    output_audio_format: Literal["pcm"]
    input_audio_noise_reduction: _Noise | None = None
    turn_detection: Annotated[_ServerVad | _ClientVad, Field(discriminator="type")]
    tools: list[_Tool]
    beta_fields: _Beta


class _Update(_Event):
    type: Literal["session.update"]
    session: _Session


class _Append(_Event):
    type: Literal["input_audio_buffer.append"]
    audio: str


class _Frame(_Event):
    type: Literal["input_audio_buffer.append_video_frame"]
    video_frame: str


class _Bare(_Event):
    type: Literal[
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
        "input_audio_buffer.pre_commit",
        "response.create",
        "response.cancel",
    ]


class _Text(_Strict):
    type: Literal["input_text"]
    text: str = Field(min_length=1)


class _Message(_Strict):
    id: str | None = None
    object: Literal["realtime.item"] | None = None
    type: Literal["message"]
    status: Literal["completed", "incomplete"] | None = None
    role: Literal["user", "system"]
    content: list[_Text] = Field(min_length=1)


class _Output(_Strict):
    type: Literal["function_call_output"]
    call_id: str | None = None
    output: str


class _Create(_Event):
    type: Literal["conversation.item.create"]
    item: Annotated[_Message | _Output, Field(discriminator="type")]


class _Item(_Event):
    type: Literal["conversation.item.delete", "conversation.item.retrieve"]
    item_id: str


_ANY: TypeAdapter[Any] = TypeAdapter(
    Annotated[
        _Update | _Append | _Frame | _Bare | _Create | _Item,
        Field(discriminator="type"),
    ]
)


def check(message: JsonObject) -> None:
    """Check one client message.

    Raises:
        Refused: The service would not take it, or a careful client would not send it.
    """
    check_shape(message)
    if message["type"] == "session.update":
        _check_names(message["session"])


def check_shape(message: JsonObject) -> None:
    """The same, whatever models and voices there are."""
    try:
        _ANY.validate_python(message)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"][1:]) or "type"
        raise Refused("invalid_value", f"{path}: {first['msg']}", path) from None


def _check_names(session: JsonObject) -> None:
    if session["model"] not in MODELS:
        raise Refused("1211", "模型不存在，请检查模型代码。", "session.model")
    if session.get("voice", VOICES[0]) not in VOICES:
        raise Refused("invalid_value", "no such voice", "session.voice")


def decode_pcm(audio: str, *, is_wav: bool = False) -> bytes:
    """Base64 to PCM16.

    Raises:
        Refused: It is no base64, half a sample, or no WAV file where one is due.
    """
    sound = _decode(audio, "audio")
    if is_wav:
        if sound[:4] != b"RIFF" or len(sound) < 44:
            raise Refused("invalid_value", "audio is no WAV file", "audio")
        sound = sound[44:]
    if len(sound) % 2:
        raise Refused("invalid_value", "audio has half a sample", "audio")
    return sound


def check_jpeg(frame: str) -> None:
    """Refuse what is no base64 JPEG."""
    if not _decode(frame, "video_frame").startswith(b"\xff\xd8"):
        raise Refused("invalid_value", "video_frame is no JPEG", "video_frame")


def _decode(packed: str, param: str) -> bytes:
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("invalid_value", f"{param} is no base64", param) from None
