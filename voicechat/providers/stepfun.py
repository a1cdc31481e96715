"""StepFun (阶跃星辰): the beta's flat language at 24 kHz, with a voice that must be chosen.

Keys of mainland China are good at the address below, international ones at
`wss://api.stepfun.ai/v1/realtime`.  The server writes down the user's words unasked, and only tells
of speech over a reply: stopping it is the client's work.
Source: https://platform.stepfun.com/docs/zh/api-reference/realtime/chat
"""

from collections.abc import Set
from typing import ClassVar

from voicechat.providers.base import Http, Profile
from voicechat.providers.json_fields import JsonObject
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.providers.openai.event_names import SILENT
from voicechat.providers.openai.handshake import Opening
from voicechat.providers.openai.messages import nested_tool
from voicechat.providers.openai.session_update import Shape
from voicechat.text.phrase import phrase

VOICE = "linjiajiejie"
OLD_VOICE = "qingchunshaonv"
"""Of the step-audio-2 models, which have others."""
LOUDEST = 5000
"""The end of the scale of `energy_awakeness_threshold`."""

_OLD = "step-audio-2"
_MINI = "step-audio-2-mini"
_SPOKEN_BY = {"wenrounansheng": "请使用默认男声与用户交流", OLD_VOICE: "请使用默认女声与用户交流"}
"""What the instructions of the mini model must end with, by its voice."""


class StepfunDialect(OpenAIDialect):
    """One session."""

    profile: ClassVar[Profile] = Profile(
        name="stepfun",
        title="StepFun",
        url="wss://api.stepfun.com/v1/realtime?model={model}",
        default_model="stepaudio-2.5-realtime",
        key_env=("STEPFUN_API_KEY",),
        key_page="https://platform.stepfun.com/interface-key",
        can_truncate=False,
        max_session_s=1800.0,
        tools=True,
        http=Http(
            "https://api.stepfun.com/v1",
            chat_model="step-3.5-flash",
            ears_model="step-asr",
            mouth_model="step-tts-mini",
            voice="cixingnansheng",
        ),
    )
    native_shape: ClassVar[Shape] = "beta"
    silent: ClassVar[Set[str]] = SILENT | {"response.thinking.delta", "response.thinking.done"}
    tags_replies: ClassVar[bool] = False
    server_cancels: ClassVar[bool] = False
    always_transcribes: ClassVar[bool] = True
    money_page: ClassVar[str] = "https://platform.stepfun.com/account-overview"
    key_note: ClassVar[str] = phrase(
        "keys of stepfun.ai need url = wss://api.stepfun.ai/v1/realtime"
    )

    def turn_detection(self, hands_free: bool) -> JsonObject | None:
        vad = self.settings.vad
        if not hands_free:
            return None
        return {
            "type": "server_vad",
            "prefix_padding_ms": vad.prefix_padding_ms,
            "silence_duration_ms": vad.silence_ms,
            "energy_awakeness_threshold": round(vad.threshold * LOUDEST),
        }

    def modalities(self, shape: Shape) -> list[str]:
        """Fixed for the session; see `reply_fields`."""
        return ["text", "audio"]

    def tool_list(self) -> list[JsonObject]:
        return [nested_tool(tool) for tool in self.settings.tools]

    def session_fields(self, opening: Opening) -> JsonObject:
        session = super().session_fields(opening)
        if not self.settings.transcription_model:
            session.pop("input_audio_transcription", None)
        model = self.settings.model or self.profile.default_model
        if "voice" not in opening.left_out:
            session.setdefault("voice", OLD_VOICE if model.startswith(_OLD) else VOICE)
        if model.startswith(_MINI) and session.get("voice") in _SPOKEN_BY:
            spoken_by = _SPOKEN_BY[session["voice"]]
            session["instructions"] = f"{session.get('instructions', '')}\n{spoken_by}".strip()
        return session

    def reply_fields(self) -> JsonObject:
        """Words alone may be asked for in a single reply only."""
        return {"modalities": ["text"]} if self.settings.text_only else {}


DIALECT = StepfunDialect
