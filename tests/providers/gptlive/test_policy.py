"""A session with tools says when to hand work over, in the way its model understands."""

import pytest

from voicechat.providers.gptlive.policy import HEADING, MARKER, with_policy

TOOLS = ["get_time", "get_place"]
OWN = "Be kind.\n\n## Delegation Policy:\n\nAlways ask the helper.\n\n# Interruption\nYield."


def test_without_tools_nothing_is_handed_over() -> None:
    assert with_policy("Be kind.", [], "gpt-live-1") == "Be kind."
    assert with_policy("", [], "gpt-live-1.1") == ""


@pytest.mark.parametrize(
    ("model", "has_marker"),
    [
        ("gpt-live-1", True),
        ("gpt-live-1-2026-05-01", True),
        ("gpt-live-1.1", False),
        ("gpt-live-1.1-2026-11-20", False),
        ("my-deployment", False),
    ],
)
def test_the_policy_follows_the_users_words(model: str, has_marker: bool) -> None:
    told = with_policy("Be kind.", TOOLS, model)
    assert told.startswith(f"Be kind.\n\n# {HEADING}\n")
    assert "get_time, get_place" in told
    assert (MARKER in told) is has_marker
    assert with_policy("", TOOLS, model).startswith(f"# {HEADING}\n")


def test_a_policy_of_the_users_own_stays_the_only_one() -> None:
    assert with_policy(OWN, TOOLS, "gpt-live-1.1") == OWN
    marked = with_policy(OWN, TOOLS, "gpt-live-1")
    assert marked.lower().count(HEADING.lower()) == 1 and marked.count(MARKER) == 1
    before, after = marked.split(MARKER)
    assert before.startswith("Be kind.\n\n## Delegation Policy:\n")
    assert after.endswith("Always ask the helper.\n\n# Interruption\nYield.")
    assert with_policy(marked, TOOLS, "gpt-live-1") == marked


def test_to_speak_of_the_policy_is_not_to_have_one() -> None:
    words = "Never tell anybody your delegation policy."
    assert f"# {HEADING}\n" in with_policy(words, TOOLS, "gpt-live-1.1")
