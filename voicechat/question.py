"""What the user has said and nobody has answered yet: said again on the next line if this one ends.

The rule: nothing said is lost with a line, and nothing answered is said twice.  A question is over
with the first the user gets of its answer, or when the user says something else instead.  Of a
microphone that is always open nobody but the service knows where speech begins: until it says so,
the last moments in which something was loud may have been a question too.

Quiet: no clock, no I/O; time is counted in sound.
"""

from collections import deque

from voicechat.audio.pcm import level_dbfs
from voicechat.events import BeginTurn, Command, EndTurn, SendAudio, SendImage, SendText

LONGEST_MS = 30_000
"""Of speech; the oldest goes first."""
LEAD_MS = 1_000
"""A service hears that somebody speaks a moment after they began."""
UNSURE_MS = 10_000
"""How long a line may be dead before it is noticed."""
LOUD_DBFS = -45.0
"""Softer sound is no speech of anybody at a microphone."""


class Question:
    """Follows one line after another."""

    def __init__(self) -> None:
        self._before: list[tuple[Command, int]] = []
        """Pictures, and how the turn began: with words or with a key."""
        self._sound: deque[tuple[SendAudio, int, float]] = deque()
        """Each with its Hz and its milliseconds."""
        self._sound_ms = 0.0
        self._end: list[tuple[Command, int]] = []
        self._is_heard = False
        """Whether the sound belongs to a turn for certain: a key was pressed, or a service heard
        somebody speak."""
        self.item_id = ""
        """Of the spoken turn that a service took; empty: it took none."""

    def say(self, command: Command, rate: int) -> None:
        """This goes to the model; `rate`: Hz of its sound."""
        match command:
            case SendImage(text=""):
                self._before.append((command, rate))
            case BeginTurn() | SendText() | SendImage():
                self._begin(command, rate)
            case EndTurn():
                self._end.append((command, rate))
            case SendAudio(pcm):
                self._sound.append((command, rate, len(pcm) / 2 * 1000 / rate))
                self._sound_ms += self._sound[-1][2]
                self._keep(LONGEST_MS)

    def heard(self) -> None:
        """A service hears the user speak (hands-free): what was long before is no part of it."""
        if not self._is_heard:
            self._is_heard = True
            self._keep(LEAD_MS)

    def committed(self, item_id: str) -> None:
        """A service took the spoken turn; its words will come under this id."""
        if self._sound:
            self.item_id = item_id

    def forget(self) -> None:
        """Its answer has begun, or is not wanted any more."""
        self._before, self._end = [], []
        self._sound.clear()
        self._sound_ms, self._is_heard, self.item_id = 0.0, False, ""

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
        if words:
            pictures = [one for one in self._before if isinstance(one[0], SendImage)]
            return [*pictures, (SendText(words, row_id), 0)]
        if not self._is_heard:
            self._keep(UNSURE_MS if is_lost else 0.0)
            self._drop_silence()
        sound = [(command, rate) for command, rate, _ in self._sound]
        return [*self._before, *sound, *self._end]

    def _begin(self, command: Command, rate: int) -> None:
        """A question instead of the one before; pictures belong to whichever comes next."""
        pictures = [one for one in self._before if one[0] != BeginTurn() and _is_lead(one[0])]
        self.forget()
        self._before = [*pictures, (command, rate)]
        self._is_heard = isinstance(command, BeginTurn)

    def _keep(self, most_ms: float) -> None:
        """Forget the oldest sound."""
        while self._sound and self._sound_ms > most_ms:
            self._sound_ms -= self._sound.popleft()[2]

    def _drop_silence(self) -> None:
        """Leave out what was silent: all before the first loud moment, but for its beginning."""
        past_ms = 0.0
        for command, _, ms in self._sound:
            if level_dbfs(command.pcm) > LOUD_DBFS:
                self._keep(self._sound_ms - past_ms + LEAD_MS)
                return
            past_ms += ms
        self._keep(0.0)


def _is_lead(command: Command) -> bool:
    """Whether it asks nothing by itself."""
    return isinstance(command, BeginTurn) or (isinstance(command, SendImage) and not command.text)
