"""What is GLM's own about its address, its settings, and the way to an agreed session.

The settings wait for `session.created` behind the first heartbeat; every update says everything;
every message has a name and a time.  Without an agreement the server expects WAV files, so there
is no going on without one.
Source: GLM-Realtime's guide and AsyncAPI (docs.bigmodel.cn), and its web demo.
"""

from collections.abc import Set
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from voicechat.events import Event, Notice, ProviderFailed
from voicechat.providers.base import Http, Profile, Settings
from voicechat.providers.glm_errors import CODES
from voicechat.providers.glm_picture import LARGEST_BYTES as LARGEST_PICTURE
from voicechat.providers.glm_session import (
    GATEWAY_MODELS,
    USUAL_INSTRUCTIONS,
    InputFormat,
    Whole,
    read_input_format,
)
from voicechat.providers.openai import OpenAIDialect
from voicechat.providers.openai_errors import Codebook, Fault
from voicechat.providers.openai_fields import JsonObject
from voicechat.providers.openai_names import SILENT
from voicechat.providers.openai_past import instructed
from voicechat.providers.openai_reply import Patience
from voicechat.providers.openai_session import Shape
from voicechat.providers.openai_start import Opening

_SEARCHES = {
    "response.function_call.simple_browser",
    "response.function_call.simple_browser.result",
}
"""The model looks something up by itself."""


class GlmOpening(OpenAIDialect):
    """Facts about GLM, and how a session with it begins."""

    profile: ClassVar[Profile] = Profile(
        name="glm",
        title="GLM",
        url="wss://open.bigmodel.cn/api/paas/v4/realtime?model={model}",
        default_model="glm-realtime",
        key_env=("ZHIPUAI_API_KEY", "ZAI_API_KEY"),
        url_by_key={"ZAI_API_KEY": "wss://api.z.ai/api/paas/v4/realtime?model={model}"},
        key_page="https://bigmodel.cn/usercenter/proj-mgmt/apikeys",
        input_rate=16_000,
        output_rate=24_000,
        can_truncate=False,
        silence_when_muted=True,
        text_input="unsure",
        images=True,
        image_types=("image/jpeg",),
        image_bytes=LARGEST_PICTURE,
        image_side=1568,
        tools=True,
        http=Http(
            "https://open.bigmodel.cn/api/paas/v4",
            chat_model="glm-4.7-flash",
            ears_model="glm-asr-2512",
            ears="glm",
            mouth_model="glm-tts",
            mouth="glm",
            voice="tongtong",
        ),
    )
    native_shape: ClassVar[Shape] = "beta"
    codes: ClassVar[Codebook] = CODES
    patience: ClassVar[Patience] = Patience(update_s=15.0)
    silent: ClassVar[Set[str]] = SILENT | _SEARCHES
    tags_replies: ClassVar[bool] = False
    takes_past_items: ClassVar[bool] = False
    server_cancels: ClassVar[bool] = False
    money_page: ClassVar[str] = "https://bigmodel.cn/pricing"
    key_note: ClassVar[str] = "a key of z.ai belongs into ZAI_API_KEY"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._whole = Whole()
        self._input_format = InputFormat()
        self._has_given_up = False

    # -- address and settings -------------------------------------------------------------------

    @property
    def _model(self) -> str:
        return self.settings.model or self.profile.default_model

    def url(self) -> str:
        """The gateway knows three names; `glm-realtime-plus` in the address is turned away."""
        address = super().url()
        named = f"model={quote(self._model, safe='')}"
        if self._model in GATEWAY_MODELS or not address.endswith(named):
            return address
        return address.removesuffix(named) + f"model={self.profile.default_model}"

    def _session(self, opening: Opening) -> JsonObject:
        return self._turns_update(self._agreement.hands_free)

    def _turns_update(self, hands_free: bool) -> JsonObject:
        """The whole of it, as with any update."""
        return self._whole.build(self._briefing(), self._model, hands_free=hands_free)

    def _briefing(self) -> Settings:
        own = self.settings.instructions or USUAL_INSTRUCTIONS
        return instructed(replace(self.settings, instructions=own))

    def _transcription(self, shape: Shape) -> JsonObject | None:
        """Always there, without being asked for."""
        return {}

    def _extras(self) -> JsonObject:
        return {}

    def _say(
        self, message: dict[str, Any], /, *, sound_s: float = 0.0, is_urgent: bool = False
    ) -> None:
        """Every message has a name and a time; a cancellation has nothing else."""
        if message["type"] == "response.cancel":
            message = {"type": "response.cancel"}
        event_id = message.get("event_id") or self._next_id()
        unix_ms = round((self.unix_at_zero + self._now) * 1000)
        stamped = {**message, "event_id": event_id, "client_timestamp": unix_ms}
        super()._say(stamped, sound_s=sound_s, is_urgent=is_urgent)

    # -- the opening ----------------------------------------------------------------------------

    def _heard(self, kind: str) -> None:
        """The settings wait for `session.created`; a heartbeat comes before it."""
        if kind == "heartbeat" and self._opening:
            self._opening.has_heard = True
        else:
            super()._heard(kind)

    def _ready(self, session: JsonObject, *, is_answer: bool = True) -> list[Event]:
        """Without our settings the server expects WAV files, so there is no going on."""
        if not is_answer:
            return self._give_up_opening()
        self._believe_sound(session)
        return super()._ready(session)

    def _give_up_opening(self) -> list[Event]:
        is_news, self._has_given_up = not self._has_given_up, True
        waited = f"{self.patience.update_s:.0f} s"
        words = f"{self.profile.title} did not agree to our settings within {waited}"
        return [ProviderFailed("no_answer", words)] if is_news else []

    def _refused_opening(self, opening: Opening, fault: Fault) -> list[Event]:
        given_up = self._whole.give_up_something(fault)
        if given_up is None:
            return [self._fatal(fault)]
        self._ask(opening)
        why = fault.message.rstrip(".")
        words = f"The server refused {given_up} ({why}); going on without"
        return [Notice("update_refused", words)]

    def _updated(self, session: JsonObject) -> list[Event]:
        said = {k: v for k, v in session.items() if k != "input_audio_transcription"}
        events = super()._updated(said)
        self._believe_sound(said)
        return events

    def _believe_sound(self, session: JsonObject) -> None:
        self._input_format = read_input_format(session) or self._input_format
        self._agreement.input_rate = self._input_format.rate
