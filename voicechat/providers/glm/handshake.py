"""How a session with GLM begins: its address, its settings, and the way to an agreement on them.

The settings wait for `session.created` behind the first heartbeat; every update says everything.
Without an agreement the server expects WAV files, so there is no going on without one.
Source: GLM-Realtime's guide and AsyncAPI (docs.bigmodel.cn), and its web demo.
"""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

from voicechat.events import Event, Notice, ProviderFailed
from voicechat.providers.base import Enqueue, Http, Profile, Settings
from voicechat.providers.glm.session_update import (
    GATEWAY_MODELS,
    USUAL_INSTRUCTIONS,
    InputFormat,
    Whole,
    read_input_format,
)
from voicechat.providers.glm.video_frame import LARGEST_BYTES as LARGEST_PICTURE
from voicechat.providers.json_fields import JsonObject
from voicechat.providers.openai.address import address
from voicechat.providers.openai.agreed_settings import Agreement, Update
from voicechat.providers.openai.errors import Fault
from voicechat.providers.openai.handshake import Opening
from voicechat.providers.openai.history import instructed
from voicechat.providers.openai.response_state import ResponseTimeouts
from voicechat.providers.openai.session_update import read_session
from voicechat.text.phrase import phrase, without_stop

PROFILE = Profile(
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
PATIENCE = ResponseTimeouts(update_s=15.0)


def model_of(settings: Settings) -> str:
    return settings.model or PROFILE.default_model


def gateway_address(settings: Settings) -> str:
    """The gateway knows three names; `glm-realtime-plus` in the address is turned away."""
    url, model = address(PROFILE, settings), model_of(settings)
    named = f"model={quote(model, safe='')}"
    if model in GATEWAY_MODELS or not url.endswith(named):
        return url
    return url.removesuffix(named) + f"model={PROFILE.default_model}"


class GlmOpening:
    """The settings of one session: asked for, agreed on, changed.

    Attributes:
        agreement: What holds now.
        whole: What every update asks for.
        input_format: How the server wants to hear us.
        first_session: What the server said of the session before we asked for anything.
    """

    def __init__(self, say: Enqueue, next_id: Callable[[], str], settings: Settings) -> None:
        self._say = say
        self._next_id = next_id
        self._settings = settings
        self._opening = Opening(PATIENCE, 0.0, "beta", may_fall_back=False)
        self._has_given_up = False
        self.agreement = Agreement(PROFILE, settings)
        self.whole = Whole()
        self.input_format = InputFormat()
        self.first_session: JsonObject = {}

    def open(self, settings: Settings, now: float) -> None:
        """The link is up."""
        self._settings = settings
        self.agreement = Agreement(PROFILE, settings)
        self._opening = Opening(PATIENCE, now, "beta", may_fall_back=False)

    @property
    def is_asking(self) -> bool:
        """Whether the server's word on our settings is waited for."""
        return self._opening.phase == "asking"

    @property
    def is_ready(self) -> bool:
        """Whether there is an agreement."""
        return self._opening.phase == "ready"

    # -- towards an agreement -------------------------------------------------------------------

    def heard(self, kind: str, now: float) -> None:
        """The settings wait for `session.created`; a heartbeat comes before it."""
        opening = self._opening
        opening.has_heard = True
        if opening.phase == "waiting" and kind not in ("heartbeat", "error"):
            self._ask(opening, now)

    def tick(self, now: float) -> list[Event]:
        """Ask unasked, or give up."""
        opening = self._opening
        match opening.due(now):
            case "ask":
                self._ask(opening, now)
            case "ready":
                return self._give_up()
            case "fail":
                words = phrase(
                    "{who} said nothing for {seconds:.0f} s",
                    who=PROFILE.title,
                    seconds=PATIENCE.opening_s,
                )
                return [ProviderFailed("no_answer", words)]
        return []

    def _ask(self, opening: Opening, now: float) -> None:
        update_id = self._next_id()
        opening.asked(update_id, now)
        self._send_update(update_id)

    def _send_update(self, update_id: str) -> None:
        """The whole of it, as with any update."""
        own = self._settings.instructions or USUAL_INSTRUCTIONS
        briefed = instructed(replace(self._settings, instructions=own))
        hands_free = self.agreement.hands_free
        session = self.whole.build(briefed, model_of(briefed), hands_free=hands_free)
        self._say({"type": "session.update", "event_id": update_id, "session": session})

    def _give_up(self) -> list[Event]:
        """Without our settings the server expects WAV files, so there is no going on."""
        is_news, self._has_given_up = not self._has_given_up, True
        words = phrase(
            "{who} did not agree to our settings within {seconds:.0f} s",
            who=PROFILE.title,
            seconds=PATIENCE.update_s,
        )
        return [ProviderFailed("no_answer", words)] if is_news else []

    def concerns(self, fault: Fault) -> bool:
        """Whether a fault refuses the settings that we asked for."""
        return self._opening.concerns(fault) and "limit" not in fault.code

    def refused(self, fault: Fault, now: float) -> Notice | None:
        """Ask for less; None: there is nothing left to give up."""
        given_up = self.whole.give_up_something(fault)
        if given_up is None:
            return None
        self._ask(self._opening, now)
        words = phrase(
            "The server refused {what} ({why}); going on without",
            what=given_up,
            why=without_stop(fault.message),
        )
        return Notice("update_refused", words)

    def agreed(self, session: JsonObject) -> list[Event]:
        """The server's word on what we asked for first."""
        self._opening.phase = "ready"
        self.believe_sound(session)
        return self.agreement.believe(read_session(session, PROFILE))

    # -- later ----------------------------------------------------------------------------------

    def update(self, what: Update) -> str:
        """Ask for a change in the running session; the name of the message."""
        update_id = self._next_id()
        self.agreement.asked(update_id, what)
        self._send_update(update_id)
        return update_id

    def updated(self, session: JsonObject) -> list[Event]:
        """The server's word on a change, or on a session that we have not asked anything of yet."""
        if self.is_ready:
            return self.agreement.accepted(read_session(session, PROFILE))
        self.first_session = {**self.first_session, **session}
        return []

    def believe_sound(self, session: JsonObject) -> None:
        """Take over how the server wants to hear us."""
        self.input_format = read_input_format(session) or self.input_format
        self.agreement.input_rate = self.input_format.rate
