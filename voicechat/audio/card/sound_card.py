"""The sound card of a session: opened once, kept open and fed, and opened again when it went away.

The rule: sound is a convenience, the session is not.  Whatever a device or a sound server does, no
call here waits longer than it says, and what happened is told in a `Notice` (`SoundChange`).
"""

import asyncio
import time
from typing import Literal, TypeAlias

from voicechat.audio.card import portaudio
from voicechat.audio.card.aside import Aside
from voicechat.audio.card.microphone import Microphone, Trouble
from voicechat.audio.card.portaudio import Capture, Device, Kind, Render, Stream, list_devices
from voicechat.audio.card.ring import Ring
from voicechat.errors import DeviceError
from voicechat.events import Notice, Notify
from voicechat.text.phrase import phrase

__all__ = [
    "Device",
    "Microphone",
    "SoundCard",
    "SoundChange",
    "CardLoudspeaker",
    "find_devices",
    "list_devices",
]

OPEN_LIMIT_S = 5.0
CLOSE_LIMIT_S = 1.5
POLL_S = 0.25
LIST_LIMIT_S = 4.0
DEAD_AFTER_S = 2.5
"""Without a callback a stream is dead (on a busy machine they pause for up to two seconds),"""
SPARED_S = 3.0
"""and no pause counts before this age: a PulseAudio that was just woken takes its time."""
RETRY_S = (1.0, 2.0, 5.0)
"""Waits before the device is opened again; the last one repeats."""

SoundChange: TypeAlias = Literal[
    "sound_missing",
    "sound_unknown",
    "sound_lost",
    "sound_back",
    "sound_found",
    "sound_silent",
    "sound_constant",
    "sound_clipped",
]
"""What may be told of a device.  `missing`: there is none, the session goes on without; `unknown`:
the wanted one is not there, the default is used; `lost`: it went away, and will be opened again;
`back`: it was; `found`: it is there now, for the first time;
`silent`: it has given nothing but zeros for five seconds; `constant`: the same of
any other number; `clipped`: it is far too loud."""

_TROUBLES: dict[Trouble, tuple[SoundChange, str]] = {
    "silent": ("sound_silent", phrase("The microphone gives nothing but silence: is it muted?")),
    "constant": (
        "sound_constant",
        phrase("The microphone gives a constant instead of sound: is it plugged in well?"),
    ),
    "clipped": (
        "sound_clipped",
        phrase("The microphone is too loud, it clips: turn it down in the system's settings"),
    ),
}


_listing = Aside()


async def find_devices() -> list[Device]:
    """`list_devices` within 4 s, whatever the sound server does; keys and signals are served.

    Raises:
        DeviceError: PortAudio is missing, cannot start, or the sound server does not answer.
    """
    try:
        if _listing.is_busy:  # An earlier call hangs, and this one would hang behind it.
            raise TimeoutError
        return await _listing.run(list_devices, LIST_LIMIT_S)
    except TimeoutError:
        portaudio.leave_without_goodbye()
        raise _no_answer() from None


def _no_answer() -> DeviceError:
    return DeviceError(phrase("The sound server does not answer"), portaudio.hint())


class CardLoudspeaker:
    """The loudspeaker as playout sees it.

    All values change together, with `generation`, when the device was opened again.
    """

    def __init__(self, render: Render) -> None:
        self.generation = -1
        self.attach(render)

    def attach(self, render: Render) -> None:
        """Go on with a device that was opened (again)."""
        self._render = render
        self.rate = render.rate
        """Hz of the ring."""
        self.ring: Ring = render.ring
        """Frames the device takes from the ring at once."""
        self.latency_ms = render.latency_ms
        """From the ring to the ear, as PortAudio believes."""
        self.generation += 1

    def detach(self) -> None:
        """The device is gone; its ring stays, and nobody reads it."""

    def take_played(self) -> bytes:
        """What was given to the device since this was asked last, silence too: PCM16 at `rate`."""
        return self._render.take_played()

    def take_recorded(self) -> tuple[bytes, float]:
        """What was given to the device since this was asked last, for a recording, and when
        (`time.perf_counter`) the end of it leaves the loudspeaker."""
        pcm = self._render.take_recorded()
        return pcm, self._render.stamp + self.latency_ms / 1000

    def end_recording(self) -> None:
        """Nobody asks any more, until `take_recorded`."""
        self._render.end_recording()

    @property
    def device_name(self) -> str:
        return self._render.device.name

    @property
    def underflows(self) -> int:
        """How often a callback came too late, since the device was opened."""
        return self._render.xruns


