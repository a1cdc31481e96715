"""Alibaba's Qwen-Omni and Qwen-Audio realtime models, through Model Studio (DashScope).

The beta's flat language, 16 kHz in and 24 kHz out.  What differs: tools are nested and their
schemas plain, pictures go into a buffer beside the sound, the server neither truncates nor cancels
by itself, and models from 3.8 on nest the sound's settings in their own way.

Keys are bound to a region: those of mainland China to the address below, the others to
`wss://dashscope-intl.aliyuncs.com/api-ws/v1/realtime`; 3.8 answers only at the address of the
user's own workspace.
Source: https://help.aliyun.com/zh/model-studio/realtime and Alibaba's `dashscope` package.
"""

from collections.abc import Mapping, Set
from typing import ClassVar

from voicechat.errors import ConfigError
from voicechat.events import BeginTurn, Command, Event, Notice, SendAudio, SendImage, SendToolResult
from voicechat.providers.base import Http, Profile, Settings
from voicechat.providers.json_fields import JsonObject, identity
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.providers.openai.errors import Codebook
from voicechat.providers.openai.event_names import SILENT
from voicechat.providers.openai.handshake import Opening
from voicechat.providers.openai.messages import nested_tool
from voicechat.providers.openai.session_update import Shape
from voicechat.providers.qwen.pictures import Pictures, unfit
from voicechat.providers.qwen.session_update import nested_audio, plain_tool, turn_detection
from voicechat.text.phrase import phrase

LONGEST_OUTPUT = 8000
"""Characters of a tool's answer."""

_NESTED = ("qwen3.8-",)
_AUDIO_ONLY = ("qwen-audio-",)
_NO_TOOLS = ("qwen3-omni-", "qwen3-livetranslate-", "qwen3.5-livetranslate-")
_USUAL = Codebook()


class QwenDialect(OpenAIDialect):
    """One session."""

    profile: ClassVar[Profile] = Profile(
        name="qwen",
        title="Qwen",
        url="wss://dashscope.aliyuncs.com/api-ws/v1/realtime?model={model}",
        default_model="qwen3.5-omni-flash-realtime",
        key_env=("DASHSCOPE_API_KEY",),
        key_page="https://bailian.console.aliyun.com/?tab=model#/api-key",
        input_rate=16_000,
        can_truncate=False,
        max_session_s=7200.0,
        images=True,
        image_types=("image/jpeg",),
        image_bytes=180_000,  # As base64 in one message that stays below 256 KB.
        image_side=1280,
        tools=True,
        # The chat model hears and speaks by itself.
        http=Http(
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
            chat_model="qwen3.5-omni-plus",
            voice="Tina",
        ),
    )
    native_shape: ClassVar[Shape] = "beta"
    codes: ClassVar[Codebook] = Codebook(
        busy_words=(*_USUAL.busy_words, "user is speaking"),
        fatal_words={
            "invalidapikey": "key",
            "invalid api-key": "key",
            "arrearage": "money",
            "freetieronly": "money",
            "model.accessdenied": "model",
            "modelnotfound": "model",
            "model not found": "model",
        },
        idle_words=("no response was generated for",),
        crowded_words=("throttling", "too many requests"),
    )
    own_names: ClassVar[Mapping[str, str]] = {
        "response.audio_transcript.text": "response.output_audio_transcript.text",
        "response.text.text": "response.output_text.text",
    }
    silent: ClassVar[Set[str]] = SILENT | {"session.finished"}
    tags_replies: ClassVar[bool] = False
    takes_past_items: ClassVar[bool] = False
    server_cancels: ClassVar[bool] = False
    money_page: ClassVar[str] = "https://usercenter2.aliyun.com/finance"
    key_note: ClassVar[str] = phrase("a key is good in one region only, which url must name")

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._pictures = Pictures(self._say)

    def url(self) -> str:
        if not self.settings.url and self._is(_NESTED):
            raise ConfigError(
                phrase("This Qwen model answers only at the address of your own workspace"),
                phrase(
                    "Set url in [providers.qwen] to "
                    "wss://WORKSPACE.REGION.maas.aliyuncs.com/api-ws/v1/realtime"
                ),
            )
        return super().url()

    def _is(self, beginnings: tuple[str, ...]) -> bool:
        return (self.settings.model or self.profile.default_model).startswith(beginnings)

    # -- the session ----------------------------------------------------------------------------

    def turn_detection(self, hands_free: bool) -> JsonObject | None:
        semantic = "smart_turn" if self._is(_AUDIO_ONLY) else "semantic_vad"
        if self._is(("qwen3-",)):
            semantic = "server_vad"
        return turn_detection(self.settings.vad, semantic) if hands_free else None

    def transcription(self, shape: Shape) -> JsonObject | None:
        chosen, language = self.settings.transcription_model, self.settings.language
        if chosen == "none":
            return None
        usual = "qwen3-asr-flash-realtime" if self._is(_NESTED) else "gummy-realtime-v1"
        model = chosen or ("" if self._is(_AUDIO_ONLY) else usual)
        named = {"model": model} if model else {}
        return {**named, **({"language": language} if language else {})}

    def sound_formats(self, shape: Shape) -> tuple[object, object]:
        if not self._is(_NESTED):
            return "pcm", "pcm"
        rates = self.profile.input_rate, self.profile.output_rate
        heard, said = ({"type": "pcm", "sample_rate": rate} for rate in rates)
        return heard, said

    def modalities(self, shape: Shape) -> list[str]:
        return ["text"] if self.settings.text_only else ["text", "audio"]

    def tool_list(self) -> list[JsonObject]:
        if self._is(_NO_TOOLS):
            return []
        return [nested_tool(plain_tool(tool)) for tool in self.settings.tools]

    def session_fields(self, opening: Opening) -> JsonObject:
        session = super().session_fields(opening)
        return nested_audio(session) if self._is(_NESTED) else session

    def extras(self) -> JsonObject:
        return {}

    def tool_output(self, result: SendToolResult) -> str:
        return super().tool_output(result)[:LONGEST_OUTPUT]

    # -- pictures -------------------------------------------------------------------------------

    def obey(self, command: Command) -> None:
        if isinstance(command, BeginTurn):  # Which clears the server's buffer, pictures and all.
            self._pictures.take_back()
        super().obey(command)
        if isinstance(command, SendAudio) and command.pcm:
            self._pictures.show()

    def send_picture(self, picture: SendImage) -> None:
        problem = phrase("no pictures") if self._is(_AUDIO_ONLY) else unfit(picture)
        if problem:
            words = phrase(
                "{who} did not get the picture: it takes {what}",
                who=self.profile.title,
                what=problem,
            )
            self._notices.append(Notice("no_pictures", words))
        else:
            self._pictures.add(picture.data)
        if picture.text:
            if not problem and not self._agreement.hands_free and not self._turns.has_sound:
                self._pictures.show_in_silence(self.input_rate)
            self._send_text(picture.text, picture.item_id)

    def understand(self, kind: str, message: JsonObject) -> list[Event]:
        if kind == "input_audio_buffer.committed" and self._pictures.committed(message):
            return []
        if "transcription" in kind and identity(message, "item_id") in self._pictures.carriers:
            return []
        events = super().understand(kind, message)
        if kind == "input_audio_buffer.speech_stopped":
            self._replies.unblock(self._now)
        return events


DIALECT = QwenDialect
