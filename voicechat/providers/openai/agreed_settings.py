"""What holds in the running session: what we asked for, corrected by what the server says.

The rule: the server's word counts, and a difference is told to the user once.  Only its answer to
our latest update is its word; an older one describes a session that we have already changed.
"""

from typing import Literal, TypeAlias

from voicechat.events import Event, Notice, SessionEnding
from voicechat.providers.base import Profile, Settings
from voicechat.providers.openai.errors import Fault
from voicechat.providers.openai.session_update import Effective
from voicechat.text.phrase import phrase

Update: TypeAlias = Literal["extras", "turns"]

NEEDS_NEW = (
    "turns_need_new_session",
    phrase(
        "{who} settles who finds the turns when a session begins: the next one will have it",
        who=phrase("The service"),
    ),
)


class Agreement:
    """The state of the session's settings.

    Attributes:
        hands_free: Whether the server finds the turns.
        server_answers: Whether it answers a turn that it found without being asked.
        server_interrupts: Whether the user's voice cuts the reply in hands-free mode.
        input_rate: Hz of the sound the server expects.
        output_rate: Hz of the sound the server sends.
        is_g711: Whether the server expects our sound as mu-law, as we asked.
        is_transcribed: Whether the user's words are written down.
    """

    def __init__(self, profile: Profile, settings: Settings, *, tells_rates: bool = True) -> None:
        self.hands_free = settings.hands_free
        self.server_interrupts = settings.vad.interrupt and not settings.vad.by_words
        self.server_answers = not settings.vad.by_words
        self.input_rate = settings.input_rate or profile.input_rate
        self.output_rate = settings.output_rate or profile.output_rate
        self.is_transcribed = True
        self.is_g711 = False
        self._may_be_g711 = profile.g711 and settings.codec == "g711"
        self._tells_rates = tells_rates
        self._updates: dict[str, Update] = {}
        self._noticed: set[str] = set()

    def asked(self, update_id: str, what: Update) -> None:
        """An update is on its way."""
        self._updates[update_id] = what

    def accepted(self, effective: Effective) -> list[Event]:
        """The server answered the oldest update."""
        if self._updates:
            del self._updates[next(iter(self._updates))]
        return [] if self._updates else self.believe(effective)

    def refused(self, fault: Fault) -> list[Event]:
        """A notice, if a fault is about one of our updates; then that one does not hold."""
        is_nameless = not fault.event_id and "session" in f"{fault.param} {fault.code}"
        oldest = next(iter(self._updates), "") if is_nameless else ""
        what = self._updates.pop(fault.event_id or oldest, None)
        if what is None:
            return []
        if what == "turns":
            self.hands_free = not self.hands_free
            return [Notice(*NEEDS_NEW), SessionEnding(0.0)]
        return [
            Notice(
                "update_refused",
                phrase("The server refused noise reduction: {why}", why=fault.message),
            )
        ]

    def believe(self, effective: Effective) -> list[Event]:
        """Take over what the server says of the session."""
        if effective.says_transcription:
            self.is_transcribed = effective.transcribes
        return [*self._believe_turns(effective), *self.believe_sound(effective)]

    def _believe_turns(self, effective: Effective) -> list[Event]:
        if effective.turns and "interrupt_response" in effective.turns:
            self.server_interrupts = effective.turns["interrupt_response"] is True
        if effective.turns and "create_response" in effective.turns:
            self.server_answers = effective.turns["create_response"] is True
        if not effective.says_turns or effective.finds_turns == self.hands_free:
            return []
        self.hands_free = effective.finds_turns
        words = (
            phrase("The server finds the turns itself, whatever was asked for")
            if self.hands_free
            else phrase("The server leaves the turns to the key, whatever was asked for")
        )
        return self._notice("turns_differ", words)

    def believe_sound(self, effective: Effective) -> list[Event]:
        """Take over what the server says of the sound."""
        events: list[Event] = []
        if effective.hears_g711 is not None:
            self.is_g711 = effective.hears_g711 and self._may_be_g711
        rates = effective.input_rate or self.input_rate, effective.output_rate or self.output_rate
        if rates != (self.input_rate, self.output_rate):
            self.input_rate, self.output_rate = rates
            words = phrase(
                "The server hears {heard} Hz and speaks {spoken} Hz",
                heard=rates[0],
                spoken=rates[1],
            )
            events += self._notice("rate_differs", words) if self._tells_rates else []
        if not effective.is_pcm:
            events += self._notice(
                "format_differs", phrase("The server sends sound that is no PCM")
            )
        return events

    def _notice(self, code: str, words: str) -> list[Event]:
        if code in self._noticed:
            return []
        self._noticed.add(code)
        return [Notice(code, words)]
