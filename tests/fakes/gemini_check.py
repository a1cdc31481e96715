"""Whether a message of ours is one that Google's own Python package would send.

Its types know every field; `setup` is put together there from several of them, so it is taken
apart here.  The service reads names in one more spelling; ours are always in camel case.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from google.genai import types
from pydantic import BaseModel, ValidationError

JsonObject = dict[str, Any]

_CAMEL = re.compile(r"[a-z]+(?:[A-Z][a-z]*)*")
_BLOB = frozenset({"data"})
_FREE = frozenset({"response", "properties"})
"""Fields whose keys are anybody's."""


class Refused(AssertionError):
    """The service would not take it: the close code, and the reason it gives."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


def kind_of(message: JsonObject) -> str:
    """What a client message is: its only field, and the field of that for streamed input.

    Raises:
        Refused: it has none, or more than one.
    """
    if len(message) != 1:
        raise Refused(1007, f"Request contains an invalid argument. Fields: {sorted(message)}")
    name, content = next(iter(message.items()))
    if name != "realtimeInput":
        return name
    if not isinstance(content, dict) or len(content) != 1:
        raise Refused(1007, "realtimeInput must have one field")
    return f"realtimeInput.{next(iter(content))}"


def check(message: JsonObject) -> None:
    """Pass a client message that the official types allow.

    Raises:
        Refused: with the path of a field that is wrong or unknown.
    """
    kind_of(message)
    for path in _not_camel(message, ""):
        raise Refused(1007, f'Invalid JSON payload received. Unknown name "{path}".')
    content = dict(message)
    if isinstance(setup := content.get("setup"), dict):
        content["setup"] = _checked_parts(setup)
    _parse(types.LiveClientMessage, content)


def _checked_parts(setup: JsonObject) -> JsonObject:
    """The setup without what the package's type leaves open; that is looked at by itself."""
    rest = dict(setup)
    _parse(types.RealtimeInputConfig, rest.pop("realtimeInputConfig", {}))
    _parse(types.Content, rest.get("systemInstruction", {}))
    for tool in rest.pop("tools", []):
        _parse(types.Tool, tool)
    return rest


def _parse(model: type[BaseModel], value: Any) -> None:
    try:
        model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        first = error.errors()[0]
        *where, name = map(str, first["loc"] or ("?",))
        if first["type"] == "extra_forbidden":
            place = ".".join(where)
            reason = f"Invalid JSON payload received. Unknown name \"{name}\" at '{place}': "
            raise Refused(1007, f"{reason}Cannot find field.") from None
        raise Refused(1007, f"Invalid value at '{name}': {first['msg']}") from None


def _not_camel(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for member in value:
            yield from _not_camel(member, path)
    elif isinstance(value, dict):
        for name, member in value.items():
            if not _CAMEL.fullmatch(name):
                yield f"{path}.{name}"
            if name not in _BLOB | _FREE:
                yield from _not_camel(member, f"{path}.{name}")
