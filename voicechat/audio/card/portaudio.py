"""The door to PortAudio: the only importer of sounddevice, and the only callbacks.

The rule of a callback: copy between PortAudio's memory and a Ring, count, stamp the time, return.
No lock, no log, no event loop, no numpy, nothing that waits.

Microphone and loudspeaker are two streams, never one: a duplex stream at a rate that is not the
device's own stops without a word on ALSA's PulseAudio plugin.  Everything here may block, for ever
if the sound server hangs: call it from a thread (see `aside`).
"""

import atexit
import platform
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from voicechat.audio.card.ring import Ring
from voicechat.audio.pcm import FRAME_BYTES, HOUSE_RATE, mix_to_mono, ms_to_frames
from voicechat.errors import DeviceError
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase

Kind: TypeAlias = Literal["microphone", "loudspeaker"]
KINDS: dict[Kind, str] = {
    "microphone": phrase("microphone"),
    "loudspeaker": phrase("loudspeaker"),
}
"""As a person calls them."""

CAPTURE_BLOCK_MS = 20
"""A whole chunk: smaller blocks bring nothing earlier, they only wake us twice as often."""
RENDER_BLOCK_MS = 10
"""What is in a block is past recall: silence comes the later, the larger it is."""
RING_MS = 2000
"""The stall of the event loop that the microphone, and the record of what was played, forgive."""
_SERVERS = ("pulse", "pipewire", "default")
"""ALSA's names for a sound server, tried when the default device cannot be opened."""
_REASONS = {
    -9985: phrase("it is in use by another program"),
    -9986: phrase("the sound system is in trouble"),
    -9993: phrase("the sound server does not answer"),
    -9996: phrase("there is none"),
    -9997: phrase("it has no usable rate"),
    -9998: phrase("it has no usable channels"),
}
_HINTS = {
    "Linux": phrase(
        "Start the sound server (pulseaudio, pipewire), or install what leads to "
        "it: sudo apt install libportaudio2 libasound2-plugins"
    ),
    "Darwin": phrase(
        "Plug one in, and allow the terminal to use it: System Settings, Privacy & Security"
    ),
    "Windows": phrase("Plug one in, and allow programs to use it: Settings, Privacy, Microphone"),
}


@dataclass(frozen=True, slots=True)
class Device:
    """A sound device as PortAudio lists it."""

    index: int
    name: str
    host_api: str
    inputs: int
    """Channels it can record."""
    outputs: int
    """Channels it can play."""
    default_rate: int
    """Hz."""
    is_default_input: bool
    is_default_output: bool

    def channels(self, kind: Kind) -> int:
        return self.inputs if kind == "microphone" else self.outputs

    def is_default(self, kind: Kind) -> bool:
        return self.is_default_input if kind == "microphone" else self.is_default_output


_door = threading.RLock()
"""PortAudio is no library for two threads: one lists devices while another starts it anew."""


def list_devices() -> list[Device]:
    """All devices, in PortAudio's order; names are safe to be shown.

    Raises:
        DeviceError: PortAudio is missing or cannot start.
    """
    with _door:
        return _list_devices(_load())


def _list_devices(sd: Any) -> list[Device]:
    try:
        apis = [clean_line(api["name"]) for api in sd.query_hostapis()]
        defaults = tuple(sd.default.device)
        return [
            Device(
                index=int(info["index"]),
                name=clean_line(info["name"]),
                host_api=apis[info["hostapi"]],
                inputs=int(info["max_input_channels"]),
                outputs=int(info["max_output_channels"]),
                default_rate=int(info["default_samplerate"]),
                is_default_input=info["index"] == defaults[0],
                is_default_output=info["index"] == defaults[1],
            )
            for info in _query_devices(sd)
        ]
    except sd.PortAudioError as error:
        raise DeviceError(
            phrase("The sound devices cannot be listed: {why}", why=reason(error)), hint()
        ) from None


def _query_devices(sd: Any) -> Iterator[Any]:
    """As sounddevice describes them, which gives up at a name that is not UTF-8."""
    for index in range(sd._check(sd._lib.Pa_GetDeviceCount())):  # noqa: SLF001
        try:
            yield sd.query_devices(index)
        except UnicodeDecodeError:
            yield _describe_odd_name(sd, index)


def _describe_odd_name(sd: Any, index: int) -> dict[str, Any]:
    info = sd._lib.Pa_GetDeviceInfo(index)  # noqa: SLF001
    return {
        "index": index,
        "name": sd._ffi.string(info.name).decode("utf-8", "replace"),  # noqa: SLF001
        "hostapi": info.hostApi,
        "max_input_channels": info.maxInputChannels,
        "max_output_channels": info.maxOutputChannels,
        "default_samplerate": info.defaultSampleRate,
    }


