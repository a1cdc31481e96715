"""How much of what was sent still waits on this machine, and how little of it may.

A system takes megabytes for a line that is slow: minutes of speech, believed to be sent.  So the
system is asked to take little, and to tell how much it has not got rid of yet.
Source: tcp(7) on TCP_NOTSENT_LOWAT and TCP_USER_TIMEOUT, SIOCOUTQ and SIOCOUTQNSD.
"""

import asyncio
import ipaddress
import socket
import struct
import sys
from contextlib import suppress
from typing import Any

LOW_WATER = 16 * 1024
"""Bytes that may wait in each layer before a writer has to: a quarter of a second of speech."""
DEAD_AFTER_MS = 10_000
"""How long sent bytes may stay unacknowledged before the line counts as dead."""
_UNSENT = 0x894B
"""SIOCOUTQNSD of Linux, which Python does not name."""
_DARWIN_LOW_WATER = 0x201
_DARWIN_QUEUED = 0x1024
"""TCP_NOTSENT_LOWAT and SO_NWRITE of macOS."""


class TcpBacklog:
    """The way from a transport to the network, with all its layers."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._layers = list(_layers(transport))
        self._socket: Any = transport.get_extra_info("socket")
        for layer in self._layers:
            layer.set_write_buffer_limits(high=LOW_WATER)
        if self._socket is not None:
            with suppress(OSError):
                _take_little(self._socket)
                _notice_death(self._socket)

    @property
    def waiting(self) -> int:
        """Bytes that the next machine on the way has not acknowledged."""
        return self._buffered + self._ask(unsent_only=False)

    @property
    def unsent(self) -> int:
        """Bytes that have not left this machine."""
        return self._buffered + self._ask(unsent_only=True)

    @property
    def _buffered(self) -> int:
        return sum(layer.get_write_buffer_size() for layer in self._layers)

    def _ask(self, *, unsent_only: bool) -> int:
        if self._socket is None or self._socket.fileno() < 0:
            return 0
        with suppress(OSError):
            return _queued(self._socket, unsent_only)
        return 0


def _layers(transport: Any) -> Any:
    """A transport and those below it: encryption has a buffer of its own on top of another one.

    asyncio has no public way from one to the next.
    """
    while transport is not None:
        yield transport
        transport = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)


def _take_little(known: Any) -> None:
    if sys.platform == "linux":
        known.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, LOW_WATER)
    elif sys.platform == "darwin":
        known.setsockopt(socket.IPPROTO_TCP, _DARWIN_LOW_WATER, LOW_WATER)
    else:
        known.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * LOW_WATER)


def _queued(known: Any, unsent_only: bool) -> int:
    if sys.platform == "linux":
        import fcntl
        import termios

        # SIOCOUTQ has the number of a terminal's TIOCOUTQ.
        which = _UNSENT if unsent_only else termios.TIOCOUTQ
        (count,) = struct.unpack("i", fcntl.ioctl(known.fileno(), which, bytes(4)))
        return int(count)
    if sys.platform == "darwin":
        return int(known.getsockopt(socket.SOL_SOCKET, _DARWIN_QUEUED))
    return 0


def _notice_death(known: Any) -> None:
    """Let the system end a line whose other side went silent, where it can (Linux).

    Not where the next machine is this one (a proxy here): nothing is lost on the way there, and a
    slow proxy that reads in large gulps would count as dead.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None and not _is_here(known.getpeername()[0]):
        known.setsockopt(socket.IPPROTO_TCP, option, DEAD_AFTER_MS)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
