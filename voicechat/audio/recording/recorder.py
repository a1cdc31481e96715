"""The recording of a call: what went to the model on the left, what was played on the right.

The rule: the call never waits for it.  Both sides hand their sound over and go on; a thread of its
own mixes, encodes and writes.  What the disk cannot take is told once, and the call goes on.
"""

import queue
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from voicechat.audio.pcm import HOUSE_RATE
from voicechat.audio.recording.files import RecordingFile, create_recording
from voicechat.audio.recording.tracks import Mix
from voicechat.errors import VoiceChatError
from voicechat.events import Notice, Notify
from voicechat.text.phrase import phrase

MOST_WAITING_BYTES = 10_000_000
"""Kept in memory while the disk hangs; what comes after is silence in the recording."""
WRITE_EVERY_S = 0.25
CLOSE_LIMIT_S = 1.0

Side: TypeAlias = Literal["user", "assistant"]
Piece: TypeAlias = tuple[Side, bytes, int, int]


class CallRecorder:
    """Starts and stops recordings, one at a time; off until `start`.

    Args:
        path: Where to; a name that is taken gets a number.  A folder: names by date and time.
        notify: Told what the user should know; called in any thread.
    """

    def __init__(self, path: Path, notify: Notify = lambda notice: None) -> None:
        self._notify = notify
        self._wanted = path
        self._take: _Take | None = None

    @property
    def is_on(self) -> bool:
        return self._take is not None and self._take.is_running

    @property
    def path(self) -> Path | None:
        """The file of the present recording, or the last one."""
        return self._take.path if self._take else None

    @property
    def seconds(self) -> float:
        """Since the recording began; 0 while there is none."""
        return time.perf_counter() - self._take.began if self._take and self.is_on else 0.0

    def start(self) -> None:
        """Begin a new file; the timeline begins now.

        Raises:
            VoiceChatError: the file cannot be made.
        """
        if not self.is_on:
            self._take = _Take(*create_recording(self._name()), self._notify)

    def stop(self) -> None:
        """End it; the file is whole within a moment, and `path` still names it."""
        if self._take is not None:
            self._take.stop()

    def toggle(self) -> bool:
        """Start or stop; tells whether it is on now.  VoiceChatError: as `start`."""
        if self.is_on:
            self.stop()
        else:
            self.start()
        return self.is_on

    def close(self) -> None:
        """Stop, and wait a moment for the disk."""
        if self._take is not None:
            self._take.stop()
            self._take.join(CLOSE_LIMIT_S)

    def frame_at(self, stamp: float) -> int:
        """Where on the timeline a moment of `time.perf_counter()` is; may lie before its start."""
        return round((stamp - self._take.began) * HOUSE_RATE) if self._take else 0

    def user(self, pcm: bytes, at_frame: int, rate: int = HOUSE_RATE) -> None:
        """What went to the model: PCM16 mono at `rate` Hz, its first frame at `at_frame`.

        `at_frame` is a place on the timeline (`frame_at`): when the sound was at the microphone.
        """
        if self._take is not None:
            self._take.put(("user", pcm, at_frame, rate))

    def assistant(self, pcm: bytes, at_frame: int, rate: int = HOUSE_RATE) -> None:
        """What was played, silence included; `at_frame`: when it left the loudspeaker."""
        if self._take is not None:
            self._take.put(("assistant", pcm, at_frame, rate))

    def _name(self) -> Path:
        if not self._wanted.is_dir() and self._wanted.suffix:
            return self._wanted
        with suppress(OSError):  # What cannot be made is told when the file cannot.
            self._wanted.mkdir(0o700, parents=True, exist_ok=True)
        return self._wanted / f"{datetime.now():%Y%m%d-%H%M%S}.wav"


class _Take:
    """One recording: a queue, the thread that empties it, and the file."""

    def __init__(self, file: RecordingFile, path: Path, notify: Notify) -> None:
        self.path = path
        self.began = time.perf_counter()
        self.is_running = True
        """Whether it takes more, and nothing has gone wrong."""
        self._file = file
        self._notify = notify
        self._mix = Mix()
        self._pieces: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()
        self._handed = self._written = 0
        """Bytes; each counted by one thread alone."""
        self._has_gap = False
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def put(self, piece: Piece) -> None:
        if not self.is_running:
            return
        if self._handed - self._written > MOST_WAITING_BYTES:
            self._miss()
            return
        self._handed += len(piece[1])
        self._pieces.put(piece)

    def stop(self) -> None:
        if self.is_running:
            self.is_running = False
            self._pieces.put(None)

    def join(self, limit_s: float) -> None:
        self._thread.join(limit_s)

    def _miss(self) -> None:
        if not self._has_gap:
            self._has_gap = True
            words = phrase("The disk is too slow: the recording has gaps")
            self._notify(Notice("recording_gap", words))

    # -- the thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._write_some():
                time.sleep(WRITE_EVERY_S if self.is_running else 0)
            self._file.write(self._mix.finish())
            self._file.close()
        except VoiceChatError as error:
            self.is_running = False
            line = phrase(
                "{sentence}; the recording ends here, the call goes on", sentence=error.message
            )
            words = VoiceChatError(line, error.hint).sentence
            self._notify(Notice("recording_failed", words))

    def _write_some(self) -> bool:
        """Mix and write what has come; whether more may come."""
        settled, pieces = bytearray(), [self._pieces.get()]
        while not self._pieces.empty() and len(pieces) < 200:
            pieces.append(self._pieces.get())
        for piece in pieces:
            if piece is None:
                break
            side, pcm, at_frame, rate = piece
            place = self._mix.user if side == "user" else self._mix.assistant
            settled += place(pcm, at_frame, rate)
            self._written += len(pcm)
        if settled:
            self._file.write(bytes(settled))
        return None not in pieces