def candidates(devices: list[Device], wanted: str, kind: Kind) -> tuple[list[Device], bool]:
    """Which devices to try, best first, and whether the wanted one is among them.

    Args:
        wanted: An index, a name, or part of one in any case; empty: the default.
    """
    usable = [device for device in devices if device.channels(kind)]
    chosen = _match(usable, wanted.strip())[:1] if wanted.strip() else []
    defaults = [device for device in usable if device.is_default(kind)]
    servers = [device for name in _SERVERS for device in usable if device.name == name]
    order = [*chosen, *defaults, *servers] or usable[:1]
    return list(dict.fromkeys(order)), bool(chosen) or not wanted.strip()


def restart() -> None:
    """Let PortAudio look for devices again.  Only while no stream is open, nor being closed.

    Raises:
        DeviceError: PortAudio cannot start.
    """
    with _door:
        _restart(_load())


def _restart(sd: Any) -> None:
    try:
        sd._terminate()  # noqa: SLF001  PortAudio lists devices only as it starts,
        sd._initialize()  # noqa: SLF001  and sounddevice has no public name for that.
    except sd.PortAudioError as error:
        raise DeviceError(
            phrase("The sound system cannot start: {why}", why=reason(error)), hint()
        ) from None


def leave_without_goodbye() -> None:
    """Let the program end without PortAudio's own clean-up, which would hang as a close did."""
    sd = sys.modules.get("sounddevice")
    if (handler := getattr(sd, "_exit_handler", None)) is not None:  # Its import may still hang.
        atexit.unregister(handler)


def reason(error: Exception) -> str:
    """A PortAudio error in a few plain words."""
    code = error.args[1] if len(error.args) > 1 else 0
    if "querying device" in str(error):
        code = -9996
    if not code:
        return clean_line(str(error))
    return _REASONS.get(code) or phrase("PortAudio error {code}", code=code)


def hint() -> str:
    """What to do when no device works on this platform."""
    return _HINTS.get(platform.system(), phrase("Plug one in"))


class Stream:
    """What both directions have in common: a PortAudio stream, and signs of its life."""

    kind: Kind
    block_ms: int

    def __init__(self, device: Device) -> None:
        sd = _load()
        self.device = device
        self.rate, self.channels = self._shape(sd)
        self.block_frames = ms_to_frames(self.block_ms, self.rate)
        self.is_finished = False
        """PortAudio has ended the stream by itself."""
        self.xruns = 0
        """How often sound was lost, or came too late, between the card and our ring."""
        self.started = self.stamp = time.perf_counter()
        """`stamp`: the time of the last callback."""
        self._prepare()
        self._stream = self._make(sd)
        self._stream.start()

    @property
    def latency_ms(self) -> float:
        """As PortAudio believes it to be."""
        return float(self._stream.latency) * 1000

    def close(self) -> None:
        """Stop at once and let go of the device; may hang."""
        self._stream.close()

    def _shape(self, sd: Any) -> tuple[int, int]:
        """The rate and the channels to ask for: those nearest to ours that the device accepts."""
        accepts = sd.check_input_settings if self.kind == "microphone" else sd.check_output_settings
        failure: Exception = ValueError(0)
        for rate, channels in _shapes(self.device, self.kind):
            try:
                accepts(samplerate=rate, channels=channels, **self._settings(sd))
            except sd.PortAudioError as error:
                failure = error
            else:
                return rate, channels
        raise failure

    def _settings(self, sd: Any) -> dict[str, Any]:
        is_wasapi = "WASAPI" in self.device.host_api
        extra = sd.WasapiSettings(auto_convert=True) if is_wasapi else None
        return {"device": self.device.index, "dtype": "int16", "extra_settings": extra}

    def _stream_settings(self, sd: Any) -> dict[str, Any]:
        return self._settings(sd) | {
            "samplerate": self.rate,
            "channels": self.channels,
            "blocksize": self.block_frames,
            "latency": "low",
            "finished_callback": self._finish,
        }

    def _finish(self) -> None:
        self.is_finished = True

    def _prepare(self) -> None:
        raise NotImplementedError

    def _make(self, sd: Any) -> Any:
        raise NotImplementedError


