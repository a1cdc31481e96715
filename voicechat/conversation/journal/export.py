"""A conversation as a text for people (Markdown or plain) or for programs (one JSON object).

Of a reply that was cut the words that were heard stand first, with a mark; drafts of a crash are
marked too.  Times are the reader's own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime

from voicechat.conversation.journal.reading import JournalItem, Loaded
from voicechat.text.visible import visible_json

_WHO = {"user": "You", "assistant": "Model", "tool": "Tool"}
_MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>#|~&!"})


def export(name: str, loaded: Loaded, kind: str) -> str:
    """The whole conversation, ending with a line end.

    Args:
        name: The id of the conversation.
        kind: `md`, `txt` or `json`.
    """
    return FORMATS[kind](name, loaded)


def _as_json(name: str, loaded: Loaded) -> str:
    about = {**loaded.header, "id": name, "damaged_lines": loaded.damaged_lines}
    about.pop("type", None)
    items = [asdict(item) for item in loaded.items]
    return visible_json({**about, "items": items}, indent=1) + "\n"


def _as_text(name: str, loaded: Loaded) -> str:
    says = "".join(f"\n{_who(item)}:\n{_words(item)}\n" for item in loaded.items)
    return f"Conversation {name}\n{_about(loaded)}{says}"


def _as_markdown(name: str, loaded: Loaded) -> str:
    says = "".join(_paragraph(item) for item in loaded.items)
    return f"# Conversation {name}\n\n{_about(loaded)}{says}"


def _paragraph(item: JournalItem) -> str:
    """Words as they were said: nothing in them is a heading, a list, a link or a picture."""
    lines = _words(item).translate(_MARKDOWN).split("\n")
    return f"\n**{_who(item).translate(_MARKDOWN)}**\n\n" + "".join(
        f"> {_shield(line)}  \n" for line in lines
    )


def _shield(line: str) -> str:
    """A line that starts as a list or a rule would, kept from being one."""
    bare = line.lstrip()
    return f"\\{bare}" if bare[:1] in ("-", "+", "=") else _shield_number(bare)


def _shield_number(line: str) -> str:
    digits = len(line) - len(line.lstrip("0123456789"))
    is_list = digits and line[digits : digits + 1] in (".", ")")
    return f"{line[:digits]}\\{line[digits:]}" if is_list else line


def _about(loaded: Loaded) -> str:
    return "".join(f"{line}\n" for line in _facts(loaded))


def _facts(loaded: Loaded) -> Iterator[str]:
    if started := _moment(loaded.header.get("started"), "%Y-%m-%d %H:%M"):
        yield f"Began {started}"
    if loaded.damaged_lines:
        yield f"Lines that could not be read: {loaded.damaged_lines}"


def _who(item: JournalItem) -> str:
    facts = [item.model, _moment(item.time, "%H:%M"), "spoken" if item.spoken else ""]
    told = ", ".join(fact for fact in facts if fact)
    return _WHO[item.role] + (f" ({told})" if told else "")


def _words(item: JournalItem) -> str:
    text = item.heard_text if item.cut else item.text
    mark = _mark(item)
    picture = "[picture] " if item.code == "picture" else ""
    return picture + " ".join(part for part in (text, mark) if part)


def _mark(item: JournalItem) -> str:
    if item.cut:
        how = "broken off" if item.status else "cut"
        return f"[{how}: the rest was not heard]" if item.text != item.heard_text else f"[{how}]"
    if item.status:
        return "[failed]" if item.status == "failed" else "[broken off]"
    return "" if item.text else "[no words]"


def _moment(text: object, form: str) -> str:
    try:
        return datetime.fromisoformat(str(text)).astimezone().strftime(form)
    except (ValueError, OverflowError, OSError):
        return ""


FORMATS: Mapping[str, Callable[[str, Loaded], str]] = {
    "md": _as_markdown,
    "txt": _as_text,
    "json": _as_json,
}
