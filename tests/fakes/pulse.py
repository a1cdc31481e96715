"""A private PulseAudio with a virtual loudspeaker and a virtual microphone.

    with PulseServer() as pulse:
        with pulse.record_loudspeaker() as recording:
            subprocess.run([...], env=os.environ | pulse.env)   # PortAudio finds only this server
            pulse.play_to_microphone(pcm)                       # PCM16 mono at RATE, or a WAV file
        recording.pcm                                           # what the loudspeaker emitted
        recording.time_of(frame)                                # time.perf_counter() of a frame

* `speaker` is a null sink and the default; `record_loudspeaker` listens to its monitor.
* `mic` is the default source: what is played into the sink `mic_sink` comes out of it.  While
  nothing is played it gives exact zeros, as a muted microphone does.
* Faults: `unplug` / `plug_in` (all devices go, every stream dies; they come back), `stall` /
  `resume` (SIGSTOP, SIGCONT), `kill` and `start` again.
* `unload_speaker` / `load_speaker`: the loudspeaker alone goes, and PulseAudio moves its streams
  to another sink (`spare`), as it does when headphones are pulled: a program notices nothing.

Everything lives in a directory of its own and goes with it; a PulseAudio of the user, root or not,
is neither seen nor touched.  PortAudio reads the environment only when it starts, so the program
under test must be a child process that got `env`.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import wave
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

RATE = 24_000
"""Hz, of everything played and recorded here; PCM16 little-endian mono."""

_PROGRAMS = ("pulseaudio", "pactl", "pacat", "parec")
_ASOUND = """\
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
"""


def wait_until(claim: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Poll until `claim()` holds.  AssertionError with `what` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.02)


class PulseServer:
    """One private server.  Also usable as a context manager.

    Args:
        rate: Hz of both virtual devices.  At RATE and one channel a recording is sample-exact;
            48000 is what real cards mostly have.
        channels: Of both virtual devices.
    """

    def __init__(self, rate: int = RATE, channels: int = 1) -> None:
        missing = [program for program in _PROGRAMS if shutil.which(program) is None]
        assert not missing, f"{missing} not found: install pulseaudio and pulseaudio-utils"
        self._home = Path(tempfile.mkdtemp(prefix="pulse-"))
        self._shape = f"rate={rate} channels={channels} format=s16le norewinds=1"
        self._process: subprocess.Popen[bytes] | None = None
        self._modules: dict[str, str] = {}
        self.socket = self._home / "native"
        asound = self._home / "asound.conf"
        asound.write_text(_ASOUND)
        self.env = {
            "PULSE_SERVER": f"unix:{self.socket}",
            "PULSE_RUNTIME_PATH": str(self._home),
            "PULSE_STATE_PATH": str(self._home),
            "PULSE_COOKIE": str(self._home / "cookie"),
            "XDG_RUNTIME_DIR": str(self._home),
            "ALSA_CONFIG_PATH": str(asound),
        }
        """What a child process needs so that PortAudio finds this server and no other."""
        self._env = {**os.environ, **self.env, "HOME": str(self._home)}

    # -- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the server with both devices; after `kill` too."""
        self.socket.unlink(missing_ok=True)
        module = f"module-native-protocol-unix socket={self.socket} auth-anonymous=1"
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        command += ["--realtime=no", "--high-priority=no", "--disable-shm=yes", "-L", module]
        log = (self._home / "log").open("ab")
        self._process = subprocess.Popen(command, env=self._env, stdout=log, stderr=log)
        log.close()
        wait_until(self._answers, f"start of PulseAudio (see {self._home / 'log'})")
        self.plug_in()

    def close(self) -> None:
        """End the server and remove all it left."""
        self.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def control(self, *words: str) -> str:
        """Run `pactl words…` and return its output, stripped."""
        command = ["pactl", *words]
        done = subprocess.run(
            command, env=self._env, capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    # -- faults ---------------------------------------------------------------------------------

    def unplug(self) -> None:
        """All devices go: every stream of every program dies, and none can be opened."""
        for name in reversed(list(self._modules)):
            self._unload(name)

    def plug_in(self) -> None:
        """All devices (that are not there) come."""
        self._load("spare", "module-null-sink", "sink_name=spare", self._shape)
        self.load_speaker()
        self._load("mic_sink", "module-null-sink", "sink_name=mic_sink", self._shape)
        words = ("master=mic_sink.monitor", "source_name=mic")
        self._load("mic", "module-remap-source", *words)
        self.control("set-default-source", "mic")

    def load_speaker(self) -> None:
        """The loudspeaker comes (back) and is the default."""
        self._load("speaker", "module-null-sink", "sink_name=speaker", self._shape)
        self.control("set-default-sink", "speaker")

    def unload_speaker(self) -> None:
        """The loudspeaker goes; its streams, and the default, move to the sink `spare`."""
        self.control("set-default-sink", "spare")
        self._unload("speaker")

    def stall(self) -> None:
        """Let the server hang: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End a stall."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Let the server die without a word."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None
        self._modules.clear()

    # -- sound ----------------------------------------------------------------------------------

    def play_to_microphone(self, sound: bytes | Path, *, wait: bool = True) -> "Playing":
        """Say something into the microphone: PCM16 mono at RATE, or a WAV file of any shape.

        Returns at the end of the sound, or at once with `wait=False`.
        """
        return self.play(sound, "mic_sink", wait=wait)

    def play(self, sound: bytes | Path, sink: str, *, wait: bool = True) -> "Playing":
        """The same into any sink."""
        playing = Playing(self._env, sink, *_pcm_and_shape(sound))
        if wait:
            playing.wait()
        return playing

    def record_loudspeaker(self) -> "Recording":
        """Record what the loudspeaker emits from now on; returns once recording has begun."""
        return self.record("speaker.monitor")

    def record(self, source: str) -> "Recording":
        """Record any source, e.g. `mic`: what a program hears that listens now."""
        return Recording(self._env, source)

    # -- inside ---------------------------------------------------------------------------------

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, self._log()
        done = subprocess.run(["pactl", "info"], env=self._env, capture_output=True, timeout=10)
        return done.returncode == 0

    def _log(self) -> str:
        return (self._home / "log").read_text(errors="replace")

    def _load(self, name: str, *words: str) -> None:
        if name not in self._modules:
            self._modules[name] = self.control("load-module", *words)

    def _unload(self, name: str) -> None:
        if name in self._modules:
            self.control("unload-module", self._modules.pop(name))

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)


class Playing:
    """A sound on its way into a sink, since `started` (time.perf_counter())."""

    def __init__(
        self, env: dict[str, str], sink: str, pcm: bytes, rate: int, channels: int
    ) -> None:
        command = ["pacat", "--playback", "--raw", f"--device={sink}", "--format=s16le"]
        command += [f"--rate={rate}", f"--channels={channels}", "--latency-msec=20"]
        self.started = time.perf_counter()
        self._process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE)
        self._feeder = threading.Thread(target=self._feed, args=(pcm,), daemon=True)
        self._feeder.start()

    def wait(self, seconds: float = 60.0) -> None:
        """Return when all of it was played."""
        self._process.wait(seconds)
        self._feeder.join(seconds)

    def stop(self) -> None:
        """Cut it off."""
        self._process.kill()
        self.wait()

    def _feed(self, pcm: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # Cut off: a sound nobody will hear needs no report.
            self._process.stdin.write(pcm)
        with suppress(BrokenPipeError):  # It flushes, and closes all the same.
            self._process.stdin.close()


class Recording:
    """What a source gives, from the moment this was made until `stop`."""

    def __init__(self, env: dict[str, str], source: str) -> None:
        command = ["parec", "--raw", f"--device={source}", "--format=s16le", f"--rate={RATE}"]
        command += ["--channels=1", "--latency-msec=10"]
        self._process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE)
        self._pcm = bytearray()
        self._marks: list[tuple[int, float]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_until(lambda: bool(self._marks), f"recording of {source}")

    @property
    def pcm(self) -> bytes:
        """All that was recorded so far: PCM16 mono at RATE."""
        return bytes(self._pcm[: len(self._pcm) // 2 * 2])

    def time_of(self, frame: int) -> float:
        """`time.perf_counter()` at which a frame had arrived here (about 10 ms after it was heard).

        ValueError when it has not arrived.
        """
        for end, stamp in self._marks:
            if end > frame:
                return stamp - (end - frame) / RATE
        raise ValueError(f"frame {frame} was not recorded")

    def stop(self) -> bytes:
        """End the recording and return all of it."""
        self._process.terminate()
        self._process.wait(10)
        self._reader.join(10)
        return self.pcm

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _read(self) -> None:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while data := os.read(descriptor, 65536):
            self._pcm += data
            self._marks.append((len(self._pcm) // 2, time.perf_counter()))
        self._process.stdout.close()


def _pcm_and_shape(sound: bytes | Path) -> tuple[bytes, int, int]:
    """PCM16, its rate and its channels."""
    if isinstance(sound, bytes):
        return sound, RATE, 1
    with wave.open(str(sound), "rb") as file:
        assert file.getsampwidth() == 2, "only 16 bit WAV files can be played here"
        return file.readframes(file.getnframes()), file.getframerate(), file.getnchannels()
