"""The command line of the stand-in: a named script, and what to change in it."""

import argparse
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from tests.fakes.ga_script import SCRIPTS, Reply, Script, script_named


def arguments(module: str) -> argparse.ArgumentParser:
    """The parser; options left out keep what the script says."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, help="JSON lines are appended here")
    parser.add_argument("--api-key", default="", help="the only good key; empty: any")
    parser.add_argument("--vad-rms", type=float, default=500.0, help="speech is louder (PCM16)")
    parser.add_argument("--loud", type=int, default=1000, help="|sample| logged as loud_at_ms")
    parser.add_argument("--script", choices=sorted(SCRIPTS), default="normal")
    _add_script_options(parser.add_argument_group("changes to the script"))
    return parser


def _add_script_options(group: Any) -> None:
    for name in ("delta-ms", "first-delay-ms", "transcription-delay-ms", "stale-ms"):
        group.add_argument(f"--{name}", type=int)
    for name in ("close-after", "reset-at-ms", "expire-after-ms", "faulty-connections"):
        group.add_argument(f"--{name}", type=int)
    group.add_argument("--pace", type=float, help="times real time; 0: all at once")
    group.add_argument("--stall", type=_stall, action="append", metavar="AT_MS:FOR_MS")
    group.add_argument("--user-text")
    group.add_argument("--text", help="of all replies")
    group.add_argument("--audio-ms", type=int, help="of all replies")
    group.add_argument("--wav", type=Path, help="sound of all replies: mono, 16 bit, 24 kHz")
    group.add_argument("--items", type=int, help="messages in each reply")


def _stall(text: str) -> tuple[int, int]:
    at_ms, for_ms = text.split(":")
    return int(at_ms), int(for_ms)


def script_from(options: argparse.Namespace) -> Script:
    """The script that the command line asks for."""
    script = script_named(options.script)
    given = {name: value for name, value in vars(options).items() if value is not None}
    replies = tuple(replace(reply, **_known(Reply, given)) for reply in script.replies)
    changes = _known(Script, given)
    changes.pop("name", None)
    if "stall" in given:
        changes["stalls"] = tuple(given["stall"])
    return replace(script, replies=replies, **changes)


def _known(kind: type[Reply] | type[Script], given: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in given.items() if name in names}
