"""Whose turn it is on the server, which never says that a turn begins, and gives none a name.

A turn is asked for (the key's turn ended, a line was typed) or begins by itself (the server's VAD,
a tool's answer).  It ends with `turnComplete`; one that was cut says `interrupted` before.  What we
send to cut a turn meets sound of it on the way, so turns stand here in a line: everything belongs
to the first one, and what belongs to an unwanted turn is dropped.

A cut turn of which nothing had been seen may end without a word.  Then what comes is the next
turn's already: it is kept until that is certain.
Source: the Live API's capabilities guide on interruption; `turnComplete` assumes that the client
plays in real time, and comes late for that reason.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from voicechat.events import Event, ProviderFailed, Usage
from voicechat.providers.gemini.reply import GeminiReply
from voicechat.providers.gemini.server_content import Sign
from voicechat.providers.gemini.usage import add
from voicechat.text.phrase import phrase

Begins = Callable[[bool, float], list[Event]]
"""Called when a reply begins, with whether the turn began by itself; told before the reply."""


@dataclass(frozen=True, slots=True)
class TurnTimeouts:
    """Seconds after which a silent server is taken to have given up."""

    setup_s: float = 10.0
    request_s: float = 20.0
    """From a question to the first sign of an answer."""
    sign_s: float = 30.0
    """Between two signs of an answer."""
    thinking_s: float = 120.0
    """The same while the server says that it is still at work."""
    complete_s: float = 10.0
    """From the last sound of an answer, when all of it can have been played, to its end."""
    cut_s: float = 2.0
    """From a cut to the end of the turn; some ends never come."""
    told_s: float = 5.0
    """From an interruption that the server knows nothing of until the reply counts as ended."""


@dataclass(slots=True)
class ServerTurn:
    """One turn of the server."""

    reply: GeminiReply
    last_sign: float
    asked_at: float | None = None
    is_seen: bool = False
    """Something of it came while it was wanted."""
    is_generated: bool = False
    is_interrupted: bool = False
    is_working: bool = False
    """More of the same answer will come after a `turnComplete`."""
    is_doubted: bool = False
    """The user was told that no answer comes."""
    is_refused: bool = False
    """An error came where its answer should begin."""
    unwanted_since: float | None = None
    is_cut: bool = False
    """The server knows that it is unwanted."""
    end_code: str = "client_cancelled"
    held: list[list[Sign]] = field(default_factory=list)


class TurnQueue:
    """The line of turns, the running one first."""

    def __init__(
        self,
        stamp: str,
        patience: TurnTimeouts,
        begins: Begins,
        *,
        has_open_calls: Callable[[], bool],
        hands_free: bool,
        text_only: bool,
    ) -> None:
        self._stamp = stamp
        self._patience = patience
        self._begins = begins
        self._has_open_calls = has_open_calls
        self._hands_free = hands_free
        self._text_only = text_only
        self._line: deque[ServerTurn] = deque()
        self._count = 0
        self._stray_ends = 0

    @property
    def is_idle(self) -> bool:
        return not self._line

    # -- what we do -----------------------------------------------------------------------------

    def ask(self, now: float) -> None:
        """The server was asked for an answer; whatever ran before was cut."""
        self._append(now).asked_at = now

    def cut(self, now: float) -> None:
        """Something was sent that ends every turn before it; refused ones have ended already."""
        self._line = deque(turn for turn in self._line if turn.is_seen or not turn.is_refused)
        for turn in self._line:
            turn.unwanted_since, turn.is_cut = now, True

    def drop(self, now: float, *, is_cut: bool) -> None:
        """Nobody wants what runs.  `is_cut`: the server knows it by itself."""
        for turn in self._line:
            if turn.unwanted_since is None:
                turn.unwanted_since, turn.is_cut = now, is_cut
                turn.end_code = "turn_detected" if is_cut else "client_cancelled"

    # -- what the server says -------------------------------------------------------------------

    def say(self, signs: list[Sign], now: float, *, may_begin: bool) -> list[Event]:
        """Sound and words.  `may_begin`: whether a turn may begin by itself now."""
        events = self._past_interrupted()
        turn = self._running(now, may_begin=may_begin)
        if turn is None:
            return events
        turn.last_sign = now
        if turn.unwanted_since is None:
            return [*events, *self._tell(turn, signs, now)]
        has_next = len(self._line) > 1
        if has_next and not (turn.is_seen or turn.is_interrupted):
            turn.held.append(signs)
        return events

    def lives(self, now: float) -> None:
        """Something of an answer that nobody is told: thoughts, or a tool of the service's own."""
        if turn := self._first:
            turn.last_sign = now

    def call(self, now: float) -> tuple[list[Event], GeminiReply | None]:
        """A tool is called; the reply that calls it, or None where nobody wants that."""
        events = self._past_interrupted()
        turn = self._running(now, may_begin=True)
        assert turn is not None
        turn.last_sign = now
        if turn.unwanted_since is not None:
            return events, None
        turn.reply.calls += 1
        return [*events, *self._tell(turn, [], now)], turn.reply

    def generated(self, now: float) -> list[Event]:
        """All of an answer has come; the server now waits while it is played."""
        turn = self._first
        if turn is None:
            return []
        turn.last_sign, turn.is_generated = now, True
        return turn.reply.settle() if turn.unwanted_since is None else []

    def interrupted(self, now: float) -> bool:
        """The answer was cut; whether that is news, so that playing must stop."""
        turn = self._first
        if turn is None:
            return True
        is_news = turn.unwanted_since is None
        if is_news and not turn.is_seen and self._is_fresh(turn, now):
            self._stray_ends += 1
            return False  # It is of a turn before: this one has not begun.
        turn.is_interrupted, turn.last_sign = True, now
        turn.held.clear()
        if is_news:
            turn.unwanted_since, turn.is_cut, turn.end_code = now, True, "turn_detected"
        return is_news

    def refused(self) -> None:
        """An error came: what was asked has its answer, unless one comes all the same."""
        if turn := self._first:
            turn.is_refused = turn.is_doubted = True

    def used(self, usage: Usage) -> None:
        """Tokens of the running turn, told before its end."""
        if turn := self._first:
            turn.reply.usage = add(turn.reply.usage, usage)

    def complete(self, now: float, usage: Usage | None, reason: str, status: str) -> list[Event]:
        """A turn ended.  `reason`: why, in the server's words; `status`: whether more comes."""
        turn = self._first
        if turn is None:
            return self._silent_turn(now, usage)
        turn.reply.usage = add(turn.reply.usage, usage)
        if status == "IN_PROGRESS":
            turn.last_sign, turn.is_generated, turn.is_working = now, False, True
            return turn.reply.next_item() if turn.unwanted_since is None else []
        if self._stray_ends and turn.unwanted_since is None and not turn.is_seen:
            self._stray_ends -= 1
            return []
        self._line.popleft()
        if turn.held and turn.is_generated:
            return self._promote(turn, now, reason)
        return self._end(turn, now, reason)

    # -- time -----------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Event]:
        """Give up what takes too long."""
        turn = self._first
        if turn is None:
            return []
        if turn.unwanted_since is not None:
            return self._tick_unwanted(turn, now - turn.unwanted_since, now)
        return self._tick_wanted(turn, now)

    def _tick_unwanted(self, turn: ServerTurn, waited_s: float, now: float) -> list[Event]:
        if turn.is_cut and waited_s >= self._patience.cut_s:
            self._line.popleft()
            self._stray_ends += 1
            return [*self._end(turn, now), *self._release(turn, now)]
        is_dead = now - turn.last_sign >= self._patience.sign_s
        if is_dead and waited_s >= self._patience.sign_s and not self._has_open_calls():
            self._line.popleft()
            return self._end(turn, now)
        return self._end(turn, now) if waited_s >= self._patience.told_s else []

    def _tick_wanted(self, turn: ServerTurn, now: float) -> list[Event]:
        patience, silent_s = self._patience, now - turn.last_sign
        if not turn.is_seen:
            return self._doubt(turn, now)
        if turn.is_generated and silent_s >= patience.complete_s + turn.reply.sound_s:
            self._line.popleft()
            return self._end(turn, now)
        if turn.is_generated or self._has_open_calls():
            return []
        limit_s = patience.thinking_s if turn.is_working else patience.sign_s
        return self._break_off(turn, now, limit_s) if silent_s >= limit_s else []

    def _doubt(self, turn: ServerTurn, now: float) -> list[Event]:
        """Say once that no answer comes; one that comes all the same is welcome."""
        limit_s = self._patience.thinking_s if turn.is_working else self._patience.request_s
        if turn.is_doubted or turn.asked_at is None:
            return []
        if now - max(turn.asked_at, turn.last_sign) < limit_s:
            return []
        turn.is_doubted = True
        return [
            ProviderFailed(
                "no_reply",
                phrase("The model did not begin to answer within {seconds:.0f} s", seconds=limit_s),
            )
        ]

    def _break_off(self, turn: ServerTurn, now: float, waited_s: float) -> list[Event]:
        """The turn stays, unwanted, so that what may still come of it is nobody else's."""
        turn.unwanted_since = now
        words = phrase("The answer broke off: nothing came for {seconds:.0f} s", seconds=waited_s)
        return turn.reply.finish("failed", "no_answer", words)

    def _is_fresh(self, turn: ServerTurn, now: float) -> bool:
        """Whether nobody but us can have cut anything since the turn was asked for."""
        asked_at = turn.asked_at
        return asked_at is not None and not (
            self._hands_free and now - asked_at >= self._patience.cut_s
        )

    # -- inside ---------------------------------------------------------------------------------

    @property
    def _first(self) -> ServerTurn | None:
        return self._line[0] if self._line else None

    def _append(self, now: float) -> ServerTurn:
        self._count += 1
        turn = ServerTurn(
            GeminiReply(f"{self._stamp}_{self._count}", is_silent=self._text_only), now
        )
        self._line.append(turn)
        return turn

    def _running(self, now: float, *, may_begin: bool) -> ServerTurn | None:
        return self._first or (self._append(now) if may_begin else None)

    def _past_interrupted(self) -> list[Event]:
        """What follows `interrupted` is new, whether or not the end of the old turn was told."""
        turn = self._first
        if turn is None or not turn.is_interrupted:
            return []
        self._line.popleft()
        self._stray_ends += 1
        return self._end(turn, turn.last_sign)

    def _tell(self, turn: ServerTurn, signs: list[Sign], now: float) -> list[Event]:
        turn.is_seen = True
        self._stray_ends = 0
        before = [] if turn.reply.is_started else self._begins(turn.asked_at is None, now)
        return [*before, *turn.reply.start(), *turn.reply.tell(signs)]

    def _end(self, turn: ServerTurn, now: float, reason: str = "") -> list[Event]:
        """The events of a turn that is over; none if they were told before."""
        reply = turn.reply
        if turn.unwanted_since is not None:
            is_known = reply.is_started or reply.usage is not None
            return reply.finish("cancelled", turn.end_code) if is_known else []
        before = [] if reply.is_started else self._begins(turn.asked_at is None, now)
        must_answer = turn.asked_at is not None
        return [*before, *reply.start(), *reply.conclude(reason, must_answer=must_answer)]

    def _silent_turn(self, now: float, usage: Usage | None) -> list[Event]:
        """A turn that was not asked for and said nothing: the model chose not to answer."""
        if not self._hands_free and usage is None:
            return []
        self._append(now)
        reply = self._line.pop().reply
        reply.usage = usage
        return [*self._begins(False, now), *reply.start(), *reply.conclude("", must_answer=False)]

    def _release(self, turn: ServerTurn, now: float) -> list[Event]:
        """What was kept belongs to the next turn after all."""
        following = self._first
        if following is None or following.unwanted_since is not None:
            return []
        events = [event for held in turn.held for event in self._tell(following, held, now)]
        if turn.held and turn.is_generated:
            following.is_generated, following.last_sign = True, now
            events += following.reply.settle()
        return events

    def _promote(self, turn: ServerTurn, now: float, reason: str) -> list[Event]:
        """A whole answer came where cut turns should have ended: it answers the last."""
        events: list[Event] = []
        while len(self._line) > 1 and self._line[0].is_cut and not self._line[0].is_seen:
            events += self._end(self._line.popleft(), now)
        events += self._release(turn, now)
        return [*events, *self.complete(now, turn.reply.usage, reason, "")]
