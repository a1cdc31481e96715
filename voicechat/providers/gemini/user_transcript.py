"""The words of the user's spoken turns, which come beside everything else and in no fixed order.

Gemini names no turns, so this room does.  With the key, a turn is ours from press to release; in
hands-free mode a turn begins with its first words, or with an answer that came before them.

Older models send fragments, newer ones a whole utterance (sometimes twice); nothing ever says that
a transcript is complete, so the model's first answer settles it.
"""

from dataclasses import dataclass

from voicechat.events import Event, InputFailed, InputTranscript, TurnCommitted
from voicechat.text.clean import clean
from voicechat.text.phrase import phrase

MORE_LATE_S = 1.0
"""How long after an answer began more words may still belong to the turn it answers."""
ALL_LATE_S = 5.0
"""The same for a turn that has no words yet."""


@dataclass(slots=True)
class _SpokenTurn:
    id: str
    text: str = ""
    is_committed: bool = False
    is_forgotten: bool = False
    """The press was given up: its words are nobody's."""
    is_closed: bool = False
    """The user began to speak anew: what comes now is of another turn."""
    answered_at: float | None = None

    def is_waiting(self, now: float) -> bool:
        """Whether words that come now may be of this turn."""
        if self.is_closed or self.answered_at is None:
            return not self.is_closed
        return now - self.answered_at < (MORE_LATE_S if self.text else ALL_LATE_S)


class UserTranscript:
    """Which words belong to which turn.

    Args:
        stamp: Makes the ids of this session unlike those of any other.
        by_hand: The key marks the turns.
        in_pieces: Words come in fragments.
        is_transcribed: Words come at all.
    """

    def __init__(self, stamp: str, *, by_hand: bool, in_pieces: bool, is_transcribed: bool) -> None:
        self._stamp = stamp
        self._by_hand = by_hand
        self._in_pieces = in_pieces
        self._is_transcribed = is_transcribed
        self._count = 0
        self._last: _SpokenTurn | None = None
        self._before: _SpokenTurn | None = None

    # -- turns ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """The key was pressed."""
        self._new()

    def commit(self) -> list[Event]:
        """The key was released."""
        assert self._last is not None
        return [*self._give_up(self._before), self._commit(self._last)]

    def forget(self) -> None:
        """The press is given up."""
        if self._last is not None and not self._last.is_committed:
            self._last.is_forgotten = True

    def cut(self) -> None:
        """The user speaks over the answer: the next words are of a new turn."""
        if self._last is not None and not self._by_hand:
            self._last.is_closed = True

    def over(self) -> None:
        """The server's turn has ended: nothing more will be said of what it answered."""
        turn = self._last
        if turn is not None and turn.text and turn.answered_at is not None and not self._by_hand:
            turn.is_closed = True

    def answered(self, now: float, *, was_spoken: bool) -> list[Event]:
        """The model begins to answer.

        Args:
            was_spoken: It can only be an answer to something said.
        """
        turn = self._last
        if turn is not None and turn.is_committed and turn.answered_at is None:
            turn.answered_at = now
            is_news = self._in_pieces and turn.text
            return [InputTranscript(turn.id, turn.text, final=True)] if is_news else []
        if self._by_hand or not was_spoken:
            return []
        events = self._give_up(turn)
        turn = self._new()
        turn.answered_at = now
        return [*events, self._commit(turn)]

    # -- words ----------------------------------------------------------------------------------

    def push(self, text: str, now: float, *, is_finished: bool) -> list[Event]:
        """More words of the user."""
        events, turn = self._addressee(now)
        words = clean(text)
        if turn.is_forgotten:
            turn.text += words
            return events
        if self._in_pieces:
            return [*events, *self._piece(turn, words, is_finished=is_finished)]
        words = words.strip()
        if not words or words == turn.text:
            return events
        turn.text = f"{turn.text} {words}".lstrip()
        return [*events, InputTranscript(turn.id, turn.text, final=True)]

    def preview(self, text: str, now: float) -> list[Event]:
        """What the words may become; each preview replaces the one before."""
        words = clean(text).strip()
        if not words:
            return []
        events, turn = self._addressee(now)
        if turn.text or turn.is_forgotten:
            return events
        return [*events, InputTranscript(turn.id, words, cumulative=True)]

    def _piece(self, turn: _SpokenTurn, words: str, *, is_finished: bool) -> list[Event]:
        words = words if turn.text else words.lstrip()
        turn.text += words
        if turn.text and (is_finished or turn.answered_at is not None):
            return [InputTranscript(turn.id, turn.text, final=True)]
        return [InputTranscript(turn.id, words)] if words else []

    def _addressee(self, now: float) -> tuple[list[Event], _SpokenTurn]:
        """Whose words come now; in hands-free mode perhaps of a turn that begins with them."""
        last, before = self._last, self._before
        if self._by_hand and last is not None:
            is_early = not last.is_committed and before is not None and not before.text
            return [], before if is_early and before else last
        if last is not None and last.is_waiting(now):
            return [], last
        events = self._give_up(last)
        turn = self._new()
        return [*events, self._commit(turn)], turn

    # -- small state ----------------------------------------------------------------------------

    def _new(self) -> _SpokenTurn:
        self._count += 1
        self._before = self._last
        self._last = _SpokenTurn(f"turn_{self._stamp}_{self._count}")
        return self._last

    def _commit(self, turn: _SpokenTurn) -> TurnCommitted:
        turn.is_committed = True
        return TurnCommitted(turn.id, transcribed=self._is_transcribed)

    def _give_up(self, turn: _SpokenTurn | None) -> list[Event]:
        """A turn that is over and has no words will hardly get any."""
        if turn is None or turn.text or not turn.is_committed or not self._is_transcribed:
            return []
        return [InputFailed(turn.id, phrase("No words came for this turn"))]
