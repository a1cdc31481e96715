"""Names that lead somewhere for some processes only, so that it shows who looked a name up.

A process `inside(hosts)` has its own /etc/hosts (a mount namespace of its own); the machine's file
stays as it is.  So a service can have a name that is not the loopback's, which only its proxy
knows.
"""

import os
import shutil
from pathlib import Path

from tests.fakes.proxies import RealProxy, danted, microsocks, tinyproxy

NAME = "voice.test"
"""Of the service; leads nowhere on the machine (RFC 6761, 6.2)."""
NAMES = (NAME, "localhost", "127.0.0.1")
"""All its names, for its certificate."""
_ENTER = 'mount --bind "$0" /etc/hosts && exec "$@"'


def write_hosts(home: Path) -> Path:
    """A hosts file in which the service's name is this machine."""
    path = home / "hosts"
    path.write_text(f"127.0.0.1 localhost\n127.0.0.1 {NAME}\n")
    path.chmod(0o644)
    return path


def inside(hosts: Path) -> tuple[str, ...]:
    """The command that runs another one where `hosts` is /etc/hosts."""
    assert shutil.which("unshare"), "unshare not found: install util-linux"
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)
    return ("unshare", "--mount", *as_root, "sh", "-c", _ENTER, str(hosts))


class _Knowing(RealProxy):
    """A proxy that knows the service's name."""

    def command(self) -> list[str]:
        return [*inside(write_hosts(self._home)), *super().command()]


class KnowingTinyproxy(_Knowing, tinyproxy):
    """An HTTP proxy that knows the service's name."""


class KnowingMicrosocks(_Knowing, microsocks):
    """A SOCKS5 proxy that knows the service's name."""


class KnowingDanted(_Knowing, danted):
    """A SOCKS4 and SOCKS5 proxy that knows the service's name."""
