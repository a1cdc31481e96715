"""`voicechat conversations` and `voicechat export`: what was kept, as a list or one of it whole."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from voicechat.journal import Kept, Loaded, export
from voicechat.visible import visible_json


def list_conversations(found: Sequence[Kept], *, as_json: bool) -> int:
    """Print the conversations, newest first: two lines each, or one JSON array."""
    if as_json:
        _write(visible_json([asdict(kept) for kept in found], indent=1))
        return 0
    for kept in found:
        facts = (kept.id, _local(kept.last), _count(kept), kept.model)
        _write("  ".join(fact for fact in facts if fact))
        for remark in filter(None, (kept.words, kept.problem, _damage(kept))):
            _write(f"    {remark}")
    if not found:
        _write("No conversation was kept so far.")
    return 0


def print_conversation(name: str, loaded: Loaded, kind: str) -> int:
    """Print one as `md`, `txt` or `json`; what could not be read is told on stderr."""
    sys.stdout.write(export(name, loaded, kind))
    if loaded.damaged_lines:
        lines = f"{loaded.damaged_lines} line{'' if loaded.damaged_lines == 1 else 's'}"
        told = f"voicechat: {lines} of conversation {name} cannot be read; the rest is here"
        print(told, file=sys.stderr)  # noqa: T201 - this is our output
    return 0


def _local(moment: str) -> str:
    if not moment:
        return ""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def _count(kept: Kept) -> str:
    return f"{kept.rows} row{'' if kept.rows == 1 else 's'}"


def _damage(kept: Kept) -> str:
    lines = kept.damaged_lines
    return f"{lines} line{'' if lines == 1 else 's'} cannot be read" if lines else ""


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
