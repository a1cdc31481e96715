"""Recorded conversations: read them, replay them, and write down what the dialect makes of them.

A recording is `tests/wire/<provider>/<name>.jsonl`.  Its first line holds `title`, `settings` (of
`Settings`) and, where the server does not speak the general release, `shapes`.  Every other line
has `at` (seconds) and `from`:

    server   `message` (an object) or `raw` (text as it came)
    user     `command` (its class) and the command's fields
    clock    nothing: time passes
    link     `code` and `reason` of the close

Sound is written as `{"silence_ms": 250}`, which stands for so much PCM16 silence at 24 kHz.
Beside it lies `<name>.txt`: what must come out, read by people in a diff.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from voicechat import events
from voicechat.events import Command, Event, Heard, Tool
from voicechat.providers import dialect_class
from voicechat.providers.base import Dialect, HistoryEntry, Outgoing, Settings, Vad

JsonObject = dict[str, Any]

WIRE = Path(__file__).parent.parent / "wire"
KEY = "sk-test-0123456789abcdef"
_LONGEST = 120


def recordings() -> list[Path]:
    return sorted(WIRE.glob("*/*.jsonl"))


def read(recording: Path) -> tuple[JsonObject, list[JsonObject]]:
    """The head and the entries of a recording."""
    head, *entries = map(json.loads, recording.read_text("utf-8").splitlines())
    return head, entries


def dialect_of(provider: str, head: JsonObject) -> Dialect:
    chosen = dict(head.get("settings", {}))
    vad = Vad(**chosen.pop("vad", {}))
    chosen["tools"] = tuple(Tool(**tool) for tool in chosen.get("tools", ()))
    chosen["history"] = tuple(HistoryEntry(*one) for one in chosen.get("history", ()))
    kind = dialect_class(provider)
    chosen = {"model": kind.profile.default_model, "api_key": KEY, **chosen}
    return kind(Settings(vad=vad, **chosen))


def command(entry: JsonObject) -> Command:
    kind = getattr(events, entry["command"])
    given = {f.name: entry[f.name] for f in fields(kind) if f.name in entry}
    if "pcm" in given:
        given["pcm"] = base64.b64decode(_with_sound(given["pcm"]))
    if "data" in given:
        given["data"] = base64.b64decode(given["data"])
    if "heard" in given:
        given["heard"] = tuple(Heard(**part) for part in given["heard"])
    made: Command = kind(**given)
    return made


def server_text(entry: JsonObject) -> str:
    return entry["raw"] if "raw" in entry else json.dumps(_with_sound(entry["message"]))


def _with_sound(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"silence_ms"}:
            return base64.b64encode(bytes(value["silence_ms"] * 48)).decode()
        return {key: _with_sound(member) for key, member in value.items()}
    return [_with_sound(member) for member in value] if isinstance(value, list) else value


def replay(recording: Path) -> Iterator[tuple[str, list[Event], list[JsonObject]]]:
    """Every entry as a line of words, the events it gave, and the messages it made us send."""
    head, _ = read(recording)
    for words, given, messages in played(dialect_of(recording.parent.name, head), recording):
        yield words, given, [json.loads(message.text) for message in messages]


def played(dialect: Dialect, recording: Path) -> Iterator[tuple[str, list[Event], list[Outgoing]]]:
    """The same with a dialect of one's own, and with what is told of each message."""
    dialect.open(0.0)
    yield "  0.000 open", [], dialect.data_to_send()
    for entry in read(recording)[1]:
        words, given = _step(dialect, entry)
        yield f"{entry['at']:7.3f} {words}", given, dialect.data_to_send()


def _step(dialect: Dialect, entry: JsonObject) -> tuple[str, list[Event]]:
    match entry["from"]:
        case "server":
            said = entry["raw"] if "raw" in entry else kind_of(entry["message"])
            return f"server {said}", dialect.receive(server_text(entry), entry["at"])
        case "user":
            given = command(entry)
            dialect.send(given, entry["at"])
            return f"user {shown(given)}", []
        case "clock":
            return "clock", dialect.tick(entry["at"])
        case "link":
            error = dialect.closed(entry["code"], entry["reason"])
            name = f"{type(error).__name__}: {error}" if error else "nothing special"
            return f"link closed {entry['code']} {entry['reason']!r}: {name}", []
    raise ValueError(f"a recording cannot come from {entry['from']!r}")


def kind_of(message: JsonObject) -> str:
    """A server message's type; without one the names of its fields, and of those of its content."""
    if "type" in message:
        return str(message["type"])
    content = message.get("serverContent")
    inner = "+".join(content) if isinstance(content, dict) else ""
    outer = (f"{name}.{inner}" if name == "serverContent" else name for name in message)
    return ", ".join(outer) or "nothing"


def sent(dialect: Dialect) -> list[JsonObject]:
    return [json.loads(message.text) for message in dialect.data_to_send()]


def golden(recording: Path) -> str:
    """The whole replay as text."""
    lines = [f"# {read(recording)[0]['title']}"]
    for words, given, messages in replay(recording):
        lines.append(words)
        lines += [f"          = {shown(event)}" for event in given]
        lines += [f"          > {_short(message)}" for message in messages]
    return "\n".join(lines) + "\n"


def shown(value: Event | Command | Heard | events.Usage) -> str:
    """A value on one line, without fields that hold their default, sound as its length."""
    said = []
    for f in fields(value):
        held = getattr(value, f.name)
        if held != f.default or f.name == "final":
            said.append(f"{f.name}={_field(held)}")
    return f"{type(value).__name__}({', '.join(said)})"


def _field(held: object) -> str:
    if isinstance(held, bytes):
        return f"<{len(held)} bytes>"
    if isinstance(held, tuple):
        parts = (part if isinstance(part, str) else shown(part) for part in held)
        return f"[{', '.join(parts)}]"
    return shown(held) if isinstance(held, events.Usage) else repr(held)


def _short(message: JsonObject) -> str:
    return json.dumps(_shortened(message), ensure_ascii=False)


def _shortened(value: Any) -> Any:
    """A message with long sound as its length, at any depth."""
    if isinstance(value, list):
        return [_shortened(part) for part in value]
    if isinstance(value, dict):
        return {name: _shortened(part) for name, part in value.items()}
    is_long = isinstance(value, str) and len(value) > _LONGEST and " " not in value
    return f"<{len(value)} characters>" if is_long else value
