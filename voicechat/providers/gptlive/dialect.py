"""GPT-Live: one session as a state machine without I/O.

Not the Realtime API: sound flows both ways without an end, and the model alone decides when to
speak and when to yield.  There are no turns, no replies, no cancelling and no typed messages on the
wire; turns and replies are found here.  What the parts know: `gptlive_setup` the first message,
`gptlive_start` when to send it, `gptlive_uplink` what we stream, `gptlive_words` what the user
said, `gptlive_reply` what the model says, `gptlive_usage` what is billed, `gptlive_errors`
what goes wrong.

The key (push-to-talk) only decides what the model hears; when it answers is up to it.

With tools, the model hands work to another one that calls them (`gptlive_tools`).  Without, it
hands work to us ("delegation"), which comes without its task, so nobody here can do it: the model
is told so at once, or it would wait for a result.
Source: the Live API reference (https://developers.openai.com/api/docs/guides/live).
"""

from collections.abc import Callable
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
    ReplyFinished,
    SendAudio,
    SendImage,
    SendText,
    SendToolResult,
    SessionExpired,
    SessionReady,
    Unknown,
)
from voicechat.providers.audio_fields import decode as decode_sound
from voicechat.providers.base import Dialect, Profile, Settings
from voicechat.providers.gptlive.errors import GptLiveCloseReason
from voicechat.providers.gptlive.handshake import Start
from voicechat.providers.gptlive.reply import ReplyStream
from voicechat.providers.gptlive.setup import address
from voicechat.providers.gptlive.tool_calls import HELPER_MODEL, Helper
from voicechat.providers.gptlive.uplink import GptLiveUplink
from voicechat.providers.gptlive.usage import LiveUsage
from voicechat.providers.gptlive.user_transcript import TimedTranscript
from voicechat.providers.json_fields import (
    JsonObject,
    Repeats,
    count,
    decode,
    identity,
    moment,
    table,
    text,
)
from voicechat.providers.openai.address import authorization
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.providers.openai.errors import read_fault, safe_line
from voicechat.providers.openai.handshake import PreSessionBuffer
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

CLOSE_S = 5.0
"""From `session.closed` to the close of the link."""
NO_HELPER = (
    "No tools, search or other helpers are connected to this conversation. "
    "Answer from what you know yourself, or say that you cannot look it up here."
)
"""What the model gets for work that it hands over; at most 500 tokens."""
_NO_TYPED_TEXT = phrase("GPT-Live only listens and speaks: it takes no typed text and no pictures")
_TOO_SHORT = Notice("turn_too_short", phrase("That was too short: hold the key while you speak"))

_SILENT = frozenset(
    {
        "decision.completed",
        "decision.event",
        "decision.item.created",
        "decision.item.deleted",
        "session.commentary.appended",
        "session.input_audio.append",
        "session.input_audio.muted",
        "session.input_audio.unmuted",
        "session.instructions.appended",
        "session.output_audio.fixture.played",
        "session.output_audio.fixture.playing",
        "session.thinking.appended",
        "session.updated",
    }
)
"""Messages that change nothing for us."""


