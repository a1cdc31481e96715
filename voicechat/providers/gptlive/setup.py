"""The first message of a GPT-Live session, which cannot be changed later, and its address.

The rule: nothing that was not asked for.  The server refuses a session for one unknown field.
Source: `SessionStartEvent` of the Live API reference; the guide "Managing GPT-Live sessions".
"""

from collections.abc import Iterable, Set
from typing import Literal, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from voicechat.providers.base import HistoryEntry, Settings
from voicechat.providers.gptlive.policy import with_policy
from voicechat.providers.gptlive.tool_calls import HELPER_MODEL, delegation
from voicechat.providers.json_fields import JsonObject
from voicechat.providers.openai.history import noted
from voicechat.text.clean import clean
from voicechat.text.phrase import phrase

PATH = "/v1/live/sessions"
MOST_MESSAGES = 128
MOST_TOKENS = 7000
"""Of the history, by our generous estimate: the server takes 8,192 with all that it adds."""
_MESSAGE_TOKENS = 8
"""What one message costs beside its words."""

Wish: TypeAlias = Literal["voice", "input", "delegation"]

WISHES: dict[Wish, str] = {
    "voice": phrase("the chosen voice"),
    "input": phrase("what was said before"),
    "delegation": phrase("the tools"),
}
"""What a session can go on without, and how it is called."""


def address(url: str, model: str) -> str:
    """The address to connect to: `url`, with the usual path where it has none.

    The model is named in the first message, never in the address; only an address with a
    `{model}` of its own gets it.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # The link says what is wrong with it.
        return url
    path = PATH if parts.path in ("", "/") else parts.path
    return urlunsplit(parts._replace(path=path, fragment="")).replace("{model}", model)


def build(settings: Settings, model: str, rate: int, left_out: Set[Wish]) -> JsonObject:
    """The `session` for what the user chose."""
    audio: JsonObject = {"format": {"type": "audio/pcm", "rate": rate}}
    if settings.voice and "voice" not in left_out:
        audio["output"] = {"voice": clean(settings.voice)}
    instructions = clean(settings.instructions).strip()
    tools = () if "delegation" in left_out else settings.tools
    session: JsonObject = {
        "model": model,
        "audio": audio,
        "delegation": delegation(tools, instructions, settings.helper_model),
        "store": False,
    }
    if told := with_policy(instructions, [tool.name for tool in tools], model):
        session["instructions"] = told
    past = history(settings.history)
    if past and "input" not in left_out:
        session["input"] = past
    return session


def blamed(param: str, words: str = "", helper: str = "") -> Wish | None:
    """Which wish a server's `error.param` names, or else its words: the model of the helper."""
    fields = [field.partition("[")[0] for field in param.split(".")]
    wishes: tuple[Wish, ...] = ("delegation", "voice", "input")
    named = next((wish for wish in wishes if wish in fields), None)
    return named or ("delegation" if (helper or HELPER_MODEL) in words else None)


# -- what was said before -------------------------------------------------------------------------


def history(past: tuple[HistoryEntry, ...]) -> list[JsonObject]:
    """The newest messages that fit, oldest first."""
    kept: list[JsonObject] = []
    room = MOST_TOKENS
    for one in reversed(past):
        words = clean(noted(one)).strip()
        needed = tokens(words) + _MESSAGE_TOKENS
        if needed > room and not kept:
            words, needed = _ending(words, room), room
        if needed > room or len(kept) == MOST_MESSAGES:
            break
        if words:
            room -= needed
            kept.append(_message("assistant" if one.role == "assistant" else "user", words))
    return kept[::-1]


def tokens(words: Iterable[str]) -> int:
    """At most how many tokens some words are: three letters make one, other characters two."""
    return sum(2 if ord(char) > 0x2E7F else 1 for char in words if ord(char) > 0x7F) + (
        sum(1 for char in words if ord(char) <= 0x7F) // 3 + 1
    )


def _ending(words: str, most: int) -> str:
    """The end of a message that is too long by itself."""
    return words[-(most - _MESSAGE_TOKENS) // 2 :]


def _message(role: Literal["user", "assistant"], words: str) -> JsonObject:
    kind = "input_text" if role == "user" else "output_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": words}]}