class _Port:
    """One direction: what was asked for, what is open, and when to try again."""

    def __init__(self, kind: Kind, wanted: str) -> None:
        self.kind: Kind = kind
        self.wanted = wanted
        self.stream: Stream | None = None
        self.is_used = False
        """Whether it was open once."""
        self.is_missed = False
        """Whether the user was told that it went away."""
        self.is_repicked = False
        """Whether the user has picked another device."""
        self.is_awaited = False
        """Whether the user waits to hear what became of that."""
        self.failures = 0
        self.retry_at = 0.0

    def open(self, devices: list[Device]) -> tuple[Stream, bool]:
        """Open the best device that works; whether it is as wanted.  Blocks.

        Raises:
            DeviceError: none works.
        """
        order, is_known = portaudio.candidates(devices, self.wanted, self.kind)
        why: str = phrase("there is none")
        for device in order:
            try:
                stream = (Capture if self.kind == "microphone" else Render)(device)
                return stream, is_known and (device is order[0] or not self.wanted.strip())
            except Exception as error:
                why = portaudio.reason(error)
        text = phrase(
            "The {device} cannot be opened: {why}", device=portaudio.KINDS[self.kind], why=why
        )
        raise DeviceError(text, portaudio.hint())

    def is_dead(self, now: float) -> bool:
        if self.stream is None:
            return False
        alive_until = max(self.stream.stamp, self.stream.started + SPARED_S)
        return self.stream.is_finished or now - alive_until > DEAD_AFTER_S

    def wait(self, now: float) -> None:
        """Try again later, and later each time."""
        self.retry_at = now + RETRY_S[min(self.failures, len(RETRY_S) - 1)]
        self.failures += 1


_Outcome: TypeAlias = dict[Kind, tuple[Stream, bool] | DeviceError]


