"""Runs the built-in model as a child process, and makes sure that it never stays behind.

The child gets its options by its standard input, and lives no longer than that is open; its
environment holds no keys; what it writes on stderr is kept for the error text, never shown raw.
"""

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import voicechat
from voicechat import errors
from voicechat.cascade.options import LocalOptions, dump_options
from voicechat.config.environment import child_environment
from voicechat.errors import ServiceError, VoiceChatError
from voicechat.text.phrase import from_json, phrase

__all__ = ["Endpoint", "LocalOptions", "LocalProcess", "running", "start"]

_START_DEADLINE_S = 10.0
_CHECK_DEADLINE_S = 20.0
"""When the mind's service is asked first, which takes 8 s at most."""
_END_DEADLINE_S = 0.7


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model listens, and what to show it (as `Authorization: Bearer`)."""

    url: str
    token: str = field(repr=False)


class LocalProcess:
    """The child; started at once, asked for its address later."""

    def __init__(self, options: LocalOptions) -> None:
        """Start it; needs no event loop.

        Raises:
            ServiceError: The system starts no more processes.
        """
        self._options = replace(options, token=options.token or secrets.token_urlsafe(24))
        self._last_words: deque[str] = deque(maxlen=5)
        self._first_line: Future[str] = Future()
        # Running: whoever gives up waiting for it cannot cancel it for the others.
        self._first_line.set_running_or_notify_cancel()
        try:
            self._child = _spawn()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ServiceError(
                phrase("The built-in model cannot be started ({why})", why=reason)
            ) from None
        self._readers = [
            threading.Thread(target=read, args=(pipe,), daemon=True)
            for read, pipe in (
                (self._read_stdout, self._child.stdout),
                (self._read_stderr, self._child.stderr),
            )
        ]
        for reader in self._readers:
            reader.start()
        self._tell()

    @property
    def pid(self) -> int:
        return self._child.pid

    async def endpoint(self, deadline_s: float = 0.0) -> Endpoint:
        """Wait until it listens; 0: as long as that takes at most.

        Raises:
            ConfigError: The options cannot work.
            ServiceError: It died, or takes too long.
            VoiceChatError: It was to check the mind's service, and that is not there.
        """
        checks = self._options.check == "yes"
        deadline_s = deadline_s or (_CHECK_DEADLINE_S if checks else _START_DEADLINE_S)
        try:
            async with asyncio.timeout(deadline_s):
                line = await asyncio.wrap_future(self._first_line)
        except TimeoutError:
            text = phrase(
                "The built-in model did not start within {seconds:.0f} s", seconds=deadline_s
            )
            raise ServiceError(text, self._reason()) from None
        return self._understand(line)

    async def stop(self) -> None:
        """End it, within a second; it is gone afterwards even if this is cancelled."""
        await asyncio.shield(asyncio.to_thread(self.close))

    def close(self) -> None:
        """The same for those without an event loop; calling it again does nothing."""
        with contextlib.suppress(OSError):
            _pipe(self._child.stdin).close()
        self._child.terminate()
        try:
            self._child.wait(_END_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for reader in self._readers:
            # A grandchild may still hold the pipe: its reader then ends with it.
            reader.join(0.2)

    def _tell(self) -> None:
        line = dump_options(self._options, exit_with_parent=True)
        # A child that died already shows in what it left on stdout and stderr.
        with contextlib.suppress(OSError):
            stdin = _pipe(self._child.stdin)
            stdin.write(line.encode() + b"\n")
            stdin.flush()

    def _read_stdout(self, pipe: IO[bytes]) -> None:
        with pipe:
            self._first_line.set_result(pipe.readline().decode("utf-8", "replace"))
            while pipe.read(4096):
                pass

    def _read_stderr(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                self._last_words.append(line.decode("utf-8", "replace").strip())

    def _understand(self, line: str) -> Endpoint:
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:
            told = {}
        if "url" in told:
            return Endpoint(told["url"], self._options.token)
        if "error" in told:
            raise _error_told(told)
        self._readers[1].join(0.5)
        raise ServiceError(phrase("The built-in model ended before it was ready"), self._reason())

    def _reason(self) -> str:
        """The child's last line, without secrets and in one printable line."""
        text = next((line for line in reversed(self._last_words) if line), "")
        for secret in self._options.secrets():
            text = text.replace(secret, "***")
        shown = "".join(sign if sign.isprintable() else " " for sign in text)
        return phrase("It said: {quoted}", quoted=shown[:200]) if shown else ""


def start(options: LocalOptions) -> LocalProcess:
    """Start early, so that the model boots while other things do; pass it to `running`."""
    return LocalProcess(options)


@contextlib.asynccontextmanager
async def running(model: LocalOptions | LocalProcess) -> AsyncIterator[Endpoint]:
    """The built-in model while the block runs; one that was started early is ended here too.

    Raises:
        ConfigError: The options cannot work.
        ServiceError: It does not start.
        VoiceChatError: As `LocalProcess.endpoint`.
    """
    process = model if isinstance(model, LocalProcess) else start(model)
    try:
        yield await process.endpoint()
    finally:
        await process.stop()


def _error_class(name: object) -> type[VoiceChatError]:
    """The class of our errors with this name; one of the service where there is none."""
    found = getattr(errors, name, None) if isinstance(name, str) else None
    if isinstance(found, type) and issubclass(found, VoiceChatError):
        return found
    return ServiceError


def _error_told(told: dict[str, Any]) -> VoiceChatError:
    """The child's error, with its phrases."""
    phrases = told.get("phrases", {})
    message, hint = (from_json(phrases.get(name), told.get(name, "")) for name in ("error", "hint"))
    return _error_class(told.get("kind"))(message, hint)


def _spawn() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-P", "-m", "voicechat.cascade", "--stdin"]
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(os.environ),
        start_new_session=True,
        creationflags=flags | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Ours without anything secret, and with the way to this very package.

    Together with `-P` that keeps files of the current directory from posing as modules.
    """
    kept = child_environment(environ, with_proxies=False)  # The options name the proxy.
    paths = [str(Path(voicechat.__file__).resolve().parents[1]), kept.get("PYTHONPATH", "")]
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe
    return pipe
