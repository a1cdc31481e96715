"""`voicechat conversations` and `voicechat export`: what was kept, as a list or one of it whole."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from voicechat.conversation.journal import Loaded, StoredConversation, export
from voicechat.front.plain.output import complain
from voicechat.front.words.words import IN_ENGLISH, Words
from voicechat.text.phrase import phrase
from voicechat.text.visible import visible_json


def list_conversations(
    found: Sequence[StoredConversation], *, as_json: bool, words: Words = IN_ENGLISH
) -> int:
    """Print the conversations, newest first: two lines each, or one JSON array."""
    if as_json:
        _write(visible_json([asdict(kept) for kept in found], indent=1))
        return 0
    for kept in found:
        facts = (kept.id, _local(kept.last), words.told(_count(kept)), kept.model)
        _write("  ".join(fact for fact in facts if fact))
        for remark in filter(None, (kept.words, kept.problem, _damage(kept))):
            _write(f"    {words.told(remark)}")
    if not found:
        _write(words.told(phrase("No conversation was kept so far.")))
    return 0


def print_conversation(name: str, loaded: Loaded, kind: str, words: Words = IN_ENGLISH) -> int:
    """Print one as `md`, `txt` or `json`; what could not be read is told on stderr."""
    sys.stdout.write(export(name, loaded, kind))
    if loaded.damaged_lines:
        told = phrase(
            "{lines} of conversation {name} cannot be read; the rest is here",
            lines=_lines(loaded.damaged_lines),
            name=name,
        )
        complain(words.told(told))
    return 0


def _local(moment: str) -> str:
    if not moment:
        return ""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def _count(kept: StoredConversation) -> str:
    return phrase("1 row") if kept.rows == 1 else phrase("{count} rows", count=kept.rows)


def _damage(kept: StoredConversation) -> str:
    lines = kept.damaged_lines
    return phrase("{lines} cannot be read", lines=_lines(lines)) if lines else ""


def _lines(count: int) -> str:
    return phrase("1 line") if count == 1 else phrase("{count} lines", count=count)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