class GptLiveDialect(Dialect):
    """One session.  See `Dialect` for the contract."""

    profile: ClassVar[Profile] = Profile(
        name="gptlive",
        title="OpenAI GPT-Live",
        # The fragment is never sent: the model is named in the first message.
        url="wss://api.openai.com/v1/live/sessions#{model}",
        default_model="gpt-live-1.1",
        key_env=("OPENAI_API_KEY",),
        key_page="https://platform.openai.com/api-keys",
        can_truncate=False,
        paced=True,
        silence_when_muted=True,
        max_session_s=7200.0,
        text_input="no",
        helper_model=HELPER_MODEL,
        http=OpenAIDialect.profile.http,
        tools=True,
    )

    tick_s: ClassVar[float] = 0.05
    """How often time should pass: the server's clock is the sound that it gets."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._waiting = PreSessionBuffer()
        self._queued: list[Event] = []
        self._told: set[str] = set()
        self._refused_texts = 0
        self._begin_session(0.0)

    def _begin_session(self, now: float) -> None:
        """Parts for the settings as they are now, with ids unlike those of other sessions."""
        settings, stamp = self.settings, f"{int(now * 1000):x}"
        self._start = Start(self._say, settings, self._model, self.input_rate)
        self._closed_at: float | None = None
        self._farewell = GptLiveCloseReason(self.profile, self.key_hint())
        self._repeats = Repeats()
        self._helper = Helper(self._say)
        self._usage = LiveUsage(self.profile.title)
        self._before_reply: str | None = None
        self._now = now
        self._uplink = GptLiveUplink(self._say, self.input_rate, hands_free=settings.hands_free)
        self._words = TimedTranscript(stamp, is_transcribed=settings.transcription_model != "none")
        self._voice = ReplyStream(
            stamp, self.output_rate, self._reply_begins, text_only=settings.text_only
        )

    # -- the contract ---------------------------------------------------------------------------

    def url(self) -> str:
        return address(self.settings.url or self.profile.url, self._model)

    def headers(self) -> dict[str, str]:
        return authorization(self.settings)

    def open(self, now: float) -> None:
        self._begin_session(now)
        self._start.ask(now)

    def send(self, command: Command, now: float) -> None:
        self._now = now
        is_spoken = isinstance(command, SendAudio | BeginTurn | EndTurn)
        if is_spoken and not self._start.is_over:
            self._keep(command)
        else:
            self._obey(command, now)

    def receive(self, message: str | bytes, now: float) -> list[Event]:
        self._now = now
        content = decode(message)
        if isinstance(content, str):
            return [*self._take_queued(), Unknown(content)]
        if self._repeats.has(content, message):
            return self._take_queued()
        events = self._understand(content, now)
        self._uplink.pump(now)
        return [*self._take_queued(), *self._noted(events)]

    def tick(self, now: float) -> list[Event]:
        self._now = now
        self._uplink.pump(now)
        events = [*self._tick_session(now), *self._voice.tick(now)]
        events = self._noted(events)
        events += self._words.tick(now, is_answering=self._voice.is_open)
        return [*self._take_queued(), *events]

    def closed(self, code: int, reason: str) -> VoiceChatError | None:
        return self._farewell.explain(code, safe_line(reason, self._secrets))

    # -- commands -------------------------------------------------------------------------------

    def _obey(self, command: Command, now: float) -> None:
        match command:
            case SendAudio(pcm):
                self._uplink.add(pcm, now)
            case BeginTurn():
                self._begin_turn(now)
            case EndTurn():
                self._end_turn(now)
            case SendText() | SendImage():
                self._refuse(command)
            case SendToolResult():
                self._helper.answer(command)
            case Interrupt():
                self._queued += self._voice.stop(now)
            case _:
                hands_free = command.hands_free
                self.settings = replace(self.settings, hands_free=hands_free)
                self._uplink.set_hands_free(hands_free, now)

    def _begin_turn(self, now: float) -> None:
        if not self._uplink.hands_free:
            self._uplink.press(now)
            self._words.press(self._here_ms(now))

    def _end_turn(self, now: float) -> None:
        if self._uplink.release(now):
            self._queued += self._words.release(now + self._uplink.waiting_s)
        elif not self._uplink.hands_free:
            self._queued.append(_TOO_SHORT)

    def _keep(self, command: Command) -> None:
        """A press waits for the session; a stream begins with it, or it would lag for ever."""
        if not self._uplink.hands_free:
            self._waiting.keep(command, self.input_rate)

    def _refuse(self, command: SendText | SendImage) -> None:
        """The session has no room for it: said once, and again for every message that waits."""
        if "no_typed_text" not in self._told:
            self._told.add("no_typed_text")
            words = phrase("{sentence}; speak, or choose another model", sentence=_NO_TYPED_TEXT)
            self._queued.append(Notice("no_typed_text", words))
        if isinstance(command, SendText) or command.text:
            self._refused_texts += 1
            refused = f"reply_refused_{self._refused_texts}"
            self._queued.append(ReplyFinished(refused, "failed", "no_typed_text", _NO_TYPED_TEXT))

    # -- messages -------------------------------------------------------------------------------

    def _understand(self, message: JsonObject, now: float) -> list[Event]:
        kind = text(message, "type")
        known = self._handlers.get(kind)
        if known is not None:
            return known(self, message, now)
        return [] if kind in _SILENT else [Unknown(clean_line(kind or "no type", 80))]

    def _started(self, message: JsonObject, now: float) -> list[Event]:
        if self._start.is_over:
            return []
        self._start.is_over = True
        self._farewell = GptLiveCloseReason(self.profile, self.key_hint())
        self._helper.offered = self._start.offered
        session = table(message, "session")
        self._uplink.start(now)
        for command in self._waiting.flush():
            self._obey(command, now)
        model = clean_line(text(session, "model"), 80)
        return [SessionReady(identity(session, "id"), model, moment(session, "expires_at"))]

    def _spoke(self, message: JsonObject, now: float) -> list[Event]:
        """The user said something, as the server understood it."""
        self._helper.rounds = 0
        start_ms, end_ms = count(message, "start_ms"), count(message, "end_ms")
        is_late = self._voice.is_open and start_ms < self._voice.start_ms
        is_late_turn = is_late and self._words.is_new(start_ms)
        events: list[Event] = []
        if not is_late and self._words.is_over_answer(start_ms):
            events = self._noted(self._voice.user_spoke(start_ms, now))
        return events + self._words.push(
            text(message, "delta"),
            start_ms,
            end_ms,
            now,
            previous=self._before_reply if is_late_turn else None,
            answered_ms=self._voice.start_ms if is_late_turn else None,
        )

    def _sounded(self, message: JsonObject, now: float) -> list[Event]:
        data = decode_sound(message.get("delta"))
        if data is None:
            return [Unknown("sound that is no base64")]
        return self._voice.hear(data, now, self._here_ms(now))

    def _said(self, message: JsonObject, now: float) -> list[Event]:
        words, end_ms = text(message, "delta"), count(message, "end_ms")
        return self._voice.tell(words, end_ms, now, self._here_ms(now))

    def _delegated(self, message: JsonObject, now: float) -> list[Event]:
        delegation = table(message, "delegation")
        given, is_ours = identity(delegation, "id"), text(delegation, "target") in ("", "client")
        if given and is_ours and self._start.is_over and not self._helper.offered:
            kind, event_id = "session.commentary.append", f"answer_{given}"[:64]
            answer = {"type": kind, "content": NO_HELPER, "delegation_id": given}
            self._say({**answer, "event_id": event_id})
        return []

    def _worked(self, message: JsonObject, now: float) -> list[Event]:
        if not self._helper.offered:
            return []
        return [*self._usage.helped(), *self._helper.on_event(message, self._secrets)]

    def _counted(self, message: JsonObject, now: float) -> list[Event]:
        return self._usage.read(message)

    def _paused(self, message: JsonObject, now: float) -> list[Event]:
        return self._usage.pause()

    def _resumed(self, message: JsonObject, now: float) -> list[Event]:
        return self._usage.resume()

    def _informed(self, message: JsonObject, now: float) -> list[Event]:
        code = clean_line(text(message, "code"), 80) or "info"
        words = safe_line(text(message, "message"), self._secrets)
        if not words or code in self._told:
            return []
        self._told.add(code)
        return [Notice(code, words)]

    def _reply_begins(self, here_ms: float) -> list[Event]:
        waiting = self._words.turn_id if self._words.is_unanswered else ""
        self._before_reply = waiting or self._voice.item_id or None
        return self._words.answered(self._now, here_ms)

    def _noted(self, events: list[Event]) -> list[Event]:
        """A reply that ended by itself leaves nothing to wait for."""
        if any(isinstance(e, ReplyFinished) and e.status == "completed" for e in events):
            self._words.let_go()
        return events

    # -- errors and ends ------------------------------------------------------------------------

    def _failed(self, message: JsonObject, now: float) -> list[Event]:
        fault = read_fault(message, self._secrets)
        answers = identity(table(message, "error"), "client_event_id")
        if answers.startswith("answer_"):
            return []  # The model went on without us.
        if notice := self._start.give_up(fault, now):
            self._farewell.refused(fault)  # In case it closes instead of listening again.
            return [notice]
        match self._farewell.verdict(fault, is_started=self._start.is_over):
            case "fatal":
                self._farewell.refused(fault)
                return [ProviderFailed(fault.code, fault.message, fatal=True)]
            case "expired":
                return self._end("expired", now)
            case "benign":
                return [Unknown(f"error {fault.code}")]
            case _:
                if not self._start.is_over:
                    self._farewell.postponed(fault)
                return [ProviderFailed(fault.code, fault.message)]

    def _ended(self, message: JsonObject, now: float) -> list[Event]:
        return [*self._usage.read(message), *self._end(text(message, "reason"), now)]

    def _end(self, reason: str, now: float) -> list[Event]:
        if self._closed_at is not None:
            return []
        self._closed_at, ending = now, self._farewell.closed(reason)
        events = self._voice.close(ending.message if ending else "")
        if reason == "expired":
            words = phrase("{who} ended the session because of its age", who=self.profile.title)
            return [*events, SessionExpired(words)]
        if reason == "content" and ending:
            return [*events, ProviderFailed("content", ending.message, fatal=True)]
        return events

    def _tick_session(self, now: float) -> list[Event]:
        """A session that does not begin, and a link that outlives its session."""
        if self._closed_at is not None and now - self._closed_at >= CLOSE_S:
            self._closed_at = float("inf")
            return [SessionExpired(phrase("{who} ended the session", who=self.profile.title))]
        if not self._start.is_late(now):
            return []
        words = phrase(
            "{who} began no session within {seconds:.0f} s",
            who=self.profile.title,
            seconds=self._start.patience_s,
        )
        return [ProviderFailed("no_answer", words)]

    # -- small state ----------------------------------------------------------------------------

    def _here_ms(self, now: float) -> float:
        """Where the server's clock stands, which is the sound that has reached it."""
        return max(0.0, self._uplink.here_ms(now) - self.unsent_s * 1000)

    @property
    def _model(self) -> str:
        return self.settings.model or self.profile.default_model

    def _take_queued(self) -> list[Event]:
        queued, self._queued = self._queued, []
        return queued

    _handlers: ClassVar[dict[str, Callable[["GptLiveDialect", JsonObject, float], list[Event]]]] = {
        "error": _failed,
        "info": _informed,
        "response.event": _worked,
        "session.closed": _ended,
        "session.delegation.created": _delegated,
        "session.input_transcript.delta": _spoke,
        "session.output_audio.delta": _sounded,
        "session.output_transcript.delta": _said,
        "session.paused": _paused,
        "session.resumed": _resumed,
        "session.started": _started,
        "session.usage.updated": _counted,
    }


DIALECT = GptLiveDialect
