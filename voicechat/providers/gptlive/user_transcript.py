"""The user's side: words that come in fragments, cut into turns.

The server writes down what it hears, stamped with the session's clock, and says nothing of turns.
With the key a turn is ours from press to release; otherwise it begins with its first words and ends
with a pause, or with an answer.  Words that began before the answer belong to what it answers,
however late they come.
Source: `InputTranscriptDeltaEvent` of the Live API reference.
"""

from dataclasses import dataclass

from voicechat.events import Event, InputFailed, InputTranscript, ProviderFailed, TurnCommitted
from voicechat.text.clean import clean
from voicechat.text.phrase import phrase

SAME_MS = 400
"""Between two fragments of one breath, whoever speaks meanwhile."""
TRAILING_MS = 500
"""Of a turn that goes on after its answer has begun."""
PAUSE_MS = 2000
"""Between two turns that nobody answered."""
STILL_S = 1.5
"""Without words until a transcript counts as whole."""
LATE_S = 5.0
"""For the first words of a turn that was answered already."""
ANSWER_S = 20.0
"""From a question to the first sign of an answer."""


@dataclass(slots=True)
class _TimedTurn:
    id: str
    text: str = ""
    end_ms: float = 0.0
    worded_at: float = 0.0
    answered_ms: float | None = None
    """Where the answer began on the session's clock."""
    answered_at: float | None = None
    is_whole: bool = False
    has_failed: bool = False

    def holds(self, start_ms: float) -> bool:
        """Whether words that began then are of this turn."""
        if start_ms <= self.end_ms + SAME_MS:
            return True
        if self.answered_ms is not None:
            return start_ms < self.answered_ms
        return not self.text or start_ms - self.end_ms <= PAUSE_MS


class TimedTranscript:
    """Which words belong to which turn, and whether a turn still waits for its answer.

    Args:
        stamp: Makes the ids of this session unlike those of any other.
        is_transcribed: The user wants to see the words.
    """

    def __init__(self, stamp: str, *, is_transcribed: bool) -> None:
        self._stamp = stamp
        self._is_transcribed = is_transcribed
        self._count = 0
        self._turn: _TimedTurn | None = None
        self._pressed_ms: float | None = None
        """Where a press began that has no turn yet."""
        self._asked_at: float | None = None
        self._has_doubted = False

    @property
    def turn_id(self) -> str:
        """Of the last turn; empty before the first."""
        return self._turn.id if self._turn else ""

    @property
    def is_unanswered(self) -> bool:
        """Whether no reply has begun since the last turn."""
        return self._turn is not None and self._turn.answered_ms is None

    # -- turns ----------------------------------------------------------------------------------

    def press(self, here_ms: float) -> None:
        """The key is down: what is said from now on is a turn of its own."""
        self._pressed_ms = here_ms

    def release(self, asked_at: float) -> list[Event]:
        """The key is up.  `asked_at`: when all of it will have been sent."""
        self._asked_at, self._has_doubted = asked_at, False
        return self._begin() if self._pressed_ms is not None or self._turn is None else []

    def answered(self, now: float, here_ms: float) -> list[Event]:
        """The model begins to speak."""
        self._asked_at, self._has_doubted = None, False
        turn = self._turn
        if turn is None or turn.answered_ms is not None:
            return []
        turn.answered_ms, turn.answered_at = here_ms, now
        return self._settle(turn)

    def let_go(self) -> None:
        """What was asked has been answered, or was no question."""
        self._asked_at = None

    # -- words ----------------------------------------------------------------------------------

    def is_new(self, start_ms: float) -> bool:
        """Whether words that began then begin a turn."""
        if self._pressed_ms is not None and start_ms >= self._pressed_ms:
            return True
        return self._turn is None or not self._turn.holds(start_ms)

    def is_over_answer(self, start_ms: float) -> bool:
        """Whether words that began then were said after the last answer had begun.

        A model that knows what is coming may begin while the last word is still being said.
        """
        turn = self._turn
        if turn is None or turn.answered_ms is None:
            return True
        return start_ms >= turn.answered_ms + (0 if self.is_new(start_ms) else TRAILING_MS)

    def push(
        self,
        text: str,
        start_ms: float,
        end_ms: float,
        now: float,
        *,
        previous: str | None = None,
        answered_ms: float | None = None,
    ) -> list[Event]:
        """More words of the user.

        Args:
            text: A fragment.
            start_ms: Its place on the session's clock, as `end_ms`.
            previous: The row that a new turn follows; None: the last.
            answered_ms: Where the answer to a new turn began, if it has begun.
        """
        words = clean(text)
        is_new = self.is_new(start_ms)
        if is_new and not words.strip():
            return []
        events = self._begin(previous) if is_new else []
        turn = self._turn
        assert turn is not None
        if answered_ms is None:
            self._asked_at = max(now, self._asked_at or 0.0)
        else:
            turn.answered_ms, turn.answered_at = answered_ms, now
        turn.end_ms, turn.worded_at = max(turn.end_ms, end_ms), now
        return [*events, *self._write(turn, words)]

    def _write(self, turn: _TimedTurn, words: str) -> list[Event]:
        words = words if turn.text else words.lstrip()
        turn.text += words
        if not (words and self._is_transcribed):
            return []
        if turn.is_whole:  # It was, until now.
            return [InputTranscript(turn.id, turn.text.strip(), final=True)]
        return [InputTranscript(turn.id, words)]

    # -- time -----------------------------------------------------------------------------------

    def tick(self, now: float, *, is_answering: bool) -> list[Event]:
        """Let time pass."""
        turn = self._turn
        events: list[Event] = []
        if turn is not None and turn.text and now - turn.worded_at >= STILL_S:
            events += self._settle(turn)
        if turn is not None and turn.answered_at is not None:
            events += self._give_up(turn) if now - turn.answered_at >= LATE_S else []
        return [*events, *([] if is_answering else self._doubt(now))]

    def _doubt(self, now: float) -> list[Event]:
        """Say that no answer comes.

        Of what was said without the key only once, until one does: the model may choose to be
        silent.
        """
        if self._asked_at is None or now - self._asked_at < ANSWER_S:
            return []
        self._asked_at = None
        was_told, self._has_doubted = self._has_doubted, True
        words = phrase("The model did not begin to answer within {seconds:.0f} s", seconds=ANSWER_S)
        return [] if was_told else [ProviderFailed("no_reply", words)]

    # -- small state ----------------------------------------------------------------------------

    def _begin(self, previous: str | None = None) -> list[Event]:
        """A new turn; the one before will hardly change any more."""
        before = self._turn
        events = [*self._settle(before), *self._give_up(before)] if before else []
        self._count += 1
        self._pressed_ms = None
        self._turn = _TimedTurn(f"turn_{self._stamp}_{self._count}")
        committed = TurnCommitted(self._turn.id, previous, transcribed=self._is_transcribed)
        return [*events, committed]

    def _settle(self, turn: _TimedTurn) -> list[Event]:
        """The words are whole, as far as anybody can tell."""
        if turn.is_whole or not turn.text:
            return []
        turn.is_whole = True
        if not self._is_transcribed:
            return []
        return [InputTranscript(turn.id, turn.text.strip(), final=True)]

    def _give_up(self, turn: _TimedTurn) -> list[Event]:
        """A turn that has no words by now will hardly get any."""
        if turn.text or turn.has_failed or not self._is_transcribed:
            return []
        turn.has_failed = True
        return [InputFailed(turn.id, phrase("No words came for this turn"))]
