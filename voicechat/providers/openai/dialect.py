"""OpenAI Realtime, general release (GA): one session as a state machine without I/O.

What the parts know: `openai_start` the handshake, `openai_session` the settings, `openai_turns`
and `openai_messages` the user's side, `openai_reply` whose turn it is, `openai_answer`,
`openai_items` and `openai_tools` the model's side, `openai_errors` what goes wrong, `openai_names`
the older names, `openai_ways` what the members of the family change.

Source: https://platform.openai.com/docs/guides/realtime and its API reference.
"""

from dataclasses import replace
from typing import ClassVar

from voicechat.errors import VoiceChatError
from voicechat.events import (
    BeginTurn,
    Command,
    EndTurn,
    Event,
    Interrupt,
    Notice,
    ProviderFailed,
    SendAudio,
    SendImage,
    SendText,
    SendToolResult,
    SessionExpired,
    SessionReady,
    Unknown,
)
from voicechat.providers.base import Http, Profile, Settings
from voicechat.providers.json_fields import (
    JsonObject,
    Repeats,
    decode,
    identity,
    moment,
    table,
    text,
)
from voicechat.providers.openai.address import address
from voicechat.providers.openai.agreed_settings import Agreement, Update
from voicechat.providers.openai.errors import CloseReason, Fault, read_fault, safe_line
from voicechat.providers.openai.event_names import modern
from voicechat.providers.openai.family import Ways
from voicechat.providers.openai.g711 import G711
from voicechat.providers.openai.g711 import RATE as G711_RATE
from voicechat.providers.openai.handshake import Opening, PreSessionBuffer
from voicechat.providers.openai.history import HistoryItems, past_of
from voicechat.providers.openai.messages import text_part, user_message
from voicechat.providers.openai.response_events import Answers
from voicechat.providers.openai.response_state import Replies
from voicechat.providers.openai.session_update import read_session
from voicechat.providers.openai.tool_calls import ToolCalls
from voicechat.providers.openai.user_turns import InputTurns
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

SLOW_UPDATE_S = 30.0
"""How long the server's word on our settings is waited for where the sound depends on it."""


