"""What one provider changes of another's dialect is public, and documented where it stands."""

from collections.abc import Iterator

import pytest

from voicechat.providers import dialect_class, names
from voicechat.providers.base import Dialect


def provider_of(kind: type) -> str:
    """The provider whose module a class stands in."""
    return kind.__module__.rpartition(".")[2].split("_")[0]


def private_overrides(kind: type) -> Iterator[str]:
    """Private methods and attributes that a dialect has again, though another's has them."""
    lineage = [one for one in kind.__mro__ if issubclass(one, Dialect)]
    for at, one in enumerate(lineage):
        for other in lineage[at + 1 :]:
            if provider_of(one) == provider_of(other):
                continue
            for name in vars(one):
                is_private = name.startswith("_") and not name.startswith("__")
                if is_private and name not in _OF_ABC and name in vars(other):
                    yield f"{one.__name__}.{name} overrides {other.__name__}'s"


_OF_ABC = ("_abc_impl",)


@pytest.mark.parametrize("provider", names())
def test_no_provider_overrides_what_is_private_to_another(provider: str) -> None:
    assert sorted(private_overrides(dialect_class(provider))) == []


def test_one_that_does_is_found() -> None:
    class Nosy(dialect_class("openai")):  # type: ignore[misc]
        def _want_reply(self) -> None:
            """Not mine to change."""

    assert list(private_overrides(Nosy)) == ["Nosy._want_reply overrides OpenAIDialect's"]


@pytest.mark.parametrize("provider", ["gemini", "glm", "gptlive"])
def test_a_language_of_its_own_has_a_dialect_of_its_own(provider: str) -> None:
    parents = dialect_class(provider).__mro__[1:]
    assert [one for one in parents if provider_of(one) not in ("base", "abc", "builtins")] == []
