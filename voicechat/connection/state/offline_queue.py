"""What the user said while no line was known to be good: kept until one is, then handed over.

A dialect keeps what may not be sent yet; but a line that is never agreed on takes that with it.
Quiet: no clock, no I/O.
"""

from itertools import groupby

from voicechat.audio.resample import Resampler
from voicechat.audio.timed_audio import TimedAudioBuffer, duration_ms
from voicechat.events import BeginTurn, Command, EndTurn, SendAudio, SendImage, SendText

LONGEST_MS = 30_000
"""Of speech; the oldest goes first."""


class OfflineQueue:
    """Commands in order, each with the rate its sound was meant for."""

    def __init__(self) -> None:
        self._kept: TimedAudioBuffer[tuple[Command, int]] = TimedAudioBuffer(LONGEST_MS)
        self.places: list[str] = []
        """Of each spoken turn in it: the row of the conversation that it follows."""

    def keep(self, command: Command, rate: int, before: str = "") -> None:
        """Remember a command, if it is one of the user's sayings and not known yet.

        Args:
            rate: Hz of the sound in it.
            before: The row that it follows, where it ends a spoken turn.
        """
        match command:
            case BeginTurn():
                self._drop_turn()
                self._kept.push((command, rate))
            case SendAudio(pcm):
                self._kept.push((command, rate), duration_ms(pcm, rate))
            case SendText(item_id=item_id) | SendImage(item_id=item_id):
                if item_id not in self.item_ids:
                    self._kept.push((command, rate))
            case EndTurn():
                self._kept.push((command, rate))
                self.places.append(before)

    def clear(self) -> None:
        """Somebody took it all."""
        self._kept.clear()
        self.places = []

    def commands(self, rate: int) -> list[Command]:
        """Everything that was kept, its sound at `rate` Hz; it stays until `clear`."""
        taken: list[Command] = []
        for (is_sound, was), run in groupby(self._kept, _kind):
            commands = [command for command, _ in run]
            taken += _at_rate(commands, was, rate) if is_sound else commands
        return taken

    @property
    def is_empty(self) -> bool:
        return not self._kept

    @property
    def item_ids(self) -> set[str]:
        """Of typed messages and pictures that nobody has got yet."""
        said = (command for command, _ in self._kept)
        return {one.item_id for one in said if isinstance(one, SendText | SendImage)}

    def _drop_turn(self) -> None:
        """Sound of a turn that was never ended is a turn given up."""
        while (last := self._kept.last) and isinstance(last[0], SendAudio | BeginTurn):
            self._kept.pop_last()


def _kind(kept: tuple[Command, int]) -> tuple[bool, int]:
    command, rate = kept
    return isinstance(command, SendAudio), rate


def _at_rate(commands: list[Command], was: int, rate: int) -> list[Command]:
    """A run of sound as one stream: resampled piece by piece it would click at every seam."""
    if was == rate:
        return commands
    resampler = Resampler(was, rate)
    pieces = [resampler.process(one.pcm) for one in commands if isinstance(one, SendAudio)]
    return [SendAudio(pcm) for pcm in (*pieces, resampler.flush()) if pcm]
