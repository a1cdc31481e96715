"""Whether a sound the user made is an interruption: words are, a cough and a "mm-hmm" are none.

For models whose VAD tells of speech and leaves the rest to us: it neither stops the reply nor
answers by itself.  Over a reply the user's voice first only makes the reply quiet.  Words cut it;
without any, it goes on a second after the user fell silent.  What nobody talked over is answered
as soon as it is committed.  No clock: time is an argument, monotonic seconds.

Words come late, from another model, and mostly after the turn: so speech that lasts longer than
any filler counts as words, and words that come after the reply went on still cut it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from voicechat.events import (
    Event,
    InputFailed,
    InputTranscript,
    SpeechStarted,
    SpeechStopped,
    TurnCommitted,
)

Act: TypeAlias = Literal["duck", "go_on", "cut", "answer"]
"""Make the reply quiet; give it its loudness back; stop it; ask for an answer to the turn."""

WAIT_S = 1.0
"""From the end of speech: without words until then, the reply goes on."""
LONGEST_FILLER_S = 1.5
"""Speech that goes on for longer is words, whatever is written down later."""
_MOST_OPEN = 16

_ASIDE = re.compile(r"\[[^\]]*\]|\([^)]*\)|（[^）]*）|【[^】]*】|\*[^*]*\*|<[^>]*>")
"""How models of transcription write what is no speech: `[cough]`, `(laughs)`."""
_WORD = re.compile(r"[^\W_]+")
_FILLER = re.compile(
    r"m+|h+m+|m+h+m*|u+h+|h+u+h+|u+h+u+h+|u+m+|a+h+|o+h+|e+h+|e+r+m*|e+u+h+|ä+h+m*|ö+h+m*"
    r"|[嗯唔呃额哦噢喔啊呀唉诶欸哎哼咳呵]+|[うふ]ん+|う+ん*|[음응어으흠]+"
)


def has_words(text: str) -> bool:
    """Whether anything is said in it besides listening noises and asides."""
    words = _WORD.findall(_ASIDE.sub(" ", text).casefold())
    return not all(_FILLER.fullmatch(word) for word in words)


def has_sound(text: str) -> bool:
    """Whether anything is said in it at all, were it a "mm-hmm"."""
    return bool(_WORD.search(_ASIDE.sub(" ", text)))


@dataclass(slots=True)
class _Say:
    """One stretch of the user's speech."""

    item_id: str
    began: float
    is_over_reply: bool
    ended: float | None = None
    is_committed: bool = False
    is_meant: bool = False
    """Whether it is known to be a turn: it has words, or nobody spoke before it."""
    is_answered: bool = False


class BargeInFilter:
    """Feed it every event, and the time now and then; do what it says, in order."""

    def __init__(self) -> None:
        self._open: list[_Say] = []
        self._is_ducked = False

    @property
    def is_undecided(self) -> bool:
        """Whether the reply is quiet because the user may be interrupting it."""
        return self._is_ducked

    def on_event(self, event: Event, now: float, *, is_replying: bool) -> list[Act]:
        """What an event calls for.

        Args:
            is_replying: Whether a reply plays, is being made, or has been asked for.
        """
        match event:
            case SpeechStarted(item_id):
                return self._began(item_id, now, is_replying=is_replying)
            case SpeechStopped(item_id):
                for say in self._named(item_id):
                    say.ended = now
            case TurnCommitted(item_id):
                return self._committed(item_id)
            case InputTranscript(item_id, text, final):
                return self._heard(item_id, text, final=final, is_replying=is_replying)
            case InputFailed(item_id):
                return self._heard(item_id, "", final=True, is_replying=is_replying)
        return []

    def tick(self, now: float) -> list[Act]:
        """Let time pass; ten times a second will do."""
        acts: list[Act] = []
        for say in self._open:
            if say.ended is None and now - say.began >= LONGEST_FILLER_S:
                acts += self._mean(say)
        return acts + self._go_on(now)

    def drop(self) -> list[Act]:
        """The line is gone, or the user stopped the reply: nothing is open any more."""
        self._open.clear()
        was_ducked, self._is_ducked = self._is_ducked, False
        return ["go_on"] if was_ducked else []

    # -- steps ----------------------------------------------------------------------------------

    def _began(self, item_id: str, now: float, *, is_replying: bool) -> list[Act]:
        say = _Say(item_id, now, is_replying, is_meant=not is_replying)
        self._open = [*self._open[1 - _MOST_OPEN :], say]
        if not is_replying or self._is_ducked:
            return []
        self._is_ducked = True
        return ["duck"]

    def _committed(self, item_id: str) -> list[Act]:
        for say in self._named(item_id):
            say.item_id, say.is_committed = item_id, True
            return self._answer(say)
        return []

    def _heard(self, item_id: str, text: str, *, final: bool, is_replying: bool) -> list[Act]:
        """Words of a say, or the end of them.  Said after the reply, "mm-hmm" is an answer."""
        acts: list[Act] = []
        for say in self._named(item_id):
            if has_words(text) or (final and has_sound(text) and not is_replying):
                acts += self._mean(say)
            if final:
                self._open.remove(say)
        return acts + (self._settle() if final else [])

    def _mean(self, say: _Say) -> list[Act]:
        """It is a turn: it cuts what it was said over, and is answered."""
        if say.is_meant:
            return []
        say.is_meant = True
        was_ducked, self._is_ducked = self._is_ducked, False
        cut: list[Act] = ["cut", "go_on"] if was_ducked else ["cut"]
        return [*cut, *self._answer(say)]

    def _answer(self, say: _Say) -> list[Act]:
        if not (say.is_meant and say.is_committed) or say.is_answered:
            return []
        say.is_answered = True
        return ["answer"]

    def _go_on(self, now: float) -> list[Act]:
        """Time is up for all that was said over the reply."""
        waits = (say.ended is None or now - say.ended < WAIT_S for say in self._over())
        return [] if any(waits) else self._settle(is_over=True)

    def _settle(self, *, is_over: bool = False) -> list[Act]:
        if not self._is_ducked or (list(self._over()) and not is_over):
            return []
        self._is_ducked = False
        return ["go_on"]

    def _over(self) -> Iterable[_Say]:
        """What was said over a reply and may still mean nothing."""
        return (say for say in self._open if say.is_over_reply and not say.is_meant)

    def _named(self, item_id: str) -> list[_Say]:
        """The say of this name; where the provider gives none, the newest without one."""
        named = [say for say in self._open if say.item_id == item_id]
        unnamed = [say for say in self._open if not say.item_id]
        return (named or unnamed or (self._open if not item_id else []))[-1:]
