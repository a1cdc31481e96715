"""xAI's Grok Voice Agent: the general release's language, voice and turns at the session's root.

It may begin with `conversation.created`, writes down the user's words as whole texts that may be
corrected (`….updated`), and completes one turn several times while the user pauses.
What a client puts into the conversation costs money, item by item, so the past comes in the
instructions.
Source: https://docs.x.ai/developers/model-capabilities/audio/voice-agent
"""

from typing import ClassVar

from voicechat.providers.base import Http, Profile
from voicechat.providers.json_fields import JsonObject
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.providers.openai.errors import Codebook
from voicechat.providers.openai.handshake import Opening
from voicechat.providers.openai.session_update import Shape

THRESHOLD = (0.1, 0.9)
"""Least and most of the VAD's `threshold`."""


class XaiDialect(OpenAIDialect):
    """One session."""

    profile: ClassVar[Profile] = Profile(
        name="xai",
        title="xAI",
        url="wss://api.x.ai/v1/realtime?model={model}",
        default_model="grok-voice-latest",
        key_env=("XAI_API_KEY",),
        key_page="https://console.x.ai",
        max_session_s=7200.0,
        tools=True,
        # Its speech service has a single model, which is never named on the wire.
        http=Http(
            "https://api.x.ai/v1",
            chat_model="grok-4.3",
            ears_model="stt",
            ears="xai",
            mouth_model="tts",
            mouth="xai",
            voice="eve",
        ),
    )
    # Its words for a race differ by version, so they are matched loosely.
    codes: ClassVar[Codebook] = Codebook(
        benign_words=(*Codebook().benign_words, "truncat", "cancellation failed"),
    )
    tags_replies: ClassVar[bool] = False
    server_cancels: ClassVar[bool] = False
    takes_past_items: ClassVar[bool] = False  # Each would cost as much as 3 s of talk.
    money_page: ClassVar[str] = "https://console.x.ai"

    def turn_detection(self, hands_free: bool) -> JsonObject | None:
        """A type of null leaves the turns to the key."""
        vad, (low, high) = self.settings.vad, THRESHOLD
        if not hands_free:
            return {"type": None}
        return {
            "type": "server_vad",
            "threshold": min(max(vad.threshold, low), high),
            "prefix_padding_ms": vad.prefix_padding_ms,
            "silence_duration_ms": vad.silence_ms,
        }

    def transcription(self, shape: Shape) -> JsonObject | None:
        model = self.settings.transcription_model or "grok-transcribe"
        if model == "none":
            return None
        language = self.settings.language
        return {"model": model, **({"language_hint": language} if language else {})}

    def session_fields(self, opening: Opening) -> JsonObject:
        session = super().session_fields(opening)
        return with_root(session) if opening.shape == "ga" else session

    def turns_update(self, hands_free: bool) -> JsonObject:
        return {"turn_detection": self.turn_detection(hands_free)}

    def extras(self) -> JsonObject:
        return {}

    def reply_fields(self) -> JsonObject:
        """Words alone are asked for reply by reply: the session has no such setting."""
        return {"modalities": ["text"]} if self.settings.text_only else {}


def with_root(session: JsonObject) -> JsonObject:
    """A GA session as xAI wants it."""
    root = {key: value for key, value in session.items() if key not in _NOT_SENT}
    audio = {way: dict(half) for way, half in session.get("audio", {}).items()}
    for way, key in (("input", "turn_detection"), ("output", "voice")):
        if key in audio.get(way, {}):
            root[key] = audio[way].pop(key)
    halves = {way: half for way, half in audio.items() if half}
    return {**root, "audio": halves} if halves else root


_NOT_SENT = ("type", "output_modalities", "audio")

DIALECT = XaiDialect
