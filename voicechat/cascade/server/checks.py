"""Checks for JSON from a client: each returns the clean value or refuses as the real service does.

A check takes the value and its path (`session.audio.input.format.rate`), which becomes `param`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[Any, str], Any]

_NAMES = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


class Refusal(Exception):
    """One client event is refused: becomes an `error` event, and the session goes on."""

    def __init__(
        self,
        code: str | None,
        message: str,
        param: str | None = None,
        *,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind


def clean(value: str) -> str:
    """The text without halves of surrogate pairs, which JSON allows and UTF-8 does not."""
    return value.encode("utf-8", "replace").decode()


def mend(value: str) -> str:
    """The text with pairs of surrogates joined (they may come one by one) and halves replaced."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _wrong_type(value, path, "a string")
    return clean(value)


def short_text(longest: int) -> Check:
    def check(value: Any, path: str) -> str:
        if len(text(value, path)) <= longest:
            return text(value, path)
        message = f"Invalid '{path}': string too long. Expected a string with maximum length"
        raise Refusal("string_above_max_length", f"{message} {longest}.", path)

    return check


def flag(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(value, path, "a boolean")
    return value


def integer(low: int, high: int) -> Check:
    def check(value: Any, path: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong_type(value, path, "an integer")
        _refuse_outside(value, low, high, path, "integer")
        return value

    return check


def number(low: float, high: float) -> Check:
    def check(value: Any, path: str) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise _wrong_type(value, path, "a decimal")
        _refuse_outside(value, low, high, path, "decimal")
        return value

    return check


def one_of(*choices: str) -> Check:
    def check(value: Any, path: str) -> str:
        if text(value, path) not in choices:
            raise wrong_value(value, path, choices)
        return text(value, path)

    return check


def nullable(inner: Check) -> Check:
    return lambda value, path: None if value is None else inner(value, path)


def anything(value: Any, path: str) -> Any:
    return value


def mapping(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong_type(value, path, "an object")
    return value


def array(inner: Check, longest: int = 1024) -> Check:
    def check(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong_type(value, path, "an array")
        if len(value) > longest:
            raise Refusal(
                "array_above_max_length",
                f"Invalid '{path}': array too long. Expected at most {longest} elements.",
                path,
            )
        return [inner(entry, f"{path}[{index}]") for index, entry in enumerate(value)]

    return check


def struct(entries: Mapping[str, Check], required: Sequence[str] = ()) -> Check:
    """An object with these keys and no others; absent ones stay absent."""

    def check(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong_type(value, path, "an object")
        for key in required:
            require(value, key, path)
        for key in value:
            if key not in entries:
                where = clean(_join(path, key)[:200])
                raise Refusal("unknown_parameter", f"Unknown parameter: '{where}'.", where)
        return {key: entries[key](entry, _join(path, key)) for key, entry in value.items()}

    return check


def by_type(kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` says which check applies."""

    def check(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong_type(value, path, "an object")
        require(value, "type", path)
        kind = one_of(*kinds)(value["type"], _join(path, "type"))
        return kinds[kind](value, path)

    return check


def pairs(value: Any, path: str) -> dict[str, str]:
    """Metadata: at most 16 pairs, keys up to 64 and values up to 512 characters."""
    if not isinstance(value, dict):
        raise _wrong_type(value, path, "an object")
    if len(value) > 16:
        message = f"Invalid '{path}': too many properties. Expected at most 16."
        raise Refusal("object_above_max_properties", message, path)
    return {
        short_text(64)(key, path): short_text(512)(entry, _join(path, clean(key[:64])))
        for key, entry in value.items()
    }


def require(value: Mapping[str, Any], key: str, path: str = "") -> Any:
    if key not in value:
        where = _join(path, key)
        raise Refusal(
            "missing_required_parameter", f"Missing required parameter: '{where}'.", where
        )
    return value[key]


def wrong_value(value: Any, path: str, choices: Sequence[str]) -> Refusal:
    quoted = [f"'{choice}'" for choice in choices]
    known = " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))
    shown = clean(str(value)[:100])
    message = f"Invalid value: '{shown}'. Supported values are: {known}."
    return Refusal("invalid_value", message, path)


def _wrong_type(value: Any, path: str, expected: str) -> Refusal:
    got = _NAMES.get(type(value), "something else")
    message = f"Invalid type for '{path}': expected {expected}, but got {got} instead."
    return Refusal("invalid_type", message, path)


def _refuse_outside(value: float, low: float, high: float, path: str, kind: str) -> None:
    if low <= value <= high:
        return
    # Written so that NaN, which JSON readers accept, is "above" too.
    side, limit, sign = ("below_min", low, ">=") if value < low else ("above_max", high, "<=")
    words = side.replace("_", " ").replace("min", "minimum").replace("max", "maximum")
    message = f"Invalid '{path}': {kind} {words} value. Expected a value {sign} {limit}"
    raise Refusal(f"{kind}_{side}_value", f"{message}, but got {str(value)[:40]} instead.", path)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
