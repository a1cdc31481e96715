"""What a stand-in service witnessed of a conversation, over all its connections, in its own words.

The other side of the journal: taken from the wire and the service's memory, never from the client.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.fakes.ga_server import GaServer
from voicechat.conversation.journal import JournalItem

PAST = "msg_past_"
"""How the client calls items that only tell what was said before."""


@dataclass
class Heard:
    """All that was said to the service and by it."""

    questions: list[tuple[int, str, str]] = field(default_factory=list)
    """(connection, item id, text) of every message typed, each time it arrived."""
    turns: list[tuple[int, str]] = field(default_factory=list)
    """(connection, item id) of every spoken turn that was taken in."""
    replies: dict[str, str] = field(default_factory=dict)
    """Item id: the words sent of it so far."""
    finished: list[str] = field(default_factory=list)
    """Item ids of replies whose `response.done` (completed) was sent, in order."""
    known: list[list[tuple[str, str]]] = field(default_factory=list)
    """What each session knew at its end: who, and which words."""


def observe(server: GaServer) -> Heard:
    """What a service has witnessed so far."""
    heard = Heard()
    for entry in server.log.entries:
        message = entry.get("message") or {}
        match entry["dir"], entry.get("type"):
            case "in", "conversation.item.create":
                _take_item(heard, entry["conn"], message["item"])
            case "out", "input_audio_buffer.committed":
                heard.turns.append((entry["conn"], message["item_id"]))
            case "out", "response.output_text.delta" | "response.output_audio_transcript.delta":
                item_id = message["item_id"]
                heard.replies[item_id] = heard.replies.get(item_id, "") + message["delta"]
            case "out", "response.done" if message["response"]["status"] == "completed":
                heard.finished += [item["id"] for item in message["response"]["output"]]
    for session in server.sessions:
        items = [item.data for item in session.conversation.items]
        heard.known.append([(str(item.get("role", "tool")), _words(item)) for item in items])
    return heard


def _take_item(heard: Heard, conn: int, item: dict[str, object]) -> None:
    item_id = str(item.get("id", ""))
    if item.get("role") == "user" and not item_id.startswith(PAST):
        heard.questions.append((conn, item_id, _words(item)))


def _words(item: dict[str, object]) -> str:
    parts = item.get("content")
    said = [part.get("text") or part.get("transcript") or "" for part in parts or []]  # type: ignore[attr-defined]
    return "".join(said)


def differences(items: Sequence[JournalItem], heard: Heard, said: Sequence[str]) -> list[str]:
    """What a journal lost, doubled or changed; empty: it tells what was.

    Args:
        items: Of the journal.
        heard: What the service witnessed.
        said: What the user said, typed or spoken, in order; nothing of it over an answer.
    """
    found = _in_order(items, said)
    question, answers = "", 0
    for item in items:
        if item.role == "user":
            found += [f"lost: no answer to {question!r}"] if question and not answers else []
            question, answers = item.text, 0
        elif item.role == "assistant":
            answers += 1
            found += [f"doubled: {answers} answers to {question!r}"] if answers > 1 else []
            found += _in_words(item, heard)
    return found + ([f"lost: no answer to {question!r}"] if question and not answers else [])


def _in_order(items: Sequence[JournalItem], said: Sequence[str]) -> list[str]:
    kept = [item.text for item in items if item.role == "user"]
    if kept == list(said):
        return []
    missing = [text for text in said if text not in kept]
    return [f"lost: {missing}" if missing else f"doubled or out of order: {kept}"]


def _in_words(item: JournalItem, heard: Heard) -> list[str]:
    """A whole answer has the service's words; one that broke off has the first of them."""
    words = heard.replies.get(item.id)
    if words is None:
        return [f"invented: {item.text!r}"]
    if not words.startswith(item.text):
        return [f"changed: {words!r} into {item.text!r}"]
    is_whole = not (item.cut or item.status)
    if is_whole and (words != item.text or item.id not in heard.finished):
        return [f"lost: the end of {words!r}"]
    return []
