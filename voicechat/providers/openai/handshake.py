"""From an open link to an agreed session: when to ask, what to give up, how long to wait.

waiting (for any first event) -> asking (for `session.updated`) -> ready.  A refused update is not
applied at all, so every refusal gives up one wish and asks again; a server that does not know the
fields of the general release is asked in the beta's.

The rule: no sound leaves before the session is ready, or the server would answer it with default
instructions and lock its default voice.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from voicechat.audio.timed_audio import TimedAudioBuffer, duration_ms
from voicechat.events import Command, Notice, SendAudio
from voicechat.providers.openai.errors import Fault
from voicechat.providers.openai.response_state import ResponseTimeouts
from voicechat.providers.openai.session_update import WISHES, Shape, Wish, blamed_wish
from voicechat.text.phrase import phrase, without_stop

Step: TypeAlias = Literal["ask", "ready", "fail"]

LONGEST_WAIT_MS = 30_000
"""Of sound that is kept for a session that is not ready; the oldest is dropped beyond."""

_GAP_CODES = frozenset({"unknown_parameter", "missing_required_parameter"})
_GA_ONLY = frozenset({"", "session", "type", "audio", "output_modalities"})


@dataclass(slots=True)
class Opening:
    """The handshake inside the link."""

    patience: ResponseTimeouts
    opened_at: float
    shape: Shape
    may_fall_back: bool
    """Whether the beta's shape may be tried."""
    unasked: frozenset[Wish] = frozenset()
    """What nobody wished for, so that there is nothing to give up."""
    phase: Literal["waiting", "asking", "ready"] = "waiting"
    left_out: set[Wish] = field(default_factory=set)
    update_id: str = ""
    has_heard: bool = False
    """Whether the server has said anything."""
    _asked_at: float = 0.0
    _has_failed: bool = False

    def __post_init__(self) -> None:
        self.left_out |= self.unasked

    def asked(self, update_id: str, now: float) -> None:
        self.phase, self.update_id, self._asked_at = "asking", update_id, now

    def due(self, now: float) -> Step | None:
        """What to do because of the time."""
        if self.phase == "ready":
            return None
        if not self.has_heard and now - self.opened_at >= self.patience.opening_s:
            is_news, self._has_failed = not self._has_failed, True
            return "fail" if is_news else None
        if self.phase == "waiting":
            return "ask" if now - self.opened_at >= self.patience.first_event_s else None
        has_waited = now - self._asked_at >= self.patience.update_s
        return "ready" if has_waited and self.has_heard else None

    def concerns(self, fault: Fault) -> bool:
        """Whether a fault refuses the update we wait for."""
        return self.phase == "asking" and fault.event_id in ("", self.update_id)

    def give_up_something(self, fault: Fault) -> Notice | None:
        """Ask for less than before; None: there is nothing left to give up."""
        blamed = blamed_wish(fault.param)
        if self.may_fall_back and _is_generation_gap(fault):
            return self._fall_back()
        for wish in (blamed, *WISHES):
            if wish and wish not in self.left_out:
                self.left_out.add(wish)
                words = phrase(
                    "The server refused {what} ({why}); going on without",
                    what=WISHES[wish],
                    why=without_stop(fault.message),
                )
                return Notice("update_refused", words)
        return self._fall_back() if self.may_fall_back else None

    def _fall_back(self) -> Notice:
        self.shape, self.may_fall_back, self.left_out = "beta", False, set(self.unasked)
        return Notice("older_protocol", phrase("The server speaks an older protocol; using that"))


def _is_generation_gap(fault: Fault) -> bool:
    """Whether a server stumbles over the frame of a GA session, not over a value in it."""
    return fault.code in _GAP_CODES and fault.param.removeprefix("session.") in _GA_ONLY


class PreSessionBuffer:
    """Commands given before the session was ready, in order; sound is bounded."""

    def __init__(self) -> None:
        self._commands: TimedAudioBuffer[Command] = TimedAudioBuffer(LONGEST_WAIT_MS)

    def keep(self, command: Command, rate: int) -> None:
        """Keep a command for a session at `rate` Hz."""
        sound = command.pcm if isinstance(command, SendAudio) else b""
        self._commands.push(command, duration_ms(sound, rate))

    def flush(self) -> list[Command]:
        """Everything that was kept."""
        return self._commands.drain()
