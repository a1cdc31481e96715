"""The built-in model as a process of its own: `python -m voicechat.cascade [--port N]`.

Started by voicechat it reads its options, keys included, as one JSON line from standard input
(`--stdin`) and ends when that ends, so it cannot outlive its parent.  By hand it takes them as
arguments, the token from VOICECHAT_LOCAL_TOKEN, and keys from VOICECHAT_{MIND,EARS,MOUTH}_KEY,
more HTTP headers from VOICECHAT_HEADERS.
On standard output it prints one JSON line: `port` and `url`, or `error`, `hint` and `kind`, which
is the name of one of the program's errors.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields, replace

from voicechat.cascade.audio import warm_up
from voicechat.cascade.build import assemble
from voicechat.cascade.http.speech_probe import settle_speech
from voicechat.cascade.llm.llm import check_mind
from voicechat.cascade.options import LocalOptions, load_options
from voicechat.cascade.server.server import PATH, listen
from voicechat.config.environment import keep_no_core
from voicechat.errors import ConfigError, VoiceChatError
from voicechat.text.phrase import phrase, to_json

_LEAVE_S = 1.0
"""For clients to take their close; who is still shaking hands then is dropped."""
_SECRET_OPTIONS = ("mind_key", "ears_key", "mouth_key", "headers", "token")


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop; the exit code."""
    keep_no_core()
    try:
        port, options, exit_with_parent = _read(arguments)
        told = {} if options.token or "--stdin" in arguments else {"token": _random_token()}
        options = replace(options, token=options.token or told.get("token") or _random_token())
        asyncio.run(_serve(options, port, exit_with_parent, told))
    except VoiceChatError as error:
        words = {"error": error.message, "hint": error.hint}
        phrases = {name: to_json(text) for name, text in words.items()}
        _print({**words, "kind": type(error).__name__, "phrases": phrases})
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


async def _serve(
    options: LocalOptions, port: int, exit_with_parent: bool, told: dict[str, str]
) -> None:
    parts = assemble(options)
    if options.check == "yes":
        await check_mind(options)
    settled = await settle_speech(options)
    if settled != options:
        parts = assemble(settled)
    stopped = asyncio.Event()
    _stop_on_signals(stopped.set)
    try:
        server = await listen(parts, options.token, port)
    except OSError as error:
        text = phrase("Port {port} cannot be used ({why})", port=port, why=error.strerror)
        raise ConfigError(text) from None
    port = server.sockets[0].getsockname()[1]
    _print({"port": port, "url": f"ws://127.0.0.1:{port}{PATH}", **told})
    if exit_with_parent:
        _stop_at_end_of_stdin(stopped.set)
    threading.Thread(target=_warm_up, args=(settled,)).start()
    await stopped.wait()
    server.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LEAVE_S):
            await server.wait_closed()


def _read(arguments: Sequence[str]) -> tuple[int, LocalOptions, bool]:
    if list(arguments) == ["--stdin"]:
        # The everyday way; it does not even load argparse.
        return (0, *load_options(_read_line()))
    import argparse

    parser = argparse.ArgumentParser(prog="python -m voicechat.cascade")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--stdin", action="store_true", help="read options as one JSON line")
    for entry in fields(LocalOptions):
        if entry.name not in _SECRET_OPTIONS:
            parser.add_argument("--" + entry.name.replace("_", "-"), default=entry.default)
    given = vars(parser.parse_args(arguments))
    port, from_stdin = given.pop("port"), given.pop("stdin")
    if from_stdin:
        return (port, *load_options(_read_line()))
    environment = {"token": os.environ.get("VOICECHAT_LOCAL_TOKEN", "")}
    for name in _SECRET_OPTIONS[:-1]:
        environment[name] = os.environ.get(f"VOICECHAT_{name.upper()}", "")
    return port, LocalOptions(**given, **environment), False


def _warm_up(options: LocalOptions) -> None:
    """Load what the first answer will need, while nobody waits."""
    if any("://" in address for address in (options.mind, options.ears, options.mouth)):
        import voicechat.net.http_transport  # noqa: F401
    warm_up()


def _read_line() -> str:
    """The first line of standard input, unbuffered: what follows is watched by a thread."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1)
        if not piece:
            break
        line += piece
    return line.decode("utf-8", "replace")


def _stop_at_end_of_stdin(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop)

    threading.Thread(target=watch, daemon=True).start()


def _stop_on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stop)


def _random_token() -> str:
    return secrets.token_urlsafe(24)


def _print(line: dict[str, object]) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
