"""What a model cannot do is known from facts, and said with what to do instead."""

from dataclasses import replace

import pytest

from voicechat.providers import dialect_class, names
from voicechat.session.capability import What, lack

ABLE = replace(dialect_class("openai").profile, text_input="yes", images=True, can_truncate=True)


@pytest.mark.parametrize("what", ["text", "images", "truncation"])
def test_a_model_that_can_do_all_lacks_nothing(what: What) -> None:
    assert lack(ABLE, "able", what) is None


def test_what_is_missing_is_said_with_the_models_name() -> None:
    for what, profile in (
        ("text", replace(ABLE, text_input="no")),
        ("images", replace(ABLE, images=False)),
        ("truncation", replace(ABLE, can_truncate=False)),
    ):
        notice = lack(profile, "poor-model", what)  # type: ignore[arg-type]
        assert notice and "poor-model" in notice.message and "\n" not in notice.message


def test_a_model_that_may_ignore_text_is_still_written_to() -> None:
    assert lack(replace(ABLE, text_input="unsure"), "unsure", "text") is None


def test_a_blind_model_of_a_provider_that_takes_pictures_is_shown_none() -> None:
    notice = lack(ABLE, "blind", "images", sees=False)
    assert notice and "blind sees no pictures" in notice.message
    assert lack(ABLE, "blind", "text", sees=False) is None


@pytest.mark.parametrize("name", names())
def test_every_provider_says_what_it_is(name: str) -> None:
    profile = dialect_class(name).profile
    for what in ("text", "images", "truncation"):
        notice = lack(profile, "it", what)
        assert notice is None or notice.code.startswith("no_")
