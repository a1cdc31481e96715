"""What members of OpenAI's family change: facts, and how single things are written.

A family member (a provider with a similar language) is a subclass of `OpenAIDialect` with another
`profile` and, of the following, only what differs.  All of it is public, and nothing private is
overridden.  The three last hooks change state: a member extends them with `super()`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Set
from typing import ClassVar

from voicechat.events import Command, Event, SendImage, SendToolResult
from voicechat.providers.base import Dialect, Settings
from voicechat.providers.json_fields import JsonObject
from voicechat.providers.openai.address import authorization
from voicechat.providers.openai.agreed_settings import Agreement
from voicechat.providers.openai.errors import Codebook
from voicechat.providers.openai.event_names import SILENT
from voicechat.providers.openai.handshake import Opening
from voicechat.providers.openai.history import instructed, urged
from voicechat.providers.openai.messages import flat_tool, picture_message, tool_output
from voicechat.providers.openai.response_state import ResponseTimeouts
from voicechat.providers.openai.session_update import (
    Shape,
    Wanted,
    beta_session,
    beta_turns,
    g711_format,
    ga_session,
    ga_turns,
    pcm_format,
    server_vad,
)


class Ways(Dialect, ABC):
    """The ways of OpenAI itself."""

    native_shape: ClassVar[Shape] = "ga"
    """The shape that `auto` begins with."""
    transcription_models: ClassVar[Mapping[Shape, str]] = {
        "ga": "gpt-transcribe",
        "beta": "whisper-1",
    }
    codes: ClassVar[Codebook] = Codebook()
    patience: ClassVar[ResponseTimeouts] = ResponseTimeouts()
    own_names: ClassVar[Mapping[str, str]] = {}
    """Events that only this provider has, to the GA events that mean the same."""
    silent: ClassVar[Set[str]] = SILENT
    """Events that change nothing for us, by their GA names."""
    tags_replies: ClassVar[bool] = True
    """Whether `response.create` may carry metadata."""
    server_cancels: ClassVar[bool] = True
    """Whether the server's VAD cancels the reply itself when the user speaks over it."""
    always_transcribes: ClassVar[bool] = False
    """Whether the user's words are written down without being asked for."""
    takes_past_items: ClassVar[bool] = True
    """Whether what was said before is told by items (False: by the instructions)."""
    tells_rates: ClassVar[bool] = True
    """Whether a server with other rates than the profile's is news for the user."""
    money_page: ClassVar[str] = "https://platform.openai.com/settings/organization/billing"

    _agreement: Agreement
    _opening: Opening | None

    def authorization(self) -> dict[str, str]:
        """The headers that hold the key; asked for only if there is one."""
        return authorization(self.settings)

    def first_shape(self) -> Shape:
        """The shape that `auto` begins with, at this address."""
        return self.native_shape

    # -- the session ----------------------------------------------------------------------------

    def turn_detection(self, hands_free: bool) -> JsonObject | None:
        """`turn_detection`; None: the key marks the turns."""
        return server_vad(self.settings.vad) if hands_free else None

    def transcription(self, shape: Shape) -> JsonObject | None:
        """How the user's words are written down; None: not at all."""
        model = self.settings.transcription_model or self.transcription_models[shape]
        if model == "none":
            return None
        language = self.settings.language
        return {"model": model, **({"language": language} if language else {})}

    def sound_formats(self, shape: Shape) -> tuple[object, object]:
        """How the sound we send, and the sound we want, is called."""
        heard: object = "pcm16"
        said: object = "pcm16"
        if shape == "ga":
            rates = self._agreement.input_rate, self._agreement.output_rate
            heard, said = map(pcm_format, rates)
        return (g711_format(shape) if self._wants_g711 else heard), said

    @property
    def _wants_g711(self) -> bool:
        return self.profile.g711 and self.settings.codec == "g711"

    def modalities(self, shape: Shape) -> list[str]:
        """What an answer may be made of; the GA's `audio` comes with its transcript."""
        if self.settings.text_only:
            return ["text"]
        return ["audio"] if shape == "ga" else ["audio", "text"]

    def tool_list(self) -> list[JsonObject]:
        """The functions the model may call, as the session lists them."""
        if not self.profile.tools:
            return []
        return [flat_tool(tool) for tool in self.settings.tools]

    def session_fields(self, opening: Opening) -> JsonObject:
        """The first update, without what the server refused so far."""
        shape = opening.shape
        input_format, output_format = self.sound_formats(shape)
        wanted = Wanted(
            self.modalities(shape),
            self.turn_detection(self._agreement.hands_free),
            self.transcription(shape),
            input_format,
            output_format,
            self.tool_list(),
        )
        build = ga_session if shape == "ga" else beta_session
        return build(self.briefing(), wanted, opening.left_out)

    def briefing(self) -> Settings:
        """The settings, with all that the instructions must say."""
        return urged(self.settings) if self.takes_past_items else instructed(self.settings)

    def turns_update(self, hands_free: bool) -> JsonObject:
        """The update that changes only who finds the turns.  Never the voice: it may be locked."""
        build = ga_turns if self._opening and self._opening.shape == "ga" else beta_turns
        return build(self.turn_detection(hands_free))

    def extras(self) -> JsonObject:
        """What is nice to have, for a server that offers it; a refusal is only a notice.

        Empty: nothing.
        """
        near = "far_field" if self._agreement.hands_free else "near_field"
        return {"type": "realtime", "audio": {"input": {"noise_reduction": {"type": near}}}}

    # -- single messages ------------------------------------------------------------------------

    def reply_fields(self) -> JsonObject:
        """What every `response.create` asks for."""
        return {}

    def picture_messages(self, picture: SendImage) -> list[JsonObject]:
        """How a picture, and what is asked about it, enters the conversation."""
        return [picture_message(picture)]

    def tool_output(self, result: SendToolResult) -> str:
        """What the model reads as a tool's answer."""
        return tool_output(result)

    # -- what a member does before or after the family's own part ---------------------------------

    @abstractmethod
    def obey(self, command: Command) -> None:
        """Say a command to a session that is ready."""

    @abstractmethod
    def send_picture(self, picture: SendImage) -> None:
        """Bring a picture into the conversation, and ask what is asked about it."""

    @abstractmethod
    def understand(self, kind: str, message: JsonObject) -> list[Event]:
        """Events of one message; `kind` is its type, under its GA name."""