class SoundCard:
    """Microphone and loudspeaker of a session.

    Args:
        input_device: Index, name or part of the name of the microphone; empty: the default.
        output_device: The same of the loudspeaker.
        want_input: Whether a microphone is needed at all.
        want_output: Whether a loudspeaker is needed at all.
        notify: Told what the user should know (`SoundChange`).
        chunk_ms: How much sound `microphone.chunks` yields at once.
    """

    def __init__(
        self,
        input_device: str = "",
        output_device: str = "",
        *,
        want_input: bool = True,
        want_output: bool = True,
        notify: Notify = lambda notice: None,
        chunk_ms: int = 20,
    ) -> None:
        self._notify = notify
        self.microphone: Microphone | None = None
        self.speaker: CardLoudspeaker | None = None
        self._chunk_ms = chunk_ms
        self._aside = Aside()
        wanted = [_Port("microphone", input_device)] * want_input
        self._ports = wanted + [_Port("loudspeaker", output_device)] * want_output

    async def open(self) -> None:
        """Open what is wanted, within 5 s.  If only one of the two works, that is told.

        Raises:
            DeviceError: nothing can be opened, or the sound server does not answer; `watch` goes
                on trying.
        """
        now = time.perf_counter()
        for port in self._ports:
            port.wait(now)
        try:
            outcome = await self._open(self._ports, is_fresh=False)
        except TimeoutError:
            portaudio.leave_without_goodbye()
            raise _no_answer() from None
        errors = [result for result in outcome.values() if isinstance(result, DeviceError)]
        if len(errors) == len(self._ports) and errors:
            text = errors[0].message
            for error in errors[1:]:
                text = phrase("{one}; {other}", one=text, other=error.message)
            raise DeviceError(text, errors[0].hint)
        for port in self._ports:
            self._enter(port, outcome[port.kind])

    async def close(self) -> None:
        """Let go of the devices, within 1.5 s: a close that hangs is abandoned."""
        async with asyncio.TaskGroup() as tasks:
            for port in self._ports:
                tasks.create_task(self._release(port))

    def pick(self, kind: Kind, device: str) -> None:
        """Use another device (index or name) from now on; `watch` opens it within a moment."""
        for port in self._ports:
            if port.kind == kind:
                port.wanted, port.is_repicked = device, True

    async def watch(self) -> None:
        """See that the streams live, and open again what died or was missing; run it beside the
        session."""
        last = time.perf_counter()
        while True:
            await asyncio.sleep(POLL_S)
            now = time.perf_counter()
            if now - last < 2 * POLL_S:  # Else we were held up ourselves, and know nothing.
                await self._change_picked(now)
                await self._lose_dead(now)
                await self._retry(now)
            last = time.perf_counter()

    # -- opening --------------------------------------------------------------------------------

    async def _open(self, ports: list[_Port], *, is_fresh: bool) -> _Outcome:
        """Open ports in a thread.  TimeoutError after 5 s; what opens later is closed at once."""
        return await self._aside.run(lambda: _open_all(ports, is_fresh), OPEN_LIMIT_S, _close_all)

    def _enter(self, port: _Port, result: tuple[Stream, bool] | DeviceError) -> None:
        """First opening: make the public half of a port."""
        if isinstance(result, DeviceError):
            self._tell(
                "sound_missing", phrase("{sentence}; going on without it", sentence=result.message)
            )
            return
        port.stream, is_as_wanted = result
        port.is_used, port.failures = True, 0
        if isinstance(port.stream, Capture):
            self.microphone = Microphone(port.stream, self._chunk_ms, self._tell_trouble)
        elif isinstance(port.stream, Render):
            self.speaker = CardLoudspeaker(port.stream)
        if not is_as_wanted:
            self._tell_other(port, port.stream)

    # -- losing and finding again ---------------------------------------------------------------

    async def _change_picked(self, now: float) -> None:
        for port in [port for port in self._ports if port.is_repicked]:
            port.is_repicked, port.is_awaited = False, True
            await self._part(port, now)
            port.retry_at = now

    async def _lose_dead(self, now: float) -> None:
        for port in [port for port in self._ports if port.is_dead(now)]:
            self._tell_lost(port)
            await self._part(port, now)

    async def _part(self, port: _Port, now: float) -> None:
        """Let go of a stream, and have it opened again soon."""
        public = self.microphone if port.kind == "microphone" else self.speaker
        if public is not None:
            public.detach()
        port.failures = 0
        port.wait(now)
        await self._release(port)

    async def _release(self, port: _Port) -> None:
        stream, port.stream = port.stream, None
        if stream is not None:
            try:
                await self._aside.run(stream.close, CLOSE_LIMIT_S)
            except TimeoutError:
                portaudio.leave_without_goodbye()

    async def _retry(self, now: float) -> None:
        """Open what is due, unless an abandoned call still hangs in PortAudio."""
        due = [port for port in self._ports if port.stream is None and port.retry_at <= now]
        if not due:
            return
        if self._aside.is_busy:
            self._tell_awaited(due, _no_answer())
            return
        if any(port.failures == 2 and port.is_used for port in due):
            due = await self._part_all(now)
        is_fresh = all(port.stream is None for port in self._ports)
        for port in due:
            port.wait(now)
        try:
            outcome = await self._open(due, is_fresh=is_fresh)
        except TimeoutError:
            self._tell_awaited(due, _no_answer())
            return
        except DeviceError as error:
            self._tell_awaited(due, error)
            return
        for port in due:
            self._return(port, outcome[port.kind])

    async def _part_all(self, now: float) -> list[_Port]:
        """Once per loss, give up the port that works too: PortAudio finds a device that was
        plugged in only when it starts, and may only be started while nothing is open."""
        for port in self._ports:
            if port.stream is not None:
                await self._part(port, now)
        return self._ports

    def _return(self, port: _Port, result: tuple[Stream, bool] | DeviceError) -> None:
        """Opened again: the public half goes on with the new stream."""
        if isinstance(result, DeviceError):
            self._tell_awaited([port], result)
            if port.is_used:
                self._tell_lost(port)
            return
        if not port.is_used:
            self._enter(port, result)
            self._tell_found(port, result[0])
            return
        port.stream, port.failures = result[0], 0
        if isinstance(port.stream, Capture) and self.microphone:
            self.microphone.attach(port.stream)
        elif isinstance(port.stream, Render) and self.speaker:
            self.speaker.attach(port.stream)
        if port.is_awaited and not result[1]:
            self._tell_other(port, port.stream)
        port.is_awaited = False
        if port.is_missed:
            name = port.stream.device.name
            text = phrase(
                "The {device} is back: {name}", device=portaudio.KINDS[port.kind], name=name
            )
            self._tell("sound_back", text)
        port.is_missed = False

    # -- telling --------------------------------------------------------------------------------

    def _tell_lost(self, port: _Port) -> None:
        if not port.is_missed:
            text = phrase(
                "The {device} went away; trying to get it back", device=portaudio.KINDS[port.kind]
            )
            self._tell("sound_lost", text)
        port.is_missed = True

    def _tell_awaited(self, ports: list[_Port], error: DeviceError) -> None:
        """What the user has picked cannot be had."""
        for port in [port for port in ports if port.is_awaited]:
            port.is_awaited = False
            port.is_missed = port.is_used  # It is told when it comes after all.
            self._tell("sound_missing", error.message)

    def _tell_found(self, port: _Port, stream: Stream) -> None:
        port.is_awaited = False
        named = {"device": portaudio.KINDS[port.kind], "name": stream.device.name}
        self._tell("sound_found", phrase("The {device} works now: {name}", **named))

    def _tell_other(self, port: _Port, stream: Stream) -> None:
        """The wanted device cannot be had, and another one is used."""
        text = phrase(
            "No {device} {name!r}; using {other}",
            device=portaudio.KINDS[port.kind],
            name=port.wanted,
            other=stream.device.name,
        )
        self._tell("sound_unknown", text)

    def _tell(self, change: SoundChange, message: str) -> None:
        self._notify(Notice(change, message))

    def _tell_trouble(self, trouble: Trouble) -> None:
        self._tell(*_TROUBLES[trouble])


def _open_all(ports: list[_Port], is_fresh: bool) -> _Outcome:
    """Open ports, each for itself.  Blocks.  DeviceError: PortAudio does not work at all."""
    if is_fresh:
        portaudio.restart()
    devices, outcome = list_devices(), _Outcome()
    for port in ports:
        try:
            outcome[port.kind] = port.open(devices)
        except DeviceError as error:
            outcome[port.kind] = error
    return outcome


def _close_all(outcome: _Outcome) -> None:
    for result in outcome.values():
        if not isinstance(result, DeviceError):
            result[0].close()
