"""Whether a message of ours is one that the provider's own Python package would send.

The official models let unknown fields pass, so those are looked for by hand, at every depth.
"""

from collections.abc import Iterator
from typing import Any, Literal, get_args

from openai.types.beta.realtime.realtime_client_event import RealtimeClientEvent as BetaEvent
from openai.types.realtime import RealtimeClientEvent as GaEvent
from pydantic import BaseModel, ValidationError

Shape = Literal["ga", "beta"]

__all__ = ["check"]


def _models(union: Any) -> dict[str, type[BaseModel]]:
    """The members of an annotated union of events, by the value of their `type`."""
    members = get_args(get_args(union)[0])
    return {get_args(member.model_fields["type"].annotation)[0]: member for member in members}


_MODELS = {"ga": _models(GaEvent), "beta": _models(BetaEvent)}


def check(message: dict[str, Any], shape: Shape = "ga") -> None:
    """Pass a client message that the official types allow.

    Raises:
        AssertionError: with the path of each field that is wrong or unknown.
    """
    kind = message.get("type")
    model = _MODELS[shape].get(str(kind))
    assert model is not None, f"type: there is no client event {kind!r}"
    try:
        event = model.model_validate(message, strict=True)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise AssertionError(f"{kind}: {'; '.join(wrong)}") from None
    unknown = list(_unknown(event, str(kind)))
    assert not unknown, f"unknown fields: {', '.join(unknown)}"


def _unknown(value: object, path: str) -> Iterator[str]:
    """Paths of fields that no official model declares."""
    if isinstance(value, BaseModel):
        yield from (f"{path}.{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name, None), f"{path}.{name}")
    elif isinstance(value, list):
        for at, member in enumerate(value):
            yield from _unknown(member, f"{path}[{at}]")