class Capture(Stream):
    """An open microphone."""

    kind: Kind = "microphone"
    block_ms = CAPTURE_BLOCK_MS

    def _prepare(self) -> None:
        self._ring = Ring(ms_to_frames(RING_MS, self.rate) * self.channels)

    def _make(self, sd: Any) -> Any:
        return sd.RawInputStream(callback=self._callback, **self._stream_settings(sd))

    def _callback(self, indata: Any, frames: int, times: Any, status: Any) -> None:
        taken = self._ring.write(memoryview(indata))
        self.xruns += status.input_overflow or taken < frames * self.channels
        self.stamp = time.perf_counter()

    def pop(self) -> bytes:
        """All that has come: PCM16 mono at `rate`."""
        return mix_to_mono(_take(self._ring), self.channels)

    def skip(self) -> None:
        """Forget all that has come."""
        self._ring.skip()


class Render(Stream):
    """An open loudspeaker; it plays silence while its ring is empty, and whether that came too late
    nobody hears."""

    kind: Kind = "loudspeaker"
    block_ms = RENDER_BLOCK_MS
    _played: Ring | None = None
    """What was given to the card, silence included; kept from when somebody first asks for it."""

    def take_played(self) -> bytes:
        """All that was given to the card since this was asked last: PCM16 mono at `rate`."""
        if self._played is None:
            self._played = Ring(ms_to_frames(RING_MS, self.rate))
        return _take(self._played)

    _recorded: Ring | None = None
    """The same for a recording, which asks at its own pace."""

    def take_recorded(self) -> bytes:
        """All that was given to the card since this was asked last: PCM16 mono at `rate`."""
        if self._recorded is None:
            self._recorded = Ring(ms_to_frames(RING_MS, self.rate))
        return _take(self._recorded)

    def end_recording(self) -> None:
        """Nobody asks any more, until `take_recorded`."""
        self._recorded = None

    def _prepare(self) -> None:
        self.ring = Ring(ms_to_frames(1000, self.rate))
        self._mono = memoryview(bytearray(self.block_frames * FRAME_BYTES))

    def _make(self, sd: Any) -> Any:
        callback = self._callback if self.channels == 1 else self._spreading_callback
        return sd.RawOutputStream(callback=callback, **self._stream_settings(sd))

    def _callback(self, outdata: Any, frames: int, times: Any, status: Any) -> None:
        self.ring.read_into(memoryview(outdata))
        if self._played is not None:
            self._played.write(outdata)
        if (recorded := self._recorded) is not None:
            recorded.write(memoryview(outdata))
        self.xruns += status.output_underflow and not self.ring.starved
        self.stamp = time.perf_counter()

    def _spreading_callback(self, outdata: Any, frames: int, times: Any, status: Any) -> None:
        """The same sound on every channel, for a device that takes no mono."""
        self.ring.read_into(self._mono)
        spread, mono = memoryview(outdata).cast("h"), self._mono.cast("h")
        for channel in range(self.channels):
            spread[channel :: self.channels] = mono
        if self._played is not None:
            self._played.write(self._mono)
        if (recorded := self._recorded) is not None:
            recorded.write(self._mono)
        self.xruns += status.output_underflow and not self.ring.starved
        self.stamp = time.perf_counter()


def _take(ring: Ring) -> bytes:
    """All that is in it."""
    level = ring.level
    taken = bytearray(level * FRAME_BYTES)
    if level:
        ring.read_into(memoryview(taken))
    return bytes(taken)


def _load() -> Any:
    """Sounddevice, which starts PortAudio as it is imported.

    Raises:
        DeviceError: PortAudio is missing or cannot start.
    """
    try:
        import sounddevice
    except OSError:
        raise DeviceError(
            phrase("The sound library PortAudio is missing"), _install_hint()
        ) from None
    except Exception as error:  # Its own error class cannot be imported either.
        raise DeviceError(
            phrase("The sound library cannot start: {why}", why=reason(error)), hint()
        ) from None
    return sounddevice


def _install_hint() -> str:
    if platform.system() == "Linux":
        return phrase("Install it: sudo apt install libportaudio2 libasound2-plugins")
    return phrase("It comes with sounddevice: pip install --force-reinstall sounddevice")


def _match(devices: list[Device], wanted: str) -> list[Device]:
    """Devices by index, else by whole name, else by part of it."""
    if wanted.isdecimal():
        return [device for device in devices if device.index == int(wanted)]
    exact = [device for device in devices if device.name == wanted]
    part = [device for device in devices if wanted.casefold() in device.name.casefold()]
    return exact or part


def _shapes(device: Device, kind: Kind) -> Iterator[tuple[int, int]]:
    """Rates and channels to be tried, the best first."""
    most = device.channels(kind)
    for rate in dict.fromkeys((HOUSE_RATE, device.default_rate)):
        for channels in dict.fromkeys((1, min(2, most), most)):
            yield rate, channels
