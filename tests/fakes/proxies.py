"""Real proxies on free ports of this machine: tinyproxy, microsocks and danted.

    with tinyproxy(user="u", password="p") as proxy:      # or: async with
        ... connect through proxy.url ...
        proxy.wait_for("Established")                     # the proof that it went through

Each kind is a class; each instance one process with a log of its own, which ends with the block.
`url` holds user and password, `label` does not.  A missing program fails the test that wants it.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import quote

_START_S = 15.0
_TRIES = 5
"""Somebody else may take a free port before the proxy does."""


class RealProxy:
    """One process; give `user` and `password` to make it ask for them."""

    program: ClassVar[str]
    package: ClassVar[str]
    scheme: ClassVar[str]

    def __init__(self, user: str = "", password: str = "") -> None:
        assert shutil.which(self.program), f"{self.program} not found: install {self.package}"
        self.user = user
        self.password = password
        self.port = 0
        self._home = Path()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, as a user would give it."""
        login = f"{quote(self.user)}:{quote(self.password)}@" if self.user else ""
        return f"{self.scheme}://{login}127.0.0.1:{self.port}"

    @property
    def label(self) -> str:
        """Its address without user and password."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """For SIGSTOP and SIGCONT; the leader of a process group."""
        assert self._process
        return self._process.pid

    def log(self) -> str:
        """Everything it has written about its connections."""
        return (self._home / "log").read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = 10.0) -> str:
        """Its log, once `text` stands in it; AssertionError when it never does."""
        deadline = time.monotonic() + seconds
        while text not in self.log():
            assert time.monotonic() < deadline, f"{text!r} is not in the log:\n{self.log()}"
            time.sleep(0.02)
        return self.log()

    def kill(self) -> None:
        """End it at once, with every connection through it."""
        if self._process:
            self._signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def command(self) -> list[str]:
        """How it is started on `self.port`; may write files into `self._home`."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix=f"{self.program}-"))
        self._home.chmod(0o755)
        for _ in range(_TRIES):
            self.port = _free_port()
            if self._start():
                return self
        raise AssertionError(f"{self.program} does not start:\n{self.log()}")

    def _start(self) -> bool:
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, process_group=0
            )
        deadline = time.monotonic() + _START_S
        while self._process.poll() is None and time.monotonic() < deadline:
            if _listens(self.port):
                return True
            time.sleep(0.02)
        self.kill()
        return False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
            self._signal(signal.SIGKILL)
            self._process.wait(10)
        shutil.rmtree(self._home, ignore_errors=True)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)


class tinyproxy(RealProxy):
    """An HTTP proxy; its log names every CONNECT."""

    program, package, scheme = "tinyproxy", "tinyproxy", "http"

    def command(self) -> list[str]:
        lines = [
            f"Port {self.port}",
            "Listen 127.0.0.1",
            "Timeout 600",
            "MaxClients 50",
            "LogLevel Info",
            "DisableViaHeader Yes",
            "Allow 127.0.0.1",
        ]
        lines += [f"BasicAuth {self.user} {self.password}"] if self.user else []
        config = self._home / "tinyproxy.conf"
        config.write_text("\n".join(lines) + "\n")
        return ["tinyproxy", "-d", "-c", str(config)]


class microsocks(RealProxy):
    """A SOCKS5 proxy; its log names every connection."""

    program, package, scheme = "microsocks", "microsocks", "socks5h"

    def command(self) -> list[str]:
        login = ["-u", self.user, "-P", self.password] if self.user else []
        return ["microsocks", "-i", "127.0.0.1", "-p", str(self.port), *login]


class danted(RealProxy):
    """A SOCKS4 and SOCKS5 proxy with a telling log.

    With a password it asks the system, so a system user is made for the time it runs, under a
    name of its own: `user` then is that name.

    Args:
        password: Which the made user has; empty: nobody is asked.
        blocked: Whether every connection is forbidden by its rules.
    """

    program, package, scheme = "danted", "dante-server", "socks5h"

    def __init__(self, password: str = "", *, blocked: bool = False) -> None:
        super().__init__(f"dante{secrets.token_hex(4)}" if password else "", password)
        self._rule = "block" if blocked else "pass"

    def command(self) -> list[str]:
        config = self._home / "danted.conf"
        config.write_text(
            f"logoutput: stderr\n"
            f"internal: 127.0.0.1 port = {self.port}\n"
            f"external: 127.0.0.1\n"
            f"clientmethod: none\n"
            f"socksmethod: {'username' if self.user else 'none'}\n"
            f"user.privileged: root\n"
            f"user.unprivileged: nobody\n"
            f"client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 log: error }}\n"
            f"socks {self._rule} {{ from: 0.0.0.0/0 to: 0.0.0.0/0 log: connect error }}\n"
        )
        return ["danted", "-N", "1", "-f", str(config), "-p", str(self._home / "pid")]

    def __enter__(self) -> Self:
        if self.user:
            assert os.geteuid() == 0, "danted asks the system for passwords: run this as root"
            _run(["useradd", "--no-create-home", "--shell", "/usr/sbin/nologin", self.user])
            _run(["chpasswd"], f"{self.user}:{self.password}")
        try:
            return super().__enter__()
        except BaseException:
            self._forget_user()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._forget_user()

    def _forget_user(self) -> None:
        if self.user:
            _run(["userdel", self.user])


def _run(command: list[str], text: str = "") -> None:
    """Run a program that changes the users; these lock each other out for moments."""
    for _ in range(50):
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError(f"{command[0]} failed: {done.stderr.strip()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
