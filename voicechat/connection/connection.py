"""One connection of a session: a line opened, written by one task, read by another, and watched.

The rule of this file: mutate the dialect, then wake the writer; nobody else touches the link.  Two
tasks flushing one socket reorder messages (audio would land between a commit and its
response.create).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from voicechat.connection.state.keepalive import LOOK_S, Heartbeat, Pulse
from voicechat.connection.state.send_queue import SendQueue, SilenceBatcher, SlowLine
from voicechat.connection.target import Target
from voicechat.errors import LinkError, VoiceChatError
from voicechat.events import Command, Event, Interrupt, SetHandsFree
from voicechat.net.close_codes import LinkClosed
from voicechat.net.websocket import Link
from voicechat.providers.base import Dialect
from voicechat.text.phrase import phrase

SEND_BUFFER_BYTES = 8 * 1024
"""Bytes on this machine that sound may be put behind: so long it takes to stop a reply, at most."""
ON_ITS_WAY_S = 0.5
"""Of speech that waits: what was asked behind it has not arrived."""
USUAL_S = 2.0
"""Of speech on its way without a sign that it has arrived: no reason to complain."""
TURN_S = 0.01
"""How long messages that are here already may be dealt with before anything else has its turn: a
flood of them must not hold up a signal, a key or the sound."""
POLL_S = 0.02
"""How often a full link is asked whether there is room again."""

Trace = Callable[[str, str | bytes], None]


class Connection:
    """Carries commands to a model and events from it, until the link ends.

    Args:
        take: Gets every event, in order; also what is to be told of the line itself.
        trace: Sees every message with its direction, `up` or `down`.
    """

    def __init__(self, line: Target, take: Callable[[Event], None], trace: Trace | None) -> None:
        self._line, self._dialect = line, line.dialect
        self._take = take
        self._trace = trace or _no_trace
        self._wake = asyncio.Event()
        keeps_time = self._dialect.profile.paced
        self._parcels = SilenceBatcher(self._dialect.input_rate, is_kept=keeps_time)
        self._queue, self._slow = SendQueue(), SlowLine()
        self._heartbeat: Heartbeat | None = None
        self._hands_free = line.dialect.settings.hands_free
        self._waiting_s = 0.0
        self._stands_since: float | None = None
        self._stood_s = 0.0

    def send(self, command: Command) -> None:
        """Hand a command to the dialect, which keeps it until it may be sent."""
        now = time.monotonic()
        if self._heartbeat is not None:
            self._heartbeat.used(now)
        match command:
            case SetHandsFree(hands_free):
                self._hands_free = hands_free
            case Interrupt(by_server=False) if self._hands_free:
                self._queue.interrupt(now)
        for each in self._parcels.transform(command):
            self._dialect.send(each, self._now())
        self._drain()

    @property
    def is_slow(self) -> bool:
        """Whether the line has been slower than speech for so long that it will stay so."""
        return self._slow.lasts(time.monotonic())

    @property
    def waiting_s(self) -> float:
        """How much of what was said waits to be sent, at the last look."""
        return self._waiting_s

    async def run(self, prepare: Callable[[Link, Dialect], Awaitable[None]]) -> None:
        """Dial, let `prepare` settle what must be known before the greeting, and talk.

        Raises:
            VoiceChatError: (in a group, as a rule) the link could not be had, or ended.
        """
        async with self._line.link() as link, asyncio.TaskGroup() as tasks:
            await prepare(link, self._dialect)
            self._greet()
            tasks.create_task(self._writer(link))
            tasks.create_task(self._ticker())
            tasks.create_task(self._watch(link))
            await self._downlink(link)

    def _greet(self) -> None:
        self._dialect.unix_at_zero = time.time() - self._now()
        self._dialect.open(self._now())
        self._drain()

    # -- uplink ---------------------------------------------------------------------------------

    def _drain(self) -> None:
        """Take what the dialect has to say, in order, and wake the writer for it."""
        now = time.monotonic()
        for message in self._dialect.data_to_send():
            self._queue.put(message, now)
        if not self._queue.is_empty:
            self._wake.set()

    async def _writer(self, link: Link) -> None:
        while True:
            self._wake.clear()
            while (message := self._queue.pop(is_full=link.unsent > SEND_BUFFER_BYTES)) is not None:
                self._trace("up", message)
                try:
                    await link.send(message)
                except LinkClosed:
                    return  # The reader tells, after what the server said before it closed.
                self._sent(link, len(message))
            with suppress(TimeoutError):
                async with asyncio.timeout(None if self._queue.is_empty else POLL_S):
                    await self._wake.wait()

    def _sent(self, link: Link, size: int) -> None:
        heartbeat, now = self._heartbeat, time.monotonic()
        if heartbeat is not None and heartbeat.sent(size, link.bytes_sent, now):
            link.ask()

    # -- time -----------------------------------------------------------------------------------

    async def _ticker(self) -> None:
        while True:
            await asyncio.sleep(self._dialect.tick_s)
            self._pass_on(self._dialect.tick(self._now()))

    async def _watch(self, link: Link) -> None:
        """End a line at whose other end nobody is; tell when one is slower than speech."""
        pong_s = self._dialect.profile.pong_s
        self._heartbeat = Heartbeat(pong_s, time.monotonic(), time.time())
        while True:
            self._feel(link, self._heartbeat)
            self._measure(link, self._heartbeat)
            await asyncio.sleep(LOOK_S)

    def _feel(self, link: Link, heartbeat: Heartbeat) -> None:
        now, pulse = time.monotonic(), _pulse(link)
        match heartbeat.look(pulse, now, time.time()):
            case "ask":
                link.ask()
            case "dead":
                link.give_up()
                silent_s = heartbeat.silent_s(pulse, now)
                title = self._dialect.profile.title
                text = phrase(
                    "The line to {who} is dead: nothing came for {seconds:.0f} s",
                    who=title,
                    seconds=silent_s,
                )
                raise LinkError(text)

    def _measure(self, link: Link, heartbeat: Heartbeat) -> None:
        """How much speech waits, here and on the way; told when it is too much."""
        now = time.monotonic()
        lost = self._slow.lost(self._queue.forget_old(now))
        bytes_per_s = self._dialect.sound_bytes_per_s * 4 / 3  # In base64.
        hidden_s = heartbeat.unacknowledged(_pulse(link)) / bytes_per_s - USUAL_S
        below_s = max(link.waiting / bytes_per_s, hidden_s)
        self._waiting_s = self._queue.sound_s + below_s
        self._dialect.unsent_s = self._waiting_s + self._queue.dropped_s
        self._hold_time(self._may_hold_time and self._waiting_s > ON_ITS_WAY_S, now)
        for notice in (self._slow.look(self._waiting_s, now), lost):
            if notice is not None:
                self._take(notice)

    @property
    def _may_hold_time(self) -> bool:
        """Whether an answer is waited for; never where the sound itself is the clock: a stream that
        is not fed holds back what is said, and nobody would know that it waits."""
        return not (self._hands_free or self._dialect.profile.paced)

    def _hold_time(self, holds: bool, now: float) -> None:
        """A turn that is still on its way has not been asked: nobody is late with an answer."""
        if holds and self._stands_since is None:
            self._stands_since = now
        elif not holds and self._stands_since is not None:
            self._stood_s += now - self._stands_since
            self._stands_since = None

    def _now(self) -> float:
        """The dialect's clock, which stands still while a turn is on its way."""
        now = self._stands_since if self._stands_since is not None else time.monotonic()
        return now - self._stood_s

    # -- downlink -------------------------------------------------------------------------------

    async def _downlink(self, link: Link) -> None:
        began = time.monotonic()
        async for message in link:
            self._trace("down", message)
            self._pass_on(self._dialect.receive(message, self._now()))
            if time.monotonic() - began > TURN_S:
                await asyncio.sleep(0)  # Messages that wait are handed out without a pause.
                began = time.monotonic()

    def _pass_on(self, events: list[Event]) -> None:
        for event in events:
            self._take(event)
        self._drain()  # The dialect may have something to say back.


def first(group: BaseExceptionGroup[VoiceChatError]) -> VoiceChatError:
    """The first of a group's errors, however deep it lies."""
    error = group.exceptions[0]
    return first(error) if isinstance(error, BaseExceptionGroup) else error


def _pulse(link: Link) -> Pulse:
    return Pulse(link.heard_at, link.answered, link.waiting, link.bytes_sent)


def _no_trace(direction: str, message: str | bytes) -> None:
    """Nobody asked for a trace."""