class OpenAIDialect(Ways):
    """One session.  See `Dialect` for the contract and `Ways` for what a subclass may change."""

    profile: ClassVar[Profile] = Profile(
        name="openai",
        title="OpenAI",
        url="wss://api.openai.com/v1/realtime?model={model}",
        default_model="gpt-realtime-2.1",
        key_env=("OPENAI_API_KEY",),
        key_page="https://platform.openai.com/api-keys",
        images=True,
        tools=True,
        can_wait=True,
        g711=True,
        http=Http(
            "https://api.openai.com/v1",
            chat_model="gpt-audio-1.5",
            ears_model="gpt-transcribe",
            mouth_model="gpt-audio-1.5",
            mouth="openai_sound",
            voice="marin",
            elsewhere=Http(
                "https://api.openai.com/v1",
                chat_model="gpt-5.4-mini",
                ears_model="gpt-transcribe",
                mouth_model="gpt-4o-mini-tts",
                voice="marin",
            ),
        ),
    )

    # -- the contract ---------------------------------------------------------------------------

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._now = 0.0
        self._opening: Opening | None = None
        self._waiting = PreSessionBuffer()
        self._turns = InputTurns(self._say)
        self._replies = Replies(self._say, self.patience, tags=self.tags_replies)
        self._tool_calls = ToolCalls(self._say, self._replies)
        self._answers = Answers(self._say, self._replies, self._tool_calls)
        self._memory = HistoryItems(self._say)
        self._farewell = CloseReason(self.profile, self.codes, self.money_page, self.key_hint())
        self._agreement = self._new_agreement()
        self._first_session: JsonObject = {}
        self._has_key = True
        """Whether the user marks the turns, though the server may find them all the same."""
        self._messages = 0
        self._items_sent = 0
        self._notices: list[Event] = []
        self._repeats = Repeats()

    def _new_agreement(self) -> Agreement:
        return Agreement(self.profile, self.settings, tells_rates=self.tells_rates)

    @property
    def answer_s(self) -> float:
        """From `response.create` to the first sign of a reply."""
        return self.patience.request_s

    @property
    def input_rate(self) -> int:
        """Hz of the sound the server expects: the profile's, unless the server says otherwise."""
        return self._agreement.input_rate

    @property
    def output_rate(self) -> int:
        """Hz of the sound the server sends: the profile's, unless the server says otherwise."""
        return self._agreement.output_rate

    @property
    def sound_bytes_per_s(self) -> int:
        return G711_RATE if self._agreement.is_g711 else super().sound_bytes_per_s

    @property
    def waits(self) -> bool:
        """As asked for (`Vad.by_words`), unless the server says otherwise."""
        agreed = self._agreement
        return agreed.hands_free and not agreed.server_answers

    @property
    def items_sent(self) -> int:
        """Says of before and messages of now; what a tool answered is none."""
        return self._items_sent + self._memory.sent

    def url(self) -> str:
        return address(self.profile, self.settings)

    def headers(self) -> dict[str, str]:
        return self.authorization() if self.settings.api_key else {}

    def open(self, now: float) -> None:
        self._now = now
        # Known only now: servers of tools may have taken their time.
        offered = [tool.name for tool in self.settings.tools if self.tool_list()]
        self._tool_calls.offered = frozenset(offered)
        shape, first = self.settings.shape, self.first_shape()
        self._agreement = self._new_agreement()
        self._has_key = not self.settings.hands_free
        self._replies.fields = self.reply_fields()
        # Sound in the wrong language would be noise: a slow line's answer is waited for.
        patience = replace(self.patience, update_s=SLOW_UPDATE_S) if self._wants_g711 else None
        self._opening = Opening(
            patience or self.patience,
            now,
            first if shape == "auto" else shape,
            may_fall_back=shape == "auto" and first == "ga",
            unasked=frozenset() if self.tool_list() else frozenset({"tools"}),
        )

    def send(self, command: Command, now: float) -> None:
        self._now = now
        is_ready = self._opening is not None and self._opening.phase == "ready"
        if is_ready or isinstance(command, Interrupt):  # Some servers speak before we agreed.
            self.obey(command)
        else:
            self._waiting.keep(command, self.input_rate)

    def receive(self, message: str | bytes, now: float) -> list[Event]:
        self._now = now
        content = self.decode(message)
        if isinstance(content, str):
            return [*self._take_notices(), Unknown(content)]
        kind = text(content, "type")
        if not kind:
            return [*self._take_notices(), Unknown("no type")]
        if self._repeats.has(content, message):
            return [*self._take_notices(), Unknown(f"repeated: {clean_line(kind, 80)}")]
        events = self.understand(modern(kind, self.own_names), content)
        self._heard(kind)
        return [*self._take_notices(), *events]

    def decode(self, message: str | bytes) -> JsonObject | str:
        """A message as an object, or what is wrong with it; a family member may know more."""
        return decode(message)

    def tick(self, now: float) -> list[Event]:
        self._now = now
        return [*self._tick_opening(now), *self._replies.tick(now), *self._take_notices()]

    def closed(self, code: int, reason: str) -> VoiceChatError | None:
        return self._farewell.explain(code, safe_line(reason, self._secrets))

    # -- the opening ----------------------------------------------------------------------------

    def _heard(self, kind: str) -> None:
        """Any first event will do to begin; an error is a reason to wait for what comes next."""
        opening = self._opening
        assert opening is not None
        opening.has_heard = True
        if opening.phase == "waiting" and kind != "error":
            self._ask(opening)

    def _ask(self, opening: Opening) -> None:
        opening.asked(self._next_id(), self._now)
        update = {"type": "session.update", "event_id": opening.update_id}
        self._say({**update, "session": self.session_fields(opening)})

    def _tick_opening(self, now: float) -> list[Event]:
        opening = self._opening
        match opening.due(now) if opening else None:
            case "ask":
                assert opening is not None
                self._ask(opening)
            case "ready":
                return self._ready(self._first_session, is_answer=False)
            case "fail":
                words = phrase(
                    "{who} said nothing for {seconds:.0f} s",
                    who=self.profile.title,
                    seconds=self.patience.opening_s,
                )
                return [ProviderFailed("no_answer", words)]
        return []

    def _ready(self, session: JsonObject, *, is_answer: bool = True) -> list[Event]:
        """The session is agreed; let out what waited for it.

        `is_answer`: whether `session` is the server's word on our settings (False: it is from
        before, and never answered; only what it says of the sound is likely to hold).
        """
        assert self._opening is not None
        self._opening.phase = "ready"
        asked = self.transcription(self._opening.shape)
        self._agreement.is_transcribed = self.always_transcribes or (
            asked is not None and "transcription" not in self._opening.left_out
        )
        effective = read_session(session, self.profile)
        believe = self._agreement.believe if is_answer else self._agreement.believe_sound
        events = believe(effective)
        extras = self.extras()
        if extras and is_answer and effective.offers_noise_reduction:
            self._update("extras", extras)
        if self.takes_past_items:
            self._memory.tell(past_of(self.settings), self._opening.shape)
        self._replies.is_held = True  # All that waited is one question: it gets one answer.
        for command in self._waiting.flush():
            self.obey(command)
        self._replies.is_held = False
        self._replies.pump(self._now)
        return [self._session_ready({**self._first_session, **session}), *events]

    def _session_ready(self, session: JsonObject) -> SessionReady:
        model = clean_line(text(session, "model"), 120)
        return SessionReady(identity(session, "id"), model, moment(session, "expires_at"))

    def _refused_opening(self, opening: Opening, fault: Fault) -> list[Event]:
        notice = opening.give_up_something(fault)
        if notice:
            self._ask(opening)
            return [notice]
        words = phrase("The server keeps its own settings: {why}", why=fault.message)
        return [Notice("update_refused", words), *self._ready(self._first_session)]

    # -- commands -------------------------------------------------------------------------------

    def obey(self, command: Command) -> None:
        """See `Ways.obey`."""
        match command:
            case SendAudio(pcm):
                self._choose_codec()
                self._turns.add(pcm, self.input_rate)
            case BeginTurn():
                if self._replies.is_held:  # Said over the answer that would have come by now.
                    self._replies.interrupt(self._now, is_done_by_server=False)
                if not self._agreement.hands_free:
                    self._turns.begin()
            case EndTurn():
                if not self._agreement.hands_free:
                    self._end_turn()
                elif self.waits:
                    self._want_reply()
                elif self._has_key:
                    self._turns.hush(self.settings.vad.silence_ms, self.input_rate)
            case SendText(words, item_id):
                self._send_text(words, item_id)
            case SendImage():
                self.send_picture(command)
            case SendToolResult(call_id):
                self._tool_calls.answer(call_id, self.tool_output(command), self._now)
            case Interrupt():
                self._interrupt(command)
            case _:
                self._set_hands_free(command.hands_free)

    def _choose_codec(self) -> None:
        """Write sound as the server last said that it wants it."""
        if self._agreement.is_g711 != (self._turns.g711 is not None):
            self._turns.g711 = G711() if self._agreement.is_g711 else None

    def _end_turn(self) -> None:
        notice = self._turns.end(self.input_rate)
        if notice:
            self._notices.append(notice)
        else:
            self._want_reply()

    def _send_text(self, words: str, item_id: str) -> None:
        self._say_item(user_message(item_id, [text_part(words)]))
        self._want_reply()

    def send_picture(self, picture: SendImage) -> None:
        """See `Ways.send_picture`; what it cannot look at, it is at least asked about."""
        if self.profile.images:
            messages = self.picture_messages(picture)
        else:
            words = phrase("{who} cannot look at pictures", who=self.profile.title)
            self._notices.append(Notice("no_pictures", words))
            messages = []
        for message in messages:
            self._say_item(message)
        if picture.text and messages:
            self._want_reply()
        elif picture.text:
            self._send_text(picture.text, picture.item_id)

    def _say_item(self, message: JsonObject) -> None:
        self._items_sent += message["type"] == "conversation.item.create"
        self._say(message)

    def _want_reply(self) -> None:
        self._tool_calls.rounds = 0
        self._replies.want(self._now)

    def _interrupt(self, command: Interrupt) -> None:
        """Cancel first, truncate second: the position is only stable once generation stopped."""
        is_done_by_server = (
            command.by_server
            and self._agreement.hands_free
            and self._agreement.server_interrupts
            and self.server_cancels
        )
        were_open = set(self._replies.open)
        self._tool_calls.interrupted()
        self._replies.interrupt(self._now, is_done_by_server=is_done_by_server)
        if self.profile.can_truncate:
            self._answers.heard(command.heard, self.output_rate, were_open)

    def _set_hands_free(self, hands_free: bool) -> None:
        self._has_key = not hands_free
        if hands_free != self._agreement.hands_free:
            self._agreement.hands_free = hands_free
            self._update("turns", self.turns_update(hands_free))

    def _update(self, what: Update, session: JsonObject) -> None:
        """An update in the running session; its refusal is only a notice."""
        update_id = self._next_id()
        self._agreement.asked(update_id, what)
        self._say({"type": "session.update", "event_id": update_id, "session": session})

    def _next_id(self) -> str:
        self._messages += 1
        return f"c{self._messages}"

    # -- messages -------------------------------------------------------------------------------

    def understand(self, kind: str, message: JsonObject) -> list[Event]:
        """See `Ways.understand`."""
        self._answers.lives(kind, message, self._now)
        match kind:
            case "session.created":
                self._first_session = table(message, "session")
                return []
            case "session.updated":
                return self._updated(table(message, "session"))
            case "error":
                return self._failed(read_fault(message, self._secrets))
            case "conversation.item.added":
                self._memory.seen()
                return []
            case _ if kind in self.silent:
                return []
        events = self._turns.on_message(
            kind, message, self._secrets, is_transcribed=self._agreement.is_transcribed
        )
        if events is None:
            events = self._answers.on_message(kind, message, self._now, self._secrets)
        if events is None:
            return [Unknown(clean_line(kind, 80))]
        return self._farewell.of_replies(self._memory.name(events))

    def _updated(self, session: JsonObject) -> list[Event]:
        opening = self._opening
        if opening is None or opening.phase == "waiting":
            self._first_session = {**self._first_session, **session}
            return []
        if opening.phase == "asking":
            return self._ready(session)
        return self._agreement.accepted(read_session(session, self.profile))

    def _failed(self, fault: Fault) -> list[Event]:
        """An `error` event."""
        opening, verdict = self._opening, self.codes.verdict(fault)
        if verdict == "fatal":
            return [self._farewell.fatal(fault)]
        if verdict == "expired":
            return [SessionExpired(fault.message)]
        if self._memory.concerns(fault):
            return self._memory.refused(fault)
        if verdict == "benign":
            return [Unknown(f"benign: {fault.code}")]
        if opening and opening.concerns(fault) and "limit" not in fault.code:
            return self._refused_opening(opening, fault)
        if verdict == "busy":
            return self._replies.refused_as_busy(fault, self._now)
        return self._agreement.refused(fault) or self._refused_other(fault)

    def _refused_other(self, fault: Fault) -> list[Event]:
        settled = self._replies.refused(fault, self._now)
        return [ProviderFailed(fault.code, fault.message)] if settled is None else settled

    # -- small state ----------------------------------------------------------------------------

    def _take_notices(self) -> list[Event]:
        notices, self._notices = self._notices, []
        return notices


DIALECT = OpenAIDialect
