"""Strict reading of client messages where a provider publishes no Python types.

A shape is a type, a set of values, a list of one shape, an object (a dict whose keys ending in `!`
must be there; others than its keys must not), `Maybe` (null is good too), `Within` (a range), or a
function that raises.  A refusal has the code, words and path of the family's services.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.fakes.ga_check import Refused

Shape: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Maybe:
    shape: Shape


@dataclass(frozen=True, slots=True)
class Within:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Either:
    """One of several shapes of an object, told apart by a key's value."""

    key: str
    shapes: dict[str, Shape]


def check_shape(value: Any, shape: Shape, path: str = "") -> None:
    """Hold a value against a shape.

    Raises:
        Refused: It does not fit; `param` is where.
    """
    match shape:
        case Maybe(inner):
            if value is not None:
                check_shape(value, inner, path)
        case Within(low, high):
            _check_number(value, low, high, path)
        case Either(key, shapes):
            _check_object(value, path)
            check_shape(value.get(key), frozenset(shapes), f"{path}.{key}".lstrip("."))
            check_shape(value, shapes[value[key]], path)
        case dict():
            _check_members(value, shape, path)
        case list():
            _check_type(value, list, path)
            for index, member in enumerate(value):
                check_shape(member, shape[0], f"{path}[{index}]")
        case set() | frozenset():
            if not isinstance(value, str | type(None)) or value not in shape:
                raise Refused("invalid_value", f"Invalid value for '{path}': {value!r}.", path)
        case type():
            _check_type(value, shape, path)
        case _:
            shape(value, path)


def _check_type(value: Any, wanted: type, path: str) -> None:
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise Refused("invalid_type", f"Invalid type for '{path}': {type(value).__name__}.", path)


def _check_object(value: Any, path: str) -> None:
    _check_type(value, dict, path)


def _check_number(value: Any, low: float, high: float, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("invalid_type", f"Invalid type for '{path}': expected a number.", path)
    if not low <= value <= high:
        raise Refused("invalid_value", f"'{path}' is not between {low} and {high}.", path)


def _check_members(value: Any, shape: dict[str, Shape], path: str) -> None:
    _check_object(value, path)
    known = {key.rstrip("!"): key for key in shape}
    for key in value:
        if key not in known:
            here = f"{path}.{key}".lstrip(".")
            raise Refused("unknown_parameter", f"Unknown parameter: '{here}'.", here)
    for key, spelled in known.items():
        here = f"{path}.{key}".lstrip(".")
        if key in value:
            check_shape(value[key], shape[spelled], here)
        elif spelled.endswith("!"):
            words = f"Missing required parameter: '{here}'."
            raise Refused("missing_required_parameter", words, here)


def base64_of(most_bytes: int, *, whole: int = 1) -> Callable[[Any, str], None]:
    """Base64 of a multiple of `whole` bytes, at most so many."""

    def check(value: Any, path: str) -> None:
        _check_type(value, str, path)
        try:
            data = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise Refused("invalid_value", f"Invalid '{path}': not base64.", path) from None
        if not data or len(data) > most_bytes or len(data) % whole:
            raise Refused("invalid_value", f"Invalid '{path}': {len(data)} bytes.", path)

    return check


SOUND = base64_of(15 * 1024 * 1024, whole=2)


def check_kind(message: Any, shapes: dict[str, Shape]) -> None:
    """Hold a client message against the shape of its type; all may have an `event_id`.

    Raises:
        Refused: There is no such type, or the message does not fit.
    """
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in shapes:
        raise Refused("invalid_value", f"Invalid event type: {kind!r}.", "type")
    check_shape(message, {"type!": str, "event_id": str, **shapes[kind]})


USER_TEXT: Shape = {
    "id": str,
    "type!": frozenset({"message"}),
    "role!": frozenset({"user", "assistant", "system"}),
    "content!": [{"type!": frozenset({"input_text", "text", "output_text"}), "text!": str}],
}
TOOL_OUTPUT: Shape = {
    "id": str,
    "type!": frozenset({"function_call_output"}),
    "call_id!": str,
    "output!": str,
}
ITEM: Shape = Either("type", {"message": USER_TEXT, "function_call_output": TOOL_OUTPUT})
"""What a client of the smaller members may create."""
BUFFER: dict[str, Shape] = {
    "input_audio_buffer.append": {"audio!": SOUND},
    "input_audio_buffer.commit": {},
    "input_audio_buffer.clear": {},
}
FLAT_TOOL: Shape = {
    "type!": frozenset({"function"}),
    "name!": str,
    "description": str,
    "parameters!": dict,
}
NESTED_TOOL: Shape = {
    "type!": frozenset({"function"}),
    "function!": {"name!": str, "description": str, "parameters!": dict},
}
