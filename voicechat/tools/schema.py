"""Whether arguments fit the JSON Schema of a tool, as far as a model gets it wrong.

Looked at are `type`, `required`, `enum`, `properties`, `items` and `additionalProperties: false`
(JSON Schema 2020-12, validation 6.1 and core 10.3); whatever else a schema says lets pass.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

DEEPEST = 20
"""Levels that are looked at."""


def read_arguments(text: str) -> dict[str, Any]:
    """The JSON object that a model wrote; nothing at all is an empty one.

    Raises:
        ValueError: It is none; the text says so to the model.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant) if text.strip() else {}
    except (ValueError, RecursionError):
        raise ValueError("The arguments are not valid JSON") from None
    if not isinstance(value, dict):
        raise ValueError("The arguments are not a JSON object")
    return value


def find_fault(value: Any, schema: Any, where: str = "", depth: int = 0) -> str:
    """What is wrong with a value, in words for the model; empty: nothing."""
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return ""
    name = f"`{where}`" if where else "The argument object"
    if wrong := _type_fault(value, schema.get("type")):
        return f"{name} must be {wrong}"
    allowed = schema.get("enum")
    if isinstance(allowed, list) and not any(_is_same(value, one) for one in allowed):
        return f"{name} must be one of {json.dumps(allowed, ensure_ascii=False)[:300]}"
    if isinstance(value, dict):
        return _object_fault(value, schema, where, depth)
    if isinstance(value, list):
        parts = ((part, f"{where}[{at}]") for at, part in enumerate(value))
        faults = (find_fault(part, schema.get("items"), at, depth + 1) for part, at in parts)
        return next(filter(None, faults), "")
    return ""


def _object_fault(value: dict[str, Any], schema: Mapping[str, Any], where: str, depth: int) -> str:
    known = schema.get("properties")
    known = known if isinstance(known, Mapping) else {}
    required = schema.get("required")
    for name in required if isinstance(required, list) else ():
        if isinstance(name, str) and name not in value:
            return f"`{_path(where, name)}` is missing"
    is_closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
    for name, part in value.items():
        if name not in known and is_closed:
            return f"`{_path(where, name)[:100]}` is unknown"
        if fault := find_fault(part, known.get(name), _path(where, name), depth + 1):
            return fault
    return ""


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _type_fault(value: Any, kinds: Any) -> str:
    """The kinds that are allowed, if the value is of none of them."""
    wanted = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(wanted, list):
        return ""
    checks = [
        _TYPES.get(kind, _anything) if isinstance(kind, str) else _anything for kind in wanted
    ]
    return "" if not checks or any(check(value) for check in checks) else " or ".join(wanted)


def _anything(value: Any) -> bool:
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and value == value // 1


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": _is_whole,
}


def _is_same(value: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return bool(value == other and isinstance(value, bool) is isinstance(other, bool))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
