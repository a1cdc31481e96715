"""What the user has said and nobody has answered yet: said again on the next line if this one ends.

The rule: nothing said is lost with a line, and nothing answered is said twice.  A question is over
when the reply that answers it is, or when the user says something else instead.  A reply that only
called a tool answers nothing, nor does one that broke off after a few words.  Of a
microphone that is always open nobody but the service knows where speech begins: until it says so,
the last moments in which something was loud may have been a question too.

Quiet: no clock, no I/O; time is counted in sound.
"""

from voicechat.audio.pcm import level_dbfs
from voicechat.audio.timed_audio import TimedAudioBuffer, duration_ms
from voicechat.events import BeginTurn, Command, EndTurn, SendAudio, SendImage, SendText

LONGEST_MS = 30_000
"""Of speech; the oldest goes first."""
LEAD_MS = 1_000
"""A service hears that somebody speaks a moment after they began."""
UNSURE_MS = 10_000
"""How long a line may be dead before it is noticed."""
LOUD_DBFS = -45.0
"""Softer sound is no speech of anybody at a microphone."""
PREAMBLE_MS = 1_500
"""What a reply said before it broke off may have been no more than "let me see"."""


class UnansweredTurn:
    """Follows one line after another."""

    def __init__(self) -> None:
        self._before: list[tuple[Command, int]] = []
        """Pictures, and how the turn began: with words or with a key."""
        self._sound: TimedAudioBuffer[tuple[SendAudio, int]] = TimedAudioBuffer(LONGEST_MS)
        """Each with its Hz."""
        self._end: list[tuple[Command, int]] = []
        self._is_heard = False
        """Whether the sound belongs to a turn for certain: a key was pressed, or a service heard
        somebody speak."""
        self.item_id = ""
        """Of the spoken turn that a service took; empty: it took none."""
        self._asked: list[tuple[Command, int]] = []
        """The question as it was asked, once a reply to it has begun."""
        self._said_ms = 0.0
        """Of the reply."""
        self._owes_answer = False
        """A tool was called for it, and the model has not gone on since."""

    def say(self, command: Command, rate: int) -> None:
        """This goes to the model; `rate`: Hz of its sound."""
        match command:
            case SendImage(text=""):
                self._before.append((command, rate))
            case BeginTurn() | SendText() | SendImage():
                self._begin(command, rate)
            case EndTurn():
                self._asked = []
                self._end.append((command, rate))
            case SendAudio(pcm):
                self._sound.push((command, rate), duration_ms(pcm, rate))

    def heard(self) -> None:
        """A service hears the user speak (hands-free): what was long before is no part of it."""
        if not self._is_heard:
            self._is_heard = True
            self._sound.trim(LEAD_MS)

    def committed(self, item_id: str) -> None:
        """A service took the spoken turn; its words will come under this id."""
        is_spoken = any(isinstance(command, SendAudio) for command, _ in self._asked)
        if self._asked and not (is_spoken and self.item_id in ("", item_id)):
            self._asked = []  # Another turn, spoken into the answer.
        if self._sound or self._asked:
            self.item_id = item_id

    def called(self) -> None:
        """The model had a tool called for it: the answer is still to come."""
        self._settle()
        self._owes_answer = True

    def answering(self, ms: float, *, is_going_on: bool) -> None:
        """The user gets `ms` more of a reply; `is_going_on`: no tool of it still runs."""
        self._settle()
        self._said_ms += ms
        self._owes_answer = self._owes_answer and not is_going_on

    def finished(self) -> bool:
        """A reply has ended as it should; whether the question has its answer with that."""
        if self._owes_answer:
            return False
        self.forget()
        return True

    def stopped(self) -> bool:
        """The user ends the line: an answer that has begun is not wanted whole; whether so."""
        return bool(self._said_ms) and self.finished()

    def forget(self) -> None:
        """It has its answer, or that is not wanted any more."""
        self._asked, self._said_ms, self._owes_answer = [], 0.0, False
        self._before, self._end = [], []
        self._sound.clear()
        self._is_heard = False
        self.item_id = ""

    @property
    def is_asked(self) -> bool:
        """Whether an answer is awaited: words were typed, or a key marked the end of a turn."""
        begins = any(not _is_lead(command) for command, _ in self._before)
        return begins or bool(self._end)

    @property
    def is_open(self) -> bool:
        """Whether a question waits for the first of its answer, typed or spoken."""
        return self.is_asked or self._is_heard

    def left(
        self, words: str = "", row_id: str = "", *, is_lost: bool = True
    ) -> list[tuple[Command, int]]:
        """What must be said again, each with the rate of its sound.

        Args:
            words: Of the spoken turn, if it was written down; these are said instead of the sound.
            row_id: Of the row that holds them.
            is_lost: Whether the line broke; else no sound is missing that the service never heard.
        """
        if self._asked and self._said_ms > PREAMBLE_MS and not self._owes_answer:
            return []  # Most of an answer was heard: to hear it all again is no help.
        if words:
            pictures = [one for one in self._asked or self._before if isinstance(one[0], SendImage)]
            return [*pictures, (SendText(words, row_id), 0)]
        if self._asked:
            return [*self._asked]
        return self._live(is_lost=is_lost)

    def _settle(self) -> None:
        """A reply has begun: what comes now from an open microphone is no part of the question."""
        if not self._asked:
            self._asked = self._live(is_lost=True)
            self._before, self._end = [], []
            self._sound.clear()
            self._sound_ms, self._is_heard = 0.0, False

    def _live(self, *, is_lost: bool) -> list[tuple[Command, int]]:
        if not self._is_heard:
            self._sound.trim(UNSURE_MS if is_lost else 0.0)
            self._drop_silence()
        return [*self._before, *self._sound, *self._end]

    def _begin(self, command: Command, rate: int) -> None:
        """A question instead of the one before; pictures belong to whichever comes next."""
        pictures = [one for one in self._before if one[0] != BeginTurn() and _is_lead(one[0])]
        self.forget()
        self._before = [*pictures, (command, rate)]
        self._is_heard = isinstance(command, BeginTurn)

    def _drop_silence(self) -> None:
        """Leave out what was silent: all before the first loud moment, but for its beginning."""
        past_ms = 0.0
        for command, rate in self._sound:
            if level_dbfs(command.pcm) > LOUD_DBFS:
                self._sound.trim(self._sound.sound_ms - past_ms + LEAD_MS)
                return
            past_ms += duration_ms(command.pcm, rate)
        self._sound.clear()


def _is_lead(command: Command) -> bool:
    """Whether it asks nothing by itself."""
    return isinstance(command, BeginTurn) or (isinstance(command, SendImage) and not command.text)
